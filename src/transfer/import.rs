//! The way of the files into the database: one thread reads and checks, another one writes.

mod taking;

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::mpsc;

use self::taking::{Taken, reason};
use super::columns::{APPOINTMENTS, CUSTOMERS, Column, PRODUCTS, VEHICLES};
use super::lines::{FileError, Line, Lines, Place};
use super::progress::{Progress, say};
use super::rejects::Rejects;
use super::rows::{Fields, ImportedRow};
use super::values::Reading;
use crate::domain::shop::Shop;
use crate::domain::time::Timestamp;
use crate::domain::vin::vpic::Vpic;
use crate::store::Store;
use crate::store::importing::{
    ImportError, Importer, NewCustomer, NewProduct, NewVehicle, NewVisit, Outcome, Scout, Seen,
    Settings, helping,
};

/// How many bytes of a file are handed over at once, for each of the rows that the database takes: longer rows are
/// fewer.
const BYTES_PER_ROW: u64 = 88;

/// The files that are to be imported.
#[derive(Clone, Debug, Default)]
pub struct Files {
    /// customers.csv.
    pub customers: Option<PathBuf>,
    /// vehicles.csv.
    pub vehicles: Option<PathBuf>,
    /// appointments.csv.
    pub appointments: Option<PathBuf>,
    /// products.csv.
    pub products: Option<PathBuf>,
}

/// How they are to be imported.
pub struct Options {
    /// See [`Settings`].
    pub allow_shared_phones: bool,
    /// Whether what the shop's calendar blocks counts as taken.
    pub counts_blocks: bool,
    /// Tells of vehicles what their rows leave out.
    pub vpic: Vpic<'static>,
    /// Set when the import is to end soon.
    pub stopping: Arc<AtomicBool>,
}

/// What came of it.
#[derive(Clone, Copy, Debug, Default)]
pub struct Imported {
    /// How many rows were rejected.
    pub rejected: u64,
    /// Whether all files were read to their end.
    pub is_complete: bool,
}

/// Why the import could not go on.
#[derive(Debug, thiserror::Error)]
pub enum Failed {
    /// A file.
    #[error("{} {error}", .path.display())]
    File {
        /// Which one.
        path: PathBuf,
        /// Why.
        error: FileError,
    },
    /// The rejected rows could not be written.
    #[error("{} cannot be written: {error}", .path.display())]
    Rejects {
        /// Where.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// The database.
    #[error("{0}; what was taken so far stays, and the same command goes on from there")]
    Database(#[from] ImportError),
}

/// Rows of a file that were read together.
struct Batch<T> {
    rows: Vec<T>,
    places: Vec<Place>,
    bad: Vec<(Place, String)>,
    /// How much of the file was read by then.
    read: u64,
}

impl<T> Default for Batch<T> {
    fn default() -> Self {
        Self { rows: Vec::new(), places: Vec::new(), bad: Vec::new(), read: 0 }
    }
}

/// Imports the files, customers first, since the others refer to them.
///
/// # Errors
/// Where a file cannot be read, its rejected rows cannot be written, or the database fails.
pub async fn import(
    store: &Store,
    shop: &Shop,
    now: Timestamp,
    files: &Files,
    options: Options,
) -> Result<Imported, Failed> {
    files.check()?;
    let stopping = Arc::clone(&options.stopping);
    let settings = Settings {
        now,
        allow_shared_phones: options.allow_shared_phones,
        counts_blocks: options.counts_blocks,
        stopping: options.stopping,
        seen: Seen::default(),
    };
    let reading = Reading { shop: shop.clone(), now, vpic: options.vpic };
    let importer = Importer::begin(store, shop, settings).await?;
    let mut run = Run { importer, reading, stopping, imported: Imported::default() };
    run.take::<NewCustomer>(files.customers.as_deref()).await?;
    run.take::<NewVehicle>(files.vehicles.as_deref()).await?;
    run.take::<NewVisit>(files.appointments.as_deref()).await?;
    run.take::<NewProduct>(files.products.as_deref()).await?;
    run.imported.is_complete = !run.is_stopping();
    if run.imported.is_complete {
        run.importer.finish().await?;
    } else {
        run.importer.close().await?;
    }
    Ok(run.imported)
}

impl Files {
    /// Refuses a file that cannot be read, or whose first line is wrong, before anything changes.
    fn check(&self) -> Result<(), Failed> {
        let files = [
            (&self.customers, CUSTOMERS),
            (&self.vehicles, VEHICLES),
            (&self.appointments, APPOINTMENTS),
            (&self.products, PRODUCTS),
        ];
        for (path, columns) in files {
            let Some(path) = path else { continue };
            let lines = open(path, columns)?;
            if !lines.header.unknown.is_empty() {
                let unknown = lines.header.unknown.join(", ");
                say(&format!("{}: not imported: the columns {unknown}", path.display()));
            }
        }
        Ok(())
    }
}

fn open(path: &Path, columns: &[Column]) -> Result<Lines, Failed> {
    Lines::open(path, columns).map_err(|error| Failed::File { path: path.to_owned(), error })
}

/// An import under way.
struct Run<'a> {
    importer: Importer<'a>,
    reading: Reading,
    stopping: Arc<AtomicBool>,
    imported: Imported,
}

impl Run<'_> {
    fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::Relaxed)
    }

    /// Takes one file.
    async fn take<T: Taken>(&mut self, path: Option<&Path>) -> Result<(), Failed> {
        let Some(path) = path.filter(|_| !self.is_stopping()) else { return Ok(()) };
        let mut rejects = Rejects::new(path);
        let failed =
            |rejects: &Rejects, error| Failed::Rejects { path: rejects.path.clone(), error };
        let mut progress = Progress::begin(T::NAME, open(path, T::COLUMNS)?.length);
        let mut total = Outcome::default();
        let batches = read_ahead::<T>(path, self.reading.clone(), self.importer.rows_per_batch());
        let (mut batches, scout) = (batches, self.importer.scout());
        let mut next = next_batch::<T>(&mut batches, &scout).await;
        while let Some(batch) = next {
            let (sought, Batch { places, bad, read, .. }) =
                batch.map_err(|error| Failed::File { path: path.to_owned(), error })?;
            let taken = T::take(sought, &mut self.importer);
            let (taken, following) = tokio::join!(taken, next_batch::<T>(&mut batches, &scout));
            let outcome = taken?;
            next = following;
            let reasons = outcome.refused.iter().filter_map(|(place, refused)| {
                Some((places.get(*place)?.clone(), reason(refused, T::KEY)))
            });
            let mut rejected: Vec<(Place, String)> = bad.into_iter().chain(reasons).collect();
            rejected.sort_by_key(|(place, _)| place.line);
            for (place, reason) in &rejected {
                rejects.add(place, reason).map_err(|error| failed(&rejects, error))?;
            }
            total.added += outcome.added;
            total.known += outcome.known;
            progress.advance(read, total.added + total.known + rejects.count);
            if self.is_stopping() {
                break;
            }
        }
        rejects.finish().map_err(|error| failed(&rejects, error))?;
        self.imported.rejected += rejects.count;
        progress.finish(&told::<T>(&total, &rejects, self.is_stopping()));
        Ok(())
    }
}

