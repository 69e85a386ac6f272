//! A VIN as NHTSA reads it: whole or in part, with anything in it.

use super::wmi::is_small_maker;

/// How long a whole VIN is.
pub const WHOLE: usize = 17;

/// Up to 17 characters. What is not ASCII is a `?`, which no VIN has either.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct VinText {
    characters: [u8; WHOLE],
    length: usize,
}

impl VinText {
    /// The first 17 characters of a text, without the spaces around it and upper-cased.
    pub fn new(text: &str) -> Self {
        let mut characters = [b'*'; WHOLE];
        let mut length = 0;
        for (place, c) in characters.iter_mut().zip(text.trim().chars()) {
            *place = u8::try_from(c.to_ascii_uppercase()).ok().filter(u8::is_ascii).unwrap_or(b'?');
            length += 1;
        }
        Self { characters, length }
    }

    /// The characters.
    pub fn as_bytes(&self) -> &[u8] {
        self.characters.get(..self.length).unwrap_or_default()
    }

    /// The characters as a text.
    pub fn as_str(&self) -> &str {
        str::from_utf8(self.as_bytes()).unwrap_or_default()
    }

    /// The character at a position, counted from 1.
    pub fn at(&self, position: usize) -> Option<u8> {
        self.as_bytes().get(position.checked_sub(1)?).copied()
    }

    /// The same with another character at a position that it has.
    pub fn with(mut self, position: usize, character: u8) -> Self {
        if let Some(place) = position.checked_sub(1).and_then(|at| self.characters.get_mut(at)) {
            *place = character;
        }
        self
    }

    /// Whether all 17 characters are there.
    pub fn is_whole(&self) -> bool {
        self.length == WHOLE
    }

    /// What all vehicles of this kind have in common: all but the check digit and the serial number.
    pub fn descriptor(&self) -> String {
        let length = if is_small_maker(self.as_bytes()) { 14 } else { 11 };
        let described = self.with(9, b'*');
        described.characters.iter().take(length).map(|c| char::from(*c)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_vin_is_trimmed_upper_cased_and_cut() {
        assert_eq!(VinText::new(" 1hgcm82633a004352\n").as_str(), "1HGCM82633A004352");
        assert_eq!(VinText::new("1HGCM82633A0043521").as_str(), "1HGCM82633A004352");
        assert_eq!(VinText::new("1HGé").as_str(), "1HG?");
        assert_eq!(VinText::new("").as_str(), "");
        assert!(!VinText::new("1HG").is_whole());
    }

    #[test]
    fn a_descriptor_leaves_out_what_is_of_one_vehicle_alone() {
        assert_eq!(VinText::new("1HGCM82633A004352").descriptor(), "1HGCM826*3A");
        assert_eq!(VinText::new("1HG").descriptor(), "1HG*****".to_owned() + "***");
        assert_eq!(VinText::new("1P9CMG4A5PE843001").descriptor(), "1P9CMG4A*PE843");
    }
}
