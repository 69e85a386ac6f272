//! Customers whom the shop's CRM keeps: told, kept, and known while it is down.

use rstest::rstest;
use serde_json::{Value, json};

use crate::data;
use crate::fake_api::KEY;
use crate::fake_crm::{Crm, ann};
use crate::shop::{Database, Shop, by_id};

/// Who has this id in the CRM.
pub fn by_crm_id(crm_id: &str) -> Value {
    json!({ "crm_id": crm_id })
}

/// The number of that customer here.
pub async fn id_of(shop: &Shop, crm_id: &str) -> i64 {
    let reply = shop.call("lookup_customer", by_crm_id(crm_id)).await;
    reply.success()["customer"]["id"].as_i64().expect("a number")
}

#[rstest]
#[tokio::test]
async fn a_customer_of_the_crm_is_told_and_can_be_booked_for(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    let crm = Crm::start().await;
    let shop = crm.shop(database).await;
    let reply = shop.call("lookup_customer", by_crm_id("C-1")).await;
    let data = reply.success();
    assert_eq!((&data["found"], &data["lookup_key"]), (&json!(true), &json!("crm_id")));
    assert!(data.get("stale").is_none() && data.get("warnings").is_none(), "{data:#}");
    let customer = &data["customer"];
    for (field, expected) in [
        ("crm_id", json!("C-1")),
        ("first_name", json!("Ann")),
        ("last_name", json!("Lee")),
        ("email", json!("ann@example.com")),
        ("phone_number", json!("+12025550188")),
        ("account_status", json!("active")),
        ("tier", json!("premium")),
        ("customer_since", json!("2023-01-15")),
        ("lifetime_value", json!(15000.5)),
        ("open_tickets", json!(2)),
        ("satisfaction_score", json!(4.5)),
        ("preferences", json!({"language": "en"})),
        ("vehicles", json!([])),
    ] {
        assert_eq!(customer[field], expected, "{field}");
    }
    let id = customer["id"].as_i64().unwrap();
    let owner = shop.owner_of_another_vehicle(id).await;
    let monday = data::next_weekday(chrono::Weekday::Mon, 0);
    shop.appointment(owner, &data::at(monday, "09:00")).await;
    // The shop's own numbers and the phone lead to the same customer, without a question to the CRM.
    let asked = crm.api.count();
    for key in [by_id(id), json!({"phone_number": "202 555 0188"})] {
        let reply = shop.call("lookup_customer", key).await;
        assert_eq!(reply.success()["customer"]["crm_id"], "C-1");
        assert_eq!(reply.success()["customer"]["lifetime_value"], 15000.5);
    }
    assert_eq!(crm.api.count(), asked);
    assert!(crm.api.seen().iter().all(|seen| seen.headers["accept"] == "application/json"));
}

#[rstest]
#[tokio::test]
async fn a_date_of_the_crm_is_the_same_date_in_the_shop(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    let crm = Crm::start().await;
    for zone in ["America/Los_Angeles", "Pacific/Auckland"] {
        for since in ["2024-03-05", "2024-03-05T00:00:00"] {
            let mut customer = ann();
            customer["created_at"] = json!(since);
            customer["last_contact"] = json!(since);
            crm.put("C-1", customer);
            let shop = crm.shop(database).await.with_env("SHOP_TIMEZONE", zone);
            let reply = shop.call("lookup_customer", by_crm_id("C-1")).await;
            let customer = &reply.success()["customer"];
            assert_eq!(customer["customer_since"], "2024-03-05", "{since} {zone}");
            let contact = customer["last_contact"].as_str().unwrap();
            assert!(contact.starts_with("2024-03-05T00:00:00"), "{since} {zone}: {contact}");
        }
    }
}

#[rstest]
#[tokio::test]
async fn what_the_crm_says_now_is_what_is_told(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    let crm = Crm::start().await;
    let shop = crm.shop(database).await;
    let id = id_of(&shop, "C-1").await;
    let mut changed = ann();
    changed["name"] = json!("Ann Smith");
    changed["preferences"] = json!({"contact": "sms"});
    changed["email"] = json!("ann@smith.example");
    crm.put("C-1", changed);
    let reply = shop.call("lookup_customer", json!({"email": "Ann@Smith.example"})).await;
    let customer = &reply.success()["customer"];
    assert_eq!(customer["id"], id);
    assert_eq!(customer["last_name"], "Smith");
    assert_eq!(customer["preferences"], json!({"contact": "sms"}));
    // And by number from then on.
    let reply = shop.call("lookup_customer", by_id(id)).await;
    assert_eq!(reply.success()["customer"]["email"], "ann@smith.example");
}

