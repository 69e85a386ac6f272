//! Arguments as models and clients write them.

use chrono::Weekday;
use rstest::rstest;
use serde_json::{Value, json};

use crate::data::{self, at, next_weekday, visit, with, without};
use crate::shop::{Database, Shop, by_id};

#[rstest]
#[tokio::test]
async fn numbers_may_be_text_and_whole_numbers_may_have_a_point(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    let shop = Shop::open(database).await;
    let owner = shop.owner().await;
    let with_point: f64 = owner.customer_id.to_string().parse().unwrap();
    for id in [json!(owner.customer_id.to_string()), json!(with_point)] {
        let reply = shop.call("lookup_customer", json!({ "customer_id": id })).await;
        assert_eq!(reply.success()["customer"]["id"], owner.customer_id, "{id}");
    }
    let arguments = visit(owner, &at(next_weekday(Weekday::Mon, 1), "09:00"));
    let arguments = with(arguments, "vehicle_id", owner.vehicle_id.to_string());
    let arguments = with(arguments, "duration_minutes", 45.0);
    let reply = shop.call("book_appointment", arguments).await;
    assert_eq!(reply.success()["duration_minutes"], 45);
}

#[rstest]
#[tokio::test]
async fn digits_may_be_a_number(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    let shop = Shop::open(database).await;
    let arguments = with(data::customer(), "phone_number", 2_025_550_147_i64);
    let reply = shop.call("create_customer", arguments).await;
    assert_eq!(reply.success()["customer"]["phone_number"], "+12025550147");
    let found = shop.call("lookup_customer", json!({ "phone_number": 2_025_550_147_i64 })).await;
    assert_eq!(found.success()["found"], true);
}

#[rstest]
#[tokio::test]
async fn true_and_false_may_be_text(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    let shop = Shop::open(database).await;
    let arguments = with(by_id(shop.customer().await), "include_past", "true");
    let reply = shop.call("get_upcoming_appointments", arguments).await;
    assert!(matches!(reply.envelope["code"].as_str(), None | Some("invalid_argument")));
}

#[rstest]
#[tokio::test]
async fn null_for_an_optional_argument_is_absence(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    let shop = Shop::open(database).await;
    let arguments = with(with(data::customer(), "email", Value::Null), "notes", Value::Null);
    let reply = shop.call("create_customer", arguments).await;
    assert!(reply.success()["customer"].get("email").is_none());
    let id = reply.success()["customer"]["id"].clone();
    let lookup = json!({ "customer_id": id, "phone_number": null, "email": null, "crm_id": null });
    assert_eq!(shop.call("lookup_customer", lookup).await.success()["found"], true);
}

#[rstest]
#[tokio::test]
async fn null_for_a_needed_argument_is_refused(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    let shop = Shop::open(database).await;
    let arguments = with(data::customer(), "first_name", Value::Null);
    let reply = shop.call("create_customer", arguments).await;
    assert_eq!(reply.refusal(), "invalid_argument");
    assert!(reply.error().contains("first_name"), "{}", reply.error());
}

#[rstest]
#[tokio::test]
async fn a_missing_argument_is_named(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    let shop = Shop::open(database).await;
    for field in ["first_name", "last_name", "phone_number"] {
        let reply = shop.call("create_customer", without(data::customer(), field)).await;
        assert_eq!(reply.refusal(), "invalid_argument");
        assert!(reply.error().contains(field), "{}", reply.error());
    }
}

#[rstest]
#[tokio::test]
async fn an_unknown_argument_is_named_with_those_that_exist(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    let shop = Shop::open(database).await;
    let reply = shop.call("lookup_customer", json!({ "phone": "202 555 0123" })).await;
    assert_eq!(reply.refusal(), "invalid_argument");
    let told = reply.envelope.to_string();
    for name in ["phone", "phone_number", "email", "customer_id", "crm_id"] {
        assert!(told.contains(name), "{name}: {told}");
    }
}

