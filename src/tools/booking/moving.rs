//! Moving visits.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::super::appointments::{BOOK_ANEW, find, refuse_closed};
use super::super::arguments::refuse;
use super::super::holds::{KeptTime, booked_for_another_time, hold_not_found};
use super::super::slots::Wanted;
use super::super::times::read_instant;
use super::super::write::Write;
use super::super::{Answer, Call, Effect, Tool};
use super::place::{find_place, question};
use super::refusals::{Refused, refuse_taken};
use crate::config::Toolset;
use crate::domain::appointment::{Placement, ServiceType, Status};
use crate::domain::hold::HoldId;
use crate::domain::id::AppointmentId;
use crate::domain::local_time::{confirmation, rfc3339, spoken};
use crate::domain::time::{Interval, Timestamp};
use crate::error::{Refusal, ToolError};
use crate::store::{Appointment, is_refused};

/// The arguments of `reschedule_appointment`.
#[derive(Debug, Deserialize, JsonSchema)]
pub struct RescheduleAppointment {
    /// From get_upcoming_appointments.
    appointment_id: AppointmentId,
    /// From get_available_slots, or RFC 3339; no offset: the shop's time. Or hold_id.
    #[schemars(length(min = 1, max = 60))]
    new_datetime: Option<String>,
    /// Default: as before.
    #[schemars(range(min = 5, max = 480))]
    duration_minutes: Option<i64>,
    /// From hold_slot, if the time is held.
    #[schemars(length(min = 1, max = 40))]
    hold_id: Option<String>,
}

/// A moved visit.
#[derive(Debug, JsonSchema, Serialize)]
pub struct Rescheduled {
    /// The time of this reply in the shop's zone, RFC 3339.
    now: String,
    /// The appointment's number; it stays the same.
    appointment_id: AppointmentId,
    /// The start that it had, RFC 3339 in the shop's zone.
    old_datetime: String,
    /// The start that it has, RFC 3339 in the shop's zone.
    new_datetime: String,
    /// The new start to say aloud.
    when: String,
    /// What is to be done.
    service_type: ServiceType,
    /// How long it takes.
    duration_minutes: i64,
    /// Where it stands.
    status: Status,
    /// The bay.
    bay: String,
    /// The technician, where the shop has named some.
    #[serde(skip_serializing_if = "Option::is_none")]
    technician: Option<String>,
    /// What is to be known of the shop's calendar, where not all that it blocks is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    calendar_note: Option<String>,
}

impl Tool for RescheduleAppointment {
    const NAME: &'static str = "reschedule_appointment";
    const TITLE: &'static str = "Reschedule an appointment";
    const DESCRIPTION: &'static str = "Move a visit, checked like a booking; it keeps its number. Refused: it stays, and data.alternatives has the nearest free times.";
    const TOOLSET: Toolset = Toolset::Appointments;
    const EFFECT: Effect = Effect::Writes { idempotent: true };
    type Data = Rescheduled;

    async fn run(self, call: &Call<'_>) -> Result<Answer<Rescheduled>, ToolError> {
        let start = self.new_datetime.as_deref();
        let start = start.map(|text| read_instant("new_datetime", text, call)).transpose()?;
        if start.is_none() && self.hold_id.is_none() {
            return Err(time_missing().into());
        }
        let mut write = Write::open(call).await?;
        let old = find(&mut write.session, self.appointment_id).await?;
        refuse_closed(&old, BOOK_ANEW)?;
        let kept = match self.take_hold(&mut write, old.id, start, call).await? {
            Taken::Nothing => None,
            Taken::Kept(kept) => Some(kept),
            Taken::Moved => {
                let (message, data) = tell_moved(&old, old.span(), Where::of(&old), call);
                return write.finish(Answer::repeated(message, data)).await;
            }
        };
        let start = start.or(kept.as_ref().map(|kept| kept.span.start));
        let start = start.ok_or_else(time_missing)?;
        let span = Interval::starting(start, self.duration_minutes.unwrap_or(old.span().minutes()));
        if span == old.span() {
            // Who says where the visit is to stay has its event put back there, too.
            write.session.restore_event(old.id).await?;
            let (message, data) = tell_moved(&old, span, Where::of(&old), call);
            return write.finish(Answer::repeated(message, data)).await;
        }
        let change = Move { argument: "new_datetime", span, kept: kept.as_ref() };
        let wanted = change.wanted(&old);
        let placement = match move_visit(&mut write, &old, &change, call).await {
            Err(ToolError::Query(error)) if is_refused(&error) => {
                drop(write);
                return Err(refuse_taken(&wanted, span, call).await?);
            }
            Err(error) => return Err(error),
            Ok(Err(refused)) => {
                return refused.with_offers(&mut write.session, &wanted, start, call).await;
            }
            Ok(Ok(placement)) => placement,
        };
        let resources = &write.store.resources;
        let place = Where {
            bay: resources.bay_name(placement.bay).to_owned(),
            technician: placement.technician.map(|id| resources.technician_name(id).to_owned()),
        };
        let (message, mut data) = tell_moved(&old, span, place, call);
        data.calendar_note = call.calendar_note(&mut write.session).await?;
        write.finish(Answer::new(message, data)).await
    }
}

