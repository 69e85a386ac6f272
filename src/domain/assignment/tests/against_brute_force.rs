//! `assign` against a model that looks at every minute of every candidate.

use proptest::prelude::*;

use super::*;

/// The window in which gaps count, in minutes.
const WINDOW: std::ops::Range<i64> = 0..400;

#[derive(Clone, Debug)]
struct Case {
    /// Number and how many services it does; bays from 1 to 5, technicians from 11 to 15.
    bays: Vec<(i64, usize)>,
    technicians: Vec<(i64, usize)>,
    /// Resource, first minute and length.
    taken: Vec<(i64, i64, i64)>,
    start: i64,
    minutes: i64,
    preferred: Option<(i64, Option<i64>)>,
}

fn cases() -> impl Strategy<Value = Case> {
    let some = |first: i64| {
        let counts = prop::collection::vec(1..=4_usize, 5);
        let numbers: Vec<i64> = (first..first + 5).collect();
        let chosen = prop::sample::subsequence(numbers, 0..=5).prop_shuffle();
        (chosen, counts).prop_map(|(numbers, counts)| numbers.into_iter().zip(counts).collect())
    };
    let resource = || prop_oneof![1..=6_i64, 11..=16_i64];
    let taken = prop::collection::vec((resource(), -60..450_i64, 0..=120_i64), 0..16);
    let preferred = prop::option::of((1..=6_i64, prop::option::of(11..=16_i64)));
    (some(1), some(11), taken, 0..400_i64, 1..=60_i64, preferred).prop_map(
        |(bays, technicians, taken, start, minutes, preferred)| Case {
            bays,
            technicians,
            taken,
            start,
            minutes,
            preferred,
        },
    )
}

fn minutes(start: i64, end: i64) -> Interval {
    Interval { start: Timestamp(start * 60), end: Timestamp(end * 60) }
}

impl Case {
    fn end(&self) -> i64 {
        self.start + self.minutes
    }

    fn answer(&self) -> Option<Assignment> {
        let (bays, technicians) = (candidates(&self.bays), candidates(&self.technicians));
        let candidates = Candidates { bays: &bays, technicians: &technicians };
        let reserved = |&(id, start, length): &(i64, i64, i64)| Reserved {
            resource: ResourceId(id),
            span: minutes(start, start + length),
        };
        let reserved: Vec<_> = self.taken.iter().map(reserved).collect();
        let window = minutes(WINDOW.start, WINDOW.end);
        let span = minutes(self.start, self.end());
        assign(span, window, &candidates, &reserved, self.preferred.map(place))
    }

    fn is_free_at(&self, id: i64, minute: i64) -> bool {
        let is_in = |&(taken, start, length): &(i64, i64, i64)| {
            taken == id && start <= minute && minute < start + length
        };
        !self.taken.iter().any(is_in)
    }

    fn is_free(&self, id: i64) -> bool {
        (self.start..self.end()).all(|minute| self.is_free_at(id, minute))
    }

    /// The idle minutes around the visit of somebody who is free for it.
    fn gap(&self, id: i64) -> usize {
        let is_idle = |minute: &i64| self.is_free_at(id, *minute);
        let before = (WINDOW.start..self.start).rev().take_while(is_idle).count();
        before + (self.end()..WINDOW.end).take_while(is_idle).count()
    }

    fn best(&self, candidates: &[(i64, usize)], preferred: Option<i64>) -> Option<i64> {
        let free: Vec<_> = candidates.iter().filter(|(id, _)| self.is_free(*id)).collect();
        if let Some(preferred) = preferred.filter(|id| free.iter().any(|(free, _)| free == id)) {
            return Some(preferred);
        }
        let fewest = free.iter().map(|(_, count)| *count).min()?;
        let special: Vec<_> = free.iter().filter(|(_, count)| *count == fewest).collect();
        let gap = special.iter().map(|(id, _)| self.gap(*id)).min()?;
        special.iter().map(|(id, _)| *id).find(|id| self.gap(*id) == gap)
    }

    fn brute_force(&self) -> Option<Assignment> {
        let (bay, technician) = self.preferred.unzip();
        let bay = self.best(&self.bays, bay)?;
        if self.technicians.is_empty() {
            return Some(place((bay, None)));
        }
        let technician = self.best(&self.technicians, technician.flatten())?;
        Some(place((bay, Some(technician))))
    }

    /// The candidates that are free and do fewer services than `chosen`.
    fn more_special(&self, candidates: &[(i64, usize)], chosen: ResourceId) -> usize {
        let count_of = |id| candidates.iter().find(|(known, _)| *known == id).map(|(_, n)| *n);
        let chosen = count_of(chosen.0).expect("a candidate");
        candidates.iter().filter(|(id, count)| *count < chosen && self.is_free(*id)).count()
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_000, ..ProptestConfig::default() })]

    #[test]
    fn the_choice_is_that_of_a_minute_by_minute_search(case in cases()) {
        prop_assert_eq!(case.answer(), case.brute_force());
    }

    #[test]
    fn the_choice_is_free_and_nobody_free_does_fewer_services(case in cases()) {
        let case = Case { preferred: None, ..case };
        let Some(Assignment { bay, technician }) = case.answer() else { return Ok(()) };
        prop_assert!(case.is_free(bay.0));
        prop_assert_eq!(case.more_special(&case.bays, bay), 0);
        prop_assert_eq!(technician.is_some(), !case.technicians.is_empty());
        if let Some(technician) = technician {
            prop_assert!(case.is_free(technician.0));
            prop_assert_eq!(case.more_special(&case.technicians, technician), 0);
        }
    }

    #[test]
    fn the_choice_depends_on_no_order_of_reservations(case in cases()) {
        let mut backwards = case.clone();
        backwards.taken.reverse();
        prop_assert_eq!(case.answer(), case.answer());
        prop_assert_eq!(case.answer(), backwards.answer());
    }

    #[test]
    fn what_is_preferred_and_free_is_taken(case in cases()) {
        let (Some((bay, technician)), Some(chosen)) = (case.preferred, case.answer()) else {
            return Ok(());
        };
        let is_usable = |candidates: &[(i64, usize)], id| {
            candidates.iter().any(|(known, _)| *known == id) && case.is_free(id)
        };
        if is_usable(&case.bays, bay) {
            prop_assert_eq!(chosen.bay, ResourceId(bay));
        }
        if let Some(technician) = technician.filter(|id| is_usable(&case.technicians, *id)) {
            prop_assert_eq!(chosen.technician, Some(ResourceId(technician)));
        }
    }
}
