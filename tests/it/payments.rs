//! Payments: what they leave, and that they never come to more than is due.

use rstest::rstest;
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::billing::{id_of, invoice, invoiced, payment};
use crate::data::with;
use crate::shop::{Database, Shop, by_id};

const CALLERS: usize = 16;
const PROCESSES: usize = 4;

/// What was paid on all invoices, as the payments have it.
const PAID: &str = "select cast(coalesce(sum(amount_minor), 0) as bigint) from payments";
/// The same, as the invoices have it.
const COUNTED: &str = "select cast(coalesce(sum(paid_minor), 0) as bigint) from invoices";

async fn lifetime_value(shop: &Shop, customer_id: i64) -> Value {
    let reply = shop.call("lookup_customer", by_id(customer_id)).await;
    reply.success()["customer"]["lifetime_value"].clone()
}

#[rstest]
#[tokio::test]
async fn payments_add_up_to_what_is_due(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    let shop = Shop::open(database).await;
    let customer = shop.customer().await;
    let id = invoiced(&shop, customer).await;
    assert_eq!(lifetime_value(&shop, customer).await, 0.0);
    let arguments = with(payment(id, "49.95"), "reference", "R-1");
    let reply = shop.call("create_payment", arguments).await;
    let paid = &reply.success()["payment"];
    assert_eq!(paid["amount"], 49.95);
    assert_eq!(paid["invoice_id"], id);
    assert_eq!(paid["currency"], "USD");
    assert_eq!(paid["method"], "card");
    assert_eq!(paid["reference"], "R-1");
    let left = &reply.success()["invoice"];
    assert_eq!(left["amount_paid"], 49.95);
    assert_eq!(left["amount_due"], 100.0);
    assert_eq!(left["status"], "pending");
    assert_eq!(lifetime_value(&shop, customer).await, 49.95, "memory follows");

    let refused = shop.call("create_payment", payment(id, 100.01)).await;
    assert_eq!(refused.refusal(), "overpayment");
    assert_eq!(refused.envelope["data"]["amount_due"], 100.0);
    assert_eq!(refused.envelope["data"]["currency"], "USD");
    let reply = shop.call("create_payment", payment(id, 100)).await;
    assert_eq!(reply.success()["invoice"]["status"], "paid");
    assert_eq!(reply.success()["invoice"]["amount_due"], 0.0);
    assert!(reply.message().contains("is paid"), "{}", reply.message());
    let refused = shop.call("create_payment", payment(id, 0.01)).await;
    assert_eq!(refused.refusal(), "overpayment");
    assert_eq!(refused.envelope["data"]["amount_due"], 0.0);
    assert_eq!(lifetime_value(&shop, customer).await, 149.95);
    let read = shop.call("get_invoice", json!({ "invoice_id": id })).await;
    let payments = read.success()["payments"].as_array().unwrap().clone();
    let amounts: Vec<_> = payments.iter().map(|payment| payment["amount"].as_f64()).collect();
    assert_eq!(amounts, [Some(100.0), Some(49.95)], "newest first");
}

#[rstest]
#[tokio::test]
async fn a_payment_is_refused_for_what_is_wrong_with_it(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    let shop = Shop::open(database).await;
    let customer = shop.customer().await;
    let id = invoiced(&shop, customer).await;
    for (arguments, code, told) in [
        (payment(987_654, 1), "invoice_not_found", "987654"),
        (payment(id, 0), "invalid_argument", "amount must be from 0.01"),
        (payment(id, -5), "invalid_argument", "amount must be from 0.01"),
        (payment(id, 1.001), "invalid_argument", "at most 2 digits"),
        (payment(id, 1e300), "invalid_argument", "amount must be from"),
        (payment(id, "much"), "invalid_argument", "amount must be a number"),
        (with(payment(id, 1), "method", "barter"), "invalid_argument", "cash, card, check"),
        (with(payment(id, 1), "reference", "a\u{1b}"), "invalid_argument", "reference"),
    ] {
        let reply = shop.call("create_payment", arguments.clone()).await;
        assert_eq!(reply.refusal(), code, "{arguments}");
        assert!(reply.error().contains(told), "{}", reply.error());
    }
    for status in ["draft", "void"] {
        let sql = format!("update invoices set status = '{status}' where id = {id}");
        shop.execute_sql(&sql).await.unwrap();
        let reply = shop.call("create_payment", payment(id, 1)).await;
        assert_eq!(reply.refusal(), "invalid_argument");
        assert!(reply.error().contains(status), "{}", reply.error());
    }
    assert_eq!(shop.number(PAID).await, 0);
}

