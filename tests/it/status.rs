//! Where an appointment stands, and where it may go from there.

use chrono::Weekday;
use rstest::rstest;
use serde_json::{Value, json};

use crate::data::{self, at, next_weekday, visit, with};
use crate::shop::{Database, Shop, by_id};

fn to(appointment_id: i64, status: &str) -> Value {
    json!({ "appointment_id": appointment_id, "status": status })
}

/// A new appointment after the given steps, the last of which may be `cancelled`.
async fn appointment_after(shop: &Shop, steps: &[&str], start: &str) -> i64 {
    let id = shop.appointment(shop.owner().await, start).await;
    for &step in steps {
        if step == "cancelled" {
            let cancel = json!({ "appointment_id": id, "reason": "ill" });
            shop.call("cancel_appointment", cancel).await.success();
        } else {
            shop.call("update_appointment_status", to(id, step)).await.success();
        }
    }
    id
}

#[rstest]
#[case(&[], "confirmed", None)]
#[case(&[], "in_progress", None)]
#[case(&[], "completed", None)]
#[case(&[], "no_show", None)]
#[case(&["confirmed"], "in_progress", None)]
#[case(&["confirmed"], "completed", None)]
#[case(&["confirmed"], "no_show", None)]
#[case(&["in_progress"], "completed", None)]
#[case(&["in_progress"], "confirmed", Some("invalid_argument"))]
#[case(&["in_progress"], "no_show", Some("invalid_argument"))]
#[case(&["completed"], "confirmed", Some("appointment_closed"))]
#[case(&["completed"], "in_progress", Some("appointment_closed"))]
#[case(&["completed"], "no_show", Some("appointment_closed"))]
#[case(&["no_show"], "confirmed", Some("appointment_closed"))]
#[case(&["no_show"], "in_progress", Some("appointment_closed"))]
#[case(&["no_show"], "completed", Some("appointment_closed"))]
#[case(&["cancelled"], "confirmed", Some("appointment_cancelled"))]
#[case(&["cancelled"], "in_progress", Some("appointment_cancelled"))]
#[case(&["cancelled"], "completed", Some("appointment_cancelled"))]
#[case(&["cancelled"], "no_show", Some("appointment_cancelled"))]
#[tokio::test]
async fn an_appointment_takes_only_the_steps_that_there_are(
    #[case] before: &[&str],
    #[case] status: &str,
    #[case] refusal: Option<&str>,
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    let shop = Shop::open(database).await;
    let start = at(next_weekday(Weekday::Mon, 1), "09:00");
    let id = appointment_after(&shop, before, &start).await;
    let reply = shop.call("update_appointment_status", to(id, status)).await;
    let old_status = before.last().copied().unwrap_or("scheduled");
    let Some(code) = refusal else {
        assert_eq!(reply.success()["appointment_id"], id);
        assert_eq!(reply.success()["old_status"], old_status);
        assert_eq!(reply.success()["status"], status);
        assert!(!reply.is_replayed());
        let again = shop.call("update_appointment_status", to(id, status)).await;
        assert!(again.is_replayed());
        assert_eq!(again.success()["status"], status);
        return;
    };
    assert_eq!(reply.refusal(), code);
    if code == "invalid_argument" {
        assert_eq!(reply.envelope["data"]["allowed"], json!(["completed"]));
    }
    let found = shop.call("search_appointments", json!({ "status": old_status })).await;
    assert_eq!(data::ids(found.success(), "appointments"), [id], "nothing was changed");
}

#[rstest]
#[tokio::test]
async fn what_is_no_step_is_refused(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    let shop = Shop::open(database).await;
    let id = appointment_after(&shop, &[], &at(next_weekday(Weekday::Mon, 1), "09:00")).await;
    for (arguments, code) in [
        (to(987_654, "confirmed"), "appointment_not_found"),
        (to(id, "scheduled"), "invalid_argument"),
        (to(id, "cancelled"), "invalid_argument"),
        (to(id, "done"), "invalid_argument"),
        (json!({ "appointment_id": id }), "invalid_argument"),
        (with(to(id, "confirmed"), "mileage", 5), "invalid_argument"),
        (with(to(id, "no_show"), "work_performed", "none"), "invalid_argument"),
        (with(to(id, "completed"), "mileage", -1), "invalid_argument"),
        (with(to(id, "completed"), "work_performed", "x".repeat(4001)), "invalid_argument"),
        (with(to(id, "completed"), "work_performed", "a\u{7}b"), "invalid_argument"),
    ] {
        let reply = shop.call("update_appointment_status", arguments.clone()).await;
        assert_eq!(reply.refusal(), code, "{arguments}");
    }
    assert_eq!(
        shop.number("select count(*) from appointments where status = 'scheduled'").await,
        1
    );
}

