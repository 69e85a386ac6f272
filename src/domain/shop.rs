//! What the rules know of the shop: its place, its hours, its bays and people, its booking rules.

use chrono_tz::Tz;

use super::appointment::ServiceType;
use super::hours::OpeningHours;
use super::money::Currency;

/// One shop, as its owner configured it.
#[derive(Clone, Debug, PartialEq)]
pub struct Shop {
    /// The zone of every time that a caller reads or writes.
    pub zone: Tz,
    /// ISO 3166 code of the country in which a phone number without a country code is read.
    pub region: String,
    /// The currency of every amount.
    pub currency: Currency,
    /// When the shop is open.
    pub hours: OpeningHours,
    /// The service bays, in the order in which equal ones are filled; never empty.
    pub bays: Vec<Resource>,
    /// The technicians; where there are none, bays alone count.
    pub technicians: Vec<Resource>,
    /// How long each service takes where the caller does not say.
    pub durations: Vec<(ServiceType, i64)>,
    /// Which times may be booked, and how a booking is marked.
    pub booking: BookingRules,
}

/// A bay or a technician.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Resource {
    /// The name that callers see.
    pub name: String,
    /// The services done here, or by this person; `None` is all of them.
    pub services: Option<Vec<ServiceType>>,
}

/// Which times may be booked, and how a booking is marked.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct BookingRules {
    /// Minutes between two starts that are offered, counted from opening.
    pub slot_interval_minutes: i64,
    /// The least number of minutes between now and the start of a visit.
    pub minimum_notice_minutes: i64,
    /// How many days ahead a visit may be booked.
    pub horizon_days: i64,
    /// How the booking reached the shop.
    pub booking_method: String,
    /// Who took the booking.
    pub booked_by: String,
}

impl Resource {
    /// Whether this bay or technician does `service`; a visit without a service fits anywhere.
    pub fn does(&self, service: Option<ServiceType>) -> bool {
        match (&self.services, service) {
            (None, _) | (_, None) => true,
            (Some(services), Some(service)) => services.contains(&service),
        }
    }
}

impl Shop {
    /// The minutes that `service` takes where the shop configured them.
    pub fn duration_of(&self, service: ServiceType) -> Option<i64> {
        self.durations.iter().find(|(known, _)| *known == service).map(|&(_, minutes)| minutes)
    }
}
