//! A fake of the shop's CRM, with customers and tickets of its own.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

use crate::fake_api::{Answer, FakeApi, KEY, Seen};
use crate::shop::{Database, Shop};

/// A running CRM.
pub struct Crm {
    /// The requests that it answers, and how it fails.
    pub api: FakeApi,
    records: Arc<Mutex<Records>>,
}

#[derive(Default)]
struct Records {
    customers: BTreeMap<String, Value>,
    tickets: BTreeMap<String, Vec<Value>>,
    /// What it answers instead.
    instead: Option<Answer>,
}

impl Crm {
    /// A CRM with the customer C-1, Ann Lee.
    pub async fn start() -> Self {
        let records = Arc::new(Mutex::new(Records::default()));
        let own = Arc::clone(&records);
        let api = FakeApi::start(move |seen| own.lock().unwrap().answer(seen)).await;
        let crm = Self { api, records };
        crm.put("C-1", ann());
        crm
    }

    /// A shop whose servers ask it, and give up after a second.
    pub async fn shop(&self, database: Database) -> Shop {
        Shop::open(database)
            .await
            .with_env("CRM_API_ENDPOINT", self.api.url())
            .with_env("CRM_API_KEY", KEY)
            .with_env("CRM_TIMEOUT", "1")
            .with_env("CRM_MAX_RETRIES", "1")
    }

    /// Has this record under this id from now on.
    pub fn put(&self, id: &str, customer: Value) {
        self.records.lock().unwrap().customers.insert(id.to_owned(), customer);
    }

    /// Forgets a customer.
    pub fn remove(&self, id: &str) {
        self.records.lock().unwrap().customers.remove(id);
    }

    /// What it has under this id.
    pub fn customer(&self, id: &str) -> Value {
        self.records.lock().unwrap().customers[id].clone()
    }

    /// Has these tickets of a customer from now on, newest first.
    pub fn put_tickets(&self, id: &str, tickets: &[Value]) {
        self.records.lock().unwrap().tickets.insert(id.to_owned(), tickets.to_vec());
    }

    /// Answers everything with this from now on.
    pub fn answer(&self, status: u16, body: Value) {
        self.records.lock().unwrap().instead = Some((status, body));
    }
}

impl Records {
    fn answer(&mut self, seen: &Seen) -> Answer {
        if let Some(answer) = &self.instead {
            return answer.clone();
        }
        let path = seen.path.strip_prefix("/api/v1/").expect("below the endpoint");
        let nobody = (404, json!({"error": "not found"}));
        match (seen.method.as_str(), path.split('/').collect::<Vec<_>>().as_slice()) {
            ("GET", ["health"]) => (200, json!({"status": "ok"})),
            ("GET", ["customers", "by-email", email]) => {
                let has_it = |customer: &&Value| {
                    let own = customer["email"].as_str().unwrap_or_default();
                    own.eq_ignore_ascii_case(&email.replace("%40", "@"))
                };
                let found = self.customers.values().find(has_it);
                found.map_or(nobody, |customer| (200, customer.clone()))
            }
            ("GET", ["customers", id]) => {
                self.customers.get(*id).map_or(nobody, |customer| (200, customer.clone()))
            }
            ("GET", ["customers", id, "tickets"]) if self.customers.contains_key(*id) => {
                (200, self.list(id, seen))
            }
            ("PATCH", ["customers", id]) => {
                let Some(customer) = self.customers.get_mut(*id) else { return nobody };
                for (field, value) in seen.body.as_object().expect("an object") {
                    customer[field] = value.clone();
                }
                (
                    200,
                    json!({"customer_id": id, "updated_at": "2026-01-01T00:00:00Z", "success": true}),
                )
            }
            _ => nobody,
        }
    }

    fn list(&self, id: &str, seen: &Seen) -> Value {
        let limit: usize = seen.query["limit"].parse().unwrap();
        let status = seen.query.get("status");
        let tickets = self.tickets.get(id).cloned().unwrap_or_default();
        let matching: Vec<Value> = tickets
            .into_iter()
            .filter(|ticket| status.is_none_or(|status| ticket["status"] == status.as_str()))
            .collect();
        let total = matching.len();
        let shown: Vec<Value> = matching.into_iter().take(limit).collect();
        json!({"tickets": shown, "total": total})
    }
}

/// A customer as the CRM of the tests describes one.
pub fn ann() -> Value {
    json!({
        "id": "C-1", "email": "ann@example.com", "name": "Ann Lee", "phone": "(202) 555-0188",
        "status": "active", "tier": "premium", "created_at": "2023-01-15T10:00:00Z",
        "last_contact": "2024-01-10T14:30:00Z", "lifetime_value": 15000.50, "open_tickets": 2,
        "satisfaction_score": 4.5, "preferences": {"language": "en"},
    })
}

/// A ticket as the CRM of the tests lists one, opened on that day of January 2024.
pub fn ticket(id: &str, status: &str, day: u32) -> Value {
    json!({
        "id": id, "status": status, "priority": "high", "subject": format!("Matter {id}"),
        "created_at": format!("2024-01-{day:02}T09:00:00Z"), "category": "billing",
    })
}
