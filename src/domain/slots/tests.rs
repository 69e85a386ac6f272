use chrono::NaiveDate;
use chrono_tz::{America, Asia, Australia, UTC};

use super::super::assignment::Candidate;
use super::super::clock_span::ClockSpan;
use super::super::hours::{Closure, DayHours, SpecialHours};
use super::super::id::ResourceId;
use super::super::local_time::rfc3339;
use super::super::time_input::parse_instant;
use super::*;

mod against_brute_force;

const NEW_YORK: Tz = America::New_York;
const ALWAYS: Interval = Interval { start: Timestamp(0), end: Timestamp(253_402_300_799) };

fn date(text: &str) -> NaiveDate {
    text.parse().expect("a date")
}

fn at(text: &str) -> Timestamp {
    parse_instant(text, ALWAYS.start, NEW_YORK).expect("a time")
}

/// A span of 2027-01-15 in New York, `09:00-10:00`.
fn span(text: &str) -> Interval {
    let (from, to) = text.split_once('-').expect("two times");
    let [start, end] = [from, to].map(|time| at(&format!("2027-01-15T{time}")));
    Interval { start, end }
}

fn reserved(spans: &[(i64, &str)]) -> Vec<Reserved> {
    let reserved =
        |&(id, text): &(i64, &str)| Reserved { resource: ResourceId(id), span: span(text) };
    spans.iter().map(reserved).collect()
}

fn candidates(ids: impl IntoIterator<Item = i64>) -> Vec<Candidate> {
    let candidate = |id| Candidate { resource: ResourceId(id), service_count: 11 };
    ids.into_iter().map(candidate).collect()
}

fn request(duration_minutes: i64) -> Request {
    Request {
        duration_minutes,
        buffer_minutes: 0,
        earliest: ALWAYS.start,
        latest: ALWAYS.end,
        interval_minutes: 30,
    }
}

/// The free starts of 2027-01-15, a weekday, with `bays` from 1 on and `technicians` from 11 on.
#[track_caller]
fn check_starts(
    request: &Request,
    (bays, technicians): (i64, i64),
    taken: &[(i64, &str)],
    expected: &str,
) {
    let day = OpeningHours::default().on(date("2027-01-15"), NEW_YORK);
    let (bays, technicians) = (candidates(1..1 + bays), candidates(11..11 + technicians));
    let candidates = Candidates { bays: &bays, technicians: &technicians };
    let starts = free_starts(&day, request, &candidates, &reserved(taken));
    let clock: Vec<_> = starts.iter().map(|&at| rfc3339(at, NEW_YORK)[11..16].to_owned()).collect();
    assert_eq!(clock.join(" "), expected);
}

#[track_caller]
fn check_count(day: &str, zone: Tz, duration_minutes: i64, expected: usize) {
    let day = OpeningHours::default().on(date(day), zone);
    let bay = candidates(1..2);
    let candidates = Candidates { bays: &bay, technicians: &[] };
    let starts = free_starts(&day, &request(duration_minutes), &candidates, &[]);
    assert_eq!(starts.len(), expected);
}

#[track_caller]
fn check_nearest(starts: &[i64], wanted: i64, count: usize, expected: &[i64]) {
    let starts: Vec<_> = starts.iter().copied().map(Timestamp).collect();
    let nearest = nearest(&starts, Timestamp(wanted), count);
    assert_eq!(nearest.iter().map(|at| at.0).collect::<Vec<_>>(), expected);
}

#[track_caller]
fn check_outside(hours: &OpeningHours, start: &str, minutes: i64, expected: Option<&str>) {
    let said = outside_hours(Interval::starting(at(start), minutes), hours, NEW_YORK);
    assert_eq!(said.as_deref(), expected);
}

#[test]
fn a_free_day_is_full_of_slots() {
    check_count("2027-01-15", NEW_YORK, 30, 14);
    check_count("2027-01-16", NEW_YORK, 30, 10);
    check_count("2027-01-17", NEW_YORK, 30, 0);
    check_count("2027-01-15", Asia::Kathmandu, 30, 14);
    check_count("2027-10-04", Australia::Lord_Howe, 30, 14);
    check_count("2027-01-15", UTC, 30, 14);
}

#[test]
fn the_whole_visit_lies_between_opening_lunch_and_closing() {
    check_starts(&request(120), (1, 0), &[], "09:00 09:30 10:00 13:00 13:30 14:00 14:30 15:00");
    check_starts(&request(180), (1, 0), &[], "09:00 13:00 13:30 14:00");
    check_starts(&request(45), (1, 0), &[(1, "09:00-16:00")], "16:00");
    check_count("2027-01-15", NEW_YORK, 241, 0);
    check_count("2027-01-15", NEW_YORK, 0, 0);
    check_count("2027-01-15", NEW_YORK, i64::MAX, 0);
}

