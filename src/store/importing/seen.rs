//! To which records the lines of an import have led so far.

use std::sync::{Mutex, PoisonError};

use roaring::RoaringTreemap;

/// The numbers of the records that an import has made or found on file, each by one line. A further line that
/// leads to one of them repeats that line, whether it is the first import of the file or the second.
#[derive(Debug, Default)]
pub struct Seen {
    pub(super) customers: Numbers,
    pub(super) vehicles: Numbers,
    pub(super) visits: Numbers,
    pub(super) products: Numbers,
}

/// A set of numbers: most of them stand in a row, so that each takes a bit.
#[derive(Debug, Default)]
pub(super) struct Numbers(Mutex<RoaringTreemap>);

impl Numbers {
    /// Adds a number; whether it was not there.
    pub fn insert(&self, number: i64) -> bool {
        self.lock().insert(number.cast_unsigned())
    }

    /// Adds the numbers from `first` to `last`.
    pub fn insert_all(&self, first: i64, last: i64) {
        self.lock().insert_range(first.cast_unsigned()..=last.cast_unsigned());
    }

    pub fn contains(&self, number: i64) -> bool {
        self.lock().contains(number.cast_unsigned())
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, RoaringTreemap> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
