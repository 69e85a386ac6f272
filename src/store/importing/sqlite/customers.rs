//! Customers, in their order.

use super::super::deciding::{Decision, Facts, Namesake, Person, decide, is_alias, is_called};
use super::super::rows::{NewCustomer, Row};
use super::super::{Outcome, OwnName, Refused, Settings};
use super::Writer;
use super::many::{Many, ROWS, Values};
use super::records::person;
use crate::domain::phone::PhoneNumber;

const COLUMNS: &[&str] = &[
    "crm_id",
    "first_name",
    "last_name",
    "email",
    "email_key",
    "phone_number",
    "phone_shared",
    "created_at",
    "last_contact",
    "notes",
    "account_status",
    "tier",
    "satisfaction_score",
    "preferences",
    "last_service_at",
    "lifetime_value_minor",
    "merged_into",
];

/// From so many rows on, it is worth while to look through all customers once instead of for each of the rows.
const MANY: usize = 10_000;

/// Whether customers share phone numbers.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(super) enum SharedPhones {
    /// Nobody has looked.
    #[default]
    Unknown,
    /// Nobody did when the connection's `data_version` was this.
    None { as_of: i64 },
    /// Some do.
    Some,
}

impl SharedPhones {
    fn is_none(self) -> bool {
        matches!(self, Self::None { .. })
    }
}

const LEADS_TO: &str = concat!(
    "select c.id, c.first_name, c.last_name from customers m join customers c on c.id = m.merged_into
     where m.crm_id = ?1 and ",
    is_alias!()
);

/// A customer who is to be added, and what was decided of that.
struct New<'a> {
    row: &'a NewCustomer,
    phone_shared: bool,
    merged_into: Option<i64>,
}

impl Writer {
    /// Takes customers, in their order.
    pub fn customers(
        &mut self,
        rows: &[NewCustomer],
        settings: &Settings,
    ) -> rusqlite::Result<Outcome> {
        let mut outcome = Outcome::default();
        let many = Many::new("customers", COLUMNS, &[], ROWS);
        let skips_triggers = self.skip_triggers(true)?;
        let unshared_as_of = self.look_for_shared_phones(rows.len())?;
        outcome.done =
            self.in_turns(rows.len(), unshared_as_of, settings, |some, is_unchanged| {
                let new = rows.get(some.clone()).unwrap_or_default();
                let is_unshared = is_unchanged && self.shared_phones.get().is_none();
                if skips_triggers && self.insert_strangers(&many, new, is_unshared, settings)? {
                    outcome.added += u64::try_from(new.len()).unwrap_or_default();
                    return Ok(());
                }
                for (place, row) in some.zip(new) {
                    match self.customer(&many, row, settings)? {
                        Decision::Add { .. } => outcome.added += 1,
                        Decision::Known => outcome.known += 1,
                        Decision::Refuse(refused) => outcome.refused.push((place, refused)),
                        Decision::Alias(Person { id, name }, by) => {
                            outcome.refused.push((place, Refused::SamePerson { id, name, by }));
                        }
                    }
                }
                Ok(())
            })?;
        Ok(outcome)
    }

    /// Writes the rows if none of them has anything in common with another customer: names, addresses and
    /// numbers are nobody's twice, but for shared numbers, which are looked for.
    fn insert_strangers(
        &self,
        many: &Many,
        rows: &[NewCustomer],
        is_unshared: bool,
        settings: &Settings,
    ) -> rusqlite::Result<bool> {
        let is_stranger = |row: &NewCustomer| {
            !row.phone_shared() && row.merged_into().is_none() && row.own_name().is_none()
        };
        if !rows.iter().all(is_stranger) || (!is_unshared && self.is_any_shared(rows)?) {
            return Ok(false);
        }
        let before = self.insert_all(many, &settings.seen.customers, rows, |values, row| {
            bind(values, &New { row, phone_shared: false, merged_into: None })
        })?;
        let Some(before) = before else { return Ok(false) };
        let sql = "insert into search_pending (customer_id) select id from customers where id > ?1";
        self.execute(sql, [before])?;
        Ok(true)
    }

