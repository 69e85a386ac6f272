//! Sets of customers as the index keeps them.
//!
//! Of a term that leads to few customers of a region, one row has all of them; of any other term, that
//! row is empty, and each block has a row of its own.

use std::collections::BTreeMap;
use std::io;

use roaring::RoaringBitmap;

use crate::domain::id::CustomerId;

/// How many consecutive customer numbers a block has: a container of a Roaring bitmap.
pub(super) const BLOCK: i64 = 1 << 16;
pub(super) const BLOCK_SIZE: u64 = 1 << 16;
/// How many blocks a region has, and how many customer numbers.
pub(super) const REGION_BLOCKS: i64 = 64;
pub(super) const REGION_SIZE: u64 = 64 * BLOCK_SIZE;
/// How many customers of a region a row has, at most: some 8 KiB, about as much as a block's row.
pub(super) const MOST_TOGETHER: u64 = 4_096;

/// How many places a Roaring bitmap lists; of more, it has a bit for each.
const FEW_PLACES: usize = 4_096;

/// Sets of customers by the block in which they lie.
pub(super) type Sets = BTreeMap<i64, RoaringBitmap>;

/// The block in which a customer lies.
pub(super) const fn block_of(id: CustomerId) -> i64 {
    id.0.div_euclid(BLOCK)
}

/// A customer's place in its block.
pub(super) fn offset_of(id: CustomerId) -> u16 {
    // Always below 2^16.
    u16::try_from(id.0.rem_euclid(BLOCK)).unwrap_or_default()
}

/// The customer at this place of a block.
pub(super) fn customer_at(block: i64, offset: u32) -> CustomerId {
    CustomerId(block * BLOCK + i64::from(offset))
}

/// The region in which a block lies.
pub(super) const fn region_of(block: i64) -> i64 {
    block.div_euclid(REGION_BLOCKS)
}

/// What stands for a block where a row is about a whole region.
pub(in crate::store) const fn row_of(region: i64) -> i64 {
    -1 - region
}

/// The first block of a region.
pub(super) const fn first_of(region: i64) -> i64 {
    region * REGION_BLOCKS
}

/// The place in its region at which a block begins.
fn start_of(block: i64) -> u32 {
    // Always below 2^22.
    u32::try_from(block.rem_euclid(REGION_BLOCKS) * BLOCK).unwrap_or_default()
}

/// The customers at these places of a block, which are in ascending order.
pub(super) fn set_of(places: &[u16]) -> RoaringBitmap {
    // To add to a set of that many one after the other, each time its last one is looked for.
    if places.len() > FEW_PLACES {
        let mut bits = vec![0_u8; usize::from(u16::MAX / 8) + 1];
        for place in places {
            if let Some(byte) = bits.get_mut(usize::from(place / 8)) {
                *byte |= 1 << (place % 8);
            }
        }
        return RoaringBitmap::from_lsb0_bytes(0, &bits);
    }
    // They are in ascending order.
    RoaringBitmap::from_sorted_iter(places.iter().copied().map(u32::from)).unwrap_or_default()
}

/// Those of a region's customers who lie in this block.
pub(super) fn in_block(region: &RoaringBitmap, block: i64) -> RoaringBitmap {
    let start = start_of(block);
    let places = region.range(start..=start | u32::from(u16::MAX)).map(|place| place - start);
    // They are in ascending order.
    RoaringBitmap::from_sorted_iter(places).unwrap_or_default()
}

/// Adds customers of this block to a region's.
pub(super) fn add_block(region: &mut RoaringBitmap, block: i64, customers: &RoaringBitmap) {
    let start = start_of(block);
    region.extend(customers.iter().map(|place| start | place));
}

/// The blocks of a region in which these of its customers lie, in ascending order.
pub(super) fn blocks_of(region: i64, customers: &RoaringBitmap) -> Vec<i64> {
    let blocks = first_of(region)..first_of(region + 1);
    let is_in = |block: &i64| {
        let start = start_of(*block);
        customers.range_cardinality(start..=start | u32::from(u16::MAX)) > 0
    };
    blocks.filter(is_in).collect()
}

/// A region's customers by the blocks in which they lie.
pub(super) fn by_block(region: i64, customers: &RoaringBitmap) -> Sets {
    let blocks = blocks_of(region, customers).into_iter();
    blocks.map(|block| (block, in_block(customers, block))).collect()
}

/// Reads a set.
pub(super) fn decode(bytes: &[u8]) -> sqlx::Result<RoaringBitmap> {
    if bytes.is_empty() {
        return Ok(RoaringBitmap::new());
    }
    RoaringBitmap::deserialize_from(bytes).map_err(|error| sqlx::Error::Decode(Box::new(error)))
}

/// Writes a set; an empty one takes no bytes.
pub(super) fn encode(mut set: RoaringBitmap) -> io::Result<Vec<u8>> {
    if set.is_empty() {
        return Ok(Vec::new());
    }
    set.optimize();
    let mut bytes = Vec::with_capacity(set.serialized_size());
    set.serialize_into(&mut bytes)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_has_the_places_that_it_is_made_of() {
        for count in [0, 1, 4_095, 4_096, 4_097, 32_768] {
            let places: Vec<u16> = (0..count).map(|place| place * 2 + 1).collect();
            let set = set_of(&places);
            assert!(set.iter().eq(places.iter().copied().map(u32::from)), "{count}");
            assert_eq!(decode(&encode(set.clone()).unwrap()).unwrap(), set, "{count}");
        }
        let all: Vec<u16> = (0..=u16::MAX).collect();
        assert_eq!(set_of(&all), RoaringBitmap::from_iter(0..=0xffff));
    }

    #[test]
    fn a_region_is_the_sets_of_its_blocks() {
        let blocks: Sets = [64, 65, 127]
            .into_iter()
            .zip([set_of(&[0, u16::MAX]), set_of(&[7]), set_of(&[1, 2])])
            .collect();
        let mut region = RoaringBitmap::new();
        for (&block, customers) in &blocks {
            add_block(&mut region, block, customers);
        }
        assert_eq!(region.len(), 5);
        assert_eq!(by_block(1, &region), blocks);
    }
}
