//! Free starts: which times of a day can be offered, and which bay and technician take a visit.

use std::collections::HashMap;

use chrono::Datelike;
use chrono_tz::Tz;

use super::hours::{Day, OpeningHours};
use super::id::ResourceId;
use super::local_time::{day_of_week, local_date};
use super::time::{Interval, Timestamp};

/// A span for which a bay or a technician is taken, by an appointment, a hold or a calendar.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Reserved {
    /// Who or what is taken.
    pub resource: ResourceId,
    /// For how long; spans of one resource may overlap.
    pub span: Interval,
}

/// The resources that may serve a visit, in the order in which equal ones are taken.
#[derive(Clone, Copy, Debug)]
pub struct Candidates<'a> {
    /// The bays; a visit needs one.
    pub bays: &'a [ResourceId],
    /// The technicians; a visit needs one, unless this is empty: then bays alone count.
    pub technicians: &'a [ResourceId],
}

/// Which starts are wanted.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Request {
    /// How long the visit takes.
    pub duration_minutes: i64,
    /// The first start allowed: now plus the minimum notice.
    pub earliest: Timestamp,
    /// The last start allowed: the booking horizon.
    pub latest: Timestamp,
    /// Elapsed minutes between two starts that are offered, counted from opening.
    pub interval_minutes: i64,
}

/// The resources that a visit takes.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Assignment {
    /// The bay.
    pub bay: ResourceId,
    /// The technician, where the shop has named some.
    pub technician: Option<ResourceId>,
}

/// The free starts of one day, in order.
///
/// From each, the whole duration lies in one of the day's `work` intervals, and one bay (and one
/// technician, where there are any) is free all along.
pub fn free_starts(
    day: &Day,
    request: &Request,
    candidates: &Candidates<'_>,
    reserved: &[Reserved],
) -> Vec<Timestamp> {
    let Day::Open { work, opens } = day else { return Vec::new() };
    let (Some(first), Some(last)) = (work.first(), work.last()) else { return Vec::new() };
    if request.duration_minutes <= 0 {
        return Vec::new();
    }
    let whole_day = Interval { start: first.start, end: last.end };
    let busy = Busy::new(candidates, reserved, whole_day);
    let bays = busy.timelines(candidates.bays);
    let technicians = busy.timelines(candidates.technicians);
    let is_free = |span: &Interval| {
        bays.iter().any(|bay| bay.is_free(span))
            && (technicians.is_empty() || technicians.iter().any(|person| person.is_free(span)))
    };
    work.iter()
        .flat_map(|open| grid(*opens, open, request))
        .map(|start| Interval::starting(start, request.duration_minutes))
        .filter(is_free)
        .map(|span| span.start)
        .collect()
}

/// Why no start of a day can be offered, however free everybody is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Obstacle {
    /// The shop stays closed.
    Closed,
    /// The visit is longer than the shop is open without a break.
    TooLong,
    /// Every start is past, or within the minimum notice.
    TooLate,
    /// Every start is beyond the booking horizon.
    TooFarAhead,
}

/// What keeps every start of `day` from being offered, whoever is free.
pub fn obstacle(day: &Day, request: &Request) -> Option<Obstacle> {
    let Day::Open { work, opens } = day else { return Some(Obstacle::Closed) };
    if !work.iter().any(|open| open.minutes() >= request.duration_minutes) {
        return Some(Obstacle::TooLong);
    }
    let (earliest, latest) = (Timestamp(i64::MIN), Timestamp(i64::MAX));
    let anytime = Request { earliest, latest, ..*request };
    let starts: Vec<_> = work.iter().flat_map(|open| grid(*opens, open, &anytime)).collect();
    if starts.last().is_some_and(|&last| last < request.earliest) {
        return Some(Obstacle::TooLate);
    }
    let is_beyond = starts.first().is_some_and(|&first| first > request.latest);
    is_beyond.then_some(Obstacle::TooFarAhead)
}

/// The bay (and technician) to take for `span`, if one is free.
///
/// The best fit: the resource whose idle gap around the span, from its previous reservation to
/// its next one within `window`, is smallest, so that long gaps stay whole. Ties go to the first
/// candidate.
pub fn assign(
    span: Interval,
    window: Interval,
    candidates: &Candidates<'_>,
    reserved: &[Reserved],
) -> Option<Assignment> {
    let reach = Interval { start: span.start.min(window.start), end: span.end.max(window.end) };
    let busy = Busy::new(candidates, reserved, reach);
    let bay = busy.best_fit(candidates.bays, &span, &reach)?;
    if candidates.technicians.is_empty() {
        return Some(Assignment { bay, technician: None });
    }
    let technician = busy.best_fit(candidates.technicians, &span, &reach)?;
    Some(Assignment { bay, technician: Some(technician) })
}

