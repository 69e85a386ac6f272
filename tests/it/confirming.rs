//! What cannot be undone is confirmed by the person first, in the way that the client knows.

use chrono::Weekday;
use rstest::rstest;
use serde_json::{Value, json};

use crate::data::{self, at, next_weekday, with};
use crate::reply::Reply;
use crate::server::Server;
use crate::shop::{Database, Shop};

/// How a client has its person asked.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Client {
    /// By a request of the server's while the call waits.
    Elicitation,
    /// By a result that asks, and a second call with the answer.
    RoundTrip,
    /// Not at all: the model reads the question aloud and calls again with a token.
    Token,
}

impl Client {
    /// A shop whose server has the person asked in this way.
    pub async fn shop(self, database: Database) -> Shop {
        let shop = Shop::open(database).await;
        match self {
            Self::Token => shop.with_env("SERVICEBAY_CONFIRM", "always"),
            Self::Elicitation | Self::RoundTrip => shop,
        }
    }

    /// A server that this client has greeted.
    pub async fn server(self, shop: &Shop) -> Server {
        let mut server = shop.raw_server();
        if self != Self::Token {
            server.declare(json!({ "elicitation": {} }));
        }
        match self {
            Self::RoundTrip => server.speak_modern(),
            Self::Elicitation | Self::Token => drop(server.initialize().await),
        }
        server
    }
}

/// The question that a call led to, to be answered.
pub struct Asked {
    client: Client,
    tool: &'static str,
    arguments: Value,
    /// The sentence that the person hears.
    pub sentence: String,
    /// What comes back with the answer; for an older client, the id of the server's request.
    pub proof: Value,
    call: u64,
}

/// Calls a tool, which has to lead to a question.
pub async fn ask(
    client: Client,
    server: &mut Server,
    tool: &'static str,
    arguments: Value,
) -> Asked {
    let call = server.send_call(tool, arguments.clone()).await;
    let asked = |sentence: &Value, proof: &Value| Asked {
        client,
        tool,
        arguments: arguments.clone(),
        sentence: sentence.as_str().unwrap_or_else(|| panic!("no question: {sentence}")).to_owned(),
        proof: proof.clone(),
        call,
    };
    match client {
        Client::Elicitation => {
            let request = server.next_line().await.unwrap();
            assert_eq!(request["method"], "elicitation/create", "{request}");
            check_form(&request["params"]);
            asked(&request["params"]["message"], &request["id"])
        }
        Client::RoundTrip => {
            let message = server.answer(call).await;
            let result = &message["result"];
            assert_eq!(result["resultType"], "input_required", "{message}");
            let request = &result["inputRequests"]["confirm"];
            assert_eq!(request["method"], "elicitation/create", "{message}");
            check_form(&request["params"]);
            asked(&request["params"]["message"], &result["requestState"])
        }
        Client::Token => {
            let reply = server.reply(call).await;
            assert_eq!(reply.refusal(), "invalid_argument");
            assert!(reply.error().contains("nothing was changed"), "{reply:?}");
            let data = &reply.envelope["data"];
            assert!(data["expires_at"].is_string(), "{reply:?}");
            asked(&reply.envelope["message"], &data["confirm_token"])
        }
    }
}

fn check_form(params: &Value) {
    let schema = &params["requestedSchema"];
    assert_eq!(schema["type"], "object", "{params}");
    assert_eq!(schema["properties"]["confirm"]["type"], "boolean", "{params}");
}

/// What a person does with a question.
pub fn accept() -> Value {
    json!({ "action": "accept", "content": { "confirm": true } })
}

impl Asked {
    /// Answers with another argument than the question was about.
    pub fn set_argument(&mut self, name: &str, value: Value) {
        self.arguments[name] = value;
    }

    /// Answers by the same server.
    pub async fn answer(&self, server: &mut Server, answer: Value) -> Reply {
        let call = self.send_answer(server, answer).await;
        server.reply(call).await
    }

