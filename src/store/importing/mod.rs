//! Taking over the records of another program: many rows in a turn, each of them either added, known
//! already, or refused with the reason.
//!
//! A turn is one short transaction, so that servers that share the database book in between. What a
//! turn has committed is never added again: records are known by their `external_id`.

mod deciding;
pub mod helping;
mod order;
mod own_name;
mod places;
mod postgres;
mod products;
mod recounting;
mod rows;
mod seen;
mod sqlite;
mod texts;
mod visits;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::{Backend, Store, is_locked};
use crate::domain::shop::Shop;
use crate::domain::time::Timestamp;

pub use own_name::OwnName;
pub use places::NOT_RECORDED;
use places::Places;
use recounting::Customers;

pub use rows::{
    BOOKED_BY, CustomerMore, NewCustomer, NewProduct, NewVehicle, NewVisit, Row, Text, VisitMore,
    VisitTexts,
};
pub use seen::Seen;

/// What all turns of one import have in common.
pub struct Settings {
    /// The time of the import.
    pub now: Timestamp,
    /// Whether a phone number that another customer has may be given to one of another name.
    pub allow_shared_phones: bool,
    /// Whether what the shop's calendar blocks counts as taken.
    pub counts_blocks: bool,
    /// Set when the import is to end after the turn that is under way.
    pub stopping: Arc<AtomicBool>,
    /// What the import has made or found on file; nothing at first.
    pub seen: Seen,
}

impl Settings {
    fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::Relaxed)
    }
}

/// Why a row was not added.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Refused {
    /// The same person is on file; the row's `external_id` leads there from now on.
    SamePerson {
        /// The customer on file.
        id: i64,
        /// The customer's name.
        name: String,
        /// The columns by which the two are one.
        by: &'static str,
    },
    /// Another customer has the phone number.
    PhoneTaken {
        /// That customer.
        id: i64,
        /// That customer's name.
        name: String,
    },
    /// An earlier line of this import has the same `external_id`, or SKU.
    Repeated,
    /// A reference that leads nowhere: the column.
    Unknown(&'static str),
    /// The VIN is that of another vehicle.
    VinTaken {
        /// That vehicle.
        vehicle: i64,
        /// Its owner.
        customer: i64,
    },
    /// The VIN is that of a vehicle of the same customer, which is known by this `external_id` now.
    SameVehicle(i64),
    /// Anything else, in words.
    Because(String),
}

/// What became of the rows of a turn.
#[derive(Debug, Default)]
pub struct Outcome {
    /// How many were added.
    pub added: u64,
    /// How many were on file already.
    pub known: u64,
    /// The rows, by their place among those of the turn, that were not taken, and why.
    pub refused: Vec<(usize, Refused)>,
    /// How many rows were looked at: all of them, unless the import is to end.
    pub done: usize,
    /// The customers of the visits among them.
    customers: Customers,
}

impl Outcome {
    /// Adds what became of the rows at these places.
    fn add(&mut self, other: Self, places: &[usize]) {
        self.added += other.added;
        self.known += other.known;
        self.done += other.done;
        let refused = other.refused.into_iter();
        self.refused.extend(refused.filter_map(|(at, why)| Some((*places.get(at)?, why))));
        self.customers.join(other.customers);
    }
}

/// Why an import cannot go on.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// SQLite.
    #[error("the database refused: {0}")]
    Sqlite(rusqlite::Error),
    /// Either database.
    #[error("the database refused: {0}")]
    Database(sqlx::Error),
    /// Somebody held a lock for longer than the import waits.
    #[error("another program keeps the database locked")]
    Locked,
    /// The records would be gone with this process.
    #[error("the database is in memory alone; set DATABASE_URL to one that stays")]
    Memory,
    /// A thread of ours ended early.
    #[error("a thread of the import ended early")]
    Thread(#[from] tokio::task::JoinError),
}

impl From<rusqlite::Error> for ImportError {
    fn from(error: rusqlite::Error) -> Self {
        if sqlite::is_busy(&error) { Self::Locked } else { Self::Sqlite(error) }
    }
}

impl From<sqlx::Error> for ImportError {
    fn from(error: sqlx::Error) -> Self {
        if is_locked(&error) { Self::Locked } else { Self::Database(error) }
    }
}

/// An import into one database.
pub struct Importer<'store> {
    store: &'store Store,
    shop: &'store Shop,
    settings: Arc<Settings>,
    bulk: Bulk,
    scout: Scout,
    /// The bays and technicians that visits name.
    places: Arc<Places>,
    /// Whose visits were looked at.
    customers: Customers,
}

/// Who looks up what rows lead to while others are written; Postgres does so within the turn of the rows.
#[derive(Clone)]
pub struct Scout(Option<sqlite::Scout>);

/// Rows, and what is looked up of them.
pub struct Sought<T, F> {
    rows: Arc<Vec<T>>,
    ahead: Option<sqlite::Ahead<F>>,
}

/// Vehicles, and who owns them.
pub type SoughtVehicles = Sought<NewVehicle, Option<i64>>;
/// Visits, and who came.
pub type SoughtVisits = Sought<NewVisit, sqlite::Found>;

/// How many rows are written at once.
enum Bulk {
    /// `None` while a thread works with it.
    Sqlite(Option<Box<sqlite::Writer>>),
    Postgres(Box<postgres::Writer>),
}

impl Scout {
    /// Begins to look up who owns the vehicles.
    #[must_use]
    pub fn vehicles(&self, rows: Vec<NewVehicle>) -> SoughtVehicles {
        let rows = Arc::new(rows);
        let ahead = self.0.as_ref().map(|scout| scout.vehicles(&rows));
        Sought { rows, ahead }
    }

