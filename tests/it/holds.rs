//! Keeping a time for a caller who is still deciding, and giving it back.

use chrono::Weekday;
use rstest::rstest;
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::data::{self, at, hold, next_weekday, out, seconds, times, visit, with, without};
use crate::reply::Reply;
use crate::server::Server;
use crate::shop::{Database, Shop};

/// The end of a hold that expired a minute after the epoch.
const LONG_GONE: &str = "000001W000000";

async fn held(shop: &Shop, start: &str) -> String {
    id(&shop.call("hold_slot", hold(start)).await)
}

fn id(reply: &Reply) -> String {
    reply.success()["hold_id"].as_str().unwrap().to_owned()
}

fn by_hold(hold_id: &str) -> Value {
    json!({ "hold_id": hold_id })
}

/// The free starts for a visit of an hour on the date of `start`.
async fn free(server: &mut Server, start: &str) -> Vec<String> {
    let arguments = json!({ "date": start[..10], "duration_minutes": 60 });
    times(&server.call("get_available_slots", arguments).await.success()["available_slots"])
}

#[rstest]
#[tokio::test]
async fn a_held_time_is_told_whole(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    let shop = Shop::open(database).await;
    let day = next_weekday(Weekday::Wed, 1);
    let reply = shop.call("hold_slot", hold(&at(day, "09:00"))).await;
    let data = reply.success();
    assert!((4..=20).contains(&data["hold_id"].as_str().unwrap().len()), "{data}");
    assert_eq!(data["scheduled_at"], out(day, "09:00"));
    assert_eq!(data["ends_at"], out(day, "10:00"));
    assert_eq!(data["duration_minutes"], 60);
    assert_eq!(data["service_type"], "oil_change");
    assert_eq!(data["bay"], "Bay 1");
    assert!(data.get("technician").is_none(), "{data}");
    assert!(data["when"].as_str().unwrap().ends_with("at 9:00 AM"), "{data}");
    assert_eq!(seconds(&data["expires_at"]), seconds(&data["now"]) + 5 * 60);
    let longer = with(hold(&at(day, "10:00")), "hold_minutes", 15);
    let reply = shop.call("hold_slot", longer).await;
    assert_eq!(seconds(&reply.success()["expires_at"]), seconds(&reply.success()["now"]) + 900);
}

#[rstest]
#[tokio::test]
async fn a_hold_is_as_long_as_what_it_is_for(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    let shop = Shop::open(database).await;
    let shop = shop.with_config("[services.oil_change]\nduration_minutes = 45\n");
    let day = next_weekday(Weekday::Wed, 1);
    for (start, more, minutes) in [
        ("09:00", json!({}), 60),
        ("10:00", json!({ "service_type": "oil_change" }), 45),
        ("11:00", json!({ "service_type": "oil_change", "duration_minutes": 20 }), 20),
    ] {
        let arguments = with(more, "scheduled_at", at(day, start));
        let reply = shop.call("hold_slot", arguments.clone()).await;
        assert_eq!(reply.success()["duration_minutes"], minutes, "{arguments}");
    }
}

#[rstest]
#[tokio::test]
async fn a_held_time_is_taken_for_everybody_else(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    let shop = Shop::open(database).await;
    let (ann, bob) = (shop.owner().await, shop.owner().await);
    let (day, start) = (next_weekday(Weekday::Wed, 1), at(next_weekday(Weekday::Wed, 1), "10:00"));
    let moving = shop.appointment(ann, &at(day, "14:00")).await;
    held(&shop, &start).await;
    let mut other = shop.server().await;
    assert_eq!(
        free(&mut other, &start).await,
        ["09:00", "11:00", "13:00", "15:00", "15:30", "16:00"]
    );
    for overlapping in ["09:30", "10:00", "10:59"] {
        let start = at(day, overlapping);
        let to = json!({ "appointment_id": moving, "new_datetime": start });
        for (tool, arguments) in [
            ("hold_slot", hold(&start)),
            ("book_appointment", visit(bob, &start)),
            ("reschedule_appointment", to),
        ] {
            let reply = other.call(tool, arguments).await;
            assert_eq!(reply.refusal(), "slot_unavailable", "{tool} at {overlapping}");
            let offers = reply.envelope["data"]["alternatives"].as_array().unwrap();
            assert!(offers.iter().all(|offer| offer["scheduled_at"] != out(day, "10:00")));
        }
    }
    other.call("book_appointment", visit(bob, &at(day, "11:00"))).await.success();
    other.call("hold_slot", hold(&at(day, "09:00"))).await.success();
}

