//! Invoices that a remote billing service keeps, as it told of them last. Their numbers are above those of
//! the shop's own.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};
use sqlx::FromRow;

use super::invoices::{Invoice, InvoicePage};
use super::{Session, on};
use crate::domain::id::{CustomerId, InvoiceId};
use crate::domain::invoice::{LineItem, Status};
use crate::domain::money::{Money, Quantity};
use crate::domain::remote::invoice::RemoteInvoice;
use crate::domain::time::Timestamp;

/// The numbers of remote invoices and payments begin above this.
const OWN_NUMBERS: i64 = 1_000_000_000;
/// The most remote invoices of one customer that are looked at.
const MAX_INVOICES: i64 = 1_000;
/// How many rows one statement reads or writes.
pub(super) const AT_ONCE: usize = 100;

/// An invoice of the billing service.
#[derive(Clone, Debug)]
pub struct RemoteInvoiceRow {
    /// The invoice.
    pub invoice: Invoice,
    /// Its id there.
    pub remote_id: String,
    /// What the customer is called there.
    pub remote_customer: String,
    /// When the service last told of it.
    pub as_of: Timestamp,
}

/// Whose invoices the billing service told of.
#[derive(Clone, Copy, Debug)]
pub struct RemoteCustomer<'a> {
    /// The customer here.
    pub id: CustomerId,
    /// What the customer is called there.
    pub name: &'a str,
}

#[derive(FromRow)]
struct Row {
    id: InvoiceId,
    remote_id: String,
    customer_id: CustomerId,
    remote_customer: String,
    currency: String,
    amount_minor: i64,
    paid_minor: i64,
    status: Status,
    due_date: Option<String>,
    created_at: Timestamp,
    line_items: String,
    as_of: Timestamp,
}

/// A line item as the database holds it.
#[derive(Deserialize, Serialize)]
struct Item {
    description: String,
    quantity_milli: i64,
    unit_price_minor: i64,
    amount_minor: i64,
    sku: Option<String>,
}

macro_rules! select_invoices {
    ($rest:literal) => {
        concat!(
            "select id, remote_id, customer_id, remote_customer, currency, amount_minor, paid_minor,
                    status, due_date, created_at, line_items, as_of
             from remote_invoices ",
            $rest
        )
    };
}

pub(super) const REMOTE_INVOICE: &str = select_invoices!("where id = $1");
pub(super) const REMOTE_INVOICES: &str =
    select_invoices!("where customer_id = $1 order by created_at desc, id desc limit $2");
/// Ids follow, and a bracket.
pub(super) const KNOWN_INVOICES: &str = select_invoices!("where remote_id in (");
pub(super) const LAST_INVOICE: &str = "select max(id) from remote_invoices";
pub(super) const COUNT_BILLING: &str = "update customers
     set billing_paid_minor = (
         select coalesce(sum(i.paid_minor), 0) from remote_invoices i
         where i.customer_id = $1
           and i.currency = (select currency from shop_currency))
     where id = $1";

/// Whether this is the number of an invoice that the billing service keeps.
pub fn is_remote_invoice(id: InvoiceId) -> bool {
    id.0 > OWN_NUMBERS
}

impl Session {
    /// The invoice of the billing service with this number, as it stands on the day `today`.
    pub async fn remote_invoice(
        &mut self,
        id: InvoiceId,
        today: &str,
    ) -> sqlx::Result<Option<RemoteInvoiceRow>> {
        let row: Option<Row> =
            on!(self, |db| sqlx::query_as(REMOTE_INVOICE).bind(id).fetch_optional(db).await)?;
        row.map(|row| row.standing_on(today)).transpose()
    }

    /// A customer's invoices in the billing service, newest first.
    pub async fn remote_invoices(
        &mut self,
        customer: CustomerId,
        today: &str,
    ) -> sqlx::Result<Vec<RemoteInvoiceRow>> {
        let rows: Vec<Row> = on!(self, |db| sqlx::query_as(REMOTE_INVOICES)
            .bind(customer)
            .bind(MAX_INVOICES)
            .fetch_all(db)
            .await)?;
        rows.into_iter().map(|row| row.standing_on(today)).collect()
    }

