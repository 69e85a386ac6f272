//! Customers to whom the index leads: a walk through the blocks, newest first, which stops as soon as
//! nobody asks for more.

mod choosing;
mod reading;

use std::collections::BTreeMap;

use roaring::RoaringBitmap;

use super::postings::{BLOCK, block_of, customer_at, decode, offset_of};
use crate::domain::id::CustomerId;
use crate::domain::search::Query;
use crate::store::Session;
use choosing::Sampled;
#[cfg(test)]
pub(in crate::store) use reading::{IN_BLOCKS, NEWEST};
use reading::{NEWEST_ID, PENDING};

/// How many grams of a reading are looked at in the newest customers.
const SAMPLE_GRAMS: usize = 12;
/// How many customers the newest ones are at least, where there are so many.
const SAMPLE: i64 = 16_384;
/// With so few pending customers, a search takes as long as without any.
const FEW_PENDING: usize = 16;
/// With more pending customers than that, the index has to catch up first.
const MOST_PENDING: usize = 256;
/// How many blocks are read at once, at most.
const MOST_BLOCKS: i64 = 64;

/// Sets of customers by the block in which they lie.
type Sets = BTreeMap<i64, RoaringBitmap>;

/// The walk.
pub(super) struct Candidates {
    readings: Vec<Sampled>,
    pending: Vec<CustomerId>,
    /// What of the blocks that were read was not told yet.
    sets: Sets,
    /// The blocks below this one were not read yet.
    unread: i64,
    /// How many blocks to read next; 0: as many as the sample suggests.
    stride: i64,
    /// How many customers the sample led to, of how many.
    sample: (u64, i64),
}

impl Candidates {
    /// Begins the walk below this customer; `None` where too many customers are pending.
    pub(super) async fn begin(
        session: &mut Session,
        query: &Query,
        before: CustomerId,
    ) -> sqlx::Result<Option<Self>> {
        let (mut newest, mut pending, mut readings) = (None, Vec::new(), Vec::new());
        for (number, reading) in query.readings().iter().enumerate() {
            let mut sampled = Sampled::new(reading);
            for (term, value, set) in session.newest(&sampled, before).await? {
                match (term.as_str(), value, set) {
                    (_, None, _) => {}
                    // What was pending first is: what is no more, is in the index by now.
                    (PENDING, Some(id), _) if number == 0 => pending.push(CustomerId(id)),
                    (NEWEST_ID, Some(id), _) => newest = newest.max(Some(CustomerId(id))),
                    (term, Some(block), Some(set)) => sampled.add(term, block, decode(&set)?),
                    _ => {}
                }
            }
            readings.push(sampled);
        }
        if pending.len() > MOST_PENDING {
            return Ok(None);
        }
        Ok(Some(Self::new(readings, pending, newest, before)))
    }

    fn new(
        readings: Vec<Sampled>,
        pending: Vec<CustomerId>,
        newest: Option<CustomerId>,
        before: CustomerId,
    ) -> Self {
        let newest_id = newest.unwrap_or(CustomerId(0));
        // Customers who came while the query ran may be pending in a block of their own.
        let last = pending.iter().copied().chain([newest_id]).max().unwrap_or(newest_id);
        let first = CustomerId((newest_id.0 - SAMPLE).max(0));
        let mut sets = Sets::new();
        for reading in &readings {
            unite(&mut sets, reading.in_all());
        }
        let sample = (
            sets.values().map(RoaringBitmap::len).sum(),
            newest_id.0 - block_of(first) * BLOCK + 1,
        );
        let mut candidates =
            Self { readings, pending, sets, unread: block_of(first), stride: 0, sample };
        candidates.add_pending(block_of(first), block_of(last));
        candidates.cut(before);
        candidates
    }

    /// Leaves those before this customer.
    fn cut(&mut self, before: CustomerId) {
        drop(self.sets.split_off(&(block_of(before) + 1)));
        if let Some(set) = self.sets.get_mut(&block_of(before)) {
            set.remove_range(u32::from(offset_of(before))..);
        }
    }

    /// Whether so many customers are pending that searches take longer.
    pub(super) fn is_index_behind(&self) -> bool {
        self.pending.len() > FEW_PENDING
    }

    /// At most `count` more customers, newest first; none where there are no more. `wanted` is how
    /// many are asked for in all.
    pub(super) async fn next(
        &mut self,
        session: &mut Session,
        count: usize,
        wanted: usize,
    ) -> sqlx::Result<Vec<CustomerId>> {
        let mut ids = Vec::with_capacity(count);
        loop {
            self.take(&mut ids, count);
            if ids.len() >= wanted.min(count) || self.unread <= 0 {
                return Ok(ids);
            }
            self.read_more(session, wanted).await?;
        }
    }

    fn take(&mut self, ids: &mut Vec<CustomerId>, count: usize) {
        while ids.len() < count {
            let Some(mut block) = self.sets.last_entry() else { return };
            let number = *block.key();
            match block.get().max() {
                Some(offset) => {
                    block.get_mut().remove(offset);
                    ids.push(customer_at(number, offset));
                }
                None => drop(block.remove()),
            }
        }
    }

    async fn read_more(&mut self, session: &mut Session, wanted: usize) -> sqlx::Result<()> {
        self.stride = self.next_stride(wanted);
        let (first, last) = ((self.unread - self.stride).max(0), self.unread - 1);
        for reading in &mut self.readings {
            let grams = reading.chosen(self.sample.1);
            let sets = session.in_blocks(&grams, first, last, reading.spread).await?;
            unite(&mut self.sets, sets);
        }
        self.add_pending(first, last);
        self.unread = first;
        Ok(())
    }

    /// As many blocks as what is wanted will take, if they are like the sample; later ever more.
    fn next_stride(&self, wanted: usize) -> i64 {
        let (found, of) = self.sample;
        let stride = match (self.stride, i64::try_from(found), i64::try_from(wanted)) {
            (0, Ok(found @ 1..), Ok(wanted)) => wanted * of * 3 / 2 / found / BLOCK + 1,
            (0, ..) => MOST_BLOCKS,
            (stride, ..) => stride * 4,
        };
        stride.clamp(1, MOST_BLOCKS)
    }

    fn add_pending(&mut self, first: i64, last: i64) {
        for &id in self.pending.iter().filter(|&&id| (first..=last).contains(&block_of(id))) {
            self.sets.entry(block_of(id)).or_default().insert(offset_of(id).into());
        }
    }
}

fn unite(sets: &mut Sets, more: Sets) {
    for (block, set) in more {
        *sets.entry(block).or_default() |= set;
    }
}
