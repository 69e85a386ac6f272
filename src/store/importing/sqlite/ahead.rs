//! Finding out what the rows of a batch lead to while those before them are written.

use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};

use rusqlite::{Connection, OpenFlags};

use super::records::Records;
use crate::store::importing::helping;

/// How many rows are looked up in one transaction, and told together: the log of what was written cannot begin anew
/// while somebody reads what was there before.
pub(super) const PART: usize = 1_024;

/// Looks up what is on file on threads of its own.
#[derive(Clone, Debug)]
pub struct Scout {
    path: PathBuf,
    /// The `data_version` of the writer's connection in its last turn.
    data_version: Arc<AtomicI64>,
}

/// The places of a batch's rows, in the order in which they are written, and what each row leads to.
pub struct Ahead<T> {
    /// The `data_version` of the writer's connection before the first look: while it is the same, nobody else has
    /// written since.
    pub data_version: i64,
    told: Vec<(usize, T)>,
    parts: Receiver<rusqlite::Result<Vec<(usize, T)>>>,
}

/// Where a thread tells what it has found.
pub(super) struct Teller<T>(Sender<rusqlite::Result<Vec<(usize, T)>>>);

impl Scout {
    pub(super) fn new(path: PathBuf, data_version: i64) -> Self {
        Self { path, data_version: Arc::new(AtomicI64::new(data_version)) }
    }

    /// Notes what the writer's `data_version` is.
    pub(super) fn note(&self, data_version: i64) {
        self.data_version.store(data_version, Ordering::Relaxed);
    }

    /// Begins to look up.
    pub(super) fn look_up<T: Send + 'static>(
        &self,
        look_up: impl FnOnce(Records<'_>, &Teller<T>) -> rusqlite::Result<()> + Send + 'static,
    ) -> Ahead<T> {
        let (sender, parts) = channel();
        let data_version = self.data_version.load(Ordering::Relaxed);
        let path = self.path.clone();
        helping::spawn(move || {
            let teller = Teller(sender);
            let looked_up = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY)
                .and_then(|connection| look_up(Records(&connection), &teller));
            if let Err(error) = looked_up {
                // Nobody listens to one who was told to stop.
                let _ = teller.0.send(Err(error));
            }
        });
        Ahead { data_version, told: Vec::new(), parts }
    }
}

impl<T> Ahead<T> {
    /// The rows that are written at these places of the order.
    pub(super) fn get(&mut self, range: Range<usize>) -> rusqlite::Result<&[(usize, T)]> {
        while self.told.len() < range.end {
            // The thread tells of every row, or why it cannot.
            let more = self.parts.recv().map_err(|_| rusqlite::Error::InvalidQuery)?;
            self.told.extend(more?);
        }
        Ok(self.told.get(range).unwrap_or_default())
    }
}

impl<T> Teller<T> {
    /// Tells what the next rows lead to; whether anybody listens.
    pub(super) fn tell(&self, part: Vec<(usize, T)>) -> bool {
        self.0.send(Ok(part)).is_ok()
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::config::{Config, DatabaseUrl, SqlitePath};
    use crate::domain::time::Timestamp;
    use crate::store::Store;
    use crate::store::importing::places::Places;
    use crate::store::importing::sqlite::Writer;
    use crate::store::importing::sqlite::records::tests::visit;
    use crate::store::importing::{NewVehicle, Seen, Settings};

    /// Two customers, each with a vehicle, and a bay.
    const SHOP: &str = "
        insert into customers (id, crm_id, first_name, last_name, created_at)
        values (1, 'C1', 'A', 'B', 5), (2, 'C2', 'A', 'B', 5);
        insert into vehicles (id, external_id, customer_id, year, make, model, is_primary, created_at)
        select id + 10, 'V' || id, id, 2020, 'Ford', 'F-150', 1, 5 from customers;
        insert or ignore into resources (id, kind, name) values (77, 'bay', 'Bay 77');";
    /// The first one becomes the second one, as by a merge.
    const MERGE: &str = "
        update vehicles set is_primary = 0, customer_id = 2 where customer_id = 1;
        update customers set merged_into = 2 where id = 1;";

    async fn shop(folder: &tempfile::TempDir) -> (Writer, Connection) {
        let path = folder.path().join("shop.db");
        let url = DatabaseUrl::Sqlite(SqlitePath::File(path.clone()));
        Store::open(&url, &Config::in_memory().shop).await.unwrap().close().await;
        let connection = Connection::open(&path).unwrap();
        connection.execute_batch(SHOP).unwrap();
        (Writer::open(&path).unwrap(), connection)
    }

    /// Nothing out of the ordinary.
    pub fn settings() -> Settings {
        Settings {
            now: Timestamp(1_000),
            allow_shared_phones: false,
            counts_blocks: false,
            stopping: Arc::default(),
            seen: Seen::default(),
        }
    }

    #[tokio::test]
    async fn vehicles_go_to_whoever_owns_them_when_they_are_written() {
        let folder = tempfile::tempdir().unwrap();
        let (mut writer, connection) = shop(&folder).await;
        let vehicle = NewVehicle {
            external_id: "V3".into(),
            customer_external_id: "C1".into(),
            vin: None,
            year: 2020,
            make: "Ford".into(),
            model: "F-150".into(),
            trim: None,
            color: None,
            license_plate: None,
            current_mileage: None,
            is_primary: false,
        };
        let rows = Arc::new(vec![vehicle]);
        let mut ahead = writer.scout().vehicles(&rows);
        assert_eq!(ahead.get(0..1).unwrap(), [(0, Some(1))]);
        connection.execute_batch(MERGE).unwrap();
        let outcome = writer.vehicles(&rows, Some(ahead), &settings()).unwrap();
        assert_eq!(outcome.added, 1);
        let sql = "select customer_id from vehicles where external_id = 'V3'";
        assert_eq!(connection.query_row(sql, [], |row| row.get(0)), Ok(2));
    }

    #[tokio::test]
    async fn visits_are_those_of_whoever_came_when_they_are_written() {
        let folder = tempfile::tempdir().unwrap();
        let (mut writer, connection) = shop(&folder).await;
        let rows = Arc::new(vec![visit("V1", Some("C1".to_owned()))]);
        let mut ahead = writer.scout().visits(&rows);
        assert!(matches!(ahead.get(0..1).unwrap(), [(0, Ok(who))] if who.customer == 1));
        connection.execute_batch(MERGE).unwrap();
        let mut places = Places::default();
        places.not_recorded = 77;
        let outcome = writer.visits(&rows, Some(ahead), &places, &settings()).unwrap();
        assert_eq!(outcome.added, 1);
        let sql = "select customer_id from appointments where external_id = 'A1'";
        assert_eq!(connection.query_row(sql, [], |row| row.get(0)), Ok(2));
    }
}
