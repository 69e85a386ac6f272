//! Changing a ticket, and saying something about it.

use schemars::JsonSchema;
use serde::Deserialize;

use super::{One, view};
use crate::config::Toolset;
use crate::domain::id::TicketId;
use crate::domain::text;
use crate::domain::ticket::{Priority, Status};
use crate::error::{Code, Refusal, ToolError};
use crate::store::{Comment, Ticket};
use crate::tools::arguments::refuse;
use crate::tools::customers::optional;
use crate::tools::customers::updating::unless_empty;
use crate::tools::write::Write;
use crate::tools::{Answer, Call, Effect, Tool};

/// The arguments of `update_ticket`.
#[derive(Debug, Deserialize, JsonSchema)]
pub struct UpdateTicket {
    /// From get_customer_tickets.
    ticket_id: TicketId,
    /// The new status.
    status: Option<Status>,
    /// The new priority.
    priority: Option<Priority>,
    /// Who takes care of it; empty: nobody.
    #[schemars(length(max = 200))]
    assigned_to: Option<String>,
    /// Empty removes it.
    #[schemars(length(max = 200))]
    category: Option<String>,
    /// To be added.
    #[schemars(length(min = 1, max = 4000))]
    comment: Option<String>,
}

impl Tool for UpdateTicket {
    const NAME: &'static str = "update_ticket";
    const TITLE: &'static str = "Update a ticket";
    const DESCRIPTION: &'static str =
        "Change a ticket's status, priority, category or assignee, or add a comment.";
    const TOOLSET: Toolset = Toolset::Crm;
    const EFFECT: Effect = Effect::Writes { idempotent: false };
    type Data = One;

    async fn run(self, call: &Call<'_>) -> Result<Answer<One>, ToolError> {
        let change = self.check()?;
        let mut write = Write::open(call).await?;
        let Some(old) = write.session.ticket(self.ticket_id).await? else {
            return Err(ticket_not_found(self.ticket_id).into());
        };
        if let Some(crm_ticket_id) = &old.crm_ticket_id {
            return Err(kept_in_crm(old.id, crm_ticket_id).into());
        }
        let mut ticket = change.apply(old);
        ticket.updated_at = call.now;
        if let Some(text) = change.comment {
            let author = call.engine.shop().booking.booked_by.clone();
            let comment = Comment { at: call.now, author, text };
            write.session.insert_comment(ticket.id, &comment).await?;
            ticket.comments.push(comment);
        }
        write.session.update_ticket(&ticket).await?;
        let message = format!(
            "Ticket {} is updated; it is {}.",
            ticket.id,
            ticket.status.as_str().replace('_', " ")
        );
        write.finish(Answer::new(message, One { ticket: view(ticket, call.engine.shop()) })).await
    }
}

/// The change, checked: an inner option says what takes the place of what was there.
struct Change {
    status: Option<Status>,
    priority: Option<Priority>,
    assigned_to: Option<Option<String>>,
    category: Option<Option<String>>,
    comment: Option<String>,
}

impl UpdateTicket {
    fn check(&self) -> Result<Change, Refusal> {
        let change = Change {
            status: self.status,
            priority: self.priority,
            assigned_to: optional(
                "assigned_to",
                self.assigned_to.as_deref(),
                unless_empty(text::name),
            )?,
            category: optional("category", self.category.as_deref(), unless_empty(text::name))?,
            comment: optional("comment", self.comment.as_deref(), said)?,
        };
        if change.is_empty() {
            return Err(refuse(
                "update_ticket",
                "needs at least one of status, priority, assigned_to, category, comment",
            ));
        }
        Ok(change)
    }
}

/// Free text that says something.
fn said(text: &str) -> Result<String, text::InvalidText> {
    let text = text::free_text(text)?;
    if text.trim().is_empty() { Err(text::InvalidText::Empty) } else { Ok(text) }
}

impl Change {
    fn is_empty(&self) -> bool {
        let Self { status, priority, assigned_to, category, comment } = self;
        status.is_none()
            && priority.is_none()
            && assigned_to.is_none()
            && category.is_none()
            && comment.is_none()
    }

    /// The ticket as changed, but for the comment.
    fn apply(&self, mut ticket: Ticket) -> Ticket {
        ticket.status = self.status.unwrap_or(ticket.status);
        ticket.priority = self.priority.unwrap_or(ticket.priority);
        ticket.assigned_to = self.assigned_to.clone().unwrap_or(ticket.assigned_to);
        ticket.category = self.category.clone().unwrap_or(ticket.category);
        ticket
    }
}

/// The refusal of a ticket's number that no ticket has.
fn ticket_not_found(id: TicketId) -> Refusal {
    Refusal::new(
        Code::TicketNotFound,
        "I cannot find that ticket.",
        format!("there is no ticket {id}"),
    )
    .hint("get_customer_tickets lists the customer's tickets with their ids.")
}

/// The refusal of a ticket that the CRM keeps: it takes no changes from here.
fn kept_in_crm(id: TicketId, crm_ticket_id: &str) -> Refusal {
    let error = format!("{id} is ticket {crm_ticket_id} of the CRM, and is changed there");
    refuse("ticket_id", error).hint(
        "Tell the shop what to change; or open a ticket of the shop's own with create_ticket.",
    )
}
