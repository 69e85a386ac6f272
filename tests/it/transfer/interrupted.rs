//! Imports that end in the middle.

use rstest::rstest;

use super::{import, many, spawn_import};
use crate::data;
use crate::shop::{Database, Shop};

const COUNT: usize = 6_000;

/// Waits until some rows are on file.
async fn some_are_there(shop: &Shop, table: &str) {
    while shop.number(&format!("select count(*) from {table}")).await == 0 {}
}

#[rstest]
#[tokio::test]
async fn a_killed_import_is_completed_by_the_next_one(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
    #[values("customers", "appointments")] table: &str,
) {
    let shop = Shop::open(database).await;
    shop.customer().await;
    let before = shop.number(&format!("select count(*) from {table}")).await;
    shop.restart().await;
    let files = many(COUNT);
    let mut import_under_way = spawn_import(&shop, &files, &[]);
    while shop.number(&format!("select count(*) from {table}")).await == before {}
    import_under_way.kill().await.unwrap();

    import(&shop, &files, &[]).await.complete();
    let count = i64::try_from(COUNT).unwrap();
    assert_eq!(shop.number("select count(*) from customers").await, count + 1);
    assert_eq!(shop.number("select count(*) from vehicles").await, count);
    assert_eq!(shop.number("select count(*) from appointments").await, count);
    let served = "select count(*) from customers where last_service_at is not null";
    assert_eq!(shop.number(served).await, count);
    let told = import(&shop, &files, &[]).await.complete();
    assert!(told.contains(&format!("appointments: 0 added, {COUNT} on file already")), "{told}");
}

#[cfg(unix)]
#[rstest]
#[case::terminated("TERM", 143)]
#[case::interrupted("INT", 130)]
#[tokio::test]
async fn a_signal_ends_an_import_between_two_turns(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
    #[case] signal: &str,
    #[case] code: i32,
) {
    let shop = Shop::open(database).await;
    shop.call("get_available_slots", serde_json::json!({"date": "today"})).await.success();
    shop.restart().await;
    let files = many(COUNT * 5);
    let under_way = spawn_import(&shop, &files, &[]);
    some_are_there(&shop, "customers").await;
    let pid = under_way.id().unwrap().to_string();
    let sent = std::process::Command::new("kill").args([&format!("-{signal}"), &pid]).status();
    assert!(sent.unwrap().success());
    let output = under_way.wait_with_output();
    let output = tokio::time::timeout(data::REPLY_LIMIT, output).await.expect("it ends").unwrap();
    let told = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(code), "{told}");
    assert!(told.contains("The same command goes on where this one stopped."), "{told}");
    let added = shop.number("select count(*) from customers").await;
    assert!(told.contains(&format!("customers: {added} added")), "{added}: {told}");
}
