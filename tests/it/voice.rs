//! Calls on the phone: a model that hears a caller and gets short replies has to come to its end with
//! them, whatever people are called and however many there are.

use chrono::Weekday;
use rstest::rstest;
use serde_json::{Value, json};

use crate::budgets::{call, check_line, desk, voice_shop};
use crate::confirming::{Client, accept, ask};
use crate::data::{self, at, next_weekday, with};
use crate::server::Server;
use crate::shop::{Database, Owner, Shop, by_id};

/// The names of this test's people, as the reply names them.
const HOUSEHOLD: [(&str, &str); 6] = [
    ("Ann", "Lee"),
    ("Anna", "Lee"),
    ("Bob", "Lee"),
    ("Zoë", "Lee"),
    ("Maximiliane", "Leutheusser-Schnarrenberger"),
    ("Ann", "Kim"),
];

pub async fn household(desk: &mut Server, phone: &str, people: &[(&str, &str)]) -> Vec<i64> {
    let mut ids = Vec::new();
    for (first, last) in people {
        let person = with(data::customer_with_phone(phone), "allow_shared_phone", true);
        let person = with(with(person, "first_name", *first), "last_name", *last);
        let made = desk.call("create_customer", person).await;
        ids.push(made.success()["customer"]["id"].as_i64().unwrap());
    }
    ids
}

#[rstest]
#[tokio::test]
async fn everybody_who_shares_a_number_is_reachable(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    let shop = voice_shop(database).await;
    let phone = data::phone();
    let ids = household(&mut desk(&shop).await, &phone, &HOUSEHOLD).await;
    let vehicle = shop.owner_of_another_vehicle(ids[3]).await.vehicle_id;
    let mut server = shop.server().await;
    let asked = json!({ "phone_number": phone });
    let found = call(&mut server, "lookup_customer", asked.clone()).await;
    assert_eq!(found.message(), "Which of the 6 is calling?");
    let names = found.success()["names"].as_str().unwrap();
    for (id, (first, last)) in ids.iter().zip(HOUSEHOLD) {
        assert!(names.contains(&format!("{id} {first} {}", &last[..3])), "{names}");
    }

    let zoe = with(asked.clone(), "name", "zoe");
    let zoe = call(&mut server, "lookup_customer", zoe).await;
    assert_eq!(zoe.success()["customer"]["id"], ids[3]);
    assert_eq!(zoe.success()["customer"]["vehicles"][0]["id"], vehicle);
    let kim = call(&mut server, "lookup_customer", with(asked.clone(), "name", "ANN KIM")).await;
    assert_eq!(kim.success()["customer"]["id"], ids[5]);
    assert_eq!(kim.message(), "Found Ann Kim, with no vehicle on file.");
    let two = call(&mut server, "lookup_customer", with(asked.clone(), "name", "Ann")).await;
    assert_eq!(two.message(), "2 of that name share this number.");
    let told: Vec<&Value> = two.success()["candidates"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| &one["customer_id"])
        .collect();
    assert_eq!(told, [ids[0], ids[5]]);
    let nobody = call(&mut server, "lookup_customer", with(asked.clone(), "name", "Eve")).await;
    assert_eq!(nobody.message(), "Nobody of that name has this number.");
    assert_eq!(nobody.success()["names"].as_str(), Some(names));
    let odd = call(&mut server, "lookup_customer", with(asked, "name", json!(["Ann"]))).await;
    assert_eq!(odd.refusal(), "invalid_argument");
    let other = with(by_id(ids[0]), "name", "Bob");
    let other = call(&mut server, "lookup_customer", other).await;
    assert_eq!(other.message(), "That customer is Ann Lee; ask whether that is right.");
}

