//! What happens to new rows beside their writing: by triggers for everybody else, by the import itself for its
//! own ones.

use rusqlite::Connection;
use rusqlite::config::DbConfig::SQLITE_DBCONFIG_ENABLE_TRIGGER;

use super::Writer;

/// The triggers of new rows, and what an import does in their place:
/// - those of visits do nothing for one that is closed and has an `external_id`;
/// - those of the search mark customers as pending, as [`Writer::pend`] does.
const KNOWN_TRIGGERS: &str = "'appointments_overlap_inserted', 'appointments_reserve_inserted',
    'appointments_contact_inserted', 'calendar_appointments_inserted', 'search_customers_inserted',
    'search_vehicles_inserted'";

/// Whether there are only triggers of new rows that the import knows.
pub(super) fn are_known(connection: &Connection) -> rusqlite::Result<bool> {
    let sql = format!(
        "select count(*) from sqlite_master
         where type = 'trigger' and tbl_name in ('customers', 'vehicles', 'appointments')
           and sql like '% insert on %' and name not in ({KNOWN_TRIGGERS})"
    );
    connection.query_row(&sql, [], |row| row.get::<_, i64>(0)).map(|unknown| unknown == 0)
}

impl Writer {
    /// Turns the triggers off for rows to which they have nothing to say, where all of them are known: SQLite
    /// keeps each page that a statement changes until its triggers are done, which takes longer than the rest.
    /// Such rows lead to nothing but what the same turn has looked up, so that need not be looked up again. Whether
    /// they are off.
    pub(super) fn skip_triggers(&self, may_skip: bool) -> rusqlite::Result<bool> {
        let skips = may_skip && self.knows_triggers;
        self.connection.pragma_update(None, "foreign_keys", !skips)?;
        self.connection.set_db_config(SQLITE_DBCONFIG_ENABLE_TRIGGER, !skips)?;
        Ok(skips)
    }

    /// Has the search index catch up on a customer.
    pub(super) fn pend(&self, customer: i64) -> rusqlite::Result<()> {
        let sql = "insert into search_pending (customer_id) values (?1)
                   on conflict (customer_id) do update set claim = 0 where claim <> 0";
        self.execute(sql, [customer]).map(drop)
    }
}

#[cfg(test)]
mod tests {
    use sha2::{Digest, Sha256};
    use sqlx::ConnectOptions;
    use sqlx::sqlite::SqliteConnectOptions;

    use super::KNOWN_TRIGGERS;
    use crate::config::{Config, DatabaseUrl, SqlitePath};
    use crate::store::Store;

    /// Where this fails, somebody has changed what happens to new rows: see to it that an import does the
    /// same, by [`KNOWN_TRIGGERS`], and then write the new hash.
    #[tokio::test]
    async fn the_triggers_that_an_import_skips_are_those_that_it_knows() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("shop.db");
        let url = DatabaseUrl::Sqlite(SqlitePath::File(path.clone()));
        Store::open(&url, &Config::in_memory().shop).await.unwrap().close().await;
        let mut connection = SqliteConnectOptions::new().filename(&path).connect().await.unwrap();
        let sql = "select name, sql from sqlite_master
                   where type = 'trigger' and tbl_name in ('customers', 'vehicles', 'appointments')
                     and sql like '% insert on %'
                   order by name";
        let triggers: Vec<(String, String)> =
            sqlx::query_as(sql).fetch_all(&mut connection).await.unwrap();
        let mut hash = Sha256::new();
        for (name, sql) in &triggers {
            assert!(KNOWN_TRIGGERS.contains(&format!("'{name}'")), "{name}: {sql}");
            hash.update(sql.split_whitespace().collect::<Vec<_>>().join(" "));
        }
        let hash: String =
            hash.finalize().iter().take(4).map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(hash, "bf470f64", "{triggers:#?}");
    }
}
