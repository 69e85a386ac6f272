//! Adding sets of customers to the postings.

use std::collections::{BTreeMap, HashMap};
use std::fmt::Write as _;
use std::sync::LazyLock;

use roaring::RoaringBitmap;

use super::on_thread;
use crate::domain::search::Gram;
use crate::store::customer_search::postings::{
    MOST_TOGETHER, Sets, add_block, by_block, decode, encode, region_of, row_of, set_of,
};
use crate::store::{Backend, Kind, Session, Store, on};

/// How many bytes of postings are written in one transaction, and how many terms in one statement: sqlx asks SQLite
/// for the name of each parameter, which takes the longer the more there are.
const SLICE: usize = 2 * 1024 * 1024;
const STATEMENT: usize = 64;
/// What a posting takes beside its set.
const OVERHEAD: usize = 64;
/// The key of the advisory lock under which postings are written: "Search" in ASCII.
const LOCK: i64 = 91_607_037_174_632;

/// Customers of a block, or of a region, to whom a term leads.
pub(super) struct Posting {
    term: String,
    /// Of a region, its row.
    block: i64,
    count: u64,
    customers: Vec<u8>,
}

impl Posting {
    /// The places of the customers are in ascending order.
    pub fn new(gram: Gram, block: i64, customers: &[u16]) -> sqlx::Result<Self> {
        Self::of(gram.to_text(), block, set_of(customers))
    }

