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
    /// The customer's number, from lookup_customer.
    customer_id: CustomerId,
    /// What it is about, in a line.
    #[schemars(length(min = 1, max = 200))]
    subject: String,
    /// How urgent it is; left out: normal.
    priority: Option<Priority>,
    /// The kind of matter, such as billing or warranty.
    #[schemars(length(max = 200))]
    category: Option<String>,
    /// What the customer says, in the customer's words.
    #[schemars(length(max = 4000))]
    description: Option<String>,
    /// A key of your own for this request: the same key and arguments never open a second one.
    #[schemars(length(min = 1, max = 200))]
    idempotency_key: Option<String>,
}

impl Tool for CreateTicket {
    const NAME: &'static str = "create_ticket";
    const TITLE: &'static str = "Open a ticket";
    const DESCRIPTION: &'static str = "Open a ticket for what the shop has to see to and no visit settles by itself: a complaint, a question, a call back. To bring a vehicle in, use book_appointment.";
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
