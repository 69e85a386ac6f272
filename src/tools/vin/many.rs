//! Decoding many VINs in one call.

use futures_util::future::join_all;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Decoded, read_vin, say, suggest, tell};
use crate::config::Toolset;
use crate::domain::text::shown;
use crate::error::{Code, Refusal, ToolError};
use crate::tools::arguments::refuse;
use crate::tools::{Answer, Call, Effect, Tool};

/// How much of a VIN is said back.
const GIVEN_CHARACTERS: usize = 200;

/// The arguments of `decode_vins`.
#[derive(Debug, Deserialize, JsonSchema)]
pub struct DecodeVins {
    /// At most 50; what one of them is does not matter to the others.
    #[schemars(length(min = 1, max = 50))]
    vins: Vec<String>,
}

/// What the VINs say.
#[derive(Debug, JsonSchema, Serialize)]
pub struct DecodedMany {
    /// One result for each VIN, in their order.
    results: Vec<One>,
    /// How many were decoded.
    decoded: usize,
    /// How many were not.
    failed: usize,
}

/// What one VIN says, or why it says nothing: as decode_vin answers.
#[derive(Debug, JsonSchema, Serialize)]
#[schemars(inline)]
struct One {
    /// The VIN as it was given, cut where it is far too long.
    given: String,
    success: bool,
    message: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    code: Option<Code>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    hint: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    data: Option<Decoded>,
}

impl Tool for DecodeVins {
    const NAME: &'static str = "decode_vins";
    const TITLE: &'static str = "Decode many VINs";
    const DESCRIPTION: &'static str = "Decode up to 50 VINs, each with its own result, in order.";
    const TOOLSET: Toolset = Toolset::Vin;
    const EFFECT: Effect = Effect::Reads;
    const OPEN_WORLD: bool = true;
    type Data = DecodedMany;

    async fn run(self, call: &Call<'_>) -> Result<Answer<DecodedMany>, ToolError> {
        if self.vins.is_empty() {
            let refusal = refuse("vins", "must have at least one VIN");
            return Err(refusal.hint("Give the VINs to decode, at most 50.").into());
        }
        let results = join_all(self.vins.into_iter().map(|text| decode(text, call))).await;
        let decoded = results.iter().filter(|result| result.success).count();
        let (all, failed) = (results.len(), results.len() - decoded);
        let message = match (decoded, failed) {
            (1, 0) => "The VIN was decoded.".to_owned(),
            (_, 0) => format!("All {all} VINs were decoded."),
            (0, 1) => "The VIN could not be decoded.".to_owned(),
            _ => format!("{decoded} of {all} VINs were decoded; the others say why not."),
        };
        Ok(Answer::new(message, DecodedMany { results, decoded, failed }))
    }
}

async fn decode(given: String, call: &Call<'_>) -> One {
    let decoded = decode_one(&given, call).await;
    let given = shown(&given, GIVEN_CHARACTERS);
    match decoded {
        Ok(data) => One {
            given,
            success: true,
            message: say(&data.vehicle),
            code: None,
            error: None,
            hint: None,
            data: Some(data),
        },
        Err(refusal) => One {
            given,
            success: false,
            message: refusal.message().to_owned(),
            code: Some(refusal.code()),
            error: Some(refusal.error().to_owned()),
            hint: refusal.next_step().map(str::to_owned),
            data: None,
        },
    }
}

async fn decode_one(given: &str, call: &Call<'_>) -> Result<Decoded, Refusal> {
    let vin = read_vin(given)?;
    let suggestions = suggest(&vin, None, call).await;
    let store = async { call.engine.store().await.ok() };
    let decoded = call.engine.vins.decode(&vin, store, call.now).await;
    tell(&vin, decoded, suggestions, call).await
}
