//! `decode_vin` in front of an NHTSA that answers, and of one that does not.

use std::time::{Duration, Instant};

use rstest::rstest;
use serde_json::json;

use crate::data::{self, with, without};
use crate::nhtsa::Nhtsa;
use crate::reply::Reply;
use crate::shop::{Database, Shop};

const VIN: &str = "1HGCM82633A004352";
/// No manufacturer has it.
const UNKNOWN: &str = "00000000000000000";

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
    let shop = shop_with(database, &nhtsa).await.with_env("NHTSA_PATIENCE_MS", "5000");
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
    // The database is open by then: one that opens slowly is not waited for.
    shop.call("lookup_customer", json!({ "customer_id": 1 })).await.success();
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
        let reply = decode(&shop, UNKNOWN).await;
        assert_eq!(reply.refusal(), "vin_not_decodable");
        assert_eq!(reply.error(), "Invalid VIN or unable to decode");
    }
    assert_eq!(nhtsa.requests().await, 1);
}

#[tokio::test]
async fn a_make_that_only_the_embedded_data_knows_is_told_with_a_warning() {
    let nhtsa = Nhtsa::knowing_nothing().await;
    let shop = shop_with(Database::Sqlite, &nhtsa).await;
    for _ in 0..2 {
        let reply = decode(&shop, VIN).await;
        let data = reply.success();
        assert_eq!((&data["make"], &data["source"]), (&json!("Honda"), &json!("offline")));
        let warning = data["warnings"][0].as_str().unwrap();
        assert!(warning.starts_with("NHTSA's service knows no make"), "{warning}");
    }
    assert_eq!(nhtsa.requests().await, 1);
}

#[tokio::test]
async fn whatever_is_wrong_with_nhtsa_the_embedded_data_answers() {
    let fakes = [
        Nhtsa::failing(500).await,
        Nhtsa::failing(401).await,
        Nhtsa::failing(403).await,
        Nhtsa::failing(404).await,
        Nhtsa::failing(429).await,
        Nhtsa::limiting("3600").await,
        Nhtsa::limiting("Fri, 31 Dec 2100 23:59:59 GMT").await,
        Nhtsa::sending_html().await,
        Nhtsa::sending_nothing().await,
        Nhtsa::sending_other_json().await,
        Nhtsa::sending_deep_json().await,
        Nhtsa::sending_no_rows().await,
        Nhtsa::sending_another_vin().await,
        Nhtsa::sending_too_much().await,
        Nhtsa::redirecting("http://127.0.0.1:1/").await,
        Nhtsa::silent().await,
        Nhtsa::breaking_off(),
        Nhtsa::never_ending(),
        Nhtsa::stalling(b""),
        Nhtsa::stalling(b"HTTP/1.1 200 OK\r\nContent-Type: appl"),
        Nhtsa::stalling(b"HTTP/1.1 200 OK\r\nContent-Length: 9000\r\n\r\n{\"Count\": 1"),
        Nhtsa::speaking_no_tls(),
        Nhtsa::refusing(),
    ];
    for (number, nhtsa) in fakes.iter().enumerate() {
        let shop = shop_with(Database::Sqlite, nhtsa).await.with_env("NHTSA_PATIENCE_MS", "700");
        let reply = decode(&shop, VIN).await;
        let data = reply.success();
        assert_eq!(data["source"], "offline", "{number}");
        assert_eq!(reply.message(), "VIN decoded successfully: 2003 Honda Accord", "{number}");
        assert_eq!(data["warnings"], json!([]), "{number}");
    }
}

#[rstest]
#[case("1")]
#[case("3600")]
#[case("Fri, 31 Dec 2100 23:59:59 GMT")]
#[tokio::test]
async fn a_service_that_limits_us_is_left_alone_as_long_as_it_asks(#[case] retry_after: &str) {
    let nhtsa = Nhtsa::limiting(retry_after).await;
    let shop = shop_with(Database::Sqlite, &nhtsa).await;
    let mut server = shop.server().await;
    for vin in [VIN, "1LNFM75X31N902123", "W1N0G8EE3NS161123"] {
        let reply = server.call("decode_vin", json!({ "vin": vin })).await;
        assert_eq!(reply.success()["source"], "offline");
    }
    // It may have taken longer than a second.
    assert!(nhtsa.requests().await == 1 || retry_after == "1");
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
    assert_eq!(decode(&shop, VIN).await.success()["source"], "offline");
    assert!(started.elapsed() < Duration::from_secs(4));
}

#[tokio::test]
async fn an_answer_that_comes_late_is_kept_for_the_next_call() {
    let nhtsa = Nhtsa::honda().await;
    let shop = shop_with(Database::Sqlite, &nhtsa).await.with_env("NHTSA_PATIENCE_MS", "0");
    let mut server = shop.server().await;
    let mut source = json!("offline");
    let deadline = Instant::now() + data::REPLY_LIMIT;
    while source != "cache" && Instant::now() < deadline {
        let reply = server.call("decode_vin", json!({ "vin": VIN })).await;
        source = reply.success()["source"].clone();
    }
    assert_eq!(source, "cache");
}

#[tokio::test]
async fn many_who_wait_for_a_silent_nhtsa_leave_room_for_others() {
    let nhtsa = Nhtsa::silent().await;
    let shop = shop_with(Database::Sqlite, &nhtsa).await.with_env("NHTSA_PATIENCE_MS", "5000");
    shop.customer().await;
    let mut server = shop.server().await;
    let mut ids = Vec::new();
    for serial in 100..160 {
        let vin = format!("1LNFM75X31N902{serial}");
        ids.push(server.send_call("decode_vin", json!({ "vin": vin })).await);
    }
    let found = server.call("lookup_customer", json!({ "customer_id": 1 })).await;
    assert_eq!(found.success()["found"], true);
    // Had all of them waited, none would have an answer yet.
    assert!(nhtsa.requests().await <= 8);
    for id in ids {
        assert_eq!(server.reply(id).await.success()["make"], "Mercury");
    }
}

#[tokio::test]
async fn after_five_failures_nobody_is_asked() {
    let nhtsa = Nhtsa::failing(500).await;
    let shop = shop_with(Database::Sqlite, &nhtsa).await;
    for _ in 0..5 {
        assert_eq!(decode(&shop, VIN).await.success()["source"], "offline");
    }
    let asked = nhtsa.requests().await;
    assert_eq!(decode(&shop, VIN).await.success()["source"], "offline");
    assert_eq!(nhtsa.requests().await, asked);
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

#[rstest]
#[tokio::test]
async fn details_that_contradict_the_vin_are_kept_with_a_warning(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    let shop = Shop::open(database).await;
    let told = json!({
        "customer_id": shop.customer().await, "vin": "1LNFM75X31N902123", "year": 1999,
        "make": "Ford", "model": "Mustang",
    });
    let reply = shop.call("add_vehicle", told).await;
    let data = reply.success();
    assert_eq!(data["vehicle"]["make"], "Ford");
    let warning = data["warnings"][0].as_str().unwrap();
    assert!(warning.starts_with("The VIN is that of a 2001 Mercury Grand Marquis"), "{warning}");
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
