//! `free_starts` against a model that reads the clock minute by minute.

use chrono::{NaiveDateTime, NaiveTime, TimeDelta};
use chrono_tz::{Europe, Pacific};
use proptest::prelude::*;

use super::*;

/// Zones with dates near which their clocks change.
const CLOCK_CHANGES: &[(Tz, &str)] = &[
    (America::New_York, "2027-03-14"),
    (America::New_York, "2027-11-07"),
    (Europe::London, "2027-03-28"),
    (Europe::London, "2027-10-31"),
    (Australia::Lord_Howe, "2027-04-04"),
    (Australia::Lord_Howe, "2027-10-03"),
    (Asia::Kathmandu, "2027-01-15"),
    (America::St_Johns, "2027-03-14"),
    // One minute past midnight, so that the evening before comes twice.
    (America::St_Johns, "2010-11-07"),
    (Pacific::Apia, "2011-12-30"),
    (Pacific::Apia, "2012-04-01"),
];

/// Minutes from the day's midnight, on the wall clock.
type Minutes = std::ops::Range<i64>;

#[derive(Debug)]
struct Case {
    zone: Tz,
    date: NaiveDate,
    hours: Minutes,
    lunch: Option<Minutes>,
    is_closure: bool,
    bays: i64,
    technicians: i64,
    /// Resource, minutes from the date's midnight in UTC, and length.
    taken: Vec<(i64, i64, i64)>,
    duration_minutes: i64,
    interval_minutes: i64,
    notice: Minutes,
}

fn minutes() -> impl Strategy<Value = Minutes> {
    // Often near midnight and in the small hours, where clocks change.
    let minute = || prop_oneof![0..=1440_i64, 0..=200_i64, (0..=24_i64).prop_map(|h| h * 60)];
    (minute(), minute())
        .prop_filter("not empty", |(a, b)| a != b)
        .prop_map(|(a, b)| a.min(b)..a.max(b))
}

fn cases() -> impl Strategy<Value = Case> {
    let day = (prop::sample::select(CLOCK_CHANGES), -2..=2_i64)
        .prop_map(|((zone, day), shift)| (zone, date(day) + TimeDelta::days(shift)));
    let hours = (minutes(), prop::option::of(minutes()), prop::bool::weighted(0.05));
    let resources = (0..=3_i64, 0..=2_i64);
    // Resources 1 to 3 are bays, 11 and 12 technicians; some of them are no candidates.
    let resource = prop_oneof![1..=3_i64, 11..=12_i64];
    let taken = prop::collection::vec((resource, -1_000..=2_500_i64, 0..=300_i64), 0..12);
    let duration = prop_oneof![3 => 5..=60_i64, 1 => 5..=480_i64];
    let request = (duration, 1..=90_i64, -900..=600_i64, 600..=3_000_i64);
    (day, hours, resources, taken, request).prop_map(
        |((zone, date), (hours, lunch, is_closure), (bays, technicians), taken, request)| {
            let (duration_minutes, interval_minutes, earliest, latest) = request;
            let notice = earliest..latest;
            Case {
                zone,
                date,
                hours,
                lunch,
                is_closure,
                bays,
                technicians,
                taken,
                duration_minutes,
                interval_minutes,
                notice,
            }
        },
    )
}

impl Case {
    fn utc_minute(&self, minute: i64) -> Timestamp {
        let midnight = self.date.and_time(NaiveTime::MIN).and_utc();
        Timestamp::from(midnight).plus_minutes(minute)
    }

    fn reserved(&self) -> Vec<Reserved> {
        let reserved = |&(resource, minute, length): &(i64, i64, i64)| Reserved {
            resource: ResourceId(resource),
            span: Interval::starting(self.utc_minute(minute), length),
        };
        self.taken.iter().map(reserved).collect()
    }

    fn request(&self) -> Request {
        Request {
            duration_minutes: self.duration_minutes,
            earliest: self.utc_minute(self.notice.start),
            latest: self.utc_minute(self.notice.end),
            interval_minutes: self.interval_minutes,
        }
    }

    fn opening_hours(&self) -> OpeningHours {
        let text = |span: &Minutes| {
            let [from, to] = [span.start, span.end].map(|m| format!("{:02}:{:02}", m / 60, m % 60));
            format!("{from}-{to}")
        };
        let closure = Closure { first: self.date, last: self.date, reason: "Closure".to_owned() };
        OpeningHours {
            weekly: [text(&self.hours).parse().expect("hours"); 7],
            lunch: self.lunch.as_ref().map(|lunch| text(lunch).parse().expect("a lunch")),
            closures: if self.is_closure { vec![closure] } else { Vec::new() },
        }
    }

