//! What a VIN may have been meant to be that seems misheard.

use schemars::JsonSchema;
use serde::Serialize;

use crate::domain::id::CustomerId;
use crate::domain::vin::Vin;
use crate::domain::vin::mends::{Mend, Slip, mends};
use crate::tools::Call;

/// A VIN that is one slip away and is a known vehicle.
#[derive(Clone, Debug, JsonSchema, Serialize)]
pub struct Suggestion {
    /// The VIN.
    vin: String,
    /// What differs: "position 9: 3 instead of 7", "positions 9 and 10 the other way round".
    difference: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    year: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    make: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    model: Option<String>,
    /// Whether it is one of the caller's own vehicles.
    is_on_file: bool,
}

/// The likeliest VINs where the check digit does not fit, the caller's own first.
pub async fn suggest(vin: &Vin, caller: Option<CustomerId>, call: &Call<'_>) -> Vec<Suggestion> {
    if vin.check_digit_valid() {
        return Vec::new();
    }
    let own = match caller {
        Some(caller) => own_vins(caller, call).await,
        None => Vec::new(),
    };
    let vpic = call.engine.vins.data().await;
    let mends = mends(vpic, vin, &own, call.now);
    mends.into_iter().map(|mend| Suggestion::new(mend, &own)).collect()
}

/// The VINs of the caller's vehicles; none where the database does not answer.
async fn own_vins(caller: CustomerId, call: &Call<'_>) -> Vec<Vin> {
    let read = async {
        let mut session = call.engine.store().await.ok()?.read().await.ok()?;
        session.vins_of(caller).await.ok()
    };
    let own = tokio::time::timeout(OWN_PATIENCE, read).await.ok().flatten().unwrap_or_default();
    own.iter().filter_map(|text| text.parse().ok()).collect()
}

/// How long the caller's own vehicles are waited for: they are a help, and not the answer.
const OWN_PATIENCE: std::time::Duration = std::time::Duration::from_millis(1000);

impl Suggestion {
    fn new(mend: Mend, own: &[Vin]) -> Self {
        let Mend { vin, vehicle, slip } = mend;
        let difference = match slip {
            Slip::Character { position, found, meant } => {
                format!("position {position}: {meant} instead of {found}")
            }
            Slip::Swap(position) => {
                format!("positions {position} and {} the other way round", position + 1)
            }
        };
        Self {
            vin: vin.to_string(),
            difference,
            year: vehicle.year,
            make: vehicle.make,
            model: vehicle.model,
            is_on_file: own.contains(&vin),
        }
    }
}
