//! How a service has answered.

use super::time::Timestamp;

/// How a service has answered in some time.
#[derive(Clone, Debug, Default, Eq, PartialEq, sqlx::FromRow)]
pub struct Counts {
    /// Calls, those included that were not sent because the service was to be left alone.
    pub calls: i64,
    /// Calls that it answered.
    pub successes: i64,
    /// Calls that ended as `upstream_timeout`.
    pub timeouts: i64,
    /// Calls that ended as `upstream_error`.
    pub errors: i64,
    /// Calls that ended as `upstream_unauthorized`.
    pub unauthorized: i64,
    /// Calls that ended as `upstream_rate_limited`.
    pub rate_limited: i64,
    /// Calls that ended as `upstream_unavailable`: the circuit was open.
    pub unavailable: i64,
    /// Requests that were sent once more.
    pub retries: i64,
    /// How often the circuit opened.
    pub openings: i64,
    /// Until when the circuit is open; a time that is past where it closed, `None` where nothing
    /// is known.
    pub open_until: Option<Timestamp>,
    /// The code of the last failure.
    pub last_error: Option<String>,
    /// When that was.
    pub last_error_at: Option<Timestamp>,
}

impl Counts {
    /// Adds what was counted later.
    pub fn add(&mut self, later: Self) {
        self.calls += later.calls;
        self.successes += later.successes;
        self.timeouts += later.timeouts;
        self.errors += later.errors;
        self.unauthorized += later.unauthorized;
        self.rate_limited += later.rate_limited;
        self.unavailable += later.unavailable;
        self.retries += later.retries;
        self.openings += later.openings;
        self.open_until = later.open_until.or(self.open_until);
        if later.last_error_at.is_some() {
            (self.last_error, self.last_error_at) = (later.last_error, later.last_error_at);
        }
    }

    /// The failures and the codes that callers were told.
    pub fn failures(&self) -> [(&'static str, i64); 5] {
        [
            ("upstream_timeout", self.timeouts),
            ("upstream_error", self.errors),
            ("upstream_unauthorized", self.unauthorized),
            ("upstream_rate_limited", self.rate_limited),
            ("upstream_unavailable", self.unavailable),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_counted_later_is_added() {
        let first = Counts {
            calls: 3,
            successes: 2,
            timeouts: 1,
            openings: 1,
            open_until: Some(Timestamp(70)),
            last_error: Some("upstream_timeout".to_owned()),
            last_error_at: Some(Timestamp(10)),
            ..Counts::default()
        };
        let mut both = first.clone();
        both.add(Counts { calls: 1, successes: 1, retries: 2, ..Counts::default() });
        let expected = Counts { calls: 4, successes: 3, retries: 2, ..first };
        assert_eq!(both, expected);
        let closed = Counts { open_until: Some(Timestamp(0)), ..Counts::default() };
        both.add(closed);
        assert_eq!(both.open_until, Some(Timestamp(0)));
    }
}