    fn answer(&self) -> Vec<Timestamp> {
        let (bays, technicians) = (ids(1..1 + self.bays), ids(11..11 + self.technicians));
        let candidates = Candidates { bays: &bays, technicians: &technicians };
        let day = self.opening_hours().on(self.date, self.zone);
        free_starts(&day, &self.request(), &candidates, &self.reserved())
    }

    /// Every minute that is on this date in some zone, with what the wall clock shows then.
    fn clock(&self) -> Vec<(Timestamp, NaiveDateTime)> {
        let wall = |at: Timestamp| at.to_utc().with_timezone(&self.zone).naive_local();
        let minutes = (-900..=2_400).map(|minute| self.utc_minute(minute));
        minutes.map(|at| (at, wall(at))).collect()
    }

    /// The minutes from the first time the clock shows `span`'s start to the last time that it
    /// shows its end; where it never does, from or to the minute at which it has passed it.
    fn minutes_of(&self, clock: &[(Timestamp, NaiveDateTime)], span: &Minutes) -> Interval {
        let [from, to] = [span.start, span.end]
            .map(|minute| self.date.and_time(NaiveTime::MIN) + TimeDelta::minutes(minute));
        let passes = |wanted| clock.iter().position(|&(_, wall)| wall >= wanted);
        let first = clock.iter().position(|&(_, wall)| wall == from).or(passes(from));
        let last = clock.iter().rposition(|&(_, wall)| wall == to).or(passes(to));
        let [start, end] = [first, last].map(|index| clock[index.expect("in reach")].0);
        Interval { start, end }
    }

    fn brute_force(&self) -> Vec<Timestamp> {
        let clock = self.clock();
        let opening = self.minutes_of(&clock, &self.hours);
        let lunch = self.lunch.as_ref().map(|lunch| self.minutes_of(&clock, lunch));
        if self.is_closure || opening.end <= opening.start {
            return Vec::new();
        }
        let within = |span: &Interval, at| span.start <= at && at < span.end;
        let works = |at| within(&opening, at) && lunch.is_none_or(|lunch| !within(&lunch, at));
        let reserved = self.reserved();
        let is_free = |id, minutes: &[Timestamp]| {
            let mut hers = reserved.iter().filter(|taken| taken.resource == ResourceId(id));
            !hers.any(|taken| minutes.iter().any(|&at| within(&taken.span, at)))
        };
        let fits = |&start: &Timestamp| {
            let minutes: Vec<_> =
                (0..self.duration_minutes).map(|minute| start.plus_minutes(minute)).collect();
            let request = self.request();
            request.earliest <= start
                && start <= request.latest
                && minutes.iter().all(|&at| works(at))
                && (1..=self.bays).any(|bay| is_free(bay, &minutes))
                && (self.technicians == 0
                    || (11..11 + self.technicians).any(|person| is_free(person, &minutes)))
        };
        let grid = (0..).map(|step| opening.start.plus_minutes(step * self.interval_minutes));
        grid.take_while(|&start| start < opening.end).filter(fits).collect()
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_000, ..ProptestConfig::default() })]

    #[test]
    fn free_starts_are_those_of_a_minute_by_minute_search(case in cases()) {
        prop_assert_eq!(case.answer(), case.brute_force());
    }

    #[test]
    fn a_free_start_is_inside_hours_and_can_be_assigned(case in cases()) {
        let (bays, technicians) = (ids(1..1 + case.bays), ids(11..11 + case.technicians));
        let candidates = Candidates { bays: &bays, technicians: &technicians };
        let hours = case.opening_hours();
        for start in case.answer() {
            let visit = Interval::starting(start, case.duration_minutes);
            let day = day_bounds(case.date, case.zone);
            let assignment = assign(visit, day, &candidates, &case.reserved());
            let assignment = assignment.expect("somebody is free");
            let taken = |id| case.reserved().iter().any(|r| r.resource == id && r.span.overlaps(&visit));
            prop_assert!(!taken(assignment.bay));
            prop_assert_eq!(assignment.technician.is_some(), case.technicians > 0);
            prop_assert!(!assignment.technician.is_some_and(taken));
            // An evening that comes again after midnight belongs to both dates.
            if local_date(start, case.zone) == case.date {
                prop_assert_eq!(outside_hours(visit, &hours, case.zone), None);
            }
        }
    }
}
