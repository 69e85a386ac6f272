//! Which bay and which technician take a visit.

use chrono::{NaiveDate, Weekday};
use rstest::rstest;
use serde_json::{Value, json};

use crate::data::{self, at, next_weekday, times, visit, with};
use crate::reply::Reply;
use crate::shop::{Database, Shop};

/// The specialist comes last.
const BAYS: &str = "[[bays]]\nname = \"Any\"\n\
    [[bays]]\nname = \"Two\"\nservices = [\"oil_change\", \"tire_rotation\"]\n\
    [[bays]]\nname = \"Oil\"\nservices = [\"oil_change\"]\n";
/// Three bays for everything, and two technicians of whom one does oil changes alone.
const TECHNICIANS: &str = "[[bays]]\nname = \"A\"\n[[bays]]\nname = \"B\"\n[[bays]]\nname = \"C\"\n\
    [[technicians]]\nname = \"Kim\"\nservices = [\"oil_change\", \"repair\"]\n\
    [[technicians]]\nname = \"Lee\"\nservices = [\"oil_change\"]\n";

async fn book(shop: &Shop, service: &str, start: &str) -> Reply {
    let arguments = visit(shop.owner().await, start);
    shop.call("book_appointment", with(arguments, "service_type", service)).await
}

async fn free(shop: &Shop, day: NaiveDate, service: &str) -> Vec<String> {
    let arguments =
        json!({ "date": day.to_string(), "service_type": service, "duration_minutes": 60 });
    let reply = shop.call("get_available_slots", arguments).await;
    times(&reply.success()["available_slots"])
}

#[rstest]
#[tokio::test]
async fn what_does_the_fewest_services_is_taken_first(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    let shop = Shop::open(database).await.with_config(BAYS);
    let start = at(next_weekday(Weekday::Wed, 1), "09:00");
    for bay in ["Oil", "Two", "Any"] {
        assert_eq!(book(&shop, "oil_change", &start).await.success()["bay"], bay);
    }
    assert_eq!(book(&shop, "oil_change", &start).await.refusal(), "slot_unavailable");
}

#[rstest]
#[tokio::test]
async fn a_bay_takes_only_what_it_does(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    let shop = Shop::open(database).await.with_config(BAYS);
    let day = next_weekday(Weekday::Wed, 1);
    let start = at(day, "09:00");
    assert_eq!(book(&shop, "repair", &start).await.success()["bay"], "Any");
    let reply = book(&shop, "repair", &start).await;
    assert_eq!(reply.refusal(), "slot_unavailable");
    assert!(!free(&shop, day, "repair").await.contains(&"09:00".to_owned()));
    assert!(free(&shop, day, "tire_rotation").await.contains(&"09:00".to_owned()));
    assert_eq!(book(&shop, "tire_rotation", &start).await.success()["bay"], "Two");
    assert_eq!(book(&shop, "tire_rotation", &start).await.refusal(), "slot_unavailable");
    assert_eq!(book(&shop, "oil_change", &start).await.success()["bay"], "Oil");
}

#[rstest]
#[tokio::test]
async fn among_equals_the_tightest_gap_is_filled(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    let shop = Shop::open(database).await.with_env("SHOP_BAYS", "North,South");
    let day = next_weekday(Weekday::Wed, 1);
    // The first two stand side by side; the third is held beside North's.
    for (start, bay) in [("09:00", "North"), ("09:00", "South"), ("15:00", "North")] {
        assert_eq!(book(&shop, "repair", &at(day, start)).await.success()["bay"], bay, "{start}");
    }
    assert_eq!(book(&shop, "repair", &at(day, "13:00")).await.success()["bay"], "North");
    assert_eq!(book(&shop, "repair", &at(day, "13:00")).await.success()["bay"], "South");
}

#[rstest]
#[tokio::test]
async fn technicians_limit_what_bays_could_take(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    let shop = Shop::open(database).await.with_config(TECHNICIANS);
    let day = next_weekday(Weekday::Wed, 1);
    let start = at(day, "09:00");
    assert_eq!(book(&shop, "oil_change", &start).await.success()["technician"], "Lee");
    let held = shop.call("hold_slot", with(data::hold(&start), "service_type", "repair")).await;
    assert_eq!(held.success()["technician"], "Kim");
    let reply = book(&shop, "oil_change", &start).await;
    assert_eq!(reply.refusal(), "slot_unavailable");
    assert!(reply.error().contains("technician"), "{}", reply.error());
    assert!(!free(&shop, day, "oil_change").await.contains(&"09:00".to_owned()));
    assert!(free(&shop, day, "oil_change").await.contains(&"10:00".to_owned()));
}

