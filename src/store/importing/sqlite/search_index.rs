//! Having the search index catch up while the history is written, which leaves half of the machine idle.
//!
//! What customers are found by is gathered by a thread. Between two batches, the import's own connection adds it
//! to the index: what another one writes would make the import look up anew what it has looked up ahead. What is
//! not done by the end of the import is left to [`Store::index_customers`](crate::store::Store::index_customers).

use std::path::{Path, PathBuf};
use std::thread::JoinHandle;
use std::time::Instant;

use rusqlite::{Connection, OpenFlags, Row as SqlRow, params};

use super::{TURN, Writer};
use crate::domain::id::CustomerId;
use crate::store::customer_search::SEPARATOR;
use crate::store::customer_search::indexing::adding::{self, OnFile, Posting};
use crate::store::customer_search::indexing::{
    CLAIM, Claim, FoundBy, Lot, NEWEST_PENDING, RECORDS_TO_INDEX, SELECT, SETTLE, STATEMENT, WRITE,
    Words,
};
use crate::store::importing::{ImportError, helping};

/// How many blocks are gathered together: the more, the fewer times each page of the index is written.
const BLOCKS: usize = 2;

/// How many customers are read at once.
const CUSTOMERS: i64 = 512;

/// How far the index has caught up.
#[derive(Debug)]
pub(super) struct CatchingUp {
    path: PathBuf,
    /// What is written next.
    gathering: Option<JoinHandle<Result<Lot, ImportError>>>,
    /// The pending customers below this number are still to come.
    below: i64,
}

impl CatchingUp {
    pub fn new(path: PathBuf) -> Self {
        Self { path, gathering: None, below: i64::MAX }
    }

    fn is_gathering(&self) -> bool {
        self.gathering.as_ref().is_some_and(|gathering| !gathering.is_finished())
    }

    /// What was gathered, once it is. Searches are right without the index, and have it catch up by themselves.
    fn gathered(&mut self) -> Option<Lot> {
        match self.gathering.take()?.join() {
            Ok(Ok(lot)) => return Some(lot),
            Ok(Err(error)) => {
                tracing::warn!(%error, "the search index does not catch up beside the import");
            }
            Err(_) => tracing::warn!("a thread of the import ended early"),
        }
        self.below = 0;
        None
    }
}

impl Writer {
    /// Writes what was gathered meanwhile, and has a thread gather what comes next, if anything does.
    pub(super) fn catch_up(&mut self) -> Result<(), ImportError> {
        if self.search_index.is_gathering() {
            return Ok(());
        }
        let lot = self.search_index.gathered();
        let claims = self.claim(BLOCKS)?;
        if !claims.is_empty() {
            let path = self.search_index.path.clone();
            let gather = move || gather(&path, &claims);
            self.search_index.gathering = Some(helping::spawn(gather));
        }
        lot.map_or(Ok(()), |lot| self.add_lot(&lot))
    }

    /// Writes what is being gathered, and has nobody gather more.
    pub fn catch_up_at_last(&mut self) -> Result<(), ImportError> {
        let lot = self.search_index.gathered();
        lot.map_or(Ok(()), |lot| self.add_lot(&lot))
    }

    /// Claims the pending customers of the newest blocks that are still to come, so many blocks at most.
    fn claim(&mut self, blocks: usize) -> Result<Vec<Claim>, ImportError> {
        let mut claims = Vec::with_capacity(blocks);
        while claims.len() < blocks {
            let below = self.search_index.below;
            let newest = self.records().one(NEWEST_PENDING, [below], |row| row.get(0))?;
            let Some(newest) = newest.flatten() else { break };
            let claim = Claim::new(CustomerId(newest))?;
            self.change_pending(CLAIM, claim)?;
            self.search_index.below = claim.first();
            claims.push(claim);
        }
        Ok(claims)
    }

