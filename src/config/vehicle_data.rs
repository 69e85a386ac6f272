//! A file of vehicle data that the settings name.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use crate::domain::vin::vpic::data::check_head;

/// How much of the file is looked at: more than its table of contents takes.
const HEAD_BYTES: u64 = 4096;

/// Checks that a file begins as vehicle data does and is whole. The rest is read, and held against its
/// hash, when the first VIN is decoded.
pub(super) fn check(path: &Path) -> Result<(), String> {
    let read = || {
        let file = File::open(path)?;
        let length = file.metadata()?.len();
        let mut head = Vec::new();
        file.take(HEAD_BYTES).read_to_end(&mut head)?;
        Ok((head, length))
    };
    let (head, length) =
        read().map_err(|error: std::io::Error| format!("cannot be read: {error}"))?;
    check_head(&head, length).map_err(|error| error.to_string())
}
