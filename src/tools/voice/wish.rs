//! What a call asks of this profile alone: whom and what the caller means, where a lookup finds more
//! than a short reply has room for.

use rmcp::model::JsonObject;
use serde_json::{Map, Value, json};

use super::people::Meant;
use super::{BRIEFS, fleet, people, shortening};
use crate::error::Refusal;
use crate::tools::arguments::{read_object, refuse};
use crate::tools::customers::{LookupCustomer, sharing};
use crate::tools::engine::Engine;
use crate::tools::reply::Reply;
use crate::tools::{Ask, Tool};

/// The argument that says who of several customers calls.
const NAME: &str = "name";
/// The argument that says which of many vehicles is meant.
const VEHICLE: &str = "vehicle";
/// How long either may be, in characters.
const MOST_CHARACTERS: usize = 200;

/// The arguments that this profile adds to `lookup_customer`, as they are listed.
pub(super) fn schemas() -> JsonObject {
    let argument = |name: &str, description: &str| {
        (name.to_owned(), json!({"type": "string", "description": description}))
    };
    JsonObject::from_iter([
        argument(NAME, "Beside phone_number, if several share it: who calls, such as Ann Lee."),
        argument(
            VEHICLE,
            "If left_out tells of more vehicles: words of the one meant, such as red ford.",
        ),
    ])
}

/// What a call asks of this profile alone, taken out of its arguments.
#[derive(Default)]
pub struct Wish {
    name: Option<String>,
    vehicle: Option<String>,
    phone_number: Option<String>,
}

impl Wish {
    /// Reads it.
    ///
    /// # Errors
    /// Where it is no text.
    pub fn take(tool: &str, arguments: &mut Value) -> Result<Self, Refusal> {
        if tool != LookupCustomer::NAME {
            return Ok(Self::default());
        }
        read_object(arguments);
        let phone_number = arguments.get("phone_number").and_then(|number| match number {
            Value::String(text) => Some(text.clone()),
            Value::Number(number) => Some(number.to_string()),
            _ => None,
        });
        let (name, vehicle) = (take(NAME, arguments)?, take(VEHICLE, arguments)?);
        Ok(Self { name, vehicle, phone_number })
    }

    /// The number of the one among those who share a phone number who is meant, where it is one.
    pub async fn who(&self, reply: &Reply, engine: &Engine) -> Option<Value> {
        if self.name.is_none() && self.vehicle.is_none() {
            return None;
        }
        let envelope: Value = serde_json::from_str(&reply.text).ok()?;
        let ids = match people::who(&envelope, self.name.as_deref()) {
            Meant::One(id) => return Some(id),
            Meant::Namesakes(ids) => ids,
            Meant::Unknown => return None,
        };
        let (vehicle, phone) = (self.vehicle.as_deref()?, self.phone_number.as_deref()?);
        // Where the vehicles cannot be read, the customers are told without.
        let customers = sharing(phone, engine).await.ok()?;
        people::owner(&customers, &ids, vehicle)
    }

    /// The reply in few words.
    pub fn shorten(&self, tool: &str, reply: Reply) -> Reply {
        if let Some(ask) = reply.ask {
            let Ask { sentence, proof } = *ask;
            return Reply::asking(Ask { sentence: shortening::question(&sentence), proof });
        }
        let Ok(Value::Object(envelope)) = serde_json::from_str(&reply.text) else {
            return reply;
        };
        let text = if reply.is_error {
            shortening::failure(envelope)
        } else {
            self.success(tool, envelope)
        };
        Reply { text: text.into(), ..reply }
    }

    fn success(&self, tool: &str, mut envelope: Map<String, Value>) -> String {
        let choices = BRIEFS.iter().find(|brief| brief.tool == tool).map(|brief| brief.choices);
        let drafts = |envelope: &Map<String, Value>| {
            let data = envelope.get("data").unwrap_or(&Value::Null);
            choices.into_iter().flatten().map(|paths| shortening::pick(data, paths)).collect()
        };
        if tool != LookupCustomer::NAME {
            let drafts = drafts(&envelope);
            return shortening::success(envelope, drafts);
        }
        if let Some(text) = people::tell(&mut envelope, self.name.as_deref()) {
            return text;
        }
        let ask = fleet::tell(&mut envelope, self.name.as_deref(), self.vehicle.as_deref());
        let drafts = drafts(&envelope);
        fleet::shorten(envelope, drafts, ask)
    }
}

fn take(name: &str, arguments: &mut Value) -> Result<Option<String>, Refusal> {
    let Some(arguments) = arguments.as_object_mut() else { return Ok(None) };
    let words = match arguments.shift_remove(name) {
        None | Some(Value::Null) => return Ok(None),
        Some(Value::String(words)) => words,
        Some(Value::Number(number)) => number.to_string(),
        Some(_) => return Err(refuse(name, "must be text")),
    };
    let length = words.chars().count();
    if length > MOST_CHARACTERS {
        let error = format!("must have at most {MOST_CHARACTERS} characters; this has {length}");
        return Err(refuse(name, error));
    }
    Ok(Some(words).filter(|words| !words.trim().is_empty()))
}
