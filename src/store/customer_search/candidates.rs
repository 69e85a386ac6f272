//! Customers to whom the index leads: a walk through the blocks, newest first, which stops as soon as
//! nobody asks for more.

mod choosing;
mod reading;

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use roaring::RoaringBitmap;

use super::IndexState;
use super::postings::{
    BLOCK, REGION_BLOCKS, REGION_SIZE, Sets, block_of, customer_at, first_of, offset_of, region_of,
};
use crate::domain::id::CustomerId;
use crate::domain::search::Query;
use crate::store::Session;
use choosing::{Counts, Sampled};
#[cfg(test)]
pub(in crate::store) use reading::{IN_BLOCKS, IN_REGION, NEWEST};
use reading::{NEWEST_ID, PENDING};

/// How many grams of a reading are looked at in the newest customers.
const SAMPLE_GRAMS: usize = 12;
/// How many customers the newest ones are at least, where there are so many.
const SAMPLE: i64 = 16_384;
/// With so few pending customers, a search takes as long as without any.
const FEW_PENDING: usize = 16;
/// So many pending customers are held against a query at most, the newest ones.
const MOST_PENDING: usize = 256;
/// How many blocks are read at once, at most.
const MOST_BLOCKS: i64 = REGION_BLOCKS;

/// What terms have for a region; empty sets where their blocks have rows.
type Rows = BTreeMap<String, RoaringBitmap>;

/// The walk.
pub(super) struct Candidates {
    readings: Vec<Sampled>,
    pending: Vec<CustomerId>,
    index: IndexState,
    newest: CustomerId,
    /// The blocks of the newest customers, among whom the grams were looked at first.
    sampled: RangeInclusive<i64>,
    /// How many customers these led to.
    found: u64,
    /// What of the blocks that were read was not told yet.
    sets: Sets,
    /// The blocks below this one were not read yet.
    unread: i64,
    /// How many blocks to read next; 0: as many as the sample suggests.
    stride: i64,
}

impl Candidates {
    /// Begins the walk below this customer.
    pub(super) async fn begin(
        session: &mut Session,
        query: &Query,
        before: CustomerId,
    ) -> sqlx::Result<Self> {
        let (mut newest, mut pending, mut readings) = (None, Vec::new(), Vec::new());
        for reading in query.readings() {
            let (mut sampled, mut region) = (Sampled::new(reading), Rows::new());
            // What was pending first is: what is no more, is in the index by now. And who was the newest is.
            let upper = newest.map_or(before, |CustomerId(id)| CustomerId(id + 1));
            for row in session.newest(&sampled, upper).await? {
                match (row.term.as_str(), row.region) {
                    (PENDING, _) if readings.is_empty() => pending.extend(row.id),
                    (NEWEST_ID, _) => newest = row.id,
                    (_, Some(customers)) => {
                        sampled.is_sampled = !row.are_few;
                        let last = row.id.map(block_of).unwrap_or_default();
                        let blocks = first_of(region_of(last))..=last;
                        for (block, set) in blocks.rev().zip(row.blocks) {
                            sampled.add(&row.term, block, set);
                        }
                        region.insert(row.term, customers);
                    }
                    _ => {}
                }
            }
            readings.push((sampled, region));
        }
        Ok(Self::new(readings, pending, newest.unwrap_or(CustomerId(0)), before))
    }

    fn new(
        readings: Vec<(Sampled, Rows)>,
        mut pending: Vec<CustomerId>,
        newest: CustomerId,
        before: CustomerId,
    ) -> Self {
        let index = match pending.len() {
            count if count > MOST_PENDING => IndexState::FarBehind,
            count if count > FEW_PENDING => IndexState::Behind,
            _ => IndexState::Current,
        };
        pending.truncate(MOST_PENDING);
        // Customers who came while the query ran may be pending in a block of their own.
        let last = pending.iter().copied().chain([newest]).max().unwrap_or(newest);
        let region = region_of(block_of(newest));
        let first = block_of(CustomerId((newest.0 - SAMPLE).max(0))).max(first_of(region));
        let mut candidates = Self {
            readings: Vec::with_capacity(readings.len()),
            pending,
            index,
            newest,
            sampled: first..=block_of(newest),
            found: 0,
            sets: Sets::new(),
            unread: first,
            stride: 0,
        };
        let counts = candidates.counts(region);
        for (mut reading, rows) in readings {
            reading.enter(region, rows);
            unite(&mut candidates.sets, reading.in_newest(candidates.sampled.clone()));
            reading.choose(counts, candidates.sampled.clone());
            candidates.readings.push(reading);
        }
        candidates.found = candidates.sets.values().map(RoaringBitmap::len).sum();
        candidates.add_pending(first, block_of(last));
        candidates.cut(before);
        candidates
    }

    /// How many customers there are among the newest ones and in this region.
    fn counts(&self, region: i64) -> Counts {
        let from =
            |block: i64| u64::try_from(self.newest.0 - block * BLOCK + 1).unwrap_or_default();
        Counts {
            sample: from(*self.sampled.start()),
            region: from(first_of(region)).min(REGION_SIZE),
        }
    }

    /// Leaves those before this customer.
    fn cut(&mut self, before: CustomerId) {
        drop(self.sets.split_off(&(block_of(before) + 1)));
        if let Some(set) = self.sets.get_mut(&block_of(before)) {
            set.remove_range(u32::from(offset_of(before))..);
        }
    }

    /// What the index was worth when the walk began.
    pub(super) fn index(&self) -> IndexState {
        self.index
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
        let region = region_of(self.unread - 1);
        if self.unread == first_of(region + 1) {
            self.enter(session, region).await?;
        }
        let is_known = self.readings.iter().all(|reading| reading.chosen.is_empty());
        if !is_known {
            self.stride = self.next_stride(wanted);
        }
        let stride = if is_known { REGION_BLOCKS } else { self.stride };
        let first = (self.unread - stride).max(first_of(region));
        let unread = first..=self.unread - 1;
        for reading in &self.readings {
            unite(&mut self.sets, session.led_to(reading, unread.clone()).await?);
        }
        self.add_pending(first, self.unread - 1);
        self.unread = first;
        Ok(())
    }

    /// Comes to an older region.
    async fn enter(&mut self, session: &mut Session, region: i64) -> sqlx::Result<()> {
        let counts = self.counts(region);
        for reading in &mut self.readings {
            let rows = session.in_region(reading, region).await?;
            reading.enter(region, rows);
            reading.choose(counts, self.sampled.clone());
        }
        Ok(())
    }

    /// As many blocks as what is wanted will take, if they are like the sample; later ever more.
    fn next_stride(&self, wanted: usize) -> i64 {
        let of = i64::try_from(self.counts(0).sample).unwrap_or(i64::MAX / BLOCK);
        let stride = match (self.stride, i64::try_from(self.found), i64::try_from(wanted)) {
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
