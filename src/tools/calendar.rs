//! What the shop's calendar and the appointments disagree about.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::paging::{cursor, cut, read_cursor, rows_to_read};
use super::{Answer, Call, Effect, Tool};
use crate::config::Toolset;
use crate::domain::appointment::{ServiceType, text_enum};
use crate::domain::id::AppointmentId;
use crate::domain::local_time::{rfc3339, spoken};
use crate::domain::time::{Interval, Timestamp};
use crate::domain::vehicle::describe;
use crate::error::{Code, Refusal, ToolError};
use crate::store::Conflict;

/// How many conflicts are listed where the caller does not say.
const DEFAULT_LIMIT: i64 = 20;
/// What a cursor of this list begins with.
const QUESTION: &str = "k";

/// The arguments of `get_calendar_conflicts`.
#[derive(Debug, Deserialize, JsonSchema)]
pub struct GetCalendarConflicts {
    /// How many at most; left out: 20.
    #[schemars(range(min = 1, max = 100))]
    limit: Option<i64>,
    /// The next_cursor of the reply before, for what follows it.
    #[schemars(length(max = 100))]
    cursor: Option<String>,
}

text_enum!(
    /// What the calendar says against an appointment.
    Kind {
        /// Staff have moved its event to another time.
        Moved = "moved",
        /// Staff have deleted its event.
        Deleted = "deleted",
        /// Staff have blocked the shop, its bay or its technician then.
        Blocked = "blocked",
    }
);

/// The visits that the calendar contradicts.
#[derive(Debug, JsonSchema, Serialize)]
pub struct Conflicts {
    /// The time of this reply in the shop's zone, RFC 3339.
    now: String,
    /// The visits to come that the calendar contradicts, soonest first.
    conflicts: Vec<View>,
    /// Pass it back as cursor for more; absent where there is no more.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_cursor: Option<String>,
    /// What is to be known of the shop's calendar, where not all that it blocks is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    calendar_note: Option<String>,
}

/// A visit that the calendar contradicts. The appointment stands until a tool changes it.
#[derive(Debug, JsonSchema, Serialize)]
pub struct View {
    /// The appointment's number, to move or cancel it.
    appointment_id: AppointmentId,
    /// What the calendar says: moved, deleted or blocked.
    kind: Kind,
    /// The appointment's start, RFC 3339 in the shop's zone.
    scheduled_at: String,
    /// The appointment's start to say aloud.
    when: String,
    /// How long it takes.
    duration_minutes: i64,
    /// Where the event is now, or since when the time is blocked, RFC 3339 in the shop's zone.
    #[serde(skip_serializing_if = "Option::is_none")]
    calendar_starts_at: Option<String>,
    /// The same to say aloud.
    #[serde(skip_serializing_if = "Option::is_none")]
    calendar_when: Option<String>,
    /// Until when, RFC 3339 in the shop's zone.
    #[serde(skip_serializing_if = "Option::is_none")]
    calendar_ends_at: Option<String>,
    /// The same to say aloud.
    #[serde(skip)]
    calendar_ends_when: Option<String>,
    /// When that was seen first, RFC 3339 in the shop's zone.
    #[serde(skip_serializing_if = "Option::is_none")]
    seen_at: Option<String>,
    /// The event in the shop's calendar.
    #[serde(skip_serializing_if = "Option::is_none")]
    calendar_event_id: Option<String>,
    /// What is to be done.
    service_type: ServiceType,
    /// The customer's name.
    customer_name: String,
    /// The customer's phone number, E.164.
    #[serde(skip_serializing_if = "Option::is_none")]
    phone_number: Option<String>,
    /// The vehicle, such as 2020 Honda Accord.
    vehicle_description: String,
}

impl Tool for GetCalendarConflicts {
    const NAME: &'static str = "get_calendar_conflicts";
    const TITLE: &'static str = "Get calendar conflicts";
    const DESCRIPTION: &'static str = "List the coming visits that the shop's calendar contradicts: staff have moved or deleted the event there, or blocked its time. The appointment stands until you change it. Ask the customer, then: reschedule_appointment to the calendar's time accepts a move, to the present time puts a moved or deleted event back; cancel_appointment accepts a deletion.";
    const TOOLSET: Toolset = Toolset::Appointments;
    const EFFECT: Effect = Effect::Reads;
    type Data = Conflicts;

