//! The shop's calendar, kept equal to the appointments, and what it blocks.
//!
//! One task of each server process writes what differs (`pushing`), another one reads what staff
//! have changed (`reading`). Both lease their work in the database, so that several processes do
//! nothing twice, and one that is killed is replaced. No tool call waits for either.

mod keeping;
mod pushing;
mod reading;

use std::sync::PoisonError;
use std::sync::atomic::AtomicU32;
use std::time::{Duration, Instant};

use chrono_tz::Tz;
use tokio::sync::{Mutex, OnceCell};
use tokio_util::sync::CancellationToken;

use crate::clients::UpstreamError;
use crate::clients::calendar::CalendarClient;
use crate::config::Config;
use crate::domain::local_time::spoken;
use crate::domain::time::Timestamp;
use crate::store::{CalendarState, Session, Store};

pub use pushing::Pushed;

/// How long what the database said of the reading is believed.
const SEEN_FOR: Duration = Duration::from_secs(3);
/// A shorter time than this cannot be kept to, in seconds.
const SHORTEST_TTL_SECONDS: i64 = 5;
/// How long a process that stops still writes what is marked.
const LAST_WRITES: Duration = Duration::from_millis(700);

/// The shop's calendar.
#[derive(Debug)]
pub struct Calendar {
    client: CalendarClient,
    zone: Tz,
    horizon_days: u64,
    busy_ttl_seconds: i64,
    /// By what the database knows that it is this process that reads.
    reader: String,
    /// What was last known of the reading, and when that was.
    seen: std::sync::Mutex<Option<Seen>>,
    /// A server that may change nothing reads the calendar only.
    is_read_only: bool,
    stopping: CancellationToken,
    /// How often in a row nothing at all was answered to what was to be written.
    outages: AtomicU32,
    /// Held while the calendar is written.
    writing: Mutex<()>,
    /// Set once the address has proved to be that of a calendar.
    proved: OnceCell<()>,
}

/// What the database says of the reading.
#[derive(Clone, Copy, Debug)]
struct Seen {
    /// When blocks were last known to be what the calendar says.
    read_at: Option<Timestamp>,
    /// How many events are only known in part.
    partial_events: i64,
    /// When the database said so.
    since: Instant,
}

/// Why the calendar could not be written or read.
#[derive(Debug, thiserror::Error)]
pub enum CalendarError {
    /// The database did not answer.
    #[error("the database did not answer")]
    Database(#[from] sqlx::Error),
    /// The calendar did not answer, or not with what was asked for.
    #[error("the calendar failed")]
    Calendar(#[from] UpstreamError),
    /// A server that was started later named another calendar.
    #[error("another process has connected another calendar to this database")]
    Another,
}

impl Calendar {
    /// The calendar of the settings, where they name one.
    pub fn new(config: &Config) -> Option<Self> {
        let zone: Tz = config.shop.zone;
        let client = CalendarClient::new(&config.calendar, zone)?;
        Some(Self {
            client,
            zone,
            horizon_days: u64::try_from(config.shop.booking.horizon_days).unwrap_or_default(),
            busy_ttl_seconds: config.calendar.busy_ttl_seconds,
            reader: format!("{}-{}", std::process::id(), getrandom::u64().unwrap_or_default()),
            seen: std::sync::Mutex::default(),
            is_read_only: config.server.read_only,
            stopping: CancellationToken::new(),
            outages: AtomicU32::new(0),
            writing: Mutex::new(()),
            proved: OnceCell::new(),
        })
    }

    /// The service itself.
    pub fn client(&self) -> &CalendarClient {
        &self.client
    }

    /// Has the calendar prove that it is one, once: some servers take what is written elsewhere, too,
    /// and make a new calendar of each event.
    ///
    /// # Errors
    /// Where it is none, or does not answer.
    pub async fn prove(&self) -> Result<(), UpstreamError> {
        self.proved.get_or_try_init(|| self.client.prove()).await.map(|&()| ())
    }

    /// What a reply has to say of the calendar where what is blocked is only known from before, or in
    /// part; `None` where it is known well enough.
    ///
    /// # Errors
    /// Where the database does not answer.
    pub async fn note(
        &self,
        session: &mut Session,
        now: Timestamp,
    ) -> sqlx::Result<Option<String>> {
        let limit = self.busy_ttl_seconds.max(SHORTEST_TTL_SECONDS);
        let is_recent = |at: Option<Timestamp>| at.is_some_and(|at| now.0 - at.0 <= limit);
        let seen = *self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let is_fresh = |seen: &Seen| seen.since.elapsed() < SEEN_FOR && is_recent(seen.read_at);
        let (read_at, partial_events) = match seen.filter(is_fresh) {
            Some(seen) => (seen.read_at, seen.partial_events),
            None => {
                let state = session.calendar_state().await?;
                (state.read_at, state.partial_events)
            }
        };
        let age = match read_at {
            at if is_recent(at) => None,
            Some(at) => Some(format!(
                "The shop's calendar was last read on {}; what was blocked in it then counts.",
                spoken(at, now, self.zone)
            )),
            None => Some(
                "The shop's calendar has not been read yet; what is blocked in it is not known."
                    .to_owned(),
            ),
        };
        let gaps = match partial_events {
            0 => None,
            1 => Some("One entry of the shop's calendar".to_owned()),
            several => Some(format!("{several} entries of the shop's calendar")),
        };
        let gaps = gaps.map(|what| {
            format!("{what} could not be read in full; more may be blocked than is known.")
        });
        let notes: Vec<String> = [age, gaps].into_iter().flatten().collect();
        Ok((!notes.is_empty()).then(|| notes.join(" ")))
    }

    fn notice(&self, state: &CalendarState) {
        let CalendarState { read_at, partial_events, .. } = *state;
        let seen = Seen { read_at, partial_events, since: Instant::now() };
        *self.seen.lock().unwrap_or_else(PoisonError::into_inner) = Some(seen);
    }

    /// Notes in the database that this calendar is connected, in the place of any other.
    ///
    /// # Errors
    /// Where the database does not answer.
    pub async fn connect(&self, store: &Store) -> sqlx::Result<CalendarState> {
        store.connect_calendar(&self.client.address(), now()).await
    }
}

/// The time, which a task of its own has to take for itself.
fn now() -> Timestamp {
    chrono::Utc::now().into()
}
