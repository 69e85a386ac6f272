//! Resources, their templates, and completions.

use chrono::Weekday;
use rstest::rstest;
use serde_json::{Value, json};

use crate::data::{self, at, next_weekday};
use crate::server::Server;
use crate::shop::{Database, Shop};

async fn server(shop: &Shop, is_modern: bool) -> Server {
    let mut server = shop.raw_server();
    if is_modern {
        server.speak_modern();
    } else {
        server.initialize().await;
    }
    server
}

/// The JSON of a resource.
async fn read(server: &mut Server, uri: &str) -> Value {
    let answer = server.request("resources/read", json!({ "uri": uri })).await;
    let contents = answer["result"]["contents"].as_array().unwrap_or_else(|| panic!("{answer}"));
    assert_eq!(contents.len(), 1, "{answer}");
    assert_eq!(contents[0]["uri"], uri, "{answer}");
    assert_eq!(contents[0]["mimeType"], "application/json", "{answer}");
    serde_json::from_str(contents[0]["text"].as_str().unwrap()).unwrap()
}

/// The code of the error that a resource is answered with.
async fn refused(server: &mut Server, uri: &str) -> i64 {
    let answer = server.request("resources/read", json!({ "uri": uri })).await;
    if answer["error"]["code"] != -32603 {
        assert_eq!(answer["error"]["data"]["uri"], uri, "{answer}");
    }
    answer["error"]["code"].as_i64().unwrap_or_else(|| panic!("{uri}: {answer}"))
}

async fn uris(server: &mut Server) -> Vec<String> {
    let mut uris = Vec::new();
    for (method, list, uri) in [
        ("resources/list", "resources", "uri"),
        ("resources/templates/list", "resourceTemplates", "uriTemplate"),
    ] {
        let answer = server.request(method, json!({})).await;
        for resource in answer["result"][list].as_array().unwrap() {
            for field in ["name", "title", "description", "mimeType"] {
                assert!(
                    resource[field].as_str().is_some_and(|text| !text.is_empty()),
                    "{resource}"
                );
            }
            uris.push(resource[uri].as_str().unwrap().to_owned());
        }
    }
    uris
}

#[rstest]
#[tokio::test]
async fn the_capabilities_are_what_is_there(#[values(false, true)] is_modern: bool) {
    let shop = Shop::open(Database::Sqlite).await;
    let mut server = shop.raw_server();
    let told = if is_modern {
        server.speak_modern();
        server.request("server/discover", json!({})).await["result"].clone()
    } else {
        server.initialize().await
    };
    let capabilities = told["capabilities"].as_object().unwrap();
    let mut names: Vec<&str> = capabilities.keys().map(String::as_str).collect();
    names.sort_unstable();
    assert_eq!(names, ["completions", "prompts", "resources", "tools"]);
    for (name, capability) in capabilities {
        // Nothing is announced later, and nothing can be subscribed to.
        assert_eq!(capability, &json!({}), "{name}");
    }
    let instructions = told["instructions"].as_str().unwrap();
    assert!(instructions.len() < 1500, "{} characters", instructions.len());
    for word in ["lookup_customer", "get_available_slots", "book_appointment", "`when`", "never"] {
        assert!(instructions.contains(word), "{word} is missing of {instructions}");
    }
}

#[tokio::test]
async fn the_instructions_speak_of_listed_tools_alone() {
    for (setting, value) in [
        ("SERVICEBAY_TOOLSETS", "vin"),
        ("SERVICEBAY_TOOLSETS", "appointments"),
        ("SERVICEBAY_READ_ONLY", "true"),
        ("SERVICEBAY_PROFILE", "voice"),
    ] {
        let shop = Shop::open(Database::Sqlite).await;
        let mut all = shop.server().await;
        let all = all.request("tools/list", json!({})).await;
        let shop = shop.with_env(setting, value);
        let mut server = shop.raw_server();
        let told = server.initialize().await["instructions"].as_str().unwrap().to_owned();
        let listed = server.request("tools/list", json!({})).await;
        let listed = listed["result"]["tools"].as_array().unwrap();
        for tool in all["result"]["tools"].as_array().unwrap() {
            let name = tool["name"].as_str().unwrap();
            let is_listed = listed.iter().any(|other| other["name"] == name);
            assert!(is_listed || !told.contains(name), "{value} speaks of {name}: {told}");
        }
    }
}

