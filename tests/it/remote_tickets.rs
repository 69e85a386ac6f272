//! Tickets that the shop's CRM keeps, beside the shop's own.

use rstest::rstest;
use serde_json::{Value, json};

use crate::fake_api::Fault;
use crate::fake_crm::{Crm, ticket};
use crate::shop::{Database, Shop, by_id};

async fn known(shop: &Shop) -> i64 {
    let reply = shop.call("lookup_customer", json!({"crm_id": "C-1"})).await;
    reply.success()["customer"]["id"].as_i64().unwrap()
}

/// The ids in the CRM, in the order of the list.
fn ids(data: &Value) -> Vec<String> {
    let tickets = data["tickets"].as_array().expect("a list");
    let id = |ticket: &Value| ticket["crm_ticket_id"].as_str().unwrap_or("own").to_owned();
    tickets.iter().map(id).collect()
}

fn many(count: u32) -> Vec<Value> {
    (1..=count).rev().map(|day| ticket(&format!("T-{day}"), "open", day)).collect()
}

#[rstest]
#[tokio::test]
async fn the_crms_tickets_are_listed_with_the_shops_own(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    let crm = Crm::start().await;
    let shop = crm.shop(database).await;
    let id = known(&shop).await;
    crm.put_tickets("C-1", &[ticket("T-2", "closed", 9), ticket("T-1", "open", 8)]);
    let own = json!({"customer_id": id, "subject": "Call back"});
    shop.call("create_ticket", own).await.success();
    let reply = shop.call("get_customer_tickets", by_id(id)).await;
    let data = reply.success();
    assert_eq!(ids(data), ["own", "T-2", "T-1"]);
    assert_eq!(data["total_count"], 3);
    let first = &data["tickets"][1];
    for (field, expected) in [
        ("customer_id", json!(id)),
        ("status", json!("closed")),
        ("priority", json!("high")),
        ("subject", json!("Matter T-2")),
        ("category", json!("billing")),
        ("created_at", json!("2024-01-09T04:00:00-05:00")),
        ("comments", json!([])),
    ] {
        assert_eq!(first[field], expected, "{field}");
    }
    let seen = crm.api.seen().pop().unwrap();
    assert_eq!(seen.path, "/api/v1/customers/C-1/tickets");
    assert_eq!(seen.query["limit"], "10");
    // A ticket keeps its number here.
    let number = &first["ticket_id"];
    assert!(number.as_i64().is_some_and(|number| number > 0), "{number}");
    let again = shop.call("get_customer_tickets", by_id(id)).await;
    assert_eq!(again.success()["tickets"][1]["ticket_id"], *number);
    // The history has them, and the customer's count is the CRM's and the shop's.
    let history = shop.call("get_customer_history", by_id(id)).await;
    assert_eq!(ids(history.success()), ["own", "T-2", "T-1"]);
    assert_eq!(history.success()["customer"]["open_tickets"], 2);
}

#[rstest]
#[tokio::test]
async fn tickets_come_by_status_and_in_pages(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    let crm = Crm::start().await;
    let shop = crm.shop(database).await;
    let id = known(&shop).await;
    let mut tickets = many(7);
    tickets[2] = ticket("T-5", "resolved", 5);
    crm.put_tickets("C-1", &tickets);
    let mut arguments = json!({"customer_id": id, "limit": 3});
    let mut pages = Vec::new();
    loop {
        let reply = shop.call("get_customer_tickets", arguments.clone()).await;
        assert_eq!(reply.success()["total_count"], 7);
        pages.push(ids(reply.success()).join(" "));
        match reply.success().get("next_cursor") {
            Some(cursor) => arguments["cursor"] = cursor.clone(),
            None => break,
        }
    }
    assert_eq!(pages, ["T-7 T-6 T-5", "T-4 T-3 T-2", "T-1"]);
    let resolved = json!({"customer_id": id, "status": "resolved"});
    let reply = shop.call("get_customer_tickets", resolved.clone()).await;
    assert_eq!(
        (ids(reply.success()), &reply.success()["total_count"]),
        (vec!["T-5".into()], &json!(1))
    );
    assert_eq!(crm.api.seen().pop().unwrap().query["status"], "resolved");
    // One that stands elsewhere now is not listed where it stood.
    crm.put_tickets("C-1", &many(7));
    let reply = shop.call("get_customer_tickets", resolved).await;
    assert_eq!(reply.success()["tickets"], json!([]));
    assert_eq!(reply.success()["total_count"], 0);
}