#[rstest]
#[tokio::test]
async fn the_mileage_only_rises(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    let shop = Shop::open(database).await;
    let (owner, day) = (shop.owner().await, next_weekday(Weekday::Mon, 1));
    let mut read = Vec::new();
    for (start, status, mileage) in [
        ("09:00", "in_progress", 41_000),
        ("10:00", "completed", 40_999),
        ("11:00", "completed", 41_000),
        ("13:00", "completed", 52_345),
        ("14:00", "completed", 0),
    ] {
        let id = shop.appointment(owner, &at(day, start)).await;
        let done = with(with(to(id, status), "mileage", mileage), "work_performed", "new oil");
        shop.call("update_appointment_status", done).await.success();
        let customer = shop.call("lookup_customer", by_id(owner.customer_id)).await;
        let vehicle = &customer.success()["customer"]["vehicles"][0];
        read.push(vehicle["current_mileage"].as_i64().unwrap());
    }
    assert_eq!(read, [41_000, 41_000, 41_000, 52_345, 52_345]);
}

#[rstest]
#[tokio::test]
async fn a_refused_step_leaves_the_mileage(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    let shop = Shop::open(database).await;
    let (owner, start) = (shop.owner().await, at(next_weekday(Weekday::Mon, 1), "09:00"));
    let id = shop.appointment(owner, &start).await;
    shop.call("update_appointment_status", to(id, "no_show")).await.success();
    let done = with(to(id, "completed"), "mileage", 77);
    let reply = shop.call("update_appointment_status", done).await;
    assert_eq!(reply.refusal(), "appointment_closed");
    let customer = shop.call("lookup_customer", by_id(owner.customer_id)).await;
    let vehicle = &customer.success()["customer"]["vehicles"][0];
    assert!(vehicle.get("current_mileage").is_none(), "{vehicle}");
}

#[rstest]
#[tokio::test]
async fn completing_sets_the_last_service_date_and_nothing_else_does(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    let shop = Shop::open(database).await;
    let (owner, day) = (shop.owner().await, next_weekday(Weekday::Mon, 1));
    let last_service = async || {
        let customer = shop.call("lookup_customer", by_id(owner.customer_id)).await;
        customer.success()["customer"].get("last_service_date").cloned()
    };
    let other = shop.appointment(owner, &at(day, "10:00")).await;
    shop.call("update_appointment_status", to(other, "no_show")).await.success();
    let id = shop.appointment(owner, &at(day, "09:00")).await;
    for (status, expected) in
        [("confirmed", None), ("in_progress", None), ("completed", Some(data::today()))]
    {
        shop.call("update_appointment_status", to(id, status)).await.success();
        assert_eq!(last_service().await, expected.map(|date| json!(date.to_string())), "{status}");
    }
}

#[rstest]
#[tokio::test]
async fn a_visit_that_is_over_frees_its_bay_at_once(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
    #[values("completed", "no_show")] status: &str,
) {
    let shop = Shop::open(database).await;
    let start = at(next_weekday(Weekday::Mon, 1), "09:00");
    let (id, bob) = (appointment_after(&shop, &[], &start).await, shop.owner().await);
    for still in ["confirmed", "in_progress"] {
        if (still, status) != ("in_progress", "no_show") {
            shop.call("update_appointment_status", to(id, still)).await.success();
        }
        let reply = shop.call("book_appointment", visit(bob, &start)).await;
        assert_eq!(reply.refusal(), "slot_unavailable", "{still}");
    }
    shop.call("update_appointment_status", to(id, status)).await.success();
    shop.appointment(bob, &start).await;
}

#[rstest]
#[tokio::test]
async fn what_is_over_can_be_neither_moved_nor_cancelled(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
    #[values("completed", "no_show")] status: &str,
) {
    let shop = Shop::open(database).await;
    let day = next_weekday(Weekday::Mon, 1);
    let id = appointment_after(&shop, &[status], &at(day, "09:00")).await;
    let moved = json!({ "appointment_id": id, "new_datetime": at(day, "10:00") });
    let cancel = json!({ "appointment_id": id, "reason": "ill" });
    for (tool, arguments) in [("reschedule_appointment", moved), ("cancel_appointment", cancel)] {
        assert_eq!(shop.call(tool, arguments).await.refusal(), "appointment_closed", "{tool}");
    }
}

#[rstest]
#[tokio::test]
async fn a_visit_that_is_closed_late_does_not_set_the_date_back(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    let shop = Shop::open(database).await;
    let (owner, day) = (shop.owner().await, next_weekday(Weekday::Mon, 1));
    let (newer, older) = (
        shop.appointment(owner, &at(day, "09:00")).await,
        shop.appointment(owner, &at(day, "10:00")).await,
    );
    let now = chrono::Utc::now().timestamp();
    for (id, days_ago) in [(newer, 2), (older, 10)] {
        let start = now - days_ago * 86_400;
        let sql = format!(
            "update appointments set starts_at = {start}, ends_at = {start} + 3600, \
             reserved_until = {start} + 3600 where id = {id}"
        );
        shop.execute_sql(&sql).await.unwrap();
        shop.call("update_appointment_status", to(id, "completed")).await.success();
        let customer = shop.call("lookup_customer", by_id(owner.customer_id)).await;
        let two_days_ago = chrono::DateTime::from_timestamp(now - 2 * 86_400, 0).unwrap();
        let expected = two_days_ago.with_timezone(&data::ZONE).date_naive().to_string();
        assert_eq!(customer.success()["customer"]["last_service_date"], expected);
    }
}
