//! Invoices that the shop's billing service keeps.

use rstest::rstest;
use serde_json::{Value, json};

use crate::data;
use crate::fake_api::Fault;
use crate::fake_billing::{Billing, invoice};
use crate::shop::{Database, Shop, by_id};

/// What the billing service calls a customer whom no CRM knows.
fn name(customer_id: i64) -> String {
    format!("shop-{customer_id}")
}

fn amounts(data: &Value) -> Vec<f64> {
    let invoices = data["invoices"].as_array().expect("a list");
    invoices.iter().map(|invoice| invoice["amount"].as_f64().unwrap()).collect()
}

/// The number of the customer's only invoice.
async fn only(shop: &Shop, customer_id: i64) -> i64 {
    let reply = shop.call("get_invoices", by_id(customer_id)).await;
    let invoices = reply.success()["invoices"].as_array().unwrap().clone();
    assert_eq!(invoices.len(), 1, "{invoices:#?}");
    invoices[0]["invoice_id"].as_i64().unwrap()
}

#[rstest]
#[tokio::test]
async fn invoices_are_as_the_billing_service_says(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    let billing = Billing::start().await;
    let shop = billing.shop(database).await;
    let id = shop.customer().await;
    let mut told = invoice("I-1", &name(id), 149.95, 5);
    told["amount_paid"] = json!("50.10");
    told["due_date"] = json!("2026-01-31");
    told["payments"] = json!([{"id": 9, "amount": 50.1, "method": "card", "reference": "R-1"}]);
    billing.put(told);
    let number = only(&shop, id).await;
    assert!(number > 1_000_000_000, "{number}");
    let reply = shop.call("get_invoice", json!({"invoice_id": number})).await;
    let data = reply.success();
    for (field, expected) in [
        ("invoice_id", json!(number)),
        ("customer_id", json!(id)),
        ("amount", json!(149.95)),
        ("amount_paid", json!(50.1)),
        ("amount_due", json!(99.85)),
        ("currency", json!("USD")),
        ("status", json!("overdue")),
        ("due_date", json!("2026-01-31")),
        ("created_at", json!("2026-01-05T07:00:00-05:00")),
    ] {
        assert_eq!(data["invoice"][field], expected, "{field}");
    }
    assert_eq!(data["invoice"]["line_items"][0]["description"], "Labor");
    assert_eq!(data["payments"][0]["reference"], "R-1");
    assert_eq!(only(&shop, id).await, number, "it keeps its number");
    let reply = shop.call("lookup_customer", by_id(id)).await;
    assert_eq!(reply.success()["customer"]["lifetime_value"], 50.1);
    let history = shop.call("get_customer_history", by_id(id)).await;
    assert_eq!(amounts(history.success()), [149.95]);
    let unknown = json!({"invoice_id": number + 1});
    assert_eq!(shop.call("get_invoice", unknown).await.refusal(), "invoice_not_found");
}

#[rstest]
#[tokio::test]
async fn a_date_of_the_billing_service_is_the_same_date_in_the_shop(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    let billing = Billing::start().await;
    let shop = billing.shop(database).await;
    let id = shop.customer().await;
    let mut told = invoice("I-1", &name(id), 10.0, 5);
    told["created_at"] = json!("2026-01-05");
    // The last second of the month in New York.
    told["due_date"] = json!("2026-02-01T04:59:59Z");
    billing.put(told);
    let reply = shop.call("get_invoices", by_id(id)).await;
    let invoice = &reply.success()["invoices"][0];
    assert_eq!(invoice["created_at"], "2026-01-05T00:00:00-05:00");
    assert_eq!(invoice["due_date"], "2026-01-31");
}

#[rstest]
#[tokio::test]
async fn invoices_come_by_status_and_in_pages(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    let billing = Billing::start().await;
    let shop = billing.shop(database).await;
    let id = shop.customer().await;
    for day in 1..=5 {
        billing.put(invoice(&format!("I-{day}"), &name(id), f64::from(day), day));
    }
    let mut arguments = json!({"customer_id": id, "limit": 2});
    let mut pages = Vec::new();
    loop {
        let reply = shop.call("get_invoices", arguments.clone()).await;
        pages.push(amounts(reply.success()));
        match reply.success().get("next_cursor") {
            Some(cursor) => arguments["cursor"] = cursor.clone(),
            None => break,
        }
    }
    assert_eq!(pages, [vec![5.0, 4.0], vec![3.0, 2.0], vec![1.0]]);
    let mut void = invoice("I-3", &name(id), 3.0, 3);
    void["status"] = json!("void");
    billing.put(void);
    let reply = shop.call("get_invoices", json!({"customer_id": id, "status": "void"})).await;
    assert_eq!(amounts(reply.success()), [3.0]);
    let reply = shop.call("get_invoices", json!({"customer_id": id, "status": "pending"})).await;
    assert_eq!(amounts(reply.success()), [5.0, 4.0, 2.0, 1.0]);
}

