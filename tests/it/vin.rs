//! `decode_vin` in front of an NHTSA that answers, and of one that does not.

use std::time::{Duration, Instant};

use rstest::rstest;
use serde_json::json;

use crate::data::{with, without};
use crate::nhtsa::Nhtsa;
use crate::reply::Reply;
use crate::shop::{Database, Shop};

const VIN: &str = "1HGCM82633A004352";

async fn shop_with(database: Database, nhtsa: &Nhtsa) -> Shop {
    Shop::open(database).await.with_env("NHTSA_BASE_URL", nhtsa.base_url())
}

async fn decode(shop: &Shop, vin: &str) -> Reply {
    shop.call("decode_vin", json!({ "vin": vin })).await
}

#[rstest]
#[tokio::test]
async fn a_vin_is_decoded_once_and_then_remembered(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    let nhtsa = Nhtsa::honda().await;
    let shop = shop_with(database, &nhtsa).await;
    let first = decode(&shop, " 1hgcm-82633 a004352 ").await;
    assert_eq!(first.message(), "VIN decoded successfully: 2003 Honda Accord");
    let data = first.success();
    assert_eq!(data["vin"], VIN);
    assert_eq!(data["make"], "Honda");
    assert_eq!(data["model"], "Accord");
    assert_eq!(data["year"], 2003);
    assert_eq!(data["doors"], 2);
    assert_eq!(data["source"], "nhtsa");
    assert_eq!(data["check_digit_valid"], true);
    assert_eq!(data["warnings"], json!([]));
    let again = decode(&shop, VIN).await;
    assert_eq!(again.success()["source"], "cache");
    // A new process finds it in the database.
    shop.restart().await;
    assert_eq!(decode(&shop, VIN).await.success()["source"], "cache");
    assert_eq!(nhtsa.requests().await, 1);
}

#[tokio::test]
async fn many_who_wait_for_one_vin_share_one_request() {
    let nhtsa = Nhtsa::honda().await;
    let shop = shop_with(Database::Sqlite, &nhtsa).await;
    let mut server = shop.server().await;
    let mut ids = Vec::new();
    for _ in 0..20 {
        ids.push(server.send_call("decode_vin", json!({ "vin": VIN })).await);
    }
    for id in ids {
        assert_eq!(server.reply(id).await.success()["make"], "Honda");
    }
    assert_eq!(nhtsa.requests().await, 1);
}

#[rstest]
#[case("1HGCM82633A00435", "VIN must be exactly 17 characters")]
#[case("", "VIN must be exactly 17 characters")]
#[case("1HGCM82633A0043521", "VIN must be exactly 17 characters")]
#[tokio::test]
async fn a_vin_has_17_characters(#[case] vin: &str, #[case] error: &str) {
    let shop = Shop::open(Database::Sqlite).await;
    let reply = decode(&shop, vin).await;
    assert_eq!(reply.refusal(), "invalid_vin");
    assert_eq!(reply.error(), error);
}

#[tokio::test]
async fn letters_that_no_vin_has_are_refused_with_the_likely_ones() {
    let shop = Shop::open(Database::Sqlite).await;
    for vin in ["1HGCM82633AO04352", "IHGCM82633A004352", "1HGCM82633A0Q4352"] {
        let reply = decode(&shop, vin).await;
        assert_eq!(reply.refusal(), "invalid_vin", "{vin}");
        assert_eq!(reply.envelope["data"]["likely_vin"], VIN);
    }
}

#[rstest]
#[case("1HGCM82633AO04352", "The letter O at position 12 ")]
#[case("1HGCM82633A00435é", "The letter é at position 17 ")]
#[case("1HGCM82633A00*352", "The sign * at position 14 ")]
#[case("\u{202E}HGCM82633A004352", "That sign at position 1 ")]
#[case("1HGCM82633A00435", "That is not a complete vehicle")]
#[tokio::test]
async fn what_is_wrong_with_a_vin_can_be_said_aloud(#[case] vin: &str, #[case] message: &str) {
    let shop = Shop::open(Database::Sqlite).await;
    let reply = decode(&shop, vin).await;
    assert_eq!(reply.refusal(), "invalid_vin");
    assert!(reply.message().starts_with(message), "{}", reply.message());
}

