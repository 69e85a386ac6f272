//! The program's other commands.

use std::process::{Output, Stdio};
use std::time::Duration;

use rstest::rstest;
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt;

use crate::data;
use crate::reply::{Reply, assert_free_of_internals};
use crate::shop::{Database, Shop};

async fn run(shop: &Shop, arguments: &[&str]) -> Output {
    let output = shop.command().args(arguments).output();
    tokio::time::timeout(data::REPLY_LIMIT, output).await.expect("the command ends").unwrap()
}

fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[rstest]
#[tokio::test]
async fn a_call_prints_the_envelope_and_exits_0(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    let shop = Shop::open(database).await;
    let arguments = data::customer().to_string();
    let output = run(&shop, &["call", "create_customer", &arguments]).await;
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let reply = Reply::from_envelope(&stdout(&output));
    let id = reply.success()["customer"]["id"].clone();
    let found = shop.call("lookup_customer", json!({ "customer_id": id })).await;
    assert_eq!(found.success()["found"], true);
}

#[rstest]
#[tokio::test]
async fn a_refused_call_exits_1(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    let shop = Shop::open(database).await;
    let output = run(&shop, &["call", "get_upcoming_appointments", r#"{"customer_id": 9}"#]).await;
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(Reply::from_envelope(&stdout(&output)).refusal(), "customer_not_found");
}

#[rstest]
#[tokio::test]
async fn a_call_reads_its_arguments_from_standard_input(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    let shop = Shop::open(database).await;
    let mut command = shop.command();
    command.args(["call", "create_customer", "-"]).stdin(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let text = data::customer().to_string();
    child.stdin.take().unwrap().write_all(text.as_bytes()).await.unwrap();
    let output = child.wait_with_output().await.unwrap();
    Reply::from_envelope(&stdout(&output)).success();
    assert_eq!(output.status.code(), Some(0));
}

#[tokio::test]
async fn a_call_of_an_unknown_tool_fails() {
    let shop = Shop::open(Database::Sqlite).await;
    let output = run(&shop, &["call", "wash_car"]).await;
    assert!(!output.status.success());
    let said = stdout(&output) + &stderr(&output);
    assert!(said.contains("wash_car"), "{said}");
}

/// What a format calls the tool's name and the schema of its arguments.
fn name_and_schema<'a>(format: &str, tool: &'a Value) -> (&'a Value, &'a Value) {
    match format {
        "mcp" => (&tool["name"], &tool["inputSchema"]),
        "anthropic" => (&tool["name"], &tool["input_schema"]),
        _ => (&tool["function"]["name"], &tool["function"]["parameters"]),
    }
}

#[rstest]
#[tokio::test]
async fn the_tools_are_printed_for_agents(#[values("mcp", "openai", "anthropic")] format: &str) {
    let shop = Shop::open(Database::Sqlite).await;
    let output = run(&shop, &["tools", "--format", format]).await;
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let printed: Value = serde_json::from_str(&stdout(&output)).unwrap();
    let tools = printed.get("tools").unwrap_or(&printed).as_array().unwrap();
    let mut server = shop.server().await;
    let listed = server.request("tools/list", json!({})).await;
    let listed = listed["result"]["tools"].as_array().unwrap();
    assert_eq!(tools.len(), listed.len());
    for (printed, listed) in tools.iter().zip(listed) {
        let expected = (&listed["name"], &listed["inputSchema"]);
        assert_eq!(name_and_schema(format, printed), expected);
    }
}

#[tokio::test]
async fn the_configuration_is_printed_without_secrets() {
    let shop = Shop::open(Database::Sqlite).await;
    let shop = shop
        .with_env("DATABASE_URL", "postgres://shop:hunter2secret@127.0.0.1:1/shop")
        .with_env("CRM_API_ENDPOINT", "http://127.0.0.1:9/")
        .with_env("CRM_API_KEY", "crm-secret-value")
        .with_env("CALDAV_URL", "http://127.0.0.1:9/calendar/")
        .with_env("CALDAV_USERNAME", "shop")
        .with_env("CALDAV_PASSWORD", "caldav-secret-value");
    let output = run(&shop, &["config"]).await;
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let said = stdout(&output) + &stderr(&output);
    assert!(said.contains("America/New_York"), "{said}");
    for secret in ["hunter2secret", "crm-secret-value", "caldav-secret-value"] {
        assert!(!said.contains(secret), "{said}");
    }
}

#[rstest]
#[case("SHOP_TIMEZONE", "Mars/Olympus")]
#[case("SHOP_CURRENCY", "GOLD")]
#[case("SHOP_BAYS", "0")]
#[case("SERVICEBAY_TOOLSETS", "crm,carwash")]
#[case("SERVICEBAY_CONFIRM", "perhaps")]
#[case("DATABASE_URL", "mysql://localhost/shop")]
#[tokio::test]
async fn a_wrong_setting_stops_the_start_in_one_line(#[case] key: &str, #[case] value: &str) {
    let shop = Shop::open(Database::Sqlite).await.with_env(key, value);
    let output = run(&shop, &["serve"]).await;
    assert!(!output.status.success());
    assert_eq!(stdout(&output), "");
    let said = stderr(&output);
    assert_eq!(said.trim_end().lines().count(), 1, "{said}");
    assert!(said.contains(key), "{said}");
    // A database's URL may hold a password.
    assert!(key == "DATABASE_URL" || said.contains(value.trim_start_matches("crm,")), "{said}");
}

#[rstest]
#[tokio::test]
async fn a_healthy_shop_satisfies_the_doctor(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    let shop = Shop::open(database).await;
    let output = run(&shop, &["doctor"]).await;
    assert_eq!(output.status.code(), Some(0), "{}{}", stdout(&output), stderr(&output));
    assert!(stdout(&output).contains("America/New_York"), "{}", stdout(&output));
}

#[tokio::test]
async fn the_doctor_finds_a_database_that_is_away() {
    let shop = Shop::open(Database::Sqlite).await;
    let shop = shop.with_env("DATABASE_URL", "postgres://shop:hunter2secret@127.0.0.1:1/shop");
    let output = run(&shop, &["doctor"]).await;
    assert!(!output.status.success());
    let said = stdout(&output) + &stderr(&output);
    assert!(said.contains("database"), "{said}");
    assert!(!said.contains("hunter2secret") && !said.contains("panicked"), "{said}");
}

#[tokio::test]
async fn a_command_shows_no_query_that_took_long() {
    let shop = Shop::open(Database::Postgres).await;
    shop.customer().await;
    // The search index waits.
    let lock = "begin; lock table search_postings; select pg_sleep(2); commit";
    let (locked, output) = tokio::join!(shop.execute_sql(lock), async {
        tokio::time::sleep(Duration::from_millis(300)).await;
        run(&shop, &["migrate"]).await
    });
    locked.unwrap();
    assert!(output.status.success(), "{}", stderr(&output));
    assert_eq!(stderr(&output), "");
}

#[rstest]
#[tokio::test]
async fn the_doctor_knows_another_program_s_database(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    let shop = Shop::open(database).await;
    if let Database::Sqlite = database {
        std::fs::write(shop.folder().join("shop.db"), "").unwrap();
    }
    shop.execute_sql("create table customers (id bigint)").await.unwrap();
    let output = run(&shop, &["doctor"]).await;
    assert!(!output.status.success());
    let said = stdout(&output);
    assert!(said.contains("It seems to be another program's: set DATABASE_URL"), "{said}");
    assert_eq!(shop.number("select count(*) from customers").await, 0);
}

#[rstest]
#[tokio::test]
async fn the_schema_can_be_made_ahead_and_again(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    let shop = Shop::open(database).await;
    for _ in 0..2 {
        let output = run(&shop, &["migrate"]).await;
        assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    }
    shop.customer().await;
}

#[tokio::test]
async fn the_demo_plays_a_visit_and_leaves_nothing() {
    let shop = Shop::open(Database::Sqlite).await;
    let output = run(&shop, &["demo"]).await;
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let said = stdout(&output);
    assert!(said.contains("book_appointment"), "{said}");
    assert_free_of_internals(&said);
    assert!(!shop.folder().join("shop.db").exists(), "the shop's own database stays untouched");
}

#[tokio::test]
async fn the_version_and_the_help_are_printed() {
    let shop = Shop::open(Database::Sqlite).await;
    let output = run(&shop, &["--version"]).await;
    assert!(stdout(&output).contains(env!("CARGO_PKG_VERSION")));
    let output = run(&shop, &["--help"]).await;
    assert_eq!(output.status.code(), Some(0));
    assert!(stdout(&output).contains("serve"));
}
