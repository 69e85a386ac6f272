//! Products: finding them, putting them on file, and what is in stock.

use rstest::rstest;
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::data::{with, without};
use crate::shop::{Database, Shop};
use crate::transfer::{PRODUCTS, import};

const CALLERS: usize = 16;
const PROCESSES: usize = 4;

fn filter() -> Value {
    json!({ "sku": "OF-1", "name": "Öl-Filter", "price": 12.95, "stock_quantity": 5, "category": "Filters" })
}

fn take(delta: i64) -> Value {
    json!({ "sku": "OF-1", "delta": delta, "reason": "used" })
}

/// What the movements of all products come to.
const MOVED: &str = "select cast(coalesce(sum(delta), 0) as bigint) from stock_movements";
const MOVEMENTS: &str = "select count(*) from stock_movements";
const STOCK: &str = "select cast(coalesce(sum(stock_quantity), 0) as bigint) from products";

async fn found(shop: &Shop, arguments: Value) -> Vec<String> {
    let reply = shop.call("search_products", arguments).await;
    let products = reply.success()["products"].as_array().unwrap().clone();
    products.iter().map(|product| product["sku"].as_str().unwrap().to_owned()).collect()
}

#[rstest]
#[tokio::test]
async fn a_new_product_is_found_by_number_and_sku(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    let shop = Shop::open(database).await;
    let reply = shop.call("create_product", filter()).await;
    let made = &reply.success()["product"];
    let id = made["product_id"].clone();
    let expected = json!({
        "product_id": id, "sku": "OF-1", "name": "Öl-Filter", "price": 12.95, "currency": "USD",
        "stock_quantity": 5, "available": true, "category": "Filters",
    });
    assert_eq!(*made, expected);
    for which in [json!({ "product_id": id }), json!({ "sku": "OF-1" }), json!({ "sku": " of-1 " })]
    {
        let reply = shop.call("get_product", which.clone()).await;
        assert_eq!(reply.success()["product"], expected);
        let reply = shop.call("check_stock", which).await;
        let stock = json!({ "product_id": id, "sku": "OF-1", "name": "Öl-Filter",
            "stock_quantity": 5, "available": true });
        assert_eq!(*reply.success(), stock);
    }
    let bare = json!({ "sku": "X", "name": "Rag", "price": 0 });
    let reply = shop.call("create_product", bare).await;
    assert_eq!(reply.success()["product"]["stock_quantity"], 0);
    assert_eq!(reply.success()["product"]["available"], false);
    assert!(reply.success()["product"].get("category").is_none());
}

#[rstest]
#[tokio::test]
async fn a_product_is_refused_for_what_is_wrong_with_it(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    let shop = Shop::open(database).await;
    let id = shop.call("create_product", filter()).await.success()["product"]["product_id"].clone();
    for sku in ["OF-1", "of-1"] {
        let reply = shop.call("create_product", with(filter(), "sku", sku)).await;
        assert_eq!(reply.refusal(), "already_exists");
        assert_eq!(reply.envelope["data"]["product_id"], id);
    }
    let new = || with(filter(), "sku", "NEW");
    for (arguments, told) in [
        (with(new(), "price", -1), "price must be from 0.00"),
        (with(new(), "price", 1.999), "at most 2 digits"),
        (with(new(), "stock_quantity", -1), "stock_quantity must be from 0"),
        (with(new(), "sku", " "), "sku must not be empty"),
        (with(new(), "name", "a\nb"), "name must not contain"),
        (without(new(), "price"), "price is required"),
        (with(new(), "weight", 1), "no argument weight"),
    ] {
        let reply = shop.call("create_product", arguments).await;
        assert_eq!(reply.refusal(), "invalid_argument");
        assert!(reply.error().contains(told), "{}", reply.error());
    }
    for tool in ["check_stock", "get_product", "adjust_stock"] {
        let none = if tool == "adjust_stock" { without(take(-1), "sku") } else { json!({}) };
        for (which, code) in [
            (with(none.clone(), "product_id", 987_654), "product_not_found"),
            (with(none.clone(), "sku", "none"), "product_not_found"),
            (with(with(none.clone(), "sku", "OF-1"), "product_id", id.clone()), "invalid_argument"),
            (none.clone(), "invalid_argument"),
        ] {
            assert_eq!(shop.call(tool, which.clone()).await.refusal(), code, "{tool} {which}");
        }
    }
    assert_eq!(shop.number(MOVEMENTS).await, 1, "nothing moved but the opening stock");
}