#[tokio::test]
async fn a_likely_vin_whose_check_digit_does_not_fit_is_only_a_guess() {
    let shop = Shop::open(Database::Sqlite).await;
    let reply = decode(&shop, "1HGCM82633AO04353").await;
    assert_eq!(reply.refusal(), "invalid_vin");
    assert_eq!(reply.envelope["data"]["likely_vin"], "1HGCM82633A004353");
    assert_eq!(reply.envelope["data"]["check_digit_valid"], false);
    let hint = reply.envelope["hint"].as_str().unwrap();
    assert!(hint.contains("only a guess"), "{hint}");
    let fits = decode(&shop, "1HGCM82633AO04352").await;
    assert_eq!(fits.envelope["data"]["check_digit_valid"], true);
}

#[tokio::test]
async fn hidden_characters_in_nhtsas_answer_are_dropped() {
    let elements =
        [("Make", "HONDA\u{202E}"), ("Model", "\u{1B}Acc\u{2066}ord"), ("Trim", "\u{7}")];
    let nhtsa = Nhtsa::answering(&elements).await;
    let shop = shop_with(Database::Sqlite, &nhtsa).await;
    let reply = decode(&shop, VIN).await;
    assert_eq!(reply.message(), "VIN decoded successfully: Honda Accord");
    assert_eq!(reply.success()["model"], "Accord");
    assert!(reply.success().get("trim").is_none());
}

#[tokio::test]
async fn a_wrong_check_digit_is_a_warning() {
    let nhtsa = Nhtsa::honda().await;
    let shop = shop_with(Database::Sqlite, &nhtsa).await;
    let reply = decode(&shop, "1HGCM82633A123456").await;
    let data = reply.success();
    assert_eq!(data["check_digit_valid"], false);
    let warning = data["warnings"][0].as_str().unwrap();
    assert!(warning.contains('7'), "{warning}");
}

#[tokio::test]
async fn a_vin_that_nobody_knows_cannot_be_decoded() {
    let nhtsa = Nhtsa::knowing_nothing().await;
    let shop = shop_with(Database::Sqlite, &nhtsa).await;
    for _ in 0..2 {
        let reply = decode(&shop, VIN).await;
        assert_eq!(reply.refusal(), "vin_not_decodable");
        assert_eq!(reply.error(), "Invalid VIN or unable to decode");
    }
    assert_eq!(nhtsa.requests().await, 1);
}

#[tokio::test]
async fn an_upstream_that_fails_is_told_as_what_it_is() {
    let fakes = [
        (Nhtsa::failing(500).await, "upstream_error", "status 500"),
        (Nhtsa::failing(401).await, "upstream_unauthorized", "credentials"),
        (Nhtsa::limiting("3600").await, "upstream_rate_limited", "no more requests"),
        (Nhtsa::sending_html().await, "upstream_error", "not NHTSA's JSON"),
        (Nhtsa::sending_other_json().await, "upstream_error", "not NHTSA's JSON"),
        (Nhtsa::sending_no_rows().await, "upstream_error", "nothing about the make"),
        (Nhtsa::sending_too_much().await, "upstream_error", "too long"),
        (Nhtsa::redirecting("http://127.0.0.1:1/").await, "upstream_error", "status 302"),
        (Nhtsa::breaking_off(), "upstream_error", "broke off"),
        (Nhtsa::never_ending(), "upstream_error", "too long"),
        (Nhtsa::refusing(), "upstream_error", "cannot be reached"),
    ];
    for (nhtsa, code, error) in &fakes {
        let shop = shop_with(Database::Sqlite, nhtsa).await.with_env("NHTSA_PATIENCE_MS", "5000");
        let reply = decode(&shop, VIN).await;
        assert_eq!(reply.refusal(), *code, "{error}");
        assert!(reply.error().contains(error), "{error}: {}", reply.error());
        assert!(reply.message().contains("NHTSA"), "{}", reply.message());
        let hint = reply.envelope["hint"].as_str().unwrap();
        assert!(hint.contains("year, make and model"), "{hint}");
    }
}

#[rstest]
#[case("1", "1 second")]
#[case("3", "3 seconds")]
#[tokio::test]
async fn a_rate_limit_is_told_within_the_patience(#[case] retry_after: &str, #[case] wait: &str) {
    let nhtsa = Nhtsa::limiting(retry_after).await;
    let shop = shop_with(Database::Sqlite, &nhtsa).await;
    let reply = decode(&shop, VIN).await;
    assert_eq!(reply.refusal(), "upstream_rate_limited");
    let hint = reply.envelope["hint"].as_str().unwrap();
    assert!(hint.contains(&format!("in {wait}.")), "{hint}");
    assert_eq!(nhtsa.requests().await, 1);
}

