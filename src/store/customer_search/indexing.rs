//! Making the index lead to the customers who are pending.
//!
//! Block by block, newest first: what the block's pending customers are found by is read beside other
//! people's writes, and added to the postings in slices, each a short transaction. Sets only grow, so
//! that it does no harm when several processes are at it, or one is killed; a customer is pending
//! until the postings lead there. Who changes meanwhile loses the claim and stays pending.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::sync::Arc;

use roaring::RoaringBitmap;
use sqlx::{AssertSqlSafe, FromRow};
use tokio::sync::Mutex;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::postings::{BLOCK, block_of, decode, encode, offset_of};
use super::{SEPARATOR, add_packed, packed_words};
use crate::domain::id::CustomerId;
use crate::domain::phone::PhoneNumber;
use crate::domain::search::{Gram, Record};
use crate::store::{Backend, Kind, Link, Session, Store, on};

/// How many customers are claimed and read at once.
const CUSTOMERS: i64 = 2_048;
/// After how many customers others may use the thread.
const CUSTOMERS_AT_A_TIME: usize = 128;
/// How many postings are written in one transaction, and in one statement.
const SLICE: usize = 1_000;
const STATEMENT: usize = 250;
/// The key of the advisory lock under which postings are written: "Search" in ASCII.
const LOCK: i64 = 91_607_037_174_632;

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
type Postings = HashMap<Gram, Vec<u32>>;

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
        let total = self.read().await?.count_pending().await?;
        let (mut done, mut next) = (0, i64::MAX);
        while !self.indexing.stopping.is_cancelled()
            && let Some(newest) = self.newest_pending(next).await?
        {
            let block = block_of(newest);
            done += self.index_block(block).await?;
            progress(done, total.max(done));
            next = block * BLOCK;
        }
        if done >= BLOCK { self.tidy().await } else { Ok(()) }
    }

    /// The same in a task of its own, which goes on when nobody waits for it.
    pub fn catch_up(self: &Arc<Self>) -> JoinHandle<sqlx::Result<()>> {
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

    /// Whether the index is catching up already.
    pub fn is_catching_up(&self) -> bool {
        self.indexing.running.try_lock().is_err()
    }

    /// Adds the pending customers of a block to the postings; how many they were.
    async fn index_block(&self, block: i64) -> sqlx::Result<i64> {
        let claim = new_claim()?;
        let (first, last) = (block * BLOCK, block * BLOCK + BLOCK - 1);
        let (mut postings, mut count) = (Postings::new(), 0);
        for from in (first..=last).step_by(usize::try_from(CUSTOMERS).unwrap_or(usize::MAX)) {
            let to = from + CUSTOMERS - 1;
            if !self.claim(from, to, claim).await? {
                continue;
            }
            let rows = self.read().await?.records_to_index(from, to, claim).await?;
            count += i64::try_from(rows.len()).unwrap_or_default();
            for rows in rows.chunks(CUSTOMERS_AT_A_TIME) {
                rows.iter().for_each(|row| add_to(&mut postings, row));
                tokio::task::yield_now().await;
            }
        }
        let mut postings: Vec<(String, Vec<u32>)> =
            postings.into_iter().map(|(gram, customers)| (gram.to_text(), customers)).collect();
        // In the order in which they lie in the table.
        postings.sort_unstable_by(|one, other| one.0.cmp(&other.0));
        for slice in postings.chunks(SLICE) {
            if self.indexing.stopping.is_cancelled() {
                return Ok(0);
            }
            let mut session = self.write_index().await?;
            for postings in slice.chunks(STATEMENT) {
                session.add_postings(block, postings).await?;
            }
            session.commit().await?;
        }
        for from in (first..=last).step_by(usize::try_from(CUSTOMERS).unwrap_or(usize::MAX)) {
            self.settle(from, from + CUSTOMERS - 1, claim).await?;
        }
        Ok(count)
    }

    async fn newest_pending(&self, before: i64) -> sqlx::Result<Option<CustomerId>> {
        let sql = "select max(customer_id) from search_pending where customer_id < $1";
        let mut session = self.read().await?;
        on!(session, |db| sqlx::query_scalar(sql).bind(before).fetch_one(db).await)
    }

    /// Claims the pending customers in this range; whether there are any.
    async fn claim(&self, first: i64, last: i64, claim: i64) -> sqlx::Result<bool> {
        if self.newest_pending(last + 1).await?.is_none_or(|id| id.0 < first) {
            return Ok(false);
        }
        let mut session = self.write_index().await?;
        let sql = "update search_pending set claim = $3 where customer_id between $1 and $2";
        let sql_unlocked = "update search_pending set claim = $3
                            where customer_id in (select customer_id from search_pending
                                                  where customer_id between $1 and $2
                                                  for update skip locked)";
        session.change_pending([sql, sql_unlocked], first, last, claim).await?;
        session.commit().await?;
        Ok(true)
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

    /// A transaction beside which nobody else writes postings. On Postgres, bookings do not wait for
    /// it, since it has a lock of its own.
    async fn write_index(&self) -> sqlx::Result<Session> {
        let server = match &self.backend {
            Backend::Sqlite(_) => return self.write().await,
            Backend::Postgres(server) => server,
        };
        let mut transaction = server.pool.begin().await?;
        let lock = sqlx::query("select pg_advisory_xact_lock($1)").bind(LOCK);
        lock.execute(&mut *transaction).await?;
        Ok(Session(Kind::Postgres(transaction)))
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
        on!(self, |db| sqlx::query_as(RECORDS_TO_INDEX)
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

    /// Adds customers of a block to the sets of these terms.
    async fn add_postings(
        &mut self,
        block: i64,
        postings: &[(String, Vec<u32>)],
    ) -> sqlx::Result<()> {
        let mut before = self.sets_of(block, postings).await?;
        let mut rows = Vec::with_capacity(postings.len());
        for (term, customers) in postings {
            let mut set = before.remove(term).unwrap_or_default();
            set.extend(customers.iter().copied());
            rows.push((term, encode(set).map_err(sqlx::Error::Io)?));
        }
        let sql = AssertSqlSafe(insert_sql(rows.len()));
        on!(self, |db| {
            // Statements of other lengths do not come again.
            let mut query = sqlx::query(sql).persistent(rows.len() == STATEMENT).bind(block);
            for (term, set) in &rows {
                query = query.bind(term.as_str()).bind(set.as_slice());
            }
            query.execute(db).await.map(drop)
        })
    }

    async fn sets_of(
        &mut self,
        block: i64,
        postings: &[(String, Vec<u32>)],
    ) -> sqlx::Result<HashMap<String, RoaringBitmap>> {
        let sql = AssertSqlSafe(select_sql());
        let rows: Vec<(String, Vec<u8>)> = on!(self, |db| {
            let mut query = sqlx::query_as(sql).bind(block);
            for place in 0..STATEMENT {
                query = query.bind(postings.get(place).map_or("", |(term, _)| term.as_str()));
            }
            query.fetch_all(db).await
        })?;
        rows.into_iter().map(|(term, set)| Ok((term, decode(&set)?))).collect()
    }
}

/// The sets of as many terms as one statement takes.
fn select_sql() -> String {
    let mut sql =
        "select term, customers from search_postings where block = $1 and term in (".to_owned();
    for place in 0..STATEMENT {
        let comma = if place == 0 { "" } else { ", " };
        let _ = write!(sql, "{comma}${}", place + 2);
    }
    sql + ")"
}

/// Writes the sets of this many terms.
fn insert_sql(count: usize) -> String {
    let mut sql = "insert into search_postings (term, block, customers) values ".to_owned();
    for place in 0..count {
        let comma = if place == 0 { "" } else { ", " };
        let _ = write!(sql, "{comma}(${}, $1, ${})", 2 * place + 2, 2 * place + 3);
    }
    sql + " on conflict (term, block) do update set customers = excluded.customers"
}
