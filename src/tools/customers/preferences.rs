//! What a customer prefers: an object of the shop's own words.

use serde_json::{Map, Value};

use crate::domain::text;
use crate::error::Refusal;
use crate::tools::arguments::refuse;

/// The most keys that `preferences` may have.
const MAX_PREFERENCES: usize = 50;

/// Preferences are the shop's own words: few, short, and free of hidden characters like any text.
pub(super) fn check_preferences(preferences: &Map<String, Value>) -> Result<(), Refusal> {
    check_count(preferences)?;
    for (key, value) in preferences {
        text::name(key)
            .map_err(|wrong| refuse("preferences", format!("has a key that {wrong}")))?;
        check_preference(value).map_err(|wrong| refuse(&format!("preferences.{key}"), wrong))?;
    }
    Ok(())
}

/// A customer has no more than so many preferences.
pub(super) fn check_count(preferences: &Map<String, Value>) -> Result<(), Refusal> {
    if preferences.len() > MAX_PREFERENCES {
        return Err(refuse("preferences", format!("may have at most {MAX_PREFERENCES} keys")));
    }
    Ok(())
}

/// What is unknown is left out, never null.
pub(super) fn without_nulls(mut preferences: Map<String, Value>) -> Map<String, Value> {
    preferences.retain(|_, value| !value.is_null());
    preferences.values_mut().for_each(drop_nulls);
    preferences
}

pub(super) fn drop_nulls(value: &mut Value) {
    match value {
        Value::Object(object) => *object = without_nulls(std::mem::take(object)),
        Value::Array(items) => {
            items.retain(|item| !item.is_null());
            items.iter_mut().for_each(drop_nulls);
        }
        _ => {}
    }
}

fn check_preference(value: &Value) -> Result<(), text::InvalidText> {
    match value {
        Value::String(text) => text::free_text(text).map(drop),
        Value::Array(items) => items.iter().try_for_each(check_preference),
        Value::Object(object) => object.iter().try_for_each(|(key, value)| {
            text::free_text(key)?;
            check_preference(value)
        }),
        _ => Ok(()),
    }
}
