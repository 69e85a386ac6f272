//! Changes said again to the shop's own systems: once while nobody knows whether they were made.

use std::time::Duration;

use rstest::rstest;
use serde_json::{Value, json};

use crate::fake_api::{FakeApi, Fault};
use crate::fake_billing::Billing;
use crate::fake_inventory::Inventory;
use crate::shop::{Database, Shop};

fn bill(customer_id: i64) -> Value {
    let line = json!({"description": "Labor", "quantity": 1, "unit_price": 100});
    json!({"customer_id": customer_id, "line_items": [line]})
}

fn take() -> Value {
    json!({"sku": "OF-1", "delta": -1, "reason": "used"})
}

/// The keys of the changes that were sent, each once.
fn keys(api: &FakeApi) -> Vec<String> {
    let mut keys: Vec<String> = Vec::new();
    for seen in api.seen().iter().filter(|seen| seen.method == "POST") {
        let key = &seen.headers["idempotency-key"];
        if !keys.contains(key) {
            keys.push(key.clone());
        }
    }
    keys
}

async fn pending(shop: &Shop) -> i64 {
    shop.number("select count(*) from remote_changes").await
}

#[rstest]
#[tokio::test]
async fn an_invoice_and_a_payment_whose_answers_were_lost_are_made_once(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    let billing = Billing::start().await;
    let shop = billing.shop(database).await.with_env("BILLING_MAX_RETRIES", "0");
    let id = shop.customer().await;
    billing.lose_answers(2);
    for _ in 0..2 {
        let reply = shop.call("create_invoice", bill(id)).await;
        assert_eq!(reply.refusal(), "upstream_error");
        assert!(reply.envelope["hint"].as_str().unwrap().contains("within 10 minutes"));
        // By another process, too.
        shop.restart().await;
    }
    let made = shop.call("create_invoice", bill(id)).await;
    let first = made.success()["invoice"]["invoice_id"].clone();
    assert_eq!((keys(&billing.api).len(), pending(&shop).await), (1, 0));
    // Its outcome is known, so that the same again is another one.
    let made = shop.call("create_invoice", bill(id)).await;
    assert_ne!(made.success()["invoice"]["invoice_id"], first);
    assert_eq!(keys(&billing.api).len(), 2);

    let pay = json!({"invoice_id": first, "amount": 40, "method": "cash"});
    billing.lose_answers(1);
    let reply = shop.call("create_payment", pay.clone()).await;
    assert_eq!(reply.refusal(), "upstream_error");
    shop.restart().await;
    let reply = shop.call("create_payment", pay.clone()).await;
    assert_eq!(reply.success()["invoice"]["amount_due"], 60.0);
    assert!(shop.call("create_payment", pay).await.is_replayed());
    assert_eq!(billing.invoice("I-1")["amount_paid"], 40.0);
    assert_eq!(keys(&billing.api).len(), 3);
}

#[rstest]
#[tokio::test]
async fn a_payment_counts_once_whatever_the_clock_of_the_service_says(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    let billing = Billing::start().await;
    let shop = billing.shop(database).await;
    let id = shop.customer().await;
    let made = shop.call("create_invoice", bill(id)).await;
    let invoice = made.success()["invoice"]["invoice_id"].clone();
    billing.date_payments("2020-02-03");
    let pay = json!({"invoice_id": invoice, "amount": 40, "method": "cash"});
    let first = shop.call("create_payment", pay.clone()).await;
    assert_eq!(first.success()["invoice"]["amount_due"], 60.0);
    let again = shop.server().await.call("create_payment", pay.clone()).await;
    assert!(again.is_replayed(), "{}", again.envelope);
    assert_eq!(again.success()["payment"], first.success()["payment"]);
    assert_eq!(billing.invoice("I-1")["amount_paid"], 40.0);
    // At once, from two processes.
    let pay = json!({"invoice_id": invoice, "amount": 5, "method": "cash"});
    let mut servers = [shop.server().await, shop.server().await];
    billing.api.delay(Duration::from_millis(100));
    let mut calls = Vec::new();
    for server in &mut servers {
        calls.push(server.send_call("create_payment", pay.clone()).await);
    }
    for (server, call) in servers.iter_mut().zip(calls) {
        server.reply(call).await.success();
    }
    assert_eq!(billing.invoice("I-1")["amount_paid"], 45.0);
    // Ten minutes later it is another one.
    let later = "update remote_changes set last_asked_at = last_asked_at - 601";
    shop.execute_sql(later).await.unwrap();
    assert!(!shop.call("create_payment", pay).await.is_replayed());
    assert_eq!(billing.invoice("I-1")["amount_paid"], 50.0);
}

