use chrono_tz::America::New_York;
use proptest::prelude::*;

use super::*;
use crate::domain::icalendar::read_events;
use crate::domain::local_time::rfc3339;

fn at(text: &str) -> Timestamp {
    text.parse::<chrono::DateTime<chrono::Utc>>().expect("a time").into()
}

/// Two weeks and a bit from Monday, March 1 2027, with the change of the clock on the 14th.
fn window() -> Interval {
    Interval { start: at("2027-03-01T05:00:00Z"), end: at("2027-03-17T04:00:00Z") }
}

fn read(events: &[&[&str]]) -> Occurrences {
    let events: String = events
        .iter()
        .map(|lines| format!("BEGIN:VEVENT\r\nUID:a\r\n{}\r\nEND:VEVENT\r\n", lines.join("\r\n")))
        .collect();
    let text = format!("BEGIN:VCALENDAR\r\n{events}END:VCALENDAR\r\n");
    occurrences(&read_events(&text, New_York).expect("a calendar"), window(), New_York)
}

fn starts(read: &Occurrences) -> Vec<String> {
    let starts = read.times.iter().map(|(span, _)| rfc3339(span.start, New_York));
    // The month is always the same.
    starts.map(|at| at.get(8..16).unwrap_or_default().to_owned()).collect()
}

#[track_caller]
fn check(lines: &[&str], expected: &[&str]) {
    let read = read(&[lines]);
    assert_eq!(starts(&read), expected, "{lines:?}");
    assert!(read.is_all, "{lines:?}");
}

#[test]
fn rules_are_kept_to_on_the_clock_of_their_zone() {
    let weekly = ["01T09:00", "08T09:00", "15T09:00"];
    let floating = ["DTSTART:20270301T090000", "DURATION:PT1H"];
    let zoned = ["DTSTART;TZID=America/New_York:20270301T090000", "DURATION:PT1H"];
    let long_ago = ["DTSTART:20200106T090000", "DURATION:PT1H"];
    for [start, length] in [floating, zoned, long_ago] {
        check(&[start, length, "RRULE:FREQ=WEEKLY"], &weekly);
        check(&[start, length, "RRULE:FREQ=WEEKLY;BYDAY=MO;WKST=SU"], &weekly);
        check(&[start, length, "RRULE:FREQ=DAILY;INTERVAL=7"], &weekly);
    }
    // An instant in UTC is an hour later on the shop's clock in summer.
    let utc = ["DTSTART:20270301T140000Z", "DURATION:PT1H"];
    check(&[utc[0], utc[1], "RRULE:FREQ=WEEKLY"], &["01T09:00", "08T09:00", "15T10:00"]);
    let other = ["DTSTART:20200104T090000", "DURATION:PT1H"];
    let fortnights = ["RRULE:FREQ=WEEKLY;INTERVAL=2;BYDAY=MO,SA"];
    check(&[other[0], other[1], fortnights[0]], &["01T09:00", "06T09:00", "15T09:00"]);
}

#[test]
fn rules_end_where_they_say() {
    let start = "DTSTART:20270301T090000";
    check(
        &[start, "RRULE:FREQ=DAILY;COUNT=3", "DURATION:PT1H"],
        &["01T09:00", "02T09:00", "03T09:00"],
    );
    check(&["DTSTART:20270226T090000", "RRULE:FREQ=DAILY;COUNT=4", "DURATION:PT1H"], &["01T09:00"]);
    for until in ["20270302T090000", "20270302", "20270302T140000Z"] {
        let rule = format!("RRULE:FREQ=DAILY;UNTIL={until}");
        check(&[start, &rule, "DURATION:PT1H"], &["01T09:00", "02T09:00"]);
    }
    check(&[start, "RRULE:FREQ=DAILY;UNTIL=20270302T135959Z", "DURATION:PT1H"], &["01T09:00"]);
    check(&[start, "RRULE:FREQ=DAILY;UNTIL=20200101", "DURATION:PT1H"], &["01T09:00"]);
    check(&["DTSTART:20200101T090000", "RRULE:FREQ=DAILY;UNTIL=20210101", "DURATION:PT1H"], &[]);
}

