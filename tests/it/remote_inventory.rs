//! Products that the shop's inventory keeps.

use rstest::rstest;
use serde_json::{Value, json};

use crate::fake_api::{Fault, KEY};
use crate::fake_inventory::{Inventory, filter, product};
use crate::shop::{Database, Shop};

fn by_sku(sku: &str) -> Value {
    json!({ "sku": sku })
}

async fn stock(shop: &Shop, sku: &str) -> i64 {
    let reply = shop.call("check_stock", by_sku(sku)).await;
    reply.success()["stock_quantity"].as_i64().unwrap()
}

fn skus(data: &Value) -> Vec<&str> {
    let products = data["products"].as_array().expect("a list");
    products.iter().map(|product| product["sku"].as_str().unwrap()).collect()
}

#[rstest]
#[tokio::test]
async fn a_product_is_as_the_inventory_says(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    let inventory = Inventory::start().await;
    let shop = inventory.shop(database).await;
    let reply = shop.call("get_product", by_sku("of-1")).await;
    let product = &reply.success()["product"];
    for (field, expected) in [
        ("sku", json!("OF-1")),
        ("name", json!("Oil Filter")),
        ("price", json!(12.95)),
        ("currency", json!("USD")),
        ("stock_quantity", json!(7)),
        ("available", json!(true)),
        ("category", json!("filters")),
    ] {
        assert_eq!(product[field], expected, "{field}");
    }
    assert!(reply.success().get("stale").is_none());
    let id = product["product_id"].clone();
    let mut sold = filter();
    sold["stock_quantity"] = json!("0");
    sold["price"] = json!("13.10");
    inventory.put(sold);
    let reply = shop.call("check_stock", json!({"product_id": id})).await;
    assert_eq!(reply.success()["stock_quantity"], 0);
    assert_eq!(reply.success()["available"], false);
    let reply = shop.call("get_product", json!({"product_id": id})).await;
    assert_eq!(reply.success()["product"]["price"], 13.1);
    assert_eq!(shop.call("get_product", by_sku("OF-9")).await.refusal(), "product_not_found");
    let unknown = json!({"product_id": 999});
    assert_eq!(shop.call("get_product", unknown).await.refusal(), "product_not_found");
    // The movements say what changed.
    let moved = "select count(*) from stock_movements where reason = 'as the inventory says'";
    assert_eq!(shop.number(moved).await, 2);
}

#[rstest]
#[tokio::test]
async fn products_are_searched_in_the_inventory(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    let inventory = Inventory::start().await;
    let shop = inventory.shop(database).await;
    for number in 2..=5 {
        let sku = format!("AF-{number}");
        inventory.put(product(&format!("P-{number}"), &sku, &format!("Air Filter {number}"), 1));
    }
    let reply = shop.call("search_products", json!({"query": "air", "in_stock": true})).await;
    assert_eq!(skus(reply.success()), ["AF-2", "AF-3", "AF-4", "AF-5"]);
    assert_eq!(inventory.api.seen().pop().unwrap().query["in_stock"], "true");
    let mut arguments = json!({"limit": 2});
    let mut pages = Vec::new();
    loop {
        let reply = shop.call("search_products", arguments.clone()).await;
        pages.push(skus(reply.success()).join(" "));
        match reply.success().get("next_cursor") {
            Some(cursor) => arguments["cursor"] = cursor.clone(),
            None => break,
        }
    }
    assert_eq!(pages, ["OF-1 AF-2", "AF-3 AF-4", "AF-5"]);
    // While it is down, what is known is searched.
    inventory.api.close().await;
    let reply = shop.call("search_products", json!({"query": "AIR", "limit": 3})).await;
    assert_eq!(skus(reply.success()), ["AF-2", "AF-3", "AF-4"]);
    assert_eq!(reply.success()["stale"], true);
    let more = json!({"query": "AIR", "limit": 3, "cursor": reply.success()["next_cursor"]});
    let reply = shop.call("search_products", more).await;
    assert_eq!(skus(reply.success()), ["AF-5"]);
    assert_eq!(reply.success()["stale"], true);
}

