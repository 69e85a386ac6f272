//! What a VIN may have been meant to be whose check digit does not fit.

use super::Vin;
use super::decoded::DecodedVin;
use super::vpic::{VinText, Vpic};
use crate::domain::time::Timestamp;

/// How many are offered: more cannot be said aloud.
const MAX_MENDS: usize = 5;
/// NHTSA's error of a character that no VIN has at its position: a letter in the serial number, or one that is no
/// model year.
const IMPOSSIBLE: u16 = 400;
const CHARACTERS: &[u8; 33] = b"0123456789ABCDEFGHJKLMNPRSTUVWXYZ";
/// Characters that are taken for each other, by ear or by eye.
const CONFUSED: [&str; 12] =
    ["B8", "S5", "Z2", "D0", "G6", "17L", "MN", "BDEPTVCG3Z", "A8HJK", "UV", "FSX", "5F9"];

/// A VIN that differs in one character, or in two neighbours that changed places, whose check digit fits and that
/// makes a known vehicle.
#[derive(Clone, Debug)]
pub struct Mend {
    /// The VIN.
    pub vin: Vin,
    /// The vehicle.
    pub vehicle: DecodedVin,
    /// What differs.
    pub slip: Slip,
}

/// What somebody got wrong; positions are counted from 1.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Slip {
    /// One character for another one.
    Character {
        /// Where.
        position: usize,
        /// What it was.
        found: char,
        /// What it would be.
        meant: char,
    },
    /// The characters at this position and the next one changed places.
    Swap(usize),
}

/// The likeliest mends of a VIN: first those that are among `own`, the VINs of the caller's vehicles,
/// then those without any error, then neighbours that changed places and characters that are easily confused.
pub fn mends(vpic: Vpic<'_>, vin: &Vin, own: &[Vin], now: Timestamp) -> Vec<Mend> {
    if vin.check_digit_valid() {
        return Vec::new();
    }
    let mut mends: Vec<(_, Mend)> = candidates(vin)
        .filter_map(|(slip, candidate)| {
            let decoded = vpic.decode(&VinText::new(candidate.as_str()), None, now);
            if decoded.has_error(IMPOSSIBLE) {
                return None;
            }
            let vehicle = DecodedVin::from_elements(candidate, |element| decoded.value(element))?;
            vehicle.model.as_ref()?;
            let is_clean = decoded.misfits().is_empty() && !decoded.has_error(14);
            let rank = (!own.contains(&candidate), !is_clean, slip.rank());
            Some((rank, Mend { vin: candidate, vehicle, slip }))
        })
        .collect();
    mends.sort_by_key(|(rank, _)| *rank);
    mends.truncate(MAX_MENDS);
    mends.into_iter().map(|(_, mend)| mend).collect()
}

impl Slip {
    /// The likelier, the less.
    fn rank(self) -> (bool, bool, usize) {
        match self {
            Self::Swap(position) => (false, false, position),
            // The check digit is seldom what was misheard: it would be the only wrong one.
            Self::Character { position, found, meant } => {
                (!are_confused(found, meant), position == 9, position)
            }
        }
    }
}

/// Every VIN that is one slip away and whose check digit fits.
fn candidates(vin: &Vin) -> impl Iterator<Item = (Slip, Vin)> {
    let vin = *vin;
    let at = move |position| vin.character(position).unwrap_or_default();
    let characters = (1..=17).flat_map(move |position| {
        CHARACTERS.iter().map(move |&meant| {
            let slip = Slip::Character { position, found: at(position), meant: meant.into() };
            (slip, vin.with(position, meant))
        })
    });
    let swaps = (1..17).map(move |position| (Slip::Swap(position), vin.swapped(position)));
    let all = swaps.chain(characters);
    all.filter(move |(_, candidate)| *candidate != vin && candidate.check_digit_valid())
}

fn are_confused(one: char, other: char) -> bool {
    CONFUSED.iter().any(|group| group.contains(one) && group.contains(other))
}
