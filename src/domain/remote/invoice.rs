//! An invoice as a remote billing service describes one.

use serde_json::Value;

use super::{Context, Fields, Unusable, Warnings, list, read_date};
use crate::domain::invoice::{LineItem, MAX_LINE_ITEMS, Method, Status};
use crate::domain::money::{Currency, MAX_MINOR, MAX_PRICE_MINOR, Money, Quantity};
use crate::domain::text;
use crate::domain::time::Timestamp;

const WRAPPERS: [&str; 5] = ["invoice", "data", "result", "invoices", "results"];
const LISTS: [&str; 5] = ["invoices", "data", "items", "results", "result"];
const ID: [&str; 2] = ["invoice_id", "id"];
/// The most invoices of one answer that are read.
const MAX_INVOICES: usize = 100;
/// The most payments of one invoice that are read.
const MAX_PAYMENTS: usize = 100;

/// What a billing service says of an invoice.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct RemoteInvoice {
    /// The id in the billing service.
    pub remote_id: String,
    /// What it comes to.
    pub amount: Money,
    /// What was paid of it.
    pub paid: Money,
    /// Whether it is a draft, void, or else to be paid; that it is overdue or paid follows.
    pub status: Status,
    /// The day until which it is to be paid.
    pub due_date: Option<String>,
    /// When it was made, where that was said.
    pub created_at: Option<Timestamp>,
    /// What it is for.
    pub line_items: Vec<LineItem>,
    /// The payments on it, where they were told.
    pub payments: Option<Vec<RemotePayment>>,
}

/// What a billing service says of a payment.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct RemotePayment {
    /// The id in the billing service.
    pub remote_id: String,
    /// How much.
    pub amount: Money,
    /// How it was made.
    pub method: Method,
    /// What it is known by.
    pub reference: Option<String>,
    /// When it was recorded, where that was said.
    pub created_at: Option<Timestamp>,
}

/// What a billing service lists of a customer's invoices.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct RemoteInvoices {
    /// The invoices.
    pub invoices: Vec<RemoteInvoice>,
    /// How many entries the list had, those included that were left out.
    pub received: usize,
    /// What was left out.
    pub warnings: Warnings,
}

/// Which invoice was asked for, and whose it has to be.
#[derive(Clone, Copy, Debug)]
pub struct Asked<'a> {
    /// The invoice's id; `None`: the one that was just made.
    pub id: Option<&'a str>,
    /// What the customer is called there.
    pub customer: &'a str,
}

