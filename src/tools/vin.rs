//! Decoding VINs.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Answer, Call, Effect, Tool};
use crate::config::Toolset;
use crate::domain::vehicle::describe;
use crate::domain::vin::decoded::DecodedVin;
use crate::domain::vin::{InvalidVin, Vin};
use crate::error::{Code, Refusal, ToolError};

/// The arguments of `decode_vin`.
#[derive(Debug, Deserialize, JsonSchema)]
pub struct DecodeVin {
    /// The vehicle identification number, 17 characters; spaces and hyphens do not count.
    vin: String,
}

/// What the VIN says.
#[derive(Debug, JsonSchema, Serialize)]
pub struct Decoded {
    #[serde(flatten)]
    vehicle: DecodedVin,
    /// Who said so: nhtsa, just asked, or cache, NHTSA's answer of the last 7 days.
    source: Source,
    /// Whether the check digit (the 9th character) fits the others; not every region uses it.
    check_digit_valid: bool,
    /// What to mind, in sentences.
    warnings: Vec<String>,
}

#[derive(Clone, Copy, Debug, JsonSchema, Serialize)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
enum Source {
    Nhtsa,
    Cache,
}

impl Tool for DecodeVin {
    const NAME: &'static str = "decode_vin";
    const TITLE: &'static str = "Decode a VIN";
    const DESCRIPTION: &'static str = "Find out make, model, year and more of a vehicle from its VIN, from the public data of NHTSA. A warning about the check digit means that a character may have been misheard: read the VIN back.";
    const TOOLSET: Toolset = Toolset::Vin;
    const EFFECT: Effect = Effect::Reads;
    const OPEN_WORLD: bool = true;
    type Data = Decoded;

    async fn run(self, call: &Call<'_>) -> Result<Answer<Decoded>, ToolError> {
        let vin = read_vin(&self.vin)?;
        // A database that is away is no reason to decode nothing.
        let store = call.engine.store().await.ok();
        let decoded =
            call.engine.vins.decode(&vin, store, call.now).await.map_err(ToolError::Upstream)?;
        let source = if decoded.from_cache { Source::Cache } else { Source::Nhtsa };
        let Some(vehicle) = decoded.vehicle else { return Err(not_decodable(&vin).into()) };
        let data = Decoded {
            source,
            check_digit_valid: vin.check_digit_valid(),
            warnings: vin.check_digit_warning().into_iter().collect(),
            vehicle,
        };
        Ok(Answer::new(tell(&data.vehicle), data))
    }
}

fn tell(vehicle: &DecodedVin) -> String {
    let make = vehicle.make.as_deref().unwrap_or_default();
    let model = vehicle.model.as_deref().unwrap_or_default();
    let name = match vehicle.year {
        Some(year) => describe(year, make, model),
        None => format!("{make} {model}"),
    };
    format!("VIN decoded successfully: {}", name.trim_end())
}

/// Reads a VIN that a caller gave.
pub(super) fn read_vin(text: &str) -> Result<Vin, Refusal> {
    text.parse().map_err(|wrong: InvalidVin| {
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
        refusal
            .hint(hint)
            .data(serde_json::json!({"likely_vin": likely, "check_digit_valid": fits}))
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

fn not_decodable(vin: &Vin) -> Refusal {
    let hint = match vin.check_digit_warning() {
        Some(warning) => format!("{warning} Read the VIN back to the customer."),
        None => {
            "Read the VIN back to the customer, or take year, make and model instead.".to_owned()
        }
    };
    Refusal::new(
        Code::VinNotDecodable,
        "Nobody knows a vehicle with this VIN.",
        "Invalid VIN or unable to decode",
    )
    .hint(hint)
}
