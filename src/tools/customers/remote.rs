//! Looking customers up in the shop's CRM.

use std::sync::Arc;

use super::{Key, LookedUp, LookupCustomer, tell};
use crate::cache::crm::{Found, Question, overlay};
use crate::clients::Upstream;
use crate::error::{Code, Refusal, ToolError};
use crate::store::{CustomerRow, Store};
use crate::tools::staleness::Silent;
use crate::tools::{Answer, Call, Tool};

impl Key {
    /// What the CRM is asked, where it knows customers by that. A record that was merged into another
    /// here is asked for as the other.
    pub(super) fn question(&self, known: Option<&CustomerRow>) -> Option<Question> {
        match self {
            Self::Phone(_) | Self::Id(_) => None,
            Self::Email(email) => Some(Question::Email(email.clone())),
            Self::CrmId(crm_id) => {
                let present = known.and_then(|row| row.crm_id.as_ref());
                Some(Question::Id(present.unwrap_or(crm_id).clone()))
            }
        }
    }
}

/// Asks the CRM, keeps what it says, and tells it; the last known state where it does not answer.
pub(super) async fn look_up(
    key: &Key,
    lookup_key: &'static str,
    call: &Call<'_>,
    store: &Arc<Store>,
) -> Result<Answer<LookedUp>, ToolError> {
    let mut known = key.find(&mut store.read().await?).await?.pop();
    let Some(mut question) = key.question(known.as_ref()) else {
        return Ok(told(lookup_key, known, call));
    };
    loop {
        let found = call.engine.crm.customer(question.clone(), store, call.now).await;
        let Found::Kept { customer_id, crm_id, warnings } = found else {
            return without_news(found, known, lookup_key, call);
        };
        known = store.read().await?.customer(customer_id).await?;
        match known.as_ref().and_then(|row| row.crm_id.clone()) {
            // What was said is about a record that was merged into another here; that one's own record
            // in the CRM is what counts, and an id is asked for once.
            Some(present) if *present != *crm_id && question != Question::Id(present.clone()) => {
                question = Question::Id(present);
            }
            _ => {
                let (message, mut data) =
                    tell(lookup_key, known.into_iter().collect(), call.engine.shop());
                data.warnings = warnings.to_vec();
                return Ok(Answer::new(message, data));
            }
        }
    }
}

/// What is told where the CRM said nothing that could be kept.
fn without_news(
    found: Found,
    known: Option<CustomerRow>,
    lookup_key: &'static str,
    call: &Call<'_>,
) -> Result<Answer<LookedUp>, ToolError> {
    match (found, known) {
        // The CRM does not know whom it never told of: the shop put that customer on file itself.
        (Found::Absent | Found::Failed(_), Some(row)) if row.crm_id.is_none() => {
            Ok(told(lookup_key, Some(row), call))
        }
        (Found::Absent, Some(row)) => {
            let (_, data) = tell(lookup_key, Vec::new(), call.engine.shop());
            let message = format!(
                "The customer system has no customer with these details; the shop's own records \
                 have customer {}.",
                row.id
            );
            Ok(Answer::new(message, data))
        }
        (Found::Absent, None) => Ok(told(lookup_key, None, call)),
        (Found::Failed(error), Some(row)) => {
            let silent = Silent { service: Upstream::Crm, error };
            let as_of = row.crm.crm_as_of.unwrap_or(row.created_at);
            let (staleness, sentence) = silent.mark(LookupCustomer::NAME, as_of, call);
            let (message, mut data) = tell(lookup_key, vec![row], call.engine.shop());
            data.staleness = staleness;
            Ok(Answer::new(format!("{message} {sentence}"), data))
        }
        (Found::Failed(error), None) => Err(Silent { service: Upstream::Crm, error }.failure()),
        // It can be told of a customer who has a number here, and of nobody else.
        (Found::NotKept { said, .. }, Some(row)) => {
            if row.crm_id.as_ref().is_some_and(|id| *id != said.crm_id) {
                return Err(not_kept());
            }
            let row = overlay(&row, &said, call.now);
            let (message, mut data) = tell(lookup_key, vec![row], call.engine.shop());
            data.warnings = said.warnings.clone().into_sentences();
            Ok(Answer::new(message, data))
        }
        (Found::NotKept { .. }, None) => Err(not_kept()),
        (Found::Kept { .. }, known) => Ok(told(lookup_key, known, call)),
    }
}

fn told(lookup_key: &'static str, known: Option<CustomerRow>, call: &Call<'_>) -> Answer<LookedUp> {
    let (message, data) = tell(lookup_key, known.into_iter().collect(), call.engine.shop());
    Answer::new(message, data)
}

/// Nobody can be told of without a number here, which the database gives.
fn not_kept() -> ToolError {
    Refusal::new(
        Code::DatabaseUnavailable,
        "The customer system knows that customer, but the shop's records cannot take anybody in \
         right now.",
        "the database did not take the customer whom the CRM told of",
    )
    .hint("Try again in a few seconds; if it goes on, run `servicebay doctor` at the shop.")
    .into()
}