#[rstest]
#[tokio::test]
async fn each_bay_can_be_held_once(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    let shop = Shop::open(database).await.with_env("SHOP_BAYS", "North,South");
    let start = at(next_weekday(Weekday::Wed, 1), "10:00");
    let mut bays = Vec::new();
    for _ in 0..2 {
        let reply = shop.call("hold_slot", hold(&start)).await;
        bays.push(reply.success()["bay"].as_str().unwrap().to_owned());
    }
    bays.sort();
    assert_eq!(bays, ["North", "South"]);
    assert_eq!(shop.call("hold_slot", hold(&start)).await.refusal(), "slot_unavailable");
}

#[rstest]
#[tokio::test]
async fn a_released_time_is_free_for_everybody(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    let shop = Shop::open(database).await;
    let start = at(next_weekday(Weekday::Wed, 1), "10:00");
    let hold_id = held(&shop, &start).await;
    let mut other = shop.server().await;
    let reply = other.call("release_hold", by_hold(&format!(" {} ", hold_id.to_lowercase()))).await;
    assert_eq!(reply.success()["hold_id"], *hold_id, "ids are read aloud and typed in any case");
    assert_eq!(reply.success()["released"], true);
    assert!(reply.success()["now"].is_string());
    assert_eq!(shop.call("release_hold", by_hold(&hold_id)).await.refusal(), "hold_not_found");
    assert_eq!(shop.number("select count(*) from reservations").await, 0);
    shop.appointment(shop.owner().await, &start).await;
}

#[rstest]
#[tokio::test]
async fn what_is_no_hold_is_not_found(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    let shop = Shop::open(database).await;
    let owner = shop.owner().await;
    for (hold_id, code) in [
        ("x", "hold_not_found"),
        ("0123456789", "hold_not_found"),
        ("ZZZZZZZZZZZZZ", "hold_not_found"),
        ("'; drop table holds; --", "hold_not_found"),
        (LONG_GONE, "hold_expired"),
        ("", "invalid_argument"),
        (&*"Z".repeat(41), "invalid_argument"),
    ] {
        let reply = shop.call("release_hold", by_hold(hold_id)).await;
        assert_eq!(reply.refusal(), code, "{hold_id}");
        let arguments = with(without(visit(owner, ""), "scheduled_at"), "hold_id", hold_id);
        let reply = shop.call("book_appointment", arguments).await;
        assert_eq!(reply.refusal(), code, "{hold_id}");
    }
}

#[rstest]
#[tokio::test]
async fn a_time_that_cannot_be_booked_cannot_be_held(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    let shop = Shop::open(database).await;
    let shop = shop.with_config("[booking]\nminimum_notice_minutes = 4320\nhorizon_days = 20\n");
    let day = next_weekday(Weekday::Wed, 1);
    let tomorrow = data::today().succ_opt().unwrap();
    for (start, code) in [
        ("2020-01-05T03:00:00".to_owned(), "in_the_past"),
        (at(tomorrow, "23:59"), "slot_unavailable"),
        (at(next_weekday(Weekday::Wed, 8), "09:00"), "slot_unavailable"),
        (at(next_weekday(Weekday::Sun, 1), "10:00"), "outside_business_hours"),
        (at(day, "11:30"), "outside_business_hours"),
        (at(day, "12:00"), "outside_business_hours"),
        (at(day, "16:30"), "outside_business_hours"),
        (at(day, "08:59"), "outside_business_hours"),
        ("someday".to_owned(), "invalid_argument"),
        (day.to_string(), "invalid_argument"),
    ] {
        let reply = shop.call("hold_slot", hold(&start)).await;
        assert_eq!(reply.refusal(), code, "{start}");
    }
    assert_eq!(shop.number("select count(*) from holds").await, 0);
}

