//! Postgres: the connections, the shop's lock, and the heartbeat that keeps memory fresh.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant, SystemTime};

use sqlx::postgres::{PgConnectOptions, PgPool, PgPoolOptions};
use sqlx::{ConnectOptions, Postgres, Transaction};
use tokio::sync::{Mutex, Notify};

use super::OpenError;
use super::freshness::{Changes, Stamp};

/// How long a call waits for a connection.
const WAIT: Duration = Duration::from_secs(3);
/// The connections of one process.
pub const MAX_CONNECTIONS: u32 = 8;
/// Further ones, opened where a calendar is connected: one for writing it and one for reading it.
const CONNECTIONS_ASIDE: u32 = 2;
/// How long a statement may take, and how long a transaction may lie idle.
const STATEMENT_LIMIT: &str = "5s";
/// How long memory may be trusted after a heartbeat that was answered: the bound on the age of an
/// answer from memory.
const LEASE: Duration = Duration::from_secs(2);
/// How often the database is asked whether it changed.
const HEARTBEAT: Duration = Duration::from_millis(500);
/// How long a heartbeat may take before the connection is given up.
const HEARTBEAT_LIMIT: Duration = Duration::from_secs(1);
/// How long after the last stamp the heartbeat goes on.
const IDLE: Duration = Duration::from_secs(30);
/// A connection that lay idle for longer is asked whether it still lives before it is used.
const TRUSTED_IDLE: Duration = Duration::from_secs(1);
/// The key of the advisory lock under which the shop's times are written: "ServiceB" in ASCII.
pub const LOCK: i64 = 6_009_335_130_695_624_002;

static MIGRATIONS: sqlx::migrate::Migrator = sqlx::migrate!("migrations/postgres");

/// A Postgres database.
pub struct Server {
    /// Connections for everything.
    pub pool: PgPool,
    /// Connections for what nobody waits for, so that it never takes one from a call.
    pub aside: PgPool,
    /// When the database changed.
    pub freshness: Freshness,
}

impl Server {
    /// Connects and brings the schema up to date; Postgres' migrator locks for itself.
    pub async fn open(url: &str) -> Result<Self, OpenError> {
        let options = url.parse::<PgConnectOptions>()?.application_name("servicebay").options([
            ("statement_timeout", STATEMENT_LIMIT),
            // A client that vanished in mid-transaction must not keep the lock from the others.
            ("idle_in_transaction_session_timeout", STATEMENT_LIMIT),
            ("synchronous_commit", "on"),
            // To plan anew for each set of parameters costs more than most queries; the plans that
            // serve all are held to their indexes by a test.
            ("plan_cache_mode", "force_generic_plan"),
            // Such a plan does not know how few rows are asked for, and to compile one for many takes longer
            // than all of our queries.
            ("jit", "off"),
        ]);
        let aside = pool_of(CONNECTIONS_ASIDE).connect_lazy_with(options.clone());
        let pool = pool_of(MAX_CONNECTIONS).connect_lazy_with(options);
        MIGRATIONS.run(&pool).await?;
        let freshness = Freshness::new(pool.clone());
        Ok(Self { pool, aside, freshness })
    }

    /// Closes the connections.
    pub async fn close(&self) {
        self.aside.close().await;
        self.pool.close().await;
    }

    /// See [`super::Store::referees`].
    pub async fn referees(&self) -> sqlx::Result<(i64, i64)> {
        let sql = "select (select count(*) from pg_constraint
                           where contype = 'x' and conname in
                                 ('appointments_vehicle_overlap', 'reservations_overlap'))
                        + (select count(*) from pg_constraint
                           where contype = 'c' and conname in
                                 ('invoices_amount', 'invoices_paid_within_amount',
                                  'invoices_paid_is_pending', 'payments_amount',
                                  'products_stock_quantity_check', 'stock_movements_balance'))
                        + (select count(*) from pg_trigger
                           where tgenabled = 'O' and tgname in
                                 ('appointments_reserve', 'appointments_reserve_inserted', 'holds_reserve', 'reservations_guard',
                                  'reservations_guard_truncated', 'invoice_items_summed',
                                  'payments_counted', 'payments_guard', 'payments_guard_truncated',
                                  'invoices_guard', 'products_stock_inserted',
                                  'products_stock_updated', 'stock_movements_follow',
                                  'stock_movements_guard', 'stock_movements_guard_truncated'))";
        Ok((sqlx::query_scalar(sql).fetch_one(&self.pool).await?, 23))
    }
}

fn pool_of(connections: u32) -> PgPoolOptions {
    PgPoolOptions::new()
        .max_connections(connections)
        .acquire_timeout(WAIT)
        .test_before_acquire(false)
        .before_acquire(|connection, meta| {
            Box::pin(async move {
                use sqlx::Connection;
                if meta.idle_for > TRUSTED_IDLE {
                    connection.ping().await?;
                }
                Ok(true)
            })
        })
}

/// How a transaction begins.
pub const BEGIN: &str = "begin";
/// How one begins that takes many rows: what it asks is planned once, maybe while a table is empty, which reading it
/// as a whole seems best for, also when it has been filled by then.
pub const BEGIN_IN_BULK: &str = "begin; set local enable_seqscan = off";

/// A transaction that holds the shop's lock: bookings take turns, so that the constraints, which
/// would make them wait for one another in circles, never have to refuse one of ours.
pub async fn begin_exclusive(
    pool: &PgPool,
    begin: &'static str,
) -> sqlx::Result<Transaction<'static, Postgres>> {
    let mut lost = 0;
    let mut transaction = loop {
        match pool.begin_with(begin).await {
            // The connection was cut while it lay in the pool; nothing was begun.
            Err(error) if is_connection_lost(&error) && lost < MAX_CONNECTIONS => lost += 1,
            begun => break begun?,
        }
    };
    // Not in one text with the `begin`: where the lock is not to be had, sqlx would take the
    // transaction for one that never began, and give its connection back as it is.
    let lock = sqlx::query("select pg_advisory_xact_lock($1)").bind(LOCK);
    lock.execute(&mut *transaction).await?;
    Ok(transaction)
}

