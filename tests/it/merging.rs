//! Making one customer of two.

use chrono::Weekday;
use rstest::rstest;
use serde_json::{Value, json};

use crate::data::{self, at, next_weekday, with};
use crate::shop::{Database, Owner, Shop, by_id};

fn merge(keep: i64, merged: i64) -> Value {
    json!({ "keep_customer_id": keep, "merge_customer_id": merged })
}

async fn created(shop: &Shop, arguments: Value) -> i64 {
    shop.call("create_customer", arguments).await.success()["customer"]["id"].as_i64().unwrap()
}

async fn looked_up(shop: &Shop, field: &str, value: impl Into<Value>) -> Value {
    let reply = shop.call("lookup_customer", with(json!({}), field, value)).await;
    reply.success()["customer"].clone()
}

async fn open_ticket(shop: &Shop, customer_id: i64) {
    let ticket = json!({ "customer_id": customer_id, "subject": "Call back" });
    shop.call("create_ticket", ticket).await.success();
}

#[rstest]
#[tokio::test]
async fn everything_of_the_merged_customer_moves(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    let shop = Shop::open(database).await.with_env("SHOP_BAYS", "2");
    let friday = next_weekday(Weekday::Fri, 1);
    let kept = shop.owner().await;
    let merged = shop.owner().await;
    let second = shop.owner_of_another_vehicle(merged.customer_id).await;
    shop.appointment(kept, &at(friday, "09:00")).await;
    let first_visit = shop.appointment(merged, &at(friday, "10:00")).await;
    let cancelled = shop.appointment(second, &at(friday, "13:00")).await;
    let cancel = json!({ "appointment_id": cancelled, "reason": "ill" });
    shop.call("cancel_appointment", cancel).await.success();
    open_ticket(&shop, kept.customer_id).await;
    open_ticket(&shop, merged.customer_id).await;

    let reply = shop.call("merge_customers", merge(kept.customer_id, merged.customer_id)).await;
    let data = reply.success();
    assert_eq!(
        data["moved"],
        json!({ "vehicles": 2, "appointments": 2, "tickets": 1, "invoices": 0 })
    );
    let told = "are one now; 2 vehicles, 2 appointments, 1 ticket and 0 invoices were moved.";
    assert!(reply.message().ends_with(told), "{}", reply.message());
    let customer = &data["customer"];
    assert_eq!(customer["id"], kept.customer_id);
    assert_eq!(customer["open_tickets"], 2);
    let vehicles = customer["vehicles"].as_array().unwrap();
    let primary: Vec<_> = vehicles.iter().filter(|v| v["is_primary_vehicle"] == true).collect();
    assert_eq!(vehicles.len(), 3);
    assert_eq!(primary.len(), 1);
    assert_eq!(primary[0]["id"], kept.vehicle_id);
    assert_eq!(*customer, looked_up(&shop, "customer_id", kept.customer_id).await);

    // The merged number keeps answering, everywhere.
    assert_eq!(*customer, looked_up(&shop, "customer_id", merged.customer_id).await);
    let upcoming = shop.call("get_upcoming_appointments", by_id(merged.customer_id)).await;
    assert_eq!(upcoming.success()["customer_id"], kept.customer_id);
    assert!(data::ids(upcoming.success(), "appointments").contains(&first_visit));
    let tickets = shop.call("get_customer_tickets", by_id(merged.customer_id)).await;
    assert_eq!(tickets.success()["total_count"], 2);
    let visit = data::visit(
        Owner { customer_id: merged.customer_id, vehicle_id: kept.vehicle_id },
        &at(friday, "15:00"),
    );
    let booked = shop.call("book_appointment", visit).await;
    assert_eq!(booked.success()["customer_id"], kept.customer_id);
    for table in ["vehicles", "appointments", "tickets"] {
        let left =
            format!("select count(*) from {table} where customer_id = {}", merged.customer_id);
        assert_eq!(shop.number(&left).await, 0, "{table}");
    }
}

#[rstest]
#[tokio::test]
async fn the_kept_customer_takes_over_what_it_lacks(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    let shop = Shop::open(database).await;
    let kept = with(data::customer(), "preferences", json!({"contact": "call"}));
    let kept = created(&shop, with(kept, "notes", "Has a dog.")).await;
    let phone = data::phone();
    let merged = with(data::customer_with_phone(&phone), "email", "ann@example.com");
    let merged = with(merged, "preferences", json!({"contact": "text", "coffee": true}));
    let merged = created(&shop, with(merged, "notes", "Pays in cash.")).await;
    let reply = shop.call("merge_customers", merge(kept, merged)).await;
    let customer = &reply.success()["customer"];
    assert_eq!(customer["email"], "ann@example.com");
    assert_eq!(customer["preferences"], json!({"contact": "call", "coffee": true}));
    let notes = customer["notes"].as_str().unwrap();
    assert!(notes.contains("Has a dog.") && notes.contains("Pays in cash."), "{notes}");
    // Each way that led to the merged customer leads to the kept one.
    assert_eq!(looked_up(&shop, "phone_number", phone.clone()).await, *customer);
    assert_eq!(looked_up(&shop, "email", "Ann@example.com").await, *customer);
    let taken = shop.call("create_customer", data::customer_with_phone(&phone)).await;
    assert_eq!(taken.refusal(), "already_exists");
    assert_eq!(taken.envelope["data"]["customer_id"], kept);
    // The address can become the customer's own again after it was given up.
    for address in ["new@example.com", "ann@example.com"] {
        let updates = json!({ "customer_id": kept, "updates": { "email": address } });
        shop.call("update_customer", updates).await.success();
        assert_eq!(looked_up(&shop, "email", address).await["id"], kept);
    }
}

