//! Booking visits: the checks, in the order in which callers learn of them.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::customers::optional;
use super::slots::{Wanted, candidates, read_instant};
use super::vehicles::{customer_not_found, vehicle_not_found};
use super::write::{Begun, Write};
use super::{Answer, Call, Effect, Tool};
use crate::config::Toolset;
use crate::domain::appointment::{
    DEFAULT_DURATION_MINUTES, MAX_BUFFER_MINUTES, ServiceType, Status,
};
use crate::domain::assignment::{Assignment, Candidates, assign};
use crate::domain::id::{AppointmentId, CustomerId, VehicleId};
use crate::domain::local_time::{confirmation, day_bounds, local_date, rfc3339, spoken};
use crate::domain::text;
use crate::domain::time::Interval;
use crate::error::{Code, Refusal, ToolError};
use crate::store::{NewAppointment, OwnVisit, Question, Visit, is_refused};

pub mod moving;
mod refusals;

use refusals::refuse_taken;

/// The arguments of `book_appointment`.
#[derive(Debug, Deserialize, JsonSchema)]
pub struct BookAppointment {
    /// The customer's number, from lookup_customer.
    customer_id: CustomerId,
    /// The number of the customer's vehicle, from lookup_customer.
    vehicle_id: VehicleId,
    /// The start: one of get_available_slots, or RFC 3339; without an offset it is the shop's
    /// local time, such as 2027-01-15T09:00.
    #[schemars(length(min = 1, max = 60))]
    scheduled_at: String,
    /// What is to be done.
    service_type: ServiceType,
    /// How long it takes, in minutes; left out: what the service takes, else 60.
    #[schemars(range(min = 5, max = 480))]
    duration_minutes: Option<i64>,
    /// The work in detail.
    #[schemars(length(max = 4000))]
    service_description: Option<String>,
    /// What the customer says is wrong, in the customer's words.
    #[schemars(length(max = 4000))]
    customer_concerns: Option<String>,
    /// What the shop should know.
    #[schemars(length(max = 4000))]
    notes: Option<String>,
    /// A key of your own for this request: the same key and arguments never book a second visit.
    #[schemars(length(min = 1, max = 200))]
    idempotency_key: Option<String>,
}

/// A booked visit.
#[derive(Debug, JsonSchema, Serialize)]
pub struct Booked {
    /// The time of this reply in the shop's zone, RFC 3339.
    now: String,
    /// The appointment's number, to move or cancel it.
    appointment_id: AppointmentId,
    /// The customer's number.
    customer_id: CustomerId,
    /// The customer's name.
    customer_name: String,
    /// The vehicle's number.
    vehicle_id: VehicleId,
    /// The vehicle, such as 2020 Honda Accord.
    vehicle_description: String,
    /// The start, RFC 3339 in the shop's zone.
    scheduled_at: String,
    /// The start to say aloud.
    when: String,
    /// The end, RFC 3339 in the shop's zone.
    ends_at: String,
    /// What is to be done.
    service_type: ServiceType,
    /// How long it takes.
    duration_minutes: i64,
    /// Where it stands.
    status: Status,
    /// The bay.
    bay: String,
    /// How the booking reached the shop.
    booking_method: String,
    /// Who took the booking.
    booked_by: String,
}

impl Tool for BookAppointment {
    const NAME: &'static str = "book_appointment";
    const TITLE: &'static str = "Book an appointment";
    const DESCRIPTION: &'static str = "Book a visit at one of the times of get_available_slots. Say day, time and service back to the customer and get a yes first. Where the time is taken, data.alternatives has the nearest free ones. A repeated call with the same customer, vehicle, time and service returns the same appointment.";
    const TOOLSET: Toolset = Toolset::Appointments;
    const EFFECT: Effect = Effect::Writes { idempotent: true };
    type Data = Booked;

    async fn run(self, call: &Call<'_>) -> Result<Answer<Booked>, ToolError> {
        let shop = call.engine.shop();
        let start = read_instant("scheduled_at", &self.scheduled_at, call)?;
        let duration_minutes = self
            .duration_minutes
            .or_else(|| shop.duration_of(self.service_type))
            .unwrap_or(DEFAULT_DURATION_MINUTES);
        let span = Interval::starting(start, duration_minutes);
        let words = self.words()?;
        let mut write =
            match Write::begin(call, Self::NAME, self.idempotency_key.as_deref()).await? {
                Begun::Replayed(envelope) => return Ok(Answer::Kept(envelope)),
                Begun::Fresh(write) => write,
            };
        let question = question(self.customer_id, self.vehicle_id, span, None, call);
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
        let wanted = Wanted {
            argument: "scheduled_at",
            duration_minutes,
            service: Some(self.service_type),
            except: None,
        };
        let place = take_place(&mut write, &wanted, span, &visit, call).await?;
        let new = NewAppointment {
            customer_id: self.customer_id,
            vehicle_id: self.vehicle_id,
            bay_id: place.bay,
            technician_id: place.technician,
            span,
            service_type: self.service_type,
            service_description: words.service_description.as_deref(),
            customer_concerns: words.customer_concerns.as_deref(),
            notes: words.notes.as_deref(),
            booking_method: &shop.booking.booking_method,
            booked_by: &shop.booking.booked_by,
        };
        let id = match write.session.insert_appointment(&new, call.now).await {
            Err(error) if is_refused(&error) => {
                drop(write);
                return Err(refuse_taken(&wanted, start, call).await?);
            }
            id => id?,
        };
        let own = OwnVisit {
            id,
            customer_id: self.customer_id,
            span,
            service_type: self.service_type,
            status: Status::Scheduled,
            bay: write.store.resources.bay_name(place.bay).to_owned(),
            booking_method: shop.booking.booking_method.clone(),
            booked_by: shop.booking.booked_by.clone(),
        };
        let (message, data) = booked(own).tell(call);
        write.finish(Answer::new(message, data)).await
    }
}