/// Whether the connection broke, or the server ended it (PostgreSQL manual, appendix A: class 57
/// `admin_shutdown`, `crash_shutdown`, `cannot_connect_now`; class 08).
pub fn is_connection_lost(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Io(_) => true,
        sqlx::Error::Database(error) => {
            error.code().is_some_and(|code| code.starts_with("57P0") || code.starts_with("08"))
        }
        _ => false,
    }
}

/// When the database changed: a heartbeat compares what its snapshots see.
///
/// Two equal snapshots see the same rows of every table
/// (<https://www.postgresql.org/docs/current/functions-info.html#FUNCTIONS-INFO-SNAPSHOT>), whoever
/// wrote and by whatever means, so that nothing can be missed as a notification can: with a
/// connection that broke, behind a pooler, or where a program switched the triggers off. A heartbeat
/// that is answered renews a lease of two seconds; without the lease nothing is served from memory.
/// The heartbeat beats only while somebody asks for stamps.
pub struct Freshness {
    shared: Arc<Shared>,
    pool: PgPool,
    started: AtomicBool,
}

struct Shared {
    changes: Changes,
    lease: std::sync::Mutex<Lease>,
    asked: Notify,
    /// Held by the one task that watches.
    watching: Mutex<()>,
}

#[derive(Clone, Copy, Default)]
struct Lease {
    /// The start of the last heartbeat that was answered.
    renewed: Option<Moment>,
    /// When a stamp was last asked for.
    asked: Option<Instant>,
}

/// A point in time on both clocks: one of them stands still while the machine sleeps, the other one
/// may be set.
#[derive(Clone, Copy)]
struct Moment {
    monotonic: Instant,
    wall: SystemTime,
}

impl Moment {
    fn now() -> Self {
        Self { monotonic: Instant::now(), wall: SystemTime::now() }
    }

    /// Whether it is less than `limit` before `now` by either clock.
    fn is_within(self, limit: Duration, now: Self) -> bool {
        now.monotonic.duration_since(self.monotonic) < limit
            && now.wall.duration_since(self.wall).is_ok_and(|elapsed| elapsed < limit)
    }
}

impl Freshness {
    fn new(pool: PgPool) -> Self {
        let shared = Shared {
            changes: Changes::default(),
            lease: std::sync::Mutex::default(),
            asked: Notify::new(),
            watching: Mutex::new(()),
        };
        Self { shared: Arc::new(shared), pool, started: AtomicBool::new(false) }
    }

    pub fn bump(&self) {
        self.shared.changes.bump();
    }

    pub fn stamp(&self) -> Option<Stamp> {
        let now = Moment::now();
        let renewed = {
            let mut lease = self.shared.lease.lock().ok()?;
            lease.asked = Some(now.monotonic);
            lease.renewed
        };
        self.shared.asked.notify_one();
        if !self.started.swap(true, Ordering::AcqRel) {
            tokio::spawn(watch(Arc::clone(&self.shared), self.pool.clone()));
        }
        let fresh = renewed.is_some_and(|renewed| renewed.is_within(LEASE, now));
        fresh.then(|| Stamp { local: self.shared.changes.count(), file: 0 })
    }
}

/// Watches for as long as the process lives; after a fault it starts over.
async fn watch(shared: Arc<Shared>, pool: PgPool) {
    let _only = shared.watching.lock().await;
    loop {
        if let Err(error) = watch_once(&shared, &pool).await {
            tracing::warn!(%error, "the heartbeat lost its connection; nothing is served from memory");
        }
        shared.end_lease();
        tokio::time::sleep(HEARTBEAT).await;
    }
}

/// Beats on a connection of its own, so that calls that hold all of the pool's cannot end the lease.
async fn watch_once(shared: &Shared, pool: &PgPool) -> sqlx::Result<()> {
    let mut connection = in_time(pool.connect_options().connect()).await?;
    let mut seen = String::new();
    loop {
        let started = Moment::now();
        // Not `pg_current_snapshot`, which Postgres 12 does not know.
        let snapshot = sqlx::query_scalar("select txid_current_snapshot()::text");
        let snapshot: String = in_time(snapshot.fetch_one(&mut connection)).await?;
        if snapshot != seen {
            shared.changes.bump();
            seen = snapshot;
        }
        shared.renew_lease(started);
        if shared.is_idle() {
            shared.end_lease();
            shared.asked.notified().await;
        } else {
            tokio::time::sleep(HEARTBEAT).await;
        }
    }
}

/// What a connection answers, or an error where the network is silent.
async fn in_time<T>(answer: impl Future<Output = sqlx::Result<T>>) -> sqlx::Result<T> {
    tokio::time::timeout(HEARTBEAT_LIMIT, answer)
        .await
        .map_err(|_| sqlx::Error::Io(std::io::ErrorKind::TimedOut.into()))?
}

impl Shared {
    fn renew_lease(&self, started: Moment) {
        if let Ok(mut lease) = self.lease.lock() {
            lease.renewed = Some(started);
        }
    }

    fn end_lease(&self) {
        if let Ok(mut lease) = self.lease.lock() {
            lease.renewed = None;
        }
    }

    fn is_idle(&self) -> bool {
        self.lease.lock().is_ok_and(|lease| lease.asked.is_none_or(|asked| asked.elapsed() > IDLE))
    }
}