#[rstest]
#[tokio::test]
async fn every_view_names_bay_and_technician(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    let shop = Shop::open(database).await.with_config(TECHNICIANS);
    let day = next_weekday(Weekday::Wed, 1);
    let reply = book(&shop, "repair", &at(day, "09:00")).await;
    let booked = reply.success().clone();
    let is_named = |row: &Value| {
        assert_eq!((&row["bay"], &row["technician"]), (&json!("A"), &json!("Kim")), "{row}");
    };
    is_named(&booked);
    let customer = json!({ "customer_id": booked["customer_id"] });
    for tool in ["get_upcoming_appointments", "search_appointments"] {
        is_named(&shop.call(tool, customer.clone()).await.success()["appointments"][0]);
    }
    let to =
        json!({ "appointment_id": booked["appointment_id"], "new_datetime": at(day, "10:00") });
    is_named(shop.call("reschedule_appointment", to.clone()).await.success());
    is_named(shop.call("reschedule_appointment", to).await.success());
}

#[rstest]
#[case("[[bays]]\nname = \"A\"\nservices = [\"oil_change\"]\n", "bays")]
#[case("[[technicians]]\nname = \"Kim\"\nservices = [\"oil_change\"]\n", "technicians")]
#[tokio::test]
async fn what_nobody_does_is_neither_offered_held_nor_booked(
    #[case] config: &str,
    #[case] who: &str,
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    let shop = Shop::open(database).await.with_config(config);
    let day = next_weekday(Weekday::Wed, 1);
    let start = at(day, "09:00");
    let expected = format!("None of the shop's {who} does brake service.");
    let reply = book(&shop, "brake_service", &start).await;
    assert_eq!((reply.refusal(), reply.message()), ("slot_unavailable", &*expected));
    let hold = with(data::hold(&start), "service_type", "brake_service");
    let reply = shop.call("hold_slot", hold).await;
    assert_eq!((reply.refusal(), reply.message()), ("slot_unavailable", &*expected));
    assert_eq!(free(&shop, day, "brake_service").await, [""; 0]);
    book(&shop, "oil_change", &start).await.success();
}

#[rstest]
#[tokio::test]
async fn a_hold_without_a_service_gives_way_to_a_bay_that_does_it(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    let config =
        "[[bays]]\nname = \"Oil\"\nservices = [\"oil_change\"]\n[[bays]]\nname = \"Any\"\n";
    let shop = Shop::open(database).await.with_config(config);
    let start = at(next_weekday(Weekday::Wed, 1), "09:00");
    let held = shop.call("hold_slot", json!({ "scheduled_at": start })).await;
    let arguments = with(visit(shop.owner().await, &start), "service_type", "repair");
    let arguments = with(arguments, "hold_id", held.success()["hold_id"].clone());
    let reply = shop.call("book_appointment", arguments).await;
    assert_eq!(reply.success()["bay"], "Any");
    assert_eq!(shop.number("select count(*) from reservations").await, 1);
}

#[rstest]
#[tokio::test]
async fn a_hold_in_a_bay_that_does_not_do_the_service_is_not_booked_there(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    let config =
        "[[bays]]\nname = \"Oil\"\nservices = [\"oil_change\"]\n[[bays]]\nname = \"Any\"\n";
    let shop = Shop::open(database).await.with_config(config);
    let start = at(next_weekday(Weekday::Wed, 1), "09:00");
    let held = shop.call("hold_slot", data::hold(&start)).await;
    assert_eq!(held.success()["bay"], "Oil");
    book(&shop, "repair", &start).await.success();
    let by_hold =
        with(visit(shop.owner().await, &start), "hold_id", held.success()["hold_id"].clone());
    let repair = with(by_hold.clone(), "service_type", "repair");
    assert_eq!(shop.call("book_appointment", repair).await.refusal(), "slot_unavailable");
    let reply = shop.call("book_appointment", by_hold).await;
    assert_eq!(reply.success()["bay"], "Oil", "the refusal left the hold");
}
