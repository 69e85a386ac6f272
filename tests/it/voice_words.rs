//! Words on the phone: whom and what a caller means, however it was written down.

use rstest::rstest;
use serde_json::{Value, json};

use crate::budgets::{call, desk, voice_shop};
use crate::data::{self, with};
use crate::server::Server;
use crate::shop::{Database, by_id};
use crate::voice::household;

#[rstest]
#[tokio::test]
async fn a_person_is_known_however_the_name_is_written(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    let shop = voice_shop(database).await;
    let phone = data::phone();
    let people = [
        ("Sean", "O’Neil"),
        ("Aoife", "Ó Briain"),
        ("Tony", "D'Angelo"),
        ("小明", "王"),
        ("Jürgen", "Müller"),
        ("Ann", "Lee"),
    ];
    let ids = household(&mut desk(&shop).await, &phone, &people).await;
    let mut server = shop.server().await;
    for (name, at) in [
        ("O'Neil", 0),
        ("ONeil", 0),
        ("OBriain", 1),
        ("Dangelo", 2),
        ("王小明", 3),
        ("Müller, Jürgen", 4),
        ("Mrs. Lee", 5),
        ("Ann M. Lee", 5),
    ] {
        let asked = json!({ "phone_number": phone, "name": name });
        let found = call(&mut server, "lookup_customer", asked).await;
        assert_eq!(found.success()["customer"]["id"], ids[at], "{name}: {found:?}");
        assert!(found.message().starts_with("Found "), "{name}: {found:?}");
    }
}

#[rstest]
#[tokio::test]
async fn whose_number_it_is_is_said_to_somebody_else(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    let shop = voice_shop(database).await;
    let phone = data::phone();
    let ids = household(&mut desk(&shop).await, &phone, &[("Sean", "O’Neil")]).await;
    let mut server = shop.server().await;
    for (name, message) in [
        ("Sean O'Neil", "Found Sean O’Neil, with no vehicle on file."),
        ("Mr. ONeil", "Found Sean O’Neil, with no vehicle on file."),
        ("Bob", "This number belongs to Sean O’Neil; ask whether that is right."),
    ] {
        let asked = json!({ "phone_number": phone, "name": name });
        let found = call(&mut server, "lookup_customer", asked).await;
        assert_eq!(found.message(), message, "{name}");
        assert_eq!(found.success()["customer"]["id"], ids[0]);
    }
}

/// Puts a vehicle on file; its number.
async fn add(desk: &mut Server, customer_id: i64, make: &str, model: &str, plate: &str) -> Value {
    let vehicle = with(with(data::vehicle(customer_id), "make", make), "model", model);
    let added = desk.call("add_vehicle", with(vehicle, "license_plate", plate)).await;
    added.success()["vehicle"]["id"].clone()
}

#[rstest]
#[tokio::test]
async fn a_vehicle_is_known_however_it_is_written(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    let shop = voice_shop(database).await;
    let customer_id = shop.customer().await;
    let mut desk = desk(&shop).await;
    let mut ids = Vec::new();
    for (make, model, plate) in [
        ("Ford", "F-150", "AA1"),
        ("Honda", "CR-V", "ABC-1234"),
        ("Toyota", "RAV4", "QQ 77"),
        ("Volkswagen", "ID.4", "AA12"),
    ] {
        ids.push(add(&mut desk, customer_id, make, model, plate).await);
    }
    let mut server = shop.server().await;
    for (words, at) in [
        ("F150", 0),
        ("ford f 150", 0),
        ("AA-1", 0),
        ("CRV", 1),
        ("ABC1234", 1),
        ("Honda.", 1),
        ("Honda, please", 1),
        ("Rav-4", 2),
        ("ID4", 3),
    ] {
        let asked = with(by_id(customer_id), "vehicle", words);
        let found = call(&mut server, "lookup_customer", asked).await;
        let vehicles = found.success()["customer"]["vehicles"].as_array().unwrap();
        let told: Vec<&Value> = vehicles.iter().map(|it| &it["id"]).collect();
        assert_eq!(told, [&ids[at]], "{words}: {found:?}");
        assert_eq!(found.message(), "Found John Doe.", "{words}");
    }
    let none = with(by_id(customer_id), "vehicle", "the Tesla, please");
    let none = call(&mut server, "lookup_customer", none).await;
    assert_eq!(none.message(), "No Tesla on file.");
}
