//! A change that a remote service makes once, however often it is sent: by the caller's key, or by one
//! of ours that is written down before the service is asked.
//!
//! The same change without a key, said again while nobody knows what became of the first one, has the
//! first one's key, also where that was the caller's. So it makes no difference whether the answer was lost on the way, or with the
//! process that waited for it, or was heard and could not be kept here.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::{Duration, Instant};

use sha2::{Digest, Sha256};
use tokio::time::sleep;

use super::Call;
use super::write::conflict;
use crate::clients::{Upstream, UpstreamError};
use crate::domain::time::Timestamp;
use crate::error::{Code, Refusal, ToolError};
use crate::store::{Session, Store};

/// How long an answer counts as waited for after the last sign of whoever waits, in seconds.
const LEASE_SECONDS: i64 = 3;
/// How often whoever waits gives one.
const SIGN_OF_LIFE: Duration = Duration::from_secs(1);
/// How often somebody looks whether the same change is still under way.
const LOOK: Duration = Duration::from_millis(25);

/// A change that a remote service is asked for.
pub(super) struct RemoteChange {
    key: String,
    /// Whether the caller brought it.
    is_callers: bool,
    /// Where it is written down; `None` where another change has the caller's key.
    store: Option<Arc<Store>>,
    /// Whether it was asked for before, and nobody knows what became of it then.
    is_again: bool,
    now: Timestamp,
    started: Instant,
}

impl RemoteChange {
    /// A change under the caller's key, else under that of the same `request` of which nobody knows what
    /// became, else under a new one. Waits while somebody else waits for the answer to the same request.
    ///
    /// # Errors
    /// Where the database is away, or the system gives no random number.
    pub async fn begin(
        call: &Call<'_>,
        key: Option<&str>,
        request: &str,
    ) -> Result<Self, ToolError> {
        let (now, started) = (call.now, Instant::now());
        let store = call.engine.store().await?;
        let request = hex(&Sha256::digest(request));
        if let Some(key) = key.map(header) {
            let mut session = store.write().await?;
            let times = (now, now.plus_seconds(LEASE_SECONDS));
            let noted = session.note_remote_change(&request, &key, times).await?;
            session.commit().await?;
            let (store, is_again) = (noted.map(|_| store), noted == Some(true));
            return Ok(Self { key, is_callers: true, store, is_again, now, started });
        }
        let new_key = random_key()?;
        loop {
            let at = later(now, started);
            let mut session = store.write().await?;
            if !session.is_remote_change_busy(&request, at).await? {
                let times = (at, at.plus_seconds(LEASE_SECONDS));
                let key = session.begin_remote_change(&request, &new_key, times).await?;
                session.commit().await?;
                let is_again = key != new_key;
                let store = Some(store);
                return Ok(Self { key, is_callers: false, store, is_again, now, started });
            }
            drop(session);
            while store.read().await?.is_remote_change_busy(&request, later(now, started)).await? {
                sleep(LOOK).await;
            }
        }
    }

    /// The key under which the service makes it once.
    pub fn key(&self) -> String {
        self.key.clone()
    }

    /// Waits for the answer, and lets others know that somebody does.
    pub async fn wait<T>(&self, asking: impl Future<Output = T>) -> T {
        tokio::select! {
            answer = asking => answer,
            never = self.signs_of_life() => match never {},
        }
    }

    async fn signs_of_life(&self) -> Infallible {
        loop {
            sleep(SIGN_OF_LIFE).await;
            self.put_off(LEASE_SECONDS).await;
        }
    }

    /// It is known what became of it, as the transaction keeps.
    ///
    /// # Errors
    /// Where the database is away.
    pub async fn end(&self, session: &mut Session) -> sqlx::Result<()> {
        match self.store {
            Some(_) => session.end_remote_change(&self.key).await,
            None => Ok(()),
        }
    }

    /// It is known that it was not made.
    pub async fn refused(&self) {
        let Some(store) = &self.store else { return };
        let written: sqlx::Result<()> = async {
            let mut session = store.write().await?;
            session.end_remote_change(&self.key).await?;
            session.commit().await
        }
        .await;
        log(written);
    }

    /// The service gave no answer that can be used, to this try; an earlier one may have been done.
    pub async fn failed(&self, service: Upstream, source: Arc<UpstreamError>) -> ToolError {
        let source = if self.is_again { source.in_doubt() } else { source };
        if source.may_be_done() {
            self.let_go().await;
        } else {
            self.refused().await;
        }
        ToolError::Upstream { service, is_change: true, source }
    }

    /// The service has no such record.
    ///
    /// # Errors
    /// Where it may have made the change before: then the same again has to keep its key.
    pub async fn absent(&self, service: Upstream) -> Result<(), ToolError> {
        if self.is_again {
            let reason = "it knows no such record";
            let source = Arc::new(UpstreamError::Malformed { reason, source: None });
            return Err(self.failed(service, source).await);
        }
        self.refused().await;
        Ok(())
    }

    /// The service knows the key, and not with this change, or not yet: the caller's key is used up, and
    /// under one of ours nobody knows what became of it.
    pub async fn key_conflict(&self, service: Upstream) -> Refusal {
        self.let_go().await;
        if self.is_callers {
            return conflict();
        }
        Refusal::new(
            Code::UpstreamError,
            format!("{} is still at that change, and did not say how it ended.", service.spoken()),
            format!("the {} says that the change is under way or was another one", service.name()),
        )
        .hint("Look whether it was made; just the same again within 10 minutes counts once.")
    }

    /// Whether it was asked for before, and nobody knows what became of it then.
    pub fn is_again(&self) -> bool {
        self.is_again
    }

    /// Nobody waits any more; the same again within ten minutes is the same change.
    pub async fn let_go(&self) {
        self.put_off(0).await;
    }

    async fn put_off(&self, seconds: i64) {
        let Some(store) = &self.store else { return };
        let until = later(self.now, self.started).plus_seconds(seconds);
        let written: sqlx::Result<()> = async {
            let mut session = store.write().await?;
            session.put_off_remote_change(&self.key, until).await?;
            session.commit().await
        }
        .await;
        log(written);
    }
}

/// What cannot be written down lapses by itself.
fn log(written: sqlx::Result<()>) {
    if let Err(error) = written {
        tracing::debug!(%error, "what became of a remote change could not be noted");
    }
}

/// The time of the call, and what has passed since.
fn later(now: Timestamp, started: Instant) -> Timestamp {
    now.plus_seconds(i64::try_from(started.elapsed().as_secs()).unwrap_or(i64::MAX))
}

/// The caller's key; of one that no header can carry, its hash.
fn header(key: &str) -> String {
    if key.bytes().all(|byte| byte.is_ascii_graphic()) {
        key.to_owned()
    } else {
        hex(&Sha256::digest(key))
    }
}

fn random_key() -> Result<String, ToolError> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).map_err(ToolError::Random)?;
    Ok(hex(&bytes))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_the_callers_or_nobody_elses() {
        assert_eq!(header("call-7"), "call-7");
        let hashed = header("Anruf für Ann");
        assert!(hashed.len() == 64 && hashed == header("Anruf für Ann"), "{hashed}");
        let key = || random_key().expect("a key");
        assert_ne!(key(), key());
    }
}
