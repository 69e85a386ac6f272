//! The same with a calendar of Google's, whose server behaves as documented.

use rstest::rstest;
use serde_json::{Value, json};

use super::{appointment, hour, tomorrow, until, zone};
use crate::data;
use crate::google::Google;
use crate::shop::{Database, Shop};

async fn connected(database: Database) -> (Shop, Google) {
    let google = Google::start().await;
    let mut shop = Shop::open_all_day(database, "").await.with_env("CALENDAR_BUSY_TTL", "2");
    for (name, value) in google.settings(shop.folder()) {
        shop = shop.with_env(name, value);
    }
    (shop, google)
}

/// The events, once they start at these hours of tomorrow.
async fn events_at(google: &Google, hours: &[i64]) -> Vec<Value> {
    let mut expected: Vec<i64> = hours.iter().map(|&hours| seconds(&hour(hours))).collect();
    expected.sort_unstable();
    until("events", async || {
        let events = google.events();
        let mut starts: Vec<i64> =
            events.iter().map(|event| data::seconds(&event["start"]["dateTime"])).collect();
        starts.sort_unstable();
        (starts == expected).then_some(events)
    })
    .await
}

/// The seconds since 1970 of a local time of the shop.
fn seconds(local: &str) -> i64 {
    let local: chrono::NaiveDateTime = local.parse().unwrap();
    local.and_local_timezone(zone()).unwrap().timestamp()
}

fn at(hours: i64) -> Value {
    let at = chrono::DateTime::from_timestamp(seconds(&hour(hours)), 0).unwrap();
    json!({"dateTime": at.to_rfc3339()})
}

/// The hours of tomorrow that cannot be booked for an hour.
async fn taken_hours(shop: &Shop) -> Vec<i64> {
    let asked = json!({"date": tomorrow().to_string(), "duration_minutes": 60});
    let reply = shop.call("get_available_slots", asked).await;
    let times = data::times(&reply.success()["available_slots"]);
    (0..24).filter(|hour| !times.contains(&format!("{hour:02}:00"))).collect()
}

async fn until_taken(shop: &Shop, expected: &[i64]) {
    until("taken hours", async || (taken_hours(shop).await == expected).then_some(())).await;
}

#[rstest]
#[tokio::test]
async fn a_visit_is_in_the_calendar_where_it_is(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    let (shop, google) = connected(database).await;
    let owner = shop.owner().await;
    let id = shop.appointment(owner, &hour(9)).await;
    let booked = &events_at(&google, &[9]).await[0];
    assert_eq!(booked["summary"], "Oil change: 2020 Honda Accord, John Doe");
    assert_eq!(booked["location"], "Bay 1");
    assert_eq!(booked["transparency"], "opaque");
    assert_eq!(booked["extendedProperties"]["private"]["servicebay"], booked["id"]);
    let named = until("calendar_event_id", async || {
        appointment(&shop, owner).await.get("calendar_event_id").cloned()
    });
    assert_eq!(named.await, booked["id"]);

    let to = json!({"appointment_id": id, "new_datetime": hour(30)});
    shop.call("reschedule_appointment", to).await.success();
    assert_eq!(events_at(&google, &[30]).await[0]["id"], booked["id"]);
    let reason = json!({"appointment_id": id, "reason": "sold the car"});
    shop.call("cancel_appointment", reason).await.success();
    events_at(&google, &[]).await;
}

#[rstest]
#[tokio::test]
async fn a_calendar_that_is_down_limited_and_forgetful_loses_and_doubles_nothing(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    let (shop, google) = connected(database).await;
    let owner = shop.owner().await;
    let mut other = shop.server().await;
    google.state().is_unwell = true;
    let mut hours: Vec<i64> = Vec::new();
    for number in 0..100 {
        google.state().is_down = (number / 10) % 3 == 1;
        let visit = data::visit(owner, &hour(number));
        let reply = if number % 2 == 0 {
            shop.call("book_appointment", visit).await
        } else {
            other.call("book_appointment", visit).await
        };
        let id = reply.success()["appointment_id"].clone();
        match number % 10 {
            3 => {
                let to = json!({"appointment_id": id, "new_datetime": hour(200 + number)});
                shop.call("reschedule_appointment", to).await.success();
                hours.push(200 + number);
            }
            7 => {
                let reason = json!({"appointment_id": id, "reason": "sold the car"});
                other.call("cancel_appointment", reason).await.success();
            }
            _ => hours.push(number),
        }
    }
    google.state().is_down = false;
    // It stays unwell for a while, and gets there all the same.
    let marked = "select count(*) from calendar_events where written < wanted";
    until("half of it", async || (shop.number(marked).await < 50).then_some(())).await;
    google.state().is_unwell = false;
    // What waits for its turn after a failure goes at once.
    let sync = shop.command().args(["calendar", "sync"]).output().await.unwrap();
    assert!(sync.status.success(), "{sync:?}");
    events_at(&google, &hours).await;
    until("no marks", async || (shop.number(marked).await == 0).then_some(())).await;
    events_at(&google, &hours).await;
}

