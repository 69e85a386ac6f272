//! Free slots.

use chrono::{NaiveDate, Weekday};
use rstest::rstest;
use serde_json::{Value, json};

use crate::data::{self, at, next_weekday, out, times, with};
use crate::proxy::{At, Proxy};
use crate::shop::{Database, Shop};

fn on(date: NaiveDate) -> Value {
    json!({ "date": date.to_string() })
}

#[rstest]
#[tokio::test]
async fn a_free_weekday_has_14_half_hours(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    let shop = Shop::open(database).await;
    let date = next_weekday(Weekday::Wed, 1);
    let reply = shop.call("get_available_slots", on(date)).await;
    let data = reply.success();
    assert_eq!(data["date"], date.to_string());
    assert_eq!(data["day_of_week"], "Wednesday");
    assert_eq!(data["timezone"], "America/New_York");
    assert_eq!(data["duration_minutes"], 30);
    assert!(data.get("closed_reason").is_none());
    assert!(data["now"].is_string(), "{data}");
    let expected =
        "09:00 09:30 10:00 10:30 11:00 11:30 13:00 13:30 14:00 14:30 15:00 15:30 16:00 16:30";
    assert_eq!(times(&data["available_slots"]).join(" "), expected);
    assert_eq!(data["available_slots"][0], out(date, "09:00"));
}

#[rstest]
#[tokio::test]
async fn a_free_saturday_has_10_half_hours(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    let shop = Shop::open(database).await;
    let reply = shop.call("get_available_slots", on(next_weekday(Weekday::Sat, 1))).await;
    let expected = "09:00 09:30 10:00 10:30 11:00 11:30 13:00 13:30 14:00 14:30";
    assert_eq!(times(&reply.success()["available_slots"]).join(" "), expected);
}

#[rstest]
#[tokio::test]
async fn a_closed_day_is_a_success_with_a_reason(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    let shop = Shop::open(database).await;
    let reply = shop.call("get_available_slots", on(next_weekday(Weekday::Sun, 1))).await;
    assert_eq!(reply.success()["available_slots"], json!([]));
    assert!(reply.success()["closed_reason"].as_str().is_some_and(|reason| !reason.is_empty()));
}

#[rstest]
#[tokio::test]
async fn a_closure_of_the_configuration_closes_the_day(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    let date = next_weekday(Weekday::Thu, 1);
    let closures = format!("[[closures]]\ndate = \"{date}\"\nreason = \"Inventory Day\"\n");
    let shop = Shop::open(database).await.with_config(&closures);
    let reply = shop.call("get_available_slots", on(date)).await;
    assert_eq!(reply.success()["available_slots"], json!([]));
    let reason = reply.success()["closed_reason"].as_str().unwrap();
    assert!(reason.contains("Inventory Day"), "{reason}");
}

#[rstest]
#[case(45, "09:00 09:30 10:00 10:30 11:00 13:00 13:30 14:00 14:30 15:00 15:30 16:00")]
#[case(90, "09:00 09:30 10:00 10:30 13:00 13:30 14:00 14:30 15:00 15:30")]
#[case(120, "09:00 09:30 10:00 13:00 13:30 14:00 14:30 15:00")]
#[case(300, "")]
#[tokio::test]
async fn no_slot_runs_through_lunch_or_past_closing(
    #[case] duration_minutes: i64,
    #[case] expected: &str,
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    let shop = Shop::open(database).await;
    let arguments = with(on(next_weekday(Weekday::Fri, 1)), "duration_minutes", duration_minutes);
    let reply = shop.call("get_available_slots", arguments).await;
    assert_eq!(times(&reply.success()["available_slots"]).join(" "), expected);
}

#[rstest]
#[tokio::test]
async fn an_appointment_takes_its_slots_until_it_is_cancelled(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    let shop = Shop::open(database).await;
    let date = next_weekday(Weekday::Tue, 1);
    let id = shop.appointment(shop.owner().await, &at(date, "10:00")).await;
    let reply = shop.call("get_available_slots", on(date)).await;
    let free = times(&reply.success()["available_slots"]);
    assert_eq!(free.len(), 12);
    assert!(!free.iter().any(|time| time == "10:00" || time == "10:30"), "{free:?}");
    let cancel = json!({ "appointment_id": id, "reason": "sold the car" });
    shop.call("cancel_appointment", cancel).await.success();
    let reply = shop.call("get_available_slots", on(date)).await;
    assert_eq!(times(&reply.success()["available_slots"]).len(), 14);
}

#[rstest]
#[tokio::test]
async fn a_week_of_slots_is_listed_by_date(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    let shop = Shop::open(database).await;
    let monday = next_weekday(Weekday::Mon, 1);
    let reply = shop.call("get_available_slots", with(on(monday), "days", 7)).await;
    let days = reply.success()["by_date"].as_array().unwrap();
    let counts: Vec<_> = days.iter().map(|day| times(&day["available_slots"]).len()).collect();
    assert_eq!(counts, [14, 14, 14, 14, 14, 10, 0]);
    assert_eq!(days[6]["day_of_week"], "Sunday");
    assert!(days[6]["closed_reason"].is_string());
}

#[rstest]
#[tokio::test]
async fn a_service_takes_its_configured_duration(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    let shop = Shop::open(database).await;
    let shop = shop.with_config("[services.oil_change]\nduration_minutes = 45\n");
    let arguments = with(on(next_weekday(Weekday::Mon, 1)), "service_type", "oil_change");
    let reply = shop.call("get_available_slots", arguments).await;
    assert_eq!(reply.success()["duration_minutes"], 45);
    assert_eq!(times(&reply.success()["available_slots"]).len(), 12);
}

