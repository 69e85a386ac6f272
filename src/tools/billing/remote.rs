//! Invoices that the shop's billing service keeps: asked for there, and known from the last time while it
//! does not answer.

use std::collections::HashSet;
use std::sync::Arc;

use crate::cache::billing::{Found, Invoices, MAX_LISTED, Question};
use crate::clients::{Upstream, UpstreamError};
use crate::domain::id::{CustomerId, InvoiceId};
use crate::domain::invoice::Status;
use crate::error::{Code, Refusal, ToolError};
use crate::store::{CustomerRow, RemoteInvoiceRow, Session, Store};
use crate::tools::Call;
use crate::tools::billing::{invoice_not_found, today};
use crate::tools::reply::log_failure;
use crate::tools::staleness::{Silent, Staleness};

/// What the billing service calls a customer: as the CRM does, where that knows the customer.
pub(super) fn remote_name(row: &CustomerRow) -> String {
    row.crm_id.clone().unwrap_or_else(|| format!("shop-{}", row.id))
}

/// What the billing service said of a customer's invoices; nothing where it did not answer.
#[derive(Default)]
pub(super) struct Listed {
    invoices: Option<Arc<Invoices>>,
    name: String,
    pub staleness: Staleness,
    /// What is to be said beside the invoices.
    pub sentence: Option<String>,
    pub warnings: Vec<String>,
}

impl Listed {
    /// Asks for a customer's invoices, which brings those on file up to date.
    pub async fn ask(
        (tool, call): (&str, &Call<'_>),
        row: &CustomerRow,
        (status, limit): (Option<Status>, Option<i64>),
        store: &Arc<Store>,
    ) -> Result<Self, ToolError> {
        let name = remote_name(row);
        // What follows the first page is told from what is on file, so that has to reach far enough.
        let question = Question::Invoices(name.clone(), status, limit.unwrap_or(MAX_LISTED));
        let found = call.engine.billing.ask(question, row.id, store, call.now).await;
        let known = match &found {
            Found::Kept(_) => None,
            _ => store.read().await?.billing_as_of(row.id).await?,
        };
        Ok(match (found, known) {
            (Found::Kept(invoices), _) => {
                let warnings = invoices.warnings.clone();
                Self { invoices: Some(invoices), name, warnings, ..Self::default() }
            }
            (Found::Absent, _) => Self { name, ..Self::default() },
            (Found::Failed(error), None) => return Err(silent(error).failure()),
            (Found::Failed(error), Some(as_of)) => {
                let (staleness, sentence) = silent(error).mark(tool, as_of, call);
                Self { name, staleness, sentence: Some(sentence), ..Self::default() }
            }
            (Found::NotKept, None) => return Err(not_kept().into()),
            (Found::NotKept, Some(as_of)) => Self {
                name,
                staleness: Staleness::of(as_of, Code::DatabaseUnavailable, call),
                sentence: Some(NOT_KEPT.to_owned()),
                ..Self::default()
            },
        })
    }

    /// The invoices on file that the service does not list any more where it listed them.
    pub async fn gone(
        &self,
        session: &mut Session,
        customer: CustomerId,
        today: &str,
    ) -> Result<HashSet<InvoiceId>, ToolError> {
        let Some(listed) = self.invoices.as_ref().filter(|listed| listed.is_complete) else {
            return Ok(HashSet::new());
        };
        let rows = session.remote_invoices(customer, today).await?;
        let is_gone = |row: &RemoteInvoiceRow| {
            row.remote_customer == self.name && !listed.ids.contains(&row.invoice.id)
        };
        Ok(rows.into_iter().filter(is_gone).map(|row| row.invoice.id).collect())
    }

    /// Whether the service may have more than was asked for.
    pub fn has_more(&self) -> bool {
        self.invoices.as_ref().is_some_and(|listed| !listed.is_complete)
    }
}

/// An invoice of the billing service as it is known.
pub(super) struct Known {
    pub row: RemoteInvoiceRow,
    pub staleness: Staleness,
    /// What is to be said beside it.
    pub sentence: Option<String>,
    /// What of it could not be used.
    pub warnings: Vec<String>,
}

impl Known {
    /// Asks for an invoice that the service told of before.
    pub async fn ask((tool, call): (&str, &Call<'_>), id: InvoiceId) -> Result<Self, ToolError> {
        let store = call.engine.store().await?;
        let day = today(call);
        let row = store.read().await?.remote_invoice(id, &day).await?;
        let row = row.ok_or_else(|| invoice_not_found(id))?;
        let question = Question::Invoice(row.remote_id.clone(), row.remote_customer.clone());
        let customer = row.invoice.customer_id;
        let (staleness, sentence) =
            match call.engine.billing.ask(question, customer, &store, call.now).await {
                Found::Kept(invoices) => {
                    let row = store.read().await?.remote_invoice(id, &day).await?;
                    let row = row.ok_or_else(|| invoice_not_found(id))?;
                    let (staleness, warnings) = (Staleness::default(), invoices.warnings.clone());
                    return Ok(Self { row, staleness, sentence: None, warnings });
                }
                Found::Absent => return Err(invoice_not_found(id).into()),
                Found::Failed(error) => silent(error).mark(tool, row.as_of, call),
                Found::NotKept => {
                    let because = Code::DatabaseUnavailable;
                    (Staleness::of(row.as_of, because, call), NOT_KEPT.to_owned())
                }
            };
        Ok(Self { row, staleness, sentence: Some(sentence), warnings: Vec::new() })
    }
}

/// The change is made where it counts, and only the shop's copy of it is missing.
pub(super) fn not_kept_here(tool: &str, error: &ToolError) -> ToolError {
    log_failure(tool, error);
    Refusal::new(
        error.refusal().code(),
        "The billing system made the change, but the shop's own records did not take it over.",
        "the billing service made the change; the shop's copy of it is missing",
    )
    .hint("get_invoices shows it. Just the same again within 10 minutes counts once.")
    .into()
}

const NOT_KEPT: &str = "The shop's records cannot take in what the billing system says right now; this \
                        is what it said before.";

/// An invoice without a number here cannot be told of, and the database gives the numbers.
fn not_kept() -> Refusal {
    Refusal::new(
        Code::DatabaseUnavailable,
        "The billing system has invoices, but the shop's records cannot take them in right now.",
        "the database did not take what the billing service told of",
    )
    .hint("Try again in a few seconds; if it goes on, run `servicebay doctor` at the shop.")
}

fn silent(error: Arc<UpstreamError>) -> Silent {
    Silent { service: Upstream::Billing, error }
}
