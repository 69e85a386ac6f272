use chrono_tz::{America, Australia, Pacific, UTC};

use super::super::local_time::rfc3339;
use super::*;

fn date(text: &str) -> NaiveDate {
    text.parse().expect("a date")
}

/// Open every day at these hours, with this lunch.
fn daily(hours: &str, lunch: Option<&str>) -> OpeningHours {
    OpeningHours {
        weekly: [hours.parse().expect("hours"); 7],
        lunch: lunch.map(|lunch| lunch.parse().expect("a span")),
        ..OpeningHours::default()
    }
}

#[track_caller]
fn check_text(text: &str, expected: Result<&str, InvalidDayHours>) {
    let parsed = text.parse::<DayHours>().map(|hours| hours.to_string());
    assert_eq!(parsed.as_deref().map_err(|error| *error), expected, "{text:?}");
}

#[track_caller]
fn check_open(hours: &OpeningHours, day: &str, zone: Tz, expected: &[[&str; 2]]) {
    let Day::Open { work, opens, .. } = hours.on(date(day), zone) else {
        panic!("{day} is closed");
    };
    let shown: Vec<_> =
        work.iter().map(|span| [span.start, span.end].map(|at| rfc3339(at, zone))).collect();
    assert_eq!(shown, expected);
    assert!(work.first().is_none_or(|first| opens <= first.start));
}

#[track_caller]
fn check_closed(hours: &OpeningHours, day: &str, zone: Tz, expected: &str) {
    let reason = expected.to_owned();
    assert_eq!(hours.on(date(day), zone), Day::Closed { reason });
}

#[test]
fn hours_are_read_and_written_alike() {
    check_text("09:00-17:00", Ok("09:00-17:00"));
    check_text(" 9:05 - 17:30 ", Ok("09:05-17:30"));
    check_text("00:00-24:00", Ok("00:00-24:00"));
    check_text("Closed", Ok("closed"));
    check_text("CLOSED", Ok("closed"));
}

#[test]
fn what_is_no_span_of_hours_is_refused() {
    for text in [
        "",
        "open",
        "9-17",
        "09:00",
        "17:00-09:00",
        "09:00-09:00",
        "09:00-24:01",
        "09:60-17:00",
        "09:0-17:00",
        "+9:00-17:00",
        ":00-17:00",
        "009:00-17:00",
        "09:00-17:00-18:00",
    ] {
        check_text(text, Err(InvalidDayHours));
    }
}

#[test]
fn the_default_week_is_open_but_for_sunday() {
    let hours = OpeningHours::default();
    let zone = America::New_York;
    let weekday = [
        ["2027-01-15T09:00:00-05:00", "2027-01-15T12:00:00-05:00"],
        ["2027-01-15T13:00:00-05:00", "2027-01-15T17:00:00-05:00"],
    ];
    check_open(&hours, "2027-01-15", zone, &weekday);
    let saturday = [
        ["2027-01-16T09:00:00-05:00", "2027-01-16T12:00:00-05:00"],
        ["2027-01-16T13:00:00-05:00", "2027-01-16T15:00:00-05:00"],
    ];
    check_open(&hours, "2027-01-16", zone, &saturday);
    check_closed(&hours, "2027-01-17", zone, "Closed on Sundays");
}

#[test]
fn a_closure_covers_its_first_and_last_date() {
    let mut hours = daily("09:00-17:00", None);
    let closure = |first: &str, last: &str, reason: &str| Closure {
        first: date(first),
        last: date(last),
        reason: reason.to_owned(),
    };
    hours.closures = vec![
        closure("2027-12-24", "2027-12-26", "Christmas"),
        closure("2027-07-05", "2027-07-05", " "),
        closure("2027-03-02", "2027-03-01", "The wrong way round"),
    ];
    let open = |day: &str| matches!(hours.on(date(day), UTC), Day::Open { .. });
    assert!(open("2027-12-23") && open("2027-12-27") && open("2027-03-01"));
    check_closed(&hours, "2027-12-24", UTC, "Christmas");
    check_closed(&hours, "2027-12-26", UTC, "Christmas");
    check_closed(&hours, "2027-07-05", UTC, "Closed on Monday, July 5, 2027");
}

