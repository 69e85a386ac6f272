//! Booking visits: the checks, in the order in which callers learn of them.

use schemars::JsonSchema;
use serde::Deserialize;

use super::arguments::refuse;
use super::customers::{customer_not_found, optional};
use super::holds::{KeptTime, booked_for_another_time, hold_not_found};
use super::slots::Wanted;
use super::times::read_instant;
use super::vehicles::vehicle_not_found;
use super::write::{Begun, Write};
use super::{Answer, Call, Effect, Tool};
use crate::config::Toolset;
use crate::domain::appointment::{DEFAULT_DURATION_MINUTES, Placement, ServiceType, Status};
use crate::domain::hold::HoldId;
use crate::domain::id::{AppointmentId, CustomerId, VehicleId};
use crate::domain::text;
use crate::domain::time::{Interval, Timestamp};
use crate::error::{Code, Refusal, ToolError};
use crate::store::{NewAppointment, OwnVisit, Resources, Session, Visit, is_refused};

mod booked;
pub mod moving;
mod place;
mod refusals;

use booked::{Booked, Booking};
use place::{find_place, question};

pub(super) use refusals::{check_time, not_free, refuse_taken};

/// The arguments of `book_appointment`.
#[derive(Debug, Deserialize, JsonSchema)]
pub struct BookAppointment {
    /// From lookup_customer.
    customer_id: CustomerId,
    /// One of the customer's vehicles.
    vehicle_id: VehicleId,
    /// From get_available_slots, or RFC 3339; no offset: the shop's time. Or hold_id.
    #[schemars(length(min = 1, max = 60))]
    scheduled_at: Option<String>,
    /// The work.
    service_type: ServiceType,
    /// Default: the hold's, the service's, else 60.
    #[schemars(range(min = 5, max = 480))]
    duration_minutes: Option<i64>,
    /// From hold_slot, if the time is held.
    #[schemars(length(min = 1, max = 40))]
    hold_id: Option<String>,
    /// The work in detail.
    #[schemars(length(max = 4000))]
    service_description: Option<String>,
    /// What is wrong, in the customer's words.
    #[schemars(length(max = 4000))]
    customer_concerns: Option<String>,
    /// What the shop should know.
    #[schemars(length(max = 4000))]
    notes: Option<String>,
    /// The same key acts once.
    #[schemars(length(min = 1, max = 200))]
    idempotency_key: Option<String>,
}

impl Tool for BookAppointment {
    const NAME: &'static str = "book_appointment";
    const TITLE: &'static str = "Book an appointment";
    const DESCRIPTION: &'static str = "Book a visit at a time of get_available_slots or by hold_id. First say day, time and service back and get a yes. Taken: data.alternatives has the nearest free times. The same call again returns the same appointment.";
    const TOOLSET: Toolset = Toolset::Appointments;
    const EFFECT: Effect = Effect::Writes { idempotent: true };
    type Data = Booked;

    async fn run(mut self, call: &Call<'_>) -> Result<Answer<Booked>, ToolError> {
        let words = self.words()?;
        let start = self.scheduled_at.as_deref();
        let start = start.map(|text| read_instant("scheduled_at", text, call)).transpose()?;
        let mut write =
            match Write::begin(call, Self::NAME, self.idempotency_key.as_deref()).await? {
                Begun::Replayed(envelope) => return Ok(Answer::Kept(envelope)),
                Begun::Fresh(write) => write,
            };
        let kept = match self.take_hold(&mut write.session, start, call).await? {
            Taken::Booked(same) => {
                let (message, data) = same.tell(call);
                return write.finish(Answer::repeated(message, data)).await;
            }
            Taken::Kept(kept) => Some(kept),
            Taken::Nothing => None,
        };
        let (span, wanted) = self.wanted(start, kept.as_ref(), call)?;
        let question = question(self.customer_id, self.vehicle_id, span, &wanted, call);
        let visit = write.session.visit(&question, call.now).await?;
        let customer_name = self.check_owner(&visit)?;
        let booked = |own: OwnVisit| Booking {
            own,
            customer_name,
            vehicle_id: self.vehicle_id,
            vehicle_description: visit.vehicle_description.clone(),
        };
        if let Some(same) = visit.own.iter().find(|own| self.is_same(own, span)) {
            let (message, data) = booked(same.clone()).tell(call);
            return write.finish(Answer::repeated(message, data)).await;
        }
        let found = find_place(&mut write, &wanted, span, &visit, call).await?;
        let placement = match found {
            Ok(placement) => placement,
            Err(refused) => {
                return refused.with_offers(&mut write.session, &wanted, span.start, call).await;
            }
        };
        let new = self.new_appointment(&words, placement, kept.as_ref().map(|kept| &kept.id), call);
        let id = match write.session.insert_appointment(&new, call.now).await {
            Err(error) if is_refused(&error) => {
                drop(write);
                return Err(refuse_taken(&wanted, span, call).await?);
            }
            id => id?,
        };
        let own = self.own_visit(id, placement, &write.store.resources, call);
        let (message, mut data) = booked(own).tell(call);
        data.calendar_note = call.calendar_note(&mut write.session).await?;
        write.finish(Answer::new(message, data)).await
    }
}

/// What a booking's hold is worth.
enum Taken {
    /// The booking names none.
    Nothing,
    /// The time and the place that it kept; it is gone, and they are free for this booking.
    Kept(KeptTime),
    /// This very booking was made from it before.
    Booked(Booking),
}

