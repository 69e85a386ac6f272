//! What clients pay for in each conversation: the list of the tools, and the replies on the phone.

use chrono::Weekday;
use rstest::rstest;
use serde_json::{Value, json};

use crate::data::{self, at, next_weekday, with};
use crate::reply::Reply;
use crate::server::Server;
use crate::shop::{Database, Shop, by_id};

/// How many bytes the list of all tools may have.
const FULL_LIST_BYTES: usize = 40_000;
/// How many the list of the voice profile may have.
const VOICE_LIST_BYTES: usize = 12_000;
/// How many a reply of the voice profile may have: the whole line.
const VOICE_REPLY_BYTES: usize = 600;

async fn listed(shop: &Shop, is_modern: bool) -> Value {
    let mut server = shop.raw_server();
    if is_modern {
        server.speak_modern();
    } else {
        server.initialize().await;
    }
    server.request("tools/list", json!({})).await["result"].clone()
}

#[rstest]
#[tokio::test]
async fn the_list_of_all_tools_keeps_its_budget(#[values(false, true)] is_modern: bool) {
    let shop = Shop::open(Database::Sqlite).await;
    let listed = listed(&shop, is_modern).await;
    assert!(listed["tools"].as_array().unwrap().len() >= 35);
    let bytes = listed.to_string().len();
    assert!(bytes < FULL_LIST_BYTES, "{bytes} bytes");
}

#[rstest]
#[tokio::test]
async fn the_list_of_the_voice_profile_keeps_its_budget(#[values(false, true)] is_modern: bool) {
    let shop = voice_shop(Database::Sqlite).await;
    let listed = listed(&shop, is_modern).await;
    assert!(listed["tools"].as_array().unwrap().len() <= 10);
    let bytes = listed.to_string().len();
    assert!(bytes < VOICE_LIST_BYTES, "{bytes} bytes");
}

pub async fn voice_shop(database: Database) -> Shop {
    Shop::open(database).await.with_env("SERVICEBAY_PROFILE", "voice")
}

/// Calls a tool, and holds the size of the reply against the budget.
pub async fn call(server: &mut Server, tool: &str, arguments: Value) -> Reply {
    let id = server.send_call(tool, arguments).await;
    let message = server.answer(id).await;
    check_line(&message);
    Reply::new(&message["result"])
}

/// Holds the size of a message against the budget of a reply.
pub fn check_line(message: &Value) {
    let bytes = message.to_string().len() + 1;
    assert!(bytes <= VOICE_REPLY_BYTES, "{bytes} bytes: {message}");
}

/// A server of the shop's full profile, which the records of a test are made by.
pub async fn desk(shop: &Shop) -> Server {
    let mut command = shop.command();
    command.arg("serve").env("SERVICEBAY_PROFILE", "full").stderr(std::process::Stdio::null());
    let mut server = Server::spawn(command, Default::default());
    server.initialize().await;
    server
}

