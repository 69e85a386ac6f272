//! The task that keeps the calendar while the server runs.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use tokio::time::{sleep, timeout};

use super::{Calendar, CalendarError, LAST_WRITES, now};
use crate::store::Store;

/// How soon after the start the database is looked at: the first replies go first.
const FIRST_LOOK: Duration = Duration::from_millis(300);
/// How long after a change it is written: the reply goes first, and changes that come together are
/// written together.
const AFTER_CHANGE: Duration = Duration::from_millis(25);
/// How often the database is asked for changes that others have made.
const LOOK: Duration = Duration::from_secs(1);
/// How often it is noted that the calendar is still connected, in seconds.
const RECONNECT_SECONDS: i64 = 3600;
/// How long a database that does not answer is left alone.
const DATABASE_PAUSE: Duration = Duration::from_secs(3);

/// Gives the database, where it can be had.
pub type Open = Box<dyn Fn() -> BoxFuture<'static, Option<Arc<Store>>> + Send + Sync>;

impl Calendar {
    /// Keeps the calendar until it is told to stop: writes it and reads it, each in its own time.
    pub async fn keep(self: Arc<Self>, open: Open) {
        self.rest(FIRST_LOOK).await;
        tokio::join!(self.keep_writing(&open), self.keep_reading(&open));
    }

    /// Ends the task, which writes what is marked first, where the calendar answers in time.
    pub fn stop(&self) {
        self.stopping.cancel();
    }

    async fn keep_writing(&self, open: &Open) {
        if self.is_read_only {
            return;
        }
        let mut connection: Option<Connection> = None;
        while !self.stopping.is_cancelled() {
            let pause = match self.write_once(&mut connection, open).await {
                Ok(pause) => pause,
                Err(CalendarError::Another) => {
                    tracing::warn!("{}; this one is left alone", CalendarError::Another);
                    self.stopping.cancel();
                    return;
                }
                Err(error) => {
                    tracing::warn!(%error, "the calendar is not written for the moment");
                    connection = None;
                    Pause::For(DATABASE_PAUSE)
                }
            };
            self.wait(pause, connection.as_ref()).await;
        }
        if let Some(Connection { store, salt, .. }) = connection {
            let last = async {
                while self.push(&store, &salt).await.is_ok_and(|pushed| pushed.written > 0) {}
            };
            let _ = timeout(LAST_WRITES, last).await;
        }
    }

    async fn write_once(
        &self,
        connection: &mut Option<Connection>,
        open: &Open,
    ) -> Result<Pause, CalendarError> {
        let Some(store) = open().await else { return Ok(Pause::For(DATABASE_PAUSE)) };
        let connected = match connection.take() {
            Some(known) if known.is_of(&store) => known,
            known => self.connected(store, known.is_some()).await?,
        };
        let Connection { store, salt, .. } = connection.insert(connected);
        let pushed = self.push(store, salt).await?;
        Ok(match pushed.pause {
            Some(pause) => Pause::For(pause),
            None if pushed.is_full => Pause::For(AFTER_CHANGE),
            None => Pause::UntilChange,
        })
    }

    async fn keep_reading(&self, open: &Open) {
        let mut is_down = false;
        while !self.stopping.is_cancelled() {
            let read = async {
                let Some(store) = open().await else { return Ok(false) };
                let state = store.read_aside().await?.calendar_state().await?;
                // The first one to write connects it.
                if state.address.as_deref() != Some(&self.client.address()) {
                    return Ok(false);
                }
                self.notice(&state);
                let is_read = self.read_if_due(&store, &state).await?;
                if is_read {
                    self.notice(&store.read_aside().await?.calendar_state().await?);
                }
                Ok::<bool, CalendarError>(is_read)
            };
            // What is read when the process ends would be of no use to it.
            let read = tokio::select! {
                read = read => read,
                () = self.stopping.cancelled() => return,
            };
            match &read {
                Err(error) if !is_down => tracing::warn!(
                    error = error as &dyn std::error::Error,
                    "the calendar cannot be read; what was last known of it counts"
                ),
                Ok(true) if is_down => tracing::info!("the calendar can be read again"),
                _ => {}
            }
            match read {
                Ok(true) => is_down = false,
                Ok(false) => {}
                Err(_) => is_down = true,
            }
            self.rest(LOOK).await;
        }
    }

    /// Connects this calendar. A process that has done so before leaves it to one that was started
    /// later and has connected another one.
    async fn connected(&self, store: Arc<Store>, again: bool) -> Result<Connection, CalendarError> {
        if again {
            let state = store.read_aside().await?.calendar_state().await?;
            if state.address.is_some_and(|address| address != self.client.address()) {
                return Err(CalendarError::Another);
            }
        }
        let state = self.connect(&store).await?;
        let salt = state.salt.unwrap_or_default();
        Ok(Connection { store, salt, since: now().0 })
    }

    async fn wait(&self, pause: Pause, connection: Option<&Connection>) {
        match (pause, connection) {
            (Pause::For(pause), _) => self.rest(pause).await,
            (Pause::UntilChange, None) => self.rest(LOOK).await,
            (Pause::UntilChange, Some(Connection { store, .. })) => {
                tokio::select! {
                    () = store.changed.notified() => self.rest(AFTER_CHANGE).await,
                    () = self.rest(LOOK) => {}
                }
            }
        }
    }

    /// Waits, but not once it is told to stop.
    async fn rest(&self, pause: Duration) {
        tokio::select! {
            () = sleep(pause) => {}
            () = self.stopping.cancelled() => {}
        }
    }
}

/// A database in which it was noted that this calendar is connected.
struct Connection {
    store: Arc<Store>,
    salt: String,
    since: i64,
}

impl Connection {
    /// Whether it is still this database, and was noted not long ago.
    fn is_of(&self, store: &Arc<Store>) -> bool {
        Arc::ptr_eq(&self.store, store) && now().0 - self.since < RECONNECT_SECONDS
    }
}

enum Pause {
    For(Duration),
    /// Until a tool of this process changes something, or it is time to look what others did.
    UntilChange,
}
