//! Which grams the walk reads.

use std::ops::RangeInclusive;

use roaring::RoaringBitmap;

use super::reading::IN_BLOCKS;
use super::{Rows, SAMPLE_GRAMS, Sets};
use crate::domain::search::Reading;
use crate::store::customer_search::FEW_CUSTOMERS;
use crate::store::customer_search::postings::{BLOCK_SIZE, blocks_of, in_block};

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

/// How the customers of a reading's grams are spread over the blocks.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Spread {
    /// There are likely to be some in every block that is read.
    Everywhere,
    /// There are many of some gram, and in most blocks none of another one.
    Uneven,
}

/// How many customers there are.
#[derive(Clone, Copy)]
pub(super) struct Counts {
    /// Among the newest ones.
    pub sample: u64,
    /// In the region.
    pub region: u64,
}

/// A reading's grams, and what each leads to among the newest customers and in a region.
pub(super) struct Sampled {
    /// Each as text, and those of the newest customers to whom it leads.
    grams: Vec<(String, Sets)>,
    /// Whether it is known to whom the grams lead among the newest customers.
    pub is_sampled: bool,
    region: i64,
    /// Those of the region to whom all grams lead that have one row for all of it; nobody, where a gram
    /// has no row.
    together: Option<RoaringBitmap>,
    /// The places of the grams whose blocks have rows.
    in_blocks: Vec<usize>,
    /// Of these, the grams of which the walk reads the sets.
    pub chosen: Vec<String>,
    pub spread: Spread,
}

impl Sampled {
    pub fn new(reading: &Reading) -> Self {
        let grams = reading.grams(SAMPLE_GRAMS);
        Self {
            grams: grams.into_iter().map(|gram| (gram.to_text(), Sets::new())).collect(),
            is_sampled: true,
            region: 0,
            together: Some(RoaringBitmap::new()),
            in_blocks: Vec::new(),
            chosen: Vec::new(),
            spread: Spread::Uneven,
        }
    }

    /// The grams, as text.
    pub fn terms(&self) -> impl Iterator<Item = &str> {
        self.grams.iter().map(|(term, _)| term.as_str())
    }

    /// Adds a set of the newest customers, if there is one.
    pub fn add(&mut self, term: &str, block: i64, set: Option<RoaringBitmap>) {
        if let Some(set) = set
            && let Some((_, sets)) = self.grams.iter_mut().find(|(gram, _)| gram == term)
        {
            sets.insert(block, set);
        }
    }

    /// Comes to a region, of which these are the rows.
    pub fn enter(&mut self, region: i64, mut rows: Rows) {
        self.region = region;
        self.together = None;
        self.in_blocks.clear();
        for (place, (gram, _)) in self.grams.iter().enumerate() {
            match rows.remove(gram) {
                Some(set) if set.is_empty() => self.in_blocks.push(place),
                set => {
                    let set = set.unwrap_or_default();
                    self.together = Some(match self.together.take() {
                        Some(together) => together & set,
                        None => set,
                    });
                }
            }
        }
    }

    /// Those in the newest blocks to whom all of the grams lead, as far as that is known.
    pub fn in_newest(&self, blocks: RangeInclusive<i64>) -> Sets {
        let together = self.together.as_ref().map(|_| self.in_some(blocks));
        let in_blocks = if self.is_sampled { self.in_blocks.as_slice() } else { &[] };
        let grams = in_blocks.iter().filter_map(|&place| self.grams.get(place));
        let sets = together.into_iter().chain(grams.map(|(_, sets)| sets.clone()));
        sets.reduce(|one, other| intersect(&one, &other)).unwrap_or_default()
    }

    /// Those in these blocks to whom the grams lead that have one row for the region.
    pub fn in_some(&self, blocks: RangeInclusive<i64>) -> Sets {
        let Some(together) = &self.together else { return Sets::new() };
        let sets = blocks.map(|block| (block, in_block(together, block)));
        sets.filter(|(_, set)| !set.is_empty()).collect()
    }

    /// The blocks among these in which the grams may lead to somebody.
    pub fn blocks(&self, blocks: RangeInclusive<i64>) -> Vec<i64> {
        match &self.together {
            Some(together) => {
                let some = blocks_of(self.region, together);
                some.into_iter().filter(|block| blocks.contains(block)).collect()
            }
            None => blocks.collect(),
        }
    }

    /// Those of these to whom also the grams lead that have one row for the region.
    pub fn narrow(&self, sets: Sets) -> Sets {
        match (&self.together, sets.first_key_value(), sets.last_key_value()) {
            (Some(_), Some((&first, _)), Some((&last, _))) => {
                intersect(&sets, &self.in_some(first..=last))
            }
            _ => sets,
        }
    }

    /// Chooses the grams of which the walk reads the sets in the blocks of the region: where none has a
    /// row for all of it, the one that leads to the fewest customers; and each that spares more than it
    /// costs.
    pub fn choose(&mut self, counts: Counts, newest: RangeInclusive<i64>) {
        self.chosen.clear();
        let mut rest: Vec<&(String, Sets)> =
            self.in_blocks.iter().filter_map(|&place| self.grams.get(place)).collect();
        let sample = counts.sample.max(1);
        // In the sample nobody may be left where there are some elsewhere.
        let (mut both, mut left) = match &self.together {
            Some(together) if together.len() <= FEW_CUSTOMERS as u64 || !self.is_sampled => return,
            Some(together) => {
                (self.in_some(newest), together.len() * PARTS * sample / counts.region.max(1))
            }
            None => {
                let first = (0..rest.len()).min_by_key(|&at| rest.get(at).map(|one| size(&one.1)));
                let Some(first) = first else { return };
                let (gram, sets) = rest.swap_remove(first);
                self.chosen.push(gram.clone());
                (sets.clone(), (size(sets) * PARTS).max(PARTS / 2))
            }
        };
        let is_everywhere = self.together.is_some() || size(&both) * BLOCK_SIZE > sample;
        self.spread = if is_everywhere { Spread::Everywhere } else { Spread::Uneven };
        while self.chosen.len() < MOST_GRAMS {
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
            both = intersect(&both, sets);
            left = expected;
            self.chosen.push(gram.clone());
        }
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
