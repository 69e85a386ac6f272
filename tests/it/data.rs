//! Arguments and times for tests.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use chrono::{
    DateTime, Datelike, Days, NaiveDate, NaiveDateTime, SecondsFormat, TimeDelta, TimeZone,
    Timelike, Utc, Weekday,
};
use chrono_tz::Tz;
use serde_json::{Value, json};

use crate::shop::Owner;

/// The zone of every test's shop.
pub const ZONE: Tz = chrono_tz::America::New_York;
/// How long a test waits for a line; far more than any reply takes.
pub const REPLY_LIMIT: Duration = Duration::from_secs(30);
/// How soon a server is gone after its input ends or SIGTERM comes.
pub const EXIT_LIMIT: Duration = Duration::from_secs(2);

/// Open all day on every day, so that there is always a time soon.
pub const ALL_DAY: &str = "[hours]\nmonday = \"00:00-24:00\"\ntuesday = \"00:00-24:00\"\n\
    wednesday = \"00:00-24:00\"\nthursday = \"00:00-24:00\"\nfriday = \"00:00-24:00\"\n\
    saturday = \"00:00-24:00\"\nsunday = \"00:00-24:00\"\nlunch = \"none\"\n";

/// A zone in which it is morning, so that the day has twelve hours left at least.
pub fn morning_zone() -> &'static str {
    if Utc::now().hour() < 12 { "UTC" } else { "Etc/GMT+12" }
}

/// A number that this run has not handed out before.
pub fn unique() -> u64 {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    NEXT.fetch_add(1, Ordering::Relaxed)
}

/// A phone number, as E.164, that no other customer of the same test has.
pub fn phone() -> String {
    let number = unique();
    format!("+1202{:03}{:04}", 555 + number / 10_000, number % 10_000)
}

/// What `create_customer` needs for John Doe.
pub fn customer() -> Value {
    customer_with_phone(&phone())
}

/// What `create_customer` needs for John Doe with this phone number.
pub fn customer_with_phone(phone_number: &str) -> Value {
    json!({ "first_name": "John", "last_name": "Doe", "phone_number": phone_number })
}

/// What `add_vehicle` needs for a 2020 Honda Accord.
pub fn vehicle(customer_id: i64) -> Value {
    json!({ "customer_id": customer_id, "year": 2020, "make": "Honda", "model": "Accord" })
}

/// What `book_appointment` needs for an oil change of 60 minutes.
pub fn visit(owner: Owner, scheduled_at: &str) -> Value {
    json!({
        "customer_id": owner.customer_id,
        "vehicle_id": owner.vehicle_id,
        "scheduled_at": scheduled_at,
        "service_type": "oil_change",
        "duration_minutes": 60,
    })
}

/// What `hold_slot` needs to keep a time for an oil change of 60 minutes.
pub fn hold(scheduled_at: &str) -> Value {
    json!({ "scheduled_at": scheduled_at, "service_type": "oil_change", "duration_minutes": 60 })
}

/// `arguments` with one field set.
pub fn with(mut arguments: Value, field: &str, value: impl Into<Value>) -> Value {
    arguments[field] = value.into();
    arguments
}

/// `arguments` with one field left out.
pub fn without(mut arguments: Value, field: &str) -> Value {
    arguments.as_object_mut().unwrap().remove(field).expect("the field is there");
    arguments
}

/// The shop's date today.
pub fn today() -> NaiveDate {
    Utc::now().with_timezone(&ZONE).date_naive()
}

/// The first `weekday` after today, or one so many weeks later.
pub fn next_weekday(weekday: Weekday, weeks_ahead: u64) -> NaiveDate {
    let first = today().succ_opt().unwrap();
    let ahead = u64::from(weekday.days_since(first.weekday()));
    first + Days::new(ahead + 7 * weeks_ahead)
}

/// A local time of the shop without an offset: `2027-01-15T09:00:00`.
pub fn at(date: NaiveDate, time: &str) -> String {
    format!("{date}T{time}:00")
}

/// The same time as the server writes it: `2027-01-15T09:00:00-05:00`.
pub fn out(date: NaiveDate, time: &str) -> String {
    at_offset_of(date, time, ZONE)
}

/// The shop's local time as a clock in `zone` has it, with that zone's offset.
pub fn at_offset_of(date: NaiveDate, time: &str, zone: Tz) -> String {
    let local: NaiveDateTime = at(date, time).parse().unwrap();
    let instant = ZONE.from_local_datetime(&local).earliest().expect("a time that exists");
    instant.with_timezone(&zone).to_rfc3339()
}

/// The shop's next date on which clocks skip an hour (`month` 3) or repeat one (`month` 11).
pub fn next_clock_change(month: u32) -> NaiveDate {
    let nth = if month == 3 { 2 } else { 1 };
    let year = today().year();
    let sunday = |year| NaiveDate::from_weekday_of_month_opt(year, month, Weekday::Sun, nth);
    let this_year = sunday(year).unwrap();
    if this_year > today() { this_year } else { sunday(year + 1).unwrap() }
}

/// The time so many minutes from now in UTC, without its fraction of a second.
pub fn in_minutes(minutes: i64) -> String {
    (Utc::now() + TimeDelta::minutes(minutes)).to_rfc3339_opts(SecondsFormat::Secs, true)
}

/// The seconds since 1970 of a time that the server wrote.
pub fn seconds(time: &Value) -> i64 {
    DateTime::parse_from_rfc3339(time.as_str().expect("a time")).expect("RFC 3339").timestamp()
}

/// The numbers of the appointments in `list`, a field of a reply's data.
pub fn ids(data: &Value, list: &str) -> Vec<i64> {
    let rows = data[list].as_array().unwrap_or_else(|| panic!("no {list}: {data}"));
    rows.iter()
        .map(|row| row["appointment_id"].as_i64().unwrap_or_else(|| panic!("{row}")))
        .collect()
}

/// The starts in `slots` as `HH:MM`.
pub fn times(slots: &Value) -> Vec<String> {
    let slots = slots.as_array().expect("a list of slots");
    slots.iter().map(|slot| slot.as_str().unwrap()[11..16].to_owned()).collect()
}
