//! What the shop's CRM says: asked each time, kept in the database with the customer, and known from
//! there while the CRM is down. Nothing of it is kept in memory.

mod keeping;
mod tickets;

use std::sync::Arc;

use super::flights::Flights;
use super::remote::{Asked as AskedRemote, Remote};
use crate::clients::crm::{CrmClient, Updated};
use crate::clients::{Upstream, UpstreamError};
use crate::config::RemoteApi;
use crate::domain::id::CustomerId;
use crate::domain::remote::Context;
use crate::domain::remote::customer::{Asked, CrmCustomer};
use crate::domain::shop::Shop;
use crate::domain::text::fold;
use crate::domain::ticket::Status;
use crate::domain::time::Timestamp;
use crate::store::Store;

use keeping::{keep, rival};
pub use keeping::{overlay, settle};
pub use tickets::{ListedTickets, MAX_LISTED};

/// How long what was said anew, and is what was known, leaves the row as it is, in seconds: a lookup
/// need not wait for the disk each time. So an `as_of` may be a minute too early.
const FRESH_SECONDS: i64 = 60;

/// The shop's CRM, where it has one.
pub struct CrmCache {
    remote: Remote<CrmClient>,
    customers: Flights<Question, Found>,
    tickets: Flights<TicketQuestion, Listed>,
}

/// Whom the CRM is asked about.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub enum Question {
    /// The customer with this id.
    Id(String),
    /// The customer with this e-mail address.
    Email(String),
}

/// What came of a question about a customer.
#[derive(Clone, Debug)]
pub enum Found {
    /// The CRM has the customer, who is on file under this number now.
    Kept {
        /// The customer's number here.
        customer_id: CustomerId,
        /// The id in the CRM.
        crm_id: Arc<str>,
        /// What was left out of what it said.
        warnings: Arc<[String]>,
    },
    /// The CRM has the customer, and the database would not take it.
    NotKept {
        /// What it said.
        said: Arc<CrmCustomer>,
        /// What the database said.
        error: Arc<sqlx::Error>,
    },
    /// The CRM has no such customer.
    Absent,
    /// It gave no usable answer.
    Failed(Arc<UpstreamError>),
}

/// Which tickets the CRM is asked for: whose, at which status, how many.
type TicketQuestion = (String, Option<Status>, i64);

/// What came of a question about tickets.
#[derive(Clone, Debug)]
pub enum Listed {
    /// The CRM listed them, and they are kept as far as the database took them.
    Said(Arc<ListedTickets>),
    /// The CRM has no such customer.
    Absent,
    /// It gave no usable answer.
    Failed(Arc<UpstreamError>),
}

impl CrmCache {
    /// The CRM of these settings; nothing is connected before the first question.
    pub fn new(api: &RemoteApi, shop: &Shop) -> Self {
        let remote = Remote::new(Upstream::Crm, CrmClient::of(api), shop);
        Self { remote, customers: Flights::new(), tickets: Flights::new() }
    }

    /// Whether there is one.
    pub fn is_on(&self) -> bool {
        self.remote.is_on()
    }

    /// Asks about a customer, and keeps what is said.
    pub async fn customer(&self, question: Question, store: &Arc<Store>, now: Timestamp) -> Found {
        let (store, own) = (Arc::clone(store), question.clone());
        let ask = move |remote: AskedRemote<CrmClient>| async move {
            let (client, context) = (&*remote.client, remote.context());
            let asked = match &own {
                Question::Id(id) => Asked::Id(id),
                Question::Email(email) => Asked::Email(email),
            };
            match client.customer(asked, context).await {
                Ok(Some(said)) => found((client, context), &store, said, now).await,
                // No address can hold such an id, so nobody has it.
                Ok(None) | Err(UpstreamError::Unsendable) => Found::Absent,
                Err(error) => Found::Failed(Arc::new(error)),
            }
        };
        let found = self.remote.ask((&self.customers, question), now, ask).await;
        found.unwrap_or_else(Found::Failed)
    }

    /// Asks for a customer's newest tickets, and keeps them.
    pub async fn tickets(
        &self,
        question: TicketQuestion,
        customer_id: CustomerId,
        store: &Arc<Store>,
        now: Timestamp,
    ) -> Listed {
        let (store, own) = (Arc::clone(store), question.clone());
        let ask = move |remote: AskedRemote<CrmClient>| async move {
            let (crm_id, status, limit) = own;
            match remote.client.tickets(&crm_id, (status, limit), remote.context()).await {
                Ok(Some(said)) => {
                    let said = tickets::Said { crm_id, customer_id, status, limit, said };
                    Listed::Said(Arc::new(said.keep(&store, now).await))
                }
                Ok(None) | Err(UpstreamError::Unsendable) => Listed::Absent,
                Err(error) => Listed::Failed(Arc::new(error)),
            }
        };
        let listed = self.remote.ask((&self.tickets, question), now, ask).await;
        listed.unwrap_or_else(Listed::Failed)
    }

    /// Has the CRM change a customer.
    ///
    /// # Errors
    /// Where it was not made, or nobody knows whether it was.
    pub async fn update(
        &self,
        crm_id: &str,
        changes: serde_json::Value,
        now: Timestamp,
    ) -> Result<Updated, Arc<UpstreamError>> {
        let crm_id = crm_id.to_owned();
        let update = move |remote: AskedRemote<CrmClient>| async move {
            remote.client.update(&crm_id, &changes, remote.context()).await
        };
        self.remote.change(&self.customers, now, update).await
    }
}

async fn found(
    (client, context): (&CrmClient, Context<'_>),
    store: &Store,
    said: CrmCustomer,
    now: Timestamp,
) -> Found {
    let former = former_owner((client, context), store, &said).await;
    let former_id = former.as_ref().map(|(id, _)| *id);
    match keep(store, &said, former_id, now).await {
        Ok((customer_id, warnings)) => {
            // Whoever lost an address may have got another one.
            if let Some((_, former)) = former
                && let Err(error) = keep(store, &former, None, now).await
            {
                tracing::warn!(%error, "what the CRM said of a customer could not be kept");
            }
            Found::Kept {
                customer_id,
                crm_id: said.crm_id.into(),
                warnings: warnings.into_sentences().into(),
            }
        }
        Err(error) => {
            tracing::warn!(%error, "what the CRM said of a customer could not be kept");
            Found::NotKept { said: Arc::new(said), error: Arc::new(error) }
        }
    }
}

/// The customer of the CRM who has this one's e-mail address here, but has it no more in the CRM, which
/// is asked; and what it says of that customer.
///
/// Two of its customers may have one address, and then it is not the one's more than the other's.
async fn former_owner(
    (client, context): (&CrmClient, Context<'_>),
    store: &Store,
    said: &CrmCustomer,
) -> Option<(CustomerId, CrmCustomer)> {
    let row = rival(store, said).await.ok()??;
    let email = said.email.as_deref().map(fold)?;
    let former = client.customer(Asked::Id(row.crm_id.as_deref()?), context).await.ok()??;
    former.denies_email(&email).then_some((row.id, former))
}