#[rstest]
#[tokio::test]
async fn a_whole_visit_is_arranged_in_short_replies(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
    #[values(false, true)] is_modern: bool,
) {
    let shop = voice_shop(database).await;
    let mut server = shop.raw_server();
    if is_modern {
        server.speak_modern();
    } else {
        server.initialize().await;
    }
    let phone = data::phone();
    let unknown = call(&mut server, "lookup_customer", json!({ "phone_number": phone })).await;
    assert_eq!(unknown.success()["found"], false);
    let made = call(&mut server, "create_customer", data::customer_with_phone(&phone)).await;
    let customer_id = made.success()["customer"]["id"].as_i64().unwrap();
    let added = call(&mut server, "add_vehicle", data::vehicle(customer_id)).await;
    let vehicle_id = added.success()["vehicle"]["id"].as_i64().unwrap();
    let found = call(&mut server, "lookup_customer", json!({ "phone_number": phone })).await;
    assert_eq!(found.success()["customer"]["vehicles"][0]["id"], vehicle_id);
    assert_eq!(found.success()["customer"]["first_name"], "John");

    let monday = next_weekday(Weekday::Mon, 1);
    let asked = json!({ "date": monday.to_string(), "service_type": "oil_change" });
    let free = call(&mut server, "get_available_slots", asked.clone()).await;
    let slots = free.success()["available_slots"].as_array().unwrap().clone();
    assert_eq!(data::times(&json!(slots)), ["09:00", "09:30", "10:00"]);
    for stretch in ["9 to 11:30 AM", "1 to 4:30 PM"] {
        assert!(free.message().contains(stretch), "{free:?}");
    }
    assert_eq!(free.success()["duration_minutes"], 30);

    let held = call(&mut server, "hold_slot", data::hold(slots[0].as_str().unwrap())).await;
    assert!(held.success()["when"].as_str().unwrap().ends_with("at 9:00 AM"), "{held:?}");
    let visit = json!({
        "customer_id": customer_id, "vehicle_id": vehicle_id, "service_type": "oil_change",
        "hold_id": held.success()["hold_id"], "customer_concerns": "It squeaks. ".repeat(100),
    });
    let booked = call(&mut server, "book_appointment", visit).await;
    let appointment_id = booked.success()["appointment_id"].as_i64().unwrap();
    assert_eq!(booked.success()["status"], "scheduled");
    assert!(booked.success()["when"].as_str().unwrap().starts_with("Monday"), "{booked:?}");
    let upcoming = call(&mut server, "get_upcoming_appointments", by_id(customer_id)).await;
    assert_eq!(data::ids(upcoming.success(), "appointments"), [appointment_id]);
    let moved = json!({ "appointment_id": appointment_id, "new_datetime": at(monday, "14:00") });
    let moved = call(&mut server, "reschedule_appointment", moved).await;
    assert_eq!(moved.success()["new_datetime"], data::out(monday, "14:00"));
    let reason = "The car was sold, and \"that\" is that. ".repeat(40);
    let cancelled = json!({ "appointment_id": appointment_id, "reason": reason });
    let cancelled = call(&mut server, "cancel_appointment", cancelled).await;
    assert_eq!(cancelled.success()["status"], "cancelled");
    let vin = call(&mut server, "decode_vin", json!({ "vin": "1HGCM82633A004352" })).await;
    assert_eq!(vin.success()["make"], "Honda");
    let odd = call(&mut server, "decode_vin", json!({ "vin": "1HGCM82633A123456" })).await;
    assert_eq!(odd.success()["check_digit_valid"], false);
}

#[rstest]
#[tokio::test]
async fn a_customer_with_many_vehicles_is_told_in_short(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    let shop = voice_shop(database).await;
    let mut desk = desk(&shop).await;
    let notes = "Long \"notes\"\n".repeat(300);
    let person = with(data::customer(), "notes", notes);
    let person = with(person, "first_name", "Maximiliane".repeat(18));
    let customer = desk.call("create_customer", person).await;
    let customer_id = customer.success()["customer"]["id"].as_i64().unwrap();
    let models = ["Accord", "Civic", "Odyssey", "Pilot", "Fit", "Passport", "Insight", "Ridgeline"];
    for model in models {
        let vehicle = with(data::vehicle(customer_id), "model", model);
        desk.call("add_vehicle", vehicle).await.success();
    }
    let mut server = shop.server().await;
    let found = call(&mut server, "lookup_customer", by_id(customer_id)).await;
    let vehicles = found.success()["customer"]["vehicles"].as_array().unwrap();
    assert!(!vehicles.is_empty(), "{found:?}");
    assert_eq!(found.success()["left_out"], models.len() - vehicles.len());
    for words in [json!("pilot"), json!("Honda PILOT")] {
        let one = with(by_id(customer_id), "vehicle", words);
        let found = call(&mut server, "lookup_customer", one).await;
        assert_eq!(found.success()["customer"]["vehicles"].as_array().unwrap().len(), 1);
        assert_eq!(found.success()["customer"]["vehicles"][0]["model"], "Pilot");
    }
}

