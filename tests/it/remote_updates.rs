//! Changing customers whom the shop's CRM keeps.

use rstest::rstest;
use serde_json::{Value, json};

use crate::data;
use crate::fake_api::{Fault, Seen};
use crate::fake_crm::{Crm, ann};
use crate::reply::Reply;
use crate::shop::{Database, Shop, by_id};

async fn known(shop: &Shop) -> i64 {
    let reply = shop.call("lookup_customer", json!({"crm_id": "C-1"})).await;
    reply.success()["customer"]["id"].as_i64().unwrap()
}

async fn update(shop: &Shop, id: i64, updates: Value) -> Reply {
    shop.call("update_customer", json!({"customer_id": id, "updates": updates})).await
}

fn patches(crm: &Crm) -> Vec<Seen> {
    crm.api.seen().into_iter().filter(|seen| seen.method == "PATCH").collect()
}

#[rstest]
#[tokio::test]
async fn a_change_is_made_in_the_crm_and_here(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    let crm = Crm::start().await;
    let shop = crm.shop(database).await;
    let id = known(&shop).await;
    let updates = json!({
        "last_name": "Smith", "email": "", "phone_number": "(202) 555-0199",
        "preferences": {"language": null, "contact": "sms"}, "account_status": "inactive",
        "notes": "Moved.", "satisfaction_score": 5,
    });
    let reply = update(&shop, id, updates).await;
    let data = reply.success();
    assert_eq!(data["customer_id"], id);
    assert_eq!(data["updated_fields"].as_array().map(Vec::len), Some(7));
    assert_eq!(data["customer"]["last_name"], "Smith");
    assert_eq!(data["customer"]["preferences"], json!({"contact": "sms"}));
    let [patch] = patches(&crm).try_into().expect("one PATCH");
    assert_eq!(patch.path, "/api/v1/customers/C-1");
    let body = json!({
        "last_name": "Smith", "email": null, "phone_number": "+12025550199",
        "account_status": "inactive", "satisfaction_score": 5.0, "notes": "Moved.",
        "preferences": {"language": null, "contact": "sms"},
    });
    assert_eq!(patch.body, body);
    let reply = shop.call("lookup_customer", by_id(id)).await;
    let customer = &reply.success()["customer"];
    assert_eq!(customer["phone_number"], "+12025550199");
    assert!(customer.get("email").is_none());
}

#[tokio::test]
async fn the_customer_as_the_crm_changed_it_is_kept() {
    let crm = Crm::start().await;
    let shop = crm.shop(Database::Sqlite).await;
    let id = known(&shop).await;
    let mut answer = ann();
    answer["tier"] = json!("gold");
    answer["phone"] = json!("+1 202 555 0190");
    crm.answer(200, json!({"customer": answer}));
    let reply = update(&shop, id, json!({"tier": "Gold"})).await;
    let customer = &reply.success()["customer"];
    assert_eq!(
        (&customer["tier"], &customer["phone_number"]),
        (&json!("gold"), &json!("+12025550190"))
    );
    // What it did not take over is not called updated.
    assert_eq!(reply.success()["updated_fields"], json!([]));
    let warnings = reply.success()["warnings"].to_string();
    assert!(warnings.contains("another tier") && !warnings.contains("phone"), "{warnings}");
    // An answer need not have a body.
    crm.answer(204, Value::Null);
    assert_eq!(update(&shop, id, json!({"tier": "x"})).await.success()["customer"]["tier"], "x");
}

#[rstest]
#[tokio::test]
async fn what_the_crm_refuses_changes_nothing(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    let crm = Crm::start().await;
    let shop = crm.shop(database).await;
    let id = known(&shop).await;
    for (status, body, code) in [
        (422, json!({"error": "no"}), "upstream_error"),
        (409, Value::Null, "upstream_error"),
        (200, json!({"success": false}), "upstream_error"),
        (404, Value::Null, "customer_not_found"),
        (401, Value::Null, "upstream_unauthorized"),
    ] {
        crm.answer(status, body);
        let before = patches(&crm).len();
        let reply = update(&shop, id, json!({"tier": "gold"})).await;
        assert_eq!(reply.refusal(), code, "{status}");
        assert_eq!(patches(&crm).len() - before, 1, "{status}");
        let reply = shop.call("lookup_customer", by_id(id)).await;
        assert_eq!(reply.success()["customer"]["tier"], "premium", "{status}");
    }
}