const FAULTS: &[(&str, Option<Fault>, &str)] = &[
    ("silence", Some(Fault::Silence), "upstream_timeout"),
    ("trickle", Some(Fault::Trickle), "upstream_timeout"),
    ("reset", Some(Fault::Reset), "upstream_error"),
    ("endless", Some(Fault::Endless), "upstream_error"),
    ("status 500", Some(Fault::Status(500)), "upstream_error"),
    ("status 403", Some(Fault::Status(403)), "upstream_unauthorized"),
    ("status 429", Some(Fault::Limited("120")), "upstream_rate_limited"),
    ("no JSON", Some(Fault::Says("<html>Hello</html>")), "upstream_error"),
    ("another shape", Some(Fault::Says("{\"status\": \"ok\"}")), "upstream_error"),
    ("no price", Some(Fault::Says("{\"id\": 1, \"sku\": \"OF-1\"}")), "upstream_error"),
    ("refused", None, "upstream_error"),
];

#[rstest]
#[tokio::test]
async fn each_fault_has_its_code_and_leaves_the_last_known_state(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    let inventory = Inventory::start().await;
    let shop = inventory.shop(database).await;
    // Nothing is known yet.
    inventory.api.fail(Some(Fault::Status(500)));
    assert_eq!(shop.call("search_products", json!({})).await.refusal(), "upstream_error");
    inventory.api.fail(None);
    assert_eq!(stock(&shop, "OF-1").await, 7);
    for (name, fault, code) in FAULTS {
        // A process of its own, whose circuit is closed.
        shop.restart().await;
        inventory.api.fail(fault.clone());
        if *name == "refused" {
            inventory.api.close().await;
        }
        let reply = shop.call("check_stock", by_sku("OF-2")).await;
        assert_eq!(reply.refusal(), *code, "{name}: {}", reply.envelope);
        for tool in ["check_stock", "get_product"] {
            let reply = shop.call(tool, by_sku("OF-1")).await;
            assert_eq!(reply.success()["stale"], true, "{name}");
            assert_eq!(reply.success()["stale_because"], *code, "{name}");
            assert!(reply.success()["as_of"].is_string(), "{name}");
            assert!(reply.message().contains("; this is what it said on"), "{name}");
        }
        // A change fails, and changes nothing.
        let take = json!({"sku": "OF-1", "delta": -1, "reason": "used"});
        assert_eq!(shop.call("adjust_stock", take).await.refusal(), *code, "{name}");
    }
    inventory.api.fail(None);
    inventory.api.reopen().await;
    shop.restart().await;
    assert_eq!(stock(&shop, "OF-1").await, 7);
}

#[rstest]
#[tokio::test]
async fn stock_is_changed_in_the_inventory_and_once_for_each_key(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    let inventory = Inventory::start().await;
    let shop = inventory.shop(database).await;
    let take =
        json!({"sku": "OF-1", "delta": -2, "reason": "used on visit 4", "idempotency_key": "k 1"});
    let reply = shop.call("adjust_stock", take.clone()).await;
    assert_eq!(reply.success()["product"]["stock_quantity"], 5);
    assert_eq!(inventory.product("P-1")["stock_quantity"], 5);
    let seen = inventory.api.seen().pop().unwrap();
    assert_eq!(seen.path, "/api/v1/products/P-1/adjustments");
    assert_eq!(seen.body, json!({"delta": -2, "reason": "used on visit 4"}));
    let reason = "select count(*) from stock_movements where reason = 'used on visit 4'";
    assert_eq!(shop.number(reason).await, 1);
    // The same key: the same reply, from any process, without a question.
    let asked = inventory.api.count();
    let reply = shop.server().await.call("adjust_stock", take.clone()).await;
    assert!(reply.is_replayed());
    assert_eq!(inventory.api.count(), asked);
    let mut other = take;
    other["delta"] = json!(-3);
    assert_eq!(shop.call("adjust_stock", other).await.refusal(), "idempotency_conflict");
    // An answer that is lost is asked for again under one key, the caller's or the call's own.
    inventory.lose_answers(1);
    let take = json!({"sku": "OF-1", "delta": -1, "reason": "used"});
    let reply = shop.call("adjust_stock", take).await;
    assert_eq!(reply.success()["product"]["stock_quantity"], 4);
    assert_eq!(inventory.product("P-1")["stock_quantity"], 4);
    // More than there is.
    let take = json!({"sku": "OF-1", "delta": -5, "reason": "used"});
    let reply = shop.call("adjust_stock", take).await;
    assert_eq!(reply.refusal(), "insufficient_stock");
    assert_eq!(reply.envelope["data"]["stock_quantity"], 4);
}

