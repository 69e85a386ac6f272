//! Booking an appointment: the checks and their order.

use chrono::Weekday;
use rstest::rstest;
use serde_json::json;

use crate::data::{self, at, next_weekday, out, visit, with};
use crate::reply::Reply;
use crate::shop::{Database, Owner, Shop};

/// A time long ago at which the shop was closed, too.
const LONG_AGO: &str = "2020-01-05T03:00:00";
const NOBODY: i64 = 987_654;

#[rstest]
#[tokio::test]
async fn a_booked_appointment_is_told_whole(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    let shop = Shop::open(database).await;
    let owner = shop.owner().await;
    let date = next_weekday(Weekday::Wed, 1);
    let reply = shop.call("book_appointment", visit(owner, &at(date, "09:00"))).await;
    let data = reply.success();
    assert_eq!(data["customer_id"], owner.customer_id);
    assert_eq!(data["customer_name"], "John Doe");
    assert_eq!(data["vehicle_id"], owner.vehicle_id);
    assert_eq!(data["vehicle_description"], "2020 Honda Accord");
    assert_eq!(data["scheduled_at"], out(date, "09:00"));
    assert_eq!(data["ends_at"], out(date, "10:00"));
    assert_eq!(data["service_type"], "oil_change");
    assert_eq!(data["duration_minutes"], 60);
    assert_eq!(data["status"], "scheduled");
    assert_eq!(data["booking_method"], "ai_voice");
    assert_eq!(data["booked_by"], "AI Voice Agent");
    assert!(data["bay"].is_string() || data["bay"].is_i64(), "{data}");
    assert!(data["now"].is_string(), "{data}");
    let when = data["when"].as_str().unwrap();
    assert!(when.starts_with(&date.format("Wednesday, %B %-d").to_string()), "{when}");
    assert!(when.ends_with("at 9:00 AM"), "{when}");
    let said =
        date.format("Appointment booked successfully for John Doe on %B %-d, %Y at 09:00 AM");
    assert_eq!(reply.message(), said.to_string());
}

#[rstest]
#[tokio::test]
async fn checks_come_in_their_order(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    let shop = Shop::open(database).await;
    let (ann, bob) = (shop.owner().await, shop.owner().await);
    let nobody = Owner { customer_id: NOBODY, vehicle_id: NOBODY };
    let nothing = Owner { vehicle_id: NOBODY, ..ann };
    let not_hers = Owner { vehicle_id: bob.vehicle_id, ..ann };
    let day = next_weekday(Weekday::Wed, 1);
    shop.appointment(bob, &at(day, "09:00")).await;
    let closed = at(next_weekday(Weekday::Sun, 1), "10:00");
    let taken = at(day, "09:30");
    for (arguments, expected) in [
        (with(visit(nobody, LONG_AGO), "service_type", "car_wash"), "invalid_argument"),
        (visit(nobody, LONG_AGO), "customer_not_found"),
        (visit(nothing, LONG_AGO), "vehicle_not_found"),
        (visit(not_hers, LONG_AGO), "vehicle_not_owned"),
        (visit(ann, LONG_AGO), "in_the_past"),
        (visit(ann, &closed), "outside_business_hours"),
        (visit(bob, &taken), "duplicate_appointment"),
        (visit(ann, &taken), "slot_unavailable"),
    ] {
        let reply = shop.call("book_appointment", arguments.clone()).await;
        assert_eq!(reply.refusal(), expected, "{arguments}");
    }
}

#[rstest]
#[tokio::test]
async fn a_visit_stays_inside_the_opening_hours(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    let shop = Shop::open(database).await;
    let owner = shop.owner().await;
    let day = next_weekday(Weekday::Thu, 1);
    for time in ["08:30", "11:30", "12:00", "12:30", "16:30", "17:00", "23:30"] {
        let reply = shop.call("book_appointment", visit(owner, &at(day, time))).await;
        assert_eq!(reply.refusal(), "outside_business_hours", "{time}");
    }
    for time in ["11:00", "13:00", "16:00"] {
        shop.appointment(shop.owner().await, &at(day, time)).await;
    }
}

