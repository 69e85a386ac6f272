//! Recording a payment.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Number, json};

use super::remote::Known;
use super::{
    InvoiceView, PaymentView, due, find, invoice_not_found, payment_view, read_money, remote,
    today, view,
};
use crate::clients::{Changed, Upstream, billing};
use crate::config::Toolset;
use crate::domain::confirmation::Question;
use crate::domain::id::InvoiceId;
use crate::domain::invoice::{Method, Status};
use crate::domain::money::{MAX_MINOR, Money};
use crate::domain::remote::invoice::{RemoteInvoice, RemotePayment};
use crate::domain::remote::objection::Objection;
use crate::domain::text;
use crate::error::{Code, Refusal, ToolError};
use crate::store::{
    Invoice, NewPayment, Payment, RemoteCustomer, RemoteInvoiceRow, Session, is_beyond_limit,
    is_remote_invoice,
};
use crate::tools::arguments::refuse;
use crate::tools::customers::optional;
use crate::tools::remote_change::RemoteChange;
use crate::tools::write::{Begun, Write};
use crate::tools::{Answer, Call, Effect, Tool};

/// For how long the same payment without a key is a repetition, in seconds. Voice stacks repeat calls
/// by themselves; that somebody pays the same amount twice in ten minutes, in the same way, is rarer.
const REPEATED_WITHIN_SECONDS: i64 = 600;

/// The arguments of `create_payment`.
#[derive(Debug, Deserialize, JsonSchema)]
pub struct CreatePayment {
    /// From get_invoices.
    invoice_id: InvoiceId,
    /// In the invoice's currency, such as 149.95.
    amount: Number,
    /// How it was paid.
    method: Method,
    /// Such as a receipt number.
    #[schemars(length(max = 200))]
    reference: Option<String>,
    /// The same key acts once.
    #[schemars(length(min = 1, max = 200))]
    idempotency_key: Option<String>,
}

/// A payment and what it leaves.
#[derive(Debug, JsonSchema, Serialize)]
pub struct Paid {
    /// The payment.
    payment: PaymentView,
    /// The invoice with it.
    invoice: InvoiceView,
}

impl Tool for CreatePayment {
    const NAME: &'static str = "create_payment";
    const TITLE: &'static str = "Record a payment";
    const DESCRIPTION: &'static str = "Record a payment that the shop received; it moves no money and cannot be undone: say amount and invoice back first. More than is due is refused. The same again within 10 minutes counts once, unless under another idempotency_key.";
    const TOOLSET: Toolset = Toolset::Billing;
    const EFFECT: Effect = Effect::Destroys;
    const IS_CONFIRMED: bool = true;
    const ASKS: Option<Upstream> = Some(Upstream::Billing);
    type Data = Paid;

    async fn run(self, call: &Call<'_>) -> Result<Answer<Paid>, ToolError> {
        let reference = optional("reference", self.reference.as_deref(), text::name)?;
        let key = self.idempotency_key.as_deref();
        if is_remote_invoice(self.invoice_id) {
            return self.pay_remotely(reference, call).await;
        }
        let mut write = match Write::begin(call, Self::NAME, key).await? {
            Begun::Replayed(envelope) => return Ok(Answer::Kept(envelope)),
            Begun::Fresh(write) => write,
        };
        let invoice = find(&mut write.session, self.invoice_id, call).await?;
        let amount = read_money("amount", &self.amount, invoice.amount.currency, (1, MAX_MINOR))?;
        let new = NewPayment {
            invoice_id: invoice.id,
            amount_minor: amount.minor,
            method: self.method,
            reference,
        };
        let since = call.now.plus_seconds(-REPEATED_WITHIN_SECONDS);
        if key.is_none()
            && let Some(earlier) = write.session.like_payment(&new, since).await?
        {
            let message = format!("{} were recorded already. {}", amount.spoken(), rest(&invoice));
            return write.finish(Answer::repeated(message, paid(earlier, invoice, call))).await;
        }
        refuse_status(&invoice)?;
        if amount > due(&invoice) {
            return Err(overpayment(amount, &invoice).into());
        }
        write.confirm(call, || question(&new, amount, &invoice)).await?;
        let payment = match write.session.insert_payment(&new, call.now).await {
            Ok(payment) => payment,
            // Another program was faster; its payment is visible once this transaction is over.
            Err(error) if is_beyond_limit(&error) => {
                drop(write);
                let mut session = call.engine.store().await?.read().await?;
                let invoice = find(&mut session, self.invoice_id, call).await?;
                refuse_status(&invoice)?;
                return Err(overpayment(amount, &invoice).into());
            }
            Err(error) => return Err(error.into()),
        };
        let invoice = find(&mut write.session, self.invoice_id, call).await?;
        let message = format!("{} are recorded. {}", amount.spoken(), rest(&invoice));
        write.finish(Answer::new(message, paid(payment, invoice, call))).await
    }
}

