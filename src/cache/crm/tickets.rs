//! Keeping what the CRM listed of a customer's tickets.

use std::collections::{HashMap, HashSet};

use super::FRESH_SECONDS;
use crate::domain::id::CustomerId;
use crate::domain::remote::ticket::{CrmTicket, CrmTickets};
use crate::domain::ticket::Status;
use crate::domain::time::Timestamp;
use crate::store::{CrmTicketChanges, CrmTicketRow, Store, Ticket};

/// The most tickets that the CRM is asked for at once.
pub const MAX_LISTED: i64 = 100;

/// What the CRM listed, as the tools need it.
#[derive(Clone, Debug)]
pub struct ListedTickets {
    /// Whose they are in the CRM.
    pub crm_id: String,
    /// Their ids in the CRM.
    pub ids: HashSet<String>,
    /// Whether that is all there are.
    pub is_complete: bool,
    /// How many there are in all, where that is known.
    pub total: Option<i64>,
    /// What was left out.
    pub warnings: Vec<String>,
    /// Whether the database took them.
    pub is_kept: bool,
}

impl ListedTickets {
    /// Whether this ticket is among them.
    pub fn has(&self, ticket: &Ticket) -> bool {
        ticket.crm_ticket_id.as_ref().is_some_and(|id| self.ids.contains(id))
    }
}

/// What the CRM said.
pub(super) struct Said {
    pub crm_id: String,
    pub customer_id: CustomerId,
    pub status: Option<Status>,
    pub limit: i64,
    pub said: CrmTickets,
}

impl Said {
    /// Keeps it as far as the database takes it.
    pub async fn keep(self, store: &Store, now: Timestamp) -> ListedTickets {
        let kept = self.try_keep(store, now).await;
        if let Err(error) = &kept {
            tracing::warn!(%error, "what the CRM said of tickets could not be kept");
        }
        let (is_complete, total) = (self.is_complete(), self.total());
        let mut warnings = self.said.warnings;
        if is_complete && self.said.total.is_some_and(|said| said > self.said.received) {
            warnings.add(
                "The CRM counts more tickets than it lists; those that it lists are told."
                    .to_owned(),
            );
        }
        ListedTickets {
            crm_id: self.crm_id,
            is_complete,
            total,
            ids: self.said.tickets.into_iter().map(|ticket| ticket.crm_ticket_id).collect(),
            warnings: warnings.into_sentences(),
            is_kept: kept.is_ok(),
        }
    }

    /// Whether the list has every ticket that there is.
    fn is_complete(&self) -> bool {
        let received = i64::try_from(self.said.received).unwrap_or(i64::MAX);
        received < self.limit || self.said.total == Some(self.said.received)
    }

    /// How many tickets there are at the status that was asked for. What the CRM sent counts; its own
    /// count only where it sent no more than a part, and nothing of another status.
    fn total(&self) -> Option<i64> {
        let is_asked = |ticket: &&CrmTicket| self.status.is_none_or(|at| at == ticket.status);
        let count = self.said.tickets.iter().filter(is_asked).count();
        if self.is_complete() {
            return i64::try_from(count).ok();
        }
        let is_of_status = count == self.said.tickets.len();
        i64::try_from(self.said.total.filter(|_| is_of_status)?).ok()
    }

    async fn try_keep(&self, store: &Store, now: Timestamp) -> sqlx::Result<()> {
        let mut session = store.read().await?;
        let Some(customer) = session.customer(self.customer_id).await? else { return Ok(()) };
        let known = session.crm_tickets(&self.crm_id).await?;
        drop(session);
        let known: HashMap<&str, &CrmTicketRow> =
            known.iter().map(|row| (row.crm_ticket_id.as_str(), row)).collect();
        let rows: Vec<CrmTicketRow> = self
            .said
            .tickets
            .iter()
            .map(|ticket| row(ticket, known.get(ticket.crm_ticket_id.as_str()).copied(), now))
            .collect();
        let listed: HashSet<&str> = rows.iter().map(|row| row.crm_ticket_id.as_str()).collect();
        // A list of one status says nothing of what stands elsewhere now.
        let is_all = self.status.is_none()
            && self.is_complete()
            && self.said.total.is_none_or(|total| total == self.said.received)
            && self.said.tickets.len() == self.said.received;
        let gone: Vec<String> = known
            .keys()
            .filter(|id| is_all && !listed.contains(**id))
            .map(|id| (*id).to_owned())
            .collect();
        let is_changed = |row: &&CrmTicketRow| known.get(row.crm_ticket_id.as_str()) != Some(row);
        let changed: Vec<CrmTicketRow> = rows.iter().filter(is_changed).cloned().collect();
        let open = rows.iter().filter(|row| is_open(row.status)).count();
        let others = known.values().filter(|row| !listed.contains(row.crm_ticket_id.as_str()));
        let others = others.filter(|row| is_open(row.status)).count();
        let open_tickets = match (is_all, customer.crm.crm_open_tickets) {
            (true, _) => i64::try_from(open).ok(),
            // Until it says how many there are, those that are known.
            (false, None) => i64::try_from(open + others).ok(),
            (false, Some(_)) => None,
        };
        let is_recent =
            customer.crm.crm_tickets_as_of.is_some_and(|at| at > now.plus_seconds(-FRESH_SECONDS));
        let is_same_count = open_tickets.is_none() || open_tickets == customer.crm.crm_open_tickets;
        if changed.is_empty() && gone.is_empty() && is_recent && is_same_count {
            return Ok(());
        }
        let is_news = !changed.is_empty() || !gone.is_empty();
        let written = self.write(store, (&changed, &gone), open_tickets, now).await;
        // When it was asked is of no use where nothing else can be kept.
        written.or_else(|error| if is_news { Err(error) } else { Ok(()) })
    }

    async fn write(
        &self,
        store: &Store,
        (changed, gone): (&[CrmTicketRow], &[String]),
        open_tickets: Option<i64>,
        now: Timestamp,
    ) -> sqlx::Result<()> {
        let mut session = store.write().await?;
        let customer_id = session.present_id(self.customer_id).await?.unwrap_or(self.customer_id);
        let changes = CrmTicketChanges {
            customer_id,
            crm_id: &self.crm_id,
            changed,
            gone,
            open_tickets,
            as_of: now,
        };
        session.keep_crm_tickets(changes).await?;
        session.commit().await?;
        store.customers_changed();
        Ok(())
    }
}

fn is_open(status: Status) -> bool {
    matches!(status, Status::Open | Status::InProgress)
}

/// The ticket as it is kept; a time that the CRM does not say is the one at which it was first seen.
fn row(ticket: &CrmTicket, known: Option<&CrmTicketRow>, now: Timestamp) -> CrmTicketRow {
    let created_at = ticket.created_at.or(known.map(|row| row.created_at));
    let updated_at = ticket.updated_at.or(known.map(|row| row.updated_at));
    let created_at = created_at.or(updated_at).unwrap_or(now);
    CrmTicketRow {
        crm_ticket_id: ticket.crm_ticket_id.clone(),
        subject: ticket.subject.clone(),
        description: ticket.description.clone(),
        category: ticket.category.clone(),
        priority: ticket.priority,
        status: ticket.status,
        assigned_to: ticket.assigned_to.clone(),
        created_at,
        updated_at: updated_at.unwrap_or(created_at).max(created_at),
    }
}