#[rstest]
#[tokio::test]
async fn a_count_of_the_crm_is_held_against_what_it_lists(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    let crm = Crm::start().await;
    let shop = crm.shop(database).await;
    let id = known(&shop).await;
    let tickets =
        [ticket("T-3", "closed", 9), ticket("T-2", "open", 8), ticket("T-1", "closed", 7)];
    let open = json!({"customer_id": id, "status": "open"});
    // A CRM that does not know the filter, and one that counts the tickets of every status.
    for listed in [&tickets[..], &tickets[1..2]] {
        crm.answer(200, json!({"tickets": listed, "total_count": 3}));
        let reply = shop.call("get_customer_tickets", open.clone()).await;
        assert_eq!(
            (ids(reply.success()), reply.message()),
            (vec!["T-2".to_owned()], "There is 1 open ticket.")
        );
        assert_eq!(reply.success()["total_count"], 1);
    }
    let first = json!({"customer_id": id, "status": "open", "limit": 2});
    crm.answer(200, json!({"tickets": tickets[..2], "total": 3}));
    let reply = shop.call("get_customer_tickets", first).await;
    assert_eq!(reply.success()["total_count"], 1);
    // More than it lists, although there would be room for them.
    crm.answer(200, json!({"tickets": tickets, "total": 40}));
    let reply = shop.call("get_customer_tickets", by_id(id)).await;
    assert_eq!(reply.success()["total_count"], 3);
    let warning = reply.success()["warnings"][0].as_str().unwrap();
    assert!(warning.contains("counts more tickets than it lists"), "{warning}");
}

#[rstest]
#[tokio::test]
async fn what_the_crm_no_longer_has_is_gone_and_what_changed_is_changed(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    let crm = Crm::start().await;
    let shop = crm.shop(database).await;
    let id = known(&shop).await;
    crm.put_tickets("C-1", &many(3));
    shop.call("get_customer_tickets", by_id(id)).await.success();
    crm.put_tickets("C-1", &[ticket("T-3", "resolved", 3), ticket("T-1", "open", 1)]);
    let reply = shop.call("get_customer_tickets", by_id(id)).await;
    assert_eq!(ids(reply.success()), ["T-3", "T-1"]);
    assert_eq!(reply.success()["tickets"][0]["status"], "resolved");
    let reply = shop.call("lookup_customer", by_id(id)).await;
    assert_eq!(reply.success()["customer"]["open_tickets"], 1);
}

#[rstest]
#[tokio::test]
async fn a_ticket_of_the_crm_takes_no_change_from_here(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    let crm = Crm::start().await;
    let shop = crm.shop(database).await;
    let id = known(&shop).await;
    crm.put_tickets("C-1", &many(1));
    let reply = shop.call("get_customer_tickets", by_id(id)).await;
    let number = reply.success()["tickets"][0]["ticket_id"].clone();
    let reply = shop.call("update_ticket", json!({"ticket_id": number, "status": "closed"})).await;
    assert_eq!(reply.refusal(), "invalid_argument");
    assert!(reply.error().contains("T-1"), "{}", reply.error());
}

