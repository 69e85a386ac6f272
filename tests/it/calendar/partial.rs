//! Calendars of which something cannot be read.

use rstest::rstest;
use wiremock::matchers::{any, body_string_contains};
use wiremock::{Mock, MockServer, ResponseTemplate};

use super::blocks::{free_hours, until_free};
use super::{connected, hour, until, utc_hour};
use crate::data;
use crate::shop::{Database, Shop};

/// An event that this server cannot expand: its times have no zone.
fn floating(name: &str, from: i64, rule: &str) -> [String; 5] {
    let at = hour(from).replace(['-', ':'], "");
    [
        format!("UID:{name}"),
        format!("SUMMARY:{name}"),
        format!("DTSTART:{at}"),
        "DURATION:PT1H".to_owned(),
        format!("RRULE:{rule}"),
    ]
}

#[rstest]
#[tokio::test]
async fn what_the_server_cannot_expand_is_expanded_here(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    let (shop, radicale) = connected(database).await;
    let shop = shop.with_env("CALENDAR_BUSY_TTL", "2");
    let plain =
        ["UID:plain".to_owned(), format!("DTSTART:{}", utc_hour(15)), "DURATION:PT1H".to_owned()];
    radicale.put("plain", &plain.each_ref().map(String::as_str)).await;
    // It began two weeks ago.
    let weekly = floating("weekly", 10 - 14 * 24, "FREQ=WEEKLY");
    radicale.put("weekly", &weekly.each_ref().map(String::as_str)).await;
    until_free(&shop, |hour| hour != 10 && hour != 15).await;
    assert!(free_hours(&shop).await.1.get("calendar_note").is_none());
    let doctor = doctor(&shop).await;
    assert!(doctor.contains("ok       what the calendar blocks can be read; a server"), "{doctor}");

    let owner = shop.owner().await;
    let refused = shop.call("book_appointment", data::visit(owner, &hour(10 + 7 * 24))).await;
    assert_eq!(refused.refusal(), "slot_unavailable");
    shop.call("book_appointment", data::visit(owner, &hour(10 + 24))).await.success();
    radicale.delete("weekly").await;
    until_free(&shop, |hour| hour != 15).await;
}

#[rstest]
#[tokio::test]
async fn what_nobody_can_expand_is_told(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    let (shop, radicale) = connected(database).await;
    let shop = shop.with_env("CALENDAR_BUSY_TTL", "2");
    let hourly = floating("hourly", 10, "FREQ=HOURLY;INTERVAL=5");
    radicale.put("hourly", &hourly.each_ref().map(String::as_str)).await;
    // Its first time at least.
    until_free(&shop, |hour| hour != 10).await;
    let note = free_hours(&shop).await.1["calendar_note"].as_str().unwrap().to_owned();
    assert!(
        note.starts_with("One entry of the shop's calendar could not be read in full"),
        "{note}"
    );
    let owner = shop.owner().await;
    let booked = shop.call("book_appointment", data::visit(owner, &hour(12))).await;
    assert_eq!(booked.success()["calendar_note"], note);
    let doctor = doctor(&shop).await;
    assert!(
        doctor.contains("warning  calendar: 1 entry cannot be read in full: hourly"),
        "{doctor}"
    );
    // Another process knows it from the database.
    shop.restart().await;
    assert_eq!(free_hours(&shop).await.1["calendar_note"], note);
    radicale.delete("hourly").await;
    until_free(&shop, |hour| hour != 12).await;
    until("no note", async || {
        free_hours(&shop).await.1.get("calendar_note").is_none().then_some(())
    })
    .await;
}

/// What `servicebay doctor` prints.
async fn doctor(shop: &Shop) -> String {
    let output = shop.command().arg("doctor").output().await.unwrap();
    String::from_utf8(output.stdout).unwrap()
}

/// A CalDAV server with these answers to what is asked of the collection and of its events.
async fn server(events: ResponseTemplate) -> MockServer {
    let server = MockServer::start().await;
    Mock::given(body_string_contains("calendar-query")).respond_with(events).mount(&server).await;
    let state = "<multistatus xmlns=\"DAV:\" xmlns:C=\"urn:ietf:params:xml:ns:caldav\"><response>\
                 <href>/</href><propstat><prop><resourcetype><C:calendar/></resourcetype></prop>\
                 </propstat></response></multistatus>";
    let state = ResponseTemplate::new(207).set_body_string(state);
    Mock::given(any()).respond_with(state).with_priority(9).mount(&server).await;
    server
}

async fn connected_to(server: &MockServer, database: Database) -> Shop {
    let shop = Shop::open_all_day(database, "").await.with_env("CALENDAR_BUSY_TTL", "2");
    shop.with_env("CALDAV_URL", server.uri())
}

#[rstest]
#[tokio::test]
async fn broken_entries_take_no_others_along(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    let entry = |name: &str, data: &str| {
        format!(
            "<response><href>/{name}.ics</href><propstat><prop><getetag>\"1\"</getetag>\
             <C:calendar-data>{data}</C:calendar-data></prop></propstat></response>"
        )
    };
    let good = format!(
        "BEGIN:VCALENDAR\nBEGIN:VEVENT\nUID:good\nSUMMARY:a\u{7}b\nDTSTART:{}\nDURATION:PT1H\n\
         END:VEVENT\nEND:VCALENDAR",
        utc_hour(10)
    );
    let body = format!(
        "<multistatus xmlns=\"DAV:\" xmlns:C=\"urn:ietf:params:xml:ns:caldav\">{}{}\
         <response><href>/refused.ics</href><status>HTTP/1.1 500 Oh</status></response>\
         </multistatus>",
        entry("broken", "BEGIN:VCALENDAR"),
        entry("good", &good),
    );
    let server = server(ResponseTemplate::new(207).set_body_string(body)).await;
    let shop = connected_to(&server, database).await;
    until_free(&shop, |hour| hour != 10).await;
    let note = free_hours(&shop).await.1["calendar_note"].as_str().unwrap().to_owned();
    assert!(note.starts_with("2 entries of the shop's calendar could not be read"), "{note}");
    let told = doctor(&shop).await;
    assert!(told.contains("2 entries cannot be read in full: broken, refused"), "{told}");
}

#[rstest]
#[tokio::test]
async fn doctor_tells_that_blocks_cannot_be_read(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    let server = server(ResponseTemplate::new(500)).await;
    let shop = connected_to(&server, database).await;
    let note = free_hours(&shop).await.1["calendar_note"].as_str().unwrap().to_owned();
    assert!(note.contains("has not been read yet"), "{note}");
    let failures = "select failures from calendar";
    until("a failure", async || (shop.number(failures).await > 0).then_some(())).await;
    let told = doctor(&shop).await;
    assert!(told.contains("ok       CalDAV calendar"), "{told}");
    let read = "warning  what the calendar blocks cannot be read: the service answered with status 500; \
                no server has read it yet";
    assert!(told.contains(read), "{told}");
    assert!(told.contains("warning  the servers could not read the calendar, "), "{told}");
}