#[rstest]
#[tokio::test]
async fn a_number_that_both_shared_finds_the_one_with_each_vehicle_once(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    let shop = Shop::open(database).await;
    let phone = data::phone();
    let first = created(&shop, data::customer_with_phone(&phone)).await;
    let second = with(data::customer_with_phone(&phone), "allow_shared_phone", true);
    let second = created(&shop, second).await;
    shop.owner_of_another_vehicle(first).await;
    shop.owner_of_another_vehicle(second).await;
    shop.call("merge_customers", merge(second, first)).await.success();
    let customer = looked_up(&shop, "phone_number", phone).await;
    assert_eq!(customer["id"], second);
    assert_eq!(customer["vehicles"].as_array().unwrap().len(), 2, "{customer}");
}

#[rstest]
#[tokio::test]
async fn merges_follow_one_another(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    let shop = Shop::open(database).await;
    let [a, b, c] = [shop.customer().await, shop.customer().await, shop.customer().await];
    shop.call("merge_customers", merge(b, a)).await.success();
    shop.call("merge_customers", merge(c, b)).await.success();
    for id in [a, b, c] {
        assert_eq!(looked_up(&shop, "customer_id", id).await["id"], c);
    }
    // They are one already, whichever way it is said.
    for (keep, merged) in [(c, a), (a, c), (a, b)] {
        let again = shop.call("merge_customers", merge(keep, merged)).await;
        assert_eq!(again.success()["customer"]["id"], c);
        assert_eq!(again.success()["moved"]["vehicles"], 0);
    }
}

#[rstest]
#[tokio::test]
async fn what_cannot_be_merged_is_refused(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    let shop = Shop::open(database).await;
    let id = shop.customer().await;
    for (arguments, code) in [
        (merge(id, id), "invalid_argument"),
        (merge(id, id + 99), "customer_not_found"),
        (merge(id + 99, id), "customer_not_found"),
        (json!({ "keep_customer_id": id }), "invalid_argument"),
    ] {
        let reply = shop.call("merge_customers", arguments.clone()).await;
        assert_eq!(reply.refusal(), code, "{arguments}");
    }
    assert_eq!(looked_up(&shop, "customer_id", id).await["id"], id);
}

#[rstest]
#[tokio::test]
async fn crossing_merges_of_several_processes_leave_one_customer(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    let shop = Shop::open(database).await;
    let [a, b] = [shop.owner().await, shop.owner().await];
    let mut servers = [shop.server().await, shop.server().await];
    let pairs = [(a.customer_id, b.customer_id), (b.customer_id, a.customer_id)];
    let mut calls = Vec::new();
    for (server, (keep, merged)) in servers.iter_mut().zip(pairs) {
        calls.push(server.send_call("merge_customers", merge(keep, merged)).await);
    }
    for (server, call) in servers.iter_mut().zip(calls) {
        server.reply(call).await.success();
    }
    let one = looked_up(&shop, "customer_id", a.customer_id).await;
    assert_eq!(one["vehicles"].as_array().unwrap().len(), 2);
    assert_eq!(one["id"], looked_up(&shop, "customer_id", b.customer_id).await["id"]);
    assert_eq!(shop.number("select count(*) from customers where merged_into is null").await, 1);
}

#[rstest]
#[tokio::test]
async fn nothing_that_the_merged_record_says_gets_lost(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    let shop = Shop::open(database).await;
    let mut ids = Vec::new();
    for letter in ["a", "b"] {
        let preferences: serde_json::Map<String, Value> =
            (0..40).map(|n| (format!("{letter}{n}"), json!(n))).collect();
        let customer = with(data::customer(), "preferences", Value::Object(preferences));
        ids.push(created(&shop, with(customer, "notes", letter.repeat(4_000))).await);
    }
    let (kept, merged) = (ids[0], ids[1]);
    let blocked = json!({"account_status": "blocked", "tier": "gold"});
    let blocked = json!({"customer_id": merged, "updates": blocked});
    shop.call("update_customer", blocked).await.success();
    let reply = shop.call("merge_customers", merge(kept, merged)).await;
    let customer = &reply.success()["customer"];
    assert_eq!(customer["notes"].as_str().unwrap().len(), 8_002);
    assert_eq!(customer["account_status"], "blocked");
    assert_eq!(customer["tier"], "gold");
    let warnings = reply.success()["warnings"].to_string();
    assert!(warnings.contains("was blocked"), "{warnings}");
    // More preferences than a customer may be given, but they can be changed and taken away.
    let update = async |preferences: Value| {
        let updates = json!({"customer_id": kept, "updates": {"preferences": preferences}});
        shop.call("update_customer", updates).await
    };
    update(json!({"a1": null, "a2": "x"})).await.success();
    assert_eq!(update(json!({"c": 1})).await.refusal(), "invalid_argument");
}

#[tokio::test]
async fn notes_that_are_too_long_for_one_record_are_not_merged() {
    let shop = Shop::open(Database::Sqlite).await;
    let kept = created(&shop, data::customer()).await;
    let notes = async |letter: String| {
        created(&shop, with(data::customer(), "notes", letter.repeat(3_999))).await
    };
    for letter in 'a'..'j' {
        let merged = notes(letter.to_string()).await;
        shop.call("merge_customers", merge(kept, merged)).await.success();
    }
    let one_more = notes("z".to_owned()).await;
    let reply = shop.call("merge_customers", merge(kept, one_more)).await;
    assert_eq!(reply.refusal(), "invalid_argument");
    assert!(reply.error().contains("too long to be joined"), "{}", reply.error());
    assert_eq!(looked_up(&shop, "customer_id", one_more).await["id"], one_more);
}
