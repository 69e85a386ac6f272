//! Customers to whom the index leads: a walk through the blocks, newest first, which stops as soon as
//! nobody asks for more.

use std::collections::BTreeMap;

use roaring::RoaringBitmap;
use sqlx::Row;

use super::postings::{BLOCK, BLOCK_SIZE, block_of, customer_at, decode, offset_of};
use crate::domain::id::CustomerId;
use crate::domain::search::{Gram, Query, Reading};
use crate::store::{Session, on};

/// How many grams of a reading are looked at in the newest customers.
const SAMPLE_GRAMS: usize = 12;
/// How many customers the newest ones are at least, where there are so many.
const SAMPLE: i64 = 16_384;
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
/// With so few pending customers, a search takes as long as without any.
const FEW_PENDING: usize = 16;
/// With more pending customers than that, the index has to catch up first.
const MOST_PENDING: usize = 256;
/// How many blocks are read at once, at most.
const MOST_BLOCKS: i64 = 64;

/// What stands for the newest customer's number and for pending ones where others name a term; no
/// gram has such characters.
const NEWEST_ID: &str = "";
const PENDING: &str = "!";

/// The newest customer before `$1`; the `$2` newest pending ones; and the sets of these terms among
/// the newest customers, which lie in one block or two.
pub(in crate::store) const NEWEST: &str =
    "with newest as (select max(id) as id from customers where id < $1)
     select '' as term, id as block, cast(null as bytea) as customers from newest
     union all
     select '!', customer_id, null
     from (select customer_id from search_pending order by customer_id desc limit $2) pending
     union all
     select s.term, s.block, s.customers
     from newest cross join search_postings s
     where s.term in ($3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)
       and s.block between (newest.id - 16384) / 65536 and newest.id / 65536";

macro_rules! in_blocks {
    ($columns:literal, $tables:literal, $conditions:literal) => {
        concat!(
            "select a.block, a.customers",
            $columns,
            " from search_postings a",
            $tables,
            " where a.block between $1 and $2 and a.term = $3",
            $conditions,
            " order by a.block"
        )
    };
}

/// The sets of one to four terms in the blocks from `$1` to `$2` in which all of them occur.
pub(in crate::store) const IN_BLOCKS: [&str; 4] = [
    in_blocks!("", "", ""),
    in_blocks!(
        ", b.customers",
        " cross join search_postings b",
        " and b.term = $4 and b.block = a.block"
    ),
    in_blocks!(
        ", b.customers, c.customers",
        " cross join search_postings b cross join search_postings c",
        " and b.term = $4 and b.block = a.block and c.term = $5 and c.block = a.block"
    ),
    in_blocks!(
        ", b.customers, c.customers, d.customers",
        " cross join search_postings b cross join search_postings c cross join search_postings d",
        " and b.term = $4 and b.block = a.block and c.term = $5 and c.block = a.block
          and d.term = $6 and d.block = a.block"
    ),
];

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

/// A reading's grams, and what each leads to among the newest customers.
struct Sampled {
    grams: Vec<(Gram, Sets)>,
    /// Whether only those are left that the walk reads.
    are_chosen: bool,
}

/// One row of [`NEWEST`].
type NewestRow = (String, Option<i64>, Option<Vec<u8>>);

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
            unite(&mut self.sets, session.in_blocks(&grams, first, last).await?);
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

impl Sampled {
    fn new(reading: &Reading) -> Self {
        let grams = reading.grams(SAMPLE_GRAMS);
        let grams = grams.into_iter().map(|gram| (gram, Sets::new())).collect();
        Self { grams, are_chosen: false }
    }

    fn add(&mut self, term: &str, block: i64, set: RoaringBitmap) {
        if let Some((_, sets)) = self.grams.iter_mut().find(|(gram, _)| gram.to_text() == term) {
            sets.insert(block, set);
        }
    }

    /// Those to whom all of the grams lead.
    fn in_all(&self) -> Sets {
        let mut grams = self.grams.iter().map(|(_, sets)| sets);
        let first = grams.next().cloned().unwrap_or_default();
        grams.fold(first, |both, sets| intersect(&both, sets))
    }

    /// The grams of which the walk reads the sets: first the one that leads to the fewest customers, then
    /// each that spares more than it costs. From now on no others are needed.
    fn chosen(&mut self, sample: i64) -> Vec<Gram> {
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
            both = intersect(&both, &sets);
            left = expected;
            self.grams.push((gram, Sets::new()));
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

fn unite(sets: &mut Sets, more: Sets) {
    for (block, set) in more {
        *sets.entry(block).or_default() |= set;
    }
}

impl Session {
    async fn newest(
        &mut self,
        reading: &Sampled,
        before: CustomerId,
    ) -> sqlx::Result<Vec<NewestRow>> {
        let terms: Vec<String> = reading.grams.iter().map(|(gram, _)| gram.to_text()).collect();
        let pending = i64::try_from(MOST_PENDING + 1).unwrap_or(i64::MAX);
        on!(self, |db| {
            let mut query = sqlx::query_as(NEWEST).bind(before).bind(pending);
            for place in 0..SAMPLE_GRAMS {
                query = query.bind(terms.get(place).map_or("", String::as_str));
            }
            query.fetch_all(db).await
        })
    }

    /// Those to whom all of these grams lead, of the blocks from `first` to `last`.
    async fn in_blocks(&mut self, grams: &[Gram], first: i64, last: i64) -> sqlx::Result<Sets> {
        let Some(sql) = grams.len().checked_sub(1).and_then(|at| IN_BLOCKS.get(at)) else {
            return Ok(Sets::new());
        };
        on!(self, |db| {
            let mut query = sqlx::query(*sql).bind(first).bind(last);
            for gram in grams {
                query = query.bind(gram.to_text());
            }
            let rows = query.fetch_all(db).await?;
            let in_block = |row: &_| -> sqlx::Result<(i64, RoaringBitmap)> {
                let mut both = decode(Row::try_get(row, 1)?)?;
                for column in 2..=grams.len() {
                    both &= decode(Row::try_get(row, column)?)?;
                }
                Ok((Row::try_get(row, 0)?, both))
            };
            rows.iter().map(in_block).collect()
        })
    }
}
