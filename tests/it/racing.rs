//! Holds and bulk changes by several processes at once, and by processes that end.

use chrono::Weekday;
use rstest::rstest;
use serde_json::json;
use tokio::task::JoinSet;

use crate::bulk_progress::{fill, moving, reply_and_progress};
use crate::data::{self, EXIT_LIMIT, at, hold, next_weekday, visit, with, without};
use crate::server::Server;
use crate::shop::{Database, Owner, Shop};

const TIMES: [&str; 7] = ["09:00", "09:20", "10:15", "10:50", "13:00", "13:35", "14:20"];

/// Pairs of reservations of one bay or technician that overlap.
const OVERLAPS: &str = "select count(*) from reservations r join reservations s \
    on r.resource_id = s.resource_id and r.id < s.id \
    and r.starts_at < s.ends_at and s.starts_at < r.ends_at";
/// Appointments whose bay is reserved for just their time.
const RESERVED: &str = "select count(*) from appointments a join reservations r \
    on r.appointment_id = a.id and r.resource_id = a.bay_id and r.starts_at = a.starts_at \
    and r.ends_at = a.reserved_until where a.status in ('scheduled', 'confirmed', 'in_progress')";
/// Reservations of appointments.
const OF_APPOINTMENTS: &str = "select count(*) from reservations where appointment_id is not null";

/// How many visits of `fill` start in the given week after the one that it filled.
async fn in_week(shop: &Shop, week: i64) -> i64 {
    let monday = json!(data::out(next_weekday(Weekday::Mon, 1), "00:00"));
    let start = data::seconds(&monday) + week * 7 * 86_400 - 3600;
    let end = start + 7 * 86_400;
    let sql = "select count(*) from appointments where starts_at";
    shop.number(&format!("{sql} >= {start} and starts_at < {end}")).await
}

/// Holds times, and books, moves or releases what it holds.
async fn hold_and_book(mut server: Server, owner: Owner, seed: usize) {
    for round in 0..8 {
        let day = next_weekday(Weekday::Mon, 1);
        let start = at(day, TIMES[(seed * 3 + round) % TIMES.len()]);
        let reply = server.call("hold_slot", hold(&start)).await;
        if reply.is_error {
            assert_eq!(reply.refusal(), "slot_unavailable");
            continue;
        }
        let hold_id = reply.success()["hold_id"].clone();
        if round % 3 == 0 {
            let release = json!({ "hold_id": hold_id });
            server.call("release_hold", release).await.success();
            continue;
        }
        let arguments = with(without(visit(owner, ""), "scheduled_at"), "hold_id", hold_id);
        let reply = server.call("book_appointment", arguments).await;
        // Nobody else can take a held time; only the vehicle may be elsewhere.
        if reply.is_error {
            assert_eq!(reply.refusal(), "duplicate_appointment");
        }
    }
}

#[rstest]
#[tokio::test]
async fn a_held_time_is_never_lost_to_another_process(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    let shop = Shop::open(database).await.with_env("SHOP_BAYS", "2");
    let mut tasks = JoinSet::new();
    for seed in 0..6 {
        tasks.spawn(hold_and_book(shop.server().await, shop.owner().await, seed));
    }
    tasks.join_all().await;
    assert_eq!(shop.number(OVERLAPS).await, 0);
    let booked = shop.occupied_rows().await.len();
    assert!(booked >= 2, "the test books something");
    assert_eq!(shop.number(RESERVED).await, i64::try_from(booked).unwrap());
    let holds = shop.number("select count(*) from holds").await;
    let held = "select count(*) from reservations where hold_id is not null";
    assert_eq!(shop.number(held).await, holds);
}

#[rstest]
#[tokio::test]
async fn a_hold_that_six_processes_book_makes_one_visit(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
    #[values(false, true)] is_one_customer: bool,
) {
    let shop = Shop::open(database).await;
    let start = at(next_weekday(Weekday::Thu, 1), "10:00");
    let hold_id = shop.call("hold_slot", hold(&start)).await.success()["hold_id"].clone();
    let one = shop.owner().await;
    let mut tasks = JoinSet::new();
    for _ in 0..6 {
        let owner = if is_one_customer { one } else { shop.owner().await };
        let arguments = without(visit(owner, ""), "scheduled_at");
        let arguments = with(arguments, "hold_id", hold_id.clone());
        let mut server = shop.server().await;
        tasks.spawn(async move { server.call("book_appointment", arguments).await });
    }
    let replies = tasks.join_all().await;
    let refused: Vec<_> = replies.iter().filter(|reply| reply.is_error).collect();
    assert!(refused.iter().all(|reply| reply.refusal() == "hold_not_found"));
    assert_eq!(refused.len(), if is_one_customer { 0 } else { 5 });
    let fresh = replies.iter().filter(|reply| !reply.is_error && !reply.is_replayed());
    assert_eq!(fresh.count(), 1);
    assert_eq!(shop.occupied_rows().await.len(), 1);
}

