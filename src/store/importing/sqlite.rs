//! Many rows into SQLite: one connection of its own, without a hop to another thread for each statement.
//!
//! A turn sorts its rows by the key whose index is spread the widest, so that each page of that index is
//! written once in a turn and not once for each row.

use std::path::Path;
use std::time::{Duration, Instant};

use rusqlite::{Connection, ErrorCode, OptionalExtension, Params, Row as SqlRow, params};

use super::deciding::{Decision, Facts, Namesake, Person, decide, is_called};
use super::recounting::RECOUNT;
use super::rows::{NewCustomer, Row};
use super::{ImportError, OwnName, Refused, Settings};

mod triggers;
mod vehicles;
mod visits;

/// How long a turn keeps the others from writing; they wait for five seconds before they give up.
const TURN: Duration = Duration::from_millis(1_200);
/// How long they are then let in, at least.
const PAUSE: Duration = Duration::from_millis(20);
/// How long the import waits for its own turn.
const PATIENCE: Duration = Duration::from_secs(60);
/// How many rows are written between two looks at the clock.
const ROWS_PER_LOOK: usize = 64;
/// Pages that are kept in memory for the time of the import, in KiB.
const CACHE_KIB: i64 = 128 * 1024;

/// A connection that writes in turns.
pub struct Writer {
    connection: Connection,
    /// Whether only the triggers of new rows are there that the import knows.
    knows_triggers: bool,
    /// The last numbers that were given away before this import.
    last_customer: i64,
    last_vehicle: i64,
    last_visit: i64,
}

