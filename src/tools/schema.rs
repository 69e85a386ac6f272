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

/// What every reply about times has, as the server's instructions say.
const EVERYWHERE: [&str; 2] = ["now", "when"];

/// How many fields of a reply are told one by one.
const MOST_FIELDS: usize = 20;

/// The schema of what a tool takes.
pub fn of_arguments<T: JsonSchema>() -> Arc<JsonObject> {
    let mut schema = portable::<T>(Contract::Deserialize);
    schema.entry("type").or_insert_with(|| json!("object"));
    schema.entry("properties").or_insert_with(|| json!({}));
    schema.insert("additionalProperties".to_owned(), json!(false));
    Arc::new(schema)
}

/// What the list of tools shows of the schema of a tool's arguments.
///
/// The list is paid for in every conversation. Lengths, the bounds that no sensible value meets, and
/// that other arguments are refused, are enforced all the same; whoever breaks them is told.
pub fn listed(arguments: &JsonObject) -> JsonObject {
    let mut schema = Value::Object(arguments.clone());
    drop_what_goes_without_saying(&mut schema);
    into_object(schema)
}

fn drop_what_goes_without_saying(schema: &mut Value) {
    let Some(schema) = schema.as_object_mut() else { return };
    for key in ["minLength", "maxLength", "minItems", "additionalProperties"] {
        schema.shift_remove(key);
    }
    // The smallest id or count, and what is far beyond any real number.
    let is_plain = |bound: &Value| bound.as_i64().is_some_and(|bound| matches!(bound, 0 | 1));
    if schema.get("minimum").is_some_and(is_plain) {
        schema.shift_remove("minimum");
    }
    let is_far = |bound: &Value| bound.as_i64().is_some_and(|bound| bound.abs() > 1_000_000);
    schema.retain(|key, bound| !(matches!(key.as_str(), "minimum" | "maximum") && is_far(bound)));
    let properties = schema.get_mut("properties").and_then(Value::as_object_mut);
    properties.into_iter().flat_map(|all| all.values_mut()).for_each(drop_what_goes_without_saying);
    schema.get_mut("items").into_iter().for_each(drop_what_goes_without_saying);
}

/// The schema of the envelope around what a tool returns: the names and types of its data's fields.
///
/// What is inside of them is not described: their names say what they are, and a client pays for
/// every word of the tool list in each conversation. Of very many fields those are told that are
/// always there.
pub fn of_envelope<T: JsonSchema>() -> JsonObject {
    let data = portable::<T>(Contract::Serialize);
    let fields = data.get("properties").and_then(Value::as_object);
    let required = data.get("required").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    let is_long = fields.is_some_and(|fields| fields.len() > MOST_FIELDS);
    let is_told = |name: &str| {
        !EVERYWHERE.contains(&name) && (!is_long || required.iter().any(|known| known == name))
    };
    let fields: JsonObject = fields
        .into_iter()
        .flatten()
        .filter(|(name, _)| is_told(name))
        .map(|(name, field)| (name.clone(), outline(field)))
        .collect();
    into_object(json!({
        "type": "object",
        "properties": {
            "success": {"type": "boolean"},
            "message": {"type": "string"},
            "data": {"type": "object", "properties": fields},
        },
    }))
}

/// A field's type alone, and that of its items where they are no objects.
fn outline(field: &Value) -> Value {
    let kind = |schema: &Value| schema.get("type").cloned().unwrap_or_else(|| json!("object"));
    match (kind(field), field.get("items").map(kind)) {
        (list, Some(items)) if items != "object" => json!({"type": list, "items": {"type": items}}),
        (other, _) => json!({"type": other}),
    }
}

fn into_object(schema: Value) -> JsonObject {
    match schema {
        Value::Object(schema) => schema,
        _ => JsonObject::default(),
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
