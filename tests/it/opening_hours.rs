//! Hours of the configuration, and the two days on which clocks change.

use chrono::Weekday;
use rstest::rstest;

use crate::data::{self, at, next_clock_change, next_weekday, visit};
use crate::shop::{Database, Shop};

/// Open in the night from Saturday to Sunday; far enough ahead for any change of the clocks.
const NIGHT_HOURS: &str = "[hours]\nsunday = \"00:00-06:00\"\n\n[booking]\nhorizon_days = 400\n";

#[rstest]
#[tokio::test]
async fn a_local_time_that_the_clocks_skip_is_refused(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    let shop = Shop::open(database).await.with_config(NIGHT_HOURS);
    let owner = shop.owner().await;
    let skipped = at(next_clock_change(3), "02:30");
    let reply = shop.call("book_appointment", visit(owner, &skipped)).await;
    assert_eq!(reply.refusal(), "invalid_argument");
    let told = reply.envelope.to_string();
    assert!(told.contains("-05:00") && told.contains("-04:00"), "two real times: {told}");
}

#[rstest]
#[tokio::test]
async fn a_local_time_that_occurs_twice_is_the_first(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    let shop = Shop::open(database).await.with_config(NIGHT_HOURS);
    let date = next_clock_change(11);
    let first = visit(shop.owner().await, &at(date, "01:30"));
    let reply = shop.call("book_appointment", first).await;
    assert_eq!(reply.success()["scheduled_at"], format!("{date}T01:30:00-04:00"));
    let second = visit(shop.owner().await, &format!("{date}T01:30:00-05:00"));
    let reply = shop.call("book_appointment", second).await;
    assert_eq!(reply.success()["scheduled_at"], format!("{date}T01:30:00-05:00"));
}

#[rstest]
#[tokio::test]
async fn the_night_of_the_longer_day_has_two_more_slots(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    let shop = Shop::open(database).await.with_config(NIGHT_HOURS);
    let date = next_clock_change(11);
    let arguments = serde_json::json!({ "date": date.to_string() });
    let reply = shop.call("get_available_slots", arguments).await;
    assert_eq!(data::times(&reply.success()["available_slots"]).len(), 14);
}

#[rstest]
#[tokio::test]
async fn hours_and_lunch_are_the_configurations(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    let shop = Shop::open(database).await;
    let shop = shop.with_config("[hours]\nmonday = \"08:00-12:00\"\nlunch = \"10:00-10:30\"\n");
    let arguments = serde_json::json!({ "date": next_weekday(Weekday::Mon, 1).to_string() });
    let reply = shop.call("get_available_slots", arguments).await;
    let expected = "08:00 08:30 09:00 09:30 10:30 11:00 11:30";
    assert_eq!(data::times(&reply.success()["available_slots"]).join(" "), expected);
}
