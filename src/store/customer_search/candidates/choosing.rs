//! Which grams the walk reads.

use roaring::RoaringBitmap;

use super::reading::IN_BLOCKS;
use super::{SAMPLE_GRAMS, Sets};
use crate::domain::search::{Gram, Reading};
use crate::store::customer_search::postings::BLOCK_SIZE;

/// Of how many grams the rest of the walk reads the sets, at most; more lead to fewer customers in
/// vain, but cost more to read.
const MOST_GRAMS: usize = IN_BLOCKS.len();
/// What it takes to hold a customer against a query, to find a set and to read a page of it, in
/// microseconds of SQLite; of Postgres, each takes some times as long.
const CUSTOMER_COST: u64 = 12;
const SET_COST: u64 = 2;
const PAGE_COST: u64 = 3;
const PAGE_BYTES: u64 = 4_096;
/// Customers that are expected are counted in such parts, since many a block has none.
const PARTS: u64 = 64;
/// How many customers of a block a rare gram leads to, at most: some 500 bytes.
const RARE: u64 = 256;

/// How the customers of a reading's grams are spread over the blocks.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Spread {
    /// All of them are few in each block.
    Rare,
    /// There are likely to be some in every block, and many of some gram.
    Everywhere,
    /// There are many of some gram, and in most blocks none of another one.
    Uneven,
}

/// A reading's grams, and what each leads to among the newest customers.
pub(super) struct Sampled {
    pub grams: Vec<(Gram, Sets)>,
    /// Whether only those are left that the walk reads.
    are_chosen: bool,
    /// How the sets of those that are chosen are read.
    pub spread: Spread,
}

impl Sampled {
    pub fn new(reading: &Reading) -> Self {
        let grams = reading.grams(SAMPLE_GRAMS);
        let grams = grams.into_iter().map(|gram| (gram, Sets::new())).collect();
        Self { grams, are_chosen: false, spread: Spread::Uneven }
    }

    pub fn add(&mut self, term: &str, block: i64, set: RoaringBitmap) {
        if let Some((_, sets)) = self.grams.iter_mut().find(|(gram, _)| gram.to_text() == term) {
            sets.insert(block, set);
        }
    }

    /// Those to whom all of the grams lead.
    pub fn in_all(&self) -> Sets {
        let mut grams = self.grams.iter().map(|(_, sets)| sets);
        let first = grams.next().cloned().unwrap_or_default();
        grams.fold(first, |both, sets| intersect(&both, sets))
    }

    /// The grams of which the walk reads the sets: first the one that leads to the fewest customers, then
    /// each that spares more than it costs. From now on no others are needed.
    pub fn chosen(&mut self, sample: i64) -> Vec<Gram> {
        if !self.are_chosen {
            let sample = u64::try_from(sample).unwrap_or_default().max(1);
            self.choose(sample);
            self.are_chosen = true;
        }
        self.grams.iter().map(|(gram, _)| *gram).collect()
    }

    fn choose(&mut self, sample: u64) {
        let mut rest = std::mem::take(&mut self.grams);
        let first = (0..rest.len()).min_by_key(|&at| rest.get(at).map(|(_, sets)| size(sets)));
        let Some(first) = first else { return };
        let (gram, mut both) = rest.swap_remove(first);
        let is_rare = |sets: &Sets| size(sets) * BLOCK_SIZE / sample <= RARE;
        let mut are_rare = is_rare(&both);
        let is_everywhere = size(&both) * BLOCK_SIZE > sample;
        self.grams.push((gram, Sets::new()));
        // In the sample nobody may be left where there are some elsewhere.
        let mut left = (size(&both) * PARTS).max(PARTS / 2);
        while self.grams.len() < MOST_GRAMS {
            let with = |at: usize| {
                let (_, sets) = rest.get(at)?;
                let (size, seen) = (size(sets), size_of_both(&both, sets));
                let expected = (seen * PARTS).max(left * size / sample);
                let spared = left.saturating_sub(expected) * CUSTOMER_COST * BLOCK_SIZE / PARTS;
                let bytes = (2 * size * BLOCK_SIZE / sample).min(BLOCK_SIZE / 8);
                let cost = (SET_COST + PAGE_COST * bytes / PAGE_BYTES) * sample;
                Some((spared.checked_sub(cost).filter(|&won| won > 0)?, at, expected))
            };
            let Some((_, at, expected)) = (0..rest.len()).filter_map(with).max() else { break };
            let (gram, sets) = rest.swap_remove(at);
            are_rare &= is_rare(&sets);
            both = intersect(&both, &sets);
            left = expected;
            self.grams.push((gram, Sets::new()));
        }
        self.spread = match (are_rare, is_everywhere) {
            (true, _) => Spread::Rare,
            (false, true) => Spread::Everywhere,
            (false, false) => Spread::Uneven,
        };
    }
}

fn size(sets: &Sets) -> u64 {
    sets.values().map(RoaringBitmap::len).sum()
}

fn size_of_both(one: &Sets, other: &Sets) -> u64 {
    one.iter().filter_map(|(block, set)| Some(set.intersection_len(other.get(block)?))).sum()
}

fn intersect(one: &Sets, other: &Sets) -> Sets {
    let both = |(block, set): (&i64, &RoaringBitmap)| Some((*block, set & other.get(block)?));
    one.iter().filter_map(both).collect()
}
