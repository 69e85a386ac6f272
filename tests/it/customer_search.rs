//! Finding customers by any part of what is known of them.

mod indexing;
mod model;
mod regions;

use rstest::rstest;
use serde_json::{Value, json};

use crate::data::{self, with};
use crate::shop::{Database, Shop, by_id};

const VIN: &str = "1HGCM82633A004352";

/// The numbers of the customers that are found, in order.
pub async fn search(shop: &Shop, arguments: Value) -> Vec<i64> {
    ids(shop.call("search_customers", arguments).await.success())
}

/// The same by `query` alone.
async fn by_query(shop: &Shop, query: &str) -> Vec<i64> {
    search(shop, json!({ "query": query })).await
}

/// The numbers of the customers in a reply's data.
pub fn ids(data: &Value) -> Vec<i64> {
    let rows = data["customers"].as_array().unwrap_or_else(|| panic!("no customers: {data}"));
    rows.iter().map(|row| row["id"].as_i64().unwrap()).collect()
}

/// Puts somebody on file; the number.
async fn put(shop: &Shop, first: &str, last: &str, more: Value) -> i64 {
    let mut arguments =
        json!({ "first_name": first, "last_name": last, "phone_number": data::phone() });
    for (field, value) in more.as_object().unwrap() {
        arguments[field] = value.clone();
    }
    shop.call("create_customer", arguments).await.success()["customer"]["id"].as_i64().unwrap()
}

async fn add_vehicle(shop: &Shop, customer_id: i64, field: &str, value: &str) {
    shop.call("add_vehicle", with(data::vehicle(customer_id), field, value)).await.success();
}

#[rstest]
#[tokio::test]
async fn a_customer_is_found_by_any_part(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    let shop = Shop::open(database).await;
    let more = json!({ "email": "Zoe.Garcia42@example.com", "phone_number": "(202) 555-0123" });
    let zoe = put(&shop, "Zoë", "García-O'Brien", more).await;
    add_vehicle(&shop, zoe, "license_plate", "ABC-1234").await;
    let more = json!({ "email": "taro@example.org", "phone_number": "+442079460958" });
    let taro = put(&shop, "太郎", "山田", more).await;
    let nemo = put(&shop, "X", "\u{1F600}", json!({ "phone_number": "+12025559999" })).await;
    for query in [
        "zoe",
        "ZOË",
        "garcia",
        "arc",
        "z",
        "zoe garcia",
        "garcia zoe",
        "obrien",
        "o'brien",
        "o brien",
        "zoegarcia",
        "zoe.garcia42@example.com",
        "garcia42@EXAM",
        "example.com",
        "(202) 555-0123",
        "202 555 0123",
        "+1 202-555-0123",
        "0123",
        "ABC-1234",
        "abc1234",
        "ab c12 34",
        "c12",
        "zoe 0123 abc",
    ] {
        assert_eq!(by_query(&shop, query).await, [zoe], "{query}");
    }
    for query in ["太", "山田", "山田太郎", "020 7946 0958 44", "+44 20 7946 0958", "taro"] {
        let expected: &[i64] = if query.ends_with(" 44") { &[] } else { &[taro] };
        assert_eq!(by_query(&shop, query).await, expected, "{query}");
    }
    assert_eq!(by_query(&shop, "\u{1F600}").await, [nemo]);
    assert_eq!(by_query(&shop, "example").await, [taro, zoe]);
    assert_eq!(search(&shop, json!({})).await, [nemo, taro, zoe]);
    for query in ["zoe taro", "garcai", "abc 1235", "99990", "garcia@example.org"] {
        assert_eq!(by_query(&shop, query).await, [0_i64; 0], "{query}");
    }
}

#[rstest]
#[tokio::test]
async fn a_plate_that_is_spelled_out_is_its_owner_s(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    let shop = Shop::open(database).await;
    let [first, second] =
        [put(&shop, "Ann", "Lee", json!({})).await, put(&shop, "Bo", "Ray", json!({})).await];
    add_vehicle(&shop, first, "license_plate", "ABC-1234").await;
    add_vehicle(&shop, second, "license_plate", "abc 1234").await;
    // She has each of the pieces somewhere.
    let cab = put(&shop, "Cab", "Bale", json!({ "phone_number": "+12025551234" })).await;
    for query in ["a b c 1 2 3 4", "AB C 12 34"] {
        assert_eq!(by_query(&shop, query).await, [second, first], "{query}");
    }
    // A name and the end of a phone number look like a plate in two pieces.
    let lee = put(&shop, "Lee", "Dale", json!({ "phone_number": "+12025550101" })).await;
    add_vehicle(&shop, cab, "license_plate", "LEE 0101").await;
    assert_eq!(by_query(&shop, "lee 0101").await, [lee, cab]);
    let mut page = json!({ "query": "a b c 1 2 3 4", "limit": 1 });
    for (id, is_last) in [(second, false), (first, true)] {
        let found = shop.call("search_customers", page.clone()).await;
        assert_eq!(ids(found.success()), [id]);
        assert_eq!(found.success().get("next_cursor").is_none(), is_last);
        page["cursor"] = found.success()["next_cursor"].clone();
    }
    // Nobody has that plate.
    assert_eq!(by_query(&shop, "c a b 1 2 3 4").await, [cab, second, first]);
}

