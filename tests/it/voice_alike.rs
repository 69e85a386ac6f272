//! Calls on the phone about what is much alike: many vehicles, namesakes, visits at the same time.

use chrono::Weekday;
use rstest::rstest;
use serde_json::json;

use crate::budgets::{call, desk, voice_shop};
use crate::data::{self, at, next_weekday, with};
use crate::server::Server;
use crate::shop::{Database, by_id};
use crate::voice::household;

/// Puts a vehicle on file; its number.
async fn add(desk: &mut Server, customer_id: i64, model: &str, plate: &str) -> i64 {
    let vehicle = with(data::vehicle(customer_id), "model", model);
    let vehicle = with(with(vehicle, "make", "Ford"), "license_plate", plate);
    let added = desk.call("add_vehicle", vehicle).await;
    added.success()["vehicle"]["id"].as_i64().unwrap()
}

#[rstest]
#[case::alike(20, false)]
#[case::of_two_models(9, true)]
#[tokio::test]
async fn no_vehicle_is_told_by_its_number_alone(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
    #[case] count: usize,
    #[case] are_two_models: bool,
) {
    let shop = voice_shop(database).await;
    let customer_id = shop.customer().await;
    let mut desk = desk(&shop).await;
    for number in 0..count {
        let model = if are_two_models && number % 2 == 0 { "Mustang" } else { "Transit" };
        add(&mut desk, customer_id, model, &format!("AA{number}")).await;
    }
    let mut server = shop.server().await;
    let check = |found: &crate::reply::Reply, all: usize| {
        let vehicles = found.success()["customer"]["vehicles"].as_array().unwrap();
        for vehicle in vehicles {
            let told = format!("{}{vehicle}", found.message());
            assert!(told.contains("2020") || told.contains("Ford"), "{found:?}");
            assert!(told.contains("Transit") || told.contains("Mustang"), "{found:?}");
            assert!(vehicle["license_plate"].is_string(), "{found:?}");
        }
        assert_eq!(found.success()["left_out"], all - vehicles.len());
        assert!(found.message().starts_with("Found John Doe. Which "), "{found:?}");
        assert!(found.message().ends_with(&format!(" of {all}?")), "{found:?}");
    };
    let found = call(&mut server, "lookup_customer", by_id(customer_id)).await;
    check(&found, count);
    if !are_two_models {
        let ford = with(by_id(customer_id), "vehicle", "Ford Transit");
        check(&call(&mut server, "lookup_customer", ford).await, count);
    }
    let one = with(by_id(customer_id), "vehicle", "ford aa-7");
    let one = call(&mut server, "lookup_customer", one).await;
    assert_eq!(one.success()["customer"]["vehicles"].as_array().unwrap().len(), 1, "{one:?}");
    assert!(one.success().get("left_out").is_none(), "{one:?}");
}

#[rstest]
#[case("lookup_customer", &["phone_number", "email", "customer_id", "name", "vehicle"])]
#[case("cancel_appointment", &["appointment_id", "reason"])]
#[tokio::test]
async fn an_unknown_argument_is_told_those_that_are_listed(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
    #[case] tool: &str,
    #[case] listed: &[&str],
    #[values(false, true)] is_text: bool,
) {
    let shop = voice_shop(database).await;
    let mut server = shop.server().await;
    let wrong = json!({ "phone": "5" });
    let wrong = if is_text { json!(wrong.to_string()) } else { wrong };
    let refused = call(&mut server, tool, wrong).await;
    assert_eq!(refused.refusal(), "invalid_argument");
    let error = format!("there is no argument phone; the arguments are {}", listed.join(", "));
    assert_eq!(refused.error(), error);
    assert_eq!(refused.envelope["data"]["arguments"], json!(listed));
}

#[rstest]
#[tokio::test]
async fn those_with_long_names_are_told_by_both_and_as_found(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
    #[values(2, 3, 5)] count: usize,
) {
    let shop = voice_shop(database).await;
    let phone = data::phone();
    let first = "Maximiliane Wilhelmine Charlotte Henriette";
    let last = ["Abernathy", "Bellweather", "Chaudhry", "Dimitriou", "Engelbrecht"];
    let people: Vec<_> = last.iter().take(count).map(|last| (first, *last)).collect();
    household(&mut desk(&shop).await, &phone, &people).await;
    let mut server = shop.server().await;
    let found = call(&mut server, "lookup_customer", json!({ "phone_number": phone })).await;
    assert_eq!(found.success()["found"], true);
    let told = found.success().to_string();
    for (_, last) in people {
        assert!(told.contains(&last[..4]), "{last}: {told}");
    }
}

