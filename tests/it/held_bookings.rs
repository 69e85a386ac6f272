//! Booking the time that a hold kept, and holds that expire.

use chrono::Weekday;
use rstest::rstest;
use serde_json::{Value, json};

use crate::data::{self, at, hold, next_weekday, out, times, visit, with, without};
use crate::shop::{Database, Owner, Shop};

async fn held(shop: &Shop, start: &str) -> String {
    let reply = shop.call("hold_slot", hold(start)).await;
    reply.success()["hold_id"].as_str().unwrap().to_owned()
}

/// What `book_appointment` needs for the time of a hold.
fn booking(owner: Owner, hold_id: &str) -> Value {
    let arguments = without(without(visit(owner, ""), "scheduled_at"), "duration_minutes");
    with(arguments, "hold_id", hold_id)
}

/// Lets every hold expire, as if its minutes were over.
async fn expire(shop: &Shop) {
    assert_eq!(shop.execute_sql("update holds set expires_at = 1000").await.unwrap(), 1);
}

#[rstest]
#[tokio::test]
async fn a_booking_takes_the_time_and_place_of_its_hold(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    let config = "[[bays]]\nname = \"A\"\n[[bays]]\nname = \"B\"\n\
                  [[technicians]]\nname = \"Kim\"\n[[technicians]]\nname = \"Lee\"\n";
    let shop = Shop::open(database).await.with_config(config);
    let (day, owner) = (next_weekday(Weekday::Wed, 1), shop.owner().await);
    let first = held(&shop, &at(day, "10:00")).await;
    let second = held(&shop, &at(day, "10:00")).await;
    // The first place is free again, and the second one is still the booking's.
    shop.call("release_hold", json!({ "hold_id": first })).await.success();
    let mut other = shop.server().await;
    let reply = other.call("book_appointment", booking(owner, &second)).await;
    let data = reply.success();
    assert_eq!(data["scheduled_at"], out(day, "10:00"));
    assert_eq!(data["duration_minutes"], 60);
    assert_eq!((&data["bay"], &data["technician"]), (&json!("B"), &json!("Lee")));
    assert_eq!(shop.number("select count(*) from holds").await, 0);
    assert_eq!(shop.number("select count(*) from reservations").await, 2);
}

#[rstest]
#[tokio::test]
async fn booking_a_hold_again_is_replayed_and_only_for_the_same_customer(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    let shop = Shop::open(database).await;
    let (ann, bob) = (shop.owner().await, shop.owner().await);
    let hold_id = held(&shop, &at(next_weekday(Weekday::Wed, 1), "10:00")).await;
    let first = shop.call("book_appointment", booking(ann, &hold_id)).await;
    shop.restart().await;
    let again = shop.call("book_appointment", booking(ann, &hold_id)).await;
    assert!(again.is_replayed() && !first.is_replayed());
    let id = &first.success()["appointment_id"];
    assert_eq!(&again.success()["appointment_id"], id);
    let other_service = with(booking(ann, &hold_id), "service_type", "repair");
    for arguments in [booking(bob, &hold_id), other_service] {
        let reply = shop.call("book_appointment", arguments).await;
        assert_eq!(reply.refusal(), "hold_not_found");
    }
    let release = json!({ "hold_id": hold_id });
    assert_eq!(shop.call("release_hold", release).await.refusal(), "hold_not_found");
    let cancel = json!({ "appointment_id": id, "reason": "ill" });
    shop.call("cancel_appointment", cancel).await.success();
    let reply = shop.call("book_appointment", booking(ann, &hold_id)).await;
    assert_eq!(reply.refusal(), "hold_not_found", "no cancelled visit comes back");
}

#[rstest]
#[tokio::test]
async fn a_start_beside_the_hold_must_be_its_own(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    let shop = Shop::open(database).await;
    let (day, owner) = (next_weekday(Weekday::Wed, 1), shop.owner().await);
    let hold_id = held(&shop, &at(day, "10:00")).await;
    let other = with(booking(owner, &hold_id), "scheduled_at", at(day, "13:00"));
    let reply = shop.call("book_appointment", other).await;
    assert_eq!(reply.refusal(), "invalid_argument");
    assert!(reply.error().contains("scheduled_at"), "{}", reply.error());
    let same = with(booking(owner, &hold_id), "scheduled_at", at(day, "10:00"));
    shop.call("book_appointment", same).await.success();
    let neither = without(booking(owner, &hold_id), "hold_id");
    assert_eq!(shop.call("book_appointment", neither).await.refusal(), "invalid_argument");
}

