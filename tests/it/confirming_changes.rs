//! A yes is to what the person was told: where that has changed meanwhile, there is another question.

use chrono::Weekday;
use rstest::rstest;
use serde_json::json;

use crate::confirming::{Client, accept, ask};
use crate::data::{at, next_weekday};
use crate::shop::Database;

const CANCEL: &str = "cancel_appointment";

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
