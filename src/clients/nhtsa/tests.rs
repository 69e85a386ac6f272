use std::time::Instant;

use super::*;
use fake::Nhtsa;

#[path = "../../../tests/it/nhtsa.rs"]
mod fake;

/// Long enough for what answers at once on a busy machine.
const AMPLE: Duration = Duration::from_secs(4);

fn client(nhtsa: &Nhtsa, total: Duration) -> NhtsaClient {
    let retry_delay = Duration::from_millis(1);
    NhtsaClient::with_limits(nhtsa.base_url(), Limits { total, retry_delay, ..LIMITS })
}

fn vin() -> Vin {
    "1HGCM82633A004352".parse().expect("a VIN")
}

/// What decoding fails with, in words, and after how many requests.
async fn failure(nhtsa: &Nhtsa, total: Duration) -> (String, usize) {
    let error = client(nhtsa, total).decode(&vin()).await.expect_err("no answer");
    assert!(!format!("{error:?}").contains("1HGCM82633A004352"), "{error:?}");
    (error.to_string(), nhtsa.requests().await)
}

async fn check(nhtsa: Nhtsa, expected: &str, requests: usize) {
    let (text, sent) = failure(&nhtsa, AMPLE).await;
    assert_eq!((text.as_str(), sent), (expected, requests));
}

#[tokio::test]
async fn a_vehicle_is_read_from_nhtsas_rows() {
    let nhtsa = Nhtsa::honda().await;
    let decoded = client(&nhtsa, AMPLE).decode(&vin()).await.expect("an answer");
    let expected = json_of_the_honda();
    assert_eq!(serde_json::to_value(decoded).expect("JSON"), expected);
    assert_eq!(nhtsa.requests().await, 1);
}

fn json_of_the_honda() -> serde_json::Value {
    serde_json::json!({
        "vin": "1HGCM82633A004352",
        "make": "Honda",
        "model": "Accord",
        "year": 2003,
        "trim": "EX-V6",
        "body_class": "Coupe",
        "vehicle_type": "PASSENGER CAR",
        "manufacturer": "EXAMPLE MOTORS OF OHIO, INC.",
        "plant_country": "UNITED STATES (USA)",
        "plant_city": "LIMA",
        "fuel_type": "Gasoline",
        "engine_cylinders": 6,
        "engine_displacement_l": 2.997,
        "engine_hp": 238.0,
        "transmission": "Automatic",
        "doors": 2,
        "gvwr": "Class 1C: 4,001 - 5,000 lb (1,814 - 2,268 kg)",
    })
}

#[tokio::test]
async fn error_codes_beside_a_make_are_no_failure() {
    let nhtsa = Nhtsa::answering(&[("Error Code", "1,11,14"), ("Make", "VOLKSWAGEN")]).await;
    let decoded = client(&nhtsa, AMPLE).decode(&vin()).await.expect("an answer");
    assert_eq!(decoded.and_then(|decoded| decoded.make).as_deref(), Some("Volkswagen"));
}

#[tokio::test]
async fn a_vin_without_a_make_is_no_vehicle() {
    let nhtsa = Nhtsa::knowing_nothing().await;
    assert_eq!(client(&nhtsa, AMPLE).decode(&vin()).await.expect("an answer"), None);
}

#[tokio::test]
async fn what_passes_by_itself_is_tried_again() {
    for status in [429, 502, 503, 504] {
        let nhtsa = Nhtsa::recovering(status, 2).await;
        assert!(client(&nhtsa, AMPLE).decode(&vin()).await.expect("an answer").is_some());
        assert_eq!(nhtsa.requests().await, 3);
    }
    check(Nhtsa::failing(503).await, "the service answered with status 503", 3).await;
}

#[tokio::test]
async fn what_does_not_pass_by_itself_is_not_tried_again() {
    check(Nhtsa::failing(500).await, "the service answered with status 500", 1).await;
    check(Nhtsa::failing(404).await, "the service answered with status 404", 1).await;
    check(Nhtsa::failing(403).await, "the service refused the credentials", 1).await;
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let other = Nhtsa::honda().await;
    let elsewhere = format!("{}/vehicles/DecodeVin/{}?format=json", other.base_url(), vin());
    check(
        Nhtsa::redirecting(&elsewhere).await,
        "the service redirects elsewhere (status 302), which is not followed",
        1,
    )
    .await;
    assert_eq!(other.requests().await, 0);
}

#[tokio::test]
async fn a_short_wait_that_is_asked_for_is_kept() {
    let nhtsa = Nhtsa::limiting("0").await;
    check(nhtsa, "the service takes no more requests for now", 3).await;
}