#[rstest]
#[tokio::test]
async fn stock_is_taken_and_never_goes_below_zero(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    let shop = Shop::open(database).await;
    shop.call("create_product", filter()).await.success();
    let reply = shop.call("adjust_stock", take(-2)).await;
    assert_eq!(reply.success()["product"]["stock_quantity"], 3);
    let refused = shop.call("adjust_stock", take(-4)).await;
    assert_eq!(refused.refusal(), "insufficient_stock");
    assert_eq!(refused.envelope["data"]["stock_quantity"], 3);
    let reply = shop.call("adjust_stock", take(-3)).await;
    assert_eq!(reply.success()["product"]["available"], false);
    assert_eq!(shop.call("adjust_stock", take(-1)).await.refusal(), "insufficient_stock");
    let reply = shop.call("adjust_stock", take(7)).await;
    assert_eq!(reply.success()["product"]["stock_quantity"], 7);
    for (arguments, told) in [
        (take(0), "delta must not be 0"),
        (take(-1_000_000_001), "delta must be from"),
        (without(take(1), "reason"), "reason is required"),
        (with(take(1), "reason", " "), "reason must not be empty"),
        (with(take(1), "delta", 1.5), "delta must be a whole number"),
    ] {
        let reply = shop.call("adjust_stock", arguments).await;
        assert_eq!(reply.refusal(), "invalid_argument");
        assert!(reply.error().contains(told), "{}", reply.error());
    }
    let keyed = with(take(-1), "idempotency_key", "s-1");
    let first = shop.call("adjust_stock", keyed.clone()).await;
    let again = shop.call("adjust_stock", keyed).await;
    assert!(again.is_replayed());
    assert_eq!(again.success(), first.success());
    assert_eq!([shop.number(STOCK).await, shop.number(MOVED).await], [6, 6]);
    let reasons = "select count(*) from stock_movements where reason = 'used'";
    assert_eq!(shop.number(reasons).await, 4);
    let opening = "select delta from stock_movements where reason = 'opening stock'";
    assert_eq!(shop.number(opening).await, 5);
}