#[test]
fn a_lunch_over_the_edge_just_cuts() {
    let from = "2027-01-15T09:00:00+00:00";
    let to = "2027-01-15T17:00:00+00:00";
    let check = |lunch: &str, expected: &[[&str; 2]]| {
        check_open(&daily("09:00-17:00", Some(lunch)), "2027-01-15", UTC, expected);
    };
    check("08:00-09:00", &[[from, to]]);
    check("17:00-18:00", &[[from, to]]);
    check("08:00-10:00", &[["2027-01-15T10:00:00+00:00", to]]);
    check("16:00-18:00", &[[from, "2027-01-15T16:00:00+00:00"]]);
    let all_day = daily("09:00-17:00", Some("08:00-18:00"));
    let reason = "Closed on January 15, 2027, whose hours are all lunch";
    check_closed(&all_day, "2027-01-15", UTC, reason);
}

#[test]
fn a_skipped_minute_is_the_first_instant_after_the_gap() {
    let zone = America::New_York;
    let check = |hours: &str, from: &str, to: &str| {
        check_open(&daily(hours, None), "2027-03-14", zone, &[[from, to]]);
    };
    let resumed = "2027-03-14T03:00:00-04:00";
    check("02:30-09:00", resumed, "2027-03-14T09:00:00-04:00");
    check("01:00-02:30", "2027-03-14T01:00:00-05:00", resumed);
    let skipped = "Closed on March 14, 2027 because of a clock change";
    check_closed(&daily("02:00-03:00", None), "2027-03-14", zone, skipped);
}

#[test]
fn a_lunch_that_is_skipped_cuts_nothing() {
    let hours = daily("01:00-04:00", Some("02:00-03:00"));
    let expected = [["2027-03-14T01:00:00-05:00", "2027-03-14T04:00:00-04:00"]];
    check_open(&hours, "2027-03-14", America::New_York, &expected);
}

#[test]
fn a_minute_that_occurs_twice_opens_first_and_closes_last() {
    let both = ["2027-11-07T01:15:00-04:00", "2027-11-07T01:45:00-05:00"];
    check_open(&daily("01:15-01:45", None), "2027-11-07", America::New_York, &[both]);
    let both = ["2027-04-04T01:40:00+11:00", "2027-04-04T01:50:00+10:30"];
    check_open(&daily("01:40-01:50", None), "2027-04-04", Australia::Lord_Howe, &[both]);
}

#[test]
fn a_date_that_the_zone_skipped_is_closed() {
    let hours = daily("09:00-17:00", Some("12:00-13:00"));
    let skipped = "Closed on December 30, 2011 because of a clock change";
    check_closed(&hours, "2011-12-30", Pacific::Apia, skipped);
    let whole = [["2011-12-29T00:00:00-10:00", "2011-12-31T00:00:00+14:00"]];
    check_open(&daily("00:00-24:00", None), "2011-12-29", Pacific::Apia, &whole);
}

#[test]
fn the_ends_of_the_calendar_do_not_panic() {
    for zone in [America::New_York, Pacific::Kiritimati] {
        for day in [NaiveDate::MIN, NaiveDate::MAX] {
            daily("00:00-24:00", Some("12:00-13:00")).on(day, zone);
        }
    }
}

#[test]
fn a_closed_day_is_told_in_one_natural_sentence() {
    let check = |reason: &str, day: &str, expected: Option<&str>| {
        let mut hours = OpeningHours::default();
        let reason = reason.to_owned();
        hours.closures = vec![Closure { first: date(day), last: date(day), reason }];
        let said = hours.closed_sentence(date(day), UTC);
        assert_eq!(said.as_deref(), expected);
    };
    let tuesday = |end: &str| format!("The shop is closed on Tuesday, January 19, 2027{end}");
    for (reason, end) in [
        ("", "."),
        (" . ", "."),
        ("Inventory Day", ": Inventory Day."),
        ("We move house. ", ": We move house."),
        ("Closed for inventory.", " for inventory."),
        ("closed", ": closed."),
        ("Happy New Year!", ": Happy New Year!"),
        ("Été", ": Été."),
    ] {
        check(reason, "2027-01-19", Some(&tuesday(end)));
    }
    let said = |day: &str| OpeningHours::default().closed_sentence(date(day), UTC);
    assert_eq!(said("2027-01-17").as_deref(), Some("The shop is closed on Sundays."));
    assert_eq!(said("2027-01-18"), None);
    let skipped = daily("02:00-03:00", None).closed_sentence(date("2027-03-14"), America::New_York);
    let expected = "The shop is closed on March 14, 2027 because of a clock change.";
    assert_eq!(skipped.as_deref(), Some(expected));
}

