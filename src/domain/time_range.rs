//! Ranges of time as callers write them: `from` and `to`, of which each may be left out.

use chrono_tz::Tz;

use super::local_time::day_bounds;
use super::time::{Interval, Timestamp};
use super::time_input::{InvalidTime, parse_day, parse_instant};

/// Where a range without `from` begins.
pub const FIRST: Timestamp = Timestamp(0);
/// Where a range without `to` ends: no row of the database begins as late, since instants there
/// have 36 bits, and no end that a caller writes is later.
pub const END: Timestamp = Timestamp(1 << 36);

/// Why a caller's range cannot be used.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum InvalidRange {
    /// `from` is no day and no time.
    #[error("from {0}")]
    From(InvalidTime),
    /// `to` is no day and no time.
    #[error("to {0}")]
    To(InvalidTime),
    /// The range ends before it begins.
    #[error("from is after to")]
    Reversed,
}

/// The instants from `from` to `to` that a row of the database can have, as [`parse_whole_range`] reads
/// them.
///
/// # Errors
/// A `from` or `to` that is neither, and a `from` after `to`.
pub fn parse_range(
    from: Option<&str>,
    to: Option<&str>,
    now: Timestamp,
    zone: Tz,
) -> Result<Interval, InvalidRange> {
    parse_whole_range(from, to, now, zone).map(within_database)
}

/// The part of a range in which rows can lie.
pub fn within_database(range: Interval) -> Interval {
    let within = |at: Timestamp| at.clamp(FIRST, END);
    Interval { start: within(range.start), end: within(range.end) }
}

/// The instants from `from` to `to`, each a day or a time as [`parse_day`] and [`parse_instant`]
/// read them.
///
/// A day stands for all of it, so that a range to a day includes it; a range to a time includes
/// that second.
///
/// # Errors
/// A `from` or `to` that is neither, and a `from` after `to`.
pub fn parse_whole_range(
    from: Option<&str>,
    to: Option<&str>,
    now: Timestamp,
    zone: Tz,
) -> Result<Interval, InvalidRange> {
    let read = |text: Option<&str>| text.map(|text| parse_span(text, now, zone)).transpose();
    let from = read(from).map_err(InvalidRange::From)?.map(|from| from.start);
    let to = read(to).map_err(InvalidRange::To)?.map(|to| to.end);
    if let (Some(from), Some(to)) = (from, to)
        && from >= to
    {
        return Err(InvalidRange::Reversed);
    }
    Ok(Interval { start: from.unwrap_or(FIRST), end: to.unwrap_or(END) })
}

/// All of a day, or the one second of a time.
fn parse_span(text: &str, now: Timestamp, zone: Tz) -> Result<Interval, InvalidTime> {
    match parse_instant(text, now, zone) {
        Ok(start) => Ok(Interval { start, end: start.plus_seconds(1) }),
        Err(InvalidTime::TimeMissing) => {
            parse_day(text, now, zone).map(|day| day_bounds(day, zone))
        }
        Err(InvalidTime::NotATime) => Err(InvalidTime::NeitherDayNorTime),
        Err(wrong) => Err(wrong),
    }
}

#[cfg(test)]
mod tests {
    use chrono_tz::America;

    use super::super::local_time::rfc3339;
    use super::*;

    /// The range in New York, on a Friday.
    fn range(from: &str, to: &str) -> Result<Interval, InvalidRange> {
        let zone = America::New_York;
        let now = parse_instant("2027-01-15T12:00", Timestamp(0), zone).expect("a time");
        let [from, to] = [from, to].map(|text| Some(text).filter(|text| !text.is_empty()));
        parse_range(from, to, now, zone)
    }

    #[track_caller]
    fn check(from: &str, to: &str, expected: [&str; 2]) {
        let Interval { start, end } = range(from, to).expect("a range");
        assert_eq!([start, end].map(|at| rfc3339(at, America::New_York)), expected);
    }

    #[track_caller]
    fn check_wrong(from: &str, to: &str, expected: &str) {
        let error = range(from, to).expect_err("a refusal").to_string();
        assert_eq!(error, expected);
    }

    #[test]
    fn a_day_stands_for_all_of_it() {
        let friday = ["2027-01-15T00:00:00-05:00", "2027-01-16T00:00:00-05:00"];
        check("2027-01-15", "2027-01-15", friday);
        check("today", "Friday", friday);
        check(" TODAY ", "tomorrow", [friday[0], "2027-01-17T00:00:00-05:00"]);
        // Twenty-three hours and twenty-five.
        check(
            "2027-03-14",
            "2027-03-14",
            ["2027-03-14T00:00:00-05:00", "2027-03-15T00:00:00-04:00"],
        );
        check(
            "2027-11-07",
            "2027-11-07",
            ["2027-11-07T00:00:00-04:00", "2027-11-08T00:00:00-05:00"],
        );
    }

    #[test]
    fn a_range_to_a_time_includes_it() {
        let nine = "2027-01-15T09:00:00-05:00";
        check("2027-01-15T09:00", "2027-01-15T14:00Z", [nine, "2027-01-15T09:00:01-05:00"]);
        check("2027-01-15T09:00", "today", [nine, "2027-01-16T00:00:00-05:00"]);
        let two = "2027-01-16T14:00:01-05:00";
        check("today 09:00", "tomorrow at 2 pm", [nine, two]);
    }

    #[test]
    fn an_end_that_is_left_out_is_open() {
        assert_eq!(range("", ""), Ok(Interval { start: FIRST, end: END }));
        assert_eq!(range("", "9999-12-31"), Ok(Interval { start: FIRST, end: END }));
        assert_eq!(range("9999-12-31", ""), Ok(Interval { start: END, end: END }));
        assert_eq!(range("1970-01-01T00:00+14:00", "").map(|range| range.start), Ok(FIRST));
        let today = range("today", "").expect("a range");
        assert_eq!(
            (rfc3339(today.start, chrono_tz::UTC), today.end),
            ("2027-01-15T05:00:00+00:00".to_owned(), END)
        );
    }

    #[test]
    fn what_is_wrong_names_its_end() {
        let neither = "is neither a day nor a time; write 2027-01-15, today, tomorrow, a weekday \
                       such as Friday, or 2027-01-15T09:00";
        check_wrong("next week", "today", &format!("from {neither}"));
        check_wrong("today", "15/01/2027", &format!("to {neither}"));
        check_wrong("", "2027-02-30", "to is a date that the calendar does not have");
        check_wrong("2027-03-14T02:30", "", "from is a local time that a clock change skips");
        check_wrong("1900-01-01", "", "from is outside the years 1970 to 9999");
    }

    #[test]
    fn a_range_that_ends_before_it_begins_is_refused() {
        check_wrong("2027-01-16", "2027-01-15", "from is after to");
        check_wrong("tomorrow", "today", "from is after to");
        check_wrong("2027-01-15T09:00:01", "2027-01-15T09:00", "from is after to");
        check_wrong("2027-01-16T00:00", "2027-01-15", "from is after to");
    }
}
