//! Dates, times and lengths as iCalendar writes them.

use chrono::{NaiveDate, NaiveDateTime, NaiveTime, TimeDelta};
use chrono_tz::Tz;

use crate::domain::local_time::{WallTime, day_bounds};
use crate::domain::time::{Interval, Timestamp};

use super::reading::Line;

const DAY_SECONDS: i64 = 86_400;

/// A date, or a time on the clock of a zone.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum When {
    Day(NaiveDate),
    Time { wall: NaiveDateTime, zone: Tz },
}

impl When {
    /// The value of a line; one without a zone is the shop's, and so is one of a zone that nobody knows.
    pub fn read(line: &Line<'_>, shop: Tz) -> Option<Self> {
        Self::parse(line.value, zone_of(line, shop))
    }

    pub fn parse(value: &str, zone: Tz) -> Option<Self> {
        let value = value.trim();
        if let Ok(day) = NaiveDate::parse_from_str(value, "%Y%m%d") {
            return Some(Self::Day(day));
        }
        let (wall, zone) = match value.strip_suffix('Z') {
            Some(wall) => (wall, Tz::UTC),
            None => (value, zone),
        };
        let wall = NaiveDateTime::parse_from_str(wall, "%Y%m%dT%H%M%S").ok()?;
        Some(Self::Time { wall, zone })
    }

    pub fn start(self, shop: Tz) -> Timestamp {
        match self {
            Self::Day(day) => day_bounds(day, shop).start,
            Self::Time { wall, zone } => WallTime::read(wall, zone).first(),
        }
    }

    /// What the clock of its zone shows.
    pub fn wall(self) -> NaiveDateTime {
        match self {
            Self::Day(day) => day.and_time(NaiveTime::MIN),
            Self::Time { wall, .. } => wall,
        }
    }

    /// The same at another time.
    pub fn at(self, wall: NaiveDateTime) -> Self {
        match self {
            Self::Day(_) => Self::Day(wall.date()),
            Self::Time { zone, .. } => Self::Time { wall, zone },
        }
    }

    /// The zone on whose clock it repeats.
    pub fn zone(self, shop: Tz) -> Tz {
        match self {
            Self::Day(_) => shop,
            Self::Time { zone, .. } => zone,
        }
    }
}

/// The zone of a line's values.
pub fn zone_of(line: &Line<'_>, shop: Tz) -> Tz {
    // Some programs write a path in front of the zone's name.
    let name = line.parameter("TZID").map(|name| name.trim_start_matches('/'));
    name.and_then(|name| name.parse().ok()).unwrap_or(shop)
}

/// How long an event lasts: a day is as long as the clock makes it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Length {
    Days(i64),
    Seconds(i64),
}

impl Default for Length {
    fn default() -> Self {
        Self::Seconds(0)
    }
}

impl Length {
    pub fn of(start: When, end: Option<When>, duration: Option<i64>, shop: Tz) -> Self {
        match (start, end, duration) {
            (When::Day(first), Some(When::Day(last)), _) => {
                Self::Days(last.signed_duration_since(first).num_days())
            }
            (start, Some(end), _) => Self::Seconds(end.start(shop).0 - start.start(shop).0),
            (When::Day(_), None, Some(seconds)) if seconds % DAY_SECONDS == 0 => {
                Self::Days(seconds / DAY_SECONDS)
            }
            (_, None, Some(seconds)) => Self::Seconds(seconds),
            // RFC 5545, 3.6.1: a day lasts a day, an instant no time at all.
            (When::Day(_), None, None) => Self::Days(1),
            (When::Time { .. }, None, None) => Self::Seconds(0),
        }
    }

    /// From `start` on.
    pub fn from(self, start: When, shop: Tz) -> Interval {
        let from = start.start(shop);
        let end = match self {
            Self::Seconds(seconds) => from.plus_seconds(seconds),
            Self::Days(days) => {
                let last = TimeDelta::try_days(days)
                    .and_then(|days| start.wall().checked_add_signed(days));
                last.map_or(from, |last| start.at(last).start(shop))
            }
        };
        Interval { start: from, end }
    }

    /// About how long that is.
    pub fn seconds(self) -> i64 {
        match self {
            Self::Days(days) => days.saturating_mul(DAY_SECONDS),
            Self::Seconds(seconds) => seconds,
        }
    }
}

/// `PT1H30M`, `P1DT2H`, `P2W` (RFC 5545, 3.3.6); one that is negative is none.
pub fn duration_seconds(text: &str) -> Option<i64> {
    let rest = text.strip_prefix('+').unwrap_or(text).strip_prefix('P')?;
    let (mut total, mut number) = (0_i64, None::<i64>);
    for letter in rest.chars() {
        if let Some(digit) = letter.to_digit(10) {
            number = Some(number.unwrap_or_default().checked_mul(10)?.checked_add(digit.into())?);
            continue;
        }
        let unit = match letter {
            'T' => continue,
            'W' => 604_800,
            'D' => 86_400,
            'H' => 3_600,
            'M' => 60,
            'S' => 1,
            _ => return None,
        };
        total = total.checked_add(number.take()?.checked_mul(unit)?)?;
    }
    number.is_none().then_some(total)
}