#[rstest]
#[tokio::test]
async fn a_hold_is_kept_between_1_and_15_minutes(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    let shop = Shop::open(database).await;
    let day = next_weekday(Weekday::Wed, 1);
    for minutes in [-1, 0, 16, 1440] {
        let arguments = with(hold(&at(day, "09:00")), "hold_minutes", minutes);
        let reply = shop.call("hold_slot", arguments).await;
        assert_eq!(reply.refusal(), "invalid_argument", "{minutes}");
    }
    for (start, minutes) in [("09:00", 1), ("10:00", 15)] {
        let arguments = with(hold(&at(day, start)), "hold_minutes", minutes);
        let reply = shop.call("hold_slot", arguments).await;
        let kept = seconds(&reply.success()["expires_at"]) - seconds(&reply.success()["now"]);
        assert_eq!(kept, minutes * 60);
    }
}

#[rstest]
#[tokio::test]
async fn no_hold_outlasts_the_start_of_its_time(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    let shop = Shop::open_all_day(database, "").await;
    let arguments = with(hold(&data::in_minutes(3)), "hold_minutes", 15);
    let reply = shop.call("hold_slot", arguments).await;
    assert_eq!(reply.success()["expires_at"], reply.success()["scheduled_at"]);
}

#[rstest]
#[tokio::test]
async fn the_same_key_holds_one_time_once(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    let shop = Shop::open(database).await.with_env("SHOP_BAYS", "2");
    let day = next_weekday(Weekday::Wed, 1);
    let arguments = with(hold(&at(day, "10:00")), "idempotency_key", "h-1");
    let first = shop.call("hold_slot", arguments.clone()).await;
    shop.restart().await;
    let again = shop.call("hold_slot", arguments.clone()).await;
    assert!(again.is_replayed() && !first.is_replayed());
    assert_eq!(again.success(), first.success());
    assert_eq!(shop.number("select count(*) from holds").await, 1);
    let elsewhere = with(arguments, "scheduled_at", at(day, "11:00"));
    assert_eq!(shop.call("hold_slot", elsewhere).await.refusal(), "idempotency_conflict");
}

#[rstest]
#[tokio::test]
async fn a_hold_survives_a_restart(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    let shop = Shop::open(database).await;
    let start = at(next_weekday(Weekday::Wed, 1), "10:00");
    let hold_id = held(&shop, &start).await;
    shop.restart().await;
    assert_eq!(shop.call("hold_slot", hold(&start)).await.refusal(), "slot_unavailable");
    shop.call("release_hold", by_hold(&hold_id)).await.success();
}

#[rstest]
#[tokio::test]
async fn one_time_is_held_by_one_of_six_processes(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    let shop = Shop::open(database).await;
    let start = at(next_weekday(Weekday::Thu, 1), "10:00");
    let mut tasks = JoinSet::new();
    for _ in 0..6 {
        let (mut server, arguments) = (shop.server().await, hold(&start));
        tasks.spawn(async move { server.call("hold_slot", arguments).await });
    }
    let replies = tasks.join_all().await;
    let refused: Vec<_> = replies.iter().filter(|reply| reply.is_error).collect();
    assert!(refused.iter().all(|reply| reply.refusal() == "slot_unavailable"));
    assert_eq!(refused.len(), 5);
}
