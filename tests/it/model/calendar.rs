//! Which minutes the shop is open, looked at one by one.

use std::collections::BTreeMap;

use chrono::{DateTime, Days, NaiveDate, NaiveDateTime, NaiveTime, TimeZone, Timelike};
use chrono_tz::Tz;

use super::plan::{INTERVAL_MINUTES, Plan};

/// An instant, in seconds since 1970 in UTC.
pub type Instant = i64;

/// The minutes of all dates that matter.
pub struct Calendar {
    zone: Tz,
    days: BTreeMap<NaiveDate, Day>,
}

struct Day {
    midnight: Instant,
    /// Elapsed minutes from midnight to the first one of the opening hours; `None`: closed.
    opening: Option<usize>,
    /// For each elapsed minute of the day, which may have 23 or 25 hours, whether work is done.
    is_open: Vec<bool>,
}

impl Calendar {
    /// The dates of `plan` and those around them.
    pub fn new(plan: &Plan) -> Self {
        let dates = plan.own.iter().flatten().chain(&plan.contested);
        let around =
            dates.flat_map(|date| (0..=6).map(|day| *date - Days::new(3) + Days::new(day)));
        Self { zone: plan.zone, days: around.map(|date| (date, Day::new(plan, date))).collect() }
    }

    /// Whether the shop works in each minute of a visit, which may go on past midnight.
    pub fn is_open(&self, start: Instant, minutes: i64) -> bool {
        (0..minutes).all(|minute| self.is_open_at(start + 60 * minute))
    }

    fn is_open_at(&self, instant: Instant) -> bool {
        let day = self.days.get(&self.date(instant));
        day.is_some_and(|day| {
            let minute = usize::try_from((instant - day.midnight) / 60).unwrap();
            day.is_open.get(minute) == Some(&true)
        })
    }

    /// Whether the shop does not open at all on a date.
    pub fn is_closed(&self, date: NaiveDate) -> bool {
        self.days[&date].opening.is_none()
    }

    /// Every start on a date's grid, whether or not the shop works then.
    pub fn grid(&self, date: NaiveDate) -> Vec<Instant> {
        let day = &self.days[&date];
        let Some(opening) = day.opening else { return Vec::new() };
        let interval = usize::try_from(INTERVAL_MINUTES).unwrap();
        let starts = (opening..day.is_open.len()).step_by(interval);
        starts.map(|minute| day.midnight + 60 * i64::try_from(minute).unwrap()).collect()
    }

    /// The date of an instant on the shop's wall clock.
    pub fn date(&self, instant: Instant) -> NaiveDate {
        self.local(instant).date()
    }

    /// What the shop's wall clock shows.
    pub fn local(&self, instant: Instant) -> NaiveDateTime {
        DateTime::from_timestamp(instant, 0).unwrap().with_timezone(&self.zone).naive_local()
    }

    /// When the wall clock shows this for the first time; `None` where a clock change skips it.
    pub fn first_at(&self, local: NaiveDateTime) -> Option<Instant> {
        self.zone.from_local_datetime(&local).earliest().map(|instant| instant.timestamp())
    }

    /// An instant as the shop writes it.
    pub fn rfc3339(&self, instant: Instant) -> String {
        DateTime::from_timestamp(instant, 0).unwrap().with_timezone(&self.zone).to_rfc3339()
    }
}

impl Day {
    fn new(plan: &Plan, date: NaiveDate) -> Self {
        let start_of = |date: NaiveDate| {
            let local = date.and_time(NaiveTime::MIN);
            plan.zone.from_local_datetime(&local).earliest().unwrap().timestamp()
        };
        let (midnight, next) = (start_of(date), start_of(date + Days::new(1)));
        let wall_minutes: Vec<i64> = (midnight..next)
            .step_by(60)
            .map(|instant| {
                let local = DateTime::from_timestamp(instant, 0).unwrap().with_timezone(&plan.zone);
                i64::from(local.num_seconds_from_midnight() / 60)
            })
            .collect();
        let Some((hours, lunch)) = plan.hours_on(date) else {
            return Self { midnight, opening: None, is_open: vec![false; wall_minutes.len()] };
        };
        let is_lunch = |minute: &i64| lunch.as_ref().is_some_and(|lunch| lunch.contains(minute));
        let is_open = |minute: &i64| hours.contains(minute) && !is_lunch(minute);
        Self {
            midnight,
            opening: wall_minutes.iter().position(|minute| hours.contains(minute)),
            is_open: wall_minutes.iter().map(is_open).collect(),
        }
    }
}
