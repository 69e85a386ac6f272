//! When repeating events take place, where the calendar's server does not say.

mod rule;

use std::collections::HashSet;

use chrono::{NaiveDate, NaiveDateTime, TimeDelta};
use chrono_tz::Tz;

use crate::domain::local_time::wall_clock;
use crate::domain::time::{Interval, Timestamp};

use super::reading::{Component, Line};
use super::when::{Length, When, duration_seconds, zone_of};

/// How an event repeats, as it is written.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Repetition {
    /// Its first time, once all of it is read.
    first: Option<(When, Length)>,
    pub rules: Vec<String>,
    /// Further times, some with a length of their own.
    added: Vec<(When, Option<Length>)>,
    left_out: Vec<When>,
    /// Whether something of it is not understood.
    pub is_strange: bool,
}

impl Repetition {
    pub fn is_none(&self) -> bool {
        self.rules.is_empty() && self.added.is_empty() && !self.is_strange
    }

    /// The same of an event whose first time is known.
    pub fn of(self, start: When, length: Length) -> Self {
        Self { first: Some((start, length)), ..self }
    }

    /// Takes further times: `RDATE`.
    pub fn add(&mut self, line: &Line<'_>, shop: Tz) {
        let zone = zone_of(line, shop);
        for value in line.value.split(',') {
            let (start, end) = match value.split_once('/') {
                Some((start, end)) => (start, Some(end)),
                None => (value, None),
            };
            let length = |start| match end {
                None => Some(None),
                Some(end) => {
                    let duration = duration_seconds(end.trim());
                    let end = When::parse(end, zone);
                    let is_known = duration.is_some() || end.is_some();
                    is_known.then(|| Some(Length::of(start, end, duration, shop)))
                }
            };
            let added = When::parse(start, zone).and_then(|start| Some((start, length(start)?)));
            match added {
                Some(added) => self.added.push(added),
                None => self.is_strange = true,
            }
        }
    }

    /// Takes times at which it does not take place: `EXDATE`.
    pub fn leave_out(&mut self, line: &Line<'_>, shop: Tz) {
        let zone = zone_of(line, shop);
        // One that is not understood takes nothing away, so that rather too much is blocked.
        self.left_out.extend(line.value.split(',').filter_map(|value| When::parse(value, zone)));
    }

    /// When it takes place within `window`, but for the times in `replaced`; and whether that is all.
    fn times(&self, window: Interval, replaced: &[When], shop: Tz) -> (Vec<Interval>, bool) {
        let Some((start, length)) = self.first else { return (Vec::new(), false) };
        let zone = start.zone(shop);
        let reach = length.seconds().max(0);
        let around = |at: Timestamp, seconds: i64| {
            // The clock may be put forward or back in between.
            let seconds = TimeDelta::try_seconds(seconds).unwrap_or_default();
            wall_clock(at, zone).checked_add_signed(seconds).unwrap_or(wall_clock(at, zone))
        };
        let (from, to) = (around(window.start, -reach - 86_400), around(window.end, 86_400));
        let mut walls = vec![start.wall()];
        let mut is_all = !self.is_strange;
        for rule in &self.rules {
            match rule::times(rule, start, (from, to), shop) {
                Some(times) => walls.extend(times),
                None => is_all = false,
            }
        }
        walls.sort_unstable();
        walls.dedup();
        let left_out = LeftOut::new(self.left_out.iter().chain(replaced), start, shop);
        let regular = walls.into_iter().map(|wall| (start.at(wall), length));
        let added = self.added.iter().map(|&(at, own)| (at, own.unwrap_or(length)));
        let times = regular.chain(added).filter(|&(at, _)| !left_out.has(at, shop));
        let times = times.map(|(at, length)| length.from(at, shop));
        (times.filter(|span| span.overlaps(&window)).collect(), is_all)
    }
}

/// The times that a repetition leaves out.
struct LeftOut {
    instants: HashSet<Timestamp>,
    days: HashSet<NaiveDate>,
}

impl LeftOut {
    /// Some programs write whole days where the event has times, and the other way round.
    fn new<'a>(times: impl Iterator<Item = &'a When>, start: When, shop: Tz) -> Self {
        let (mut instants, mut days) = (HashSet::new(), HashSet::new());
        for &at in times {
            if matches!((at, start), (When::Time { .. }, When::Time { .. })) {
                instants.insert(at.start(shop));
            } else {
                days.insert(at.wall().date());
            }
        }
        Self { instants, days }
    }

    fn has(&self, at: When, shop: Tz) -> bool {
        self.instants.contains(&at.start(shop)) || self.days.contains(&at.wall().date())
    }
}

/// When the events of one resource take place.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Occurrences {
    /// Each time, and whether whoever it is about is busy then.
    pub times: Vec<(Interval, bool)>,
    /// Whether these are all times; an event that is not understood has its first one at least.
    pub is_all: bool,
}

/// When these events take place within `window`; one that does not repeat, whenever that is.
pub fn occurrences(events: &[Component], window: Interval, shop: Tz) -> Occurrences {
    let mut all = Occurrences { times: Vec::new(), is_all: true };
    for event in events {
        match (&event.repetition, event.span) {
            (Some(repetition), _) => {
                let others = events.iter().filter(|other| other.uid == event.uid);
                let replaced: Vec<When> = others.filter_map(|other| other.replaces).collect();
                let (times, is_all) = repetition.times(window, &replaced, shop);
                all.times.extend(times.into_iter().map(|span| (span, event.is_busy)));
                all.is_all &= is_all;
            }
            (None, Some(span)) => all.times.push((span, event.is_busy)),
            (None, None) => all.is_all = false,
        }
        all.is_all &= !event.is_for_later;
    }
    all
}

/// From one time on a clock to another one.
type Walls = (NaiveDateTime, NaiveDateTime);

#[cfg(test)]
mod tests;
