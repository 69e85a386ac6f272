//! Looking for appointments by time, status, service, customer or VIN.

use super::appointments::select_appointments;
use super::{Appointment, Page, Session, on};
use crate::domain::appointment::{ServiceType, Status};
use crate::domain::id::{AppointmentId, CustomerId};
use crate::domain::time::{Interval, Timestamp};

/// Which appointments are looked for.
#[derive(Clone, Debug)]
pub struct Search {
    /// When they start.
    pub starts: Interval,
    /// Where they stand.
    pub status: Option<Status>,
    /// What is to be done.
    pub service_type: Option<ServiceType>,
    /// Whose they are.
    pub customer_id: Option<CustomerId>,
    /// The end of the vehicle's VIN, in upper case: its last 6 characters or more.
    pub vin_end: Option<String>,
}

/// A text that sorts after every status and service: `between '' and LAST` is any of them, so that
/// an index answers the condition whether a filter is set or not.
const LAST: &str = "zzzz";

// `$1` to `$9` are the time, the page and the filters.
macro_rules! search_appointments {
    ($condition:literal) => {
        select_appointments!(
            $condition,
            "a.starts_at >= $1 and a.starts_at < $2 and (a.starts_at, a.id) > ($3, $4)
               and a.status between $5 and $6 and a.service_type between $7 and $8
             order by a.starts_at, a.id limit $9"
        )
    };
}

/// By time alone.
pub(super) const BY_TIME: &str = search_appointments!("");
/// Those of a customer.
pub(super) const BY_CUSTOMER: &str = search_appointments!("a.customer_id = $10 and ");
/// Those of the vehicles with this end of a VIN, and of the customers in a range of numbers.
pub(super) const BY_VIN: &str = search_appointments!(
    "a.vehicle_id in (select id from vehicles where substr(vin, 12) = $10 and vin like $11)
       and a.customer_id between $12 and $13 and "
);
/// Those that are still to come and occupy their bays, in order.
pub(super) const OPEN: &str = select_appointments!(
    "a.starts_at >= $1 and a.starts_at < $2 and a.status in ('scheduled', 'confirmed')
       and a.service_type between $3 and $4
     order by a.starts_at, a.id limit $5"
);
/// Those for which nobody was reached yet.
pub(super) const DUE: &str = select_appointments!(
    "a.starts_at >= $1 and a.starts_at < $2 and a.status in ('scheduled', 'confirmed')
       and not a.confirmation_sent
     order by a.starts_at, a.id limit $3"
);

impl Session {
    /// The appointments that are looked for, soonest first.
    pub async fn search_appointments(
        &mut self,
        search: &Search,
        page: Page,
    ) -> sqlx::Result<Vec<Appointment>> {
        let sql = match (&search.vin_end, search.customer_id) {
            (Some(_), _) => BY_VIN,
            (None, Some(_)) => BY_CUSTOMER,
            (None, None) => BY_TIME,
        };
        let (after, after_id) = page.after.unwrap_or((Timestamp(-1), AppointmentId(0)));
        let (status, last_status) = between(search.status.map(Status::as_str));
        let (service, last_service) = between(search.service_type.map(ServiceType::as_str));
        on!(self, |db| {
            let query = sqlx::query_as(sql)
                // Of two lower bounds an index takes one, which should be the later.
                .bind(search.starts.start.max(after))
                .bind(search.starts.end)
                .bind(after)
                .bind(after_id)
                .bind(status)
                .bind(last_status)
                .bind(service)
                .bind(last_service)
                .bind(page.limit);
            match (&search.vin_end, search.customer_id) {
                (Some(vin_end), customer) => {
                    let key_at = vin_end.len().saturating_sub(VIN_KEY_LENGTH);
                    let first = customer.unwrap_or(CustomerId(0));
                    let last = customer.unwrap_or(CustomerId(i64::MAX));
                    let query = query
                        .bind(vin_end.get(key_at..).unwrap_or_default())
                        .bind(format!("%{vin_end}"))
                        .bind(first)
                        .bind(last);
                    query.fetch_all(db).await
                }
                (None, Some(customer)) => query.bind(customer).fetch_all(db).await,
                (None, None) => query.fetch_all(db).await,
            }
        })
    }

    /// The scheduled and confirmed appointments that start in this time, soonest first.
    pub async fn open_appointments(
        &mut self,
        starts: Interval,
        service_type: Option<ServiceType>,
        limit: i64,
    ) -> sqlx::Result<Vec<Appointment>> {
        let (service, last_service) = between(service_type.map(ServiceType::as_str));
        on!(self, |db| sqlx::query_as(OPEN)
            .bind(starts.start)
            .bind(starts.end)
            .bind(service)
            .bind(last_service)
            .bind(limit)
            .fetch_all(db)
            .await)
    }

    /// The scheduled and confirmed appointments that start in this time and of which nobody was
    /// reminded yet, soonest first.
    pub async fn appointments_to_remind(
        &mut self,
        starts: Interval,
        limit: i64,
    ) -> sqlx::Result<Vec<Appointment>> {
        on!(self, |db| sqlx::query_as(DUE)
            .bind(starts.start)
            .bind(starts.end)
            .bind(limit)
            .fetch_all(db)
            .await)
    }
}

/// How many characters of the end of a VIN are indexed.
pub const VIN_KEY_LENGTH: usize = 6;

/// The first and the last text that match.
pub(super) fn between(text: Option<&'static str>) -> (&'static str, &'static str) {
    text.map_or(("", LAST), |text| (text, text))
}
