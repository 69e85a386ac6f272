//! SQLite: the file, its connections, its writer's lock and its change counter.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use backon::{ExponentialBuilder, Retryable};
use sqlx::sqlite::{
    SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous,
};
use sqlx::{Sqlite, Transaction};

use super::OpenError;
use super::freshness::{Changes, Stamp};
use crate::config::SqlitePath;

/// The first release without the WAL-reset bug, which can corrupt a file that several processes
/// write (<https://www.sqlite.org/wal.html#walresetbug>).
const SAFE_VERSION: i32 = 3_051_003;
/// How long a call waits for a connection or for another process's write lock.
const WAIT: Duration = Duration::from_secs(5);
/// More readers than cores only wait for one another.
const READERS: u32 = 2;
/// How many bytes of the file readers look into without a system call and a copy for each page: as many as
/// SQLite lets them, where addresses are no matter.
const MAPPED: &str = if cfg!(target_pointer_width = "64") { "2147418112" } else { "0" };
/// How long this thread stays awake for a connection's thread: longer than a query of one row
/// takes, shorter than anybody notices.
const PROMPT: Duration = Duration::from_micros(150);
/// The same for a commit, which waits for the disk.
pub const COMMIT_PROMPT: Duration = Duration::from_micros(600);

static MIGRATIONS: sqlx::migrate::Migrator = sqlx::migrate!("migrations/sqlite");

/// One database file, or a database in memory.
pub struct Files {
    /// Connections for reading; they wait for no writer.
    pub readers: SqlitePool,
    /// A connection for reading millions of rows, which leaves the others to those who wait for a reply, and
    /// the memory as it is.
    pub bulk_reader: SqlitePool,
    /// The one connection that writes, so that the calls of this process queue in order instead of
    /// racing for the file's lock.
    writer: SqlitePool,
    /// When the file changed.
    pub freshness: Freshness,
    /// Which file was opened; `None` in memory.
    identity: Option<Identity>,
}

/// A file's path and what tells it from another one that takes its place.
struct Identity {
    path: PathBuf,
    number: Option<(u64, u64)>,
}

impl Files {
    /// Opens the file, makes it where there is none, and brings its schema up to date.
    pub async fn open(path: &SqlitePath) -> Result<Self, OpenError> {
        if rusqlite::version_number() < SAFE_VERSION {
            return Err(OpenError::SqliteVersion(rusqlite::version()));
        }
        let files = match path {
            SqlitePath::File(path) => Self::open_file(path)?,
            SqlitePath::Memory => Self::open_memory(),
        };
        files.migrate().await?;
        Ok(files)
    }

    /// Whether the path still leads to the file that was opened. What is written to one that was
    /// deleted or replaced is lost with this process.
    pub fn is_current(&self) -> bool {
        self.identity.as_ref().is_none_or(|identity| file_number(&identity.path) == identity.number)
    }

    /// Where the database lies; `None` in memory.
    pub fn path(&self) -> Option<&Path> {
        self.identity.as_ref().map(|identity| identity.path.as_path())
    }

    fn open_file(path: &Path) -> Result<Self, OpenError> {
        create_private(path).map_err(OpenError::File)?;
        let options = options().filename(path);
        // The writer's waiting is done by us, with jitter: SQLite's own is unfair.
        let writer = options.clone().busy_timeout(Duration::from_millis(5));
        Ok(Self {
            readers: pool(READERS).connect_lazy_with(options.clone().pragma("mmap_size", MAPPED)),
            bulk_reader: pool(1).connect_lazy_with(options),
            writer: pool(1).connect_lazy_with(writer),
            freshness: Freshness::of_file(path),
            identity: Some(Identity { path: path.to_owned(), number: file_number(path) }),
        })
    }

    /// A database in memory lives in its one connection.
    fn open_memory() -> Self {
        let only = pool(1)
            .idle_timeout(None)
            .max_lifetime(None)
            .connect_lazy_with(options().in_memory(true));
        let freshness = Freshness::of_process();
        Self {
            readers: only.clone(),
            bulk_reader: only.clone(),
            writer: only,
            freshness,
            identity: None,
        }
    }

    /// Brings the schema up to date in one exclusive transaction, so that processes that start at
    /// the same moment do not trip over one another; the migrator itself takes no lock on SQLite.
    async fn migrate(&self) -> Result<(), OpenError> {
        let mut transaction = self.begin_exclusive().await?;
        MIGRATIONS.run_direct(None, &mut *transaction, false).await?;
        Ok(transaction.commit().await?)
    }

    /// A transaction that holds the file's write lock from its first statement on.
    pub async fn begin_exclusive(&self) -> sqlx::Result<Transaction<'static, Sqlite>> {
        let patience = ExponentialBuilder::default()
            .with_min_delay(Duration::from_millis(1))
            .with_max_delay(Duration::from_millis(10))
            .with_jitter()
            .without_max_times();
        let started = Instant::now();
        let begin = || promptly(self.writer.begin_with("begin immediate"));
        // The attempts take their time too, so it is the clock that ends them.
        begin.retry(patience).when(|error| is_busy(error) && started.elapsed() < WAIT).await
    }

    /// See [`super::Store::referees`].
    pub async fn referees(&self) -> sqlx::Result<(i64, i64)> {
        let sql = "select count(*) from sqlite_master
                   where type = 'trigger' and sql like '%raise(abort%'";
        Ok((sqlx::query_scalar(sql).fetch_one(&self.readers).await?, 29))
    }

    /// Closes the connections; the last process to do so folds the write-ahead log into the file.
    pub async fn close(&self) {
        self.readers.close().await;
        self.bulk_reader.close().await;
        self.writer.close().await;
    }
}