#[rstest]
#[tokio::test]
async fn a_product_is_put_on_file_in_the_inventory(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    let inventory = Inventory::start().await;
    let shop = inventory.shop(database).await;
    let new = json!({"sku": "BP-1", "name": "Brake Pad", "price": 49.95, "stock_quantity": 4,
                     "idempotency_key": "new-pad"});
    let reply = shop.call("create_product", new.clone()).await;
    assert_eq!(reply.success()["product"]["price"], 49.95);
    let seen = inventory.api.seen().pop().unwrap();
    assert_eq!(seen.headers["idempotency-key"], "new-pad");
    assert_eq!(inventory.product("P-2")["sku"], "BP-1");
    assert!(shop.call("create_product", new).await.is_replayed());
    let again = json!({"sku": "BP-1", "name": "Pad", "price": 1});
    let reply = shop.call("create_product", again).await;
    assert_eq!(reply.refusal(), "already_exists");
    assert!(reply.envelope["data"]["product_id"].is_number());
    inventory.api.close().await;
    let other = json!({"sku": "BP-2", "name": "Pad", "price": 1});
    assert_eq!(shop.call("create_product", other).await.refusal(), "upstream_error");
    assert_eq!(shop.number("select count(*) from products").await, 1);
}

#[rstest]
#[tokio::test]
async fn products_of_the_shops_own_become_the_inventorys_by_sku_or_stay(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    let inventory = Inventory::start().await;
    let shop = inventory.shop(database).await.with_env("INVENTORY_API_ENDPOINT", "");
    let own = json!({"sku": "of-1", "name": "Filter", "price": 9, "stock_quantity": 3});
    let own = shop.call("create_product", own).await.success()["product"]["product_id"].clone();
    let rag = json!({"sku": "RAG", "name": "Rag", "price": 1, "stock_quantity": 3});
    shop.call("create_product", rag).await.success();
    shop.restart().await;
    let shop = shop.with_env("INVENTORY_API_ENDPOINT", inventory.api.url());
    let reply = shop.call("get_product", by_sku("OF-1")).await;
    let product = &reply.success()["product"];
    assert_eq!((&product["product_id"], &product["stock_quantity"]), (&own, &json!(7)));
    // One that the inventory does not have is the shop's own matter.
    let take = json!({"sku": "RAG", "delta": -1, "reason": "used"});
    let reply = shop.call("adjust_stock", take).await;
    assert_eq!(reply.success()["product"]["stock_quantity"], 2);
    // One that it had is not there any more, and stays on file.
    inventory.clear();
    assert_eq!(shop.call("check_stock", by_sku("OF-1")).await.refusal(), "product_not_found");
    assert_eq!(shop.number("select count(*) from products").await, 2);
}

#[tokio::test]
async fn sixteen_who_take_stock_at_once_never_take_more_than_there_is() {
    let inventory = Inventory::start().await;
    let shop = inventory.shop(Database::Sqlite).await;
    assert_eq!(stock(&shop, "OF-1").await, 7);
    let mut servers = [shop.server().await, shop.server().await];
    let take = json!({"sku": "OF-1", "delta": -1, "reason": "used"});
    let mut calls = Vec::new();
    for (number, server) in servers.iter_mut().enumerate() {
        for _ in 0..8 {
            calls.push((number, server.send_call("adjust_stock", take.clone()).await));
        }
    }
    let mut taken = 0;
    for (number, call) in calls {
        let reply = servers[number].reply(call).await;
        if reply.is_error {
            assert_eq!(reply.refusal(), "insufficient_stock");
        } else {
            taken += 1;
        }
    }
    assert_eq!((taken, inventory.product("P-1")["stock_quantity"].as_i64()), (7, Some(0)));
    assert_eq!(stock(&shop, "OF-1").await, 0);
}

#[tokio::test]
async fn the_key_of_the_inventory_is_in_no_log() {
    let inventory = Inventory::start().await;
    let shop = inventory.shop(Database::Sqlite).await.with_env("RUST_LOG", "trace");
    let mut server = shop.server().await;
    server.call("check_stock", by_sku("OF-1")).await.success();
    assert!(!server.stderr().contains(KEY));
}

#[rstest]
#[tokio::test]
async fn what_cannot_be_used_of_a_product_is_named(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    let inventory = Inventory::start().await;
    let shop = inventory.shop(database).await;
    let reply = shop.call("get_product", by_sku("OF-1")).await;
    assert!(reply.success().get("warnings").is_none(), "{}", reply.envelope);
    let mut odd = filter();
    odd["category"] = json!(["filters"]);
    inventory.put(odd);
    for tool in ["get_product", "check_stock"] {
        let reply = shop.call(tool, by_sku("OF-1")).await;
        let warnings = reply.success()["warnings"].as_array().unwrap();
        assert!(warnings[0].as_str().unwrap().contains("category"), "{tool}: {warnings:?}");
    }
}