#[rstest]
#[tokio::test]
async fn what_is_blocked_there_cannot_be_booked(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    let (shop, google) = connected(database).await;
    let owner = shop.owner().await;
    shop.appointment(owner, &hour(1)).await;
    {
        let mut state = google.state();
        for hours in [8, 10, 12, 14, 16] {
            let block = json!({"summary": "Closed", "start": at(hours), "end": at(hours + 1)});
            state.put(&format!("block{hours}"), &block);
        }
        let free = json!({"transparency": "transparent", "start": at(20), "end": at(21)});
        state.put("free0", &free);
        let home = json!({"eventType": "workingLocation", "start": at(20), "end": at(21)});
        state.put("home0", &home);
        for (answer, hours) in [("declined", 20), ("accepted", 18)] {
            let attendees = json!([
                {"email": "ann@shop.example", "responseStatus": "declined"},
                {"email": "shop@shop.example", "self": true, "responseStatus": answer},
            ]);
            let invited = json!({"attendees": attendees, "start": at(hours), "end": at(hours + 1)});
            state.put(&format!("{answer}0"), &invited);
        }
        let time = |hours| at(hours)["dateTime"].as_str().unwrap().to_owned();
        state.busy.push((time(22), time(23)));
    }
    until_taken(&shop, &[1, 8, 10, 12, 14, 16, 18, 22]).await;
    // What changes one by one.
    google.state().delete("block8");
    google.state().put("block10", &json!({"start": at(11), "end": at(12)}));
    google.state().busy.clear();
    until_taken(&shop, &[1, 11, 12, 14, 16, 18]).await;
    // All of it is read anew where the token is too old.
    google.state().delete("block12");
    google.state().forget_tokens();
    until_taken(&shop, &[1, 11, 14, 16, 18]).await;
    let refused = shop.call("book_appointment", data::visit(owner, &hour(14))).await;
    assert_eq!(refused.refusal(), "slot_unavailable");
}

#[rstest]
#[tokio::test]
async fn what_staff_move_and_delete_is_told_and_our_row_wins(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    let (shop, google) = connected(database).await;
    let owner = shop.owner().await;
    let moved = shop.appointment(owner, &hour(8)).await;
    let deleted = shop.appointment(owner, &hour(10)).await;
    let events = events_at(&google, &[8, 10]).await;
    let id_at = |hours: i64| {
        let start = seconds(&hour(hours));
        let event = events.iter().find(|it| data::seconds(&it["start"]["dateTime"]) == start);
        event.unwrap()["id"].as_str().unwrap().to_owned()
    };
    google.state().put(&id_at(8), &json!({"start": at(14), "end": at(15)}));
    google.state().delete(&id_at(10));
    let told = until("conflicts", async || {
        let reply = shop.call("get_calendar_conflicts", json!({})).await;
        let told = reply.success()["conflicts"].as_array().unwrap().clone();
        (told.len() == 2).then_some(told)
    })
    .await;
    assert_eq!((&told[0]["appointment_id"], &told[0]["kind"]), (&json!(moved), &json!("moved")));
    assert_eq!(
        (&told[1]["appointment_id"], &told[1]["kind"]),
        (&json!(deleted), &json!("deleted"))
    );
    for (id, hours) in [(moved, 20), (deleted, 10)] {
        let to = json!({"appointment_id": id, "new_datetime": hour(hours)});
        shop.call("reschedule_appointment", to).await.success();
    }
    let back = events_at(&google, &[20, 10]).await;
    let mut names: Vec<&str> = back.iter().map(|event| event["id"].as_str().unwrap()).collect();
    names.sort_unstable();
    let mut expected = vec![id_at(8), id_at(10)];
    expected.sort_unstable();
    assert_eq!(names, expected);
    until("no conflicts", async || {
        let reply = shop.call("get_calendar_conflicts", json!({})).await;
        reply.success()["conflicts"].as_array().unwrap().is_empty().then_some(())
    })
    .await;
}

#[tokio::test]
async fn doctor_says_what_google_refuses() {
    let (shop, google) = connected(Database::Sqlite).await;
    let output = shop.command().arg("doctor").output().await.unwrap();
    let told = String::from_utf8(output.stdout).unwrap();
    assert!(told.contains("ok       Google calendar"), "{told}");
    let mut command = shop.command();
    let output = command.arg("doctor").env("GOOGLE_CALENDAR_ID", "nobody@shop.example");
    let told = String::from_utf8(output.output().await.unwrap().stdout).unwrap();
    assert!(told.contains("Check GOOGLE_CALENDAR_ID"), "{told}");
    assert!(!told.contains("PRIVATE"), "{told}");
    google.state().is_down = true;
    let output = shop.command().arg("doctor").output().await.unwrap();
    let told = String::from_utf8(output.stdout).unwrap();
    assert!(told.contains("Bookings go on without it"), "{told}");
}

#[rstest]
#[tokio::test]
async fn what_cannot_be_read_any_more_counts_as_it_was_known_and_is_told(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    let (shop, google) = connected(database).await;
    let time = |hours| at(hours)["dateTime"].as_str().unwrap().to_owned();
    google.state().busy.push((time(9), time(10)));
    until_taken(&shop, &[9]).await;
    {
        let mut state = google.state();
        state.is_busy_refused = true;
        let someday = |hours| json!({"date": "someday", "dateTime": time(hours)});
        state.put("broken", &json!({"start": someday(12), "end": someday(13)}));
        // Everything is read anew.
        state.forget_tokens();
    }
    let asked = json!({"date": tomorrow().to_string(), "duration_minutes": 60});
    let note = until("a note", async || {
        let reply = shop.call("get_available_slots", asked.clone()).await;
        reply.success().get("calendar_note").map(|note| note.as_str().unwrap().to_owned())
    })
    .await;
    assert!(note.starts_with("2 entries of the shop's calendar could not be read"), "{note}");
    assert_eq!(taken_hours(&shop).await, [9]);
    // What changes one by one leaves it so.
    google.state().put("block", &json!({"summary": "Closed", "start": at(14), "end": at(15)}));
    until_taken(&shop, &[9, 14]).await;
    google.state().is_busy_refused = false;
    google.state().busy.clear();
    google.state().delete("broken");
    until_taken(&shop, &[14]).await;
    let reply = shop.call("get_available_slots", asked).await;
    assert!(reply.success().get("calendar_note").is_none(), "{:#}", reply.envelope);
}
