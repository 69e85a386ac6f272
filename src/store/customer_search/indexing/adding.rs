//! What stands in the rows of the index after postings were added to what is on file.

use std::collections::{BTreeMap, HashMap};

use roaring::RoaringBitmap;

use crate::domain::search::Gram;
use crate::store::customer_search::postings::{
    MOST_TOGETHER, Sets, add_block, by_block, decode, encode, region_of, set_of,
};

pub(in crate::store) use crate::store::customer_search::postings::row_of;

/// What a posting takes beside its set.
const OVERHEAD: usize = 64;

/// Customers of a block, or of a region, to whom a term leads.
pub struct Posting {
    /// The term.
    pub term: String,
    /// The block; of a region, its row.
    pub block: i64,
    count: u64,
    /// The set, encoded.
    pub customers: Vec<u8>,
}

/// The sets on file of a row of terms.
pub type OnFile = HashMap<String, RoaringBitmap>;

impl Posting {
    /// The places of the customers are in ascending order.
    pub fn new(gram: Gram, block: i64, customers: &[u16]) -> sqlx::Result<Self> {
        Self::of(gram.to_text(), block, set_of(customers))
    }

    fn of(term: String, block: i64, customers: RoaringBitmap) -> sqlx::Result<Self> {
        let count = customers.len();
        Ok(Self { term, block, count, customers: encode(customers).map_err(sqlx::Error::Io)? })
    }

    /// What it takes in memory, about.
    pub fn size(&self) -> usize {
        self.customers.len() + OVERHEAD
    }
}

/// Puts postings into the order in which they lie in the table.
pub fn sort(postings: &mut [Posting]) {
    postings.sort_unstable_by(|one, other| {
        (one.term.as_str(), one.block).cmp(&(other.term.as_str(), other.block))
    });
}

/// The postings of each term, where they are in that order.
pub fn by_term(postings: &[Posting]) -> Vec<&[Posting]> {
    postings.chunk_by(|one, other| one.term == other.term).collect()
}

/// The postings of some terms by the region in which they lie.
pub fn by_region<'p>(terms: &[&'p [Posting]]) -> BTreeMap<i64, Vec<&'p Posting>> {
    let mut regions: BTreeMap<i64, Vec<&Posting>> = BTreeMap::new();
    for posting in terms.iter().copied().flatten() {
        regions.entry(region_of(posting.block)).or_default().push(posting);
    }
    regions
}

/// The first posting of each term.
pub fn firsts<'p>(postings: &[&'p Posting]) -> Vec<&'p Posting> {
    let terms = postings.chunk_by(|one, other| one.term == other.term);
    terms.filter_map(|postings| postings.first().copied()).collect()
}

/// The rows of a region's terms with postings of its blocks added to what is on file, while there is room for them;
/// and the postings of the terms that have a row for each block.
pub fn add_to_region<'p>(
    region: i64,
    postings: &[&'p Posting],
    mut on_file: OnFile,
) -> sqlx::Result<(Vec<Posting>, Vec<&'p Posting>)> {
    let (mut new, mut of_blocks) = (Vec::with_capacity(postings.len()), Vec::new());
    for postings in postings.chunk_by(|one, other| one.term == other.term) {
        let Some(term) = postings.first().map(|posting| &posting.term) else { continue };
        let before = on_file.remove(term);
        if before.as_ref().is_some_and(RoaringBitmap::is_empty) {
            of_blocks.extend_from_slice(postings);
            continue;
        }
        let mut customers = before.unwrap_or_default();
        let count = postings.iter().map(|posting| posting.count).sum::<u64>();
        let mut blocks = Sets::new();
        // Some of them may be there already.
        if customers.len() + count > MOST_TOGETHER {
            blocks = by_block(region, &customers);
            for Posting { block, customers, .. } in postings {
                *blocks.entry(*block).or_default() |= decode(customers)?;
            }
        }
        if blocks.values().map(RoaringBitmap::len).sum::<u64>() > MOST_TOGETHER {
            for (block, customers) in blocks {
                new.push(Posting::of(term.clone(), block, customers)?);
            }
            customers.clear();
        } else {
            for posting in postings {
                add_block(&mut customers, posting.block, &decode(&posting.customers)?);
            }
        }
        new.push(Posting::of(term.clone(), row_of(region), customers)?);
    }
    Ok((new, of_blocks))
}

/// Postings by the block in which they lie.
pub fn each_block<'p>(postings: &[&'p Posting]) -> BTreeMap<i64, Vec<&'p Posting>> {
    let mut blocks: BTreeMap<i64, Vec<&Posting>> = BTreeMap::new();
    for &posting in postings {
        blocks.entry(posting.block).or_default().push(posting);
    }
    blocks
}

/// The rows of a block with postings added to what is on file.
pub fn add_to_block(postings: &[&Posting], mut on_file: OnFile) -> sqlx::Result<Vec<Posting>> {
    let united = postings.iter().map(|Posting { term, block, customers, .. }| {
        let before = on_file.remove(term).unwrap_or_default();
        Posting::of(term.clone(), *block, before | decode(customers)?)
    });
    united.collect()
}

/// A set by its term, as it is on file.
pub fn on_file(term: String, set: &[u8]) -> sqlx::Result<(String, RoaringBitmap)> {
    Ok((term, decode(set)?))
}
