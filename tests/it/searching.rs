//! Looking for appointments by time, status, service, customer and VIN.

use chrono::Weekday;
use rstest::rstest;
use serde_json::{Value, json};

use crate::data::{self, at, ids, next_weekday, out, visit, with};
use crate::shop::{Database, Owner, Shop};

const VIN: &str = "1HGCM82633A004352";

async fn search(shop: &Shop, arguments: Value) -> Vec<i64> {
    ids(shop.call("search_appointments", arguments).await.success(), "appointments")
}

/// A customer whose vehicle has this VIN.
async fn owner_with_vin(shop: &Shop, vin: &str) -> Owner {
    let customer_id = shop.customer().await;
    let vehicle = with(data::vehicle(customer_id), "vin", vin);
    let reply = shop.call("add_vehicle", vehicle).await;
    Owner { customer_id, vehicle_id: reply.success()["vehicle"]["id"].as_i64().unwrap() }
}

async fn book(shop: &Shop, owner: Owner, start: &str, service: &str) -> i64 {
    let reply =
        shop.call("book_appointment", with(visit(owner, start), "service_type", service)).await;
    reply.success()["appointment_id"].as_i64().unwrap()
}

#[rstest]
#[tokio::test]
async fn a_found_appointment_is_told_whole(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    let shop = Shop::open(database).await;
    let owner = owner_with_vin(&shop, VIN).await;
    let day = next_weekday(Weekday::Wed, 1);
    let arguments = with(visit(owner, &at(day, "09:00")), "customer_concerns", "it squeaks");
    let id = shop.call("book_appointment", arguments).await.success()["appointment_id"].clone();
    let reply = shop.call("search_appointments", json!({})).await;
    let row = &reply.success()["appointments"][0];
    assert_eq!(row["appointment_id"], id);
    assert_eq!(row["customer_id"], owner.customer_id);
    assert_eq!(row["customer_name"], "John Doe");
    assert!(row["phone_number"].as_str().unwrap().starts_with("+1202"), "{row}");
    assert_eq!(row["scheduled_at"], out(day, "09:00"));
    assert_eq!(row["ends_at"], out(day, "10:00"));
    assert_eq!(row["duration_minutes"], 60);
    assert_eq!(row["service_type"], "oil_change");
    assert_eq!(row["customer_concerns"], "it squeaks");
    assert_eq!(row["status"], "scheduled");
    assert_eq!(row["bay"], "Bay 1");
    assert_eq!(row["confirmation_sent"], false);
    assert_eq!(row["vehicle"]["vin"], VIN);
    assert!(row["when"].is_string() && reply.success()["now"].is_string());
    assert!(reply.success().get("next_cursor").is_none());
}

#[rstest]
#[tokio::test]
async fn each_filter_and_several_at_once_find_theirs(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    let shop = Shop::open(database).await;
    let (ann, bob) = (owner_with_vin(&shop, VIN).await, shop.owner().await);
    let (mon, tue) = (next_weekday(Weekday::Mon, 1), next_weekday(Weekday::Tue, 1));
    let early = book(&shop, bob, &at(mon, "09:00"), "oil_change").await;
    let brakes = book(&shop, ann, &at(mon, "10:00"), "brake_service").await;
    let late = book(&shop, ann, &at(tue, "16:00"), "oil_change").await;
    let gone = book(&shop, bob, &at(tue, "09:00"), "repair").await;
    let cancel = json!({ "appointment_id": gone, "reason": "ill" });
    shop.call("cancel_appointment", cancel).await.success();
    for (arguments, expected) in [
        (json!({}), vec![early, brakes, gone, late]),
        (json!({ "status": "cancelled" }), vec![gone]),
        (json!({ "status": "scheduled" }), vec![early, brakes, late]),
        (json!({ "status": "no_show" }), vec![]),
        (json!({ "service_type": "oil_change" }), vec![early, late]),
        (json!({ "customer_id": ann.customer_id }), vec![brakes, late]),
        (json!({ "customer_id": 987_654 }), vec![]),
        (json!({ "vin": VIN }), vec![brakes, late]),
        (json!({ "vin": VIN, "service_type": "oil_change" }), vec![late]),
        (json!({ "vin": VIN, "customer_id": ann.customer_id }), vec![brakes, late]),
        (json!({ "vin": VIN, "customer_id": bob.customer_id }), vec![]),
        (json!({ "from": tue.to_string(), "status": "scheduled" }), vec![late]),
        (json!({ "to": mon.to_string(), "customer_id": ann.customer_id }), vec![brakes]),
        (
            json!({ "from": mon.to_string(), "to": tue.to_string(), "vin": "004352",
                    "status": "scheduled", "service_type": "brake_service",
                    "customer_id": ann.customer_id }),
            vec![brakes],
        ),
    ] {
        assert_eq!(search(&shop, arguments.clone()).await, expected, "{arguments}");
    }
}

