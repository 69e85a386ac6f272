//! Many rows into SQLite: one connection of its own, without a hop to another thread for each statement.
//!
//! The rows of a batch are sorted by the key whose index is spread the widest, so that each page of that index
//! is written once for a batch and not once for each row.

use std::cell::{Cell, RefCell};
use std::ops::Range;
use std::path::Path;
use std::time::{Duration, Instant};

use rusqlite::{Connection, ErrorCode, Params};

use super::recounting::RECOUNT;
use super::{ImportError, Settings};
pub use ahead::{Ahead, Scout};
use customers::SharedPhones;
use folding::Folding;
use many::ROWS;
pub use records::Found;
use records::Records;
use search_index::CatchingUp;
use turns::{TURN, Turns};

mod ahead;
mod customers;
mod folding;
mod many;
mod records;
mod search_index;
mod triggers;
mod turns;
mod vehicles;
mod visits;

/// How many rows are taken at once.
pub const ROWS_PER_BATCH: usize = 120_000;
/// How long the others are let in after a turn, at least.
const PAUSE: Duration = Duration::from_millis(20);
/// For how long short transactions follow one another before the others are let in.
const SPELL: Duration = Duration::from_millis(200);
/// How long the import waits for its own turn.
const PATIENCE: Duration = Duration::from_secs(60);
/// Pages that are kept in memory for the time of the import, in KiB. What a turn changes beyond that goes to the
/// log ahead of its end, where a page has one place however often the turn changes it.
const CACHE_KIB: i64 = 96 * 1024;
/// How long the log grows, in pages, before whoever writes has to fold it into the file, where the thread that does
/// so ([`Folding`]) comes too late.
const LOG_PAGES: i64 = 128 * 1024;

/// A connection that writes in turns.
pub struct Writer {
    connection: Connection,
    scout: Scout,
    turns: RefCell<Turns>,
    /// When the others were let in last.
    paused: Cell<Instant>,
    folding: RefCell<Folding>,
    search_index: CatchingUp,
    shared_phones: Cell<SharedPhones>,
    /// Whether only the triggers of new rows are there that the import knows.
    knows_triggers: bool,
}

/// Works on a thread that may wait, since SQLite does.
pub async fn on_thread<T: Send + 'static, E: Into<ImportError> + Send + 'static>(
    writer: &mut Option<Box<Writer>>,
    work: impl FnOnce(&mut Writer) -> Result<T, E> + Send + 'static,
) -> Result<T, ImportError> {
    // It is gone only where its thread ended early, which was told then.
    let mut taken = writer.take().ok_or(rusqlite::Error::InvalidQuery)?;
    let (taken, result) = tokio::task::spawn_blocking(move || {
        let result = work(&mut taken);
        (taken, result)
    })
    .await?;
    *writer = Some(taken);
    result.map_err(Into::into)
}

impl Writer {
    /// Opens the database file.
    pub fn open(path: &Path) -> rusqlite::Result<Self> {
        let connection = Connection::open(path)?;
        connection.busy_timeout(Duration::ZERO)?;
        connection.set_prepared_statement_cache_capacity(64);
        // A turn that a power cut takes back is taken again by the next import; closing makes it durable.
        connection.pragma_update(None, "synchronous", "normal")?;
        connection.pragma_update(None, "foreign_keys", true)?;
        connection.pragma_update(None, "cache_size", -CACHE_KIB)?;
        connection.pragma_update(None, "temp_store", "memory")?;
        // A page that many turns change is folded into the file once for all of them.
        connection.pragma_update(None, "wal_autocheckpoint", LOG_PAGES)?;
        let knows_triggers = triggers::are_known(&connection)?;
        let scout = Scout::new(path.to_owned(), Records(&connection).data_version()?);
        let turns = RefCell::new(Turns::begin(&connection)?);
        let paused = Cell::new(Instant::now());
        let folding = RefCell::new(Folding::new(path.to_owned()));
        let search_index = CatchingUp::new(path.to_owned());
        let shared_phones = Cell::default();
        Ok(Self {
            connection,
            scout,
            turns,
            paused,
            folding,
            search_index,
            shared_phones,
            knows_triggers,
        })
    }

