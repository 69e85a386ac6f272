//! Several processes on one database.

use std::collections::BTreeSet;

use chrono::Weekday;
use rstest::rstest;
use serde_json::json;
use tokio::task::JoinSet;

use crate::data::{self, at, next_weekday, visit};
use crate::server::Server;
use crate::shop::{Database, Occupied, Owner, Shop};

const PROCESSES: usize = 6;
const ROUNDS: usize = 12;

/// Off the grid, so that visits of an hour overlap in every way.
const TIMES: [&str; 8] = ["09:00", "09:20", "09:45", "10:15", "10:50", "13:00", "13:35", "14:20"];

fn assert_no_overlap(rows: &[Occupied]) {
    for pair in rows.windows(2) {
        let apart = pair[0].bay_id != pair[1].bay_id || pair[0].ends_at <= pair[1].starts_at;
        assert!(apart, "overlap: {pair:?}");
    }
}

/// Books and moves until the rounds are over; the ids of what was booked.
async fn hammer(mut server: Server, owners: Vec<Owner>, seed: usize) -> BTreeSet<i64> {
    let mut booked = BTreeSet::new();
    for round in 0..ROUNDS {
        let day = next_weekday(Weekday::Mon, 1 + (round % 2) as u64);
        let start = at(day, TIMES[(seed * 5 + round * 3) % TIMES.len()]);
        let owner = owners[round % owners.len()];
        let reply = server.call("book_appointment", visit(owner, &start)).await;
        if reply.is_error {
            let code = reply.refusal();
            assert!(["slot_unavailable", "duplicate_appointment"].contains(&code), "{code}");
        } else {
            booked.insert(reply.success()["appointment_id"].as_i64().unwrap());
        }
        let Some(id) = booked.first() else { continue };
        let elsewhere = at(day, TIMES[(seed + round) % TIMES.len()]);
        let arguments = json!({ "appointment_id": id, "new_datetime": elsewhere });
        let reply = server.call("reschedule_appointment", arguments).await;
        let code = reply.envelope["code"].as_str();
        let fine = [None, Some("slot_unavailable"), Some("duplicate_appointment")].contains(&code);
        assert!(fine, "{code:?}");
    }
    booked
}

#[rstest]
#[tokio::test]
async fn six_processes_never_overlap(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    let shop = Shop::open(database).await.with_env("SHOP_BAYS", "2");
    let mut tasks = JoinSet::new();
    for seed in 0..PROCESSES {
        let owners = vec![shop.owner().await, shop.owner().await];
        tasks.spawn(hammer(shop.server().await, owners, seed));
    }
    let booked: Vec<_> = tasks.join_all().await.into_iter().flatten().collect();
    let rows = shop.occupied_rows().await;
    assert_no_overlap(&rows);
    assert_eq!(rows.len(), booked.len(), "what was acknowledged is there, and nothing else");
    assert!(rows.len() >= 6, "the test books something: {rows:?}");
}

#[rstest]
#[tokio::test]
async fn one_slot_goes_to_one_of_six_processes(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    let shop = Shop::open(database).await;
    let start = at(next_weekday(Weekday::Thu, 1), "10:00");
    let mut tasks = JoinSet::new();
    for _ in 0..PROCESSES {
        let (mut server, owner) = (shop.server().await, shop.owner().await);
        let arguments = visit(owner, &start);
        tasks.spawn(async move { server.call("book_appointment", arguments).await });
    }
    let replies = tasks.join_all().await;
    let refused = replies.iter().filter(|reply| reply.is_error);
    assert!(refused.clone().all(|reply| reply.refusal() == "slot_unavailable"));
    assert_eq!(refused.count(), PROCESSES - 1);
    assert_eq!(shop.occupied_rows().await.len(), 1);
}

#[rstest]
#[tokio::test]
async fn six_processes_may_start_on_an_empty_database(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    let shop = Shop::open(database).await;
    let mut tasks = JoinSet::new();
    for _ in 0..PROCESSES {
        let mut server = shop.server().await;
        tasks.spawn(async move { server.call("create_customer", data::customer()).await });
    }
    for reply in tasks.join_all().await {
        reply.success();
    }
}

#[rstest]
#[tokio::test]
async fn the_database_itself_refuses_an_overlap(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    let shop = Shop::open(database).await;
    let (ann, bob) = (shop.owner().await, shop.owner().await);
    shop.appointment(ann, &at(next_weekday(Weekday::Thu, 1), "10:00")).await;
    let before = shop.occupied_rows().await;
    // Her vehicle is there already, and his would need the same bay.
    for owner in [ann, bob] {
        let error = shop.overlap_occupied_rows(owner).await.expect_err("the overlap is refused");
        assert!(error.to_string().contains("overlap"), "{error}");
        assert_eq!(shop.occupied_rows().await, before);
    }
}

#[rstest]
#[tokio::test]
async fn a_killed_process_loses_nothing_that_it_acknowledged(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    let shop = Shop::open(database).await;
    let mut acknowledged = BTreeSet::new();
    let mut unanswered = 0;
    for round in 0..8 {
        let owner = shop.owner().await;
        let mut server = shop.server().await;
        let start = at(next_weekday(Weekday::Tue, 1 + round), "10:00");
        let kept = server.call("book_appointment", visit(owner, &start)).await;
        acknowledged.insert(kept.success()["appointment_id"].as_i64().unwrap());
        let start = at(next_weekday(Weekday::Wed, 1 + round), "10:00");
        server.send_call("book_appointment", visit(owner, &start)).await;
        unanswered += 1;
        server.kill().await;
    }
    let rows = shop.occupied_rows().await;
    assert_no_overlap(&rows);
    assert!(rows.len() >= acknowledged.len(), "{} of {}", rows.len(), acknowledged.len());
    assert!(rows.len() <= acknowledged.len() + unanswered);
    for id in acknowledged {
        let arguments = json!({ "appointment_id": id, "reason": "a check" });
        assert_eq!(
            shop.call("cancel_appointment", arguments).await.success()["appointment_id"],
            id
        );
    }
}