#[rstest]
#[case::wrapped(json!({"data": {"customer": ann()}}))]
#[case::in_a_list(json!([ann()]))]
#[case::with_other_names(json!({
    "customer_id": "C-1", "full_name": "Lee, Ann", "email_address": "ann@example.com",
    "phone_number": "+12025550188", "account_status": "ACTIVE",
}))]
#[case::in_two_names(json!({"profile": {
    "id": "C-1", "first_name": "Ann", "last_name": "Lee", "email": "ann@example.com",
    "mobile": "202.555.0188",
}}))]
#[tokio::test]
async fn records_come_in_several_shapes(#[case] answer: Value) {
    let crm = Crm::start().await;
    let shop = crm.shop(Database::Sqlite).await;
    crm.answer(200, answer);
    let reply = shop.call("lookup_customer", by_crm_id("C-1")).await;
    let customer = &reply.success()["customer"];
    let expected = json!(["Ann", "Lee", "ann@example.com", "+12025550188"]);
    let fields = ["first_name", "last_name", "email", "phone_number"];
    assert_eq!(json!(fields.map(|field| &customer[field])), expected, "{customer:#}");
}

#[rstest]
#[tokio::test]
async fn fields_of_no_use_are_left_out_with_a_warning(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    let crm = Crm::start().await;
    let shop = crm.shop(database).await;
    let id = id_of(&shop, "C-1").await;
    crm.put(
        "C-1",
        json!({
            "id": "C-1", "name": "A\u{202e}nn", "email": "ann at example", "phone": "12",
            "satisfaction_score": 9, "status": "gold",
        }),
    );
    let reply = shop.call("lookup_customer", by_crm_id("C-1")).await;
    let data = reply.success();
    assert_eq!(data["warnings"].as_array().map(Vec::len), Some(5), "{data:#}");
    // What is on file stays.
    assert_eq!(data["customer"]["id"], id);
    assert_eq!(data["customer"]["first_name"], "Ann");
    assert_eq!(data["customer"]["email"], "ann@example.com");
    // Somebody of whom nothing else is known has a number all the same.
    crm.put("C-2", json!({"id": "C-2"}));
    let reply = shop.call("lookup_customer", by_crm_id("C-2")).await;
    let customer = &reply.success()["customer"];
    assert_eq!(
        (&customer["first_name"], &customer["last_name"]),
        (&json!("Customer"), &json!("C-2"))
    );
}

#[rstest]
#[tokio::test]
async fn whom_the_crm_does_not_have_is_not_found_and_stays_on_file(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    let crm = Crm::start().await;
    let shop = crm.shop(database).await;
    for nobody in [by_crm_id("C-9"), json!({"email": "bob@example.com"}), by_crm_id("..")] {
        let reply = shop.call("lookup_customer", nobody).await;
        assert_eq!(reply.success()["found"], false);
    }
    let id = id_of(&shop, "C-1").await;
    crm.remove("C-1");
    let reply = shop.call("lookup_customer", by_crm_id("C-1")).await;
    assert_eq!(reply.success()["found"], false);
    assert!(reply.message().contains(&format!("customer {id}")), "{}", reply.message());
    let reply = shop.call("lookup_customer", by_id(id)).await;
    assert_eq!(reply.success()["customer"]["crm_id"], "C-1");
}

#[rstest]
#[tokio::test]
async fn customers_of_the_shops_own_are_found_without_the_crm(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    let crm = Crm::start().await;
    let shop = crm.shop(database).await;
    let bob = data::with(data::customer(), "email", "bob@example.com");
    let id = shop.call("create_customer", bob).await.success()["customer"]["id"].clone();
    let by_email = json!({"email": "bob@example.com"});
    let reply = shop.call("lookup_customer", by_email.clone()).await;
    assert_eq!(reply.success()["customer"]["id"], id);
    crm.api.close().await;
    let reply = shop.call("lookup_customer", by_email).await;
    assert_eq!(reply.success()["customer"]["id"], id);
    assert!(reply.success().get("stale").is_none());
    let updates = json!({"customer_id": id, "updates": {"tier": "gold"}});
    assert_eq!(shop.call("update_customer", updates).await.success()["customer"]["tier"], "gold");
}