#[rstest]
#[tokio::test]
async fn a_start_is_booked_at_the_first_try_with_what_was_told(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
    #[values("oil_change", "brake_service", "inspection")] service: &str,
) {
    let config = "[services.brake_service]\nduration_minutes = 120\n";
    let shop = voice_shop(database).await.with_config(config);
    let [one, other] = [shop.owner().await, shop.owner().await];
    let day = next_weekday(Weekday::Wed, 1);
    shop.appointment(other, &at(day, "10:00")).await;
    let mut server = shop.server().await;
    let asked = json!({ "date": day.to_string(), "service_type": service });
    let free = call(&mut server, "get_available_slots", asked).await;
    let minutes = &free.success()["duration_minutes"];
    assert_eq!(minutes, if service == "brake_service" { 120 } else { 30 });
    let starts = free.success()["available_slots"].as_array().unwrap().clone();
    assert!(starts.len() >= 2, "{free:?}");
    for start in starts {
        let visit = json!({
            "customer_id": one.customer_id, "vehicle_id": one.vehicle_id, "scheduled_at": start,
            "service_type": service, "duration_minutes": minutes,
        });
        let booked = call(&mut server, "book_appointment", visit).await;
        let appointment_id = booked.success()["appointment_id"].clone();
        let off = json!({ "appointment_id": appointment_id, "reason": "Another start" });
        call(&mut server, "cancel_appointment", off).await.success();
    }
}

#[rstest]
#[tokio::test]
async fn a_vehicle_that_is_not_there_is_told_and_twins_are_told_apart(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    let shop = voice_shop(database).await;
    let mut desk = desk(&shop).await;
    let customer_id = shop.customer().await;
    for (color, plate) in [("red", "KLM 1"), ("red", "KLM 2"), ("blue", "KLM 3")] {
        let vehicle = with(data::vehicle(customer_id), "color", color);
        desk.call("add_vehicle", with(vehicle, "license_plate", plate)).await.success();
    }
    let mut server = shop.server().await;
    let all = call(&mut server, "lookup_customer", by_id(customer_id)).await;
    let plates = |reply: &crate::reply::Reply| {
        let vehicles = reply.success()["customer"]["vehicles"].as_array().unwrap().clone();
        vehicles.into_iter().map(|it| it["license_plate"].clone()).collect::<Vec<_>>()
    };
    assert_eq!(plates(&all), ["KLM 1", "KLM 2", "KLM 3"]);
    assert_eq!(all.message(), "Found John Doe: 2020 Accord.");
    let none = with(by_id(customer_id), "vehicle", "green tesla");
    let none = call(&mut server, "lookup_customer", none).await;
    assert_eq!(none.message(), "No green tesla on file.");
    assert_eq!(plates(&none)[0], "KLM 1");
    let red = with(by_id(customer_id), "vehicle", "RED accord");
    let red = call(&mut server, "lookup_customer", red).await;
    assert_eq!(plates(&red), ["KLM 1", "KLM 2"]);
    let odd = with(by_id(customer_id), "vehicle", json!({ "color": "red" }));
    let odd = call(&mut server, "lookup_customer", odd).await;
    assert_eq!(odd.refusal(), "invalid_argument");
}

/// A visit of somebody with the longest names, as far ahead as they are said at length.
async fn visit_at_length(shop: &Shop, character: &str) -> (Owner, i64) {
    let mut desk = desk(shop).await;
    let name = character.repeat(200);
    let person =
        with(with(data::customer(), "first_name", name.as_str()), "last_name", name.as_str());
    let made = desk.call("create_customer", person).await;
    let customer_id = made.success()["customer"]["id"].as_i64().unwrap();
    let vehicle = with(data::vehicle(customer_id), "model", character.repeat(60));
    let added = desk.call("add_vehicle", with(vehicle, "make", character.repeat(60))).await;
    let vehicle_id = added.success()["vehicle"]["id"].as_i64().unwrap();
    let owner = Owner { customer_id, vehicle_id };
    let day = next_weekday(Weekday::Wed, 40 + data::unique() % 5);
    let visit = with(data::visit(owner, &at(day, "10:30")), "service_type", "engine_diagnostics");
    let booked = desk.call("book_appointment", visit).await;
    (owner, booked.success()["appointment_id"].as_i64().unwrap())
}