/// The next batch, of which it is looked up from now on what its rows lead to; `None` after the last one.
async fn next_batch<T: Taken>(
    batches: &mut mpsc::Receiver<Result<Batch<T>, FileError>>,
    scout: &Scout,
) -> Option<Result<(T::Sought, Batch<T>), FileError>> {
    let seek = |mut batch: Batch<T>| (T::seek(std::mem::take(&mut batch.rows), scout), batch);
    batches.recv().await.map(|batch| batch.map(seek))
}

/// What came of one file, as a sentence.
fn told<T: Taken>(total: &Outcome, rejects: &Rejects, is_stopped: bool) -> String {
    let Outcome { added, known, .. } = total;
    let mut sentence = format!("{}: {added} added, {known} on file already", T::NAME);
    match rejects.count {
        0 => sentence.push_str(", none rejected"),
        count => {
            sentence.push_str(&format!(", {count} rejected, see {}", rejects.path.display()));
        }
    }
    if is_stopped {
        sentence.push_str("; stopped before its end");
    }
    sentence
}

/// Reads a file on a thread of its own, one batch of at most `limit` rows ahead.
fn read_ahead<T: ImportedRow>(
    path: &Path,
    reading: Reading,
    limit: usize,
) -> mpsc::Receiver<Result<Batch<T>, FileError>> {
    let (sender, receiver) = mpsc::channel(1);
    let (path, runtime) = (path.to_owned(), tokio::runtime::Handle::current());
    helping::spawn(move || {
        let mut lines = match Lines::open(&path, T::COLUMNS) {
            Ok(lines) => lines,
            Err(error) => return drop(sender.blocking_send(Err(error))),
        };
        // The first one is small, since nothing is written before it is there.
        let limits = std::iter::once(limit / 8).chain(std::iter::repeat(limit));
        // Nothing is read before there is room for it; who stopped listening wants no more.
        for limit in limits {
            let Ok(room) = runtime.block_on(sender.reserve()) else { break };
            let batch = Batch::read(&mut lines, &reading, limit);
            let is_last = match &batch {
                Ok(batch) => batch.rows.is_empty() && batch.bad.is_empty(),
                Err(_) => true,
            };
            if !is_last || batch.is_err() {
                room.send(batch);
            }
            if is_last {
                break;
            }
        }
    });
    receiver
}

impl<T: ImportedRow> Batch<T> {
    fn read(lines: &mut Lines, reading: &Reading, limit: usize) -> Result<Self, FileError> {
        let mut batch = Self::default();
        let longest = u64::try_from(limit).unwrap_or_default() * BYTES_PER_ROW;
        let mut from = None;
        while let Some((place, line)) = lines.next()? {
            batch.read = place.position.byte();
            let from = *from.get_or_insert(batch.read);
            match line {
                Line::Bad(why) => batch.bad.push((place, why)),
                Line::Row(record) => {
                    let (header, columns) = (&lines.header, T::COLUMNS);
                    match T::read(&Fields { record: &record, header, columns }, reading) {
                        Ok(row) => {
                            batch.rows.push(row);
                            batch.places.push(place);
                        }
                        Err(why) => batch.bad.push((place, why)),
                    }
                    lines.give_back(record);
                }
            }
            let count = batch.rows.len() + batch.bad.len();
            if count >= limit || batch.read - from >= longest {
                break;
            }
        }
        Ok(batch)
    }
}
