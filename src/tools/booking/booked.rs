//! How a booking is told.

use schemars::JsonSchema;
use serde::Serialize;

use crate::domain::appointment::{ServiceType, Status};
use crate::domain::id::{AppointmentId, CustomerId, VehicleId};
use crate::domain::local_time::{confirmation, rfc3339, spoken};
use crate::domain::time::Interval;
use crate::store::{Appointment, OwnVisit};
use crate::tools::Call;

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
    /// The technician, where the shop has named some.
    #[serde(skip_serializing_if = "Option::is_none")]
    technician: Option<String>,
    /// How the booking reached the shop.
    booking_method: String,
    /// Who took the booking.
    booked_by: String,
    /// What is to be known of the shop's calendar, where not all that it blocks is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) calendar_note: Option<String>,
}

/// An appointment as its booking tells it.
pub(super) struct Booking {
    pub own: OwnVisit,
    pub customer_name: String,
    pub vehicle_id: VehicleId,
    pub vehicle_description: String,
}

impl From<Appointment> for Booking {
    fn from(row: Appointment) -> Self {
        let (customer_name, vehicle_description) = (row.customer_name(), row.vehicle_description());
        let own = OwnVisit {
            id: row.id,
            customer_id: row.customer_id,
            span: row.span(),
            service_type: row.service_type,
            status: row.status,
            bay: row.bay,
            technician: row.technician,
            booking_method: row.booking_method,
            booked_by: row.booked_by,
        };
        Self { own, customer_name, vehicle_id: row.vehicle_id, vehicle_description }
    }
}

impl Booking {
    pub fn tell(self, call: &Call<'_>) -> (String, Booked) {
        let zone = call.engine.shop().zone;
        let Self { own, customer_name, vehicle_id, vehicle_description } = self;
        let Interval { start, end } = own.span;
        let message = format!(
            "Appointment booked successfully for {} on {}",
            call.say(&customer_name),
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
            technician: own.technician,
            booking_method: own.booking_method,
            booked_by: own.booked_by,
            calendar_note: None,
        };
        (message, data)
    }
}