/// The free texts of a booking, checked.
struct Words {
    service_description: Option<String>,
    customer_concerns: Option<String>,
    notes: Option<String>,
}

impl BookAppointment {
    fn words(&self) -> Result<Words, Refusal> {
        let read = |field, text: &Option<String>| optional(field, text.as_deref(), text::free_text);
        Ok(Words {
            service_description: read("service_description", &self.service_description)?,
            customer_concerns: read("customer_concerns", &self.customer_concerns)?,
            notes: read("notes", &self.notes)?,
        })
    }

    /// The name of the customer, if the vehicle is that customer's.
    fn check_owner(&self, visit: &Visit) -> Result<String, Refusal> {
        let Some(customer_name) = &visit.customer_name else {
            return Err(customer_not_found(self.customer_id));
        };
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

fn question(
    customer: CustomerId,
    vehicle: VehicleId,
    span: Interval,
    except: Option<AppointmentId>,
    call: &Call<'_>,
) -> Question {
    let Interval { start, end } = window(span, call);
    let window = Interval { start, end: end.plus_minutes(MAX_BUFFER_MINUTES) };
    Question { customer, vehicle, span, window, except }
}

/// The time around a visit in which it matters what else is reserved: its day.
fn window(span: Interval, call: &Call<'_>) -> Interval {
    let zone = call.engine.shop().zone;
    day_bounds(local_date(span.start, zone), zone)
}

/// The checks that booking and moving share, and the bay and technician that they end in.
async fn take_place(
    Write { session, store, .. }: &mut Write,
    wanted: &Wanted,
    span: Interval,
    visit: &Visit,
    call: &Call<'_>,
) -> Result<Assignment, ToolError> {
    if let Some(refused) = refusals::check_time(wanted, span, call) {
        return refused.with_offers(session, wanted, span.start, call).await;
    }
    if let Some(other) = visit.own.iter().find(|own| Some(own.id) != wanted.except) {
        return Err(refuse_duplicate(other, call).into());
    }
    if visit.reserved.has_expired {
        session.drop_expired_holds(call.now).await?;
    }
    let (bays, technicians) = candidates(&store.resources, wanted.service);
    let is_staffed = !technicians.is_empty() || !store.resources.has_technicians();
    let candidates = Candidates { bays: &bays, technicians: &technicians };
    let buffer_minutes = call.engine.shop().buffer_of(wanted.service);
    let taken = Interval { end: span.end.plus_minutes(buffer_minutes), ..span };
    match assign(taken, window(span, call), &candidates, &visit.reserved.taken, None)
        .filter(|_| is_staffed)
    {
        Some(place) => Ok(place),
        None => {
            let refused = refusals::not_free(wanted, span.start, &store.resources, call);
            refused.with_offers(session, wanted, span.start, call).await
        }
    }
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

/// An appointment as its booking tells it.
struct Booking {
    own: OwnVisit,
    customer_name: String,
    vehicle_id: VehicleId,
    vehicle_description: String,
}

impl Booking {
    fn tell(self, call: &Call<'_>) -> (String, Booked) {
        let zone = call.engine.shop().zone;
        let Self { own, customer_name, vehicle_id, vehicle_description } = self;
        let Interval { start, end } = own.span;
        let message = format!(
            "Appointment booked successfully for {customer_name} on {}",
            confirmation(start, zone)
        );
        let data = Booked {
            now: rfc3339(call.now, zone),
            appointment_id: own.id,
            customer_id: own.customer_id,
            customer_name,
            vehicle_id,
            vehicle_description,
            scheduled_at: rfc3339(start, zone),
            when: spoken(start, call.now, zone),
            ends_at: rfc3339(end, zone),
            service_type: own.service_type,
            duration_minutes: own.span.minutes(),
            status: own.status,
            bay: own.bay,
            booking_method: own.booking_method,
            booked_by: own.booked_by,
        };
        (message, data)
    }
}
