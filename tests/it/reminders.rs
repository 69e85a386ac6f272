//! Reminding customers of their visits.

use rstest::rstest;
use serde_json::{Value, json};

use crate::data::{self, ids, in_minutes, with};
use crate::reply::Reply;
use crate::shop::{Database, Shop, by_id};

async fn due(shop: &Shop, arguments: Value) -> Vec<i64> {
    ids(shop.call("get_due_reminders", arguments).await.success(), "reminders")
}

fn tried(appointment_id: i64, channel: &str, outcome: &str) -> Value {
    json!({ "appointment_id": appointment_id, "channel": channel, "outcome": outcome })
}

async fn record(shop: &Shop, appointment_id: i64, channel: &str, outcome: &str) -> Reply {
    shop.call("record_reminder", tried(appointment_id, channel, outcome)).await
}

async fn visit_in(shop: &Shop, minutes: i64) -> i64 {
    shop.appointment(shop.owner().await, &in_minutes(minutes)).await
}

#[rstest]
#[tokio::test]
async fn a_due_reminder_is_told_whole(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    let shop = Shop::open_all_day(database, "").await;
    let customer = with(data::customer(), "email", "john@example.com");
    let customer = shop.call("create_customer", customer).await.success()["customer"].clone();
    let owner = shop.owner_of_another_vehicle(customer["id"].as_i64().unwrap()).await;
    let id = shop.appointment(owner, &in_minutes(90)).await;
    let reply = shop.call("get_due_reminders", json!({})).await;
    assert!(reply.success()["now"].is_string());
    let row = &reply.success()["reminders"][0];
    assert_eq!(row["appointment_id"], id);
    assert_eq!(row["customer_id"], owner.customer_id);
    assert_eq!(row["customer_name"], "John Doe");
    assert_eq!(row["phone_number"], customer["phone_number"]);
    assert_eq!(row["email"], "john@example.com");
    assert_eq!(row["vehicle_description"], "2020 Honda Accord");
    assert_eq!(row["service_type"], "oil_change");
    assert!(row["scheduled_at"].is_string());
    let (said, when) = (row["message"].as_str().unwrap(), row["when"].as_str().unwrap());
    assert!(said.contains("John") && said.contains(when), "{said}");
    assert!(said.contains("oil change") && said.contains("2020 Honda Accord"), "{said}");
}

#[rstest]
#[tokio::test]
async fn reminders_are_due_within_the_hours(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    let shop = Shop::open_all_day(database, "").await;
    let mut booked = Vec::new();
    for minutes in [62, 3 * 60 - 5, 3 * 60 + 58, 24 * 60 - 2, 24 * 60 + 62, 2 * 24 * 60] {
        booked.push(visit_in(&shop, minutes).await);
    }
    for (hours, count) in [(1, 0), (2, 1), (3, 2), (4, 3), (24, 4), (26, 5), (2160, 6)] {
        let found = due(&shop, json!({ "within_hours": hours })).await;
        assert_eq!(found, booked[..count], "{hours}");
    }
    assert_eq!(due(&shop, json!({})).await, booked[..4]);
    assert_eq!(due(&shop, json!({ "limit": 2 })).await, booked[..2]);
}

#[rstest]
#[tokio::test]
async fn what_is_begun_over_or_cancelled_is_not_due(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    let shop = Shop::open_all_day(database, "").await;
    let mut booked = Vec::new();
    for (hour, status) in (2..).zip(["confirmed", "in_progress", "completed", "no_show"]) {
        let id = visit_in(&shop, hour * 60).await;
        let step = json!({ "appointment_id": id, "status": status });
        shop.call("update_appointment_status", step).await.success();
        booked.push(id);
    }
    let cancelled = visit_in(&shop, 8 * 60).await;
    let cancel = json!({ "appointment_id": cancelled, "reason": "ill" });
    shop.call("cancel_appointment", cancel).await.success();
    assert_eq!(due(&shop, json!({})).await, booked[..1], "only the confirmed one");
    shop.execute_sql(
        "update appointments set starts_at = 1000, ends_at = 2000, \
        reserved_until = 2000 where status = 'confirmed'",
    )
    .await
    .unwrap();
    assert_eq!(due(&shop, json!({ "within_hours": 2160 })).await, [0; 0], "nothing that is past");
}