#[rstest]
#[tokio::test]
async fn sixteen_callers_never_oversell(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    let shop = Shop::open(database).await;
    shop.call("create_product", with(filter(), "stock_quantity", 10)).await.success();
    let mut tasks = JoinSet::new();
    for _ in 0..PROCESSES {
        let mut server = shop.server().await;
        tasks.spawn(async move {
            let mut calls = Vec::new();
            for _ in 0..CALLERS / PROCESSES {
                calls.push(server.send_call("adjust_stock", take(-1)).await);
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
    assert_eq!((replies.len(), refused.len()), (CALLERS, 6));
    for reply in refused {
        assert_eq!(reply.refusal(), "insufficient_stock");
        assert_eq!(reply.envelope["data"]["stock_quantity"], 0);
    }
    assert_eq!([shop.number(STOCK).await, shop.number(MOVED).await], [0, 0]);
    assert_eq!(shop.number(MOVEMENTS).await, 11);
}

#[rstest]
#[tokio::test]
async fn products_are_searched_by_words_category_and_stock(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    let shop = Shop::open(database).await;
    for (sku, name, stock, category) in [
        ("OF-1", "Öl-Filter", 5, Some("Filters")),
        ("AF-2", "Air filter 100%", 0, Some("filters")),
        ("BP-3", "Brake pad, front axle", 4, Some("Brakes")),
        ("BP_4", "Brake pad, rear axle", 0, None),
    ] {
        let mut arguments =
            json!({ "sku": sku, "name": name, "price": 10, "stock_quantity": stock });
        if let Some(category) = category {
            arguments = with(arguments, "category", category);
        }
        shop.call("create_product", arguments).await.success();
    }
    for (arguments, expected) in [
        (json!({}), vec!["OF-1", "AF-2", "BP-3", "BP_4"]),
        (json!({ "query": "ol-filter" }), vec!["OF-1"]),
        (json!({ "query": "FILTER" }), vec!["OF-1", "AF-2"]),
        (json!({ "query": "f-" }), vec!["OF-1", "AF-2"]),
        (json!({ "query": "pad  Brake" }), vec!["BP-3", "BP_4"]),
        (json!({ "query": "rear pad" }), vec!["BP_4"]),
        (json!({ "query": "100%" }), vec!["AF-2"]),
        (json!({ "query": "p_" }), vec!["BP_4"]),
        (json!({ "query": "\\" }), vec![]),
        (json!({ "category": "FÍLTERS" }), vec!["OF-1", "AF-2"]),
        (json!({ "category": "filter" }), vec![]),
        (json!({ "in_stock": true }), vec!["OF-1", "BP-3"]),
        (json!({ "in_stock": false, "category": "filters" }), vec!["AF-2"]),
    ] {
        assert_eq!(found(&shop, arguments.clone()).await, expected, "{arguments}");
    }
    let page = json!({ "query": "brake", "limit": 1 });
    let reply = shop.call("search_products", page.clone()).await;
    assert!(reply.message().contains("there are more"), "{}", reply.message());
    let next = with(page, "cursor", reply.success()["next_cursor"].clone());
    let reply = shop.call("search_products", next.clone()).await;
    assert_eq!(reply.success()["products"][0]["sku"], "BP_4");
    assert!(reply.success().get("next_cursor").is_none());
    let other = with(next, "query", "filter");
    assert_eq!(shop.call("search_products", other).await.refusal(), "invalid_argument");
    let many = json!({ "query": "a b c d e f g" });
    assert_eq!(shop.call("search_products", many).await.refusal(), "invalid_argument");
}

#[rstest]
#[tokio::test]
async fn what_another_program_writes_is_found_and_its_stock_recorded(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    let shop = Shop::open(database).await;
    shop.call("create_product", filter()).await.success();
    let columns =
        "(sku, name, price_minor, currency, stock_quantity, category, created_at, updated_at)";
    let insert = format!(
        "insert into products {columns} \
         values ('ÉP-1', 'Émbrayage', 100, 'USD', 7, 'Pièces', 5, 5) on conflict do nothing"
    );
    for _ in 0..2 {
        shop.execute_sql(&insert).await.unwrap();
    }
    let opening = "select delta from stock_movements where moved_at = 5 and balance = 7";
    assert_eq!(shop.number(opening).await, 7);
    let read_only = shop
        .command()
        .args(["call", "search_products", r#"{"query": "RAYAGE"}"#])
        .env("SERVICEBAY_READ_ONLY", "true")
        .output()
        .await
        .unwrap();
    let told = String::from_utf8(read_only.stdout).unwrap();
    assert!(told.contains("ÉP-1"), "also where nothing may be written: {told}");
    assert_eq!(found(&shop, json!({ "query": "embrayage", "category": "pieces" })).await, ["ÉP-1"]);
    let rename = "update products set name = 'Disque', stock_quantity = 4, updated_at = 6 \
                  where name = 'Émbrayage'";
    shop.execute_sql(rename).await.unwrap();
    assert!(found(&shop, json!({ "query": "embrayage" })).await.is_empty());
    assert_eq!(found(&shop, json!({ "query": "disque" })).await, ["ÉP-1"]);
    let set = "select delta from stock_movements where reason = 'stock was set'";
    assert_eq!(shop.number(set).await, -3);
    // The reason of one change is not that of the next.
    shop.call("adjust_stock", take(-1)).await.success();
    shop.execute_sql("update products set stock_quantity = 9 where sku = 'OF-1'").await.unwrap();
    assert_eq!(shop.number("select count(*) from stock_movements where reason = 'used'").await, 1);
    assert_eq!(shop.number(STOCK).await, shop.number(MOVED).await);
}

#[rstest]
#[tokio::test]
async fn the_database_itself_keeps_stock_and_its_movements(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    let shop = Shop::open(database).await;
    shop.call("create_product", filter()).await.success();
    let columns = "(product_id, delta, balance, reason, moved_at)";
    let product = "(id, sku, name, price_minor, currency, created_at, updated_at)";
    let mut attempts = vec![
        "update products set stock_quantity = stock_quantity - 6".to_owned(),
        "update products set stock_quantity = 1000000000001".to_owned(),
        "update products set id = 5000".to_owned(),
        "delete from products".to_owned(),
        "delete from stock_movements".to_owned(),
        "update stock_movements set delta = 1".to_owned(),
        format!("insert into stock_movements {columns} values (1, 5, 10, 'x', 0)"),
        format!("insert into stock_movements {columns} values (1, 5, 5, 'x', 0)"),
        format!("insert into stock_movements {columns} values (1, 0, 5, 'x', 0)"),
        format!("insert into stock_movements {columns} values (987654, 5, 5, 'x', 0)"),
    ];
    match database {
        Database::Sqlite => attempts.extend([
            "insert or replace into stock_movements \
                 (id, product_id, delta, balance, reason, moved_at) values (1, 1, 5, 5, 'x', 0)"
                .to_owned(),
            format!("pragma foreign_keys = off; insert or replace into products {product} \
                     values (1, 'OF-1', 'x', 1, 'USD', 0, 0)"),
            "pragma foreign_keys = off; delete from products".to_owned(),
            "pragma ignore_check_constraints = on; update products set stock_quantity = -1".to_owned(),
            "insert or replace into products (sku, name, price_minor, currency, created_at, updated_at) \
             values ('OF-1', 'x', 1, 'USD', 0, 0)".to_owned(),
        ]),
        Database::Postgres => attempts.extend([
            "truncate stock_movements".to_owned(),
            "truncate products cascade".to_owned(),
        ]),
    }
    for sql in attempts {
        assert!(shop.execute_sql(&sql).await.is_err(), "{sql}");
        assert_eq!([shop.number(STOCK).await, shop.number(MOVED).await], [5, 5], "{sql}");
        assert_eq!(shop.number(MOVEMENTS).await, 1, "{sql}");
    }
}

#[rstest]
#[tokio::test]
async fn the_same_key_makes_one_product(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    let shop = Shop::open(database).await;
    let keyed = with(filter(), "idempotency_key", "p-1");
    let first = shop.call("create_product", keyed.clone()).await;
    let again = shop.call("create_product", keyed.clone()).await;
    assert!(again.is_replayed());
    assert_eq!(again.success(), first.success());
    let other = with(keyed, "price", 1);
    assert_eq!(shop.call("create_product", other).await.refusal(), "idempotency_conflict");
}

#[rstest]
#[tokio::test]
async fn a_sku_is_one_products_whatever_its_letter_case(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    let shop = Shop::open(database).await;
    let file = format!("{PRODUCTS}abc-1,Filter,12.95,7,\nABC-1,Other,1,1,\nAbc-2,Pad,2,3,\n");
    let ran = import(&shop, &[("products", file.clone())], &[]).await;
    assert!(ran.stderr.contains("2 added, 0 on file already, 1 rejected"), "{}", ran.stderr);
    let again = import(&shop, &[("products", file.to_uppercase())], &[]).await;
    assert!(again.stderr.contains("0 added, 2 on file already, 1 rejected"), "{}", again.stderr);
    assert_eq!(shop.number("select count(*) from products").await, 2);
    let reply = shop.call("check_stock", json!({"sku": "ABC-1"})).await;
    assert_eq!(
        (&reply.success()["sku"], &reply.success()["name"]),
        (&json!("abc-1"), &json!("Filter"))
    );
    let again = json!({"sku": "aBc-1", "name": "Third", "price": 1});
    assert_eq!(shop.call("create_product", again).await.refusal(), "already_exists");
    // The database itself sees to it.
    let sql = "insert into products (sku, name, price_minor, currency, created_at, updated_at) \
               values ('ABC-1', 'x', 1, 'USD', 0, 0)";
    assert!(shop.execute_sql(sql).await.is_err());
}
