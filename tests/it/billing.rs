//! Invoices: making, listing and reading them.

use chrono::{Days, Weekday};
use rstest::rstest;
use serde_json::{Value, json};

use crate::data::{self, at, next_weekday, with, without};
use crate::reply::Reply;
use crate::shop::{Database, Shop, by_id};

/// What `create_invoice` needs for 149.95 in the shop's currency.
pub fn invoice(customer_id: i64) -> Value {
    json!({
        "customer_id": customer_id,
        "line_items": [{ "description": "Oil change", "quantity": 1, "unit_price": 149.95 }],
    })
}

/// The number of a new invoice over 149.95.
pub async fn invoiced(shop: &Shop, customer_id: i64) -> i64 {
    id_of(&shop.call("create_invoice", invoice(customer_id)).await)
}

/// The number of the invoice in a reply.
pub fn id_of(reply: &Reply) -> i64 {
    reply.success()["invoice"]["invoice_id"].as_i64().unwrap()
}

/// What `create_payment` needs.
pub fn payment(invoice_id: i64, amount: impl Into<Value>) -> Value {
    json!({ "invoice_id": invoice_id, "amount": amount.into(), "method": "card" })
}

fn with_lines(customer_id: i64, lines: Value) -> Value {
    with(invoice(customer_id), "line_items", lines)
}

/// The numbers of the invoices in a list.
async fn listed(shop: &Shop, arguments: Value) -> Vec<i64> {
    let reply = shop.call("get_invoices", arguments).await;
    let invoices = reply.success()["invoices"].as_array().unwrap().clone();
    invoices.iter().map(|invoice| invoice["invoice_id"].as_i64().unwrap()).collect()
}

#[rstest]
#[tokio::test]
async fn an_invoice_comes_to_its_lines(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    let shop = Shop::open(database).await;
    let owner = shop.owner().await;
    let visit = shop.appointment(owner, &at(next_weekday(Weekday::Fri, 1), "10:00")).await;
    let product =
        json!({ "sku": "OF-1", "name": "Oil filter", "price": 12.95, "stock_quantity": 3 });
    shop.call("create_product", product).await.success();
    let lines = json!([
        { "description": "Loyal customer", "quantity": 1, "unit_price": -10 },
        { "description": "Labor", "quantity": 1.5, "unit_price": 99.99 },
        { "description": "Oil filter", "quantity": "2", "unit_price": "12.95", "sku": "of-1" },
    ]);
    let arguments = with(with_lines(owner.customer_id, lines), "appointment_id", visit);
    let arguments = with(arguments, "due_date", "2099-01-15");
    let reply = shop.call("create_invoice", arguments).await;
    let made = &reply.success()["invoice"];
    let expected = json!([
        { "description": "Loyal customer", "quantity": 1, "unit_price": -10.0, "amount": -10.0 },
        { "description": "Labor", "quantity": 1.5, "unit_price": 99.99, "amount": 149.99 },
        { "description": "Oil filter", "quantity": 2, "unit_price": 12.95, "amount": 25.9,
          "sku": "of-1" },
    ]);
    assert_eq!(made["line_items"], expected, "in their order");
    assert_eq!(made["amount"], 165.89);
    assert_eq!(made["amount_paid"], 0.0);
    assert_eq!(made["amount_due"], 165.89);
    assert_eq!(made["currency"], "USD");
    assert_eq!(made["status"], "pending");
    assert_eq!(made["due_date"], "2099-01-15");
    assert_eq!(made["appointment_id"], visit);
    assert_eq!(made["customer_id"], owner.customer_id);
    assert!(reply.message().contains("165.89 USD"), "{}", reply.message());
    let read = shop.call("get_invoice", json!({ "invoice_id": made["invoice_id"] })).await;
    assert_eq!(read.success()["invoice"], *made);
    assert_eq!(read.success()["payments"], json!([]));
    let stock = shop.call("check_stock", json!({ "sku": "OF-1" })).await;
    assert_eq!(stock.success()["stock_quantity"], 3, "an invoice takes nothing out of stock");
}

