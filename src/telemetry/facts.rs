//! What is learned about a call while it runs.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicU32, Ordering};

use futures_util::future::Either;

const MISS: u8 = 1;
const HIT: u8 = 2;

tokio::task_local! {
    static FACTS: Arc<Facts>;
}

/// What is learned about a call while it runs.
#[derive(Debug, Default)]
pub(super) struct Facts {
    /// Whether memory or the database answered for a customer or a VIN; zero where none was asked.
    cache: AtomicU8,
    upstream_attempts: AtomicU32,
}

impl Facts {
    /// Whether memory had the answer, where it was asked.
    pub(super) fn cache(&self) -> Option<&'static str> {
        match self.cache.load(Ordering::Relaxed) {
            MISS => Some("miss"),
            HIT => Some("hit"),
            _ => None,
        }
    }

    /// How many requests went out to other services.
    pub(super) fn upstream_attempts(&self) -> u32 {
        self.upstream_attempts.load(Ordering::Relaxed)
    }
}

/// Runs a call whose facts are gathered.
pub(super) async fn scope<T>(facts: Arc<Facts>, call: impl Future<Output = T>) -> T {
    FACTS.scope(facts, call).await
}

/// The same work in a task of its own, counted for the call that begins it.
pub fn inherit<T>(work: impl Future<Output = T>) -> impl Future<Output = T> {
    match FACTS.try_with(Arc::clone) {
        Ok(facts) => Either::Left(FACTS.scope(facts, work)),
        Err(_) => Either::Right(work),
    }
}

/// Notes that a request goes out to another service.
pub fn note_attempt() {
    let _ = FACTS.try_with(|facts| facts.upstream_attempts.fetch_add(1, Ordering::Relaxed));
}

/// Notes whether what is kept held the answer. A call that asks several times has a miss among them
/// as soon as one is.
pub fn note_cache(is_hit: bool) {
    let note = |facts: &Arc<Facts>| {
        let seen = if is_hit { HIT } else { MISS };
        let was_missed = facts.cache.load(Ordering::Relaxed) == MISS;
        facts.cache.store(if was_missed { MISS } else { seen }, Ordering::Relaxed);
    };
    let _ = FACTS.try_with(note);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_a_call_does_is_counted_for_it_alone() {
        let facts = Arc::new(Facts::default());
        assert_eq!((facts.cache(), facts.upstream_attempts()), (None, 0));
        scope(Arc::clone(&facts), async {
            note_cache(true);
            note_attempt();
            tokio::spawn(inherit(async { note_attempt() })).await.expect("a task");
        })
        .await;
        note_attempt();
        note_cache(false);
        assert_eq!((facts.cache(), facts.upstream_attempts()), (Some("hit"), 2));
        scope(Arc::clone(&facts), async { note_cache(false) }).await;
        scope(Arc::clone(&facts), async { note_cache(true) }).await;
        assert_eq!(facts.cache(), Some("miss"));
    }
}
