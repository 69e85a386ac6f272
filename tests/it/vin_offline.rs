//! VINs decoded from the data inside the program: nobody is asked, and nothing is waited for.

use rstest::rstest;
use serde_json::{Value, json};

use crate::reply::Reply;
use crate::shop::{Database, Shop};

const MERCURY: &str = "1LNFM75X31N902123";
/// The same with a wrong character at position 6.
const MISHEARD: &str = "1LNFN75X31N902123";

async fn shop(database: Database) -> Shop {
    Shop::open(database).await.with_env("NHTSA_BASE_URL", "")
}

async fn decode(shop: &Shop, vin: &str) -> Reply {
    shop.call("decode_vin", json!({ "vin": vin })).await
}

#[rstest]
#[tokio::test]
async fn a_vin_is_decoded_without_asking_anybody(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    let shop = shop(database).await;
    let reply = decode(&shop, MERCURY).await;
    assert_eq!(reply.message(), "VIN decoded successfully: 2001 Mercury Grand Marquis");
    let data = reply.success();
    for (field, value) in [
        ("vin", json!(MERCURY)),
        ("make", json!("Mercury")),
        ("year", json!(2001)),
        ("vehicle_type", json!("PASSENGER CAR")),
        ("manufacturer", json!("FORD MOTOR COMPANY")),
        ("body_class", json!("Sedan/Saloon")),
        ("doors", json!(4)),
        ("plant_city", json!("NORFOLK")),
        ("source", json!("offline")),
        ("check_digit_valid", json!(true)),
        ("warnings", json!([])),
    ] {
        assert_eq!(data[field], value, "{field}");
    }
    assert!(data.get("suggestions").is_none(), "{data}");
}

#[tokio::test]
async fn a_database_that_is_away_does_not_matter() {
    let shop = shop(Database::Sqlite).await;
    let shop = shop.with_env("DATABASE_URL", "postgres://shop@127.0.0.1:1/shop");
    assert_eq!(decode(&shop, MERCURY).await.success()["model"], "Grand Marquis");
    let misheard = json!({ "vin": MISHEARD, "customer_id": 1 });
    let reply = shop.call("decode_vin", misheard).await;
    assert_eq!(reply.success()["check_digit_valid"], false);
}

#[rstest]
#[case(
    "one lima november foxtrot mike seven five x-ray three one november niner zero two one two three"
)]
#[case("One, L, N, F, M - 7 5 X tree one N nine oh two, one twenty three")]
#[case("1 L as in lima, N for november, F M, seventy five, ex, thirty one en 90 21 23")]
#[tokio::test]
async fn a_vin_may_be_said_in_words(#[case] heard: &str) {
    let shop = shop(Database::Sqlite).await;
    assert_eq!(decode(&shop, heard).await.success()["vin"], MERCURY);
}

#[tokio::test]
async fn letters_that_no_vin_has_are_refused_in_words_too() {
    let shop = shop(Database::Sqlite).await;
    let heard = "india lima november foxtrot mike 7 5 X 3 1 N 9 oscar 2 1 2 3";
    let reply = decode(&shop, heard).await;
    assert_eq!(reply.refusal(), "invalid_vin");
    assert_eq!(reply.envelope["data"]["likely_vin"], MERCURY);
    let short = decode(&shop, "one lima november").await;
    assert_eq!(short.error(), "VIN must be exactly 17 characters");
}

#[tokio::test]
async fn a_vehicle_is_put_on_file_by_a_vin_in_words() {
    let shop = shop(Database::Sqlite).await;
    let vin =
        "one lima november foxtrot mike seven five x-ray three one november nine zero two 123";
    let told = json!({ "customer_id": shop.customer().await, "vin": vin });
    let reply = shop.call("add_vehicle", told).await;
    let vehicle = &reply.success()["vehicle"];
    assert_eq!(vehicle["vin"], MERCURY);
    assert_eq!((&vehicle["year"], &vehicle["make"]), (&json!(2001), &json!("Mercury")));
    assert_eq!(vehicle["model"], "Grand Marquis");
}