fn question(new: &NewPayment, amount: Money, invoice: &Invoice) -> Question {
    let sentence = format!(
        "Shall I record {} received by {} on invoice {}, of which {} are due? This cannot be undone.",
        amount.spoken(),
        new.method,
        invoice.id,
        due(invoice).spoken()
    );
    let state = (invoice.id, invoice.amount.minor, invoice.paid.minor, invoice.status);
    Question::new(sentence, &format!("{state:?}"))
}

impl CreatePayment {
    /// Has the billing service record the payment, and keeps it here.
    async fn pay_remotely(
        &self,
        reference: Option<String>,
        call: &Call<'_>,
    ) -> Result<Answer<Paid>, ToolError> {
        let key = self.idempotency_key.as_deref();
        if let Some(envelope) = Write::earlier(call, Self::NAME, key).await? {
            return Ok(Answer::Kept(envelope));
        }
        let mut session = call.engine.store().await?.read().await?;
        let row = session.remote_invoice(self.invoice_id, &today(call)).await?;
        let row = row.ok_or_else(|| invoice_not_found(self.invoice_id))?;
        let invoice = &row.invoice;
        let currency = invoice.amount.currency;
        let amount = read_money("amount", &self.amount, currency, (1, MAX_MINOR))?;
        let new = NewPayment {
            invoice_id: invoice.id,
            amount_minor: amount.minor,
            method: self.method,
            reference,
        };
        if let Some(answer) = self.repeated(&mut session, &new, &row, call).await? {
            return Ok(answer);
        }
        drop(session);
        Write::confirm_first(call, || question(&new, amount, invoice)).await?;
        let mut body = json!({
            "amount": amount,
            "currency": currency.code(),
            "method": self.method,
        });
        if let (Some(reference), Some(body)) = (&new.reference, body.as_object_mut()) {
            body.insert("reference".to_owned(), json!(reference));
        }
        let names = (row.remote_id.clone(), row.remote_customer.clone());
        let request = format!("payment {:?} {body}", row.remote_id);
        let asked = RemoteChange::begin(call, key, &request).await?;
        // The same payment may have been under way until now.
        let mut session = call.engine.store().await?.read().await?;
        if let Some(answer) = self.repeated(&mut session, &new, &row, call).await? {
            asked.let_go().await;
            return Ok(answer);
        }
        drop(session);
        let paying = call.engine.billing.pay(names, (body, asked.key()), amount, call.now);
        let said = match asked.wait(paying).await {
            Ok(Changed::Made(said)) => said,
            Ok(Changed::Absent) => {
                asked.absent(Upstream::Billing).await?;
                return Err(invoice_not_found(self.invoice_id).into());
            }
            Ok(Changed::Conflict(objection)) if objection.is_about_the_key() => {
                return Err(asked.key_conflict(Upstream::Billing).await.into());
            }
            Ok(Changed::Conflict(objection)) => {
                asked.refused().await;
                let known = Known::ask((Self::NAME, call), self.invoice_id).await?;
                // What is in the way may be this payment, of which nobody heard that it was recorded.
                if asked.is_again() {
                    let mut session = call.engine.store().await?.read().await?;
                    if let Some(answer) = self.repeated(&mut session, &new, &row, call).await? {
                        return Ok(answer);
                    }
                }
                refuse_status(&known.row.invoice)?;
                return Err(refuse_remotely(amount, &known.row.invoice, &objection).into());
            }
            Err(error) => return Err(asked.failed(Upstream::Billing, error).await),
        };
        let kept = self.keep(said, &row, call).await;
        // What a payment is a repetition of is not left to the clock of the service.
        asked.let_go().await;
        kept.map_err(|error| remote::not_kept_here(Self::NAME, &error))
    }

    /// The reply, where this payment was recorded a moment ago.
    async fn repeated(
        &self,
        session: &mut Session,
        new: &NewPayment,
        row: &RemoteInvoiceRow,
        call: &Call<'_>,
    ) -> Result<Option<Answer<Paid>>, ToolError> {
        if self.idempotency_key.is_some() {
            return Ok(None);
        }
        let since = call.now.plus_seconds(-REPEATED_WITHIN_SECONDS);
        let Some(earlier) = session.like_remote_payment(new, since).await? else {
            return Ok(None);
        };
        let row = session.remote_invoice(row.invoice.id, &today(call)).await?;
        let invoice = row.ok_or(sqlx::Error::RowNotFound)?.invoice;
        let amount = Money { minor: new.amount_minor, currency: invoice.amount.currency };
        let message = format!("{} were recorded already. {}", amount.spoken(), rest(&invoice));
        Ok(Some(Answer::repeated(message, paid(earlier, invoice, call))))
    }