#[test]
fn months_and_years_are_counted() {
    let old = "DTSTART:20240510T090000";
    check(&[old, "RRULE:FREQ=MONTHLY", "DURATION:PT1H"], &["10T09:00"]);
    check(&[old, "RRULE:FREQ=MONTHLY;BYDAY=2TU", "DURATION:PT1H"], &["09T09:00"]);
    check(
        &[old, "RRULE:FREQ=MONTHLY;BYMONTHDAY=1,-17", "DURATION:PT1H"],
        &["01T09:00", "15T09:00"],
    );
    check(&[old, "RRULE:FREQ=YEARLY;BYMONTH=3;BYDAY=1MO", "DURATION:PT1H"], &["01T09:00"]);
    check(&["DTSTART:20200310T090000", "RRULE:FREQ=YEARLY", "DURATION:PT1H"], &["10T09:00"]);
    let workday = "RRULE:FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=1";
    check(&[old, workday, "DURATION:PT1H"], &["01T09:00"]);
    check(&[old, "RRULE:FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30", "DURATION:PT1H"], &[]);
}

#[test]
fn days_are_the_shops_own() {
    let read = read(&[&["DTSTART;VALUE=DATE:20270307", "RRULE:FREQ=WEEKLY"]]);
    let spans: Vec<_> = read.times.iter().map(|(span, _)| (span.start, span.end)).collect();
    let expected = [
        (at("2027-03-07T05:00:00Z"), at("2027-03-08T05:00:00Z")),
        // The clock is put forward on this one.
        (at("2027-03-14T05:00:00Z"), at("2027-03-15T04:00:00Z")),
    ];
    assert_eq!(spans, expected);
    // The one before is not over.
    check(
        &["DTSTART;VALUE=DATE:20270221", "DTEND;VALUE=DATE:20270302", "RRULE:FREQ=WEEKLY;COUNT=2"],
        &["21T00:00", "28T00:00"],
    );
}

#[test]
fn a_time_that_the_clock_skips_is_blocked_from_where_it_goes_on() {
    let rule = "RRULE:FREQ=WEEKLY;COUNT=2";
    check(&["DTSTART:20270307T023000", rule, "DURATION:PT1H"], &["07T02:30", "14T03:00"]);
}

#[test]
fn what_is_left_out_and_added_counts() {
    let event = ["DTSTART:20270301T090000", "DURATION:PT1H", "RRULE:FREQ=WEEKLY"];
    let with = |more: &[&str], expected: &[&str]| check(&[&event[..], more].concat(), expected);
    with(&["EXDATE:20270308T090000"], &["01T09:00", "15T09:00"]);
    with(&["EXDATE;TZID=Europe/Paris:20270308T150000"], &["01T09:00", "15T09:00"]);
    with(&["EXDATE;VALUE=DATE:20270308,20270301"], &["15T09:00"]);
    with(&["EXDATE:20270301T090000", "EXDATE:20270308T140000Z"], &["15T09:00"]);
    with(&["RDATE:20270304T120000"], &["01T09:00", "08T09:00", "15T09:00", "04T12:00"]);
    let period = "RDATE;VALUE=PERIOD:20270304T120000/PT3H,20270305T120000/20270305T130000";
    let read = read(&[&[event[0], event[1], period]]);
    let lengths: Vec<i64> = read.times.iter().map(|(span, _)| span.end.0 - span.start.0).collect();
    assert_eq!((lengths, read.is_all), (vec![3600, 10_800, 3600], true));
}

#[test]
fn a_time_that_was_moved_or_freed_is_where_it_was_moved() {
    let master: &[&str] = &["DTSTART:20270301T090000", "DURATION:PT1H", "RRULE:FREQ=WEEKLY"];
    let moved: &[&str] =
        &["RECURRENCE-ID:20270308T090000", "DTSTART:20270309T110000", "DURATION:PT2H"];
    let freed: &[&str] = &[
        "RECURRENCE-ID:20270315T130000Z",
        "DTSTART:20270315T090000",
        "DURATION:PT1H",
        "TRANSP:TRANSPARENT",
    ];
    let read = read(&[master, moved, freed]);
    assert_eq!(starts(&read), ["01T09:00", "09T11:00", "15T09:00"]);
    let busy: Vec<bool> = read.times.iter().map(|&(_, is_busy)| is_busy).collect();
    assert_eq!((busy, read.is_all), (vec![true, true, false], true));
}

