//! Random work of several processes on one shop, held against a model of it.
//!
//! The model is written from what callers are promised, as simply as possible: minute by minute,
//! list by list, sharing no code with the program. Each worker has dates of its own, so that for
//! these it knows everything that there is and says exactly what every reply has to be, although
//! the database is shared; and dates on which all workers meet, where it says what is always true.
//!
//! A failure prints `MODEL_SEED=…`; with that variable set, each worker makes the same choices,
//! as far as the replies are the same.

mod bulk;
mod calendar;
mod changes;
mod dice;
mod judge;
mod ledger;
mod offers;
mod operation;
mod plan;
mod records;
mod replies;
mod worker;

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::NaiveDate;
use chrono_tz::Tz;
use fastrand::Rng;
use rstest::rstest;
use tokio::task::JoinSet;

use calendar::Calendar;
use ledger::Ledger;
use plan::{Plan, WORKERS};
use records::Records;
use worker::Worker;

use crate::shop::{Database, Owner, Shop};

/// How many things each worker does.
const STEPS: usize = 1000;

#[rstest]
#[tokio::test]
async fn random_work_of_several_processes_is_as_the_model_says(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    check(database, chrono_tz::America::New_York, STEPS).await;
}

#[rstest]
#[tokio::test]
async fn random_work_is_as_the_model_says_where_clocks_change_by_half_an_hour(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    check(database, chrono_tz::Australia::Lord_Howe, STEPS / 4).await;
}

async fn check(database: Database, zone: Tz, steps: usize) {
    let plan = Arc::new(Plan::new(zone));
    let shop = Shop::open(database).await.with_env("SHOP_TIMEZONE", zone.name());
    let shop = Arc::new(shop.with_config(&plan.toml()));
    let calendar = Arc::new(Calendar::new(&plan));
    let ledger = |dates: &[NaiveDate], owners: Vec<Owner>, is_complete: bool| Ledger {
        plan: Arc::clone(&plan),
        calendar: Arc::clone(&calendar),
        dates: dates.to_vec(),
        owners,
        is_complete,
        visits: BTreeMap::new(),
        holds: BTreeMap::new(),
    };
    let seed = seed();
    let shared = owners(&shop, 2).await;
    let mut tasks = JoinSet::new();
    for number in 0..WORKERS {
        let worker = Worker {
            number,
            seed,
            server: shop.server().await,
            rng: Rng::with_seed(seed.wrapping_add(number as u64)),
            own: ledger(&plan.own[number], owners(&shop, 3).await, true),
            shared: ledger(&plan.contested, shared.clone(), false),
            shop: Arc::clone(&shop),
            step: 0,
        };
        tasks.spawn(worker.work(steps));
    }
    let mut workers = tasks.join_all().await;
    let mut expected = Records::new();
    for worker in &mut workers {
        expected.append(&mut worker.own.visits.clone());
        expected.append(&mut worker.shared.visits.clone());
    }
    let mut got = Records::new();
    let mut everybody: Vec<&Ledger> = workers.iter().map(|worker| &worker.own).collect();
    everybody.push(&workers[0].shared);
    let mut server = shop.server().await;
    for ledger in everybody {
        got.append(&mut records::read(&mut server, ledger).await);
    }
    let checked = records::compare(&expected, &got);
    checked.unwrap_or_else(|why| panic!("MODEL_SEED={seed}: {why}"));
    records::assert_no_overlap(&plan, &got);
    assert!(got.len() > steps / 4, "the workers book something: {} visits", got.len());
}

/// So many customers, each with two vehicles.
async fn owners(shop: &Shop, customers: usize) -> Vec<Owner> {
    let mut owners = Vec::new();
    for _ in 0..customers {
        let owner = shop.owner().await;
        owners.extend([owner, shop.owner_of_another_vehicle(owner.customer_id).await]);
    }
    owners
}

/// The seed of `MODEL_SEED`, else a new one.
fn seed() -> u64 {
    let seed = std::env::var("MODEL_SEED").ok();
    seed.map_or_else(|| fastrand::u64(..), |seed| seed.parse().expect("MODEL_SEED is a number"))
}