#[rstest]
#[tokio::test]
async fn an_invoice_is_made_and_paid_in_the_billing_service(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    let billing = Billing::start().await;
    let shop = billing.shop(database).await;
    let id = shop.customer().await;
    let new = json!({
        "customer_id": id, "due_date": "2099-01-31", "idempotency_key": "bill-1",
        "line_items": [
            {"description": "Labor", "quantity": 1.5, "unit_price": 80},
            {"description": "Filter", "quantity": 1, "unit_price": 29.95},
        ],
    });
    billing.lose_answers(1);
    let reply = shop.call("create_invoice", new.clone()).await;
    let made = &reply.success()["invoice"];
    assert_eq!((&made["amount"], &made["status"]), (&json!(149.95), &json!("pending")));
    let number = made["invoice_id"].clone();
    let seen = billing.api.seen().pop().unwrap();
    assert_eq!(seen.headers["idempotency-key"], "bill-1");
    assert_eq!(seen.body["customer_id"], name(id));
    assert_eq!(seen.body["amount"], 149.95);
    assert_eq!(billing.invoice("I-1")["line_items"][0]["amount"], 120.0);
    assert!(shop.server().await.call("create_invoice", new).await.is_replayed());
    // A payment; an answer that is lost records no second one.
    let pay = |amount: f64| json!({"invoice_id": number, "amount": amount, "method": "card"});
    billing.lose_answers(1);
    let reply = shop.call("create_payment", pay(100.0)).await;
    assert_eq!(reply.success()["payment"]["amount"], 100.0);
    assert_eq!(reply.success()["invoice"]["amount_due"], 49.95);
    assert_eq!(billing.invoice("I-1")["amount_paid"], 100.0);
    // The same once more is taken for a repetition.
    assert!(shop.call("create_payment", pay(100.0)).await.is_replayed());
    let reply = shop.call("create_payment", pay(50.0)).await;
    assert_eq!(reply.refusal(), "overpayment");
    assert_eq!(reply.envelope["data"]["amount_due"], 49.95);
    let reply = shop.call("create_payment", pay(49.95)).await;
    assert_eq!(reply.success()["invoice"]["status"], "paid");
    let reply = shop.call("get_invoice", json!({"invoice_id": number})).await;
    assert_eq!(reply.success()["payments"].as_array().map(Vec::len), Some(2));
    let reply = shop.call("lookup_customer", by_id(id)).await;
    assert_eq!(reply.success()["customer"]["lifetime_value"], 149.95);
}

const FAULTS: &[(&str, Option<Fault>, &str)] = &[
    ("silence", Some(Fault::Silence), "upstream_timeout"),
    ("reset", Some(Fault::Reset), "upstream_error"),
    ("endless", Some(Fault::Endless), "upstream_error"),
    ("status 500", Some(Fault::Status(500)), "upstream_error"),
    ("status 401", Some(Fault::Status(401)), "upstream_unauthorized"),
    ("status 429", Some(Fault::Limited("120")), "upstream_rate_limited"),
    ("no JSON", Some(Fault::Says("<html>Hello</html>")), "upstream_error"),
    ("another shape", Some(Fault::Says("{\"status\": \"ok\"}")), "upstream_error"),
    (
        "somebody else's",
        Some(Fault::Says(
            "{\"id\": \"I-1\", \"customer_id\": \"C-7\", \"amount\": 1, \"invoices\": []}",
        )),
        "upstream_error",
    ),
    ("refused", None, "upstream_error"),
];

