//! What the walk asks the database for.

use std::sync::LazyLock;

use roaring::RoaringBitmap;
use sqlx::Row;

use super::choosing::{Sampled, Spread};
use super::{MOST_PENDING, SAMPLE_GRAMS, Sets};
use crate::domain::id::CustomerId;
use crate::domain::search::Gram;
use crate::store::customer_search::postings::decode;
use crate::store::{Link, Session, on};

/// What stands for the newest customer's number and for pending ones where others name a term; no
/// gram has such characters.
pub(super) const NEWEST_ID: &str = "";
pub(super) const PENDING: &str = "!";

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

/// The sets of one to four rare terms in the blocks from `$1` to `$2`, each of them as one text: `block:set`, the set
/// in hexadecimal digits. They lie side by side, so that SQLite looks for the first one only.
static AS_TEXT: LazyLock<Vec<String>> = LazyLock::new(|| {
    let text = |term: usize| {
        format!(
            "(select string_agg(block || ':' || hex(customers), ' ') from search_postings
              where term = ${} and block between $1 and $2)",
            term + 3
        )
    };
    let sql = |terms| format!("select {}", (0..terms).map(text).collect::<Vec<_>>().join(", "));
    (1..=IN_BLOCKS.len()).map(sql).collect()
});

/// How many blocks SQLite hands over in a row: each row is a hop from another thread, which takes longer
/// than to find the sets of ten blocks.
const PACKED: i64 = 16;

/// The sets of one to four terms from `$2` on in sixteen blocks from `$1` on, block by block.
static IN_PACKED_BLOCKS: LazyLock<Vec<String>> = LazyLock::new(|| {
    let sql = |terms: i64| {
        let set = |place: i64| {
            let (block, term) = (place / terms, place % terms + 2);
            format!(
                "(select customers from search_postings where term = ${term} and block = $1 + {block})"
            )
        };
        let sets: Vec<String> = (0..PACKED * terms).map(set).collect();
        format!("select {}", sets.join(", "))
    };
    (1..=4).map(sql).collect()
});

/// One row of [`NEWEST`].
pub(super) type NewestRow = (String, Option<i64>, Option<Vec<u8>>);

impl Session {
    pub(super) async fn newest(
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

    /// Those to whom all of these grams lead, of the blocks from `first` to `last`. Each row is a hop from
    /// another thread on SQLite, which hands many blocks over in a row where there are many.
    pub(super) async fn in_blocks(
        &mut self,
        grams: &[Gram],
        first: i64,
        last: i64,
        spread: Spread,
    ) -> sqlx::Result<Sets> {
        let terms: Vec<String> = grams.iter().map(|gram| gram.to_text()).collect();
        match (self.link(), spread) {
            (Link::Sqlite(_), Spread::Rare) => {
                return self.in_blocks_as_text(&terms, first, last).await;
            }
            (Link::Sqlite(_), Spread::Everywhere) => {
                return self.in_packed_blocks(&terms, first, last).await;
            }
            (Link::Sqlite(_), Spread::Uneven) | (Link::Postgres(_), _) => {}
        }
        let Some(sql) = terms.len().checked_sub(1).and_then(|at| IN_BLOCKS.get(at)) else {
            return Ok(Sets::new());
        };
        on!(self, |db| {
            let mut query = sqlx::query(*sql).bind(first).bind(last);
            for term in &terms {
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

    async fn in_blocks_as_text(
        &mut self,
        terms: &[String],
        first: i64,
        last: i64,
    ) -> sqlx::Result<Sets> {
        let Some(sql) = terms.len().checked_sub(1).and_then(|at| AS_TEXT.get(at)) else {
            return Ok(Sets::new());
        };
        let texts: Vec<Option<String>> = on!(self, |db| {
            let mut query = sqlx::query(sql.as_str()).bind(first).bind(last);
            for term in terms {
                query = query.bind(term.as_str());
            }
            let row = query.fetch_one(db).await?;
            (0..row.len()).map(|column| row.try_get(column)).collect::<sqlx::Result<_>>()
        })?;
        let mut texts = texts.iter().map(|text| sets_of(text.as_deref().unwrap_or_default()));
        let mut both = texts.next().transpose()?.unwrap_or_default();
        for sets in texts {
            let sets = sets?;
            both.retain(|block, set| {
                sets.get(block).is_some_and(|other| {
                    *set &= other;
                    !set.is_empty()
                })
            });
        }
        Ok(both)
    }

    async fn in_packed_blocks(
        &mut self,
        terms: &[String],
        first: i64,
        last: i64,
    ) -> sqlx::Result<Sets> {
        let mut sets = Sets::new();
        let Some(sql) = terms.len().checked_sub(1).and_then(|at| IN_PACKED_BLOCKS.get(at)) else {
            return Ok(sets);
        };
        let step = usize::try_from(PACKED).unwrap_or(usize::MAX);
        for from in (first..=last).step_by(step) {
            let packed: Vec<Option<Vec<u8>>> = on!(self, |db| {
                let mut query = sqlx::query(sql.as_str()).bind(from);
                for term in terms {
                    query = query.bind(term.as_str());
                }
                let row = query.fetch_one(db).await?;
                (0..row.len()).map(|column| row.try_get(column)).collect::<sqlx::Result<_>>()
            })?;
            for (block, packed) in (from..=last).zip(packed.chunks(terms.len())) {
                let mut both: Option<RoaringBitmap> = None;
                for set in packed {
                    let set = set.as_deref().map(decode).transpose()?.unwrap_or_default();
                    both = Some(both.map_or_else(|| set.clone(), |both| both & &set));
                }
                sets.extend(both.filter(|both| !both.is_empty()).map(|both| (block, both)));
            }
        }
        Ok(sets)
    }
}

/// The sets in a text of [`AS_TEXT`].
fn sets_of(text: &str) -> sqlx::Result<Sets> {
    let set = |set: &str| {
        let (block, digits) = set.split_once(':')?;
        Some((block.parse().ok()?, bytes_of(digits)?))
    };
    text.split_ascii_whitespace()
        .map(|text| {
            let (block, bytes) = set(text).ok_or_else(|| sqlx::Error::Decode("no set".into()))?;
            Ok((block, decode(&bytes)?))
        })
        .collect()
}

fn bytes_of(digits: &str) -> Option<Vec<u8>> {
    let digit =
        |digit: u8| char::from(digit).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    digits
        .as_bytes()
        .chunks(2)
        .map(|pair| match *pair {
            [high, low] => Some(digit(high)? << 4 | digit(low)?),
            _ => None,
        })
        .collect()
}
