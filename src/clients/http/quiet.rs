//! When a service that limits us may be asked again.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use chrono::{DateTime, Utc};
use reqwest::header::{HeaderMap, RETRY_AFTER};

/// The longest time for which a service is believed that wants to be left alone.
const LONGEST_QUIET: Duration = Duration::from_secs(86_400);

/// When a service that limits us may be asked again.
#[derive(Debug, Default)]
pub(super) struct Quiet(Mutex<Option<Instant>>);

impl Quiet {
    /// How long it is to be left alone yet.
    pub(super) fn remaining(&self, now: Instant) -> Option<Duration> {
        let until = *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        until?.checked_duration_since(now).filter(|wait| !wait.is_zero())
    }

    /// Leaves the service alone for as long as it asked.
    pub(super) fn keep_for(&self, wait: Duration, now: Instant) {
        let until = now + wait.min(LONGEST_QUIET);
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(until);
    }
}

/// How long `Retry-After` asks to wait, given as seconds or as a date (RFC 9110, 10.2.3).
pub(super) fn retry_after(headers: &HeaderMap, now: SystemTime) -> Option<Duration> {
    let value = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = value.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let date = DateTime::parse_from_rfc2822(value).ok()?;
    Some((date.to_utc() - DateTime::<Utc>::from(now)).to_std().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use reqwest::header::HeaderValue;

    use super::*;

    #[track_caller]
    fn check(value: &str, expected_seconds: Option<u64>) {
        let value = HeaderValue::from_str(value).expect("a header");
        let headers = HeaderMap::from_iter([(RETRY_AFTER, value)]);
        // 8:49:37 on November 6, 1994.
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(784_111_777);
        assert_eq!(retry_after(&headers, now), expected_seconds.map(Duration::from_secs));
    }

    #[test]
    fn retry_after_is_read_as_seconds_and_as_a_date() {
        check("0", Some(0));
        check(" 120 ", Some(120));
        check("Sun, 06 Nov 1994 08:50:07 GMT", Some(30));
        check("Sun, 06 Nov 1994 08:49:07 GMT", Some(0));
        check("soon", None);
        check("-1", None);
        check("99999999999999999999", None);
    }
}
