use InvalidTime::{NoSuchDate, NotADate, NotADay, NotATime, Offset, TimeMissing, Year};
use chrono_tz::{America, Australia, Pacific};

use super::super::local_time::rfc3339;
use super::*;

/// 21:00 in New York, already Saturday in UTC.
fn friday_evening() -> Timestamp {
    let time = "2027-01-15T21:00:00-05:00".parse::<chrono::DateTime<chrono::FixedOffset>>();
    time.expect("a time").into()
}

#[track_caller]
fn check(text: &str, expected: Result<&str, InvalidTime>) {
    let zone = America::New_York;
    let parsed = parse_instant(text, friday_evening(), zone).map(|at| rfc3339(at, zone));
    assert_eq!(parsed.as_deref().map_err(|error| *error), expected, "{text:?}");
}

#[track_caller]
fn check_skipped(zone: Tz, text: &str, nearest: [&str; 2]) {
    let Err(InvalidTime::Skipped { before, after }) = parse_instant(text, friday_evening(), zone)
    else {
        panic!("{text} exists in {zone}");
    };
    assert_eq!([before, after].map(|at| rfc3339(at, zone)), nearest);
}

#[track_caller]
fn check_date(text: &str, expected: Result<&str, InvalidTime>) {
    let parsed = parse_date(text).map(|date| date.to_string());
    assert_eq!(parsed.as_deref().map_err(|error| *error), expected, "{text:?}");
}

#[track_caller]
fn check_day(text: &str, expected: Result<&str, InvalidTime>) {
    let parsed = parse_day(text, friday_evening(), America::New_York).map(|date| date.to_string());
    assert_eq!(parsed.as_deref().map_err(|error| *error), expected, "{text:?}");
}

#[test]
fn an_offset_is_obeyed() {
    let nine = Ok("2027-01-15T09:00:00-05:00");
    check("2027-01-15T09:00:00-05:00", nine);
    check("2027-01-15T14:00:00Z", nine);
    check("2027-01-15t14:00:00z", nine);
    check("2027-01-15 14:00Z", nine);
    check("2027-01-15T19:45:00.999999+05:45", nine);
    check("2027-01-15T14:00:00-00:00", nine);
    check("2027-01-16T08:00:00+18:00", nine);
    check("2027-01-15T09:00:00-0500", nine);
}

#[test]
fn a_time_without_an_offset_is_the_shops() {
    let nine = Ok("2027-01-15T09:00:00-05:00");
    check("2027-01-15T09:00:00", nine);
    check(" 2027-01-15 09:00 ", nine);
    check("2027-01-15T09:00:00.5", nine);
    check("2027-07-15T09:00", Ok("2027-07-15T09:00:00-04:00"));
}

#[test]
fn the_day_of_a_time_may_be_named() {
    check("today 14:00", Ok("2027-01-15T14:00:00-05:00"));
    check(" TODAY\u{20}\u{20}14:00:30 ", Ok("2027-01-15T14:00:30-05:00"));
    check("todayt14:00", Ok("2027-01-15T14:00:00-05:00"));
    check("tomorrow 09:00", Ok("2027-01-16T09:00:00-05:00"));
    check("Tomorrow at 09:00", Ok("2027-01-16T09:00:00-05:00"));
    // The next one, today included, even where its time is past.
    check("Friday 09:00", Ok("2027-01-15T09:00:00-05:00"));
    check("fridayT09:00", Ok("2027-01-15T09:00:00-05:00"));
    check("SAT 09:00", Ok("2027-01-16T09:00:00-05:00"));
    check("satT09:00", Ok("2027-01-16T09:00:00-05:00"));
    check("Thursday 00:00", Ok("2027-01-21T00:00:00-05:00"));
}

#[test]
fn after_the_name_of_a_day_the_clock_may_have_twelve_hours() {
    check("Friday 9:00 AM", Ok("2027-01-15T09:00:00-05:00"));
    check("friday at 2 pm", Ok("2027-01-15T14:00:00-05:00"));
    check("friday 2:30pm", Ok("2027-01-15T14:30:00-05:00"));
    check("friday at 02:30 P.M.", Ok("2027-01-15T14:30:00-05:00"));
    check("today 12 am", Ok("2027-01-15T00:00:00-05:00"));
    check("today 12:15 pm", Ok("2027-01-15T12:15:00-05:00"));
}

