//! A customer's vehicles in a short reply: which of many is meant, and what tells them apart.

use serde_json::{Map, Value};

use super::matching::{Known, Said};
use super::people::is_called;
use super::shortening::{clip, clipped, success, success_that_fits};
use crate::domain::customer::full_name;

/// What is told of the customer and of each vehicle, best first; the sentence has the name, too. Nobody
/// knows a vehicle by its number, so that less than year and model is never told.
const SHAPES: [(&[&str], &[&str]); 3] = [
    (&["id", "first_name", "last_name"], &["year", "make", "model"]),
    (&["id"], &["year", "make", "model"]),
    (&["id"], &["year", "model"]),
];
/// Of how many vehicles it is looked for what tells them apart: more than there is room for.
const TOLD_APART: usize = 16;
/// What tells vehicles apart that are otherwise told alike, as people know it.
const MARKS: [&str; 6] = ["year", "make", "color", "license_plate", "trim", "vin"];
/// What a vehicle may be meant by.
const SAID: [&str; 7] = ["year", "make", "model", "trim", "color", "license_plate", "vin"];
/// What people know the end of.
const BY_END: [&str; 3] = ["year", "license_plate", "vin"];
/// From how many vehicles on the sentence says how many there are: fewer are seen at a glance.
const MANY: usize = 5;
/// How much of a caller's words is said back, in characters.
const WORDS_CHARACTERS: usize = 30;

/// Leaves the vehicles that are meant, and says so; where it is none, says that and leaves them all.
pub(super) fn tell(
    envelope: &mut Map<String, Value>,
    name: Option<&str>,
    words: Option<&str>,
) -> Ask {
    let data = envelope.get_mut("data").and_then(Value::as_object_mut);
    let Some(data) = data else { return Ask(None) };
    let is_stale = data.contains_key("stale");
    let whose = whose(data.get("lookup_key").and_then(Value::as_str).unwrap_or_default());
    let Some(customer) = data.get_mut("customer") else { return Ask(None) };
    let text = |field| customer.get(field).and_then(Value::as_str).unwrap_or_default();
    let found = clipped(&full_name(text("first_name"), text("last_name"))).into_owned();
    let is_other = name.is_some_and(|name| !is_called(customer, name));
    let vehicles = customer.get_mut("vehicles").and_then(Value::as_array_mut);
    let Some(vehicles) = vehicles else { return Ask(None) };
    let total = vehicles.len();
    let words = words.filter(|words| !Said::vehicle(words).is_empty());
    let chosen: Vec<Value> = words
        .map(|words| meant(vehicles, words))
        .unwrap_or_default()
        .into_iter()
        .cloned()
        .collect();
    let is_any_meant = !chosen.is_empty();
    if is_any_meant {
        *vehicles = chosen;
    }
    let message = match words {
        _ if is_other => format!("{whose} {found}; ask whether that is right."),
        Some(words) if !is_any_meant && total > 0 => {
            format!("No {} on file.", said_back(&telling(words)))
        }
        // What the shop's CRM does not answer for is said by the tool.
        _ if is_stale => return Ask(None),
        _ => {
            let message = match total {
                0 => format!("Found {found}, with no vehicle on file."),
                MANY.. if !is_any_meant => format!("Found {found}, with {total} vehicles."),
                _ => format!("Found {found}."),
            };
            envelope.insert("message".to_owned(), message.into());
            return Ask(Some(found));
        }
    };
    envelope.insert("message".to_owned(), message.into());
    Ask(None)
}

/// Whom to ask which vehicle is meant, where not all have room and the sentence has nothing else to say.
pub(super) struct Ask(Option<String>);

impl Ask {
    /// What can be said of all vehicles at once.
    fn common(&self, vehicles: &[Value]) -> Vec<&'static str> {
        let is_common = |field: &&str| {
            let mut all = vehicles.iter().map(|vehicle| vehicle.get(*field));
            let first = all.next();
            all.all(|other| Some(other) == first)
        };
        let fields = match self.0 {
            Some(_) => ["year", "make", "model"].into_iter(),
            None => return Vec::new(),
        };
        let mut common: Vec<&str> = fields.filter(is_common).collect();
        if common.len() == 3 {
            // Year and model say enough.
            common.retain(|&field| field != "make");
        }
        common
    }

    fn sentence(&self, vehicles: &[Value], common: &[&str], is_cut: bool) -> Option<String> {
        let (found, count) = (self.0.as_deref()?, vehicles.len());
        let common = common.iter().filter_map(|&field| vehicles.first()?.get(field));
        let common: Vec<String> =
            common.map(|it| it.as_str().map_or_else(|| it.to_string(), str::to_owned)).collect();
        let common = common.join(" ");
        let common = clipped(&common);
        Some(match (is_cut, common.is_empty()) {
            (true, true) => format!("Found {found}. Which vehicle of {count}?"),
            (true, false) => format!("Found {found}. Which {common} of {count}?"),
            (false, true) => format!("Found {found}."),
            (false, false) => format!("Found {found}: {common}."),
        })
    }
}

