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
    let shop = Shop::open(Database::Sqlite).await;
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
    let shop = Shop::open(Database::Sqlite).await.with_env("SERVICEBAY_READ_ONLY", "true");
    assert_eq!(names(&shop).await, ["front_desk", "morning_briefing"]);
    let shop = Shop::open(Database::Sqlite).await.with_env("SERVICEBAY_PROFILE", "voice");
    assert_eq!(names(&shop).await, ["front_desk", "book_visit"]);
}