#[rstest]
#[tokio::test]
async fn the_callers_own_vehicle_is_suggested_first(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    let shop = shop(database).await;
    let id = shop.customer().await;
    // A serial number that the check digit does not tell from others.
    let own = "1LNFM75X31N902123";
    shop.call("add_vehicle", json!({ "customer_id": id, "vin": own })).await.success();
    let misheard = "1LNFM75X31N902128";
    let suggested = |reply: &Reply| -> Vec<Value> {
        reply.success()["suggestions"].as_array().unwrap().clone()
    };
    let stranger = suggested(&decode(&shop, misheard).await);
    assert!(!stranger.is_empty() && stranger.len() <= 5, "{stranger:?}");
    assert!(stranger.iter().all(|one| one["is_on_file"] == false), "{stranger:?}");
    let reply = shop.call("decode_vin", json!({ "vin": misheard, "customer_id": id })).await;
    let first = &suggested(&reply)[0];
    assert_eq!(first["vin"], own);
    assert_eq!(first["is_on_file"], true);
    assert_eq!(first["difference"], "position 17: 3 instead of 8");
    assert_eq!(first["model"], "Grand Marquis");
}

#[tokio::test]
async fn every_suggestion_is_one_slip_away_and_a_known_vehicle() {
    let shop = shop(Database::Sqlite).await;
    let reply = decode(&shop, MISHEARD).await;
    let data = reply.success();
    assert_eq!(data["check_digit_valid"], false);
    let suggestions = data["suggestions"].as_array().unwrap();
    assert!(suggestions.iter().any(|one| one["vin"] == MERCURY), "{suggestions:?}");
    for one in suggestions {
        let vin = one["vin"].as_str().unwrap();
        let differing = vin.chars().zip(MISHEARD.chars()).filter(|(a, b)| a != b).count();
        let swapped = one["difference"].as_str().unwrap().ends_with("the other way round");
        assert_eq!(differing, if swapped { 2 } else { 1 }, "{vin}");
        let decoded = decode(&shop, vin).await;
        assert_eq!(decoded.success()["check_digit_valid"], true);
        assert_eq!(decoded.success()["model"], one["model"]);
    }
}

#[tokio::test]
async fn neighbours_that_changed_places_are_found() {
    let shop = shop(Database::Sqlite).await;
    let reply = decode(&shop, "1HGCM82633A004325").await;
    let first = &reply.success()["suggestions"][0];
    assert_eq!(first["vin"], "1HGCM82633A004352");
    assert_eq!(first["difference"], "positions 16 and 17 the other way round");
    // One character that no VIN has there leaves one VIN.
    let reply = decode(&shop, "1HGCM8263UA004352").await;
    let suggestions = reply.success()["suggestions"].as_array().unwrap();
    assert!(suggestions.iter().all(|one| one["year"].is_i64()), "{suggestions:?}");
    assert_eq!(suggestions[0]["vin"], "1HGCM82633A004352");
}

#[tokio::test]
async fn nothing_is_suggested_that_no_vin_has_at_its_position() {
    let shop = shop(Database::Sqlite).await;
    let reply = decode(&shop, "1HGCM82633A004353").await;
    let suggestions = reply.success()["suggestions"].as_array().unwrap();
    assert_eq!(suggestions.len(), 5, "{suggestions:?}");
    for vin in suggestions.iter().map(|one| one["vin"].as_str().unwrap()) {
        // A serial number of digits, and a letter or digit that stands for a year.
        assert!(vin.bytes().skip(12).all(|c| c.is_ascii_digit()), "{vin}");
        assert!(!b"UZ0".contains(&vin.as_bytes()[9]), "{vin}");
    }
}

#[tokio::test]
async fn what_nhtsas_data_is_not_sure_of_is_warned_of() {
    let shop = shop(Database::Sqlite).await;
    let year = decode(&shop, "1J9BG8950P1471012").await;
    let warning = year.success()["warnings"][0].as_str().unwrap();
    assert!(warning.contains("2023 or 1993"), "{warning}");
    let position = decode(&shop, "1A9B81337DS604012").await;
    let warnings = position.success()["warnings"].to_string();
    assert!(warnings.contains("Position 5 is 8"), "{warnings}");
    let off_road = decode(&shop, "1F9B65GB9WC616012").await;
    let warnings = off_road.success()["warnings"].to_string();
    assert!(warnings.contains("off-road"), "{warnings}");
}