    /// Answers with a yes that comes too late: the record has changed, and the person is asked anew.
    pub async fn accept_in_vain(self, server: &mut Server) -> Self {
        let call = self.send_answer(server, accept()).await;
        let (sentence, proof) = match self.client {
            Client::Elicitation => {
                let request = server.next_line().await.unwrap();
                (request["params"]["message"].clone(), request["id"].clone())
            }
            Client::RoundTrip => {
                let message = server.answer(call).await;
                let result = &message["result"];
                let question = &result["inputRequests"]["confirm"];
                (question["params"]["message"].clone(), result["requestState"].clone())
            }
            Client::Token => {
                let reply = server.reply(call).await;
                assert_eq!(reply.refusal(), "invalid_argument");
                let envelope = &reply.envelope;
                (envelope["message"].clone(), envelope["data"]["confirm_token"].clone())
            }
        };
        let sentence = sentence.as_str().expect("a question").to_owned();
        assert!(sentence.ends_with("This cannot be undone."), "{sentence}");
        Self { sentence, proof, ..self }
    }

    /// Has the client of an older era fail to ask.
    pub async fn fail(&self, server: &mut Server) -> Reply {
        let error = json!({ "code": -32603, "message": "no window to ask in" });
        let line = json!({ "jsonrpc": "2.0", "id": self.proof, "error": error });
        server.send_line(&line.to_string()).await;
        server.reply(self.call).await
    }

    /// Answers, perhaps by another server, without waiting; the id of the call that is answered.
    pub async fn send_answer(&self, server: &mut Server, answer: Value) -> u64 {
        match self.client {
            Client::Elicitation => {
                let line = json!({ "jsonrpc": "2.0", "id": self.proof, "result": answer });
                server.send_line(&line.to_string()).await;
                self.call
            }
            Client::RoundTrip => {
                let params = json!({
                    "name": self.tool, "arguments": self.arguments,
                    "inputResponses": { "confirm": answer }, "requestState": self.proof,
                });
                server.send_request("tools/call", params).await
            }
            Client::Token => {
                let arguments = with(self.arguments.clone(), "confirm_token", self.proof.clone());
                server.send_call(self.tool, arguments).await
            }
        }
    }
}

/// An invoice of 100.00.
pub async fn invoice(shop: &Shop) -> i64 {
    let line = json!({ "description": "Brake pads", "quantity": 1, "unit_price": 100 });
    let invoice = json!({ "customer_id": shop.customer().await, "line_items": [line] });
    let made = shop.call("create_invoice", invoice).await;
    made.success()["invoice"]["invoice_id"].as_i64().unwrap()
}

pub fn payment(invoice_id: i64, amount: f64) -> Value {
    json!({ "invoice_id": invoice_id, "amount": amount, "method": "cash" })
}

/// Each call that cannot be undone, with a query that counts what it has done.
pub async fn deeds(shop: &Shop) -> Vec<(&'static str, Value, String)> {
    let owner = shop.owner().await;
    let tuesday = next_weekday(Weekday::Tue, 1);
    let appointment_id = shop.appointment(owner, &at(tuesday, "09:00")).await;
    shop.appointment(owner, &at(tuesday, "14:00")).await;
    let (kept, merged) = (shop.customer().await, shop.customer().await);
    let invoice_id = invoice(shop).await;
    let cancelled = "select count(*) from appointments where status = 'cancelled' and id";
    let bulk = json!({
        "action": "cancel", "from": at(tuesday, "13:00"), "to": tuesday.to_string(),
        "reason": "The lift is broken", "dry_run": false,
    });
    vec![
        (
            "cancel_appointment",
            json!({ "appointment_id": appointment_id, "reason": "Sold the car" }),
            format!("{cancelled} = {appointment_id}"),
        ),
        ("bulk_update_appointments", bulk, format!("{cancelled} > {appointment_id}")),
        (
            "merge_customers",
            json!({ "keep_customer_id": kept, "merge_customer_id": merged }),
            format!("select count(*) from customers where id = {merged} and merged_into = {kept}"),
        ),
        (
            "create_payment",
            payment(invoice_id, 40.0),
            format!("select count(*) from payments where invoice_id = {invoice_id}"),
        ),
    ]
}

#[rstest]
#[tokio::test]
async fn what_cannot_be_undone_is_done_after_a_yes_alone(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
    #[values(Client::Elicitation, Client::RoundTrip, Client::Token)] client: Client,
) {
    let shop = client.shop(database).await;
    for (tool, arguments, done) in deeds(&shop).await {
        let mut server = client.server(&shop).await;
        let asked = ask(client, &mut server, tool, arguments.clone()).await;
        assert!(asked.sentence.ends_with("This cannot be undone."), "{}", asked.sentence);
        assert_eq!(shop.number(&done).await, 0, "{tool}");
        asked.answer(&mut server, accept()).await.success();
        assert_eq!(shop.number(&done).await, 1, "{tool}");
    }
}

