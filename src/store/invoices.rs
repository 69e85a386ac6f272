//! Invoices and their line items.

use sqlx::FromRow;

use super::search::between;
use super::{Session, on};
use crate::domain::id::{AppointmentId, CustomerId, InvoiceId};
use crate::domain::invoice::{LineItem, Status};
use crate::domain::money::{Currency, Money, Quantity};
use crate::domain::time::Timestamp;

/// An invoice as the database holds one.
#[derive(Clone, Debug)]
pub struct Invoice {
    /// The invoice's number.
    pub id: InvoiceId,
    /// Who pays it.
    pub customer_id: CustomerId,
    /// The visit that it is for.
    pub appointment_id: Option<AppointmentId>,
    /// What the line items come to.
    pub amount: Money,
    /// What was paid so far.
    pub paid: Money,
    /// Where it stands on the day of the query.
    pub status: Status,
    /// The day until which it is to be paid, `YYYY-MM-DD`.
    pub due_date: Option<String>,
    /// When it was made.
    pub created_at: Timestamp,
    /// The line items, in their order.
    pub line_items: Vec<LineItem>,
}

/// An invoice to be made.
#[derive(Clone, Debug)]
pub struct NewInvoice {
    /// Who pays it.
    pub customer_id: CustomerId,
    /// The visit that it is for.
    pub appointment_id: Option<AppointmentId>,
    /// The currency of its amounts.
    pub currency: Currency,
    /// The day until which it is to be paid, `YYYY-MM-DD`.
    pub due_date: Option<String>,
    /// The line items, in their order.
    pub line_items: Vec<LineItem>,
}

/// Where a page of invoices begins: behind this one, newest first.
pub type After = (Timestamp, InvoiceId);

/// Which of a customer's invoices are listed.
#[derive(Clone, Copy, Debug)]
pub struct InvoicePage {
    /// Only those that stand here.
    pub status: Option<Status>,
    /// Only those behind this one.
    pub after: Option<After>,
    /// How many at most.
    pub limit: i64,
}

/// One row of invoices beside one of its line items, if there is one.
#[derive(FromRow)]
struct Joined {
    id: InvoiceId,
    customer_id: CustomerId,
    appointment_id: Option<AppointmentId>,
    currency: String,
    amount_minor: i64,
    paid_minor: i64,
    standing: Status,
    due_date: Option<String>,
    created_at: Timestamp,
    description: Option<String>,
    quantity_milli: Option<i64>,
    unit_price_minor: Option<i64>,
    item_minor: Option<i64>,
    sku: Option<String>,
}