#[rstest]
#[tokio::test]
async fn a_date_stands_for_its_whole_day_and_a_time_for_itself(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    let config = "[hours]\nmonday = \"00:00-24:00\"\ntuesday = \"00:00-24:00\"\n";
    let shop = Shop::open(database).await.with_config(config);
    let (mon, tue) = (next_weekday(Weekday::Mon, 1), next_weekday(Weekday::Tue, 1));
    let mut booked = Vec::new();
    for (day, time) in [(mon, "00:00"), (mon, "09:00"), (mon, "23:00"), (tue, "00:00")] {
        booked.push(shop.appointment(shop.owner().await, &at(day, time)).await);
    }
    let utc = data::at_offset_of(mon, "09:00", chrono_tz::UTC);
    for (from, to, expected) in [
        (mon.to_string(), mon.to_string(), 0..3),
        (tue.to_string(), tue.to_string(), 3..4),
        (mon.to_string(), tue.to_string(), 0..4),
        (at(mon, "09:00"), at(mon, "23:00"), 1..3),
        (at(mon, "09:01"), at(mon, "22:59"), 2..2),
        (utc.clone(), utc, 1..2),
        (mon.to_string(), at(mon, "09:00"), 0..2),
        (at(mon, "09:00"), mon.to_string(), 1..3),
    ] {
        let arguments = json!({ "from": from, "to": to });
        assert_eq!(search(&shop, arguments.clone()).await, booked[expected], "{arguments}");
    }
}

#[rstest]
#[tokio::test]
async fn a_date_on_which_clocks_change_is_whole_too(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    let hours = "[hours]\nsaturday = \"00:00-24:00\"\nsunday = \"00:00-24:00\"\n\
                 monday = \"00:00-24:00\"\n[booking]\nhorizon_days = 400\n";
    let shop = Shop::open(database).await.with_config(hours);
    for date in [data::next_clock_change(3), data::next_clock_change(11)] {
        let mut booked = Vec::new();
        let next = date.succ_opt().unwrap();
        for (day, time) in [(date, "00:00"), (date, "23:00"), (next, "00:00")] {
            booked.push(shop.appointment(shop.owner().await, &at(day, time)).await);
        }
        let day = json!({ "from": date.to_string(), "to": date.to_string() });
        assert_eq!(search(&shop, day).await, booked[..2], "{date}");
    }
}

#[rstest]
#[tokio::test]
async fn days_may_be_named(#[values(Database::Sqlite, Database::Postgres)] database: Database) {
    let shop = Shop::open_all_day(database, "").await;
    let owner = shop.owner().await;
    let soon = shop.appointment(owner, &data::in_minutes(120)).await;
    let reply = shop.call("book_appointment", visit(owner, "tomorrow 09:00")).await;
    let tomorrow = reply.success()["appointment_id"].as_i64().unwrap();
    let weekday = reply.success()["when"].as_str().unwrap().split(',').next().unwrap().to_owned();
    let day = |name: &str| json!({ "from": name, "to": name });
    assert_eq!(search(&shop, day("today")).await, [soon]);
    assert_eq!(search(&shop, day("tomorrow")).await, [tomorrow]);
    assert_eq!(search(&shop, day(&weekday)).await, [tomorrow]);
    assert_eq!(search(&shop, day(&weekday.to_lowercase())).await, [tomorrow]);
    let both = json!({ "from": "today", "to": "Tomorrow" });
    assert_eq!(search(&shop, both).await, [soon, tomorrow]);
}

