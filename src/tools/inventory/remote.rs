//! Products that the shop's inventory keeps: asked for there, and known from the last time while it
//! does not answer.

use serde_json::Value;

use super::Which;
use crate::cache::inventory::{Change, Found, Question, keep_in};
use crate::clients::{Changed, Upstream};
use crate::domain::remote::Warnings;
use crate::domain::remote::objection::Objection;
use crate::error::{Code, Refusal, ToolError};
use crate::store::Product;
use crate::tools::Call;
use crate::tools::remote_change::RemoteChange;
use crate::tools::reply::log_failure;
use crate::tools::staleness::{Silent, Staleness};
use crate::tools::write::{Begun, Write};

/// A product as it is known.
pub(super) struct Known {
    pub product: Product,
    pub staleness: Staleness,
    /// What is to be said beside it.
    pub sentence: Option<String>,
    /// What of the inventory's word could not be used.
    pub warnings: Vec<String>,
}

impl Known {
    fn now(product: Product) -> Self {
        Self { product, staleness: Staleness::default(), sentence: None, warnings: Vec::new() }
    }

    /// A message with what is to be said beside it.
    pub fn tell(&self, message: String) -> String {
        match &self.sentence {
            Some(sentence) => format!("{message} {sentence}"),
            None => message,
        }
    }
}

impl Which {
    /// The product that is meant: as the inventory says, or said last; else the shop's own.
    pub(super) async fn look_up(&self, tool: &str, call: &Call<'_>) -> Result<Known, ToolError> {
        let store = call.engine.store().await?;
        let known = self.find_any(&mut store.read().await?).await?;
        if !call.engine.inventory.is_on() {
            return known.map(Known::now).ok_or_else(|| self.not_found().into());
        }
        let Some(question) = self.question(known.as_ref()) else {
            return Err(self.not_found().into());
        };
        match (call.engine.inventory.ask(question, &store, call.now).await, known) {
            (Found::Kept(products), _) => {
                // One that has the SKU of another product is left out.
                let Some(id) = products.ids.first() else { return Err(self.not_found().into()) };
                let product = store.read().await?.product(*id).await?;
                let warnings = products.warnings.clone();
                let known = product.map(|product| Known { warnings, ..Known::now(product) });
                known.ok_or_else(|| self.not_found().into())
            }
            // The shop put it on file itself, and the inventory never told of it.
            (_, Some(product)) if product.remote_id.is_none() => Ok(Known::now(product)),
            (Found::Absent, _) => Err(self.not_found().into()),
            (Found::Failed(error), Some(product)) => {
                let silent = Silent { service: Upstream::Inventory, error };
                let as_of = product.remote_as_of.unwrap_or(call.now);
                let (staleness, sentence) = silent.mark(tool, as_of, call);
                Ok(Known { staleness, sentence: Some(sentence), ..Known::now(product) })
            }
            (Found::Failed(error), None) => {
                Err(Silent { service: Upstream::Inventory, error }.failure())
            }
            (Found::NotKept, Some(product)) => {
                let as_of = product.remote_as_of.unwrap_or(call.now);
                let staleness = Staleness::of(as_of, Code::DatabaseUnavailable, call);
                let sentence = Some(NOT_KEPT.to_owned());
                Ok(Known { staleness, sentence, ..Known::now(product) })
            }
            (Found::NotKept, None) => Err(not_kept().into()),
        }
    }

    /// What the inventory is asked about it; `None` where it has no name for it.
    fn question(&self, known: Option<&Product>) -> Option<Question> {
        match (known, self) {
            (Some(Product { remote_id: Some(id), .. }), _) => Some(Question::Id(id.clone())),
            (Some(product), _) => Some(Question::Sku(product.sku.clone())),
            (None, Self::Sku(sku)) => Some(Question::Sku(sku.clone())),
            (None, Self::Id(_)) => None,
        }
    }
}

