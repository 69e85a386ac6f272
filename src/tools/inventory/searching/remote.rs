//! Searching the shop's inventory.

use super::{DEFAULT_LIMIT, Found, SearchProducts};
use crate::cache::inventory::{self, Question};
use crate::clients::Upstream;
use crate::clients::inventory::Search;
use crate::domain::text;
use crate::error::{Code, ToolError};
use crate::tools::arguments::refuse;
use crate::tools::customers::optional;
use crate::tools::inventory::remote::{NOT_KEPT, not_kept};
use crate::tools::inventory::view;
use crate::tools::staleness::{Silent, Staleness};
use crate::tools::{Answer, Call, Tool};

/// What the cursors of the inventory begin with here, behind what they are good for.
const MARK: &str = "~";

impl SearchProducts {
    /// Asks the inventory; where it does not answer, searches what is known of its products.
    pub(super) async fn ask(&self, call: &Call<'_>) -> Result<Answer<Found>, ToolError> {
        let question = self.question();
        let Some(search) = self.remote_search(&question)? else {
            // A page that began with what is on file goes on with it.
            return self.search_known(call, None).await;
        };
        let store = call.engine.store().await?;
        let found = call.engine.inventory.ask(Question::Search(search), &store, call.now).await;
        let products = match found {
            inventory::Found::Kept(products) => products,
            inventory::Found::Failed(error) => {
                let silent = Silent { service: Upstream::Inventory, error };
                return self.search_known(call, Some(Err(silent))).await;
            }
            inventory::Found::Absent | inventory::Found::NotKept => {
                return self.search_known(call, Some(Ok(()))).await;
            }
        };
        let rows = store.read().await?.products_by_id(&products.ids).await?;
        let message = self.tell(&rows, products.next_cursor.is_some());
        let next_cursor = products.next_cursor.as_ref();
        let data = Found {
            products: rows.into_iter().map(view).collect(),
            next_cursor: next_cursor.map(|cursor| format!("{question}{MARK}{cursor}")),
            staleness: Staleness::default(),
            warnings: products.warnings.clone(),
        };
        Ok(Answer::new(message, data))
    }

    /// What the inventory is asked; `None` where the cursor is one of a list of what is on file.
    fn remote_search(&self, question: &str) -> Result<Option<Search>, ToolError> {
        let cursor = match &self.cursor {
            None => None,
            Some(text) => {
                let prefix = format!("{question}{MARK}");
                match text.strip_prefix(&prefix) {
                    Some(cursor) => Some(cursor.to_owned()),
                    None => return Ok(None),
                }
            }
        };
        let query = self.query.as_deref().map(text::free_text).transpose();
        let query = query.map_err(|wrong| refuse("query", wrong))?;
        Ok(Some(Search {
            query: query.filter(|query| !query.trim().is_empty()),
            category: optional("category", self.category.as_deref(), text::name)?,
            in_stock: self.in_stock,
            limit: self.limit.unwrap_or(DEFAULT_LIMIT),
            cursor,
        }))
    }

    /// What is known of the inventory's products, marked as such. `why`: what came of asking it; `None`
    /// where it was not asked.
    async fn search_known(
        &self,
        call: &Call<'_>,
        why: Option<Result<(), Silent>>,
    ) -> Result<Answer<Found>, ToolError> {
        let store = call.engine.store().await?;
        let as_of = store.read().await?.remote_products_as_of().await?;
        let Some(as_of) = as_of else {
            return Err(match why {
                Some(Err(silent)) => silent.failure(),
                _ => not_kept().into(),
            });
        };
        // A cursor of the inventory's leads nowhere here.
        let is_own = self.cursor.as_ref().is_none_or(|cursor| !cursor.contains(MARK));
        if let (false, Some(Err(silent))) = (is_own, &why) {
            return Err(silent.failure());
        }
        let Answer::New { message, mut data, replayed } = self.search(call).await? else {
            return Err(not_kept().into());
        };
        let sentence = match why {
            Some(Err(silent)) => {
                let (staleness, sentence) = silent.mark(Self::NAME, as_of, call);
                data.staleness = staleness;
                sentence
            }
            Some(Ok(())) => {
                data.staleness = Staleness::of(as_of, Code::DatabaseUnavailable, call);
                NOT_KEPT.to_owned()
            }
            None => {
                data.staleness = Staleness::of(as_of, Code::UpstreamUnavailable, call);
                "This goes on with what the inventory system said before.".to_owned()
            }
        };
        Ok(Answer::New { message: format!("{message} {sentence}"), data, replayed })
    }
}
