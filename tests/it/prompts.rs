//! Prompts.

use rstest::rstest;
use serde_json::{Value, json};

use crate::shop::{Database, Shop};

async fn names(shop: &Shop) -> Vec<String> {
    let mut server = shop.server().await;
    let answer = server.request("prompts/list", json!({})).await;
    let prompts = answer["result"]["prompts"].as_array().unwrap();
    prompts.iter().map(|prompt| prompt["name"].as_str().unwrap().to_owned()).collect()
}

fn text(answer: &Value) -> &str {
    let messages = answer["result"]["messages"].as_array().unwrap_or_else(|| panic!("{answer}"));
    assert_eq!(messages.len(), 1, "{answer}");
    assert_eq!(messages[0]["role"], "user", "{answer}");
    messages[0]["content"]["text"].as_str().unwrap()
}

#[rstest]
#[tokio::test]
async fn a_prompt_is_written_with_its_arguments(#[values(false, true)] is_modern: bool) {
    let shop = Shop::open(Database::Sqlite).await.with_env("SHOP_BAYS", "North,South");
    let mut server = shop.raw_server();
    if is_modern {
        server.speak_modern();
    } else {
        server.initialize().await;
    }
    let listed = server.request("prompts/list", json!({})).await;
    for prompt in listed["result"]["prompts"].as_array().unwrap() {
        assert!(prompt["title"].is_string() && prompt["description"].is_string(), "{prompt}");
        for argument in prompt["arguments"].as_array().into_iter().flatten() {
            assert!(argument["description"].is_string(), "{argument}");
        }
    }
    let policy = server.request("prompts/get", json!({ "name": "front_desk" })).await;
    for word in ["service adviser", "clear yes", "never an instruction"] {
        assert!(text(&policy).contains(word), "{word}");
    }
    let arguments =
        json!({ "customer": "Ann Lee", "service_type": "oil_change", "date": "Friday" });
    let visit = json!({ "name": "book_visit", "arguments": arguments });
    let visit = server.request("prompts/get", visit).await;
    assert!(
        text(&visit).starts_with("Book a visit for Ann Lee for the service oil_change on Friday.")
    );
    let bare = server.request("prompts/get", json!({ "name": "book_visit" })).await;
    assert!(text(&bare).starts_with("Book a visit.\n"));
    let briefing = json!({ "name": "morning_briefing", "arguments": { "bay": "North" } });
    let briefing = server.request("prompts/get", briefing).await;
    assert!(text(&briefing).starts_with("Brief the shop for today, bay North only."));
    assert!(text(&briefing).contains("get_due_reminders"));
}

#[tokio::test]
async fn an_unknown_prompt_is_a_protocol_error() {
    let shop = Shop::open(Database::Sqlite).await;
    let mut server = shop.server().await;
    for params in [json!({ "name": "wash_car" }), json!({}), json!({ "name": 7 })] {
        let answer = server.request("prompts/get", params).await;
        assert_eq!(answer["error"]["code"], -32602, "{answer}");
    }
}

#[tokio::test]
async fn a_prompt_needs_the_tools_that_it_speaks_of() {
    let all = ["front_desk", "book_visit", "morning_briefing"];
    let shop = Shop::open(Database::Sqlite).await;
    assert_eq!(names(&shop).await, all);
    let shop = shop.with_env("SERVICEBAY_TOOLSETS", "crm,vin");
    assert_eq!(names(&shop).await, ["front_desk"]);
    let mut server = shop.server().await;
    let answer = server.request("prompts/get", json!({ "name": "book_visit" })).await;
    assert_eq!(answer["error"]["code"], -32602, "{answer}");
    // Nobody is found by name there, and where VINs alone are decoded, there is no front desk.
    for (toolsets, listed) in
        [("appointments", &["front_desk", "morning_briefing"][..]), ("vin", &[]), ("billing", &[])]
    {
        let shop = Shop::open(Database::Sqlite).await.with_env("SERVICEBAY_TOOLSETS", toolsets);
        assert_eq!(names(&shop).await, listed, "{toolsets}");
    }
    let shop = Shop::open(Database::Sqlite).await.with_env("SERVICEBAY_READ_ONLY", "true");
    assert_eq!(names(&shop).await, ["front_desk", "morning_briefing"]);
    let shop = Shop::open(Database::Sqlite).await.with_env("SERVICEBAY_PROFILE", "voice");
    assert_eq!(names(&shop).await, ["front_desk", "book_visit"]);
}

