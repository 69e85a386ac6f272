//! Several customers who share a phone number: all of them have to be reachable by a short reply.

use serde_json::{Map, Value, json};

use super::fleet::meant;
use super::matching::{Known, Said};
use super::shortening::{clip, pick, success, success_that_fits};
use crate::domain::customer::full_name;

/// The field that names them all in one text, where they have no room one by one.
pub(super) const NAMES: &str = "names";

/// How much of each name is told, in characters: as much as there is room for.
const NAME_CHARACTERS: [usize; 5] = [400, 32, 24, 16, 12];

/// Which of several customers who share a phone number are meant.
pub(super) enum Meant {
    /// This one.
    One(Value),
    /// Some of one name, whom a vehicle may tell apart.
    Namesakes(Vec<Value>),
    /// Nobody knows.
    Unknown,
}

/// The numbers of those who are called so; without a name, of those who are all called alike.
pub(super) fn who(envelope: &Value, name: Option<&str>) -> Meant {
    let candidates = envelope.get("data").and_then(|data| data.get("candidates")?.as_array());
    let Some(candidates) = candidates else { return Meant::Unknown };
    let meant = match name {
        Some(name) => called(candidates, name),
        None if by_name(candidates).len() == 1 => candidates.iter().collect(),
        None => return Meant::Unknown,
    };
    let mut ids: Vec<Value> =
        meant.into_iter().filter_map(|one| one.get("customer_id").cloned()).collect();
    match ids.len() {
        0 => Meant::Unknown,
        1 => ids.pop().map_or(Meant::Unknown, Meant::One),
        _ => Meant::Namesakes(ids),
    }
}

/// The number of the only one of these customers who has such a vehicle.
pub(super) fn owner(customers: &[Value], ids: &[Value], words: &str) -> Option<Value> {
    let theirs = customers.iter().filter(|one| one.get("id").is_some_and(|id| ids.contains(id)));
    let vehicles: Vec<Value> =
        theirs.filter_map(|one| one.get("vehicles")?.as_array()).flatten().cloned().collect();
    let found = meant(&vehicles, words);
    let mut owners = found.into_iter().map(|vehicle| vehicle.get("customer_id"));
    let first = owners.next()??;
    owners.all(|other| other == Some(first)).then(|| first.clone())
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

fn name_of(candidate: &Value) -> Name {
    let text = |field| candidate.get(field).and_then(Value::as_str).unwrap_or_default();
    (text("first_name").to_owned(), text("last_name").to_owned())
}

/// Tells of several customers; `None` where the reply does not.
pub(super) fn tell(envelope: &mut Map<String, Value>, name: Option<&str>) -> Option<String> {
    let all = envelope.get("data")?.get("candidates")?.as_array()?.clone();
    let found = name.map(|name| called(&all, name)).filter(|found| !found.is_empty());
    let message = match (&found, name) {
        (Some(found), _) if are_namesakes(found) => {
            format!("{} of that name share this number; ask for the vehicle.", found.len())
        }
        (Some(found), _) => format!("{} of that name share this number.", found.len()),
        (None, Some(_)) => "Nobody of that name has this number.".to_owned(),
        (None, None) => format!("Which of the {} is calling?", all.len()),
    };
    envelope.insert("message".to_owned(), message.into());
    let candidates = match found {
        Some(found) => found.into_iter().cloned().collect(),
        None => all,
    };
    let fields = ["customer_id", "first_name", "last_name"];
    let each = pick(&Value::Array(candidates.clone()), &fields);
    if let Some(text) = success_that_fits(envelope, &json!({"found": true, "candidates": each})) {
        return Some(text);
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

/// Whether no name tells one of them apart.
fn are_namesakes(people: &[&Value]) -> bool {
    let mut names = people.iter().map(|one| name_of(one));
    let first = names.next();
    names.all(|name| Some(name) == first)
}

/// First and last name.
type Name = (String, String);

/// The names, each with the numbers of those who have it.
fn by_name(candidates: &[Value]) -> Vec<(Name, Vec<String>)> {
    let mut names: Vec<(Name, Vec<String>)> = Vec::new();
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
fn list(by_name: &[(Name, Vec<String>)], characters: usize) -> String {
    let one = |((first, last), ids): &(Name, Vec<String>)| {
        format!("{} {}", ids.join(", "), short_name(first, last, characters))
    };
    by_name.iter().map(one).collect::<Vec<_>>().join("; ")
}

/// A name in so many characters, of which first and last name have their share: either may be all that
/// tells two people apart.
fn short_name(first: &str, last: &str, characters: usize) -> String {
    let lengths = (first.chars().count(), last.chars().count());
    let both = characters.saturating_sub(1);
    let half = both / 2;
    let (first_room, last_room) = match lengths {
        (one, other) if one + other <= both => (one, other),
        (one, _) if one <= half => (one, both - one.min(both)),
        (_, other) if other <= half => (both - other.min(both), other),
        _ => (half, half),
    };
    let (mut first, mut last) = (first.to_owned(), last.to_owned());
    clip(&mut first, first_room);
    clip(&mut last, last_room);
    full_name(&first, &last)
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
            let found = match who(&envelope, Some(name)) {
                Meant::One(id) => Some(id),
                Meant::Namesakes(_) | Meant::Unknown => None,
            };
            assert_eq!(found, expected.map(Value::from), "{name}");
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

    #[test]
    fn a_long_name_is_shortened_so_that_both_names_are_told() {
        let check = |first: &str, last, expected| assert_eq!(short_name(first, last, 12), expected);
        check("Ann", "Lee", "Ann Lee");
        check("Maximiliane", "Lee", "Maximili… Lee");
        check("Ann", "Schnarrenberger", "Ann Schnarre…");
        check("Maximiliane", "Schnarrenberger", "Maxim… Schna…");
        check("Maximilianes", "", "Maximiliane…");
    }

    #[test]
    fn namesakes_are_told_apart_by_their_vehicles() {
        let [one, other] = [("Civic", 1), ("F-150", 2)].map(
            |(model, id)| json!({"id": id, "vehicles": [{"customer_id": id, "model": model}]}),
        );
        let all = [one, other];
        let check = |ids: Value, words, expected: Option<i64>| {
            let found = owner(&all, ids.as_array().unwrap(), words);
            assert_eq!(found, expected.map(Value::from), "{words}");
        };
        check(json!([1, 2]), "F150", Some(2));
        check(json!([1, 2]), "Tesla", None);
        check(json!([1]), "F150", None);
    }
}