#[rstest]
#[tokio::test]
async fn a_vin_is_found_by_its_end_too(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    let shop = Shop::open(database).await;
    let day = next_weekday(Weekday::Mon, 1);
    let id = shop.appointment(owner_with_vin(&shop, VIN).await, &at(day, "09:00")).await;
    // The other one shares the last six.
    let other = owner_with_vin(&shop, "2T1BURHE1JC004352").await;
    let other = shop.appointment(other, &at(day, "10:00")).await;
    shop.appointment(shop.owner().await, &at(day, "11:00")).await;
    for (vin, expected) in [
        ("004352", vec![id, other]),
        ("A004352", vec![id]),
        ("a004352", vec![id]),
        ("00-43 52", vec![id, other]),
        ("C004352", vec![other]),
        ("1hgcm82633a004352", vec![id]),
        ("1HG CM826 33A-004352", vec![id]),
        ("2HGCM82633A004352", vec![]),
        ("104352", vec![]),
    ] {
        assert_eq!(search(&shop, json!({ "vin": vin })).await, expected, "{vin}");
    }
}

#[rstest]
#[tokio::test]
async fn a_question_that_makes_no_sense_is_refused(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    let shop = Shop::open(database).await;
    for arguments in [
        json!({ "vin": "04352" }),
        json!({ "vin": "------" }),
        json!({ "vin": "%%%%%%" }),
        json!({ "vin": "______" }),
        json!({ "vin": "1HGCM82633A0043521" }),
        json!({ "from": "2027-01-02", "to": "2027-01-01" }),
        json!({ "from": "2027-01-01T10:00", "to": "2027-01-01T09:00" }),
        json!({ "from": "tomorrow", "to": "today" }),
        json!({ "from": "someday" }),
        json!({ "to": "2027-02-30" }),
        json!({ "status": "late" }),
        json!({ "service_type": "car_wash" }),
        json!({ "limit": 0 }),
        json!({ "limit": 101 }),
        json!({ "cursor": "s0.1.1" }),
        json!({ "name": "John" }),
    ] {
        let reply = shop.call("search_appointments", arguments.clone()).await;
        assert_eq!(reply.refusal(), "invalid_argument", "{arguments}");
    }
}

#[rstest]
#[case::of_all(json!({}))]
#[case::of_a_vin(json!({ "vin": VIN }))]
#[case::of_a_service(json!({ "service_type": "oil_change", "status": "scheduled" }))]
#[tokio::test]
async fn a_cursor_walks_through_all_once_and_answers_no_other_question(
    #[case] question: Value,
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    let shop = Shop::open(database).await.with_env("SHOP_BAYS", "3");
    let ann = owner_with_vin(&shop, VIN).await;
    let mut booked = Vec::new();
    for time in ["09:00", "10:00", "13:00", "14:00", "15:00"] {
        booked.push(shop.appointment(ann, &at(next_weekday(Weekday::Thu, 1), time)).await);
    }
    let first = with(question.clone(), "limit", 2);
    let mut arguments = first.clone();
    let mut seen = Vec::new();
    loop {
        let reply = shop.call("search_appointments", arguments).await;
        let page = ids(reply.success(), "appointments");
        assert!((1..=2).contains(&page.len()), "{page:?}");
        seen.extend(page);
        let Some(cursor) = reply.success().get("next_cursor") else { break };
        arguments = with(first.clone(), "cursor", cursor.clone());
        let other = with(arguments.clone(), "from", "2020-01-01");
        let reply = shop.call("search_appointments", other).await;
        assert_eq!(reply.refusal(), "invalid_argument");
    }
    assert_eq!(seen, booked);
}

#[rstest]
#[tokio::test]
async fn a_page_may_end_between_visits_of_the_same_time(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    let shop = Shop::open(database).await.with_env("SHOP_BAYS", "3");
    let start = at(next_weekday(Weekday::Thu, 1), "09:00");
    let mut booked = Vec::new();
    for _ in 0..3 {
        booked.push(shop.appointment(shop.owner().await, &start).await);
    }
    let one = json!({ "limit": 1 });
    let first = shop.call("search_appointments", one.clone()).await;
    let rest = with(json!({}), "cursor", first.success()["next_cursor"].clone());
    let mut seen = ids(first.success(), "appointments");
    // How many a page has is no part of the question.
    seen.extend(search(&shop, rest).await);
    assert_eq!(seen, booked);
}