    fn is_any_shared(&self, rows: &[NewCustomer]) -> rusqlite::Result<bool> {
        let phones = rows.iter().filter_map(|row| row.phone_number.as_ref());
        self.records().is_any_shared(&phones.map(PhoneNumber::as_str).collect::<Vec<_>>())
    }

    /// Looks once, for the sake of many rows, whether customers share phone numbers; the `data_version` as of which
    /// nobody does.
    fn look_for_shared_phones(&mut self, rows: usize) -> rusqlite::Result<i64> {
        if self.shared_phones.get() == SharedPhones::Unknown && rows > MANY {
            let as_of = self.records().data_version()?;
            let sql = "select 1 from customers where phone_shared and phone_number is not null";
            let found = self.records().one(sql, [], |_| Ok(()))?;
            self.shared_phones.set(match found {
                Some(()) => SharedPhones::Some,
                None => SharedPhones::None { as_of },
            });
        }
        Ok(match self.shared_phones.get() {
            SharedPhones::None { as_of } => as_of,
            _ => i64::MIN,
        })
    }

    fn customer(
        &self,
        many: &Many,
        row: &NewCustomer,
        settings: &Settings,
    ) -> rusqlite::Result<Decision> {
        let facts = self.facts(row, settings)?;
        let decision = decide(row, facts, settings.allow_shared_phones);
        match &decision {
            &Decision::Add { phone_shared, merged_into } => {
                if phone_shared {
                    self.shared_phones.set(SharedPhones::Some);
                }
                self.insert_customer(many, &New { row, phone_shared, merged_into }, settings)?;
            }
            Decision::Alias(person, _) => self.insert_alias(row, person, settings)?,
            Decision::Known | Decision::Refuse(_) => {}
        }
        Ok(decision)
    }

    fn facts(&self, row: &NewCustomer, settings: &Settings) -> rusqlite::Result<Facts> {
        let records = self.records();
        let mut facts = Facts { namesake: self.namesake(row, settings)?, ..Facts::default() };
        if facts.namesake.is_some() {
            facts.leads_to = records.one(LEADS_TO, [&row.external_id], person)?;
            return Ok(facts);
        }
        if let Some(key) = &row.email_key {
            let sql = "select c.id, c.first_name, c.last_name from customers m
                       join customers c on c.id = coalesce(m.merged_into, m.id)
                       where m.email_key = ?1";
            facts.by_email = records.one(sql, [key], person)?;
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
            facts.target = records.customer_id(target)?;
        }
        Ok(facts)
    }

    fn namesake(
        &self,
        row: &NewCustomer,
        settings: &Settings,
    ) -> rusqlite::Result<Option<Namesake>> {
        let sql = "select id from customers where crm_id = ?1";
        let found: Option<i64> = self.records().one(sql, [&row.external_id], |row| row.get(0))?;
        if let Some(id) = found {
            return Ok(Some(Namesake { is_repeated: !settings.seen.customers.insert(id) }));
        }
        let Some(OwnName { id, .. }) = row.own_name() else { return Ok(None) };
        let sql = "select created_at from customers where id = ?1 and crm_id is null";
        let created_at: Option<i64> = self.records().one(sql, [id], |row| row.get(0))?;
        let is_called = created_at.is_some_and(|created_at| is_called(row, id, created_at));
        Ok(is_called.then(|| Namesake { is_repeated: !settings.seen.customers.insert(id) }))
    }

    fn insert_customer(
        &self,
        many: &Many,
        new: &New<'_>,
        settings: &Settings,
    ) -> rusqlite::Result<()> {
        match self.insert_one(many, &settings.seen.customers, new, bind)? {
            Some(id) => self.pend(new.merged_into.unwrap_or(id)),
            None => Err(rusqlite::Error::StatementChangedRows(0)),
        }
    }

    /// A record that only leads from the row's `external_id` to the customer on file.
    fn insert_alias(
        &self,
        row: &NewCustomer,
        kept: &Person,
        settings: &Settings,
    ) -> rusqlite::Result<()> {
        let sql = "insert into customers
                       (crm_id, first_name, last_name, phone_shared, created_at, merged_into)
                   values (?1, ?2, ?3, true, ?4, ?5)";
        let (first, last) = (&row.first_name, &row.last_name);
        let alias = (&row.external_id, first, last, row.created_at.0, kept.id);
        self.execute(sql, alias)?;
        settings.seen.customers.insert(self.connection.last_insert_rowid());
        self.pend(kept.id)
    }
}