#[rstest]
#[tokio::test]
async fn a_repeated_payment_is_recorded_once(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    let shop = Shop::open(database).await;
    let customer = shop.customer().await;
    let id = invoiced(&shop, customer).await;
    let first = shop.call("create_payment", payment(id, 50)).await;
    let again = shop.call("create_payment", payment(id, 50.0)).await;
    assert!(!first.is_replayed() && again.is_replayed());
    assert_eq!(again.success()["payment"], first.success()["payment"]);
    assert_eq!(again.success()["invoice"]["amount_due"], 99.95);
    // Another amount, method, reference or key makes it another payment.
    let keyed = with(payment(id, 50), "idempotency_key", "p-1");
    let second = shop.call("create_payment", keyed.clone()).await;
    assert!(!second.is_replayed());
    let replayed = shop.call("create_payment", keyed.clone()).await;
    assert!(replayed.is_replayed());
    assert_eq!(replayed.success(), second.success());
    let other = with(keyed, "amount", 1);
    assert_eq!(shop.call("create_payment", other).await.refusal(), "idempotency_conflict");
    let cash = with(payment(id, 10), "method", "cash");
    for arguments in [payment(id, 10), cash.clone(), with(cash, "reference", "R-2")] {
        assert!(!shop.call("create_payment", arguments).await.is_replayed());
    }
    assert_eq!(shop.number(PAID).await, 13_000);
    // Once the minutes are over, the same amount is another payment. Recorded rows never change, so
    // that the old one is written as such.
    let old = invoiced(&shop, customer).await;
    let sql = "insert into payments (invoice_id, amount_minor, method, created_at)";
    let long_ago = chrono::Utc::now().timestamp() - 601;
    shop.execute_sql(&format!("{sql} values ({old}, 5000, 'card', {long_ago})")).await.unwrap();
    assert!(!shop.call("create_payment", payment(old, 50)).await.is_replayed());
}

#[rstest]
#[tokio::test]
async fn sixteen_callers_never_overpay_an_invoice(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    let shop = Shop::open(database).await;
    let customer = shop.customer().await;
    // Ten payments of 14.99 fit, and 0.05 are left.
    let id = invoiced(&shop, customer).await;
    let mut tasks = JoinSet::new();
    for process in 0..PROCESSES {
        let mut server = shop.server().await;
        tasks.spawn(async move {
            let mut calls = Vec::new();
            for caller in 0..CALLERS / PROCESSES {
                let reference = format!("{process}-{caller}");
                let arguments = with(payment(id, 14.99), "reference", reference);
                calls.push(server.send_call("create_payment", arguments).await);
            }
            let mut replies = Vec::new();
            for call in calls {
                replies.push(server.reply(call).await);
            }
            replies
        });
    }
    let replies: Vec<_> = tasks.join_all().await.into_iter().flatten().collect();
    let refused: Vec<_> = replies.iter().filter(|reply| reply.is_error).collect();
    assert_eq!(replies.len(), CALLERS);
    assert_eq!(refused.len(), 6);
    for reply in refused {
        assert_eq!(reply.refusal(), "overpayment");
        assert_eq!(reply.envelope["data"]["amount_due"], 0.05);
    }
    assert_eq!(shop.number(PAID).await, 14_990);
    assert_eq!(shop.number(COUNTED).await, 14_990);
    assert_eq!(lifetime_value(&shop, customer).await, 149.9);
}

#[rstest]
#[tokio::test]
async fn programs_that_write_past_the_server_never_overpay(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    let shop = std::sync::Arc::new(Shop::open(database).await);
    let customer = shop.customer().await;
    let id = invoiced(&shop, customer).await;
    let mut tasks = JoinSet::new();
    for caller in 0..CALLERS {
        let shop = std::sync::Arc::clone(&shop);
        tasks.spawn(async move {
            if caller % 2 == 0 {
                let sql = "insert into payments (invoice_id, amount_minor, method, created_at)";
                let written =
                    shop.execute_sql(&format!("{sql} values ({id}, 1499, 'cash', 0)")).await;
                return written.is_ok();
            }
            let arguments = with(payment(id, 14.99), "reference", caller.to_string());
            let reply = shop.server().await.call("create_payment", arguments).await;
            assert!(!reply.is_error || reply.refusal() == "overpayment", "{:#}", reply.envelope);
            !reply.is_error
        });
    }
    let fitted = tasks.join_all().await.into_iter().filter(|fitted| *fitted).count();
    assert_eq!(fitted, 10);
    assert_eq!(shop.number(PAID).await, 14_990);
    assert_eq!(shop.number(COUNTED).await, 14_990);
}