    async fn run(self, call: &Call<'_>) -> Result<Answer<Conflicts>, ToolError> {
        let limit = self.limit.unwrap_or(DEFAULT_LIMIT);
        let after = self.cursor.as_deref().map(|text| read_cursor(text, QUESTION)).transpose()?;
        let after = after.map(|[at, id]| (Timestamp(at), AppointmentId(id)));
        if !call.counts_blocks() {
            return Err(not_connected().into());
        }
        let store = call.engine.store().await?;
        let mut session = store.read().await?;
        let mut rows = session.calendar_conflicts(call.now, after, rows_to_read(limit)).await?;
        let has_more = cut(&mut rows, limit);
        let next_cursor = rows
            .last()
            .filter(|_| has_more)
            .map(|row| cursor(QUESTION, [row.starts_at.0, row.id.0]));
        let calendar_note = call.calendar_note(&mut session).await?;
        let conflicts: Vec<View> = rows.into_iter().map(|row| view(row, call)).collect();
        let told = tell(&conflicts, has_more);
        let message = match &calendar_note {
            Some(note) => format!("{told} {note}"),
            None => told,
        };
        let now = rfc3339(call.now, call.engine.shop().zone);
        Ok(Answer::new(message, Conflicts { now, conflicts, next_cursor, calendar_note }))
    }
}

fn view(row: Conflict, call: &Call<'_>) -> View {
    let zone = call.engine.shop().zone;
    let written = |at: Timestamp| rfc3339(at, zone);
    let kind = Kind::ALL.iter().copied().find(|kind| kind.as_str() == row.kind);
    View {
        appointment_id: row.id,
        kind: kind.unwrap_or(Kind::Blocked),
        scheduled_at: written(row.starts_at),
        when: spoken(row.starts_at, call.now, zone),
        duration_minutes: Interval { start: row.starts_at, end: row.ends_at }.minutes(),
        calendar_starts_at: row.calendar_from.map(written),
        calendar_when: row.calendar_from.map(|at| spoken(at, call.now, zone)),
        calendar_ends_at: row.calendar_to.map(written),
        calendar_ends_when: row.calendar_to.map(|at| spoken(at, call.now, zone)),
        seen_at: row.seen_at.map(written),
        calendar_event_id: row.event_id,
        service_type: row.service_type,
        customer_name: format!("{} {}", row.first_name, row.last_name),
        phone_number: row.phone_number.map(|phone| phone.as_str().to_owned()),
        vehicle_description: describe(row.year, &row.make, &row.model),
    }
}

fn tell(conflicts: &[View], has_more: bool) -> String {
    let Some(first) = conflicts.first() else {
        return "The shop's calendar and the appointments agree.".to_owned();
    };
    let is_at_the_same_start = first.calendar_starts_at.as_ref() == Some(&first.scheduled_at);
    let what = match first.kind {
        Kind::Moved if is_at_the_same_start => {
            let to = first.calendar_ends_when.as_deref().unwrap_or("at another time");
            format!("now ends on {to} in the calendar")
        }
        Kind::Moved => {
            let to = first.calendar_when.as_deref().unwrap_or("another time");
            format!("was moved to {to} in the calendar")
        }
        Kind::Deleted => "was deleted in the calendar".to_owned(),
        Kind::Blocked => "lies in a time that is blocked in the calendar".to_owned(),
    };
    let first = format!("{}'s visit on {} {what}.", first.customer_name, first.when);
    match conflicts.len() {
        1 if !has_more => first,
        count => {
            let more = if has_more { " or more" } else { "" };
            format!("The calendar contradicts {count}{more} visits. The first: {first}")
        }
    }
}

fn not_connected() -> Refusal {
    Refusal::new(
        Code::UpstreamUnavailable,
        "The shop has no calendar connected here.",
        "no calendar is connected: neither GOOGLE_CALENDAR_ID nor CALDAV_URL is set",
    )
    .hint(
        "Use get_upcoming_appointments or search_appointments; the appointments are all there is.",
    )
}
