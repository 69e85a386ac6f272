//! Whether what memory holds is still what the database holds.
//!
//! Every kept answer carries the [`Stamp`] taken before its query; it is served only while a stamp
//! taken now is the same. So a load under way while a write lands can never bring the old value
//! back: its stamp is already old.

use std::sync::atomic::{AtomicU64, Ordering};

/// A state of the customers' rows; equal stamps saw the same rows.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct Stamp {
    /// Counts the changes that this process knows of.
    pub local: u64,
    /// SQLite's `data_version`; 0 elsewhere.
    pub file: i64,
}

/// Counts the changes that this process made or was told of.
#[derive(Debug)]
pub struct Changes(AtomicU64);

impl Default for Changes {
    /// Begins where no other count of this process comes to: of a database that is opened anew, another one may
    /// lie in its place, about which nothing that was kept is true.
    fn default() -> Self {
        static OPENED: AtomicU64 = AtomicU64::new(0);
        Self(AtomicU64::new(OPENED.fetch_add(1, Ordering::Relaxed) << 32))
    }
}

impl Changes {
    /// How many there were.
    pub fn count(&self) -> u64 {
        self.0.load(Ordering::Acquire)
    }

    /// One more.
    pub fn bump(&self) {
        self.0.fetch_add(1, Ordering::AcqRel);
    }
}