impl RemoteInvoice {
    /// Reads an answer about one invoice; `None` where it says that there is none.
    ///
    /// # Errors
    /// Where it is no invoice with an amount, another one, or another customer's.
    pub fn read(
        answer: &Value,
        asked: Asked<'_>,
        (context, warnings): (Context<'_>, &mut Warnings),
    ) -> Result<Option<Self>, Unusable> {
        let Some(fields) = Fields::find(answer, &WRAPPERS, &ID)? else { return Ok(None) };
        Self::read_fields(fields, asked, (context, warnings)).map(Some)
    }

    fn read_fields(
        fields: Fields<'_>,
        asked: Asked<'_>,
        (context, warnings): (Context<'_>, &mut Warnings),
    ) -> Result<Self, Unusable> {
        let id = fields.text(&ID).and_then(|id| text::name(&id).ok()).ok_or(Unusable::NoId)?;
        let is_another = asked.id.is_some_and(|asked| asked != id)
            || fields.text(&["customer_id"]).is_some_and(|customer| customer != asked.customer);
        if is_another {
            return Err(Unusable::Another);
        }
        let currency = read_currency(fields, context)?;
        let money = |names: &[&str]| {
            let number = fields.number(names)?;
            Money::read(&number, currency, (0, MAX_MINOR)).ok()
        };
        let amount = money(&["amount", "total"]).ok_or(Unusable::NoRecord)?;
        let (status, is_paid) = read_status(fields, context, warnings);
        let due = money(&["amount_due", "balance"]);
        let paid = match (money(&["amount_paid", "paid"]), due, is_paid) {
            (Some(paid), _, _) => paid.minor,
            (None, _, true) => amount.minor,
            // Nothing is due of a draft or a void one, paid or not.
            (None, Some(due), false) if status == Status::Pending => amount.minor - due.minor,
            (None, _, false) => 0,
        };
        if !(0..=amount.minor).contains(&paid) {
            return Err(Unusable::NoRecord);
        }
        let day = |text: &str| {
            let day = read_date(text, context.zone);
            day.map(|day| day.to_string()).ok_or("is no date")
        };
        Ok(Self {
            remote_id: id,
            amount,
            paid: Money { minor: paid, currency },
            status,
            due_date: fields.read(&["due_date", "due"], (context, &mut *warnings), day),
            created_at: fields
                .time(&["created_at", "date", "issued_at"], (context, &mut *warnings)),
            line_items: read_items(fields, currency, context, warnings),
            payments: read_payments(fields, currency, context, warnings),
        })
    }
}

impl RemoteInvoices {
    /// Reads a customer's invoices.
    ///
    /// # Errors
    /// Where it is no list of them, or another customer's.
    pub fn read(answer: &Value, customer: &str, context: Context<'_>) -> Result<Self, Unusable> {
        if let Some(object) = answer.as_object()
            && Fields(object).text(&["customer_id"]).is_some_and(|id| id != customer)
        {
            return Err(Unusable::Another);
        }
        let items = list(answer, &LISTS)?;
        let mut read = Self { received: items.len(), ..Self::default() };
        for item in items.iter().take(MAX_INVOICES) {
            let asked = Asked { id: None, customer };
            let invoice = item.as_object().ok_or(Unusable::NoRecord).and_then(|object| {
                RemoteInvoice::read_fields(Fields(object), asked, (context, &mut read.warnings))
            });
            match invoice {
                Ok(invoice) => {
                    if read.invoices.iter().all(|other| other.remote_id != invoice.remote_id) {
                        read.invoices.push(invoice);
                    }
                }
                Err(unusable) => {
                    let why = format!("has one that cannot be used: {}", unusable.reason());
                    read.warnings.left_out(context, "list of invoices", why);
                }
            }
        }
        if read.invoices.is_empty() && !items.is_empty() {
            return Err(Unusable::NoRecord);
        }
        Ok(read)
    }
}

fn read_currency(fields: Fields<'_>, context: Context<'_>) -> Result<Currency, Unusable> {
    match fields.text(&["currency"]) {
        Some(code) => Currency::from_code(&code.to_ascii_uppercase()).ok_or(Unusable::NoRecord),
        None => Ok(context.currency),
    }
}

/// Where it stands, but for what follows from amounts and dates; whether it is said to be paid.
fn read_status(
    fields: Fields<'_>,
    context: Context<'_>,
    warnings: &mut Warnings,
) -> (Status, bool) {
    let text = fields.text(&["status", "state"]).unwrap_or_default().to_lowercase();
    match text.replace([' ', '-'], "_").as_str() {
        "draft" => (Status::Draft, false),
        "paid" | "settled" => (Status::Pending, true),
        "void" | "voided" | "cancelled" | "canceled" | "uncollectible" => (Status::Void, false),
        "pending" | "open" | "sent" | "unpaid" | "due" | "overdue" | "past_due"
        | "partially_paid" | "" => (Status::Pending, false),
        _ => {
            warnings.left_out(context, "status", "is none that is known");
            (Status::Pending, false)
        }
    }
}

fn read_items(
    fields: Fields<'_>,
    currency: Currency,
    context: Context<'_>,
    warnings: &mut Warnings,
) -> Vec<LineItem> {
    let items = fields.get(&["line_items", "items", "lines"]).and_then(Value::as_array);
    let Some(items) = items else { return Vec::new() };
    let read = |item: &Value| {
        let fields = Fields(item.as_object()?);
        let range = (-MAX_PRICE_MINOR, MAX_PRICE_MINOR);
        let price = fields.number(&["unit_price", "price"]);
        let price = price.and_then(|number| Money::read(&number, currency, range).ok());
        let amount = fields.number(&["amount", "total"]);
        let amount =
            amount.and_then(|number| Money::read(&number, currency, (-MAX_MINOR, MAX_MINOR)).ok());
        let quantity = match fields.number(&["quantity", "qty"]) {
            Some(number) => Quantity::read(&number).ok()?,
            None => Quantity(1_000),
        };
        let unit_price = price.or(amount.filter(|_| quantity.0 == 1_000))?;
        let name = |names: &[&str]| fields.text(names).and_then(|text| text::name(&text).ok());
        Some(LineItem {
            description: name(&["description", "name"])?,
            quantity,
            unit_price,
            amount: amount.unwrap_or_else(|| quantity.times(unit_price)),
            sku: name(&["sku"]),
        })
    };
    let usable: Vec<LineItem> = items.iter().take(MAX_LINE_ITEMS).filter_map(read).collect();
    if usable.len() < items.len() {
        warnings.left_out(context, "list of line items", "has one that cannot be used");
    }
    usable
}

fn read_payments(
    fields: Fields<'_>,
    currency: Currency,
    context: Context<'_>,
    warnings: &mut Warnings,
) -> Option<Vec<RemotePayment>> {
    let payments = fields.get(&["payments"])?.as_array()?;
    let mut usable: Vec<RemotePayment> = Vec::new();
    for payment in payments.iter().take(MAX_PAYMENTS) {
        match RemotePayment::read(payment, currency, context) {
            Some(payment) if usable.iter().all(|other| other.remote_id != payment.remote_id) => {
                usable.push(payment);
            }
            Some(_) => {}
            None => warnings.left_out(context, "list of payments", "has one that cannot be used"),
        }
    }
    Some(usable)
}

impl RemotePayment {
    /// Reads a payment in this currency.
    pub fn read(payment: &Value, currency: Currency, context: Context<'_>) -> Option<Self> {
        let fields = Fields(payment.as_object()?);
        let id = fields.text(&["payment_id", "id"])?;
        let amount = Money::read(&fields.number(&["amount"])?, currency, (1, MAX_MINOR)).ok()?;
        let method =
            match fields.text(&["method", "type"]).unwrap_or_default().to_lowercase().as_str() {
                "cash" => Method::Cash,
                "card" | "credit_card" | "debit_card" => Method::Card,
                "check" | "cheque" => Method::Check,
                "transfer" | "bank_transfer" | "ach" | "wire" => Method::Transfer,
                _ => Method::Other,
            };
        let reference = fields.text(&["reference"]).and_then(|text| text::name(&text).ok());
        let mut unheard = Warnings::default();
        let created_at = fields.time(&["created_at", "date", "paid_at"], (context, &mut unheard));
        Some(Self { remote_id: text::name(&id).ok()?, amount, method, reference, created_at })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const CONTEXT: Context<'_> = Context {
        service: "billing service",
        region: "US",
        currency: Currency::USD,
        zone: chrono_tz::UTC,
        now: Timestamp(1_800_000_000),
    };

    fn read(answer: &Value) -> Result<Option<RemoteInvoice>, Unusable> {
        let asked = Asked { id: Some("I-1"), customer: "C-1" };
        RemoteInvoice::read(answer, asked, (CONTEXT, &mut Warnings::default()))
    }

    fn usd(minor: i64) -> Money {
        Money { minor, currency: Currency::USD }
    }

    #[test]
    fn an_invoice_is_read_in_several_shapes() {
        let answer = json!({
            "invoice_id": "I-1", "customer_id": "C-1", "amount": 149.95, "currency": "USD",
            "status": "pending", "due_date": "2026-12-24", "created_at": "2026-01-02T03:04:05Z",
            "amount_paid": 50, "line_items": [
                {"description": "Labor", "quantity": 1.5, "unit_price": 80, "amount": 120},
                {"name": "Filter", "price": "29.95", "sku": "OF-1"},
            ],
            "payments": [{"id": 5, "amount": 50, "method": "credit_card"}],
        });
        let invoice = read(&json!({"data": {"invoice": answer}})).unwrap().unwrap();
        assert_eq!((invoice.amount, invoice.paid), (usd(14_995), usd(5_000)));
        assert_eq!(invoice.status, Status::Pending);
        assert_eq!(invoice.due_date.as_deref(), Some("2026-12-24"));
        let [labor, filter] = invoice.line_items.as_slice() else { panic!("{invoice:?}") };
        assert_eq!((labor.quantity, labor.amount), (Quantity(1_500), usd(12_000)));
        assert_eq!((filter.quantity, filter.amount), (Quantity(1_000), usd(2_995)));
        let payments = invoice.payments.unwrap();
        assert_eq!((payments[0].remote_id.as_str(), payments[0].method), ("5", Method::Card));
    }

    #[test]
    fn what_is_paid_is_told_in_several_ways() {
        let paid = |fields: Value| {
            let mut answer = json!({"id": "I-1", "total": "100.00"});
            for (name, value) in fields.as_object().unwrap() {
                answer[name] = value.clone();
            }
            read(&answer).map(|invoice| invoice.unwrap().paid.minor)
        };
        assert_eq!(paid(json!({})), Ok(0));
        assert_eq!(paid(json!({"status": "paid"})), Ok(10_000));
        assert_eq!(paid(json!({"balance": 25.5})), Ok(7_450));
        assert_eq!(paid(json!({"status": "void", "amount_due": 0})), Ok(0));
        assert_eq!(paid(json!({"amount_paid": 100.01})), Err(Unusable::NoRecord));
        assert_eq!(paid(json!({"amount_due": 101})), Err(Unusable::NoRecord));
    }

    #[test]
    fn another_invoice_or_customer_is_refused() {
        let answer = |id, customer| json!({"id": id, "customer_id": customer, "amount": 1});
        assert!(read(&answer("I-1", "C-1")).is_ok());
        assert_eq!(read(&answer("I-2", "C-1")), Err(Unusable::Another));
        assert_eq!(read(&answer("I-1", "C-2")), Err(Unusable::Another));
        assert_eq!(read(&json!({"id": "I-1"})), Err(Unusable::NoRecord));
        assert_eq!(read(&json!({"id": "I-1", "amount": 1.005})), Err(Unusable::NoRecord));
    }

    #[test]
    fn of_a_list_what_can_be_used_is_read() {
        let answer = json!({"invoices": [
            {"id": 1, "amount": 5}, {"id": 2}, {"id": 1, "amount": 5},
            {"id": 3, "amount": 5, "customer_id": "C-2"},
        ]});
        let listed = RemoteInvoices::read(&answer, "C-1", CONTEXT).unwrap();
        assert_eq!((listed.invoices.len(), listed.received), (1, 4));
        assert_eq!(listed.warnings.into_sentences().len(), 2);
        let nonsense = json!({"invoices": [{"x": 1}]});
        assert_eq!(RemoteInvoices::read(&nonsense, "C-1", CONTEXT), Err(Unusable::NoRecord));
    }
}
