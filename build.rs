//! Unpacks the vehicle data, and links the program at a fixed address where that can be done.
//!
//! The tables of 600 time zones hold some 50,000 addresses. Position-independent code has each of
//! them rewritten at every start, which took longer than all the rest of it (measured: 3.4 ms to
//! the first reply with, 2.4 ms without), and a client starts the server anew for each session.

use std::error::Error;
use std::fs::File;
use std::io::Read;
use std::path::Path;

use lzma_rust2::XzReader;

/// The vehicle data as the repository keeps it, written by `scripts/vpic`.
const PACKED_DATA: &str = "data/vpic.xz";

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed={PACKED_DATA}");
    let target = |key| std::env::var(format!("CARGO_CFG_TARGET_{key}")).unwrap_or_default();
    if target("OS") == "linux" && target("ENV") == "gnu" {
        println!("cargo::rustc-link-arg-bins=-no-pie");
    }
    // The program holds it unpacked, in pages that are read from the disk only when a VIN is decoded.
    let mut data = Vec::new();
    XzReader::new(File::open(PACKED_DATA)?, false).read_to_end(&mut data)?;
    println!("cargo::rustc-env=VEHICLE_DATA={}", describe(&data).ok_or("the data has no head")?);
    std::fs::write(Path::new(&std::env::var("OUT_DIR")?).join("vpic.bin"), data)?;
    Ok(())
}

/// What the data says of itself: its source, NHTSA's name of the month, the day of the newest change
/// and the beginning of its hash.
fn describe(data: &[u8]) -> Option<String> {
    let hash: String = data.get(8..14)?.iter().map(|byte| format!("{byte:02x}")).collect();
    let (source, rest) = note(data.get(40..)?)?;
    let (release, rest) = note(rest)?;
    let (newest, _) = note(rest)?;
    Some(format!("{source}, release {release}, changes up to {newest}, SHA-256 {hash}"))
}

/// A text with its length before it, and what follows.
fn note(data: &[u8]) -> Option<(&str, &[u8])> {
    let (length, rest) = data.split_first_chunk()?;
    let (text, rest) = rest.split_at_checked(usize::from(u16::from_le_bytes(*length)))?;
    Some((str::from_utf8(text).ok()?, rest))
}