#[rstest]
#[tokio::test]
async fn a_question_fits_into_a_reply_whatever_people_are_called(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
    #[values(Client::Elicitation, Client::RoundTrip)] client: Client,
    #[values("x", "語", "\"")] character: &str,
) {
    let shop = client.shop(database).await.with_env("SERVICEBAY_PROFILE", "voice");
    let (owner, appointment_id) = visit_at_length(&shop, character).await;
    let mut server = client.server(&shop).await;
    let cancel = json!({ "appointment_id": appointment_id, "reason": "Sold" });
    let asked = ask(client, &mut server, "cancel_appointment", cancel.clone()).await;
    assert!(asked.sentence.starts_with("Shall I cancel "), "{}", asked.sentence);
    assert!(asked.sentence.ends_with("This cannot be undone."), "{}", asked.sentence);
    if client == Client::RoundTrip {
        let id = server.send_call("cancel_appointment", cancel).await;
        check_line(&server.answer(id).await);
    }
    let done = asked.answer(&mut server, accept()).await;
    assert_eq!(done.success()["status"], "cancelled");
    let upcoming = call(&mut server, "get_upcoming_appointments", by_id(owner.customer_id)).await;
    assert_eq!(upcoming.success()["appointments"], json!([]));
}

#[rstest]
#[tokio::test]
async fn the_way_out_is_told_with_a_question_for_a_token(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    let shop = Client::Token.shop(database).await.with_env("SERVICEBAY_PROFILE", "voice");
    let owner = shop.owner().await;
    let visit = shop.appointment(owner, &at(next_weekday(Weekday::Wed, 1), "10:30")).await;
    let mut server = shop.server().await;
    let cancel = json!({ "appointment_id": visit, "reason": "Sold" });
    let asked = call(&mut server, "cancel_appointment", cancel).await;
    let hint = asked.envelope["hint"].as_str().unwrap_or_else(|| panic!("{asked:?}"));
    assert!(hint.contains("confirm_token"), "{hint}");
    for character in ["x", "語", "\""] {
        let (_, visit) = visit_at_length(&shop, character).await;
        let cancel = json!({ "appointment_id": visit, "reason": "Sold" });
        let asked = call(&mut server, "cancel_appointment", cancel.clone()).await;
        assert!(asked.message().ends_with("This cannot be undone."), "{asked:?}");
        assert!(asked.error().contains("nothing was changed"), "{asked:?}");
        let token = asked.envelope["data"]["confirm_token"].clone();
        let yes = with(cancel, "confirm_token", token);
        let done = call(&mut server, "cancel_appointment", yes).await;
        assert_eq!(done.success()["status"], "cancelled");
    }
}

#[rstest]
#[tokio::test]
async fn a_whole_call_of_somebody_with_the_longest_names_fits(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
    #[values("x", "語", "\"")] character: &str,
) {
    let shop = voice_shop(database).await;
    let (owner, appointment_id) = visit_at_length(&shop, character).await;
    let mut server = shop.server().await;
    let found = call(&mut server, "lookup_customer", by_id(owner.customer_id)).await;
    assert_eq!(found.success()["customer"]["vehicles"][0]["id"], owner.vehicle_id);
    let upcoming = call(&mut server, "get_upcoming_appointments", by_id(owner.customer_id)).await;
    assert_eq!(data::ids(upcoming.success(), "appointments"), [appointment_id]);
    assert!(upcoming.success()["appointments"][0]["when"].is_string(), "{upcoming:?}");
    let day = next_weekday(Weekday::Wed, 46);
    let moved = json!({ "appointment_id": appointment_id, "new_datetime": at(day, "10:30") });
    let moved = call(&mut server, "reschedule_appointment", moved).await;
    assert!(moved.success()["when"].is_string(), "{moved:?}");
    let held = data::hold(&at(day, "13:30"));
    let held = call(&mut server, "hold_slot", held).await;
    assert!(held.success()["when"].is_string(), "{held:?}");
    let visit = json!({
        "customer_id": owner.customer_id, "vehicle_id": owner.vehicle_id,
        "service_type": "engine_diagnostics", "hold_id": held.success()["hold_id"],
    });
    let booked = call(&mut server, "book_appointment", visit).await;
    assert!(booked.success()["when"].is_string(), "{booked:?}");
    let first = call(&mut server, "get_upcoming_appointments", by_id(owner.customer_id)).await;
    let mut seen = data::ids(first.success(), "appointments");
    if let Some(cursor) = first.success().get("next_cursor") {
        let more = with(by_id(owner.customer_id), "cursor", cursor.clone());
        let more = call(&mut server, "get_upcoming_appointments", more).await;
        seen.extend(data::ids(more.success(), "appointments"));
    }
    assert_eq!(seen, [appointment_id, booked.success()["appointment_id"].as_i64().unwrap()]);
}

