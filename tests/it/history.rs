//! Everything that is on file about a customer.

use chrono::Weekday;
use rstest::rstest;
use serde_json::{Value, json};

use crate::data::{self, at, next_weekday, with};
use crate::shop::{Database, Shop, by_id};

fn history(customer_id: i64, left_out: &[&str]) -> Value {
    left_out.iter().fold(by_id(customer_id), |arguments, name| {
        with(arguments, &format!("include_{name}"), false)
    })
}

#[rstest]
#[tokio::test]
async fn a_history_holds_all_that_is_on_file_newest_first(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    let shop = Shop::open(database).await;
    let owner = shop.owner().await;
    let friday = next_weekday(Weekday::Fri, 1);
    let early = shop.appointment(owner, &at(friday, "09:00")).await;
    let late = shop.appointment(owner, &at(friday, "15:00")).await;
    let cancel = json!({ "appointment_id": early, "reason": "ill" });
    shop.call("cancel_appointment", cancel).await.success();
    for subject in ["one", "two"] {
        let ticket = json!({ "customer_id": owner.customer_id, "subject": subject });
        shop.call("create_ticket", ticket).await.success();
    }
    let reply = shop.call("get_customer_history", by_id(owner.customer_id)).await;
    let data = reply.success();
    let found = shop.call("lookup_customer", by_id(owner.customer_id)).await;
    assert_eq!(data["customer"], found.success()["customer"]);
    assert_eq!(data["vehicles"], data["customer"]["vehicles"]);
    assert_eq!(data::ids(data, "appointments"), [late, early]);
    assert_eq!(data["appointments"][1]["cancellation_reason"], "ill");
    assert_eq!(data["tickets"][0]["subject"], "two");
    assert_eq!(data["tickets"][1]["subject"], "one");
    assert_eq!(data["invoices"], json!([]));

    let newest = with(by_id(owner.customer_id), "limit", 1);
    let newest = shop.call("get_customer_history", newest).await;
    assert_eq!(data::ids(newest.success(), "appointments"), [late]);
    assert_eq!(newest.success()["tickets"].as_array().unwrap().len(), 1);
    // What is cut off is told.
    assert_eq!(newest.success()["more"], json!(["appointments", "tickets"]));
    let message = newest.message();
    assert!(message.contains("the latest 1 appointment, the latest 1 ticket and 0"), "{message}");
    assert!(data.get("more").is_none() && !reply.message().contains("latest"));
}

#[rstest]
#[tokio::test]
async fn a_history_holds_only_what_was_asked_for(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    let shop = Shop::open(database).await;
    let owner = shop.owner().await;
    let parts = ["vehicles", "appointments", "tickets", "invoices"];
    for part in parts {
        let reply = shop.call("get_customer_history", history(owner.customer_id, &[part])).await;
        for other in parts {
            assert_eq!(reply.success().get(other).is_some(), other != part, "without {part}");
        }
    }
    let bare = shop.call("get_customer_history", history(owner.customer_id, &parts)).await;
    assert_eq!(bare.success()["customer"]["id"], owner.customer_id);
}

#[rstest]
#[tokio::test]
async fn the_history_of_nobody_is_refused(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    let shop = Shop::open(database).await;
    let reply = shop.call("get_customer_history", by_id(4_711)).await;
    assert_eq!(reply.refusal(), "customer_not_found");
    let id = shop.customer().await;
    for limit in [0, 101] {
        let reply = shop.call("get_customer_history", with(by_id(id), "limit", limit)).await;
        assert_eq!(reply.refusal(), "invalid_argument");
        assert!(reply.error().contains("limit"), "{}", reply.error());
    }
}
