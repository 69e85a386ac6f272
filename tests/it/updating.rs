//! Correcting what is on file about customers and vehicles.

use rstest::rstest;
use serde_json::{Value, json};

use crate::data::{self, with};
use crate::shop::{Database, Shop, by_id};

fn customer(customer_id: i64, updates: &Value) -> Value {
    json!({ "customer_id": customer_id, "updates": updates })
}

fn vehicle(vehicle_id: i64, updates: &Value) -> Value {
    json!({ "vehicle_id": vehicle_id, "updates": updates })
}

async fn on_file(shop: &Shop, customer_id: i64) -> Value {
    shop.call("lookup_customer", by_id(customer_id)).await.success()["customer"].clone()
}

#[rstest]
#[tokio::test]
async fn a_customer_changes_only_in_what_is_named(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    let shop = Shop::open(database).await;
    let new = with(with(data::customer(), "notes", "Has a dog."), "email", "ann@example.com");
    let id = shop.call("create_customer", new).await.success()["customer"]["id"].as_i64().unwrap();
    let before = on_file(&shop, id).await;
    let updates = json!({
        "first_name": "Zoë", "tier": "gold", "satisfaction_score": 4.5, "phone_number": "202 555 9876",
        "account_status": "inactive",
    });
    let reply = shop.call("update_customer", customer(id, &updates)).await;
    let data = reply.success();
    assert_eq!(data["customer_id"], id);
    let mut fields: Vec<_> =
        data["updated_fields"].as_array().unwrap().iter().map(|f| f.as_str().unwrap()).collect();
    fields.sort_unstable();
    let named = ["account_status", "first_name", "phone_number", "satisfaction_score", "tier"];
    assert_eq!(fields, named);
    assert!(data["updated_at"].as_str().unwrap().starts_with(&data::today().to_string()[..4]));
    let mut expected = before;
    for (field, value) in updates.as_object().unwrap() {
        expected[field] = value.clone();
    }
    expected["phone_number"] = json!("+12025559876");
    assert_eq!(data["customer"], expected);
    assert_eq!(on_file(&shop, id).await, expected);
}

#[rstest]
#[tokio::test]
async fn an_empty_text_removes_what_may_be_missing(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    let shop = Shop::open(database).await;
    let new = with(with(data::customer(), "notes", "Has a dog."), "email", "ann@example.com");
    let id = shop.call("create_customer", new).await.success()["customer"]["id"].as_i64().unwrap();
    shop.call("update_customer", customer(id, &json!({"notes": "", "email": " "}))).await.success();
    let customer = on_file(&shop, id).await;
    assert!(customer.get("notes").is_none() && customer.get("email").is_none(), "{customer}");
    // Nobody has the address any more, so somebody else may.
    let other = with(data::customer(), "email", "Ann@Example.com");
    shop.call("create_customer", other).await.success();
}

#[rstest]
#[tokio::test]
async fn preferences_are_merged_key_by_key(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    let shop = Shop::open(database).await;
    let new = with(data::customer(), "preferences", json!({"contact": "call", "coffee": true}));
    let id = shop.call("create_customer", new).await.success()["customer"]["id"].as_i64().unwrap();
    let updates =
        json!({"preferences": {"contact": "text", "coffee": null, "waits": "no", "x": null}});
    let reply = shop.call("update_customer", customer(id, &updates)).await;
    assert_eq!(
        reply.success()["customer"]["preferences"],
        json!({"contact": "text", "waits": "no"})
    );
}

#[rstest]
#[tokio::test]
async fn what_is_no_change_of_a_customer_is_refused(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    let shop = Shop::open(database).await;
    let id = shop.customer().await;
    let before = on_file(&shop, id).await;
    for (updates, named) in [
        (json!({}), "updates"),
        (json!({"first_name": null}), "updates"),
        (json!({"first_name": ""}), "first_name"),
        (json!({"last_name": "a\nb"}), "last_name"),
        (json!({"last_name": "x".repeat(201)}), "last_name"),
        (json!({"email": "nobody"}), "email"),
        (json!({"phone_number": "12"}), "phone_number"),
        (json!({"account_status": "gone"}), "blocked"),
        (json!({"satisfaction_score": 5.1}), "satisfaction_score"),
        (json!({"satisfaction_score": -1}), "satisfaction_score"),
        (json!({"satisfaction_score": "good"}), "satisfaction_score"),
        (json!({"notes": "a\u{200b}b\u{202e}"}), "notes"),
        (json!({"preferences": {"a\u{0}": 1}}), "preferences"),
        (json!({"preferences": "text"}), "preferences"),
        (json!({"id": 7}), "first_name"),
        (json!({"first_name": "Ann", "lifetime_value": 7}), "satisfaction_score"),
    ] {
        let reply = shop.call("update_customer", customer(id, &updates)).await;
        assert_eq!(reply.refusal(), "invalid_argument", "{updates}");
        assert!(reply.error().contains(named), "{updates}: {}", reply.error());
    }
    let reply = shop.call("update_customer", customer(id + 99, &json!({"tier": "gold"}))).await;
    assert_eq!(reply.refusal(), "customer_not_found");
    assert_eq!(on_file(&shop, id).await, before);
}