fn time_missing() -> Refusal {
    refuse("new_datetime", "is required, unless hold_id names a hold of hold_slot")
}

/// What a move's hold is worth.
enum Taken {
    /// The move names none.
    Nothing,
    /// The time and the place that it kept; it is gone, and they are free for this move.
    Kept(KeptTime),
    /// The visit was moved by it before.
    Moved,
}

impl RescheduleAppointment {
    /// Takes the hold that the move names.
    async fn take_hold(
        &self,
        write: &mut Write,
        visit: AppointmentId,
        start: Option<Timestamp>,
        call: &Call<'_>,
    ) -> Result<Taken, ToolError> {
        let Some(text) = &self.hold_id else { return Ok(Taken::Nothing) };
        let id: HoldId = text.parse().map_err(|_| hold_not_found(text))?;
        match KeptTime::take(&mut write.session, &id, ("new_datetime", start), call).await? {
            Ok(kept) => Ok(Taken::Kept(kept)),
            Err(refusal) => {
                let moved = write.session.appointment_by_hold(&id).await?;
                let Some(moved) = moved.filter(|moved| moved.id == visit) else {
                    return Err(refusal.into());
                };
                match start.filter(|&start| start != moved.starts_at) {
                    None => Ok(Taken::Moved),
                    Some(start) => Err(booked_for_another_time(
                        "new_datetime",
                        start,
                        (&id, moved.starts_at),
                        call,
                    )
                    .into()),
                }
            }
        }
    }
}

/// Where a visit is to go.
pub(in crate::tools) struct Move<'a> {
    /// What a refusal calls the new start.
    pub argument: &'static str,
    pub span: Interval,
    /// What a hold kept for it.
    pub kept: Option<&'a KeptTime>,
}

impl Move<'_> {
    fn wanted(&self, old: &Appointment) -> Wanted {
        Wanted {
            argument: self.argument,
            duration_minutes: self.span.minutes(),
            service: Some(old.service_type),
            except: Some(old.id),
            kept: self.kept.map(|kept| kept.place),
        }
    }
}

/// Moves a visit inside a transaction that is still to be committed, or says why not; then nothing
/// was changed.
pub(in crate::tools) async fn move_visit(
    write: &mut Write,
    old: &Appointment,
    change: &Move<'_>,
    call: &Call<'_>,
) -> Result<Result<Placement, Refused>, ToolError> {
    let wanted = change.wanted(old);
    let question = question(old.customer_id, old.vehicle_id, change.span, &wanted, call);
    let visit = write.session.visit(&question, call.now).await?;
    let found = find_place(write, &wanted, change.span, &visit, call).await?;
    if let Ok(placement) = found {
        let hold = change.kept.map(|kept| &kept.id);
        write.session.move_appointment(old, placement, hold, call.now).await?;
    }
    Ok(found)
}

/// The names of a visit's bay and technician.
struct Where {
    bay: String,
    technician: Option<String>,
}

impl Where {
    fn of(visit: &Appointment) -> Self {
        Self { bay: visit.bay.clone(), technician: visit.technician.clone() }
    }
}

fn tell_moved(
    old: &Appointment,
    span: Interval,
    place: Where,
    call: &Call<'_>,
) -> (String, Rescheduled) {
    let zone = call.engine.shop().zone;
    let when = spoken(span.start, call.now, zone);
    let message = if call.is_voice() {
        format!("Moved to {when}.")
    } else {
        format!("Appointment rescheduled successfully to {}", confirmation(span.start, zone))
    };
    let data = Rescheduled {
        now: rfc3339(call.now, zone),
        appointment_id: old.id,
        old_datetime: rfc3339(old.starts_at, zone),
        new_datetime: rfc3339(span.start, zone),
        when,
        service_type: old.service_type,
        duration_minutes: span.minutes(),
        status: old.status_from(span.start),
        bay: place.bay,
        technician: place.technician,
        calendar_note: None,
    };
    (message, data)
}
