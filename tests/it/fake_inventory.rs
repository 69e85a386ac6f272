//! A fake of the shop's inventory, with products of its own.

use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

use crate::fake_api::{Answer, FakeApi, KEY, Seen};
use crate::fake_changes::Changes;
use crate::shop::{Database, Shop};

/// A running inventory.
pub struct Inventory {
    /// The requests that it answers, and how it fails.
    pub api: FakeApi,
    records: Arc<Mutex<Records>>,
}

#[derive(Default)]
struct Records {
    products: Vec<Value>,
    changes: Changes,
}

impl Inventory {
    /// An inventory with the oil filter OF-1, which is P-1.
    pub async fn start() -> Self {
        let records = Arc::new(Mutex::new(Records::default()));
        let own = Arc::clone(&records);
        let api = FakeApi::start(move |seen| own.lock().unwrap().answer(seen)).await;
        let inventory = Self { api, records };
        inventory.put(filter());
        inventory
    }

    /// A shop whose servers ask it, and give up after a second.
    pub async fn shop(&self, database: Database) -> Shop {
        Shop::open(database)
            .await
            .with_env("INVENTORY_API_ENDPOINT", self.api.url())
            .with_env("INVENTORY_API_KEY", KEY)
            .with_env("INVENTORY_TIMEOUT", "1")
            .with_env("INVENTORY_MAX_RETRIES", "2")
    }

    /// Has this product from now on, instead of one with the same id.
    pub fn put(&self, product: Value) {
        let mut records = self.records.lock().unwrap();
        records.products.retain(|other| other["product_id"] != product["product_id"]);
        records.products.push(product);
    }

    /// Has no products from now on.
    pub fn clear(&self) {
        self.records.lock().unwrap().products.clear();
    }

    /// What it has under this id.
    pub fn product(&self, id: &str) -> Value {
        let records = self.records.lock().unwrap();
        records.products.iter().find(|product| product["product_id"] == id).unwrap().clone()
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
        let found = |product: Option<&Value>| match product {
            Some(product) => (200, product.clone()),
            None => (404, json!({"error": "not found"})),
        };
        match (seen.method.as_str(), parts.as_slice()) {
            ("GET", ["health"]) => (200, json!({})),
            ("GET", ["products"]) => (200, self.list(seen)),
            ("GET", ["products", "by-sku", sku]) => {
                let has_it =
                    |product: &&Value| product["sku"].as_str().unwrap().eq_ignore_ascii_case(sku);
                found(self.products.iter().find(has_it))
            }
            ("GET", ["products", id]) => {
                found(self.products.iter().find(|product| product["product_id"] == *id))
            }
            ("POST", _) => {
                let Self { products, changes } = self;
                changes.answer(seen, || change(products, &parts, &seen.body))
            }
            _ => (404, Value::Null),
        }
    }

    fn list(&self, seen: &Seen) -> Value {
        let limit: usize = seen.query["limit"].parse().unwrap();
        let start: usize = seen.query.get("cursor").map_or(0, |cursor| cursor.parse().unwrap());
        let query = seen.query.get("query").map(|query| query.to_lowercase());
        let matching: Vec<&Value> = self
            .products
            .iter()
            .filter(|product| {
                let name = product["name"].as_str().unwrap().to_lowercase();
                query.as_ref().is_none_or(|query| name.contains(query))
            })
            .collect();
        let shown: Vec<&Value> = matching.iter().skip(start).take(limit).copied().collect();
        let mut answer = json!({"products": shown});
        if matching.len() > start + limit {
            answer["next_cursor"] = json!((start + limit).to_string());
        }
        answer
    }
}

/// Makes a change.
fn change(products: &mut Vec<Value>, parts: &[&str], body: &Value) -> Answer {
    match parts {
        ["products"] => {
            if products.iter().any(|product| product["sku"] == body["sku"]) {
                return (409, json!({"error": "the SKU is taken"}));
            }
            let mut product = body.clone();
            product["product_id"] = json!(format!("P-{}", products.len() + 1));
            products.push(product.clone());
            (201, product)
        }
        ["products", id, "adjustments"] => {
            let is_it = |product: &&mut Value| product["product_id"] == *id;
            let Some(product) = products.iter_mut().find(is_it) else {
                return (404, Value::Null);
            };
            let stock =
                product["stock_quantity"].as_i64().unwrap() + body["delta"].as_i64().unwrap();
            if stock < 0 {
                return (409, json!({"error": "not so many"}));
            }
            product["stock_quantity"] = json!(stock);
            (200, json!({"product": product}))
        }
        _ => (404, Value::Null),
    }
}

/// A product as the inventory of the tests describes one.
pub fn filter() -> Value {
    product("P-1", "OF-1", "Oil Filter", 7)
}

/// A product with a price of 12.95.
pub fn product(id: &str, sku: &str, name: &str, stock: i64) -> Value {
    json!({
        "product_id": id, "sku": sku, "name": name, "price": 12.95, "currency": "USD",
        "stock_quantity": stock, "available": stock > 0, "category": "filters",
    })
}
