//! Times as callers give them, and the refusal of those that cannot be used.

use chrono::NaiveDate;
use serde_json::json;

use super::Call;
use super::arguments::refuse;
use crate::domain::local_time::{clock_time, rfc3339, spoken};
use crate::domain::time::{Interval, Timestamp};
use crate::domain::time_input::{InvalidTime, parse_day, parse_instant};
use crate::domain::time_range::{InvalidRange, parse_whole_range, within_database};
use crate::error::{Code, Refusal};

/// Reads an instant that a caller gave.
pub(super) fn read_instant(field: &str, text: &str, call: &Call<'_>) -> Result<Timestamp, Refusal> {
    parse_instant(text, call.now, call.engine.shop().zone)
        .map_err(|wrong| refuse_time(field, text, wrong, call))
}

/// Reads a day that a caller gave.
pub(super) fn read_day(field: &str, text: &str, call: &Call<'_>) -> Result<NaiveDate, Refusal> {
    parse_day(text, call.now, call.engine.shop().zone)
        .map_err(|wrong| refuse_time(field, text, wrong, call))
}

/// Reads the time between `from` and `to`, of which either may be left open.
pub(super) fn read_range(
    from: Option<&str>,
    to: Option<&str>,
    call: &Call<'_>,
) -> Result<Interval, Refusal> {
    read_whole_range(from, to, call).map(within_database)
}

/// Reads the same as it was given, also where no row of the database can lie.
pub(super) fn read_whole_range(
    from: Option<&str>,
    to: Option<&str>,
    call: &Call<'_>,
) -> Result<Interval, Refusal> {
    parse_whole_range(from, to, call.now, call.engine.shop().zone).map_err(|wrong| match wrong {
        InvalidRange::From(wrong) => refuse_time("from", from.unwrap_or_default(), wrong, call),
        InvalidRange::To(wrong) => refuse_time("to", to.unwrap_or_default(), wrong, call),
        InvalidRange::Reversed => refuse("from", "is after to"),
    })
}

pub(super) fn refuse_time(field: &str, text: &str, wrong: InvalidTime, call: &Call<'_>) -> Refusal {
    let zone = call.engine.shop().zone;
    let shown: String = text.chars().filter(|c| !c.is_control()).take(40).collect();
    let error = format!("\"{shown}\" {wrong}");
    let InvalidTime::Skipped { before, after } = wrong else { return refuse(field, error) };
    let choice =
        |at| json!({"scheduled_at": rfc3339(at, zone), "when": spoken(at, call.now, zone)});
    let message = format!(
        "The clocks go forward over that time; the nearest real ones are {} and {}.",
        clock_time(before, zone),
        spoken(after, call.now, zone)
    );
    Refusal::new(Code::InvalidArgument, message, format!("{field} {error}"))
        .hint("The clocks change over this time; ask the customer which of the two real times is meant.")
        .data(json!({"alternatives": [choice(before), choice(after)]}))
}