#[rstest]
#[tokio::test]
async fn a_taken_time_is_refused_with_free_ones(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    let shop = Shop::open(database).await;
    let day = next_weekday(Weekday::Fri, 1);
    shop.appointment(shop.owner().await, &at(day, "10:00")).await;
    let ann = shop.owner().await;
    let reply = shop.call("book_appointment", visit(ann, &at(day, "10:30"))).await;
    assert_eq!(reply.refusal(), "slot_unavailable");
    let free = reply.envelope["data"]["alternatives"].as_array().unwrap().clone();
    assert!((1..=5).contains(&free.len()), "{free:?}");
    assert!(free.iter().all(|start| start["when"].is_string()), "{free:?}");
    assert!(reply.envelope["data"]["now"].is_string(), "whoever is refused a time knows the time");
    let nearest = free[0]["scheduled_at"].as_str().unwrap();
    assert_eq!(nearest, out(day, "11:00"));
    for start in &free {
        let start = start["scheduled_at"].as_str().unwrap();
        let id = shop.appointment(ann, start).await;
        let cancel = json!({ "appointment_id": id, "reason": "another one" });
        shop.call("cancel_appointment", cancel).await.success();
    }
}

#[rstest]
#[tokio::test]
async fn appointments_may_touch_and_start_off_the_grid(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    let shop = Shop::open(database).await;
    let day = next_weekday(Weekday::Mon, 1);
    for time in ["09:10", "10:10", "13:07"] {
        shop.appointment(shop.owner().await, &at(day, time)).await;
    }
    for time in ["10:09", "11:09", "14:06"] {
        let reply = shop.call("book_appointment", visit(shop.owner().await, &at(day, time))).await;
        let refused = ["slot_unavailable", "outside_business_hours"].contains(&reply.refusal());
        assert!(refused, "{time}: {}", reply.refusal());
    }
}

#[rstest]
#[tokio::test]
async fn a_vehicle_is_in_one_place_at_a_time(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    let shop = Shop::open(database).await.with_env("SHOP_BAYS", "2");
    let owner = shop.owner().await;
    let day = next_weekday(Weekday::Tue, 1);
    let id = shop.appointment(owner, &at(day, "10:00")).await;
    let reply = shop.call("book_appointment", visit(owner, &at(day, "10:30"))).await;
    assert_eq!(reply.refusal(), "duplicate_appointment");
    let other = shop.owner_of_another_vehicle(owner.customer_id).await;
    assert_ne!(shop.appointment(other, &at(day, "10:30")).await, id);
}

#[rstest]
#[tokio::test]
async fn two_bays_take_two_visits_and_no_third(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    let shop = Shop::open(database).await.with_env("SHOP_BAYS", "North,South");
    let start = at(next_weekday(Weekday::Tue, 1), "10:00");
    let mut bays = Vec::new();
    for _ in 0..2 {
        let reply = shop.call("book_appointment", visit(shop.owner().await, &start)).await;
        bays.push(reply.success()["bay"].as_str().unwrap().to_owned());
    }
    bays.sort();
    assert_eq!(bays, ["North", "South"]);
    let reply = shop.call("book_appointment", visit(shop.owner().await, &start)).await;
    assert_eq!(reply.refusal(), "slot_unavailable");
}

#[rstest]
#[tokio::test]
async fn a_time_with_another_offset_is_the_same_time(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    let shop = Shop::open(database).await;
    let day = next_weekday(Weekday::Thu, 2);
    let utc = data::at_offset_of(day, "09:00", chrono_tz::UTC);
    let reply = shop.call("book_appointment", visit(shop.owner().await, &utc)).await;
    assert_eq!(reply.success()["scheduled_at"], out(day, "09:00"));
    let tokyo = data::at_offset_of(day, "15:00", chrono_tz::Asia::Tokyo);
    let reply = shop.call("book_appointment", visit(shop.owner().await, &tokyo)).await;
    assert_eq!(reply.success()["scheduled_at"], out(day, "15:00"));
    let zulu = utc.replace("+00:00", "Z");
    let reply = shop.call("book_appointment", visit(shop.owner().await, &zulu)).await;
    assert_eq!(reply.refusal(), "slot_unavailable");
}

