//! What one call to a service may cost.

use std::time::Duration;

use crate::config::RemoteApi;

/// What one call to a service may cost.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// For the whole call, retries and the waits between them included.
    pub total: Duration,
    /// How long a caller waits. The call may go on after that, to keep what it learns.
    pub patience: Duration,
    /// For one connection: name, TCP and TLS.
    pub connect: Duration,
    /// The longest body that is read.
    pub body_bytes: usize,
    /// How often a request that failed for the moment is sent again.
    pub retries: usize,
    /// The shortest wait before the first retry. It doubles with each, and up to as much again is
    /// added at random, so that many servers do not come back at the same instant.
    pub retry_delay: Duration,
    /// The longest `Retry-After` that is waited for. A person is on the line: whoever has to wait
    /// longer is told so at once and decides what to do meanwhile.
    pub longest_retry_after: Duration,
}

impl Limits {
    /// Those of a shop's own API, by its settings.
    pub fn of_api(api: &RemoteApi) -> Self {
        let total = Duration::from_secs(api.timeout_seconds);
        Self {
            total,
            patience: total,
            // A connection that takes longer will not come, and a second try may still help.
            connect: Duration::from_secs(2).min(total),
            body_bytes: 1024 * 1024,
            retries: api.max_retries,
            retry_delay: Duration::from_millis(200),
            longest_retry_after: Duration::from_secs(2),
        }
    }

    /// How long to wait before a retry; `None` where the error is told instead.
    pub(super) fn wait(
        &self,
        delay: Duration,
        retry_after: Option<Duration>,
        elapsed: Duration,
    ) -> Option<Duration> {
        let retry_after = retry_after.unwrap_or_default();
        // The second half of the patience is for the answer: a retry that cannot be answered in
        // time would hide the error that is known. Once the patience is over, nobody waits.
        let latest = if elapsed < self.patience { self.patience / 2 } else { self.total };
        let wait = delay.max(retry_after);
        let is_in_time = elapsed.saturating_add(wait) < latest.min(self.total);
        (is_in_time && retry_after <= self.longest_retry_after).then_some(wait)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(elapsed_ms: u64, retry_after_ms: Option<u64>, expected_ms: Option<u64>) {
        let limits = Limits {
            total: Duration::from_secs(5),
            patience: Duration::from_secs(2),
            connect: Duration::from_secs(2),
            body_bytes: 0,
            retries: 1,
            retry_delay: Duration::ZERO,
            longest_retry_after: Duration::from_millis(500),
        };
        let delay = Duration::from_millis(100);
        let retry_after = retry_after_ms.map(Duration::from_millis);
        let wait = limits.wait(delay, retry_after, Duration::from_millis(elapsed_ms));
        assert_eq!(wait, expected_ms.map(Duration::from_millis));
    }

    #[test]
    fn a_retry_is_not_waited_for_past_the_patience() {
        check(0, None, Some(100));
        check(899, None, Some(100));
        check(900, None, None);
        check(1_999, None, None);
        // Nobody waits any more.
        check(2_000, None, Some(100));
        check(4_900, None, None);
    }

    #[test]
    fn a_long_retry_after_is_not_waited_for() {
        check(0, Some(0), Some(100));
        check(0, Some(500), Some(500));
        check(0, Some(501), None);
        check(3_000, Some(1_000), None);
    }
}
