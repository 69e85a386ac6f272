//! Many rows into Postgres: what is on file of a turn's rows is asked by a few statements for all of them,
//! and what is new of them is copied into the tables, whose constraints hold for copied rows as for any.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use sqlx::ConnectOptions;
use sqlx::postgres::PgRow;
use sqlx::{AssertSqlSafe, Connection, FromRow, PgConnection, Postgres, Transaction};

use super::recounting::RECOUNT;
use super::{ImportError, OwnName, Settings};
use crate::store::postgres::{LOCK, Server};

mod copying;
mod customers;
mod vehicles;
mod visits;

use copying::CopyText;

/// How many rows are taken at once. Postgres writes each page as a whole when it changes first after a checkpoint.
pub const ROWS_PER_BATCH: usize = 240_000;
/// For how long a turn may hold the shop's lock; others wait for five seconds before they give up.
const TURN: Duration = Duration::from_millis(1_000);
/// How many rows the first turn has; the others have as many as fit into their time.
const FIRST_TURN: usize = 5_000;
const LONGEST_TURN: usize = 50_000;
const SHORTEST_TURN: usize = 200;

/// Hands over the keys of rows, by which what is on file of them is asked.
const COPY_KEYS: &str = "copy import_keys (n, a, b, c) from stdin";

/// Two connections that write in turns: while Postgres writes some rows for the one, it writes others for the other.
pub struct Writer {
    /// The one that holds the shop's lock.
    connection: PgConnection,
    /// The one that writes under it.
    beside: PgConnection,
    /// How many rows the next turn has.
    turn: usize,
}

/// A transaction in which a turn is written.
type Turn<'a> = Transaction<'a, Postgres>;

impl Writer {
    /// Opens connections of the import's own.
    pub async fn open(server: &Server) -> Result<Self, ImportError> {
        let (connection, beside) = tokio::try_join!(connect(server), connect(server))?;
        Ok(Self { connection, beside, turn: FIRST_TURN })
    }

    /// How many of `left` rows the next turn takes; none where the import is to end.
    fn next_turn(&self, left: usize, settings: &Settings) -> usize {
        if settings.is_stopping() { 0 } else { left.min(self.turn) }
    }

    /// Makes the next turn as long as its time allows, after one of so many rows.
    fn note_pace(&mut self, rows: usize, locked: Instant) {
        let elapsed_ms = locked.elapsed().as_millis().max(1);
        let fitting = u128::try_from(rows).unwrap_or_default() * TURN.as_millis() / elapsed_ms;
        let fitting = usize::try_from(fitting).unwrap_or(LONGEST_TURN);
        let limit = LONGEST_TURN.min(self.turn * 2);
        self.turn = fitting.clamp(SHORTEST_TURN, limit.max(SHORTEST_TURN));
    }

    /// Begins a turn and hands over the keys of its rows; the lock is taken when they are there.
    async fn begin<'a>(
        connection: &'a mut PgConnection,
        keys: &CopyText,
    ) -> sqlx::Result<(Turn<'a>, Instant)> {
        let mut turn = connection.begin().await?;
        keys.send(&mut turn, COPY_KEYS).await?;
        let lock = sqlx::query("select pg_advisory_xact_lock($1)").bind(LOCK);
        lock.execute(&mut *turn).await?;
        Ok((turn, Instant::now()))
    }

    /// Keeps what was written beside a turn, unless the turn's lock is gone.
    async fn commit_beside(turn: &mut Turn<'_>, beside: Turn<'_>) -> sqlx::Result<()> {
        turn.ping().await?;
        beside.commit().await
    }

    /// Tells the customers with numbers in these spans what their visits say of them.
    pub async fn recount(&mut self, spans: &[(i64, i64)]) -> Result<(), ImportError> {
        let mut pairs = spans.chunks(2);
        while pairs.len() > 0 {
            let keys = CopyText::default();
            let (mut turn, locked) = Self::begin(&mut self.connection, &keys).await?;
            let mut turn_beside = self.beside.begin().await?;
            while locked.elapsed() < TURN / 2
                && let Some(pair) = pairs.next()
            {
                tokio::try_join!(
                    recount(&mut turn, pair.first()),
                    recount(&mut turn_beside, pair.get(1))
                )?;
            }
            Self::commit_beside(&mut turn, turn_beside).await?;
            turn.commit().await?;
        }
        Ok(())
    }

    /// Gives Postgres a picture of what the tables hold now, which its plans go by; of an empty one it would plan to
    /// read all, and go on to do so when it has been filled. The commit is written to the disk, and with it all that
    /// came before.
    pub async fn close(&mut self) -> Result<(), ImportError> {
        let sql = "set synchronous_commit = on;
                   do $$
                   declare
                       one regclass;
                   begin
                       foreach one in array
                           '{customers, vehicles, appointments, products}'::regclass[]
                       loop
                           if pg_relation_size(one) > 0 then
                               execute format('analyze %s', one);
                           end if;
                       end loop;
                   end $$";
        sqlx::raw_sql(sql).execute(&mut self.connection).await?;
        Ok(())
    }
}