#[rstest]
#[tokio::test]
async fn a_found_customer_is_told_as_a_lookup_tells_it_without_vehicles(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    let shop = Shop::open(database).await;
    let more =
        json!({ "email": "ann@example.com", "notes": "Likes tea.", "preferences": {"a": 1} });
    let ann = put(&shop, "Ann", "Lee", more).await;
    add_vehicle(&shop, ann, "license_plate", "ABC-1234").await;
    let looked_up = shop.call("lookup_customer", by_id(ann)).await;
    let mut expected = looked_up.success()["customer"].clone();
    expected.as_object_mut().unwrap().remove("vehicles");
    let found = shop.call("search_customers", json!({ "query": "lee" })).await;
    assert_eq!(found.success()["customers"], json!([expected]));
    assert!(found.success().get("next_cursor").is_none());
    assert_eq!(found.message(), "I found one customer: Ann Lee.");
    for last in ["Lee", "Leeds", "Leery"] {
        put(&shop, "Bob", last, json!({})).await;
    }
    let message =
        |arguments| async { shop.call("search_customers", arguments).await.message().to_owned() };
    assert_eq!(
        message(json!({ "query": "lee" })).await,
        "I found 4 customers: among them Bob Leery, Bob Leeds and Bob Lee."
    );
    assert_eq!(
        message(json!({ "query": "lee", "limit": 1 })).await,
        "I found 1 customer, and there are more: among them Bob Leery."
    );
    let nobody = shop.call("search_customers", json!({ "query": "nobody" })).await;
    assert_eq!(nobody.success()["customers"], json!([]));
    assert!(nobody.message().starts_with("I found no customer like that"));
}

#[rstest]
#[tokio::test]
async fn a_vin_leads_to_the_owner_of_the_vehicle(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    let shop = Shop::open(database).await;
    let ann = put(&shop, "Ann", "Lee", json!({})).await;
    let bob = put(&shop, "Bob", "Stone", json!({})).await;
    add_vehicle(&shop, ann, "vin", VIN).await;
    add_vehicle(&shop, bob, "vin", "2T1BURHE0JC004352").await;
    for (arguments, expected) in [
        (json!({ "vin": VIN }), vec![ann]),
        (json!({ "vin": "1hgcm-82633-a004352" }), vec![ann]),
        (json!({ "vin": "A004352" }), vec![ann]),
        (json!({ "vin": "004352" }), vec![bob, ann]),
        (json!({ "vin": "004352", "query": "lee" }), vec![ann]),
        (json!({ "vin": "004352", "query": "nobody" }), vec![]),
        (json!({ "vin": "004353" }), vec![]),
        (json!({ "query": VIN }), vec![]),
    ] {
        assert_eq!(search(&shop, arguments.clone()).await, expected, "{arguments}");
    }
    let first = shop.call("search_customers", json!({ "vin": "004352", "limit": 1 })).await;
    assert_eq!(ids(first.success()), [bob]);
    let cursor = &first.success()["next_cursor"];
    let next = json!({ "vin": "004352", "limit": 1, "cursor": cursor });
    assert_eq!(search(&shop, next).await, [ann]);
}

#[rstest]
#[tokio::test]
async fn what_cannot_be_searched_for_is_refused(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    let shop = Shop::open(database).await;
    for (arguments, field) in [
        (json!({ "query": "" }), "query"),
        (json!({ "query": "  " }), "query"),
        (json!({ "query": "-'." }), "query"),
        (json!({ "query": "a\u{0}b" }), "query"),
        (json!({ "query": "a\u{202E}b" }), "query"),
        (json!({ "query": "x".repeat(201) }), "query"),
        (json!({ "query": "a b c d e f g h i j k" }), "query"),
        (json!({ "query": ["a"] }), "query"),
        (json!({ "vin": "12345" }), "vin"),
        (json!({ "vin": "1HGCM82633A0043521" }), "vin"),
        (json!({ "vin": "00435%" }), "vin"),
        (json!({ "limit": 0 }), "limit"),
        (json!({ "limit": 101 }), "limit"),
        (json!({ "cursor": "x" }), "cursor"),
        (json!({ "name": "Ann" }), "name"),
    ] {
        let reply = shop.call("search_customers", arguments.clone()).await;
        assert_eq!(reply.refusal(), "invalid_argument", "{arguments}");
        assert!(reply.error().contains(field), "{arguments}: {}", reply.error());
    }
}

