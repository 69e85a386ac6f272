//! Why a service refuses a change with 409, as far as it says so.

use serde_json::Value;

/// How deep texts are looked for.
const MAX_DEPTH: usize = 4;
/// How many signs of them are read.
const MAX_LENGTH: usize = 2_000;
/// The fields in which services say what is wrong.
const FIELDS: [&str; 11] = [
    "code",
    "error",
    "errors",
    "error_code",
    "type",
    "title",
    "message",
    "detail",
    "details",
    "reason",
    "description",
];
const OVERPAYMENT: [&str; 9] = [
    "overpay",
    "over pay",
    "exceed",
    "more than",
    "too much",
    "too high",
    "amount due",
    "already paid",
    "fully paid",
];
const INSUFFICIENT: [&str; 8] = [
    "insufficient",
    "not enough",
    "out of stock",
    "not so many",
    "below zero",
    "negative",
    "exceed",
    "more than",
];
const KEY: [&str; 2] = ["idempoten", "same key"];

/// What a service says is in the way of a change, in lower case.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Objection(String);

impl Objection {
    /// Reads the body of a 409; what is no JSON is read as a text.
    pub fn read(body: &[u8]) -> Self {
        let mut words = String::new();
        match serde_json::from_slice::<Value>(body) {
            Ok(answer) => collect(&answer, MAX_DEPTH, &mut words),
            // A web page speaks of many things.
            Err(_) if body.trim_ascii_start().starts_with(b"<") => {}
            Err(_) => words.push_str(&String::from_utf8_lossy(body)),
        }
        let words: String = words.chars().take(MAX_LENGTH).collect();
        Self(words.to_lowercase().replace(['_', '-'], " "))
    }

    /// That more is paid than is due.
    pub fn is_overpayment(&self) -> bool {
        self.says(&OVERPAYMENT)
    }

    /// That there is not so much in stock.
    pub fn is_insufficient(&self) -> bool {
        self.says(&INSUFFICIENT)
    }

    /// That the key was used for another change, or is in use.
    pub fn is_about_the_key(&self) -> bool {
        self.says(&KEY)
    }

    fn says(&self, signs: &[&str]) -> bool {
        signs.iter().any(|sign| self.0.contains(sign))
    }
}

/// The texts that say what is wrong.
fn collect(answer: &Value, depth: usize, words: &mut String) {
    match answer {
        Value::String(text) => {
            words.push_str(text);
            words.push('\n');
        }
        Value::Array(items) if depth > 0 => {
            items.iter().for_each(|item| collect(item, depth - 1, words));
        }
        Value::Object(fields) if depth > 0 => {
            let told = FIELDS.iter().filter_map(|name| fields.get(*name));
            told.for_each(|field| collect(field, depth - 1, words));
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_objection_is_read_where_it_is_said() {
        let check = |body: &str, expected: [bool; 3]| {
            let read = Objection::read(body.as_bytes());
            let said = [read.is_overpayment(), read.is_insufficient(), read.is_about_the_key()];
            assert_eq!(said, expected, "{body}");
        };
        let [overpayment, insufficient] = [[true, false, false], [false, true, false]];
        check(r#"{"code": "OVERPAYMENT"}"#, overpayment);
        check(r#"{"error": {"code": "over-payment"}}"#, overpayment);
        check(r#"{"errors": [{"detail": "Already paid"}]}"#, overpayment);
        check(r#"{"error": "amount_exceeds_balance"}"#, [true, true, false]);
        check(r#"{"error": "not so many"}"#, insufficient);
        check(r#"{"code": "INSUFFICIENT_STOCK"}"#, insufficient);
        check("Out of stock", insufficient);
        check(r#"{"title": "This Idempotency-Key is in use"}"#, [false, false, true]);
        let nothing = [false; 3];
        check(r#"{"error": "the period is closed"}"#, nothing);
        check(r#"{"product": {"name": "Overpay"}}"#, nothing);
        check("<html><h1>Conflict: not enough rights</h1></html>", nothing);
        for body in ["", "null", "{}", "7", "\u{FEFF}{"] {
            check(body, nothing);
        }
    }
}