#[rstest]
#[tokio::test]
async fn contact_details_of_somebody_else_are_refused(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    let shop = Shop::open(database).await;
    let phone = data::phone();
    let ann = with(data::customer_with_phone(&phone), "email", "ann@example.com");
    let ann = shop.call("create_customer", ann).await.success()["customer"]["id"].clone();
    let bob = shop.customer().await;
    for updates in [json!({"phone_number": phone}), json!({"email": "ANN@example.com"})] {
        let reply = shop.call("update_customer", customer(bob, &updates)).await;
        assert_eq!(reply.refusal(), "already_exists", "{updates}");
        assert_eq!(reply.envelope["data"]["customer_id"], ann);
    }
    let shared = with(customer(bob, &json!({"phone_number": phone})), "allow_shared_phone", true);
    shop.call("update_customer", shared).await.success();
    let reply = shop.call("lookup_customer", json!({"phone_number": phone})).await;
    assert_eq!(reply.success()["candidates"].as_array().unwrap().len(), 2);
    // What is theirs already can be said again.
    let own = json!({"phone_number": phone, "email": "ann@EXAMPLE.com"});
    let again = customer(ann.as_i64().unwrap(), &own);
    assert_eq!(
        shop.call("update_customer", again).await.success()["customer"]["email"],
        "ann@EXAMPLE.com"
    );
}

#[rstest]
#[tokio::test]
async fn two_processes_cannot_give_two_customers_one_address(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    let shop = Shop::open(database).await;
    let ids = [shop.customer().await, shop.customer().await];
    let mut servers = [shop.server().await, shop.server().await];
    for round in 0..10 {
        let address = format!("round-{round}@example.com");
        let mut calls = Vec::new();
        for (server, id) in servers.iter_mut().zip(ids) {
            let updates = customer(id, &json!({ "email": address }));
            calls.push(server.send_call("update_customer", updates).await);
        }
        let mut outcomes = Vec::new();
        for (server, call) in servers.iter_mut().zip(calls) {
            let reply = server.reply(call).await;
            outcomes.push(reply.envelope["code"].as_str().unwrap_or("success").to_owned());
        }
        outcomes.sort();
        assert_eq!(outcomes, ["already_exists", "success"]);
    }
}

#[rstest]
#[tokio::test]
async fn a_vehicle_changes_only_in_what_is_named(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    let shop = Shop::open(database).await;
    let owner = shop.owner().await;
    let updates = json!({
        "vin": "1hgcm 82633-a004352", "license_plate": "ABC 1234", "color": "blue",
        "current_mileage": 45000, "trim": "EX",
    });
    let reply = shop.call("update_vehicle", vehicle(owner.vehicle_id, &updates)).await;
    let data = reply.success();
    assert_eq!(data["vehicle_id"], owner.vehicle_id);
    let expected = json!({
        "id": owner.vehicle_id, "customer_id": owner.customer_id, "vin": "1HGCM82633A004352",
        "year": 2020, "make": "Honda", "model": "Accord", "trim": "EX", "color": "blue",
        "license_plate": "ABC 1234", "current_mileage": 45000, "is_primary_vehicle": true,
    });
    assert_eq!(data["vehicle"], expected);
    assert_eq!(on_file(&shop, owner.customer_id).await["vehicles"], json!([expected]));
    let removed = vehicle(owner.vehicle_id, &json!({"vin": "", "color": "", "trim": ""}));
    let reply = shop.call("update_vehicle", removed).await;
    let vehicle = &reply.success()["vehicle"];
    for field in ["vin", "color", "trim"] {
        assert!(vehicle.get(field).is_none(), "{field}: {vehicle}");
    }
    assert_eq!(vehicle["license_plate"], "ABC 1234");
}

