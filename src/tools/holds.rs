//! Keeping a time for a caller who is still deciding.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::arguments::refuse;
use super::booking::{check_time, not_free, refuse_taken};
use super::slots::{Wanted, spoken_minutes};
use super::times::read_instant;
use super::write::{Begun, Write};
use super::{Answer, Call, Effect, Tool};
use crate::config::Toolset;
use crate::domain::appointment::{DEFAULT_DURATION_MINUTES, Placement, ServiceType};
use crate::domain::assignment::Assignment;
use crate::domain::hold::{DEFAULT_HOLD_MINUTES, HoldId};
use crate::domain::local_time::{clock_time, rfc3339, spoken};
use crate::domain::time::{Interval, Timestamp};
use crate::error::{Code, Refusal, ToolError};
use crate::store::{Resources, Session, is_refused};

/// The arguments of `hold_slot`.
#[derive(Debug, Deserialize, JsonSchema)]
pub struct HoldSlot {
    /// From get_available_slots, or RFC 3339; no offset: the shop's time.
    #[schemars(length(min = 1, max = 60))]
    scheduled_at: String,
    /// The work, to keep a bay that does it.
    service_type: Option<ServiceType>,
    /// Default: the service's, else 60.
    #[schemars(range(min = 5, max = 480))]
    duration_minutes: Option<i64>,
    /// How long; default 5.
    #[schemars(range(min = 1, max = 15))]
    hold_minutes: Option<i64>,
    /// The same key acts once.
    #[schemars(length(min = 1, max = 200))]
    idempotency_key: Option<String>,
}

/// A kept time.
#[derive(Debug, JsonSchema, Serialize)]
pub struct Held {
    /// The time of this reply in the shop's zone, RFC 3339.
    now: String,
    /// The hold's id, for book_appointment or release_hold.
    hold_id: String,
    /// The start, RFC 3339 in the shop's zone.
    scheduled_at: String,
    /// The start to say aloud.
    when: String,
    /// The end, RFC 3339 in the shop's zone.
    ends_at: String,
    /// How long the visit takes.
    duration_minutes: i64,
    /// What is to be done, where it was said.
    #[serde(skip_serializing_if = "Option::is_none")]
    service_type: Option<ServiceType>,
    /// Until when the time is kept, RFC 3339 in the shop's zone.
    expires_at: String,
    /// The bay.
    bay: String,
    /// The technician, where the shop has named some.
    #[serde(skip_serializing_if = "Option::is_none")]
    technician: Option<String>,
    /// What is to be known of the shop's calendar, where not all that it blocks is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    calendar_note: Option<String>,
}

impl Tool for HoldSlot {
    const NAME: &'static str = "hold_slot";
    const TITLE: &'static str = "Hold a slot";
    const DESCRIPTION: &'static str = "Keep a free time for some minutes while the caller decides. It frees itself and is no booking: pass hold_id to book_appointment or reschedule_appointment.";
    const TOOLSET: Toolset = Toolset::Appointments;
    const EFFECT: Effect = Effect::Writes { idempotent: false };
    type Data = Held;

    async fn run(self, call: &Call<'_>) -> Result<Answer<Held>, ToolError> {
        let start = read_instant("scheduled_at", &self.scheduled_at, call)?;
        let wanted = self.wanted(call);
        let span = Interval::starting(start, wanted.duration_minutes);
        let mut write =
            match Write::begin(call, Self::NAME, self.idempotency_key.as_deref()).await? {
                Begun::Replayed(envelope) => return Ok(Answer::Kept(envelope)),
                Begun::Fresh(write) => write,
            };
        if let Some(refused) = check_time(&wanted, span, call) {
            return refused.with_offers(&mut write.session, &wanted, start, call).await;
        }
        let window = wanted.window(span, call);
        let reserved =
            write.session.reservations(window, call.now, None, call.counts_blocks()).await?;
        if reserved.has_expired {
            write.session.drop_expired_holds(call.now).await?;
        }
        let resources = &write.store.resources;
        let Some(placement) = wanted.place(span, resources, &reserved.taken, call) else {
            let refused = not_free(&wanted, span, resources, &reserved.taken, call);
            return refused.with_offers(&mut write.session, &wanted, start, call).await;
        };
        let minutes = self.hold_minutes.unwrap_or(DEFAULT_HOLD_MINUTES);
        let expires_at = call.now.plus_minutes(minutes).min(start);
        let id = HoldId::new(expires_at, getrandom::u32().map_err(ToolError::Random)?);
        let written =
            write.session.insert_hold(&id, placement, self.service_type, expires_at, call.now);
        match written.await {
            Err(error) if is_refused(&error) => {
                drop(write);
                return Err(refuse_taken(&wanted, span, call).await?);
            }
            written => written?,
        }
        let (message, mut data) =
            self.tell(&id, placement, expires_at, &write.store.resources, call);
        data.calendar_note = call.calendar_note(&mut write.session).await?;
        write.finish(Answer::new(message, data)).await
    }
}

