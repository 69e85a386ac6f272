//! Calls that are sent twice.

use chrono::Weekday;
use rstest::rstest;
use serde_json::json;

use crate::data::{self, at, next_weekday, with};
use crate::shop::{Database, Shop};

#[rstest]
#[tokio::test]
async fn the_same_key_returns_the_first_reply(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    let shop = Shop::open(database).await;
    let arguments = with(data::customer(), "idempotency_key", "k-1");
    let first = shop.call("create_customer", arguments.clone()).await;
    let again = shop.call("create_customer", arguments).await;
    assert!(!first.is_replayed());
    assert!(again.is_replayed());
    assert_eq!(again.success(), first.success());
    assert_eq!(again.message(), first.message());
}

#[rstest]
#[tokio::test]
async fn the_same_phone_number_is_the_same_however_it_is_written(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    let shop = Shop::open(database).await;
    let asked = |phone: &str| with(data::customer_with_phone(phone), "idempotency_key", "k-phone");
    let first = shop.call("create_customer", asked("(202) 555-0123")).await;
    let again = shop.call("create_customer", asked("+12025550123")).await;
    assert!(again.is_replayed(), "{again:?}");
    assert_eq!(again.success(), first.success());
    let other = shop.call("create_customer", asked("+12025550124")).await;
    assert_eq!(other.refusal(), "idempotency_conflict");
}

#[rstest]
#[tokio::test]
async fn the_first_reply_survives_a_restart(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    let shop = Shop::open(database).await;
    let id = shop.customer().await;
    let arguments = with(data::vehicle(id), "idempotency_key", "k-2");
    let first = shop.call("add_vehicle", arguments.clone()).await;
    shop.restart().await;
    let again = shop.call("add_vehicle", arguments).await;
    assert!(again.is_replayed());
    assert_eq!(again.success(), first.success());
}

#[rstest]
#[tokio::test]
async fn two_processes_with_one_key_write_once(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    let shop = Shop::open(database).await;
    let owner = shop.owner().await;
    let start = at(next_weekday(Weekday::Tue, 2), "10:00");
    let arguments = with(data::visit(owner, &start), "idempotency_key", "k-3");
    let (mut one, mut two) = (shop.server().await, shop.server().await);
    let (first, second) = tokio::join!(
        one.call("book_appointment", arguments.clone()),
        two.call("book_appointment", arguments),
    );
    assert_eq!(first.success()["appointment_id"], second.success()["appointment_id"]);
    assert!(first.is_replayed() != second.is_replayed());
    assert_eq!(shop.occupied_rows().await.len(), 1);
}

#[rstest]
#[tokio::test]
async fn the_same_key_with_other_arguments_conflicts(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    let shop = Shop::open(database).await;
    let arguments = with(data::customer(), "idempotency_key", "k-4");
    shop.call("create_customer", arguments.clone()).await.success();
    let other = with(arguments, "first_name", "Jane");
    let reply = shop.call("create_customer", other).await;
    assert_eq!(reply.refusal(), "idempotency_conflict");
}

#[rstest]
#[tokio::test]
async fn a_failure_is_not_kept(#[values(Database::Sqlite, Database::Postgres)] database: Database) {
    let shop = Shop::open(database).await;
    let phone = data::phone();
    let first = data::customer_with_phone(&phone);
    shop.call("create_customer", first.clone()).await.success();
    let second = with(first, "idempotency_key", "k-5");
    let refused = shop.call("create_customer", second.clone()).await;
    assert_eq!(refused.refusal(), "already_exists");
    let mended = with(second, "allow_shared_phone", true);
    let reply = shop.call("create_customer", mended).await;
    assert!(reply.success()["customer"]["id"].is_i64());
    assert!(!reply.is_replayed());
}

#[rstest]
#[tokio::test]
async fn a_key_has_at_most_200_characters(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    let shop = Shop::open(database).await;
    let with_key = |length| with(data::customer(), "idempotency_key", "k".repeat(length));
    shop.call("create_customer", with_key(200)).await.success();
    let reply = shop.call("create_customer", with_key(201)).await;
    assert_eq!(reply.refusal(), "invalid_argument");
}

#[rstest]
#[tokio::test]
async fn booking_the_same_visit_again_returns_it(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    let shop = Shop::open(database).await;
    let owner = shop.owner().await;
    let visit = data::visit(owner, &at(next_weekday(Weekday::Wed, 1), "09:00"));
    let first = shop.call("book_appointment", visit.clone()).await;
    shop.restart().await;
    let again = shop.call("book_appointment", visit).await;
    assert!(again.is_replayed());
    assert_eq!(again.success()["appointment_id"], first.success()["appointment_id"]);
    assert_eq!(shop.occupied_rows().await.len(), 1);
}

#[rstest]
#[tokio::test]
async fn a_cancelled_visit_can_be_booked_again(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    let shop = Shop::open(database).await;
    let owner = shop.owner().await;
    let start = at(next_weekday(Weekday::Wed, 1), "09:00");
    let first = shop.appointment(owner, &start).await;
    let cancel = json!({ "appointment_id": first, "reason": "the customer is ill" });
    shop.call("cancel_appointment", cancel).await.success();
    let again = shop.call("book_appointment", data::visit(owner, &start)).await;
    assert!(!again.is_replayed());
    assert_ne!(again.success()["appointment_id"], first);
}

#[rstest]
#[tokio::test]
async fn a_key_with_a_control_character_is_refused(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    let shop = Shop::open(database).await;
    for key in ["a\u{0}", "a\u{1b}b"] {
        let arguments = data::with(data::customer(), "idempotency_key", key);
        assert_eq!(shop.call("create_customer", arguments).await.refusal(), "invalid_argument");
    }
}
