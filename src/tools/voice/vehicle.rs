//! Which of many vehicles a caller means: a short reply has no room for a fleet.

use rmcp::model::JsonObject;
use serde_json::{Value, json};

/// The argument of `lookup_customer` that this profile adds.
pub(super) const NAME: &str = "vehicle";

/// The argument's schema.
pub(super) fn schema() -> Value {
    json!({
        "type": "string",
        "description": "If left_out tells of more vehicles: words of the one meant, such as red ford.",
    })
}

/// Takes the argument out of a call's arguments.
pub(super) fn take(arguments: &mut Value) -> Option<String> {
    match arguments.as_object_mut()?.shift_remove(NAME)? {
        Value::String(words) => Some(words.to_lowercase()),
        Value::Number(year) => Some(year.to_string()),
        _ => None,
    }
}

/// Leaves the vehicles of which all these words are said; all of them where it is none.
pub(super) fn keep_those_meant(envelope: &mut JsonObject, words: &str) {
    let vehicles = envelope
        .get_mut("data")
        .and_then(|data| data.get_mut("customer")?.get_mut("vehicles")?.as_array_mut());
    let Some(vehicles) = vehicles else { return };
    let is_meant = |vehicle: &Value| {
        let said = describe(vehicle);
        words.split_whitespace().all(|word| said.contains(word))
    };
    if vehicles.iter().any(is_meant) {
        vehicles.retain(is_meant);
    }
}

fn describe(vehicle: &Value) -> String {
    let fields = ["year", "make", "model", "trim", "color", "license_plate", "vin"];
    let texts = fields.iter().filter_map(|&field| match vehicle.get(field)? {
        Value::String(text) => Some(text.to_lowercase()),
        other => Some(other.to_string()),
    });
    texts.collect::<Vec<_>>().join(" ")
}