#[rstest]
#[tokio::test]
async fn a_customer_keeps_exactly_one_primary_vehicle(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    let shop = Shop::open(database).await;
    let first = shop.owner().await;
    let second = shop.owner_of_another_vehicle(first.customer_id).await;
    let primary = vehicle(second.vehicle_id, &json!({"is_primary_vehicle": true}));
    shop.call("update_vehicle", primary.clone()).await.success();
    let primaries = |customer: &Value| -> Vec<i64> {
        let vehicles = customer["vehicles"].as_array().unwrap().iter();
        let primary = vehicles.filter(|vehicle| vehicle["is_primary_vehicle"] == true);
        primary.map(|vehicle| vehicle["id"].as_i64().unwrap()).collect()
    };
    assert_eq!(primaries(&on_file(&shop, first.customer_id).await), [second.vehicle_id]);
    let none = vehicle(second.vehicle_id, &json!({"is_primary_vehicle": false}));
    let reply = shop.call("update_vehicle", none).await;
    assert_eq!(reply.refusal(), "invalid_argument");
    assert!(reply.error().contains("primary"), "{}", reply.error());
    assert_eq!(primaries(&on_file(&shop, first.customer_id).await), [second.vehicle_id]);
}

#[rstest]
#[tokio::test]
async fn what_is_no_change_of_a_vehicle_is_refused(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    let shop = Shop::open(database).await;
    let owner = shop.owner().await;
    let other = with(data::vehicle(owner.customer_id), "vin", "1HGCM82633A004352");
    let other = shop.call("add_vehicle", other).await.success()["vehicle"]["id"].clone();
    for (updates, code, named) in [
        (json!({}), "invalid_argument", "updates"),
        (json!({"year": 1850}), "invalid_argument", "year"),
        (json!({"year": 2999}), "invalid_argument", "year"),
        (json!({"make": ""}), "invalid_argument", "make"),
        (json!({"current_mileage": -1}), "invalid_argument", "current_mileage"),
        (json!({"vin": "1HGCM82633A00435"}), "invalid_vin", "17"),
        (json!({"vin": "1HGCM82633A00435O"}), "invalid_vin", "O"),
        (json!({"vin": "1HGCM82633A004352"}), "already_exists", "vin"),
        (json!({"customer_id": 1}), "invalid_argument", "license_plate"),
        (json!({"license_plate": "a\u{1b}b"}), "invalid_argument", "license_plate"),
    ] {
        let reply = shop.call("update_vehicle", vehicle(owner.vehicle_id, &updates)).await;
        assert_eq!(reply.refusal(), code, "{updates}");
        assert!(reply.error().contains(named), "{updates}: {}", reply.error());
        if code == "already_exists" {
            assert_eq!(reply.envelope["data"]["vehicle_id"], other);
            assert_eq!(reply.envelope["data"]["customer_id"], owner.customer_id);
        }
    }
    let reply = shop.call("update_vehicle", vehicle(4_711, &json!({"color": "red"}))).await;
    assert_eq!(reply.refusal(), "vehicle_not_found");
}

#[tokio::test]
async fn a_vin_of_another_vehicle_is_warned_of() {
    let shop = Shop::open(Database::Sqlite).await;
    let owner = shop.owner().await;
    let corolla = json!({"year": 2018, "make": "Toyota", "model": "Corolla"});
    shop.call("update_vehicle", vehicle(owner.vehicle_id, &corolla)).await.success();
    let vin = json!({"vin": "1HGCM82633A004352"});
    let reply = shop.call("update_vehicle", vehicle(owner.vehicle_id, &vin)).await;
    let warnings = reply.success()["warnings"].to_string();
    assert!(warnings.contains("2003 Honda Accord"), "{warnings}");
    assert!(warnings.contains("2018 Toyota Corolla"), "{warnings}");
    let accord =
        json!({"year": 2003, "make": "Honda", "model": "Accord", "vin": "1HGCM82633A004352"});
    let reply = shop.call("update_vehicle", vehicle(owner.vehicle_id, &accord)).await;
    assert!(reply.success().get("warnings").is_none());
    // Its VIN is on file by now.
    let year = json!({"year": 2010});
    let reply = shop.call("update_vehicle", vehicle(owner.vehicle_id, &year)).await;
    let warnings = reply.success()["warnings"].to_string();
    assert!(warnings.contains("2010 Honda Accord"), "{warnings}");
}
