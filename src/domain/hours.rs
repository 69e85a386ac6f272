//! Opening hours: what the shop's week looks like, and what that makes of one date.

use std::fmt;
use std::str::FromStr;

use chrono::{Datelike, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta, Weekday};
use chrono_tz::Tz;

use super::local_time::{WallTime, day_of_week, spoken_date};
use super::time::{Interval, Timestamp};

/// A span of wall-clock minutes of one day, its end excluded: `09:00-17:00`.
///
/// Minutes count from 0 to 1440, so that `24:00` can close a day; the first is before the second.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct ClockSpan {
    from_minute: u16,
    to_minute: u16,
}

/// Text that is no span of hours.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("is not a span of hours; write it as 09:00-17:00, from 00:00 to 24:00, earlier time first")]
pub struct InvalidClockSpan;

/// Text that is not a day's opening.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error(
    "is neither closed nor a span such as 09:00-17:00, from 00:00 to 24:00, earlier time first"
)]
pub struct InvalidDayHours;

/// When a weekday is open; `None` is closed all day.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct DayHours(pub Option<ClockSpan>);

/// Dates on which the shop stays closed whatever the weekday.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Closure {
    /// The first closed date.
    pub first: NaiveDate,
    /// The last closed date.
    pub last: NaiveDate,
    /// What callers are told, such as `Christmas Day`; may be empty.
    pub reason: String,
}

/// When the shop is open, on its own wall clock.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct OpeningHours {
    /// Monday first.
    pub weekly: [DayHours; 7],
    /// When nobody works on any day; outside the opening hours it has no effect.
    pub lunch: Option<ClockSpan>,
    /// Holidays and the like.
    pub closures: Vec<Closure>,
}

/// What a date offers.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Day {
    /// The shop opens.
    Open {
        /// The opening hours without lunch, in order; a visit lies wholly in one of them.
        work: Vec<Interval>,
        /// When the doors open, from which offered starts are counted.
        opens: Timestamp,
    },
    /// The shop stays closed.
    Closed {
        /// For callers, no full stop: `Closed on Sundays`, `Christmas Day`.
        reason: String,
    },
}

impl Default for OpeningHours {
    /// Monday to Friday 09:00–17:00, Saturday 09:00–15:00, lunch 12:00–13:00.
    fn default() -> Self {
        let open = |from_hour: u16, to_hour: u16| ClockSpan {
            from_minute: from_hour * 60,
            to_minute: to_hour * 60,
        };
        let (weekday, saturday) = (DayHours(Some(open(9, 17))), DayHours(Some(open(9, 15))));
        Self {
            weekly: [weekday, weekday, weekday, weekday, weekday, saturday, DayHours(None)],
            lunch: Some(open(12, 13)),
            closures: Vec::new(),
        }
    }
}

impl OpeningHours {
    /// What `date` offers in the shop's zone.
    ///
    /// A minute that a clock change skips is the first instant after it; of one that occurs twice,
    /// opening takes the first and closing the last.
    pub fn on(&self, date: NaiveDate, zone: Tz) -> Day {
        if let Some(closure) = self.closure_on(date) {
            return Day::Closed { reason: closure.reason_on(date) };
        }
        let Some(hours) = self.span_of(date.weekday()) else {
            return Day::Closed { reason: format!("Closed on {}s", day_of_week(date)) };
        };
        let opening = hours.on(date, zone);
        if opening.is_empty() {
            let date = spoken_date(date);
            return Day::Closed { reason: format!("Closed on {date} because of a clock change") };
        }
        let lunch = self.lunch.map(|lunch| lunch.on(date, zone));
        Day::Open { work: without(opening, lunch), opens: opening.start }
    }

