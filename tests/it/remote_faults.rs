//! A CRM that fails in every way there is: what callers are told, and what they still learn.

use std::time::{Duration, Instant};

use rstest::rstest;
use serde_json::{Value, json};

use crate::data;
use crate::fake_api::{FakeApi, Fault};
use crate::fake_crm::{Crm, ann, ticket};
use crate::shop::{Database, Shop};

/// What fails, by a name, and the code of it; the last ones are made by hand.
const FAULTS: &[(&str, Option<Fault>, &str)] = &[
    ("silence", Some(Fault::Silence), "upstream_timeout"),
    ("trickle", Some(Fault::Trickle), "upstream_timeout"),
    ("reset", Some(Fault::Reset), "upstream_error"),
    ("endless", Some(Fault::Endless), "upstream_error"),
    ("status 500", Some(Fault::Status(500)), "upstream_error"),
    ("a web page and 502", Some(Fault::Status(502)), "upstream_error"),
    ("status 401", Some(Fault::Status(401)), "upstream_unauthorized"),
    ("status 403", Some(Fault::Status(403)), "upstream_unauthorized"),
    ("status 429", Some(Fault::Limited("120")), "upstream_rate_limited"),
    ("no JSON", Some(Fault::Says("<html>Hello</html>")), "upstream_error"),
    ("half a JSON", Some(Fault::Says("{\"id\": \"C-")), "upstream_error"),
    ("nothing", Some(Fault::Says("")), "upstream_error"),
    ("another shape", Some(Fault::Says("{\"status\": \"ok\"}")), "upstream_error"),
    ("a list of strings", Some(Fault::Says("[\"a\", \"b\"]")), "upstream_error"),
    ("somebody else", Some(Fault::Says("{\"id\": \"C-7\", \"name\": \"Eve\"}")), "upstream_error"),
    ("redirected", None, "upstream_error"),
    ("refused", None, "upstream_error"),
];

#[rstest]
#[tokio::test]
async fn each_fault_has_its_code_and_leaves_the_last_known_state(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    let crm = Crm::start().await;
    let elsewhere = FakeApi::start(|_| (200, ann())).await;
    crm.put_tickets("C-1", &[ticket("T-1", "open", 8)]);
    let shop = crm.shop(database).await;
    let known = shop.call("lookup_customer", json!({"crm_id": "C-1"})).await;
    let id = known.success()["customer"]["id"].clone();
    let tickets = json!({"customer_id": id});
    shop.call("get_customer_tickets", tickets.clone()).await.success();
    for (name, fault, code) in FAULTS {
        // A process of its own, whose circuit is closed.
        shop.restart().await;
        crm.api.fail(fault.clone());
        match *name {
            "refused" => crm.api.close().await,
            "redirected" => crm.api.fail(Some(Fault::Redirect(elsewhere.url()))),
            _ => {}
        }
        let reply = shop.call("lookup_customer", json!({"crm_id": "C-2"})).await;
        assert_eq!(reply.refusal(), *code, "{name}: {}", reply.envelope);
        let state = match *name {
            "status 401" | "status 403" => "does not let us in",
            "status 429" => "takes no more questions for the moment",
            "redirected" => "has moved to another address",
            "endless" | "no JSON" | "half a JSON" | "nothing" | "another shape"
            | "a list of strings" | "somebody else" => "gives no answer that can be used",
            _ => "does not answer",
        };
        for key in [json!({"crm_id": "C-1"}), json!({"email": "ann@example.com"})] {
            let reply = shop.call("lookup_customer", key).await;
            check_stale(&reply.envelope, (code, state), name);
            assert_eq!(reply.success()["customer"]["id"], id, "{name}");
            assert_eq!(reply.success()["customer"]["tier"], "premium", "{name}");
        }
        let reply = shop.call("get_customer_tickets", tickets.clone()).await;
        check_stale(&reply.envelope, (code, state), name);
        assert_eq!(reply.success()["tickets"][0]["crm_ticket_id"], "T-1", "{name}");
    }
    assert_eq!(elsewhere.count(), 0, "nobody is sent elsewhere");
    // And well again.
    shop.restart().await;
    crm.api.fail(None);
    crm.api.reopen().await;
    let reply = shop.call("lookup_customer", json!({"crm_id": "C-1"})).await;
    assert!(reply.success().get("stale").is_none(), "{}", reply.envelope);
}

