//! Cuts an envelope down to what fits into a reply of the voice profile.

use std::borrow::Cow;

use serde_json::{Map, Value};

/// How long a reply may be: the whole line as it is sent.
const MOST_BYTES: usize = 600;
/// What is around the envelopes of a success: the message with an id of eight digits, `content`,
/// `structuredContent` and the flags.
const SUCCESS_FRAME_BYTES: usize = 140;
/// What is around the envelope of a failure.
const FAILURE_FRAME_BYTES: usize = 118;
/// How long a question may be that a client asks, as JSON: its form and its proof are the rest.
const QUESTION_BYTES: usize = 210;
/// How long a name may be within a sentence, as JSON.
const NAME_BYTES: usize = 40;

/// Texts are cut to fewer and fewer characters, until all fits: first those inside of the data, then
/// the sentence.
const TEXT_CHARACTERS: [usize; 5] = [60, 30, 12, 12, 12];
const MESSAGE_CHARACTERS: [usize; 5] = [160, 100, 60, 30, 12];
/// What texts are cut to before whole items of a list are left out.
const LONG_CHARACTERS: usize = 30;
const LONG_MESSAGE_CHARACTERS: usize = 120;

/// A success with the first draft of its data for which there is room.
pub(super) fn success(mut envelope: Map<String, Value>, mut drafts: Vec<Value>) -> String {
    for draft in &drafts {
        if let Some(text) = success_that_fits(&mut envelope, draft) {
            return text;
        }
    }
    clip_field(&mut envelope, "message", LONG_MESSAGE_CHARACTERS);
    for draft in &mut drafts {
        clip_texts(draft, LONG_CHARACTERS);
        if let Some(text) = success_that_fits(&mut envelope, draft) {
            return text;
        }
    }
    let mut picked = drafts.pop().unwrap_or_default();
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
    // Whatever it is, the call was a success, and that must be told; and whether anybody was found.
    envelope.insert("data".to_owned(), pick(&picked, &["found"]));
    Value::Object(envelope).to_string()
}

/// The envelope of a success with this data, where it has room.
pub(super) fn success_that_fits(envelope: &mut Map<String, Value>, data: &Value) -> Option<String> {
    envelope.insert("data".to_owned(), data.clone());
    let text = serde_json::to_string(envelope).ok()?;
    let bytes = text.len() + escaped_bytes(&text) + SUCCESS_FRAME_BYTES;
    (bytes <= MOST_BYTES).then_some(text)
}

/// Whether a success with this sentence and this data has room.
pub fn has_room(message: &str, data: &Value) -> bool {
    let mut envelope = Map::new();
    envelope.insert("success".to_owned(), true.into());
    envelope.insert("message".to_owned(), message.into());
    success_that_fits(&mut envelope, data).is_some()
}

/// A failure without what helps least, until it fits. The way out goes last but for one alternative.
pub(super) fn failure(mut envelope: Map<String, Value>) -> String {
    let steps: [fn(&mut Map<String, Value>); 15] = [
        |_| {},
        |it| drop_from_data(it, "now"),
        // The error names them all, and some of them would mislead.
        |it| drop_from_data(it, "allowed"),
        |it| cut_lists(it, 3),
        |it| drop_from_data(it, "expires_at"),
        |it| cut_lists(it, 2),
        |it| clip_field(it, "error", 120),
        |it| clip_field(it, "error", 60),
        |it| drop(it.shift_remove("hint")),
        |it| cut_lists(it, 1),
        |it| clip_message(it, QUESTION_BYTES),
        |it| clip_field(it, "error", 48),
        |it| clip_message(it, 140),
        |it| clip_message(it, 60),
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

fn clip_message(envelope: &mut Map<String, Value>, bytes: usize) {
    if let Some(Value::String(message)) = envelope.get_mut("message") {
        *message = without_middle(message, bytes);
    }
}

/// A question that a client asks.
pub(super) fn question(sentence: &str) -> String {
    without_middle(sentence, QUESTION_BYTES)
}

/// A sentence of so many bytes as JSON: what is asked stands at the beginning, and at the end that it
/// cannot be undone.
fn without_middle(sentence: &str, bytes: usize) -> String {
    if escaped_bytes(sentence) <= bytes + "\"\"".len() {
        return sentence.to_owned();
    }
    let (begin, end) = halves(sentence);
    let begin = clipped_to(begin, bytes / 2);
    // What is clipped at its beginning is clipped from behind.
    let backwards: String = end.chars().rev().collect();
    let end: String = clipped_to(&backwards, bytes / 2).chars().rev().collect();
    format!("{begin}{end}")
}

fn halves(text: &str) -> (&str, &str) {
    let middle = text.chars().count() / 2;
    let middle = text.char_indices().nth(middle).map_or(0, |(index, _)| index);
    text.split_at_checked(middle).unwrap_or((text, ""))
}

/// A name as a sentence has room for it.
pub fn clipped(name: &str) -> Cow<'_, str> {
    clipped_to(name, NAME_BYTES)
}

/// As much of a text as has so many bytes as JSON.
fn clipped_to(text: &str, bytes: usize) -> Cow<'_, str> {
    let mut used = 0;
    let mut last = 0;
    for (index, c) in text.char_indices() {
        // The sign that something is missing has three bytes.
        if used + 3 <= bytes {
            last = index;
        }
        used += match c {
            '"' | '\\' | '\n' | '\t' | '\r' => 2,
            c if c.is_ascii_control() => 6,
            c => c.len_utf8(),
        };
        if used > bytes {
            return Cow::Owned(format!("{}…", text.get(..last).unwrap_or_default()));
        }
    }
    Cow::Borrowed(text)
}