#[rstest]
#[tokio::test]
async fn a_wrong_type_is_refused_by_its_name(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    let shop = Shop::open(database).await;
    for value in [json!(5.5), json!("five"), json!(true), json!([5]), json!({ "id": 5 }), json!("")]
    {
        let reply = shop.call("lookup_customer", json!({ "customer_id": value })).await;
        assert_eq!(reply.refusal(), "invalid_argument", "{value}");
        assert!(reply.error().contains("customer_id"), "{}", reply.error());
    }
    for value in [json!(["John"]), json!({}), json!(false)] {
        let reply = shop.call("create_customer", with(data::customer(), "first_name", value)).await;
        assert_eq!(reply.refusal(), "invalid_argument");
        assert!(reply.error().contains("first_name"), "{}", reply.error());
    }
}

#[rstest]
#[tokio::test]
async fn arguments_that_are_no_object_are_refused(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    let shop = Shop::open(database).await;
    let mut server = shop.server().await;
    for arguments in [json!([1]), json!("text"), json!(7)] {
        let id = server.send_call("lookup_customer", arguments.clone()).await;
        let answer = server.answer(id).await;
        let refused = answer["result"]["isError"] == true || answer["error"]["code"] == -32602;
        assert!(refused, "{arguments}: {answer}");
    }
}

#[rstest]
#[tokio::test]
async fn a_number_beyond_every_id_finds_nobody(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    let shop = Shop::open(database).await;
    for id in [json!(0), json!(-1), json!(i64::MAX), json!(u64::MAX), json!(1e300)] {
        let reply = shop.call("lookup_customer", json!({ "customer_id": id })).await;
        if reply.is_error {
            assert_eq!(reply.refusal(), "invalid_argument", "{id}");
        } else {
            assert_eq!(reply.success()["found"], false, "{id}");
        }
    }
}

#[rstest]
#[tokio::test]
async fn text_has_its_limits(#[values(Database::Sqlite, Database::Postgres)] database: Database) {
    let shop = Shop::open(database).await;
    for (field, value, is_fine) in [
        ("first_name", "é".repeat(200), true),
        ("first_name", "é".repeat(201), false),
        ("first_name", "Jo\u{0}hn".to_owned(), false),
        ("first_name", "Jo\u{7}hn".to_owned(), false),
        ("first_name", String::new(), false),
        ("notes", "x".repeat(4_000), true),
        ("notes", "x".repeat(4_001), false),
        ("notes", "a line\n\tand another".to_owned(), true),
        ("notes", "escape \u{1b}[31m".to_owned(), false),
    ] {
        let shown: String = value.chars().take(20).collect();
        let reply = shop.call("create_customer", with(data::customer(), field, value)).await;
        assert_eq!(!reply.is_error, is_fine, "{field} {shown:?}");
        if !is_fine {
            assert_eq!(reply.refusal(), "invalid_argument");
            assert!(reply.error().contains(field), "{}", reply.error());
        }
    }
}

#[rstest]
#[tokio::test]
async fn a_limit_lies_between_1_and_100(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    let shop = Shop::open(database).await;
    let arguments = by_id(shop.customer().await);
    for (limit, is_fine) in [(0, false), (1, true), (100, true), (101, false), (-1, false)] {
        let arguments = with(arguments.clone(), "limit", limit);
        let reply = shop.call("get_upcoming_appointments", arguments).await;
        assert_eq!(!reply.is_error, is_fine, "{limit}");
    }
}

#[rstest]
#[tokio::test]
async fn quotes_and_wildcards_are_only_text(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    let shop = Shop::open(database).await;
    let name = "Robert'); drop table customers;--";
    let reply = shop.call("create_customer", with(data::customer(), "last_name", name)).await;
    assert_eq!(reply.success()["customer"]["last_name"], name);
    let reply = shop.call("lookup_customer", json!({ "email": "%@%" })).await;
    assert!(reply.is_error || reply.success()["found"] == false);
}
