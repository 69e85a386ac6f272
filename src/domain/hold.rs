//! Holds: times that are kept for callers who are still deciding.

use std::fmt;
use std::str::FromStr;

use super::time::Timestamp;

/// How long a time is kept where the caller does not say, in minutes.
pub const DEFAULT_HOLD_MINUTES: i64 = 5;

/// Crockford's base 32 (<https://www.crockford.com/base32.html>), which has no letters that are
/// taken for digits.
const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
/// 35 bits: seconds until the year 3058.
const EXPIRY_CHARACTERS: usize = 7;
/// 30 bits.
const RANDOM_CHARACTERS: usize = 6;

/// What a hold is known by: `1TR9M2C7QK3XP`.
///
/// It says when the hold expires, so that a caller who comes late is told so even when the hold is
/// long gone, and the rest is random: only who was given it can use it.
#[derive(Clone, Debug, Eq, PartialEq, sqlx::Type)]
#[sqlx(transparent)]
pub struct HoldId(String);

/// Text that is no hold's id.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("is not the id of a hold")]
pub struct InvalidHoldId;

impl HoldId {
    /// The id of a hold that expires then; `random` is any number that nobody can guess.
    pub fn new(expires_at: Timestamp, random: u32) -> Self {
        let expiry = u64::try_from(expires_at.0).unwrap_or_default();
        let expiry = digits(expiry, EXPIRY_CHARACTERS);
        Self(expiry.chain(digits(random.into(), RANDOM_CHARACTERS)).collect())
    }

    /// When the hold expires, or did.
    pub fn expires_at(&self) -> Timestamp {
        let digits = self.0.bytes().take(EXPIRY_CHARACTERS).filter_map(value);
        Timestamp(digits.fold(0, |number, digit| number * 32 + digit))
    }

    /// The id as callers see it.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for HoldId {
    type Err = InvalidHoldId;

    fn from_str(text: &str) -> Result<Self, InvalidHoldId> {
        let text = text.trim().to_ascii_uppercase();
        let is_id = text.len() == EXPIRY_CHARACTERS + RANDOM_CHARACTERS
            && text.bytes().all(|byte| value(byte).is_some());
        if is_id { Ok(Self(text)) } else { Err(InvalidHoldId) }
    }
}

impl fmt::Display for HoldId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The last `count` digits of the number, the highest first.
fn digits(number: u64, count: usize) -> impl Iterator<Item = char> {
    (0..count).rev().map(move |place| {
        let digit = usize::try_from((number >> (5 * place)) & 31).unwrap_or_default();
        ALPHABET.get(digit).map_or('0', |&digit| digit.into())
    })
}

fn value(digit: u8) -> Option<i64> {
    let place = ALPHABET.iter().position(|&known| known == digit)?;
    i64::try_from(place).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_says_when_it_expires() {
        for seconds in [0, 1, 1_800_000_000, 34_359_738_367] {
            for random in [0, 1, u32::MAX] {
                let id = HoldId::new(Timestamp(seconds), random);
                assert_eq!(id.expires_at(), Timestamp(seconds));
                assert_eq!(id.as_str().parse(), Ok(id.clone()));
            }
        }
    }

    #[test]
    fn an_id_may_be_written_small() {
        let id = HoldId::new(Timestamp(1_800_000_000), 123_456_789);
        assert_eq!(id.as_str(), "1NMKMG03NQK8N");
        assert_eq!(" 1nmkmg03nqk8n ".parse(), Ok(id));
    }

    #[test]
    fn anything_else_is_no_id() {
        for text in ["", "1", "1NMKMG03NQK8", "1NMKMG03NQK8NN", "1NMKMG03NQK8U", "1NMKMG03NQK8é"] {
            assert_eq!(text.parse::<HoldId>(), Err(InvalidHoldId), "{text}");
        }
    }
}
