//! NHTSA's error codes: a set of them, what they weigh, and their texts.

use super::data::{Bytes, Vpic};

/// The codes that there are, in their order.
const CODES: [u16; 16] = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 400];
/// How many bytes the record of a code has.
const RECORD: usize = 12;

/// A set of error codes.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Codes(u16);

impl Codes {
    fn bit(code: u16) -> u16 {
        CODES.iter().position(|known| *known == code).map_or(0, |index| 1 << index)
    }

    pub fn add(&mut self, code: u16) {
        self.0 |= Self::bit(code);
    }

    pub fn has(self, code: u16) -> bool {
        self.0 & Self::bit(code) != 0
    }

    /// Whether there are none but these.
    pub fn are_among(self, codes: &[u16]) -> bool {
        self.0 & !codes.iter().fold(0, |set, code| set | Self::bit(*code)) == 0
    }

    /// The codes in ascending order.
    pub fn iter(self) -> impl Iterator<Item = u16> {
        CODES.into_iter().filter(move |code| self.has(*code))
    }

    /// What they weigh together in the choice between two model years.
    pub fn weight(self, vpic: Vpic<'_>) -> i32 {
        let weight = |code| record(vpic, code).map_or(0, |r| i32::from(r.u16(2).cast_signed()));
        self.iter().map(weight).sum()
    }

    /// The codes by comma.
    pub fn list(self) -> String {
        self.iter().map(|code| code.to_string()).collect::<Vec<_>>().join(",")
    }
}

/// What a code means.
pub fn text(vpic: Vpic<'_>, code: u16) -> &str {
    record(vpic, code).map_or("", |record| vpic.text(record.u32(4)).trim())
}

/// What there is to know more about a code.
pub fn more_text(vpic: Vpic<'_>, code: u16) -> &str {
    record(vpic, code).map_or("", |record| vpic.text(record.u32(8)).trim())
}

fn record(vpic: Vpic<'_>, code: u16) -> Option<Bytes<'_>> {
    vpic.errors.find(RECORD, &code.to_le_bytes())
}