/// What is told of each vehicle where these fields are told of all: year or make, and the model.
fn rest(common: &[&str]) -> Vec<&'static str> {
    let is_told = |field: &&str| match *field {
        "year" => !common.contains(&"year") && !common.contains(&"make"),
        field => !common.contains(&field),
    };
    ["year", "model"].into_iter().filter(is_told).collect()
}

/// What led to a customer, as the beginning of a sentence that ends with the name.
fn whose(lookup_key: &str) -> &'static str {
    match lookup_key {
        "phone_number" => "This number belongs to",
        "email" => "This e-mail address belongs to",
        _ => "That customer is",
    }
}

/// Those of the vehicles that are meant by a caller's words.
pub(super) fn meant<'a>(vehicles: &'a [Value], words: &str) -> Vec<&'a Value> {
    let texts = |vehicle: &Value, fields: &[&str]| -> Vec<String> {
        let fields = fields.iter().filter_map(|&field| vehicle.get(field));
        fields
            .map(|field| field.as_str().map_or_else(|| field.to_string(), str::to_owned))
            .collect()
    };
    Said::vehicle(words).best(vehicles, |vehicle| {
        let (told, by_end) = (texts(vehicle, &SAID), texts(vehicle, &BY_END));
        Known::vehicle(told.iter().map(String::as_str), by_end.iter().map(String::as_str))
    })
}

/// The words without those that tell nothing.
fn telling(words: &str) -> String {
    let is_telling = |word: &&str| !Said::vehicle(word).is_empty();
    let words: Vec<&str> = words.split_whitespace().filter(is_telling).collect();
    words.join(" ").trim_matches(|c: char| !c.is_alphanumeric()).to_owned()
}

fn said_back(words: &str) -> String {
    let mut words = words.split_whitespace().collect::<Vec<_>>().join(" ");
    clip(&mut words, WORDS_CHARACTERS);
    words
}

/// The reply with all vehicles, or with as many as there is room for: how many are left out, then, and
/// the sentence asks which one it is.
pub(super) fn shorten(mut envelope: Map<String, Value>, drafts: Vec<Value>, ask: Ask) -> String {
    let Some(customer) = drafts.last().and_then(|draft| draft.get("customer")?.as_object()) else {
        return success(envelope, drafts);
    };
    let vehicles = customer.get("vehicles").and_then(Value::as_array);
    let vehicles = vehicles.map(Vec::as_slice).unwrap_or_default();
    let told_apart = SHAPES.map(|(named, fields)| (named, told_apart(vehicles, fields)));
    let reply = |draft: &Value, named: &[&str], told: &[Value]| {
        let mut short: Map<String, Value> = Map::new();
        for &field in named {
            short.extend(customer.get(field).map(|value| (field.to_owned(), value.clone())));
        }
        short.insert("vehicles".to_owned(), Value::Array(told.to_vec()));
        let mut draft = draft.clone();
        if let Some(draft) = draft.as_object_mut() {
            draft.insert("customer".to_owned(), Value::Object(short));
            let left_out = vehicles.len() - told.len();
            if left_out > 0 {
                draft.insert("left_out".to_owned(), left_out.into());
            }
        }
        draft
    };
    let all: Vec<Value> = drafts
        .iter()
        .flat_map(|draft| told_apart.iter().map(move |(named, told)| (draft, named, told)))
        .map(|(draft, named, told)| reply(draft, named, told))
        .collect();
    if vehicles.len() <= TOLD_APART {
        let mut fitting = all.iter().filter_map(|data| success_that_fits(&mut envelope, data));
        if let Some(text) = fitting.next() {
            return text;
        }
    }
    if vehicles.len() < 2 {
        return success(envelope, all);
    }
    // What all have in common is said once, in the sentence.
    let common = ask.common(vehicles);
    let differing: Vec<&str> = rest(&common);
    let differing = (&["id"][..], self::told_apart(vehicles, &differing));
    let most = vehicles.len().min(TOLD_APART);
    let mut fewest = Vec::new();
    for count in (1..=most).rev() {
        fewest.clear();
        let is_cut = count < vehicles.len();
        // The customer's name is in the sentence.
        for (named, told) in told_apart.iter().skip(1).chain([&differing]) {
            let common = if std::ptr::eq(told, &differing.1) { common.as_slice() } else { &[] };
            if let Some(sentence) = ask.sentence(vehicles, common, is_cut) {
                envelope.insert("message".to_owned(), sentence.into());
            }
            let data = reply(
                drafts.last().unwrap_or(&Value::Null),
                named,
                told.get(..count).unwrap_or(told),
            );
            if let Some(text) = success_that_fits(&mut envelope, &data) {
                return text;
            }
            fewest.push(data);
        }
    }
    success(envelope, fewest)
}

