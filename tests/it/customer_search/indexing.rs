//! The index catches up in the background, and is never needed to be right.

use std::time::Duration;

use rstest::rstest;
use serde_json::{Value, json};

use super::{by_query, ids, put};
use crate::data;
use crate::reply::Reply;
use crate::shop::{Database, Shop};

/// More than a search looks at without the index, in two blocks.
const MANY: i64 = 1_000;
const MAY_BE_MISSING: &str = " Customers who were added or changed just now may be missing.";
/// So many that a search does not wait for all of them, on most machines.
const PATIENCE_TAKES: i64 = 20_000;

/// Has the index catch up; customers whom another process is adding at that moment are left to it.
pub async fn migrate(shop: &Shop) {
    loop {
        let output = shop.command().arg("migrate").output().await.unwrap();
        assert!(output.status.success(), "{output:?}");
        if pending(shop).await == 0 {
            return;
        }
    }
}

async fn pending(shop: &Shop) -> i64 {
    shop.number("select count(*) from search_pending").await
}

async fn put_many(shop: &Shop) {
    put_customers(shop, MANY).await;
}

/// Puts so many customers on file past the server; every hundredth is a Quirin.
async fn put_customers(shop: &Shop, many: i64) {
    shop.call("search_customers", json!({})).await.success();
    let sql = format!(
        "with recursive n (i) as (select 1 union all select i + 1 from n where i < {many})
         insert into customers (id, first_name, last_name, email, email_key, phone_number, created_at)
         select 65000 + i, case when i % 100 = 0 then 'Quirin' else 'Ann' end, 'Lee' || i,
                'lee' || i || '@example.com', 'lee' || i || '@example.com', '+1212' || (5550000 + i), i
         from n"
    );
    shop.execute_sql(&sql).await.unwrap();
}

/// What a search comes to once the index is no more far behind, which a slow machine takes long for.
pub async fn search_patiently(shop: &Shop, arguments: Value) -> Reply {
    loop {
        let reply = shop.call("search_customers", arguments.clone()).await;
        if reply.is_error {
            check_refusal(&reply);
        } else if !reply.message().ends_with(MAY_BE_MISSING) {
            return reply;
        }
    }
}

fn check_refusal(reply: &Reply) {
    assert_eq!(reply.refusal(), "database_unavailable");
    assert!(reply.envelope["hint"].as_str().unwrap().contains("servicebay migrate"));
}

/// Whether everybody who should be found is.
async fn check_many(shop: &Shop) {
    let quirins = search_patiently(shop, json!({ "query": "quirin", "limit": 100 })).await;
    let expected: Vec<i64> = (1..=MANY / 100).rev().map(|number| 65_000 + number * 100).collect();
    assert_eq!(ids(quirins.success()), expected);
    assert_eq!(by_query(shop, "lee123").await, [65_123]);
    assert_eq!(by_query(shop, "(212) 555-0999").await, [65_999]);
    assert_eq!(by_query(shop, "quirin lee300").await, [65_300]);
    assert_eq!(by_query(shop, "quirin lee301").await, [0_i64; 0]);
}

#[rstest]
#[tokio::test]
async fn customers_who_came_by_another_way_are_found(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    let shop = Shop::open(database).await;
    put_many(&shop).await;
    assert_eq!(pending(&shop).await, MANY);
    check_many(&shop).await;
    // The first search has waited for the index.
    assert_eq!(pending(&shop).await, 0);
}

#[rstest]
#[tokio::test]
async fn an_index_of_an_older_version_stays(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    let shop = Shop::open(database).await;
    put_many(&shop).await;
    migrate(&shop).await;
    let sets = "select count(*) * 1000000 + sum(length(customers)) from search_postings";
    let before = shop.number(sets).await;
    let older = match database {
        Database::Sqlite => {
            "create table older (term text not null, block integer not null, customers blob not null,
                                 primary key (term, block)) strict, without rowid"
        }
        Database::Postgres => "create table older (like search_postings including all)",
    };
    let older = format!(
        "{older};
         insert into older select term, block, customers from search_postings;
         drop table search_postings;
         alter table older rename to search_postings;
         delete from _sqlx_migrations where version = 17"
    );
    shop.execute_sql(&older).await.unwrap();
    let renamed = "alter index older_pkey rename to search_postings_pkey";
    if let Database::Postgres = database {
        shop.execute_sql(renamed).await.unwrap();
    }
    migrate(&shop).await;
    assert_eq!(shop.number("select count(*) from _sqlx_migrations where version = 17").await, 1);
    assert_eq!(shop.number(sets).await, before);
    check_many(&shop).await;
}

#[rstest]
#[tokio::test]
async fn migrate_brings_the_index_up_to_date(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    let shop = Shop::open(database).await;
    put_many(&shop).await;
    migrate(&shop).await;
    check_many(&shop).await;
    // What was true once does no harm.
    shop.execute_sql("update customers set first_name = 'Ann' where id < 65500").await.unwrap();
    shop.execute_sql("delete from customers where id > 65800").await.unwrap();
    let expected: Vec<i64> = (5..=8).rev().map(|number| 65_000 + number * 100).collect();
    for is_indexed in [false, true] {
        let quirins =
            shop.call("search_customers", json!({ "query": "quirin", "limit": 100 })).await;
        assert_eq!(ids(quirins.success()), expected, "{is_indexed}");
        migrate(&shop).await;
    }
}

#[rstest]
#[tokio::test]
async fn a_killed_run_leaves_every_search_right(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    let shop = Shop::open(database).await;
    put_many(&shop).await;
    for _ in 0..3 {
        let mut run = shop.command().arg("migrate").spawn().unwrap();
        // Until it has begun, or is done already.
        while shop.number("select count(*) from search_pending where claim <> 0").await == 0
            && pending(&shop).await > 0
        {}
        run.kill().await.unwrap();
    }
    check_many(&shop).await;
}