#[tokio::test]
async fn a_long_wait_that_is_asked_for_is_told_and_not_waited_for() {
    for (retry_after, expected_seconds) in [
        ("3600", Some(3600)),
        ("18446744073709551615", Some(u64::MAX)),
        ("Fri, 31 Dec 2100 23:59:59 GMT", None),
    ] {
        let nhtsa = Nhtsa::limiting(retry_after).await;
        let error = client(&nhtsa, AMPLE).decode(&vin()).await.expect_err("a limit");
        let UpstreamError::RateLimited { retry_after_seconds: Some(seconds) } = error else {
            panic!("{error}");
        };
        assert!(expected_seconds.is_none_or(|expected| expected == seconds) && seconds >= 3600);
        assert_eq!(nhtsa.requests().await, 1);
    }
}

#[tokio::test]
async fn nonsense_with_status_200_is_refused() {
    let not_json = "the service's answer cannot be used: it is not NHTSA's JSON";
    check(Nhtsa::sending_html().await, not_json, 1).await;
    check(Nhtsa::sending_other_json().await, not_json, 1).await;
    let no_make = "the service's answer cannot be used: it says nothing about the make";
    check(Nhtsa::sending_no_rows().await, no_make, 1).await;
}

#[tokio::test]
async fn no_more_than_the_limit_is_read() {
    let too_long = "the service's answer cannot be used: it is too long";
    check(Nhtsa::sending_too_much().await, too_long, 1).await;
    check(Nhtsa::never_ending(), too_long, 1).await;
}

#[tokio::test]
async fn an_answer_that_breaks_off_is_refused() {
    let broke = "the connection broke off before the answer was complete";
    check(Nhtsa::breaking_off(), broke, 1).await;
}

#[tokio::test]
async fn a_service_that_is_down_cannot_be_reached() {
    check(Nhtsa::refusing(), "the service cannot be reached", 0).await;
}

#[tokio::test]
async fn a_silent_service_is_given_up_in_time() {
    let nhtsa = Nhtsa::silent().await;
    let started = Instant::now();
    let (text, _) = failure(&nhtsa, Duration::from_millis(100)).await;
    assert_eq!(text, "the service did not answer in time");
    assert!(started.elapsed() < Duration::from_secs(3));
}

#[tokio::test]
async fn after_five_failed_calls_the_service_is_left_alone() {
    for nhtsa in [Nhtsa::failing(500).await, Nhtsa::sending_html().await] {
        let client = client(&nhtsa, AMPLE);
        for _ in 0..5 {
            client.decode(&vin()).await.expect_err("a failure");
        }
        let error = client.decode(&vin()).await.expect_err("an open circuit");
        assert!(matches!(error, UpstreamError::CircuitOpen), "{error}");
        assert_eq!(nhtsa.requests().await, 5);
    }
}

#[tokio::test]
async fn nonsense_is_no_answer() {
    let unusable = "the service's answer cannot be used: ";
    for (nhtsa, why) in [
        (Nhtsa::sending_nothing().await, "it is not NHTSA's JSON"),
        (Nhtsa::sending_deep_json().await, "it is not NHTSA's JSON"),
        (Nhtsa::sending_another_vin().await, "it is about another VIN"),
    ] {
        check(nhtsa, &format!("{unusable}{why}"), 1).await;
    }
    let no_tls = failure(&Nhtsa::speaking_no_tls(), AMPLE).await;
    assert_eq!(no_tls.0, "the service cannot be reached");
}

#[tokio::test]
async fn an_answer_that_does_not_go_on_ends_in_time() {
    for beginning in [&b""[..], b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{"] {
        let stalled = failure(&Nhtsa::stalling(beginning), Duration::from_millis(200)).await;
        assert_eq!(stalled.0, "the service did not answer in time");
    }
}

#[tokio::test]
async fn a_service_that_limits_us_is_not_asked_before_it_wants_to_be() {
    let nhtsa = Nhtsa::limiting("3600").await;
    let client = client(&nhtsa, AMPLE);
    for _ in 0..3 {
        let error = client.decode(&vin()).await.expect_err("a limit");
        assert!(matches!(error, UpstreamError::RateLimited { .. }), "{error}");
    }
    assert_eq!(nhtsa.requests().await, 1);
}

#[tokio::test]
async fn refused_requests_do_not_open_the_circuit() {
    let nhtsa = Nhtsa::failing(404).await;
    let client = client(&nhtsa, AMPLE);
    for _ in 0..7 {
        client.decode(&vin()).await.expect_err("a failure");
    }
    assert_eq!(nhtsa.requests().await, 7);
}

#[tokio::test]
async fn a_client_over_tls_can_be_built() {
    // Nothing listens there, so that this ends at connecting and after the set-up of TLS.
    let https = Nhtsa::refusing().base_url().replace("http://", "https://");
    let error = NhtsaClient::new(&https).decode(&vin()).await.expect_err("nobody there");
    let UpstreamError::Unavailable(cause) = error else { panic!("{error}") };
    assert!(cause.is_connect(), "{cause:?}");
}
