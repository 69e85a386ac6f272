//! What a remote CRM said of customers and tickets, beside what the shop keeps itself.

use sqlx::FromRow;

use super::{Session, on};
use crate::domain::id::CustomerId;
use crate::domain::ticket::{Priority, Status};
use crate::domain::time::Timestamp;

/// The most tickets of one customer in the CRM that are looked at.
pub const MAX_CRM_TICKETS: i64 = 1_000;
/// How many rows one statement writes; SQLite allows 32,766 parameters.
const ROWS_AT_ONCE: usize = 500;

/// A ticket of the CRM as this database holds it.
#[derive(Clone, Debug, Eq, FromRow, PartialEq)]
pub struct CrmTicketRow {
    /// The ticket's id in the CRM.
    pub crm_ticket_id: String,
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
}

/// What is known of a customer's tickets in the CRM after it was asked.
#[derive(Clone, Debug)]
pub struct CrmTicketChanges<'a> {
    /// Whose they are here.
    pub customer_id: CustomerId,
    /// Whose they are in the CRM.
    pub crm_id: &'a str,
    /// Tickets that are new or say something else than before.
    pub changed: &'a [CrmTicketRow],
    /// Ids of tickets that the CRM does not have any more.
    pub gone: &'a [String],
    /// How many are not resolved, where that is known.
    pub open_tickets: Option<i64>,
    /// When it was asked.
    pub as_of: Timestamp,
}

pub(super) const CRM_TICKETS: &str =
    "select crm_ticket_id, subject, description, category, priority, status, assigned_to, created_at,
            updated_at
     from tickets
     where crm_id = $1 and crm_ticket_id is not null
     order by crm_ticket_id
     limit $2";

pub(super) const CRM_TICKET_COUNT: &str = "select count(*) from tickets
     where crm_id = $1 and crm_ticket_id is not null and status between $2 and $3";

/// Follows a CRM id; ids of tickets follow, and a bracket.
pub(super) const AND_CRM_TICKETS: &str = " and crm_ticket_id in (";
/// What the CRM id follows.
pub(super) const DELETE_CRM_TICKETS: &str = "delete from tickets where crm_id = ";

impl Session {
    /// Puts a customer on file of whom the CRM told; fails as a unique violation where somebody else
    /// did so at the same moment.
    pub async fn insert_crm_customer(
        &mut self,
        crm_id: &str,
        (first_name, last_name): (&str, &str),
        created_at: Timestamp,
    ) -> sqlx::Result<CustomerId> {
        let sql = "insert into customers (crm_id, first_name, last_name, created_at)
                   values ($1, $2, $3, $4)
                   returning id";
        on!(self, |db| sqlx::query_scalar(sql)
            .bind(crm_id)
            .bind(first_name)
            .bind(last_name)
            .bind(created_at)
            .fetch_one(db)
            .await)
    }

    /// Takes this e-mail address, folded, from a customer who has it no more in the CRM.
    pub async fn drop_email(
        &mut self,
        id: CustomerId,
        email_key: Option<&str>,
    ) -> sqlx::Result<()> {
        let sql = "update customers set email = null, email_key = null
                   where id = $1 and email_key = $2";
        on!(self, |db| sqlx::query(sql).bind(id).bind(email_key).execute(db).await.map(drop))
    }

    /// The tickets of a customer in the CRM, as this database holds them.
    pub async fn crm_tickets(&mut self, crm_id: &str) -> sqlx::Result<Vec<CrmTicketRow>> {
        on!(self, |db| sqlx::query_as(CRM_TICKETS)
            .bind(crm_id)
            .bind(MAX_CRM_TICKETS)
            .fetch_all(db)
            .await)
    }

    /// Takes over what the CRM said of a customer's tickets.
    pub async fn keep_crm_tickets(&mut self, changes: CrmTicketChanges<'_>) -> sqlx::Result<()> {
        for rows in changes.changed.chunks(ROWS_AT_ONCE) {
            self.upsert_crm_tickets(changes.customer_id, changes.crm_id, rows).await?;
        }
        for ids in changes.gone.chunks(ROWS_AT_ONCE) {
            on!(self, |db| {
                let mut delete = sqlx::QueryBuilder::new(DELETE_CRM_TICKETS);
                delete.push_bind(changes.crm_id).push(AND_CRM_TICKETS);
                let mut list = delete.separated(", ");
                for id in ids {
                    list.push_bind(id);
                }
                delete.push(")");
                delete.build().execute(db).await.map(drop)
            })?;
        }
        let sql = "update customers
                   set crm_tickets_as_of = $2, crm_open_tickets = coalesce($3, crm_open_tickets)
                   where id = $1";
        on!(self, |db| sqlx::query(sql)
            .bind(changes.customer_id)
            .bind(changes.as_of)
            .bind(changes.open_tickets)
            .execute(db)
            .await
            .map(drop))
    }

    async fn upsert_crm_tickets(
        &mut self,
        customer_id: CustomerId,
        crm_id: &str,
        rows: &[CrmTicketRow],
    ) -> sqlx::Result<()> {
        on!(self, |db| {
            let mut upsert = sqlx::QueryBuilder::new(
                "insert into tickets
                     (customer_id, crm_id, crm_ticket_id, subject, description, category, priority,
                      status, assigned_to, created_at, updated_at) ",
            );
            upsert.push_values(rows, |mut row, ticket| {
                row.push_bind(customer_id)
                    .push_bind(crm_id)
                    .push_bind(&ticket.crm_ticket_id)
                    .push_bind(&ticket.subject)
                    .push_bind(&ticket.description)
                    .push_bind(&ticket.category)
                    .push_bind(ticket.priority)
                    .push_bind(ticket.status)
                    .push_bind(&ticket.assigned_to)
                    .push_bind(ticket.created_at)
                    .push_bind(ticket.updated_at);
            });
            upsert.push(
                " on conflict (crm_id, crm_ticket_id) where crm_ticket_id is not null do update
                  set customer_id = excluded.customer_id, subject = excluded.subject,
                      description = excluded.description, category = excluded.category,
                      priority = excluded.priority, status = excluded.status,
                      assigned_to = excluded.assigned_to, created_at = excluded.created_at,
                      updated_at = excluded.updated_at",
            );
            upsert.build().execute(db).await.map(drop)
        })
    }

    /// How many tickets of a customer in the CRM stand at `status`, by what this database knows.
    pub async fn crm_ticket_count(
        &mut self,
        crm_id: &str,
        status: Option<Status>,
    ) -> sqlx::Result<i64> {
        let (first, last) = super::search::between(status.map(Status::as_str));
        on!(self, |db| sqlx::query_scalar(CRM_TICKET_COUNT)
            .bind(crm_id)
            .bind(first)
            .bind(last)
            .fetch_one(db)
            .await)
    }
}
