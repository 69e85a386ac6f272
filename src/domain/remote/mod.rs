//! What other programs say of customers, tickets, invoices and products, read leniently and checked.
//!
//! Every shop's CRM writes the same things a little differently: a field has several names, a number
//! may be a text, a list may lie in a wrapper. What cannot be used is left out with a warning; what is
//! about somebody else than was asked for is refused.

pub mod customer;
pub mod invoice;
pub mod objection;
pub mod product;
pub mod progress;
pub mod ticket;

use std::sync::Arc;

use chrono::{DateTime, NaiveDate, NaiveDateTime, NaiveTime};
use chrono_tz::Tz;
use serde_json::{Map, Number, Value};

use super::local_time::{day_bounds, local_date};
use super::money::Currency;
use super::shop::Shop;
use super::time::Timestamp;

/// How deep a record may lie in wrappers such as `{"data": {"customer": {…}}}`.
const MAX_WRAPPERS: usize = 3;
/// The most warnings that one answer is worth.
const MAX_WARNINGS: usize = 20;

/// Why an answer cannot be used.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Unusable {
    /// JSON of another shape.
    NoRecord,
    /// A record without its id.
    NoId,
    /// A record of another customer, invoice or product.
    Another,
    /// It says itself that the request failed.
    Refused,
}

impl Unusable {
    /// The same in words that read on after "the answer cannot be used:".
    pub const fn reason(self) -> &'static str {
        match self {
            Self::NoRecord => "it holds no record of the kind that was asked for",
            Self::NoId => "it has no id",
            Self::Another => "it is about another record than was asked for",
            Self::Refused => "it says that the request failed",
        }
    }
}

/// What is known where an answer is read.
#[derive(Clone, Copy, Debug)]
pub struct Context<'a> {
    /// Who says it, as warnings name it: `CRM`.
    pub service: &'static str,
    /// The country in which a phone number without a country code is read.
    pub region: &'a str,
    /// The currency of amounts that name none.
    pub currency: Currency,
    /// The shop's zone, in which a date begins and ends.
    pub zone: Tz,
    /// When the answer came; nothing that was recorded can be later.
    pub now: Timestamp,
}

/// What the shop's settings say where another program leaves it out.
#[derive(Clone, Debug)]
pub struct Defaults {
    region: Arc<str>,
    currency: Currency,
    zone: Tz,
}

impl Defaults {
    /// Those of this shop.
    pub fn of(shop: &Shop) -> Self {
        Self { region: shop.region.as_str().into(), currency: shop.currency, zone: shop.zone }
    }

    /// What is known where an answer of `service` is read.
    pub fn context(&self, service: &'static str, now: Timestamp) -> Context<'_> {
        Context { service, region: &self.region, currency: self.currency, zone: self.zone, now }
    }
}

/// What of an answer was left out, and why: one sentence each, without what was said.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Warnings(Vec<String>);

impl Warnings {
    /// One more sentence; beyond twenty nobody listens.
    pub fn add(&mut self, warning: String) {
        if self.0.len() < MAX_WARNINGS && !self.0.contains(&warning) {
            self.0.push(warning);
        }
    }

    fn left_out(&mut self, context: Context<'_>, field: &str, why: impl std::fmt::Display) {
        self.add(format!("The {}'s {field} {why}; it was left out.", context.service));
    }

    /// The sentences.
    pub fn into_sentences(self) -> Vec<String> {
        self.0
    }
}

/// The fields of a record, each under the first of its names that holds something.
#[derive(Clone, Copy, Debug)]
struct Fields<'a>(&'a Map<String, Value>);

impl<'a> Fields<'a> {
    /// The record in an answer: the object itself where it has one of `marks`, else the one in one of
    /// `wrappers`, or the only one of a list.
    fn find(
        answer: &'a Value,
        wrappers: &[&str],
        marks: &[&str],
    ) -> Result<Option<Self>, Unusable> {
        let mut value = answer;
        for _ in 0..=MAX_WRAPPERS {
            match value {
                Value::Object(object) => {
                    let fields = Self(object);
                    if fields.get(marks).is_some() {
                        return Ok(Some(fields));
                    }
                    if fields.says(&["found", "exists"], false) {
                        return Ok(None);
                    }
                    if fields.says(&["success", "ok"], false) {
                        return Err(Unusable::Refused);
                    }
                    let wrapped = wrappers.iter().find_map(|name| object.get(*name));
                    value = wrapped.ok_or(Unusable::NoRecord)?;
                }
                Value::Array(items) => match items.as_slice() {
                    [] => return Ok(None),
                    [only] => value = only,
                    _ => return Err(Unusable::NoRecord),
                },
                Value::Null => return Ok(None),
                _ => return Err(Unusable::NoRecord),
            }
        }
        Err(Unusable::NoRecord)
    }