#[tokio::test]
async fn lists_come_in_several_shapes_and_what_is_of_no_use_is_left_out() {
    let crm = Crm::start().await;
    let shop = crm.shop(Database::Sqlite).await;
    let id = known(&shop).await;
    let good = json!({"ticket_id": 5, "state": "New", "title": "Noise"});
    for answer in [
        json!([good]),
        json!({"data": [good], "meta": {"total": 1}}),
        json!({"items": [good, {"title": "no id"}, {"id": 6, "customer_id": "C-2"}, 7]}),
    ] {
        crm.answer(200, answer.clone());
        let reply = shop.call("get_customer_tickets", by_id(id)).await;
        let data = reply.success();
        assert_eq!(ids(data), ["5"], "{answer}");
        assert_eq!(data["tickets"][0]["status"], "open");
        assert_eq!(data.get("warnings").is_some(), answer.get("items").is_some(), "{data:#}");
    }
    // Nothing but nonsense is no list; the last known one is told.
    crm.answer(200, json!({"tickets": [{"x": 1}]}));
    let reply = shop.call("get_customer_tickets", by_id(id)).await;
    assert_eq!((&reply.success()["stale"], ids(reply.success())), (&json!(true), vec!["5".into()]));
    // A list of somebody else's is refused, too.
    crm.answer(200, json!({"customer_id": "C-2", "tickets": []}));
    let reply = shop.call("get_customer_tickets", by_id(id)).await;
    assert_eq!((&reply.success()["stale"], ids(reply.success())), (&json!(true), vec!["5".into()]));
}

#[tokio::test]
async fn a_customer_whom_the_crm_no_longer_has_keeps_the_known_tickets() {
    let crm = Crm::start().await;
    let shop = crm.shop(Database::Sqlite).await;
    let id = known(&shop).await;
    crm.put_tickets("C-1", &many(2));
    shop.call("get_customer_tickets", by_id(id)).await.success();
    crm.remove("C-1");
    let reply = shop.call("get_customer_tickets", by_id(id)).await;
    assert_eq!(ids(reply.success()), ["T-2", "T-1"]);
    assert!(reply.message().contains("does not have this customer"), "{}", reply.message());
}

#[rstest]
#[tokio::test]
async fn customers_of_the_shops_own_have_tickets_of_the_shops_own(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    let crm = Crm::start().await;
    let shop = crm.shop(database).await;
    crm.api.fail(Some(Fault::Status(500)));
    let id = shop.customer().await;
    shop.call("create_ticket", json!({"customer_id": id, "subject": "x"})).await.success();
    let reply = shop.call("get_customer_tickets", by_id(id)).await;
    assert_eq!(ids(reply.success()), ["own"]);
    assert_eq!(crm.api.count(), 0);
    assert_eq!(shop.call("get_customer_tickets", by_id(99)).await.refusal(), "customer_not_found");
}

#[rstest]
#[tokio::test]
async fn tickets_move_with_a_merged_customer(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    let crm = Crm::start().await;
    let shop = crm.shop(database).await;
    let kept = known(&shop).await;
    crm.put("C-2", json!({"id": "C-2", "name": "Ann B. Lee"}));
    crm.put_tickets("C-1", &many(1));
    crm.put_tickets("C-2", &[ticket("T-1", "open", 20)]);
    let reply = shop.call("lookup_customer", json!({"crm_id": "C-2"})).await;
    let merged = reply.success()["customer"]["id"].as_i64().unwrap();
    for id in [kept, merged] {
        let reply = shop.call("get_customer_tickets", by_id(id)).await;
        assert_eq!(ids(reply.success()), ["T-1"], "ids are a customer's own");
    }
    crm.put_tickets("C-2", &[ticket("T-9", "open", 21), ticket("T-1", "open", 20)]);
    shop.call("get_customer_tickets", by_id(merged)).await.success();
    let merge = json!({"keep_customer_id": kept, "merge_customer_id": merged});
    shop.call("merge_customers", merge).await.success();
    for id in [kept, merged] {
        let reply = shop.call("get_customer_tickets", by_id(id)).await;
        assert_eq!(reply.success()["total_count"], 3);
        assert_eq!(ids(reply.success()), ["T-9", "T-1", "T-1"]);
    }
}
