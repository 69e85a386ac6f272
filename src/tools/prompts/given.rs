//! A prompt's arguments: what makes no sense is refused, since a model would only stumble over it later.

use std::collections::BTreeMap;

use chrono::Utc;
use rmcp::model::JsonObject;
use serde_json::Value;

use crate::domain::appointment::{ServiceType, Status};
use crate::domain::time::Timestamp;
use crate::domain::time_input::parse_day;
use crate::tools::Engine;

/// The longest text of an argument, in characters.
const MOST_CHARACTERS: usize = 200;
/// How much of a refused text is told back, in characters.
const SHOWN_CHARACTERS: usize = 60;

/// Reads the arguments of a prompt that takes `names`; what is empty counts as not given.
pub(super) fn read(
    arguments: &JsonObject,
    names: &[&str],
    engine: &Engine,
) -> Result<BTreeMap<String, String>, String> {
    let mut given = BTreeMap::new();
    for (name, value) in arguments {
        let text = match value {
            Value::String(text) => text.trim().to_owned(),
            Value::Null => continue,
            other => other.to_string(),
        };
        if !names.contains(&name.as_str()) {
            return Err(unknown(name, names));
        }
        if !text.is_empty() {
            let text = read_one(name, &text, engine).map_err(|why| format!("{name} {why}"))?;
            given.insert(name.clone(), text);
        }
    }
    Ok(given)
}

fn read_one(name: &str, text: &str, engine: &Engine) -> Result<String, String> {
    let length = text.chars().count();
    if length > MOST_CHARACTERS {
        return Err(format!("must have at most {MOST_CHARACTERS} characters; this has {length}"));
    }
    if text.contains(char::is_control) {
        return Err("must be one line without control characters".to_owned());
    }
    let shop = engine.shop();
    match name {
        "service_type" => one_of(text, ServiceType::ALL.iter().map(|it| it.as_str())),
        "status" => one_of(text, Status::ALL.iter().map(|it| it.as_str())),
        "bay" => one_of(text, shop.bays.iter().map(|bay| bay.name.as_str())),
        "date" => match parse_day(text, Timestamp::from(Utc::now()), shop.zone) {
            Ok(_) => Ok(text.to_owned()),
            Err(wrong) => Err(format!("\"{}\" {wrong}", shown(text))),
        },
        _ => Ok(text.to_owned()),
    }
}

/// The one of the values that is meant, in any letter case and with spaces for underscores.
fn one_of<'v>(text: &str, values: impl Iterator<Item = &'v str> + Clone) -> Result<String, String> {
    let plain = |text: &str| text.to_lowercase().replace([' ', '-'], "_");
    match values.clone().find(|value| plain(value) == plain(text)) {
        Some(value) => Ok(value.to_owned()),
        None => {
            let allowed = values.collect::<Vec<_>>().join(", ");
            Err(format!("must be one of {allowed}; this is \"{}\"", shown(text)))
        }
    }
}

fn unknown(name: &str, names: &[&str]) -> String {
    let known = match names {
        [] => "the prompt takes none".to_owned(),
        names => format!("the arguments are {}", names.join(", ")),
    };
    format!("there is no argument {}; {known}", shown(name))
}

fn shown(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(SHOWN_CHARACTERS).collect()
}