#[rstest]
#[tokio::test]
async fn whom_the_shop_knows_already_is_the_same_customer(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    let crm = Crm::start().await;
    let shop = crm.shop(database).await;
    // By the address; the name has changed in part.
    let own = json!({
        "first_name": "Ann", "last_name": "Miller", "phone_number": data::phone(),
        "email": "ANN@example.com", "notes": "Likes tea.", "preferences": {"contact": "sms"},
    });
    let ann = shop.call("create_customer", own).await.success()["customer"]["id"].clone();
    let reply = shop.call("lookup_customer", by_crm_id("C-1")).await;
    let customer = &reply.success()["customer"];
    assert_eq!(customer["id"], ann);
    assert_eq!(customer["last_name"], "Lee");
    assert_eq!(customer["notes"], "Likes tea.");
    assert_eq!(customer["preferences"], json!({"language": "en", "contact": "sms"}));
    // By phone number and name.
    let own = json!({"first_name": "Bob", "last_name": "Ray", "phone_number": "+12025550177"});
    let bob = shop.call("create_customer", own).await.success()["customer"]["id"].clone();
    crm.put("C-2", json!({"id": "C-2", "name": "Bob Ray", "phone": "+1 202 555 0177"}));
    assert_eq!(json!(id_of(&shop, "C-2").await), bob);
    // A stranger with the same number shares it.
    crm.put("C-3", json!({"id": "C-3", "name": "Cy Ray", "phone": "+1 202 555 0177"}));
    assert_ne!(json!(id_of(&shop, "C-3").await), bob);
    let reply = shop.call("lookup_customer", json!({"phone_number": "+12025550177"})).await;
    assert_eq!(reply.success()["candidates"].as_array().map(Vec::len), Some(2));
}

#[rstest]
#[tokio::test]
async fn a_merged_customer_answers_as_the_one_who_stayed(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    let crm = Crm::start().await;
    let shop = crm.shop(database).await;
    crm.put("C-2", json!({"id": "C-2", "name": "Ann B. Lee", "email": "ann.b@example.com"}));
    let (kept, merged) = (id_of(&shop, "C-1").await, id_of(&shop, "C-2").await);
    let merge = json!({"keep_customer_id": kept, "merge_customer_id": merged});
    shop.call("merge_customers", merge).await.success();
    let mut changed = ann();
    changed["tier"] = json!("gold");
    crm.put("C-1", changed);
    for key in [by_crm_id("C-2"), json!({"email": "ann.b@example.com"}), by_id(merged)] {
        let reply = shop.call("lookup_customer", key.clone()).await;
        let customer = &reply.success()["customer"];
        assert_eq!((&customer["id"], &customer["crm_id"]), (&json!(kept), &json!("C-1")), "{key}");
        assert_eq!((&customer["last_name"], &customer["tier"]), (&json!("Lee"), &json!("gold")));
    }
}

#[rstest]
#[tokio::test]
async fn callers_who_ask_at_once_share_one_request_and_one_customer(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    let crm = Crm::start().await;
    let shop = crm.shop(database).await;
    crm.api.delay(std::time::Duration::from_millis(300));
    let mut servers = [shop.server().await, shop.server().await, shop.server().await];
    // Opened beforehand, so that all of them ask at the same time.
    for server in &mut servers {
        server.call("lookup_customer", by_id(1)).await.success();
    }
    let mut calls = Vec::new();
    for (number, server) in servers.iter_mut().enumerate() {
        for _ in 0..8 {
            calls.push((number, server.send_call("lookup_customer", by_crm_id("C-1")).await));
        }
    }
    let mut ids = std::collections::BTreeSet::new();
    for (number, call) in calls {
        let reply = servers[number].reply(call).await;
        ids.insert(reply.success()["customer"]["id"].as_i64().unwrap());
    }
    assert_eq!(ids.len(), 1, "{ids:?}");
    assert_eq!(crm.api.count(), servers.len());
    assert_eq!(shop.number("select count(*) from customers").await, 1);
}

