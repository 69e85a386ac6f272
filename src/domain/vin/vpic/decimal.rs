//! Decimal numbers as NHTSA's own database computes with them (Transact-SQL's `decimal`): exact,
//! with a scale that follows from the operands, and cut off, never rounded.

/// How many digits are read; NHTSA's displacements have fewer.
const MAX_DIGITS: usize = 12;

/// A number as digits and how many of them come after the point.
#[derive(Clone, Copy, Debug)]
pub struct Decimal {
    digits: i128,
    scale: u32,
}

impl Decimal {
    /// Reads a plain decimal number.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
        let digits = format!("{whole}{fraction}");
        let is_number = !digits.is_empty() && digits.bytes().all(|c| c.is_ascii_digit());
        if !is_number || digits.len() > MAX_DIGITS {
            return None;
        }
        let scale = u32::try_from(fraction.len()).ok()?;
        Some(Self { digits: digits.parse().ok()?, scale })
    }

    /// The product, with as many digits after the point as both have together.
    pub fn times(self, factor: Self) -> Option<Self> {
        let digits = self.digits.checked_mul(factor.digits)?;
        Some(Self { digits, scale: self.scale + factor.scale })
    }

    /// The quotient. `precision` is how many digits the divisor has as the database counts them.
    pub fn over(self, divisor: Self, precision: u32) -> Option<Self> {
        let scale = (self.scale + precision + 1).max(6);
        let power = 10_i128.checked_pow(scale + divisor.scale - self.scale)?;
        let digits = self.digits.checked_mul(power)?.checked_div(divisor.digits)?;
        Some(Self { digits, scale })
    }
}

impl std::fmt::Display for Decimal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let scale = usize::try_from(self.scale).unwrap_or_default();
        let digits = format!("{:0>width$}", self.digits, width = scale + 1);
        let (whole, fraction) = digits.split_at(digits.len() - scale);
        if scale == 0 { f.write_str(whole) } else { write!(f, "{whole}.{fraction}") }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decimal(text: &str) -> Decimal {
        Decimal::parse(text).expect("a number")
    }

    #[test]
    fn a_product_keeps_all_its_digits() {
        let product = |one, other| decimal(one).times(decimal(other)).map(|p| p.to_string());
        assert_eq!(product("2.4", "1000").as_deref(), Some("2400.0"));
        assert_eq!(product("183", "0.016387064").as_deref(), Some("2.998832712"));
        assert_eq!(product("0", "1000").as_deref(), Some("0"));
        assert_eq!(product("0.5", "0.1").as_deref(), Some("0.05"));
    }

    #[test]
    fn a_quotient_is_cut_off() {
        let quotient = |one, other, precision| {
            decimal(one).over(decimal(other), precision).map(|q| q.to_string())
        };
        assert_eq!(quotient("2.4", "0.016387064", 9).as_deref(), Some("146.45698582735"));
        assert_eq!(quotient("3996", "1000", 4).as_deref(), Some("3.996000"));
        assert_eq!(quotient("1", "0", 1), None);
    }

    #[test]
    fn what_is_no_plain_number_is_not_read() {
        for text in ["", ".", "-1", "1.8L", "1e3", "1.2.3", "1234567890123", "٣"] {
            assert!(Decimal::parse(text).is_none(), "{text}");
        }
        assert_eq!(decimal(".5").to_string(), "0.5");
    }
}
