//! The sealed proofs of confirmations: used once, by whoever finishes, and for what was asked alone.

use rstest::rstest;
use serde_json::{Value, json};
use servicebay::domain::confirmation::{Deed, Proof, Secret, State};
use servicebay::domain::time::Timestamp;

use crate::confirming::{Client, accept, ask, invoice, payment};
use crate::data::with;
use crate::shop::{Database, Shop};

const PAY: &str = "create_payment";

async fn payments(shop: &Shop) -> i64 {
    shop.number("select count(*) from payments").await
}

#[rstest]
#[tokio::test]
async fn another_process_finishes_what_one_began(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
    #[values(Client::RoundTrip, Client::Token)] client: Client,
) {
    let shop = client.shop(database).await;
    let invoice_id = invoice(&shop).await;
    let mut first = client.server(&shop).await;
    let asked = ask(client, &mut first, PAY, payment(invoice_id, 40.0)).await;
    first.kill().await;
    let mut second = client.server(&shop).await;
    asked.answer(&mut second, accept()).await.success();
    assert_eq!(payments(&shop).await, 1);
}

#[rstest]
#[tokio::test]
async fn a_proof_is_good_for_one_call(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
    #[values(Client::RoundTrip, Client::Token)] client: Client,
) {
    let shop = client.shop(database).await;
    let invoice_id = invoice(&shop).await;
    let mut server = client.server(&shop).await;
    let first = with(payment(invoice_id, 40.0), "idempotency_key", "first");
    let mut asked = ask(client, &mut server, PAY, first).await;
    asked.answer(&mut server, accept()).await.success();
    // The same payment under a key of its own is another one, and needs another yes.
    asked.set_argument("idempotency_key", json!("second"));
    let replayed = asked.answer(&mut server, accept()).await;
    assert_eq!(replayed.refusal(), "invalid_argument");
    assert!(replayed.error().contains("used already"), "{replayed:?}");
    assert_eq!(payments(&shop).await, 1);
}

#[rstest]
#[tokio::test]
async fn of_two_processes_with_one_proof_one_acts(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    let client = Client::Token;
    let shop = client.shop(database).await;
    let invoice_id = invoice(&shop).await;
    let mut servers = Vec::new();
    for _ in 0..4 {
        servers.push(client.server(&shop).await);
    }
    let mut asked = ask(client, &mut servers[0], PAY, payment(invoice_id, 10.0)).await;
    let mut calls = Vec::new();
    for (index, server) in servers.iter_mut().enumerate() {
        asked.set_argument("idempotency_key", json!(format!("key {index}")));
        calls.push(asked.send_answer(server, accept()).await);
    }
    let mut done = 0;
    for (server, call) in servers.iter_mut().zip(calls) {
        let reply = server.reply(call).await;
        if reply.is_error {
            assert!(reply.error().contains("used already"), "{reply:?}");
        } else {
            done += 1;
        }
    }
    assert_eq!((done, payments(&shop).await), (1, 1));
}

#[rstest]
#[tokio::test]
async fn a_proof_for_other_arguments_or_a_changed_one_is_refused(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
    #[values(Client::RoundTrip, Client::Token)] client: Client,
) {
    let shop = client.shop(database).await;
    let invoice_id = invoice(&shop).await;
    let mut server = client.server(&shop).await;
    let mut asked = ask(client, &mut server, PAY, payment(invoice_id, 40.0)).await;
    let proof = asked.proof.as_str().unwrap().to_owned();
    for wrong in [proof.to_lowercase(), proof.replace('A', "B"), format!("{proof}A"), "x".into()] {
        if wrong != proof {
            asked.proof = json!(wrong);
            assert_eq!(asked.answer(&mut server, accept()).await.refusal(), "invalid_argument");
        }
    }
    asked.proof = json!(proof);
    asked.set_argument("amount", json!(41.0));
    let other = asked.answer(&mut server, accept()).await;
    assert!(other.error().contains("given out for these arguments"), "{other:?}");
    let (by, else_by) = match client {
        Client::Token => ("confirm_token", "requestState"),
        Client::RoundTrip | Client::Elicitation => ("requestState", "confirm_token"),
    };
    assert!(other.error().starts_with(by), "{other:?}");
    assert!(!other.envelope.to_string().contains(else_by), "{other:?}");
    assert_eq!(payments(&shop).await, 0);
    // Written otherwise, they are the same arguments.
    asked.set_argument("amount", json!("40"));
    asked.answer(&mut server, accept()).await.success();
    assert_eq!(payments(&shop).await, 1);
}