#[rstest]
#[tokio::test]
async fn a_lookup_works_where_the_database_takes_nothing_in(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    let crm = Crm::start().await;
    let shop = crm.shop(database).await;
    let id = id_of(&shop, "C-1").await;
    refuse_writes(&shop, database).await;
    let mut changed = ann();
    changed["tier"] = json!("gold");
    crm.put("C-1", changed);
    let reply = shop.call("lookup_customer", by_crm_id("C-1")).await;
    let customer = &reply.success()["customer"];
    assert_eq!((&customer["id"], &customer["tier"]), (&json!(id), &json!("gold")));
    // Nobody can be told of without a number, which the database gives.
    crm.put("C-2", json!({"id": "C-2", "name": "Bob Ray"}));
    let reply = shop.call("lookup_customer", by_crm_id("C-2")).await;
    assert_eq!(reply.refusal(), "database_unavailable");
}

/// Lets nobody write customers any more.
async fn refuse_writes(shop: &Shop, database: Database) {
    let sql = match database {
        Database::Sqlite => {
            "create trigger no_updates before update on customers begin select raise(abort, 'no'); end;
             create trigger no_inserts before insert on customers begin select raise(abort, 'no'); end;"
        }
        Database::Postgres => {
            "create function no_writes() returns trigger language plpgsql as
                 $$ begin raise exception 'no'; end $$;
             create trigger no_writes before insert or update on customers
                 for each row execute function no_writes();"
        }
    };
    shop.execute_sql(sql).await.unwrap();
}

#[tokio::test]
async fn a_read_only_server_keeps_what_the_crm_says() {
    let crm = Crm::start().await;
    let shop = crm.shop(Database::Sqlite).await.with_env("SERVICEBAY_READ_ONLY", "true");
    let id = id_of(&shop, "C-1").await;
    crm.api.close().await;
    let reply = shop.call("lookup_customer", by_crm_id("C-1")).await;
    assert_eq!(reply.success()["customer"]["id"], id);
    assert_eq!(reply.success()["stale"], true);
}

#[tokio::test]
async fn the_key_is_in_no_log_and_in_no_reply() {
    let crm = Crm::start().await;
    let shop = crm.shop(Database::Sqlite).await.with_env("RUST_LOG", "trace");
    let mut server = shop.server().await;
    let id = server.call("lookup_customer", by_crm_id("C-1")).await;
    let id = id.success()["customer"]["id"].clone();
    crm.answer(401, json!({"error": format!("bad key {KEY}")}));
    let replies = [
        server.call("lookup_customer", by_crm_id("C-1")).await,
        server.call("lookup_customer", by_crm_id("C-2")).await,
        server.call("update_customer", json!({"customer_id": id, "updates": {"tier": "x"}})).await,
    ];
    assert_eq!(replies[1].refusal(), "upstream_unauthorized");
    assert_eq!(replies[2].refusal(), "upstream_unauthorized");
    assert!(replies.iter().all(|reply| !reply.envelope.to_string().contains(KEY)));
    server.close_stdin();
    server.wait_exit(data::EXIT_LIMIT).await;
    let log = server.stderr();
    assert!(log.len() > 1000, "a log at the level trace: {log}");
    assert!(!log.contains(KEY));
    assert!(crm.api.seen().iter().all(|seen| seen.headers["authorization"].contains(KEY)));
}

#[rstest]
#[tokio::test]
async fn a_last_name_goes_only_where_the_crm_says_so(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    let crm = Crm::start().await;
    let shop = crm.shop(database).await;
    id_of(&shop, "C-1").await;
    let first = data::with(data::without(ann(), "name"), "first_name", "Ann");
    for (said, expected) in [
        (first.clone(), "Lee"),
        (data::with(first.clone(), "last_name", json!(["Lee"])), "Lee"),
        (data::with(first, "last_name", Value::Null), ""),
    ] {
        crm.put("C-1", said.clone());
        let reply = shop.call("lookup_customer", by_crm_id("C-1")).await;
        assert_eq!(reply.success()["customer"]["last_name"], expected, "{said}");
        let number = reply.success()["customer"]["id"].clone();
        let kept = shop.call("search_customers", json!({"query": "Ann"})).await;
        let kept = kept.success()["customers"].as_array().unwrap().clone();
        assert!(kept.iter().any(|one| one["id"] == number && one["last_name"] == expected));
    }
}
