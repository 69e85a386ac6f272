//! What the history says of customers: when they were last in contact, and last served.
//!
//! It is told once, at the end: the visits of a customer lie scattered over the whole history, and to
//! write the customer anew with each of them would write the whole table with each turn.

use std::collections::HashSet;

use super::{Bulk, ImportError, Importer, sqlite};
use crate::store::{Session, on};

/// From so many customers on, all of them are looked at.
const MANY: usize = 20_000;
/// Customers whose numbers are so near to one another are looked at together with those between them: a statement
/// takes longer than a customer in vain.
const NEAR: i64 = 32;
/// How many customers' numbers one transaction spans.
const CUSTOMERS_PER_TURN: i64 = 20_000;

/// Of the visits that another program knows, those of which nobody says when they were booked tell of
/// their customers; the others come from an export, whose customers bring it along.
pub(super) const RECOUNT: &str = "
    update customers
    set last_contact = case when last_contact is null or last_contact < told.contact
                            then told.contact else last_contact end,
        last_service_at = case when told.service is null or last_service_at >= told.service
                               then last_service_at else told.service end
    from (select a.customer_id, max(a.starts_at) as contact,
                 max(case when a.status = 'completed' then a.starts_at end) as service
          from appointments a
          where a.customer_id between $1 and $2
            and a.external_id is not null and a.created_at = a.starts_at
          group by a.customer_id) as told
    where customers.id = told.customer_id
      and (last_contact is null or last_contact < told.contact
           or (told.service is not null
               and (last_service_at is null or last_service_at < told.service)))";

/// Some customers, or all of them.
#[derive(Debug)]
pub(super) enum Customers {
    Some(HashSet<i64>),
    All,
}

impl Default for Customers {
    fn default() -> Self {
        Self::Some(HashSet::new())
    }
}

impl Customers {
    /// One more.
    pub fn insert(&mut self, customer: i64) {
        if let Self::Some(ids) = self {
            ids.insert(customer);
            if ids.len() > MANY {
                *self = Self::All;
            }
        }
    }

    /// Those of both.
    pub fn join(&mut self, other: Self) {
        match other {
            Self::All => *self = Self::All,
            Self::Some(ids) => ids.into_iter().for_each(|id| self.insert(id)),
        }
    }

    /// Spans of numbers, up to the last one, in which all of these lie.
    fn spans(&self, last: i64) -> Vec<(i64, i64)> {
        match self {
            Self::Some(ids) => {
                let mut ids: Vec<i64> = ids.iter().copied().collect();
                ids.sort_unstable();
                let mut spans: Vec<(i64, i64)> = Vec::new();
                for id in ids {
                    match spans.last_mut() {
                        Some((first, last))
                            if id - *last <= NEAR && id - *first < CUSTOMERS_PER_TURN =>
                        {
                            *last = id;
                        }
                        _ => spans.push((id, id)),
                    }
                }
                spans
            }
            Self::All => {
                let step = usize::try_from(CUSTOMERS_PER_TURN).unwrap_or(1);
                (1..=last).step_by(step).map(|id| (id, id + CUSTOMERS_PER_TURN - 1)).collect()
            }
        }
    }
}

impl Importer<'_> {
    /// Tells the customers what their visits say of them.
    pub(super) async fn recount_contacts(&mut self) -> Result<(), ImportError> {
        let customers = std::mem::take(&mut self.customers);
        let last = self.store.read().await?.last_customer().await?;
        let spans = customers.spans(last);
        match &mut self.bulk {
            Bulk::Sqlite(writer) => {
                sqlite::on_thread(writer, move |writer| writer.recount(&spans)).await
            }
            Bulk::Postgres(writer) => writer.recount(&spans).await,
        }
    }
}

impl Session {
    async fn last_customer(&mut self) -> sqlx::Result<i64> {
        let sql = "select coalesce(max(id), 0) from customers";
        on!(self, |db| sqlx::query_scalar(sql).fetch_one(db).await)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn customers_near_one_another_are_looked_at_together() {
        let spans = |ids: &[i64]| Customers::Some(ids.iter().copied().collect()).spans(1_000_000);
        assert_eq!(spans(&[]), []);
        assert_eq!(spans(&[7]), [(7, 7)]);
        assert_eq!(spans(&[100, 1, 3, 35, 68, 101]), [(1, 35), (68, 101)]);
        let dense: Vec<i64> = (1..=10_001).map(|place| place * 2 - 1).collect();
        assert_eq!(spans(&dense), [(1, 19_999), (20_001, 20_001)]);
        assert_eq!(Customers::All.spans(20_001), [(1, 20_000), (20_001, 40_000)]);
    }
}