fn bind(values: &mut Values<'_, '_>, new: &New<'_>) -> rusqlite::Result<()> {
    let New { row, phone_shared, merged_into } = new;
    let more = row.more.as_deref();
    values.add(&row.external_id)?;
    values.add(&row.first_name)?;
    values.add(&row.last_name)?;
    values.add(&row.email)?;
    values.add(&row.email_key)?;
    values.add(row.phone_number.as_ref().map(|phone| phone.as_str()))?;
    values.add(phone_shared)?;
    values.add(row.created_at.0)?;
    values.add(more.and_then(|more| more.last_contact).unwrap_or(row.created_at).0)?;
    values.add(&row.notes)?;
    values.add(
        more.and_then(|more| more.account_status).map_or("active", |status| status.as_str()),
    )?;
    values.add(more.and_then(|more| more.tier.as_deref()).unwrap_or("standard"))?;
    values.add(more.and_then(|more| more.satisfaction_score))?;
    values.add(more.and_then(|more| more.preferences.as_deref()).unwrap_or("{}"))?;
    values.add(more.and_then(|more| more.last_service_at).map(|at| at.0))?;
    values.add(more.map_or(0, |more| more.lifetime_value_minor))?;
    values.add(merged_into)
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use rusqlite::Connection;

    use super::*;
    use crate::config::{Config, DatabaseUrl, SqlitePath};
    use crate::domain::time::Timestamp;
    use crate::store::Store;
    use crate::store::importing::CustomerMore;
    use crate::store::importing::sqlite::ahead::tests::settings;

    async fn shop(folder: &tempfile::TempDir) -> (Writer, PathBuf) {
        let path = folder.path().join("shop.db");
        let url = DatabaseUrl::Sqlite(SqlitePath::File(path.clone()));
        Store::open(&url, &Config::in_memory().shop).await.unwrap().close().await;
        (Writer::open(&path).unwrap(), path)
    }

    fn customer(number: usize, phone: usize, phone_shared: bool) -> NewCustomer {
        NewCustomer {
            external_id: format!("C{number}").into(),
            first_name: "Ana".into(),
            last_name: format!("Number {number}").into(),
            email: None,
            email_key: None,
            phone_number: PhoneNumber::parse(&format!("+1202{:07}", 5_550_000 + phone), "US").ok(),
            created_at: Timestamp(5),
            notes: None,
            more: phone_shared
                .then(|| Box::new(CustomerMore { phone_shared, ..CustomerMore::default() })),
        }
    }

    #[tokio::test]
    async fn a_number_that_is_shared_by_now_is_seen() {
        let folder = tempfile::tempdir().unwrap();
        let (mut writer, path) = shop(&folder).await;
        let many: Vec<NewCustomer> =
            (0..=MANY).map(|number| customer(number, number, false)).collect();
        let settings = settings();
        assert_eq!(writer.customers(&many, &settings).unwrap().added, 10_001);
        assert!(writer.shared_phones.get().is_none());
        let sql =
            "insert into customers (first_name, last_name, phone_number, phone_shared, created_at)
                   values ('Ben', 'Cole', '+12025600001', 1, 5)";
        Connection::open(path).unwrap().execute(sql, []).unwrap();
        let taken = writer.customers(&[customer(20_000, 50_001, false)], &settings).unwrap();
        assert!(matches!(&*taken.refused, [(0, Refused::PhoneTaken { .. })]), "{taken:?}");
    }

    #[tokio::test]
    async fn a_number_that_the_import_itself_shares_is_seen() {
        let folder = tempfile::tempdir().unwrap();
        let (mut writer, _) = shop(&folder).await;
        let mut many: Vec<NewCustomer> =
            (0..=MANY).map(|number| customer(number, number, false)).collect();
        many.push(customer(20_000, 50_001, true));
        let settings = settings();
        assert_eq!(writer.customers(&many, &settings).unwrap().added, 10_002);
        let taken = writer.customers(&[customer(20_001, 50_001, false)], &settings).unwrap();
        assert!(matches!(&*taken.refused, [(0, Refused::PhoneTaken { .. })]), "{taken:?}");
    }
}
