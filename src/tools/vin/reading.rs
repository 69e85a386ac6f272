//! Reading a VIN that a caller said or wrote.

use serde_json::json;

use crate::domain::vin::{InvalidVin, Vin};
use crate::error::{Code, Refusal};

/// Reads a VIN that a caller gave, in any usual writing or in words.
pub fn read_vin(text: &str) -> Result<Vin, Refusal> {
    Vin::read(text).map_err(|wrong: InvalidVin| {
        let refusal = Refusal::new(Code::InvalidVin, tell_wrong(&wrong), wrong.to_string());
        let Some(likely) = wrong.likely_vin() else {
            return refusal.hint("Ask the customer to read all 17 characters again, one by one.");
        };
        let fits = likely.check_digit_valid();
        let hint = if fits {
            format!("Read it back to the customer; perhaps {likely} is meant.")
        } else {
            format!(
                "Ask the customer to read all 17 characters again, one by one. {likely} is only a \
                 guess: its check digit does not fit, so another character may be wrong as well."
            )
        };
        refusal.hint(hint).data(json!({"likely_vin": likely, "check_digit_valid": fits}))
    })
}

/// What is wrong with a VIN, so that it can be said aloud.
fn tell_wrong(wrong: &InvalidVin) -> String {
    match wrong {
        InvalidVin::Length(_) => "That is not a complete vehicle identification number.".to_owned(),
        InvalidVin::Character { character, position, .. } => {
            let name = match character {
                letter if letter.is_alphabetic() => format!("The letter {letter}"),
                sign if sign.is_ascii_punctuation() => format!("The sign {sign}"),
                _ => "That sign".to_owned(),
            };
            format!("{name} at position {position} cannot be in a vehicle identification number.")
        }
    }
}