#[rstest]
#[tokio::test]
async fn visits_are_told_with_their_service_and_vehicle(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    let shop = voice_shop(database).await;
    let owner = shop.owner().await;
    shop.appointment(owner, &at(next_weekday(Weekday::Mon, 1), "09:00")).await;
    let one = shop.call("get_upcoming_appointments", by_id(owner.customer_id)).await;
    assert_eq!(one.message(), "Oil change for the 2020 Honda Accord.");
    let second = data::visit(owner, &at(next_weekday(Weekday::Tue, 1), "09:00"));
    let second = with(second, "service_type", "inspection");
    shop.call("book_appointment", second).await.success();
    let two = shop.call("get_upcoming_appointments", by_id(owner.customer_id)).await;
    assert!(two.message().starts_with("Oil change"), "{two:?}");
    assert!(two.message().contains("inspection"), "{two:?}");
    assert!(two.success()["appointments"][1]["when"].is_string(), "{two:?}");
}

#[tokio::test]
async fn the_policy_speaks_of_what_can_be_done() {
    let policy = async |shop: &Shop| {
        let mut server = shop.server().await;
        let answer = server.request("prompts/get", json!({ "name": "front_desk" })).await;
        answer["result"]["messages"][0]["content"]["text"].as_str().unwrap().to_owned()
    };
    let full = policy(&Shop::open(Database::Sqlite).await).await;
    assert!(full.contains("ticket") && full.contains("invoice"), "{full}");
    let voice = voice_shop(Database::Sqlite).await;
    let short = policy(&voice).await;
    assert!(!short.contains("ticket") && !short.contains("invoice"), "{short}");
    assert!(short.contains("will call back") && !short.contains(['{', '}']), "{short}");
    let said = voice.raw_server().initialize().await["instructions"].clone();
    assert!(!said.as_str().unwrap().contains("`now`"), "{said}");
}

#[rstest]
#[case::passed("2020-01-01", 30, "has passed.")]
#[case::too_far("2099-01-05", 30, "Too far: visits can be booked 365 days ahead.")]
#[case::too_long("Wednesday", 480, "A visit of 8 hours is too long for that day.")]
#[tokio::test]
async fn why_nothing_is_free_is_told_whole(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
    #[case] date: &str,
    #[case] minutes: i64,
    #[case] why: &str,
) {
    let shop = voice_shop(database).await;
    let mut server = shop.server().await;
    let asked = json!({ "date": date, "duration_minutes": minutes });
    let none = call(&mut server, "get_available_slots", asked).await;
    assert!(none.message().ends_with(why), "{none:?}");
    assert_eq!(none.success()["duration_minutes"], minutes);
    let nearest = &none.success()["alternatives"][0];
    assert_eq!(nearest.is_null(), minutes == 480, "{none:?}");
    assert!(nearest.is_null() || nearest["when"].is_string(), "{none:?}");
}

#[rstest]
#[tokio::test]
async fn a_couple_with_one_number_is_told_one_by_one(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    let shop = voice_shop(database).await;
    let phone = data::phone();
    let people = [("Robert", "Miller"), ("Susan", "Miller")];
    let ids = household(&mut desk(&shop).await, &phone, &people).await;
    let mut server = shop.server().await;
    let found = call(&mut server, "lookup_customer", json!({ "phone_number": phone })).await;
    for ((id, (first, last)), told) in
        ids.iter().zip(people).zip(found.success()["candidates"].as_array().unwrap())
    {
        let person = json!({ "customer_id": id, "first_name": first, "last_name": last });
        assert_eq!(told, &person);
    }
}

#[rstest]
#[tokio::test]
async fn words_that_say_nothing_are_no_vehicle(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    let shop = voice_shop(database).await;
    let owner = shop.owner().await;
    let mut server = shop.server().await;
    for words in ["my car", "the Honda", "my 2020 Accord", "the one"] {
        let asked = with(by_id(owner.customer_id), "vehicle", words);
        let found = call(&mut server, "lookup_customer", asked).await;
        assert_eq!(found.message(), "Found John Doe.", "{words}");
    }
}
