//! Making the index lead to the customers who are pending.
//!
//! Block by block, newest first: what the block's pending customers are found by is read beside other
//! people's writes, and added to the postings in slices (`writing.rs`), each a short transaction. Sets
//! only grow, so that it does no harm when several processes are at it, or one is killed; a customer is
//! pending until the postings lead there. Who changes meanwhile loses the claim and stays pending.

mod writing;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use rustc_hash::FxHashMap;
use sqlx::FromRow;
use tokio::sync::Mutex;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::postings::{BLOCK, block_of, offset_of};
use super::{SEPARATOR, add_packed, packed_words};
use crate::domain::id::CustomerId;
use crate::domain::phone::PhoneNumber;
use crate::domain::search::{Gram, Record};
use crate::store::{Backend, Link, Session, Store, on};
use writing::Posting;

/// How many customers are read at once.
const CUSTOMERS: i64 = 2_048;
/// How many of them are claimed or settled in one transaction.
const CLAIMED: i64 = 16_384;
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

/// What a customer is found by.
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

/// The customers of a block, by gram, in ascending order.
type Postings = FxHashMap<Gram, Vec<u16>>;

/// Blocks whose customers are claimed and whose sets wait to be written.
#[derive(Default)]
struct Lot {
    postings: Vec<Posting>,
    bytes: usize,
    claims: Vec<(i64, i64)>,
}

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
            let block = block_of(newest);
            told(self.gather(block, &mut lot).await?);
            *next = block * BLOCK;
        }
        Ok(lot)
    }

    /// Claims the pending customers of a block and gathers what they are found by; how many they are.
    async fn gather(&self, block: i64, lot: &mut Lot) -> sqlx::Result<i64> {
        let claim = new_claim()?;
        for (from, to) in spans(block, CLAIMED) {
            self.claim(from, to, claim).await?;
        }
        let (mut postings, mut count) = (Postings::default(), 0);
        let mut rows = Vec::new();
        for (from, to) in spans(block, CUSTOMERS) {
            // The database looks for the next ones meanwhile.
            let read = async { self.read_in_bulk().await?.records_to_index(from, to, claim).await };
            let (next, added) = tokio::join!(read, add_all(postings, rows));
            (rows, postings) = (next?, added?);
            count += i64::try_from(rows.len()).unwrap_or_default();
        }
        let postings = add_all(postings, rows).await?;
        for posting in on_thread(move || encode_all(block, postings)).await?? {
            lot.bytes += posting.size();
            lot.postings.push(posting);
        }
        lot.claims.push((block, claim));
        Ok(count)
    }

    /// Writes what was gathered; then the customers are pending no more, but for those who changed.
    async fn add(&self, lot: Lot) -> sqlx::Result<()> {
        if !self.write_postings(lot.postings).await? {
            return Ok(());
        }
        for (block, claim) in lot.claims {
            for (from, to) in spans(block, CLAIMED) {
                self.settle(from, to, claim).await?;
            }
        }
        Ok(())
    }

    async fn newest_pending(&self, before: i64) -> sqlx::Result<Option<CustomerId>> {
        let sql = "select max(customer_id) from search_pending where customer_id < $1";
        let mut session = self.read().await?;
        on!(session, |db| sqlx::query_scalar(sql).bind(before).fetch_one(db).await)
    }

    /// Claims the pending customers in this range.
    async fn claim(&self, first: i64, last: i64, claim: i64) -> sqlx::Result<()> {
        if self.newest_pending(last + 1).await?.is_none_or(|id| id.0 < first) {
            return Ok(());
        }
        let mut session = self.write_index().await?;
        let sql = "update search_pending set claim = $3 where customer_id between $1 and $2";
        let sql_unlocked = "update search_pending set claim = $3
                            where customer_id in (select customer_id from search_pending
                                                  where customer_id between $1 and $2
                                                  for update skip locked)";
        session.change_pending([sql, sql_unlocked], first, last, claim).await?;
        session.commit().await
    }

    /// The claimed customers in this range are pending no more, but for those who changed.
    async fn settle(&self, first: i64, last: i64, claim: i64) -> sqlx::Result<()> {
        if self.newest_pending(last + 1).await?.is_none_or(|id| id.0 < first) {
            return Ok(());
        }
        let mut session = self.write_index().await?;
        let sql = "delete from search_pending where customer_id between $1 and $2 and claim = $3";
        let sql_unlocked = "delete from search_pending
                            where customer_id in (select customer_id from search_pending
                                                  where customer_id between $1 and $2 and claim = $3
                                                  for update skip locked)";
        session.change_pending([sql, sql_unlocked], first, last, claim).await?;
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

/// A number that no other claim has.
fn new_claim() -> sqlx::Result<i64> {
    let mut bytes = [0; 8];
    getrandom::fill(&mut bytes).map_err(|error| sqlx::Error::Encode(Box::new(error)))?;
    Ok(i64::from_be_bytes(bytes).checked_abs().unwrap_or_default().max(1))
}

/// The numbers of a block in spans of so many.
fn spans(block: i64, length: i64) -> impl Iterator<Item = (i64, i64)> {
    let step = usize::try_from(length).unwrap_or(usize::MAX);
    let first = block * BLOCK;
    (first..first + BLOCK).step_by(step).map(move |from| (from, from + length - 1))
}

async fn add_all(mut postings: Postings, rows: Vec<Row>) -> sqlx::Result<Postings> {
    on_thread(move || {
        rows.iter().for_each(|row| add_to(&mut postings, row));
        postings
    })
    .await
}

fn encode_all(block: i64, postings: Postings) -> sqlx::Result<Vec<Posting>> {
    postings.into_iter().map(|(gram, customers)| Posting::new(gram, block, &customers)).collect()
}

/// Works on many customers on a thread of its own: meanwhile others are served, and what is being written is not
/// kept waiting, which Postgres would break off.
async fn on_thread<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> sqlx::Result<T> {
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|error| sqlx::Error::Decode(Box::new(error)))
}

fn add_to(postings: &mut Postings, row: &Row) {
    let mut record = Record::default();
    record.add_name(&row.first_name, &row.last_name);
    if let Some(email) = &row.email {
        record.add_email(email);
    }
    if let Some(phone) = &row.phone_number {
        record.add_phone(phone.as_str());
    }
    add_packed(&mut record, row.plates.as_deref(), row.merged.as_deref());
    let offset = offset_of(row.id);
    record.each_gram(|gram| {
        let customers = postings.entry(gram).or_default();
        if customers.last() != Some(&offset) {
            customers.push(offset);
        }
    });
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
        first: i64,
        last: i64,
        claim: i64,
    ) -> sqlx::Result<()> {
        match self.link() {
            Link::Sqlite(db) => {
                let query = sqlx::query(sqlite).bind(first).bind(last).bind(claim);
                query.execute(db).await.map(drop)
            }
            Link::Postgres(db) => {
                let query = sqlx::query(postgres).bind(first).bind(last).bind(claim);
                query.execute(db).await.map(drop)
            }
        }
    }
}
