//! Asking the shop's CRM for a customer's tickets.

use std::sync::Arc;

use super::GetCustomerTickets;
use crate::cache::crm::{Listed, ListedTickets, MAX_LISTED};
use crate::clients::Upstream;
use crate::error::{Code, Refusal, ToolError};
use crate::store::Store;
use crate::tools::customers::customer_not_found;
use crate::tools::staleness::{Silent, Staleness};
use crate::tools::{Call, Tool};

/// What the CRM said; nothing where it did not answer.
#[derive(Default)]
pub(super) struct Remote {
    pub listed: Option<Arc<ListedTickets>>,
    pub staleness: Staleness,
    /// What is to be said beside the tickets.
    pub sentence: Option<String>,
    pub warnings: Vec<String>,
}

impl GetCustomerTickets {
    /// Asks the CRM, which brings the tickets on file up to date; `None` where it does not know the
    /// customer.
    pub(super) async fn ask(
        &self,
        call: &Call<'_>,
        store: &Arc<Store>,
    ) -> Result<Option<Remote>, ToolError> {
        let Some(customer) = store.read().await?.customer(self.customer_id).await? else {
            return Err(customer_not_found(self.customer_id).into());
        };
        let Some(crm_id) = customer.crm_id else { return Ok(None) };
        // What follows the first page is told from what is on file, so that has to reach far enough.
        let limit = if self.cursor.is_none() { self.limit() } else { MAX_LISTED };
        let question = (crm_id, self.status, limit);
        match call.engine.crm.tickets(question, customer.id, store, call.now).await {
            Listed::Said(listed) if !listed.is_kept => {
                let as_of = customer.crm.crm_tickets_as_of.ok_or_else(not_kept)?;
                let staleness = Staleness::of(as_of, Code::DatabaseUnavailable, call);
                let sentence = "The shop's records cannot take in what the customer system says \
                                right now; this is what it said before.";
                let sentence = Some(sentence.to_owned());
                Ok(Some(Remote { staleness, sentence, ..Remote::default() }))
            }
            Listed::Said(listed) => Ok(Some(Remote {
                warnings: listed.warnings.clone(),
                listed: Some(listed),
                ..Remote::default()
            })),
            Listed::Absent => Ok(Some(Remote {
                sentence: Some("The customer system does not have this customer.".to_owned()),
                ..Remote::default()
            })),
            Listed::Failed(error) => {
                let silent = Silent { service: Upstream::Crm, error };
                // What nobody ever listed is not known.
                let Some(as_of) = customer.crm.crm_tickets_as_of else {
                    return Err(silent.failure());
                };
                let (staleness, sentence) = silent.mark(Self::NAME, as_of, call);
                let sentence = Some(sentence);
                Ok(Some(Remote { staleness, sentence, ..Remote::default() }))
            }
        }
    }
}

/// A ticket without a number here cannot be told of, and the database gives the numbers.
fn not_kept() -> Refusal {
    Refusal::new(
        Code::DatabaseUnavailable,
        "The customer system listed the tickets, but the shop's records cannot take them in right \
         now.",
        "the database did not take the tickets that the CRM listed",
    )
    .hint("Try again in a few seconds; if it goes on, run `servicebay doctor` at the shop.")
}