#[rstest]
#[tokio::test]
async fn the_database_itself_keeps_what_was_paid(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    let shop = Shop::open(database).await;
    let customer = shop.customer().await;
    let id = invoiced(&shop, customer).await;
    let paid = shop.call("create_payment", payment(id, 100)).await;
    let paid = paid.success()["payment"]["payment_id"].as_i64().unwrap();
    let other = id_of(&shop.call("create_invoice", invoice(customer)).await);
    let row = "(invoice_id, amount_minor, method, created_at) values";
    let line =
        "(invoice_id, position, description, quantity_milli, unit_price_minor, amount_minor)";
    let mut attempts = vec![
        format!("insert into payments {row} ({id}, 4996, 'cash', 0)"),
        format!("insert into payments {row} ({id}, -1, 'cash', 0)"),
        format!("insert into payments {row} ({id}, 0, 'cash', 0)"),
        format!("insert into payments {row} (987654, 1, 'cash', 0)"),
        format!("update payments set amount_minor = 1 where id = {paid}"),
        format!("update payments set invoice_id = {other}"),
        "delete from payments".to_owned(),
        format!("update invoices set paid_minor = 0 where id = {id}"),
        format!("update invoices set paid_minor = 1 where id = {other}"),
        format!("update invoices set amount_minor = 999999 where id = {id}"),
        format!("update invoices set amount_minor = 999999 where id = {other}"),
        format!("update invoices set currency = 'EUR' where id = {id}"),
        format!("update invoices set status = 'void' where id = {id}"),
        format!("update invoices set id = 5000 where id = {id}"),
        format!("delete from invoices where id = {id}"),
        format!("insert into invoice_items {line} values ({id}, 2, 'x', 1000, 1, 1)"),
        format!("insert into invoice_items {line} values ({other}, 2, 'x', 1000, -99999, -99999)"),
        format!("update invoice_items set amount_minor = 20000 where invoice_id = {id}"),
        format!("delete from invoice_items where invoice_id = {id}"),
        format!(
            "insert into invoices (customer_id, currency, created_at, amount_minor) \
                 values ({customer}, 'USD', 0, 5)"
        ),
    ];
    match database {
        Database::Sqlite => attempts.extend([
            format!("insert or replace into payments (id, invoice_id, amount_minor, method, created_at) \
                     values ({paid}, {id}, 1, 'cash', 0)"),
            format!("insert or ignore into payments {row} ({id}, 4996, 'cash', 0)"),
            format!("insert or replace into payments {row} ({id}, 4996, 'cash', 0)"),
            format!("pragma ignore_check_constraints = on; insert into payments {row} ({id}, 4996, 'cash', 0)"),
            format!("pragma ignore_check_constraints = on; insert into payments {row} ({id}, -1, 'cash', 0)"),
            format!("pragma foreign_keys = off; delete from invoices where id = {id}"),
            format!("pragma foreign_keys = off; insert or replace into invoices \
                     (id, customer_id, currency, created_at) values ({id}, {customer}, 'USD', 0)"),
            format!("update or ignore invoices set paid_minor = 0 where id = {id}"),
            format!("insert or replace into invoice_items {line} values ({id}, 1, 'x', 1000, 1, 1)"),
            format!("insert or ignore into invoice_items {line} values ({id}, 2, 'x', 1000, 1, 1)"),
        ]),
        Database::Postgres => attempts.extend([
            "truncate payments".to_owned(),
            "truncate invoices cascade".to_owned(),
            format!("insert into payments (id, invoice_id, amount_minor, method, created_at) \
                     values ({paid}, {id}, 1, 'cash', 0) \
                     on conflict (id) do update set amount_minor = 1"),
        ]),
    }
    for sql in attempts {
        assert!(shop.execute_sql(&sql).await.is_err(), "{sql}");
        assert_eq!(shop.number(PAID).await, 10_000, "{sql}");
        assert_eq!(shop.number(COUNTED).await, 10_000, "{sql}");
        let amounts = "select cast(sum(amount_minor) as bigint) from invoices";
        assert_eq!(shop.number(amounts).await, 29_990, "{sql}");
    }
    // What may be changed: the lines of an invoice on which nothing was paid.
    let sql = format!("update invoice_items set amount_minor = 700 where invoice_id = {other}");
    shop.execute_sql(&sql).await.unwrap();
    let read = shop.call("get_invoice", json!({ "invoice_id": other })).await;
    assert_eq!(read.success()["invoice"]["amount"], 7.0);
    assert_eq!(lifetime_value(&shop, customer).await, 100.0);
}

#[rstest]
#[tokio::test]
async fn what_customers_paid_is_counted_in_the_shops_currency_of_today(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    let shop = Shop::open(database).await;
    let customer = shop.customer().await;
    let dollars = invoiced(&shop, customer).await;
    let euros = with(invoice(customer), "currency", "EUR");
    let euros = id_of(&shop.call("create_invoice", euros).await);
    shop.call("create_payment", payment(dollars, 100)).await.success();
    shop.call("create_payment", payment(euros, 20.5)).await.success();
    assert_eq!(lifetime_value(&shop, customer).await, 100.0);
    shop.restart().await;
    let shop = shop.with_env("SHOP_CURRENCY", "EUR");
    assert_eq!(lifetime_value(&shop, customer).await, 20.5);
}