/// The alternatives of a refusal, each of which must be free to book.
fn offers(reply: &Reply) -> Vec<String> {
    let offers = reply.envelope["data"]["alternatives"].as_array().unwrap();
    offers.iter().map(|offer| offer["scheduled_at"].as_str().unwrap().to_owned()).collect()
}

#[rstest]
#[tokio::test]
async fn a_time_too_soon_or_too_far_ahead_is_refused_with_the_nearest_allowed(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    let config = "[booking]\nminimum_notice_minutes = 4320\nhorizon_days = 20\n";
    let shop = Shop::open(database).await.with_config(config);
    let owner = shop.owner().await;
    let far = at(next_weekday(Weekday::Wed, 8), "09:00");
    let soon = format!("{}T23:59:59", data::today().succ_opt().unwrap());
    for (start, rule) in [(soon, "too soon"), (far, "too far ahead")] {
        let reply = shop.call("book_appointment", visit(owner, &start)).await;
        assert_eq!(reply.refusal(), "slot_unavailable", "{start}");
        assert!(reply.error().contains(rule), "{}", reply.error());
        let free = offers(&reply);
        assert_eq!(free.len(), 5, "{free:?}");
        let mut sorted = free.clone();
        sorted.sort_by(|a, b| if rule == "too soon" { a.cmp(b) } else { b.cmp(a) });
        assert_eq!(free, sorted, "the nearest first");
        shop.appointment(owner, &free[0]).await;
    }
}

#[rstest]
#[tokio::test]
async fn a_service_that_nobody_does_is_refused_as_such(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    let config = "[[bays]]\nname = \"A\"\nservices = [\"oil_change\"]\n";
    let shop = Shop::open(database).await.with_config(config);
    let start = at(next_weekday(Weekday::Wed, 1), "09:00");
    let arguments = with(visit(shop.owner().await, &start), "service_type", "brake_service");
    let reply = shop.call("book_appointment", arguments).await;
    assert_eq!(reply.refusal(), "slot_unavailable");
    assert_eq!(reply.message(), "None of the shop's bays does brake service.");
    assert_eq!(offers(&reply), [""; 0]);
    let hint = reply.envelope["hint"].as_str().unwrap();
    assert!(!hint.contains("alternatives"), "{hint}");
}

#[rstest]
#[tokio::test]
async fn a_visit_longer_than_any_opening_says_so(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    let shop = Shop::open(database).await;
    let start = at(next_weekday(Weekday::Wed, 1), "09:00");
    let arguments = with(visit(shop.owner().await, &start), "duration_minutes", 300);
    let reply = shop.call("book_appointment", arguments).await;
    assert_eq!(reply.refusal(), "outside_business_hours");
    let said = "A visit of 5 hours is too long: the shop is never open for more than 4 hours at a stretch.";
    assert_eq!(reply.message(), said);
    let hint = reply.envelope["hint"].as_str().unwrap();
    assert!(!hint.contains("alternatives"), "{hint}");
}

#[rstest]
#[tokio::test]
async fn a_time_outside_hours_is_named_with_its_rule(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    let shop = Shop::open(database).await;
    let owner = shop.owner().await;
    let (day, sunday) = (next_weekday(Weekday::Wed, 1), next_weekday(Weekday::Sun, 1));
    let rule = "is outside business hours: all 60 minutes of the visit must lie in one opening interval of";
    let reply = shop.call("book_appointment", visit(owner, &at(day, "11:30"))).await;
    let when = out(day, "11:30");
    let expected =
        format!("scheduled_at {when} {rule} {day}, which is 09:00-12:00 and 13:00-17:00");
    assert_eq!(reply.error(), expected);
    let id = shop.appointment(owner, &at(day, "09:00")).await;
    let arguments = json!({ "appointment_id": id, "new_datetime": at(sunday, "10:00") });
    let reply = shop.call("reschedule_appointment", arguments).await;
    let when = out(sunday, "10:00");
    assert_eq!(reply.error(), format!("new_datetime {when} {rule} {sunday}, which is closed"));
}
