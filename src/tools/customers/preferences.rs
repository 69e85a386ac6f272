//! What a customer prefers, as an argument.

use serde_json::{Map, Value};

use crate::domain::preferences::{InvalidPreferences, check, check_count as count};
use crate::error::Refusal;
use crate::tools::arguments::refuse;

/// Preferences are the shop's own words: few, short, and free of hidden characters like any text.
pub(super) fn check_preferences(preferences: &Map<String, Value>) -> Result<(), Refusal> {
    check(preferences).map_err(|wrong| match wrong {
        InvalidPreferences::Value { key, why } => refuse(&format!("preferences.{key}"), why),
        wrong => refuse("preferences", wrong),
    })
}

/// A customer has no more than so many preferences.
pub(super) fn check_count(preferences: &Map<String, Value>) -> Result<(), Refusal> {
    count(preferences).map_err(|wrong| refuse("preferences", wrong))
}