#[rstest]
#[tokio::test]
async fn the_records_are_read_as_documents(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
    #[values(false, true)] is_modern: bool,
) {
    let shop = Shop::open(database).await;
    let owner = shop.owner().await;
    let tuesday = next_weekday(Weekday::Tue, 1);
    let appointment_id = shop.appointment(owner, &at(tuesday, "10:00")).await;
    let mut server = server(&shop, is_modern).await;

    let customer = read(&mut server, &format!("customer://{}", owner.customer_id)).await;
    assert_eq!(customer["id"], owner.customer_id);
    assert_eq!(customer["vehicles"][0]["id"], owner.vehicle_id);
    let appointment = read(&mut server, &format!("appointment://{appointment_id}")).await;
    assert_eq!(appointment["appointment_id"], appointment_id);
    assert_eq!(appointment["scheduled_at"], data::out(tuesday, "10:00"));
    let schedule = read(&mut server, &format!("schedule://{tuesday}")).await;
    assert_eq!(data::ids(&schedule, "appointments"), [appointment_id]);
    assert_eq!(read(&mut server, "schedule://today").await["appointments"], json!([]));
    let hours = read(&mut server, "shop://hours").await;
    assert_eq!(hours["timezone"], data::ZONE.name());
    assert_eq!(hours["week"]["saturday"], "09:00-15:00");
    assert_eq!(hours["week"]["sunday"], "closed");
    assert_eq!(hours["lunch"], "12:00-13:00");
    let services = read(&mut server, "shop://services").await;
    let services = services["services"].as_array().unwrap();
    assert_eq!(services.len(), 11);
    assert_eq!(services[0]["service_type"], "oil_change");
    assert_eq!(services[0]["duration_minutes"], 60);

    let not_found = if is_modern { -32602 } else { -32002 };
    for uri in [
        "customer://999",
        "customer://x",
        "customer://",
        "appointment://999",
        "schedule://someday",
        "shop://",
        "shop://secrets",
        "file:///etc/passwd",
        "",
        "customer",
    ] {
        assert_eq!(refused(&mut server, uri).await, not_found, "{uri}");
    }
}

#[tokio::test]
async fn the_shop_is_told_as_it_is_configured() {
    let shop = Shop::open(Database::Sqlite).await.with_config(
        "[hours]\nmonday = \"08:00-12:00\"\nlunch = \"none\"\n\
         [[closures]]\ndate = \"2030-12-25\"\nreason = \"Christmas Day\"\n\
         [services.oil_change]\nduration_minutes = 25\n\
         [[bays]]\nname = \"North\"\nservices = [\"oil_change\"]\n[[bays]]\nname = \"South\"\n\
         [[technicians]]\nname = \"Kim\"\nservices = [\"repair\"]\n",
    );
    let mut server = shop.server().await;
    let hours = read(&mut server, "shop://hours").await;
    assert_eq!(hours["week"]["monday"], "08:00-12:00");
    assert_eq!(hours["lunch"], "none");
    assert_eq!(hours["closures"][0]["reason"], "Christmas Day");
    let services = read(&mut server, "shop://services").await;
    assert_eq!(services["services"][0]["duration_minutes"], 25);
    assert_eq!(services["services"][0]["bays"], json!(["North", "South"]));
    assert_eq!(services["services"][1]["bays"], json!(["South"]));
    assert_eq!(services["services"][0]["technicians"], json!([]));
}

