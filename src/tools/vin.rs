//! Decoding VINs.

pub mod many;
mod reading;
mod suggestions;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Answer, Call, Effect, Tool};
use crate::cache;
use crate::config::Toolset;
use crate::domain::id::CustomerId;
use crate::domain::vehicle::describe;
use crate::domain::vin::Vin;
use crate::domain::vin::decoded::{DecodedVin, Source};
use crate::domain::vin::vpic::VinText;
use crate::domain::vin::warnings::warnings;
use crate::error::{Code, Refusal, ToolError};

pub use reading::read_vin;
use suggestions::{Suggestion, suggest};

/// The arguments of `decode_vin`.
#[derive(Debug, Deserialize, JsonSchema)]
pub struct DecodeVin {
    /// 17 characters, as written or as heard ("one H golf charlie mike eight ...").
    #[schemars(length(max = 400))]
    vin: String,
    /// Who calls: their vehicles are suggested first if the VIN seems misheard.
    customer_id: Option<CustomerId>,
}

/// What the VIN says.
#[derive(Debug, JsonSchema, Serialize)]
pub struct Decoded {
    #[serde(flatten)]
    vehicle: DecodedVin,
    /// Who said so: nhtsa, just asked; cache, NHTSA's answer of the last 7 days; or offline, NHTSA's
    /// data inside this program.
    source: Source,
    /// Whether the check digit (the 9th character) fits the others; not every region uses it.
    check_digit_valid: bool,
    /// What to mind, in sentences.
    warnings: Vec<String>,
    /// Where the check digit does not fit: VINs that are one slip away and are known vehicles,
    /// the likeliest first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    suggestions: Vec<Suggestion>,
}

impl Tool for DecodeVin {
    const NAME: &'static str = "decode_vin";
    const TITLE: &'static str = "Decode a VIN";
    const DESCRIPTION: &'static str = "Make, model, year and more by VIN. A check digit warning: a character may be misheard; read it back and see suggestions.";
    const TOOLSET: Toolset = Toolset::Vin;
    const EFFECT: Effect = Effect::Reads;
    const OPEN_WORLD: bool = true;
    type Data = Decoded;

    async fn run(self, call: &Call<'_>) -> Result<Answer<Decoded>, ToolError> {
        let vin = read_vin(&self.vin)?;
        let suggestions = suggest(&vin, self.customer_id, call).await;
        // A database that is away is no reason to decode nothing.
        let store = async { call.engine.store().await.ok() };
        let decoded = call.engine.vins.decode(&vin, store, call.now).await;
        let data = tell(&vin, decoded, suggestions, call).await?;
        Ok(Answer::new(say(&data.vehicle), data))
    }
}

/// What the caller is told about a VIN.
async fn tell(
    vin: &Vin,
    decoded: cache::Decoded,
    suggestions: Vec<Suggestion>,
    call: &Call<'_>,
) -> Result<Decoded, Refusal> {
    let Some(vehicle) = decoded.vehicle else { return Err(not_decodable(vin, &suggestions)) };
    let vpic = call.engine.vins.data().await;
    let mut warnings = warnings(vin, &vpic.decode(&VinText::new(vin.as_str()), None, call.now));
    if decoded.is_unknown_to_nhtsa {
        warnings.push(format!(
            "NHTSA's service knows no make for this VIN; this is from its data of {}.",
            vpic.release()
        ));
    }
    let check_digit_valid = vin.check_digit_valid();
    Ok(Decoded { vehicle, source: decoded.source, check_digit_valid, warnings, suggestions })
}

fn say(vehicle: &DecodedVin) -> String {
    let make = vehicle.make.as_deref().unwrap_or_default();
    let model = vehicle.model.as_deref().unwrap_or_default();
    let name = match vehicle.year {
        Some(year) => describe(year, make, model),
        None => format!("{make} {model}"),
    };
    format!("VIN decoded successfully: {}", name.trim_end())
}

fn not_decodable(vin: &Vin, suggestions: &[Suggestion]) -> Refusal {
    let hint = match vin.check_digit_warning() {
        Some(warning) => format!("{warning} Read the VIN back to the customer."),
        None => {
            "Read the VIN back to the customer, or take year, make and model instead.".to_owned()
        }
    };
    let refusal = Refusal::new(
        Code::VinNotDecodable,
        "Nobody knows a vehicle with this VIN.",
        "Invalid VIN or unable to decode",
    )
    .hint(hint);
    if suggestions.is_empty() {
        return refusal;
    }
    refusal.data(serde_json::json!({ "suggestions": suggestions }))
}
