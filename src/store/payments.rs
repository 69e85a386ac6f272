//! Payments received, and the currency in which they are counted for a customer.

use sqlx::FromRow;

use super::{Session, Store, on};
use crate::domain::id::{InvoiceId, PaymentId};
use crate::domain::invoice::Method;
use crate::domain::shop::Shop;
use crate::domain::time::Timestamp;

/// A payment as the database holds one; its currency is the invoice's.
#[derive(Clone, Debug, FromRow)]
pub struct Payment {
    /// The payment's number.
    pub id: PaymentId,
    /// On which invoice it was made.
    pub invoice_id: InvoiceId,
    /// How much, in minor units.
    pub amount_minor: i64,
    /// How it was made.
    pub method: Method,
    /// What it is known by, such as a receipt number.
    pub reference: Option<String>,
    /// When it was recorded.
    pub created_at: Timestamp,
}

/// A payment to be recorded.
#[derive(Clone, Debug)]
pub struct NewPayment {
    /// On which invoice it is made.
    pub invoice_id: InvoiceId,
    /// How much, in minor units.
    pub amount_minor: i64,
    /// How it is made.
    pub method: Method,
    /// What it is known by.
    pub reference: Option<String>,
}

pub(super) const PAYMENTS: &str =
    "select id, invoice_id, amount_minor, method, reference, created_at
     from payments
     where invoice_id = $1
     order by created_at desc, id desc
     limit $2";
pub(super) const LIKE_PAYMENT: &str =
    "select id, invoice_id, amount_minor, method, reference, created_at
     from payments
     where invoice_id = $1 and created_at >= $2 and amount_minor = $3 and method = $4
       and coalesce(reference, '') = $5
     order by created_at desc, id desc
     limit 1";

impl Session {
    /// The payments on an invoice, newest first.
    pub async fn payments(&mut self, invoice: InvoiceId, limit: i64) -> sqlx::Result<Vec<Payment>> {
        on!(self, |db| sqlx::query_as(PAYMENTS).bind(invoice).bind(limit).fetch_all(db).await)
    }

    /// The last payment since `since` of which this one would be a repetition.
    pub async fn like_payment(
        &mut self,
        new: &NewPayment,
        since: Timestamp,
    ) -> sqlx::Result<Option<Payment>> {
        on!(self, |db| sqlx::query_as(LIKE_PAYMENT)
            .bind(new.invoice_id)
            .bind(since)
            .bind(new.amount_minor)
            .bind(new.method)
            .bind(new.reference.as_deref().unwrap_or_default())
            .fetch_optional(db)
            .await)
    }

    /// Records a payment; fails as a check violation where it is more than is due.
    pub async fn insert_payment(
        &mut self,
        new: &NewPayment,
        now: Timestamp,
    ) -> sqlx::Result<Payment> {
        let sql = "insert into payments (invoice_id, amount_minor, method, reference, created_at)
                   values ($1, $2, $3, $4, $5)
                   returning id, invoice_id, amount_minor, method, reference, created_at";
        on!(self, |db| sqlx::query_as(sql)
            .bind(new.invoice_id)
            .bind(new.amount_minor)
            .bind(new.method)
            .bind(&new.reference)
            .bind(now)
            .fetch_one(db)
            .await)
    }

    async fn shop_currency(&mut self) -> sqlx::Result<Option<String>> {
        let sql = "select currency from shop_currency where id = 1";
        on!(self, |db| sqlx::query_scalar(sql).fetch_optional(db).await)
    }

    async fn set_shop_currency(&mut self, code: &str) -> sqlx::Result<()> {
        let sql = "insert into shop_currency (id, currency) values (1, $1)
                   on conflict (id) do update set currency = excluded.currency";
        on!(self, |db| sqlx::query(sql).bind(code).execute(db).await.map(drop))
    }
}

impl Store {
    /// Tells the database the shop's currency, in which it sums up what customers paid.
    pub(super) async fn note_currency(&self, shop: &Shop) -> sqlx::Result<()> {
        let code = shop.currency.code();
        if self.read().await?.shop_currency().await?.as_deref() == Some(code) {
            return Ok(());
        }
        let mut session = self.write().await?;
        session.set_shop_currency(code).await?;
        session.commit().await
    }
}
