//! The shop's billing service behind a REST API (`docs/openapi/billing.yaml`).

use reqwest::Method;
use serde_json::Value;

use super::change::{ABSENT, Changed, change};
use super::crm::malformed;
use super::http::{Answer, Http, Request};
use super::{Upstream, UpstreamError};
use crate::config::RemoteApi;
use crate::domain::invoice::Status;
use crate::domain::money::Money;
use crate::domain::remote::invoice::{Asked, RemoteInvoice, RemoteInvoices, RemotePayment};
use crate::domain::remote::objection::Objection;
use crate::domain::remote::progress::Progress;
use crate::domain::remote::{Context, Unusable, Warnings};

/// A client of the shop's billing service.
#[derive(Debug)]
pub struct BillingClient {
    http: Http,
}

/// A payment that was recorded, and the invoice with it where the service told that, too.
#[derive(Clone, Debug)]
pub struct Paid {
    /// The payment.
    pub payment: RemotePayment,
    /// The invoice with it.
    pub invoice: Option<RemoteInvoice>,
}

impl BillingClient {
    /// A client of the billing service in the settings; `None` where there is none.
    pub fn of(api: &RemoteApi) -> Option<Self> {
        Some(Self { http: Http::of_api(Upstream::Billing, api)? })
    }

    /// What it says of an invoice; `None` where it has none.
    ///
    /// # Errors
    /// Where it gives no usable answer.
    pub async fn invoice(
        &self,
        id: &str,
        customer: &str,
        context: Context<'_>,
    ) -> Result<Option<(RemoteInvoice, Warnings)>, UpstreamError> {
        let request = Request::get(["invoices", id]).accepting(&ABSENT);
        let read = |answer: &Answer| {
            if ABSENT.contains(&answer.status()) {
                return Ok(None);
            }
            let mut warnings = Warnings::default();
            let asked = Asked { id: Some(id), customer };
            let answer = answer.json::<Value>()?;
            let invoice = RemoteInvoice::read(&answer, asked, (context, &mut warnings));
            Ok(invoice.map_err(malformed)?.map(|invoice| (invoice, warnings)))
        };
        self.http.call(&request, read).await
    }

    /// A customer's newest invoices; none where it does not know the customer.
    ///
    /// # Errors
    /// Where it gives no usable answer.
    pub async fn invoices(
        &self,
        customer: &str,
        (status, limit): (Option<Status>, i64),
        context: Context<'_>,
    ) -> Result<RemoteInvoices, UpstreamError> {
        let request = Request::get(["customers", customer, "invoices"]).query("limit", limit);
        let request = match status {
            Some(status) => request.query("status", status),
            None => request,
        };
        let read = |answer: &Answer| {
            if ABSENT.contains(&answer.status()) {
                return Ok(RemoteInvoices::default());
            }
            let answer = answer.json::<Value>()?;
            RemoteInvoices::read(&answer, customer, context).map_err(malformed)
        };
        self.http.call(&request.accepting(&ABSENT), read).await
    }

    /// Makes an invoice for a customer, once for this key.
    ///
    /// # Errors
    /// Where it was not made, or nobody knows whether it was.
    pub async fn create(
        &self,
        invoice: &Value,
        (customer, key): (&str, &str),
        context: Context<'_>,
    ) -> Result<Changed<RemoteInvoice>, UpstreamError> {
        let request = Request::new(Method::POST, ["invoices"]).json(invoice).idempotency_key(key);
        let read = |answer: &Value| {
            let asked = Asked { id: None, customer };
            let mut warnings = Warnings::default();
            let invoice = RemoteInvoice::read(answer, asked, (context, &mut warnings));
            Ok(invoice.map_err(malformed)?.map(Changed::Made))
        };
        change(&self.http, request, read).await
    }

    /// Records a payment of this amount on an invoice, once for this key.
    ///
    /// # Errors
    /// Where it was not made, or nobody knows whether it was.
    pub async fn pay(
        &self,
        (id, customer): (&str, &str),
        (payment, key): (&Value, &str),
        amount: Money,
        context: Context<'_>,
    ) -> Result<Changed<Paid>, UpstreamError> {
        let request = Request::new(Method::POST, ["invoices", id, "payments"])
            .json(payment)
            .idempotency_key(key);
        let read = |answer: &Value| {
            let bare = answer.get("payment_id").map(|_| answer);
            let told = answer.get("payment").or(bare);
            match told.map(Progress::of) {
                Some(Progress::Refused) => {
                    return Ok(Some(Changed::Conflict(Objection::default())));
                }
                Some(Progress::UnderWay) => return Err(under_way()),
                Some(Progress::Done) | None => {}
            }
            let payment = told.and_then(|told| RemotePayment::read(told, amount.currency, context));
            let Some(payment) = payment else { return Err(malformed(Unusable::NoRecord)) };
            if payment.amount != amount {
                return Err(malformed(Unusable::Another));
            }
            let invoice = match answer.get("invoice") {
                Some(invoice) => {
                    let asked = Asked { id: Some(id), customer };
                    let mut warnings = Warnings::default();
                    RemoteInvoice::read(invoice, asked, (context, &mut warnings))
                        .map_err(malformed)?
                }
                None => None,
            };
            // One that does not hold the payment is from before it.
            let invoice = invoice.filter(|invoice| invoice.paid.minor >= amount.minor);
            Ok(Some(Changed::Made(Paid { payment, invoice })))
        };
        change(&self.http, request, read).await
    }
}

/// It is told to be asked for and not to be recorded yet, which it may be later.
fn under_way() -> UpstreamError {
    UpstreamError::Malformed { reason: "it says that the payment is still under way", source: None }
}
