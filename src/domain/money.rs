//! Money in integer minor units; a decimal only where a caller reads it.

use serde::{Serialize, Serializer};

pub use iso_currency::Currency;

/// An amount in the currency's smallest unit, such as cents.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct Money {
    /// The amount in the smallest unit.
    pub minor: i64,
    /// Of which currency.
    pub currency: Currency,
}

impl Money {
    /// How many digits the currency has after the point; none where ISO 4217 names none.
    fn exponent(self) -> u32 {
        self.currency.exponent().map_or(0, u32::from)
    }
}

impl Serialize for Money {
    /// A number in major units, `149.95`.
    ///
    /// An `f64` prints the shortest decimal that reads back as itself, so up to 15 digits come
    /// out exactly; that is beyond what any shop takes.
    #[expect(clippy::cast_precision_loss, reason = "15 digits are exact in an f64")]
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let minor_per_major = 10_i64.pow(self.exponent());
        serializer.serialize_f64(self.minor as f64 / minor_per_major as f64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(minor: i64, currency: Currency, expected: &str) {
        let json = serde_json::to_string(&Money { minor, currency }).expect("a number");
        assert_eq!(json, expected);
    }

    #[test]
    fn an_amount_reads_in_major_units() {
        check(14_995, Currency::USD, "149.95");
        check(0, Currency::USD, "0.0");
        check(-5, Currency::EUR, "-0.05");
        check(1_000, Currency::JPY, "1000.0");
        check(1_234, Currency::KWD, "1.234");
        check(99_999_999_999_999, Currency::USD, "999999999999.99");
    }
}
