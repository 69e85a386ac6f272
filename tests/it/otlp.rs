//! The span of each call, as a collector gets it.

use serde_json::{Value, json};
use wiremock::matchers::{header, method, path};
use wiremock::{Mock, MockServer, ResponseTemplate};

use crate::data::EXIT_LIMIT;
use crate::shop::{Database, Shop};

/// The attributes of OTLP's JSON as an object.
fn attributes(list: &Value) -> Value {
    let pairs = list.as_array().into_iter().flatten().map(|pair| {
        let value = pair["value"].as_object().and_then(|value| value.values().next()).cloned();
        (pair["key"].as_str().unwrap_or_default().to_owned(), value.unwrap_or_default())
    });
    Value::Object(pairs.collect())
}

#[tokio::test]
async fn a_collector_gets_a_span_for_each_call_and_nothing_about_anybody() {
    let collector = MockServer::start().await;
    Mock::given(method("POST"))
        .and(path("/v1/traces"))
        .and(header("x-team", "desk"))
        .respond_with(ResponseTemplate::new(200))
        .mount(&collector)
        .await;
    let shop = Shop::open(Database::Sqlite).await;
    let shop = shop
        .with_env("OTEL_EXPORTER_OTLP_ENDPOINT", collector.uri())
        .with_env("OTEL_EXPORTER_OTLP_PROTOCOL", "http/json")
        .with_env("OTEL_EXPORTER_OTLP_HEADERS", "x-team=desk")
        .with_env("OTEL_SERVICE_NAME", "front-desk");
    let mut server = shop.server().await;
    let person = json!({
        "first_name": "Zacharias", "last_name": "Quillfeather", "phone_number": "+12025550199",
    });
    server.call("create_customer", person).await.success();
    server.call("lookup_customer", json!({ "phone_number": "+12025550199" })).await.success();
    server.call("get_invoice", json!({ "invoice_id": 77 })).await.refusal();
    server.close_stdin();
    assert!(server.wait_exit(EXIT_LIMIT).await.success());
    assert_eq!(server.stderr(), "");
    let bodies = collector.received_requests().await.expect("requests");
    let mut spans = Vec::new();
    for request in &bodies {
        let text = String::from_utf8(request.body.clone()).expect("text");
        for secret in ["Zacharias", "Quillfeather", "2025550199"] {
            assert!(!text.contains(secret), "{text}");
        }
        let body: Value = serde_json::from_str(&text).expect("JSON");
        let resource = &body["resourceSpans"][0];
        let named = attributes(&resource["resource"]["attributes"]);
        assert_eq!(named["service.name"], "front-desk", "{text}");
        spans.extend(resource["scopeSpans"][0]["spans"].as_array().expect("spans").clone());
    }
    let told = |span: &Value| {
        assert_eq!(span["name"], "call");
        let told = attributes(&span["attributes"]);
        assert!(told["duration_us"].as_str().is_some_and(|duration| duration != "0"), "{span}");
        json!([told["tool"], told["outcome"], told["cache"], told["upstream_attempts"]])
    };
    let expected = [
        json!(["create_customer", "success", null, "0"]),
        json!(["lookup_customer", "success", "miss", "0"]),
        json!(["get_invoice", "invoice_not_found", null, "0"]),
    ];
    assert_eq!(spans.iter().map(told).collect::<Vec<_>>(), expected);
}

#[tokio::test]
async fn a_collector_that_is_away_holds_nothing_up() {
    let shop = Shop::open(Database::Sqlite).await;
    let shop = shop.with_env("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:1");
    let mut server = shop.server().await;
    server.call("get_invoice", json!({ "invoice_id": 77 })).await.refusal();
    server.close_stdin();
    assert!(server.wait_exit(EXIT_LIMIT).await.success());
}
