//! Calendars that are away, and servers that are killed.

use std::time::Duration;

use rstest::rstest;
use serde_json::json;
use tokio::net::TcpListener;
use wiremock::matchers::{body_string_contains, method};
use wiremock::{Mock, MockServer, ResponseTemplate};

use super::{connected, events, hour, property, until, utc_hour};
use crate::data;
use crate::radicale::Radicale;
use crate::shop::{Database, Shop};

#[rstest]
#[tokio::test]
async fn a_calendar_that_goes_and_comes_back_loses_and_doubles_nothing(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    let (shop, mut radicale) = connected(database).await;
    let owner = shop.owner().await;
    let mut other = shop.server().await;
    for hours in 0..100 {
        match hours % 20 {
            5 => radicale.stop(),
            15 => radicale.resume(),
            _ => {}
        }
        let visit = data::visit(owner, &hour(hours));
        if hours % 2 == 0 {
            shop.call("book_appointment", visit).await.success();
        } else {
            other.call("book_appointment", visit).await.success();
        }
        if hours % 10 == 9 {
            let reason = json!({"customer_id": owner.customer_id, "limit": 1});
            let reply = shop.call("get_upcoming_appointments", reason).await;
            let first = &reply.success()["appointments"][0]["appointment_id"];
            let to = json!({"appointment_id": first, "new_datetime": hour(200 + hours)});
            shop.call("reschedule_appointment", to).await.success();
        }
        // The calendar gets a chance to be in the middle of something when it goes.
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let sql = "select starts_at from appointments order by starts_at limit 1 offset ";
    let mut expected = Vec::new();
    for row in 0..100 {
        let at = shop.number(&format!("{sql}{row}")).await;
        let at = chrono::DateTime::from_timestamp(at, 0).unwrap();
        expected.push(at.format("%Y%m%dT%H%M%SZ").to_string());
    }
    let marked = "select count(*) from calendar_events where written < wanted";
    until("no marks", async || (shop.number(marked).await == 0).then_some(())).await;
    let events = events(&radicale, 100, |_| true).await;
    let mut starts: Vec<&str> = events.iter().map(|event| property(event, "DTSTART")).collect();
    starts.sort_unstable();
    assert_eq!(starts, expected);
}

#[rstest]
#[tokio::test]
async fn what_a_killed_server_has_left_another_one_writes(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    let (shop, mut radicale) = connected(database).await;
    let owner = shop.owner().await;
    radicale.stop();
    let mut doomed = shop.server().await;
    doomed.call("book_appointment", data::visit(owner, &hour(9))).await.success();
    let marks = "select count(*) from calendar_events where written < wanted";
    until("a mark", async || (shop.number(marks).await == 1).then_some(())).await;
    doomed.kill().await;
    // As if it had been killed in the middle of writing it.
    let claim = "update calendar_events set claim = 'gone', claimed_until = 4102444800";
    assert_eq!(shop.execute_sql(claim).await.unwrap(), 1);
    radicale.resume();
    let _other = shop.server().await;
    let soon = format!(
        "update calendar_events set claimed_until = {}",
        chrono::Utc::now().timestamp() + 2
    );
    shop.execute_sql(&soon).await.unwrap();
    let events = events(&radicale, 1, |_| true).await;
    assert_eq!(property(&events[0], "DTSTART"), utc_hour(9));
}

#[rstest]
#[tokio::test]
async fn a_server_that_ends_writes_what_it_has_just_booked(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    let (shop, radicale) = connected(database).await;
    let owner = shop.owner().await;
    // It has looked at the calendar at least once.
    shop.appointment(owner, &hour(9)).await;
    events(&radicale, 1, |_| true).await;
    shop.appointment(owner, &hour(11)).await;
    shop.restart().await;
    assert_eq!(radicale.events().await.len(), 2);
}

#[rstest]
#[tokio::test]
async fn a_run_of_sync_writes_all_at_once(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    let (shop, mut radicale) = connected(database).await;
    radicale.stop();
    let owner = shop.owner().await;
    for hours in 0..12 {
        shop.appointment(owner, &hour(hours)).await;
    }
    shop.restart().await;
    let sync = async || shop.command().args(["calendar", "sync"]).output().await.unwrap();
    let failed = sync().await;
    assert_eq!(failed.status.code(), Some(1), "{failed:?}");
    let told = String::from_utf8(failed.stdout).unwrap();
    assert!(told.contains("12 could not be written"), "{told}");
    radicale.resume();
    let done = sync().await;
    assert_eq!(done.status.code(), Some(0), "{done:?}");
    assert_eq!(String::from_utf8(done.stdout).unwrap(), "12 visits were brought up to date.\n");
    assert_eq!(radicale.events().await.len(), 12);
    let again = sync().await;
    assert_eq!(String::from_utf8(again.stdout).unwrap(), "0 visits were brought up to date.\n");
}

#[tokio::test]
async fn sync_without_a_calendar_says_how_to_connect_one() {
    let shop = crate::shop::Shop::open(Database::Sqlite).await;
    let output = shop.command().args(["calendar", "sync"]).output().await.unwrap();
    assert_eq!(output.status.code(), Some(2));
    let told = String::from_utf8(output.stderr).unwrap();
    assert!(told.contains("CALDAV_URL") && told.lines().count() == 1, "{told}");
}

#[tokio::test]
async fn doctor_looks_at_the_calendar() {
    let (shop, mut radicale) = connected(Database::Sqlite).await;
    let doctor = async |url: Option<&str>| {
        let mut command = shop.command();
        if let Some(url) = url {
            command.env("CALDAV_URL", url);
        }
        let output = command.arg("doctor").output().await.unwrap();
        String::from_utf8(output.stdout).unwrap()
    };
    let told = doctor(None).await;
    assert!(told.contains("ok       CalDAV calendar"), "{told}");
    assert!(!told.contains("pass word"), "{told}");
    let wrong = radicale.settings()[0].1.replace("/visits", "");
    let told = doctor(Some(&wrong)).await;
    assert!(told.contains("address of the calendar itself"), "{told}");
    radicale.stop();
    let told = doctor(None).await;
    assert!(told.contains("Bookings go on without it"), "{told}");
}

#[rstest]
#[tokio::test]
async fn nothing_is_written_to_what_is_no_calendar(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    let radicale = Radicale::start().await;
    let shop = super::connect(Shop::open_all_day(database, "").await, &radicale);
    let right = radicale.settings()[0].1.clone();
    let mut shop = shop.with_env("CALDAV_URL", right.replace("/visits", ""));
    let owner = shop.owner().await;
    let mut server = shop.server().await;
    server.call("book_appointment", data::visit(owner, &hour(9))).await.success();
    let warning = "nothing is written to the calendar: CALDAV_URL has to be";
    until("a warning", async || server.stderr().contains(warning).then_some(())).await;
    server.kill().await;
    shop.restart().await;
    let output = shop.command().args(["calendar", "sync"]).output().await.unwrap();
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let told = String::from_utf8(output.stderr).unwrap();
    assert!(told.contains("CALDAV_URL has to be the address of the calendar itself"), "{told}");
    assert_eq!(radicale.calendars(), 1);
    // Once the address is right, nothing is missing.
    shop = shop.with_env("CALDAV_URL", right);
    let output = shop.command().args(["calendar", "sync"]).output().await.unwrap();
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    events(&radicale, 1, |event| property(event, "DTSTART") == utc_hour(9)).await;
}

#[tokio::test]
async fn a_read_only_program_syncs_nothing() {
    let (shop, radicale) = connected(Database::Sqlite).await;
    let mut command = shop.command();
    command.env("SERVICEBAY_READ_ONLY", "true").args(["calendar", "sync"]);
    let output = command.output().await.unwrap();
    assert_eq!(output.status.code(), Some(2), "{output:?}");
    let told = String::from_utf8(output.stderr).unwrap();
    assert!(told.contains("SERVICEBAY_READ_ONLY is true, and a sync changes"), "{told}");
    assert!(radicale.events().await.is_empty());
}

#[rstest]
#[tokio::test]
async fn an_event_that_the_calendar_refuses_holds_up_no_other(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    let server = MockServer::start().await;
    let answer = |status| ResponseTemplate::new(status).insert_header("ETag", "\"1\"");
    let state = "<multistatus xmlns=\"DAV:\" xmlns:C=\"urn:ietf:params:xml:ns:caldav\"><response>\
                 <href>/</href><propstat><prop><resourcetype><C:calendar/></resourcetype></prop>\
                 </propstat></response><sync-token>1</sync-token></multistatus>";
    for (kind, mock) in [
        ("PUT", Mock::given(body_string_contains("Poison")).respond_with(answer(500))),
        ("PUT", Mock::given(method("PUT")).respond_with(answer(201))),
        (
            "others",
            Mock::given(wiremock::matchers::any())
                .respond_with(ResponseTemplate::new(207).set_body_string(state)),
        ),
    ] {
        mock.named(kind).mount(&server).await;
    }
    let shop = Shop::open_all_day(database, "").await.with_env("CALDAV_URL", server.uri());
    let owner = shop.owner().await;
    for hours in 0..20 {
        let visit = data::visit(owner, &hour(hours));
        let visit = if hours % 10 == 0 {
            data::with(visit, "customer_concerns", "Poison in the tank")
        } else {
            visit
        };
        shop.call("book_appointment", visit).await.success();
    }
    let written = "select count(*) from calendar_events where written = wanted";
    until("all others", async || (shop.number(written).await == 18).then_some(())).await;
    let refused = "select count(*) from calendar_events where written < wanted and attempts > 0";
    until("two that wait", async || (shop.number(refused).await == 2).then_some(())).await;
}

#[rstest]
#[tokio::test]
async fn a_calendar_that_hangs_keeps_nobody_waiting(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/shop", listener.local_addr().unwrap());
    let hanging = tokio::spawn(async move {
        let mut kept = Vec::new();
        while let Ok((connection, _)) = listener.accept().await {
            kept.push(connection);
        }
    });
    let shop = Shop::open_all_day(database, "").await.with_env("CALDAV_URL", url);
    let owner = shop.owner().await;
    for hours in 0..20 {
        shop.call("book_appointment", data::visit(owner, &hour(hours))).await.success();
    }
    // In the middle of writing to it, the process ends in time.
    shop.restart().await;
    hanging.abort();
    assert_eq!(shop.number("select count(*) from appointments").await, 20);
}
