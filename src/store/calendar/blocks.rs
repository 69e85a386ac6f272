//! What the calendar blocks, and the reading of it that several servers share.

use sqlx::{AssertSqlSafe, FromRow};

use super::marks::staff_did;
use super::{Session, StaffDid, Store, on};
use crate::domain::calendar::{Block, EventId};
use crate::domain::id::{AppointmentId, ResourceId};
use crate::domain::time::{Interval, Timestamp};

/// How many rows are written by one statement.
const STATEMENT: usize = 100;

/// A blocked time and the event that blocks it.
#[derive(Clone, Debug, Eq, Hash, PartialEq, FromRow)]
pub struct KnownBlock {
    /// What the calendar calls the event.
    pub event: String,
    /// Its start.
    pub starts_at: Timestamp,
    /// Its end, at most a day later.
    pub ends_at: Timestamp,
    /// The bay or the technician; 0 is the whole shop.
    pub resource_id: ResourceId,
}

impl KnownBlock {
    /// What this event blocks.
    pub fn new(event: &str, block: Block) -> Self {
        let Block { span, resource } = block;
        let resource_id = resource.unwrap_or(ResourceId::WHOLE_SHOP);
        Self { event: event.to_owned(), starts_at: span.start, ends_at: span.end, resource_id }
    }

    /// That this event is only known in part: it lies at the end of what is known, and blocks nobody.
    pub fn partial(event: &str, known_until: Timestamp) -> Self {
        Self {
            event: event.to_owned(),
            starts_at: known_until.plus_seconds(-1),
            ends_at: known_until,
            resource_id: ResourceId::NOBODY,
        }
    }
}

/// A visit's event as the calendar was given it.
#[derive(Clone, Debug)]
pub struct OwnEvent {
    /// The appointment.
    pub appointment: AppointmentId,
    /// What the event is called.
    pub id: EventId,
    /// What the version of the event is called that we know of.
    pub etag: Option<String>,
    /// The time that the calendar was given; `None`: it has none of it.
    pub given: Option<Interval>,
    /// What staff have made of it since.
    pub staff: Option<StaffDid>,
    /// Whether it is about to be written anew.
    pub is_marked: bool,
}

/// What was read in the calendar.
#[derive(Debug)]
pub struct Read {
    /// Events whose blocks are to be forgotten; `None`: all of them.
    pub forgotten: Option<Vec<String>>,
    /// What is blocked instead.
    pub blocks: Vec<KnownBlock>,
    /// Visits' events of which something new is known: the version, and what staff did.
    pub events: Vec<OwnEvent>,
    /// From where on to ask the next time.
    pub token: Option<String>,
    /// Up to when blocks are known now.
    pub known_until: Timestamp,
}

#[derive(FromRow)]
struct OwnRow {
    appointment_id: AppointmentId,
    event_id: EventId,
    etag: Option<String>,
    starts_at: Option<Timestamp>,
    ends_at: Option<Timestamp>,
    staff_did: Option<String>,
    staff_starts_at: Option<Timestamp>,
    staff_ends_at: Option<Timestamp>,
    is_marked: bool,
}

macro_rules! own_events {
    () => {
        "select appointment_id, event_id, etag, starts_at, ends_at, staff_did, staff_starts_at,
                staff_ends_at, written < wanted or claimed_until > 0 as is_marked
         from calendar_events"
    };
}

impl Store {
    /// Takes the reading of the calendar over until `until`, where nobody else is at it.
    ///
    /// # Errors
    /// Where the database does not answer.
    pub async fn begin_reading(
        &self,
        reader: &str,
        now: Timestamp,
        until: Timestamp,
    ) -> sqlx::Result<bool> {
        let sql = "update calendar set reader = $1, reading_until = $2
                   where reading_until <= $3 and next_read_at <= $3";
        let mut session = self.write_aside().await?;
        let is_taken = on!(session, |db| sqlx::query(sql)
            .bind(reader)
            .bind(until)
            .bind(now)
            .execute(db)
            .await
            .map(|done| done.rows_affected() == 1))?;
        session.commit().await?;
        Ok(is_taken)
    }

