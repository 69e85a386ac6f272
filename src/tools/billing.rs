//! Invoices as callers see them; the tools that list, make and pay them.

pub mod creating;
pub mod listing;
pub mod paying;
mod remote;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Number;

use self::remote::Known;
use super::arguments::refuse;
use super::staleness::Staleness;
use super::{Answer, Call, Effect, Tool};
use crate::clients::Upstream;
use crate::config::Toolset;
use crate::domain::id::{AppointmentId, CustomerId, InvoiceId, PaymentId};
use crate::domain::invoice::{LineItem, Method, Status};
use crate::domain::local_time::{local_date, rfc3339};
use crate::domain::money::{Currency, Money, Quantity};
use crate::error::{Code, Refusal, ToolError};
use crate::store::{self, Session, is_remote_invoice};

/// How many payments of an invoice are listed.
const MAX_PAYMENTS: i64 = 100;

/// An invoice as callers see one.
#[derive(Debug, JsonSchema, Serialize)]
pub struct InvoiceView {
    /// The invoice's number.
    invoice_id: InvoiceId,
    /// Who pays it.
    customer_id: CustomerId,
    /// The visit that it is for.
    #[serde(skip_serializing_if = "Option::is_none")]
    appointment_id: Option<AppointmentId>,
    /// What the line items come to.
    #[schemars(with = "f64")]
    amount: Money,
    /// What was paid so far.
    #[schemars(with = "f64")]
    amount_paid: Money,
    /// What is still to be paid; nothing of a draft or a void one.
    #[schemars(with = "f64")]
    amount_due: Money,
    /// The currency of every amount, ISO 4217.
    currency: &'static str,
    /// Where it stands.
    status: Status,
    /// The day until which it is to be paid, YYYY-MM-DD.
    #[serde(skip_serializing_if = "Option::is_none")]
    due_date: Option<String>,
    /// When it was made, RFC 3339 in the shop's zone.
    created_at: String,
    /// What it is for.
    line_items: Vec<LineItemView>,
}

/// A line item as callers see one.
#[derive(Debug, JsonSchema, Serialize)]
pub struct LineItemView {
    /// What it is for.
    description: String,
    /// How many units.
    #[schemars(with = "f64")]
    quantity: Quantity,
    /// The price of one.
    #[schemars(with = "f64")]
    unit_price: Money,
    /// What they come to.
    #[schemars(with = "f64")]
    amount: Money,
    /// The product's SKU.
    #[serde(skip_serializing_if = "Option::is_none")]
    sku: Option<String>,
}

/// A payment as callers see one.
#[derive(Debug, JsonSchema, Serialize)]
pub struct PaymentView {
    /// The payment's number.
    payment_id: PaymentId,
    /// On which invoice it was made.
    invoice_id: InvoiceId,
    /// How much.
    #[schemars(with = "f64")]
    amount: Money,
    /// The currency, ISO 4217.
    currency: &'static str,
    /// How it was made.
    method: Method,
    /// What it is known by.
    #[serde(skip_serializing_if = "Option::is_none")]
    reference: Option<String>,
    /// When it was recorded, RFC 3339 in the shop's zone.
    created_at: String,
}

/// An invoice as callers see it.
pub(super) fn view(invoice: store::Invoice, call: &Call<'_>) -> InvoiceView {
    let amount_due = due(&invoice);
    InvoiceView {
        invoice_id: invoice.id,
        customer_id: invoice.customer_id,
        appointment_id: invoice.appointment_id,
        amount: invoice.amount,
        amount_paid: invoice.paid,
        amount_due,
        currency: invoice.amount.currency.code(),
        status: invoice.status,
        due_date: invoice.due_date,
        created_at: rfc3339(invoice.created_at, call.engine.shop().zone),
        line_items: invoice.line_items.into_iter().map(item_view).collect(),
    }
}

fn item_view(item: LineItem) -> LineItemView {
    let LineItem { description, quantity, unit_price, amount, sku } = item;
    LineItemView { description, quantity, unit_price, amount, sku }
}

fn payment_view(payment: store::Payment, currency: Currency, call: &Call<'_>) -> PaymentView {
    PaymentView {
        payment_id: payment.id,
        invoice_id: payment.invoice_id,
        amount: Money { minor: payment.amount_minor, currency },
        currency: currency.code(),
        method: payment.method,
        reference: payment.reference,
        created_at: rfc3339(payment.created_at, call.engine.shop().zone),
    }
}

/// What is still to be paid of an invoice.
fn due(invoice: &store::Invoice) -> Money {
    let minor = match invoice.status {
        Status::Draft | Status::Void => 0,
        Status::Pending | Status::Paid | Status::Overdue => {
            invoice.amount.minor - invoice.paid.minor
        }
    };
    Money { minor, ..invoice.amount }
}