/// The query for invoices as they stand on the day `$1`, which is `YYYY-MM-DD`.
macro_rules! select_invoices {
    ($condition:literal, $page:literal) => {
        concat!(
            "select p.id, p.customer_id, p.appointment_id, p.currency, p.amount_minor, p.paid_minor,
                    p.standing, p.due_date, p.created_at, t.description, t.quantity_milli,
                    t.unit_price_minor, t.amount_minor as item_minor, t.sku
             from (select * from (
                       select i.*, case when i.status <> 'pending' then i.status
                                        when i.paid_minor = i.amount_minor then 'paid'
                                        when i.due_date < $1 then 'overdue'
                                        else 'pending' end as standing
                       from invoices i
                       where ",
            $condition,
            ") s ",
            $page,
            ") p
             left join invoice_items t on t.invoice_id = p.id
             order by p.created_at desc, p.id desc, t.position"
        )
    };
}

pub(super) const INVOICE: &str = select_invoices!("i.id = $2", "");
pub(super) const INVOICES: &str = select_invoices!(
    "i.customer_id = $2 and (i.created_at, i.id) < ($3, $4)",
    "where s.standing between $5 and $6 order by s.created_at desc, s.id desc limit $7"
);

impl Session {
    /// The invoice with this number, as it stands on the day `today`.
    pub async fn invoice(&mut self, id: InvoiceId, today: &str) -> sqlx::Result<Option<Invoice>> {
        let rows =
            on!(self, |db| sqlx::query_as(INVOICE).bind(today).bind(id).fetch_all(db).await)?;
        Ok(group(rows)?.pop())
    }

    /// A customer's invoices as they stand on the day `today`, newest first.
    pub async fn invoices(
        &mut self,
        customer: CustomerId,
        page: InvoicePage,
        today: &str,
    ) -> sqlx::Result<Vec<Invoice>> {
        let (first, last) = between(page.status.map(Status::as_str));
        let (before, before_id) = page.after.unwrap_or((Timestamp(i64::MAX), InvoiceId(i64::MAX)));
        let rows = on!(self, |db| sqlx::query_as(INVOICES)
            .bind(today)
            .bind(customer)
            .bind(before)
            .bind(before_id)
            .bind(first)
            .bind(last)
            .bind(page.limit)
            .fetch_all(db)
            .await)?;
        group(rows)
    }

    /// Makes an invoice; its amount is what the line items come to.
    pub async fn insert_invoice(
        &mut self,
        new: &NewInvoice,
        now: Timestamp,
    ) -> sqlx::Result<InvoiceId> {
        let sql =
            "insert into invoices (customer_id, appointment_id, currency, due_date, created_at)
                   values ($1, $2, $3, $4, $5)
                   returning id";
        let id = on!(self, |db| sqlx::query_scalar(sql)
            .bind(new.customer_id)
            .bind(new.appointment_id)
            .bind(new.currency.code())
            .bind(&new.due_date)
            .bind(now)
            .fetch_one(db)
            .await)?;
        self.insert_line_items(id, &new.line_items).await?;
        Ok(id)
    }

    async fn insert_line_items(&mut self, id: InvoiceId, items: &[LineItem]) -> sqlx::Result<()> {
        let mut rows: Vec<(i64, &LineItem)> = (1..).zip(items).collect();
        // The schema adds them up one by one, and no sum on the way may be below nothing.
        rows.sort_by_key(|(_, item)| std::cmp::Reverse(item.amount.minor));
        on!(self, |db| {
            let mut insert = sqlx::QueryBuilder::new(
                "insert into invoice_items
                     (invoice_id, position, description, quantity_milli, unit_price_minor,
                      amount_minor, sku) ",
            );
            insert.push_values(rows, |mut row, (position, item)| {
                row.push_bind(id)
                    .push_bind(position)
                    .push_bind(&item.description)
                    .push_bind(item.quantity.0)
                    .push_bind(item.unit_price.minor)
                    .push_bind(item.amount.minor)
                    .push_bind(&item.sku);
            });
            insert.build().execute(db).await.map(drop)
        })
    }
}

/// The currency with this code.
pub(super) fn currency(code: &str) -> sqlx::Result<Currency> {
    Currency::from_code(code)
        .ok_or_else(|| sqlx::Error::Decode("the code of no currency in ISO 4217".into()))
}

/// Gathers the line items of each invoice.
fn group(rows: Vec<Joined>) -> sqlx::Result<Vec<Invoice>> {
    let mut invoices: Vec<Invoice> = Vec::new();
    for mut row in rows {
        let currency = currency(&row.currency)?;
        let item = row.take_item(currency);
        match invoices.last_mut() {
            Some(last) if last.id == row.id => last.line_items.extend(item),
            _ => invoices.push(row.into_invoice(currency, item)),
        }
    }
    Ok(invoices)
}

impl Joined {
    fn take_item(&mut self, currency: Currency) -> Option<LineItem> {
        Some(LineItem {
            description: self.description.take()?,
            quantity: Quantity(self.quantity_milli?),
            unit_price: Money { minor: self.unit_price_minor?, currency },
            amount: Money { minor: self.item_minor?, currency },
            sku: self.sku.take(),
        })
    }

    fn into_invoice(self, currency: Currency, item: Option<LineItem>) -> Invoice {
        Invoice {
            id: self.id,
            customer_id: self.customer_id,
            appointment_id: self.appointment_id,
            amount: Money { minor: self.amount_minor, currency },
            paid: Money { minor: self.paid_minor, currency },
            status: self.standing,
            due_date: self.due_date,
            created_at: self.created_at,
            line_items: item.into_iter().collect(),
        }
    }
}
