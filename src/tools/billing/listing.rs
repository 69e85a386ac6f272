//! Listing a customer's invoices.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{InvoiceView, today, view};
use crate::config::Toolset;
use crate::domain::id::{CustomerId, InvoiceId};
use crate::domain::invoice::Status;
use crate::domain::time::Timestamp;
use crate::error::ToolError;
use crate::store::{Invoice, InvoicePage};
use crate::tools::customers::present_id;
use crate::tools::paging::{cursor, cut, read_cursor, rows_to_read};
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
}

impl Tool for GetInvoices {
    const NAME: &'static str = "get_invoices";
    const TITLE: &'static str = "Get a customer's invoices";
    const DESCRIPTION: &'static str = "A customer's invoices, newest first, and what is due.";
    const TOOLSET: Toolset = Toolset::Billing;
    const EFFECT: Effect = Effect::Reads;
    type Data = Listed;

    async fn run(self, call: &Call<'_>) -> Result<Answer<Listed>, ToolError> {
        let limit = self.limit.unwrap_or(DEFAULT_LIMIT);
        let question = self.question();
        let after = self.cursor.as_deref().map(|text| read_cursor(text, &question)).transpose()?;
        let after = after.map(|[at, id]| (Timestamp(at), InvoiceId(id)));
        let store = call.engine.store().await?;
        let mut session = store.read().await?;
        let customer_id = present_id(&mut session, self.customer_id).await?;
        let page = InvoicePage { status: self.status, after, limit: rows_to_read(limit) };
        let mut rows = session.invoices(customer_id, page, &today(call)).await?;
        let has_more = cut(&mut rows, limit);
        let next_cursor = rows
            .last()
            .filter(|_| has_more)
            .map(|row| cursor(&question, [row.created_at.0, row.id.0]));
        let message = self.tell(&rows, has_more);
        let invoices = rows.into_iter().map(|row| view(row, call)).collect();
        Ok(Answer::new(message, Listed { customer_id, invoices, next_cursor }))
    }
}

impl GetInvoices {
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
