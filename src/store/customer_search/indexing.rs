//! Making the index lead to the customers who are pending.
//!
//! Block by block, newest first: what the block's pending customers are found by is read beside other
//! people's writes, and added to the postings in slices (`writing.rs`), each a short transaction. Sets
//! only grow, so that it does no harm when several processes are at it, or one is killed; a customer is
//! pending until the postings lead there. Who changes meanwhile loses the claim and stays pending.

pub(in crate::store) mod adding;
mod gathering;
mod writing;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use sqlx::FromRow;
use tokio::sync::Mutex;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::postings::BLOCK;
use super::{SEPARATOR, packed_words};
use crate::domain::id::CustomerId;
use crate::domain::phone::PhoneNumber;
use crate::store::{Backend, Link, Session, Store, on};
pub(in crate::store) use gathering::{Claim, FoundBy, Lot, Words};
pub(in crate::store) use writing::{SELECT, STATEMENT, WRITE};

/// How many customers are read at once.
const CUSTOMERS: i64 = 2_048;
/// How many bytes of sets wait to be written together, while as many are gathered: the table is in the order
/// of the terms, so that each lot touches most of its pages.
const LOT: usize = 32 * 1024 * 1024;

/// What the pending customers with this claim in a range of numbers are found by.
pub(in crate::store) const RECORDS_TO_INDEX: &str = concat!(
    "select c.id, c.first_name, c.last_name, c.email, c.phone_number, ",
    packed_words!(),
    " from search_pending p join customers c on c.id = p.customer_id
      where p.customer_id between $2 and $3 and p.claim = $4 and c.merged_into is null
      order by p.customer_id"
);

/// Keeps this process to one run at a time, and stops it when the database is closed.
#[derive(Debug, Default)]
pub struct Indexing {
    running: Mutex<()>,
    /// Whether a search has had the index catch up since somebody asked.
    begun: AtomicBool,
    stopping: CancellationToken,
}

/// A row of [`RECORDS_TO_INDEX`].
#[derive(FromRow)]
struct Row {
    id: CustomerId,
    first_name: String,
    last_name: String,
    email: Option<String>,
    phone_number: Option<PhoneNumber>,
    plates: Option<String>,
    merged: Option<String>,
}

/// The newest customer below a number who is pending.
pub(in crate::store) const NEWEST_PENDING: &str =
    "select max(customer_id) from search_pending where customer_id < $1";
/// Claims the pending customers in a range of numbers; whom somebody else has claimed, too.
pub(in crate::store) const CLAIM: &str =
    "update search_pending set claim = $1 where customer_id between $2 and $3";
/// The claimed customers in a range of numbers are pending no more.
pub(in crate::store) const SETTLE: &str =
    "delete from search_pending where claim = $1 and customer_id between $2 and $3";

impl Store {
    /// Makes the search index lead to every customer. Searches need it to be fast, not to be right,
    /// so it may be broken off at any time, and others may read and write meanwhile.
    ///
    /// `progress` is told how many customers are done, of how many.
    ///
    /// # Errors
    /// Where the database does not answer.
    pub async fn index_customers(
        &self,
        mut progress: impl FnMut(i64, i64) + Send,
    ) -> sqlx::Result<()> {
        let _only = self.indexing.running.lock().await;
        let total = self.read_in_bulk().await?.count_pending().await?;
        let (mut done, mut next) = (0, i64::MAX);
        let mut told = |count| {
            done += count;
            progress(done, total.max(done));
        };
        let mut lot = self.gather_lot(&mut next, &mut told).await?;
        while !lot.claims.is_empty() {
            let following = self.gather_lot(&mut next, &mut told);
            let (added, following) = tokio::join!(self.add(lot), following);
            added?;
            lot = following?;
        }
        if done >= BLOCK { self.tidy().await } else { Ok(()) }
    }

    /// The same in a task of its own, which goes on when nobody waits for it.
    pub fn catch_up(self: &Arc<Self>) -> JoinHandle<sqlx::Result<()>> {
        self.indexing.begun.store(true, Ordering::Relaxed);
        let store = Arc::clone(self);
        tokio::spawn(async move {
            let indexed = store.index_customers(|_, _| ()).await;
            if let Err(error) = &indexed
                && !store.indexing.stopping.is_cancelled()
            {
                tracing::warn!(%error, "the search index could not catch up");
            }
            indexed
        })
    }

    /// Whether a search has had the index catch up since this was asked the last time; that may be over by now.
    pub fn has_begun_to_catch_up(&self) -> bool {
        self.indexing.begun.swap(false, Ordering::Relaxed)
    }

    /// Whether the index is catching up already.
    pub fn is_catching_up(&self) -> bool {
        self.indexing.running.try_lock().is_err()
    }

    /// Gathers what the pending customers of some blocks below a number are found by; nothing where there
    /// are none. `told` is told how many they are, block by block.
    async fn gather_lot(
        &self,
        next: &mut i64,
        told: &mut (impl FnMut(i64) + Send),
    ) -> sqlx::Result<Lot> {
        let mut lot = Lot::default();
        while lot.bytes < LOT
            && !self.indexing.stopping.is_cancelled()
            && let Some(newest) = self.newest_pending(*next).await?
        {
            let claim = Claim::new(newest)?;
            for (from, to) in claim.parts() {
                self.claim(from, to, claim.number).await?;
            }
            told(self.gather(claim, &mut lot).await?);
            *next = claim.first();
        }
        Ok(lot)
    }

