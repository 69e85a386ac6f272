//! The shop's inventory behind a REST API (`docs/openapi/inventory.yaml`).

use reqwest::Method;
use serde_json::Value;

use super::change::{ABSENT, Changed, change};
use super::crm::malformed;
use super::http::{Answer, Http, Request};
use super::{Upstream, UpstreamError};
use crate::config::RemoteApi;
use crate::domain::remote::product::{Asked, RemoteProduct, RemoteProducts};
use crate::domain::remote::{Context, Warnings};

/// A client of the shop's inventory.
#[derive(Debug)]
pub struct InventoryClient {
    http: Http,
}

/// Which products are looked for, and how many at most.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct Search {
    /// Words of name or SKU.
    pub query: Option<String>,
    /// The kind of product.
    pub category: Option<String>,
    /// Whether there are some.
    pub in_stock: Option<bool>,
    /// How many at most.
    pub limit: i64,
    /// What leads to the next ones.
    pub cursor: Option<String>,
}

impl InventoryClient {
    /// A client of the inventory in the settings; `None` where there is none.
    pub fn of(api: &RemoteApi) -> Option<Self> {
        Some(Self { http: Http::of_api(Upstream::Inventory, api)? })
    }

    /// What it says of a product; `None` where it has none.
    ///
    /// # Errors
    /// Where it gives no usable answer.
    pub async fn product(
        &self,
        asked: Asked<'_>,
        context: Context<'_>,
    ) -> Result<Option<(RemoteProduct, Warnings)>, UpstreamError> {
        let request = match asked {
            Asked::Id(id) => Request::get(["products", id]),
            Asked::Sku(sku) => Request::get(["products", "by-sku", sku]),
        };
        let read = |answer: &Answer| {
            if ABSENT.contains(&answer.status()) {
                return Ok(None);
            }
            let answer = answer.json::<Value>()?;
            RemoteProduct::read(&answer, Some(asked), context).map_err(malformed)
        };
        self.http.call(&request.accepting(&ABSENT), read).await
    }

    /// The products that it finds.
    ///
    /// # Errors
    /// Where it gives no usable answer.
    pub async fn search(
        &self,
        search: &Search,
        context: Context<'_>,
    ) -> Result<RemoteProducts, UpstreamError> {
        let mut request = Request::get(["products"]).query("limit", search.limit);
        for (name, text) in
            [("query", &search.query), ("category", &search.category), ("cursor", &search.cursor)]
        {
            if let Some(text) = text {
                request = request.query(name, text);
            }
        }
        if let Some(in_stock) = search.in_stock {
            request = request.query("in_stock", in_stock);
        }
        let read = |answer: &Answer| {
            RemoteProducts::read(&answer.json::<Value>()?, context).map_err(malformed)
        };
        self.http.call(&request, read).await
    }

    /// Puts a product on file, once for this key.
    ///
    /// # Errors
    /// Where it was not made, or nobody knows whether it was.
    pub async fn create(
        &self,
        product: &Value,
        key: &str,
        context: Context<'_>,
    ) -> Result<Changed<RemoteProduct>, UpstreamError> {
        let request = Request::new(Method::POST, ["products"]).json(product).idempotency_key(key);
        self.change(request, None, context).await
    }

    /// Changes a product's stock, once for this key.
    ///
    /// # Errors
    /// Where it was not made, or nobody knows whether it was.
    pub async fn adjust(
        &self,
        id: &str,
        adjustment: &Value,
        key: &str,
        context: Context<'_>,
    ) -> Result<Changed<RemoteProduct>, UpstreamError> {
        let request = Request::new(Method::POST, ["products", id, "adjustments"])
            .json(adjustment)
            .idempotency_key(key);
        self.change(request, Some(Asked::Id(id)), context).await
    }

    async fn change(
        &self,
        request: Request,
        asked: Option<Asked<'_>>,
        context: Context<'_>,
    ) -> Result<Changed<RemoteProduct>, UpstreamError> {
        let read = |answer: &Value| {
            let product = RemoteProduct::read(answer, asked, context).map_err(malformed)?;
            Ok(product.map(|(product, _)| Changed::Made(product)))
        };
        change(&self.http, request, read).await
    }
}
