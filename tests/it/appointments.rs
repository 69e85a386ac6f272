//! Appointments after their booking: reading, moving, cancelling.

use chrono::Weekday;
use rstest::rstest;
use serde_json::{Value, json};

use crate::data::{at, next_weekday, out, visit, with};
use crate::shop::{Database, Shop, by_id};

const NOBODY: i64 = 987_654;

fn cancel(appointment_id: i64) -> Value {
    json!({ "appointment_id": appointment_id, "reason": "the customer is ill" })
}

fn move_to(appointment_id: i64, new_datetime: &str) -> Value {
    json!({ "appointment_id": appointment_id, "new_datetime": new_datetime })
}

fn ids(data: &Value) -> Vec<i64> {
    let appointments = data["appointments"].as_array().unwrap();
    appointments.iter().map(|row| row["appointment_id"].as_i64().unwrap()).collect()
}

#[rstest]
#[tokio::test]
async fn a_cancelled_appointment_says_why(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    let shop = Shop::open(database).await;
    let start = at(next_weekday(Weekday::Mon, 1), "09:00");
    let id = shop.appointment(shop.owner().await, &start).await;
    let reply = shop.call("cancel_appointment", cancel(id)).await;
    assert_eq!(reply.success()["appointment_id"], id);
    assert_eq!(reply.success()["status"], "cancelled");
    assert_eq!(reply.success()["cancellation_reason"], "the customer is ill");
    assert!(reply.success()["cancelled_at"].is_string());
    assert_eq!(shop.occupied_rows().await, []);
}

#[rstest]
#[tokio::test]
async fn cancelling_has_its_refusals(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    let shop = Shop::open(database).await;
    let reply = shop.call("cancel_appointment", cancel(NOBODY)).await;
    assert_eq!(reply.refusal(), "appointment_not_found");
    let start = at(next_weekday(Weekday::Mon, 1), "09:00");
    let id = shop.appointment(shop.owner().await, &start).await;
    let no_reason = json!({ "appointment_id": id });
    assert_eq!(shop.call("cancel_appointment", no_reason).await.refusal(), "invalid_argument");
    shop.call("cancel_appointment", cancel(id)).await.success();
    let reply = shop.call("cancel_appointment", cancel(id)).await;
    assert_eq!(reply.refusal(), "already_cancelled");
}

#[rstest]
#[tokio::test]
async fn a_moved_appointment_frees_its_old_time(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    let shop = Shop::open(database).await;
    let (monday, tuesday) = (next_weekday(Weekday::Mon, 1), next_weekday(Weekday::Tue, 1));
    let id = shop.appointment(shop.owner().await, &at(monday, "09:00")).await;
    let reply = shop.call("reschedule_appointment", move_to(id, &at(tuesday, "13:30"))).await;
    let data = reply.success();
    assert_eq!(data["appointment_id"], id);
    assert_eq!(data["old_datetime"], out(monday, "09:00"));
    assert_eq!(data["new_datetime"], out(tuesday, "13:30"));
    assert_eq!(data["service_type"], "oil_change");
    assert_eq!(data["duration_minutes"], 60);
    assert_eq!(data["status"], "scheduled");
    shop.appointment(shop.owner().await, &at(monday, "09:00")).await;
}

#[rstest]
#[tokio::test]
async fn work_that_had_begun_begins_anew_where_it_is_moved(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    let shop = Shop::open(database).await;
    let owner = shop.owner().await;
    let (monday, tuesday) = (next_weekday(Weekday::Mon, 1), next_weekday(Weekday::Tue, 1));
    let id = shop.appointment(owner, &at(monday, "09:00")).await;
    let begun = json!({ "appointment_id": id, "status": "in_progress" });
    shop.call("update_appointment_status", begun).await.success();
    let longer = with(move_to(id, &at(monday, "09:00")), "duration_minutes", 90);
    let longer = shop.call("reschedule_appointment", longer).await;
    assert_eq!(longer.success()["status"], "in_progress");
    let moved = shop.call("reschedule_appointment", move_to(id, &at(tuesday, "09:00"))).await;
    assert_eq!(moved.success()["status"], "scheduled");
    let upcoming = json!({ "customer_id": owner.customer_id });
    let upcoming = shop.call("get_upcoming_appointments", upcoming).await;
    assert_eq!(upcoming.success()["appointments"][0]["appointment_id"], id);
    assert_eq!(shop.number("select count(*) from work_times").await, 0);
}

#[rstest]
#[tokio::test]
async fn an_appointment_may_move_within_its_own_time(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    let shop = Shop::open(database).await;
    let day = next_weekday(Weekday::Mon, 1);
    let id = shop.appointment(shop.owner().await, &at(day, "09:00")).await;
    shop.call("reschedule_appointment", move_to(id, &at(day, "09:30"))).await.success();
    let longer = with(move_to(id, &at(day, "09:30")), "duration_minutes", 90);
    let reply = shop.call("reschedule_appointment", longer).await;
    assert_eq!(reply.success()["duration_minutes"], 90);
    assert_eq!(shop.occupied_rows().await.len(), 1);
}

