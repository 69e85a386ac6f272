//! Vehicle identification numbers: what one is, its check digit and its model year.
//!
//! Sources: ISO 3779 and 49 CFR 565.15 (the check digit in (c), tables III to V; the model year
//! in (d)(1), tables VI and VII).

pub mod decoded;
pub mod make;
pub mod mends;
pub mod spoken;
pub mod vpic;
pub mod warnings;

use std::fmt::{self, Display, Formatter};
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// A vehicle identification number: 17 of the digits and the capital letters without I, O and Q.
///
/// Its check digit may be wrong: outside North America none is required.
#[derive(Clone, Copy, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Vin([u8; 17]);

/// Why a text is no VIN.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum InvalidVin {
    /// It has this many characters, spaces and hyphens left out, and not 17.
    #[error("VIN must be exactly 17 characters")]
    Length(usize),
    /// It has a character that no VIN has.
    #[error(
        "VIN must have only digits and letters, and {character:?} at position {position} is not \
         allowed: the letters I, O and Q never occur in a VIN"
    )]
    Character {
        /// The first such character, upper-cased.
        character: char,
        /// Where it is, counted from 1 and without spaces and hyphens.
        position: usize,
        /// The VIN that was likely meant.
        likely: Option<Vin>,
    },
}

impl InvalidVin {
    /// The VIN that was likely meant, where reading I as 1, and O and Q as 0, makes it one.
    pub fn likely_vin(&self) -> Option<Vin> {
        match self {
            Self::Length(_) => None,
            Self::Character { likely, .. } => *likely,
        }
    }
}

impl Vin {
    /// The 17 characters.
    pub fn as_str(&self) -> &str {
        // Only ASCII gets in, so that the default never appears.
        str::from_utf8(&self.0).unwrap_or_default()
    }

    /// The character at a position, counted from 1.
    pub fn character(&self, position: usize) -> Option<char> {
        self.0.get(position.checked_sub(1)?).copied().map(char::from)
    }

    /// The same with another character that VINs have at a position.
    fn with(mut self, position: usize, character: u8) -> Self {
        if let Some(place) = position.checked_sub(1).and_then(|at| self.0.get_mut(at)) {
            *place = character;
        }
        self
    }

    /// The same with the characters at a position and the next one in each other's place.
    fn swapped(mut self, position: usize) -> Self {
        if let Some(pair) = position.checked_sub(1).and_then(|at| self.0.get_mut(at..at + 2)) {
            pair.reverse();
        }
        self
    }

    /// Reads a VIN that somebody said or wrote: in any usual writing, or in words, as in
    /// `one hotel golf charlie mike`.
    ///
    /// # Errors
    /// If it is none, by what the words mean where there are such.
    pub fn read(text: &str) -> Result<Self, InvalidVin> {
        text.parse().or_else(|wrong| match spoken::characters(text) {
            Some(characters) => characters.parse(),
            None => without_punctuation(text).parse().map_err(|_| wrong),
        })
    }

    /// Whether the check digit at position 9 fits the other characters.
    ///
    /// A wrong one means a misread character, or a vehicle that was not built for North America.
    pub fn check_digit_valid(&self) -> bool {
        char::from(self.0[8]) == self.expected_check_digit()
    }

    /// The check digit that fits the other characters: a digit or `X`.
    pub fn expected_check_digit(&self) -> char {
        check_digit(&self.0)
    }

    /// What to tell about a wrong check digit, naming the one that would fit; `None` if it fits.
    pub fn check_digit_warning(&self) -> Option<String> {
        if self.check_digit_valid() {
            return None;
        }
        let (found, expected) = (char::from(self.0[8]), self.expected_check_digit());
        Some(format!(
            "The check digit does not fit: position 9 is {found} and should be {expected} if the \
             other characters are right. A character may be misread or mistyped, so read the VIN \
             back; vehicles built for markets outside North America need not have one."
        ))
    }

    /// The model year that positions 7 and 10 tell, as a hint where nothing was decoded.
    ///
    /// The code at position 10 comes back every 30 years. In cars, multipurpose vehicles and light
    /// trucks a digit at position 7 means 1980 to 2009 and a letter 2010 to 2039; the vehicle type
    /// being unknown here, the rule is taken for all. No year is later than `now_year` + 2: where
    /// the rule says so, the vehicle is from the cycle before. `None` if position 10 has no year.
    pub fn model_year(&self, now_year: i32) -> Option<i32> {
        let first_cycle_year = first_cycle_year(self.0[9])?;
        let second_cycle_year = first_cycle_year + 30;
        let is_second_cycle = self.0[6].is_ascii_alphabetic() && second_cycle_year <= now_year + 2;
        Some(if is_second_cycle { second_cycle_year } else { first_cycle_year })
    }
}

