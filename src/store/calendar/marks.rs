//! The appointments that differ from their events, and what became of each.

use sqlx::FromRow;

use super::visits::VisitRow;
use super::{Session, Store, on, random_text};
use crate::domain::calendar::{Event, EventId};
use crate::domain::id::AppointmentId;
use crate::domain::time::{Interval, Timestamp};

/// The marks that are due, each with its appointment and what the calendar was given of it.
pub(in crate::store) const DUE: &str =
    "select due.appointment_id, due.wanted, due.etag, due.starts_at as given_from,
            due.ends_at as given_to,
            due.staff_did, due.staff_starts_at, due.staff_ends_at, due.attempts,
            a.starts_at, a.ends_at, a.service_type, a.service_description, a.customer_concerns,
            a.status, c.first_name, c.last_name, v.year, v.make, v.model, b.name as bay,
            t.name as technician
     from (select * from calendar_events
           where written < wanted and next_at <= $1 and claimed_until <= $1
           order by next_at, appointment_id limit $2) due
     left join appointments a on a.id = due.appointment_id
     left join customers c on c.id = a.customer_id
     left join vehicles v on v.id = a.vehicle_id
     left join resources b on b.id = a.bay_id
     left join resources t on t.id = a.technician_id
     order by due.next_at, due.appointment_id";

/// What staff have made of an event.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum StaffDid {
    /// It is at another time now.
    Moved(Interval),
    /// It is gone.
    Deleted,
}

/// An appointment that differs from its event, claimed.
#[derive(Clone, Debug)]
pub struct Mark {
    /// The appointment.
    pub appointment: AppointmentId,
    /// What the event is called.
    pub id: EventId,
    /// Which change of the appointment this is.
    pub wanted: i64,
    /// The event that the calendar is to have; `None`: it is to have none.
    pub event: Option<Event>,
    /// What the version of the event is called that we know of.
    pub etag: Option<String>,
    /// The time that the calendar was given.
    pub given: Option<Interval>,
    /// What staff have made of it since.
    pub staff: Option<StaffDid>,
    /// How often the calendar refused it.
    pub attempts: i64,
    /// Whether there still is such an appointment.
    is_there: bool,
    claim: String,
}

/// What became of a mark.
#[derive(Clone, Debug)]
pub enum Outcome {
    /// The calendar has the event.
    Written {
        /// What this version of it is called, where that was told.
        etag: Option<String>,
        /// The time that it was given, or has kept.
        given: Interval,
        /// What staff have made of it, where that stays.
        staff: Option<StaffDid>,
    },
    /// The calendar has no event of it.
    Absent {
        /// The time that it was given, where staff have deleted it since.
        deleted: Option<Interval>,
    },
    /// It could not be written.
    Failed {
        /// When it is tried again.
        next_at: Timestamp,
        /// Whether the calendar refused this very event.
        is_refused: bool,
    },
}

#[derive(FromRow)]
struct Row {
    appointment_id: AppointmentId,
    wanted: i64,
    etag: Option<String>,
    given_from: Option<Timestamp>,
    given_to: Option<Timestamp>,
    staff_did: Option<String>,
    staff_starts_at: Option<Timestamp>,
    staff_ends_at: Option<Timestamp>,
    attempts: i64,
    #[sqlx(flatten)]
    visit: VisitRow,
}

impl Store {
    /// Claims some of the marks that are due, until `until`: nobody else writes them before. `None`
    /// where another calendar than this one is connected.
    ///
    /// # Errors
    /// Where the database does not answer.
    pub async fn claim_marks(
        &self,
        address: &str,
        salt: &str,
        limit: i64,
        now: Timestamp,
        until: Timestamp,
    ) -> sqlx::Result<Option<Vec<Mark>>> {
        if !self.read_aside().await?.has_due_marks(now).await? {
            return Ok(Some(Vec::new()));
        }
        let claim = random_text()?;
        let mut session = self.write_aside().await?;
        if session.calendar_state().await?.address.as_deref() != Some(address) {
            return Ok(None);
        }
        let rows: Vec<Row> =
            on!(session, |db| sqlx::query_as(DUE).bind(now).bind(limit).fetch_all(db).await)?;
        let marks: Vec<Mark> = rows.into_iter().map(|row| row.mark(salt, &claim)).collect();
        for mark in &marks {
            session.claim(mark, until).await?;
        }
        session.commit().await?;
        Ok(Some(marks))
    }

