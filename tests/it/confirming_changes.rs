//! A yes is to what the person was told: where that has changed meanwhile, there is another question.

use chrono::Weekday;
use rstest::rstest;
use serde_json::json;

use crate::confirming::{Client, accept, ask};
use crate::data::{at, next_weekday};
use crate::shop::Database;

const CANCEL: &str = "cancel_appointment";
const MERGE: &str = "merge_customers";

#[rstest]
#[tokio::test]
async fn what_has_changed_meanwhile_is_asked_about_anew(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
    #[values(Client::Elicitation, Client::RoundTrip, Client::Token)] client: Client,
) {
    let shop = client.shop(database).await;
    let owner = shop.owner().await;
    let tuesday = next_weekday(Weekday::Tue, 1);
    let appointment_id = shop.appointment(owner, &at(tuesday, "09:00")).await;
    let mut server = client.server(&shop).await;
    let cancel = json!({ "appointment_id": appointment_id, "reason": "Sold" });
    let asked = ask(client, &mut server, CANCEL, cancel).await;
    assert!(asked.sentence.contains("9:00 AM"), "{}", asked.sentence);
    let moved = json!({ "appointment_id": appointment_id, "new_datetime": at(tuesday, "15:00") });
    shop.call("reschedule_appointment", moved).await.success();

    let again = asked.accept_in_vain(&mut server).await;
    assert!(again.sentence.contains("3:00 PM"), "{}", again.sentence);
    assert_eq!(again.answer(&mut server, accept()).await.success()["status"], "cancelled");
}

#[rstest]
#[tokio::test]
async fn a_yes_to_cancel_is_for_the_customer_and_the_vehicle_that_were_named(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
    #[values(Client::Elicitation, Client::RoundTrip, Client::Token)] client: Client,
) {
    let shop = client.shop(database).await;
    let (owner, other) = (shop.owner().await, shop.customer().await);
    let start = at(next_weekday(Weekday::Tue, 1), "09:00");
    let appointment_id = shop.appointment(owner, &start).await;
    let mut server = client.server(&shop).await;
    let cancel = json!({ "appointment_id": appointment_id, "reason": "Sold" });
    let asked = ask(client, &mut server, CANCEL, cancel).await;

    let renamed = json!({ "customer_id": owner.customer_id, "updates": { "last_name": "Zed" } });
    shop.call("update_customer", renamed).await.success();
    let asked = asked.accept_in_vain(&mut server).await;
    assert!(asked.sentence.contains("Zed's"), "{}", asked.sentence);

    let changed = json!({ "vehicle_id": owner.vehicle_id, "updates": { "model": "Pilot" } });
    shop.call("update_vehicle", changed).await.success();
    let asked = asked.accept_in_vain(&mut server).await;
    assert!(asked.sentence.contains("Pilot"), "{}", asked.sentence);
    assert_eq!(asked.answer(&mut server, accept()).await.success()["status"], "cancelled");

    // What comes to another customer is asked about anew, also where both have one name.
    let appointment_id = shop.appointment(owner, &start).await;
    let cancel = json!({ "appointment_id": appointment_id, "reason": "Sold" });
    let namesake = json!({ "customer_id": other, "updates": { "last_name": "Zed" } });
    shop.call("update_customer", namesake).await.success();
    let asked = ask(client, &mut server, CANCEL, cancel).await;
    shop.execute_sql(&format!(
        "update customers set first_name = (select first_name from customers where id = {}) where id = {other}",
        owner.customer_id
    ))
    .await
    .unwrap();
    let moved =
        format!("update appointments set customer_id = {other} where id = {appointment_id}");
    shop.execute_sql(&moved).await.unwrap();
    let asked = asked.accept_in_vain(&mut server).await;
    assert_eq!(asked.answer(&mut server, accept()).await.success()["status"], "cancelled");
}

#[rstest]
#[tokio::test]
async fn a_yes_to_merge_is_for_what_is_on_file_of_the_merged_customer(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
    #[values(Client::Elicitation, Client::RoundTrip, Client::Token)] client: Client,
) {
    let shop = client.shop(database).await.with_env("SHOP_BAYS", "2");
    let (kept, owner) = (shop.customer().await, shop.owner().await);
    let merged = owner.customer_id;
    let tuesday = next_weekday(Weekday::Tue, 1);
    shop.appointment(owner, &at(tuesday, "09:00")).await;
    let mut server = client.server(&shop).await;
    let merge = json!({ "keep_customer_id": kept, "merge_customer_id": merged });
    let asked = ask(client, &mut server, MERGE, merge).await;
    let all = "that is 1 vehicle, 1 appointment, 0 tickets and 0 invoices?";
    assert!(asked.sentence.contains(all), "{}", asked.sentence);

    let line = json!({ "description": "Pads", "quantity": 1, "unit_price": 100 });
    let bill = json!({ "customer_id": merged, "line_items": [line] });
    shop.call("create_invoice", bill).await.success();
    // As where everything happens within one second.
    let then = format!("update customers set last_contact = 1 where id = {merged}");
    shop.execute_sql(&then).await.unwrap();
    let asked = asked.accept_in_vain(&mut server).await;
    assert!(asked.sentence.contains("0 tickets and 1 invoice?"), "{}", asked.sentence);

    shop.appointment(owner, &at(tuesday, "10:00")).await;
    shop.execute_sql(&then).await.unwrap();
    let asked = asked.accept_in_vain(&mut server).await;
    assert!(asked.sentence.contains("2 appointments"), "{}", asked.sentence);
    assert_eq!(asked.answer(&mut server, accept()).await.success()["moved"]["invoices"], 1);
    assert_eq!(shop.number("select max(customer_id) from invoices").await, kept);
}
