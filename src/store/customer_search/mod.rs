//! Finding customers by any part of what is known of them.
//!
//! `search_postings` leads from grams to customers in blocks of consecutive numbers. It may lead too
//! far, so every customer is held against the query before it is told, and it may lag behind:
//! customers in `search_pending` are held against every query. `indexing.rs` makes it catch up.

mod candidates;
pub(super) mod indexing;
mod postings;

use sqlx::FromRow;

use super::customers::CustomerRow;
use super::search::VIN_KEY_LENGTH;
use super::{Session, on};
use crate::domain::id::CustomerId;
use crate::domain::search::{Query, Record};
use candidates::Candidates;
#[cfg(test)]
pub(super) use candidates::{IN_BLOCKS, IN_REGION, NEWEST};
pub use indexing::Indexing;
#[cfg(test)]
pub(super) use indexing::RECORDS_TO_INDEX;

/// Which customers are looked for, newest first.
#[derive(Clone, Copy, Debug)]
pub struct CustomerSearch<'a> {
    /// What they are found by; left out: anybody.
    pub query: Option<&'a Query>,
    /// The end of the VIN of one of their vehicles, in upper case: its last 6 characters or more.
    pub vin_end: Option<&'a str>,
    /// Only those who were put on file before this one.
    pub before: CustomerId,
    /// How many at most.
    pub limit: usize,
}

/// What a search came to.
#[derive(Debug)]
pub struct Searched {
    /// The customers, newest first, without their vehicles.
    pub customers: Vec<CustomerRow>,
    /// What the index was worth meanwhile.
    pub index: IndexState,
}

/// How many customers were added or changed since the index was brought up to date.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum IndexState {
    /// So few that nobody notices.
    Current,
    /// So many that it should catch up, for the next search to take less.
    Behind,
    /// More than a search looks at: only the newest of them were, and others may be missing.
    FarBehind,
}

/// What separates the texts that a query packs into one: no name, address, number or plate has it.
pub(super) const SEPARATOR: &str = "\n";

/// A customer and what else the customer is found by.
#[derive(FromRow)]
struct Row {
    #[sqlx(flatten)]
    customer: CustomerRow,
    plates: Option<String>,
    merged: Option<String>,
}

/// The license plates of a customer `c`, and what the records say that were merged into it: first
/// name, last name, e-mail address and phone number of each. `$1` is the separator.
macro_rules! packed_words {
    () => {
        "(select string_agg(v.license_plate, $1) from vehicles v where v.customer_id = c.id) as plates,
         (select string_agg(m.first_name || $1 || m.last_name || $1 || coalesce(m.email, '') || $1
                            || coalesce(m.phone_number, ''), $1)
          from customers m where m.merged_into = c.id) as merged"
    };
}
use packed_words;

macro_rules! select_found {
    ($condition:expr) => {
        concat!(
            "select c.id, c.crm_id, c.first_name, c.last_name, c.email, c.phone_number,
                    c.phone_shared, c.account_status, c.tier, c.created_at, c.last_contact,
                    c.last_service_at, c.lifetime_value_minor, c.open_tickets,
                    c.satisfaction_score, c.preferences, c.notes, c.crm_as_of,
                    c.crm_tickets_as_of, c.crm_lifetime_value_minor, c.crm_open_tickets,
                    c.billing_paid_minor, ",
            packed_words!(),
            " from customers c where c.merged_into is null and ",
            $condition
        )
    };
}

/// All of them, newest first.
pub(super) const NEWEST_CUSTOMERS: &str = select_found!("c.id < $2 order by c.id desc limit $3");
/// Those who own a vehicle with this end of a VIN.
pub(super) const BY_VIN: &str = select_found!(
    "c.id < $2
       and c.id in (select customer_id from vehicles where substr(vin, 12) = $4 and vin like $5)
     order by c.id desc limit $3"
);
/// Those with these numbers.
pub(super) const FEW: &str = select_found!(
    "c.id in ($2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)
     order by c.id desc"
);
pub(super) const MANY: &str = select_found!(
    "c.id in ($2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17,
              $18, $19, $20, $21, $22, $23, $24, $25, $26, $27, $28, $29, $30, $31, $32, $33,
              $34, $35, $36, $37, $38, $39, $40, $41, $42, $43, $44, $45, $46, $47, $48, $49,
              $50, $51, $52, $53, $54, $55, $56, $57, $58, $59, $60, $61, $62, $63, $64, $65)
     order by c.id desc"
);
/// How many numbers [`FEW`] and [`MANY`] take.
const FEW_CUSTOMERS: usize = 16;
const MANY_CUSTOMERS: usize = 64;

impl Session {
    /// The customers that are looked for, newest first.
    pub async fn search_customers(&mut self, search: CustomerSearch<'_>) -> sqlx::Result<Searched> {
        let customers = match (search.query, search.vin_end) {
            (Some(query), None) => return self.search_by_query(query, search).await,
            (query, Some(vin_end)) => self.search_by_vin(vin_end, query, search).await?,
            (None, None) => {
                let limit = i64::try_from(search.limit).unwrap_or(i64::MAX);
                let rows: Vec<Row> = on!(self, |db| sqlx::query_as(NEWEST_CUSTOMERS)
                    .bind(SEPARATOR)
                    .bind(search.before)
                    .bind(limit)
                    .fetch_all(db)
                    .await)?;
                rows.into_iter().map(|row| row.customer).collect()
            }
        };
        Ok(Searched { customers, index: IndexState::Current })
    }