#[rstest]
#[tokio::test]
async fn stock_whose_answer_was_lost_is_moved_once(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    let inventory = Inventory::start().await;
    let shop = inventory.shop(database).await.with_env("INVENTORY_MAX_RETRIES", "0");
    inventory.lose_answers(1);
    assert_eq!(shop.call("adjust_stock", take()).await.refusal(), "upstream_error");
    // What else is asked for meanwhile has keys of its own.
    let other = json!({"sku": "OF-1", "delta": -2, "reason": "used"});
    let reply = shop.call("adjust_stock", other).await;
    assert_eq!(reply.success()["product"]["stock_quantity"], 4);
    let reply = shop.server().await.call("adjust_stock", take()).await;
    assert_eq!(inventory.product("P-1")["stock_quantity"], 4);
    assert!(!reply.is_error && pending(&shop).await == 0, "{}", reply.envelope);
    let reply = shop.call("adjust_stock", take()).await;
    assert_eq!(reply.success()["product"]["stock_quantity"], 3);
    assert_eq!(keys(&inventory.api).len(), 3);
    // A refusal is an answer, too.
    let all = json!({"sku": "OF-1", "delta": -9, "reason": "used"});
    for _ in 0..2 {
        let reply = shop.call("adjust_stock", all.clone()).await;
        assert_eq!(reply.refusal(), "insufficient_stock");
    }
    assert_eq!((keys(&inventory.api).len(), pending(&shop).await), (5, 0));
}

#[rstest]
#[tokio::test]
async fn a_change_whose_server_died_is_made_once(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    let inventory = Inventory::start().await;
    let shop = inventory.shop(database).await.with_env("INVENTORY_TIMEOUT", "5");
    let mut dying = shop.server().await;
    dying.call("check_stock", json!({"sku": "OF-1"})).await.success();
    inventory.api.delay(Duration::from_millis(200));
    dying.send_call("adjust_stock", take()).await;
    while keys(&inventory.api).is_empty() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    dying.kill().await;
    while inventory.product("P-1")["stock_quantity"] == 7 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let reply = shop.call("adjust_stock", take()).await;
    assert_eq!(reply.success()["product"]["stock_quantity"], 6);
    assert_eq!((keys(&inventory.api).len(), pending(&shop).await), (1, 0));
}

#[tokio::test]
async fn what_was_asked_for_long_ago_is_forgotten() {
    let inventory = Inventory::start().await;
    let shop = inventory.shop(Database::Sqlite).await.with_env("INVENTORY_MAX_RETRIES", "0");
    for column in ["last_asked_at = last_asked_at - 601", "first_asked_at = first_asked_at - 86401"]
    {
        let before = keys(&inventory.api).len();
        shop.call("check_stock", json!({"sku": "OF-1"})).await.success();
        inventory.api.fail(Some(Fault::Status(500)));
        assert_eq!(shop.call("adjust_stock", take()).await.refusal(), "upstream_error");
        shop.execute_sql(&format!("update remote_changes set {column}")).await.unwrap();
        inventory.api.fail(None);
        shop.call("adjust_stock", take()).await.success();
        assert_eq!((keys(&inventory.api).len() - before, pending(&shop).await), (2, 0));
    }
}

/// What a router says that leads nowhere for a moment, and what else says nothing of the try before.
#[rstest]
#[tokio::test]
async fn what_was_lost_and_then_refused_is_made_once(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
    #[values(404, 401, 400)] status: u16,
) {
    let billing = Billing::start().await;
    let shop = billing.shop(database).await.with_env("BILLING_MAX_RETRIES", "0");
    let id = shop.customer().await;
    let made = shop.call("create_invoice", bill(id)).await;
    let invoice = made.success()["invoice"]["invoice_id"].clone();
    let pay = json!({"invoice_id": invoice, "amount": 40, "method": "cash"});
    for (tool, arguments) in [("create_payment", pay), ("create_invoice", bill(id))] {
        let before = keys(&billing.api).len();
        billing.lose_answers(1);
        assert_eq!(shop.call(tool, arguments.clone()).await.refusal(), "upstream_error");
        billing.refuse_changes(Some((status, Value::Null)));
        let reply = shop.call(tool, arguments.clone()).await;
        let code = if status == 401 { "upstream_unauthorized" } else { "upstream_error" };
        assert_eq!(reply.refusal(), code, "{}", reply.envelope);
        let message = reply.envelope["message"].as_str().unwrap();
        assert_eq!(message, "The billing system did not confirm the change.");
        assert!(reply.envelope["error"].as_str().unwrap().contains("may or may not be made"));
        billing.refuse_changes(None);
        shop.call(tool, arguments).await.success();
        assert_eq!(keys(&billing.api).len() - before, 1, "{tool}");
    }
    assert_eq!(billing.invoice("I-1")["amount_paid"], 40.0);
}

