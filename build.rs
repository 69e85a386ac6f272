//! Unpacks the vehicle data, and links the program at a fixed address where that can be done.
//!
//! The tables of 600 time zones hold some 50,000 addresses. Position-independent code has each of
//! them rewritten at every start, which took longer than all the rest of it (measured: 3.4 ms to
//! the first reply with, 2.4 ms without), and a client starts the server anew for each session.

use std::error::Error;
use std::fs::File;
use std::io;
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
    let mut data = File::create(Path::new(&std::env::var("OUT_DIR")?).join("vpic.bin"))?;
    io::copy(&mut XzReader::new(File::open(PACKED_DATA)?, false), &mut data)?;
    Ok(())
}
