//! A customer's tickets as a remote CRM lists them.

use serde_json::Value;

use super::{Context, Fields, Unusable, Warnings, beside_list, list};
use crate::domain::text::{self, MAX_NAME};
use crate::domain::ticket::{Priority, Status};
use crate::domain::time::Timestamp;

const WRAPPERS: [&str; 5] = ["tickets", "data", "items", "results", "result"];
const ID: [&str; 3] = ["id", "ticket_id", "number"];
/// The most tickets of one answer that are read.
const MAX_TICKETS: usize = 100;

/// A ticket as a CRM describes one.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct CrmTicket {
    /// The id in the CRM.
    pub crm_ticket_id: String,
    /// Where it stands.
    pub status: Status,
    /// How urgent it is.
    pub priority: Priority,
    /// What it is about, in a line.
    pub subject: String,
    /// What was said at first.
    pub description: Option<String>,
    /// The kind of matter.
    pub category: Option<String>,
    /// Who takes care of it.
    pub assigned_to: Option<String>,
    /// When it was opened, where that was said.
    pub created_at: Option<Timestamp>,
    /// When it was last changed, where that was said.
    pub updated_at: Option<Timestamp>,
}

/// What a CRM lists of a customer's tickets.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct CrmTickets {
    /// The tickets.
    pub tickets: Vec<CrmTicket>,
    /// How many there are in all, where that was said.
    pub total: Option<usize>,
    /// How many entries the list had, those included that were left out.
    pub received: usize,
    /// What was left out.
    pub warnings: Warnings,
}

impl CrmTickets {
    /// Reads the tickets of the customer with this id.
    ///
    /// # Errors
    /// Where it is no list, or says that it is another customer's.
    pub fn read(answer: &Value, crm_id: &str, context: Context<'_>) -> Result<Self, Unusable> {
        if let Some(object) = answer.as_object()
            && Fields(object).text(&["customer_id"]).is_some_and(|id| id != crm_id)
        {
            return Err(Unusable::Another);
        }
        let items = list(answer, &WRAPPERS)?;
        let mut read = Self {
            total: beside_list(answer, &["total", "total_count", "count"])
                .and_then(|total| usize::try_from(total).ok())
                .filter(|total| *total >= items.len()),
            received: items.len(),
            ..Self::default()
        };
        for item in items.iter().take(MAX_TICKETS) {
            match CrmTicket::read(item, crm_id, (context, &mut read.warnings)) {
                Ok(ticket) => {
                    let id = &ticket.crm_ticket_id;
                    if read.tickets.iter().all(|other| other.crm_ticket_id != *id) {
                        read.tickets.push(ticket);
                    }
                }
                Err(unusable) => {
                    read.warnings.left_out(
                        context,
                        "list of tickets",
                        format!("has one that cannot be used: {}", unusable.reason()),
                    );
                }
            }
        }
        // One that cannot be used among many is left out; where none can, it is no list of tickets.
        if read.tickets.is_empty() && !items.is_empty() {
            return Err(Unusable::NoRecord);
        }
        Ok(read)
    }
}