/// The free texts of a booking, checked.
struct Words {
    service_description: Option<String>,
    customer_concerns: Option<String>,
    notes: Option<String>,
}

impl BookAppointment {
    /// Takes the hold that the booking names.
    async fn take_hold(
        &self,
        session: &mut Session,
        start: Option<Timestamp>,
        call: &Call<'_>,
    ) -> Result<Taken, ToolError> {
        let Some(text) = &self.hold_id else { return Ok(Taken::Nothing) };
        let id: HoldId = text.parse().map_err(|_| hold_not_found(text))?;
        match KeptTime::take(session, &id, ("scheduled_at", start), call).await? {
            Ok(kept) => Ok(Taken::Kept(kept)),
            Err(refusal) => {
                let booked = session.appointment_by_hold(&id).await?;
                let customer_id = session.present_id(self.customer_id).await?;
                let same = booked.filter(|row| {
                    Some(row.customer_id) == customer_id
                        && row.vehicle_id == self.vehicle_id
                        && row.service_type == self.service_type
                        && matches!(row.status, Status::Scheduled | Status::Confirmed)
                });
                let Some(same) = same else { return Err(refusal.into()) };
                match start.filter(|&start| start != same.starts_at) {
                    None => Ok(Taken::Booked(same.into())),
                    // Whoever says another time believes in that one.
                    Some(start) => Err(booked_for_another_time(
                        "scheduled_at",
                        start,
                        (&id, same.starts_at),
                        call,
                    )
                    .into()),
                }
            }
        }
    }

    /// When the visit is to be, and what it needs.
    fn wanted(
        &self,
        start: Option<Timestamp>,
        kept: Option<&KeptTime>,
        call: &Call<'_>,
    ) -> Result<(Interval, Wanted), Refusal> {
        let held = kept.map(|kept| kept.span);
        let start = start.or(held.map(|held| held.start));
        let start = start.ok_or_else(|| {
            refuse("scheduled_at", "is required, unless hold_id names a hold of hold_slot")
        })?;
        let duration_minutes = self
            .duration_minutes
            .or(held.map(|held| held.minutes()))
            .or_else(|| call.engine.shop().duration_of(self.service_type))
            .unwrap_or(DEFAULT_DURATION_MINUTES);
        let wanted = Wanted {
            argument: "scheduled_at",
            duration_minutes,
            service: Some(self.service_type),
            except: None,
            kept: kept.map(|kept| kept.place),
        };
        Ok((Interval::starting(start, duration_minutes), wanted))
    }

    fn new_appointment<'a>(
        &self,
        words: &'a Words,
        placement: Placement,
        hold_id: Option<&'a HoldId>,
        call: &'a Call<'_>,
    ) -> NewAppointment<'a> {
        let booking = &call.engine.shop().booking;
        NewAppointment {
            customer_id: self.customer_id,
            vehicle_id: self.vehicle_id,
            placement,
            service_type: self.service_type,
            service_description: words.service_description.as_deref(),
            customer_concerns: words.customer_concerns.as_deref(),
            notes: words.notes.as_deref(),
            booking_method: &booking.booking_method,
            booked_by: &booking.booked_by,
            hold_id,
        }
    }

    fn own_visit(
        &self,
        id: AppointmentId,
        placement: Placement,
        resources: &Resources,
        call: &Call<'_>,
    ) -> OwnVisit {
        let booking = &call.engine.shop().booking;
        OwnVisit {
            id,
            customer_id: self.customer_id,
            span: placement.span,
            service_type: self.service_type,
            status: Status::Scheduled,
            bay: resources.bay_name(placement.bay).to_owned(),
            technician: placement.technician.map(|id| resources.technician_name(id).to_owned()),
            booking_method: booking.booking_method.clone(),
            booked_by: booking.booked_by.clone(),
        }
    }

    fn words(&self) -> Result<Words, Refusal> {
        let read = |field, text: &Option<String>| optional(field, text.as_deref(), text::free_text);
        Ok(Words {
            service_description: read("service_description", &self.service_description)?,
            customer_concerns: read("customer_concerns", &self.customer_concerns)?,
            notes: read("notes", &self.notes)?,
        })
    }

    /// The name of the customer, if the vehicle is that customer's. One who was merged into another
    /// is that other from here on.
    fn check_owner(&mut self, visit: &Visit) -> Result<String, Refusal> {
        let Some((present_id, customer_name)) = &visit.customer else {
            return Err(customer_not_found(self.customer_id));
        };
        self.customer_id = *present_id;
        match visit.owner_id {
            None => Err(vehicle_not_found(self.vehicle_id)),
            Some(owner) if owner != self.customer_id => Err(Refusal::new(
                Code::VehicleNotOwned,
                "That vehicle is not on file for this customer.",
                format!(
                    "vehicle {} does not belong to customer {}",
                    self.vehicle_id, self.customer_id
                ),
            )
            .hint("Use one of the vehicles that lookup_customer returns for this customer.")),
            Some(_) => Ok(customer_name.clone()),
        }
    }

    /// Voice stacks repeat calls by themselves: the same visit once more is the same appointment.
    fn is_same(&self, own: &OwnVisit, span: Interval) -> bool {
        own.customer_id == self.customer_id
            && own.span == span
            && own.service_type == self.service_type
            && matches!(own.status, Status::Scheduled | Status::Confirmed)
    }
}
