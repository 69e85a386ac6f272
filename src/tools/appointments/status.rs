//! Where an appointment stands, and where it may go from there.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{find, refuse_closed};
use crate::config::Toolset;
use crate::domain::appointment::Status;
use crate::domain::id::AppointmentId;
use crate::domain::local_time::{rfc3339, spoken};
use crate::domain::text;
use crate::error::{Refusal, ToolError};
use crate::store::Appointment;
use crate::tools::arguments::refuse;
use crate::tools::customers::optional;
use crate::tools::write::Write;
use crate::tools::{Answer, Call, Effect, Tool};

/// Where this tool can put an appointment; `cancel_appointment` cancels one.
#[derive(Clone, Copy, Debug, Deserialize, Eq, JsonSchema, PartialEq)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
enum NewStatus {
    Confirmed,
    InProgress,
    Completed,
    NoShow,
}

impl From<NewStatus> for Status {
    fn from(status: NewStatus) -> Self {
        match status {
            NewStatus::Confirmed => Self::Confirmed,
            NewStatus::InProgress => Self::InProgress,
            NewStatus::Completed => Self::Completed,
            NewStatus::NoShow => Self::NoShow,
        }
    }
}

/// The arguments of `update_appointment_status`.
#[derive(Debug, Deserialize, JsonSchema)]
pub struct UpdateAppointmentStatus {
    /// From the appointment lists.
    appointment_id: AppointmentId,
    /// The new status.
    status: NewStatus,
    /// What was done.
    #[schemars(length(max = 4000))]
    work_performed: Option<String>,
    /// Odometer reading.
    #[schemars(range(min = 0, max = 10_000_000))]
    mileage: Option<i64>,
}

/// A changed status.
#[derive(Debug, JsonSchema, Serialize)]
pub struct Updated {
    /// The time of this reply in the shop's zone, RFC 3339.
    now: String,
    /// The appointment's number.
    appointment_id: AppointmentId,
    /// Where it stood.
    old_status: Status,
    /// Where it stands.
    status: Status,
    /// Its start, RFC 3339 in the shop's zone.
    scheduled_at: String,
    /// Its start to say aloud.
    when: String,
}

impl Tool for UpdateAppointmentStatus {
    const NAME: &'static str = "update_appointment_status";
    const TITLE: &'static str = "Update an appointment's status";
    const DESCRIPTION: &'static str = "Note that a visit is confirmed, has begun, is completed, or that nobody came (no_show). Steps may be left out; the last two are final and free the bay. To cancel, cancel_appointment.";
    const TOOLSET: Toolset = Toolset::Appointments;
    const EFFECT: Effect = Effect::Writes { idempotent: true };
    type Data = Updated;

    async fn run(self, call: &Call<'_>) -> Result<Answer<Updated>, ToolError> {
        let work_performed =
            optional("work_performed", self.work_performed.as_deref(), text::free_text)?;
        self.check_begun()?;
        let status = Status::from(self.status);
        let mut write = Write::open(call).await?;
        let old = find(&mut write.session, self.appointment_id).await?;
        if let Some(mileage) = self.mileage.filter(|_| old.status != Status::Cancelled) {
            // A reading is true of the vehicle, also where the visit is completed already.
            write.session.raise_mileage(old.vehicle_id, mileage).await?;
        }
        let is_news = work_performed.is_some() && work_performed != old.work_performed;
        if old.status == status && (status == Status::NoShow || !is_news) {
            let (message, data) = (tell(&old, status, call), data(&old, status, call));
            return write.finish(Answer::repeated(message, data)).await;
        }
        refuse_closed(
            &old,
            "What was closed stays as it is; book a new appointment for further work.",
        )?;
        if old.status != status && !old.status.next().contains(&status) {
            return Err(refuse_step(&old, status).into());
        }
        let work_performed = work_performed.as_deref();
        write.session.set_status(old.id, status, work_performed, call.now).await?;
        if status == Status::Completed {
            // A visit may be closed days later, or before the time that was planned.
            let served_at = old.starts_at.min(call.now);
            write.session.record_service(old.customer_id, served_at).await?;
        }
        let (message, data) = (tell(&old, status, call), data(&old, status, call));
        write.finish(Answer::new(message, data)).await
    }
}

impl UpdateAppointmentStatus {
    /// Work and mileage belong to a vehicle that is, or was, in the shop.
    fn check_begun(&self) -> Result<(), Refusal> {
        let field = match (&self.work_performed, self.mileage) {
            _ if matches!(self.status, NewStatus::InProgress | NewStatus::Completed) => {
                return Ok(());
            }
            (None, None) => return Ok(()),
            (Some(_), _) => "work_performed",
            (None, Some(_)) => "mileage",
        };
        let error = format!(
            "goes with in_progress or completed; the status is {}",
            Status::from(self.status)
        );
        Err(refuse(field, error))
    }
}

fn refuse_step(old: &Appointment, status: Status) -> Refusal {
    let allowed = old.status.next();
    let names: Vec<&str> = allowed.iter().map(|status| status.as_str()).collect();
    let error = format!(
        "{status} cannot follow {}; appointment {} may become {}",
        old.status,
        old.id,
        names.join(", ")
    );
    refuse("status", error).data(json!({"status": old.status, "allowed": allowed}))
}

fn tell(old: &Appointment, status: Status, call: &Call<'_>) -> String {
    let when = spoken(old.starts_at, call.now, call.engine.shop().zone);
    let now = match status {
        Status::Confirmed => "is confirmed",
        Status::InProgress => "is in progress",
        Status::Completed => "is completed",
        Status::NoShow => "is marked as a no-show",
        Status::Scheduled => "is scheduled",
        Status::Cancelled => "is cancelled",
    };
    format!("{}'s visit on {when} {now}.", old.customer_name())
}

fn data(old: &Appointment, status: Status, call: &Call<'_>) -> Updated {
    let zone = call.engine.shop().zone;
    Updated {
        now: rfc3339(call.now, zone),
        appointment_id: old.id,
        old_status: old.status,
        status,
        scheduled_at: rfc3339(old.starts_at, zone),
        when: spoken(old.starts_at, call.now, zone),
    }
}
