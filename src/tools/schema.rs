//! JSON schemas that every client and model understands, and the rules that they state.
//!
//! Models and clients stumble over `$ref`, `$schema`, `type: [T, "null"]` and number formats, so
//! none of them is used.

use std::sync::Arc;

use rmcp::model::JsonObject;
use schemars::generate::{Contract, SchemaSettings};
use schemars::transform::RecursiveTransform;
use schemars::{JsonSchema, Schema};
use serde_json::{Value, json};

/// The schema of what a tool takes.
pub fn of_arguments<T: JsonSchema>() -> Arc<JsonObject> {
    let mut schema = portable::<T>(Contract::Deserialize);
    schema.entry("type").or_insert_with(|| json!("object"));
    schema.entry("properties").or_insert_with(|| json!({}));
    schema.insert("additionalProperties".to_owned(), json!(false));
    Arc::new(schema)
}

/// The schema of the envelope around what a tool returns.
///
/// Its fields carry no descriptions: their names say what they are, and a client pays for every
/// word of the tool list in each conversation.
pub fn of_envelope<T: JsonSchema>() -> Arc<JsonObject> {
    let mut data = Value::Object(portable::<T>(Contract::Serialize));
    drop_descriptions(&mut data);
    let envelope = json!({
        "type": "object",
        "properties": {
            "success": {"type": "boolean"},
            "message": {"type": "string"},
            "replayed": {"type": "boolean"},
            "data": data,
        },
        "required": ["success", "message", "data"],
    });
    let Value::Object(envelope) = envelope else { return Arc::default() };
    Arc::new(envelope)
}

fn drop_descriptions(schema: &mut Value) {
    match schema {
        Value::Object(object) => {
            // A field that happens to have this name holds a schema, not a text.
            if object.get("description").is_some_and(Value::is_string) {
                object.shift_remove("description");
            }
            object.values_mut().for_each(drop_descriptions);
        }
        Value::Array(items) => items.iter_mut().for_each(drop_descriptions),
        _ => {}
    }
}

fn portable<T: JsonSchema>(contract: Contract) -> JsonObject {
    let settings = SchemaSettings::draft2020_12().with(|settings| {
        settings.meta_schema = None;
        settings.inline_subschemas = true;
        settings.contract = contract;
        settings.transforms.push(Box::new(RecursiveTransform(simplify)));
    });
    let mut schema = settings.into_generator().into_root_schema_for::<T>();
    let object = schema.ensure_object();
    object.remove("title");
    object.remove("description");
    std::mem::take(object)
}

fn simplify(schema: &mut Schema) {
    let Some(object) = schema.as_object_mut() else { return };
    object.remove("title");
    if is_number_format(object.get("format")) {
        object.remove("format");
    }
    if object.get("default").is_some_and(Value::is_null) {
        object.remove("default");
    }
    drop_null_type(object);
    join_constants(object);
}

fn is_number_format(format: Option<&Value>) -> bool {
    let Some(format) = format.and_then(Value::as_str) else { return false };
    ["int", "uint", "double", "float"].iter().any(|prefix| format.starts_with(prefix))
}

/// `type: [T, "null"]` becomes `type: T`, and null is no member of an enumeration.
fn drop_null_type(object: &mut JsonObject) {
    if let Some(Value::Array(types)) = object.get_mut("type") {
        types.retain(|kind| kind != "null");
        if let [only] = types.as_mut_slice() {
            let only = only.take();
            object.insert("type".to_owned(), only);
        }
    }
    if let Some(Value::Array(values)) = object.get_mut("enum") {
        values.retain(|value| !value.is_null());
    }
    if let Some(Value::Array(mut choices)) = object.remove("anyOf") {
        choices.retain(|choice| choice.get("type").is_none_or(|kind| kind != "null"));
        if let [Value::Object(only)] = choices.as_mut_slice() {
            let only = std::mem::take(only);
            for (key, value) in only {
                object.entry(key).or_insert(value);
            }
        } else {
            object.insert("anyOf".to_owned(), Value::Array(choices));
        }
    }
}

/// A `oneOf` of constants, as an enumeration with documented members comes out, is an `enum`.
fn join_constants(object: &mut JsonObject) {
    let Some(Value::Array(choices)) = object.get("oneOf") else { return };
    let constants: Option<Vec<Value>> =
        choices.iter().map(|choice| choice.get("const").cloned()).collect();
    if let Some(constants) = constants {
        object.remove("oneOf");
        object.insert("type".to_owned(), json!("string"));
        object.insert("enum".to_owned(), Value::Array(constants));
    }
}
