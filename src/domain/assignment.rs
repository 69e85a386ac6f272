//! Assignment: which bay and technician take a visit.
//!
//! A resource is taken from a visit's start until its buffer is over; the spans here include it.

use std::collections::HashMap;

use super::id::ResourceId;
use super::time::Interval;

/// A span for which a bay or a technician is taken, by an appointment, a hold or a calendar.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Reserved {
    /// Who or what is taken.
    pub resource: ResourceId,
    /// For how long; spans of one resource may overlap.
    pub span: Interval,
}

/// A bay or a technician that may serve a visit.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Candidate {
    /// Its number.
    pub resource: ResourceId,
    /// How many services it does in all: what does fewer is taken first.
    pub service_count: usize,
}

/// The resources that may serve a visit, in the configured order.
#[derive(Clone, Copy, Debug)]
pub struct Candidates<'a> {
    /// The bays; a visit needs one.
    pub bays: &'a [Candidate],
    /// The technicians; a visit needs one, unless this is empty: then bays alone count.
    pub technicians: &'a [Candidate],
}

/// The resources that a visit takes.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Assignment {
    /// The bay.
    pub bay: ResourceId,
    /// The technician, where the shop has named some.
    pub technician: Option<ResourceId>,
}

/// The bay (and technician) to take for `span`, if one is free all along.
///
/// Bay and technician are chosen each for themselves, among the free candidates:
/// 1. the `preferred` one, which is where the visit is held or was before;
/// 2. the one that does the fewest services, so that what only does oil changes takes the oil
///    change, and what does everything stays free for the rest;
/// 3. the best fit: the one whose idle gap around the span, from its previous reservation to its
///    next one within `window`, is smallest, so that long gaps stay whole;
/// 4. the first in the configured order.
pub fn assign(
    span: Interval,
    window: Interval,
    candidates: &Candidates<'_>,
    reserved: &[Reserved],
    preferred: Option<Assignment>,
) -> Option<Assignment> {
    let reach = Interval { start: span.start.min(window.start), end: span.end.max(window.end) };
    let busy = Busy::new(candidates, reserved, reach);
    let preferred_bay = preferred.map(|place| place.bay);
    let bay = busy.choose(candidates.bays, preferred_bay, &span, &reach)?;
    if candidates.technicians.is_empty() {
        return Some(Assignment { bay, technician: None });
    }
    let preferred_technician = preferred.and_then(|place| place.technician);
    let technician = busy.choose(candidates.technicians, preferred_technician, &span, &reach)?;
    Some(Assignment { bay, technician: Some(technician) })
}

/// When each candidate is taken.
pub(super) struct Busy(HashMap<ResourceId, Timeline>);

impl Busy {
    /// The reservations of the candidates that reach into `window`.
    pub fn new(candidates: &Candidates<'_>, reserved: &[Reserved], window: Interval) -> Self {
        let everyone = candidates.bays.iter().chain(candidates.technicians);
        let mut busy: HashMap<_, _> =
            everyone.map(|candidate| (candidate.resource, Timeline::default())).collect();
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

    /// When each of these is taken.
    pub fn timelines(&self, candidates: &[Candidate]) -> Vec<&Timeline> {
        candidates.iter().filter_map(|candidate| self.0.get(&candidate.resource)).collect()
    }

    fn choose(
        &self,
        candidates: &[Candidate],
        preferred: Option<ResourceId>,
        span: &Interval,
        window: &Interval,
    ) -> Option<ResourceId> {
        let rank = |&Candidate { resource, service_count }: &Candidate| {
            let gap_seconds = self.0.get(&resource)?.gap_seconds(span, window)?;
            let is_other = preferred != Some(resource);
            Some(((is_other, service_count, gap_seconds), resource))
        };
        let best = candidates.iter().filter_map(rank).min_by_key(|&(rank, _)| rank);
        best.map(|(_, resource)| resource)
    }
}

/// The spans for which one resource is taken: in order and apart, so that both their starts and
/// their ends ascend.
#[derive(Default)]
pub(super) struct Timeline(Vec<Interval>);

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

    /// Whether nothing of `span` is taken.
    pub fn is_free(&self, span: &Interval) -> bool {
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
