//! The protocol itself: both of its eras, and messages that are none.

use std::time::{Duration, Instant};

use rstest::rstest;
use serde_json::{Value, json};

use crate::data::{self, REPLY_LIMIT};
use crate::server::{LEGACY, MODERN};
use crate::shop::{Database, Shop, by_id};

/// Longer than any line that a server may accept.
const OVERSIZED: usize = 17 << 20;

#[rstest]
#[tokio::test]
async fn a_client_of_the_first_era_gets_its_version(
    #[values("2024-11-05", "2025-03-26", "2025-06-18", LEGACY)] version: &str,
) {
    let shop = Shop::open(Database::Sqlite).await;
    let mut server = shop.raw_server();
    let client = json!({ "name": "it", "version": "1" });
    let hello = json!({ "protocolVersion": version, "capabilities": {}, "clientInfo": client });
    let answer = server.request("initialize", hello).await;
    assert_eq!(answer["result"]["protocolVersion"], version);
    assert_eq!(answer["result"]["serverInfo"]["name"], "servicebay");
    assert!(answer["result"]["capabilities"]["tools"].is_object());
    server.notify("notifications/initialized", json!({})).await;
    assert_eq!(server.request("ping", json!({})).await["result"], json!({}));
}

#[rstest]
#[tokio::test]
async fn a_client_of_the_second_era_needs_no_session(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    let shop = Shop::open(database).await;
    let mut server = shop.raw_server();
    server.speak_modern();
    let found = server.request("server/discover", json!({})).await;
    let versions = found["result"]["supportedVersions"].as_array().unwrap();
    assert!(versions.contains(&json!(MODERN)), "{found}");
    let listed = server.request("tools/list", json!({})).await;
    assert!(!listed["result"]["tools"].as_array().unwrap().is_empty());
    let reply = server.call("create_customer", data::customer()).await;
    let id = reply.success()["customer"]["id"].as_i64().unwrap();
    assert_eq!(server.call("lookup_customer", by_id(id)).await.success()["found"], true);
}

#[tokio::test]
async fn a_line_that_is_no_json_is_answered() {
    let shop = Shop::open(Database::Sqlite).await;
    let mut server = shop.server().await;
    for line in ["{\"jsonrpc\": \"2.0\", \"id\": 1", "hello", "\u{1}", "{'id': 1}"] {
        server.send_line(line).await;
        let answer = server.next_line().await.unwrap();
        assert_eq!(answer["error"]["code"], -32700, "{line:?}: {answer}");
    }
    assert_eq!(server.request("ping", json!({})).await["result"], json!({}));
}

#[tokio::test]
async fn json_that_is_no_message_is_answered() {
    let shop = Shop::open(Database::Sqlite).await;
    let mut server = shop.server().await;
    let batch = json!([{ "jsonrpc": "2.0", "id": 5, "method": "ping" }]).to_string();
    for line in [batch.as_str(), "[]", "7", "\"text\"", "{\"id\": 7}"] {
        server.send_line(line).await;
        let answer = server.next_line().await.unwrap();
        assert_eq!(answer["error"]["code"], -32600, "{line}: {answer}");
    }
    assert_eq!(server.request("ping", json!({})).await["result"], json!({}));
}

#[tokio::test]
async fn a_line_that_is_too_long_is_answered() {
    let shop = Shop::open(Database::Sqlite).await;
    let mut server = shop.server().await;
    let call =
        json!({ "name": "lookup_customer", "arguments": { "email": "x".repeat(OVERSIZED) } });
    let id = 500;
    let line = json!({ "jsonrpc": "2.0", "id": id, "method": "tools/call", "params": call });
    server.send_line(&line.to_string()).await;
    let answer = server.next_line().await.unwrap();
    assert!(answer["error"]["code"].is_i64(), "{answer}");
    assert_eq!(server.request("ping", json!({})).await["result"], json!({}));
}

#[tokio::test]
async fn what_is_no_tools_business_is_a_protocol_error() {
    let shop = Shop::open(Database::Sqlite).await;
    let mut server = shop.server().await;
    let unknown = json!({ "name": "wash_car", "arguments": {} });
    let answer = server.request("tools/call", unknown).await;
    assert_eq!(answer["error"]["code"], -32602, "{answer}");
    assert!(answer["error"]["message"].as_str().unwrap().contains("wash_car"), "{answer}");
    let answer = server.request("tools/wash", json!({})).await;
    assert_eq!(answer["error"]["code"], -32601, "{answer}");
}