    /// Notes what became of claimed marks. One whose claim has run out meanwhile is left alone:
    /// somebody else has it.
    ///
    /// # Errors
    /// Where the database does not answer.
    pub async fn settle_marks(&self, outcomes: &[(Mark, Outcome)]) -> sqlx::Result<()> {
        let mut session = self.write_aside().await?;
        // First the appointments, then their marks, as by the triggers of whoever writes past the shop's lock: in
        // another order, each would wait for the other.
        for (mark, outcome) in outcomes {
            session.name_event(mark, outcome).await?;
        }
        for (mark, outcome) in outcomes {
            session.settle(mark, outcome).await?;
        }
        session.commit().await
    }
}

impl Session {
    /// Every visit that is still to come is to be in the calendar, and what it has is looked at anew.
    pub(super) async fn mark_upcoming(&mut self, now: Timestamp) -> sqlx::Result<()> {
        let sql = "update calendar_events set wanted = wanted + 1, next_at = 0 where ends_at > $1";
        on!(self, |db| sqlx::query(sql).bind(now).execute(db).await.map(drop))?;
        // No visit is longer than a day.
        let sql = "insert into calendar_events (appointment_id)
                   select id from appointments
                   where starts_at > $1 and ends_at > $2
                     and status in ('scheduled', 'confirmed', 'in_progress')
                   on conflict (appointment_id) do nothing";
        on!(self, |db| sqlx::query(sql)
            .bind(now.plus_seconds(-86_400))
            .bind(now)
            .execute(db)
            .await
            .map(drop))
    }