#[rstest]
#[tokio::test]
async fn a_start_beside_a_used_hold_must_be_that_of_its_visit(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    let shop = Shop::open(database).await;
    let (day, owner) = (next_weekday(Weekday::Wed, 1), shop.owner().await);
    let hold_id = held(&shop, &at(day, "10:00")).await;
    let booking_at = |time: &str| with(booking(owner, &hold_id), "scheduled_at", at(day, time));
    let booked = shop.call("book_appointment", booking_at("10:00")).await;
    let other = shop.call("book_appointment", booking_at("13:00")).await;
    assert_eq!(other.refusal(), "invalid_argument");
    assert!(other.error().contains("scheduled_at"), "{}", other.error());
    assert!(other.error().contains(&out(day, "10:00")), "{}", other.error());
    let again = shop.call("book_appointment", booking_at("10:00")).await;
    assert!(again.is_replayed());
    assert_eq!(again.success()["appointment_id"], booked.success()["appointment_id"]);
    assert_eq!(shop.number("select count(*) from appointments").await, 1);
}

#[rstest]
#[tokio::test]
async fn more_minutes_than_were_held_must_be_free_too(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    let shop = Shop::open(database).await;
    let (day, owner) = (next_weekday(Weekday::Wed, 1), shop.owner().await);
    let hold_id = held(&shop, &at(day, "09:00")).await;
    shop.appointment(shop.owner().await, &at(day, "10:30")).await;
    let lasting = |minutes: i64| with(booking(owner, &hold_id), "duration_minutes", minutes);
    let reply = shop.call("book_appointment", lasting(91)).await;
    assert_eq!(reply.refusal(), "slot_unavailable");
    let reply = shop.call("book_appointment", lasting(200)).await;
    assert_eq!(reply.refusal(), "outside_business_hours");
    let reply = shop.call("book_appointment", lasting(90)).await;
    assert_eq!(reply.success()["ends_at"], out(day, "10:30"));
}

#[rstest]
#[tokio::test]
async fn a_refused_booking_leaves_the_hold(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    let shop = Shop::open(database).await;
    let (ann, bob) = (shop.owner().await, shop.owner().await);
    let start = at(next_weekday(Weekday::Wed, 1), "10:00");
    let hold_id = held(&shop, &start).await;
    let not_hers = Owner { vehicle_id: bob.vehicle_id, ..ann };
    let reply = shop.call("book_appointment", booking(not_hers, &hold_id)).await;
    assert_eq!(reply.refusal(), "vehicle_not_owned");
    let nobody = Owner { customer_id: 987_654, ..ann };
    let reply = shop.call("book_appointment", booking(nobody, &hold_id)).await;
    assert_eq!(reply.refusal(), "customer_not_found");
    assert_eq!(shop.call("hold_slot", hold(&start)).await.refusal(), "slot_unavailable");
    shop.call("book_appointment", booking(ann, &hold_id)).await.success();
}

#[rstest]
#[tokio::test]
async fn a_vehicle_that_is_elsewhere_cannot_take_a_held_time(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    let shop = Shop::open(database).await.with_env("SHOP_BAYS", "2");
    let (day, owner) = (next_weekday(Weekday::Wed, 1), shop.owner().await);
    shop.appointment(owner, &at(day, "10:30")).await;
    let hold_id = held(&shop, &at(day, "10:00")).await;
    let reply = shop.call("book_appointment", booking(owner, &hold_id)).await;
    assert_eq!(reply.refusal(), "duplicate_appointment");
}

