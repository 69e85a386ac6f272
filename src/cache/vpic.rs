//! NHTSA's vehicle data: the one inside the program, or a newer one in a file.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use crate::domain::vin::vpic::Vpic;
use crate::domain::vin::vpic::data::DataError;

/// The data inside the program. Its pages are read from the disk when they are looked at, so that
/// a process that decodes no VIN has none of them in memory.
static EMBEDDED: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/vpic.bin"));

/// The longest file that is read; NHTSA's data takes 15 MB.
const MAX_BYTES: u64 = 256 * 1024 * 1024;

/// Why a file of vehicle data cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// It cannot be read.
    #[error("cannot be read: {0}")]
    Unreadable(#[from] io::Error),
    /// It holds something else.
    #[error(transparent)]
    Data(#[from] DataError),
}

/// The vehicle data of this process.
#[derive(Debug, Default)]
pub struct VehicleData {
    file: Option<PathBuf>,
    loaded: OnceLock<Vpic<'static>>,
}

impl VehicleData {
    /// The data in this file, or else the embedded one; nothing is read yet.
    pub fn new(file: Option<PathBuf>) -> Self {
        Self { file, loaded: OnceLock::new() }
    }

    /// The data. A file is read at the first use and kept; one that went bad since the start is
    /// told to the log, and the embedded data serves.
    pub fn get(&self) -> Vpic<'static> {
        *self.loaded.get_or_init(|| match self.file.as_deref().map(read) {
            None => embedded(),
            Some(Ok(vpic)) => vpic,
            Some(Err(error)) => {
                tracing::error!(%error, "the file of vehicle data cannot be used; the embedded data is");
                embedded()
            }
        })
    }

    /// The same, without holding up the other calls while a file is read.
    pub async fn load(self: &Arc<Self>) -> Vpic<'static> {
        if self.file.is_none() || self.loaded.get().is_some() {
            return self.get();
        }
        let data = Arc::clone(self);
        let loaded = tokio::task::spawn_blocking(move || data.get()).await;
        // The task is lost only when the program ends.
        loaded.unwrap_or_else(|_| embedded())
    }
}

/// The data inside the program.
#[expect(clippy::expect_used, reason = "the tests of this file hold the embedded data to its hash")]
pub fn embedded() -> Vpic<'static> {
    Vpic::embedded(EMBEDDED).expect("the embedded data is vPIC data")
}

/// Reads a file of vehicle data, which stays in memory until the process ends.
///
/// # Errors
/// Where it cannot be read, or is not what `scripts/vpic` wrote.
pub fn read(path: &Path) -> Result<Vpic<'static>, FileError> {
    let mut bytes = Vec::new();
    File::open(path)?.take(MAX_BYTES).read_to_end(&mut bytes)?;
    Vpic::checked(&bytes)?;
    Ok(Vpic::embedded(bytes.leak())?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_embedded_data_is_what_was_written() {
        let vpic = Vpic::checked(EMBEDDED).expect("vPIC data");
        assert!(vpic.source().starts_with("NHTSA vPIC"), "{}", vpic.source());
        assert!(vpic.release() >= "2026_10", "{}", vpic.release());
    }

    #[test]
    fn a_file_that_is_something_else_or_damaged_is_refused() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("vpic.bin");
        let refused = |bytes: &[u8]| {
            std::fs::write(&path, bytes).expect("a file");
            read(&path).expect_err("a refusal").to_string()
        };
        for text in ["", "SBV", "{}", "\u{fd}7zXZ\0"] {
            assert_eq!(refused(text.as_bytes()), "is not a vPIC data file made by scripts/vpic");
        }
        let mut newer = EMBEDDED[..1000].to_vec();
        newer[6] = 9;
        assert!(refused(&newer).contains("version 9"), "{}", refused(&newer));
        for length in [7, 8, 40, 100, 1000, EMBEDDED.len() - 1] {
            let damaged = refused(&EMBEDDED[..length]);
            assert!(damaged.contains("damaged"), "{length}: {damaged}");
        }
        let mut flipped = EMBEDDED.to_vec();
        *flipped.last_mut().expect("a byte") ^= 1;
        assert!(refused(&flipped).contains("damaged"), "{}", refused(&flipped));
        assert!(read(folder.path()).is_err());
    }

    #[test]
    fn a_file_serves_in_place_of_the_embedded_data() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("vpic.bin");
        std::fs::write(&path, EMBEDDED).expect("a file");
        let data = VehicleData::new(Some(path.clone()));
        assert_eq!(data.get().release(), embedded().release());
        // A file that went away since leaves the embedded data.
        let gone = VehicleData::new(Some(folder.path().join("gone")));
        assert_eq!(gone.get().release(), embedded().release());
    }
}
