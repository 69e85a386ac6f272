//! What the shop's billing service says: asked each time, kept in the database, and known from there while
//! it is down. Nothing of it is kept in memory.

use std::collections::HashSet;
use std::sync::Arc;

use serde_json::Value;

use super::flights::Flights;
use super::remote::{Asked, Remote};
use crate::clients::billing::{BillingClient, Paid};
use crate::clients::{Changed, Upstream, UpstreamError};
use crate::config::RemoteApi;
use crate::domain::id::{CustomerId, InvoiceId};
use crate::domain::invoice::Status;
use crate::domain::money::Money;
use crate::domain::remote::invoice::RemoteInvoice;
use crate::domain::remote::{Context, Warnings};
use crate::domain::shop::Shop;
use crate::domain::time::Timestamp;
use crate::store::{RemoteCustomer, Store};

/// The most invoices that the service is asked for at once.
pub const MAX_LISTED: i64 = 100;

/// The shop's billing service, where it has one.
pub struct BillingCache {
    remote: Remote<BillingClient>,
    flights: Flights<Question, Found>,
}

/// What the billing service is asked, of a customer by this name there.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub enum Question {
    /// The invoice with this id.
    Invoice(String, String),
    /// So many invoices at this status.
    Invoices(String, Option<Status>, i64),
}

/// What came of a question.
#[derive(Clone, Debug)]
pub enum Found {
    /// These invoices, which are on file under these numbers now.
    Kept(Arc<Invoices>),
    /// The service has no such invoice.
    Absent,
    /// It has invoices, and the database would not take them.
    NotKept,
    /// It gave no usable answer.
    Failed(Arc<UpstreamError>),
}

/// Invoices of the billing service that are on file.
#[derive(Clone, Debug, Default)]
pub struct Invoices {
    /// Their numbers.
    pub ids: HashSet<InvoiceId>,
    /// Whether that is all there are.
    pub is_complete: bool,
    /// What was left out.
    pub warnings: Vec<String>,
}

impl BillingCache {
    /// The billing service of these settings; nothing is connected before the first question.
    pub fn new(api: &RemoteApi, shop: &Shop) -> Self {
        let remote = Remote::new(Upstream::Billing, BillingClient::of(api), shop);
        Self { remote, flights: Flights::new() }
    }

    /// Whether there is one.
    pub fn is_on(&self) -> bool {
        self.remote.is_on()
    }

    /// Asks about invoices of the customer with this number, and keeps what is said.
    pub async fn ask(
        &self,
        question: Question,
        customer_id: CustomerId,
        store: &Arc<Store>,
        now: Timestamp,
    ) -> Found {
        let (store, own) = (Arc::clone(store), question.clone());
        let ask = move |asked: Asked<BillingClient>| async move {
            match said(&asked.client, &own, asked.context()).await {
                Ok(Some(said)) => said.keep(&own, customer_id, &store, now).await,
                Ok(None) | Err(UpstreamError::Unsendable) => Found::Absent,
                Err(error) => Found::Failed(Arc::new(error)),
            }
        };
        let found = self.remote.ask((&self.flights, question), now, ask).await;
        found.unwrap_or_else(Found::Failed)
    }

    /// Has the service make an invoice, once for this key.
    ///
    /// # Errors
    /// Where it was not made, or nobody knows whether it was.
    pub async fn create(
        &self,
        invoice: Value,
        (customer, key): (String, String),
        now: Timestamp,
    ) -> Result<Changed<RemoteInvoice>, Arc<UpstreamError>> {
        let create = move |asked: Asked<BillingClient>| async move {
            asked.client.create(&invoice, (&customer, &key), asked.context()).await
        };
        self.remote.change(&self.flights, now, create).await
    }

    /// Has the service record a payment of this amount on an invoice, once for this key.
    ///
    /// # Errors
    /// Where it was not made, or nobody knows whether it was.
    pub async fn pay(
        &self,
        (invoice, customer): (String, String),
        (payment, key): (Value, String),
        amount: Money,
        now: Timestamp,
    ) -> Result<Changed<Paid>, Arc<UpstreamError>> {
        let pay = move |asked: Asked<BillingClient>| async move {
            let (names, payment) = ((&*invoice, &*customer), (&payment, &*key));
            asked.client.pay(names, payment, amount, asked.context()).await
        };
        self.remote.change(&self.flights, now, pay).await
    }
}

/// What the service said.
struct Said {
    invoices: Vec<RemoteInvoice>,
    is_complete: bool,
    warnings: Warnings,
}

async fn said(
    client: &BillingClient,
    question: &Question,
    context: Context<'_>,
) -> Result<Option<Said>, UpstreamError> {
    match question {
        Question::Invoice(id, customer) => {
            let invoice = client.invoice(id, customer, context).await?;
            Ok(invoice.map(|(invoice, warnings)| Said {
                invoices: vec![invoice],
                is_complete: true,
                warnings,
            }))
        }
        Question::Invoices(customer, status, limit) => {
            let listed = client.invoices(customer, (*status, *limit), context).await?;
            let received = i64::try_from(listed.received).unwrap_or(i64::MAX);
            Ok(Some(Said {
                is_complete: received < *limit,
                invoices: listed.invoices,
                warnings: listed.warnings,
            }))
        }
    }
}

impl Said {
    async fn keep(
        self,
        question: &Question,
        customer_id: CustomerId,
        store: &Store,
        now: Timestamp,
    ) -> Found {
        let kept: sqlx::Result<Vec<InvoiceId>> = async {
            let mut session = store.write().await?;
            let id = session.present_id(customer_id).await?.unwrap_or(customer_id);
            let (name, is_list) = match question {
                Question::Invoice(_, customer) => (customer, false),
                Question::Invoices(customer, ..) => (customer, true),
            };
            let customer = RemoteCustomer { id, name };
            let ids = session.keep_invoices(customer, &self.invoices, now).await?;
            if is_list {
                session.note_billing(id, now).await?;
            }
            session.commit().await?;
            store.customers_changed();
            Ok(ids)
        }
        .await;
        match kept {
            Ok(ids) => Found::Kept(Arc::new(Invoices {
                ids: ids.into_iter().collect(),
                is_complete: self.is_complete,
                warnings: self.warnings.into_sentences(),
            })),
            Err(error) => {
                tracing::warn!(%error, "what the billing service said could not be kept");
                Found::NotKept
            }
        }
    }
}
