//! Free starts: which times of a day can be offered.

use std::ops::Range;

use chrono_tz::Tz;

use super::assignment::{Busy, Candidates, Reserved};
use super::hours::{Day, OpeningHours};
use super::local_time::{day_of_week, local_date};
use super::time::{Interval, Timestamp};

/// Which starts are wanted.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Request {
    /// How long the visit takes.
    pub duration_minutes: i64,
    /// How long its bay and technician stay taken after it.
    pub buffer_minutes: i64,
    /// The first start allowed: now plus the minimum notice.
    pub earliest: Timestamp,
    /// The last start allowed: the booking horizon.
    pub latest: Timestamp,
    /// Elapsed minutes between two starts that are offered, counted from opening.
    pub interval_minutes: i64,
}

/// The free starts of one day, in order.
///
/// From each, the whole duration lies in one of the day's `work` intervals, and one bay (and one
/// technician, where there are any) is free all along and for the buffer after it, which may run
/// into lunch and past closing.
pub fn free_starts(
    day: &Day,
    request: &Request,
    candidates: &Candidates<'_>,
    reserved: &[Reserved],
) -> Vec<Timestamp> {
    let Day::Open { work, opens, closes } = day else { return Vec::new() };
    let (Some(first), Some(last)) = (work.first(), work.last()) else { return Vec::new() };
    if request.duration_minutes <= 0 {
        return Vec::new();
    }
    let end = last.end.plus_minutes(request.buffer_minutes);
    let whole_day = Interval { start: first.start, end };
    let busy = Busy::new(candidates, reserved, whole_day);
    let bays = busy.timelines(candidates.bays);
    let technicians = busy.timelines(candidates.technicians);
    let taken_minutes = request.duration_minutes.saturating_add(request.buffer_minutes);
    let is_free = |&start: &Timestamp| {
        let span = Interval::starting(start, taken_minutes);
        bays.iter().any(|bay| bay.is_free(&span))
            && (technicians.is_empty() || technicians.iter().any(|person| person.is_free(&span)))
    };
    work.iter().flat_map(|open| grid(*opens..*closes, open, request)).filter(is_free).collect()
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
    let Day::Open { work, opens, closes } = day else { return Some(Obstacle::Closed) };
    if !work.iter().any(|open| open.minutes() >= request.duration_minutes) {
        return Some(Obstacle::TooLong);
    }
    let (earliest, latest) = (Timestamp(i64::MIN), Timestamp(i64::MAX));
    let anytime = Request { earliest, latest, ..*request };
    let starts: Vec<_> =
        work.iter().flat_map(|open| grid(*opens..*closes, open, &anytime)).collect();
    if starts.last().is_some_and(|&last| last < request.earliest) {
        return Some(Obstacle::TooLate);
    }
    let is_beyond = starts.first().is_some_and(|&first| first > request.latest);
    is_beyond.then_some(Obstacle::TooFarAhead)
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
    let (work, closes) = match hours.on(date, zone) {
        Day::Open { work, closes, .. } => (work, closes),
        Day::Closed { .. } => return hours.closed_sentence(date, zone),
    };
    if work.iter().any(|open| open.contains(&span)) {
        return None;
    }
    let plan = hours.plan_of(date)?;
    let opening = plan.hours.on(date, zone);
    match plan.lunch {
        Some(lunch) if opening.contains(&span) => {
            Some(format!("That visit would run into lunch, {}.", lunch.spoken()))
        }
        _ if opening.start <= span.start
            && span.start < opening.end
            && work.last().is_some_and(|last| last.end <= closes) =>
        {
            let closing = plan.hours.spoken_end();
            Some(format!(
                "That visit would run past closing at {closing} on {}.",
                day_of_week(date)
            ))
        }
        _ => hours.hours_sentence(date),
    }
}

/// The starts on the grid of the date's own hours from which the requested visit fits into `open`.
fn grid(
    hours: Range<Timestamp>,
    open: &Interval,
    request: &Request,
) -> impl Iterator<Item = Timestamp> {
    let step = request.interval_minutes.max(1).saturating_mul(60);
    let from = open.start.max(request.earliest).0;
    let fits = open.end.plus_minutes(-request.duration_minutes);
    let to = fits.min(request.latest).min(hours.end.plus_seconds(-1)).0;
    let opens = hours.start.0;
    let steps = from.saturating_sub(opens).saturating_add(step - 1).div_euclid(step);
    let first = opens.saturating_add(steps.saturating_mul(step));
    (first..=to).step_by(usize::try_from(step).unwrap_or(usize::MAX)).map(Timestamp)
}

#[cfg(test)]
mod tests;
