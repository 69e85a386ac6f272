//! Buffers after visits, days with hours of their own, and closures over several days.

use chrono::{Days, NaiveDate, Weekday};
use rstest::rstest;
use serde_json::json;

use crate::data::{at, hold, next_weekday, times, visit, with, without};
use crate::shop::{Database, Shop};

async fn free(shop: &Shop, day: NaiveDate) -> Vec<String> {
    let arguments = json!({ "date": day.to_string(), "duration_minutes": 60 });
    let reply = shop.call("get_available_slots", arguments).await;
    times(&reply.success()["available_slots"])
}

#[rstest]
#[tokio::test]
async fn the_next_visit_waits_for_the_buffer(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    let shop = Shop::open(database).await.with_config("[booking]\nbuffer_minutes = 15\n");
    let (day, bob) = (next_weekday(Weekday::Wed, 1), shop.owner().await);
    let id = shop.appointment(shop.owner().await, &at(day, "10:00")).await;
    // Before it there must be room for the buffer of the visit before.
    for taken in ["08:46", "09:00", "11:00", "11:14"] {
        let reply = shop.call("book_appointment", visit(bob, &at(day, taken))).await;
        assert!(reply.is_error, "{taken}");
        assert!(shop.call("hold_slot", hold(&at(day, taken))).await.is_error, "{taken}");
    }
    assert_eq!(
        free(&shop, day).await,
        ["13:00", "13:30", "14:00", "14:30", "15:00", "15:30", "16:00"]
    );
    let short = with(visit(bob, &at(day, "11:15")), "duration_minutes", 45);
    let reply = shop.call("book_appointment", short).await;
    assert_eq!(reply.success()["duration_minutes"], 45, "the buffer is no part of the visit");
    let done = json!({ "appointment_id": id, "status": "completed" });
    shop.call("update_appointment_status", done).await.success();
    let again = with(visit(shop.owner().await, &at(day, "10:00")), "duration_minutes", 60);
    shop.call("book_appointment", again).await.success();
}

#[rstest]
#[tokio::test]
async fn a_buffer_may_run_on_after_closing_and_over_lunch(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    let shop = Shop::open(database).await.with_config("[booking]\nbuffer_minutes = 90\n");
    let day = next_weekday(Weekday::Wed, 1);
    shop.appointment(shop.owner().await, &at(day, "16:00")).await;
    shop.appointment(shop.owner().await, &at(day, "11:00")).await;
    // Until 13:30 the bay is not free, and from 14:30 on a buffer would meet the last visit.
    assert_eq!(free(&shop, day).await, ["13:30"]);
}

#[rstest]
#[tokio::test]
async fn a_service_may_have_a_buffer_of_its_own(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    let config = "[booking]\nbuffer_minutes = 30\n[services.oil_change]\nbuffer_minutes = 0\n";
    let shop = Shop::open(database).await.with_config(config);
    let (day, owner) = (next_weekday(Weekday::Wed, 1), shop.owner().await);
    shop.appointment(owner, &at(day, "09:00")).await;
    let repair = with(visit(owner, &at(day, "10:00")), "service_type", "repair");
    shop.call("book_appointment", repair).await.success();
    let reply = shop.call("book_appointment", visit(owner, &at(day, "11:00"))).await;
    assert_eq!(reply.refusal(), "slot_unavailable");
    // Without a service the general buffer counts, which reaches into the visit at ten.
    let held = without(hold(&at(day, "13:00")), "service_type");
    shop.call("hold_slot", held).await.success();
    let reply = shop.call("book_appointment", visit(owner, &at(day, "14:00"))).await;
    assert_eq!(reply.refusal(), "slot_unavailable");
    shop.appointment(owner, &at(day, "14:30")).await;
}

#[rstest]
#[tokio::test]
async fn a_hold_without_a_service_is_checked_with_the_buffer_of_its_booking(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    let shop = Shop::open(database).await;
    let shop = shop.with_config("[services.repair]\nbuffer_minutes = 30\n");
    let (day, owner) = (next_weekday(Weekday::Wed, 1), shop.owner().await);
    let held = shop.call("hold_slot", json!({ "scheduled_at": at(day, "09:00") })).await;
    shop.appointment(shop.owner().await, &at(day, "10:00")).await;
    let by_hold =
        with(visit(owner, &at(day, "09:00")), "hold_id", held.success()["hold_id"].clone());
    let repair = with(by_hold.clone(), "service_type", "repair");
    assert_eq!(shop.call("book_appointment", repair).await.refusal(), "slot_unavailable");
    shop.call("book_appointment", by_hold).await.success();
}