/// The day on which invoices are looked at, as it is compared with their due dates.
pub(super) fn today(call: &Call<'_>) -> String {
    local_date(call.now, call.engine.shop().zone).to_string()
}

/// The invoice with this number.
async fn find(
    session: &mut Session,
    id: InvoiceId,
    call: &Call<'_>,
) -> Result<store::Invoice, ToolError> {
    let found = session.invoice(id, &today(call)).await?;
    found.ok_or_else(|| invoice_not_found(id).into())
}

/// Reads an amount of money that a caller gave.
pub(super) fn read_money(
    field: &str,
    number: &Number,
    currency: Currency,
    range: (i64, i64),
) -> Result<Money, Refusal> {
    Money::read(number, currency, range).map_err(|wrong| refuse(field, wrong))
}

/// The refusal of an invoice's number that no invoice has.
fn invoice_not_found(id: InvoiceId) -> Refusal {
    Refusal::new(
        Code::InvoiceNotFound,
        "I cannot find that invoice.",
        format!("there is no invoice {id}"),
    )
    .hint("get_invoices lists the customer's invoices with their ids.")
}

/// The arguments of `get_invoice`.
#[derive(Debug, Deserialize, JsonSchema)]
pub struct GetInvoice {
    /// From get_invoices.
    invoice_id: InvoiceId,
}

/// An invoice and what was paid on it.
#[derive(Debug, JsonSchema, Serialize)]
pub struct WithPayments {
    /// The invoice.
    invoice: InvoiceView,
    /// The payments on it, newest first.
    payments: Vec<PaymentView>,
    /// Whether it is the last known state, where the shop's billing service does not answer.
    #[serde(flatten)]
    staleness: Staleness,
    /// What of the billing service's word could not be used, in sentences; the list of tools has no room
    /// for it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(skip)]
    warnings: Vec<String>,
}

impl Tool for GetInvoice {
    const NAME: &'static str = "get_invoice";
    const TITLE: &'static str = "Get an invoice";
    const DESCRIPTION: &'static str = "One invoice with what is due and its payments.";
    const TOOLSET: Toolset = Toolset::Billing;
    const EFFECT: Effect = Effect::Reads;
    const ASKS: Option<Upstream> = Some(Upstream::Billing);
    type Data = WithPayments;

    async fn run(self, call: &Call<'_>) -> Result<Answer<WithPayments>, ToolError> {
        if is_remote_invoice(self.invoice_id) {
            return self.ask(call).await;
        }
        let store = call.engine.store().await?;
        let mut session = store.read().await?;
        let invoice = find(&mut session, self.invoice_id, call).await?;
        let currency = invoice.amount.currency;
        let payments = session.payments(invoice.id, MAX_PAYMENTS).await?;
        let payments =
            payments.into_iter().map(|payment| payment_view(payment, currency, call)).collect();
        let message = tell(&invoice);
        let (staleness, warnings) = (Staleness::default(), Vec::new());
        let invoice = view(invoice, call);
        Ok(Answer::new(message, WithPayments { invoice, payments, staleness, warnings }))
    }
}

impl GetInvoice {
    /// An invoice that the billing service keeps.
    async fn ask(&self, call: &Call<'_>) -> Result<Answer<WithPayments>, ToolError> {
        let known = Known::ask((Self::NAME, call), self.invoice_id).await?;
        let invoice = known.row.invoice;
        let mut session = call.engine.store().await?.read().await?;
        let payments = session.remote_payments(invoice.id, MAX_PAYMENTS).await?;
        let currency = invoice.amount.currency;
        let payments =
            payments.into_iter().map(|payment| payment_view(payment, currency, call)).collect();
        let mut message = tell(&invoice);
        if let Some(sentence) = known.sentence {
            message = format!("{message} {sentence}");
        }
        let (staleness, warnings) = (known.staleness, known.warnings);
        let invoice = view(invoice, call);
        Ok(Answer::new(message, WithPayments { invoice, payments, staleness, warnings }))
    }
}

/// What an invoice comes to and where it stands, to say aloud.
fn tell(invoice: &store::Invoice) -> String {
    let (id, amount, due) = (invoice.id, invoice.amount.spoken(), due(invoice).spoken());
    match invoice.status {
        Status::Draft => format!("Invoice {id} over {amount} is a draft."),
        Status::Void => format!("Invoice {id} over {amount} is void."),
        Status::Paid => format!("Invoice {id} over {amount} is paid."),
        Status::Pending => format!("Invoice {id} comes to {amount}; {due} is due."),
        Status::Overdue => format!("Invoice {id} comes to {amount}; {due} is overdue."),
    }
}
