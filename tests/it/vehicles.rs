//! Vehicles: adding them to a customer.

use rstest::rstest;
use serde_json::json;

use crate::data::{self, with, without};
use crate::shop::{Database, Shop, by_id};

/// A Honda Accord of 2003, with a right check digit.
const VIN: &str = "1HGCM82633A004352";

#[rstest]
#[tokio::test]
async fn a_new_vehicle_is_its_customers(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    let shop = Shop::open(database).await;
    let id = shop.customer().await;
    let arguments = with(data::vehicle(id), "vin", "1hg cm82633-a004352");
    let reply = shop.call("add_vehicle", with(arguments, "color", "blue")).await;
    let vehicle = &reply.success()["vehicle"];
    assert_eq!(vehicle["customer_id"], id);
    assert_eq!(vehicle["vin"], VIN);
    assert_eq!(vehicle["color"], "blue");
    assert!(vehicle.get("trim").is_none(), "what is unknown is left out");
    let found = shop.call("lookup_customer", by_id(id)).await;
    assert_eq!(found.success()["customer"]["vehicles"], json!([vehicle]));
}

#[rstest]
#[tokio::test]
async fn exactly_one_vehicle_is_the_primary_one(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    let shop = Shop::open(database).await;
    let id = shop.customer().await;
    let primary = async || {
        let reply = shop.call("lookup_customer", by_id(id)).await;
        let vehicles = reply.success()["customer"]["vehicles"].as_array().unwrap().clone();
        let mut primary = vehicles.iter().filter(|vehicle| vehicle["is_primary_vehicle"] == true);
        let one = primary.next().expect("a primary vehicle")["id"].clone();
        assert!(primary.next().is_none(), "one primary vehicle");
        one
    };
    let first = shop.call("add_vehicle", data::vehicle(id)).await;
    assert_eq!(primary().await, first.success()["vehicle"]["id"]);
    shop.call("add_vehicle", data::vehicle(id)).await.success();
    assert_eq!(primary().await, first.success()["vehicle"]["id"]);
    let wanted = with(data::vehicle(id), "is_primary_vehicle", true);
    let third = shop.call("add_vehicle", wanted).await;
    assert_eq!(primary().await, third.success()["vehicle"]["id"]);
}

#[rstest]
#[tokio::test]
async fn a_vehicle_of_nobody_is_refused(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    let shop = Shop::open(database).await;
    let reply = shop.call("add_vehicle", data::vehicle(987_654)).await;
    assert_eq!(reply.refusal(), "customer_not_found");
}

#[rstest]
#[tokio::test]
async fn year_make_and_model_are_needed_without_a_vin(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    let shop = Shop::open(database).await;
    let id = shop.customer().await;
    for field in ["year", "make", "model"] {
        let reply = shop.call("add_vehicle", without(data::vehicle(id), field)).await;
        assert_eq!(reply.refusal(), "invalid_argument", "{field}");
        assert_eq!(reply.error(), format!("{field} is required: no VIN was given"));
    }
    let all = "year, make, model are required";
    let reply = shop.call("add_vehicle", by_id(id)).await;
    assert_eq!(reply.error(), format!("{all}: no VIN was given"));
    let unknown = with(by_id(id), "vin", "00000000000000000");
    let reply = shop.call("add_vehicle", unknown).await;
    assert_eq!(reply.error(), format!("{all}: nobody knows this VIN"));
}

#[rstest]
#[tokio::test]
async fn a_vin_on_file_is_refused(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    let shop = Shop::open(database).await;
    let (ann, bob) = (shop.customer().await, shop.customer().await);
    shop.call("add_vehicle", with(data::vehicle(ann), "vin", VIN)).await.success();
    let reply = shop.call("add_vehicle", with(data::vehicle(bob), "vin", VIN)).await;
    assert_eq!(reply.refusal(), "already_exists");
}

#[rstest]
#[tokio::test]
async fn a_wrong_vin_is_refused(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    let shop = Shop::open(database).await;
    let id = shop.customer().await;
    for vin in [
        "1HGCM82633A00435",
        "1HGCM82633A00435,",
        "1HGCM82633A00435!",
        "1HGCM82633A0043522",
        "1HGCM82633A00435O",
        "1HGCM82633A0043*2",
    ] {
        let reply = shop.call("add_vehicle", with(data::vehicle(id), "vin", vin)).await;
        assert_eq!(reply.refusal(), "invalid_vin", "{vin}");
    }
}

#[rstest]
#[tokio::test]
async fn a_wrong_check_digit_is_a_warning(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    let shop = Shop::open(database).await;
    let id = shop.customer().await;
    let told = with(data::vehicle(id), "year", 2003);
    let reply = shop.call("add_vehicle", with(told.clone(), "vin", "1HGCM82673A004352")).await;
    let warning = reply.success()["warnings"][0].as_str().unwrap();
    assert!(warning.contains("should be 3"), "{warning}");
    let reply = shop.call("add_vehicle", with(told, "vin", VIN)).await;
    assert!(reply.success().get("warnings").is_none());
}