    /// That the shop is closed on `date`, as a sentence; `None` where it opens.
    pub fn closed_sentence(&self, date: NaiveDate, zone: Tz) -> Option<String> {
        let Day::Closed { reason } = self.on(date, zone) else { return None };
        if !self.closure_on(date).is_some_and(Closure::has_reason) {
            return Some(format!("The shop is {}.", reason.replacen("Closed", "closed", 1)));
        }
        let day = format!("{}, {}", day_of_week(date), spoken_date(date));
        // Of a reason such as "Closed for inventory" the first word is said already.
        let said = match reason.split_at_checked("closed ".len()) {
            Some((closed, rest)) if closed.eq_ignore_ascii_case("closed ") => format!(" {rest}"),
            _ => format!(": {reason}"),
        };
        let stop = if said.ends_with(['!', '?', '…']) { "" } else { "." };
        Some(format!("The shop is closed on {day}{said}{stop}"))
    }

    /// The longest time for which any weekday is open without a break, in minutes of the wall
    /// clock.
    pub fn longest_stretch_minutes(&self) -> i64 {
        let stretch = |open: ClockSpan| open.longest_stretch_minutes(self.lunch);
        self.weekly.iter().filter_map(|day| day.0).map(stretch).max().unwrap_or_default()
    }

    /// The closure that covers `date`, if there is one.
    pub fn closure_on(&self, date: NaiveDate) -> Option<&Closure> {
        self.closures.iter().find(|closure| (closure.first..=closure.last).contains(&date))
    }

    /// The hours of a weekday; `None` is closed.
    pub fn span_of(&self, weekday: Weekday) -> Option<ClockSpan> {
        let [monday, tuesday, wednesday, thursday, friday, saturday, sunday] = self.weekly;
        let day = match weekday {
            Weekday::Mon => monday,
            Weekday::Tue => tuesday,
            Weekday::Wed => wednesday,
            Weekday::Thu => thursday,
            Weekday::Fri => friday,
            Weekday::Sat => saturday,
            Weekday::Sun => sunday,
        };
        day.0
    }
}

impl Closure {
    /// Whether it says why.
    pub fn has_reason(&self) -> bool {
        !self.reason.trim_end_matches(['.', ' ']).trim().is_empty()
    }

    fn reason_on(&self, date: NaiveDate) -> String {
        if self.has_reason() {
            self.reason.trim().trim_end_matches(['.', ' ']).to_owned()
        } else {
            format!("Closed on {}, {}", day_of_week(date), spoken_date(date))
        }
    }
}

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

    fn longest_stretch_minutes(self, lunch: Option<Self>) -> i64 {
        let (from, to) = (i64::from(self.from_minute), i64::from(self.to_minute));
        let Some(lunch) = lunch else { return to - from };
        let morning = to.min(lunch.from_minute.into()) - from;
        let afternoon = to - from.max(lunch.to_minute.into());
        morning.max(afternoon).max(0)
    }

    /// `9:00 AM to 5:00 PM`; a span that ends with the day ends at `midnight`.
    pub fn spoken(self) -> String {
        format!("{} to {}", spoken_minute(self.from_minute), spoken_minute(self.to_minute))
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

impl FromStr for DayHours {
    type Err = InvalidDayHours;

    fn from_str(text: &str) -> Result<Self, InvalidDayHours> {
        if text.trim().eq_ignore_ascii_case("closed") {
            return Ok(Self(None));
        }
        text.parse().map(|span| Self(Some(span))).map_err(|InvalidClockSpan| InvalidDayHours)
    }
}

impl fmt::Display for DayHours {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Some(span) => span.fmt(f),
            None => f.write_str("closed"),
        }
    }
}

/// What is left of the opening hours around lunch, in order.
fn without(opening: Interval, lunch: Option<Interval>) -> Vec<Interval> {
    let Some(lunch) = lunch.filter(|lunch| lunch.overlaps(&opening)) else {
        return vec![opening];
    };
    let morning = Interval { start: opening.start, end: lunch.start };
    let afternoon = Interval { start: lunch.end, end: opening.end };
    [morning, afternoon].into_iter().filter(|part| !part.is_empty()).collect()
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
    (minute < 60 && total <= 1440).then_some(total)
}

fn spoken_minute(minute: u16) -> String {
    NaiveTime::from_num_seconds_from_midnight_opt(u32::from(minute) * 60, 0)
        .map_or_else(|| "midnight".to_owned(), |time| time.format("%-I:%M %p").to_string())
}

#[cfg(test)]
mod tests;