#[rstest]
#[tokio::test]
async fn a_proof_that_has_expired_leads_to_another_question(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    let client = Client::Token;
    let shop = client.shop(database).await;
    let invoice_id = invoice(&shop).await;
    let mut server = client.server(&shop).await;
    let mut asked = ask(client, &mut server, PAY, payment(invoice_id, 40.0)).await;
    let secret = shop.text("select secret from confirmation_secret").await;
    let secret = Secret::parse(&secret).unwrap();
    // What the server knows the arguments by is its own affair; a proof of it is found by its seal.
    let hash = shop_hash(json!({ "invoice_id": invoice_id, "amount": 40, "method": "cash" }));
    let deed = Deed { tool: PAY, arguments: &hash };
    let fresh = Proof::open(asked.proof.as_str().unwrap(), &secret, deed).expect("the proof");
    let now = Timestamp::from(chrono::Utc::now());
    assert!((1..=300).contains(&(fresh.expires_at.0 - now.0)), "{fresh:?}");
    let late = Proof { expires_at: now.plus_seconds(-1), ..fresh };
    asked.proof = json!(late.seal(&secret, deed));
    let reply = asked.answer(&mut server, accept()).await;
    assert_eq!(reply.refusal(), "invalid_argument");
    assert_eq!(payments(&shop).await, 0);
    asked.proof = reply.envelope["data"]["confirm_token"].clone();
    asked.answer(&mut server, accept()).await.success();
    let other = Proof { state: State::of("another"), nonce: [9; 12], ..fresh };
    asked.proof = json!(other.seal(&secret, deed));
    asked.set_argument("idempotency_key", json!("again"));
    let anew = asked.answer(&mut server, accept()).await;
    assert!(anew.envelope["data"]["confirm_token"].is_string(), "{anew:?}");
    assert_eq!(payments(&shop).await, 1);
}

/// SHA-256 of the arguments with their keys sorted.
fn shop_hash(mut arguments: Value) -> String {
    use sha2::Digest;
    arguments.sort_all_objects();
    let digest = sha2::Sha256::digest(arguments.to_string());
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[rstest]
#[tokio::test]
async fn a_confirmed_call_with_a_key_may_be_repeated(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
    #[values(Client::RoundTrip, Client::Token)] client: Client,
) {
    let shop = client.shop(database).await;
    let invoice_id = invoice(&shop).await;
    let mut server = client.server(&shop).await;
    let arguments = with(payment(invoice_id, 40.0), "idempotency_key", "a key");
    let asked = ask(client, &mut server, PAY, arguments.clone()).await;
    let first = asked.answer(&mut server, accept()).await;
    let again = asked.answer(&mut server, accept()).await;
    assert!(again.is_replayed());
    assert_eq!(again.success(), first.success());
    assert!(server.call(PAY, arguments).await.is_replayed());
    assert_eq!(payments(&shop).await, 1);
}

#[tokio::test]
async fn the_token_is_listed_where_calls_need_it() {
    for (confirm, expected) in [("always", 4), ("auto", 0), ("never", 0)] {
        let shop = Shop::open(Database::Sqlite).await.with_env("SERVICEBAY_CONFIRM", confirm);
        let mut server = shop.server().await;
        let listed = server.request("tools/list", json!({})).await;
        let tools = listed["result"]["tools"].as_array().unwrap();
        let has_token =
            |tool: &&Value| tool["inputSchema"]["properties"]["confirm_token"].is_object();
        assert_eq!(tools.iter().filter(has_token).count(), expected, "{confirm}");
        assert!(listed["result"].to_string().len() < 40_000);
    }
}

#[tokio::test]
async fn the_command_line_takes_a_token_too() {
    let shop = Client::Token.shop(Database::Sqlite).await;
    let arguments = payment(invoice(&shop).await, 40.0);
    let run = async |arguments: Value| {
        let output = shop.command().args(["call", PAY, &arguments.to_string()]).output().await;
        serde_json::from_slice::<Value>(&output.unwrap().stdout).unwrap()
    };
    let asked = run(arguments.clone()).await;
    assert_eq!(asked["success"], false, "{asked}");
    let token = asked["data"]["confirm_token"].clone();
    assert_eq!(run(with(arguments, "confirm_token", token)).await["success"], true);
    assert_eq!(payments(&shop).await, 1);
}