#[test]
fn what_is_not_understood_has_its_first_time_and_says_so() {
    for rule in [
        "RRULE:FREQ=HOURLY",
        "RRULE:FREQ=DAILY;INTERVAL=0",
        "RRULE:FREQ=FORTNIGHTLY",
        "RRULE:FREQ=YEARLY;RSCALE=CHINESE",
        "RRULE:FREQ=MONTHLY;BYDAY=XX",
        "RRULE:FREQ=WEEKLY;BYDAY=é",
        "RRULE:FREQ=DAILY;BYHOUR=99",
        "RRULE:",
        "RDATE:tomorrow",
        "EXRULE:FREQ=DAILY",
        "RRULE:FREQ=DAILY;COUNT=100000;BYMINUTE=0,1,2,3,4,5,6,7,8,9,10,11;BYHOUR=0,1,2,3,4,5,6,7,8",
    ] {
        let start = if rule.contains("COUNT") { "20200301T090000" } else { "20270301T090000" };
        let start = format!("DTSTART:{start}");
        let read = read(&[&[&start, "DURATION:PT1H", rule]]);
        assert!(!read.is_all, "{rule}");
        let is_first = start.contains("2027");
        assert_eq!(starts(&read), if is_first { vec!["01T09:00"] } else { Vec::new() }, "{rule}");
    }
    let later: &[&str] =
        &["RECURRENCE-ID;RANGE=THISANDFUTURE:20270308T090000", "DTSTART:20270308T100000"];
    assert!(!read(&[later]).is_all);
    assert!(!read(&[&["SUMMARY:no start"]]).is_all);
}

fn rule() -> impl Strategy<Value = String> {
    let list = |from: i32, to: i32| {
        let numbers = prop::collection::vec(from..=to, 1..4);
        numbers.prop_map(|all| all.iter().map(i32::to_string).collect::<Vec<_>>().join(","))
    };
    let days = prop::collection::vec((-6..6_i32, 0..7_usize), 1..4).prop_map(|all| {
        let day = |&(nth, day): &(i32, usize)| {
            let name = ["MO", "TU", "WE", "TH", "FR", "SA", "SU"][day];
            if nth == 0 { name.to_owned() } else { format!("{nth}{name}") }
        };
        all.iter().map(day).collect::<Vec<_>>().join(",")
    });
    let part = prop_oneof![
        (0..70_000_u32).prop_map(|n| format!("INTERVAL={n}")),
        (0..40_u32).prop_map(|n| format!("COUNT={n}")),
        (1990..2040_u32, 0..14_u32, 0..33_u32)
            .prop_map(|(y, m, d)| format!("UNTIL={y}{m:02}{d:02}T000000Z")),
        days.prop_map(|days| format!("BYDAY={days}")),
        list(-1, 13).prop_map(|n| format!("BYMONTH={n}")),
        list(-32, 32).prop_map(|n| format!("BYMONTHDAY={n}")),
        list(-367, 367).prop_map(|n| format!("BYYEARDAY={n}")),
        list(-54, 54).prop_map(|n| format!("BYWEEKNO={n}")),
        list(-367, 367).prop_map(|n| format!("BYSETPOS={n}")),
        list(-1, 25).prop_map(|n| format!("BYHOUR={n}")),
        list(-1, 61).prop_map(|n| format!("BYMINUTE={n}")),
        Just("WKST=SU".to_owned()),
    ];
    let frequency = prop_oneof![Just("DAILY"), Just("WEEKLY"), Just("MONTHLY"), Just("YEARLY")];
    (frequency, prop::collection::vec(part, 0..4))
        .prop_map(|(frequency, parts)| format!("RRULE:FREQ={frequency};{}", parts.join(";")))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    /// Whatever the rule is, it ends, and what it gives lies in the window.
    #[test]
    fn any_rule_is_read(rule in rule(), year in 1901..2199_u32, month in 1..=12_u32, day in 1..=28_u32) {
        let start = format!("DTSTART:{year}{month:02}{day:02}T093000");
        let read = read(&[&[&start, "DURATION:PT1H", &rule]]);
        prop_assert!(read.times.iter().all(|(span, _)| span.overlaps(&window())));
    }
}