#[test]
fn a_start_lies_between_notice_and_horizon() {
    let request = Request {
        earliest: at("2027-01-15T09:30:01"),
        latest: at("2027-01-15T11:00"),
        ..request(30)
    };
    check_starts(&request, (1, 0), &[], "10:00 10:30 11:00");
}

#[test]
fn the_grid_counts_from_opening() {
    let request = Request { interval_minutes: 50, ..request(60) };
    check_starts(&request, (1, 0), &[], "09:00 09:50 10:40 13:10 14:00 14:50 15:40");
}

#[test]
fn visits_back_to_back_do_not_collide() {
    let taken = [(1, "09:30-10:00"), (1, "10:30-16:00")];
    check_starts(&request(30), (1, 0), &taken, "09:00 10:00 16:00 16:30");
}

#[test]
fn reservations_that_overlap_each_other_count_once() {
    let taken = [(1, "09:00-16:00"), (1, "09:30-10:00"), (1, "15:30-16:30"), (9, "16:30-17:00")];
    check_starts(&request(30), (1, 0), &taken, "16:30");
}

#[test]
fn one_bay_must_be_free_all_along() {
    // Somebody is free at any minute, but nobody for the hour from 10:00.
    let taken = [(1, "09:00-10:30"), (2, "10:30-17:00"), (1, "13:00-17:00")];
    check_starts(&request(60), (2, 0), &taken, "09:00 09:30 10:30 11:00");
}

#[test]
fn a_technician_must_be_free_too() {
    let taken = [(11, "09:00-15:30"), (12, "09:00-11:30"), (12, "13:00-16:30")];
    check_starts(&request(30), (3, 2), &taken, "11:30 15:30 16:00 16:30");
}

#[test]
fn a_buffer_keeps_what_comes_after_it_away() {
    let request = Request { buffer_minutes: 30, ..request(30) };
    check_starts(
        &request,
        (1, 0),
        &[(1, "10:00-11:00")],
        "09:00 11:00 11:30 13:00 13:30 14:00 14:30 15:00 15:30 16:00 16:30",
    );
    check_starts(&request, (1, 1), &[(11, "10:15-15:45")], "09:00 16:00 16:30");
    check_starts(&request, (1, 0), &[(1, "10:29-16:30")], "09:00 16:30");
}

#[test]
fn a_buffer_may_run_into_lunch_and_past_closing() {
    let request = Request { buffer_minutes: 240, ..request(180) };
    check_starts(&request, (1, 0), &[], "09:00 13:00 13:30 14:00");
    // But not into what is reserved then.
    check_starts(&request, (1, 0), &[(1, "20:30-21:00")], "09:00 13:00 13:30");
    let request = Request { duration_minutes: 480, ..request };
    check_starts(&request, (1, 0), &[], "");
}

#[test]
fn without_a_bay_nothing_is_free() {
    check_starts(&request(30), (0, 0), &[], "");
}

#[test]
fn the_nearest_start_comes_first() {
    check_nearest(&[10, 20, 30, 40, 50], 31, 3, &[30, 40, 20]);
    check_nearest(&[10, 20, 30, 40], 25, 1, &[20]);
    check_nearest(&[10, 20, 30, 40], 25, 3, &[20, 30, 10]);
    check_nearest(&[10], 1_000, 5, &[10]);
    check_nearest(&[], 10, 5, &[]);
    check_nearest(&[10], 10, 0, &[]);
}

#[test]
fn a_visit_outside_hours_is_told_why() {
    let mut hours = OpeningHours::default();
    let closure = |day: &str, reason: &str| Closure {
        first: date(day),
        last: date(day),
        reason: reason.to_owned(),
    };
    hours.closures = vec![closure("2027-12-25", "Christmas Day"), closure("2027-07-05", "")];
    let check = |start, minutes, expected| check_outside(&hours, start, minutes, expected);
    check("2027-01-15T09:00", 180, None);
    check("2027-01-15T09:17", 30, None);
    check("2027-01-15T16:30", 30, None);
    check("2027-01-17T10:00", 30, Some("The shop is closed on Sundays."));
    let christmas = "The shop is closed on Saturday, December 25, 2027: Christmas Day.";
    check("2027-12-25T10:00", 30, Some(christmas));
    check("2027-07-05T10:00", 30, Some("The shop is closed on Monday, July 5, 2027."));
    let saturday = Some("Saturday's hours are 9:00 AM to 3:00 PM.");
    let closing = Some("That visit would run past closing at 3:00 PM on Saturday.");
    check("2027-01-16T14:45", 30, closing);
    check("2027-01-16T15:00", 30, saturday);
    check("2027-01-16T08:59", 30, saturday);
    check("2027-01-16T10:00", 480, closing);
    let lunch = Some("That visit would run into lunch, 12:00 PM to 1:00 PM.");
    check("2027-01-15T11:45", 30, lunch);
    check("2027-01-15T12:00", 30, lunch);
    check("2027-01-15T11:00", 180, lunch);
}

