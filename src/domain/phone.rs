//! Phone numbers: any usual writing in, E.164 (`+12025550123`) inside and out.

use rlibphonenumber::{NumberLengthType, PHONE_NUMBER_UTIL, ParseError, PhoneNumberFormat, Region};
use serde::Serialize;

/// A number that a phone could have, in E.164 (ITU-T recommendation E.164).
#[derive(Clone, Debug, Eq, Hash, PartialEq, Serialize, sqlx::Type)]
#[serde(transparent)]
#[sqlx(transparent)]
pub struct PhoneNumber(String);

/// Why a text is no phone number; reads on after the name of the argument.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum InvalidPhone {
    /// A letter, an extension or a sign that no number has.
    #[error("must be written with digits, spaces and +()-./ alone; found {0:?}")]
    Character(char),
    /// A local number.
    #[error("lacks its area code; write it as (202) 555-0123 or +1 202 555 0123")]
    AreaCode,
    /// Too few or too many digits, or an unknown country code.
    #[error("cannot be a phone number; write it as (202) 555-0123 or +1 202 555 0123")]
    Impossible,
}

/// Whether `region` is a country code by which numbers can be read.
pub fn is_region(region: &str) -> bool {
    region_of(region)
        .is_some_and(|region| PHONE_NUMBER_UTIL.get_country_code_for_region(region).is_some())
}

impl PhoneNumber {
    /// Reads a number in any usual writing; without a country code it is one of `region`.
    ///
    /// No digit is dropped or changed, but for the prefixes that are dialled and are no part of
    /// the number (`0`, `00`, `011`).
    ///
    /// # Errors
    /// Where it holds more than digits and separators, or cannot be a number.
    pub fn parse(text: &str, region: &str) -> Result<Self, InvalidPhone> {
        let text = text.trim();
        if is_north_american_e164(text) {
            return Ok(Self(text.to_owned()));
        }
        if let Some(number) = north_american(text, region) {
            return Ok(Self(number));
        }
        Self::parse_by_metadata(text, region)
    }

    /// Reads a number by what is known of the numbers of all countries.
    fn parse_by_metadata(text: &str, region: &str) -> Result<Self, InvalidPhone> {
        check_characters(text)?;
        let number =
            PHONE_NUMBER_UTIL.parse(text, region_of(region)).map_err(|error| match error {
                ParseError::TooShortNsn => InvalidPhone::AreaCode,
                _ => InvalidPhone::Impossible,
            })?;
        match PHONE_NUMBER_UTIL.is_possible_number_with_reason(&number) {
            Ok(NumberLengthType::IsPossible) => {}
            Ok(NumberLengthType::IsPossibleLocalOnly) => return Err(InvalidPhone::AreaCode),
            Err(_) => return Err(InvalidPhone::Impossible),
        }
        let e164 = number.format_as(PhoneNumberFormat::E164).into_owned();
        let national = rlibphonenumber::get_national_significant_number_owned(&number);
        if keeps_every_digit(text, &national) {
            Ok(Self(e164))
        } else {
            Err(InvalidPhone::Impossible)
        }
    }