    /// The first of these fields that is there and not null.
    fn get(&self, names: &[&str]) -> Option<&'a Value> {
        names.iter().filter_map(|name| self.0.get(*name)).find(|value| !value.is_null())
    }

    fn says(&self, names: &[&str], switch: bool) -> bool {
        self.get(names) == Some(&Value::Bool(switch))
    }

    /// A field as text: numbers are read as the digits that they are. Empty ones are absent.
    fn text(&self, names: &[&str]) -> Option<String> {
        let text = match self.get(names)? {
            Value::String(text) => text.trim().to_owned(),
            Value::Number(number) => number.to_string(),
            _ => return None,
        };
        (!text.is_empty()).then_some(text)
    }

    /// A field as a number: texts are read as the number that they write.
    fn number(&self, names: &[&str]) -> Option<Number> {
        match self.get(names)? {
            Value::Number(number) => Some(number.clone()),
            Value::String(text) => text.trim().parse::<Number>().ok(),
            _ => None,
        }
    }

    /// A whole number, also where it is written as `2.0` or as a text.
    fn whole(&self, names: &[&str]) -> Option<i64> {
        let text = self.number(names)?.to_string();
        text.strip_suffix(".0").unwrap_or(&text).parse().ok()
    }

    /// A field that `read` understands; what it does not is left out with a warning.
    fn read<T, E: std::fmt::Display>(
        &self,
        names: &[&str],
        (context, warnings): (Context<'_>, &mut Warnings),
        read: impl Fn(&str) -> Result<T, E>,
    ) -> Option<T> {
        let value = self.get(names)?;
        let field = names.first().copied().unwrap_or_default();
        let Some(text) = self.text(names) else {
            if !value.is_string() {
                warnings.left_out(context, field, "is no text");
            }
            return None;
        };
        match read(&text) {
            Ok(read) => Some(read),
            Err(why) => {
                warnings.left_out(context, field, why);
                None
            }
        }
    }

    /// When something happened: RFC 3339, a date, or a number of seconds or milliseconds since 1970.
    /// What is later than now cannot be true.
    fn time(
        &self,
        names: &[&str],
        (context, warnings): (Context<'_>, &mut Warnings),
    ) -> Option<Timestamp> {
        let field = names.first().copied().unwrap_or_default();
        let text = self.text(names)?;
        // What lies before 1970 is a system's word for no time, such as the first day of year 1.
        match read_time(&text, context.zone).filter(|time| time.0 >= 0) {
            // Clocks differ a little.
            Some(time) if time <= context.now.plus_minutes(5) => Some(time.min(context.now)),
            Some(_) => {
                warnings.left_out(context, field, "lies in the future");
                None
            }
            None => {
                warnings.left_out(context, field, "is no time");
                None
            }
        }
    }
}

/// The list in an answer: the answer itself, or what lies in one of `wrappers`, in one another too.
fn list<'a>(answer: &'a Value, wrappers: &[&str]) -> Result<&'a [Value], Unusable> {
    let mut value = answer;
    for _ in 0..=MAX_WRAPPERS {
        match value {
            Value::Array(items) => return Ok(items),
            Value::Object(object) => {
                if Fields(object).says(&["success", "ok"], false) {
                    return Err(Unusable::Refused);
                }
                let wrapped = wrappers.iter().find_map(|name| object.get(*name));
                value = wrapped.ok_or(Unusable::NoRecord)?;
            }
            Value::Null => return Ok(&[]),
            _ => return Err(Unusable::NoRecord),
        }
    }
    Err(Unusable::NoRecord)
}

/// A field of the object around a list, such as how many there are in all.
fn beside_list(answer: &Value, names: &[&str]) -> Option<i64> {
    let object = answer.as_object()?;
    let inner = ["data", "result", "meta", "pagination"].iter();
    let inner = inner.filter_map(|name| object.get(*name)?.as_object());
    std::iter::once(object).chain(inner).find_map(|object| Fields(object).whole(names))
}

/// Reads a time; one without an offset is UTC, as programs mean it. A date is the beginning of the shop's
/// day, and so is midnight without an offset, which is how some programs write a date.
fn read_time(text: &str, zone: Tz) -> Option<Timestamp> {
    if let Ok(time) = DateTime::parse_from_rfc3339(text) {
        return Some(Timestamp::from(time));
    }
    for format in ["%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%d %H:%M:%S%.f", "%Y-%m-%dT%H:%M"] {
        if let Ok(time) = NaiveDateTime::parse_from_str(text, format) {
            return Some(match time.time() {
                NaiveTime::MIN => day_bounds(time.date(), zone).start,
                _ => Timestamp::from(time.and_utc()),
            });
        }
    }
    if let Ok(date) = text.parse::<NaiveDate>() {
        return Some(day_bounds(date, zone).start);
    }
    let number: i64 = text.parse().ok()?;
    // Milliseconds since 1970 have 13 digits in our days, seconds 10.
    let seconds = if number.abs() >= 100_000_000_000 { number / 1000 } else { number };
    let time = Timestamp(seconds);
    (seconds >= 0 && time.to_utc().timestamp() == seconds).then_some(time)
}