/// Copies the database file `from`, as it is at one moment, into the empty file `to`; nobody waits for it.
///
/// # Errors
/// Where either cannot be used.
pub fn copy_sqlite(from: &Path, to: &Path) -> rusqlite::Result<()> {
    let connection = rusqlite::Connection::open(from)?;
    connection.busy_timeout(WAIT)?;
    let to = to.to_string_lossy();
    connection.execute("vacuum into ?1", [&to]).map(drop)
}

/// Awaits what a connection's own thread is about to deliver without going to sleep in between.
///
/// sqlx runs each SQLite connection on a thread of its own. Most queries take it some ten
/// microseconds, but to be put to sleep and woken by it costs this thread a multiple of that, for
/// every row anew. So the thread offers its core to others for a moment, and only then sleeps.
pub async fn promptly<F: Future>(future: F) -> F::Output {
    within(PROMPT, future).await
}

/// The same with another time to stay awake.
pub async fn within<F: Future>(prompt: Duration, future: F) -> F::Output {
    let mut future = std::pin::pin!(future);
    std::future::poll_fn(|context| {
        let started = Instant::now();
        while started.elapsed() < prompt {
            if let Poll::Ready(output) =
                future.as_mut().poll(&mut Context::from_waker(Waker::noop()))
            {
                return Poll::Ready(output);
            }
            std::thread::yield_now();
        }
        future.as_mut().poll(context)
    })
    .await
}

fn options() -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .journal_mode(SqliteJournalMode::Wal)
        // A reply of success means that the change is on the disk.
        .synchronous(SqliteSynchronous::Full)
        .foreign_keys(true)
        .busy_timeout(WAIT)
        .pragma("cache_size", "-500")
}

fn pool(connections: u32) -> SqlitePoolOptions {
    SqlitePoolOptions::new()
        .max_connections(connections)
        .acquire_timeout(WAIT)
        .test_before_acquire(false)
        // When SQLite itself rolls back (a full disk), sqlx still believes in the transaction and
        // the connection would be unusable for ever: such a one is closed instead.
        .before_acquire(|connection, _| {
            use sqlx::Connection;
            let usable = !connection.is_in_transaction();
            Box::pin(async move { Ok(usable) })
        })
}

/// Whether somebody else holds a lock (<https://www.sqlite.org/rescode.html#busy>).
pub fn is_busy(error: &sqlx::Error) -> bool {
    let sqlx::Error::Database(error) = error else { return false };
    error.code().and_then(|code| code.parse::<i64>().ok()).is_some_and(|code| code & 0xff == 5)
}

/// Device and inode of the file; `None` where there is none, or where the system has no such numbers.
fn file_number(path: &Path) -> Option<(u64, u64)> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt;
        std::fs::metadata(path).ok().map(|file| (file.dev(), file.ino()))
    }
    #[cfg(not(unix))]
    {
        let _ = path;
        None
    }
}

/// Makes the file, and the folder it lies in, for their owner alone: they hold personal data.
fn create_private(path: &Path) -> io::Result<()> {
    if path.try_exists()? {
        return Ok(());
    }
    let mut folder = std::fs::DirBuilder::new();
    folder.recursive(true);
    let mut file = std::fs::OpenOptions::new();
    file.write(true).create(true).truncate(false);
    #[cfg(unix)]
    {
        use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
        folder.mode(0o700);
        file.mode(0o600);
    }
    if let Some(parent) = path.parent().filter(|parent| !parent.as_os_str().is_empty()) {
        folder.create(parent)?;
    }
    file.open(path).map(drop)
}

/// When the file changed: `PRAGMA data_version` of a connection of its own differs as soon as any
/// other connection of any process has committed, so a stamp is never late.
pub struct Freshness {
    changes: Changes,
    watch: Option<Watch>,
}

struct Watch {
    path: PathBuf,
    /// Opened at the first stamp; the lock is held for about a microsecond.
    connection: Mutex<Option<rusqlite::Connection>>,
}

impl Freshness {
    fn of_file(path: &Path) -> Self {
        let watch = Watch { path: path.to_owned(), connection: Mutex::new(None) };
        Self { changes: Changes::default(), watch: Some(watch) }
    }

    /// Nobody else can change a database in this process's memory.
    fn of_process() -> Self {
        Self { changes: Changes::default(), watch: None }
    }

    pub fn bump(&self) {
        self.changes.bump();
    }

    pub fn stamp(&self) -> Option<Stamp> {
        let local = self.changes.count();
        let file = self.watch.as_ref().map_or(Some(0), Watch::data_version)?;
        Some(Stamp { local, file })
    }
}

impl Watch {
    /// `None` where the file cannot be asked: then nothing is served from memory.
    fn data_version(&self) -> Option<i64> {
        let mut connection = self.connection.lock().ok()?;
        if connection.is_none() {
            *connection = self.open().ok();
        }
        let version = connection
            .as_ref()?
            .prepare_cached("pragma data_version")
            .ok()?
            .query_row([], |row| row.get(0));
        if version.is_err() {
            *connection = None;
        }
        version.ok()
    }

    fn open(&self) -> rusqlite::Result<rusqlite::Connection> {
        use rusqlite::OpenFlags;
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = rusqlite::Connection::open_with_flags(&self.path, flags)?;
        connection.busy_timeout(Duration::ZERO)?;
        Ok(connection)
    }
}
