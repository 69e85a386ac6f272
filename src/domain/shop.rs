//! What the rules know of the shop: its place, its hours, its bays and people, its booking rules.

use std::collections::{HashMap, HashSet};

use chrono::{Days, NaiveDate};
use chrono_tz::Tz;

use super::appointment::ServiceType;
use super::hours::OpeningHours;
use super::local_time::{day_bounds, local_date};
use super::money::Currency;
use super::time::Timestamp;

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
    /// What is configured for single services.
    pub services: HashMap<ServiceType, ServiceRules>,
    /// Which times may be booked, and how a booking is marked.
    pub booking: BookingRules,
}

/// What the shop configured for one service; `None` is what holds for all.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct ServiceRules {
    /// How long it takes where the caller does not say.
    pub duration_minutes: Option<i64>,
    /// How long its bay and technician stay taken after it.
    pub buffer_minutes: Option<i64>,
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
    /// Minutes after a visit during which its bay and technician stay taken, for cleaning up.
    pub buffer_minutes: i64,
    /// The least number of minutes between now and the start of a visit.
    pub minimum_notice_minutes: i64,
    /// How many days ahead a visit may be booked.
    pub horizon_days: i64,
    /// How the booking reached the shop.
    pub booking_method: String,
    /// Who took the booking.
    pub booked_by: String,
}

impl BookingRules {
    /// The last start that may be booked: the last second of the horizon's last date.
    pub fn latest_start(&self, now: Timestamp, zone: Tz) -> Timestamp {
        let days = Days::new(u64::try_from(self.horizon_days).unwrap_or_default());
        let last = local_date(now, zone).checked_add_days(days).unwrap_or(NaiveDate::MAX);
        day_bounds(last, zone).end.plus_seconds(-1)
    }
}

impl Resource {
    /// Whether this bay or technician does `service`; a visit without a service fits anywhere.
    pub fn does(&self, service: Option<ServiceType>) -> bool {
        match (&self.services, service) {
            (None, _) | (_, None) => true,
            (Some(services), Some(service)) => services.contains(&service),
        }
    }

    /// How many different services are done here, or by this person.
    pub fn service_count(&self) -> usize {
        match &self.services {
            None => ServiceType::ALL.len(),
            Some(services) => services.iter().collect::<HashSet<_>>().len(),
        }
    }
}

impl Shop {
    /// The minutes that `service` takes where the shop configured them.
    pub fn duration_of(&self, service: ServiceType) -> Option<i64> {
        self.services.get(&service)?.duration_minutes
    }

    /// The minutes for which bay and technician stay taken after a visit for `service`; of one
    /// whose service is not known, those that hold for all.
    pub fn buffer_of(&self, service: Option<ServiceType>) -> i64 {
        let rules = service.and_then(|service| self.services.get(&service));
        rules.and_then(|rules| rules.buffer_minutes).unwrap_or(self.booking.buffer_minutes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A shop with a buffer of ten minutes.
    fn shop(services: HashMap<ServiceType, ServiceRules>) -> Shop {
        Shop {
            zone: Tz::UTC,
            region: "US".to_owned(),
            currency: Currency::USD,
            hours: OpeningHours::default(),
            bays: Vec::new(),
            technicians: Vec::new(),
            services,
            booking: BookingRules {
                slot_interval_minutes: 30,
                buffer_minutes: 10,
                minimum_notice_minutes: 0,
                horizon_days: 365,
                booking_method: String::new(),
                booked_by: String::new(),
            },
        }
    }

    #[test]
    fn a_service_has_its_own_rules_or_those_of_all() {
        let washed = ServiceRules { duration_minutes: None, buffer_minutes: Some(0) };
        let timed = ServiceRules { duration_minutes: Some(45), buffer_minutes: None };
        let shop =
            shop(HashMap::from([(ServiceType::OilChange, washed), (ServiceType::Repair, timed)]));
        let check = |service, duration, buffer| {
            assert_eq!(shop.duration_of(service), duration, "{service}");
            assert_eq!(shop.buffer_of(Some(service)), buffer, "{service}");
        };
        check(ServiceType::OilChange, None, 0);
        check(ServiceType::Repair, Some(45), 10);
        check(ServiceType::Recall, None, 10);
        assert_eq!(shop.buffer_of(None), 10);
    }

    #[test]
    fn services_are_counted_once() {
        let check = |services: Option<&[ServiceType]>, expected: usize| {
            let services = services.map(<[_]>::to_vec);
            let bay = Resource { name: "North".to_owned(), services };
            assert_eq!(bay.service_count(), expected);
        };
        check(None, ServiceType::ALL.len());
        check(Some(&[ServiceType::Repair]), 1);
        check(Some(&[ServiceType::Repair, ServiceType::Recall, ServiceType::Repair]), 2);
    }
}
