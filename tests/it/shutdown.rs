//! The end of a server: its input ends, a signal comes.

use chrono::Weekday;
use rstest::rstest;
use serde_json::json;

use crate::data::{self, EXIT_LIMIT, at, next_weekday};
use crate::server::Server;
use crate::shop::{Database, Shop};

/// Sends SIGTERM.
async fn terminate(server: &Server) {
    let kill = format!("kill -TERM {}", server.pid());
    let status = tokio::process::Command::new("sh").args(["-c", &kill]).status().await.unwrap();
    assert!(status.success());
}

#[rstest]
#[tokio::test]
async fn a_server_ends_with_its_input(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    let shop = Shop::open(database).await;
    let mut server = shop.server().await;
    server.call("create_customer", data::customer()).await.success();
    server.close_stdin();
    assert!(server.wait_exit(EXIT_LIMIT).await.success());
    assert_eq!(server.next_line().await, None);
}

#[tokio::test]
async fn an_input_that_ends_before_the_greeting_is_no_failure() {
    let shop = Shop::open(Database::Sqlite).await;
    let mut server = shop.raw_server();
    server.close_stdin();
    assert!(server.wait_exit(EXIT_LIMIT).await.success());
    assert_eq!(server.next_line().await, None);
}

#[rstest]
#[tokio::test]
async fn a_server_ends_on_sigterm_while_its_input_is_open(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    let shop = Shop::open(database).await;
    let mut server = shop.server().await;
    server.call("create_customer", data::customer()).await.success();
    terminate(&server).await;
    server.wait_exit(EXIT_LIMIT).await;
}

#[tokio::test]
async fn sigterm_ends_a_server_that_nobody_greeted() {
    let shop = Shop::open(Database::Sqlite).await;
    let mut server = shop.raw_server();
    // The answer shows that the handler is in place.
    assert_eq!(server.request("ping", json!({})).await["result"], json!({}));
    terminate(&server).await;
    server.wait_exit(EXIT_LIMIT).await;
}

#[rstest]
#[tokio::test]
async fn a_call_under_way_is_finished_when_the_input_ends(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    let shop = Shop::open(database).await;
    let owner = shop.owner().await;
    let mut server = shop.server().await;
    let start = at(next_weekday(Weekday::Mon, 1), "09:00");
    let call = server.send_call("book_appointment", data::visit(owner, &start)).await;
    server.close_stdin();
    server.reply(call).await.success();
    server.wait_exit(EXIT_LIMIT).await;
    assert_eq!(shop.occupied_rows().await.len(), 1);
}