    /// A customer's invoices, the shop's own and the billing service's, newest first.
    pub async fn all_invoices(
        &mut self,
        customer: CustomerId,
        page: InvoicePage,
        today: &str,
    ) -> sqlx::Result<Vec<Invoice>> {
        let mut invoices = self.invoices(customer, page, today).await?;
        let place = |invoice: &Invoice| (invoice.created_at, invoice.id);
        let remote = self.remote_invoices(customer, today).await?;
        invoices.extend(remote.into_iter().map(|row| row.invoice).filter(|invoice| {
            page.status.is_none_or(|status| invoice.status == status)
                && page.after.is_none_or(|after| place(invoice) < after)
        }));
        invoices.sort_by_key(|invoice| std::cmp::Reverse(place(invoice)));
        invoices.truncate(usize::try_from(page.limit).unwrap_or_default());
        Ok(invoices)
    }

    /// Which of these invoices are known, by their ids in the billing service.
    pub async fn known_invoices(
        &mut self,
        said: &[RemoteInvoice],
        today: &str,
    ) -> sqlx::Result<HashMap<String, RemoteInvoiceRow>> {
        let mut known = HashMap::new();
        for said in said.chunks(AT_ONCE) {
            let rows: Vec<Row> = on!(self, |db| {
                let mut select = sqlx::QueryBuilder::new(KNOWN_INVOICES);
                let mut ids = select.separated(", ");
                for invoice in said {
                    ids.push_bind(&invoice.remote_id);
                }
                select.push(")");
                select.build_query_as().fetch_all(db).await
            })?;
            for row in rows {
                known.insert(row.remote_id.clone(), row.standing_on(today)?);
            }
        }
        Ok(known)
    }

    /// Takes over what the billing service said of a customer's invoices; their numbers here, in its
    /// order.
    pub async fn keep_invoices(
        &mut self,
        customer: RemoteCustomer<'_>,
        said: &[RemoteInvoice],
        now: Timestamp,
    ) -> sqlx::Result<Vec<InvoiceId>> {
        let known = self.known_invoices(said, "").await?;
        let mut next = self.next_number(LAST_INVOICE).await?;
        let mut numbered = Vec::with_capacity(said.len());
        for invoice in said {
            let id = known.get(&invoice.remote_id).map(|row| row.invoice.id).unwrap_or_else(|| {
                next += 1;
                InvoiceId(next)
            });
            let created_at = known.get(&invoice.remote_id).map(|row| row.invoice.created_at);
            numbered.push((id, invoice.created_at.or(created_at).unwrap_or(now), invoice));
        }
        for rows in numbered.chunks(AT_ONCE) {
            self.upsert_invoices(customer, rows, now).await?;
        }
        self.keep_payments(&numbered, now).await?;
        self.count_billing(customer.id).await?;
        Ok(numbered.into_iter().map(|(id, _, _)| id).collect())
    }

    /// Sums up what a customer paid on invoices of the billing service, in the shop's currency.
    pub(super) async fn count_billing(&mut self, id: CustomerId) -> sqlx::Result<()> {
        on!(self, |db| sqlx::query(COUNT_BILLING).bind(id).execute(db).await.map(drop))
    }

    /// Notes that the billing service listed a customer's invoices.
    pub async fn note_billing(&mut self, id: CustomerId, now: Timestamp) -> sqlx::Result<()> {
        let sql = "update customers set billing_as_of = $2 where id = $1";
        on!(self, |db| sqlx::query(sql).bind(id).bind(now).execute(db).await.map(drop))
    }

    /// When the billing service last listed a customer's invoices.
    pub async fn billing_as_of(&mut self, id: CustomerId) -> sqlx::Result<Option<Timestamp>> {
        let sql = "select billing_as_of from customers where id = $1";
        on!(self, |db| sqlx::query_scalar(sql).bind(id).fetch_one(db).await)
    }

