//! Visits that the calendar contradicts: staff have moved or deleted their events, or blocked their
//! time.

use sqlx::FromRow;

use super::{Session, on};
use crate::domain::appointment::ServiceType;
use crate::domain::id::AppointmentId;
use crate::domain::phone::PhoneNumber;
use crate::domain::time::Timestamp;

// `$1` is now, `$2` and `$3` the visit after which the page begins, `$4` how many.
macro_rules! contradicted {
    ($what:literal, $from:literal, $join:literal, $rest:literal) => {
        concat!(
            "select a.id, a.starts_at, a.ends_at, a.service_type, c.first_name, c.last_name,
                    c.phone_number, v.year, v.make, v.model, ",
            $what,
            " from ",
            $from,
            " join appointments a on ",
            $join,
            "      and a.status in ('scheduled', 'confirmed', 'in_progress')
                   and a.ends_at > $1 and (a.starts_at, a.id) > ($2, $3)
              join customers c on c.id = a.customer_id
              join vehicles v on v.id = a.vehicle_id ",
            $rest,
            " order by a.starts_at, a.id limit $4"
        )
    };
}

/// Those whose events staff have moved or deleted.
pub(in crate::store) const CONFLICTS: &str = contradicted!(
    "e.staff_did as kind, e.staff_starts_at as calendar_from, e.staff_ends_at as calendar_to,
     e.staff_seen_at as seen_at, e.event_id",
    "calendar_events e",
    "a.id = e.appointment_id",
    "where e.staff_did is not null"
);
/// Those in a time that is blocked, and whose events are as they were.
const BLOCKED: &str = contradicted!(
    "'blocked' as kind, min(b.starts_at) as calendar_from, max(b.ends_at) as calendar_to,
     cast(null as bigint) as seen_at, cast(null as text) as event_id",
    "calendar_blocks b",
    "a.starts_at < b.ends_at and a.ends_at > b.starts_at and a.starts_at > b.starts_at - 86400
     and b.ends_at > $1 and b.resource_id in (0, a.bay_id, coalesce(a.technician_id, a.bay_id))",
    "where not exists (select 1 from calendar_events e
                       where e.appointment_id = a.id and e.staff_did is not null)
     group by a.id, a.starts_at, a.ends_at, a.service_type, c.first_name, c.last_name,
              c.phone_number, v.year, v.make, v.model"
);

/// A visit that the calendar contradicts.
#[derive(Clone, Debug, FromRow)]
pub struct Conflict {
    /// The appointment.
    pub id: AppointmentId,
    /// Its start.
    pub starts_at: Timestamp,
    /// Its end.
    pub ends_at: Timestamp,
    /// What is to be done.
    pub service_type: ServiceType,
    /// The customer's first name.
    pub first_name: String,
    /// The customer's last name.
    pub last_name: String,
    /// The customer's phone number.
    pub phone_number: Option<PhoneNumber>,
    /// The vehicle's model year.
    pub year: i64,
    /// The vehicle's make.
    pub make: String,
    /// The vehicle's model.
    pub model: String,
    /// `moved`, `deleted` or `blocked`.
    pub kind: String,
    /// Where its event is now, or since when its time is blocked.
    pub calendar_from: Option<Timestamp>,
    /// Until when.
    pub calendar_to: Option<Timestamp>,
    /// When it was seen first that staff had moved or deleted it.
    pub seen_at: Option<Timestamp>,
    /// What the event is called.
    pub event_id: Option<String>,
}

impl Session {
    /// The visits to come that the calendar contradicts, soonest first, each once.
    pub async fn calendar_conflicts(
        &mut self,
        now: Timestamp,
        after: Option<(Timestamp, AppointmentId)>,
        limit: i64,
    ) -> sqlx::Result<Vec<Conflict>> {
        let (after, after_id) = after.unwrap_or((Timestamp(-1), AppointmentId(0)));
        let mut conflicts: Vec<Conflict> = Vec::new();
        for sql in [CONFLICTS, BLOCKED] {
            let found: Vec<Conflict> = on!(self, |db| sqlx::query_as(sql)
                .bind(now)
                .bind(after)
                .bind(after_id)
                .bind(limit)
                .fetch_all(db)
                .await)?;
            conflicts.extend(found);
        }
        conflicts.sort_by_key(|conflict| (conflict.starts_at, conflict.id));
        conflicts.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
        Ok(conflicts)
    }

    /// Has the event of an appointment put back to where the appointment is, whatever staff did.
    pub async fn restore_event(&mut self, appointment: AppointmentId) -> sqlx::Result<()> {
        let sql = "update calendar_events
                   set wanted = wanted + 1, starts_at = null, ends_at = null, next_at = 0
                   where appointment_id = $1 and staff_did is not null";
        on!(self, |db| sqlx::query(sql).bind(appointment).execute(db).await.map(drop))
    }
}
