//! Several customers who share a phone number: all of them have to be reachable by a short reply.

use serde_json::{Map, Value, json};

use super::matching::{Known, Said};
use super::shortening::{clip, pick, success, success_that_fits};
use crate::domain::customer::full_name;

/// The field that names them all in one text, where they have no room one by one.
pub(super) const NAMES: &str = "names";

/// How much of each name is told, in characters: as much as there is room for.
const NAME_CHARACTERS: [usize; 5] = [400, 32, 24, 16, 12];

/// The number of the only one who is called so.
pub(super) fn who(envelope: &Value, name: &str) -> Option<Value> {
    let candidates = envelope.get("data")?.get("candidates")?.as_array()?;
    match called(candidates, name).as_slice() {
        [only] => only.get("customer_id").cloned(),
        _ => None,
    }
}

/// Those who are called so; where the whole words fit somebody, nobody else.
fn called<'a>(candidates: &'a [Value], name: &str) -> Vec<&'a Value> {
    Said::name(name).best(candidates, known)
}

/// Whether a customer is called so.
pub(super) fn is_called(customer: &Value, name: &str) -> bool {
    !called(std::slice::from_ref(customer), name).is_empty()
}

fn known(person: &Value) -> Known {
    let text = |field| person.get(field).and_then(Value::as_str).unwrap_or_default();
    Known::person(text("first_name"), text("last_name"))
}

fn name_of(candidate: &Value) -> String {
    let text = |field| candidate.get(field).and_then(Value::as_str).unwrap_or_default();
    full_name(text("first_name"), text("last_name"))
}

/// Tells of several customers; `None` where the reply does not.
pub(super) fn tell(envelope: &mut Map<String, Value>, name: Option<&str>) -> Option<String> {
    let all = envelope.get("data")?.get("candidates")?.as_array()?.clone();
    let meant = name.map(|name| called(&all, name)).filter(|meant| !meant.is_empty());
    let message = match (&meant, name) {
        (Some(meant), _) => format!("{} of that name share this number.", meant.len()),
        (None, Some(_)) => "Nobody of that name has this number.".to_owned(),
        (None, None) => format!("Which of the {} is calling?", all.len()),
    };
    envelope.insert("message".to_owned(), message.into());
    let candidates = match meant {
        Some(meant) => meant.into_iter().cloned().collect(),
        None => all,
    };
    let fields = ["customer_id", "first_name", "last_name"];
    let each = pick(&Value::Array(candidates.clone()), &fields);
    for data in [json!({"found": true, "candidates": each}), json!({"candidates": each})] {
        if let Some(text) = success_that_fits(envelope, &data) {
            return Some(text);
        }
    }
    let mut by_name = by_name(&candidates);
    for characters in NAME_CHARACTERS {
        let data = json!({"found": true, NAMES: list(&by_name, characters)});
        if let Some(text) = success_that_fits(envelope, &data) {
            return Some(text);
        }
    }
    // Whoever is left out is found with the name.
    let [.., characters] = NAME_CHARACTERS;
    let mut left_out = 0;
    while let Some((_, ids)) = by_name.pop() {
        left_out += ids.len();
        let data = json!({
            "found": true, NAMES: list(&by_name, characters), "left_out": left_out,
        });
        if let Some(text) = success_that_fits(envelope, &data) {
            return Some(text);
        }
    }
    Some(success(std::mem::take(envelope), vec![json!({"found": true, "left_out": left_out})]))
}

/// The names, each with the numbers of those who have it.
fn by_name(candidates: &[Value]) -> Vec<(String, Vec<String>)> {
    let mut names: Vec<(String, Vec<String>)> = Vec::new();
    for candidate in candidates {
        let name = name_of(candidate);
        let id = candidate.get("customer_id").map(ToString::to_string).unwrap_or_default();
        match names.iter_mut().find(|(known, _)| *known == name) {
            Some((_, ids)) => ids.push(id),
            None => names.push((name, vec![id])),
        }
    }
    names
}

/// `17 Ann Lee; 18, 21 Bob Lee`.
fn list(by_name: &[(String, Vec<String>)], characters: usize) -> String {
    let one = |(name, ids): &(String, Vec<String>)| {
        let mut name = name.clone();
        clip(&mut name, characters);
        format!("{} {name}", ids.join(", "))
    };
    by_name.iter().map(one).collect::<Vec<_>>().join("; ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn candidate(id: i64, first: &str, last: &str) -> Value {
        json!({"customer_id": id, "first_name": first, "last_name": last})
    }

    fn told(candidates: &[Value], name: Option<&str>) -> Value {
        let envelope = json!({"success": true, "message": "m", "data": {
            "found": true, "lookup_key": "phone_number", "candidates": candidates,
        }});
        let Value::Object(mut envelope) = envelope else { unreachable!() };
        serde_json::from_str(&tell(&mut envelope, name).unwrap()).unwrap()
    }

    #[test]
    fn few_are_told_one_by_one_and_many_in_one_text() {
        let [ann, bob, eve] =
            [candidate(1, "Ann", "Lee"), candidate(2, "Bob", "Lee"), candidate(3, "Eve", "Lee")];
        let few = told(&[ann.clone(), bob.clone()], None);
        assert_eq!(few["data"]["candidates"], json!([ann, bob]));
        let many = told(&[ann.clone(), bob, eve, candidate(4, "Ann", "Lee")], None);
        assert_eq!(many["data"]["names"], "1, 4 Ann Lee; 2 Bob Lee; 3 Eve Lee");
        assert_eq!(many["message"], "Which of the 4 is calling?");
    }

    #[test]
    fn whole_words_count_before_parts_of_words() {
        let all =
            [candidate(1, "Anna", "Lee"), candidate(2, "Ann", "Lee"), candidate(3, "Zoë", "Ng")];
        let check = |name, expected: Option<i64>| {
            let envelope = json!({"data": {"candidates": all}});
            assert_eq!(who(&envelope, name), expected.map(Value::from), "{name}");
        };
        check("ann", Some(2));
        check("anna", Some(1));
        check("zoe", Some(3));
        check("NG Zoë", Some(3));
        check("lee", None);
        check("bob", None);
    }

    #[test]
    fn a_name_that_nobody_has_is_told() {
        let all = [candidate(1, "Ann", "Lee"), candidate(2, "Bob", "Lee")];
        let none = told(&all, Some("Eve"));
        assert_eq!(none["message"], "Nobody of that name has this number.");
        assert_eq!(none["data"]["candidates"], json!(all));
    }

    #[test]
    fn a_crowd_with_long_names_fits_and_says_how_many_are_left_out() {
        let all: Vec<Value> = (0..300)
            .map(|id| candidate(id, &format!("語{id}").repeat(40), &"名\"".repeat(90)))
            .collect();
        let told = told(&all, None);
        let names = told["data"]["names"].as_str().unwrap().split("; ").count();
        assert!(names > 2, "{told}");
        assert_eq!(told["data"]["left_out"], 300 - names);
    }
}
