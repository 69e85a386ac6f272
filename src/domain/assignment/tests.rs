use super::super::time::Timestamp;
use super::*;

mod against_brute_force;

/// Minutes of some day, `10:00-11:00`.
fn span(text: &str) -> Interval {
    let minute = |text: &str| {
        let (hour, minute) = text.split_once(':').expect("a time");
        hour.parse::<i64>().expect("an hour") * 60 + minute.parse::<i64>().expect("a minute")
    };
    let (from, to) = text.split_once('-').expect("two times");
    let [start, end] = [from, to].map(|text| Timestamp(minute(text) * 60));
    Interval { start, end }
}

/// Candidates by their numbers and by how many services they do.
fn candidates(numbers: &[(i64, usize)]) -> Vec<Candidate> {
    let candidate = |&(id, service_count)| Candidate { resource: ResourceId(id), service_count };
    numbers.iter().map(candidate).collect()
}

fn place((bay, technician): (i64, Option<i64>)) -> Assignment {
    Assignment { bay: ResourceId(bay), technician: technician.map(ResourceId) }
}

/// Bays from 1 on and technicians from 11 on, by how many services they do.
#[derive(Clone, Copy)]
struct Staff<'a> {
    bays: &'a [(i64, usize)],
    technicians: &'a [(i64, usize)],
    preferred: Option<(i64, Option<i64>)>,
}

const TWO_BAYS: Staff = Staff { bays: &[(1, 11), (2, 11)], technicians: &[], preferred: None };
const STAFFED: Staff = Staff { technicians: &[(11, 11), (12, 11)], ..TWO_BAYS };

impl Staff<'_> {
    #[track_caller]
    fn check(self, visit: &str, taken: &[(i64, &str)], expected: Option<(i64, Option<i64>)>) {
        let (bays, technicians) = (candidates(self.bays), candidates(self.technicians));
        let candidates = Candidates { bays: &bays, technicians: &technicians };
        let reserved =
            |&(id, text): &(i64, &str)| Reserved { resource: ResourceId(id), span: span(text) };
        let reserved: Vec<_> = taken.iter().map(reserved).collect();
        let (day, preferred) = (span("0:00-24:00"), self.preferred.map(place));
        let assigned = assign(span(visit), day, &candidates, &reserved, preferred);
        assert_eq!(assigned, expected.map(place));
    }
}

#[test]
fn the_smallest_gap_is_filled_first() {
    TWO_BAYS.check("10:00-11:00", &[], Some((1, None)));
    TWO_BAYS.check("10:00-11:00", &[(2, "8:00-10:00")], Some((2, None)));
    let taken = [(1, "11:30-12:00"), (1, "8:00-9:30"), (2, "11:00-12:00")];
    TWO_BAYS.check("10:00-11:00", &taken, Some((1, None)));
}

#[test]
fn what_does_the_fewest_services_goes_first() {
    let staff = Staff {
        bays: &[(1, 11), (2, 1), (3, 2)],
        technicians: &[(11, 3), (12, 11), (13, 3)],
        preferred: None,
    };
    staff.check("10:00-11:00", &[], Some((2, Some(11))));
    // However well the others fit.
    let snug = [(1, "9:00-10:00"), (3, "11:00-12:00"), (12, "9:00-10:00"), (13, "9:00-10:00")];
    staff.check("10:00-11:00", &snug, Some((2, Some(13))));
    let taken = [(2, "10:30-11:00"), (11, "10:00-10:30"), (13, "10:59-12:00")];
    staff.check("10:00-11:00", &taken, Some((3, Some(12))));
}

#[test]
fn the_preferred_place_is_kept_where_it_is_free() {
    let staff = Staff {
        bays: &[(1, 1), (2, 11)],
        technicians: &[(11, 1), (12, 11)],
        preferred: Some((2, Some(12))),
    };
    staff.check("10:00-11:00", &[(1, "9:00-10:00")], Some((2, Some(12))));
    staff.check("10:00-11:00", &[(2, "10:30-11:00")], Some((1, Some(12))));
    staff.check("10:00-11:00", &[(12, "10:30-11:00")], Some((2, Some(11))));
    // One that does not do the service is no candidate.
    let staff = Staff { preferred: Some((3, Some(13))), ..staff };
    staff.check("10:00-11:00", &[], Some((1, Some(11))));
    let staff = Staff { preferred: Some((2, None)), ..staff };
    staff.check("10:00-11:00", &[], Some((2, Some(11))));
}

#[test]
fn only_a_free_bay_and_a_free_technician_are_taken() {
    let one_bay = Staff { bays: &[(1, 11)], ..TWO_BAYS };
    one_bay.check("10:00-11:00", &[(1, "10:59-12:00")], None);
    one_bay.check("10:00-11:00", &[(1, "11:00-12:00")], Some((1, None)));
    let taken = [(1, "9:00-17:00"), (11, "9:00-17:00")];
    STAFFED.check("10:00-11:00", &taken, Some((2, Some(12))));
    let one_technician = Staff { technicians: &[(11, 11)], ..TWO_BAYS };
    one_technician.check("10:00-11:00", &[(11, "10:30-10:31")], None);
    let no_bay = Staff { bays: &[], ..one_technician };
    no_bay.check("10:00-11:00", &[], None);
}

#[test]
fn a_span_may_reach_out_of_the_window() {
    TWO_BAYS.check("23:00-25:00", &[(1, "24:30-26:00")], Some((2, None)));
    TWO_BAYS.check("23:00-25:00", &[(1, "25:00-26:00")], Some((1, None)));
}
