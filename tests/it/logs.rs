//! What logs hold: what each call did, and no word of what it was about.

use chrono::Weekday;
use rstest::rstest;
use serde_json::{Value, json};
use wiremock::{Mock, MockServer, ResponseTemplate, matchers};

use crate::data::{self, EXIT_LIMIT};
use crate::nhtsa::Nhtsa;
use crate::server::Server;
use crate::shop::{Database, Shop};

/// What no log may hold: names, phone number, e-mail, VIN, plate, address, references and keys.
const SECRETS: [&str; 12] = [
    "Zacharias",
    "Quillfeather",
    "2025550199",
    "zq@heron.example",
    "1HGCM82633A004352",
    "HERON77",
    "Heron Lane",
    "rattling noise",
    "C-91827",
    "ref-55512",
    "crm-hunter2",
    "repeat-me-4711",
];

/// A CRM that answers every question with this.
async fn crm(template: ResponseTemplate) -> MockServer {
    let server = MockServer::start().await;
    Mock::given(matchers::any()).respond_with(template).mount(&server).await;
    server
}

/// A whole visit, and much that is refused. What the services' faults make of a reply is not the
/// matter here.
async fn play(server: &mut Server) {
    let person = json!({
        "first_name": "Zacharias", "last_name": "Quillfeather", "phone_number": "+12025550199",
        "email": "zq@heron.example", "notes": "12 Heron Lane", "idempotency_key": "repeat-me-4711",
    });
    let created = server.call("create_customer", person.clone()).await.success().clone();
    server.call("create_customer", person).await;
    let id = created["customer"]["id"].as_i64().expect("an id");
    for lookup in [
        json!({ "phone_number": "(202) 555-0199" }),
        json!({ "email": "zq@heron.example" }),
        json!({ "email": "zq@heron.example " }),
        json!({ "crm_id": "C-91827" }),
        json!({ "customer_id": id }),
        json!({ "customer_id": "Zacharias" }),
        json!({ "customer_id": id, "email": "zq@heron.example" }),
    ] {
        server.call("lookup_customer", lookup).await;
    }
    let vehicle = json!({
        "customer_id": id, "vin": "1HGCM82633A004352", "license_plate": "HERON77",
        "year": 2003, "make": "Honda", "model": "Accord",
    });
    let vehicle = server.call("add_vehicle", vehicle).await.success().clone();
    server.call("decode_vin", json!({ "vin": "1HGCM82633A004352" })).await;
    for query in ["Quillfeather", "HERON77", "zq@heron.example"] {
        server.call("search_customers", json!({ "query": query })).await;
    }
    server.call("search_customers", json!({ "vin": "1HGCM82633A004352" })).await;
    let updates = json!({ "email": "zq@heron.example", "notes": "12 Heron Lane" });
    server.call("update_customer", json!({ "customer_id": id, "updates": updates })).await;
    let updates = json!({ "phone_number": "not 2025550199" });
    server.call("update_customer", json!({ "customer_id": id, "updates": updates })).await;
    let visit = json!({
        "customer_id": id, "vehicle_id": vehicle["vehicle"]["id"], "service_type": "oil_change",
        "scheduled_at": data::at(data::next_weekday(Weekday::Mon, 1), "10:00"),
        "customer_concerns": "a rattling noise",
    });
    server.call("book_appointment", visit).await;
    let ticket = json!({
        "customer_id": id, "subject": "Quillfeather calls back", "description": "rattling noise",
    });
    server.call("create_ticket", ticket).await.success();
    server.call("get_customer_tickets", json!({ "customer_id": id })).await;
    let items = json!([{ "description": "Heron Lane call-out", "quantity": 1, "unit_price": 10 }]);
    let invoice = json!({ "customer_id": id, "line_items": items });
    let invoice = server.call("create_invoice", invoice).await.success().clone();
    for amount in [10, 11] {
        let payment = json!({
            "invoice_id": invoice["invoice"]["invoice_id"], "amount": amount, "method": "check",
            "reference": "ref-55512",
        });
        server.call("create_payment", payment).await;
    }
    server.send_line("{\"email\": \"zq@heron.example\", 2025550199").await;
    server.request("ping", json!({})).await;
}

