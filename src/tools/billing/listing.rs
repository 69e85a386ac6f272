//! Listing a customer's invoices.

use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{InvoiceView, remote, today, view};
use crate::clients::Upstream;
use crate::config::Toolset;
use crate::domain::id::{CustomerId, InvoiceId};
use crate::domain::invoice::Status;
use crate::domain::time::Timestamp;
use crate::error::ToolError;
use crate::store::{Invoice, InvoicePage, Store};
use crate::tools::customers::{customer_not_found, present_id};
use crate::tools::paging::{cursor, cut, read_cursor, rows_to_read};
use crate::tools::staleness::Staleness;
use crate::tools::{Answer, Call, Effect, Tool};

/// How many invoices are listed where the caller does not say.
const DEFAULT_LIMIT: i64 = 10;

/// The arguments of `get_invoices`.
#[derive(Debug, Deserialize, JsonSchema)]
pub struct GetInvoices {
    /// From lookup_customer.
    customer_id: CustomerId,
    /// Default all.
    status: Option<Status>,
    /// At most; default 10.
    #[schemars(range(min = 1, max = 100))]
    limit: Option<i64>,
    /// From next_cursor.
    #[schemars(length(max = 100))]
    cursor: Option<String>,
}

/// A customer's invoices.
#[derive(Debug, JsonSchema, Serialize)]
pub struct Listed {
    /// The customer's number.
    customer_id: CustomerId,
    /// The invoices, newest first.
    invoices: Vec<InvoiceView>,
    /// Pass it back as cursor for more; absent where there is no more.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_cursor: Option<String>,
    /// Whether the billing service's invoices are the last known ones, where it does not answer.
    #[serde(flatten)]
    staleness: Staleness,
    /// What of the billing service's list could not be used, in sentences; absent where there is nothing.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    warnings: Vec<String>,
}

impl Tool for GetInvoices {
    const NAME: &'static str = "get_invoices";
    const TITLE: &'static str = "Get a customer's invoices";
    const DESCRIPTION: &'static str = "A customer's invoices, newest first, and what is due.";
    const TOOLSET: Toolset = Toolset::Billing;
    const EFFECT: Effect = Effect::Reads;
    const ASKS: Option<Upstream> = Some(Upstream::Billing);
    type Data = Listed;

    async fn run(self, call: &Call<'_>) -> Result<Answer<Listed>, ToolError> {
        let limit = self.limit.unwrap_or(DEFAULT_LIMIT);
        let question = self.question();
        let after = self.cursor.as_deref().map(|text| read_cursor(text, &question)).transpose()?;
        let after = after.map(|[at, id]| (Timestamp(at), InvoiceId(id)));
        let store = call.engine.store().await?;
        let mut session = store.read().await?;
        let customer_id = present_id(&mut session, self.customer_id).await?;
        let remote = if call.engine.billing.is_on() {
            drop(session);
            let remote = self.ask(customer_id, call, &store).await?;
            session = store.read().await?;
            remote
        } else {
            remote::Listed::default()
        };
        let page = InvoicePage { status: self.status, after, limit: rows_to_read(limit) };
        let mut rows = session.all_invoices(customer_id, page, &today(call)).await?;
        let mut has_more = cut(&mut rows, limit);
        // What the service does not list any more stands elsewhere, or is gone.
        let gone = remote.gone(&mut session, customer_id, &today(call)).await?;
        rows.retain(|row| !gone.contains(&row.id));
        has_more |= remote.has_more() && self.cursor.is_none() && !rows.is_empty();
        let next_cursor = rows
            .last()
            .filter(|_| has_more)
            .map(|row| cursor(&question, [row.created_at.0, row.id.0]));
        let mut message = self.tell(&rows, has_more);
        let remote::Listed { staleness, sentence, warnings, .. } = remote;
        if let Some(sentence) = sentence {
            message = format!("{message} {sentence}");
        }
        let invoices = rows.into_iter().map(|row| view(row, call)).collect();
        let data = Listed { customer_id, invoices, next_cursor, staleness, warnings };
        Ok(Answer::new(message, data))
    }
}

impl GetInvoices {
    /// Asks the billing service for the customer's invoices.
    async fn ask(
        &self,
        id: CustomerId,
        call: &Call<'_>,
        store: &Arc<Store>,
    ) -> Result<remote::Listed, ToolError> {
        let Some(row) = store.read().await?.customer(id).await? else {
            return Err(customer_not_found(id).into());
        };
        let first = self.cursor.is_none().then(|| self.limit.unwrap_or(DEFAULT_LIMIT));
        remote::Listed::ask((Self::NAME, call), &row, (self.status, first), store).await
    }

    fn tell(&self, rows: &[Invoice], has_more: bool) -> String {
        let more = if self.cursor.is_some() { "more " } else { "" };
        let status = self.status.map(|status| format!("{status} ")).unwrap_or_default();
        let and_more = if has_more { ", and there are more" } else { "" };
        match rows {
            [] => format!("There are no {more}{status}invoices."),
            [only] => format!("There is 1 {more}{status}invoice{and_more}. {}", super::tell(only)),
            [first, ..] => format!(
                "There are {} {more}{status}invoices{and_more}. The newest: {}",
                rows.len(),
                super::tell(first)
            ),
        }
    }

    /// What a cursor of this list is good for.
    fn question(&self) -> String {
        format!("i{:x}{}", self.customer_id.0, self.status.map_or("", Status::as_str))
    }
}
