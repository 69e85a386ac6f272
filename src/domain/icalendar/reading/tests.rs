use chrono_tz::America::New_York;

use super::*;
use crate::domain::appointment::{ServiceType, Status};
use crate::domain::calendar::{EventId, Told, event_of};
use crate::domain::icalendar::write_event;
use crate::domain::id::AppointmentId;
use crate::domain::time::Timestamp;

fn at(text: &str) -> Timestamp {
    text.parse::<chrono::DateTime<chrono::Utc>>().expect("a time").into()
}

fn read(lines: &[&str]) -> Component {
    let text = format!(
        "BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\n{}\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n",
        lines.join("\r\n")
    );
    let events = read_events(&text, New_York).expect("a calendar");
    assert_eq!(events.len(), 1);
    events.into_iter().next().unwrap_or_default()
}

#[track_caller]
fn check(lines: &[&str], start: &str, end: &str) {
    assert_eq!(read(lines).span, Some(Interval { start: at(start), end: at(end) }), "{lines:?}");
}

#[test]
fn times_are_read_in_their_zone() {
    let (start, end) = ("2027-01-15T14:00:00Z", "2027-01-15T15:30:00Z");
    check(&["DTSTART:20270115T140000Z", "DTEND:20270115T153000Z"], start, end);
    check(&["DTSTART;TZID=America/New_York:20270115T090000", "DURATION:PT1H30M"], start, end);
    check(&["DTSTART;TZID=\"Europe/Paris\":20270115T150000", "DURATION:PT90M"], start, end);
    // The shop's own clock, and a zone that nobody knows.
    check(&["DTSTART:20270115T090000", "DTEND:20270115T103000"], start, end);
    check(&["DTSTART;TZID=Eastern:20270115T090000", "DTEND:20270115T103000"], start, end);
    // Without an end: no time at all.
    check(&["DTSTART:20270115T140000Z"], start, start);
}

#[test]
fn a_day_is_the_shops_own() {
    let day = ("2027-03-14T05:00:00Z", "2027-03-15T04:00:00Z");
    check(&["DTSTART;VALUE=DATE:20270314"], day.0, day.1);
    check(&["DTSTART;VALUE=DATE:20270314", "DTEND;VALUE=DATE:20270315"], day.0, day.1);
    check(&["DTSTART;VALUE=DATE:20270314", "DURATION:P1D"], day.0, day.1);
}

#[test]
fn what_leaves_its_owner_free_is_not_busy() {
    assert!(read(&["SUMMARY:Lunch"]).is_busy);
    assert!(!read(&["TRANSP:TRANSPARENT"]).is_busy);
    assert!(!read(&["STATUS:CANCELLED"]).is_busy);
    assert!(read(&["TRANSP:OPAQUE", "STATUS:TENTATIVE"]).is_busy);
}

#[test]
fn an_alarm_says_nothing_about_its_event() {
    let event = read(&[
        "SUMMARY:Lunch",
        "BEGIN:VALARM",
        "SUMMARY:Ring",
        "TRANSP:TRANSPARENT",
        "END:VALARM",
        "LOCATION:Bay\\, the third\\; or\\n",
        "  fourth",
    ]);
    assert!(event.is_busy);
    assert_eq!(event.words, "Lunch\nBay, the third; or\n fourth\n");
}

#[test]
fn what_is_written_reads_back() {
    let told = Told {
        appointment: AppointmentId(42),
        customer: "Zoë; \"Z\", Doe\\".to_owned(),
        vehicle: "2020 Honda Accord".repeat(10),
        span: Interval { start: at("2027-01-15T14:00:00Z"), end: at("2027-01-15T15:00:00Z") },
        service: ServiceType::OilChange,
        work: None,
        concerns: Some("BEGIN:VEVENT\nEND:VEVENT\nEND:VCALENDAR"),
        bay: "Bay 1",
        technician: None,
        status: Status::Scheduled,
    };
    let id = EventId::new("salt", told.appointment);
    let event = event_of(id.clone(), &told, 3).expect("an event");
    let text = write_event(&event, at("2027-01-01T00:00:00Z"));
    let read = read_events(&text, New_York).expect("a calendar");
    let expected = Component {
        event_name: Some(id.as_str().to_owned()),
        span: Some(told.span),
        is_busy: true,
        words: format!("{}\nBay 1\n", event.title),
        uid: format!("{}{UID_SUFFIX}", id.as_str()),
        ..Component::default()
    };
    assert_eq!(read, [expected]);
}

#[test]
fn what_is_no_calendar_is_refused() {
    for text in [
        "",
        "hello",
        "BEGIN:VCALENDAR\nBEGIN:VEVENT\n",
        "BEGIN:VEVENT\nEND:VEVENT\n",
        &"BEGIN:X\n".repeat(100),
    ] {
        assert_eq!(read_events(text, New_York), Err(InvalidCalendar), "{text:?}");
    }
}

#[test]
fn durations_are_read() {
    let check = |text, expected| assert_eq!(duration_seconds(text), expected, "{text}");
    check("PT1H", Some(3600));
    check("+P1DT2H3M4S", Some(93_784));
    check("P2W", Some(1_209_600));
    check("-PT1H", None);
    check("PT", Some(0));
    check("P1", None);
    check("1H", None);
    check("P99999999999999999999D", None);
}