#[rstest]
#[tokio::test]
async fn logs_hold_no_key_and_no_personal_data_at_debug(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
    #[values("text", "json")] format: &str,
) {
    let page = json!({ "id": ["Zacharias"], "email": "zq@heron.example", "name": 1 });
    for (nhtsa, answer) in [
        (Nhtsa::failing(503).await, ResponseTemplate::new(200).set_body_json(&page)),
        (Nhtsa::sending_another_vin().await, ResponseTemplate::new(503).set_body_json(&page)),
        (Nhtsa::refusing(), ResponseTemplate::new(429).insert_header("Retry-After", "60")),
        (Nhtsa::breaking_off(), ResponseTemplate::new(401).set_body_json(&page)),
    ] {
        let crm = crm(answer).await;
        let shop = Shop::open(database).await;
        let shop = shop
            .with_env("RUST_LOG", "debug")
            .with_env("SERVICEBAY_LOG_FORMAT", format)
            .with_env("NHTSA_BASE_URL", nhtsa.base_url())
            .with_env("CRM_API_ENDPOINT", crm.uri())
            .with_env("CRM_API_KEY", "crm-hunter2");
        let mut server = shop.server().await;
        play(&mut server).await;
        server.close_stdin();
        server.wait_exit(EXIT_LIMIT).await;
        let log = server.stderr();
        assert!(log.contains("create_customer") && log.contains("overpayment"), "{log}");
        for secret in SECRETS {
            let line = log.lines().find(|line| line.contains(secret));
            assert_eq!(line, None, "the log holds {secret}");
        }
    }
}

/// The line that each call of this tool logged.
fn calls<'a>(log: &'a [Value], tool: &'a str) -> Vec<&'a Value> {
    let is_call = |line: &&Value| line["message"] == "call" && line["tool"] == tool;
    log.iter().filter(is_call).collect()
}

#[tokio::test]
async fn each_call_is_one_line_of_json_that_says_what_it_did() {
    let nhtsa = Nhtsa::recovering(503, 2).await;
    let shop = Shop::open(Database::Sqlite).await;
    let shop = shop
        .with_env("RUST_LOG", "servicebay=info")
        .with_env("SERVICEBAY_LOG_FORMAT", "json")
        .with_env("NHTSA_PATIENCE_MS", "5000")
        .with_env("NHTSA_BASE_URL", nhtsa.base_url());
    let mut server = shop.server().await;
    let id =
        server.call("create_customer", data::customer()).await.success()["customer"]["id"].clone();
    // What is kept of a VIN is written down, after which a customer is read again.
    for _ in 0..2 {
        server.call("lookup_customer", json!({ "customer_id": id })).await.success();
    }
    for _ in 0..2 {
        server.call("decode_vin", json!({ "vin": "1HGCM82633A004352" })).await.success();
    }
    server.call("get_invoice", json!({ "invoice_id": 77 })).await.refusal();
    server.close_stdin();
    server.wait_exit(EXIT_LIMIT).await;
    let log: Vec<Value> = server
        .stderr()
        .lines()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|_| panic!("no JSON: {line}")))
        .collect();
    let told = |tool| -> Vec<[Value; 3]> {
        let told = calls(&log, tool).into_iter().map(|line| {
            assert!(line["duration_us"].as_u64().is_some_and(|duration| duration > 0), "{line}");
            ["outcome", "cache", "upstream_attempts"].map(|name| line[name].clone())
        });
        told.collect()
    };
    let done = |cache: Value, attempts: i64| [json!("success"), cache, json!(attempts)];
    assert_eq!(told("create_customer"), [done(Value::Null, 0)]);
    assert_eq!(told("lookup_customer"), [done(json!("miss"), 0), done(json!("hit"), 0)]);
    assert_eq!(told("decode_vin"), [done(json!("miss"), 3), done(json!("hit"), 0)]);
    assert_eq!(told("get_invoice"), [[json!("invoice_not_found"), Value::Null, json!(0)]]);
}
