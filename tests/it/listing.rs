//! The list of tools, which is what a model reads first.

use serde_json::{Value, json};

use crate::shop::{Database, Shop};

async fn tools(shop: &Shop) -> Vec<Value> {
    let mut server = shop.server().await;
    let listed = server.request("tools/list", json!({})).await;
    assert!(listed["result"].get("nextCursor").is_none(), "one page");
    listed["result"]["tools"].as_array().unwrap().clone()
}

/// Calls `check` with every schema inside `schema`, itself included, and its place.
fn walk(schema: &Value, place: &str, check: &mut impl FnMut(&Value, &str)) {
    check(schema, place);
    for (name, property) in schema["properties"].as_object().into_iter().flatten() {
        walk(property, &format!("{place}.{name}"), check);
    }
    for key in ["items", "additionalProperties"] {
        if schema[key].is_object() {
            walk(&schema[key], &format!("{place}.{key}"), check);
        }
    }
    for key in ["anyOf", "oneOf", "allOf"] {
        for (index, option) in schema[key].as_array().into_iter().flatten().enumerate() {
            walk(option, &format!("{place}.{key}[{index}]"), check);
        }
    }
}

/// What some client or model family cannot read.
fn check_portable(schema: &Value, place: &str) {
    for key in ["$ref", "$schema", "$defs"] {
        assert!(schema.get(key).is_none(), "{key} at {place}");
    }
    assert!(!schema["type"].is_array(), "a list of types at {place}");
    let is_number = ["integer", "number"].contains(&schema["type"].as_str().unwrap_or_default());
    assert!(!(is_number && schema.get("format").is_some()), "a number's format at {place}");
}

#[tokio::test]
async fn the_tool_list_is_the_agreed_one() {
    let shop = Shop::open(Database::Sqlite).await;
    insta::assert_json_snapshot!("tools", tools(&shop).await);
}

#[tokio::test]
async fn every_schema_is_portable() {
    let shop = Shop::open(Database::Sqlite).await;
    for tool in tools(&shop).await {
        for key in ["inputSchema", "outputSchema"] {
            let place = format!("{} {key}", tool["name"]);
            assert_eq!(tool[key]["type"], "object", "{place}");
            walk(&tool[key], &place, &mut check_portable);
        }
    }
}

#[tokio::test]
async fn every_argument_is_described() {
    let shop = Shop::open(Database::Sqlite).await;
    for tool in tools(&shop).await {
        let name = tool["name"].as_str().unwrap().to_owned();
        assert!(tool["description"].as_str().is_some_and(|text| !text.is_empty()), "{name}");
        walk(&tool["inputSchema"], &name, &mut |schema, place| {
            for (name, property) in schema["properties"].as_object().into_iter().flatten() {
                let text = property["description"].as_str().unwrap_or_default();
                assert!(!text.is_empty(), "no description of {place}.{name}");
            }
        });
    }
}

#[tokio::test]
async fn every_tool_has_its_title_and_all_hints() {
    let shop = Shop::open(Database::Sqlite).await;
    let tools = tools(&shop).await;
    for tool in &tools {
        let hints = &tool["annotations"];
        assert!(tool["title"].as_str().is_some_and(|text| !text.is_empty()), "{tool}");
        for hint in ["readOnlyHint", "destructiveHint", "idempotentHint", "openWorldHint"] {
            assert!(hints[hint].is_boolean(), "{hint} of {}", tool["name"]);
        }
        let contradiction = hints["readOnlyHint"] == true && hints["destructiveHint"] == true;
        assert!(!contradiction, "{}", tool["name"]);
    }
    for (name, hint, expected) in [
        ("lookup_customer", "readOnlyHint", true),
        ("get_available_slots", "readOnlyHint", true),
        ("create_customer", "readOnlyHint", false),
        ("book_appointment", "destructiveHint", false),
        ("cancel_appointment", "destructiveHint", true),
    ] {
        let tool = tools.iter().find(|tool| tool["name"] == name).expect(name);
        assert_eq!(tool["annotations"][hint], expected, "{hint} of {name}");
    }
}

#[tokio::test]
async fn a_read_only_server_lists_and_answers_only_reads() {
    let shop = Shop::open(Database::Sqlite).await;
    let all = tools(&shop).await;
    let shop = shop.with_env("SERVICEBAY_READ_ONLY", "true");
    let mut listed = tools(&shop).await;
    for tool in &all {
        let is_listed = listed.iter().any(|other| other["name"] == tool["name"]);
        assert_eq!(is_listed, tool["annotations"]["readOnlyHint"] == true, "{}", tool["name"]);
        if !is_listed {
            let reply = shop.call(tool["name"].as_str().unwrap(), json!({})).await;
            assert_eq!(reply.refusal(), "read_only", "{}", tool["name"]);
        }
    }
    listed.retain(|tool| tool["annotations"]["readOnlyHint"] != true);
    assert_eq!(listed, Vec::<Value>::new());
    assert_eq!(
        shop.call("lookup_customer", json!({ "customer_id": 1 })).await.success()["found"],
        false
    );
}