    /// Whether an appointment differs from its event, and somebody should see to it now.
    pub async fn has_due_marks(&mut self, now: Timestamp) -> sqlx::Result<bool> {
        let sql = "select count(*) from (
                       select 1 from calendar_events
                       where written < wanted and next_at <= $1 and claimed_until <= $1
                       limit 1) due";
        let due: i64 = on!(self, |db| sqlx::query_scalar(sql).bind(now).fetch_one(db).await)?;
        Ok(due > 0)
    }

    /// What was put off because it could not be written is to be tried at once.
    pub async fn hurry_marks(&mut self) -> sqlx::Result<()> {
        let sql = "update calendar_events set next_at = 0 where written < wanted and next_at > 0";
        on!(self, |db| sqlx::query(sql).execute(db).await.map(drop))
    }

    /// How many appointments differ from their events.
    pub async fn count_marks(&mut self) -> sqlx::Result<i64> {
        let sql = "select count(*) from calendar_events where written < wanted";
        on!(self, |db| sqlx::query_scalar(sql).fetch_one(db).await)
    }

    async fn claim(&mut self, mark: &Mark, until: Timestamp) -> sqlx::Result<()> {
        // The name is on file before the event is in the calendar, so that whoever reads the calendar
        // meanwhile knows it for ours.
        let sql = "update calendar_events set claim = $2, claimed_until = $3, event_id = $4
                   where appointment_id = $1";
        on!(self, |db| sqlx::query(sql)
            .bind(mark.appointment)
            .bind(&mark.claim)
            .bind(until)
            .bind(&mark.id)
            .execute(db)
            .await
            .map(drop))
    }

    async fn settle(&mut self, mark: &Mark, outcome: &Outcome) -> sqlx::Result<()> {
        match outcome {
            Outcome::Failed { next_at, is_refused } => {
                self.put_off(mark, *next_at, *is_refused).await
            }
            Outcome::Absent { .. } if !mark.is_there => self.forget(mark).await,
            Outcome::Absent { deleted } => {
                let staff = deleted.map(|_| StaffDid::Deleted);
                self.note_written(mark, None, *deleted, staff).await
            }
            Outcome::Written { etag, given, staff } => {
                self.note_written(mark, etag.as_deref(), Some(*given), *staff).await
            }
        }
    }

    async fn note_written(
        &mut self,
        mark: &Mark,
        etag: Option<&str>,
        given: Option<Interval>,
        staff: Option<StaffDid>,
    ) -> sqlx::Result<()> {
        let sql = "update calendar_events
                   set written = $3, etag = $4, starts_at = $5, ends_at = $6, staff_did = $7,
                       staff_starts_at = $8, staff_ends_at = $9,
                       staff_seen_at = case when $7 is null then null else staff_seen_at end,
                       claim = null, claimed_until = 0, attempts = 0, next_at = 0
                   where appointment_id = $1 and claim = $2";
        let (did, at) = match staff {
            None => (None, None),
            Some(StaffDid::Deleted) => (Some("deleted"), None),
            Some(StaffDid::Moved(at)) => (Some("moved"), Some(at)),
        };
        on!(self, |db| sqlx::query(sql)
            .bind(mark.appointment)
            .bind(&mark.claim)
            .bind(mark.wanted)
            .bind(etag)
            .bind(given.map(|span| span.start))
            .bind(given.map(|span| span.end))
            .bind(did)
            .bind(at.map(|span| span.start))
            .bind(at.map(|span| span.end))
            .execute(db)
            .await
            .map(drop))
    }

    async fn put_off(
        &mut self,
        mark: &Mark,
        next_at: Timestamp,
        is_refused: bool,
    ) -> sqlx::Result<()> {
        let sql = "update calendar_events
                   set claim = null, claimed_until = 0, attempts = attempts + $4, next_at = $3
                   where appointment_id = $1 and claim = $2";
        on!(self, |db| sqlx::query(sql)
            .bind(mark.appointment)
            .bind(&mark.claim)
            .bind(next_at)
            .bind(i64::from(is_refused))
            .execute(db)
            .await
            .map(drop))
    }

    async fn forget(&mut self, mark: &Mark) -> sqlx::Result<()> {
        let sql = "delete from calendar_events where appointment_id = $1 and claim = $2";
        on!(self, |db| sqlx::query(sql)
            .bind(mark.appointment)
            .bind(&mark.claim)
            .execute(db)
            .await
            .map(drop))
    }

    /// The appointment says which event is its own, as long as there is one and the claim holds.
    async fn name_event(&mut self, mark: &Mark, outcome: &Outcome) -> sqlx::Result<()> {
        let id = match outcome {
            Outcome::Written { .. } => Some(&mark.id),
            Outcome::Absent { .. } if mark.is_there => None,
            Outcome::Absent { .. } | Outcome::Failed { .. } => return Ok(()),
        };
        let sql = "update appointments set calendar_event_id = $2
                   where id = $1 and coalesce(calendar_event_id, '') <> coalesce($2, '')
                     and exists (select 1 from calendar_events where appointment_id = $1 and claim = $3)";
        on!(self, |db| sqlx::query(sql)
            .bind(mark.appointment)
            .bind(id)
            .bind(&mark.claim)
            .execute(db)
            .await
            .map(drop))
    }
}

impl Row {
    fn mark(self, salt: &str, claim: &str) -> Mark {
        let id = EventId::new(salt, self.appointment_id);
        let given = self.given_from.zip(self.given_to);
        Mark {
            appointment: self.appointment_id,
            wanted: self.wanted,
            event: self.visit.event(self.appointment_id, &id, self.wanted),
            is_there: self.visit.is_there(),
            id,
            etag: self.etag,
            given: given.map(|(start, end)| Interval { start, end }),
            staff: staff_did(
                self.staff_did.as_deref(),
                self.staff_starts_at.zip(self.staff_ends_at),
            ),
            attempts: self.attempts,
            claim: claim.to_owned(),
        }
    }
}

/// What the columns say.
pub(super) fn staff_did(did: Option<&str>, to: Option<(Timestamp, Timestamp)>) -> Option<StaffDid> {
    match (did, to) {
        (Some("moved"), Some((start, end))) => Some(StaffDid::Moved(Interval { start, end })),
        (Some("deleted"), _) => Some(StaffDid::Deleted),
        _ => None,
    }
}