#[rstest]
#[tokio::test]
async fn a_buffer_comes_from_the_environment_too(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    let shop = Shop::open(database).await.with_env("SERVICES_OIL_CHANGE_BUFFER_MINUTES", "60");
    let day = next_weekday(Weekday::Wed, 1);
    shop.appointment(shop.owner().await, &at(day, "09:00")).await;
    let reply = shop.call("book_appointment", visit(shop.owner().await, &at(day, "10:00"))).await;
    assert_eq!(reply.refusal(), "slot_unavailable");
    shop.appointment(shop.owner().await, &at(day, "11:00")).await;
}

#[rstest]
#[tokio::test]
async fn special_hours_replace_those_of_the_weekday(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    let [sunday, monday, tuesday, friday] =
        [Weekday::Sun, Weekday::Mon, Weekday::Tue, Weekday::Fri].map(|day| next_weekday(day, 2));
    let thursday = friday - Days::new(1);
    let config = format!(
        "[[special_hours]]\ndate = \"{sunday}\"\nhours = \"10:00-14:00\"\n\
         [[special_hours]]\ndate = {monday}\nhours = \"09:00-13:00\"\nlunch = \"none\"\nreason = \"Eve\"\n\
         [[special_hours]]\ndate = \"{tuesday}\"\nhours = \"09:00-14:00\"\nlunch = \"10:00-11:00\"\n\
         [[special_hours]]\nfrom = \"{thursday}\"\nto = \"{friday}\"\nhours = \"18:00-20:00\"\n"
    );
    let shop = Shop::open(database).await.with_config(&config);
    for (day, expected) in [
        (sunday, "10:00 10:30 11:00 13:00"),
        (monday, "09:00 09:30 10:00 10:30 11:00 11:30 12:00"),
        (tuesday, "09:00 11:00 11:30 12:00 12:30 13:00"),
        (thursday, "18:00 18:30 19:00"),
        (friday, "18:00 18:30 19:00"),
        (
            thursday - Days::new(7),
            "09:00 09:30 10:00 10:30 11:00 13:00 13:30 14:00 14:30 15:00 15:30 16:00",
        ),
    ] {
        assert_eq!(free(&shop, day).await.join(" "), expected, "{day}");
    }
    shop.appointment(shop.owner().await, &at(sunday, "13:00")).await;
    shop.appointment(shop.owner().await, &at(monday, "12:00")).await;
    for (day, time) in [(sunday, "09:00"), (monday, "14:00"), (tuesday, "10:00"), (friday, "10:00")]
    {
        let reply = shop.call("book_appointment", visit(shop.owner().await, &at(day, time))).await;
        assert_eq!(reply.refusal(), "outside_business_hours", "{day} {time}");
    }
}

#[rstest]
#[tokio::test]
async fn a_closure_lasts_from_its_first_day_to_its_last(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    let tuesday = next_weekday(Weekday::Tue, 2);
    let thursday = tuesday + Days::new(2);
    let config =
        format!("[[closures]]\nfrom = \"{tuesday}\"\nto = \"{thursday}\"\nreason = \"Holidays\"\n");
    let shop = Shop::open(database).await.with_config(&config);
    let monday = tuesday - Days::new(1);
    let arguments = json!({ "date": monday.to_string(), "days": 5 });
    let reply = shop.call("get_available_slots", arguments).await;
    let days = reply.success()["by_date"].as_array().unwrap();
    let counts: Vec<_> = days.iter().map(|day| times(&day["available_slots"]).len()).collect();
    assert_eq!(counts, [14, 0, 0, 0, 14]);
    for day in &days[1..4] {
        let reason = day["closed_reason"].as_str().unwrap();
        assert!(reason.contains("Holidays"), "{reason}");
    }
    for day in [tuesday, thursday] {
        let reply =
            shop.call("book_appointment", visit(shop.owner().await, &at(day, "10:00"))).await;
        assert_eq!(reply.refusal(), "outside_business_hours", "{day}");
    }
}

#[rstest]
#[tokio::test]
async fn a_day_without_free_slots_offers_the_nearest_of_others(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    let shop = Shop::open(database).await;
    let sunday = next_weekday(Weekday::Sun, 1);
    let monday = sunday + Days::new(1);
    let arguments = json!({ "date": sunday.to_string(), "duration_minutes": 60 });
    let reply = shop.call("get_available_slots", arguments).await;
    let offers = reply.success()["alternatives"].as_array().unwrap();
    assert!((1..=5).contains(&offers.len()), "{offers:?}");
    for offer in offers {
        assert!(offer["when"].is_string(), "{offer}");
        shop.appointment(shop.owner().await, offer["scheduled_at"].as_str().unwrap()).await;
        let cancel = json!({ "action": "cancel", "from": "today", "to": monday.to_string(),
                             "reason": "test", "dry_run": false });
        shop.call("bulk_update_appointments", cancel).await.success();
    }
    assert!(!free(&shop, monday).await.is_empty());
    let arguments = json!({ "date": monday.to_string() });
    let reply = shop.call("get_available_slots", arguments).await;
    assert!(reply.success().get("alternatives").is_none_or(|offers| *offers == json!([])));
}
