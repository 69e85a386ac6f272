//! Finding products.

mod remote;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::{ProductView, tell, view};
use crate::clients::Upstream;
use crate::config::Toolset;
use crate::domain::id::ProductId;
use crate::domain::product::{MAX_WORDS, key, patterns};
use crate::domain::text;
use crate::error::{Refusal, ToolError};
use crate::store::{Product, ProductSearch, Store};
use crate::tools::arguments::refuse;
use crate::tools::customers::optional;
use crate::tools::paging::{cursor, cut, read_cursor, rows_to_read};
use crate::tools::staleness::Staleness;
use crate::tools::{Answer, Call, Effect, Tool};

/// How many products are listed where the caller does not say.
const DEFAULT_LIMIT: i64 = 10;
/// How many products that another program wrote one search makes known to itself.
const FOLDED_PER_SEARCH: i64 = 5_000;

/// The arguments of `search_products`.
#[derive(Debug, Deserialize, JsonSchema)]
pub struct SearchProducts {
    /// Words of its name or SKU, in part.
    #[schemars(length(max = 200))]
    query: Option<String>,
    /// Only this one.
    #[schemars(length(max = 200))]
    category: Option<String>,
    /// True: only what there is; false: only what has run out.
    in_stock: Option<bool>,
    /// At most; default 10.
    #[schemars(range(min = 1, max = 100))]
    limit: Option<i64>,
    /// From next_cursor.
    #[schemars(length(max = 100))]
    cursor: Option<String>,
}

/// The products that were found.
#[derive(Debug, JsonSchema, Serialize)]
pub struct Found {
    /// The products, by their numbers; of the shop's inventory in its order.
    products: Vec<ProductView>,
    /// Pass it back as cursor for more; absent where there is no more.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_cursor: Option<String>,
    /// Whether it is the last known state, where the shop's inventory does not answer.
    #[serde(flatten)]
    staleness: Staleness,
    /// What of the inventory's list could not be used, in sentences; absent where there is nothing.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    warnings: Vec<String>,
}

impl Tool for SearchProducts {
    const NAME: &'static str = "search_products";
    const TITLE: &'static str = "Search products";
    const DESCRIPTION: &'static str = "Find products; without arguments all.";
    const TOOLSET: Toolset = Toolset::Inventory;
    const EFFECT: Effect = Effect::Reads;
    const ASKS: Option<Upstream> = Some(Upstream::Inventory);
    type Data = Found;

    async fn run(self, call: &Call<'_>) -> Result<Answer<Found>, ToolError> {
        if call.engine.inventory.is_on() { self.ask(call).await } else { self.search(call).await }
    }
}

impl SearchProducts {
    /// Searches what is on file.
    async fn search(&self, call: &Call<'_>) -> Result<Answer<Found>, ToolError> {
        let limit = self.limit.unwrap_or(DEFAULT_LIMIT);
        let question = self.question();
        let search = self.read(&question, limit)?;
        let store = call.engine.store().await?;
        if !call.engine.config().server.read_only
            && let Err(error) = fold_new(&store).await
        {
            tracing::warn!(%error, "new products could not be made known to search");
        }
        let mut rows = store.read().await?.search_products(&search).await?;
        let has_more = cut(&mut rows, limit);
        let next_cursor = rows.last().filter(|_| has_more).map(|row| cursor(&question, [row.id.0]));
        let message = self.tell(&rows, has_more);
        let products = rows.into_iter().map(view).collect();
        let (staleness, warnings) = (Staleness::default(), Vec::new());
        Ok(Answer::new(message, Found { products, next_cursor, staleness, warnings }))
    }
}

/// Makes known to search what another program wrote; until then its letters are compared as they are.
async fn fold_new(store: &Store) -> sqlx::Result<()> {
    if !store.read().await?.has_unfolded_products().await? {
        return Ok(());
    }
    let mut session = store.write().await?;
    session.fold_products(FOLDED_PER_SEARCH).await?;
    session.commit().await
}

impl SearchProducts {
    fn read(&self, question: &str, limit: i64) -> Result<ProductSearch, Refusal> {
        let query = self.query.as_deref().map(text::free_text).transpose();
        let query = query.map_err(|wrong| refuse("query", wrong))?.unwrap_or_default();
        let Some(patterns) = patterns(&query) else {
            return Err(refuse("query", format!("must have at most {MAX_WORDS} words")));
        };
        let category = optional("category", self.category.as_deref(), text::name)?;
        let after = self.cursor.as_deref().map(|text| read_cursor(text, question)).transpose()?;
        let after = after.map(|[id]| ProductId(id));
        Ok(ProductSearch {
            patterns,
            category: category.as_deref().map(key),
            in_stock: self.in_stock,
            after: after.unwrap_or(ProductId(0)),
            limit: rows_to_read(limit),
        })
    }

    fn tell(&self, rows: &[Product], has_more: bool) -> String {
        let more = if self.cursor.is_some() { "more " } else { "" };
        let and_more = if has_more { ", and there are more" } else { "" };
        match rows {
            [] => format!("I found no {more}products like that."),
            [only] => format!(
                "I found one {more}product{and_more}: {} for {}. {}",
                only.name,
                only.price.spoken(),
                tell(only)
            ),
            [first, ..] => format!(
                "I found {} {more}products{and_more}; the first is {}.",
                rows.len(),
                first.name
            ),
        }
    }

    /// What a cursor of this list is good for: the filters as they were written.
    fn question(&self) -> String {
        let filters = format!("{:?} {:?} {:?}", self.query, self.category, self.in_stock);
        let digest = Sha256::digest(filters);
        digest.iter().take(6).fold("p".to_owned(), |text, byte| format!("{text}{byte:02x}"))
    }
}