#[rstest]
#[tokio::test]
async fn many_vins_have_their_own_results_in_order(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    let shop = shop(database).await;
    let vins =
        json!([MERCURY, "1LNFM75X31N90212", "00000000000000000", "1LNFM75X31N9O2123", MERCURY]);
    let reply = shop.call("decode_vins", json!({ "vins": vins })).await;
    assert_eq!(reply.message(), "2 of 5 VINs were decoded; the others say why not.");
    let data = reply.success();
    assert_eq!((&data["decoded"], &data["failed"]), (&json!(2), &json!(3)));
    let results = data["results"].as_array().unwrap();
    let given: Vec<&Value> = results.iter().map(|result| &result["given"]).collect();
    assert_eq!(json!(given), vins);
    for number in [0, 4] {
        assert_eq!(results[number]["success"], true);
        assert_eq!(results[number]["data"]["model"], "Grand Marquis");
        assert_eq!(results[number]["data"]["source"], "offline");
    }
    assert_eq!(results[1]["code"], "invalid_vin");
    assert_eq!(results[1]["error"], "VIN must be exactly 17 characters");
    assert_eq!(results[2]["code"], "vin_not_decodable");
    assert_eq!(results[3]["code"], "invalid_vin");
    for result in &results[1..4] {
        assert_eq!(result["success"], false);
        assert!(result.get("data").is_none());
        assert!(result["hint"].is_string() && result["message"].is_string());
    }
}

#[tokio::test]
async fn up_to_fifty_vins_are_taken() {
    let shop = shop(Database::Sqlite).await;
    let fifty = shop.call("decode_vins", json!({ "vins": vec![MERCURY; 50] })).await;
    assert_eq!(fifty.success()["decoded"], 50);
    assert_eq!(fifty.message(), "All 50 VINs were decoded.");
    for wrong in [json!([]), json!(vec![MERCURY; 51]), json!([5, {}]), json!("x")] {
        let reply = shop.call("decode_vins", json!({ "vins": wrong })).await;
        assert_eq!(reply.refusal(), "invalid_argument", "{wrong}");
    }
}

#[tokio::test]
async fn a_vin_may_have_the_punctuation_of_a_recognizer() {
    let shop = shop(Database::Sqlite).await;
    for heard in [
        "1LNFM75X31N902123.",
        "1 L N F M, 7 5 X, 3 1 N, 9 0 2 1 2 3",
        "1,L,N,F,M,7,5,X,3,1,N,902123",
    ] {
        assert_eq!(decode(&shop, heard).await.success()["vin"], MERCURY, "{heard}");
    }
    assert_eq!(decode(&shop, "1LNFM75X31N90212.").await.refusal(), "invalid_vin");
    assert_eq!(decode(&shop, "1LNFM75X31N90212!").await.refusal(), "invalid_vin");
}

#[tokio::test]
async fn a_year_that_the_vin_leaves_open_is_warned_of() {
    let shop = shop(Database::Sqlite).await;
    let bus = json!({"customer_id": shop.customer().await, "vin": "1M8GDM9AXKP042788"});
    let reply = shop.call("add_vehicle", bus).await;
    let warnings = reply.success()["warnings"].to_string();
    assert!(warnings.contains("1989 or 2019"), "{warnings}");
}

#[tokio::test]
async fn a_vin_far_too_long_or_hidden_does_not_matter_to_the_others() {
    let shop = shop(Database::Sqlite).await;
    let vins = json!({"vins": ["1".repeat(5_000), "1LN\u{202E}\u{1B}", MERCURY]});
    let reply = shop.call("decode_vins", vins).await;
    let results = &reply.success()["results"];
    assert_eq!(results[0]["code"], "invalid_vin");
    assert_eq!(results[0]["given"].as_str().unwrap().len(), 200);
    assert_eq!(results[1]["given"], "1LN\u{FFFD}\u{FFFD}");
    assert_eq!(results[2]["success"], true);
}
