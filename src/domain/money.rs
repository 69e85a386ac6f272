//! Money in integer minor units and quantities in thousandths; decimals only where a caller reads or
//! writes them.

use rust_decimal::Decimal;
use serde::{Serialize, Serializer};
use serde_json::Number;

pub use iso_currency::Currency;

/// The largest amount in minor units: 15 digits, which is what the numbers of JSON carry exactly.
pub const MAX_MINOR: i64 = 999_999_999_999_999;
/// The highest price of one unit, in minor units.
pub const MAX_PRICE_MINOR: i64 = 10_000_000_000;
/// The largest quantity of a line item, in thousandths.
pub const MAX_QUANTITY_MILLI: i64 = 100_000_000;
/// How many digits a quantity has after the point.
const QUANTITY_DIGITS: u32 = 3;

/// An amount in the currency's smallest unit, such as cents.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct Money {
    /// The amount in the smallest unit.
    pub minor: i64,
    /// Of which currency.
    pub currency: Currency,
}

/// How many units a line item is for, in thousandths: hours of work come in fractions.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct Quantity(pub i64);

/// Why a number is no amount or quantity; reads on after the name of the argument.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum InvalidDecimal {
    /// More digits after the point than there are units for.
    #[error("must have at most {allowed} digits after the point{}; this is {found}", .of.map(|of| format!(" in {}", of.code())).unwrap_or_default())]
    TooPrecise {
        /// How many are allowed.
        allowed: u32,
        /// Of which currency, where it is money.
        of: Option<Currency>,
        /// What was given.
        found: String,
    },
    /// Outside what is allowed.
    #[error("must be from {least} to {most}; this is {found}")]
    OutOfRange {
        /// The least that is allowed.
        least: String,
        /// The most that is allowed.
        most: String,
        /// What was given.
        found: String,
    },
}

impl Money {
    /// Reads an amount in major units, between two in minor ones.
    ///
    /// # Errors
    /// Where it has more digits after the point than the currency, or is out of range.
    pub fn read(
        number: &Number,
        currency: Currency,
        (least, most): (i64, i64),
    ) -> Result<Self, InvalidDecimal> {
        let digits = digits(currency);
        let minor = scaled(number, digits, Some(currency), (least, most))?;
        Ok(Self { minor, currency })
    }

    /// The amount as people write it, with its currency: `149.95 USD`.
    pub fn spoken(self) -> String {
        let amount = decimal(self.minor, digits(self.currency));
        format!("{amount} {}", self.currency.code())
    }
}

impl Quantity {
    /// Reads a quantity: more than nothing, with at most three digits after the point.
    ///
    /// # Errors
    /// Where it is not that, or too large.
    pub fn read(number: &Number) -> Result<Self, InvalidDecimal> {
        scaled(number, QUANTITY_DIGITS, None, (1, MAX_QUANTITY_MILLI)).map(Self)
    }

    /// What so many units come to: the exact product, rounded half away from zero to the minor unit.
    pub fn times(self, unit_price: Money) -> Money {
        let product = i128::from(self.0) * i128::from(unit_price.minor);
        let half = 500 * product.signum();
        let minor = (product + half) / 1_000;
        // Beyond every limit of an amount, so that whoever adds it up refuses the sum.
        let minor = i64::try_from(minor).unwrap_or(i64::MAX);
        Money { minor, currency: unit_price.currency }
    }
}

/// The sum, `None` where it is more than an amount may be.
pub fn sum(amounts: impl IntoIterator<Item = Money>) -> Option<i64> {
    let sum: i128 = amounts.into_iter().map(|amount| i128::from(amount.minor)).sum();
    i64::try_from(sum).ok().filter(|sum| sum.abs() <= MAX_MINOR)
}

/// How many digits the currency has after the point; none where ISO 4217 names none.
fn digits(currency: Currency) -> u32 {
    currency.exponent().map_or(0, u32::from)
}

/// Reads a number as so many units of its last allowed digit. A JSON number is read by its text,
/// which is the shortest that means it: 0.1 is one tenth and not the float beside it.
fn scaled(
    number: &Number,
    digits: u32,
    of: Option<Currency>,
    (least, most): (i64, i64),
) -> Result<i64, InvalidDecimal> {
    let text = number.to_string();
    let out_of_range = || InvalidDecimal::OutOfRange {
        least: decimal(least, digits),
        most: decimal(most, digits),
        found: text.clone(),
    };
    let too_precise = || InvalidDecimal::TooPrecise { allowed: digits, of, found: text.clone() };
    let read = if text.contains(['e', 'E']) {
        Decimal::from_scientific(&text)
    } else {
        Decimal::from_str_exact(&text)
    };
    let Ok(read) = read.map(|read| read.normalize()) else {
        // Beyond 28 digits, before the point or after it.
        let is_large = number.as_f64().is_none_or(|float| float.abs() >= 1.0);
        return Err(if is_large { out_of_range() } else { too_precise() });
    };
    let Some(missing) = digits.checked_sub(read.scale()) else { return Err(too_precise()) };
    let units = read.mantissa().checked_mul(10_i128.pow(missing));
    units
        .and_then(|units| i64::try_from(units).ok())
        .filter(|units| (least..=most).contains(units))
        .ok_or_else(out_of_range)
}

/// A number of units with its point: `14995` with two digits is `149.95`.
fn decimal(units: i64, digits: u32) -> String {
    Decimal::from_i128_with_scale(i128::from(units), digits).to_string()
}

/// Writes units of a last digit as a JSON number.
///
/// An `f64` prints the shortest decimal that reads back as itself, so up to 15 digits come out
/// exactly; no amount has more.
#[expect(clippy::cast_precision_loss, reason = "15 digits are exact in an f64")]
fn write<S: Serializer>(units: i64, digits: u32, serializer: S) -> Result<S::Ok, S::Error> {
    if digits == 0 {
        return serializer.serialize_i64(units);
    }
    serializer.serialize_f64(units as f64 / 10_i64.pow(digits) as f64)
}

impl Serialize for Money {
    /// A number in major units, `149.95`; a whole one where the currency has no minor unit.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        write(self.minor, digits(self.currency), serializer)
    }
}

impl Serialize for Quantity {
    /// A number, `1.5`; whole ones without a point.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.0 % 1_000 == 0 {
            write(self.0 / 1_000, 0, serializer)
        } else {
            write(self.0, QUANTITY_DIGITS, serializer)
        }
    }
}

#[cfg(test)]
mod tests;
