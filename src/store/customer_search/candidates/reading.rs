//! What the walk asks the database for.

use std::ops::RangeInclusive;
use std::sync::LazyLock;

use roaring::RoaringBitmap;
use sqlx::Row;

use super::choosing::{Sampled, Spread};
use super::{MOST_PENDING, Rows, SAMPLE_GRAMS, Sets};
use crate::domain::id::CustomerId;
use crate::store::customer_search::postings::{decode, row_of};
use crate::store::{Link, Session, on};

/// What stands for the newest customer's number and for pending ones where others name a term; no
/// gram has such characters.
pub(super) const NEWEST_ID: &str = "";
pub(super) const PENDING: &str = "!";

/// The newest customer before `$1`; the `$2` newest pending ones; and what these terms have in the region
/// of the newest customer: the set of the region or, where that is empty, those of the blocks in which
/// the newest 16,384 customers lie, or more. These are left out, and that is told, where a term leads to so few
/// customers (16, in sixteen blocks) that nobody needs to know more.
pub(in crate::store) const NEWEST: &str = "with newest as materialized
         (select id,
                 exists (select 1 from search_postings r
                         where r.term in ($3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)
                           and r.block = -1 - n.id / 4194304
                           and length(r.customers) between 1 and 168) as are_few
          from (select max(id) as id from customers where id < $1) n)
     select '' as term, id as number, are_few, cast(null as bytea) as region,
            cast(null as bytea) as block, cast(null as bytea) as block_before
     from newest
     union all
     select '!', customer_id, false, null, null, null
     from (select customer_id from search_pending order by customer_id desc limit $2) pending
     union all
     select s.term, newest.id, newest.are_few, s.customers,
            case when length(s.customers) = 0 and not newest.are_few then
                (select b.customers from search_postings b
                 where b.term = s.term and b.block = newest.id / 65536) end,
            case when length(s.customers) = 0 and not newest.are_few
                      and newest.id % 65536 < 16384 then
                (select b.customers from search_postings b
                 where b.term = s.term and b.block = newest.id / 65536 - 1) end
     from newest cross join search_postings s
     where s.term in ($3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)
       and s.block = -1 - newest.id / 4194304";

/// The rows that these terms have for a region.
pub(in crate::store) const IN_REGION: &str = "select term, customers from search_postings
     where block = $1 and term in ($2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)";

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

/// How many blocks SQLite hands over in a row: each row is a hop from another thread, which takes longer
/// than to find the sets of ten blocks.
const PACKED: usize = 16;

/// The sets of one to four terms, `$17` to `$20`, in the blocks `$1` to `$16`, block by block.
static IN_PACKED_BLOCKS: LazyLock<Vec<String>> = LazyLock::new(|| {
    let sql = |terms: usize| {
        let set = |place: usize| {
            let (block, term) = (place / terms + 1, place % terms + PACKED + 1);
            format!(
                "(select customers from search_postings where term = ${term} and block = ${block})"
            )
        };
        let sets: Vec<String> = (0..PACKED * terms).map(set).collect();
        format!("select {}", sets.join(", "))
    };
    (1..=IN_BLOCKS.len()).map(sql).collect()
});

/// No block has this number.
const NO_BLOCK: i64 = i64::MAX;

/// A row of [`NEWEST`].
pub(super) struct NewestRow {
    pub term: String,
    /// The newest customer, or a pending one.
    pub id: Option<CustomerId>,
    /// Whether a term leads to so few customers that the blocks were not looked at.
    pub are_few: bool,
    pub region: Option<RoaringBitmap>,
    /// The sets of the newest block and of the one before.
    pub blocks: [Option<RoaringBitmap>; 2],
}

impl Session {
    pub(super) async fn newest(
        &mut self,
        reading: &Sampled,
        before: CustomerId,
    ) -> sqlx::Result<Vec<NewestRow>> {
        let pending = i64::try_from(MOST_PENDING + 1).unwrap_or(i64::MAX);
        on!(self, |db| {
            let mut query = sqlx::query(NEWEST).bind(before).bind(pending);
            for term in all_places(reading) {
                query = query.bind(term);
            }
            let rows = query.fetch_all(db).await?;
            let read = |row: &_| -> sqlx::Result<NewestRow> {
                let set = |column: usize| {
                    Row::try_get::<Option<&[u8]>, _>(row, column)?.map(decode).transpose()
                };
                Ok(NewestRow {
                    term: Row::try_get(row, 0)?,
                    id: Row::try_get(row, 1)?,
                    are_few: Row::try_get(row, 2)?,
                    region: set(3)?,
                    blocks: [set(4)?, set(5)?],
                })
            };
            rows.iter().map(read).collect()
        })
    }

