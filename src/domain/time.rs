//! Instants and spans of time, in UTC; `local_time` has the shop's wall clock.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// An instant: whole seconds since 1970-01-01T00:00:00Z.
///
/// Both databases hold it as a `bigint`.
#[derive(
    Clone, Copy, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize, sqlx::Type,
)]
#[serde(transparent)]
#[sqlx(transparent)]
pub struct Timestamp(pub i64);

impl Timestamp {
    /// The instant `seconds` later, or earlier where it is negative.
    pub const fn plus_seconds(self, seconds: i64) -> Self {
        Self(self.0.saturating_add(seconds))
    }

    /// The instant `minutes` later, or earlier where it is negative.
    pub const fn plus_minutes(self, minutes: i64) -> Self {
        self.plus_seconds(minutes.saturating_mul(60))
    }

    /// The same instant for chrono; years beyond chrono's range become its limits.
    pub fn to_utc(self) -> DateTime<Utc> {
        DateTime::from_timestamp(self.0, 0).unwrap_or(if self.0 < 0 {
            DateTime::<Utc>::MIN_UTC
        } else {
            DateTime::<Utc>::MAX_UTC
        })
    }
}

impl<Tz: chrono::TimeZone> From<DateTime<Tz>> for Timestamp {
    fn from(time: DateTime<Tz>) -> Self {
        Self(time.timestamp())
    }
}

/// A span of time, its end excluded: two visits may touch without overlapping.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Interval {
    /// The first instant inside.
    pub start: Timestamp,
    /// The first instant after it.
    pub end: Timestamp,
}

impl Interval {
    /// The interval of `minutes` from `start` on.
    pub const fn starting(start: Timestamp, minutes: i64) -> Self {
        Self { start, end: start.plus_minutes(minutes) }
    }

    /// Whether no instant lies inside.
    pub fn is_empty(&self) -> bool {
        self.end <= self.start
    }

    /// Its length in whole minutes.
    pub const fn minutes(&self) -> i64 {
        (self.end.0 - self.start.0) / 60
    }

    /// Whether the two share at least one second.
    pub fn overlaps(&self, other: &Self) -> bool {
        !self.is_empty() && !other.is_empty() && self.start < other.end && other.start < self.end
    }

    /// Whether `other` lies wholly inside.
    pub fn contains(&self, other: &Self) -> bool {
        self.start <= other.start && other.end <= self.end
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(a: (i64, i64), b: (i64, i64), overlaps: bool, contains: bool) {
        let [a, b] =
            [a, b].map(|(start, end)| Interval { start: Timestamp(start), end: Timestamp(end) });
        assert_eq!(
            (a.overlaps(&b), b.overlaps(&a)),
            (overlaps, overlaps),
            "overlap of {a:?}, {b:?}"
        );
        assert_eq!(a.contains(&b), contains, "{b:?} inside {a:?}");
    }

    #[test]
    fn spans_that_touch_do_not_overlap() {
        check((0, 60), (60, 120), false, false);
        check((0, 60), (59, 120), true, false);
        check((0, 60), (0, 60), true, true);
        check((0, 60), (10, 20), true, true);
        check((0, 60), (30, 30), false, true);
    }

    #[test]
    fn arithmetic_at_the_limits_saturates() {
        assert_eq!(Timestamp(i64::MAX).plus_minutes(1), Timestamp(i64::MAX));
        assert_eq!(Timestamp(0).plus_minutes(i64::MIN), Timestamp(i64::MIN));
        assert_eq!(Timestamp(i64::MAX).to_utc(), DateTime::<Utc>::MAX_UTC);
        assert_eq!(Timestamp(i64::MIN).to_utc(), DateTime::<Utc>::MIN_UTC);
    }
}