#[rstest]
#[tokio::test]
async fn an_invoice_is_refused_for_what_is_wrong_with_it(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    let shop = Shop::open(database).await;
    let (ann, bob) = (shop.owner().await, shop.customer().await);
    let visit = shop.appointment(ann, &at(next_weekday(Weekday::Fri, 1), "10:00")).await;
    let line = json!({ "description": "Labor", "quantity": 1, "unit_price": 5 });
    let one =
        |field: &str, value: Value| with_lines(bob, json!([with(line.clone(), field, value)]));
    for (arguments, code, told) in [
        (invoice(987_654), "customer_not_found", "987654"),
        (with(invoice(bob), "appointment_id", 987_654), "appointment_not_found", "987654"),
        (with(invoice(bob), "appointment_id", visit), "invalid_argument", "appointment_id"),
        (one("sku", json!("none")), "product_not_found", "none"),
        (with_lines(bob, json!([])), "invalid_argument", "1 to 100"),
        (with_lines(bob, json!(vec![line.clone(); 101])), "invalid_argument", "100"),
        (
            with_lines(bob, json!([without(line.clone(), "quantity")])),
            "invalid_argument",
            "quantity",
        ),
        (one("price", json!(1)), "invalid_argument", "price"),
        (one("unit_price", json!(-1)), "invalid_argument", "less than nothing"),
        (
            one("unit_price", json!(1.005)),
            "invalid_argument",
            "line_items[0].unit_price must have at most 2 digits",
        ),
        (one("unit_price", json!(1e12)), "invalid_argument", "unit_price must be from"),
        (one("unit_price", json!(true)), "invalid_argument", "unit_price must be a number"),
        (one("quantity", json!(0)), "invalid_argument", "quantity must be from"),
        (one("quantity", json!(1.0001)), "invalid_argument", "at most 3 digits"),
        (one("description", json!("a\u{0}")), "invalid_argument", "control character"),
        (with(invoice(bob), "currency", "Dollar"), "invalid_argument", "currency"),
        (with(invoice(bob), "due_date", "2027-02-30"), "invalid_argument", "due_date"),
    ] {
        let reply = shop.call("create_invoice", arguments.clone()).await;
        assert_eq!(reply.refusal(), code, "{arguments}");
        assert!(reply.error().contains(told), "{}", reply.error());
    }
    // A hundred times the highest price is still no amount.
    let dear = json!({ "description": "Gold", "quantity": 100_000, "unit_price": 100_000_000 });
    let reply = shop.call("create_invoice", with_lines(bob, json!([dear]))).await;
    assert_eq!(reply.refusal(), "invalid_argument");
    assert!(listed(&shop, by_id(bob)).await.is_empty(), "nothing was made");
}

#[rstest]
#[tokio::test]
async fn currencies_have_their_own_digits(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    let shop = Shop::open(database).await.with_env("SHOP_CURRENCY", "JPY");
    let id = shop.customer().await;
    for (currency, price, expected) in [
        (None, json!(1500), json!(1500)),
        (Some("kwd"), json!(1.234), json!(1.234)),
        (Some("USD"), json!(0.29), json!(0.29)),
    ] {
        let line = json!({ "description": "Part", "quantity": 1, "unit_price": price });
        let mut arguments = with_lines(id, json!([line]));
        if let Some(currency) = currency {
            arguments = with(arguments, "currency", currency);
        }
        let reply = shop.call("create_invoice", arguments).await;
        let made = &reply.success()["invoice"];
        assert_eq!(made["amount"], expected);
        assert_eq!(made["currency"], currency.unwrap_or("JPY").to_uppercase());
        let paid = shop.call("create_payment", payment(id_of(&reply), price)).await;
        assert_eq!(paid.success()["payment"]["amount"], expected);
        assert_eq!(paid.success()["invoice"]["status"], "paid");
    }
    // What was paid in other currencies is no part of a sum in yen.
    let customer = shop.call("lookup_customer", by_id(id)).await;
    assert_eq!(customer.success()["customer"]["lifetime_value"], 1500);
}