#[rstest]
#[case("SERVICEBAY_TOOLSETS", "appointments", &["Look the caller up"], &["Ask for the name", "Hold the"])]
#[case("SERVICEBAY_TOOLSETS", "crm", &["Offer, say back", "Before you cancel", "soonest time",
    "the schedule"], &["Look the caller up", "No bookings"])]
#[case("SERVICEBAY_PROFILE", "full", &["No bookings"], &["Look the caller up", "Offer, say back",
    "Before you cancel", "soonest time", "the schedule alone", "Hold the"])]
#[tokio::test]
async fn the_policy_speaks_of_what_can_be_done_here(
    #[case] setting: &str,
    #[case] value: &str,
    #[case] unsaid: &[&str],
    #[case] said: &[&str],
) {
    let shop = Shop::open(Database::Sqlite).await.with_env(setting, value);
    let mut server = shop.server().await;
    let policy = server.request("prompts/get", json!({ "name": "front_desk" })).await;
    let policy = text(&policy);
    for word in unsaid {
        assert!(!policy.contains(word), "{word}: {policy}");
    }
    for word in said {
        assert!(policy.contains(word), "{word}: {policy}");
    }
    assert!(!policy.contains(['{', '}']) && !policy.contains("\n\n\n"), "{policy}");
}

#[rstest]
#[case("book_visit", "service_type", "washing", "oil_change")]
#[case("book_visit", "date", "someday", "Friday")]
#[case("book_visit", "date", "2027-02-30", "calendar")]
#[case("book_visit", "customer", "Ann\u{7}Lee", "one line")]
#[case("book_visit", "customer", &"x".repeat(201), "200 characters")]
#[case("book_visit", "vehicle", "Accord", "customer, service_type, date")]
#[case("morning_briefing", "status", "late", "no_show")]
#[case("morning_briefing", "bay", "West", "North, South")]
#[case("morning_briefing", "date", "yesterdayish", "2027-01-15")]
#[case("front_desk", "date", "today", "takes none")]
#[tokio::test]
async fn what_makes_no_sense_is_refused_with_the_way_out(
    #[case] name: &str,
    #[case] argument: &str,
    #[case] value: &str,
    #[case] way_out: &str,
) {
    let shop = Shop::open(Database::Sqlite).await.with_env("SHOP_BAYS", "North,South");
    let mut server = shop.server().await;
    let params = json!({ "name": name, "arguments": { argument: value } });
    let answer = server.request("prompts/get", params).await;
    assert_eq!(answer["error"]["code"], -32602, "{answer}");
    let message = answer["error"]["message"].as_str().unwrap();
    assert!(message.contains(argument) && message.contains(way_out), "{message}");
}

#[tokio::test]
async fn what_is_meant_is_read_as_such() {
    let shop = Shop::open(Database::Sqlite).await.with_env("SHOP_BAYS", "North,South");
    let mut server = shop.server().await;
    let arguments = json!({ "service_type": "Oil change", "date": " ", "customer": null });
    let visit = json!({ "name": "book_visit", "arguments": arguments });
    let visit = server.request("prompts/get", visit).await;
    assert!(text(&visit).starts_with("Book a visit for the service oil_change.\n"), "{visit}");
    let arguments = json!({ "bay": "north", "status": "no show" });
    let day = json!({ "name": "morning_briefing", "arguments": arguments });
    let day = server.request("prompts/get", day).await;
    assert!(text(&day).contains("bay North only, visits with the status no_show only"), "{day}");
}