async fn connect(server: &Server) -> sqlx::Result<PgConnection> {
    // A turn takes its time, and that is no news.
    let options = server.pool.connect_options().as_ref().clone();
    let options = options.disable_statement_logging();
    let mut connection = PgConnection::connect_with(&options).await?;
    // A turn asks about thousands of rows by their keys; neither what is on file nor the keys themselves are read
    // as a whole for each of the others, though a table seems small that has been filled just now. A turn that a
    // power cut takes back is taken again by the next import; closing makes it durable.
    let sql = "set synchronous_commit = off;
               set statement_timeout = '60s';
               set idle_in_transaction_session_timeout = '30s';
               set jit = off;
               set enable_hashjoin = off;
               set enable_mergejoin = off;
               set enable_material = off;
               set enable_seqscan = off;
               create temporary table import_keys (n bigint, a text, b text, c text)
                   on commit delete rows";
    sqlx::raw_sql(sql).execute(&mut connection).await?;
    Ok(connection)
}

/// Copies some rows over each connection.
async fn copy_both(
    turn: &mut Turn<'_>,
    beside: &mut Turn<'_>,
    [here, there]: [CopyText; 2],
    statement: &str,
) -> sqlx::Result<()> {
    tokio::try_join!(here.send(turn, statement), there.send(beside, statement)).map(drop)
}

async fn recount(turn: &mut Turn<'_>, span: Option<&(i64, i64)>) -> sqlx::Result<()> {
    let Some((from, to)) = span else { return Ok(()) };
    sqlx::query(RECOUNT).bind(from).bind(to).execute(&mut **turn).await.map(drop)
}

/// Numbers for so many new rows of a table.
async fn numbers(turn: &mut Turn<'_>, table: &str, count: usize) -> sqlx::Result<Vec<i64>> {
    // The name is looked up once, not for each number.
    let sql =
        "with sequence as materialized (select pg_get_serial_sequence($1, 'id')::regclass as name)
               select nextval(sequence.name) from sequence cross join generate_series(1, $2)";
    let count = i64::try_from(count).unwrap_or_default();
    sqlx::query_scalar(sql).bind(table).bind(count).fetch_all(&mut **turn).await
}

/// What a query says of the turn's rows, by their place.
async fn by_place<T>(turn: &mut Turn<'_>, sql: &'static str) -> sqlx::Result<HashMap<i64, T>>
where
    T: Send + Unpin + for<'r> FromRow<'r, PgRow>,
{
    // Planned anew in each turn: the plan for an empty table is to read all of it, which is no good for the next turn.
    let rows: Vec<Placed<T>> = sqlx::query_as(sql).persistent(false).fetch_all(&mut **turn).await?;
    Ok(rows.into_iter().map(|Placed { n, found }| (n, found)).collect())
}

#[derive(FromRow)]
struct Placed<T> {
    n: i64,
    #[sqlx(flatten)]
    found: T,
}

/// The records of ours that the names at these places mean, where an export called them so.
async fn own_records(
    turn: &mut Turn<'_>,
    names: Vec<(i64, OwnName)>,
    columns: &str,
    nameless: &str,
) -> sqlx::Result<HashMap<i64, (i64, i64)>> {
    if names.is_empty() {
        return Ok(HashMap::new());
    }
    let places: Vec<i64> = names.iter().map(|(place, _)| *place).collect();
    let ids: Vec<i64> = names.iter().map(|(_, name)| name.id).collect();
    let times: Vec<i64> = names.iter().map(|(_, name)| name.created_at.0).collect();
    let sql = format!(
        "select named.n, t.id, {columns}
         from unnest($1::bigint[], $2::bigint[], $3::bigint[]) as named (n, id, created_at)
         join {nameless} is null and t.id = named.id and t.created_at = named.created_at"
    );
    let rows: Vec<(i64, i64, i64)> = sqlx::query_as(AssertSqlSafe(sql))
        .bind(places)
        .bind(ids)
        .bind(times)
        .persistent(false)
        .fetch_all(&mut **turn)
        .await?;
    Ok(rows.into_iter().map(|(place, id, other)| (place, (id, other))).collect())
}

/// The customers that these names mean, after a merge those that were kept.
async fn own_customers(
    turn: &mut Turn<'_>,
    names: Vec<(i64, OwnName)>,
) -> sqlx::Result<HashMap<i64, (i64, i64)>> {
    own_records(turn, names, "coalesce(t.merged_into, t.id)", "customers t on t.crm_id").await
}

/// The vehicles that these names mean, and their owners.
async fn own_vehicles(
    turn: &mut Turn<'_>,
    names: Vec<(i64, OwnName)>,
) -> sqlx::Result<HashMap<i64, (i64, i64)>> {
    own_records(turn, names, "t.customer_id", "vehicles t on t.external_id").await
}

/// The visits that these names mean, and their customers.
async fn own_visits(
    turn: &mut Turn<'_>,
    names: Vec<(i64, OwnName)>,
) -> sqlx::Result<HashMap<i64, (i64, i64)>> {
    own_records(turn, names, "t.customer_id", "appointments t on t.external_id").await
}

/// The rows of a turn with their places in it.
fn placed<T>(rows: &[T]) -> impl Iterator<Item = (i64, &T)> {
    (0..).zip(rows)
}