#[rstest]
#[tokio::test]
async fn invoices_are_listed_by_status_and_page(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    let shop = Shop::open(database).await;
    let id = shop.customer().await;
    let due = |day: chrono::NaiveDate| with(invoice(id), "due_date", day.to_string());
    let yesterday = data::today() - Days::new(1);
    let overdue = id_of(&shop.call("create_invoice", due(yesterday)).await);
    let today = id_of(&shop.call("create_invoice", due(data::today())).await);
    let open = invoiced(&shop, id).await;
    let paid = id_of(&shop.call("create_invoice", due(yesterday)).await);
    shop.call("create_payment", payment(paid, 149.95)).await.success();
    let nothing = json!([{ "description": "Warranty", "quantity": 1, "unit_price": 0 }]);
    let free = id_of(&shop.call("create_invoice", with_lines(id, nothing)).await);
    let [draft, void] = [invoiced(&shop, id).await, invoiced(&shop, id).await];
    // Another program may keep drafts and void ones.
    for (status, id) in [("draft", draft), ("void", void)] {
        let sql = format!("update invoices set status = '{status}' where id = {id}");
        shop.execute_sql(&sql).await.unwrap();
    }
    let of = |status: &str| with(by_id(id), "status", status);
    assert_eq!(listed(&shop, of("overdue")).await, [overdue]);
    assert_eq!(listed(&shop, of("pending")).await, [open, today]);
    assert_eq!(listed(&shop, of("paid")).await, [free, paid]);
    assert_eq!(listed(&shop, of("draft")).await, [draft]);
    assert_eq!(listed(&shop, of("void")).await, [void]);
    assert_eq!(listed(&shop, by_id(id)).await, [void, draft, free, paid, open, today, overdue]);

    let mut arguments = with(by_id(id), "limit", 3);
    let mut pages = Vec::new();
    loop {
        let reply = shop.call("get_invoices", arguments.clone()).await;
        pages.push(reply.success()["invoices"].as_array().unwrap().len());
        let Some(cursor) = reply.success().get("next_cursor") else { break };
        arguments = with(arguments, "cursor", cursor.clone());
    }
    assert_eq!(pages, [3, 3, 1]);
    let cursor = with(of("paid"), "cursor", arguments["cursor"].clone());
    let reply = shop.call("get_invoices", cursor).await;
    assert_eq!(reply.refusal(), "invalid_argument", "a cursor of another question");
    assert_eq!(shop.call("get_invoices", by_id(987_654)).await.refusal(), "customer_not_found");
    assert_eq!(shop.call("get_invoices", of("open")).await.refusal(), "invalid_argument");
    let missing = shop.call("get_invoice", json!({ "invoice_id": 987_654 })).await;
    assert_eq!(missing.refusal(), "invoice_not_found");
}

#[rstest]
#[tokio::test]
async fn the_same_key_makes_one_invoice(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    let shop = Shop::open(database).await;
    let id = shop.customer().await;
    let arguments = with(invoice(id), "idempotency_key", "i-1");
    let first = shop.call("create_invoice", arguments.clone()).await;
    let again = shop.call("create_invoice", arguments.clone()).await;
    assert!(again.is_replayed() && !first.is_replayed());
    assert_eq!(again.success(), first.success());
    let other = with(arguments, "due_date", "2099-01-01");
    assert_eq!(shop.call("create_invoice", other).await.refusal(), "idempotency_conflict");
    assert_eq!(listed(&shop, by_id(id)).await, [id_of(&first)]);
}

#[rstest]
#[tokio::test]
async fn invoices_are_part_of_the_history_and_move_with_a_merge(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    let shop = Shop::open(database).await;
    let (kept, merged) = (shop.customer().await, shop.customer().await);
    let [mine, moved] = [invoiced(&shop, kept).await, invoiced(&shop, merged).await];
    shop.call("create_payment", payment(mine, 10)).await.success();
    shop.call("create_payment", payment(moved, 20.5)).await.success();
    let merge = json!({ "keep_customer_id": kept, "merge_customer_id": merged });
    let reply = shop.call("merge_customers", merge).await;
    assert_eq!(reply.success()["moved"]["invoices"], 1);
    assert_eq!(reply.success()["customer"]["lifetime_value"], 30.5);
    let history = shop.call("get_customer_history", by_id(merged)).await;
    let invoices = history.success()["invoices"].as_array().unwrap().clone();
    assert_eq!(invoices.len(), 2);
    assert_eq!(invoices[0]["invoice_id"], moved, "newest first");
    assert_eq!(invoices[0]["customer_id"], kept);
    assert_eq!(invoices[0]["amount_due"], 129.45);
    let sql = format!("select lifetime_value_minor from customers where id = {merged}");
    assert_eq!(shop.number(&sql).await, 0);
}