/// The first vehicles by id and these fields, and those that are alike in them by what differs, too.
fn told_apart(vehicles: &[Value], fields: &[&str]) -> Vec<Value> {
    let told = |vehicle: &Value| -> Vec<String> {
        fields.iter().map(|&field| vehicle.get(field).unwrap_or(&Value::Null).to_string()).collect()
    };
    let vehicles = vehicles.get(..TOLD_APART).unwrap_or(vehicles);
    let keys: Vec<Vec<String>> = vehicles.iter().map(told).collect();
    let tell = |(index, vehicle): (usize, &Value)| {
        let own = keys.get(index);
        let alike: Vec<&Value> = keys
            .iter()
            .zip(vehicles)
            .filter(|(key, _)| Some(*key) == own)
            .map(|(_, vehicle)| vehicle)
            .collect();
        let marks = marks(&alike, fields);
        let mut told: Map<String, Value> = Map::new();
        for &field in ["id"].iter().chain(fields).chain(&marks) {
            told.extend(vehicle.get(field).map(|value| (field.to_owned(), value.clone())));
        }
        Value::Object(told)
    };
    vehicles.iter().enumerate().map(tell).collect()
}

/// The fields in which vehicles differ that are told alike by these.
fn marks(alike: &[&Value], fields: &[&str]) -> Vec<&'static str> {
    let marks = || MARKS.into_iter().filter(|mark| !fields.contains(mark));
    let mut single = marks().filter(|&mark| kinds(alike, &[mark]) == alike.len());
    match single.next() {
        Some(mark) if alike.len() > 1 => vec![mark],
        _ => differing(alike, marks()),
    }
}

/// Those of the fields, in their order, that tell more of the vehicles apart than those before.
fn differing(vehicles: &[&Value], fields: impl Iterator<Item = &'static str>) -> Vec<&'static str> {
    let mut marks = Vec::new();
    for mark in fields {
        let before = kinds(vehicles, &marks);
        if before == vehicles.len() {
            break;
        }
        marks.push(mark);
        if kinds(vehicles, &marks) == before {
            marks.pop();
        }
    }
    marks
}

/// How many different vehicles these are, if only these fields are told.
fn kinds(vehicles: &[&Value], fields: &[&str]) -> usize {
    let told = |vehicle: &&Value| -> Vec<String> {
        fields.iter().map(|&field| format!("{:?}", vehicle.get(field))).collect()
    };
    vehicles.iter().map(told).collect::<std::collections::BTreeSet<_>>().len()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn car(id: i64, year: i64, model: &str, color: &str, plate: &str) -> Value {
        json!({"id": id, "year": year, "make": "Honda", "model": model, "color": color,
            "license_plate": plate})
    }

    #[test]
    fn only_what_tells_vehicles_apart_is_told_beside_the_rest() {
        let cars = [
            car(1, 2020, "Accord", "red", "A1"),
            car(2, 2020, "Accord", "red", "B2"),
            car(3, 2018, "Accord", "red", "C3"),
            car(4, 2018, "Civic", "red", "D4"),
        ];
        assert_eq!(
            told_apart(&cars, &["year", "model"]),
            [
                json!({"id": 1, "year": 2020, "model": "Accord", "license_plate": "A1"}),
                json!({"id": 2, "year": 2020, "model": "Accord", "license_plate": "B2"}),
                json!({"id": 3, "year": 2018, "model": "Accord"}),
                json!({"id": 4, "year": 2018, "model": "Civic"}),
            ]
        );
        assert_eq!(
            told_apart(&cars[1..], &["model"]),
            [
                json!({"id": 2, "model": "Accord", "year": 2020}),
                json!({"id": 3, "model": "Accord", "year": 2018}),
                json!({"id": 4, "model": "Civic"}),
            ]
        );
        let twins = [car(1, 2020, "Fit", "red", "A"), car(2, 2020, "Fit", "red", "A")];
        assert_eq!(told_apart(&twins, &["model"])[0], json!({"id": 1, "model": "Fit"}));
    }

    #[test]
    fn words_that_fit_no_vehicle_are_told() {
        let told = |words: &str| {
            let customer = json!({"first_name": "Ann", "last_name": "Lee", "vehicles": [
                car(1, 2020, "Accord", "red", "A1"), car(2, 2018, "Civic", "blue", "B2"),
            ]});
            let envelope = json!({"message": "Found", "data": {"customer": customer}});
            let Value::Object(mut envelope) = envelope else { unreachable!() };
            tell(&mut envelope, None, Some(words));
            Value::Object(envelope)
        };
        let none = told("red  civic");
        assert_eq!(none["message"], "No red civic on file.");
        assert_eq!(none["data"]["customer"]["vehicles"].as_array().unwrap().len(), 2);
        assert_eq!(told("the one")["data"]["customer"]["vehicles"].as_array().unwrap().len(), 2);
        let one = told("the Blue CIVIC");
        assert_eq!(one["message"], "Found Ann Lee.");
        assert_eq!(one["data"]["customer"]["vehicles"][0]["id"], 2);
    }
}
