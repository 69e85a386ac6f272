//! Reminding customers of their visits.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::appointments::{find, refuse_closed};
use super::paging::{cut, rows_to_read};
use super::write::Write;
use super::{Answer, Call, Effect, Tool};
use crate::config::Toolset;
use crate::domain::appointment::ServiceType;
use crate::domain::id::{AppointmentId, CustomerId};
use crate::domain::local_time::{rfc3339, spoken};
use crate::domain::phone::PhoneNumber;
use crate::domain::reminder::{Channel, Outcome};
use crate::domain::time::Interval;
use crate::error::ToolError;
use crate::store::{Appointment, Reminder};

/// How far ahead visits are looked for where the caller does not say, in hours.
const DEFAULT_WITHIN_HOURS: i64 = 24;
/// How many are listed where the caller does not say.
const DEFAULT_LIMIT: i64 = 10;

/// The arguments of `get_due_reminders`.
#[derive(Debug, Deserialize, JsonSchema)]
pub struct GetDueReminders {
    /// Visits that begin by then; default 24.
    #[schemars(range(min = 1, max = 2160))]
    within_hours: Option<i64>,
    /// At most; default 10.
    #[schemars(range(min = 1, max = 100))]
    limit: Option<i64>,
}

/// The visits whose customers are to be reminded.
#[derive(Debug, JsonSchema, Serialize)]
pub struct Due {
    /// The time of this reply in the shop's zone, RFC 3339.
    now: String,
    /// One for each visit of which nobody was reached yet, soonest first.
    reminders: Vec<DueReminder>,
}

/// One visit, and what to tell its customer.
#[derive(Debug, JsonSchema, Serialize)]
pub struct DueReminder {
    /// The appointment's number, for record_reminder.
    appointment_id: AppointmentId,
    /// The start, RFC 3339 in the shop's zone.
    scheduled_at: String,
    /// The start to say aloud.
    when: String,
    /// The customer's number.
    customer_id: CustomerId,
    /// The customer's name.
    customer_name: String,
    /// The customer's phone number, E.164.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    phone_number: Option<PhoneNumber>,
    /// The customer's e-mail address.
    #[serde(skip_serializing_if = "Option::is_none")]
    email: Option<String>,
    /// The vehicle, such as 2020 Honda Accord.
    vehicle_description: String,
    /// What is to be done.
    service_type: ServiceType,
    /// What to say or write to the customer.
    message: String,
}

impl Tool for GetDueReminders {
    const NAME: &'static str = "get_due_reminders";
    const TITLE: &'static str = "Get due reminders";
    const DESCRIPTION: &'static str = "Visits that begin soon whose customers nobody reached yet, with words to say. It sends nothing: call or write yourself, then record_reminder.";
    const TOOLSET: Toolset = Toolset::Appointments;
    const EFFECT: Effect = Effect::Reads;
    type Data = Due;

    async fn run(self, call: &Call<'_>) -> Result<Answer<Due>, ToolError> {
        let hours = self.within_hours.unwrap_or(DEFAULT_WITHIN_HOURS);
        let limit = self.limit.unwrap_or(DEFAULT_LIMIT);
        let last = call.now.plus_minutes(hours.saturating_mul(60));
        let starts = Interval { start: call.now.plus_seconds(1), end: last.plus_seconds(1) };
        let store = call.engine.store().await?;
        let mut rows =
            store.read().await?.appointments_to_remind(starts, rows_to_read(limit)).await?;
        let has_more = cut(&mut rows, limit);
        let message = tell_due(&rows, has_more, call);
        let data = Due {
            now: rfc3339(call.now, call.engine.shop().zone),
            reminders: rows.into_iter().map(|row| due(row, call)).collect(),
        };
        Ok(Answer::new(message, data))
    }
}

fn due(row: Appointment, call: &Call<'_>) -> DueReminder {
    let zone = call.engine.shop().zone;
    let when = spoken(row.starts_at, call.now, zone);
    let vehicle_description = row.vehicle_description();
    let message = format!(
        "Hello {}, this is a reminder of your appointment on {when}: {} for your {vehicle_description}.",
        row.first_name,
        row.service_type.as_str().replace('_', " "),
    );
    DueReminder {
        appointment_id: row.id,
        scheduled_at: rfc3339(row.starts_at, zone),
        when,
        customer_id: row.customer_id,
        customer_name: row.customer_name(),
        phone_number: row.phone_number,
        email: row.email,
        vehicle_description,
        service_type: row.service_type,
        message,
    }
}

