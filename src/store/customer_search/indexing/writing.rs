//! Adding sets of customers to the postings.

use std::fmt::Write as _;
use std::sync::LazyLock;

use super::adding::{self, OnFile, Posting};
use super::on_thread;
use crate::store::{Backend, Kind, Session, Store, on};

/// How many bytes of postings are written in one transaction, and how many terms in one statement: sqlx asks SQLite
/// for the name of each parameter, which takes the longer the more there are.
const SLICE: usize = 2 * 1024 * 1024;
pub(in crate::store) const STATEMENT: usize = 64;
/// The key of the advisory lock under which postings are written: "Search" in ASCII.
const LOCK: i64 = 91_607_037_174_632;
/// Begins a transaction on Postgres. Nobody waits for it, and what is broken off has to be done again: so a busy
/// machine may take longer over it than over what a caller waits for.
const BEGIN: &str = "begin;
    set local statement_timeout = '60s';
    set local idle_in_transaction_session_timeout = '60s'";

impl Store {
    /// Adds the postings in slices; whether all of them were, before somebody wanted it to stop.
    pub(super) async fn write_postings(&self, mut postings: Vec<Posting>) -> sqlx::Result<bool> {
        let postings = on_thread(move || {
            adding::sort(&mut postings);
            postings
        });
        let postings = postings.await?;
        let terms = adding::by_term(&postings);
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
        let mut transaction = server.pool.begin_with(BEGIN).await?;
        let lock = sqlx::query("select pg_advisory_xact_lock($1)").bind(LOCK);
        lock.execute(&mut *transaction).await?;
        Ok(Session(Kind::Postgres(transaction)))
    }
}

impl Session {
    /// Adds the postings of some terms.
    async fn add_postings(&mut self, terms: &[&[Posting]]) -> sqlx::Result<()> {
        for (region, postings) in adding::by_region(terms) {
            let on_file = self.sets_of(adding::row_of(region), &adding::firsts(&postings)).await?;
            let (new, of_blocks) = adding::add_to_region(region, &postings, on_file)?;
            self.write(&new).await?;
            for (block, postings) in adding::each_block(&of_blocks) {
                let on_file = self.sets_of(block, &postings).await?;
                self.write(&adding::add_to_block(&postings, on_file)?).await?;
            }
        }
        Ok(())
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
    async fn sets_of(&mut self, row: i64, postings: &[&Posting]) -> sqlx::Result<OnFile> {
        let rows: Vec<(String, Vec<u8>)> = on!(self, |db| {
            let mut query = sqlx::query_as(SELECT.as_str()).bind(row);
            for place in 0..STATEMENT {
                query = query.bind(postings.get(place).map_or("", |posting| posting.term.as_str()));
            }
            query.fetch_all(db).await
        })?;
        rows.into_iter().map(|(term, set)| adding::on_file(term, &set)).collect()
    }
}

/// The sets of as many terms as one statement takes.
pub(in crate::store) static SELECT: LazyLock<String> = LazyLock::new(|| {
    let mut sql =
        "select term, customers from search_postings where block = $1 and term in (".to_owned();
    for place in 0..STATEMENT {
        let comma = if place == 0 { "" } else { ", " };
        let _ = write!(sql, "{comma}${}", place + 2);
    }
    sql + ")"
});

/// Writes as many sets as one statement takes, but for those without a term.
pub(in crate::store) static WRITE: LazyLock<String> = LazyLock::new(|| {
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
