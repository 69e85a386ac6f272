//! Adding sets of customers to the postings.

use std::collections::HashMap;
use std::fmt::Write as _;

use roaring::RoaringBitmap;
use sqlx::AssertSqlSafe;

use crate::domain::search::Gram;
use crate::store::customer_search::postings::{decode, encode};
use crate::store::{Backend, Kind, Session, Store, on};

/// How many bytes of postings are written in one transaction, and how many postings in one statement.
const SLICE: usize = 2 * 1024 * 1024;
const STATEMENT: usize = 250;
/// What a posting takes beside its set.
const OVERHEAD: usize = 64;
/// The key of the advisory lock under which postings are written: "Search" in ASCII.
const LOCK: i64 = 91_607_037_174_632;

/// Customers of a block to whom a term leads.
pub(super) struct Posting {
    term: String,
    block: i64,
    customers: Vec<u8>,
}

impl Posting {
    /// The places of the customers are in ascending order.
    pub fn new(gram: Gram, block: i64, customers: &[u16]) -> sqlx::Result<Self> {
        let places = customers.iter().copied().map(u32::from);
        let set = RoaringBitmap::from_sorted_iter(places)
            .map_err(|error| sqlx::Error::Encode(Box::new(error)))?;
        Ok(Self { term: gram.to_text(), block, customers: encode(set).map_err(sqlx::Error::Io)? })
    }

    /// What it takes in memory, about.
    pub fn size(&self) -> usize {
        self.customers.len() + OVERHEAD
    }
}

impl Store {
    /// Adds the postings in slices; whether all of them were, before somebody wanted it to stop.
    pub(super) async fn write_postings(&self, mut postings: Vec<Posting>) -> sqlx::Result<bool> {
        // In the order in which they lie in the table.
        postings.sort_unstable_by(|one, other| {
            (one.term.as_str(), one.block).cmp(&(other.term.as_str(), other.block))
        });
        let mut rest = postings.as_slice();
        while !rest.is_empty() {
            if self.indexing.stopping.is_cancelled() {
                return Ok(false);
            }
            let mut session = self.write_index().await?;
            let mut bytes = 0;
            while bytes < SLICE && !rest.is_empty() {
                let (some, others) = rest.split_at(STATEMENT.min(rest.len()));
                bytes += some.iter().map(Posting::size).sum::<usize>();
                session.add_postings(some).await?;
                rest = others;
            }
            session.commit().await?;
        }
        Ok(true)
    }

    /// A transaction beside which nobody else writes postings. On Postgres, bookings do not wait for
    /// it, since it has a lock of its own.
    pub(super) async fn write_index(&self) -> sqlx::Result<Session> {
        let server = match &self.backend {
            Backend::Sqlite(_) => return self.write().await,
            Backend::Postgres(server) => server,
        };
        let mut transaction = server.pool.begin().await?;
        let lock = sqlx::query("select pg_advisory_xact_lock($1)").bind(LOCK);
        lock.execute(&mut *transaction).await?;
        Ok(Session(Kind::Postgres(transaction)))
    }
}

impl Session {
    /// Adds the postings: as they are where there were none of their term and block.
    async fn add_postings(&mut self, postings: &[Posting]) -> sqlx::Result<()> {
        let added = self.insert_postings(postings, "nothing").await?;
        if added == postings.len() {
            return Ok(());
        }
        let mut blocks: HashMap<i64, Vec<&Posting>> = HashMap::new();
        for posting in postings {
            blocks.entry(posting.block).or_default().push(posting);
        }
        let mut united = Vec::with_capacity(postings.len());
        for (block, postings) in blocks {
            let mut before = self.sets_of(block, &postings).await?;
            for &Posting { ref term, block, ref customers } in postings {
                let set = before.remove(term).unwrap_or_default() | decode(customers)?;
                let customers = encode(set).map_err(sqlx::Error::Io)?;
                united.push(Posting { term: term.clone(), block, customers });
            }
        }
        self.insert_postings(&united, "update set customers = excluded.customers").await.map(drop)
    }

    /// Writes the postings; how many were, where nothing is done with those that are there already.
    async fn insert_postings(
        &mut self,
        postings: &[Posting],
        on_conflict: &str,
    ) -> sqlx::Result<usize> {
        let sql = AssertSqlSafe(insert_sql(postings.len(), on_conflict));
        let written = on!(self, |db| {
            // Statements of other lengths do not come again.
            let mut query = sqlx::query(sql).persistent(postings.len() == STATEMENT);
            for Posting { term, block, customers } in postings {
                query = query.bind(term.as_str()).bind(block).bind(customers.as_slice());
            }
            query.execute(db).await.map(|done| done.rows_affected())
        })?;
        Ok(usize::try_from(written).unwrap_or(usize::MAX))
    }

    /// The sets that a block has of these postings' terms.
    async fn sets_of(
        &mut self,
        block: i64,
        postings: &[&Posting],
    ) -> sqlx::Result<HashMap<String, RoaringBitmap>> {
        let sql = AssertSqlSafe(select_sql());
        let rows: Vec<(String, Vec<u8>)> = on!(self, |db| {
            let mut query = sqlx::query_as(sql).bind(block);
            for place in 0..STATEMENT {
                query = query.bind(postings.get(place).map_or("", |posting| posting.term.as_str()));
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
fn insert_sql(count: usize, on_conflict: &str) -> String {
    let mut sql = "insert into search_postings (term, block, customers) values ".to_owned();
    for place in 0..count {
        let (comma, first) = (if place == 0 { "" } else { ", " }, 3 * place + 1);
        let _ = write!(sql, "{comma}(${first}, ${}, ${})", first + 1, first + 2);
    }
    sql + " on conflict (term, block) do " + on_conflict
}
