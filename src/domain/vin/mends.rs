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

/// A VIN that differs in one character, whose check digit fits and that makes a known vehicle.
#[derive(Clone, Debug)]
pub struct Mend {
    /// The VIN.
    pub vin: Vin,
    /// The vehicle.
    pub vehicle: DecodedVin,
    /// Which character differs, counted from 1.
    pub position: usize,
    /// What it was.
    pub found: char,
    /// What it would be.
    pub meant: char,
}

/// The likeliest mends of a VIN: first those that are among `own`, the VINs of the caller's vehicles,
/// then those without any error, then characters that are easily confused.
pub fn mends(vpic: Vpic<'_>, vin: &Vin, own: &[Vin], now: Timestamp) -> Vec<Mend> {
    if vin.check_digit_valid() {
        return Vec::new();
    }
    let decode = |vin: &Vin| vpic.decode(&VinText::new(vin.as_str()), None, now);
    let is_possible = !decode(vin).has_error(IMPOSSIBLE);
    let mut mends: Vec<(_, Mend)> = candidates(vin)
        .filter_map(|(position, candidate)| {
            let decoded = decode(&candidate);
            if is_possible && decoded.has_error(IMPOSSIBLE) {
                return None;
            }
            let vehicle = DecodedVin::from_elements(candidate, |element| decoded.value(element))?;
            vehicle.model.as_ref()?;
            let (found, meant) = (vin.character(position)?, candidate.character(position)?);
            let is_clean = decoded.misfits().is_empty() && !decoded.has_error(14);
            let rank = (
                !own.contains(&candidate),
                !is_clean,
                !are_confused(found, meant),
                // The check digit is seldom what was misheard: it would be the only wrong one.
                position == 9,
                position,
            );
            Some((rank, Mend { vin: candidate, vehicle, position, found, meant }))
        })
        .collect();
    mends.sort_by_key(|(rank, _)| *rank);
    mends.truncate(MAX_MENDS);
    mends.into_iter().map(|(_, mend)| mend).collect()
}

/// Every VIN that differs in one character and whose check digit fits, with its position.
fn candidates(vin: &Vin) -> impl Iterator<Item = (usize, Vin)> {
    let vin = *vin;
    (1..=17).flat_map(move |position| {
        CHARACTERS
            .iter()
            .map(move |c| vin.with(position, *c))
            .filter(move |candidate| *candidate != vin && candidate.check_digit_valid())
            .map(move |candidate| (position, candidate))
    })
}

fn are_confused(one: char, other: char) -> bool {
    CONFUSED.iter().any(|group| group.contains(one) && group.contains(other))
}