#[rstest]
#[tokio::test]
async fn a_call_of_the_command_line_waits_for_the_index(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    let shop = Shop::open(database).await;
    put_customers(&shop, PATIENCE_TAKES).await;
    let mut run = shop.command().arg("migrate").spawn().unwrap();
    while shop.number("select count(*) from search_pending where claim <> 0").await == 0
        && pending(&shop).await > 0
    {}
    run.kill().await.unwrap();
    // Some of them are found before the index has caught up; the other one is not.
    let all: Vec<i64> = (101..=200).rev().map(|number| 65_000 + number * 100).collect();
    for (query, expected) in [("quirin", all), ("quirin lee11100", vec![76_100])] {
        let arguments = json!({ "query": query, "limit": 100 }).to_string();
        let output = shop.command().args(["call", "search_customers", &arguments]).output().await;
        let reply: Value = serde_json::from_slice(&output.unwrap().stdout).unwrap();
        assert_eq!(reply["success"], true, "{reply}");
        assert_eq!(ids(&reply["data"]), expected);
        assert!(!reply["message"].as_str().unwrap().ends_with(MAY_BE_MISSING), "{reply}");
        assert_eq!(pending(&shop).await, 0);
        let again = "insert into search_pending (customer_id, claim) select id, 0 from customers";
        shop.execute_sql(again).await.unwrap();
    }
}

#[rstest]
#[tokio::test]
async fn searches_answer_while_the_index_cannot_catch_up(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    let shop = Shop::open(database).await;
    put_many(&shop).await;
    migrate(&shop).await;
    let changes = "insert into search_pending (customer_id, claim) select id, 0 from customers;
                   update customers set first_name = 'Zeno' where id in (65010, 65990)";
    shop.execute_sql(changes).await.unwrap();
    // Somebody writes on and on, as an import does.
    let writer = shop.hold_open(match database {
        Database::Sqlite => "begin immediate",
        Database::Postgres => "begin; select 1 from search_pending for update",
    });
    let writer = writer.await;
    let expected: Vec<i64> = (1..=MANY / 100).rev().map(|number| 65_000 + number * 100).collect();
    let mut page = json!({ "query": "quirin", "limit": 6 });
    let first = shop.call("search_customers", page.clone()).await;
    assert_eq!(ids(first.success()), expected[..6]);
    assert!(first.message().ends_with(MAY_BE_MISSING), "{}", first.message());
    page["cursor"] = first.success()["next_cursor"].clone();
    let second = shop.call("search_customers", page.clone()).await;
    assert_eq!(ids(second.success()), expected[6..]);
    assert!(second.message().ends_with(MAY_BE_MISSING), "{}", second.message());
    // The newest of those who changed are looked at without the index, the others are not.
    assert_eq!(by_query(&shop, "zeno").await, [65_990]);
    for unknown in ["zeno lee10", "nobody"] {
        check_refusal(&shop.call("search_customers", json!({ "query": unknown })).await);
    }
    drop(writer);
    let found = search_patiently(&shop, json!({ "query": "zeno" })).await;
    assert_eq!(ids(found.success()), [65_990, 65_010]);
    let nobody = search_patiently(&shop, json!({ "query": "nobody" })).await;
    assert_eq!(ids(nobody.success()), [0_i64; 0]);
}

#[rstest]
#[tokio::test]
async fn a_change_during_a_run_is_not_lost(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    let shop = Shop::open(database).await;
    put_many(&shop).await;
    let mut run = shop.command().arg("migrate").spawn().unwrap();
    let mut expected = Vec::new();
    while expected.len() < 30 {
        let number = 65_001 + i64::try_from(expected.len()).unwrap() * 17;
        let updates = json!({ "customer_id": number, "updates": { "first_name": "Xaver" } });
        shop.call("update_customer", updates).await.success();
        expected.push(number);
        expected.push(put(&shop, "Xaver", "Late", json!({})).await);
    }
    assert!(run.wait().await.unwrap().success());
    expected.sort_unstable_by(|one, other| other.cmp(one));
    for _ in 0..2 {
        let found = search_patiently(&shop, json!({ "query": "xaver", "limit": 100 })).await;
        assert_eq!(ids(found.success()), expected);
        migrate(&shop).await;
    }
}

#[rstest]
#[tokio::test]
async fn a_search_that_sees_many_new_customers_has_the_index_catch_up(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    let shop = Shop::open(database).await;
    for _ in 0..40 {
        shop.call("create_customer", data::customer()).await.success();
    }
    let before = pending(&shop).await;
    assert_eq!(before, 40);
    assert_eq!(by_query(&shop, "nobody").await, [0_i64; 0]);
    while pending(&shop).await > 0 {}
    assert_eq!(by_query(&shop, "john doe").await.len(), 10);
}

#[tokio::test]
async fn the_index_waits_longer_for_its_turn_than_a_caller_would() {
    let shop = Shop::open(Database::Postgres).await;
    put_many(&shop).await;
    // The lock under which the index is written, kept for longer than a statement may take in a call.
    let other = shop.hold_open("begin; select pg_advisory_xact_lock(91607037174632)").await;
    let migrating = shop.command().arg("migrate").spawn().unwrap();
    tokio::time::sleep(Duration::from_millis(5_500)).await;
    drop(other);
    let output = migrating.wait_with_output().await.unwrap();
    assert!(output.status.success(), "{output:?}");
    assert_eq!(pending(&shop).await, 0);
}
