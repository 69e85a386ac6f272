use chrono_tz::America::New_York;

use super::xml::{Multistatus, Response};
use super::*;

fn read(body: &str) -> Multistatus {
    Multistatus::read(body.as_bytes()).expect("WebDAV's XML")
}

#[test]
fn changes_are_read_whatever_the_prefixes() {
    let body = r#"<?xml version="1.0"?>
        <d:multistatus xmlns:d="DAV:" xmlns:s="http://sabredav.org/ns">
          <d:response><d:href>/cal/a.ics</d:href>
            <d:propstat><d:prop><d:getetag>"1"</d:getetag></d:prop>
              <d:status>HTTP/1.1 200 OK</d:status></d:propstat></d:response>
          <d:response><d:href>/cal/b.ics</d:href><d:status>HTTP/1.1 404 Not Found</d:status></d:response>
          <d:sync-token>http://sabre.io/ns/sync/2</d:sync-token>
        </d:multistatus>"#;
    let expected = Multistatus {
        responses: vec![
            Response {
                href: "/cal/a.ics".to_owned(),
                etag: Some("\"1\"".to_owned()),
                ..Response::default()
            },
            Response { href: "/cal/b.ics".to_owned(), status: Some(404), ..Response::default() },
        ],
        token: Some("http://sabre.io/ns/sync/2".to_owned()),
        is_cut_off: false,
    };
    assert_eq!(read(body), expected);
}

#[test]
fn properties_that_were_not_found_are_none() {
    let body = r#"<multistatus xmlns="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav">
        <response><href>/cal/</href>
          <propstat><prop><resourcetype><collection/><C:calendar/></resourcetype></prop>
            <status>HTTP/1.1 200 OK</status></propstat>
          <propstat><prop><sync-token>no</sync-token></prop>
            <status>HTTP/1.1 404 Not Found</status></propstat>
        </response></multistatus>"#;
    let read = read(body);
    let response = read.responses.first().expect("a response");
    assert!(response.is_calendar);
    assert_eq!(response.sync_token, None);
}

#[test]
fn what_is_cut_off_is_noticed() {
    let body = r#"<multistatus xmlns="DAV:"><response><href>/cal/</href>
        <status>HTTP/1.1 507 Insufficient Storage</status></response></multistatus>"#;
    assert!(read(body).is_cut_off);
}

#[test]
fn what_is_no_answer_is_refused() {
    let bomb = r#"<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>
        <multistatus xmlns="DAV:">&b;</multistatus>"#;
    for body in ["", "hello", "<html/>", "<multistatus/>", bomb, "<multistatus xmlns=\"DAV:\">"] {
        assert!(Multistatus::read(body.as_bytes()).is_err(), "{body}");
    }
    assert!(Multistatus::read(b"\xff\xfe").is_err());
    let deep = format!("{}{}", "<a>".repeat(100_000), "</a>".repeat(100_000));
    assert!(Multistatus::read(deep.as_bytes()).is_err());
}

#[test]
fn the_busy_times_of_a_repeating_event_count() {
    let calendar = "BEGIN:VCALENDAR\r\n\
        BEGIN:VEVENT\r\nSUMMARY:Meeting\r\nDTSTART:20270115T140000Z\r\nDTEND:20270115T150000Z\r\n\
        RECURRENCE-ID:20270115T140000Z\r\nEND:VEVENT\r\n\
        BEGIN:VEVENT\r\nSUMMARY:Meeting\r\nDTSTART:20270122T140000Z\r\nDTEND:20270122T150000Z\r\n\
        TRANSP:TRANSPARENT\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n";
    let response = Response {
        href: "/cal/a.ics".to_owned(),
        etag: Some("\"1\"".to_owned()),
        calendar: Some(calendar.to_owned()),
        ..Response::default()
    };
    let found = found(response, window(), None, New_York).expect("an event");
    let start = Timestamp(1_800_021_600);
    let expected = Found {
        name: "a".to_owned(),
        etag: Some("\"1\"".to_owned()),
        times: vec![Interval::starting(start, 60)],
        is_busy: true,
        words: "Meeting\n".to_owned(),
        is_partial: false,
    };
    assert_eq!(found, expected);
}

fn window() -> Interval {
    Interval { start: Timestamp(1_800_000_000), end: Timestamp(1_802_000_000) }
}

#[test]
fn broken_entries_are_told_and_the_others_count() {
    let event = |name: &str, data: &str| {
        format!(
            "<response><href>/cal/{name}.ics</href><propstat><prop><getetag>\"1\"</getetag>\
             <C:calendar-data>{data}</C:calendar-data></prop></propstat></response>"
        )
    };
    let good = "BEGIN:VCALENDAR\nBEGIN:VEVENT\nSUMMARY:a\u{1}b\nDTSTART:20270115T140000Z\n\
                DURATION:PT1H\nEND:VEVENT\nEND:VCALENDAR";
    let body = format!(
        "<multistatus xmlns=\"DAV:\" xmlns:C=\"urn:ietf:params:xml:ns:caldav\">{}{}\
         <response><href>/cal/refused.ics</href><status>HTTP/1.1 500 Oh</status></response>\
         <response><href>/cal/gone.ics</href><status>HTTP/1.1 404 Not Found</status></response>\
         <response><href>/cal/empty.ics</href><propstat><prop><getetag>\"1\"</getetag></prop>\
         </propstat></response><response><href>/cal/</href></response></multistatus>",
        event("good", good),
        event("bad", "BEGIN:VCALENDAR\nBEGIN:VEVENT\n"),
    );
    let found: Vec<_> = read(&body)
        .responses
        .into_iter()
        .filter_map(|response| found(response, window(), None, New_York))
        .map(|found| (found.name, found.times.len(), found.is_partial))
        .collect();
    let expected = [("good", 1, false), ("bad", 0, true), ("refused", 0, true), ("empty", 0, true)];
    assert_eq!(found, expected.map(|(name, times, is)| (name.to_owned(), times, is)));
}
