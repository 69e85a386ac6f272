//! What an answer is worth: a no is the last word, and a yes is about what will happen.

use chrono::Weekday;
use rstest::rstest;
use serde_json::json;

use crate::confirming::{Client, accept, ask, deeds, invoice, payment};
use crate::data::{at, next_weekday, with};
use crate::shop::{Database, Shop};

#[rstest]
#[tokio::test]
async fn after_a_no_the_same_question_has_no_yes(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    let shop = Client::RoundTrip.shop(database).await;
    for (tool, arguments, done) in deeds(&shop).await {
        let mut server = Client::RoundTrip.server(&shop).await;
        let asked = ask(Client::RoundTrip, &mut server, tool, arguments).await;
        let no = asked.answer(&mut server, json!({ "action": "decline" })).await;
        assert_eq!(no.refusal(), "invalid_argument", "{tool}");
        // Another process knows of it, too.
        let mut other = Client::RoundTrip.server(&shop).await;
        let yes = asked.answer(&mut other, accept()).await;
        assert!(yes.error().contains("requestState was used already"), "{tool}: {yes:?}");
        assert_eq!(shop.number(&done).await, 0, "{tool}");
    }
}

#[rstest]
#[tokio::test]
async fn a_no_after_a_yes_does_not_say_that_nothing_was_done(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    let shop = Client::RoundTrip.shop(database).await;
    let invoice_id = invoice(&shop).await;
    let mut server = Client::RoundTrip.server(&shop).await;
    let pay = payment(invoice_id, 40.0);
    let asked = ask(Client::RoundTrip, &mut server, "create_payment", pay).await;
    asked.answer(&mut server, accept()).await.success();
    let no = asked.answer(&mut server, json!({ "action": "decline" })).await;
    assert!(no.error().contains("used already"), "{no:?}");
    assert_eq!(shop.number("select count(*) from payments").await, 1);
}

#[rstest]
#[tokio::test]
async fn a_client_that_fails_to_ask_has_asked_nobody(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
    #[values(Client::Elicitation, Client::RoundTrip)] client: Client,
) {
    let shop = client.shop(database).await;
    let invoice_id = invoice(&shop).await;
    let mut server = client.server(&shop).await;
    let pay = payment(invoice_id, 40.0);
    let asked = ask(client, &mut server, "create_payment", pay).await;
    let reply = match client {
        Client::RoundTrip => asked.answer(&mut server, json!("no window to ask in")).await,
        Client::Elicitation | Client::Token => asked.fail(&mut server).await,
    };
    assert_eq!(reply.refusal(), "invalid_argument");
    assert!(reply.message().contains("Nobody could be asked"), "{reply:?}");
    assert!(reply.envelope["hint"].as_str().unwrap().contains("SERVICEBAY_CONFIRM=always"));
    assert_eq!(shop.number("select count(*) from payments").await, 0);
}

#[rstest]
#[tokio::test]
async fn a_client_that_fails_to_ask_gets_a_token_where_it_is_always_confirmed(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    // The environment is that of a client with tokens, and the client says that it can ask.
    let shop = Client::Token.shop(database).await;
    let pay = payment(invoice(&shop).await, 40.0);
    let mut server = Client::Elicitation.server(&shop).await;
    let asked = ask(Client::Elicitation, &mut server, "create_payment", pay.clone()).await;
    let reply = asked.fail(&mut server).await;
    assert_eq!(reply.message(), asked.sentence);
    assert_eq!(shop.number("select count(*) from payments").await, 0);
    let made_up = with(pay.clone(), "confirm_token", "yes");
    let refused = server.call("create_payment", made_up).await;
    assert!(refused.error().starts_with("confirm_token is not one"), "{refused:?}");
    let token = reply.envelope["data"]["confirm_token"].clone();
    server.call("create_payment", with(pay, "confirm_token", token)).await.success();
    assert_eq!(shop.number("select count(*) from payments").await, 1);
}

#[rstest]
#[tokio::test]
async fn an_answer_that_is_neither_yes_nor_no_is_told_what_a_yes_is(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
    #[values(Client::Elicitation, Client::RoundTrip)] client: Client,
) {
    let shop = client.shop(database).await;
    let invoice_id = invoice(&shop).await;
    let mut server = client.server(&shop).await;
    for content in [json!({ "confirm": "yes" }), json!({})] {
        let pay = payment(invoice_id, 40.0);
        let asked = ask(client, &mut server, "create_payment", pay).await;
        let answer = json!({ "action": "accept", "content": content });
        let reply = asked.answer(&mut server, answer).await;
        assert_eq!(reply.refusal(), "invalid_argument");
        assert!(reply.error().contains("must be true or false"), "{reply:?}");
    }
    assert_eq!(shop.number("select count(*) from payments").await, 0);
}

#[rstest]
#[tokio::test]
async fn the_person_is_asked_about_those_visits_that_can_be_moved(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
    #[values(Client::Elicitation, Client::RoundTrip, Client::Token)] client: Client,
) {
    let shop = client.shop(database).await;
    let (friday, saturday) = (next_weekday(Weekday::Fri, 2), next_weekday(Weekday::Sat, 2));
    let friday = if friday > saturday { friday - chrono::Days::new(7) } else { friday };
    let owner = shop.owner().await;
    let moving = shop.appointment(owner, &at(friday, "09:00")).await;
    let staying = shop.appointment(owner, &at(friday, "15:30")).await;
    let mut server = client.server(&shop).await;
    let tool = "bulk_update_appointments";
    let shift = |from: &str, days: i64| {
        json!({ "action": "reschedule", "from": at(friday, from), "to": friday.to_string(),
            "shift_days": days, "dry_run": false })
    };
    // On Saturdays the shop closes at three.
    let refused = server.call(tool, shift("15:00", 1)).await;
    assert_eq!(refused.success()["failed"][0]["code"], "outside_business_hours");
    let asked = ask(client, &mut server, tool, shift("08:00", 1)).await;
    assert!(asked.sentence.contains("move the visit on Friday"), "{}", asked.sentence);
    assert!(asked.sentence.contains("9:00 AM 1 day later?"), "{}", asked.sentence);
    let moved = asked.answer(&mut server, accept()).await;
    assert_eq!(moved.success()["appointment_ids"], json!([moving]));
    assert_eq!(moved.success()["failed"][0]["appointment_id"], staying);
    let back = json!({ "action": "reschedule", "from": saturday.to_string(),
        "to": saturday.to_string(), "shift_days": -1, "dry_run": false });
    let asked = ask(client, &mut server, tool, back).await;
    assert!(
        asked.sentence.ends_with("1 day earlier? This cannot be undone."),
        "{}",
        asked.sentence
    );
}

#[rstest]
#[case::auto("auto")]
#[case::never("never")]
#[tokio::test]
async fn a_token_that_is_not_listed_is_an_unknown_argument(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
    #[case] confirm: &str,
) {
    let shop = Shop::open(database).await.with_env("SERVICEBAY_CONFIRM", confirm);
    let pay = with(payment(invoice(&shop).await, 40.0), "confirm_token", "made up");
    let reply = shop.call("create_payment", pay).await;
    assert_eq!(reply.refusal(), "invalid_argument");
    assert!(reply.error().starts_with("there is no argument confirm_token"), "{reply:?}");
    assert_eq!(shop.number("select count(*) from payments").await, 0);
}
