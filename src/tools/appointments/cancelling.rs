//! Cancelling an appointment.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{find, refuse_closed};
use crate::config::Toolset;
use crate::domain::appointment::Status;
use crate::domain::confirmation::Question;
use crate::domain::id::AppointmentId;
use crate::domain::local_time::{rfc3339, spoken};
use crate::domain::text;
use crate::error::{Code, Refusal, ToolError};
use crate::store;
use crate::tools::arguments::refuse;
use crate::tools::write::Write;
use crate::tools::{Answer, Call, Effect, Tool};

/// The longest reason that a message repeats.
const SAID_REASON_CHARACTERS: usize = 120;

/// The arguments of `cancel_appointment`.
#[derive(Debug, Deserialize, JsonSchema)]
pub struct CancelAppointment {
    /// From get_upcoming_appointments.
    appointment_id: AppointmentId,
    /// Why, in the customer's words.
    #[schemars(length(min = 1, max = 4000))]
    reason: String,
}

/// A cancelled visit.
#[derive(Debug, JsonSchema, Serialize)]
pub struct Cancelled {
    /// The time of this reply in the shop's zone, RFC 3339.
    now: String,
    /// The appointment's number.
    appointment_id: AppointmentId,
    /// Where it stands: cancelled.
    status: Status,
    /// Why.
    cancellation_reason: String,
    /// When, RFC 3339 in the shop's zone.
    cancelled_at: String,
    /// The start that it had, RFC 3339 in the shop's zone.
    scheduled_at: String,
    /// The start that it had, to say aloud.
    when: String,
}

impl Tool for CancelAppointment {
    const NAME: &'static str = "cancel_appointment";
    const TITLE: &'static str = "Cancel an appointment";
    const DESCRIPTION: &'static str = "Cancel a visit and free its time. Cannot be undone: say which visit and get a yes first. For another time use reschedule_appointment.";
    const TOOLSET: Toolset = Toolset::Appointments;
    const EFFECT: Effect = Effect::Destroys;
    const IS_CONFIRMED: bool = true;
    type Data = Cancelled;

    async fn run(self, call: &Call<'_>) -> Result<Answer<Cancelled>, ToolError> {
        let reason = read_reason(&self.reason)?;
        let mut write = Write::open(call).await?;
        let row = find(&mut write.session, self.appointment_id).await?;
        if row.status == Status::Cancelled {
            return Err(already_cancelled(&row).into());
        }
        refuse_closed(&row, "There is nothing left to cancel.")?;
        write.confirm(call, || question(&row, call)).await?;
        write.session.cancel_appointment(row.id, &reason, call.now).await?;
        let zone = call.engine.shop().zone;
        let message = tell_cancelled(&reason, call);
        let data = Cancelled {
            now: rfc3339(call.now, zone),
            appointment_id: row.id,
            status: Status::Cancelled,
            cancellation_reason: reason,
            cancelled_at: rfc3339(call.now, zone),
            scheduled_at: rfc3339(row.starts_at, zone),
            when: spoken(row.starts_at, call.now, zone),
        };
        write.finish(Answer::new(message, data)).await
    }
}

fn question(row: &store::Appointment, call: &Call<'_>) -> Question {
    let sentence = format!(
        "Shall I cancel {}'s {} for the {} on {}? This cannot be undone.",
        call.say(&row.customer_name()),
        row.service_type.as_str().replace('_', " "),
        call.say(&row.vehicle_description()),
        spoken(row.starts_at, call.now, call.engine.shop().zone)
    );
    let state = (row.id, row.status, row.span(), row.customer_id, row.vehicle_id);
    Question::new(sentence, &format!("{state:?}"))
}

/// The reason of a cancellation, which has to say something.
pub(super) fn read_reason(text: &str) -> Result<String, Refusal> {
    let reason = text::free_text(text.trim()).map_err(|wrong| refuse("reason", wrong))?;
    if reason.is_empty() {
        return Err(refuse("reason", text::InvalidText::Empty));
    }
    Ok(reason)
}

/// What is said aloud: a reason only where it is short, and not to the caller who has just told it.
fn tell_cancelled(reason: &str, call: &Call<'_>) -> String {
    let is_break = |c| matches!(c, '\n' | '\r' | '\u{85}' | '\u{2028}' | '\u{2029}');
    let is_long = reason.chars().count() > SAID_REASON_CHARACTERS;
    if call.is_voice() || is_long || reason.contains(is_break) {
        return "Appointment cancelled successfully.".to_owned();
    }
    format!("Appointment cancelled successfully. Reason: {reason}")
}

fn already_cancelled(row: &store::Appointment) -> Refusal {
    Refusal::new(
        Code::AlreadyCancelled,
        "That appointment is already cancelled.",
        format!("appointment {} is already cancelled", row.id),
    )
    .hint("Nothing more is to be done.")
}
