//! Reads a call's arguments by the tool's own schema: what it advertises is what is enforced.
//!
//! Models and clients change types on the way, so a number sent as text, a whole number sent as
//! `5.0` and digits sent as a number are read as what the schema says; a `null` is an absent
//! argument. Anything else that does not fit is refused, naming the field, the value and the rule.

use rmcp::model::JsonObject;
use serde_json::{Map, Number, Value, json};

use crate::error::{Code, Refusal};

/// How much of a refused value is told back.
const SHOWN_CHARACTERS: usize = 60;

/// Fits `arguments` to `schema`.
///
/// # Errors
/// Where an argument is unknown, missing, of another type or out of its range.
pub fn fit(arguments: Value, schema: &JsonObject) -> Result<Value, Refusal> {
    match arguments {
        Value::Null => fit_object("", Map::new(), schema),
        Value::Object(arguments) => fit_object("", arguments, schema),
        // Some clients send the object as the text of it.
        Value::String(text) => match serde_json::from_str(&text) {
            Ok(Value::Object(arguments)) => fit_object("", arguments, schema),
            _ => Err(invalid("arguments must be a JSON object".to_owned())),
        },
        _ => Err(invalid("arguments must be a JSON object".to_owned())),
    }
}

/// Reads the object where some clients send the text of it.
pub(super) fn read_object(arguments: &mut Value) {
    if let Value::String(text) = arguments
        && let Ok(object @ Value::Object(_)) = serde_json::from_str(text)
    {
        *arguments = object;
    }
}

/// Refuses the first argument that a tool has not, naming those that are listed.
///
/// # Errors
/// Where there is such a one.
pub(super) fn check_names(
    arguments: &Value,
    schema: &JsonObject,
    listed: &[&str],
) -> Result<(), Refusal> {
    let properties = schema.get("properties").and_then(Value::as_object);
    let is_known = |name: &String| properties.is_some_and(|known| known.contains_key(name));
    let mut names = arguments.as_object().into_iter().flat_map(Map::keys);
    match names.find(|&name| !is_known(name)) {
        Some(name) => Err(unknown(&shorten(name), listed)),
        None => Ok(()),
    }
}

/// The refusal of an argument that has the right type but not the right meaning.
pub fn refuse(field: &str, problem: impl std::fmt::Display) -> Refusal {
    invalid(format!("{field} {problem}"))
}

fn invalid(error: String) -> Refusal {
    Refusal::new(
        Code::InvalidArgument,
        "I could not use what was asked; a detail is missing or wrong.",
        error,
    )
    .hint("Correct the argument that is named and call again.")
}

fn fit_value(field: &str, value: Value, schema: &JsonObject) -> Result<Value, Refusal> {
    let kind = schema.get("type").and_then(Value::as_str).unwrap_or_default();
    let fitted = match (kind, value) {
        ("string", value) => fit_string(field, value, schema)?,
        ("integer", value) => fit_number(field, value, schema, "a whole number", whole)?,
        ("number", value) => fit_number(field, value, schema, "a number", real)?,
        ("boolean", value @ Value::Bool(_)) => value,
        ("boolean", value) => return Err(wrong_type(field, &value, "true or false")),
        ("array", Value::Array(items)) => fit_array(field, items, schema)?,
        ("array", value) => return Err(wrong_type(field, &value, "a list")),
        ("object", Value::Object(object)) => fit_object(field, object, schema)?,
        ("object", value) => return Err(wrong_type(field, &value, "an object")),
        (_, value) => value,
    };
    Ok(fitted)
}

fn fit_object(
    field: &str,
    object: Map<String, Value>,
    schema: &JsonObject,
) -> Result<Value, Refusal> {
    let empty = Map::new();
    let properties = schema.get("properties").and_then(Value::as_object).unwrap_or(&empty);
    let is_open =
        properties.is_empty() && schema.get("additionalProperties") != Some(&json!(false));
    let mut fitted = Map::with_capacity(object.len());
    for (key, value) in object {
        match properties.get(&key) {
            // An optional argument may be null; where it is needed, it is missing.
            Some(_) if value.is_null() => {}
            Some(Value::Object(rule)) => {
                let value = fit_value(&path(field, &key), value, rule)?;
                fitted.insert(key, value);
            }
            _ if is_open => {
                fitted.insert(key, value);
            }
            _ => {
                let known: Vec<&str> = properties.keys().map(String::as_str).collect();
                return Err(unknown(&path(field, &shorten(&key)), &known));
            }
        }
    }
    let required = schema.get("required").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    match required.iter().filter_map(Value::as_str).find(|&key| !fitted.contains_key(key)) {
        Some(missing) => Err(invalid(format!("{} is required", path(field, missing)))),
        None => Ok(Value::Object(fitted)),
    }
}

fn path(parent: &str, key: &str) -> String {
    if parent.is_empty() { key.to_owned() } else { format!("{parent}.{key}") }
}