    /// A plate that was spelled out means whoever has it, on each page; all words mean others where nobody has.
    async fn search_by_query(
        &mut self,
        query: &Query,
        search: CustomerSearch<'_>,
    ) -> sqlx::Result<Searched> {
        if let Some(plate) = query.as_plate() {
            let searched = self.search_by_words(plate, search).await?;
            let newest = CustomerSearch { before: CustomerId(i64::MAX), limit: 1, ..search };
            if !searched.customers.is_empty()
                || (search.before < newest.before
                    && !self.search_by_words(plate, newest).await?.customers.is_empty())
            {
                return Ok(searched);
            }
        }
        self.search_by_words(query, search).await
    }

    async fn search_by_words(
        &mut self,
        query: &Query,
        search: CustomerSearch<'_>,
    ) -> sqlx::Result<Searched> {
        let mut candidates = Candidates::begin(self, query, search.before).await?;
        let mut customers: Vec<CustomerRow> = Vec::new();
        let mut most = FEW_CUSTOMERS;
        while customers.len() < search.limit {
            let wanted = search.limit - customers.len();
            // A few more than are wanted, since some are no good.
            let ids = candidates.next(self, (wanted + wanted / 4).min(most), wanted).await?;
            if ids.is_empty() {
                break;
            }
            customers.extend(self.customers_found(&ids, query).await?);
            most = MANY_CUSTOMERS;
        }
        customers.truncate(search.limit);
        Ok(Searched { customers, index: candidates.index() })
    }

    async fn search_by_vin(
        &mut self,
        vin_end: &str,
        query: Option<&Query>,
        search: CustomerSearch<'_>,
    ) -> sqlx::Result<Vec<CustomerRow>> {
        let key = vin_end.get(vin_end.len().saturating_sub(VIN_KEY_LENGTH)..).unwrap_or_default();
        let pattern = format!("%{vin_end}");
        let (mut customers, mut before) = (Vec::new(), search.before);
        loop {
            let page: Vec<Row> = on!(self, |db| sqlx::query_as(BY_VIN)
                .bind(SEPARATOR)
                .bind(before)
                .bind(i64::try_from(search.limit).unwrap_or(i64::MAX))
                .bind(key)
                .bind(&pattern)
                .fetch_all(db)
                .await)?;
            let Some(last) = page.last().filter(|_| customers.len() < search.limit) else { break };
            before = last.customer.id;
            let is_last = page.len() < search.limit;
            customers.extend(found(page, query));
            if is_last {
                break;
            }
        }
        customers.truncate(search.limit);
        Ok(customers)
    }

    /// Those of at most 64 customers that the query finds, newest first.
    async fn customers_found(
        &mut self,
        ids: &[CustomerId],
        query: &Query,
    ) -> sqlx::Result<Vec<CustomerRow>> {
        let (sql, places) = match ids.len() {
            ..=FEW_CUSTOMERS => (FEW, FEW_CUSTOMERS),
            _ => (MANY, MANY_CUSTOMERS),
        };
        let Some(last) = ids.last() else { return Ok(Vec::new()) };
        let rows = on!(self, |db| {
            let mut query = sqlx::query_as(sql).bind(SEPARATOR);
            // What is named twice is found once.
            for id in ids.iter().chain(std::iter::repeat(last)).take(places) {
                query = query.bind(*id);
            }
            query.fetch_all(db).await
        })?;
        Ok(found(rows, Some(query)).collect())
    }
}

fn found(rows: Vec<Row>, query: Option<&Query>) -> impl Iterator<Item = CustomerRow> {
    let is_found = move |row: &Row| query.is_none_or(|query| query.finds(&row.record()));
    rows.into_iter().filter(is_found).map(|row| row.customer)
}

impl Row {
    fn record(&self) -> Record {
        let customer = &self.customer;
        let mut record = Record::default();
        record.add_name(&customer.first_name, &customer.last_name);
        if let Some(email) = &customer.email {
            record.add_email(email);
        }
        if let Some(phone) = &customer.phone_number {
            record.add_phone(phone.as_str());
        }
        add_packed(&mut record, self.plates.as_deref(), self.merged.as_deref());
        record
    }
}

/// Adds what [`packed_words`] packed.
fn add_packed(record: &mut Record, plates: Option<&str>, merged: Option<&str>) {
    for plate in plates.unwrap_or_default().split(SEPARATOR) {
        record.add_plate(plate);
    }
    let Some(merged) = merged else { return };
    let mut texts = merged.split(SEPARATOR);
    while let (Some(first), Some(last)) = (texts.next(), texts.next()) {
        record.add_name(first, last);
        record.add_email(texts.next().unwrap_or_default());
        record.add_phone(texts.next().unwrap_or_default());
    }
}