#[rstest]
#[tokio::test]
async fn namesakes_are_told_apart_by_a_vehicle(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    let shop = voice_shop(database).await;
    let phone = data::phone();
    let mut desk = desk(&shop).await;
    let people = [("Ann", "Lee"), ("Ann", "Lee"), ("Bob", "Lee")];
    let ids = household(&mut desk, &phone, &people).await;
    add(&mut desk, ids[0], "F-150", "AA1").await;
    let transit = add(&mut desk, ids[1], "Transit", "AA2").await;
    let mut server = shop.server().await;
    let asked = json!({ "phone_number": phone, "name": "Ann Lee" });
    let two = call(&mut server, "lookup_customer", asked.clone()).await;
    assert_eq!(two.message(), "2 of that name share this number; ask for the vehicle.");
    for (words, id) in [("F150", ids[0]), ("my transit", ids[1]), ("aa-2", ids[1])] {
        let one = with(asked.clone(), "vehicle", words);
        let one = call(&mut server, "lookup_customer", one).await;
        assert_eq!(one.success()["customer"]["id"], id, "{words}: {one:?}");
    }
    let one = with(asked.clone(), "vehicle", "Ford Transit");
    let one = call(&mut server, "lookup_customer", one).await;
    assert_eq!(one.success()["customer"]["vehicles"][0]["id"], transit);
    let both = call(&mut server, "lookup_customer", with(asked, "vehicle", "Ford")).await;
    assert_eq!(both.message(), two.message());
}

#[rstest]
#[tokio::test]
async fn visits_at_the_same_time_are_told_by_their_plates(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
    #[values(2, 3)] count: usize,
) {
    let shop = voice_shop(database).await.with_env("SHOP_BAYS", "3");
    let customer_id = shop.customer().await;
    let mut desk = desk(&shop).await;
    let start = at(next_weekday(Weekday::Wed, 1), "10:00");
    let plates = &["KLM1", "KLM2", "KLM3"][..count];
    for plate in plates {
        let vehicle_id = add(&mut desk, customer_id, "Transit", plate).await;
        let owner = crate::shop::Owner { customer_id, vehicle_id };
        desk.call("book_appointment", data::visit(owner, &start)).await.success();
    }
    let mut server = shop.server().await;
    let mut asked = by_id(customer_id);
    let mut told = String::new();
    for _ in plates {
        let page = call(&mut server, "get_upcoming_appointments", asked.clone()).await;
        told.push_str(page.message());
        match page.success().get("next_cursor") {
            Some(cursor) => asked["cursor"] = cursor.clone(),
            None => break,
        }
    }
    for plate in plates {
        assert!(told.contains(plate), "{plate}: {told}");
    }
}

#[rstest]
#[tokio::test]
async fn a_day_without_room_for_a_long_visit_is_not_called_full(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    let shop = voice_shop(database).await;
    let owner = shop.owner().await;
    let day = next_weekday(Weekday::Wed, 1);
    for start in ["09:30", "10:30", "13:30", "14:30", "15:30"] {
        let other = shop.owner_of_another_vehicle(owner.customer_id).await;
        shop.appointment(other, &at(day, start)).await;
    }
    let mut server = shop.server().await;
    let asked = json!({ "date": day.to_string(), "duration_minutes": 60 });
    let none = call(&mut server, "get_available_slots", asked).await;
    assert_eq!(none.message(), "Nothing is free that day for 1 hour.");
    assert!(none.success()["alternatives"][0]["when"].is_string(), "{none:?}");
    let asked = json!({ "date": day.to_string(), "duration_minutes": 30 });
    let some = call(&mut server, "get_available_slots", asked).await;
    assert!(!some.success()["available_slots"].as_array().unwrap().is_empty(), "{some:?}");
}