fn unknown(name: &str, known: &[&str]) -> Refusal {
    let error = if known.is_empty() {
        format!("there is no argument {name}; this takes none")
    } else {
        format!("there is no argument {name}; the arguments are {}", known.join(", "))
    };
    invalid(error).data(json!({"arguments": known}))
}

fn fit_string(field: &str, value: Value, schema: &JsonObject) -> Result<Value, Refusal> {
    let text = match value {
        Value::String(text) => text,
        // Digits, such as those of a phone number; a fraction or an exponent is no such thing.
        Value::Number(number) => match whole(&number) {
            Some(digits) => digits.to_string(),
            None => return Err(wrong_type(field, &Value::Number(number), "text")),
        },
        value => return Err(wrong_type(field, &value, "text")),
    };
    if let Some(allowed) = schema.get("enum").and_then(Value::as_array)
        && !allowed.iter().any(|choice| choice.as_str() == Some(&text))
    {
        let names: Vec<&str> = allowed.iter().filter_map(Value::as_str).collect();
        let error =
            format!("{field} must be one of {}; this is \"{}\"", names.join(", "), shorten(&text));
        return Err(invalid(error).data(json!({"allowed": allowed})));
    }
    check_length(field, &text, schema)?;
    Ok(Value::String(text))
}

fn check_length(field: &str, text: &str, schema: &JsonObject) -> Result<(), Refusal> {
    let limit = |key| schema.get(key).and_then(Value::as_u64);
    let (least, most) = (limit("minLength"), limit("maxLength"));
    if least.is_none() && most.is_none_or(|most| text.len() as u64 <= most) {
        return Ok(());
    }
    let length = text.chars().count() as u64;
    if least.is_some_and(|least| length < least) {
        return Err(invalid(format!("{field} must not be empty")));
    }
    match most {
        Some(most) if length > most => {
            Err(invalid(format!("{field} must have at most {most} characters; this has {length}")))
        }
        _ => Ok(()),
    }
}

fn fit_number(
    field: &str,
    value: Value,
    schema: &JsonObject,
    expected: &str,
    read: impl Fn(&Number) -> Option<Number>,
) -> Result<Value, Refusal> {
    let number = match &value {
        Value::String(text) => {
            serde_json::from_str::<Number>(text.trim()).ok().and_then(|number| read(&number))
        }
        Value::Number(number) => read(number),
        _ => None,
    };
    let Some(number) = number else { return Err(wrong_type(field, &value, expected)) };
    check_range(field, &number, schema)?;
    Ok(Value::Number(number))
}

fn check_range(field: &str, number: &Number, schema: &JsonObject) -> Result<(), Refusal> {
    let bound = |key| schema.get(key).and_then(Value::as_f64);
    let (least, most) = (bound("minimum"), bound("maximum"));
    let value = number.as_f64().unwrap_or(f64::NAN);
    let below = least.is_some_and(|least| value < least);
    let above = most.is_some_and(|most| value > most);
    match (least, most) {
        (Some(least), Some(most)) if below || above => {
            Err(invalid(format!("{field} must be from {least} to {most}; this is {number}")))
        }
        (Some(least), _) if below => {
            Err(invalid(format!("{field} must be at least {least}; this is {number}")))
        }
        (_, Some(most)) if above => {
            Err(invalid(format!("{field} must be at most {most}; this is {number}")))
        }
        _ => Ok(()),
    }
}

/// A whole number, also where it is written `5.0`.
pub(super) fn whole(number: &Number) -> Option<Number> {
    if number.is_i64() {
        return Some(number.clone());
    }
    let real = number.as_f64()?;
    // Beyond 2^53 a float no longer says which whole number was meant.
    let exact = real.fract() == 0.0 && real.abs() <= 9_007_199_254_740_992.0;
    #[expect(clippy::cast_possible_truncation, reason = "a whole number within 2^53")]
    exact.then(|| Number::from(real as i64))
}

fn real(number: &Number) -> Option<Number> {
    number.as_f64().is_some_and(f64::is_finite).then(|| number.clone())
}

fn fit_array(field: &str, items: Vec<Value>, schema: &JsonObject) -> Result<Value, Refusal> {
    let most = schema.get("maxItems").and_then(Value::as_u64);
    if let Some(most) = most.filter(|&most| items.len() as u64 > most) {
        let error = format!("{field} must have at most {most} items; this has {}", items.len());
        return Err(invalid(error));
    }
    let Some(rule) = schema.get("items").and_then(Value::as_object) else {
        return Ok(Value::Array(items));
    };
    let fit_item = |(index, item)| fit_value(&format!("{field}[{index}]"), item, rule);
    items.into_iter().enumerate().map(fit_item).collect::<Result<_, _>>().map(Value::Array)
}

fn wrong_type(field: &str, value: &Value, expected: &str) -> Refusal {
    invalid(format!("{field} must be {expected}; this is {}", shorten(&value.to_string())))
}

