//! Visits as the calendar is told of them.

use sqlx::FromRow;

use super::{Session, on};
use crate::domain::appointment::{ServiceType, Status};
use crate::domain::calendar::{Event, EventId, Told, event_of};
use crate::domain::id::AppointmentId;
use crate::domain::time::{Interval, Timestamp};
use crate::domain::vehicle::describe;

/// Visits that are to come or under way, in order.
pub(in crate::store) const TO_COME: &str =
    "select a.id as appointment_id, coalesce(e.wanted, 1) as revision, a.starts_at, a.ends_at,
            a.service_type, a.service_description, a.customer_concerns, a.status,
            c.first_name, c.last_name, v.year, v.make, v.model, b.name as bay,
            t.name as technician
     from appointments a
     join customers c on c.id = a.customer_id
     join vehicles v on v.id = a.vehicle_id
     join resources b on b.id = a.bay_id
     left join resources t on t.id = a.technician_id
     left join calendar_events e on e.appointment_id = a.id
     where (a.starts_at, a.id) > ($1, $2) and a.ends_at > $3
       and a.status in ('scheduled', 'confirmed', 'in_progress')
     order by a.starts_at, a.id limit $4";

/// What the calendar is told of an appointment; all of it is `None` where there is none.
#[derive(FromRow)]
pub(super) struct VisitRow {
    starts_at: Option<Timestamp>,
    ends_at: Option<Timestamp>,
    service_type: Option<ServiceType>,
    service_description: Option<String>,
    customer_concerns: Option<String>,
    status: Option<Status>,
    first_name: Option<String>,
    last_name: Option<String>,
    year: Option<i64>,
    make: Option<String>,
    model: Option<String>,
    bay: Option<String>,
    technician: Option<String>,
}

#[derive(FromRow)]
struct ComingRow {
    appointment_id: AppointmentId,
    revision: i64,
    #[sqlx(flatten)]
    visit: VisitRow,
}

impl Session {
    /// The events of visits that end after `now`, and start after the one named by its start and
    /// number; soonest first.
    pub async fn events_to_come(
        &mut self,
        salt: &str,
        now: Timestamp,
        after: Option<(Timestamp, AppointmentId)>,
        limit: i64,
    ) -> sqlx::Result<Vec<(AppointmentId, Event)>> {
        // No visit is longer than a day.
        let (after, after_id) =
            after.unwrap_or((now.plus_seconds(-86_400), AppointmentId(i64::MAX)));
        let rows: Vec<ComingRow> = on!(self, |db| sqlx::query_as(TO_COME)
            .bind(after)
            .bind(after_id)
            .bind(now)
            .bind(limit)
            .fetch_all(db)
            .await)?;
        let event = |row: ComingRow| {
            let id = EventId::new(salt, row.appointment_id);
            Some((row.appointment_id, row.visit.event(row.appointment_id, &id, row.revision)?))
        };
        Ok(rows.into_iter().filter_map(event).collect())
    }
}

impl VisitRow {
    /// Whether there is such an appointment.
    pub fn is_there(&self) -> bool {
        self.status.is_some()
    }

    /// The event that the calendar is to have of it; `None`: it is to have none.
    pub fn event(&self, appointment: AppointmentId, id: &EventId, revision: i64) -> Option<Event> {
        let told = Told {
            appointment,
            customer: format!("{} {}", self.first_name.as_ref()?, self.last_name.as_ref()?),
            vehicle: describe(self.year?, self.make.as_ref()?, self.model.as_ref()?),
            span: Interval { start: self.starts_at?, end: self.ends_at? },
            service: self.service_type?,
            work: self.service_description.as_deref(),
            concerns: self.customer_concerns.as_deref(),
            bay: self.bay.as_deref()?,
            technician: self.technician.as_deref(),
            status: self.status?,
        };
        event_of(id.clone(), &told, revision)
    }
}
