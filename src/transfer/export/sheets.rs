//! The files of an export while they are written.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use super::{ExportError, NAMES, file_error};
use crate::transfer::columns::Column;
use crate::transfer::progress::Progress;
use crate::transfer::rejects::private_file;

/// Files that are being written, under names of their own; what is left of them goes in the end.
pub(super) struct Drafts {
    folder: PathBuf,
}

impl Drafts {
    pub(super) fn new(folder: &Path) -> Self {
        Self { folder: folder.to_owned() }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.join(format!(".{name}.{}", std::process::id()))
    }

    pub(super) fn publish(&self) -> Result<(), ExportError> {
        for name in NAMES {
            let path = self.folder.join(name);
            std::fs::rename(self.path(name), &path).map_err(|error| file_error(&path, error))?;
        }
        Ok(())
    }
}

impl Drop for Drafts {
    fn drop(&mut self) {
        for name in NAMES {
            // After a success there is nothing left, and after a failure that is what was told.
            let _ = std::fs::remove_file(self.path(name));
        }
    }
}

/// A file's usual columns, and those of the others that some row needs.
pub(super) struct Sheet {
    out: csv::Writer<BufWriter<File>>,
    path: PathBuf,
    /// Of each column of the list, whether the file has it.
    has: Vec<bool>,
    progress: Progress,
    rows: u64,
    name: &'static str,
}

impl Sheet {
    /// Begins a file with so many rows; `more` says of each column after the usual ones how many rows
    /// need it.
    pub(super) fn begin(
        drafts: &Drafts,
        name: &'static str,
        columns: &[Column],
        counts: &[i64],
    ) -> Result<Self, ExportError> {
        let path = drafts.path(name);
        let (rows, more) = counts.split_first().map_or((0, counts), |(rows, more)| (*rows, more));
        let usual = columns.len() - more.len();
        let mut has = vec![true; usual];
        has.extend(more.iter().map(|&count| count > 0));
        let file = private_file(&path).map_err(|error| file_error(&path, error))?;
        let out = csv::Writer::from_writer(BufWriter::new(file));
        let progress = Progress::begin(name, u64::try_from(rows).unwrap_or_default());
        let mut sheet = Self { out, path, has, progress, rows: 0, name };
        let header: Vec<String> = columns.iter().map(|column| column.name.to_owned()).collect();
        sheet.write(&header)?;
        sheet.rows = 0;
        Ok(sheet)
    }

    /// Writes a row, of which it has the value of every column.
    pub(super) fn row(&mut self, values: &[String]) -> Result<(), ExportError> {
        self.write(values)?;
        self.rows += 1;
        Ok(())
    }

    fn write(&mut self, values: &[String]) -> Result<(), ExportError> {
        let kept = values.iter().zip(&self.has).filter(|(_, has)| **has).map(|(value, _)| value);
        self.out.write_record(kept).map_err(|error| file_error(&self.path, error))
    }

    pub(super) fn page_done(&mut self) {
        self.progress.advance(self.rows, self.rows);
    }

    /// Ends the file, which is on the disk then.
    pub(super) fn finish(self) -> Result<(), ExportError> {
        let failed = |error| file_error(&self.path, error);
        let mut out = self.out.into_inner().map_err(|error| failed(error.into_error()))?;
        out.flush().map_err(failed)?;
        out.get_ref().sync_all().map_err(failed)?;
        self.progress.finish(&format!("{}: {} rows", self.name, self.rows));
        Ok(())
    }
}