fn shorten(text: &str) -> String {
    let mut short: String =
        text.chars().filter(|c| !c.is_control()).take(SHOWN_CHARACTERS).collect();
    if short.len() < text.len() {
        short.push('…');
    }
    short
}

#[cfg(test)]
mod tests {
    use super::*;

    fn schema() -> JsonObject {
        let schema = json!({
            "type": "object",
            "properties": {
                "phone": {"type": "string", "maxLength": 5},
                "count": {"type": "integer", "minimum": 1, "maximum": 100},
                "score": {"type": "number", "minimum": 0},
                "flag": {"type": "boolean"},
                "kind": {"type": "string", "enum": ["a", "b"]},
                "extra": {"type": "object"},
                "list": {"type": "array", "maxItems": 2, "items": {"type": "integer"}},
            },
            "required": ["phone"],
        });
        let Value::Object(schema) = schema else { unreachable!() };
        schema
    }

    #[track_caller]
    fn check(arguments: Value, expected: Result<Value, &str>) {
        let fitted = fit(arguments, &schema()).map_err(|refusal| refusal.error().to_owned());
        assert_eq!(fitted, expected.map_err(str::to_owned));
    }

    #[test]
    fn types_that_changed_on_the_way_are_read_as_meant() {
        check(json!({"phone": 12345}), Ok(json!({"phone": "12345"})));
        check(json!({"phone": "1", "count": "5"}), Ok(json!({"phone": "1", "count": 5})));
        check(json!({"phone": "1", "count": 5.0}), Ok(json!({"phone": "1", "count": 5})));
        check(json!({"phone": "1", "count": " 5.0 "}), Ok(json!({"phone": "1", "count": 5})));
        check(json!({"phone": "1", "score": "2.5"}), Ok(json!({"phone": "1", "score": 2.5})));
        check(json!({"phone": "1", "flag": null}), Ok(json!({"phone": "1"})));
        check(json!({"phone": "1", "list": ["1", 2.0]}), Ok(json!({"phone": "1", "list": [1, 2]})));
        check(
            json!({"phone": "1", "extra": {"a": [null]}}),
            Ok(json!({"phone": "1", "extra": {"a": [null]}})),
        );
        check(json!("{\"phone\": \"1\"}"), Ok(json!({"phone": "1"})));
    }

    #[test]
    fn anything_else_of_the_wrong_type_is_refused() {
        check(json!({"phone": true}), Err("phone must be text; this is true"));
        check(json!({"phone": 1.5}), Err("phone must be text; this is 1.5"));
        check(json!({"phone": ["1"]}), Err("phone must be text; this is [\"1\"]"));
        check(
            json!({"phone": "1", "count": 5.5}),
            Err("count must be a whole number; this is 5.5"),
        );
        check(
            json!({"phone": "1", "count": "five"}),
            Err("count must be a whole number; this is \"five\""),
        );
        check(
            json!({"phone": "1", "count": true}),
            Err("count must be a whole number; this is true"),
        );
        check(
            json!({"phone": "1", "flag": "true"}),
            Err("flag must be true or false; this is \"true\""),
        );
        check(json!({"phone": "1", "extra": []}), Err("extra must be an object; this is []"));
        check(json!({"phone": "1", "list": {}}), Err("list must be a list; this is {}"));
        check(
            json!({"phone": "1", "list": [1, "x"]}),
            Err("list[1] must be a whole number; this is \"x\""),
        );
        check(json!([]), Err("arguments must be a JSON object"));
        check(json!("phone"), Err("arguments must be a JSON object"));
    }

    #[test]
    fn missing_and_unknown_arguments_are_named() {
        check(json!({}), Err("phone is required"));
        check(Value::Null, Err("phone is required"));
        check(json!({"phone": null}), Err("phone is required"));
        check(
            json!({"phone": "1", "fone": 1}),
            Err(
                "there is no argument fone; the arguments are phone, count, score, flag, kind, extra, list",
            ),
        );
    }

    #[test]
    fn ranges_lengths_and_choices_are_enforced() {
        check(json!({"phone": "123456"}), Err("phone must have at most 5 characters; this has 6"));
        check(json!({"phone": "é".repeat(5)}), Ok(json!({"phone": "é".repeat(5)})));
        check(json!({"phone": "1", "count": 0}), Err("count must be from 1 to 100; this is 0"));
        check(json!({"phone": "1", "count": 101}), Err("count must be from 1 to 100; this is 101"));
        check(json!({"phone": "1", "score": -1}), Err("score must be at least 0; this is -1"));
        check(json!({"phone": "1", "kind": "c"}), Err("kind must be one of a, b; this is \"c\""));
        check(
            json!({"phone": "1", "list": [1, 2, 3]}),
            Err("list must have at most 2 items; this has 3"),
        );
        check(
            json!({"phone": "1", "count": 1e300}),
            Err("count must be a whole number; this is 1e+300"),
        );
    }
}