impl CrmTicket {
    fn read(
        item: &Value,
        crm_id: &str,
        (context, warnings): (Context<'_>, &mut Warnings),
    ) -> Result<Self, Unusable> {
        let fields = Fields(item.as_object().ok_or(Unusable::NoRecord)?);
        if fields.text(&["customer_id"]).is_some_and(|id| id != crm_id) {
            return Err(Unusable::Another);
        }
        let id = fields.text(&ID).and_then(|id| text::name(&id).ok()).ok_or(Unusable::NoId)?;
        let at = warnings;
        let subject = fields.read(&["subject", "title", "summary"], (context, at), line);
        Ok(Self {
            crm_ticket_id: id,
            status: read_status(fields, context, at),
            priority: read_priority(fields),
            subject: subject.unwrap_or_else(|| "(no subject)".to_owned()),
            description: fields.read(&["description", "body"], (context, at), text::free_text),
            category: fields.read(&["category", "type"], (context, at), text::name),
            assigned_to: fields.read(
                &["assigned_to", "assignee", "owner"],
                (context, at),
                text::name,
            ),
            created_at: fields.time(&["created_at", "created", "opened_at"], (context, at)),
            updated_at: fields.time(&["updated_at", "updated", "modified_at"], (context, at)),
        })
    }
}

/// A subject, cut down to what one may be.
fn line(text: &str) -> Result<String, text::InvalidText> {
    let cut: String = text.chars().take(MAX_NAME).collect();
    text::name(&cut)
}

/// The status in our words; one that nobody knows needs somebody to look at it.
fn read_status(fields: Fields<'_>, context: Context<'_>, warnings: &mut Warnings) -> Status {
    let text = fields.text(&["status", "state"]).unwrap_or_default().to_lowercase();
    match text.replace([' ', '-', '/', ':', '('], "_").as_str() {
        "open" | "new" | "reopened" => Status::Open,
        "in_progress" | "pending" | "on_hold" | "waiting" | "assigned" => Status::InProgress,
        "resolved" | "solved" | "done" | "complete" | "completed" | "fixed" | "finished" => {
            Status::Resolved
        }
        "closed" | "cancelled" | "canceled" | "archived" | "rejected" => Status::Closed,
        // Such as "closed_as_duplicate".
        text if text.starts_with("closed_") => Status::Closed,
        text if text.starts_with("resolved_") => Status::Resolved,
        "" if fields.get(&["closed_at"]).is_some() => Status::Closed,
        "" if fields.get(&["resolved_at"]).is_some() => Status::Resolved,
        _ => {
            let service = context.service;
            warnings.add(format!(
                "The {service} gives a ticket no status that is known; it is taken for open."
            ));
            Status::Open
        }
    }
}

fn read_priority(fields: Fields<'_>) -> Priority {
    let text = fields.text(&["priority", "urgency"]).unwrap_or_default().to_lowercase();
    match text.as_str() {
        "low" | "minor" => Priority::Low,
        "high" | "major" => Priority::High,
        "urgent" | "critical" | "highest" => Priority::Urgent,
        _ => Priority::Normal,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::domain::money::Currency;

    fn read(answer: &Value) -> Result<CrmTickets, Unusable> {
        let context = Context {
            service: "CRM",
            region: "US",
            currency: Currency::USD,
            zone: chrono_tz::UTC,
            now: Timestamp(1_800_000_000),
        };
        CrmTickets::read(answer, "C-1", context)
    }

    #[test]
    fn tickets_are_read_in_several_shapes() {
        let answer = json!({"total": 7, "tickets": [
            {"id": "T-1", "status": "open", "priority": "high", "subject": "Billing inquiry",
             "created_at": "2024-01-08T09:00:00Z", "category": "billing"},
            {"ticket_id": 2, "state": "In Progress", "urgency": "critical", "title": "Call back",
             "assignee": "agent@example.com", "customer_id": "C-1"},
        ]});
        let listed = read(&answer).unwrap();
        assert_eq!((listed.total, listed.received), (Some(7), 2));
        let [first, second] = listed.tickets.as_slice() else { panic!("{listed:?}") };
        assert_eq!((first.status, first.priority), (Status::Open, Priority::High));
        assert_eq!(first.created_at, Some(Timestamp(1_704_704_400)));
        assert_eq!(second.crm_ticket_id, "2");
        assert_eq!((second.status, second.priority), (Status::InProgress, Priority::Urgent));
        assert_eq!(second.assigned_to.as_deref(), Some("agent@example.com"));
        assert_eq!(read(&answer["tickets"]).unwrap().tickets, listed.tickets);
        assert_eq!(read(&json!({"data": {"tickets": []}})).unwrap(), CrmTickets::default());
    }

    #[test]
    fn what_is_closed_is_not_open() {
        let check = |ticket: Value, expected| {
            let listed = read(&json!([ticket])).unwrap();
            assert_eq!(listed.tickets[0].status, expected, "{ticket}");
        };
        check(json!({"id": 1, "status": "Closed"}), Status::Closed);
        check(json!({"id": 1, "status": "Closed - duplicate"}), Status::Closed);
        check(json!({"id": 1, "state": "archived"}), Status::Closed);
        check(json!({"id": 1, "closed_at": "2024-01-08T09:00:00Z"}), Status::Closed);
        check(json!({"id": 1, "status": "Resolved/verified"}), Status::Resolved);
        check(json!({"id": 1, "status": "fixed"}), Status::Resolved);
        check(json!({"id": 1, "closed_at": null}), Status::Open);
    }

    #[test]
    fn one_that_cannot_be_used_is_left_out() {
        let answer = json!([{"id": "T-1", "status": "odd"}, {"subject": "?"}, {"id": 3, "customer_id": "C-2"}]);
        let listed = read(&answer).unwrap();
        assert_eq!(listed.received, 3);
        let [only] = listed.tickets.as_slice() else { panic!("{listed:?}") };
        assert_eq!((only.subject.as_str(), only.status), ("(no subject)", Status::Open));
        let warnings = listed.warnings.into_sentences();
        assert_eq!(warnings.len(), 3, "{warnings:#?}");
    }

    #[test]
    fn what_is_no_list_of_the_customers_tickets_is_refused() {
        for (answer, expected) in [
            (json!({"status": "ok"}), Unusable::NoRecord),
            (json!([{"name": "x"}]), Unusable::NoRecord),
            (json!({"customer_id": "C-2", "tickets": []}), Unusable::Another),
            (json!({"success": false}), Unusable::Refused),
        ] {
            assert_eq!(read(&answer), Err(expected), "{answer}");
        }
    }

    #[test]
    fn a_total_below_what_was_listed_is_not_believed() {
        let answer = json!({"total": 0, "tickets": [{"id": 1, "status": "open"}]});
        assert_eq!(read(&answer).unwrap().total, None);
    }
}
