//! Payments that a remote billing service keeps, as it told of them last. Their numbers are above those of
//! the shop's own.

use super::payments::{NewPayment, Payment};
use super::remote_invoices::AT_ONCE;
use super::{Session, on};
use crate::domain::id::InvoiceId;
use crate::domain::remote::invoice::{RemoteInvoice, RemotePayment};
use crate::domain::time::Timestamp;

/// The most payments on one invoice that are looked at.
const MAX_PAYMENTS: i64 = 1_000;

pub(super) const REMOTE_PAYMENTS: &str =
    "select id, invoice_id, amount_minor, method, reference, created_at
     from remote_payments where invoice_id = $1 order by created_at desc, id desc limit $2";

pub(super) const REMOTE_PAYMENT: &str =
    "select id, invoice_id, amount_minor, method, reference, created_at
     from remote_payments where invoice_id = $1 and remote_id = $2";
pub(super) const LAST_PAYMENT: &str = "select max(id) from remote_payments";

impl Session {
    /// The payments on an invoice of the billing service, newest first.
    pub async fn remote_payments(
        &mut self,
        invoice: InvoiceId,
        limit: i64,
    ) -> sqlx::Result<Vec<Payment>> {
        on!(self, |db| sqlx::query_as(REMOTE_PAYMENTS)
            .bind(invoice)
            .bind(limit)
            .fetch_all(db)
            .await)
    }

    /// The payment on an invoice with this id in the billing service.
    pub async fn remote_payment(
        &mut self,
        invoice: InvoiceId,
        remote_id: &str,
    ) -> sqlx::Result<Payment> {
        on!(self, |db| sqlx::query_as(REMOTE_PAYMENT)
            .bind(invoice)
            .bind(remote_id)
            .fetch_one(db)
            .await)
    }

    /// Whether the payment with this id there is on file.
    pub async fn has_remote_payment(
        &mut self,
        invoice: InvoiceId,
        remote_id: &str,
    ) -> sqlx::Result<bool> {
        match self.remote_payment(invoice, remote_id).await {
            Ok(_) => Ok(true),
            Err(sqlx::Error::RowNotFound) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// The last payment since `since` of which this one would be a repetition.
    pub async fn like_remote_payment(
        &mut self,
        new: &NewPayment,
        since: Timestamp,
    ) -> sqlx::Result<Option<Payment>> {
        let payments = self.remote_payments(new.invoice_id, MAX_PAYMENTS).await?;
        Ok(payments.into_iter().find(|payment| {
            payment.created_at >= since
                && payment.amount_minor == new.amount_minor
                && payment.method == new.method
                && payment.reference == new.reference
        }))
    }

    /// Takes over the payments of invoices whose payments were told.
    pub(super) async fn keep_payments(
        &mut self,
        invoices: &[(InvoiceId, Timestamp, &RemoteInvoice)],
        now: Timestamp,
    ) -> sqlx::Result<()> {
        let told: Vec<(InvoiceId, &RemotePayment)> = invoices
            .iter()
            .flat_map(|(id, _, invoice)| {
                invoice.payments.iter().flatten().map(|payment| (*id, payment))
            })
            .collect();
        if told.is_empty() {
            return Ok(());
        }
        let next = self.next_number(LAST_PAYMENT).await?;
        let numbered: Vec<(i64, InvoiceId, &RemotePayment)> =
            (next + 1..).zip(told).map(|(id, (invoice, payment))| (id, invoice, payment)).collect();
        for rows in numbered.chunks(AT_ONCE) {
            on!(self, |db| {
                let mut upsert = sqlx::QueryBuilder::new(
                    "insert into remote_payments
                         (id, invoice_id, remote_id, amount_minor, method, reference, created_at) ",
                );
                upsert.push_values(rows, |mut row, (id, invoice, payment)| {
                    row.push_bind(*id)
                        .push_bind(*invoice)
                        .push_bind(&payment.remote_id)
                        .push_bind(payment.amount.minor)
                        .push_bind(payment.method)
                        .push_bind(&payment.reference)
                        .push_bind(payment.created_at.unwrap_or(now));
                });
                // When it was recorded stays what it was first heard to be.
                upsert.push(
                    " on conflict (invoice_id, remote_id) do update
                      set amount_minor = excluded.amount_minor, method = excluded.method,
                          reference = excluded.reference",
                );
                upsert.build().execute(db).await.map(drop)
            })?;
        }
        Ok(())
    }
}