#[rstest]
#[tokio::test]
async fn two_vehicles_are_told_by_year_make_and_model(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    let shop = voice_shop(database).await;
    let owner = shop.owner().await;
    shop.owner_of_another_vehicle(owner.customer_id).await;
    let mut server = shop.server().await;
    let found = call(&mut server, "lookup_customer", by_id(owner.customer_id)).await;
    let vehicles = found.success()["customer"]["vehicles"].as_array().unwrap();
    assert_eq!(vehicles.len(), 2);
    assert!(vehicles.iter().all(|it| it["year"] == 2020 && it["model"] == "Accord"), "{found:?}");
}

#[rstest]
#[tokio::test]
async fn visits_are_told_two_or_one_at_a_time(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    let shop = voice_shop(database).await;
    let mut desk = desk(&shop).await;
    let owner = shop.owner().await;
    let mut made = Vec::new();
    for weeks in [1, 2, 3] {
        let date = next_weekday(Weekday::Wed, weeks);
        let visit = with(data::visit(owner, &at(date, "10:30")), "notes", "n".repeat(3000));
        let booked = desk.call("book_appointment", visit).await;
        made.push(booked.success()["appointment_id"].as_i64().unwrap());
    }
    let mut server = shop.server().await;
    let mut asked = by_id(owner.customer_id);
    let mut seen = Vec::new();
    for _ in 0..3 {
        let page = call(&mut server, "get_upcoming_appointments", asked.clone()).await;
        assert!(page.success().get("left_out").is_none(), "{page:?}");
        seen.extend(data::ids(page.success(), "appointments"));
        match page.success().get("next_cursor") {
            Some(cursor) => asked["cursor"] = cursor.clone(),
            None => break,
        }
    }
    assert_eq!(seen, made);
}

#[rstest]
#[tokio::test]
async fn a_refusal_keeps_alternatives_and_its_budget(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    let shop = voice_shop(database).await;
    let [one, other] = [shop.owner().await, shop.owner().await];
    let monday = next_weekday(Weekday::Mon, 1);
    shop.appointment(one, &at(monday, "10:00")).await;
    let mut server = shop.server().await;
    let taken =
        call(&mut server, "book_appointment", data::visit(other, &at(monday, "10:00"))).await;
    assert_eq!(taken.refusal(), "slot_unavailable");
    let offered = taken.envelope["data"]["alternatives"].as_array().unwrap();
    assert!(offered.len() >= 2 && offered[0]["scheduled_at"].is_string(), "{taken:?}");
    let sunday = next_weekday(Weekday::Sun, 1);
    let closed =
        call(&mut server, "book_appointment", data::visit(other, &at(sunday, "10:00"))).await;
    assert_eq!(closed.refusal(), "outside_business_hours");
    let none =
        call(&mut server, "get_available_slots", json!({ "date": sunday.to_string() })).await;
    assert_eq!(none.success()["available_slots"], json!([]));
    let nearest = &none.success()["alternatives"][0];
    assert!(nearest["scheduled_at"].is_string(), "{none:?}");
    assert!(nearest["when"].as_str().unwrap().starts_with("Monday"), "{none:?}");
    assert_eq!(none.success()["duration_minutes"], 30);
    assert_eq!(none.message(), "Closed on Sundays.");
    let wrong = json!({ "customer": "x".repeat(900), "first_name": "\"".repeat(150) });
    let wrong = call(&mut server, "create_customer", wrong).await;
    assert_eq!(wrong.refusal(), "invalid_argument");
    let long = json!({ "phone_number": "x".repeat(300) });
    let long = call(&mut server, "lookup_customer", long).await;
    assert_eq!(long.refusal(), "invalid_argument");
}

#[tokio::test]
async fn the_free_times_of_many_days_are_those_of_the_first_with_any() {
    let shop = voice_shop(Database::Sqlite).await;
    let mut server = shop.server().await;
    let sunday = next_weekday(Weekday::Sun, 1);
    let asked = json!({ "date": sunday.to_string(), "days": 31 });
    let free = call(&mut server, "get_available_slots", asked).await;
    let monday = sunday.succ_opt().unwrap();
    assert_eq!(free.success()["available_slots"][0], data::out(monday, "09:00"));
    assert!(free.message().contains("Monday"), "{free:?}");
}

