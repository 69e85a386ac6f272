//! What the values of a row mean: as people and programs write them, and never a guess.

use std::fmt::Display;

use crate::domain::local_time::{day_bounds, rfc3339};
use crate::domain::money::Currency;
use crate::domain::shop::Shop;
use crate::domain::text::{self, InvalidText};
use crate::domain::time::Timestamp;
use crate::domain::time_input::{InvalidTime, parse_date, parse_instant};
use crate::domain::vin::vpic::Vpic;
use crate::store::importing::Text;

/// What is needed to understand values: the shop's zone, region and currency, the time, and the vehicle
/// data.
#[derive(Clone, Debug)]
pub struct Reading {
    pub shop: Shop,
    pub now: Timestamp,
    pub vpic: Vpic<'static>,
}

/// Why a row is rejected: a sentence that begins with the column.
pub type Reason = String;

/// The longest part of a value that a reason repeats, in characters.
const SHOWN: usize = 40;

/// The reason that names the column and shows the value.
pub fn wrong(column: &str, value: &str, why: impl Display) -> Reason {
    let shown: String = value.chars().filter(|c| !c.is_control()).take(SHOWN).collect();
    format!("{column} \"{shown}\" {why}")
}

/// A name, trimmed.
pub fn name(column: &str, value: &str) -> Result<Text, Reason> {
    checked(column, text::name(value))
}

/// Free text, as it was said.
pub fn free_text(column: &str, value: &str) -> Result<Text, Reason> {
    on_unix_lines(column, value, text::free_text)
}

/// A customer's notes, which may be those of several merged records.
pub fn notes(column: &str, value: &str) -> Result<Text, Reason> {
    on_unix_lines(column, value, text::merged_notes)
}

/// Programs on Windows end lines with two characters; the shop's texts with one.
fn on_unix_lines(
    column: &str,
    value: &str,
    read: fn(&str) -> Result<String, InvalidText>,
) -> Result<Text, Reason> {
    if value.contains('\r') {
        return checked(column, read(&value.replace("\r\n", "\n")));
    }
    checked(column, read(value))
}

fn checked(column: &str, text: Result<String, InvalidText>) -> Result<Text, Reason> {
    text.map(String::into_boxed_str).map_err(|wrong| format!("{column} {wrong}"))
}

/// `true`, `yes`, `y`, `1` or the opposite, in any letter case.
pub fn flag(column: &str, value: &str) -> Result<bool, Reason> {
    match value.to_ascii_lowercase().as_str() {
        "true" | "t" | "yes" | "y" | "1" => Ok(true),
        "false" | "f" | "no" | "n" | "0" => Ok(false),
        _ => Err(wrong(column, value, "is neither true nor false")),
    }
}

/// A whole number; commas may part its thousands.
pub fn whole(column: &str, value: &str, least: i64, most: i64) -> Result<i64, Reason> {
    let number = digits(value).and_then(|digits| digits.parse::<i64>().ok());
    match number {
        Some(number) if (least..=most).contains(&number) => Ok(number),
        Some(_) => Err(wrong(column, value, format_args!("must be from {least} to {most}"))),
        None => Err(wrong(column, value, "is not a whole number")),
    }
}

/// The digits of a number; `None` where commas stand elsewhere than before groups of three.
fn digits(text: &str) -> Option<String> {
    let mut groups = text.split(',');
    let first = groups.next()?;
    let is_grouped = text.contains(',');
    let well_formed = !first.is_empty()
        && first.len() <= if is_grouped { 3 } else { 18 }
        && groups.all(|group| group.len() == 3);
    let digits: String = text.chars().filter(|&c| c != ',').collect();
    let plain = well_formed && digits.len() <= 18 && digits.bytes().all(|c| c.is_ascii_digit());
    plain.then_some(digits)
}

/// An amount in the smallest unit of the currency; its sign may stand before it, commas may part its
/// thousands, and it has at most the currency's decimals.
pub fn amount(column: &str, value: &str, currency: Currency) -> Result<i64, Reason> {
    let exponent = currency.exponent().map_or(0, usize::from);
    let number = value.strip_prefix(&currency.symbol().to_string()).unwrap_or(value);
    let number = number.strip_prefix(currency.code()).unwrap_or(number).trim();
    let (major, minor) = number.split_once('.').unwrap_or((number, ""));
    let minor = minor.trim_end_matches('0');
    let is_plain = minor.bytes().all(|digit| digit.is_ascii_digit()) && !number.ends_with('.');
    let Some(major) = digits(major).filter(|_| is_plain) else {
        return Err(wrong(column, value, "is not an amount; write it as 149.95"));
    };
    if minor.len() > exponent {
        let code = currency.code();
        return Err(wrong(column, value, format_args!("has more decimals than {code} has")));
    }
    let minor_units = format!("{major}{minor:0<exponent$}").parse::<i64>();
    minor_units.map_err(|_| wrong(column, value, "is too large"))
}