#[rstest]
#[case::offered("get_available_slots")]
#[case::bookable("book_appointment")]
#[case::holdable("hold_slot")]
#[case::free_to_move_to("reschedule_appointment")]
#[tokio::test]
async fn an_expired_hold_frees_its_time_for_another_process(
    #[case] tool: &str,
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    let shop = Shop::open(database).await;
    let (day, owner) = (next_weekday(Weekday::Wed, 1), shop.owner().await);
    let start = at(day, "10:00");
    let elsewhere = shop.appointment(owner, &at(day, "14:00")).await;
    let hold_id = held(&shop, &start).await;
    let mut other = shop.server().await;
    other.call("get_available_slots", json!({ "date": day.to_string() })).await.success();
    expire(&shop).await;
    let arguments = match tool {
        "get_available_slots" => json!({ "date": day.to_string() }),
        "book_appointment" => visit(owner, &start),
        "hold_slot" => hold(&start),
        _ => json!({ "appointment_id": elsewhere, "new_datetime": start }),
    };
    let reply = other.call(tool, arguments).await;
    if tool == "get_available_slots" {
        let free = times(&reply.success()["available_slots"]);
        assert!(free.contains(&"10:00".to_owned()), "{free:?}");
    }
    reply.success();
    let late = shop.owner().await;
    for reply in [
        shop.call("release_hold", json!({ "hold_id": hold_id })).await,
        shop.call("book_appointment", booking(late, &hold_id)).await,
    ] {
        // The id itself says when the hold would have ended; only its row says that it has.
        assert!(["hold_expired", "hold_not_found"].contains(&reply.refusal()), "{tool}");
    }
}

#[rstest]
#[tokio::test]
async fn a_hold_that_is_over_is_told_as_expired(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    let shop = Shop::open(database).await;
    let start = at(next_weekday(Weekday::Wed, 1), "10:00");
    let (hold_id, owner) = (held(&shop, &start).await, shop.owner().await);
    expire(&shop).await;
    let reply = shop.call("book_appointment", booking(owner, &hold_id)).await;
    assert_eq!(reply.refusal(), "hold_expired");
    let reply = shop.call("release_hold", json!({ "hold_id": hold_id })).await;
    assert_eq!(reply.refusal(), "hold_expired");
    shop.call("book_appointment", visit(owner, &start)).await.success();
}

#[rstest]
#[tokio::test]
async fn the_notice_is_asked_of_a_hold_and_not_again_of_its_booking(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    let shop = Shop::open_all_day(database, "").await;
    let (start, owner) = (data::in_minutes(50), shop.owner().await);
    let hold_id = held(&shop, &start).await;
    let shop = shop.with_env("BOOKING_MINIMUM_NOTICE_MINUTES", "60");
    shop.restart().await;
    assert_eq!(
        shop.call("book_appointment", visit(owner, &start)).await.refusal(),
        "slot_unavailable"
    );
    shop.call("book_appointment", booking(owner, &hold_id)).await.success();
}

#[rstest]
#[tokio::test]
async fn a_bay_that_the_shop_gave_up_is_not_booked_by_its_hold(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    let shop = Shop::open(database).await.with_env("SHOP_BAYS", "North,South");
    let (start, owner) = (at(next_weekday(Weekday::Wed, 1), "10:00"), shop.owner().await);
    let reply = shop.call("hold_slot", hold(&start)).await;
    assert_eq!(reply.success()["bay"], "North");
    let hold_id = reply.success()["hold_id"].as_str().unwrap().to_owned();
    let shop = shop.with_env("SHOP_BAYS", "South");
    shop.restart().await;
    let reply = shop.call("book_appointment", booking(owner, &hold_id)).await;
    assert_eq!(reply.success()["bay"], "South");
}

#[rstest]
#[tokio::test]
async fn a_key_answers_a_booking_by_hold_once_more(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    let shop = Shop::open(database).await;
    let (start, owner) = (at(next_weekday(Weekday::Wed, 1), "10:00"), shop.owner().await);
    let hold_id = held(&shop, &start).await;
    let arguments = with(booking(owner, &hold_id), "idempotency_key", "b-1");
    let first = shop.call("book_appointment", arguments.clone()).await;
    let again = shop.call("book_appointment", arguments.clone()).await;
    assert!(again.is_replayed() && !first.is_replayed());
    assert_eq!(again.success(), first.success());
    let other = with(arguments, "notes", "key in the box");
    let reply = shop.call("book_appointment", other).await;
    assert_eq!(reply.refusal(), "idempotency_conflict");
}