#[rstest]
#[tokio::test]
async fn slots_are_refused_for_what_is_no_date_or_duration(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    let shop = Shop::open(database).await;
    let date = next_weekday(Weekday::Mon, 1);
    for arguments in [
        json!({}),
        json!({ "date": "2027-02-30" }),
        json!({ "date": "soon" }),
        with(on(date), "duration_minutes", 4),
        with(on(date), "duration_minutes", 481),
        with(on(date), "days", 0),
        with(on(date), "days", 32),
        with(on(date), "service_type", "car_wash"),
    ] {
        let reply = shop.call("get_available_slots", arguments.clone()).await;
        assert_eq!(reply.refusal(), "invalid_argument", "{arguments}");
    }
}

#[rstest]
#[tokio::test]
async fn a_day_that_is_over_has_no_slots(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    let shop = Shop::open(database).await;
    let yesterday = data::today().pred_opt().unwrap();
    let reply = shop.call("get_available_slots", on(yesterday)).await;
    if !reply.is_error {
        assert_eq!(reply.success()["available_slots"], json!([]));
    } else {
        assert_eq!(reply.refusal(), "in_the_past");
    }
}

#[rstest]
#[tokio::test]
async fn a_day_without_slots_says_the_true_reason(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    let sunday = next_weekday(Weekday::Sun, 1);
    let [quiet, dotted, taken] =
        [Weekday::Mon, Weekday::Tue, Weekday::Wed].map(|day| next_weekday(day, 1));
    let config = format!(
        "[[closures]]\ndate = \"{quiet}\"\n[[closures]]\ndate = \"{dotted}\"\nreason = \"We move.\"\n\
         [[bays]]\nname = \"A\"\nservices = [\"oil_change\"]\n[booking]\nhorizon_days = 30\n"
    );
    let shop = Shop::open(database).await.with_config(&config);
    for time in ["09:00", "10:00", "11:00", "13:00", "14:00", "15:00", "16:00"] {
        shop.appointment(shop.owner().await, &at(taken, time)).await;
    }
    let far = next_weekday(Weekday::Thu, 9);
    let (far_name, taken_name) =
        (far.format("Thursday, %B %-d, %Y"), taken.format("Wednesday, %B %-d, %Y"));
    let quiet_name = quiet.format("Monday, %B %-d, %Y");
    for (arguments, is_closed, expected) in [
        (on(sunday), true, "The shop is closed on Sundays.".to_owned()),
        (on(quiet), true, format!("The shop is closed on {quiet_name}.")),
        (on(dotted), true, dotted.format("The shop is closed on Tuesday, %B %-d, %Y: We move.").to_string()),
        (with(on(sunday), "days", 3), true, "The shop is closed on all of these days.".to_owned()),
        (with(on(taken), "service_type", "repair"), false, "None of the shop's bays does repair.".to_owned()),
        (on(taken), false, format!("Nothing is free on {taken_name} for a visit of 30 minutes.")),
        (
            with(on(taken), "duration_minutes", 300),
            false,
            format!("A visit of 5 hours is longer than the shop is open at a stretch on {taken_name}."),
        ),
        (
            on(far),
            false,
            format!("{far_name} is further ahead than the shop plans; visits can be booked up to 30 days ahead."),
        ),
        (
            with(on(far), "days", 7),
            false,
            "These days are further ahead than the shop plans; visits can be booked up to 30 days ahead.".to_owned(),
        ),
    ] {
        let reply = shop.call("get_available_slots", arguments.clone()).await;
        let said = reply.message();
        assert!(said.starts_with(&expected), "{arguments}: {said}");
        assert_eq!(reply.success().get("closed_reason").is_some(), is_closed, "{arguments}");
        let others = reply.success()["alternatives"].as_array().unwrap();
        assert_eq!(said.contains(" The nearest free times are "), !others.is_empty(), "{said}");
    }
}

#[rstest]
#[tokio::test]
async fn a_day_that_is_too_soon_says_so(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    let days = "monday tuesday wednesday thursday friday saturday sunday";
    let hours: String = days.split(' ').map(|day| format!("{day} = \"00:00-00:05\"\n")).collect();
    let shop = Shop::open(database).await.with_config(&format!("[hours]\n{hours}"));
    let today = json!({ "date": "today", "duration_minutes": 5 });
    let reply = shop.call("get_available_slots", today).await;
    let said = reply.message();
    assert!(said.contains("closed for today") || said.contains("too late today"), "{said}");
    assert!(reply.success().get("closed_reason").is_none());
    let shop =
        Shop::open(database).await.with_config("[booking]\nminimum_notice_minutes = 43200\n");
    let day = next_weekday(Weekday::Wed, 1);
    let reply = shop.call("get_available_slots", on(day)).await;
    let said = day.format("It is too late to book a visit for Wednesday, %B %-d, %Y; the shop needs notice of 30 days.");
    assert!(reply.message().starts_with(&said.to_string()), "{}", reply.message());
}

#[tokio::test]
async fn a_day_of_slots_is_one_round_trip_to_postgres() {
    let shop = Shop::open(Database::Postgres).await.with_env("SHOP_BAYS", "20");
    let proxy = Proxy::start(shop.postgres_address(), At::AfterCommit).await;
    let mut server = shop.server_through(proxy.address).await;
    let day = on(next_weekday(Weekday::Wed, 1));
    let mut trips = Vec::new();
    // The first calls open the database, and each connection prepares the query once; when a slow
    // machine takes a connection that no call had before is not known beforehand.
    while trips.len() < 60 && !trips.ends_with(&[1; 6]) {
        let before = proxy.round_trips();
        server.call("get_available_slots", day.clone()).await.success();
        trips.push(proxy.round_trips() - before);
    }
    assert!(trips.ends_with(&[1; 6]), "{trips:?}");
}