/// What is said where the inventory's word could not be kept.
pub(super) const NOT_KEPT: &str = "The shop's records cannot take in what the inventory system says \
                                   right now; this is what it said before.";

/// A product without a number here cannot be told of, and the database gives the numbers.
pub(super) fn not_kept() -> Refusal {
    Refusal::new(
        Code::DatabaseUnavailable,
        "The inventory system has the product, but the shop's records cannot take it in right now.",
        "the database did not take what the inventory told of",
    )
    .hint("Try again in a few seconds; if it goes on, run `servicebay doctor` at the shop.")
}

/// A change of a product that the inventory makes first.
pub(super) struct ProductChange<'a> {
    pub tool: &'static str,
    pub key: Option<&'a str>,
    pub change: Change,
    /// Why, for the movement of stock.
    pub reason: &'a str,
}

/// What came of a change.
pub(super) enum Outcome {
    /// The product as changed, in the transaction that keeps the reply.
    Made(Write, Box<Product>),
    /// It was done under this key before.
    Replayed(Value),
    /// What is there forbids it, for this reason.
    Conflict(Objection),
    /// The inventory has no such product.
    Absent,
}

impl ProductChange<'_> {
    /// Has the inventory make the change, and keeps what it says of the product then. No transaction is
    /// open while it is asked; the same key makes it do so once.
    pub async fn make(self, call: &Call<'_>) -> Result<Outcome, ToolError> {
        if let Some(envelope) = Write::earlier(call, self.tool, self.key).await? {
            return Ok(Outcome::Replayed(envelope));
        }
        let asked = RemoteChange::begin(call, self.key, &self.change.request()).await?;
        let changing = call.engine.inventory.change(self.change, asked.key(), call.now);
        let product = match asked.wait(changing).await {
            Ok(Changed::Made(product)) => product,
            Ok(Changed::Conflict(objection)) if objection.is_about_the_key() => {
                return Err(asked.key_conflict(Upstream::Inventory).await.into());
            }
            Ok(Changed::Conflict(objection)) => {
                asked.refused().await;
                return Ok(Outcome::Conflict(objection));
            }
            Ok(Changed::Absent) => {
                asked.absent(Upstream::Inventory).await?;
                return Ok(Outcome::Absent);
            }
            Err(error) => return Err(asked.failed(Upstream::Inventory, error).await),
        };
        let kept: Result<Outcome, ToolError> = async {
            let mut write = match Write::begin(call, self.tool, self.key).await? {
                Begun::Replayed(envelope) => return Ok(Outcome::Replayed(envelope)),
                Begun::Fresh(write) => write,
            };
            let said = [product];
            let mut warnings = Warnings::default();
            let ids =
                keep_in(&mut write.session, &said, (self.reason, &mut warnings), call.now).await?;
            let id = ids.first().copied().ok_or(sqlx::Error::RowNotFound)?;
            let product = write.session.product(id).await?.ok_or(sqlx::Error::RowNotFound)?;
            asked.end(&mut write.session).await?;
            Ok(Outcome::Made(write, Box::new(product)))
        }
        .await;
        kept.map_err(|error| not_kept_here(self.tool, &error))
    }
}

/// The inventory does not do it, and says nothing that a caller could mend.
pub(super) fn refused(why: &str) -> Refusal {
    Refusal::new(
        Code::UpstreamError,
        "The inventory system did not accept that; nothing was changed.",
        format!("the inventory service refuses the change: {why}"),
    )
    .hint("Tell the shop.")
}

/// The change is made where it counts, and only the shop's copy of it is missing.
fn not_kept_here(tool: &str, error: &ToolError) -> ToolError {
    log_failure(tool, error);
    Refusal::new(
        error.refusal().code(),
        "The inventory system made the change, but the shop's own records did not take it over.",
        "the inventory made the change; the shop's copy of the product was not changed",
    )
    .hint("get_product by sku shows it. Just the same again within 10 minutes counts once.")
    .into()
}