    pub(super) async fn next_number(&mut self, sql: &'static str) -> sqlx::Result<i64> {
        let last: Option<i64> = on!(self, |db| sqlx::query_scalar(sql).fetch_one(db).await)?;
        Ok(last.unwrap_or(OWN_NUMBERS))
    }

    async fn upsert_invoices(
        &mut self,
        customer: RemoteCustomer<'_>,
        rows: &[(InvoiceId, Timestamp, &RemoteInvoice)],
        now: Timestamp,
    ) -> sqlx::Result<()> {
        let items = rows.iter().map(|(_, _, invoice)| write_items(&invoice.line_items));
        let items = items.collect::<sqlx::Result<Vec<String>>>()?;
        on!(self, |db| {
            let mut upsert = sqlx::QueryBuilder::new(
                "insert into remote_invoices
                     (id, remote_id, customer_id, remote_customer, currency, amount_minor, paid_minor,
                      status, due_date, created_at, line_items, as_of) ",
            );
            upsert.push_values(
                rows.iter().zip(&items),
                |mut row, ((id, created_at, invoice), items)| {
                    row.push_bind(*id)
                        .push_bind(&invoice.remote_id)
                        .push_bind(customer.id)
                        .push_bind(customer.name)
                        .push_bind(invoice.amount.currency.code())
                        .push_bind(invoice.amount.minor)
                        .push_bind(invoice.paid.minor)
                        .push_bind(invoice.status)
                        .push_bind(&invoice.due_date)
                        .push_bind(*created_at)
                        .push_bind(items)
                        .push_bind(now);
                },
            );
            upsert.push(
                " on conflict (remote_id) do update
                  set customer_id = excluded.customer_id, remote_customer = excluded.remote_customer,
                      currency = excluded.currency, amount_minor = excluded.amount_minor,
                      paid_minor = excluded.paid_minor, status = excluded.status,
                      due_date = excluded.due_date, created_at = excluded.created_at,
                      line_items = excluded.line_items, as_of = excluded.as_of",
            );
            upsert.build().execute(db).await.map(drop)
        })
    }
}

fn write_items(items: &[LineItem]) -> sqlx::Result<String> {
    let items: Vec<Item> = items
        .iter()
        .map(|item| Item {
            description: item.description.clone(),
            quantity_milli: item.quantity.0,
            unit_price_minor: item.unit_price.minor,
            amount_minor: item.amount.minor,
            sku: item.sku.clone(),
        })
        .collect();
    serde_json::to_string(&items).map_err(|error| sqlx::Error::Encode(Box::new(error)))
}

impl Row {
    fn standing_on(self, today: &str) -> sqlx::Result<RemoteInvoiceRow> {
        let currency = super::invoices::currency(&self.currency)?;
        let items: Vec<Item> = serde_json::from_str(&self.line_items)
            .map_err(|error| sqlx::Error::Decode(Box::new(error)))?;
        let money = |minor| Money { minor, currency };
        let is_late = self.due_date.as_deref().is_some_and(|day| day < today);
        let status = match self.status {
            Status::Pending if self.paid_minor == self.amount_minor => Status::Paid,
            Status::Pending if is_late => Status::Overdue,
            status => status,
        };
        let item = |item: Item| LineItem {
            description: item.description,
            quantity: Quantity(item.quantity_milli),
            unit_price: money(item.unit_price_minor),
            amount: money(item.amount_minor),
            sku: item.sku,
        };
        let invoice = Invoice {
            id: self.id,
            customer_id: self.customer_id,
            appointment_id: None,
            amount: money(self.amount_minor),
            paid: money(self.paid_minor),
            status,
            due_date: self.due_date,
            created_at: self.created_at,
            line_items: items.into_iter().map(item).collect(),
        };
        Ok(RemoteInvoiceRow {
            invoice,
            remote_id: self.remote_id,
            remote_customer: self.remote_customer,
            as_of: self.as_of,
        })
    }
}
