//! A customer's vehicles in a short reply: which of many is meant, and what tells them apart.

use serde_json::{Map, Value, json};

use super::matching::{Known, Said};
use super::people::is_called;
use super::shortening::{clip, clipped};
use crate::domain::customer::full_name;

/// What is told of the customer and of each vehicle, best first; the sentence has the name, too.
const SHAPES: [(&[&str], &[&str]); 4] = [
    (&["id", "first_name", "last_name"], &["year", "make", "model"]),
    (&["id"], &["year", "make", "model"]),
    (&["id"], &["year", "model"]),
    (&["id"], &["model"]),
];
/// Of how many vehicles it is looked for what tells them apart: more than there is room for.
const TOLD_APART: usize = 16;
/// What tells vehicles apart that are otherwise told alike, as people know it.
const MARKS: [&str; 6] = ["year", "make", "color", "license_plate", "trim", "vin"];
/// What tells all vehicles of a customer apart, where there is no room for more.
const LEAST_MARKS: [&str; 7] = ["model", "color", "license_plate", "year", "make", "trim", "vin"];
/// What a vehicle may be meant by.
const SAID: [&str; 7] = ["year", "make", "model", "trim", "color", "license_plate", "vin"];
/// What people know the end of.
const BY_END: [&str; 3] = ["year", "license_plate", "vin"];
/// From how many vehicles on the sentence says how many there are: fewer are seen at a glance.
const MANY: usize = 5;
/// How much of a caller's words is said back, in characters.
const WORDS_CHARACTERS: usize = 30;

/// Leaves the vehicles that are meant, and says so; where it is none, says that and leaves them all.
pub(super) fn tell(envelope: &mut Map<String, Value>, name: Option<&str>, words: Option<&str>) {
    let data = envelope.get_mut("data").and_then(Value::as_object_mut);
    let Some(data) = data else { return };
    let is_stale = data.contains_key("stale");
    let whose = whose(data.get("lookup_key").and_then(Value::as_str).unwrap_or_default());
    let Some(customer) = data.get_mut("customer") else { return };
    let text = |field| customer.get(field).and_then(Value::as_str).unwrap_or_default();
    let found = clipped(&full_name(text("first_name"), text("last_name"))).into_owned();
    let is_other = name.is_some_and(|name| !is_called(customer, name));
    let Some(vehicles) = customer.get_mut("vehicles").and_then(Value::as_array_mut) else { return };
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
        _ if is_stale => return,
        _ if total == 0 => format!("Found {found}, with no vehicle on file."),
        _ if total >= MANY && !is_any_meant => format!("Found {found}, with {total} vehicles."),
        _ => format!("Found {found}."),
    };
    envelope.insert("message".to_owned(), message.into());
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

/// The drafts of a reply, best first: with the customer's name, without it, and with less and less of
/// each vehicle.
pub(super) fn drafts(drafts: Vec<Value>) -> Vec<Value> {
    let Some(customer) = drafts.last().and_then(|draft| draft.get("customer")?.as_object()) else {
        return drafts;
    };
    let vehicles = customer.get("vehicles").and_then(Value::as_array);
    let vehicles = vehicles.map(Vec::as_slice).unwrap_or_default();
    let least = least(vehicles);
    let shapes = SHAPES.into_iter().chain([(&["id"][..], least.as_slice())]);
    let customer = |(named, fields): (&[&str], &[&str])| {
        let mut told: Map<String, Value> = Map::new();
        for &field in named {
            told.extend(customer.get(field).map(|value| (field.to_owned(), value.clone())));
        }
        told.insert("vehicles".to_owned(), Value::Array(told_apart(vehicles, fields)));
        Value::Object(told)
    };
    let shapes: Vec<Value> = shapes.map(customer).collect();
    let with = |draft: &Value, customer: &Value| {
        let mut draft = draft.clone();
        if let Some(place) = draft.get_mut("customer") {
            place.clone_from(customer);
        }
        draft
    };
    drafts.iter().flat_map(|draft| shapes.iter().map(|shape| with(draft, shape))).collect()
}

/// The vehicles by id and these fields, and those that are alike in them by what differs, too.
fn told_apart(vehicles: &[Value], fields: &[&str]) -> Vec<Value> {
    let told = |vehicle: &Value| -> Vec<String> {
        fields.iter().map(|&field| vehicle.get(field).unwrap_or(&Value::Null).to_string()).collect()
    };
    let (vehicles, others) = vehicles.split_at_checked(TOLD_APART).unwrap_or((vehicles, &[]));
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
    let others = others.iter().map(|vehicle| json!({"id": vehicle.get("id")}));
    vehicles.iter().enumerate().map(tell).chain(others).collect()
}

/// The fewest fields that tell all of these vehicles apart: one, if there is such a one.
fn least(vehicles: &[Value]) -> Vec<&'static str> {
    let (vehicles, _) = vehicles.split_at_checked(TOLD_APART).unwrap_or((vehicles, &[]));
    let vehicles: Vec<&Value> = vehicles.iter().collect();
    if let Some(mark) =
        LEAST_MARKS.into_iter().find(|&it| kinds(&vehicles, &[it]) == vehicles.len())
    {
        return vec![mark];
    }
    let marks = differing(&vehicles, LEAST_MARKS.into_iter());
    if marks.is_empty() { vec!["model"] } else { marks }
}

/// The fields in which vehicles differ that are told alike by these.
fn marks(alike: &[&Value], fields: &[&str]) -> Vec<&'static str> {
    differing(alike, MARKS.into_iter().filter(|mark| !fields.contains(mark)))
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
        assert_eq!(least(&cars), ["license_plate"]);
        assert_eq!(least(&cars[2..]), ["model"]);
        let twins = [car(1, 2020, "Fit", "red", "A"), car(2, 2020, "Fit", "red", "A")];
        assert_eq!(told_apart(&twins, &["model"])[0], json!({"id": 1, "model": "Fit"}));
        assert_eq!(least(&twins), ["model"]);
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