    /// Takes the reading of the calendar over whoever is at it.
    ///
    /// # Errors
    /// Where the database does not answer.
    pub async fn hurry_reading(&self, reader: &str, until: Timestamp) -> sqlx::Result<()> {
        let sql = "update calendar set reader = $1, reading_until = $2";
        let mut session = self.write_aside().await?;
        on!(session, |db| sqlx::query(sql).bind(reader).bind(until).execute(db).await.map(drop))?;
        session.commit().await
    }

    /// Notes what was read at `now`, unless somebody else has taken over meanwhile.
    ///
    /// # Errors
    /// Where the database does not answer.
    pub async fn finish_reading(
        &self,
        reader: &str,
        read: &Read,
        now: Timestamp,
        next_read_at: Timestamp,
    ) -> sqlx::Result<()> {
        let mut session = self.write_aside().await?;
        let sql = "update calendar
                   set token = $2, known_until = $3, read_at = $4, failures = 0, next_read_at = $5,
                       reading_until = 0, reader = null
                   where reader = $1";
        let is_ours = on!(session, |db| sqlx::query(sql)
            .bind(reader)
            .bind(&read.token)
            .bind(read.known_until)
            .bind(now)
            .bind(next_read_at)
            .execute(db)
            .await
            .map(|done| done.rows_affected() == 1))?;
        if is_ours {
            session.replace_blocks(read).await?;
            for event in &read.events {
                session.note_seen(event, now).await?;
            }
            session.commit().await?;
        }
        Ok(())
    }

    /// Notes that the calendar could not be read.
    ///
    /// # Errors
    /// Where the database does not answer.
    pub async fn fail_reading(&self, reader: &str, next_read_at: Timestamp) -> sqlx::Result<()> {
        let sql = "update calendar
                   set failures = failures + 1, next_read_at = $2, reading_until = 0, reader = null
                   where reader = $1";
        let mut session = self.write_aside().await?;
        on!(session, |db| sqlx::query(sql)
            .bind(reader)
            .bind(next_read_at)
            .execute(db)
            .await
            .map(drop))?;
        session.commit().await
    }

    /// Drops what nobody needs any more of events that are long over.
    ///
    /// # Errors
    /// Where the database does not answer.
    pub async fn tidy_calendar(&self, before: Timestamp) -> sqlx::Result<()> {
        let mut session = self.write_aside().await?;
        let sql = "delete from calendar_events where ends_at < $1 and written = wanted";
        on!(session, |db| sqlx::query(sql).bind(before).execute(db).await.map(drop))?;
        let sql = "delete from calendar_blocks where ends_at < $1";
        on!(session, |db| sqlx::query(sql).bind(before).execute(db).await.map(drop))?;
        session.commit().await
    }
}

impl Session {
    /// All that is blocked, as it was last known.
    pub async fn known_blocks(&mut self) -> sqlx::Result<Vec<KnownBlock>> {
        let sql = "select event, starts_at, ends_at, resource_id from calendar_blocks";
        on!(self, |db| sqlx::query_as(sql).fetch_all(db).await)
    }

    /// The events of all visits that the calendar was given, or is about to be given.
    pub async fn own_events(&mut self) -> sqlx::Result<Vec<OwnEvent>> {
        let sql = concat!(own_events!(), " where event_id is not null");
        let rows: Vec<OwnRow> = on!(self, |db| sqlx::query_as(sql).fetch_all(db).await)?;
        Ok(rows.into_iter().map(OwnRow::event).collect())
    }