fn tell_due(rows: &[Appointment], has_more: bool, call: &Call<'_>) -> String {
    let and_more = if has_more { ", and there are more" } else { "" };
    let Some(first) = rows.first() else { return "No customer needs a reminder.".to_owned() };
    let when = spoken(first.starts_at, call.now, call.engine.shop().zone);
    let name = first.customer_name();
    match rows.len() {
        1 => format!("One customer needs a reminder{and_more}: {name}, for {when}."),
        count => {
            format!("{count} customers need a reminder{and_more}; the first is {name}, for {when}.")
        }
    }
}

/// The arguments of `record_reminder`.
#[derive(Debug, Deserialize, JsonSchema)]
pub struct RecordReminder {
    /// From get_due_reminders.
    appointment_id: AppointmentId,
    /// How they were reminded.
    channel: Channel,
    /// voicemail: a message was left; failed: it did not get through.
    outcome: Outcome,
}

/// What was tried to remind a customer of a visit.
#[derive(Debug, JsonSchema, Serialize)]
pub struct Recorded {
    /// The time of this reply in the shop's zone, RFC 3339.
    now: String,
    /// The appointment's number.
    appointment_id: AppointmentId,
    /// Whether the customer was reached or has a message; only then the visit is no longer due.
    confirmation_sent: bool,
    /// Every attempt, oldest first.
    reminders: Vec<Attempt>,
}

/// One attempt.
#[derive(Debug, JsonSchema, Serialize)]
pub struct Attempt {
    /// When, RFC 3339 in the shop's zone.
    at: String,
    /// How.
    channel: Channel,
    /// What came of it.
    outcome: Outcome,
}

impl Tool for RecordReminder {
    const NAME: &'static str = "record_reminder";
    const TITLE: &'static str = "Record a reminder";
    const DESCRIPTION: &'static str = "Note that a customer was reminded, and the outcome, only if it happened. reached and voicemail take the visit off get_due_reminders.";
    const TOOLSET: Toolset = Toolset::Appointments;
    const EFFECT: Effect = Effect::Writes { idempotent: false };
    type Data = Recorded;

    async fn run(self, call: &Call<'_>) -> Result<Answer<Recorded>, ToolError> {
        let mut write = Write::open(call).await?;
        let visit = find(&mut write.session, self.appointment_id).await?;
        refuse_closed(&visit, "Nobody has to be reminded of it.")?;
        let reminder = Reminder { channel: self.channel, outcome: self.outcome, sent_at: call.now };
        write.session.insert_reminder(visit.id, &reminder).await?;
        if self.outcome == Outcome::Reached {
            write.session.record_contact(visit.customer_id, call.now).await?;
        }
        let zone = call.engine.shop().zone;
        let attempt = |tried: &Reminder| Attempt {
            at: rfc3339(tried.sent_at, zone),
            channel: tried.channel,
            outcome: tried.outcome,
        };
        let attempts = write.session.reminders(visit.id).await?;
        let confirmation_sent = visit.confirmation_sent || self.outcome.confirms();
        let data = Recorded {
            now: rfc3339(call.now, zone),
            appointment_id: visit.id,
            confirmation_sent,
            reminders: attempts.iter().map(attempt).collect(),
        };
        let message = self.tell(&visit, confirmation_sent);
        write.finish(Answer::new(message, data)).await
    }
}

impl RecordReminder {
    fn tell(&self, visit: &Appointment, confirmation_sent: bool) -> String {
        let name = visit.customer_name();
        match self.outcome {
            Outcome::Reached => format!("Noted: {name} was reminded."),
            Outcome::Voicemail => format!("Noted: {name} has a message."),
            _ if confirmation_sent => {
                format!("Noted: {name} was not reached this time, but was before.")
            }
            _ => format!("Noted: {name} was not reached; the reminder is still due."),
        }
    }
}