    /// The number in E.164.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Whether the text is a number of the North American Numbering Plan as the telephone network hands
/// it on: `+1`, an area code that begins with 2 to 9, ten digits in all.
///
/// Any such number is possible, so that it needs no reading by the metadata of all countries, which
/// would take longer to load than the rest of a session's first lookup.
fn is_north_american_e164(text: &str) -> bool {
    text.strip_prefix("+1").is_some_and(|national| {
        national.len() == 10
            && national.starts_with(|first| matches!(first, '2'..='9'))
            && national.bytes().all(|digit| digit.is_ascii_digit())
    })
}

/// The E.164 form of ten digits as people in the United States and Canada write them, with or without the
/// `1` before them. An import reads a million of them, which the metadata would take minutes for.
fn north_american(text: &str, region: &str) -> Option<String> {
    let (is_international, national) = match text.strip_prefix('+') {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    if !(is_international || matches!(region, "US" | "CA")) {
        return None;
    }
    let mut digits = String::with_capacity(11);
    for c in national.chars() {
        match c {
            '0'..='9' => digits.push(c),
            ' ' | '(' | ')' | '-' | '.' => {}
            _ => return None,
        }
    }
    // No area code begins with it.
    let has_prefix = is_international || digits.len() == 11;
    let national = if has_prefix { digits.strip_prefix('1')? } else { &digits };
    let number = format!("+1{national}");
    is_north_american_e164(&number).then_some(number)
}

fn region_of(code: &str) -> Option<Region> {
    Region::try_from(code).ok()
}

fn check_characters(text: &str) -> Result<(), InvalidPhone> {
    let is_usual = |(at, c): (usize, char)| {
        c.is_ascii_digit()
            || matches!(c, ' ' | '(' | ')' | '-' | '.' | '/')
            || (c == '+' && at == 0)
    };
    match text.char_indices().find(|&at| !is_usual(at)) {
        // Dashes and spaces as word processors write them.
        Some((_, '\u{2010}'..='\u{2015}' | '\u{A0}' | '\u{202F}')) => Ok(()),
        Some((_, c)) => Err(InvalidPhone::Character(c)),
        None if text.is_empty() => Err(InvalidPhone::Impossible),
        None => Ok(()),
    }
}

/// Whether the written digits end in the whole national number, so that none was lost on the way.
fn keeps_every_digit(text: &str, national: &str) -> bool {
    let written: String = text.chars().filter(char::is_ascii_digit).collect();
    written.ends_with(national)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, region: &str, expected: Result<&str, InvalidPhone>) {
        let number = PhoneNumber::parse(text, region);
        assert_eq!(number.as_ref().map(PhoneNumber::as_str), expected.as_ref().copied());
    }

    #[test]
    fn every_usual_writing_of_a_number_is_the_same_number() {
        for text in [
            "(202) 555-0123",
            "202-555-0123",
            "+1 202 555 0123",
            "2025550123",
            "12025550123",
            "202.555.0123",
            " +1 (202) 555-0123 ",
            "+12025550123",
            "1-202-555-0123",
        ] {
            check(text, "US", Ok("+12025550123"));
        }
        check("020 7946 0958", "GB", Ok("+442079460958"));
        check("+44 (0)20 7946 0958", "US", Ok("+442079460958"));
        check("011 44 20 7946 0958", "US", Ok("+442079460958"));
        check("+687 11.11.11", "US", Ok("+687111111"));
    }

    #[test]
    fn a_number_that_nobody_has_is_a_number_all_the_same() {
        check("+15555551234", "US", Ok("+15555551234"));
    }

    #[test]
    fn what_cannot_be_a_number_is_refused() {
        check("", "US", Err(InvalidPhone::Impossible));
        check("12", "US", Err(InvalidPhone::Impossible));
        check("202 555 0123 4", "US", Err(InvalidPhone::Impossible));
        check("+999 123 456", "US", Err(InvalidPhone::Impossible));
        check("00442079460958", "US", Err(InvalidPhone::Impossible));
        check("555-1234", "US", Err(InvalidPhone::AreaCode));
        check("1-800-FLOWERS", "US", Err(InvalidPhone::Character('F')));
        check("202 555 0123 x136", "US", Err(InvalidPhone::Character('x')));
        check("*67 415 555 0123", "US", Err(InvalidPhone::Character('*')));
        check("+3367a829916", "US", Err(InvalidPhone::Character('a')));
        check("202+5550123", "US", Err(InvalidPhone::Character('+')));
        check("\u{0}", "US", Err(InvalidPhone::Character('\u{0}')));
    }

    #[test]
    fn a_north_american_number_is_read_as_the_library_reads_it() {
        for area_code in 200..=999 {
            let text = format!("+1{area_code}5550123");
            assert!(is_north_american_e164(&text));
            check(&text, "US", Ok(&text));
            // With a space it goes the long way.
            check(&format!("+1 {area_code}5550123"), "US", Ok(&text));
        }
        for text in ["+11234567890", "+1202555012", "+120255501234", "+1202555012a", "12025550123"]
        {
            assert!(!is_north_american_e164(text), "{text}");
        }
    }

    #[test]
    fn what_north_americans_write_is_read_as_the_library_reads_it() {
        let check = |text: &str| {
            for region in ["US", "CA", "GB"] {
                let fast = PhoneNumber::parse(text, region);
                assert_eq!(
                    fast,
                    PhoneNumber::parse_by_metadata(text, region),
                    "{text} in {region}"
                );
            }
        };
        for area in (200..=999).step_by(7) {
            check(&format!("({area}) 555-0123"));
            check(&format!("{area}-555-0123"));
            check(&format!("{area}.555.0123"));
            check(&format!("1 {area} 555 0123"));
            check(&format!("+1 ({area}) 555-0123"));
            check(&format!("+{area}5550123"));
        }
        for text in [
            "1 1 202 555 0123",
            "11 202 555 0123",
            "+12 025 550 123",
            "202 555 012",
            "202 555 01234",
            "(202 555-0123",
            "1-(202)-555-0123",
            "011 44 20 7946 0958",
            "+1",
            "1",
            "",
        ] {
            check(text);
        }
    }

    #[test]
    fn regions_are_known_countries() {
        assert!(is_region("US") && is_region("DE"));
        assert!(!is_region("XX") && !is_region("usa") && !is_region(""));
    }
}