    /// Those of these events that are visits'.
    pub async fn own_events_named(&mut self, names: &[&str]) -> sqlx::Result<Vec<OwnEvent>> {
        let mut events = Vec::new();
        for names in names.chunks(STATEMENT) {
            let places = places(1, names.len());
            let sql = format!("{} where event_id in {places}", own_events!());
            let rows: Vec<OwnRow> = on!(self, |db| {
                let mut query = sqlx::query_as(AssertSqlSafe(sql)).persistent(false);
                for &name in names {
                    query = query.bind(name);
                }
                query.fetch_all(db).await
            })?;
            events.extend(rows.into_iter().map(OwnRow::event));
        }
        Ok(events)
    }

    async fn replace_blocks(&mut self, read: &Read) -> sqlx::Result<()> {
        match &read.forgotten {
            None => {
                let sql = "delete from calendar_blocks";
                on!(self, |db| sqlx::query(sql).execute(db).await.map(drop))?;
            }
            Some(events) => {
                for events in events.chunks(STATEMENT) {
                    self.forget_blocks(events).await?;
                }
            }
        }
        for blocks in read.blocks.chunks(STATEMENT) {
            self.insert_blocks(blocks).await?;
        }
        Ok(())
    }

    async fn forget_blocks(&mut self, events: &[String]) -> sqlx::Result<()> {
        let places = places(1, events.len());
        let sql = AssertSqlSafe(format!("delete from calendar_blocks where event in {places}"));
        on!(self, |db| {
            let mut query = sqlx::query(sql).persistent(false);
            for event in events {
                query = query.bind(event);
            }
            query.execute(db).await.map(drop)
        })
    }

    async fn insert_blocks(&mut self, blocks: &[KnownBlock]) -> sqlx::Result<()> {
        let rows: Vec<String> = (0..blocks.len()).map(|row| places(4 * row + 1, 4)).collect();
        let sql = AssertSqlSafe(format!(
            "insert into calendar_blocks (event, starts_at, ends_at, resource_id) values {}
             on conflict do nothing",
            rows.join(", ")
        ));
        on!(self, |db| {
            let mut query = sqlx::query(sql).persistent(false);
            for block in blocks {
                let KnownBlock { event, starts_at, ends_at, resource_id } = block;
                query = query.bind(event).bind(starts_at).bind(ends_at).bind(resource_id);
            }
            query.execute(db).await.map(drop)
        })
    }

    /// Notes what the calendar has of a visit's event, unless it was written anew meanwhile.
    async fn note_seen(&mut self, event: &OwnEvent, now: Timestamp) -> sqlx::Result<()> {
        let sql = "update calendar_events
                   set etag = $2, staff_did = $3, staff_starts_at = $4, staff_ends_at = $5,
                       staff_seen_at = case when $3 is null then null
                                            else coalesce(staff_seen_at, $6) end
                   where appointment_id = $1 and written = wanted and claimed_until = 0
                     and coalesce(starts_at, -1) = $7";
        let (did, at) = match event.staff {
            None => (None, None),
            Some(StaffDid::Deleted) => (Some("deleted"), None),
            Some(StaffDid::Moved(at)) => (Some("moved"), Some(at)),
        };
        on!(self, |db| sqlx::query(sql)
            .bind(event.appointment)
            .bind(&event.etag)
            .bind(did)
            .bind(at.map(|span| span.start))
            .bind(at.map(|span| span.end))
            .bind(now)
            .bind(event.given.map_or(Timestamp(-1), |span| span.start))
            .execute(db)
            .await
            .map(drop))
    }
}

impl OwnRow {
    fn event(self) -> OwnEvent {
        let given = self.starts_at.zip(self.ends_at);
        OwnEvent {
            appointment: self.appointment_id,
            id: self.event_id,
            etag: self.etag,
            given: given.map(|(start, end)| Interval { start, end }),
            staff: staff_did(
                self.staff_did.as_deref(),
                self.staff_starts_at.zip(self.staff_ends_at),
            ),
            is_marked: self.is_marked,
        }
    }
}

/// `($3, $4, $5)`: so many places from a number on.
fn places(first: usize, count: usize) -> String {
    let places: Vec<String> = (first..first + count).map(|place| format!("${place}")).collect();
    format!("({})", places.join(", "))
}
