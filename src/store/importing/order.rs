//! In which order the rows of a batch are written, whichever order they have in the file.

use std::hash::Hash;

use rustc_hash::{FxBuildHasher, FxHashSet};

use super::rows::{NewVisit, Row};

/// The places of visits in the order in which they are written, those of one vehicle together, since they lie so
/// where they are looked up and where they are written: each page of those indexes changes once for a batch and not
/// once for each row. At first those that repeat no earlier line, and then those that do.
pub(super) fn order_of_visits(rows: &[NewVisit]) -> [Vec<usize>; 2] {
    let repeated = repeated(rows, |row| Some(row.external_id()));
    let sorted = |is_repeated| {
        let places = (0..rows.len()).filter(|place| repeated.contains(place) == is_repeated);
        let mut places: Vec<usize> = places.collect();
        places.sort_by_cached_key(|place| {
            let vehicle = rows.get(*place).map_or("", NewVisit::vehicle_external_id);
            (beginning(vehicle), vehicle)
        });
        places
    };
    [false, true].map(sorted)
}

/// The places of rows that have a key in common with an earlier one; they are written after all others, so that
/// the earliest one is taken, in whichever order the rows are written.
pub(super) fn repeated<'a, T, K: Eq + Hash>(
    rows: &'a [T],
    key: impl Fn(&'a T) -> Option<K>,
) -> FxHashSet<usize> {
    let mut seen = FxHashSet::with_capacity_and_hasher(rows.len(), FxBuildHasher);
    let places = rows.iter().enumerate();
    let again = places.filter(|(_, row)| key(row).is_some_and(|key| !seen.insert(key)));
    again.map(|(place, _)| place).collect()
}

/// The first eight bytes of a name as a number, by which most names are in the order of their bytes.
fn beginning(name: &str) -> u64 {
    let mut bytes = [0; 8];
    bytes.iter_mut().zip(name.bytes()).for_each(|(byte, of_name)| *byte = of_name);
    u64::from_be_bytes(bytes)
}
