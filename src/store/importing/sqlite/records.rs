//! What is on file, by what other programs call it.

use std::sync::LazyLock;

use rusqlite::{Connection, OptionalExtension, Params, Row as SqlRow, ToSql};

use super::super::OwnName;
use super::super::deciding::Person;
use super::super::rows::NewVisit;

/// How many keys one statement looks for: most of what a statement takes for a single one is its beginning and
/// its end.
const KEYS: usize = 32;

static CUSTOMERS_CALLED: LazyLock<String> = LazyLock::new(|| {
    select("coalesce(c.merged_into, c.id)", "cross join customers c where c.crm_id = k.column2")
});

static SHARED_PHONES: LazyLock<String> = LazyLock::new(|| {
    let customers = "(select 1 from customers where phone_number = k.column2 and phone_shared)";
    select("1", &format!("where exists {customers}"))
});

static OWNERS: LazyLock<String> = LazyLock::new(|| {
    select("1", "where exists (select 1 from vehicles where customer_id = k.column2)")
});

static VEHICLES_CALLED: LazyLock<String> = LazyLock::new(|| {
    select(
        "v.id, v.customer_id, c.crm_id",
        "cross join vehicles v cross join customers c
         where v.external_id = k.column2 and c.id = v.customer_id",
    )
});

/// Reads by a connection.
#[derive(Clone, Copy)]
pub(super) struct Records<'a>(pub &'a Connection);

/// Who came with what.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct Who {
    pub vehicle: i64,
    pub customer: i64,
}

/// What came of looking for a visit's vehicle: who came, and whether the customer that the row names is its owner.
type Came = Option<(Who, bool)>;

/// Who came, or the column that leads nowhere.
pub type Found = Result<Who, &'static str>;