#[rstest]
#[tokio::test]
async fn pages_stay_as_they_are_while_customers_come(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    let shop = Shop::open(database).await;
    let mut all = Vec::new();
    for number in 0..25 {
        all.push(put(&shop, "Ann", &format!("Lee{number}"), json!({})).await);
    }
    all.reverse();
    let (mut told, mut cursor) = (Vec::new(), Value::Null);
    loop {
        let page = json!({ "query": "ann lee", "limit": 10, "cursor": cursor });
        let reply = shop.call("search_customers", page).await;
        told.extend(ids(reply.success()));
        put(&shop, "Ann", "Leeming", json!({})).await;
        match reply.success().get("next_cursor") {
            Some(next) => cursor = next.clone(),
            None => break,
        }
    }
    assert_eq!(told, all);
    let first = shop.call("search_customers", json!({ "query": "ann", "limit": 1 })).await;
    let cursor = &first.success()["next_cursor"];
    for question in [json!({ "query": "lee", "cursor": cursor }), json!({ "cursor": cursor })] {
        assert_eq!(shop.call("search_customers", question).await.refusal(), "invalid_argument");
    }
}

#[rstest]
#[tokio::test]
async fn what_one_process_changes_another_finds_at_once(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    let shop = Shop::open(database).await;
    let (mut one, mut other) = (shop.server().await, shop.server().await);
    let mut found = async |query: &str| {
        ids(other.call("search_customers", json!({ "query": query })).await.success())
    };
    // More than are looked at without the index.
    for round in 0..40 {
        let name = format!("Quirin{round}");
        let customer = with(data::customer(), "first_name", name.as_str());
        let reply = one.call("create_customer", customer).await;
        let id = reply.success()["customer"]["id"].as_i64().unwrap();
        assert_eq!(found(&name).await, [id]);
        let renamed = format!("Xaver{round}");
        let updates = json!({ "customer_id": id, "updates": { "first_name": renamed } });
        one.call("update_customer", updates).await.success();
        assert_eq!(found(&name).await, [0_i64; 0]);
        assert_eq!(found(&renamed).await, [id]);
        let plate = format!("PL {round} X");
        one.call("add_vehicle", with(data::vehicle(id), "license_plate", plate.as_str()))
            .await
            .success();
        assert_eq!(found(&format!("pl{round}x")).await, [id]);
    }
}

#[rstest]
#[tokio::test]
async fn a_changed_plate_leads_to_the_vehicle_s_owner(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    let shop = Shop::open(database).await;
    let ann = shop.owner().await;
    let update = |plate: Value| json!({ "vehicle_id": ann.vehicle_id, "updates": { "license_plate": plate } });
    shop.call("update_vehicle", update(json!("ONE 111"))).await.success();
    assert_eq!(by_query(&shop, "one111").await, [ann.customer_id]);
    shop.call("update_vehicle", update(json!("TWO 222"))).await.success();
    assert_eq!(by_query(&shop, "one111").await, [0_i64; 0]);
    assert_eq!(by_query(&shop, "two222").await, [ann.customer_id]);
}

#[rstest]
#[tokio::test]
async fn the_words_of_a_merged_record_lead_to_the_kept_customer_once(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    let shop = Shop::open(database).await;
    let kept = put(&shop, "Ann", "Lee", json!({ "email": "ann@example.com" })).await;
    let between = put(&shop, "Zed", "Lee", json!({})).await;
    let more = json!({ "email": "annie@example.org", "phone_number": "+12125550177" });
    let merged = put(&shop, "Annie", "Leigh-Lee", more).await;
    add_vehicle(&shop, merged, "license_plate", "MRG 777").await;
    let arguments = json!({ "keep_customer_id": kept, "merge_customer_id": merged });
    shop.call("merge_customers", arguments).await.success();
    for is_indexed in [false, true] {
        for query in [
            "annie",
            "leigh",
            "annie@example.org",
            "212 555 0177",
            "mrg777",
            "ann@example.com",
            "ann leigh",
        ] {
            assert_eq!(by_query(&shop, query).await, [kept], "{query} {is_indexed}");
        }
        let first = shop.call("search_customers", json!({ "query": "lee", "limit": 1 })).await;
        assert_eq!(ids(first.success()), [between]);
        let cursor = &first.success()["next_cursor"];
        let next = json!({ "query": "lee", "limit": 1, "cursor": cursor });
        assert_eq!(search(&shop, next).await, [kept]);
        indexing::migrate(&shop).await;
    }
}
