//! Changing what is in stock.

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::json;

use super::remote::{Outcome, ProductChange, refused};
use super::{One, Which, tell};
use crate::cache::inventory::Change;
use crate::clients::Upstream;
use crate::config::Toolset;
use crate::domain::id::ProductId;
use crate::domain::remote::objection::Objection;
use crate::domain::text;
use crate::error::{Code, Refusal, ToolError};
use crate::store::{MAX_STOCK, Product};
use crate::tools::arguments::refuse;
use crate::tools::write::{Begun, Write};
use crate::tools::{Answer, Call, Effect, Tool};

/// The arguments of `adjust_stock`.
#[derive(Debug, Deserialize, JsonSchema)]
pub struct AdjustStock {
    /// This or sku.
    product_id: Option<ProductId>,
    /// This or product_id.
    #[schemars(length(min = 1, max = 200))]
    sku: Option<String>,
    /// What comes in; negative: goes out.
    #[schemars(range(min = -1_000_000_000, max = 1_000_000_000))]
    delta: i64,
    /// Such as used on appointment 42.
    #[schemars(length(min = 1, max = 200))]
    reason: String,
    /// The same key acts once.
    #[schemars(length(min = 1, max = 200))]
    idempotency_key: Option<String>,
}

impl Tool for AdjustStock {
    const NAME: &'static str = "adjust_stock";
    const TITLE: &'static str = "Adjust a product's stock";
    const DESCRIPTION: &'static str = "Put stock in or take it out; the reason is kept. Below zero fails as insufficient_stock. Give an idempotency_key: a repeated call then counts once.";
    const TOOLSET: Toolset = Toolset::Inventory;
    const EFFECT: Effect = Effect::Writes { idempotent: false };
    const ASKS: Option<Upstream> = Some(Upstream::Inventory);
    type Data = One;

    async fn run(self, call: &Call<'_>) -> Result<Answer<One>, ToolError> {
        let which = Which::read(self.product_id, self.sku.as_deref())?;
        let reason = text::name(&self.reason).map_err(|wrong| refuse("reason", wrong))?;
        if self.delta == 0 {
            return Err(refuse("delta", "must not be 0").into());
        }
        if call.engine.inventory.is_on() {
            let store = call.engine.store().await?;
            let known = which.find_any(&mut store.read().await?).await?;
            let known = match known.filter(|product| product.remote_id.is_some()) {
                Some(product) => product,
                None => which.look_up(Self::NAME, call).await?.product,
            };
            // What the inventory never told of is the shop's own.
            if let Some(remote_id) = known.remote_id.clone() {
                return self.adjust_remotely(&remote_id, &known, &reason, call).await;
            }
        }
        let mut write =
            match Write::begin(call, Self::NAME, self.idempotency_key.as_deref()).await? {
                Begun::Replayed(envelope) => return Ok(Answer::Kept(envelope)),
                Begun::Fresh(write) => write,
            };
        let product = which.find(&mut write.session).await?;
        // The statement itself looks at what is there now, so that nobody comes in between.
        let moved = write.session.move_stock(product.id, self.delta, &reason, call.now).await?;
        let Some(product) = moved else {
            let present = which.find(&mut write.session).await?;
            return Err(refuse_delta(self.delta, &present).into());
        };
        let message = tell(&product);
        write.finish(Answer::new(message, One::now(product))).await
    }
}

impl AdjustStock {
    /// Has the inventory change the stock, and keeps what it says then.
    async fn adjust_remotely(
        &self,
        remote_id: &str,
        known: &Product,
        reason: &str,
        call: &Call<'_>,
    ) -> Result<Answer<One>, ToolError> {
        let body = json!({"delta": self.delta, "reason": reason});
        let change = Change::Adjust(remote_id.to_owned(), body);
        let key = self.idempotency_key.as_deref();
        match (ProductChange { tool: Self::NAME, key, change, reason }).make(call).await? {
            Outcome::Replayed(envelope) => Ok(Answer::Kept(envelope)),
            Outcome::Made(write, product) => {
                let message = tell(&product);
                write.finish(Answer::new(message, One::now(*product))).await
            }
            Outcome::Conflict(objection) => {
                let known = Which::Id(known.id).look_up(Self::NAME, call).await?;
                Err(refuse_remotely(self.delta, &known.product, &objection).into())
            }
            Outcome::Absent => Err(Which::Id(known.id).not_found().into()),
        }
    }
}

/// The refusal of a change by the inventory: as too much where our own knowledge or its word says so.
fn refuse_remotely(delta: i64, product: &Product, objection: &Objection) -> Refusal {
    let after = product.stock_quantity.saturating_add(delta);
    if !(0..=MAX_STOCK).contains(&after) {
        return refuse_delta(delta, product);
    }
    if delta > 0 || !objection.is_insufficient() {
        return refused("something there is in the way of it");
    }
    Refusal::new(
        Code::InsufficientStock,
        format!("The inventory system says that not so many of {} are there.", product.name),
        format!("delta is {delta}, and the inventory service calls it too much"),
    )
    .hint("check_stock says how many there are; some of them may be promised to others.")
    .data(json!({"product_id": product.id, "stock_quantity": product.stock_quantity}))
}

fn refuse_delta(delta: i64, product: &Product) -> Refusal {
    if delta > 0 {
        return refuse("delta", format!("would bring the stock to more than {MAX_STOCK}"));
    }
    let message = match product.stock_quantity {
        0 => format!("{} is out of stock.", product.name),
        1 => format!("Only 1 of {} is in stock.", product.name),
        count => format!("Only {count} of {} are in stock.", product.name),
    };
    let error = format!(
        "delta is {delta}, and {} of product {} are there",
        product.stock_quantity, product.id
    );
    Refusal::new(Code::InsufficientStock, message, error)
        .hint("Take at most data.stock_quantity, or put a delivery in first.")
        .data(json!({"product_id": product.id, "stock_quantity": product.stock_quantity}))
}
