//! Customers: finding and creating them.

use rstest::rstest;
use serde_json::json;

use crate::data::{self, with};
use crate::shop::{Database, Shop, by_id};

#[rstest]
#[tokio::test]
async fn a_new_customer_is_found_by_phone_email_and_id(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    let shop = Shop::open(database).await;
    let arguments = with(data::customer_with_phone("(202) 555-0123"), "email", "john@example.com");
    let created = shop.call("create_customer", arguments).await;
    let id = created.success()["customer"]["id"].clone();
    for (field, value) in [
        ("phone_number", json!("202-555-0123")),
        ("phone_number", json!("+1 202 555 0123")),
        ("email", json!("John@Example.com")),
        ("customer_id", id.clone()),
    ] {
        let reply = shop.call("lookup_customer", json!({ field: value })).await;
        let data = reply.success();
        assert_eq!(data["found"], true, "{field} {value}");
        assert_eq!(data["lookup_key"], field);
        assert_eq!(data["customer"]["id"], id);
        assert_eq!(data["customer"]["phone_number"], "+12025550123");
    }
}

#[rstest]
#[tokio::test]
async fn a_new_customer_has_the_defaults(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    let shop = Shop::open(database).await;
    let reply = shop.call("create_customer", data::customer()).await;
    let customer = &reply.success()["customer"];
    assert_eq!(customer["account_status"], "active");
    assert_eq!(customer["tier"], "standard");
    assert_eq!(customer["open_tickets"], 0);
    assert_eq!(customer["lifetime_value"].as_f64(), Some(0.0));
    assert_eq!(customer["vehicles"], json!([]));
    assert_eq!(customer["customer_since"], data::today().to_string());
    assert!(customer.get("email").is_none(), "what is unknown is left out");
}

#[rstest]
#[tokio::test]
async fn nobody_there_is_no_failure(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    let shop = Shop::open(database).await;
    for (field, value) in [
        ("phone_number", json!("202 555 0188")),
        ("email", json!("nobody@example.com")),
        ("customer_id", json!(987_654)),
        ("crm_id", json!("no-such-id")),
    ] {
        let reply = shop.call("lookup_customer", json!({ field: value })).await;
        assert_eq!(reply.success()["found"], false);
        assert_eq!(reply.success()["lookup_key"], field);
        assert!(reply.success().get("customer").is_none());
    }
}

#[rstest]
#[tokio::test]
async fn a_customer_is_looked_up_by_exactly_one_key(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    let shop = Shop::open(database).await;
    for arguments in [json!({}), json!({ "customer_id": 1, "email": "a@example.com" })] {
        let reply = shop.call("lookup_customer", arguments).await;
        assert_eq!(reply.refusal(), "invalid_argument");
    }
}

#[rstest]
#[tokio::test]
async fn a_number_that_is_possible_but_not_assigned_is_kept(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    let shop = Shop::open(database).await;
    let created = shop.call("create_customer", data::customer_with_phone("+15555551234")).await;
    assert_eq!(created.success()["customer"]["phone_number"], "+15555551234");
}

#[rstest]
#[tokio::test]
async fn what_cannot_be_a_phone_number_is_refused(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    let shop = Shop::open(database).await;
    for phone in ["", "12", "not a number", "+1202555012345678901"] {
        let reply = shop.call("create_customer", data::customer_with_phone(phone)).await;
        assert_eq!(reply.refusal(), "invalid_argument", "{phone:?}");
        assert!(reply.error().contains("phone_number"), "{}", reply.error());
    }
}

#[rstest]
#[tokio::test]
async fn a_phone_number_of_somebody_else_is_refused(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    let shop = Shop::open(database).await;
    let first = shop.customer().await;
    let found = shop.call("lookup_customer", by_id(first)).await;
    let phone = found.success()["customer"]["phone_number"].as_str().unwrap().to_owned();
    let reply = shop.call("create_customer", data::customer_with_phone(&phone)).await;
    assert_eq!(reply.refusal(), "already_exists");
    assert_eq!(reply.envelope["data"]["customer_id"], first);
}

#[rstest]
#[tokio::test]
async fn an_email_of_somebody_else_is_refused(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    let shop = Shop::open(database).await;
    let ann = with(data::customer(), "email", "ann@example.com");
    let first = shop.call("create_customer", ann).await;
    let again = with(data::customer(), "email", "ANN@example.com");
    let reply = shop.call("create_customer", again).await;
    assert_eq!(reply.refusal(), "already_exists");
    assert_eq!(reply.envelope["data"]["customer_id"], first.success()["customer"]["id"]);
}

#[rstest]
#[tokio::test]
async fn a_shared_phone_number_finds_candidates(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    let shop = Shop::open(database).await;
    let phone = data::phone();
    let ann = with(data::customer_with_phone(&phone), "first_name", "Ann");
    let bob = with(data::customer_with_phone(&phone), "first_name", "Bob");
    let ann = shop.call("create_customer", ann).await;
    let bob = shop.call("create_customer", with(bob, "allow_shared_phone", true)).await;
    let reply = shop.call("lookup_customer", json!({ "phone_number": phone })).await;
    let data = reply.success();
    assert_eq!(data["found"], true);
    assert!(data.get("customer").is_none(), "{data}");
    let mut candidates = data["candidates"].as_array().unwrap().clone();
    candidates.sort_by_key(|candidate| candidate["customer_id"].as_i64());
    let candidate = |reply: &crate::reply::Reply, first_name: &str| {
        let id = reply.success()["customer"]["id"].clone();
        json!({ "customer_id": id, "first_name": first_name, "last_name": "Doe" })
    };
    assert_eq!(candidates, [candidate(&ann, "Ann"), candidate(&bob, "Bob")]);
}

#[rstest]
#[tokio::test]
async fn a_lookup_sees_what_another_process_wrote(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    let shop = Shop::open(database).await;
    let id = shop.customer().await;
    shop.call("lookup_customer", by_id(id)).await.success();
    let mut other = shop.server().await;
    other.call("add_vehicle", data::vehicle(id)).await.success();
    let reply = shop.call("lookup_customer", by_id(id)).await;
    assert_eq!(reply.success()["customer"]["vehicles"].as_array().unwrap().len(), 1);
}

#[rstest]
#[tokio::test]
async fn what_is_unknown_is_left_out_of_preferences(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    let shop = Shop::open(database).await;
    let preferences = json!({"contact": "text", "a": null, "b": {"c": null, "d": [null, 1]}});
    let arguments = data::with(data::customer(), "preferences", preferences);
    let reply = shop.call("create_customer", arguments).await;
    let kept = &reply.success()["customer"]["preferences"];
    assert_eq!(*kept, json!({"contact": "text", "b": {"d": [1]}}));
}