#[rstest]
#[case("reached", true)]
#[case("voicemail", true)]
#[case("no_answer", false)]
#[case("failed", false)]
#[tokio::test]
async fn who_was_reached_is_no_longer_due(
    #[case] outcome: &str,
    #[case] is_confirmed: bool,
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    let shop = Shop::open_all_day(database, "").await;
    let id = visit_in(&shop, 120).await;
    let reply = record(&shop, id, "call", outcome).await;
    assert_eq!(reply.success()["appointment_id"], id);
    assert_eq!(reply.success()["confirmation_sent"], is_confirmed);
    assert_eq!(due(&shop, json!({})).await.is_empty(), is_confirmed);
    let found = shop.call("search_appointments", json!({})).await;
    assert_eq!(found.success()["appointments"][0]["confirmation_sent"], is_confirmed);
    assert_eq!(found.success()["appointments"][0]["status"], "scheduled");
}

#[rstest]
#[tokio::test]
async fn every_attempt_is_listed_oldest_first(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    let shop = Shop::open_all_day(database, "").await;
    let (id, other) = (visit_in(&shop, 120).await, visit_in(&shop, 240).await);
    record(&shop, other, "email", "failed").await.success();
    let attempts =
        [("call", "no_answer"), ("sms", "failed"), ("email", "reached"), ("call", "no_answer")];
    for (count, (channel, outcome)) in (1..).zip(attempts) {
        let reply = record(&shop, id, channel, outcome).await;
        let listed = reply.success()["reminders"].as_array().unwrap();
        let listed: Vec<_> =
            listed.iter().map(|it| (it["channel"].clone(), it["outcome"].clone())).collect();
        let expected: Vec<_> = attempts[..count]
            .iter()
            .map(|(channel, outcome)| (json!(channel), json!(outcome)))
            .collect();
        assert_eq!(listed, expected);
        assert_eq!(reply.success()["confirmation_sent"], count >= 3, "who was reached stays so");
        assert!(reply.success()["reminders"][0]["at"].is_string());
    }
    assert_eq!(due(&shop, json!({})).await, [other]);
}

#[rstest]
#[tokio::test]
async fn a_moved_visit_is_to_be_reminded_of_anew(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    let shop = Shop::open_all_day(database, "").await;
    let owner = shop.owner().await;
    let start = in_minutes(120);
    let id = shop.appointment(owner, &start).await;
    record(&shop, id, "sms", "reached").await.success();
    let sent = async || {
        let reply = shop.call("get_upcoming_appointments", by_id(owner.customer_id)).await;
        reply.success()["appointments"][0]["confirmation_sent"].clone()
    };
    let stay = json!({ "appointment_id": id, "new_datetime": start });
    shop.call("reschedule_appointment", stay).await.success();
    assert_eq!(sent().await, true, "it is where it was");
    let to = json!({ "appointment_id": id, "new_datetime": in_minutes(240) });
    shop.call("reschedule_appointment", to).await.success();
    assert_eq!(sent().await, false);
    assert_eq!(due(&shop, json!({})).await, [id]);
    record(&shop, id, "sms", "voicemail").await.success();
    let shift = json!({ "action": "reschedule", "from": "today", "to": "today", "shift_days": 1,
                        "dry_run": false });
    assert_eq!(shop.call("bulk_update_appointments", shift).await.success()["changed"], 1);
    assert_eq!(sent().await, false);
}

#[rstest]
#[tokio::test]
async fn reminders_have_their_refusals(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    let shop = Shop::open_all_day(database, "").await;
    let id = visit_in(&shop, 120).await;
    for arguments in [
        tried(id, "fax", "reached"),
        tried(id, "call", "busy"),
        json!({ "appointment_id": id, "channel": "call" }),
        json!({ "channel": "call", "outcome": "reached" }),
    ] {
        let reply = shop.call("record_reminder", arguments.clone()).await;
        assert_eq!(reply.refusal(), "invalid_argument", "{arguments}");
    }
    for arguments in [
        json!({ "within_hours": 0 }),
        json!({ "within_hours": 2161 }),
        json!({ "limit": 0 }),
        json!({ "limit": 101 }),
    ] {
        let reply = shop.call("get_due_reminders", arguments.clone()).await;
        assert_eq!(reply.refusal(), "invalid_argument", "{arguments}");
    }
    assert_eq!(record(&shop, 987_654, "call", "reached").await.refusal(), "appointment_not_found");
    let cancel = json!({ "appointment_id": id, "reason": "ill" });
    shop.call("cancel_appointment", cancel).await.success();
    assert_eq!(record(&shop, id, "call", "reached").await.refusal(), "appointment_cancelled");
    let done = visit_in(&shop, 120).await;
    let completed = json!({ "appointment_id": done, "status": "completed" });
    shop.call("update_appointment_status", completed).await.success();
    assert_eq!(record(&shop, done, "call", "reached").await.refusal(), "appointment_closed");
    assert_eq!(shop.number("select count(*) from reminders").await, 0);
}