    /// What the reading's grams have for this region.
    pub(super) async fn in_region(&mut self, reading: &Sampled, region: i64) -> sqlx::Result<Rows> {
        let rows: Vec<(String, Vec<u8>)> = on!(self, |db| {
            let mut query = sqlx::query_as(IN_REGION).bind(row_of(region));
            for term in all_places(reading) {
                query = query.bind(term);
            }
            query.fetch_all(db).await
        })?;
        rows.into_iter().map(|(term, set)| Ok((term, decode(&set)?))).collect()
    }

    /// Those in these blocks to whom the reading's grams lead, as far as they were chosen.
    pub(super) async fn led_to(
        &mut self,
        reading: &Sampled,
        blocks: RangeInclusive<i64>,
    ) -> sqlx::Result<Sets> {
        if reading.chosen.is_empty() {
            return Ok(reading.in_some(blocks));
        }
        let blocks = reading.blocks(blocks);
        // Each row is a hop from another thread on SQLite, which hands many blocks over in a row.
        let sets = match (self.link(), reading.spread) {
            (Link::Sqlite(_), Spread::Everywhere) => {
                self.in_packed_blocks(&reading.chosen, &blocks).await?
            }
            _ => self.in_blocks(&reading.chosen, &blocks).await?,
        };
        Ok(reading.narrow(sets))
    }

    async fn in_blocks(&mut self, terms: &[String], blocks: &[i64]) -> sqlx::Result<Sets> {
        let sql = terms.len().checked_sub(1).and_then(|at| IN_BLOCKS.get(at));
        let (Some(sql), Some(first), Some(last)) = (sql, blocks.first(), blocks.last()) else {
            return Ok(Sets::new());
        };
        on!(self, |db| {
            let mut query = sqlx::query(*sql).bind(first).bind(last);
            for term in terms {
                query = query.bind(term.as_str());
            }
            let rows = query.fetch_all(db).await?;
            let in_block = |row: &_| -> sqlx::Result<(i64, RoaringBitmap)> {
                let mut both = decode(Row::try_get(row, 1)?)?;
                for column in 2..=terms.len() {
                    both &= decode(Row::try_get(row, column)?)?;
                }
                Ok((Row::try_get(row, 0)?, both))
            };
            rows.iter().map(in_block).collect()
        })
    }

    async fn in_packed_blocks(&mut self, terms: &[String], blocks: &[i64]) -> sqlx::Result<Sets> {
        let mut sets = Sets::new();
        let Some(sql) = terms.len().checked_sub(1).and_then(|at| IN_PACKED_BLOCKS.get(at)) else {
            return Ok(sets);
        };
        for blocks in blocks.chunks(PACKED) {
            let packed: Vec<Option<Vec<u8>>> = on!(self, |db| {
                let mut query = sqlx::query(sql.as_str());
                for place in 0..PACKED {
                    query = query.bind(blocks.get(place).copied().unwrap_or(NO_BLOCK));
                }
                for term in terms {
                    query = query.bind(term.as_str());
                }
                let row = query.fetch_one(db).await?;
                (0..row.len()).map(|column| row.try_get(column)).collect::<sqlx::Result<_>>()
            })?;
            for (&block, packed) in blocks.iter().zip(packed.chunks(terms.len())) {
                let mut both: Option<RoaringBitmap> = None;
                for set in packed {
                    let set = set.as_deref().map(decode).transpose()?.unwrap_or_default();
                    both = Some(match both {
                        Some(both) => both & set,
                        None => set,
                    });
                }
                sets.extend(both.filter(|both| !both.is_empty()).map(|both| (block, both)));
            }
        }
        Ok(sets)
    }
}

/// The reading's terms, and none in the places of a query that are left.
fn all_places(reading: &Sampled) -> impl Iterator<Item = &str> {
    reading.terms().chain(std::iter::repeat("")).take(SAMPLE_GRAMS)
}
