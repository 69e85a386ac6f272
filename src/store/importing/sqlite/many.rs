//! Many rows by one statement, for which SQLite opens the table and its indexes once and not for each row.

use rusqlite::{Statement, ToSql};

use super::super::seen::Numbers;
use super::Writer;

/// How many rows are written at once.
pub(super) const ROWS: usize = 64;

/// A table's columns, and the statements that fill them.
pub(super) struct Many {
    table: &'static str,
    columns: &'static [&'static str],
    constant: &'static [(&'static str, &'static str)],
    /// How many rows one statement writes.
    rows: usize,
    /// For a single row.
    one: String,
    /// For that many rows.
    many: String,
}

/// The values of a statement, in their order.
pub(super) struct Values<'s, 'connection> {
    statement: &'s mut Statement<'connection>,
    count: usize,
}

impl Many {
    /// Rows of these columns, `rows` of them by one statement; other columns have the same text in all rows, a column
    /// and its text each.
    pub(super) fn new(
        table: &'static str,
        columns: &'static [&'static str],
        constant: &'static [(&'static str, &'static str)],
        rows: usize,
    ) -> Self {
        let (one, many) = (String::new(), String::new());
        let mut all = Self { table, columns, constant, rows, one, many };
        all.one = all.sql("insert", 1) + " on conflict do nothing";
        all.many = all.sql("insert or ignore", rows);
        all
    }

    fn sql(&self, insert: &str, rows: usize) -> String {
        let (names, texts): (Vec<_>, Vec<_>) = self.constant.iter().copied().unzip();
        let texts = texts.iter().map(|text| format!("'{text}'"));
        let row: Vec<String> =
            vec!["?".to_owned(); self.columns.len()].into_iter().chain(texts).collect();
        let row = format!("({})", row.join(", "));
        let (table, columns) = (self.table, [self.columns, &names].concat().join(", "));
        format!("{insert} into {table} ({columns}) values {}", vec![row; rows].join(", "))
    }
}

impl Values<'_, '_> {
    pub(super) fn add(&mut self, value: impl ToSql) -> rusqlite::Result<()> {
        self.count += 1;
        self.statement.raw_bind_parameter(self.count, value)
    }
}

impl Writer {
    /// Writes a row; its number, unless it is in conflict with what is on file.
    pub(super) fn insert_one<T>(
        &self,
        many: &Many,
        seen: &Numbers,
        row: &T,
        bind: impl Fn(&mut Values<'_, '_>, &T) -> rusqlite::Result<()>,
    ) -> rusqlite::Result<Option<i64>> {
        let mut statement = self.connection.prepare_cached(&many.one)?;
        if insert(&mut statement, std::slice::from_ref(row), bind)? == 0 {
            return Ok(None);
        }
        let id = self.connection.last_insert_rowid();
        seen.insert(id);
        Ok(Some(id))
    }

    /// Writes all of these rows, at most [`ROWS`], or none of them where one is in conflict with what is on
    /// file or with another one; the number after which theirs come, if they were written. Nothing is to happen
    /// by triggers.
    pub(super) fn insert_all<T>(
        &self,
        many: &Many,
        seen: &Numbers,
        rows: &[T],
        bind: impl Fn(&mut Values<'_, '_>, &T) -> rusqlite::Result<()>,
    ) -> rusqlite::Result<Option<i64>> {
        let last = self.last_id(many.table)?;
        if rows.is_empty() {
            return Ok(Some(last));
        }
        // A row in conflict is left out at first: to refuse it, SQLite would have to keep each page that the
        // statement changes, so that it can take the others back.
        let mut inserted = 0;
        for rows in rows.chunks(many.rows) {
            inserted += if rows.len() == many.rows {
                insert(&mut *self.connection.prepare_cached(&many.many)?, rows, &bind)?
            } else {
                let sql = many.sql("insert or ignore", rows.len());
                insert(&mut self.connection.prepare(&sql)?, rows, &bind)?
            };
        }
        if inserted == rows.len() {
            seen.insert_all(last + 1, self.connection.last_insert_rowid());
            return Ok(Some(last));
        }
        self.execute(&format!("delete from {} where id > ?1", many.table), [last])?;
        Ok(None)
    }

    /// The highest number in a table; what is inserted next gets a higher one.
    fn last_id(&self, table: &str) -> rusqlite::Result<i64> {
        let sql = format!("select coalesce(max(id), 0) from {table}");
        self.connection.prepare_cached(&sql)?.query_row([], |row| row.get(0))
    }
}

fn insert<T>(
    statement: &mut Statement<'_>,
    rows: &[T],
    bind: impl Fn(&mut Values<'_, '_>, &T) -> rusqlite::Result<()>,
) -> rusqlite::Result<usize> {
    let mut values = Values { statement, count: 0 };
    rows.iter().try_for_each(|row| bind(&mut values, row))?;
    values.statement.raw_execute()
}