impl FromStr for Vin {
    type Err = InvalidVin;

    /// Reads a VIN in any usual writing: spaces and hyphens dropped, upper-cased.
    fn from_str(text: &str) -> Result<Self, InvalidVin> {
        let characters: Vec<char> =
            text.chars().filter(|c| !is_separator(*c)).map(|c| c.to_ascii_uppercase()).collect();
        let characters: [char; 17] =
            characters.try_into().map_err(|all: Vec<char>| InvalidVin::Length(all.len()))?;
        match (1..).zip(characters).find(|(_, c)| !is_allowed(*c)) {
            None => Ok(Self::from_allowed(characters)),
            Some((position, character)) => {
                let mended = characters.map(mend);
                let likely = mended.into_iter().all(is_allowed).then(|| Self::from_allowed(mended));
                Err(InvalidVin::Character { character, position, likely })
            }
        }
    }
}

impl Vin {
    /// The VIN of 17 characters that were found allowed, and are ASCII for that reason.
    fn from_allowed(characters: [char; 17]) -> Self {
        Self(characters.map(|c| u8::try_from(c).unwrap_or(b'0')))
    }
}

impl Display for Vin {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl fmt::Debug for Vin {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "Vin({self})")
    }
}

impl Serialize for Vin {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for Vin {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

/// The text without what may stand between the characters of a VIN, upper-cased.
pub fn without_separators(text: &str) -> String {
    text.chars().filter(|c| !is_separator(*c)).map(|c| c.to_ascii_uppercase()).collect()
}

/// The text without the punctuation that a recognizer puts between what it hears, where 17 characters are
/// left then.
fn without_punctuation(text: &str) -> String {
    let is_noise =
        |c: char| is_separator(c) || matches!(c, ',' | '.' | ';' | ':' | '/' | '\'' | '"');
    let rest: String = text.chars().filter(|c| !is_noise(*c)).collect();
    if rest.chars().count() == 17 { rest } else { text.to_owned() }
}

/// Whether this may stand between the characters of a VIN: white space or a hyphen of any kind.
fn is_separator(c: char) -> bool {
    // U+2010 to U+2015 are the typographic hyphens and dashes, U+2212 is the minus sign.
    c.is_whitespace() || matches!(c, '-' | '\u{2010}'..='\u{2015}' | '\u{2212}')
}

/// I, O and Q look like 1 and 0, so the standard leaves them out.
fn is_allowed(c: char) -> bool {
    matches!(c, '0'..='9' | 'A'..='Z') && !matches!(c, 'I' | 'O' | 'Q')
}

/// The character that a letter left out by the standard was taken for.
fn mend(c: char) -> char {
    match c {
        'I' => '1',
        'O' | 'Q' => '0',
        other => other,
    }
}

/// The check digit that fits the other characters: a digit or `X`.
fn check_digit(vin: &[u8; 17]) -> char {
    // 49 CFR 565.15, table IV. The check digit itself weighs nothing.
    const WEIGHTS: [u32; 17] = [8, 7, 6, 5, 4, 3, 2, 10, 0, 9, 8, 7, 6, 5, 4, 3, 2];
    let sum: u32 = vin.iter().zip(WEIGHTS).map(|(c, weight)| value_of(*c) * weight).sum();
    char::from_digit(sum % 11, 10).unwrap_or('X')
}

/// What a character counts in the check digit's sum (49 CFR 565.15, table III).
fn value_of(character: u8) -> u32 {
    let value = match character {
        b'0'..=b'9' => character - b'0',
        b'A'..=b'H' => character - b'A' + 1,
        b'J'..=b'R' => character - b'J' + 1,
        b'S'..=b'Z' => character - b'S' + 2,
        _ => 0,
    };
    u32::from(value)
}

/// The year from 1980 to 2009 that a code at position 10 stands for; U, Z and 0 are not used.
fn first_cycle_year(code: u8) -> Option<i32> {
    const CODES: &[u8] = b"ABCDEFGHJKLMNPRSTVWXY123456789";
    (1980..).zip(CODES).find(|(_, c)| **c == code).map(|(year, _)| year)
}

#[cfg(test)]
mod tests;