#[tokio::test]
async fn a_fault_that_passes_is_not_told() {
    let nhtsa = Nhtsa::recovering(503, 1).await;
    let shop = shop_with(Database::Sqlite, &nhtsa).await.with_env("NHTSA_PATIENCE_MS", "5000");
    assert_eq!(decode(&shop, VIN).await.success()["source"], "nhtsa");
    assert_eq!(nhtsa.requests().await, 2);
}

#[tokio::test]
async fn a_caller_waits_no_longer_than_the_patience() {
    let nhtsa = Nhtsa::silent().await;
    let shop = shop_with(Database::Sqlite, &nhtsa).await.with_env("NHTSA_PATIENCE_MS", "200");
    let started = Instant::now();
    assert_eq!(decode(&shop, VIN).await.refusal(), "upstream_timeout");
    assert!(started.elapsed() < Duration::from_secs(4));
}

#[tokio::test]
async fn after_five_failures_nobody_is_asked() {
    let nhtsa = Nhtsa::failing(500).await;
    let shop = shop_with(Database::Sqlite, &nhtsa).await;
    for _ in 0..5 {
        assert_eq!(decode(&shop, VIN).await.refusal(), "upstream_error");
    }
    let asked = nhtsa.requests().await;
    assert_eq!(decode(&shop, VIN).await.refusal(), "upstream_unavailable");
    assert_eq!(nhtsa.requests().await, asked);
}

#[tokio::test]
async fn without_nhtsa_the_refusal_says_so() {
    let shop = Shop::open(Database::Sqlite).await.with_env("NHTSA_BASE_URL", "");
    let reply = decode(&shop, VIN).await;
    assert_eq!(reply.refusal(), "upstream_unavailable");
    assert_eq!(reply.message(), "VIN lookup is switched off here.");
    assert_eq!(reply.envelope["hint"], "Ask the customer for year, make and model.");
}

#[rstest]
#[tokio::test]
async fn a_vehicle_with_a_vin_alone_is_filled_in(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    let nhtsa = Nhtsa::honda().await;
    let shop = shop_with(database, &nhtsa).await;
    let id = shop.customer().await;
    let reply = shop.call("add_vehicle", json!({ "customer_id": id, "vin": VIN })).await;
    let vehicle = &reply.success()["vehicle"];
    assert_eq!(vehicle["year"], 2003);
    assert_eq!(vehicle["make"], "Honda");
    assert_eq!(vehicle["model"], "Accord");
    assert_eq!(vehicle["trim"], "EX-V6");
}

#[rstest]
#[tokio::test]
async fn a_vehicle_that_contradicts_its_vin_is_refused(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    let nhtsa = Nhtsa::honda().await;
    let shop = shop_with(database, &nhtsa).await;
    let told = json!({
        "customer_id": shop.customer().await, "vin": VIN, "year": 1999, "make": "Ford",
    });
    let reply = shop.call("add_vehicle", told.clone()).await;
    assert_eq!(reply.refusal(), "invalid_argument");
    let error = "year and make contradict vin: told was 1999 Ford, vin is 2003 Honda Accord";
    assert_eq!(reply.error(), error);
    let decoded = json!({"year": 2003, "make": "Honda", "model": "Accord"});
    assert_eq!(reply.envelope["data"]["decoded"], decoded);
    let other_make = shop.call("add_vehicle", without(told.clone(), "year")).await;
    assert!(other_make.error().starts_with("make contradicts vin: "), "{}", other_make.error());
    let same = with(with(told, "make", "HONDA"), "year", 2003);
    let reply = shop.call("add_vehicle", same).await;
    let vehicle = &reply.success()["vehicle"];
    assert_eq!(vehicle["model"], "Accord");
    assert_eq!(vehicle["trim"], "EX-V6");
}

#[tokio::test]
async fn the_trim_of_another_model_is_not_taken_over() {
    let nhtsa = Nhtsa::honda().await;
    let shop = shop_with(Database::Sqlite, &nhtsa).await;
    let told = json!({"customer_id": shop.customer().await, "vin": VIN, "model": "Civic"});
    let reply = shop.call("add_vehicle", told).await;
    let vehicle = &reply.success()["vehicle"];
    assert_eq!(vehicle["model"], "Civic");
    assert!(vehicle.get("trim").is_none(), "{vehicle}");
}