/// The length of a text as JSON.
fn escaped_bytes(text: &str) -> usize {
    serde_json::to_string(text).map_or(usize::MAX / 4, |text| text.len())
}

/// The fields that `paths` name, such as `customer.vehicles.id`; a list is as its items.
pub(super) fn pick(value: &Value, paths: &[&str]) -> Value {
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
        Value::String(text) if text.contains([' ', '…']) || text.len() > 40 => {
            clip(text, characters);
        }
        Value::Array(items) => items.iter_mut().for_each(|item| clip_texts(item, characters)),
        Value::Object(fields) => {
            // Nor is a time that is to be said aloud.
            let texts = fields.iter_mut().filter(|(name, _)| *name != "when");
            texts.for_each(|(_, it)| clip_texts(it, characters));
        }
        _ => {}
    }
}

pub(super) fn clip(text: &mut String, characters: usize) {
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

    fn told(message: &str, data: &Value, choices: &[&[&str]]) -> String {
        let drafts = choices.iter().map(|paths| pick(data, paths)).collect();
        success(envelope(message, data.clone()), drafts)
    }

    #[test]
    fn the_first_choice_with_room_is_taken() {
        let data = json!({"id": 1, "name": "a", "list": [{"x": 1, "y": 2}], "more": "y"});
        let text = told("ok", &data, &[&["id", "list.x"], &["id"]]);
        assert_eq!(text, r#"{"success":true,"message":"ok","data":{"id":1,"list":[{"x":1}]}}"#);
        let long = json!({"id": 1, "name": "long ".repeat(100)});
        let text = told("ok", &long, &[&["id", "name"], &["id"]]);
        assert_eq!(text, r#"{"success":true,"message":"ok","data":{"id":1}}"#);
    }

    #[test]
    fn a_list_tells_how_many_of_its_items_are_left_out() {
        let items: Vec<Value> = (0..50).map(|id| json!({"id": id})).collect();
        let text = told("ok", &json!({"list": items}), &[&["list"]]);
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
            let told = told(&text, &data, &[&["id", "name", "list"]]);
            check_size(&told, SUCCESS_FRAME_BYTES, true);
            let refused = object(json!({
                "success": false, "message": text, "code": "slot_unavailable", "error": text,
                "hint": text, "data": data,
            }));
            let told = failure(refused);
            check_size(&told, FAILURE_FRAME_BYTES, false);
            assert!(told.contains("slot_unavailable"), "{told}");
            assert!(escaped_bytes(&question(&text)) <= QUESTION_BYTES + 2);
            assert!(escaped_bytes(&clipped(&text)) <= NAME_BYTES + 2);
        }
    }

    #[test]
    fn a_text_that_fits_is_left_as_it_is() {
        assert_eq!(clipped("Maximiliane Schmidt"), "Maximiliane Schmidt");
        assert_eq!(clipped(&"x".repeat(40)), "x".repeat(40));
        assert_eq!(clipped(&"x".repeat(41)), format!("{}…", "x".repeat(37)));
        assert_eq!(question("Shall I?"), "Shall I?");
        let long = format!("Shall I cancel {}? This cannot be undone.", "x".repeat(300));
        let short = question(&long);
        assert!(short.starts_with("Shall I cancel x"), "{short}");
        assert!(short.ends_with("x? This cannot be undone."), "{short}");
    }

    #[test]
    fn the_way_out_is_told_with_a_question() {
        let asked = object(json!({
            "success": false, "code": "invalid_argument",
            "message": "Shall I cancel Maximiliane Schmidt's brake inspection for the 2020 Honda \
                Accord on Wednesday, September 30 at 10:30 AM? This cannot be undone.",
            "error": "confirm_token is required: nothing was changed, since nobody has confirmed this yet",
            "hint": "Read message aloud; after a clear yes call again with data.confirm_token.",
            "data": {
                "confirm_token": "x".repeat(64), "expires_at": "2027-01-15T08:00:00-05:00",
                "now": "2027-01-15T08:00:00-05:00",
            },
        }));
        let told: Value = serde_json::from_str(&failure(asked)).unwrap();
        assert!(told["hint"].is_string() && told["data"]["confirm_token"].is_string(), "{told}");
        assert!(!told["message"].as_str().unwrap().contains('…'), "{told}");
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