/// An instant; without an offset it is the shop's local time.
pub fn instant(column: &str, value: &str, reading: &Reading) -> Result<Timestamp, Reason> {
    // The name of a day means another one tomorrow, when the same file is imported again.
    if !value.starts_with(|c: char| c.is_ascii_digit()) {
        return Err(wrong(column, value, "is not a time; write 2027-01-15T09:00"));
    }
    parse_instant(value, reading.now, reading.shop.zone)
        .map_err(|error| wrong(column, value, told(error, reading)))
}

/// An instant, or the day on which it was.
pub fn instant_or_day(column: &str, value: &str, reading: &Reading) -> Result<Timestamp, Reason> {
    if let Ok(date) = parse_date(value) {
        return Ok(day_bounds(date, reading.shop.zone).start);
    }
    instant(column, value, reading)
}

fn told(error: InvalidTime, reading: &Reading) -> String {
    let zone = reading.shop.zone;
    match error {
        InvalidTime::Skipped { before, after } => format!(
            "{error}; the nearest real times are {} and {}",
            rfc3339(before, zone),
            rfc3339(after, zone)
        ),
        // Days are not called by their names in a file.
        error => error.to_string().replace(
            ", 2027-01-15T09:00:00-05:00 or tomorrow 09:00",
            " or 2027-01-15T09:00:00-05:00",
        ),
    }
}

/// One of a few words; letter case does not count, and spaces and hyphens are underscores.
pub fn choice<T: Copy>(
    column: &str,
    value: &str,
    all: &[T],
    word: impl Fn(T) -> &'static str,
) -> Result<T, Reason> {
    if let Some(found) = all.iter().find(|one| word(**one) == value) {
        return Ok(*found);
    }
    let plain = value.to_ascii_lowercase().replace([' ', '-'], "_");
    all.iter().find(|one| word(**one) == plain).copied().ok_or_else(|| {
        let words: Vec<&str> = all.iter().map(|one| word(*one)).collect();
        wrong(column, value, format_args!("is none of {}", words.join(", ")))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_as_people_write_them() {
        let check = |text: &str, expected: Option<i64>| {
            assert_eq!(whole("n", text, 0, 1_000_000).ok(), expected, "{text}");
        };
        check("12000", Some(12_000));
        check("12,000", Some(12_000));
        check("0", Some(0));
        check("1,000,000", Some(1_000_000));
        for bad in [
            "", "12,00", ",000", "1,0000", "-1", "+1", "1.5", "12 000", "1e3", "1000001",
            "1234,567",
        ] {
            check(bad, None);
        }
    }

    #[test]
    fn amounts_are_exact() {
        let check = |text: &str, currency: Currency, expected: Option<i64>| {
            assert_eq!(amount("price", text, currency).ok(), expected, "{text}");
        };
        check("149.95", Currency::USD, Some(14_995));
        check("$1,234.5", Currency::USD, Some(123_450));
        check("USD 7", Currency::USD, Some(700));
        check("0.10", Currency::USD, Some(10));
        check("149.950", Currency::USD, Some(14_995));
        check("1000", Currency::JPY, Some(1_000));
        check("1.234", Currency::KWD, Some(1_234));
        for bad in ["", "1.005", "12,50", "1.", ".5", "-1", "1e2", "€5", "1.2.3"] {
            check(bad, Currency::USD, None);
        }
        check("1.5", Currency::JPY, None);
    }

    #[test]
    fn words_are_read_in_any_writing() {
        let words = ["oil_change", "other"];
        let check = |text: &str, expected: Option<&str>| {
            assert_eq!(choice("service_type", text, &words, |word| word).ok(), expected, "{text}");
        };
        check("oil_change", Some("oil_change"));
        check("Oil Change", Some("oil_change"));
        check("OIL-CHANGE", Some("oil_change"));
        check("oil", None);
    }
}
