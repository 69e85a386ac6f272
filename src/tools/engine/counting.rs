//! When the services' counters are written down: behind the back of the calls.

use std::time::Duration;

use super::Engine;
use crate::cache::keep_counts;
use crate::clients::counters::COUNTERS;
use crate::domain::time::Timestamp;

/// How long counts are gathered after the first one of a quiet time.
const GATHERING: Duration = Duration::from_secs(2);
/// How often they are written down at most.
const INTERVAL: Duration = Duration::from_secs(60);

impl Engine {
    /// Writes the services' counters down whenever they have changed, once a minute at most, until
    /// it is dropped; that a circuit opened or closed is written down at once, since that is what
    /// somebody who looks now wants to know.
    pub async fn keep_counting(&self) {
        loop {
            COUNTERS.changed().await;
            tokio::time::sleep(GATHERING).await;
            self.keep_counts().await;
            tokio::select! {
                () = tokio::time::sleep(INTERVAL - GATHERING) => {}
                () = COUNTERS.turned() => {}
            }
        }
    }

    /// Writes the services' counters down, if the database is open: it is not opened for that.
    pub async fn keep_counts(&self) {
        if let Some(store) = self.open_store() {
            keep_counts(&store, Timestamp::from(chrono::Utc::now())).await;
        }
    }
}
