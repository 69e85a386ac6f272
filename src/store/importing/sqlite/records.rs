//! What is on file, by what other programs call it.

use rusqlite::{Connection, OptionalExtension, Params, Row as SqlRow};

use super::super::OwnName;
use super::super::deciding::Person;
use super::super::rows::NewVisit;

/// Reads by a connection.
#[derive(Clone, Copy)]
pub(super) struct Records<'a>(pub &'a Connection);

/// Who came with what.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(super) struct Who {
    pub vehicle: i64,
    pub customer: i64,
}

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
        let found = self.one(sql, [external_id], |row| row.get(0))?;
        let (None, Ok(OwnName { id, created_at })) = (found, external_id.parse()) else {
            return Ok(found);
        };
        let sql = "select coalesce(merged_into, id) from customers
                   where id = ?1 and created_at = ?2 and crm_id is null";
        self.one(sql, [id, created_at.0], |row| row.get(0))
    }

    /// Who came, or the column that leads nowhere.
    pub fn who(self, row: &NewVisit) -> rusqlite::Result<Result<Who, &'static str>> {
        let sql = "select v.id, v.customer_id, c.crm_id from vehicles v
                   join customers c on c.id = v.customer_id where v.external_id = ?1";
        let read = |found: &SqlRow<'_>| {
            let crm_id = found.get_ref(2)?.as_str_or_null()?;
            let is_owner = row.customer_external_id.as_deref().is_none_or(|id| Some(id) == crm_id);
            Ok((Who { vehicle: found.get(0)?, customer: found.get(1)? }, is_owner))
        };
        let found = match self.one(sql, [&row.vehicle_external_id], read)? {
            None => self.own_vehicle(&row.vehicle_external_id)?,
            found => found,
        };
        let Some((who, is_owner)) = found else { return Ok(Err("vehicle_external_id")) };
        let said = row.customer_external_id.as_deref().filter(|_| !is_owner);
        let Some(said) = said else { return Ok(Ok(who)) };
        let customer = self.customer_id(said)?;
        Ok(customer.map(|customer| Who { customer, ..who }).ok_or("customer_external_id"))
    }

    /// The vehicle that an export called by its number, and whether nobody needs to look at its owner.
    fn own_vehicle(self, name: &str) -> rusqlite::Result<Option<(Who, bool)>> {
        let Ok(OwnName { id, created_at }) = name.parse() else { return Ok(None) };
        let sql = "select id, customer_id from vehicles
                   where id = ?1 and created_at = ?2 and external_id is null";
        self.one(sql, [id, created_at.0], |row| {
            Ok((Who { vehicle: row.get(0)?, customer: row.get(1)? }, false))
        })
    }
}

pub(super) fn person(row: &SqlRow<'_>) -> rusqlite::Result<Person> {
    let (first, last): (String, String) = (row.get(1)?, row.get(2)?);
    Ok(Person { id: row.get(0)?, name: format!("{first} {last}") })
}
