//! The shop's records: one SQL text for SQLite and Postgres, one file per table.
//!
//! A [`Session`] is a connection of either database; `on!` runs a query on whichever it is. What
//! the two do differently stays in this file, in `sqlite.rs`, `postgres.rs` and `migrations/`.

mod appointments;
mod calendar;
mod checking;
mod confirmations;
mod crm;
mod customer_search;
mod customers;
pub mod exporting;
mod freshness;
mod holds;
mod idempotency;
pub mod importing;
mod invoices;
mod merging;
mod payments;
#[cfg(test)]
mod plans;
mod postgres;
mod products;
mod reminders;
mod remote_changes;
mod remote_invoices;
mod remote_payments;
mod remote_products;
mod reports;
mod reservations;
mod resources;
mod search;
mod sqlite;
mod tickets;
mod upstream_counters;
mod vehicles;
mod vin_decodes;

use sqlx::pool::PoolConnection;
use sqlx::{PgConnection, Postgres, Sqlite, SqliteConnection, Transaction};
use tokio::sync::Notify;

use crate::config::DatabaseUrl;
use crate::domain::shop::Shop;

pub use appointments::{Appointment, NewAppointment, Page};
pub use calendar::{CalendarState, Conflict, KnownBlock, Mark, Outcome, OwnEvent, Read, StaffDid};
pub use checking::{Checked, check_sqlite};
pub use crm::{CrmTicketChanges, CrmTicketRow};
pub use customer_search::{CustomerSearch, IndexState, Searched};
pub use customers::{CrmState, CustomerRow};
pub use freshness::Stamp;
pub use holds::Hold;
pub use idempotency::Claim;
pub use invoices::{After as AfterInvoice, Invoice, InvoicePage, NewInvoice};
pub use merging::{Holding, Moved};
pub use payments::{NewPayment, Payment};
pub use postgres::is_connection_lost;
pub use products::{MAX_STOCK, NewProduct, Product, ProductSearch};
pub use reminders::Reminder;
pub use remote_invoices::{RemoteCustomer, RemoteInvoiceRow, is_remote_invoice};
pub use reports::{Counted, Duration, Revenue, STRETCH_SECONDS};
pub use reservations::{OwnVisit, Question, Reservations, Visit};
pub use resources::{Needed, Resources};
pub use search::{Search, VIN_KEY_LENGTH};
pub use sqlite::copy_sqlite;
pub use tickets::{After as AfterTicket, Comment, NewTicket, Ticket};
pub use upstream_counters::Answered;

/// Runs one query on whichever database the session is of.
macro_rules! on {
    ($session:expr, |$connection:ident| $body:expr) => {
        match $session.link() {
            $crate::store::Link::Sqlite($connection) => {
                $crate::store::sqlite::promptly(async { $body }).await
            }
            $crate::store::Link::Postgres($connection) => $body,
        }
    };
}
pub(crate) use on;

/// An open database, its schema up to date.
pub struct Store {
    backend: Backend,
    /// The bays and technicians of this shop, as the database numbers them.
    pub resources: Resources,
    indexing: customer_search::Indexing,
    /// Told of each change that a tool has made.
    pub changed: Notify,
}

enum Backend {
    Sqlite(sqlite::Files),
    Postgres(postgres::Server),
}