#[tokio::test]
async fn a_request_with_an_id_in_use_is_answered_too() {
    let shop = Shop::open(Database::Sqlite).await;
    let mut server = shop.server().await;
    let call = json!({ "name": "lookup_customer", "arguments": { "customer_id": 1 } });
    let line = json!({ "jsonrpc": "2.0", "id": 77, "method": "tools/call", "params": call });
    let ping = json!({ "jsonrpc": "2.0", "id": 78, "method": "ping" });
    server.send_line(&format!("{line}\n{line}\n{ping}")).await;
    let mut ids = Vec::new();
    for _ in 0..3 {
        ids.push(server.next_line().await.unwrap()["id"].clone());
    }
    ids.sort_by_key(Value::as_u64);
    assert_eq!(ids, [77, 77, 78]);
}

#[tokio::test]
async fn an_id_may_be_text() {
    let shop = Shop::open(Database::Sqlite).await;
    let mut server = shop.server().await;
    server.send_line(r#"{"jsonrpc":"2.0","id":"a-1","method":"ping"}"#).await;
    assert_eq!(server.next_line().await.unwrap()["id"], "a-1");
}

#[tokio::test]
async fn a_notification_may_come_first() {
    let shop = Shop::open(Database::Sqlite).await;
    let mut server = shop.raw_server();
    server.notify("notifications/initialized", json!({})).await;
    server.initialize().await;
    assert_eq!(server.request("ping", json!({})).await["result"], json!({}));
}

#[rstest]
#[tokio::test]
async fn every_call_of_a_flood_is_answered(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    let shop = Shop::open(database).await;
    let id = shop.customer().await;
    let mut server = shop.server().await;
    let mut calls = Vec::new();
    // Few enough that neither side's pipe is full while nobody reads.
    for _ in 0..20 {
        for _ in 0..50 {
            calls.push(server.send_call("lookup_customer", by_id(id)).await);
        }
        for call in calls.drain(..) {
            assert_eq!(server.reply(call).await.success()["found"], true);
        }
    }
}

#[tokio::test]
async fn an_unread_standard_error_blocks_nothing() {
    let shop = Shop::open(Database::Sqlite).await.with_env("RUST_LOG", "debug");
    let mut command = shop.command();
    // The pipe of standard error stays open and unread.
    command.arg("serve");
    let mut server = crate::server::Server::spawn(command, Default::default());
    server.initialize().await;
    for _ in 0..600 {
        let reply = server.call("lookup_customer", json!({ "customer_id": "none" })).await;
        assert_eq!(reply.refusal(), "invalid_argument");
    }
}

#[rstest]
#[tokio::test]
async fn logs_hold_no_personal_data_at_debug(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    let shop = Shop::open(database).await.with_env("RUST_LOG", "debug");
    let mut server = shop.server().await;
    let person = json!({
        "first_name": "Zacharias", "last_name": "Quillfeather", "phone_number": "+12025550199",
        "email": "zq@example.org",
    });
    server.call("create_customer", person.clone()).await.success();
    server.call("create_customer", person).await.refusal();
    server.send_line("{\"phone\": \"+12025550199").await;
    server.request("ping", json!({})).await;
    server.close_stdin();
    server.wait_exit(data::EXIT_LIMIT).await;
    let log = server.stderr();
    for secret in ["Zacharias", "Quillfeather", "2025550199", "zq@example.org"] {
        assert!(!log.contains(secret), "the log holds {secret}: {log}");
    }
}

#[tokio::test]
async fn the_first_reply_waits_for_no_database() {
    // Accepts connections and never says a word.
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("postgres://shop@{}/shop", silent.local_addr().unwrap());
    let shop = Shop::open(Database::Sqlite).await.with_env("DATABASE_URL", url);
    let began = Instant::now();
    let mut server = shop.server().await;
    assert!(began.elapsed() < Duration::from_secs(2), "{:?}", began.elapsed());
    let reply = server.call("lookup_customer", json!({ "customer_id": 1 })).await;
    assert_eq!(reply.refusal(), "database_unavailable");
    assert!(began.elapsed() < REPLY_LIMIT);
}