#[rstest]
#[tokio::test]
async fn moving_to_where_it_is_succeeds(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    let shop = Shop::open(database).await;
    let start = at(next_weekday(Weekday::Mon, 1), "09:00");
    let id = shop.appointment(shop.owner().await, &start).await;
    let reply = shop.call("reschedule_appointment", move_to(id, &start)).await;
    assert_eq!(reply.success()["new_datetime"], reply.success()["old_datetime"]);
}

#[rstest]
#[tokio::test]
async fn moving_has_the_refusals_of_booking(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    let shop = Shop::open(database).await.with_env("SHOP_BAYS", "1");
    let day = next_weekday(Weekday::Wed, 1);
    let (ann, bob) = (shop.owner().await, shop.owner().await);
    let id = shop.appointment(ann, &at(day, "09:00")).await;
    shop.appointment(ann, &at(day, "13:00")).await;
    shop.appointment(bob, &at(day, "15:00")).await;
    let gone = shop.appointment(bob, &at(day, "10:00")).await;
    shop.call("cancel_appointment", cancel(gone)).await.success();
    let sunday = at(next_weekday(Weekday::Sun, 1), "10:00");
    for (arguments, expected) in [
        (move_to(id, "tomorrow"), "invalid_argument"),
        (move_to(NOBODY, "2020-01-05T03:00:00"), "appointment_not_found"),
        (move_to(gone, "2020-01-05T03:00:00"), "appointment_cancelled"),
        (move_to(id, "2020-01-05T03:00:00"), "in_the_past"),
        (move_to(id, &sunday), "outside_business_hours"),
        (move_to(id, &at(day, "13:30")), "duplicate_appointment"),
        (move_to(id, &at(day, "15:30")), "slot_unavailable"),
    ] {
        let reply = shop.call("reschedule_appointment", arguments.clone()).await;
        assert_eq!(reply.refusal(), expected, "{arguments}");
    }
    let reply = shop.call("reschedule_appointment", move_to(id, &at(day, "15:30"))).await;
    let free = reply.envelope["data"]["alternatives"].as_array().unwrap();
    assert!((1..=5).contains(&free.len()), "{free:?}");
}

#[rstest]
#[tokio::test]
async fn upcoming_appointments_come_soonest_first(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    let shop = Shop::open(database).await;
    let owner = shop.owner().await;
    let later = shop.appointment(owner, &at(next_weekday(Weekday::Fri, 2), "09:00")).await;
    let sooner = shop.appointment(owner, &at(next_weekday(Weekday::Mon, 1), "09:00")).await;
    let gone = shop.appointment(owner, &at(next_weekday(Weekday::Tue, 1), "09:00")).await;
    shop.call("cancel_appointment", cancel(gone)).await.success();
    let arguments = by_id(owner.customer_id);
    let reply = shop.call("get_upcoming_appointments", arguments.clone()).await;
    assert_eq!(reply.success()["customer_id"], owner.customer_id);
    assert_eq!(ids(reply.success()), [sooner, later]);
    let all = with(arguments, "include_past", true);
    let reply = shop.call("get_upcoming_appointments", all).await;
    assert_eq!(ids(reply.success()), [later, gone, sooner]);
}

#[rstest]
#[tokio::test]
async fn an_upcoming_appointment_is_told_whole(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    let shop = Shop::open(database).await;
    let owner = shop.owner().await;
    let day = next_weekday(Weekday::Wed, 1);
    let arguments = with(visit(owner, &at(day, "09:00")), "notes", "key in the box");
    shop.call("book_appointment", arguments).await.success();
    let reply = shop.call("get_upcoming_appointments", by_id(owner.customer_id)).await;
    let row = &reply.success()["appointments"][0];
    assert_eq!(row["customer_id"], owner.customer_id);
    assert_eq!(row["scheduled_at"], out(day, "09:00"));
    assert_eq!(row["ends_at"], out(day, "10:00"));
    assert_eq!(row["duration_minutes"], 60);
    assert_eq!(row["service_type"], "oil_change");
    assert_eq!(row["status"], "scheduled");
    assert_eq!(row["notes"], "key in the box");
    assert_eq!(row["confirmation_sent"], false);
    assert!(row["when"].is_string(), "{row}");
    assert_eq!(row["vehicle"]["id"], owner.vehicle_id);
    assert_eq!(row["vehicle"]["year"], 2020);
    assert_eq!(row["vehicle"]["make"], "Honda");
}