impl HoldSlot {
    fn wanted(&self, call: &Call<'_>) -> Wanted {
        let configured = || call.engine.shop().duration_of(self.service_type?);
        Wanted {
            argument: "scheduled_at",
            duration_minutes: self
                .duration_minutes
                .or_else(configured)
                .unwrap_or(DEFAULT_DURATION_MINUTES),
            service: self.service_type,
            except: None,
            kept: None,
        }
    }

    fn tell(
        &self,
        id: &HoldId,
        placement: Placement,
        expires_at: Timestamp,
        resources: &Resources,
        call: &Call<'_>,
    ) -> (String, Held) {
        let zone = call.engine.shop().zone;
        let Interval { start, end } = placement.span;
        let when = spoken(start, call.now, zone);
        let until = clock_time(expires_at, zone);
        let message = match call.is_voice() {
            // `when` says the rest.
            true => format!("It is held until {until}, not booked yet."),
            false => format!("{when} is held until {until}; it is not booked yet."),
        };
        let data = Held {
            now: rfc3339(call.now, zone),
            hold_id: id.to_string(),
            scheduled_at: rfc3339(start, zone),
            when,
            ends_at: rfc3339(end, zone),
            duration_minutes: placement.span.minutes(),
            service_type: self.service_type,
            expires_at: rfc3339(expires_at, zone),
            bay: resources.bay_name(placement.bay).to_owned(),
            technician: placement.technician.map(|id| resources.technician_name(id).to_owned()),
            calendar_note: None,
        };
        (message, data)
    }
}

/// The arguments of `release_hold`.
#[derive(Debug, Deserialize, JsonSchema)]
pub struct ReleaseHold {
    /// From hold_slot.
    #[schemars(length(min = 1, max = 40))]
    hold_id: String,
}

/// A hold that was given back.
#[derive(Debug, JsonSchema, Serialize)]
pub struct Released {
    /// The time of this reply in the shop's zone, RFC 3339.
    now: String,
    /// The hold's id.
    hold_id: String,
    /// Always true: the time is free for everybody.
    released: bool,
    /// The start that was kept, RFC 3339 in the shop's zone.
    scheduled_at: String,
    /// The start that was kept, to say aloud.
    when: String,
}

impl Tool for ReleaseHold {
    const NAME: &'static str = "release_hold";
    const TITLE: &'static str = "Release a hold";
    const DESCRIPTION: &'static str = "Give a held time back that the caller does not want.";
    const TOOLSET: Toolset = Toolset::Appointments;
    const EFFECT: Effect = Effect::Writes { idempotent: false };
    type Data = Released;

    async fn run(self, call: &Call<'_>) -> Result<Answer<Released>, ToolError> {
        let id: HoldId = self.hold_id.parse().map_err(|_| hold_not_found(&self.hold_id))?;
        let mut write = Write::open(call).await?;
        let kept = KeptTime::find(&mut write.session, &id, call).await??;
        write.session.delete_hold(&id).await?;
        let zone = call.engine.shop().zone;
        let when = spoken(kept.span.start, call.now, zone);
        let data = Released {
            now: rfc3339(call.now, zone),
            hold_id: id.to_string(),
            released: true,
            scheduled_at: rfc3339(kept.span.start, zone),
            when: when.clone(),
        };
        write.finish(Answer::new(format!("{when} is no longer held."), data)).await
    }
}