    fn of(term: String, block: i64, customers: RoaringBitmap) -> sqlx::Result<Self> {
        let count = customers.len();
        Ok(Self { term, block, count, customers: encode(customers).map_err(sqlx::Error::Io)? })
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
        let postings = on_thread(move || {
            postings.sort_unstable_by(|one, other| {
                (one.term.as_str(), one.block).cmp(&(other.term.as_str(), other.block))
            });
            postings
        });
        let postings = postings.await?;
        let terms: Vec<&[Posting]> =
            postings.chunk_by(|one, other| one.term == other.term).collect();
        let mut rest = terms.as_slice();
        while !rest.is_empty() {
            if self.indexing.stopping.is_cancelled() {
                return Ok(false);
            }
            let mut session = self.write_index().await?;
            let mut bytes = 0;
            while bytes < SLICE && !rest.is_empty() {
                let (some, others) = rest.split_at(STATEMENT.min(rest.len()));
                bytes += some.iter().copied().flatten().map(Posting::size).sum::<usize>();
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
    /// Adds the postings of some terms.
    async fn add_postings(&mut self, terms: &[&[Posting]]) -> sqlx::Result<()> {
        let mut regions: BTreeMap<i64, Vec<&Posting>> = BTreeMap::new();
        for posting in terms.iter().copied().flatten() {
            regions.entry(region_of(posting.block)).or_default().push(posting);
        }
        for (region, postings) in regions {
            self.add_to_region(region, &postings).await?;
        }
        Ok(())
    }

    /// Adds postings of a region's blocks: to the row of the region while that has room.
    async fn add_to_region(&mut self, region: i64, postings: &[&Posting]) -> sqlx::Result<()> {
        let terms = || postings.chunk_by(|one, other| one.term == other.term);
        let firsts: Vec<&Posting> =
            terms().filter_map(|postings| postings.first().copied()).collect();
        let mut on_file = self.sets_of(row_of(region), &firsts).await?;
        let (mut new, mut of_blocks) = (Vec::with_capacity(firsts.len()), Vec::new());
        for postings in terms() {
            let Some(term) = postings.first().map(|posting| &posting.term) else { continue };
            let before = on_file.remove(term);
            if before.as_ref().is_some_and(RoaringBitmap::is_empty) {
                of_blocks.extend_from_slice(postings);
                continue;
            }
            let mut customers = before.unwrap_or_default();
            let count = postings.iter().map(|posting| posting.count).sum::<u64>();
            let mut blocks = Sets::new();
            // Some of them may be there already.
            if customers.len() + count > MOST_TOGETHER {
                blocks = by_block(region, &customers);
                for Posting { block, customers, .. } in postings {
                    *blocks.entry(*block).or_default() |= decode(customers)?;
                }
            }
            if blocks.values().map(RoaringBitmap::len).sum::<u64>() > MOST_TOGETHER {
                for (block, customers) in blocks {
                    new.push(Posting::of(term.clone(), block, customers)?);
                }
                customers.clear();
            } else {
                for posting in postings {
                    add_block(&mut customers, posting.block, &decode(&posting.customers)?);
                }
            }
            new.push(Posting::of(term.clone(), row_of(region), customers)?);
        }
        self.write(&new).await?;
        self.add_to_blocks(&of_blocks).await
    }

    /// Adds postings to the rows of their blocks.
    async fn add_to_blocks(&mut self, postings: &[&Posting]) -> sqlx::Result<()> {
        let mut blocks: BTreeMap<i64, Vec<&Posting>> = BTreeMap::new();
        for &posting in postings {
            blocks.entry(posting.block).or_default().push(posting);
        }
        let mut united = Vec::with_capacity(postings.len());
        for (block, postings) in blocks {
            let mut on_file = self.sets_of(block, &postings).await?;
            for Posting { term, customers, .. } in postings {
                let before = on_file.remove(term).unwrap_or_default();
                united.push(Posting::of(term.clone(), block, before | decode(customers)?)?);
            }
        }
        self.write(&united).await
    }

    /// Writes postings in place of what is on file.
    async fn write(&mut self, postings: &[Posting]) -> sqlx::Result<()> {
        for postings in postings.chunks(STATEMENT) {
            on!(self, |db| {
                let mut query = sqlx::query(WRITE.as_str());
                for place in 0..STATEMENT {
                    let posting = postings.get(place);
                    query = query
                        .bind(posting.map_or("", |posting| posting.term.as_str()))
                        .bind(posting.map_or(0, |posting| posting.block))
                        .bind(posting.map(|posting| posting.customers.as_slice()));
                }
                query.execute(db).await.map(drop)
            })?;
        }
        Ok(())
    }

    /// The sets that a row of the terms of these postings has, each of another term.
    async fn sets_of(
        &mut self,
        row: i64,
        postings: &[&Posting],
    ) -> sqlx::Result<HashMap<String, RoaringBitmap>> {
        let rows: Vec<(String, Vec<u8>)> = on!(self, |db| {
            let mut query = sqlx::query_as(SELECT.as_str()).bind(row);
            for place in 0..STATEMENT {
                query = query.bind(postings.get(place).map_or("", |posting| posting.term.as_str()));
            }
            query.fetch_all(db).await
        })?;
        rows.into_iter().map(|(term, set)| Ok((term, decode(&set)?))).collect()
    }
}

/// The sets of as many terms as one statement takes.
static SELECT: LazyLock<String> = LazyLock::new(|| {
    let mut sql =
        "select term, customers from search_postings where block = $1 and term in (".to_owned();
    for place in 0..STATEMENT {
        let comma = if place == 0 { "" } else { ", " };
        let _ = write!(sql, "{comma}${}", place + 2);
    }
    sql + ")"
});

/// Writes as many sets as one statement takes, but for those without a term.
static WRITE: LazyLock<String> = LazyLock::new(|| {
    let mut sql = "insert into search_postings (term, block, customers)
                   select column1, column2, column3 from (values "
        .to_owned();
    for place in 0..STATEMENT {
        let (comma, first) = (if place == 0 { "" } else { ", " }, 3 * place + 1);
        let _ = write!(sql, "{comma}(${first}, ${}, ${})", first + 1, first + 2);
    }
    sql + ") v where column1 <> ''
           on conflict (term, block) do update set customers = excluded.customers"
});
