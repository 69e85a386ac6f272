//! Moving a visit to the time that a hold kept.

use chrono::Weekday;
use rstest::rstest;
use serde_json::{Value, json};

use crate::data::{at, hold, next_weekday, out, with};
use crate::shop::{Database, Shop};

/// A shop of one bay with a visit at 09:00 and a hold at 14:00; their ids.
async fn open(database: Database) -> (Shop, i64, String) {
    let shop = Shop::open(database).await;
    let day = next_weekday(Weekday::Mon, 1);
    let visit = shop.appointment(shop.owner().await, &at(day, "09:00")).await;
    let held = shop.call("hold_slot", hold(&at(day, "14:00"))).await;
    let hold_id = held.success()["hold_id"].as_str().unwrap().to_owned();
    (shop, visit, hold_id)
}

fn moving(visit: i64, hold_id: &str) -> Value {
    json!({ "appointment_id": visit, "hold_id": hold_id })
}

#[rstest]
#[tokio::test]
async fn a_visit_moves_to_the_time_that_was_held_for_it(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    let (shop, visit, hold_id) = open(database).await;
    let afternoon = at(next_weekday(Weekday::Mon, 1), "14:00");
    let without = json!({ "appointment_id": visit, "new_datetime": afternoon });
    let reply = shop.call("reschedule_appointment", without).await;
    assert_eq!(reply.refusal(), "slot_unavailable");
    let reply = shop.call("reschedule_appointment", moving(visit, &hold_id)).await;
    assert_eq!(reply.success()["new_datetime"], out(next_weekday(Weekday::Mon, 1), "14:00"));
    assert_eq!(shop.number("select count(*) from holds").await, 0);
    assert_eq!(shop.number("select count(*) from reservations").await, 1);
    shop.restart().await;
    let again = shop.call("reschedule_appointment", moving(visit, &hold_id)).await;
    assert!(again.is_replayed());
    assert_eq!(again.success()["new_datetime"], reply.success()["new_datetime"]);
    let other = shop.owner().await;
    let other = shop.appointment(other, &at(next_weekday(Weekday::Tue, 1), "09:00")).await;
    let reply = shop.call("reschedule_appointment", moving(other, &hold_id)).await;
    assert_eq!(reply.refusal(), "hold_not_found");
}

#[rstest]
#[tokio::test]
async fn a_refused_move_leaves_the_visit_and_the_hold(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    let (shop, visit, hold_id) = open(database).await;
    let elsewhere = at(next_weekday(Weekday::Mon, 1), "15:00");
    let call = with(moving(visit, &hold_id), "new_datetime", elsewhere);
    assert_eq!(shop.call("reschedule_appointment", call).await.refusal(), "invalid_argument");
    let call = with(moving(visit, &hold_id), "duration_minutes", 240);
    assert_eq!(shop.call("reschedule_appointment", call).await.refusal(), "outside_business_hours");
    // What is missing is told before anything is looked up.
    let call = json!({ "appointment_id": visit + 100 });
    let reply = shop.call("reschedule_appointment", call).await;
    assert_eq!(reply.refusal(), "invalid_argument");
    assert!(reply.error().starts_with("new_datetime is required"), "{}", reply.error());
    assert_eq!(shop.number("select count(*) from reservations").await, 2);
    shop.call("reschedule_appointment", moving(visit, &hold_id)).await.success();
}

#[rstest]
#[tokio::test]
async fn a_used_hold_moves_a_visit_nowhere_else(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    let (shop, visit, hold_id) = open(database).await;
    let day = next_weekday(Weekday::Mon, 1);
    let moved = shop.call("reschedule_appointment", moving(visit, &hold_id)).await;
    let to = |time: &str| with(moving(visit, &hold_id), "new_datetime", at(day, time));
    let reply = shop.call("reschedule_appointment", to("15:00")).await;
    assert_eq!(reply.refusal(), "invalid_argument");
    assert!(reply.error().starts_with("new_datetime "), "{}", reply.error());
    let again = shop.call("reschedule_appointment", to("14:00")).await;
    assert!(again.is_replayed());
    assert_eq!(again.success()["new_datetime"], moved.success()["new_datetime"]);
}
