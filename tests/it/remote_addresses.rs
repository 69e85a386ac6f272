//! E-mail addresses that the shop's CRM gives to customers, of which each is one customer's.

use rstest::rstest;
use serde_json::{Value, json};

use crate::data;
use crate::fake_crm::{Crm, ann};
use crate::remote_customers::{by_crm_id, id_of};
use crate::shop::{Database, by_id};

#[rstest]
#[tokio::test]
async fn an_address_of_somebody_else_moves_only_where_the_crm_took_it_from_them(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    let crm = Crm::start().await;
    let shop = crm.shop(database).await;
    // A customer of the shop's own, of whom the CRM does not know, keeps the address.
    let own = json!({
        "first_name": "Zoe", "last_name": "Quinn", "phone_number": data::phone(),
        "email": "shared@example.com",
    });
    let zoe = shop.call("create_customer", own).await.success()["customer"]["id"].clone();
    crm.put("C-2", json!({"id": "C-2", "name": "Bob Ray", "email": "shared@example.com"}));
    let reply = shop.call("lookup_customer", json!({"email": "shared@example.com"})).await;
    let data = reply.success();
    assert_eq!(data["customer"]["crm_id"], "C-2");
    assert!(data["customer"].get("email").is_none(), "{data:#}");
    let warning = data["warnings"][0].as_str().unwrap();
    assert!(warning.contains(&format!("customer {zoe}")), "{warning}");
    // Between customers of the CRM, it moves with what the CRM says of both.
    let first = id_of(&shop, "C-1").await;
    let mut renamed = ann();
    renamed["email"] = json!("new@example.com");
    crm.put("C-1", renamed);
    crm.put("C-3", json!({"id": "C-3", "name": "Cy Ray", "email": "ann@example.com"}));
    let reply = shop.call("lookup_customer", json!({"email": "ann@example.com"})).await;
    assert_eq!(reply.success()["customer"]["crm_id"], "C-3");
    assert_eq!(reply.success()["customer"]["email"], "ann@example.com");
    let warning = reply.success()["warnings"][0].as_str().unwrap();
    assert!(warning.contains(&format!("customer {first} had here; it moved")), "{warning}");
    let third = reply.success()["customer"]["id"].clone();
    let reply = shop.call("lookup_customer", by_id(first)).await;
    assert_eq!(reply.success()["customer"]["email"], "new@example.com");
    // Two who swap theirs.
    let mut swapped = ann();
    swapped["email"] = json!("ann@example.com");
    crm.put("C-1", swapped);
    crm.put("C-3", json!({"id": "C-3", "name": "Cy Ray", "email": "new@example.com"}));
    let reply = shop.call("lookup_customer", by_crm_id("C-1")).await;
    assert_eq!(reply.success()["customer"]["email"], "ann@example.com");
    let reply = shop.call("lookup_customer", json!({"customer_id": third})).await;
    assert_eq!(reply.success()["customer"]["email"], "new@example.com");
}

#[rstest]
#[tokio::test]
async fn an_address_that_the_crm_gives_two_stays_with_whom_has_it_and_the_reply_says_so(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    let crm = Crm::start().await;
    let shop = crm.shop(database).await;
    let first = id_of(&shop, "C-1").await;
    crm.put("C-2", json!({"id": "C-2", "name": "Bo Lee", "email": "ann@example.com"}));
    for _ in 0..2 {
        let reply = shop.call("lookup_customer", by_crm_id("C-2")).await;
        let data = reply.success();
        assert_eq!(data["customer"]["first_name"], "Bo");
        assert!(data["customer"].get("email").is_none(), "{data:#}");
        let warning = data["warnings"][0].as_str().unwrap();
        assert!(warning.contains(&format!("customer {first}")), "{warning}");
        let reply = shop.call("lookup_customer", by_id(first)).await;
        assert_eq!(reply.success()["customer"]["email"], "ann@example.com");
    }
    // Nor does it move where nobody can say whether the CRM took it away.
    crm.remove("C-1");
    let reply = shop.call("lookup_customer", by_crm_id("C-2")).await;
    assert!(reply.success()["warnings"][0].as_str().unwrap().contains("keeps it"));
    let mut without = ann();
    without["email"] = Value::Null;
    crm.put("C-1", without);
    let reply = shop.call("lookup_customer", by_crm_id("C-2")).await;
    assert_eq!(reply.success()["customer"]["email"], "ann@example.com");
    assert!(reply.success()["warnings"][0].as_str().unwrap().contains("it moved"));
    let reply = shop.call("lookup_customer", by_id(first)).await;
    assert!(reply.success()["customer"].get("email").is_none());
}
