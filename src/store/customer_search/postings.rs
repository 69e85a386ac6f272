//! Sets of customers as the index keeps them.
//!
//! Of a term that leads to few customers of a region, one row has all of them; of any other term, that
//! row is empty, and each block has a row of its own.

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
pub(super) const fn row_of(region: i64) -> i64 {
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