#[rstest]
#[tokio::test]
async fn a_no_changes_nothing(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
    #[values(Client::Elicitation, Client::RoundTrip)] client: Client,
) {
    let shop = client.shop(database).await;
    for (tool, arguments, done) in deeds(&shop).await {
        let mut server = client.server(&shop).await;
        for no in [
            json!({ "action": "decline" }),
            json!({ "action": "cancel" }),
            json!({ "action": "accept", "content": { "confirm": false } }),
            json!({ "action": "accept", "content": { "confirm": "no" } }),
            json!({ "action": "accept", "content": {} }),
            json!({ "action": "accept" }),
        ] {
            let asked = ask(client, &mut server, tool, arguments.clone()).await;
            let reply = asked.answer(&mut server, no).await;
            assert_eq!(reply.refusal(), "invalid_argument", "{tool}");
            assert!(reply.message().contains("nothing was changed"), "{reply:?}");
        }
        assert_eq!(shop.number(&done).await, 0, "{tool}");
    }
}

#[rstest]
#[case::nobody_can_be_asked("auto", json!({}))]
#[case::nobody_is_to_be_asked("never", json!({ "elicitation": {} }))]
#[tokio::test]
async fn a_call_acts_at_once_where(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
    #[values(false, true)] is_modern: bool,
    #[case] confirm: &str,
    #[case] capabilities: Value,
) {
    let shop = Shop::open(database).await.with_env("SERVICEBAY_CONFIRM", confirm);
    for (tool, arguments, done) in deeds(&shop).await {
        let mut server = shop.raw_server();
        server.declare(capabilities.clone());
        if is_modern {
            server.speak_modern();
        } else {
            server.initialize().await;
        }
        server.call(tool, arguments).await.success();
        assert_eq!(shop.number(&done).await, 1, "{tool}");
    }
}

#[rstest]
#[tokio::test]
async fn nobody_is_asked_about_what_is_refused_anyway(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
    #[values(Client::Elicitation, Client::RoundTrip, Client::Token)] client: Client,
) {
    let shop = client.shop(database).await;
    let owner = shop.owner().await;
    let invoice_id = invoice(&shop).await;
    let appointment_id = shop.appointment(owner, &at(next_weekday(Weekday::Tue, 1), "09:00")).await;
    let mut server = client.server(&shop).await;
    let cancel = json!({ "appointment_id": appointment_id, "reason": "Sold" });
    let asked = ask(client, &mut server, "cancel_appointment", cancel.clone()).await;
    asked.answer(&mut server, accept()).await.success();
    for (tool, arguments, code) in [
        ("cancel_appointment", cancel, "already_cancelled"),
        (
            "cancel_appointment",
            json!({ "appointment_id": 999, "reason": "x" }),
            "appointment_not_found",
        ),
        ("cancel_appointment", json!({ "appointment_id": 999 }), "invalid_argument"),
        ("create_payment", payment(invoice_id, 100.01), "overpayment"),
        ("create_payment", payment(999, 1.0), "invoice_not_found"),
        (
            "merge_customers",
            json!({ "keep_customer_id": owner.customer_id, "merge_customer_id": 999 }),
            "customer_not_found",
        ),
    ] {
        assert_eq!(server.call(tool, arguments).await.refusal(), code, "{tool}");
    }
    let tuesday = next_weekday(Weekday::Tue, 1).to_string();
    let dry = json!({ "action": "cancel", "from": tuesday, "to": tuesday, "reason": "x" });
    assert_eq!(server.call("bulk_update_appointments", dry).await.success()["dry_run"], true);
}

#[rstest]
#[tokio::test]
async fn a_call_that_waits_for_its_person_keeps_nobody_waiting(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    let shop = Client::Elicitation.shop(database).await;
    let invoice_id = invoice(&shop).await;
    let mut server = Client::Elicitation.server(&shop).await;
    // More than may run at the same time.
    for _ in 0..40 {
        ask(Client::Elicitation, &mut server, "create_payment", payment(invoice_id, 1.0)).await;
    }
    let found = server.call("lookup_customer", json!({ "customer_id": 1 })).await;
    assert_eq!(found.success()["found"], true);
    server.close_stdin();
    server.wait_exit(data::EXIT_LIMIT).await;
    assert_eq!(shop.number("select count(*) from payments").await, 0);
}
