//! What to mind about a decoded VIN, in sentences.

use super::Vin;
use super::vpic::Decoded;

/// NHTSA's code for a manufacturer that is not registered.
const UNKNOWN_MAKER: u16 = 7;
const OFF_ROAD: u16 = 10;

/// What to mind: a check digit that does not fit, characters that the manufacturer does not use where
/// they stand, and what NHTSA itself is not sure of.
pub fn warnings(vin: &Vin, decoded: &Decoded<'_>) -> Vec<String> {
    let mut warnings = Vec::new();
    if decoded.is_excused() {
        warnings.push(
            "The check digit does not fit, and NHTSA knows that the manufacturer built this vehicle so."
                .to_owned(),
        );
    } else {
        warnings.extend(vin.check_digit_warning());
    }
    if decoded.has_error(UNKNOWN_MAKER) {
        return warnings;
    }
    for (position, characters) in decoded.misfits() {
        let found = vin.character(position).unwrap_or('?');
        warnings.push(format!(
            "Position {position} is {found}, which this manufacturer does not use there; possible \
             would be {}.",
            list(&characters)
        ));
    }
    warnings.extend(year_warning(decoded));
    if decoded.is_incomplete() {
        warnings.push(
            "It left its manufacturer as an incomplete vehicle and was finished by somebody else, \
             so that body and weight may differ."
                .to_owned(),
        );
    }
    if decoded.has_error(OFF_ROAD) {
        warnings.push(
            "It is an off-road vehicle, whose number need not follow the rules of VINs.".to_owned(),
        );
    }
    warnings
}

/// What to tell about a model year that the VIN leaves open; `None` where it does not.
pub fn year_warning(decoded: &Decoded<'_>) -> Option<String> {
    let (year, other) = (decoded.year()?, decoded.other_year()?);
    Some(format!(
        "The model year may be {year} or {other}: the VIN has the same character for both, and {year} \
         fits better."
    ))
}

/// Characters by comma, with ranges for many in a row.
fn list(characters: &str) -> String {
    let mut runs: Vec<(char, char)> = Vec::new();
    for c in characters.chars() {
        match runs.last_mut() {
            Some((_, last)) if follows(*last, c) => *last = c,
            _ => runs.push((c, c)),
        }
    }
    let runs: Vec<String> = runs
        .into_iter()
        .flat_map(|(first, last)| match u32::from(last) - u32::from(first) {
            0 => vec![first.to_string()],
            1 => vec![first.to_string(), last.to_string()],
            _ => vec![format!("{first} to {last}")],
        })
        .collect();
    runs.join(", ")
}

/// Whether a character comes right after another; I, O and Q are not there to be missed.
fn follows(one: char, next: char) -> bool {
    let step = u32::from(next).saturating_sub(u32::from(one));
    step == 1 || (step == 2 && matches!((one, next), ('H', 'J') | ('N', 'P') | ('P', 'R')))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn characters_in_a_row_are_told_as_a_range() {
        assert_eq!(list("0123456789"), "0 to 9");
        assert_eq!(list("ABCDEFGHJKLMNPRSTUVWXYZ"), "A to Z");
        assert_eq!(list("12ACD"), "1, 2, A, C, D");
        assert_eq!(list("9A"), "9, A");
        assert_eq!(list(""), "");
    }
}
