//! Changes that the shop's own systems refuse: told as what they are, and as nothing else.

use rstest::rstest;
use serde_json::{Value, json};

use crate::fake_billing::Billing;
use crate::fake_inventory::Inventory;
use crate::shop::Database;

#[rstest]
#[tokio::test]
async fn a_payment_is_too_much_only_where_the_service_or_the_invoice_says_so(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    let billing = Billing::start().await;
    let shop = billing.shop(database).await;
    let id = shop.customer().await;
    let line = json!({"description": "Labor", "quantity": 1, "unit_price": 100});
    let new = json!({"customer_id": id, "line_items": [line]});
    let made = shop.call("create_invoice", new.clone()).await;
    let number = made.success()["invoice"]["invoice_id"].clone();
    let cases = [
        (10, json!({"error": "the period is closed"}), "upstream_error"),
        (11, Value::Null, "upstream_error"),
        (12, json!({"error": {"code": "OVERPAYMENT"}}), "overpayment"),
        (101, json!({"error": "no"}), "overpayment"),
    ];
    for (amount, body, code) in cases {
        billing.refuse_changes(Some((409, body.clone())));
        let pay = json!({"invoice_id": number, "amount": amount, "method": "cash"});
        let reply = shop.call("create_payment", pay).await;
        assert_eq!(reply.refusal(), code, "{body}: {}", reply.envelope);
        let due = reply.envelope["data"].get("amount_due");
        assert_eq!(due, (amount == 101).then_some(&json!(100.0)), "{body}");
    }
    // A key that the service knows from elsewhere.
    billing.refuse_changes(Some((409, json!({"title": "Idempotency-Key reused"}))));
    let mut pay = json!({"invoice_id": number, "amount": 13, "method": "cash"});
    assert_eq!(shop.call("create_payment", pay.clone()).await.refusal(), "upstream_error");
    pay["idempotency_key"] = json!("k");
    assert_eq!(shop.call("create_payment", pay).await.refusal(), "idempotency_conflict");
    for status in [404, 409] {
        billing.refuse_changes(Some((status, json!({"error": "no"}))));
        let reply = shop.call("create_invoice", new.clone()).await;
        assert_eq!(reply.refusal(), "upstream_error", "{status}");
        assert!(reply.message().contains("nothing was changed"), "{status}");
    }
}

#[rstest]
#[tokio::test]
async fn stock_is_too_little_only_where_the_service_or_the_stock_says_so(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    let inventory = Inventory::start().await;
    let shop = inventory.shop(database).await;
    let cases = [
        (-1, json!({"error": "locked while it is counted"}), "upstream_error"),
        (-2, Value::Null, "upstream_error"),
        (2, json!({"code": "INSUFFICIENT_STOCK"}), "upstream_error"),
        (-3, json!({"code": "INSUFFICIENT_STOCK"}), "insufficient_stock"),
        (-8, json!({"error": "no"}), "insufficient_stock"),
    ];
    for (delta, body, code) in cases {
        inventory.refuse_changes(Some((409, body.clone())));
        let change = json!({"sku": "OF-1", "delta": delta, "reason": "used"});
        let reply = shop.call("adjust_stock", change).await;
        assert_eq!(reply.refusal(), code, "{body}: {}", reply.envelope);
    }
    // A new product cannot be one that is not found.
    for status in [404, 409] {
        inventory.refuse_changes(Some((status, json!({"error": "no"}))));
        let new = json!({"sku": "BP-1", "name": "Brake Pad", "price": 49.95});
        let reply = shop.call("create_product", new).await;
        assert_eq!(reply.refusal(), "upstream_error", "{status}: {}", reply.envelope);
    }
    let new = json!({"sku": "OF-1", "name": "Oil Filter", "price": 12});
    assert_eq!(shop.call("create_product", new).await.refusal(), "already_exists");
}

#[rstest]
#[tokio::test]
async fn a_payment_is_recorded_only_where_the_service_does_not_say_the_opposite(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    let billing = Billing::start().await;
    let shop = billing.shop(database).await;
    let id = shop.customer().await;
    let line = json!({"description": "Labor", "quantity": 1, "unit_price": 100});
    let new = json!({"customer_id": id, "line_items": [line]});
    let made = shop.call("create_invoice", new.clone()).await;
    let number = made.success()["invoice"]["invoice_id"].clone();
    let before = billing.invoice("I-1");
    let pay = |amount: i64| json!({"invoice_id": number, "amount": amount, "method": "card"});
    let said = |amount: i64, status: &str| json!({"payment_id": format!("Y-{amount}"), "amount": amount, "status": status});
    let cases = [
        (10, json!({"payment": said(10, "failed"), "invoice": before}), "nothing was changed"),
        (11, said(11, "declined"), "nothing was changed"),
        (12, json!({"success": false, "payment": said(12, "")}), "nothing was changed"),
        (13, json!({"payment": said(13, "processing"), "invoice": before}), "did not confirm"),
    ];
    for (amount, body, words) in cases {
        billing.refuse_changes(Some((201, body)));
        let reply = shop.call("create_payment", pay(amount)).await;
        assert_eq!(reply.refusal(), "upstream_error", "{}", reply.envelope);
        assert!(reply.message().contains(words), "{}", reply.envelope);
    }
    // An invoice that is told as it was before the payment does not take it back.
    billing.refuse_changes(Some((201, json!({"payment": said(14, "ok"), "invoice": before}))));
    let reply = shop.call("create_payment", pay(14)).await;
    assert_eq!(reply.success()["invoice"]["amount_due"], 86.0);
    billing.refuse_changes(Some((200, json!({"success": false, "error": "closed"}))));
    let reply = shop.call("create_invoice", new).await;
    assert_eq!(reply.refusal(), "upstream_error");
    assert!(reply.message().contains("nothing was changed"), "{}", reply.envelope);
}
