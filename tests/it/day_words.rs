//! Times whose day is a word.

use chrono::{Datelike, Days, Weekday};
use rstest::rstest;
use serde_json::json;

use crate::data::{self, hold, next_weekday, out, visit};
use crate::shop::{Database, Shop};

#[rstest]
#[case::small("09:00")]
#[case::capital("T09:00")]
#[tokio::test]
async fn a_weekday_is_the_next_one(
    #[case] time: &str,
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    let shop = Shop::open(database).await.with_env("SHOP_BAYS", "4");
    // The day after tomorrow or later, so that midnight cannot come between.
    let day = (2..6).map(|ahead| data::today() + Days::new(ahead));
    let day = day.into_iter().find(|day| day.weekday() != Weekday::Sun).unwrap();
    let (name, separator) =
        (day.format("%A").to_string(), if time.starts_with('T') { "" } else { " " });
    for name in [name.to_lowercase(), name.to_uppercase(), name] {
        let start = format!("{name}{separator}{time}");
        let reply = shop.call("book_appointment", visit(shop.owner().await, &start)).await;
        assert_eq!(reply.success()["scheduled_at"], out(day, "09:00"), "{start}");
    }
}

#[rstest]
#[tokio::test]
async fn today_and_tomorrow_are_the_shops(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    let shop = Shop::open_all_day(database, "").await;
    let reply = shop.call("hold_slot", hold("today 22:00")).await;
    let held = reply.success();
    let now = held["now"].as_str().unwrap();
    assert_eq!(held["scheduled_at"].as_str().unwrap()[..19], format!("{}T22:00:00", &now[..10]));
    let reply = shop.call("book_appointment", visit(shop.owner().await, "Tomorrow 09:00")).await;
    let booked = reply.success();
    let tomorrow = data::seconds(&booked["scheduled_at"]) - data::seconds(&held["scheduled_at"]);
    assert_eq!(tomorrow, 11 * 3600);
    let to =
        json!({ "appointment_id": booked["appointment_id"], "new_datetime": "tomorrow 10:30" });
    let reply = shop.call("reschedule_appointment", to).await;
    let moved = data::seconds(&reply.success()["new_datetime"]);
    assert_eq!(moved, data::seconds(&booked["scheduled_at"]) + 90 * 60);
    let reply = shop.call("hold_slot", hold("today 00:00")).await;
    assert_eq!(reply.refusal(), "in_the_past");
}

#[rstest]
#[tokio::test]
async fn a_word_that_is_no_day_with_a_time_is_refused(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    let shop = Shop::open(database).await;
    for start in [
        "someday 09:00",
        "friday",
        "tomorrow",
        "tomorrow 25:00",
        "tomorrow morning",
        "next friday 09:00",
    ] {
        let reply = shop.call("hold_slot", hold(start)).await;
        assert_eq!(reply.refusal(), "invalid_argument", "{start}");
    }
    let day = next_weekday(Weekday::Wed, 1);
    let slots = json!({ "date": "Wednesday" });
    let reply = shop.call("get_available_slots", slots).await;
    let found = reply.success()["date"].as_str().unwrap();
    assert!(
        [day - Days::new(7), day - Days::new(14)].iter().any(|day| day.to_string() == found),
        "{found}"
    );
}