    /// Who looks up what rows lead to, ahead of their writing.
    pub fn scout(&self) -> &Scout {
        &self.scout
    }

    /// Tells the customers with numbers in these spans what their visits say of them.
    pub fn recount(&mut self, spans: &[(i64, i64)]) -> rusqlite::Result<()> {
        self.skip_triggers(false)?;
        let mut spans = spans;
        while !spans.is_empty() {
            self.begin()?;
            let started = Instant::now();
            while let Some((&(from, to), rest)) = spans.split_first()
                && started.elapsed() < TURN / 2
            {
                self.execute(RECOUNT, [from, to])?;
                spans = rest;
            }
            self.commit()?;
        }
        Ok(())
    }

    /// Folds the log into the file, which makes all of it durable.
    pub fn close(&mut self) -> rusqlite::Result<()> {
        self.folding.get_mut().finish();
        self.connection.pragma_update(None, "synchronous", "full")?;
        // Where somebody reads, the log stays for a while; its content is durable then, too.
        self.connection.query_row("pragma wal_checkpoint(truncate)", [], |_| Ok(()))
    }

    /// Runs `take` for the numbers below `count`, some at a time, in transactions that are short enough for
    /// others to write in between; how many were taken. It is told whether the database is still that of
    /// `data_version`, but for what this connection wrote.
    fn in_turns(
        &self,
        count: usize,
        data_version: i64,
        settings: &Settings,
        mut take: impl FnMut(Range<usize>, bool) -> rusqlite::Result<()>,
    ) -> rusqlite::Result<usize> {
        let mut done = 0;
        while done < count && !settings.is_stopping() {
            self.begin()?;
            let (version, started) = (self.records().data_version()?, Instant::now());
            let is_unchanged = version == data_version;
            self.scout.note(version);
            let length = self.turns.borrow_mut().next(version, started);
            while done < count && started.elapsed() < length && !settings.is_stopping() {
                let some = done..count.min(done + ROWS);
                done = some.end;
                if let Err(error) = take(some, is_unchanged) {
                    // The error is what matters; without a commit nothing of the turn stays.
                    let _ = self.connection.execute_batch("rollback");
                    return Err(error);
                }
            }
            self.commit()?;
        }
        Ok(done)
    }

    /// What was looked up ahead, unless somebody else may have written since it was begun.
    fn current<T>(&self, ahead: Option<Ahead<T>>) -> rusqlite::Result<Option<Ahead<T>>> {
        let data_version = self.records().data_version()?;
        self.scout.note(data_version);
        Ok(ahead.filter(|ahead| ahead.data_version == data_version))
    }

    /// Ends a turn, and lets the others have theirs, unless they just had it.
    fn commit(&self) -> rusqlite::Result<()> {
        self.connection.execute_batch("commit")?;
        if self.paused.get().elapsed() >= SPELL {
            std::thread::sleep(PAUSE);
            self.paused.set(Instant::now());
        }
        self.folding.borrow_mut().go_on(&self.connection);
        Ok(())
    }

    /// Takes the write lock. SQLite's own waiting is unfair; with jitter everybody gets a turn.
    fn begin(&self) -> rusqlite::Result<()> {
        let started = Instant::now();
        loop {
            match self.connection.execute_batch("begin immediate") {
                Err(error) if is_busy(&error) && started.elapsed() < PATIENCE => {
                    let jitter = u64::from(started.elapsed().subsec_nanos()) % 9_000;
                    std::thread::sleep(Duration::from_micros(1_000 + jitter));
                }
                begun => return begun,
            }
        }
    }

    fn records(&self) -> Records<'_> {
        Records(&self.connection)
    }

    fn execute(&self, sql: &str, params: impl Params) -> rusqlite::Result<usize> {
        self.connection.prepare_cached(sql)?.execute(params)
    }
}

pub fn is_busy(error: &rusqlite::Error) -> bool {
    error.sqlite_error_code() == Some(ErrorCode::DatabaseBusy)
}
