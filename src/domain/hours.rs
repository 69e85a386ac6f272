//! Opening hours: what the shop's week looks like, and what that makes of one date.

use std::fmt;
use std::str::FromStr;

use chrono::{Datelike, NaiveDate, Weekday};
use chrono_tz::Tz;

use super::clock_span::{ClockSpan, InvalidClockSpan};
use super::local_time::{day_bounds, day_of_week, spoken_date};
use super::time::{Interval, Timestamp};

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

/// Dates whose hours are not those of their weekday.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct SpecialHours {
    /// The first date.
    pub first: NaiveDate,
    /// The last date.
    pub last: NaiveDate,
    /// When the shop is open then, also where the weekday is closed.
    pub hours: ClockSpan,
    /// When nobody works then, `Some(None)` being no lunch at all; `None` is the usual lunch.
    pub lunch: Option<Option<ClockSpan>>,
    /// What callers are told, such as `Christmas Eve`; may be empty.
    pub reason: String,
}

/// What is planned for a date on which the shop opens, on its own wall clock.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Plan {
    /// From opening to closing.
    pub hours: ClockSpan,
    /// When nobody works; outside the hours it has no effect.
    pub lunch: Option<ClockSpan>,
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
    /// Dates with other hours; no two of them share a date, nor one of them and a closure.
    pub special: Vec<SpecialHours>,
}

/// What a date offers.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Day {
    /// The shop opens.
    Open {
        /// The opening hours without lunch, in order; a visit lies wholly in one of them. Where the
        /// shop stays open at midnight, the last one runs on into the next date.
        work: Vec<Interval>,
        /// When the doors open, from which offered starts are counted.
        opens: Timestamp,
        /// When the date's own hours end, before which a visit begins.
        closes: Timestamp,
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
            special: Vec::new(),
        }
    }
}

impl OpeningHours {
    /// What `date` offers in the shop's zone.
    ///
    /// A minute that a clock change skips is the first instant after it; of one that occurs twice,
    /// opening takes the first and closing the last.
    pub fn on(&self, date: NaiveDate, zone: Tz) -> Day {
        let mut day = self.alone(date, zone);
        if let Day::Open { work, closes, .. } = &mut day
            && let Some(last) = work.last_mut()
            && *closes >= day_bounds(date, zone).end
            && last.end == *closes
            && let Some(next) = date.succ_opt()
            && let Day::Open { work, .. } = self.alone(next, zone)
            && let Some(morning) = work.first().filter(|morning| morning.start <= last.end)
        {
            last.end = last.end.max(morning.end);
        }
        day
    }

    /// What `date` offers by its own hours.
    fn alone(&self, date: NaiveDate, zone: Tz) -> Day {
        if let Some(closure) = self.closure_on(date) {
            return Day::Closed { reason: closure.reason_on(date) };
        }
        let Some(plan) = self.plan_of(date) else {
            return Day::Closed { reason: format!("Closed on {}s", day_of_week(date)) };
        };
        let opening = plan.hours.on(date, zone);
        if opening.is_empty() {
            let date = spoken_date(date);
            return Day::Closed { reason: format!("Closed on {date} because of a clock change") };
        }
        let lunch = plan.lunch.map(|lunch| lunch.on(date, zone));
        let work = without(opening, lunch);
        if work.is_empty() {
            let date = spoken_date(date);
            return Day::Closed { reason: format!("Closed on {date}, whose hours are all lunch") };
        }
        let Interval { start: opens, end: closes } = opening;
        Day::Open { work, opens, closes }
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
        Some(format!("The shop is closed on {day}{said}{}", full_stop(&said)))
    }

    /// The hours of `date` as a sentence, with the reason where they are special and have one;
    /// `None` where the shop is closed.
    pub fn hours_sentence(&self, date: NaiveDate) -> Option<String> {
        let hours = self.plan_of(date)?.hours.spoken();
        let weekday = day_of_week(date);
        let Some(special) = self.special_on(date) else {
            return Some(format!("{weekday}'s hours are {hours}."));
        };
        let day = date.format("%B %-d");
        let said = match plain(&special.reason) {
            "" => String::new(),
            reason => format!(": {reason}"),
        };
        Some(format!("The hours of {weekday}, {day} are {hours}{said}{}", full_stop(&said)))
    }

    /// The longest time for which the shop is open without a break on any weekday or on any date
    /// with special hours, in minutes of the wall clock; no visit is longer. Where the shop stays
    /// open at midnight, the longest morning counts too, whichever the dates.
    pub fn longest_stretch_minutes(&self) -> i64 {
        let usual = self.weekly.iter().filter_map(|day| self.usual_plan(*day));
        let special = self.special.iter().map(|special| self.special_plan(special));
        let plans: Vec<Plan> = usual.chain(special).collect();
        let longest = |minutes: &dyn Fn(&Plan) -> i64| plans.iter().map(minutes).max();
        let stretch = longest(&|plan| plan.hours.longest_stretch_minutes(plan.lunch));
        let morning = longest(&|plan| plan.hours.minutes_from_midnight(plan.lunch));
        let is_open_late = plans.iter().any(|plan| plan.hours.ends_at_midnight());
        let night = morning.filter(|_| is_open_late).unwrap_or_default();
        stretch.unwrap_or_default() + night
    }

    /// The closure that covers `date`, if there is one.
    pub fn closure_on(&self, date: NaiveDate) -> Option<&Closure> {
        self.closures.iter().find(|closure| (closure.first..=closure.last).contains(&date))
    }

    /// The special hours of `date`, if it has some.
    pub fn special_on(&self, date: NaiveDate) -> Option<&SpecialHours> {
        self.special.iter().find(|special| (special.first..=special.last).contains(&date))
    }

    /// What is planned for `date`, whatever a clock change makes of it; `None` is closed.
    pub fn plan_of(&self, date: NaiveDate) -> Option<Plan> {
        if self.closure_on(date).is_some() {
            return None;
        }
        match self.special_on(date) {
            Some(special) => Some(self.special_plan(special)),
            None => self.usual_plan(self.day_hours(date.weekday())),
        }
    }

    fn special_plan(&self, special: &SpecialHours) -> Plan {
        Plan { hours: special.hours, lunch: special.lunch.unwrap_or(self.lunch) }
    }

    fn usual_plan(&self, day: DayHours) -> Option<Plan> {
        day.0.map(|hours| Plan { hours, lunch: self.lunch })
    }

    fn day_hours(&self, weekday: Weekday) -> DayHours {
        let [monday, tuesday, wednesday, thursday, friday, saturday, sunday] = self.weekly;
        match weekday {
            Weekday::Mon => monday,
            Weekday::Tue => tuesday,
            Weekday::Wed => wednesday,
            Weekday::Thu => thursday,
            Weekday::Fri => friday,
            Weekday::Sat => saturday,
            Weekday::Sun => sunday,
        }
    }
}

impl Closure {
    /// Whether it says why.
    pub fn has_reason(&self) -> bool {
        !plain(&self.reason).is_empty()
    }

    fn reason_on(&self, date: NaiveDate) -> String {
        match plain(&self.reason) {
            "" => format!("Closed on {}, {}", day_of_week(date), spoken_date(date)),
            reason => reason.to_owned(),
        }
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

/// A reason without what its sentence brings along.
fn plain(reason: &str) -> &str {
    reason.trim_end_matches(['.', ' ']).trim()
}

/// What ends a sentence that so far ends with `said`.
fn full_stop(said: &str) -> &'static str {
    if said.ends_with(['!', '?', '…']) { "" } else { "." }
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

#[cfg(test)]
mod tests;
