//! Opening a ticket.

use schemars::JsonSchema;
use serde::Deserialize;

use super::{One, view};
use crate::config::Toolset;
use crate::domain::id::CustomerId;
use crate::domain::text;
use crate::domain::ticket::Priority;
use crate::error::{Refusal, ToolError};
use crate::store::NewTicket;
use crate::tools::arguments::refuse;
use crate::tools::customers::{optional, present_id};
use crate::tools::write::{Begun, Write};
use crate::tools::{Answer, Call, Effect, Tool};

/// The arguments of `create_ticket`.
#[derive(Debug, Deserialize, JsonSchema)]
pub struct CreateTicket {
    /// From lookup_customer.
    customer_id: CustomerId,
    /// In a line.
    #[schemars(length(min = 1, max = 200))]
    subject: String,
    /// Default normal.
    priority: Option<Priority>,
    /// Such as billing or warranty.
    #[schemars(length(max = 200))]
    category: Option<String>,
    /// What the customer says.
    #[schemars(length(max = 4000))]
    description: Option<String>,
    /// The same key acts once.
    #[schemars(length(min = 1, max = 200))]
    idempotency_key: Option<String>,
}

impl Tool for CreateTicket {
    const NAME: &'static str = "create_ticket";
    const TITLE: &'static str = "Open a ticket";
    const DESCRIPTION: &'static str = "Note a complaint, question or call back that no visit settles. To bring a vehicle in, book_appointment.";
    const TOOLSET: Toolset = Toolset::Crm;
    const EFFECT: Effect = Effect::Writes { idempotent: false };
    type Data = One;

    async fn run(self, call: &Call<'_>) -> Result<Answer<One>, ToolError> {
        let mut new = self.check()?;
        let mut write =
            match Write::begin(call, Self::NAME, self.idempotency_key.as_deref()).await? {
                Begun::Replayed(envelope) => return Ok(Answer::Kept(envelope)),
                Begun::Fresh(write) => write,
            };
        new.customer_id = present_id(&mut write.session, self.customer_id).await?;
        let id = write.session.insert_ticket(&new, call.now).await?;
        write.session.record_contact(new.customer_id, call.now).await?;
        let Some(ticket) = write.session.ticket(id).await? else {
            return Err(sqlx::Error::RowNotFound.into());
        };
        let message = format!("Ticket {id} is open.");
        write.finish(Answer::new(message, One { ticket: view(ticket, call.engine.shop()) })).await
    }
}

impl CreateTicket {
    fn check(&self) -> Result<NewTicket, Refusal> {
        Ok(NewTicket {
            customer_id: self.customer_id,
            subject: text::name(&self.subject).map_err(|wrong| refuse("subject", wrong))?,
            description: optional("description", self.description.as_deref(), text::free_text)?,
            category: optional("category", self.category.as_deref(), text::name)?,
            priority: self.priority.unwrap_or(Priority::Normal),
        })
    }
}