/// The time and the place that a hold keeps.
pub(super) struct KeptTime {
    pub id: HoldId,
    pub span: Interval,
    pub place: Assignment,
}

impl KeptTime {
    /// Takes the hold with this id for a visit that starts at `start`, inside the visit's transaction:
    /// where that fails, the hold stays. Else why there is nothing to take.
    ///
    /// # Errors
    /// A start, named `field`, that is not the hold's.
    pub async fn take(
        session: &mut Session,
        id: &HoldId,
        (field, start): (&str, Option<Timestamp>),
        call: &Call<'_>,
    ) -> Result<Result<Self, Refusal>, ToolError> {
        let kept = match Self::find(session, id, call).await? {
            Ok(kept) => kept,
            Err(refusal) => return Ok(Err(refusal)),
        };
        let zone = call.engine.shop().zone;
        if let Some(start) = start.filter(|&start| start != kept.span.start) {
            let (start, held) = (rfc3339(start, zone), rfc3339(kept.span.start, zone));
            let error = format!(
                "{start} is not the start of hold {id}, {held}; leave it out, or leave hold_id out"
            );
            return Err(refuse(field, error).into());
        }
        session.delete_hold(id).await?;
        Ok(Ok(kept))
    }

    /// What the hold keeps, or why it keeps nothing.
    pub async fn find(
        session: &mut Session,
        id: &HoldId,
        call: &Call<'_>,
    ) -> Result<Result<Self, Refusal>, ToolError> {
        if id.expires_at() <= call.now {
            return Ok(Err(hold_expired(id, call)));
        }
        match session.hold(id).await? {
            None => Ok(Err(hold_not_found(id.as_str()))),
            Some(hold) if hold.expires_at <= call.now => Ok(Err(hold_expired(id, call))),
            Some(hold) => {
                let place = Assignment { bay: hold.bay_id, technician: hold.technician_id };
                Ok(Ok(Self { id: id.clone(), span: hold.span(), place }))
            }
        }
    }
}

/// The refusal of a start that is not that of the visit that a hold became.
pub(super) fn booked_for_another_time(
    field: &str,
    start: Timestamp,
    (id, visit): (&HoldId, Timestamp),
    call: &Call<'_>,
) -> Refusal {
    let zone = call.engine.shop().zone;
    let (start, visit) = (rfc3339(start, zone), rfc3339(visit, zone));
    let error = format!("{start} is not the start of the visit that hold {id} became, {visit}");
    refuse(field, error)
        .hint("The visit is as it was. reschedule_appointment without hold_id moves it; a further visit is booked without hold_id.")
}

/// The refusal of an id under which nothing is held.
pub(super) fn hold_not_found(id: &str) -> Refusal {
    let id: String = id.chars().filter(|c| !c.is_control()).take(40).collect();
    Refusal::new(
        Code::HoldNotFound,
        "No time is held under that id.",
        format!("there is no hold \"{id}\"; it was booked or released, or never made"),
    )
    .hint("Pass the hold_id of hold_slot unchanged. If it was booked, get_upcoming_appointments shows the visit; else call hold_slot again.")
}

fn hold_expired(id: &HoldId, call: &Call<'_>) -> Refusal {
    let zone = call.engine.shop().zone;
    let expires_at = id.expires_at();
    let ago = match call.now.0 - expires_at.0 {
        ..60 => "less than a minute".to_owned(),
        seconds => spoken_minutes(seconds / 60),
    };
    Refusal::new(
        Code::HoldExpired,
        "The time was held for too long and is no longer kept.",
        format!("hold {id} expired at {}, {ago} ago", rfc3339(expires_at, zone)),
    )
    .hint("The time may still be free: call hold_slot again, or book it with scheduled_at and without hold_id.")
    .data(json!({"expires_at": rfc3339(expires_at, zone)}))
}