    /// Gathers what the claimed customers of a block are found by; how many they are.
    async fn gather(&self, claim: Claim, lot: &mut Lot) -> sqlx::Result<i64> {
        let (mut found_by, mut count) = (FoundBy::of(claim), 0);
        let mut rows = Vec::new();
        for (from, to) in claim.spans(CUSTOMERS) {
            // The database looks for the next ones meanwhile.
            let read =
                async { self.read_in_bulk().await?.records_to_index(from, to, claim.number).await };
            let (next, added) = tokio::join!(read, add_all(found_by, rows));
            (rows, found_by) = (next?, added?);
            count += i64::try_from(rows.len()).unwrap_or_default();
        }
        let found_by = add_all(found_by, rows).await?;
        lot.extend(claim, on_thread(move || found_by.postings()).await??);
        Ok(count)
    }

    /// Writes what was gathered; then the customers are pending no more, but for those who changed.
    async fn add(&self, lot: Lot) -> sqlx::Result<()> {
        if !self.write_postings(lot.postings).await? {
            return Ok(());
        }
        for claim in lot.claims {
            for (from, to) in claim.parts() {
                self.settle(from, to, claim.number).await?;
            }
        }
        Ok(())
    }

    async fn newest_pending(&self, before: i64) -> sqlx::Result<Option<CustomerId>> {
        let mut session = self.read().await?;
        on!(session, |db| sqlx::query_scalar(NEWEST_PENDING).bind(before).fetch_one(db).await)
    }

    /// Claims the pending customers in this range.
    async fn claim(&self, first: i64, last: i64, claim: i64) -> sqlx::Result<()> {
        if self.newest_pending(last + 1).await?.is_none_or(|id| id.0 < first) {
            return Ok(());
        }
        let mut session = self.write_index().await?;
        let sql_unlocked = "update search_pending set claim = $1
                            where customer_id in (select customer_id from search_pending
                                                  where customer_id between $2 and $3
                                                  for update skip locked)";
        session.change_pending([CLAIM, sql_unlocked], claim, first, last).await?;
        session.commit().await
    }

    /// The claimed customers in this range are pending no more, but for those who changed.
    async fn settle(&self, first: i64, last: i64, claim: i64) -> sqlx::Result<()> {
        if self.newest_pending(last + 1).await?.is_none_or(|id| id.0 < first) {
            return Ok(());
        }
        let mut session = self.write_index().await?;
        let sql_unlocked = "delete from search_pending
                            where customer_id in (select customer_id from search_pending
                                                  where claim = $1 and customer_id between $2 and $3
                                                  for update skip locked)";
        session.change_pending([SETTLE, sql_unlocked], claim, first, last).await?;
        session.commit().await
    }

    /// Clears away what a large run left behind on Postgres, where every search would step over it.
    async fn tidy(&self) -> sqlx::Result<()> {
        let Backend::Postgres(server) = &self.backend else { return Ok(()) };
        let mut connection = server.pool.acquire().await?;
        for sql in [
            "set statement_timeout = 0",
            "vacuum (analyze) search_pending, search_postings",
            "reset statement_timeout",
        ] {
            sqlx::query(sql).execute(&mut *connection).await?;
        }
        Ok(())
    }
}

impl Indexing {
    /// Stops a run at its next step.
    pub fn stop(&self) {
        self.stopping.cancel();
    }
}

async fn add_all(mut found_by: FoundBy, rows: Vec<Row>) -> sqlx::Result<FoundBy> {
    on_thread(move || {
        for row in &rows {
            found_by.add(row.id, &row.words());
        }
        found_by
    })
    .await
}

/// Works on many customers on a thread of its own: meanwhile others are served, and what is being written is not
/// kept waiting, which Postgres would break off.
async fn on_thread<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> sqlx::Result<T> {
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|error| sqlx::Error::Decode(Box::new(error)))
}

impl Row {
    fn words(&self) -> Words<'_> {
        Words {
            first_name: &self.first_name,
            last_name: &self.last_name,
            email: self.email.as_deref(),
            phone_number: self.phone_number.as_ref().map(PhoneNumber::as_str),
            plates: self.plates.as_deref(),
            merged: self.merged.as_deref(),
        }
    }
}

impl Session {
    async fn count_pending(&mut self) -> sqlx::Result<i64> {
        let sql = "select count(*) from search_pending";
        on!(self, |db| sqlx::query_scalar(sql).fetch_one(db).await)
    }

    async fn records_to_index(
        &mut self,
        first: i64,
        last: i64,
        claim: i64,
    ) -> sqlx::Result<Vec<Row>> {
        // Planned anew each time: Postgres would go on reading all of a table that was empty the first time.
        on!(self, |db| sqlx::query_as(RECORDS_TO_INDEX)
            .persistent(false)
            .bind(SEPARATOR)
            .bind(first)
            .bind(last)
            .bind(claim)
            .fetch_all(db)
            .await)
    }

    /// Runs the first statement on SQLite and the second one on Postgres, where it steps over rows
    /// that others are about to change instead of waiting for them: they stay pending anyway, and
    /// nobody ever waits for us and we for them.
    async fn change_pending(
        &mut self,
        [sqlite, postgres]: [&'static str; 2],
        claim: i64,
        first: i64,
        last: i64,
    ) -> sqlx::Result<()> {
        match self.link() {
            Link::Sqlite(db) => {
                let query = sqlx::query(sqlite).bind(claim).bind(first).bind(last);
                query.execute(db).await.map(drop)
            }
            Link::Postgres(db) => {
                let query = sqlx::query(postgres).bind(claim).bind(first).bind(last);
                query.execute(db).await.map(drop)
            }
        }
    }
}
