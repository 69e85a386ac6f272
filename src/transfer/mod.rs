//! The CSV files of `import` and `export`: their columns, what their values mean, and the way of a row
//! from a file into the database and back.

mod columns;
mod export;
mod import;
mod lines;
mod progress;
mod quotes;
mod rejects;
mod rows;
mod values;

pub use export::{ExportError, export};
pub use import::{Failed, Files, Imported, Options, import};