#[rstest]
#[tokio::test]
async fn a_cursor_walks_through_every_appointment_once(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    let shop = Shop::open(database).await;
    let owner = shop.owner().await;
    let mut booked = Vec::new();
    for (weeks, time) in [(1, "09:00"), (1, "10:00"), (1, "13:00"), (2, "09:00"), (3, "09:00")] {
        booked.push(shop.appointment(owner, &at(next_weekday(Weekday::Thu, weeks), time)).await);
    }
    let mut arguments = with(by_id(owner.customer_id), "limit", 2);
    let mut seen = Vec::new();
    loop {
        let reply = shop.call("get_upcoming_appointments", arguments.clone()).await;
        let page = ids(reply.success());
        assert!((1..=2).contains(&page.len()), "{page:?}");
        seen.extend(page);
        let Some(cursor) = reply.success().get("next_cursor") else { break };
        arguments = with(arguments, "cursor", cursor.clone());
    }
    assert_eq!(seen, booked);
}

#[rstest]
#[tokio::test]
async fn a_cursor_that_nobody_gave_is_refused(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    let shop = Shop::open(database).await;
    let arguments = with(by_id(shop.customer().await), "cursor", "no-cursor");
    let reply = shop.call("get_upcoming_appointments", arguments).await;
    assert_eq!(reply.refusal(), "invalid_argument");
}

#[rstest]
#[tokio::test]
async fn the_appointments_of_nobody_are_refused(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    let shop = Shop::open(database).await;
    let reply = shop.call("get_upcoming_appointments", by_id(NOBODY)).await;
    assert_eq!(reply.refusal(), "customer_not_found");
}

#[rstest]
#[tokio::test]
async fn a_cursor_is_good_only_for_the_list_that_gave_it(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    let shop = Shop::open(database).await;
    let (ann, bob) = (shop.owner().await, shop.owner().await);
    for (owner, time) in [(ann, "09:00"), (ann, "10:00"), (bob, "13:00"), (bob, "14:00")] {
        shop.appointment(owner, &at(next_weekday(Weekday::Thu, 1), time)).await;
    }
    let first = with(by_id(ann.customer_id), "limit", 1);
    let reply = shop.call("get_upcoming_appointments", first.clone()).await;
    let cursor = reply.success()["next_cursor"].clone();
    let his = with(by_id(bob.customer_id), "cursor", cursor.clone());
    let past = with(with(first.clone(), "cursor", cursor.clone()), "include_past", true);
    for arguments in [his, past] {
        let reply = shop.call("get_upcoming_appointments", arguments.clone()).await;
        assert_eq!(reply.refusal(), "invalid_argument", "{arguments}");
    }
    let next = with(first, "cursor", cursor);
    assert_eq!(ids(shop.call("get_upcoming_appointments", next).await.success()).len(), 1);
}

#[rstest]
#[tokio::test]
async fn a_list_that_was_cut_says_that_there_are_more(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    let shop = Shop::open(database).await;
    let owner = shop.owner().await;
    for time in ["09:00", "10:00", "13:00", "14:00", "15:00"] {
        shop.appointment(owner, &at(next_weekday(Weekday::Thu, 1), time)).await;
    }
    let two = with(by_id(owner.customer_id), "limit", 2);
    let first = shop.call("get_upcoming_appointments", two.clone()).await;
    let begin = "Found 2 upcoming appointments, and there are more; the next is on Thursday,";
    assert!(first.message().starts_with(begin), "{}", first.message());
    let after = |cursor: &Value| with(two.clone(), "cursor", cursor.clone());
    let second = after(&first.success()["next_cursor"]);
    let second = shop.call("get_upcoming_appointments", second).await;
    let said = "Found 2 more upcoming appointments, and there are still more.";
    assert_eq!(second.message(), said);
    let third = after(&second.success()["next_cursor"]);
    let third = shop.call("get_upcoming_appointments", third).await;
    assert_eq!(third.message(), "Found 1 more upcoming appointment.");
    let all = shop.call("get_upcoming_appointments", with(two, "include_past", true)).await;
    assert_eq!(all.message(), "Found 2 appointments, and there are more.");
    let one = with(by_id(owner.customer_id), "limit", 1);
    let one = shop.call("get_upcoming_appointments", one).await;
    let begin = "Found 1 upcoming appointment, and there are more; the next is oil change on ";
    assert!(one.message().starts_with(begin), "{}", one.message());
    let whole = shop.call("get_upcoming_appointments", by_id(owner.customer_id)).await;
    let begin = "Found 5 upcoming appointments; the next is on Thursday,";
    assert!(whole.message().starts_with(begin), "{}", whole.message());
}

#[rstest]
#[tokio::test]
async fn only_a_short_reason_is_said_aloud(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    let shop = Shop::open(database).await;
    let owner = shop.owner().await;
    let (longest, too_long) = ("é".repeat(120), "é".repeat(121));
    for (reason, is_said) in [(&*longest, true), (&*too_long, false), ("ill\nand away", false)] {
        let id = shop.appointment(owner, &at(next_weekday(Weekday::Mon, 1), "09:00")).await;
        let arguments = json!({ "appointment_id": id, "reason": reason });
        let reply = shop.call("cancel_appointment", arguments).await;
        assert_eq!(reply.success()["cancellation_reason"], reason);
        let told = if is_said { format!(" Reason: {reason}") } else { String::new() };
        assert_eq!(reply.message(), format!("Appointment cancelled successfully.{told}"));
    }
}