#[test]
fn a_visit_outside_special_hours_is_told_them() {
    let special = |day: &str, hours: &str, lunch: Option<&str>, reason: &str| SpecialHours {
        first: date(day),
        last: date(day),
        hours: hours.parse().expect("hours"),
        lunch: lunch.map(|lunch| lunch.parse().ok()),
        reason: reason.to_owned(),
    };
    let hours = OpeningHours {
        special: vec![
            special("2027-12-24", "09:00-12:00", None, "Christmas Eve."),
            special("2027-12-19", "10:00-16:00", Some("none"), ""),
            special("2027-12-23", "08:00-20:00", Some("14:00-15:00"), "Late night!"),
        ],
        ..OpeningHours::default()
    };
    let check = |start, minutes, expected| check_outside(&hours, start, minutes, expected);
    check("2027-12-24T11:30", 30, None);
    let eve = Some("The hours of Friday, December 24 are 9:00 AM to 12:00 PM: Christmas Eve.");
    let closing = Some("That visit would run past closing at 12:00 PM on Friday.");
    check("2027-12-24T11:45", 30, closing);
    check("2027-12-24T14:00", 30, eve);
    // Closed on other Sundays, and no lunch on this one.
    check("2027-12-19T11:00", 180, None);
    let sunday = Some("The hours of Sunday, December 19 are 10:00 AM to 4:00 PM.");
    check("2027-12-19T09:00", 30, sunday);
    check("2027-12-23T12:00", 60, None);
    let lunch = Some("That visit would run into lunch, 2:00 PM to 3:00 PM.");
    check("2027-12-23T13:30", 60, lunch);
    let late = Some("The hours of Thursday, December 23 are 8:00 AM to 8:00 PM: Late night!");
    check("2027-12-23T20:00", 30, late);
    check("2027-12-22T17:00", 30, Some("Wednesday's hours are 9:00 AM to 5:00 PM."));
}

#[test]
fn a_visit_runs_past_midnight_only_where_the_shop_stays_open() {
    let mut hours = OpeningHours { lunch: None, ..OpeningHours::default() };
    let [.., friday, saturday, _] = &mut hours.weekly;
    *friday = "18:00-24:00".parse().expect("hours");
    *saturday = "00:00-02:00".parse().expect("hours");
    check_outside(&hours, "2027-01-15T23:30", 150, None);
    let until_two = Some("Friday's hours are 6:00 PM to midnight.");
    check_outside(&hours, "2027-01-15T23:30", 151, until_two);
    assert_eq!(hours.longest_stretch_minutes(), 480 + 120);
    hours.weekly[5] = "00:30-02:00".parse().expect("hours");
    check_outside(&hours, "2027-01-15T23:30", 30, None);
    let closing = Some("That visit would run past closing at midnight on Friday.");
    check_outside(&hours, "2027-01-15T23:30", 31, closing);
}

#[test]
fn a_night_has_its_starts_on_the_date_on_which_they_are() {
    let hours = OpeningHours {
        weekly: ["00:00-24:00".parse().expect("hours"); 7],
        lunch: None,
        ..OpeningHours::default()
    };
    let bay = candidates(1..2);
    let candidates = Candidates { bays: &bay, technicians: &[] };
    let starts = |day| free_starts(&hours.on(date(day), NEW_YORK), &request(60), &candidates, &[]);
    let (friday, saturday) = (starts("2027-01-15"), starts("2027-01-16"));
    assert_eq!((friday.len(), saturday.len()), (48, 48));
    assert_eq!(friday.last(), Some(&at("2027-01-15T23:30")));
    assert_eq!(saturday.first(), Some(&at("2027-01-16T00:00")));
}

#[test]
fn a_day_without_a_start_has_an_obstacle_or_is_full() {
    let check = |day: &str, minutes: i64, [earliest, latest]: [&str; 2], expected| {
        let request = Request { earliest: at(earliest), latest: at(latest), ..request(minutes) };
        let day = OpeningHours::default().on(date(day), NEW_YORK);
        assert_eq!(obstacle(&day, &request), expected);
    };
    let year = ["2027-01-01T00:00", "2028-01-01T00:00"];
    check("2027-01-15", 30, year, None);
    check("2027-01-17", 30, year, Some(Obstacle::Closed));
    check("2027-01-15", 240, year, None);
    check("2027-01-15", 241, year, Some(Obstacle::TooLong));
    check("2027-01-15", 30, ["2027-01-15T16:30", year[1]], None);
    check("2027-01-15", 30, ["2027-01-15T16:30:01", year[1]], Some(Obstacle::TooLate));
    check("2027-01-15", 30, [year[0], "2027-01-15T09:00"], None);
    check("2027-01-15", 30, [year[0], "2027-01-15T08:59:59"], Some(Obstacle::TooFarAhead));
}