#[test]
fn a_named_time_that_a_clock_change_skips_is_refused() {
    let now = parse_instant("2027-03-13T09:00", Timestamp(0), America::New_York).expect("a time");
    let skipped = parse_instant("tomorrow 02:30", now, America::New_York);
    assert_eq!(skipped, parse_instant("2027-03-14T02:30", now, America::New_York));
    assert!(matches!(skipped, Err(InvalidTime::Skipped { .. })));
}

#[test]
fn what_follows_the_name_of_a_day_must_be_a_time() {
    check("tomorrow", Err(TimeMissing));
    check("Friday", Err(TimeMissing));
    for text in [
        "tomorrow nine",
        "tomorrow at",
        "tomorrow 9",
        "tomorrow 9:00",
        "tomorrow 24:00",
        "tomorrow 09:00Z",
        "tomorrow 09:00-05:00",
        "tomorrow 13 pm",
        "tomorrow 0 am",
        "tomorrow 9:5 am",
        "tomorrow +9 am",
        "tomorrow pm",
        "tomorrow09:00",
        "tomorrow, 09:00",
        "sat09:00",
        "next friday 09:00",
        "fridays 09:00",
    ] {
        check(text, Err(NotATime));
    }
}

#[test]
fn a_time_that_occurs_twice_means_the_first() {
    check("2027-11-07T01:30", Ok("2027-11-07T01:30:00-04:00"));
    check("2027-11-07T01:30-05:00", Ok("2027-11-07T01:30:00-05:00"));
}

#[test]
fn a_skipped_time_is_refused_with_its_neighbours() {
    check_skipped(
        America::New_York,
        "2027-03-14T02:30",
        ["2027-03-14T01:30:00-05:00", "2027-03-14T03:30:00-04:00"],
    );
    check_skipped(
        Australia::Lord_Howe,
        "2027-10-03T02:10",
        ["2027-10-03T01:40:00+10:30", "2027-10-03T02:40:00+11:00"],
    );
    check_skipped(
        Pacific::Apia,
        "2011-12-30T09:00",
        ["2011-12-29T09:00:00-10:00", "2011-12-31T09:00:00+14:00"],
    );
    check("2027-03-14T02:30:00-05:00", Ok("2027-03-14T03:30:00-04:00"));
}

#[test]
fn what_is_no_time_is_refused() {
    for text in [
        "",
        "tomorrow at nine",
        "09:00",
        "2027-1-15T09:00",
        "2027-01-15T9:00",
        "2027-01-15T0900",
        "2027-01-15T24:00",
        "2027-01-15T09:60",
        "2027-01-15T09:00:61",
        "2027-01-15T09:00:00.",
        "2027-01-15T09:00.5",
        "2027-01-15T09:00 PM",
        "2027-01-15T09:00:00+5:00",
        "2027-01-15T09:00:00+05:60",
        "2027-01-15T09:00:00-05:00[America/New_York]",
        "2027-01-15T09:00:00−05:00",
        "2027-01-15_09:00",
        "20é7-01-15T09:00",
        "+027-01-15T09:00",
    ] {
        check(text, Err(NotATime));
    }
}

#[test]
fn what_is_wrong_with_a_time_is_told() {
    check("2027-01-15", Err(TimeMissing));
    check("2027-02-29T09:00", Err(NoSuchDate));
    check("1969-12-31T23:59", Err(Year));
    check("1970-01-01T00:00", Ok("1970-01-01T00:00:00-05:00"));
    check("2027-01-15T09:00+18:01", Err(Offset));
    check("2027-01-15T09:00-99:00", Err(Offset));
}

#[test]
fn a_date_has_four_digits_and_two_and_two() {
    check_date("2027-01-15", Ok("2027-01-15"));
    check_date("2028-02-29", Ok("2028-02-29"));
    check_date("9999-12-31", Ok("9999-12-31"));
    check_date("2027-02-30", Err(NoSuchDate));
    check_date("0000-01-01", Err(Year));
    for text in ["", "2027-1-15", "27-01-15", "2027-01-15T", "01/15/2027", "2027-01-15-1"] {
        check_date(text, Err(NotADate));
    }
}

#[test]
fn a_day_may_be_named() {
    check_day("2027-01-15", Ok("2027-01-15"));
    check_day("Today", Ok("2027-01-15"));
    check_day("TOMORROW", Ok("2027-01-16"));
    check_day("friday", Ok("2027-01-15"));
    check_day(" Saturday ", Ok("2027-01-16"));
    check_day("thu", Ok("2027-01-21"));
    check_day("2027-02-30", Err(NoSuchDate));
    check_day("next week", Err(NotADay));
    check_day("", Err(NotADay));
}
