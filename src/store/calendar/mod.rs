//! The shop's calendar: which appointments differ from their events, and what is blocked in it.
//!
//! Triggers mark the appointments that were changed, in the transaction that changes them. Whoever
//! claims a mark has it for a few seconds and makes the event equal to the appointment; a second
//! one finds the mark claimed, and a mark whose claim has run out is anybody's again.

mod blocks;
mod events;
mod marks;
mod visits;

use sqlx::FromRow;

use super::{Backend, Kind, Session, Store, on, postgres};
use crate::domain::time::Timestamp;

pub use blocks::{KnownBlock, OwnEvent, Read};
pub use events::Conflict;
pub use marks::{Mark, Outcome, StaffDid};
#[cfg(test)]
pub(super) use {events::CONFLICTS, marks::DUE, visits::TO_COME};

/// How long after a server last had a calendar changes are marked for it, in seconds.
const MARKING_SECONDS: i64 = 30 * 86_400;
/// How much of that time may be over before it is prolonged.
const RENEWED_SECONDS: i64 = 86_400;

/// The calendar with how many events are only known in part ([`KnownBlock::partial`]).
pub(super) const STATE: &str =
    "select salt, address, token, known_until, read_at, failures, next_read_at, reading_until,
            marking_until,
            (select count(*) from calendar_blocks b
             where b.starts_at = c.known_until - 1 and b.resource_id = -1) as partial_events
     from calendar c where id = 1";

/// The calendar as the database knows it.
#[derive(Clone, Debug, FromRow)]
pub struct CalendarState {
    /// From it the names of events are made; `None` before the first calendar.
    pub salt: Option<String>,
    /// Which calendar it is.
    pub address: Option<String>,
    /// From where on the calendar tells what has changed in it.
    pub token: Option<String>,
    /// Up to when blocks are known.
    pub known_until: Timestamp,
    /// When the blocks were last known to be what the calendar says.
    pub read_at: Option<Timestamp>,
    /// How often in a row it could not be read.
    pub failures: i64,
    /// When it is to be read next.
    pub next_read_at: Timestamp,
    /// Until when one of the servers is reading it.
    pub reading_until: Timestamp,
    /// How many events in it are only known in part.
    pub partial_events: i64,
    marking_until: Timestamp,
}

impl Store {
    /// A connection for reading that no tool call waits for.
    ///
    /// # Errors
    /// Where none is free in time.
    pub async fn read_aside(&self) -> sqlx::Result<Session> {
        match &self.backend {
            Backend::Sqlite(_) => self.read().await,
            Backend::Postgres(server) => {
                Ok(Session(Kind::PostgresRead(server.aside.acquire().await?)))
            }
        }
    }

    /// A transaction as [`Store::write`], on a connection that no tool call waits for.
    ///
    /// # Errors
    /// Where the lock is not to be had in time.
    pub async fn write_aside(&self) -> sqlx::Result<Session> {
        match &self.backend {
            Backend::Sqlite(_) => self.write().await,
            Backend::Postgres(server) => {
                let transaction = postgres::begin_exclusive(&server.aside, postgres::BEGIN).await?;
                Ok(Session(Kind::Postgres(transaction)))
            }
        }
    }

    /// Notes which calendar is connected, and has its visits marked from now on. One that is new, or
    /// that nobody looked after for a month, is to have every visit that is still to come.
    ///
    /// # Errors
    /// Where the database does not answer.
    pub async fn connect_calendar(
        &self,
        address: &str,
        now: Timestamp,
    ) -> sqlx::Result<CalendarState> {
        let state = self.read_aside().await?.calendar_state().await?;
        let is_renewed = state.marking_until >= now.plus_seconds(MARKING_SECONDS - RENEWED_SECONDS);
        if is_renewed && state.salt.is_some() && state.address.as_deref() == Some(address) {
            return Ok(state);
        }
        let mut session = self.write_aside().await?;
        let state = session.calendar_state().await?;
        if state.address.as_deref() != Some(address) {
            session.forget_calendar().await?;
        }
        let is_lapsed = state.marking_until < now || state.address.as_deref() != Some(address);
        session.note_calendar(address, now.plus_seconds(MARKING_SECONDS)).await?;
        if is_lapsed {
            session.mark_upcoming(now).await?;
        }
        session.give_salt(state.salt).await?;
        let state = session.calendar_state().await?;
        session.commit().await?;
        Ok(state)
    }

    /// The text from which the names of events are made; the first use makes it.
    ///
    /// # Errors
    /// Where the database does not answer.
    pub async fn calendar_salt(&self) -> sqlx::Result<String> {
        let state = self.read_aside().await?.calendar_state().await?;
        if let Some(salt) = state.salt {
            return Ok(salt);
        }
        let mut session = self.write_aside().await?;
        let state = session.calendar_state().await?;
        let salt = session.give_salt(state.salt).await?;
        session.commit().await?;
        Ok(salt)
    }
}

impl Session {
    /// The calendar as the database knows it.
    pub async fn calendar_state(&mut self) -> sqlx::Result<CalendarState> {
        on!(self, |db| sqlx::query_as(STATE).fetch_one(db).await)
    }

    /// What was written to another calendar stays there; nothing of it is known of this one.
    async fn forget_calendar(&mut self) -> sqlx::Result<()> {
        for sql in [
            "update appointments set calendar_event_id = null where calendar_event_id is not null",
            "delete from calendar_events",
            "delete from calendar_blocks",
            "update calendar set token = null, known_until = 0, read_at = null, failures = 0,
                                 next_read_at = 0, reading_until = 0, reader = null",
        ] {
            on!(self, |db| sqlx::query(sql).execute(db).await.map(drop))?;
        }
        Ok(())
    }

    async fn note_calendar(&mut self, address: &str, until: Timestamp) -> sqlx::Result<()> {
        let sql = "update calendar set address = $1, marking_until = $2";
        on!(self, |db| sqlx::query(sql).bind(address).bind(until).execute(db).await.map(drop))
    }

    async fn give_salt(&mut self, known: Option<String>) -> sqlx::Result<String> {
        if let Some(salt) = known {
            return Ok(salt);
        }
        let salt = random_text()?;
        let sql = "update calendar set salt = $1";
        on!(self, |db| sqlx::query(sql).bind(&salt).execute(db).await.map(drop))?;
        Ok(salt)
    }
}

/// A text that nobody can guess.
pub(super) fn random_text() -> sqlx::Result<String> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).map_err(|error| sqlx::Error::Encode(Box::new(error)))?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}
