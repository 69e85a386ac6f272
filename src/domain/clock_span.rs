//! Spans of wall-clock time within one day, such as opening hours and lunch.

use std::fmt;
use std::str::FromStr;

use chrono::{NaiveDate, NaiveDateTime, NaiveTime, TimeDelta};
use chrono_tz::Tz;

use super::local_time::WallTime;
use super::time::Interval;

const MINUTES_PER_DAY: u16 = 1440;

/// A span of wall-clock minutes of one day, its end excluded: `09:00-17:00`.
///
/// Minutes count from 0 to 1440, so that `24:00` can close a day; the first is before the second.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct ClockSpan {
    pub(super) from_minute: u16,
    pub(super) to_minute: u16,
}

/// Text that is no span of hours.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("is not a span of hours; write it as 09:00-17:00, from 00:00 to 24:00, earlier time first")]
pub struct InvalidClockSpan;

impl ClockSpan {
    /// The instants that these minutes are on `date`; empty where a clock change skips them all.
    pub fn on(self, date: NaiveDate, zone: Tz) -> Interval {
        let wall = |minute: u16| {
            let midnight = date.and_time(NaiveTime::MIN);
            let wall = midnight.checked_add_signed(TimeDelta::minutes(minute.into()));
            WallTime::read(wall.unwrap_or(NaiveDateTime::MAX), zone)
        };
        Interval { start: wall(self.from_minute).first(), end: wall(self.to_minute).last() }
    }

    /// The longest part of it without `lunch`, in minutes of the wall clock.
    pub(super) fn longest_stretch_minutes(self, lunch: Option<Self>) -> i64 {
        let (from, to) = (i64::from(self.from_minute), i64::from(self.to_minute));
        let Some(lunch) = lunch else { return to - from };
        let morning = to.min(lunch.from_minute.into()) - from;
        let afternoon = to - from.max(lunch.to_minute.into());
        morning.max(afternoon).max(0)
    }

    /// Its first part without `lunch`, if it begins with the day, in minutes of the wall clock.
    pub(super) fn minutes_from_midnight(self, lunch: Option<Self>) -> i64 {
        let lunch_from = lunch.map_or(self.to_minute, |lunch| lunch.from_minute);
        if self.from_minute == 0 { self.to_minute.min(lunch_from).into() } else { 0 }
    }

    /// Whether it ends with the day.
    pub(super) const fn ends_at_midnight(self) -> bool {
        self.to_minute == MINUTES_PER_DAY
    }

    /// `9:00 AM to 5:00 PM`; a span that ends with the day ends at `midnight`.
    pub fn spoken(self) -> String {
        format!("{} to {}", spoken_minute(self.from_minute), self.spoken_end())
    }

    /// `5:00 PM`, or `midnight`.
    pub fn spoken_end(self) -> String {
        spoken_minute(self.to_minute)
    }
}

impl FromStr for ClockSpan {
    type Err = InvalidClockSpan;

    fn from_str(text: &str) -> Result<Self, InvalidClockSpan> {
        let (from, to) = text.split_once('-').ok_or(InvalidClockSpan)?;
        match (minute_of_day(from), minute_of_day(to)) {
            (Some(from_minute), Some(to_minute)) if from_minute < to_minute => {
                Ok(Self { from_minute, to_minute })
            }
            _ => Err(InvalidClockSpan),
        }
    }
}

impl fmt::Display for ClockSpan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [(from_hour, from_minute), (to_hour, to_minute)] =
            [self.from_minute, self.to_minute].map(|minute| (minute / 60, minute % 60));
        write!(f, "{from_hour:02}:{from_minute:02}-{to_hour:02}:{to_minute:02}")
    }
}

/// The minutes since midnight of `09:00` or `9:00`, up to `24:00`.
fn minute_of_day(text: &str) -> Option<u16> {
    let (hour, minute) = text.trim().split_once(':')?;
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if !digits(hour) || !digits(minute) || hour.len() > 2 || minute.len() != 2 {
        return None;
    }
    let (hour, minute): (u16, u16) = (hour.parse().ok()?, minute.parse().ok()?);
    let total = hour * 60 + minute;
    (minute < 60 && total <= MINUTES_PER_DAY).then_some(total)
}

fn spoken_minute(minute: u16) -> String {
    NaiveTime::from_num_seconds_from_midnight_opt(u32::from(minute) * 60, 0)
        .map_or_else(|| "midnight".to_owned(), |time| time.format("%-I:%M %p").to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_span_is_said_on_the_twelve_hour_clock() {
        let check = |text: &str, expected: &str| {
            assert_eq!(text.parse::<ClockSpan>().expect("a span").spoken(), expected);
        };
        check("09:00-15:30", "9:00 AM to 3:30 PM");
        check("12:00-13:00", "12:00 PM to 1:00 PM");
        check("00:00-24:00", "12:00 AM to midnight");
    }
}