/// The `count` members of `starts` nearest to `wanted`, the nearest first; of two equally near the
/// earlier.
pub fn nearest(starts: &[Timestamp], wanted: Timestamp, count: usize) -> Vec<Timestamp> {
    let mut nearest = starts.to_vec();
    nearest.sort_unstable_by_key(|start| (start.0.abs_diff(wanted.0), *start));
    nearest.truncate(count);
    nearest
}

/// Why a visit is outside business hours, as a sentence for the caller; `None` where it is not.
///
/// A visit lies wholly in one work interval of the local date on which it starts; it may start
/// off the grid.
pub fn outside_hours(span: Interval, hours: &OpeningHours, zone: Tz) -> Option<String> {
    let date = local_date(span.start, zone);
    let work = match hours.on(date, zone) {
        Day::Open { work, .. } => work,
        Day::Closed { .. } => return hours.closed_sentence(date, zone),
    };
    if work.iter().any(|open| open.contains(&span)) {
        return None;
    }
    let opening = hours.span_of(date.weekday())?;
    match hours.lunch {
        Some(lunch) if opening.on(date, zone).contains(&span) => {
            Some(format!("That visit would run into lunch, {}.", lunch.spoken()))
        }
        _ => Some(format!("{}'s hours are {}.", day_of_week(date), opening.spoken())),
    }
}

/// The starts on the grid from which the requested visit fits into `open`.
fn grid(opens: Timestamp, open: &Interval, request: &Request) -> impl Iterator<Item = Timestamp> {
    let step = request.interval_minutes.max(1).saturating_mul(60);
    let from = open.start.max(request.earliest).0;
    let to = open.end.plus_minutes(-request.duration_minutes).min(request.latest).0;
    let steps = from.saturating_sub(opens.0).saturating_add(step - 1).div_euclid(step);
    let first = opens.0.saturating_add(steps.saturating_mul(step));
    (first..=to).step_by(usize::try_from(step).unwrap_or(usize::MAX)).map(Timestamp)
}

/// When each candidate is taken.
struct Busy(HashMap<ResourceId, Timeline>);

impl Busy {
    /// The reservations of the candidates that reach into `window`.
    fn new(candidates: &Candidates<'_>, reserved: &[Reserved], window: Interval) -> Self {
        let everyone = candidates.bays.iter().chain(candidates.technicians);
        let mut busy: HashMap<_, _> =
            everyone.map(|&resource| (resource, Timeline::default())).collect();
        for Reserved { resource, span } in reserved {
            if span.overlaps(&window)
                && let Some(timeline) = busy.get_mut(resource)
            {
                timeline.0.push(*span);
            }
        }
        busy.values_mut().for_each(Timeline::merge);
        Self(busy)
    }

    fn timelines(&self, resources: &[ResourceId]) -> Vec<&Timeline> {
        resources.iter().filter_map(|resource| self.0.get(resource)).collect()
    }

    fn best_fit(
        &self,
        resources: &[ResourceId],
        span: &Interval,
        window: &Interval,
    ) -> Option<ResourceId> {
        let gap = |&resource: &ResourceId| {
            let seconds = self.0.get(&resource)?.gap_seconds(span, window)?;
            Some((seconds, resource))
        };
        let (_, resource) = resources.iter().filter_map(gap).min_by_key(|&(seconds, _)| seconds)?;
        Some(resource)
    }
}

/// The spans for which one resource is taken: in order and apart, so that both their starts and
/// their ends ascend.
#[derive(Default)]
struct Timeline(Vec<Interval>);

impl Timeline {
    /// Sorts the spans and joins those that overlap or touch.
    fn merge(&mut self) {
        self.0.sort_unstable_by_key(|span| span.start);
        self.0.dedup_by(|next, span| {
            let joins = next.start <= span.end;
            if joins {
                span.end = span.end.max(next.end);
            }
            joins
        });
    }

    /// The spans that end before or as `span` starts, and those that end later.
    fn split_around(&self, span: &Interval) -> (Option<&Interval>, Option<&Interval>) {
        let next = self.0.partition_point(|taken| taken.end <= span.start);
        (next.checked_sub(1).and_then(|previous| self.0.get(previous)), self.0.get(next))
    }

    fn is_free(&self, span: &Interval) -> bool {
        let (_, next) = self.split_around(span);
        next.is_none_or(|next| span.end <= next.start)
    }

    /// How long the resource is idle around `span` within `window`; `None` where it is taken.
    fn gap_seconds(&self, span: &Interval, window: &Interval) -> Option<i64> {
        let (previous, next) = self.split_around(span);
        if next.is_some_and(|next| next.start < span.end) {
            return None;
        }
        let from = previous.map_or(window.start, |previous| previous.end.max(window.start));
        let to = next.map_or(window.end, |next| next.start.min(window.end));
        Some(to.0.saturating_sub(from.0))
    }
}

#[cfg(test)]
mod tests;
