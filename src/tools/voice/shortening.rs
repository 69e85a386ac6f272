//! Cuts an envelope down to what fits into a reply of the voice profile.

use serde_json::{Map, Value};

/// How long a reply may be: the whole result of a call as it is sent.
const MOST_BYTES: usize = 600;
/// What is around the envelopes of a success: `content`, `structuredContent` and the flags.
const SUCCESS_FRAME_BYTES: usize = 98;
/// What is around the envelope of a failure.
const FAILURE_FRAME_BYTES: usize = 78;

/// Texts are cut to fewer and fewer characters, until all fits: first those inside of the data, then
/// the sentence.
const TEXT_CHARACTERS: [usize; 5] = [60, 30, 12, 12, 12];
const MESSAGE_CHARACTERS: [usize; 5] = [160, 100, 60, 30, 12];

/// A success with the first choice of fields for which there is room.
pub(super) fn success(mut envelope: Map<String, Value>, choices: &[&[&str]]) -> String {
    let data = envelope.insert("data".to_owned(), Value::Null).unwrap_or_default();
    let mut picked = data.clone();
    for choice in choices {
        picked = pick(&data, choice);
        if let Some(text) = success_that_fits(&mut envelope, &picked) {
            return text;
        }
    }
    let mut left_out = 0;
    while shorten_longest_list(&mut picked, 1) {
        left_out += 1;
        if let Some(data) = picked.as_object_mut() {
            data.insert("left_out".to_owned(), left_out.into());
        }
        if let Some(text) = success_that_fits(&mut envelope, &picked) {
            return text;
        }
    }
    for (text_characters, message_characters) in TEXT_CHARACTERS.into_iter().zip(MESSAGE_CHARACTERS)
    {
        clip_texts(&mut picked, text_characters);
        if let Some(text) = success_that_fits(&mut envelope, &picked) {
            return text;
        }
        clip_field(&mut envelope, "message", message_characters);
        if let Some(text) = success_that_fits(&mut envelope, &picked) {
            return text;
        }
    }
    // Whatever it is, the call was a success, and that must be told.
    envelope.insert("data".to_owned(), Value::Object(Map::new()));
    Value::Object(envelope).to_string()
}

fn success_that_fits(envelope: &mut Map<String, Value>, data: &Value) -> Option<String> {
    if let Some(place) = envelope.get_mut("data") {
        place.clone_from(data);
    }
    let text = serde_json::to_string(envelope).ok()?;
    let bytes = text.len() + escaped_bytes(&text) + SUCCESS_FRAME_BYTES;
    (bytes <= MOST_BYTES).then_some(text)
}

/// A failure without what helps least, until it fits.
pub(super) fn failure(mut envelope: Map<String, Value>) -> String {
    let steps: [fn(&mut Map<String, Value>); 11] = [
        |_| {},
        |it| drop_from_data(it, "now"),
        |it| cut_lists(it, 3),
        |it| cut_lists(it, 2),
        |it| clip_field(it, "error", 120),
        |it| drop(it.shift_remove("hint")),
        |it| cut_lists(it, 1),
        |it| clip_field(it, "message", 120),
        |it| clip_field(it, "error", 40),
        |it| clip_field(it, "message", 50),
        |it| drop(it.shift_remove("data")),
    ];
    let mut text = String::new();
    for step in steps {
        step(&mut envelope);
        text = serde_json::to_string(&envelope).unwrap_or_default();
        if escaped_bytes(&text) + FAILURE_FRAME_BYTES <= MOST_BYTES {
            break;
        }
    }
    text
}

/// The length of a text as JSON.
fn escaped_bytes(text: &str) -> usize {
    serde_json::to_string(text).map_or(usize::MAX / 4, |text| text.len())
}

/// The fields that `paths` name, such as `customer.vehicles.id`; a list is as its items.
fn pick(value: &Value, paths: &[&str]) -> Value {
    match value {
        Value::Array(items) => items.iter().map(|item| pick(item, paths)).collect(),
        Value::Object(fields) => {
            let kept = fields.iter().filter_map(|(name, field)| {
                if paths.contains(&name.as_str()) {
                    return Some((name.clone(), field.clone()));
                }
                let inner = paths
                    .iter()
                    .filter_map(|path| path.strip_prefix(name.as_str())?.strip_prefix('.'));
                let inner: Vec<&str> = inner.collect();
                (!inner.is_empty()).then(|| (name.clone(), pick(field, &inner)))
            });
            Value::Object(kept.collect())
        }
        other => other.clone(),
    }
}

/// Takes the last item of the list that has the most, where one has more than `least`.
fn shorten_longest_list(value: &mut Value, least: usize) -> bool {
    let Some(most) = longest_list(value).filter(|&most| most > least) else { return false };
    shorten_list_of(value, most)
}

fn longest_list(value: &Value) -> Option<usize> {
    match value {
        Value::Array(items) => items.iter().filter_map(longest_list).max().max(Some(items.len())),
        Value::Object(fields) => fields.values().filter_map(longest_list).max(),
        _ => None,
    }
}