#[test]
fn the_longest_stretch_lies_before_or_after_lunch() {
    let check = |hours: &str, lunch: Option<&str>, expected: i64| {
        assert_eq!(daily(hours, lunch).longest_stretch_minutes(), expected, "{hours} {lunch:?}");
    };
    check("09:00-17:00", None, 480);
    check("09:00-17:00", Some("12:00-13:00"), 240);
    check("09:00-17:00", Some("10:00-11:00"), 360);
    check("09:00-17:00", Some("07:00-08:00"), 480);
    check("09:00-17:00", Some("18:00-19:00"), 480);
    check("09:00-17:00", Some("08:00-18:00"), 0);
    assert_eq!(OpeningHours::default().longest_stretch_minutes(), 240);
    let closed = OpeningHours { weekly: [DayHours(None); 7], ..OpeningHours::default() };
    assert_eq!(closed.longest_stretch_minutes(), 0);
}

fn special(first: &str, last: &str, hours: &str, lunch: Option<Option<&str>>) -> SpecialHours {
    SpecialHours {
        first: date(first),
        last: date(last),
        hours: hours.parse().expect("hours"),
        lunch: lunch.map(|lunch| lunch.map(|lunch| lunch.parse().expect("a span"))),
        reason: String::new(),
    }
}

#[test]
fn special_hours_replace_those_of_the_weekday() {
    let hours = OpeningHours {
        special: vec![
            special("2027-12-18", "2027-12-19", "10:00-14:00", None),
            special("2027-12-23", "2027-12-23", "10:00-14:00", Some(None)),
            special("2027-12-24", "2027-12-24", "08:00-12:00", Some(Some("09:30-10:00"))),
        ],
        ..OpeningHours::default()
    };
    let check = |day: &str, expected: &[[&str; 2]]| {
        let Day::Open { work, .. } = hours.on(date(day), UTC) else { panic!("{day} is closed") };
        let clock = |at| rfc3339(at, UTC)[11..16].to_owned();
        let shown: Vec<_> = work.iter().map(|span| [span.start, span.end].map(clock)).collect();
        assert_eq!(shown, expected, "{day}");
    };
    check("2027-12-17", &[["09:00", "12:00"], ["13:00", "17:00"]]);
    check("2027-12-18", &[["10:00", "12:00"], ["13:00", "14:00"]]);
    // The shop is closed on other Sundays.
    check("2027-12-19", &[["10:00", "12:00"], ["13:00", "14:00"]]);
    check_closed(&hours, "2027-12-26", UTC, "Closed on Sundays");
    check("2027-12-23", &[["10:00", "14:00"]]);
    check("2027-12-24", &[["08:00", "09:30"], ["10:00", "12:00"]]);
    assert_eq!(hours.closed_sentence(date("2027-12-19"), UTC), None);
}

#[test]
fn the_hours_of_a_day_are_told_in_one_sentence() {
    let check = |reason: &str, end: &str| {
        let mut eve = special("2027-12-24", "2027-12-24", "09:00-12:00", None);
        eve.reason = reason.to_owned();
        let hours = OpeningHours { special: vec![eve], ..OpeningHours::default() };
        let expected = format!("The hours of Friday, December 24 are 9:00 AM to 12:00 PM{end}");
        assert_eq!(hours.hours_sentence(date("2027-12-24")), Some(expected));
    };
    check("", ".");
    check(" . ", ".");
    check("Christmas Eve", ": Christmas Eve.");
    check("We close early. ", ": We close early.");
    check("Merry Christmas!", ": Merry Christmas!");
    let said = |day: &str| OpeningHours::default().hours_sentence(date(day));
    assert_eq!(said("2027-12-24").as_deref(), Some("Friday's hours are 9:00 AM to 5:00 PM."));
    assert_eq!(said("2027-12-26"), None);
}

#[test]
fn the_longest_stretch_may_be_a_special_one() {
    let check = |open: &str, lunch: Option<Option<&str>>, expected: i64| {
        let special = vec![special("2027-12-23", "2027-12-23", open, lunch)];
        let hours = OpeningHours { special, ..OpeningHours::default() };
        assert_eq!(hours.longest_stretch_minutes(), expected, "{open} {lunch:?}");
    };
    check("09:00-12:00", None, 240);
    check("08:00-20:00", None, 420);
    check("08:00-20:00", Some(None), 720);
    check("08:00-20:00", Some(Some("15:00-16:00")), 420);
}