#[tokio::test]
async fn every_tool_is_in_one_toolset_and_only_there() {
    let shop = Shop::open(Database::Sqlite).await;
    let all = tools(&shop).await;
    let mut seen = Vec::new();
    for toolset in ["crm", "appointments", "vin", "billing", "inventory", "insights"] {
        let shop = Shop::open(Database::Sqlite).await.with_env("SERVICEBAY_TOOLSETS", toolset);
        let listed = tools(&shop).await;
        assert!(!listed.is_empty(), "{toolset}");
        let mut server = shop.server().await;
        let other = all.iter().find(|tool| !listed.contains(tool)).unwrap();
        let call = json!({ "name": other["name"], "arguments": {} });
        assert_eq!(server.request("tools/call", call).await["error"]["code"], -32602, "{toolset}");
        seen.extend(listed);
    }
    let name = |tool: &Value| tool["name"].as_str().unwrap().to_owned();
    let (mut seen, mut all): (Vec<_>, Vec<_>) =
        (seen.iter().map(name).collect(), all.iter().map(name).collect());
    seen.sort_unstable();
    all.sort_unstable();
    assert_eq!(seen, all);
}

#[tokio::test]
async fn an_unknown_toolset_stops_the_start() {
    let shop = Shop::open(Database::Sqlite).await.with_env("SERVICEBAY_TOOLSETS", "crm,bookings");
    let output = shop.command().arg("serve").output().await.unwrap();
    assert!(!output.status.success());
    let told = String::from_utf8(output.stderr).unwrap();
    for word in ["SERVICEBAY_TOOLSETS", "bookings", "appointments", "insights"] {
        assert!(told.contains(word), "{word} is missing of {told:?}");
    }
}

#[tokio::test]
async fn the_voice_profile_lists_at_most_ten_tools() {
    let shop = Shop::open(Database::Sqlite).await.with_env("SERVICEBAY_PROFILE", "voice");
    let tools = tools(&shop).await;
    let mut names: Vec<_> = tools.iter().map(|tool| tool["name"].as_str().unwrap()).collect();
    assert!(names.len() <= 10, "{} tools", names.len());
    names.sort_unstable();
    for name in [
        "lookup_customer",
        "get_available_slots",
        "hold_slot",
        "book_appointment",
        "get_upcoming_appointments",
        "reschedule_appointment",
        "cancel_appointment",
    ] {
        assert!(names.contains(&name), "{name} is missing of {names:?}");
    }
    assert!(!names.contains(&"bulk_update_appointments"), "nobody empties the shop by phone");
}

#[tokio::test]
async fn the_scheduling_tools_are_all_listed() {
    let shop = Shop::open(Database::Sqlite).await.with_env("SERVICEBAY_TOOLSETS", "appointments");
    let tools = tools(&shop).await;
    let mut names: Vec<_> = tools.iter().map(|tool| tool["name"].as_str().unwrap()).collect();
    names.sort_unstable();
    let expected = "book_appointment bulk_update_appointments cancel_appointment \
        get_available_slots get_calendar_conflicts get_due_reminders get_upcoming_appointments hold_slot \
        record_reminder release_hold reschedule_appointment search_appointments \
        update_appointment_status";
    assert_eq!(names.join(" "), expected);
    for tool in &tools {
        let hints = (&tool["annotations"]["readOnlyHint"], &tool["annotations"]["destructiveHint"]);
        let (reads, destroys) = match tool["name"].as_str().unwrap() {
            name if name.starts_with("get_") || name.starts_with("search_") => (true, false),
            "cancel_appointment" | "bulk_update_appointments" => (false, true),
            _ => (false, false),
        };
        assert_eq!(hints, (&reads.into(), &destroys.into()), "{tool}");
    }
}

#[tokio::test]
async fn the_tools_of_billing_stock_and_reports_are_listed_by_their_toolsets() {
    for (toolset, expected) in [
        ("billing", "create_invoice create_payment get_invoice get_invoices"),
        ("inventory", "adjust_stock check_stock create_product get_product search_products"),
        ("insights", "get_analytics"),
    ] {
        let shop = Shop::open(Database::Sqlite).await.with_env("SERVICEBAY_TOOLSETS", toolset);
        let tools = tools(&shop).await;
        let mut names: Vec<_> = tools.iter().map(|tool| tool["name"].as_str().unwrap()).collect();
        names.sort_unstable();
        assert_eq!(names.join(" "), expected);
        for tool in &tools {
            let name = tool["name"].as_str().unwrap();
            let reads = !["create_", "adjust_"].iter().any(|writes| name.starts_with(writes));
            assert_eq!(tool["annotations"]["readOnlyHint"], reads, "{name}");
            assert_eq!(tool["annotations"]["destructiveHint"], name == "create_payment", "{name}");
        }
    }
}

#[tokio::test]
async fn only_the_chosen_toolsets_are_listed() {
    let shop = Shop::open(Database::Sqlite).await.with_env("SERVICEBAY_TOOLSETS", "appointments");
    let tools = tools(&shop).await;
    let has = |name: &str| tools.iter().any(|tool| tool["name"] == name);
    assert!(has("book_appointment"));
    assert!(!has("create_customer"));
}