/// Reads a date; a time is the shop's date then, unless it is midnight where it was written.
fn read_date(text: &str, zone: Tz) -> Option<NaiveDate> {
    if let Ok(date) = text.parse::<NaiveDate>() {
        return Some(date);
    }
    match DateTime::parse_from_rfc3339(text) {
        Ok(time) if time.time() == NaiveTime::MIN => Some(time.date_naive()),
        _ => read_time(text, zone).map(|time| local_date(time, zone)),
    }
}

#[cfg(test)]
mod tests {
    use chrono_tz::America;
    use serde_json::json;

    use super::*;

    #[test]
    fn times_are_read_as_programs_write_them() {
        let check = |text, expected: Option<i64>| {
            assert_eq!(read_time(text, America::New_York), expected.map(Timestamp), "{text}");
        };
        check("2023-01-15T10:00:00Z", Some(1_673_776_800));
        check("2023-01-15T05:00:00-05:00", Some(1_673_776_800));
        check("2023-01-15T10:00:00", Some(1_673_776_800));
        check("2023-01-15 10:00:00.123", Some(1_673_776_800));
        check("2023-01-15T10:00", Some(1_673_776_800));
        // The shop's day begins five hours after Greenwich's, in summer four.
        check("2023-01-15", Some(1_673_758_800));
        check("2023-07-15", Some(1_689_393_600));
        check("2023-01-15T00:00:00", Some(1_673_758_800));
        check("2023-01-15 00:00:00.000", Some(1_673_758_800));
        check("2023-01-15T00:00:00Z", Some(1_673_740_800));
        check("1673776800", Some(1_673_776_800));
        check("1673776800000", Some(1_673_776_800));
        check("yesterday", None);
        check("-5", None);
        check("99999999999999999999", None);
    }

    #[test]
    fn a_date_is_the_shops_date() {
        let check = |text, expected: Option<&str>| {
            let date = read_date(text, America::New_York).map(|date| date.to_string());
            assert_eq!(date.as_deref(), expected, "{text}");
        };
        check("2026-01-31", Some("2026-01-31"));
        check("2026-01-31T00:00:00", Some("2026-01-31"));
        check("2026-01-31T00:00:00Z", Some("2026-01-31"));
        check("2026-01-31T05:00:00Z", Some("2026-01-31"));
        check("2026-02-01T04:59:59Z", Some("2026-01-31"));
        check("2026-01-31T23:59:59-08:00", Some("2026-02-01"));
        check("soon", None);
        check("2026-02-30", None);
    }

    #[test]
    fn a_record_is_found_in_any_usual_wrapper() {
        let find = |answer: Value| {
            let wrappers = ["customer", "data"];
            Fields::find(&answer, &wrappers, &["id"]).map(|found| found.map(|f| f.0.clone()))
        };
        let record = json!({"id": 1});
        let expected = Ok(Some(record.as_object().cloned().unwrap()));
        assert_eq!(find(record.clone()), expected);
        assert_eq!(find(json!({"customer": record})), expected);
        assert_eq!(find(json!({"data": {"customer": record}})), expected);
        assert_eq!(find(json!([record])), expected);
        assert_eq!(find(json!({"data": [record]})), expected);
        assert_eq!(find(json!([])), Ok(None));
        assert_eq!(find(json!({"customer": null})), Ok(None));
        assert_eq!(find(json!({"found": false})), Ok(None));
        assert_eq!(find(json!({"success": false, "error": "no"})), Err(Unusable::Refused));
        for nonsense in [json!("hello"), json!({"name": "x"}), json!([record, record]), json!(7)] {
            assert_eq!(find(nonsense.clone()), Err(Unusable::NoRecord), "{nonsense}");
        }
        let deep = json!({"data": {"data": {"data": {"data": record}}}});
        assert_eq!(find(deep), Err(Unusable::NoRecord));
    }

    #[test]
    fn a_list_is_found_in_any_usual_wrapper() {
        let wrappers = ["tickets", "data"];
        let items = json!([1, 2]);
        for answer in
            [items.clone(), json!({"tickets": items}), json!({"data": {"tickets": items}})]
        {
            assert_eq!(list(&answer, &wrappers).map(<[Value]>::len), Ok(2), "{answer}");
        }
        assert_eq!(list(&json!({"tickets": {}}), &wrappers), Err(Unusable::NoRecord));
        assert_eq!(beside_list(&json!({"tickets": [], "total": "12"}), &["total"]), Some(12));
        assert_eq!(beside_list(&json!({"meta": {"total": 3.0}}), &["total"]), Some(3));
        assert_eq!(beside_list(&json!([1]), &["total"]), None);
    }
}