#[rstest]
#[tokio::test]
async fn a_repeated_bulk_move_moves_no_visit_twice(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    let shop = Shop::open(database).await;
    fill(&shop, 60).await;
    let (mut one, mut two) = (shop.server().await, shop.server().await);
    let (first, second) = (
        one.send_request("tools/call", moving(None)).await,
        two.send_request("tools/call", moving(None)).await,
    );
    let (first, second) = (one.reply(first).await, two.reply(second).await);
    let changed = |reply: &crate::reply::Reply| reply.success()["changed"].as_i64().unwrap();
    assert_eq!(in_week(&shop, 2).await, 0, "a visit of the first week belongs in the second");
    assert_eq!(in_week(&shop, 1).await, 60);
    assert_eq!(changed(&first) + changed(&second), 60, "{} {}", first.envelope, second.envelope);
    for reply in [first, second] {
        let failed = reply.success()["failed"].as_array().unwrap();
        assert!(failed.iter().all(|item| item["code"] == "appointment_not_found"), "{failed:?}");
    }
}

#[rstest]
#[tokio::test]
async fn a_visit_that_was_moved_out_of_the_time_meanwhile_is_left_alone(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
    #[values("reschedule", "cancel")] action: &str,
) {
    let shop = Shop::open(database).await;
    fill(&shop, 80).await;
    let (mut one, mut two) = (shop.server().await, shop.server().await);
    two.call("get_due_reminders", json!({})).await.success();
    let mut call = moving(Some("p-1"));
    // Moves forward begin with the last visit, so that each is done at the end.
    let waiting = if action == "reschedule" {
        shop.number("select min(id) from appointments").await
    } else {
        let arguments = without(call["arguments"].clone(), "shift_days");
        call["arguments"] = with(with(arguments, "action", action), "reason", "flooded");
        shop.number("select max(id) from appointments").await
    };
    let id = one.send_request("tools/call", call).await;
    assert_eq!(one.next_line().await.unwrap()["method"], "notifications/progress");
    let elsewhere = at(next_weekday(Weekday::Wed, 4), "09:00");
    let to = json!({ "appointment_id": waiting, "new_datetime": elsewhere });
    let moved = two.call("reschedule_appointment", to).await;
    let chosen = data::seconds(&moved.success()["new_datetime"]);
    reply_and_progress(&mut one, id).await.0.success();
    let is_there = format!(
        "select count(*) from appointments \
         where id = {waiting} and starts_at = {chosen} and status = 'scheduled'"
    );
    assert_eq!(shop.number(&is_there).await, 1, "the visit is where its customer wanted it");
}

#[rstest]
#[tokio::test]
async fn others_can_book_while_many_visits_are_rehearsed_and_moved(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
    #[values(true, false)] dry_run: bool,
) {
    let shop = Shop::open(database).await;
    fill(&shop, 400).await;
    let (mut one, mut two, owner) = (shop.server().await, shop.server().await, shop.owner().await);
    let mut call = moving(Some("p-1"));
    call["arguments"]["dry_run"] = dry_run.into();
    let id = one.send_request("tools/call", call).await;
    assert_eq!(one.next_line().await.unwrap()["method"], "notifications/progress");
    for time in ["09:00", "10:00", "11:00"] {
        let start = at(next_weekday(Weekday::Thu, 5), time);
        two.call("book_appointment", visit(owner, &start)).await.success();
    }
    let (reply, _) = reply_and_progress(&mut one, id).await;
    assert_eq!(reply.success()["changed"], 400, "{}", reply.message());
}

#[rstest]
#[case::killed(true)]
#[case::without_input(false)]
#[tokio::test]
async fn a_process_that_ends_in_a_bulk_move_leaves_no_visit_half_moved(
    #[case] is_killed: bool,
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    let shop = Shop::open(database).await;
    fill(&shop, 420).await;
    let mut server = shop.server().await;
    server.send_request("tools/call", moving(Some("p-1"))).await;
    assert_eq!(server.next_line().await.unwrap()["method"], "notifications/progress");
    if is_killed {
        server.kill().await;
    } else {
        server.close_stdin();
        server.wait_exit(EXIT_LIMIT).await;
    }
    let (stayed, moved) = (in_week(&shop, 0).await, in_week(&shop, 1).await);
    assert_eq!(stayed + moved, 420);
    assert!(moved >= 1, "what was told was done");
    assert_eq!(shop.number(RESERVED).await, 420);
    assert_eq!(shop.number(OF_APPOINTMENTS).await, 420);
    let mut server = shop.server().await;
    let id = server.send_request("tools/call", moving(None)).await;
    assert_eq!(server.reply(id).await.success()["changed"], stayed);
}
