//! Sets of customers as the index keeps them.

use std::io;

use roaring::RoaringBitmap;

use crate::domain::id::CustomerId;

/// How many consecutive customer numbers a block has: a container of a Roaring bitmap.
pub(super) const BLOCK: i64 = 1 << 16;
pub(super) const BLOCK_SIZE: u64 = 1 << 16;

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

/// Reads a set.
pub(super) fn decode(bytes: &[u8]) -> sqlx::Result<RoaringBitmap> {
    RoaringBitmap::deserialize_from(bytes).map_err(|error| sqlx::Error::Decode(Box::new(error)))
}

/// Writes a set.
pub(super) fn encode(mut set: RoaringBitmap) -> io::Result<Vec<u8>> {
    set.optimize();
    let mut bytes = Vec::with_capacity(set.serialized_size());
    set.serialize_into(&mut bytes)?;
    Ok(bytes)
}