    /// Keeps a payment that the billing service recorded, and the invoice with it.
    async fn keep(
        &self,
        said: billing::Paid,
        row: &RemoteInvoiceRow,
        call: &Call<'_>,
    ) -> Result<Answer<Paid>, ToolError> {
        let key = self.idempotency_key.as_deref();
        let mut write = match Write::begin(call, Self::NAME, key).await? {
            Begun::Replayed(envelope) => return Ok(Answer::Kept(envelope)),
            Begun::Fresh(write) => write,
        };
        let present = write.session.remote_invoice(row.invoice.id, &today(call)).await?;
        let present = present.unwrap_or_else(|| row.clone());
        let (id, remote_id) = (present.invoice.id, said.payment.remote_id.clone());
        let is_known = write.session.has_remote_payment(id, &remote_id).await?;
        let mut invoice = said.invoice.unwrap_or_else(|| with_payment(&present, &said.payment));
        let payments = invoice.payments.get_or_insert_default();
        if payments.iter().all(|payment| payment.remote_id != remote_id) {
            payments.push(said.payment);
        }
        let customer =
            RemoteCustomer { id: present.invoice.customer_id, name: &present.remote_customer };
        write.session.keep_invoices(customer, &[invoice], call.now).await?;
        let payment = write.session.remote_payment(id, &remote_id).await?;
        let row = write.session.remote_invoice(id, &today(call)).await?;
        let invoice = row.ok_or(sqlx::Error::RowNotFound)?.invoice;
        let amount = Money { minor: payment.amount_minor, currency: invoice.amount.currency };
        if is_known && key.is_none() {
            let message = format!("{} were recorded already. {}", amount.spoken(), rest(&invoice));
            return write.finish(Answer::repeated(message, paid(payment, invoice, call))).await;
        }
        let message = format!("{} are recorded. {}", amount.spoken(), rest(&invoice));
        write.finish(Answer::new(message, paid(payment, invoice, call))).await
    }
}

/// The invoice as known with one payment more, where the billing service told of the payment alone.
fn with_payment(known: &RemoteInvoiceRow, payment: &RemotePayment) -> RemoteInvoice {
    let invoice = &known.invoice;
    let status = match invoice.status {
        Status::Draft | Status::Void => invoice.status,
        Status::Pending | Status::Paid | Status::Overdue => Status::Pending,
    };
    let paid = invoice.paid.minor.saturating_add(payment.amount.minor);
    RemoteInvoice {
        remote_id: known.remote_id.clone(),
        amount: invoice.amount,
        paid: Money { minor: paid.min(invoice.amount.minor), ..invoice.paid },
        status,
        due_date: invoice.due_date.clone(),
        created_at: Some(invoice.created_at),
        line_items: invoice.line_items.clone(),
        payments: None,
    }
}

fn paid(payment: Payment, invoice: Invoice, call: &Call<'_>) -> Paid {
    Paid {
        payment: payment_view(payment, invoice.amount.currency, call),
        invoice: view(invoice, call),
    }
}

/// What is left of an invoice, to say aloud.
fn rest(invoice: &Invoice) -> String {
    match due(invoice) {
        Money { minor: 0, .. } => format!("Invoice {} is paid.", invoice.id),
        due => format!("{} of invoice {} remain to be paid.", due.spoken(), invoice.id),
    }
}

/// Nothing is paid on what is not to be paid.
fn refuse_status(invoice: &Invoice) -> Result<(), Refusal> {
    match invoice.status {
        Status::Pending | Status::Paid | Status::Overdue => Ok(()),
        Status::Draft | Status::Void => Err(refuse(
            "invoice_id",
            format!("{} is a {} invoice and takes no payment", invoice.id, invoice.status),
        )
        .hint("get_invoices with status pending or overdue lists what is to be paid.")
        .data(json!({"status": invoice.status}))),
    }
}

/// The refusal of a payment by the billing service: as too much where our own knowledge or its word says
/// so.
fn refuse_remotely(amount: Money, invoice: &Invoice, objection: &Objection) -> Refusal {
    if amount > due(invoice) {
        return overpayment(amount, invoice);
    }
    if !objection.is_overpayment() {
        return Refusal::new(
            Code::UpstreamError,
            "The billing system did not accept that payment; nothing was changed.",
            "the billing service refuses the payment: something there is in the way of it",
        )
        .hint("Tell the shop; the amount is not more than what is due.");
    }
    Refusal::new(
        Code::Overpayment,
        "The billing system says that this is more than is due.",
        format!("amount is {}, and the billing service calls it too much", amount.spoken()),
    )
    .hint("get_invoice says what is due; tell the shop if that is not less.")
    .data(json!({"invoice_id": invoice.id, "status": invoice.status}))
}

fn overpayment(amount: Money, invoice: &Invoice) -> Refusal {
    let due = due(invoice);
    let message = if due.minor == 0 {
        "That invoice is paid; nothing is due.".to_owned()
    } else {
        format!("That is more than the {} that is due.", due.spoken())
    };
    let error = format!(
        "amount is {}, and {} is due on invoice {}",
        amount.spoken(),
        due.spoken(),
        invoice.id
    );
    Refusal::new(Code::Overpayment, message, error)
        .hint("Record at most data.amount_due; what the customer pays beyond it is not this invoice's.")
        .data(json!({
            "invoice_id": invoice.id,
            "amount_due": due,
            "currency": due.currency.code(),
            "status": invoice.status,
        }))
}