    /// Writes what was gathered; then the customers are pending no more, but for those who changed.
    fn add_lot(&self, lot: &Lot) -> Result<(), ImportError> {
        let terms = adding::by_term(&lot.postings);
        let mut rest = terms.chunks(STATEMENT).peekable();
        while rest.peek().is_some() {
            self.begin()?;
            let started = Instant::now();
            while started.elapsed() < TURN / 2
                && let Some(terms) = rest.next()
            {
                if let Err(error) = self.add_postings(terms) {
                    // The error is what matters; without a commit nothing of the turn stays.
                    let _ = self.connection.execute_batch("rollback");
                    return Err(error);
                }
            }
            self.commit()?;
        }
        lot.claims.iter().try_for_each(|claim| self.change_pending(SETTLE, *claim))
    }

    fn change_pending(&self, sql: &str, claim: Claim) -> Result<(), ImportError> {
        for (from, to) in claim.parts() {
            self.begin()?;
            self.execute(sql, [claim.number, from, to])?;
            self.commit()?;
        }
        Ok(())
    }

    /// Adds the postings of some terms.
    fn add_postings(&self, terms: &[&[Posting]]) -> Result<(), ImportError> {
        for (region, postings) in adding::by_region(terms) {
            let on_file = self.sets_of(adding::row_of(region), &adding::firsts(&postings))?;
            let (new, of_blocks) = adding::add_to_region(region, &postings, on_file)?;
            self.write_sets(&new)?;
            for (block, postings) in adding::each_block(&of_blocks) {
                let on_file = self.sets_of(block, &postings)?;
                self.write_sets(&adding::add_to_block(&postings, on_file)?)?;
            }
        }
        Ok(())
    }

    /// The sets that a row of the terms of these postings has, each of another term.
    fn sets_of(&self, row: i64, postings: &[&Posting]) -> Result<OnFile, ImportError> {
        let mut statement = self.connection.prepare_cached(&SELECT)?;
        statement.raw_bind_parameter(1, row)?;
        for place in 0..STATEMENT {
            let term = postings.get(place).map_or("", |posting| posting.term.as_str());
            statement.raw_bind_parameter(place + 2, term)?;
        }
        let (mut rows, mut on_file) = (statement.raw_query(), OnFile::new());
        while let Some(row) = rows.next()? {
            let (term, set) = (row.get(0)?, row.get_ref(1)?);
            let set = set.as_blob().map_err(rusqlite::Error::from)?;
            on_file.extend([adding::on_file(term, set)?]);
        }
        Ok(on_file)
    }

    /// Writes sets in place of what is on file.
    fn write_sets(&self, postings: &[Posting]) -> Result<(), ImportError> {
        let mut statement = self.connection.prepare_cached(&WRITE)?;
        for postings in postings.chunks(STATEMENT) {
            for place in 0..STATEMENT {
                let posting = postings.get(place);
                let first = 3 * place + 1;
                let term = posting.map_or("", |posting| posting.term.as_str());
                let block = posting.map_or(0, |posting| posting.block);
                statement.raw_bind_parameter(first, term)?;
                statement.raw_bind_parameter(first + 1, block)?;
                let set = posting.map(|posting| posting.customers.as_slice());
                statement.raw_bind_parameter(first + 2, set)?;
            }
            statement.raw_execute()?;
        }
        Ok(())
    }
}

/// Gathers what the customers of claimed blocks are found by.
fn gather(path: &Path, claims: &[Claim]) -> Result<Lot, ImportError> {
    let connection = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    let mut statement = connection.prepare(RECORDS_TO_INDEX)?;
    let mut lot = Lot::default();
    for &claim in claims {
        let mut found_by = FoundBy::of(claim);
        // A short look each, as for those who look up what rows lead to.
        for (from, to) in claim.spans(CUSTOMERS) {
            let mut rows = statement.query(params![SEPARATOR, from, to, claim.number])?;
            while let Some(row) = rows.next()? {
                found_by.add(CustomerId(row.get(0)?), &words(row)?);
            }
        }
        lot.extend(claim, found_by.postings()?);
    }
    adding::sort(&mut lot.postings);
    Ok(lot)
}

