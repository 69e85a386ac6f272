//! What a customer prefers: an object of the shop's own words, few and short.

use serde_json::{Map, Value};

use super::text::{self, InvalidText};

/// The most keys that preferences may have.
pub const MAX_PREFERENCES: usize = 50;

/// Why preferences are refused.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum InvalidPreferences {
    /// Too many keys.
    #[error("may have at most {MAX_PREFERENCES} keys")]
    TooMany,
    /// A key that is no name.
    #[error("has a key that {0}")]
    Key(InvalidText),
    /// A text that is too long or holds a hidden character.
    #[error("has a value of {key} that {why}")]
    Value {
        /// Under which key.
        key: String,
        /// What is wrong.
        why: InvalidText,
    },
}

/// Refuses preferences that are many, long or hold hidden characters.
///
/// # Errors
/// Where they do.
pub fn check(preferences: &Map<String, Value>) -> Result<(), InvalidPreferences> {
    check_count(preferences)?;
    for (key, value) in preferences {
        text::name(key).map_err(InvalidPreferences::Key)?;
        let refused = |why| InvalidPreferences::Value { key: key.clone(), why };
        check_value(value).map_err(refused)?;
    }
    Ok(())
}

/// Refuses more preferences than a customer may have.
///
/// # Errors
/// Where they are more.
pub fn check_count(preferences: &Map<String, Value>) -> Result<(), InvalidPreferences> {
    if preferences.len() > MAX_PREFERENCES { Err(InvalidPreferences::TooMany) } else { Ok(()) }
}

/// What is unknown is left out, never null.
pub fn without_nulls(mut preferences: Map<String, Value>) -> Map<String, Value> {
    preferences.retain(|_, value| !value.is_null());
    preferences.values_mut().for_each(drop_nulls);
    preferences
}

/// Leaves out what is null in a value.
pub fn drop_nulls(value: &mut Value) {
    match value {
        Value::Object(object) => *object = without_nulls(std::mem::take(object)),
        Value::Array(items) => {
            items.retain(|item| !item.is_null());
            items.iter_mut().for_each(drop_nulls);
        }
        _ => {}
    }
}

fn check_value(value: &Value) -> Result<(), InvalidText> {
    match value {
        Value::String(text) => text::free_text(text).map(drop),
        Value::Array(items) => items.iter().try_for_each(check_value),
        Value::Object(object) => object.iter().try_for_each(|(key, value)| {
            text::free_text(key)?;
            check_value(value)
        }),
        _ => Ok(()),
    }
}
