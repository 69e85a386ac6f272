//! Products as callers see them; the tools that find them and change what is in stock.

pub mod creating;
pub mod moving;
mod remote;
pub mod searching;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use self::remote::Known;
use super::arguments::refuse;
use super::staleness::Staleness;
use super::{Answer, Call, Effect, Tool};
use crate::clients::Upstream;
use crate::config::Toolset;
use crate::domain::id::ProductId;
use crate::domain::money::Money;
use crate::domain::text;
use crate::error::{Code, Refusal, ToolError};
use crate::store::{self, Session};

/// A product as callers see one.
#[derive(Debug, JsonSchema, Serialize)]
pub struct ProductView {
    /// The product's number.
    product_id: ProductId,
    /// The shop's own code for it.
    sku: String,
    /// Its name.
    name: String,
    /// The price of one.
    #[schemars(with = "f64")]
    price: Money,
    /// The price's currency, ISO 4217.
    currency: &'static str,
    /// How many are there.
    stock_quantity: i64,
    /// Whether there are some.
    available: bool,
    /// The kind of product.
    #[serde(skip_serializing_if = "Option::is_none")]
    category: Option<String>,
}

/// One product.
#[derive(Debug, JsonSchema, Serialize)]
pub struct One {
    /// The product.
    product: ProductView,
    /// Whether it is the last known state, where the shop's inventory does not answer.
    #[serde(flatten)]
    staleness: Staleness,
    /// What of the inventory's word could not be used, in sentences; the list of tools has no room for it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(skip)]
    warnings: Vec<String>,
}

impl One {
    /// A product as it is now.
    fn now(product: store::Product) -> Self {
        Self { product: view(product), staleness: Staleness::default(), warnings: Vec::new() }
    }
}

/// A product as callers see it.
fn view(product: store::Product) -> ProductView {
    ProductView {
        product_id: product.id,
        sku: product.sku,
        name: product.name,
        currency: product.price.currency.code(),
        price: product.price,
        stock_quantity: product.stock_quantity,
        available: product.stock_quantity > 0,
        category: product.category,
    }
}

/// How many of a product are there, to say aloud.
fn tell(product: &store::Product) -> String {
    match product.stock_quantity {
        0 => format!("{} is out of stock.", product.name),
        count => format!("{count} of {} are in stock.", product.name),
    }
}

/// Which product is meant.
enum Which {
    Id(ProductId),
    Sku(String),
}

impl Which {
    /// Reads the one of the two arguments that was given.
    fn read(product_id: Option<ProductId>, sku: Option<&str>) -> Result<Self, Refusal> {
        match (product_id, sku) {
            (Some(id), None) => Ok(Self::Id(id)),
            (None, Some(sku)) => {
                text::name(sku).map(Self::Sku).map_err(|wrong| refuse("sku", wrong))
            }
            (None, None) => Err(refuse("product_id", "or sku is required")),
            (Some(_), Some(_)) => Err(refuse("product_id", "and sku cannot be given together")),
        }
    }

    /// The product that is meant.
    async fn find(&self, session: &mut Session) -> Result<store::Product, ToolError> {
        self.find_any(session).await?.ok_or_else(|| self.not_found().into())
    }

    /// The same, where there is one.
    async fn find_any(&self, session: &mut Session) -> sqlx::Result<Option<store::Product>> {
        match self {
            Self::Id(id) => session.product(*id).await,
            Self::Sku(sku) => session.product_by_sku(sku).await,
        }
    }

    fn not_found(&self) -> Refusal {
        let error = match self {
            Self::Id(id) => format!("there is no product {id}"),
            Self::Sku(sku) => format!("there is no product with the SKU {sku}"),
        };
        Refusal::new(Code::ProductNotFound, "I cannot find that product.", error)
            .hint("Find the product with search_products and use the id that it returns.")
    }
}

/// The arguments of `check_stock`.
#[derive(Debug, Deserialize, JsonSchema)]
pub struct CheckStock {
    /// This or sku.
    product_id: Option<ProductId>,
    /// This or product_id.
    #[schemars(length(min = 1, max = 200))]
    sku: Option<String>,
}

/// What is in stock of a product.
#[derive(Debug, JsonSchema, Serialize)]
pub struct Stock {
    /// The product's number.
    product_id: ProductId,
    /// The shop's own code for it.
    sku: String,
    /// Its name.
    name: String,
    /// How many are there.
    stock_quantity: i64,
    /// Whether there are some.
    available: bool,
    /// Whether it is the last known state, where the shop's inventory does not answer.
    #[serde(flatten)]
    staleness: Staleness,
    /// What of the inventory's word could not be used, in sentences; the list of tools has no room for it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(skip)]
    warnings: Vec<String>,
}

impl Tool for CheckStock {
    const NAME: &'static str = "check_stock";
    const TITLE: &'static str = "Check a product's stock";
    const DESCRIPTION: &'static str = "How many of a product are in stock.";
    const TOOLSET: Toolset = Toolset::Inventory;
    const EFFECT: Effect = Effect::Reads;
    const ASKS: Option<Upstream> = Some(Upstream::Inventory);
    type Data = Stock;

    async fn run(self, call: &Call<'_>) -> Result<Answer<Stock>, ToolError> {
        let which = Which::read(self.product_id, self.sku.as_deref())?;
        let known = which.look_up(Self::NAME, call).await?;
        let message = known.tell(tell(&known.product));
        let store::Product { id, sku, name, stock_quantity, .. } = known.product;
        let stock = Stock {
            product_id: id,
            sku,
            name,
            stock_quantity,
            available: stock_quantity > 0,
            staleness: known.staleness,
            warnings: known.warnings,
        };
        Ok(Answer::new(message, stock))
    }
}

/// The arguments of `get_product`.
#[derive(Debug, Deserialize, JsonSchema)]
pub struct GetProduct {
    /// This or sku.
    product_id: Option<ProductId>,
    /// This or product_id.
    #[schemars(length(min = 1, max = 200))]
    sku: Option<String>,
}

impl Tool for GetProduct {
    const NAME: &'static str = "get_product";
    const TITLE: &'static str = "Get a product";
    const DESCRIPTION: &'static str = "A product's name, price, category and stock.";
    const TOOLSET: Toolset = Toolset::Inventory;
    const EFFECT: Effect = Effect::Reads;
    const ASKS: Option<Upstream> = Some(Upstream::Inventory);
    type Data = One;

    async fn run(self, call: &Call<'_>) -> Result<Answer<One>, ToolError> {
        let which = Which::read(self.product_id, self.sku.as_deref())?;
        let known = which.look_up(Self::NAME, call).await?;
        let product = &known.product;
        let message =
            format!("{} costs {}. {}", product.name, product.price.spoken(), tell(product));
        let message = known.tell(message);
        let Known { product, staleness, warnings, .. } = known;
        Ok(Answer::new(message, One { product: view(product), staleness, warnings }))
    }
}