#[rstest]
#[case::silence(Fault::Silence, "upstream_timeout")]
#[case::reset(Fault::Reset, "upstream_error")]
#[case::a_gateway(Fault::Status(504), "upstream_error")]
#[case::a_web_page(Fault::Says("<html>"), "upstream_error")]
#[case::somebody_else(Fault::Says("{\"id\": \"C-7\", \"name\": \"Eve\"}"), "upstream_error")]
#[tokio::test]
async fn a_change_that_may_be_made_is_sent_once_and_said_to_be_uncertain(
    #[case] fault: Fault,
    #[case] code: &str,
) {
    let crm = Crm::start().await;
    let shop = crm.shop(Database::Sqlite).await.with_env("CRM_MAX_RETRIES", "3");
    let id = known(&shop).await;
    crm.api.fail(Some(fault));
    let reply = update(&shop, id, json!({"tier": "gold"})).await;
    assert_eq!(reply.refusal(), code);
    assert!(reply.message().contains("did not confirm"), "{}", reply.message());
    assert!(reply.error().contains("may or may not"), "{}", reply.error());
    assert_eq!(patches(&crm).len(), 1);
    let reply = shop.call("lookup_customer", by_id(id)).await;
    assert_eq!(reply.success()["customer"]["tier"], "premium");
}

#[tokio::test]
async fn nothing_is_changed_while_the_crm_is_down() {
    let crm = Crm::start().await;
    let shop = crm.shop(Database::Sqlite).await;
    let id = known(&shop).await;
    crm.api.close().await;
    for _ in 0..5 {
        let reply = update(&shop, id, json!({"tier": "gold"})).await;
        assert_eq!(reply.refusal(), "upstream_error");
        assert!(!reply.message().contains("confirm"), "{}", reply.message());
    }
    assert_eq!(update(&shop, id, json!({"tier": "gold"})).await.refusal(), "upstream_unavailable");
    let reply = shop.call("lookup_customer", by_id(id)).await;
    assert_eq!(reply.success()["customer"]["tier"], "premium");
}

#[rstest]
#[tokio::test]
async fn what_cannot_be_is_refused_before_the_crm_is_asked(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    let crm = Crm::start().await;
    let shop = crm.shop(database).await;
    let id = known(&shop).await;
    let bob = data::with(data::customer_with_phone("+12025550111"), "email", "bob@example.com");
    shop.call("create_customer", bob).await.success();
    for (updates, code) in [
        (json!({}), "invalid_argument"),
        (json!({"email": "nobody"}), "invalid_argument"),
        (json!({"email": "BOB@example.com"}), "already_exists"),
        (json!({"phone_number": "202 555 0111"}), "already_exists"),
    ] {
        assert_eq!(update(&shop, id, updates.clone()).await.refusal(), code, "{updates}");
    }
    assert_eq!(update(&shop, 999, json!({"tier": "x"})).await.refusal(), "customer_not_found");
    assert!(patches(&crm).is_empty());
}

#[tokio::test]
async fn a_change_that_only_the_crm_made_is_told_as_such() {
    let crm = Crm::start().await;
    let shop = crm.shop(Database::Sqlite).await;
    let id = known(&shop).await;
    let trigger = "create trigger no_updates before update on customers
                   begin select raise(fail, 'disk full'); end";
    shop.execute_sql(trigger).await.unwrap();
    let reply = update(&shop, id, json!({"tier": "gold"})).await;
    assert!(reply.message().contains("made the change"), "{}", reply.envelope);
    assert_eq!(reply.refusal(), "internal");
    shop.execute_sql("drop trigger no_updates").await.unwrap();
    assert_eq!(crm.customer("C-1")["tier"], "gold");
    let reply = shop.call("lookup_customer", json!({"crm_id": "C-1"})).await;
    assert_eq!(reply.success()["customer"]["tier"], "gold");
}