#[rstest]
#[tokio::test]
async fn people_who_share_a_number_fit_into_a_reply(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    let shop = voice_shop(database).await;
    let phone = data::phone();
    for _ in 0..12 {
        let person = with(data::customer_with_phone(&phone), "allow_shared_phone", true);
        shop.call("create_customer", with(person, "last_name", "Quillfeather ".repeat(10)))
            .await
            .success();
    }
    let mut server = shop.server().await;
    let found = call(&mut server, "lookup_customer", json!({ "phone_number": phone })).await;
    assert_eq!(found.success()["found"], true);
    assert_eq!(found.message(), "Which of the 12 is calling?");
    // All have one name, so that it is told once.
    let names = found.success()["names"].as_str().unwrap();
    assert_eq!(names.split_once(" John").unwrap().0.split(", ").count(), 12, "{found:?}");
}

#[rstest]
#[tokio::test]
async fn a_question_with_its_token_fits_into_a_reply(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    let shop = voice_shop(database).await.with_env("SERVICEBAY_CONFIRM", "always");
    let person = with(data::customer(), "first_name", "Maximiliane \u{8a9e}".repeat(14));
    let made = shop.call("create_customer", person).await;
    let customer_id = made.success()["customer"]["id"].as_i64().unwrap();
    let owner = shop.owner_of_another_vehicle(customer_id).await;
    let visit = data::visit(owner, &at(next_weekday(Weekday::Mon, 1), "10:00"));
    let booked = shop.call("book_appointment", visit).await;
    let mut server = shop.server().await;
    let cancel = json!({
        "appointment_id": booked.success()["appointment_id"], "reason": "The car was sold",
    });
    let asked = call(&mut server, "cancel_appointment", cancel.clone()).await;
    assert!(asked.message().starts_with("Shall I cancel Maximiliane"), "{asked:?}");
    assert!(asked.message().ends_with("This cannot be undone."), "{asked:?}");
    let token = asked.envelope["data"]["confirm_token"].clone();
    let done = call(&mut server, "cancel_appointment", with(cancel, "confirm_token", token)).await;
    assert_eq!(done.success()["status"], "cancelled");
}

#[tokio::test]
async fn a_customer_with_a_long_name_in_any_script_is_found() {
    let shop = voice_shop(Database::Sqlite).await;
    let mut desk = desk(&shop).await;
    let mut server = shop.server().await;
    for (first, last) in [("Ñ".repeat(100), "é".repeat(100)), ("語".repeat(60), "名".repeat(20))]
    {
        let person = with(with(data::customer(), "first_name", first), "last_name", last);
        let id = desk.call("create_customer", person).await.success()["customer"]["id"].clone();
        for _ in 0..4 {
            let vehicle = data::vehicle(id.as_i64().unwrap());
            desk.call("add_vehicle", vehicle).await.success();
        }
        let found = call(&mut server, "lookup_customer", json!({ "customer_id": id })).await;
        assert_eq!(found.success()["found"], true, "{found:?}");
        assert_eq!(found.success()["customer"]["id"], id);
        assert!(found.success()["customer"]["vehicles"][0]["id"].is_number(), "{found:?}");
    }
}

#[tokio::test]
async fn a_misheard_vin_brings_the_likely_one() {
    let shop = voice_shop(Database::Sqlite).await.with_env("NHTSA_BASE_URL", "");
    let mut desk = desk(&shop).await;
    let customer_id = shop.customer().await;
    let accord = json!({ "customer_id": customer_id, "vin": "1HGCM82633A004352" });
    desk.call("add_vehicle", accord).await.success();
    let mut server = shop.server().await;
    let misheard = json!({ "vin": "1HGCM82633A004353", "customer_id": customer_id });
    let reply = call(&mut server, "decode_vin", misheard).await;
    assert_eq!(reply.success()["check_digit_valid"], false);
    assert_eq!(reply.success()["suggestions"][0]["vin"], "1HGCM82633A004352", "{reply:?}");
}
