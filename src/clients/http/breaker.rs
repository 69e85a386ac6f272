//! A circuit breaker: leaves a service that keeps failing alone for a while.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// How many failures in a row open the circuit.
const FAILURES_TO_OPEN: u32 = 5;

/// How long the circuit stays open before one request may probe the service, unless it is said.
const OPEN_FOR: Duration = Duration::from_secs(60);

/// Five failed calls in a row open the circuit for 60 seconds; then one call probes the service:
/// its success closes the circuit, its failure opens it for 60 seconds more.
///
/// The time is an argument, so that nothing here reads a clock.
#[derive(Debug)]
pub(super) struct Breaker {
    state: Mutex<State>,
    rest: Duration,
}

impl Default for Breaker {
    fn default() -> Self {
        Self::open_for(OPEN_FOR)
    }
}

#[derive(Debug, Default)]
struct State {
    failures_in_a_row: u32,
    /// Set while the circuit is open.
    probe_at: Option<Instant>,
}

impl Breaker {
    /// One whose circuit stays open for another time than a minute.
    pub(super) fn open_for(rest: Duration) -> Self {
        Self { state: Mutex::default(), rest }
    }

    /// Whether a call may go out now.
    ///
    /// The one that probes puts the next probe off, so that calls beside it are held back, and
    /// one that is dropped half-way leaves no circuit that never closes.
    pub(super) fn admits(&self, now: Instant) -> bool {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        match state.probe_at {
            None => true,
            Some(probe_at) if now < probe_at => false,
            Some(_) => {
                state.probe_at = Some(now + self.rest);
                true
            }
        }
    }

    /// Notes that the service answered. Returns whether that closed the circuit.
    pub(super) fn record_success(&self) -> bool {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::take(&mut *state).probe_at.is_some()
    }

    /// How long the circuit stays open yet, where it is.
    pub(super) fn remaining(&self, now: Instant) -> Option<Duration> {
        let probe_at = self.state.lock().unwrap_or_else(PoisonError::into_inner).probe_at;
        probe_at?.checked_duration_since(now)
    }

    /// Notes that the service failed. Returns whether that opened the circuit.
    pub(super) fn record_failure(&self, now: Instant) -> bool {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.failures_in_a_row = state.failures_in_a_row.saturating_add(1);
        if state.failures_in_a_row < FAILURES_TO_OPEN {
            return false;
        }
        state.probe_at.replace(now + self.rest).is_none()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A breaker that opened at the instant returned with it.
    fn open() -> (Breaker, Instant) {
        let (breaker, now) = (Breaker::default(), Instant::now());
        for _ in 0..4 {
            assert!(!breaker.record_failure(now));
        }
        assert!(breaker.admits(now));
        assert!(breaker.record_failure(now));
        (breaker, now)
    }

    #[test]
    fn five_failures_in_a_row_open_it() {
        let (breaker, now) = open();
        assert!(!breaker.admits(now));
        assert_eq!(breaker.remaining(now), Some(OPEN_FOR));
        assert!(!breaker.admits(now + Duration::from_millis(59_999)));
    }

    #[test]
    fn a_success_between_failures_keeps_it_closed() {
        let (breaker, now) = (Breaker::default(), Instant::now());
        for _ in 0..3 {
            for _ in 0..4 {
                breaker.record_failure(now);
            }
            assert!(!breaker.record_success());
        }
        assert!(breaker.admits(now));
    }

    #[test]
    fn after_a_minute_one_call_probes() {
        let (breaker, opened) = open();
        let later = opened + OPEN_FOR;
        assert!(breaker.admits(later));
        assert!(!breaker.admits(later));
        assert!(breaker.record_success());
        assert_eq!(breaker.remaining(later), None);
        assert!(breaker.admits(later));
    }

    #[test]
    fn a_failed_probe_opens_it_for_another_minute() {
        let (breaker, opened) = open();
        let later = opened + OPEN_FOR;
        assert!(breaker.admits(later));
        assert!(!breaker.record_failure(later));
        assert!(!breaker.admits(later + Duration::from_secs(59)));
        assert!(breaker.admits(later + OPEN_FOR));
    }

    #[test]
    fn a_probe_that_never_ends_is_followed_by_another() {
        let (breaker, opened) = open();
        assert!(breaker.admits(opened + OPEN_FOR));
        assert!(breaker.admits(opened + OPEN_FOR + OPEN_FOR));
    }
}