/// Works on a thread that may wait, since SQLite does.
pub async fn on_thread<T: Send + 'static>(
    writer: &mut Option<Box<Writer>>,
    work: impl FnOnce(&mut Writer) -> rusqlite::Result<T> + Send + 'static,
) -> Result<T, ImportError> {
    // It is gone only where its thread ended early, which was told then.
    let mut taken = writer.take().ok_or(rusqlite::Error::InvalidQuery)?;
    let (taken, result) = tokio::task::spawn_blocking(move || {
        let result = work(&mut taken);
        (taken, result)
    })
    .await?;
    *writer = Some(taken);
    Ok(result?)
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
        // The log is folded into the file between turns.
        connection.pragma_update(None, "wal_autocheckpoint", 0)?;
        let last = |table: &str| -> rusqlite::Result<i64> {
            let sql = format!("select coalesce(max(id), 0) from {table}");
            connection.query_row(&sql, [], |row| row.get(0))
        };
        let (last_customer, last_vehicle) = (last("customers")?, last("vehicles")?);
        let last_visit = last("appointments")?;
        let knows_triggers = triggers::are_known(&connection)?;
        Ok(Self { connection, knows_triggers, last_customer, last_vehicle, last_visit })
    }

    /// Takes customers, in their order.
    pub fn customers(
        &mut self,
        rows: &[NewCustomer],
        settings: &Settings,
    ) -> rusqlite::Result<super::Outcome> {
        let mut outcome = super::Outcome::default();
        self.skip_triggers(true)?;
        let order: Vec<usize> = (0..rows.len()).collect();
        outcome.done = self.in_turns(&order, 0, settings, |place, _| {
            let Some(row) = rows.get(place) else { return Ok(()) };
            match self.customer(row, settings)? {
                Decision::Add { .. } => outcome.added += 1,
                Decision::Known => outcome.known += 1,
                Decision::Refuse(refused) => outcome.refused.push((place, refused)),
                Decision::Alias(Person { id, name }, by) => {
                    outcome.refused.push((place, Refused::SamePerson { id, name, by }));
                }
            }
            Ok(())
        })?;
        Ok(outcome)
    }

    fn customer(&self, row: &NewCustomer, settings: &Settings) -> rusqlite::Result<Decision> {
        let facts = self.facts(row)?;
        let decision = decide(row, facts, settings.allow_shared_phones);
        match &decision {
            Decision::Add { phone_shared, merged_into } => {
                self.insert_customer(row, *phone_shared, *merged_into)?;
            }
            Decision::Alias(person, _) => self.insert_alias(row, person)?,
            Decision::Known | Decision::Refuse(_) => {}
        }
        Ok(decision)
    }

    fn facts(&self, row: &NewCustomer) -> rusqlite::Result<Facts> {
        let mut facts = Facts { namesake: self.namesake(row)?, ..Facts::default() };
        if let Some(namesake) = facts.namesake {
            if let Some(kept) = namesake.merged_into {
                facts.leads_to = self.person(
                    "select id, first_name, last_name from customers where id = ?1",
                    kept,
                )?;
            }
            return Ok(facts);
        }
        if let Some(key) = &row.email_key {
            facts.by_email = self.person(
                "select c.id, c.first_name, c.last_name from customers m
                 join customers c on c.id = coalesce(m.merged_into, m.id) where m.email_key = ?1",
                key,
            )?;
        }
        if let Some(phone) = &row.phone_number {
            let sql = "select c.id, c.first_name, c.last_name from customers m
                       join customers c on c.id = coalesce(m.merged_into, m.id)
                       where m.phone_number = ?1";
            let mut statement = self.connection.prepare_cached(sql)?;
            let people = statement.query_map([phone.as_str()], person)?;
            facts.by_phone = people.collect::<rusqlite::Result<_>>()?;
        }
        if let Some(target) = row.merged_into() {
            facts.target = self.customer_id(target)?;
        }
        Ok(facts)
    }

    fn namesake(&self, row: &NewCustomer) -> rusqlite::Result<Option<Namesake>> {
        let found = self.one(
            "select id, merged_into from customers where crm_id = ?1",
            [&row.external_id],
            |row| Ok((row.get(0)?, row.get(1)?)),
        )?;
        if let Some((id, merged_into)) = found {
            let is_new = id > self.last_customer;
            return Ok(Some(Namesake { id, merged_into, is_new }));
        }
        let Some(OwnName { id, .. }) = row.own_name() else { return Ok(None) };
        let sql = "select created_at, merged_into from customers where id = ?1 and crm_id is null";
        let found = self.one(sql, [id], |row| Ok((row.get(0)?, row.get(1)?)))?;
        let found = found.filter(|&(created_at, _)| is_called(row, id, created_at));
        Ok(found.map(|(_, merged_into)| Namesake { id, merged_into, is_new: false }))
    }

    fn person(&self, sql: &str, key: impl rusqlite::ToSql) -> rusqlite::Result<Option<Person>> {
        self.one(sql, [key], person)
    }

    /// The customer whom an `external_id` means, after a merge the one that was kept.
    fn customer_id(&self, external_id: &str) -> rusqlite::Result<Option<i64>> {
        let sql = "select coalesce(merged_into, id) from customers where crm_id = ?1";
        let found = self.one(sql, [external_id], |row| row.get(0))?;
        let (None, Ok(OwnName { id, created_at })) = (found, external_id.parse()) else {
            return Ok(found);
        };
        let sql = "select coalesce(merged_into, id) from customers
                   where id = ?1 and created_at = ?2 and crm_id is null";
        self.one(sql, [id, created_at.0], |row| row.get(0))
    }

    fn insert_customer(
        &self,
        row: &NewCustomer,
        phone_shared: bool,
        merged_into: Option<i64>,
    ) -> rusqlite::Result<()> {
        let more = row.more.as_deref();
        let sql = "insert into customers
                       (crm_id, first_name, last_name, email, email_key, phone_number,
                        phone_shared, created_at, last_contact, notes, account_status, tier,
                        satisfaction_score, preferences, last_service_at, lifetime_value_minor,
                        merged_into)
                   values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, coalesce(?11, 'active'),
                           coalesce(?12, 'standard'), ?13, coalesce(?14, '{}'), ?15, ?16, ?17)";
        self.execute(
            sql,
            params![
                row.external_id,
                row.first_name,
                row.last_name,
                row.email,
                row.email_key,
                row.phone_number.as_ref().map(|phone| phone.as_str()),
                phone_shared,
                row.created_at.0,
                more.and_then(|more| more.last_contact).unwrap_or(row.created_at).0,
                row.notes,
                more.and_then(|more| more.account_status).map(|status| status.as_str()),
                more.and_then(|more| more.tier.as_deref()),
                more.and_then(|more| more.satisfaction_score),
                more.and_then(|more| more.preferences.as_deref()),
                more.and_then(|more| more.last_service_at).map(|at| at.0),
                more.map_or(0, |more| more.lifetime_value_minor),
                merged_into,
            ],
        )?;
        self.pend(merged_into.unwrap_or_else(|| self.connection.last_insert_rowid()))
    }

    /// A record that only leads from the row's `external_id` to the customer on file.
    fn insert_alias(&self, row: &NewCustomer, kept: &Person) -> rusqlite::Result<()> {
        let sql = "insert into customers
                       (crm_id, first_name, last_name, phone_shared, created_at, merged_into)
                   values (?1, ?2, ?3, true, ?4, ?5)";
        let (first, last) = (&row.first_name, &row.last_name);
        self.execute(sql, params![row.external_id, first, last, row.created_at.0, kept.id])?;
        self.pend(kept.id)
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
        self.connection.pragma_update(None, "synchronous", "full")?;
        // Where somebody reads, the log stays for a while; its content is durable then, too.
        self.connection.query_row("pragma wal_checkpoint(truncate)", [], |_| Ok(()))
    }

    /// Runs `take` for each place of `order`, in transactions that are short enough for others to write
    /// in between; how many were taken. It is told whether the database is still that of `data_version`,
    /// but for what this connection wrote.
    fn in_turns(
        &self,
        order: &[usize],
        data_version: i64,
        settings: &Settings,
        mut take: impl FnMut(usize, bool) -> rusqlite::Result<()>,
    ) -> rusqlite::Result<usize> {
        let mut done = 0;
        while done < order.len() && !settings.is_stopping() {
            self.begin()?;
            let is_unchanged = self.data_version()? == data_version;
            let mut take = |place| take(place, is_unchanged);
            match self.turn(order.get(done..).unwrap_or_default(), settings, &mut take) {
                Ok(taken) => done += taken,
                Err(error) => {
                    // The error is what matters; without a commit nothing of the turn stays.
                    let _ = self.connection.execute_batch("rollback");
                    return Err(error);
                }
            }
            self.commit()?;
        }
        Ok(done)
    }

    /// Ends a turn, and lets the others have theirs.
    fn commit(&self) -> rusqlite::Result<()> {
        self.connection.execute_batch("commit")?;
        let committed = Instant::now();
        // Beside the others' writing; what is in use is folded in by a later turn.
        self.connection.query_row("pragma wal_checkpoint(passive)", [], |_| Ok(()))?;
        std::thread::sleep(PAUSE.saturating_sub(committed.elapsed()));
        Ok(())
    }

    fn turn(
        &self,
        order: &[usize],
        settings: &Settings,
        take: &mut impl FnMut(usize) -> rusqlite::Result<()>,
    ) -> rusqlite::Result<usize> {
        let started = Instant::now();
        let mut taken = 0;
        for rows in order.chunks(ROWS_PER_LOOK) {
            for &place in rows {
                take(place)?;
            }
            taken += rows.len();
            if started.elapsed() > TURN || settings.is_stopping() {
                break;
            }
        }
        Ok(taken)
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

    /// Reads in one transaction, which is cheaper than many.
    fn reading<T>(&self, read: impl FnOnce() -> rusqlite::Result<T>) -> rusqlite::Result<T> {
        self.connection.execute_batch("begin")?;
        let result = read();
        self.connection.execute_batch("commit")?;
        result
    }

    /// What changes as soon as anybody else has committed.
    fn data_version(&self) -> rusqlite::Result<i64> {
        self.one("pragma data_version", [], |row| row.get(0)).map(Option::unwrap_or_default)
    }

    fn one<T>(
        &self,
        sql: &str,
        params: impl Params,
        read: impl FnOnce(&SqlRow<'_>) -> rusqlite::Result<T>,
    ) -> rusqlite::Result<Option<T>> {
        self.connection.prepare_cached(sql)?.query_row(params, read).optional()
    }

    fn execute(&self, sql: &str, params: impl Params) -> rusqlite::Result<usize> {
        self.connection.prepare_cached(sql)?.execute(params)
    }
}

fn person(row: &SqlRow<'_>) -> rusqlite::Result<Person> {
    let (first, last): (String, String) = (row.get(1)?, row.get(2)?);
    Ok(Person { id: row.get(0)?, name: format!("{first} {last}") })
}

fn is_busy(error: &rusqlite::Error) -> bool {
    error.sqlite_error_code() == Some(ErrorCode::DatabaseBusy)
}
