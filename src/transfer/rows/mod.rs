//! Rows of the four files as what they mean.

mod appointments;
mod customers;
mod products;
mod vehicles;

use csv::StringRecord;

use super::columns::{Column, Header};
use super::values::{Reading, Reason, free_text, name};
use crate::store::importing::Text;

/// A row of one of the files.
pub trait ImportedRow: Sized + Send + 'static {
    /// The columns of the file.
    const COLUMNS: &'static [Column];

    /// Reads a row; every value is checked.
    fn read(row: &Fields<'_>, reading: &Reading) -> Result<Self, Reason>;
}

/// The values of a row.
pub struct Fields<'a> {
    pub record: &'a StringRecord,
    pub header: &'a Header,
    pub columns: &'static [Column],
}

impl Fields<'_> {
    /// What stands in a column as it stands there; `None` where there is nothing but white space, or no
    /// such column.
    fn raw(&self, column: usize) -> Option<&str> {
        let text = self.record.get(self.header.place(column)?)?;
        (!text.trim().is_empty()).then_some(text)
    }

    /// The same, trimmed.
    fn get(&self, column: usize) -> Option<&str> {
        self.raw(column).map(str::trim)
    }

    fn column(&self, column: usize) -> &'static str {
        self.columns.get(column).map_or("", |column| column.name)
    }

    fn needed(&self, column: usize) -> Result<&str, Reason> {
        self.get(column).ok_or_else(|| format!("{} must not be empty", self.column(column)))
    }

    fn needed_name(&self, column: usize) -> Result<Text, Reason> {
        name(self.column(column), self.needed(column)?)
    }

    fn name(&self, column: usize) -> Result<Option<Text>, Reason> {
        self.read(column, name)
    }

    fn text(&self, column: usize) -> Result<Option<Text>, Reason> {
        self.untrimmed(column, free_text)
    }

    /// Reads a column as it stands there.
    fn untrimmed(
        &self,
        column: usize,
        read: fn(&str, &str) -> Result<Text, Reason>,
    ) -> Result<Option<Text>, Reason> {
        let value = self.header.place(column).and_then(|place| self.record.get(place));
        let value = value.filter(|value| !value.is_empty());
        value.map(|value| read(self.column(column), value)).transpose()
    }

    /// Reads a column by a function that takes its name and its value.
    fn read<T>(
        &self,
        column: usize,
        read: impl FnOnce(&'static str, &str) -> Result<T, Reason>,
    ) -> Result<Option<T>, Reason> {
        self.get(column).map(|value| read(self.column(column), value)).transpose()
    }

    /// Whether anything stands in one of the columns from this one on.
    fn has_more(&self, from: usize) -> bool {
        (from..self.columns.len()).any(|column| self.raw(column).is_some())
    }
}