/// Why the database cannot be used at all; told to the owner, not to callers.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The folder or the file cannot be made or read.
    #[error("the database file cannot be used: {0}")]
    File(#[source] std::io::Error),
    /// Another version of servicebay has changed the schema.
    #[error("the database's schema is newer than this program; install the newer servicebay")]
    SchemaNewer,
    /// The schema could not be made.
    #[error("the database's schema cannot be brought up to date: {0}")]
    Migrate(#[source] sqlx::migrate::MigrateError),
    /// The linked SQLite has a known way to corrupt files.
    #[error(
        "SQLite {0} can corrupt a database that several processes write; 3.51.3 or later is needed"
    )]
    SqliteVersion(&'static str),
    /// The database refused or did not answer.
    #[error("the database did not answer: {0}")]
    Database(#[from] sqlx::Error),
}

impl OpenError {
    /// Whether something is in the way of the first migration: tables that are not ours.
    pub fn is_of_another_program(&self) -> bool {
        use sqlx::migrate::MigrateError::ExecuteMigration;
        matches!(self, Self::Migrate(ExecuteMigration(error, 1)) if !is_locked(error))
    }
}

impl From<sqlx::migrate::MigrateError> for OpenError {
    fn from(error: sqlx::migrate::MigrateError) -> Self {
        match error {
            sqlx::migrate::MigrateError::VersionMissing(_) => Self::SchemaNewer,
            sqlx::migrate::MigrateError::Execute(error) => Self::Database(error),
            error => Self::Migrate(error),
        }
    }
}

impl Store {
    /// Opens the database, makes it where there is none, and brings its schema up to date.
    ///
    /// # Errors
    /// Where it cannot be reached, made or understood.
    pub async fn open(url: &DatabaseUrl, shop: &Shop) -> Result<Self, OpenError> {
        let backend = match url {
            DatabaseUrl::Sqlite(path) => Backend::Sqlite(sqlite::Files::open(path).await?),
            DatabaseUrl::Postgres(url) => Backend::Postgres(postgres::Server::open(url).await?),
        };
        let mut store = Self {
            backend,
            resources: Resources::default(),
            indexing: customer_search::Indexing::default(),
            changed: Notify::new(),
        };
        store.resources = store.name_resources(shop).await?;
        store.note_currency(shop).await?;
        Ok(store)
    }

    /// Whether this is still the database that its address leads to.
    pub fn is_current(&self) -> bool {
        match &self.backend {
            Backend::Sqlite(files) => files.is_current(),
            Backend::Postgres(_) => true,
        }
    }

    /// A connection for reading.
    ///
    /// # Errors
    /// Where none is free in time.
    pub async fn read(&self) -> sqlx::Result<Session> {
        Ok(match &self.backend {
            Backend::Sqlite(files) => {
                Session(Kind::SqliteRead(sqlite::promptly(files.readers.acquire()).await?))
            }
            Backend::Postgres(server) => Session(Kind::PostgresRead(server.pool.acquire().await?)),
        })
    }

    /// The same for whoever reads millions of rows and keeps nobody waiting.
    ///
    /// # Errors
    /// Where no connection is to be had.
    pub async fn read_in_bulk(&self) -> sqlx::Result<Session> {
        match &self.backend {
            Backend::Sqlite(files) => {
                Ok(Session(Kind::SqliteRead(files.bulk_reader.acquire().await?)))
            }
            Backend::Postgres(_) => self.read().await,
        }
    }

    /// A transaction that no other writer of the shop's times runs beside: what it reads is still
    /// true when it commits. Dropped without a commit, it leaves nothing behind.
    ///
    /// # Errors
    /// Where the lock is not to be had in time.
    pub async fn write(&self) -> sqlx::Result<Session> {
        self.write_from(postgres::BEGIN).await
    }

    /// The same for whoever writes many rows.
    ///
    /// # Errors
    /// Where the lock is not to be had in time.
    pub async fn write_in_bulk(&self) -> sqlx::Result<Session> {
        self.write_from(postgres::BEGIN_IN_BULK).await
    }

    async fn write_from(&self, begin: &'static str) -> sqlx::Result<Session> {
        Ok(Session(match &self.backend {
            Backend::Sqlite(files) => Kind::Sqlite(files.begin_exclusive().await?),
            Backend::Postgres(server) => {
                Kind::Postgres(postgres::begin_exclusive(&server.pool, begin).await?)
            }
        }))
    }

    /// Which state of the customers' rows a read that starts now sees; `None` where that is not
    /// known, and nothing may be answered from memory.
    pub fn stamp(&self) -> Option<Stamp> {
        match &self.backend {
            Backend::Sqlite(files) => files.freshness.stamp(),
            Backend::Postgres(server) => server.freshness.stamp(),
        }
    }

    /// Drops what this process keeps in memory of the customers' rows.
    pub fn customers_changed(&self) {
        match &self.backend {
            Backend::Sqlite(files) => files.freshness.bump(),
            Backend::Postgres(server) => server.freshness.bump(),
        }
    }

    /// What the database says of itself, for `doctor`.
    ///
    /// # Errors
    /// Where it does not answer.
    pub async fn version(&self) -> sqlx::Result<String> {
        let mut session = self.read().await?;
        match session.link() {
            Link::Sqlite(connection) => {
                sqlx::query_scalar("select 'SQLite ' || sqlite_version()")
                    .fetch_one(connection)
                    .await
            }
            Link::Postgres(connection) => {
                sqlx::query_scalar("select 'PostgreSQL ' || current_setting('server_version')")
                    .fetch_one(connection)
                    .await
            }
        }
    }

    /// How many of the triggers and constraints that refuse double bookings, overpaid invoices and
    /// stock below zero are in place, of how many.
    ///
    /// # Errors
    /// Where the database does not answer.
    pub async fn referees(&self) -> sqlx::Result<(i64, i64)> {
        match &self.backend {
            Backend::Sqlite(files) => files.referees().await,
            Backend::Postgres(server) => server.referees().await,
        }
    }

    /// Closes the connections in an orderly way.
    pub async fn close(&self) {
        self.indexing.stop();
        match &self.backend {
            Backend::Sqlite(files) => files.close().await,
            Backend::Postgres(server) => server.close().await,
        }
    }
}

/// A connection or a transaction of either database.
pub struct Session(Kind);

enum Kind {
    SqliteRead(PoolConnection<Sqlite>),
    Sqlite(Transaction<'static, Sqlite>),
    PostgresRead(PoolConnection<Postgres>),
    Postgres(Transaction<'static, Postgres>),
}

/// The connection that a query runs on.
pub(crate) enum Link<'session> {
    Sqlite(&'session mut SqliteConnection),
    Postgres(&'session mut PgConnection),
}

impl Session {
    fn link(&mut self) -> Link<'_> {
        match &mut self.0 {
            Kind::SqliteRead(connection) => Link::Sqlite(connection),
            Kind::Sqlite(transaction) => Link::Sqlite(transaction),
            Kind::PostgresRead(connection) => Link::Postgres(connection),
            Kind::Postgres(transaction) => Link::Postgres(transaction),
        }
    }

    /// Makes a transaction's changes durable.
    ///
    /// # Errors
    /// Where the database could not. It changed nothing then, unless the connection broke: in that
    /// case nobody knows.
    pub async fn commit(self) -> sqlx::Result<()> {
        match self.0 {
            Kind::Sqlite(transaction) => {
                sqlite::within(sqlite::COMMIT_PROMPT, transaction.commit()).await
            }
            Kind::Postgres(transaction) => transaction.commit().await,
            Kind::SqliteRead(_) | Kind::PostgresRead(_) => Ok(()),
        }
    }
}

/// Whether the error means that the schema is not there: the database was made anew meanwhile.
pub fn is_schema_missing(error: &sqlx::Error) -> bool {
    let sqlx::Error::Database(error) = error else { return false };
    match error.code().as_deref() {
        // Undefined table, column, function.
        Some("42P01" | "42703" | "42883") => true,
        Some("1") => error.message().starts_with("no such table"),
        _ => false,
    }
}

/// Whether the error means that a SQLite file is malformed, or none: damaged, or overwritten while it was open.
pub fn is_malformed(error: &sqlx::Error) -> bool {
    let sqlx::Error::Database(error) = error else { return false };
    let code = error.code().filter(|code| code.len() < 5).and_then(|code| code.parse::<i64>().ok());
    matches!(code.map(|code| code & 0xff), Some(11 | 26))
}

/// How often a read may be tried again after [`is_connection_lost`]: each connection of the pool may
/// have been cut by the same event.
pub const LOST_CONNECTIONS: u32 = postgres::MAX_CONNECTIONS;

/// Whether a constraint of the schema refused the write as a second of its kind, or as an overlap.
pub fn is_refused(error: &sqlx::Error) -> bool {
    let sqlx::Error::Database(error) = error else { return false };
    // 1811 is SQLite's RAISE(ABORT), 23P01 Postgres' exclusion constraint.
    error.is_unique_violation() || matches!(error.code().as_deref(), Some("1811" | "23P01"))
}

/// Whether somebody else held a lock for longer than one waits: on Postgres by the limit of locks, or by the one of a
/// statement, since what takes as long as that has waited (PostgreSQL manual, appendix A).
fn is_locked(error: &sqlx::Error) -> bool {
    let code = error.as_database_error().and_then(|error| error.code()).unwrap_or_default();
    match code.len() {
        5 => matches!(&*code, "55P03" | "57014"),
        _ => sqlite::is_busy(error),
    }
}

/// Whether a check of the schema refused the write, as of more than is due or there.
pub fn is_beyond_limit(error: &sqlx::Error) -> bool {
    let sqlx::Error::Database(error) = error else { return false };
    error.is_check_violation() || error.code().as_deref() == Some("1811")
}
