//! Tickets and what was said about them.

use sqlx::FromRow;

use super::search::between;
use super::{Session, on};
use crate::domain::id::{CustomerId, TicketId};
use crate::domain::ticket::{Priority, Status};
use crate::domain::time::Timestamp;

/// A ticket as the database holds one.
#[derive(Clone, Debug, FromRow)]
pub struct Ticket {
    /// The ticket's number.
    pub id: TicketId,
    /// Whose it is.
    pub customer_id: CustomerId,
    /// What it is about, in a line.
    pub subject: String,
    /// What was said at first.
    pub description: Option<String>,
    /// The kind of matter.
    pub category: Option<String>,
    /// How urgent it is.
    pub priority: Priority,
    /// Where it stands.
    pub status: Status,
    /// Who takes care of it.
    pub assigned_to: Option<String>,
    /// When it was opened.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
    /// The customer's id in the remote CRM, where the ticket is kept there.
    pub crm_id: Option<String>,
    /// The ticket's own id there.
    pub crm_ticket_id: Option<String>,
    /// What was said since, oldest first.
    #[sqlx(skip)]
    pub comments: Vec<Comment>,
}

/// Something that was said about a ticket.
#[derive(Clone, Debug)]
pub struct Comment {
    /// When.
    pub at: Timestamp,
    /// By whom.
    pub author: String,
    /// What.
    pub text: String,
}

/// A ticket to be opened.
#[derive(Clone, Debug)]
pub struct NewTicket {
    /// Whose it is.
    pub customer_id: CustomerId,
    /// What it is about, in a line.
    pub subject: String,
    /// What was said.
    pub description: Option<String>,
    /// The kind of matter.
    pub category: Option<String>,
    /// How urgent it is.
    pub priority: Priority,
}

/// Where a page of tickets begins: behind this one, newest first.
pub type After = (Timestamp, TicketId);

/// One row of tickets beside one of its comments, if there is one.
#[derive(FromRow)]
struct Joined {
    #[sqlx(flatten)]
    ticket: Ticket,
    said_at: Option<Timestamp>,
    author: Option<String>,
    said: Option<String>,
}

macro_rules! select_tickets {
    ($condition:literal) => {
        concat!(
            "select p.id, p.customer_id, p.subject, p.description, p.category, p.priority, p.status,
                    p.assigned_to, p.created_at, p.updated_at, p.crm_id,
                    p.crm_ticket_id, m.said_at, m.author, m.said
             from (select * from tickets where ",
            $condition,
            ") p
             left join ticket_comments m on m.ticket_id = p.id
             order by p.created_at desc, p.id desc, m.id"
        )
    };
}

pub(super) const TICKET: &str = select_tickets!("id = $1");
pub(super) const TICKETS: &str = select_tickets!(
    "customer_id = $1 and status between $2 and $3 and (created_at, id) < ($4, $5)
     order by created_at desc, id desc limit $6"
);
pub(super) const TICKET_COUNT: &str = "select count(*) from tickets
    where customer_id = $1 and status between $2 and $3";

impl Session {
    /// The ticket with this number.
    pub async fn ticket(&mut self, id: TicketId) -> sqlx::Result<Option<Ticket>> {
        let rows = on!(self, |db| sqlx::query_as(TICKET).bind(id).fetch_all(db).await)?;
        Ok(group(rows).pop())
    }

    /// A customer's tickets, newest first.
    pub async fn tickets(
        &mut self,
        customer: CustomerId,
        status: Option<Status>,
        after: Option<After>,
        limit: i64,
    ) -> sqlx::Result<Vec<Ticket>> {
        let (first, last) = between(status.map(Status::as_str));
        let (before, before_id) = after.unwrap_or((Timestamp(i64::MAX), TicketId(i64::MAX)));
        let rows = on!(self, |db| sqlx::query_as(TICKETS)
            .bind(customer)
            .bind(first)
            .bind(last)
            .bind(before)
            .bind(before_id)
            .bind(limit)
            .fetch_all(db)
            .await)?;
        Ok(group(rows))
    }

    /// How many tickets a customer has.
    pub async fn ticket_count(
        &mut self,
        customer: CustomerId,
        status: Option<Status>,
    ) -> sqlx::Result<i64> {
        let (first, last) = between(status.map(Status::as_str));
        on!(self, |db| sqlx::query_scalar(TICKET_COUNT)
            .bind(customer)
            .bind(first)
            .bind(last)
            .fetch_one(db)
            .await)
    }

    /// Opens a ticket.
    pub async fn insert_ticket(
        &mut self,
        new: &NewTicket,
        now: Timestamp,
    ) -> sqlx::Result<TicketId> {
        let sql = "insert into tickets
                       (customer_id, subject, description, category, priority, status, created_at,
                        updated_at)
                   values ($1, $2, $3, $4, $5, $6, $7, $7)
                   returning id";
        on!(self, |db| sqlx::query_scalar(sql)
            .bind(new.customer_id)
            .bind(&new.subject)
            .bind(&new.description)
            .bind(&new.category)
            .bind(new.priority)
            .bind(Status::Open)
            .bind(now)
            .fetch_one(db)
            .await)
    }

    /// Writes what of a ticket may change.
    pub async fn update_ticket(&mut self, ticket: &Ticket) -> sqlx::Result<()> {
        let sql = "update tickets
                   set status = $2, priority = $3, assigned_to = $4, category = $5, updated_at = $6
                   where id = $1";
        on!(self, |db| sqlx::query(sql)
            .bind(ticket.id)
            .bind(ticket.status)
            .bind(ticket.priority)
            .bind(&ticket.assigned_to)
            .bind(&ticket.category)
            .bind(ticket.updated_at)
            .execute(db)
            .await
            .map(drop))
    }

    /// Adds what was said about a ticket.
    pub async fn insert_comment(&mut self, id: TicketId, comment: &Comment) -> sqlx::Result<()> {
        let sql = "insert into ticket_comments (ticket_id, said_at, author, said)
                   values ($1, $2, $3, $4)";
        on!(self, |db| sqlx::query(sql)
            .bind(id)
            .bind(comment.at)
            .bind(&comment.author)
            .bind(&comment.text)
            .execute(db)
            .await
            .map(drop))
    }
}

/// Gathers the comments of each ticket.
fn group(rows: Vec<Joined>) -> Vec<Ticket> {
    let mut tickets: Vec<Ticket> = Vec::new();
    for row in rows {
        let comment = row.said_at.zip(row.author).zip(row.said);
        let comment = comment.map(|((at, author), text)| Comment { at, author, text });
        match tickets.last_mut() {
            Some(last) if last.id == row.ticket.id => last.comments.extend(comment),
            _ => tickets.push(Ticket { comments: comment.into_iter().collect(), ..row.ticket }),
        }
    }
    tickets
}
