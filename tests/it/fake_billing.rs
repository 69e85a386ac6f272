//! A fake of the shop's billing service, with invoices of its own.

use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

use crate::fake_api::{Answer, FakeApi, KEY, Seen};
use crate::fake_changes::Changes;
use crate::shop::{Database, Shop};

/// A running billing service.
pub struct Billing {
    /// The requests that it answers, and how it fails.
    pub api: FakeApi,
    records: Arc<Mutex<Records>>,
}

#[derive(Default)]
struct Records {
    /// Newest last.
    invoices: Vec<Value>,
    changes: Changes,
    /// When it says that payments were recorded.
    paid_at: Option<&'static str>,
}

impl Billing {
    /// A billing service without invoices.
    pub async fn start() -> Self {
        let records = Arc::new(Mutex::new(Records::default()));
        let own = Arc::clone(&records);
        let api = FakeApi::start(move |seen| own.lock().unwrap().answer(seen)).await;
        Self { api, records }
    }

    /// A shop whose servers ask it, and give up after a second.
    pub async fn shop(&self, database: Database) -> Shop {
        Shop::open(database)
            .await
            .with_env("BILLING_API_ENDPOINT", self.api.url())
            .with_env("BILLING_API_KEY", KEY)
            .with_env("BILLING_TIMEOUT", "1")
            .with_env("BILLING_MAX_RETRIES", "2")
    }

    /// Has this invoice from now on, instead of one with the same id.
    pub fn put(&self, invoice: Value) {
        let mut records = self.records.lock().unwrap();
        records.invoices.retain(|other| other["invoice_id"] != invoice["invoice_id"]);
        records.invoices.push(invoice);
    }

    /// What it has under this id.
    pub fn invoice(&self, id: &str) -> Value {
        let records = self.records.lock().unwrap();
        records.invoices.iter().find(|invoice| invoice["invoice_id"] == id).unwrap().clone()
    }

    /// Says of each payment from now on that it was recorded then.
    pub fn date_payments(&self, paid_at: &'static str) {
        self.records.lock().unwrap().paid_at = Some(paid_at);
    }

    /// Makes no change and answers this from now on; `None`: makes them again.
    pub fn refuse_changes(&self, refusal: Option<Answer>) {
        self.records.lock().unwrap().changes.refusal = refusal;
    }

    /// Makes the next changes, and answers so many of them with 503.
    pub fn lose_answers(&self, count: usize) {
        self.records.lock().unwrap().changes.lost = count;
    }
}

impl Records {
    fn answer(&mut self, seen: &Seen) -> Answer {
        let path = seen.path.strip_prefix("/api/v1/").expect("below the endpoint");
        let parts: Vec<&str> = path.split('/').collect();
        match (seen.method.as_str(), parts.as_slice()) {
            ("GET", ["customers", customer, "invoices"]) => (200, self.list(customer, seen)),
            ("GET", ["invoices", id]) => {
                let found = self.invoices.iter().find(|invoice| invoice["invoice_id"] == *id);
                found.map_or((404, Value::Null), |invoice| (200, invoice.clone()))
            }
            ("POST", _) => {
                let Self { invoices, changes, paid_at } = self;
                let mut body = seen.body.clone();
                if let Some(paid_at) = paid_at {
                    body["created_at"] = json!(paid_at);
                }
                changes.answer(seen, || change(invoices, &parts, &body))
            }
            _ => (404, Value::Null),
        }
    }

    fn list(&self, customer: &str, seen: &Seen) -> Value {
        let limit: usize = seen.query["limit"].parse().unwrap();
        let status = seen.query.get("status");
        let listed = self.invoices.iter().rev().filter(|invoice| {
            invoice["customer_id"] == customer
                && status.is_none_or(|status| invoice["status"] == status.as_str())
        });
        json!({"invoices": listed.take(limit).collect::<Vec<_>>()})
    }
}

/// Makes a change.
fn change(invoices: &mut Vec<Value>, parts: &[&str], body: &Value) -> Answer {
    match parts {
        ["invoices"] => {
            let mut invoice = body.clone();
            invoice["invoice_id"] = json!(format!("I-{}", invoices.len() + 1));
            invoice["status"] = json!("pending");
            invoice["amount_paid"] = json!(0);
            invoices.push(invoice.clone());
            (201, invoice)
        }
        ["invoices", id, "payments"] => {
            let is_it = |invoice: &&mut Value| invoice["invoice_id"] == *id;
            let Some(invoice) = invoices.iter_mut().find(is_it) else {
                return (404, Value::Null);
            };
            let paid = invoice["amount_paid"].as_f64().unwrap() + body["amount"].as_f64().unwrap();
            if paid > invoice["amount"].as_f64().unwrap() {
                return (409, json!({"error": "more than is due"}));
            }
            invoice["amount_paid"] = json!(paid);
            let mut payment = body.clone();
            let mut payments = invoice["payments"].as_array().cloned().unwrap_or_default();
            payment["payment_id"] = json!(format!("Y-{}", payments.len() + 1));
            payments.push(payment.clone());
            invoice["payments"] = json!(payments);
            (201, json!({"payment": payment, "invoice": invoice}))
        }
        _ => (404, Value::Null),
    }
}

/// A pending invoice of this day of January 2026.
pub fn invoice(id: &str, customer: &str, amount: f64, day: u32) -> Value {
    json!({
        "invoice_id": id, "customer_id": customer, "amount": amount, "amount_paid": 0,
        "currency": "USD", "status": "pending", "created_at": format!("2026-01-{day:02}T12:00:00Z"),
        "line_items": [
            {"description": "Labor", "quantity": 1, "unit_price": amount, "amount": amount},
        ],
    })
}