    /// Begins to look up who came.
    #[must_use]
    pub fn visits(&self, rows: Vec<NewVisit>) -> SoughtVisits {
        let rows = Arc::new(rows);
        let ahead = self.0.as_ref().map(|scout| scout.visits(&rows));
        Sought { rows, ahead }
    }
}

impl<'store> Importer<'store> {
    /// Begins an import.
    ///
    /// # Errors
    /// Where the database cannot take one.
    pub async fn begin(
        store: &'store Store,
        shop: &'store Shop,
        settings: Settings,
    ) -> Result<Self, ImportError> {
        let mut scout = Scout(None);
        let bulk = match &store.backend {
            Backend::Sqlite(files) => {
                let path = files.path().ok_or(ImportError::Memory)?;
                let writer = sqlite::Writer::open(path)?;
                scout = Scout(Some(writer.scout().clone()));
                Bulk::Sqlite(Some(Box::new(writer)))
            }
            Backend::Postgres(server) => {
                Bulk::Postgres(Box::new(postgres::Writer::open(server).await?))
            }
        };
        let places = Arc::new(Places::default());
        let (settings, customers) = (Arc::new(settings), Customers::default());
        Ok(Self { store, shop, settings, bulk, scout, places, customers })
    }

    /// How many rows are best taken at once: the more, the fewer pages each of them writes. Three times as many are
    /// in memory.
    #[must_use]
    pub const fn rows_per_batch(&self) -> usize {
        match &self.bulk {
            Bulk::Sqlite(_) => sqlite::ROWS_PER_BATCH,
            Bulk::Postgres(_) => postgres::ROWS_PER_BATCH,
        }
    }

    /// Who looks up what rows lead to while others are taken.
    #[must_use]
    pub fn scout(&self) -> Scout {
        self.scout.clone()
    }

    /// Takes customers.
    ///
    /// # Errors
    /// Where the database fails.
    pub async fn customers(&mut self, rows: Vec<NewCustomer>) -> Result<Outcome, ImportError> {
        match &mut self.bulk {
            Bulk::Sqlite(writer) => {
                let settings = Arc::clone(&self.settings);
                sqlite::on_thread(writer, move |writer| writer.customers(&rows, &settings)).await
            }
            Bulk::Postgres(writer) => writer.customers(&rows, &self.settings).await,
        }
    }

    /// Takes vehicles.
    ///
    /// # Errors
    /// Where the database fails.
    pub async fn vehicles(&mut self, vehicles: SoughtVehicles) -> Result<Outcome, ImportError> {
        let Sought { rows, ahead } = vehicles;
        match &mut self.bulk {
            Bulk::Sqlite(writer) => {
                let settings = Arc::clone(&self.settings);
                sqlite::on_thread(writer, move |writer| writer.vehicles(&rows, ahead, &settings))
                    .await
            }
            Bulk::Postgres(writer) => writer.vehicles(&rows, &self.settings).await,
        }
    }

    /// Takes visits that occupy nothing: the shop's history.
    ///
    /// # Errors
    /// Where the database fails.
    pub async fn closed_visits(&mut self, visits: SoughtVisits) -> Result<Outcome, ImportError> {
        let Sought { rows, ahead } = visits;
        self.name_places(&rows).await?;
        let (places, settings) = (Arc::clone(&self.places), Arc::clone(&self.settings));
        let mut outcome = match &mut self.bulk {
            Bulk::Sqlite(writer) => {
                let work = move |writer: &mut sqlite::Writer| {
                    writer.visits(&rows, ahead, &places, &settings)
                };
                sqlite::on_thread(writer, work).await?
            }
            Bulk::Postgres(writer) => writer.visits(&rows, &places, &settings).await?,
        };
        self.customers.join(std::mem::take(&mut outcome.customers));
        Ok(outcome)
    }

    /// Ends the import: what follows from the visits is told to the customers, and everything is on
    /// the disk.
    ///
    /// # Errors
    /// Where the database fails.
    pub async fn finish(mut self) -> Result<(), ImportError> {
        self.recount_contacts().await?;
        if let Bulk::Sqlite(writer) = &mut self.bulk {
            sqlite::on_thread(writer, |writer| writer.catch_up_at_last()).await?;
        }
        self.close().await
    }

    /// Ends an import that is not complete.
    ///
    /// # Errors
    /// Where the database fails.
    pub async fn close(mut self) -> Result<(), ImportError> {
        self.store.customers_changed();
        match &mut self.bulk {
            Bulk::Sqlite(writer) => sqlite::on_thread(writer, |writer| writer.close()).await,
            Bulk::Postgres(writer) => writer.close().await,
        }
    }
}

#[cfg(test)]
mod tests {
    use rusqlite::Connection;
    use sqlx::ConnectOptions;
    use sqlx::sqlite::SqliteConnectOptions;

    use super::*;

    #[tokio::test]
    async fn who_is_locked_out_is_told_so_without_a_code() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("shop.db");
        let locking = Connection::open(&path).unwrap();
        locking.execute_batch("begin exclusive").unwrap();
        let told = "another program keeps the database locked";

        let other = Connection::open(&path).unwrap();
        other.busy_timeout(std::time::Duration::ZERO).unwrap();
        let error = other.execute_batch("begin immediate").unwrap_err();
        assert_eq!(ImportError::from(error).to_string(), told);

        let options = SqliteConnectOptions::new().filename(&path);
        let options = options.busy_timeout(std::time::Duration::ZERO);
        let mut other = options.connect().await.unwrap();
        let error = sqlx::query("begin immediate").execute(&mut other).await.unwrap_err();
        assert_eq!(ImportError::from(error).to_string(), told);
    }
}
