//! What is offered instead of a time that cannot be had.

use chrono::{Days, Weekday};
use rstest::rstest;
use serde_json::json;

use crate::data::{self, at, next_clock_change, next_weekday, out};
use crate::shop::{Database, Shop};

#[rstest]
#[tokio::test]
async fn the_nearest_times_are_offered_though_they_be_days_away(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    let closed = ["monday", "wednesday", "thursday", "friday", "saturday"];
    let closed: String = closed.iter().map(|day| format!("{day} = \"closed\"\n")).collect();
    let hours = format!("[hours]\ntuesday = \"06:00-10:00\"\nlunch = \"none\"\n{closed}");
    let shop = Shop::open(database).await.with_config(&hours);
    let friday = next_weekday(Weekday::Fri, 2);
    let evening = out(friday, "20:50");
    let wanted = data::seconds(&json!(evening));
    let tuesdays = [friday - Days::new(3), friday + Days::new(4)];
    let times = ["06:00", "06:30", "07:00", "07:30", "08:00", "08:30", "09:00", "09:30"];
    let mut starts: Vec<String> =
        tuesdays.iter().flat_map(|day| times.map(|time| out(*day, time))).collect();
    starts.sort_by_key(|start| (data::seconds(&json!(start)) - wanted).abs());
    let hold = json!({ "scheduled_at": evening, "duration_minutes": 30 });
    let reply = shop.call("hold_slot", hold).await;
    assert_eq!(reply.refusal(), "outside_business_hours");
    let offered = reply.envelope["data"]["alternatives"].as_array().unwrap();
    let offered: Vec<_> = offered.iter().map(|other| other["scheduled_at"].clone()).collect();
    assert_eq!(json!(offered), json!(starts[..5]));
}

#[rstest]
#[tokio::test]
async fn a_long_closure_is_looked_beyond(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    let (first, last) = (data::today(), data::today() + Days::new(150));
    let closure = format!("[[closures]]\nfrom = \"{first}\"\nto = \"{last}\"\n");
    let shop = Shop::open(database).await.with_config(&closure);
    let reply = shop.call("get_available_slots", json!({ "date": "today" })).await;
    let offered = reply.success()["alternatives"].as_array().unwrap();
    assert_eq!(offered.len(), 5, "{}", reply.message());
    let hold = json!({ "scheduled_at": offered[0]["scheduled_at"], "duration_minutes": 30 });
    shop.call("hold_slot", hold).await.success();
}

#[rstest]
#[tokio::test]
async fn all_of_the_last_day_of_the_horizon_can_be_booked(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    let config = format!("{}[booking]\nhorizon_days = 7\n", data::ALL_DAY);
    let shop = Shop::open(database).await.with_config(&config);
    let last = data::today() + Days::new(7);
    let reply = shop.call("get_available_slots", json!({ "date": last.to_string() })).await;
    assert!(data::times(&reply.success()["available_slots"]).contains(&"23:30".to_owned()));
    let beyond = last + Days::new(1);
    let reply = shop.call("get_available_slots", json!({ "date": beyond.to_string() })).await;
    assert!(reply.message().contains("up to 7 days ahead"), "{}", reply.message());
    let hold = json!({ "scheduled_at": at(beyond, "00:00"), "duration_minutes": 30 });
    let reply = shop.call("hold_slot", hold).await;
    assert_eq!(reply.refusal(), "slot_unavailable");
    let nearest = &reply.envelope["data"]["alternatives"][0]["scheduled_at"];
    assert_eq!(*nearest, out(last, "23:30"));
}

#[tokio::test]
async fn the_real_times_around_a_skipped_one_are_said_aloud() {
    let shop = Shop::open(Database::Sqlite).await;
    let hold = json!({ "scheduled_at": at(next_clock_change(3), "02:30") });
    let reply = shop.call("hold_slot", hold).await;
    assert_eq!(reply.refusal(), "invalid_argument");
    let said = reply.message();
    assert!(said.contains("1:30 AM") && said.contains("3:30 AM"), "{said}");
}