#[rstest]
#[tokio::test]
async fn each_fault_has_its_code_and_leaves_the_last_known_state(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    let billing = Billing::start().await;
    let shop = billing.shop(database).await;
    let (known, unknown) = (shop.customer().await, shop.customer().await);
    billing.put(invoice("I-1", &name(known), 100.0, 5));
    let number = only(&shop, known).await;
    for (fault_name, fault, code) in FAULTS {
        // A process of its own, whose circuit is closed.
        shop.restart().await;
        billing.api.fail(fault.clone());
        if *fault_name == "refused" {
            billing.api.close().await;
        }
        let reply = shop.call("get_invoices", by_id(unknown)).await;
        assert_eq!(reply.refusal(), *code, "{fault_name}: {}", reply.envelope);
        for (tool, arguments) in
            [("get_invoices", by_id(known)), ("get_invoice", json!({"invoice_id": number}))]
        {
            let reply = shop.call(tool, arguments).await;
            assert_eq!(reply.success()["stale"], true, "{fault_name} {tool}");
            assert_eq!(reply.success()["stale_because"], *code, "{fault_name} {tool}");
        }
        let pay = json!({"invoice_id": number, "amount": 1, "method": "cash"});
        assert_eq!(shop.call("create_payment", pay).await.refusal(), *code, "{fault_name}");
    }
    billing.api.fail(None);
    billing.api.reopen().await;
    shop.restart().await;
    let reply = shop.call("get_invoice", json!({"invoice_id": number})).await;
    assert_eq!(reply.success()["invoice"]["amount_paid"], 0.0);
    assert!(reply.success().get("stale").is_none());
}

#[rstest]
#[tokio::test]
async fn invoices_of_the_shops_own_stay_its_own(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    let billing = Billing::start().await;
    let shop = billing.shop(database).await.with_env("BILLING_API_ENDPOINT", "");
    let id = shop.customer().await;
    let new = json!({"customer_id": id,
                     "line_items": [{"description": "Labor", "quantity": 1, "unit_price": 10}]});
    let own = shop.call("create_invoice", new).await.success()["invoice"]["invoice_id"].clone();
    shop.restart().await;
    let shop = shop.with_env("BILLING_API_ENDPOINT", billing.api.url());
    billing.put(invoice("I-1", &name(id), 20.0, 1));
    let reply = shop.call("get_invoices", by_id(id)).await;
    assert_eq!(amounts(reply.success()), [10.0, 20.0]);
    let asked = billing.api.count();
    let pay = json!({"invoice_id": own, "amount": 10, "method": "cash"});
    assert_eq!(shop.call("create_payment", pay).await.success()["invoice"]["status"], "paid");
    assert_eq!(billing.api.count(), asked);
    // Both move with a customer who is merged.
    let other = shop.call("create_customer", data::customer()).await;
    let other = other.success()["customer"]["id"].as_i64().unwrap();
    let merge = json!({"keep_customer_id": other, "merge_customer_id": id});
    let reply = shop.call("merge_customers", merge).await;
    assert_eq!(reply.success()["moved"]["invoices"], 2);
    let reply = shop.call("get_invoices", by_id(id)).await;
    assert_eq!(amounts(reply.success()), [10.0, 20.0]);
}

#[tokio::test]
async fn a_history_says_that_invoices_of_the_service_may_have_changed() {
    let billing = Billing::start().await;
    let shop = billing.shop(Database::Sqlite).await;
    let id = shop.customer().await;
    let history = json!({"customer_id": id});
    let words = " The billing system's invoices are told as it last gave them.";
    let reply = shop.call("get_customer_history", history.clone()).await;
    assert!(!reply.message().contains(words), "{}", reply.message());
    let line = json!({"description": "Labor", "quantity": 1, "unit_price": 100});
    let new = json!({"customer_id": id, "line_items": [line]});
    shop.call("create_invoice", new).await.success();
    let reply = shop.call("get_customer_history", history).await;
    assert!(reply.message().ends_with(words), "{}", reply.message());
    let without = json!({"customer_id": id, "include_invoices": false});
    let reply = shop.call("get_customer_history", without).await;
    assert!(!reply.message().contains(words), "{}", reply.message());
}

#[rstest]
#[tokio::test]
async fn what_cannot_be_used_of_an_invoice_is_named(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    let billing = Billing::start().await;
    let shop = billing.shop(database).await;
    let id = shop.customer().await;
    let told = invoice("I-1", &name(id), 100.0, 5);
    billing.put(told.clone());
    let number = only(&shop, id).await;
    let ask = json!({"invoice_id": number});
    assert!(shop.call("get_invoice", ask.clone()).await.success().get("warnings").is_none());
    let odd = data::with(data::with(told, "due_date", "the 24th"), "status", "frozen");
    billing.put(odd);
    let reply = shop.call("get_invoice", ask).await;
    let warnings = reply.success()["warnings"].as_array().unwrap();
    assert!(warnings.iter().any(|one| one.as_str().unwrap().contains("status")), "{warnings:?}");
    assert!(warnings.iter().any(|one| one.as_str().unwrap().contains("due_date")), "{warnings:?}");
}