fn words<'r>(row: &'r SqlRow<'_>) -> rusqlite::Result<Words<'r>> {
    let text = |column| row.get_ref(column)?.as_str_or_null().map_err(rusqlite::Error::from);
    Ok(Words {
        first_name: text(1)?.unwrap_or_default(),
        last_name: text(2)?.unwrap_or_default(),
        email: text(3)?,
        phone_number: text(4)?,
        plates: text(5)?,
        merged: text(6)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Config, DatabaseUrl, SqlitePath};
    use crate::store::Store;

    /// Customers in three blocks, some of them merged into the one before; every third one has a vehicle.
    const SHOP: &str = "
        insert into customers (id, crm_id, first_name, last_name, email, email_key, phone_number, created_at)
        with recursive n (i) as (select 1 union all select i + 1 from n where i < 300)
        select i * 500, 'C' || i, 'Zoë', 'Smith ' || i, i || '@example.com', i || '@example.com',
               '+1202555' || (1000 + i), 5
        from n;
        update customers set merged_into = id - 500 where id % 7000 = 0;
        insert into vehicles (customer_id, year, make, model, license_plate, is_primary, created_at)
        select id, 2020, 'Ford', 'F-150', 'KLM-' || id, 1, 5 from customers
        where id % 1500 = 0 and merged_into is null;";

    async fn shop(folder: &tempfile::TempDir, name: &str) -> (PathBuf, Store) {
        let path = folder.path().join(name);
        let url = DatabaseUrl::Sqlite(SqlitePath::File(path.clone()));
        let store = Store::open(&url, &Config::in_memory().shop).await.unwrap();
        Connection::open(&path).unwrap().execute_batch(SHOP).unwrap();
        (path, store)
    }

    /// How many customers are pending, and the whole index.
    fn index(path: &Path) -> (i64, Vec<(String, i64, Vec<u8>)>) {
        let connection = Connection::open(path).unwrap();
        let count = "select count(*) from search_pending";
        let pending = connection.query_row(count, [], |row| row.get(0)).unwrap();
        let sql = "select term, block, customers from search_postings order by term, block";
        let mut statement = connection.prepare(sql).unwrap();
        let postings =
            statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?))).unwrap();
        (pending, postings.collect::<rusqlite::Result<_>>().unwrap())
    }

    #[tokio::test]
    async fn the_index_is_the_one_that_a_server_makes() {
        let folder = tempfile::tempdir().unwrap();
        let (path, store) = shop(&folder, "server.db").await;
        store.index_customers(|_, _| ()).await.unwrap();
        store.close().await;
        let by_server = index(&path);
        assert_eq!(by_server.0, 0);
        assert!(by_server.1.len() > 500, "{}", by_server.1.len());

        let (path, _store) = shop(&folder, "import.db").await;
        let mut writer = Writer::open(&path).unwrap();
        writer.catch_up().unwrap();
        let pending = index(&path).0;
        assert!(pending > 0, "nothing is written before it was gathered");
        writer.catch_up_at_last().unwrap();
        let of_one_lot = index(&path).0;
        assert!(0 < of_one_lot && of_one_lot < pending, "{of_one_lot} of {pending}");
        writer.catch_up().unwrap();
        writer.catch_up_at_last().unwrap();
        assert_eq!(index(&path), by_server);
    }

    #[tokio::test]
    async fn who_changes_meanwhile_stays_pending() {
        let folder = tempfile::tempdir().unwrap();
        let (path, _store) = shop(&folder, "shop.db").await;
        let mut writer = Writer::open(&path).unwrap();
        writer.catch_up().unwrap();
        let other = Connection::open(&path).unwrap();
        other.execute("update customers set last_name = 'Garcia' where id = 150000", []).unwrap();
        writer.catch_up_at_last().unwrap();
        let sql = "select exists (select 1 from search_pending where customer_id = 150000)";
        assert!(other.query_row(sql, [], |row| row.get::<_, bool>(0)).unwrap());
    }
}
