//! Measures decoding VINs from the data inside the program:
//!
//!     cargo bench --bench vin [-- FILE]
//!
//! FILE holds VINs, one a line; without it, some vehicles of every kind with serial numbers of their
//! own are decoded. The first decode is that of a new process, whose pages of the data are not mapped
//! yet; the others are warm, each of another VIN than the one before.

use std::hint::black_box;
use std::time::{Duration, Instant};

use servicebay::cache::vpic::embedded;
use servicebay::domain::time::Timestamp;
use servicebay::domain::vin::vpic::VinText;

const ROUNDS: usize = 20;
const SERIALS: usize = 100;
/// Cars, light trucks, vans, trucks, buses, trailers, motorcycles, incomplete and off-road vehicles.
const KINDS: [&str; 14] = [
    "1LNFM75X31N902",
    "W1N0G8EE3NS161",
    "1FTMW1T88MFA00",
    "1HGCM82633A004",
    "4S9BG6H24NK197",
    "1N9103X81N1011",
    "1J9BG8950P1471",
    "1B9RR288XWP819",
    "LZPTCBP3743011",
    "46GBC1821V3428",
    "1B9E1BA61AH708",
    "57LS3ASD7KC080",
    "1F9B65GB9WC616",
    "4F2CU7333BY124",
];

fn main() {
    let file = std::env::args().skip(1).find(|argument| !argument.starts_with("--"));
    let vins: Vec<VinText> = match file {
        Some(path) => {
            let text = std::fs::read_to_string(&path).unwrap_or_default();
            text.lines().map(VinText::new).collect()
        }
        None => (0..SERIALS)
            .flat_map(|serial| KINDS.map(|kind| VinText::new(&format!("{kind}{serial:03}"))))
            .collect(),
    };
    let now = Timestamp::from(chrono::Utc::now());
    let decode = |vin: &VinText| {
        let started = Instant::now();
        black_box(embedded().decode(black_box(vin), None, now));
        started.elapsed()
    };
    let Some(first) = vins.first().map(decode) else { return };
    let mut times: Vec<Duration> = Vec::with_capacity(ROUNDS * vins.len());
    for _ in 0..ROUNDS {
        times.extend(vins.iter().map(decode));
    }
    times.sort_unstable();
    let at = |percent: usize| times.get(times.len() * percent / 100).copied().unwrap_or_default();
    let mut out = std::io::stdout().lock();
    let row = format!(
        "{} VINs of vPIC {}: first {:.1?}, then p50 {:.1?}, p90 {:.1?}, p99 {:.1?}\n",
        vins.len(),
        embedded().release(),
        first,
        at(50),
        at(90),
        at(99)
    );
    // Where nobody listens there is nothing to tell.
    let _ = std::io::Write::write_all(&mut out, row.as_bytes());
}
