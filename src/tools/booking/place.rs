//! The checks that booking and moving share, and the place that they end in.

use serde_json::json;

use super::refusals::{Refused, check_time, not_free};
use crate::domain::appointment::Placement;
use crate::domain::id::{CustomerId, VehicleId};
use crate::domain::local_time::{rfc3339, spoken};
use crate::domain::time::Interval;
use crate::error::{Code, Refusal, ToolError};
use crate::store::{OwnVisit, Question, Visit};
use crate::tools::Call;
use crate::tools::slots::Wanted;
use crate::tools::write::Write;

/// What is to be known before a visit is placed.
pub(super) fn question(
    customer: CustomerId,
    vehicle: VehicleId,
    span: Interval,
    wanted: &Wanted,
    call: &Call<'_>,
) -> Question {
    Question {
        customer,
        vehicle,
        span,
        window: wanted.window(span, call),
        except: wanted.except,
        blocks: call.counts_blocks(),
    }
}

/// Where the visit finds its place, or why it finds none.
pub(super) async fn find_place(
    Write { session, store, .. }: &mut Write,
    wanted: &Wanted,
    span: Interval,
    visit: &Visit,
    call: &Call<'_>,
) -> Result<Result<Placement, Refused>, ToolError> {
    if let Some(refused) = check_time(wanted, span, call) {
        return Ok(Err(refused));
    }
    if let Some(other) = visit.own.iter().find(|own| Some(own.id) != wanted.except) {
        return Ok(Err(Refused::plain(refuse_duplicate(other, call))));
    }
    if visit.reserved.has_expired {
        session.drop_expired_holds(call.now).await?;
    }
    let taken = &visit.reserved.taken;
    let place = wanted.place(span, &store.resources, taken, call);
    Ok(place.ok_or_else(|| not_free(wanted, span, &store.resources, taken, call)))
}

fn refuse_duplicate(other: &OwnVisit, call: &Call<'_>) -> Refusal {
    let zone = call.engine.shop().zone;
    let when = spoken(other.span.start, call.now, zone);
    Refusal::new(
        Code::DuplicateAppointment,
        format!("This vehicle already has a visit on {when}."),
        format!("appointment {} of this vehicle overlaps that time", other.id),
    )
    .hint("Move that appointment with reschedule_appointment, or choose a time that does not overlap it.")
    .data(json!({
        "appointment_id": other.id,
        "scheduled_at": rfc3339(other.span.start, zone),
        "when": when,
        "service_type": other.service_type,
    }))
}