#[rstest]
#[case("crm", &["customer://{id}"], "appointment://1")]
#[case("appointments", &["schedule://today", "appointment://{id}", "schedule://{date}"], "customer://1")]
#[case("vin", &[], "customer://1")]
#[tokio::test]
async fn what_belongs_to_no_chosen_toolset_is_unknown(
    #[case] toolset: &str,
    #[case] expected: &[&str],
    #[case] unknown: &str,
) {
    let shop = Shop::open(Database::Sqlite).await;
    let owner = shop.owner().await;
    shop.appointment(owner, &at(next_weekday(Weekday::Tue, 1), "10:00")).await;
    let shop = shop.with_env("SERVICEBAY_TOOLSETS", toolset);
    let mut server = shop.server().await;
    let mut listed = uris(&mut server).await;
    listed.retain(|uri| !uri.starts_with("shop://"));
    assert_eq!(listed, expected);
    assert_eq!(refused(&mut server, unknown).await, -32002);
    assert_eq!(complete(&mut server, prompt("book_visit"), "customer", "john").await, json!([]));
}

#[tokio::test]
async fn a_read_only_server_has_its_documents() {
    let shop = Shop::open(Database::Sqlite).await;
    let owner = shop.owner().await;
    let shop = shop.with_env("SERVICEBAY_READ_ONLY", "true");
    let mut server = shop.server().await;
    assert_eq!(uris(&mut server).await.len(), 6);
    let customer = read(&mut server, &format!("customer://{}", owner.customer_id)).await;
    assert_eq!(customer["first_name"], "John");
}

#[tokio::test]
async fn records_that_are_away_are_no_unknown_resource() {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite:{}", folder.path().join("none/shop.db").display());
    std::fs::write(folder.path().join("none"), "a file, no folder").unwrap();
    let shop = Shop::open(Database::Sqlite).await.with_env("DATABASE_URL", url);
    let mut server = shop.server().await;
    assert_eq!(refused(&mut server, "customer://1").await, -32603);
    assert_eq!(read(&mut server, "shop://hours").await["lunch"], "12:00-13:00");
}

fn prompt(name: &str) -> Value {
    json!({ "type": "ref/prompt", "name": name })
}

async fn complete(server: &mut Server, reference: Value, argument: &str, typed: &str) -> Value {
    let params = json!({ "ref": reference, "argument": { "name": argument, "value": typed } });
    let answer = server.request("completion/complete", params).await;
    assert!(answer["result"]["completion"]["values"].is_array(), "{answer}");
    answer["result"]["completion"]["values"].clone()
}

#[rstest]
#[tokio::test]
async fn arguments_are_completed(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
    #[values(false, true)] is_modern: bool,
) {
    let shop = Shop::open(database).await.with_env("SHOP_BAYS", "North,South");
    shop.customer().await;
    let mut server = server(&shop, is_modern).await;
    let (visit, briefing) = (prompt("book_visit"), prompt("morning_briefing"));
    for (reference, argument, typed, expected) in [
        (&visit, "service_type", "br", json!(["brake_service", "brake_inspection"])),
        (&visit, "customer", "john", json!(["John Doe"])),
        (&visit, "customer", "jo", json!([])),
        (&visit, "customer", "nobody", json!([])),
        (&visit, "bay", "", json!([])),
        (&briefing, "bay", "s", json!(["South"])),
        (&briefing, "status", "no", json!(["no_show"])),
        (&briefing, "date", "to", json!(["today", "tomorrow"])),
        (&prompt("nothing"), "bay", "", json!([])),
    ] {
        assert_eq!(
            complete(&mut server, reference.clone(), argument, typed).await,
            expected,
            "{argument} {typed}"
        );
    }
    let schedule = json!({ "type": "ref/resource", "uri": "schedule://{date}" });
    let dates = complete(&mut server, schedule, "date", "").await;
    assert!(dates.as_array().unwrap().contains(&json!(data::today().to_string())), "{dates}");
}
