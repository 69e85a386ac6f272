//! What a call's arguments are known by, to be held against those of another call.

use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

use crate::domain::phone::PhoneNumber;
use crate::domain::shop::Shop;
use crate::domain::time::Timestamp;
use crate::domain::time_input::parse_instant;
use crate::domain::vin::Vin;
use crate::tools::arguments;

/// The argument that makes a repeated call act once.
pub(super) const KEY: &str = "idempotency_key";

/// What arguments that bring an idempotency key are known by.
pub(super) fn hash_keyed(arguments: &Value, shop: &Shop) -> Option<String> {
    arguments.get(KEY)?;
    Some(hash(arguments, shop))
}

/// What arguments are known by, their key aside: the same ones in any order hash alike, and a whole
/// number however it is written. So are a phone number, a VIN and a time that names its date.
pub(super) fn hash(arguments: &Value, shop: &Shop) -> String {
    let mut rest = arguments.clone();
    if let Some(rest) = rest.as_object_mut() {
        rest.shift_remove(KEY);
        write_alike(rest, "phone_number", |text| {
            PhoneNumber::parse(text, &shop.region).ok().map(|phone| phone.as_str().to_owned())
        });
        write_alike(rest, "vin", |text| text.parse::<Vin>().ok().map(|vin| vin.to_string()));
        write_alike(rest, "scheduled_at", |text| {
            // What a word such as `tomorrow` means depends on the day.
            let has_date = text.trim_start().starts_with(|first: char| first.is_ascii_digit());
            let at = parse_instant(text, Timestamp(0), shop.zone).ok().filter(|_| has_date);
            at.map(|at| at.0.to_string())
        });
    }
    rest.sort_all_objects();
    write_whole_numbers_alike(&mut rest);
    let digest = Sha256::digest(rest.to_string());
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Puts a field as it is kept in the place of how somebody wrote it.
fn write_alike(
    arguments: &mut Map<String, Value>,
    field: &str,
    read: impl Fn(&str) -> Option<String>,
) {
    if let Some(Value::String(text)) = arguments.get_mut(field)
        && let Some(read) = read(text)
    {
        *text = read;
    }
}

fn write_whole_numbers_alike(value: &mut Value) {
    match value {
        Value::Number(number) => {
            if let Some(whole) = arguments::whole(number) {
                *number = whole;
            }
        }
        Value::Array(items) => items.iter_mut().for_each(write_whole_numbers_alike),
        Value::Object(fields) => fields.values_mut().for_each(write_whole_numbers_alike),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::config::Config;

    #[test]
    fn the_same_arguments_are_known_by_the_same_however_they_are_written() {
        let mut shop = Config::in_memory().shop;
        shop.zone = chrono_tz::America::New_York;
        let check = |one: Value, other: Value, expected| {
            assert_eq!(hash(&one, &shop) == hash(&other, &shop), expected, "{one} {other}");
        };
        check(json!({"a": 1, "b": 2}), json!({"b": 2.0, "a": 1, KEY: "k"}), true);
        check(json!({"a": 1}), json!({"a": "1"}), false);
        let phone = |text| json!({"phone_number": text, "first_name": "Ann"});
        check(phone("(202) 555-0123"), phone("+12025550123"), true);
        check(phone("(202) 555-0123"), phone("+12025550124"), false);
        check(phone("none"), phone("None"), false);
        let vin = |text| json!({"vin": text});
        check(vin("1hgcm82633a-004352"), vin("1HGCM82633A004352"), true);
        let at = |text| json!({"scheduled_at": text});
        check(at("2027-01-13T09:00"), at("2027-01-13T14:00:00Z"), true);
        check(at("2027-01-13 09:00:00"), at("2027-01-13T09:00:00-05:00"), true);
        check(at("2027-01-13T09:00"), at("2027-01-13T09:00:00Z"), false);
        check(at("tomorrow 09:00"), at("1970-01-01T09:00"), false);
    }
}