#[track_caller]
fn check_stale(envelope: &Value, (code, state): (&str, &str), name: &str) {
    let data = &envelope["data"];
    assert_eq!(data["stale"], true, "{name}: {envelope:#}");
    let age = chrono::Utc::now().timestamp() - data::seconds(&data["as_of"]);
    assert!((0..600).contains(&age), "{name}: {envelope:#}");
    assert_eq!(data["stale_because"], code, "{name}");
    let message = envelope["message"].as_str().unwrap();
    let told = format!("{state}; this is what it said on");
    assert!(message.contains(&told), "{name}: {message}");
}

#[tokio::test]
async fn tickets_that_nobody_ever_listed_are_not_known() {
    let crm = Crm::start().await;
    let shop = crm.shop(Database::Sqlite).await;
    let known = shop.call("lookup_customer", json!({"crm_id": "C-1"})).await;
    let id = known.success()["customer"]["id"].clone();
    crm.api.fail(Some(Fault::Status(500)));
    let reply = shop.call("get_customer_tickets", json!({"customer_id": id})).await;
    assert_eq!(reply.refusal(), "upstream_error");
}

#[tokio::test]
async fn a_question_is_repeated_where_that_may_help() {
    let crm = Crm::start().await;
    let shop = crm.shop(Database::Sqlite).await.with_env("CRM_MAX_RETRIES", "2");
    for (status, requests) in [(503, 3), (501, 1), (400, 1)] {
        crm.api.fail(Some(Fault::Status(status)));
        let before = crm.api.count();
        let reply = shop.call("lookup_customer", json!({"crm_id": "C-2"})).await;
        assert_eq!(reply.refusal(), "upstream_error");
        // Repetitions have to fit into the limit of a second.
        let asked = crm.api.count() - before;
        assert!((1..=requests).contains(&asked), "{status}: {asked}");
        assert_eq!(asked > 1, requests > 1, "{status}: {asked}");
    }
}

#[tokio::test]
async fn after_five_failures_nobody_is_asked_until_one_probe_closes_the_circuit() {
    let crm = Crm::start().await;
    let shop = crm.shop(Database::Sqlite).await.with_env("CRM_MAX_RETRIES", "0");
    fail_five_times(&crm, &shop).await;
    let asked = crm.api.count();
    let reply = shop.call("lookup_customer", json!({"crm_id": "C-1"})).await;
    assert_eq!(reply.refusal(), "upstream_unavailable");
    assert_eq!(crm.api.count(), asked, "the sixth call is answered without a request");
    crm.api.fail(None);
    let opened = Instant::now();
    tokio::time::sleep(Duration::from_secs(61)).await;
    assert!(opened.elapsed() < Duration::from_secs(120), "a machine that stood still");
    // Of those who come at once, one probes; the others are told at once.
    crm.api.delay(Duration::from_millis(500));
    let mut server = shop.take_server().await;
    let mut calls = Vec::new();
    for number in 1..=4 {
        let key = json!({"crm_id": format!("C-{number}")});
        calls.push(server.send_call("lookup_customer", key).await);
    }
    let mut refused = 0;
    for call in calls {
        let reply = server.reply(call).await;
        refused += usize::from(reply.is_error);
    }
    assert_eq!((crm.api.count() - asked, refused), (1, 3));
    crm.api.delay(Duration::ZERO);
    let reply = server.call("lookup_customer", json!({"crm_id": "C-1"})).await;
    assert_eq!(reply.success()["found"], true);
}

async fn fail_five_times(crm: &Crm, shop: &Shop) {
    crm.api.fail(Some(Fault::Status(500)));
    let before = crm.api.count();
    for _ in 0..5 {
        let reply = shop.call("lookup_customer", json!({"crm_id": "C-1"})).await;
        assert_eq!(reply.refusal(), "upstream_error");
    }
    assert_eq!(crm.api.count() - before, 5);
}

#[tokio::test]
async fn what_only_the_settings_mend_is_told_to_the_log_as_well() {
    let crm = Crm::start().await;
    let shop = crm.shop(Database::Sqlite).await;
    for (fault, told) in [
        (Fault::Status(401), "refused the credentials"),
        (Fault::Redirect("https://crm.example".to_owned()), "redirects elsewhere (status 302)"),
    ] {
        let mut server = shop.server().await;
        crm.api.fail(None);
        server.call("lookup_customer", json!({"crm_id": "C-1"})).await.success();
        assert!(!server.stderr().contains(told), "{told}");
        crm.api.fail(Some(fault));
        let reply = server.call("lookup_customer", json!({"crm_id": "C-1"})).await;
        assert_eq!(reply.success()["stale"], true, "{told}");
        // The log is written beside the replies, and all of it before the end.
        server.close_stdin();
        server.wait_exit(data::EXIT_LIMIT).await;
        assert!(server.stderr().contains(told), "{told}: {}", server.stderr());
    }
}
