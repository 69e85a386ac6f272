//! How the services have answered, as `servicebay doctor` tells it.

use std::time::Duration;

use rstest::rstest;
use serde_json::json;
use wiremock::matchers::{header, path};
use wiremock::{Mock, MockServer, ResponseTemplate};

use crate::data::EXIT_LIMIT;
use crate::fake_api::Fault;
use crate::fake_crm::Crm;
use crate::nhtsa::Nhtsa;
use crate::shop::{Database, Shop};

const VINS: [&str; 7] = [
    "1HGCM82633A004352",
    "1FTFW1ET5DFC10312",
    "JH4KA7561PC008269",
    "1M8GDM9AXKP042788",
    "5YJSA1E26HF000337",
    "WBA3A5C51CF256651",
    "2T1BURHE5JC012345",
];

/// One server that decodes these VINs and ends.
async fn decode(shop: &Shop, vins: &[&str]) {
    let mut server = shop.server().await;
    for vin in vins {
        server.call("decode_vin", json!({ "vin": vin })).await.success();
    }
    server.close_stdin();
    assert!(server.wait_exit(EXIT_LIMIT).await.success());
}

async fn doctor(shop: &Shop) -> (Option<i32>, String) {
    let output = shop.command().arg("doctor").output().await.expect("the binary runs");
    (output.status.code(), String::from_utf8(output.stdout).expect("text"))
}

#[rstest]
#[tokio::test]
async fn the_servers_count_together_how_a_service_answers(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    let (failing, working) = (Nhtsa::failing(500).await, Nhtsa::honda().await);
    let shop = Shop::open(database).await.with_env("NHTSA_BASE_URL", failing.base_url());
    decode(&shop, &VINS[..6]).await;
    // The sixth call found the circuit open.
    assert_eq!(failing.requests().await, 5);
    let (_, said) = doctor(&shop).await;
    for part in [
        "warning  NHTSA: 6 calls since 20",
        ", 0 answered, 5 upstream_error, 1 upstream_unavailable, circuit opened 1 time; ",
        "the last failure was upstream_unavailable at 20",
        "; a server's circuit is open until 20",
    ] {
        assert!(said.contains(part), "{part}: {said}");
    }
    let shop = shop.with_env("NHTSA_BASE_URL", working.base_url());
    decode(&shop, &VINS[6..]).await;
    let (_, said) = doctor(&shop).await;
    assert!(said.contains("NHTSA: 7 calls since 20"), "{said}");
    assert!(said.contains(", 1 answered, 5 upstream_error"), "{said}");
}

#[rstest]
#[tokio::test]
async fn a_shop_that_asks_nobody_has_nothing_to_count(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    let shop = Shop::open(database).await;
    decode(&shop, &VINS[..1]).await;
    let (code, said) = doctor(&shop).await;
    assert_eq!(code, Some(0), "{said}");
    assert!(!said.contains("calls since"), "{said}");
}

#[tokio::test]
async fn what_cannot_be_counted_holds_nothing_up() {
    let nhtsa = Nhtsa::honda().await;
    let shop = Shop::open(Database::Postgres).await.with_env("NHTSA_BASE_URL", nhtsa.base_url());
    shop.customer().await;
    // From now on nobody can write to it.
    shop.execute_sql("drop table upstream_counters").await.expect("the table is there");
    decode(&shop, &VINS[..2]).await;
    let away = shop.with_env("DATABASE_URL", "postgres://shop@127.0.0.1:1/shop");
    decode(&away, &VINS[2..4]).await;
}

#[tokio::test]
async fn the_doctor_knows_a_web_page_from_an_api() {
    let billing = MockServer::start().await;
    let shop = Shop::open(Database::Sqlite)
        .await
        .with_env("BILLING_API_ENDPOINT", billing.uri())
        .with_env("BILLING_API_KEY", "right-key-4711");
    let page = "<!doctype html><title>Log in</title>";
    let moved = "https://billing.example/v2/health";
    for (answer, code, told) in [
        (ResponseTemplate::new(200).set_body_json(json!({"status": "ok"})), 0, "takes the key"),
        (ResponseTemplate::new(200).set_body_string("OK"), 0, "takes the key"),
        (ResponseTemplate::new(204), 0, "takes the key"),
        (ResponseTemplate::new(200).set_body_raw(page, "text/html"), 1, "not as an API does"),
        (ResponseTemplate::new(302).insert_header("Location", moved), 1, "redirects elsewhere"),
    ] {
        billing.reset().await;
        Mock::given(path("/health")).respond_with(answer).mount(&billing).await;
        let (status, said) = doctor(&shop).await;
        assert_eq!(status, Some(code), "{told}: {said}");
        assert!(said.contains(told) && !said.contains("billing.example"), "{told}: {said}");
    }
}

#[tokio::test]
async fn the_doctor_asks_a_configured_service_with_its_key() {
    let crm = MockServer::start().await;
    Mock::given(path("/v1/health"))
        .and(header("authorization", "Bearer right-key-4711"))
        .respond_with(ResponseTemplate::new(200))
        .mount(&crm)
        .await;
    Mock::given(path("/v1/health"))
        .respond_with(ResponseTemplate::new(401))
        .with_priority(9)
        .mount(&crm)
        .await;
    let endpoint = format!("{}/v1", crm.uri());
    let shop = Shop::open(Database::Sqlite).await.with_env("CRM_API_ENDPOINT", &endpoint);
    let (code, said) = doctor(&shop).await;
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains(&format!("FAILED   CRM at {endpoint}: it wants a key")), "{said}");
    let shop = shop.with_env("CRM_API_KEY", "wrong-key-0815");
    let (code, said) = doctor(&shop).await;
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("it refuses the key") && !said.contains("0815"), "{said}");
    let shop = shop.with_env("CRM_API_KEY", "right-key-4711");
    let (code, said) = doctor(&shop).await;
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains(" ms and takes the key") && !said.contains("4711"), "{said}");
}

#[rstest]
#[tokio::test]
async fn the_doctor_knows_of_an_open_circuit_while_the_server_runs(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    let crm = Crm::start().await;
    let shop = crm.shop(database).await.with_env("CRM_MAX_RETRIES", "0");
    let ask = json!({"crm_id": "C-404"});
    shop.call("lookup_customer", ask.clone()).await.success();
    // The first count is written down, and the next one would be a minute later.
    until(&shop, "CRM: 1 call since 20").await;
    crm.api.fail(Some(Fault::Status(500)));
    for _ in 0..5 {
        assert_eq!(shop.call("lookup_customer", ask.clone()).await.refusal(), "upstream_error");
    }
    until(&shop, "; a server's circuit is open until 20").await;
}

/// Waits until the doctor says this.
async fn until(shop: &Shop, words: &str) {
    let said = async {
        while !doctor(shop).await.1.contains(words) {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    let limit = Duration::from_secs(20);
    tokio::time::timeout(limit, said).await.unwrap_or_else(|_| panic!("never said: {words}"));
}
