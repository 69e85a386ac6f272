//! Putting a product on file.

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Number, json};

use super::remote::{Outcome, ProductChange, refused};
use super::{One, Which, tell};
use crate::cache::inventory::Change;
use crate::clients::Upstream;
use crate::config::Toolset;
use crate::domain::money::MAX_PRICE_MINOR;
use crate::domain::text;
use crate::error::{Code, Refusal, ToolError};
use crate::store::{NewProduct, Product, Session, is_refused};
use crate::tools::arguments::refuse;
use crate::tools::billing::read_money;
use crate::tools::customers::optional;
use crate::tools::write::{Begun, Write};
use crate::tools::{Answer, Call, Effect, Tool};

/// The arguments of `create_product`.
#[derive(Debug, Deserialize, JsonSchema)]
pub struct CreateProduct {
    /// The shop's own code.
    #[schemars(length(min = 1, max = 200))]
    sku: String,
    /// What it is called.
    #[schemars(length(min = 1, max = 200))]
    name: String,
    /// Of one, in the shop's currency.
    price: Number,
    /// Default 0.
    #[schemars(range(min = 0, max = 1_000_000_000))]
    stock_quantity: Option<i64>,
    /// Such as filters.
    #[schemars(length(max = 200))]
    category: Option<String>,
    /// The same key acts once.
    #[schemars(length(min = 1, max = 200))]
    idempotency_key: Option<String>,
}

impl Tool for CreateProduct {
    const NAME: &'static str = "create_product";
    const TITLE: &'static str = "Create a product";
    const DESCRIPTION: &'static str =
        "Put a product on file. A SKU on file fails as already_exists.";
    const TOOLSET: Toolset = Toolset::Inventory;
    const EFFECT: Effect = Effect::Writes { idempotent: false };
    const ASKS: Option<Upstream> = Some(Upstream::Inventory);
    type Data = One;

    async fn run(self, call: &Call<'_>) -> Result<Answer<One>, ToolError> {
        let new = self.check(call)?;
        if call.engine.inventory.is_on() {
            return self.create_remotely(new, call).await;
        }
        let mut write =
            match Write::begin(call, Self::NAME, self.idempotency_key.as_deref()).await? {
                Begun::Replayed(envelope) => return Ok(Answer::Kept(envelope)),
                Begun::Fresh(write) => write,
            };
        refuse_taken(&mut write.session, &new.sku).await?;
        let product = match write.session.insert_product(&new, call.now).await {
            Ok(product) => product,
            // Another program was faster; its row is visible once this transaction is over.
            Err(error) if is_refused(&error) => {
                drop(write);
                refuse_taken(&mut call.engine.store().await?.read().await?, &new.sku).await?;
                return Err(error.into());
            }
            Err(error) => return Err(error.into()),
        };
        let message = format!("{} is now on file. {}", product.name, tell(&product));
        write.finish(Answer::new(message, One::now(product))).await
    }
}

impl CreateProduct {
    /// Has the inventory put the product on file, and keeps it here.
    async fn create_remotely(
        &self,
        new: NewProduct,
        call: &Call<'_>,
    ) -> Result<Answer<One>, ToolError> {
        let mut body = json!({
            "sku": new.sku,
            "name": new.name,
            "price": new.price,
            "currency": new.price.currency.code(),
            "stock_quantity": new.stock_quantity,
        });
        if let (Some(category), Some(body)) = (&new.category, body.as_object_mut()) {
            body.insert("category".to_owned(), json!(category));
        }
        let key = self.idempotency_key.as_deref();
        let change = Change::Create(body);
        let change = ProductChange { tool: Self::NAME, key, change, reason: "opening stock" };
        match change.make(call).await? {
            Outcome::Replayed(envelope) => Ok(Answer::Kept(envelope)),
            Outcome::Made(write, product) => {
                let message = format!("{} is now on file. {}", product.name, tell(&product));
                write.finish(Answer::new(message, One::now(*product))).await
            }
            Outcome::Conflict(_) => match Which::Sku(new.sku).look_up(Self::NAME, call).await {
                Ok(known) => Err(taken(&known.product).into()),
                Err(ToolError::Refused(refusal)) if refusal.code() == Code::ProductNotFound => {
                    Err(refused("something there is in the way of it").into())
                }
                Err(error) => Err(error),
            },
            Outcome::Absent => Err(refused("it has no place for products").into()),
        }
    }

    fn check(&self, call: &Call<'_>) -> Result<NewProduct, Refusal> {
        let currency = call.engine.shop().currency;
        Ok(NewProduct {
            sku: text::name(&self.sku).map_err(|wrong| refuse("sku", wrong))?,
            name: text::name(&self.name).map_err(|wrong| refuse("name", wrong))?,
            price: read_money("price", &self.price, currency, (0, MAX_PRICE_MINOR))?,
            stock_quantity: self.stock_quantity.unwrap_or_default(),
            category: optional("category", self.category.as_deref(), text::name)?,
        })
    }
}

async fn refuse_taken(session: &mut Session, sku: &str) -> Result<(), ToolError> {
    match session.product_by_sku(sku).await? {
        Some(other) => Err(taken(&other).into()),
        None => Ok(()),
    }
}

/// The refusal of a SKU that another product has.
fn taken(other: &Product) -> Refusal {
    Refusal::new(
        Code::AlreadyExists,
        format!("A product with this SKU is already on file: {}.", other.name),
        format!("sku is that of product {}", other.id),
    )
    .hint("Use that product; adjust_stock changes how many of it are there.")
    .data(json!({"product_id": other.id}))
}