#[tokio::test]
async fn stock_that_was_moved_before_the_product_was_not_found_is_moved_once() {
    let inventory = Inventory::start().await;
    let shop = inventory.shop(Database::Sqlite).await.with_env("INVENTORY_MAX_RETRIES", "0");
    shop.call("check_stock", json!({"sku": "OF-1"})).await.success();
    inventory.lose_answers(1);
    assert_eq!(shop.call("adjust_stock", take()).await.refusal(), "upstream_error");
    inventory.refuse_changes(Some((404, Value::Null)));
    assert_eq!(shop.call("adjust_stock", take()).await.refusal(), "upstream_error");
    inventory.refuse_changes(None);
    let reply = shop.call("adjust_stock", take()).await;
    assert_eq!(reply.success()["product"]["stock_quantity"], 6);
    // What was asked for once, and is not there, is known not to be made.
    inventory.refuse_changes(Some((404, Value::Null)));
    assert_eq!(shop.call("adjust_stock", take()).await.refusal(), "product_not_found");
    assert_eq!(pending(&shop).await, 0);
}

/// A model that says a call again leaves out what it made up for it.
#[rstest]
#[tokio::test]
async fn what_was_lost_under_a_key_is_made_once_without_it(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    let billing = Billing::start().await;
    let shop = billing.shop(database).await.with_env("BILLING_MAX_RETRIES", "0");
    let id = shop.customer().await;
    let with_key = |mut arguments: Value, key: &str| {
        arguments["idempotency_key"] = json!(key);
        arguments
    };
    billing.lose_answers(1);
    let reply = shop.call("create_invoice", with_key(bill(id), "k-1")).await;
    assert_eq!(reply.refusal(), "upstream_error");
    let made = shop.server().await.call("create_invoice", bill(id)).await;
    let invoice = made.success()["invoice"]["invoice_id"].clone();
    assert_eq!((keys(&billing.api), pending(&shop).await), (vec!["k-1".to_owned()], 0));

    let pay = json!({"invoice_id": invoice, "amount": 40, "method": "cash"});
    billing.lose_answers(1);
    let reply = shop.call("create_payment", with_key(pay.clone(), "k-2")).await;
    assert_eq!(reply.refusal(), "upstream_error");
    shop.server().await.call("create_payment", pay.clone()).await.success();
    assert_eq!(billing.invoice("I-1")["amount_paid"], 40.0);
    // The key itself is answered as ever, and another one is another payment.
    shop.call("create_payment", with_key(pay.clone(), "k-2")).await.success();
    assert_eq!(billing.invoice("I-1")["amount_paid"], 40.0);
    shop.call("create_payment", with_key(pay, "k-3")).await.success();
    assert_eq!(billing.invoice("I-1")["amount_paid"], 80.0);
    assert_eq!(keys(&billing.api), ["k-1", "k-2", "k-3"]);
}

#[tokio::test]
async fn what_was_never_made_is_not_in_doubt_when_it_is_said_again() {
    let billing = Billing::start().await;
    let shop = billing.shop(Database::Sqlite).await.with_env("BILLING_MAX_RETRIES", "0");
    let id = shop.customer().await;
    billing.api.close().await;
    for _ in 0..2 {
        let reply = shop.call("create_invoice", bill(id)).await;
        assert_eq!(reply.refusal(), "upstream_error");
        let error = reply.envelope["error"].as_str().unwrap();
        assert!(error.ends_with("nothing was changed"), "{error}");
        assert_eq!(pending(&shop).await, 0);
    }
    billing.api.reopen().await;
    billing.refuse_changes(Some((401, Value::Null)));
    for _ in 0..2 {
        let reply = shop.call("create_invoice", bill(id)).await;
        assert_eq!(reply.refusal(), "upstream_unauthorized");
        assert!(reply.envelope["error"].as_str().unwrap().ends_with("nothing was changed"));
    }
}