impl Records<'_> {
    pub fn one<T>(
        self,
        sql: &str,
        params: impl Params,
        read: impl FnOnce(&SqlRow<'_>) -> rusqlite::Result<T>,
    ) -> rusqlite::Result<Option<T>> {
        self.0.prepare_cached(sql)?.query_row(params, read).optional()
    }

    /// Reads in one transaction, which is cheaper than many.
    pub fn reading<T>(self, read: impl FnOnce(Self) -> rusqlite::Result<T>) -> rusqlite::Result<T> {
        self.0.execute_batch("begin")?;
        let result = read(self);
        self.0.execute_batch("commit")?;
        result
    }

    /// What changes as soon as another connection has committed.
    pub fn data_version(self) -> rusqlite::Result<i64> {
        self.one("pragma data_version", [], |row| row.get(0)).map(Option::unwrap_or_default)
    }

    /// The customer whom an `external_id` means, after a merge the one that was kept.
    pub fn customer_id(self, external_id: &str) -> rusqlite::Result<Option<i64>> {
        let sql = "select coalesce(merged_into, id) from customers where crm_id = ?1";
        match self.one(sql, [external_id], |row| row.get(0))? {
            None => self.own_customer(external_id),
            found => Ok(found),
        }
    }

    /// The same for many.
    pub fn customer_ids(self, external_ids: &[&str]) -> rusqlite::Result<Vec<Option<i64>>> {
        let mut ids = Vec::with_capacity(external_ids.len());
        for names in external_ids.chunks(KEYS) {
            let found = self.find(&CUSTOMERS_CALLED, names, |row| row.get(1))?;
            for (found, name) in found.into_iter().zip(names) {
                ids.push(if found.is_some() { found } else { self.own_customer(name)? });
            }
        }
        Ok(ids)
    }

    /// The customer whom an export called by the number, after a merge the one that was kept.
    fn own_customer(self, name: &str) -> rusqlite::Result<Option<i64>> {
        let Ok(OwnName { id, created_at }) = name.parse() else { return Ok(None) };
        let sql = "select coalesce(merged_into, id) from customers
                   where id = ?1 and created_at = ?2 and crm_id is null";
        self.one(sql, [id, created_at.0], |row| row.get(0))
    }

    /// Who came with each of these rows.
    pub fn who(self, rows: &[&NewVisit]) -> rusqlite::Result<Vec<Found>> {
        let mut who = Vec::with_capacity(rows.len());
        for rows in rows.chunks(KEYS) {
            let names: Vec<&str> = rows.iter().map(|row| row.vehicle_external_id()).collect();
            let is_said = |place: usize, owner: Option<&str>| {
                let said = rows.get(place).and_then(|row| row.customer_external_id());
                said.is_none_or(|said| Some(said) == owner)
            };
            let came = self.find(&VEHICLES_CALLED, &names, |found| {
                let place = usize::try_from(found.get::<_, i64>(0)?).unwrap_or(usize::MAX);
                let who = Who { vehicle: found.get(1)?, customer: found.get(2)? };
                Ok((who, is_said(place, found.get_ref(3)?.as_str_or_null()?)))
            })?;
            for (row, came) in rows.iter().zip(came) {
                who.push(self.who_came(row, came)?);
            }
        }
        Ok(who)
    }

    fn who_came(self, row: &NewVisit, came: Came) -> rusqlite::Result<Found> {
        let came = match came {
            None => self.own_vehicle(row.vehicle_external_id())?,
            came => came,
        };
        let Some((who, is_owner)) = came else { return Ok(Err("vehicle_external_id")) };
        let said = row.customer_external_id().filter(|_| !is_owner);
        let Some(said) = said else { return Ok(Ok(who)) };
        let customer = self.customer_id(said)?;
        Ok(customer.map(|customer| Who { customer, ..who }).ok_or("customer_external_id"))
    }

    /// Whether one of these phone numbers is of customers who share it.
    pub fn is_any_shared(self, phones: &[&str]) -> rusqlite::Result<bool> {
        let is_shared = |phones| self.find(&SHARED_PHONES, phones, |_| Ok(()));
        for phones in phones.chunks(KEYS) {
            if is_shared(phones)?.iter().any(Option::is_some) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Whether each of these customers has a vehicle.
    pub fn have_vehicles(self, customers: &[i64]) -> rusqlite::Result<Vec<bool>> {
        let mut all = Vec::with_capacity(customers.len());
        for customers in customers.chunks(KEYS) {
            let found = self.find(&OWNERS, customers, |_| Ok(()))?;
            all.extend(found.iter().map(Option::is_some));
        }
        Ok(all)
    }

    /// What a statement of [`select`] finds of up to [`KEYS`] keys, in their order.
    fn find<T: Clone>(
        self,
        sql: &str,
        keys: &[impl ToSql],
        read: impl Fn(&SqlRow<'_>) -> rusqlite::Result<T>,
    ) -> rusqlite::Result<Vec<Option<T>>> {
        let mut found = vec![None; keys.len()];
        let mut statement = self.0.prepare_cached(sql)?;
        // The keys that are left out are null, which nothing is equal to.
        for (place, key) in (1..).zip(keys) {
            statement.raw_bind_parameter(place, key)?;
        }
        let mut rows = statement.raw_query();
        while let Some(row) = rows.next()? {
            let place = usize::try_from(row.get::<_, i64>(0)?).ok();
            if let Some(found) = place.and_then(|place| found.get_mut(place)) {
                *found = Some(read(row)?);
            }
        }
        Ok(found)
    }

    /// The vehicle that an export called by its number, and whether nobody needs to look at its owner.
    fn own_vehicle(self, name: &str) -> rusqlite::Result<Came> {
        let Ok(OwnName { id, created_at }) = name.parse() else { return Ok(None) };
        let sql = "select id, customer_id from vehicles
                   where id = ?1 and created_at = ?2 and external_id is null";
        self.one(sql, [id, created_at.0], |row| {
            Ok((Who { vehicle: row.get(0)?, customer: row.get(1)? }, false))
        })
    }
}

/// Selects the place of a key among [`KEYS`] keys, `k.column2`, and these columns of what it leads to.
fn select(columns: &str, what: &str) -> String {
    let keys: Vec<String> = (0..KEYS).map(|place| format!("({place}, ?{})", place + 1)).collect();
    format!("select k.column1, {columns} from (values {}) k {what}", keys.join(", "))
}

pub(super) fn person(row: &SqlRow<'_>) -> rusqlite::Result<Person> {
    let (first, last): (String, String) = (row.get(1)?, row.get(2)?);
    Ok(Person { id: row.get(0)?, name: format!("{first} {last}") })
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::config::{Config, DatabaseUrl, SqlitePath};
    use crate::domain::appointment::{ServiceType, Status};
    use crate::domain::time::{Interval, Timestamp};
    use crate::store::Store;
    use crate::store::importing::VisitTexts;

    /// Customers C1 to C99, of whom C7 was merged into C8 and C9 has another name; each has a vehicle, but for C7.
    const SHOP: &str = "
        insert into customers (id, crm_id, first_name, last_name, phone_number, phone_shared, created_at)
        with recursive n (i) as (select 1 union all select i + 1 from n where i < 99)
        select i, 'C' || i, 'A', 'B', '+1202555' || (1000 + i), i = 50, 5 from n;
        update customers set crm_id = null where id = 9;
        insert into vehicles (id, external_id, customer_id, year, make, model, is_primary, created_at)
        select id + 1000, 'V' || id, id, 2020, 'Ford', 'F-150', 1, 5 from customers where id <> 7;
        update customers set merged_into = 8 where id = 7;";

    async fn shop(folder: &tempfile::TempDir) -> Connection {
        let path = folder.path().join("shop.db");
        let url = DatabaseUrl::Sqlite(SqlitePath::File(path.clone()));
        Store::open(&url, &Config::in_memory().shop).await.unwrap().close().await;
        let connection = Connection::open(path).unwrap();
        connection.execute_batch(SHOP).unwrap();
        connection
    }

    /// A completed visit.
    pub fn visit(vehicle: &str, customer: Option<String>) -> NewVisit {
        let texts = VisitTexts {
            external_id: "A1",
            customer_external_id: customer.as_deref(),
            vehicle_external_id: vehicle,
            ..VisitTexts::default()
        };
        let span = Interval::starting(Timestamp(0), 60);
        NewVisit::new(texts, span, ServiceType::OilChange, Status::Completed, None)
    }

    #[tokio::test]
    async fn many_are_found_as_each_of_them_is() {
        let folder = tempfile::tempdir().unwrap();
        let connection = shop(&folder).await;
        let records = Records(&connection);
        let names: Vec<String> = (0..110).rev().map(|number| format!("C{number}")).collect();
        let names: Vec<&str> =
            names.iter().map(String::as_str).chain(["servicebay-9-5", "servicebay-9-6"]).collect();
        let found = records.customer_ids(&names).unwrap();
        let expected: Vec<Option<i64>> = (0..110)
            .rev()
            .map(|number| match number {
                0 | 9 | 100.. => None,
                7 => Some(8),
                other => Some(other),
            })
            .chain([Some(9), None])
            .collect();
        assert_eq!(found, expected);
        for (name, id) in names.iter().zip(expected) {
            assert_eq!(records.customer_id(name).unwrap(), id, "{name}");
        }
    }

    #[tokio::test]
    async fn visits_lead_to_the_vehicle_and_to_whoever_came() {
        let folder = tempfile::tempdir().unwrap();
        let connection = shop(&folder).await;
        // With their owners, with nobody named, with somebody else and with nobody on file.
        let rows: Vec<NewVisit> = (1..=99)
            .map(|number| {
                let customer = match number % 4 {
                    0 => Some(format!("C{number}")),
                    1 => None,
                    2 => Some("C7".to_owned()),
                    _ => Some("C100".to_owned()),
                };
                visit(&format!("V{number}"), customer)
            })
            .collect();
        let rows: Vec<&NewVisit> = rows.iter().collect();
        let found = Records(&connection).who(&rows).unwrap();
        assert_eq!(found.len(), 99);
        for (number, found) in (1..).zip(found) {
            let who = |customer| Ok(Who { vehicle: number + 1000, customer });
            let expected = match number % 4 {
                _ if number == 7 => Err("vehicle_external_id"),
                0 | 1 => who(number),
                2 => who(8),
                _ => Err("customer_external_id"),
            };
            assert_eq!(found, expected, "{number}");
        }
    }

    #[tokio::test]
    async fn what_is_shared_and_who_has_a_vehicle_is_seen_among_many() {
        let folder = tempfile::tempdir().unwrap();
        let connection = shop(&folder).await;
        let records = Records(&connection);
        let phones: Vec<String> =
            (1..=99).map(|number| format!("+1202555{}", 1000 + number)).collect();
        let phones: Vec<&str> = phones.iter().map(String::as_str).collect();
        assert!(records.is_any_shared(&phones).unwrap());
        assert!(!records.is_any_shared(&phones[..49]).unwrap());
        assert!(!records.is_any_shared(&phones[50..]).unwrap());
        assert!(!records.is_any_shared(&[]).unwrap());
        let have = records.have_vehicles(&(1..=102).collect::<Vec<_>>()).unwrap();
        let expected: Vec<bool> = (1..=102).map(|number| number != 7 && number < 100).collect();
        assert_eq!(have, expected);
    }
}
