//! A worker: a server process of its own, driven at random, every reply held against the ledgers.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use fastrand::Rng;

use super::calendar::Instant;
use super::dice;
use super::judge::Change;
use super::ledger::Ledger;
use super::operation::Operation;
use crate::reply::Reply;
use crate::server::Server;
use crate::shop::Shop;

/// One of those who work at the same time.
pub struct Worker {
    pub number: usize,
    pub seed: u64,
    pub shop: Arc<Shop>,
    pub server: Server,
    pub rng: Rng,
    /// The dates on which nobody else writes.
    pub own: Ledger,
    /// The dates on which everybody does.
    pub shared: Ledger,
    pub step: usize,
}

/// A reply, and between which seconds the server may have read the clock and the database.
pub struct Timed {
    pub reply: Reply,
    pub from: Instant,
    pub until: Instant,
}

impl Timed {
    /// The verdict on the first second for which the reply is right, else on the first one.
    pub fn judge<T>(&self, judge: impl Fn(Instant) -> Result<T, String>) -> Result<T, String> {
        let seconds = self.from..=self.until;
        seconds.map(&judge).find(Result::is_ok).unwrap_or_else(|| judge(self.from))
    }
}

impl Worker {
    /// Does so many random things.
    pub async fn work(mut self, steps: usize) -> Self {
        for step in 0..steps {
            self.step = step;
            match self.rng.u32(0..100) {
                0..4 => self.expire_hold().await,
                4..7 => self.bulk().await,
                7..25 => self.operate(true).await,
                _ => self.operate(false).await,
            }
        }
        self
    }

    /// One call on the shared dates or on the worker's own.
    async fn operate(&mut self, is_shared: bool) {
        let ledger = if is_shared { &self.shared } else { &self.own };
        let operation = dice::operation(&mut self.rng, ledger);
        let timed = self.call(operation.tool(), operation.arguments()).await;
        let ledger = if is_shared { &self.shared } else { &self.own };
        // Whatever expires in between may count or not.
        let verdict = timed.judge(|now| ledger.judge(&operation, &timed.reply, now));
        let change = verdict.unwrap_or_else(|why| {
            let instant = operation.instant().unwrap_or_else(|| self.place_of(ledger, &operation));
            let day = ledger.show(instant, timed.from);
            self.fail(&why, &format!("{operation:?}"), &timed, &day)
        });
        let is_held = matches!(change, Change::Held { .. });
        let ledger = if is_shared { &mut self.shared } else { &mut self.own };
        ledger.apply(change);
        if let (true, Operation::Hold { key: Some(_), .. }) = (is_held, &operation) {
            let again = self.server.call(operation.tool(), operation.arguments()).await;
            assert!(again.is_replayed(), "{:#}", again.envelope);
            assert_eq!(again.success(), timed.reply.success());
        }
    }

    /// Calls a tool, and takes the times.
    pub async fn call(&mut self, tool: &str, arguments: serde_json::Value) -> Timed {
        let before = wall_clock();
        let reply = self.server.call(tool, arguments).await;
        let until = wall_clock();
        let now = reply.envelope["data"]["now"].as_str();
        let now = now.map(|now| DateTime::parse_from_rfc3339(now).unwrap().timestamp());
        assert!(now.is_some() || reply.is_error, "a reply without now: {:#}", reply.envelope);
        let from = now.unwrap_or(before);
        assert!((before..=until).contains(&from), "{:#} at {before} to {until}", reply.envelope);
        Timed { reply, from, until }
    }

    /// Makes a hold end in a moment, which stands for waiting until it does.
    async fn expire_hold(&mut self) {
        let is_shared = self.rng.u32(0..4) == 0;
        let ledger = if is_shared { &mut self.shared } else { &mut self.own };
        let now = wall_clock();
        let lasting = ledger.holds.iter_mut().filter(|(_, hold)| hold.is_active(now + 5));
        let Some((id, hold)) = self.rng.choice(lasting.collect::<Vec<_>>()) else { return };
        let expires_at = now + self.rng.i64(1..=2);
        let sql = format!("update holds set expires_at = {expires_at} where id = '{id}'");
        assert_eq!(self.shop.execute_sql(&sql).await.unwrap(), 1, "hold {id} is there");
        hold.expires_at = expires_at;
    }

    /// Where to look for what went wrong.
    fn place_of(&self, ledger: &Ledger, operation: &Operation) -> Instant {
        match operation {
            Operation::Book { hold: Some(hold), .. } | Operation::Release { hold } => {
                ledger.holds[hold].start
            }
            Operation::Cancel { id }
            | Operation::Status { id, .. }
            | Operation::Move { id, .. } => ledger.visits[id].start,
            Operation::Slots { date, .. } => {
                ledger.calendar.first_at(date.and_hms_opt(12, 0, 0).unwrap()).unwrap()
            }
            Operation::Book { .. } | Operation::Hold { .. } => 0,
        }
    }

    /// Ends the test with all that is needed to play it again.
    pub fn fail(&self, why: &str, operation: &str, timed: &Timed, day: &str) -> ! {
        panic!(
            "{why}\nMODEL_SEED={} worker {} step {}\n{operation}\ngot at {}: {:#}\n{day}",
            self.seed, self.number, self.step, timed.from, timed.reply.envelope
        )
    }
}

/// Now, in seconds since 1970.
pub fn wall_clock() -> Instant {
    Utc::now().timestamp()
}