fn shorten_list_of(value: &mut Value, length: usize) -> bool {
    match value {
        Value::Array(items) if items.len() == length => items.pop().is_some(),
        Value::Array(items) => items.iter_mut().any(|item| shorten_list_of(item, length)),
        Value::Object(fields) => fields.values_mut().any(|field| shorten_list_of(field, length)),
        _ => false,
    }
}

fn cut_lists(envelope: &mut Map<String, Value>, most: usize) {
    let Some(data) = envelope.get_mut("data") else { return };
    while shorten_longest_list(data, most) {}
}

fn drop_from_data(envelope: &mut Map<String, Value>, field: &str) {
    let Some(data) = envelope.get_mut("data").and_then(Value::as_object_mut) else { return };
    data.shift_remove(field);
    if data.is_empty() {
        envelope.shift_remove("data");
    }
}

fn clip_field(envelope: &mut Map<String, Value>, field: &str, characters: usize) {
    if let Some(Value::String(text)) = envelope.get_mut(field) {
        clip(text, characters);
    }
}

fn clip_texts(value: &mut Value, characters: usize) {
    match value {
        // A time or an id is no use in part.
        Value::String(text) if text.contains(' ') || text.len() > 40 => clip(text, characters),
        Value::Array(items) => items.iter_mut().for_each(|item| clip_texts(item, characters)),
        Value::Object(fields) => fields.values_mut().for_each(|it| clip_texts(it, characters)),
        _ => {}
    }
}

fn clip(text: &mut String, characters: usize) {
    if let Some((end, _)) = text.char_indices().nth(characters) {
        text.truncate(end);
        text.push('…');
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn object(value: Value) -> Map<String, Value> {
        let Value::Object(object) = value else { panic!("no object: {value}") };
        object
    }

    fn envelope(message: &str, data: Value) -> Map<String, Value> {
        object(json!({"success": true, "message": message, "data": data}))
    }

    #[track_caller]
    fn check_size(text: &str, frame: usize, is_twice: bool) {
        let twice = if is_twice { text.len() } else { 0 };
        assert!(escaped_bytes(text) + twice + frame <= MOST_BYTES, "{} bytes: {text}", text.len());
    }

    #[test]
    fn the_first_choice_with_room_is_taken() {
        let data = json!({"id": 1, "name": "a", "list": [{"x": 1, "y": 2}], "more": "y"});
        let text = success(envelope("ok", data.clone()), &[&["id", "list.x"], &["id"]]);
        assert_eq!(text, r#"{"success":true,"message":"ok","data":{"id":1,"list":[{"x":1}]}}"#);
        let long = json!({"id": 1, "name": "long ".repeat(100)});
        let text = success(envelope("ok", long), &[&["id", "name"], &["id"]]);
        assert_eq!(text, r#"{"success":true,"message":"ok","data":{"id":1}}"#);
    }

    #[test]
    fn a_list_tells_how_many_of_its_items_are_left_out() {
        let items: Vec<Value> = (0..50).map(|id| json!({"id": id})).collect();
        let text = success(envelope("ok", json!({"list": items})), &[&["list"]]);
        check_size(&text, SUCCESS_FRAME_BYTES, true);
        let told: Value = serde_json::from_str(&text).unwrap();
        let shown = told["data"]["list"].as_array().unwrap().len();
        assert!(shown > 10, "{shown}");
        assert_eq!(told["data"]["left_out"], 50 - shown);
    }

    #[test]
    fn whatever_people_wrote_fits() {
        for text in ["\"", "\n", "é", "語 ", "x", "a b "] {
            let text = text.repeat(4000);
            let data = json!({"id": 7, "name": text, "list": vec![text.as_str(); 20]});
            let told = success(envelope(&text, data.clone()), &[&["id", "name", "list"]]);
            check_size(&told, SUCCESS_FRAME_BYTES, true);
            let refused = object(json!({
                "success": false, "message": text, "code": "slot_unavailable", "error": text,
                "hint": text, "data": data,
            }));
            let told = failure(refused);
            check_size(&told, FAILURE_FRAME_BYTES, false);
            assert!(told.contains("slot_unavailable"), "{told}");
        }
    }

    #[test]
    fn a_failure_keeps_its_alternatives_rather_than_its_clock() {
        let alternative = json!({"scheduled_at": "2027-01-15T09:00:00-05:00", "when": "Friday, January 15 at 9:00 AM"});
        let refused = object(json!({
            "success": false, "message": "That time is taken.", "code": "slot_unavailable",
            "error": "every bay is taken", "hint": "Offer one of the alternatives.",
            "data": {"alternatives": vec![alternative; 5], "now": "2027-01-15T08:00:00-05:00"},
        }));
        let told: Value = serde_json::from_str(&failure(refused)).unwrap();
        assert!(told["data"]["alternatives"].as_array().unwrap().len() >= 2, "{told}");
        assert!(told["data"]["now"].is_null(), "{told}");
    }
}
