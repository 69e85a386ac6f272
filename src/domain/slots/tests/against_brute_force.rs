//! `free_starts` against a model that reads the clock minute by minute.

use std::sync::LazyLock;

use chrono::{NaiveDateTime, NaiveTime, Offset, TimeDelta, TimeZone};
use chrono_tz::{Europe, Pacific};
use proptest::prelude::*;

use super::super::super::assignment::{Assignment, assign};
use super::super::super::local_time::day_bounds;
use super::*;

const ZONES: [Tz; 5] =
    [America::New_York, Europe::London, Australia::Lord_Howe, Asia::Kathmandu, America::St_Johns];
const YEARS: std::ops::RangeInclusive<i32> = 2024..=2040;

/// Changes of the clocks that were odd.
const ODDITIES: [(Tz, &str); 3] = [
    // One minute past midnight, so that the evening before comes twice.
    (America::St_Johns, "2010-11-07"),
    (Pacific::Apia, "2011-12-30"),
    (Pacific::Apia, "2012-04-01"),
];

/// The dates on which the clocks of `ZONES` change in `YEARS`.
static CLOCK_CHANGES: LazyLock<Vec<(Tz, NaiveDate)>> = LazyLock::new(|| {
    let offset = |zone: Tz, date: NaiveDate| {
        zone.offset_from_utc_datetime(&date.and_time(NaiveTime::MIN)).fix()
    };
    let changes = |zone: Tz| {
        let year = |year| (1..=366).filter_map(move |day| NaiveDate::from_yo_opt(year, day));
        let dates = YEARS.flat_map(year);
        let changing = dates
            .filter(move |&date| offset(zone, date) != offset(zone, date + TimeDelta::days(1)));
        changing.map(move |date| (zone, date))
    };
    ZONES.into_iter().flat_map(changes).collect()
});

/// Minutes from the day's midnight, on the wall clock.
type Minutes = std::ops::Range<i64>;

#[derive(Debug)]
struct Case {
    zone: Tz,
    date: NaiveDate,
    plan: Plan,
    /// Bays from 1 to 3 and technicians from 11 to 13, those that do the service.
    bays: Vec<i64>,
    technicians: Vec<i64>,
    /// How many services each of them does.
    service_counts: Vec<usize>,
    /// Resource, minutes from the date's midnight in UTC, and length.
    taken: Vec<(i64, i64, i64)>,
    duration_minutes: i64,
    buffer_minutes: i64,
    interval_minutes: i64,
    notice: Minutes,
}

#[derive(Debug)]
struct Plan {
    /// Of every weekday; `None` is closed.
    hours: Option<Minutes>,
    lunch: Option<Minutes>,
    is_closure: bool,
    special: Option<Special>,
}

/// Special hours of some days, counted from the case's date.
#[derive(Debug)]
struct Special {
    days: std::ops::RangeInclusive<i64>,
    hours: Minutes,
    lunch: Option<Option<Minutes>>,
}

fn minutes() -> impl Strategy<Value = Minutes> {
    // Often near midnight and in the small hours, where clocks change.
    let minute = || prop_oneof![0..=1440_i64, 0..=200_i64, (0..=24_i64).prop_map(|h| h * 60)];
    let any = (minute(), minute())
        .prop_filter("not empty", |(a, b)| a != b)
        .prop_map(|(a, b)| a.min(b)..a.max(b));
    // Often through the night.
    let hour = || (1..=23_i64).prop_map(|h| h * 60);
    let night =
        prop_oneof![Just(0..1440_i64), hour().prop_map(|to| 0..to), hour().prop_map(|h| h..1440)];
    prop_oneof![3 => any, 1 => night]
}

fn dates() -> impl Strategy<Value = (Tz, NaiveDate)> {
    let near = |(zone, date), shift| (zone, date + TimeDelta::days(shift));
    let change = (prop::sample::select(CLOCK_CHANGES.as_slice()), -2..=2_i64)
        .prop_map(move |(change, shift)| near(change, shift));
    let oddity = (prop::sample::select(&ODDITIES[..]), -2..=2_i64)
        .prop_map(move |((zone, day), shift)| near((zone, date(day)), shift));
    let any = (prop::sample::select(&ZONES[..]), YEARS, 1..=365_u32)
        .prop_map(|(zone, year, day)| (zone, NaiveDate::from_yo_opt(year, day).expect("a date")));
    prop_oneof![4 => change, 1 => oddity, 2 => any]
}

fn plans() -> impl Strategy<Value = Plan> {
    let special_lunch = prop::option::of(prop::option::of(minutes()));
    let special = (-2..=1_i64, 0..=2_i64, minutes(), special_lunch).prop_map(
        |(first, more, hours, lunch)| Special { days: first..=first + more, hours, lunch },
    );
    let parts = (
        prop::option::weighted(0.95, minutes()),
        prop::option::of(minutes()),
        prop::bool::weighted(0.05),
        prop::option::weighted(0.3, special),
    );
    parts.prop_map(|(hours, lunch, is_closure, special)| Plan { hours, lunch, is_closure, special })
}

fn cases() -> impl Strategy<Value = Case> {
    let able = |first: i64| {
        let numbers: Vec<i64> = (first..first + 3).collect();
        prop::sample::subsequence(numbers, 0..=3).prop_shuffle()
    };
    let technicians = prop_oneof![Just(Vec::new()), able(11)];
    let resources = (able(1), technicians, prop::collection::vec(1..=11_usize, 3));
    // Some of them are no candidates.
    let resource = prop_oneof![1..=3_i64, 11..=13_i64];
    let taken = prop::collection::vec((resource, -1_000..=2_500_i64, 0..=300_i64), 0..12);
    let duration = prop_oneof![3 => 5..=60_i64, 1 => 5..=480_i64];
    let buffer = prop_oneof![2 => Just(0_i64), 2 => 1..=60_i64, 1 => 0..=480_i64];
    let request = (duration, buffer, 1..=90_i64, -900..=600_i64, 600..=3_000_i64);
    (dates(), plans(), resources, taken, request).prop_map(
        |((zone, date), plan, (bays, technicians, service_counts), taken, request)| {
            let (duration_minutes, buffer_minutes, interval_minutes, earliest, latest) = request;
            Case {
                zone,
                date,
                plan,
                bays,
                technicians,
                service_counts,
                taken,
                duration_minutes,
                buffer_minutes,
                interval_minutes,
                notice: earliest..latest,
            }
        },
    )
}

fn span(span: &Minutes) -> ClockSpan {
    let [from, to] = [span.start, span.end].map(|m| format!("{:02}:{:02}", m / 60, m % 60));
    format!("{from}-{to}").parse().expect("a span")
}

impl Plan {
    fn opening_hours(&self, date: NaiveDate) -> OpeningHours {
        let closure = Closure { first: date, last: date, reason: "Closure".to_owned() };
        let special = |special: &Special| SpecialHours {
            first: date + TimeDelta::days(*special.days.start()),
            last: date + TimeDelta::days(*special.days.end()),
            hours: span(&special.hours),
            lunch: special.lunch.as_ref().map(|lunch| lunch.as_ref().map(span)),
            reason: String::new(),
        };
        OpeningHours {
            weekly: [DayHours(self.hours.as_ref().map(span)); 7],
            lunch: self.lunch.as_ref().map(span),
            closures: if self.is_closure { vec![closure] } else { Vec::new() },
            special: self.special.iter().map(special).collect(),
        }
    }

    /// The hours and the lunch so many days after the case's date.
    fn hours_on(&self, day: i64) -> (Option<&Minutes>, Option<&Minutes>) {
        let lunch = self.lunch.as_ref();
        match self.special.as_ref().filter(|special| special.days.contains(&day)) {
            _ if self.is_closure && day == 0 => (None, None),
            Some(Special { hours, lunch: Some(lunch), .. }) => (Some(hours), lunch.as_ref()),
            Some(Special { hours, lunch: None, .. }) => (Some(hours), lunch),
            None => (self.hours.as_ref(), lunch),
        }
    }
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
            buffer_minutes: self.buffer_minutes,
            earliest: self.utc_minute(self.notice.start),
            latest: self.utc_minute(self.notice.end),
            interval_minutes: self.interval_minutes,
        }
    }

    fn candidates(&self) -> [Vec<Candidate>; 2] {
        let candidate = |(&id, &service_count): (&i64, &usize)| Candidate {
            resource: ResourceId(id),
            service_count,
        };
        [&self.bays, &self.technicians]
            .map(|ids| ids.iter().zip(&self.service_counts).map(candidate).collect())
    }

    fn answer(&self) -> Vec<Timestamp> {
        let [bays, technicians] = &self.candidates();
        let candidates = Candidates { bays, technicians };
        let day = self.plan.opening_hours(self.date).on(self.date, self.zone);
        free_starts(&day, &self.request(), &candidates, &self.reserved())
    }

    /// Every minute that is on this date or the next in some zone, with what the wall clock shows then.
    fn clock(&self) -> Vec<(Timestamp, NaiveDateTime)> {
        let wall = |at: Timestamp| at.to_utc().with_timezone(&self.zone).naive_local();
        let minutes = (-900..=3_840).map(|minute| self.utc_minute(minute));
        minutes.map(|at| (at, wall(at))).collect()
    }

    /// The minutes from the first time the clock shows `span`'s start to the last time that it
    /// shows its end; where it never does, from or to the minute at which it has passed it.
    fn minutes_of(
        &self,
        clock: &[(Timestamp, NaiveDateTime)],
        day: i64,
        span: &Minutes,
    ) -> Interval {
        let midnight = (self.date + TimeDelta::days(day)).and_time(NaiveTime::MIN);
        let [from, to] = [span.start, span.end].map(|minute| midnight + TimeDelta::minutes(minute));
        let passes = |wanted| clock.iter().position(|&(_, wall)| wall >= wanted);
        let first = clock.iter().position(|&(_, wall)| wall == from).or(passes(from));
        let last = clock.iter().rposition(|&(_, wall)| wall == to).or(passes(to));
        let [start, end] = [first, last].map(|index| clock[index.expect("in reach")].0);
        Interval { start, end }
    }

    /// The opening hours and the lunch so many days after the case's date.
    fn worked_on(
        &self,
        clock: &[(Timestamp, NaiveDateTime)],
        day: i64,
    ) -> Option<(Interval, Option<Interval>)> {
        let (hours, lunch) = self.plan.hours_on(day);
        let lunch = lunch.map(|lunch| self.minutes_of(clock, day, lunch));
        Some((self.minutes_of(clock, day, hours?), lunch))
    }

    fn brute_force(&self) -> Vec<Timestamp> {
        let clock = self.clock();
        let Some((opening, lunch)) = self.worked_on(&clock, 0) else { return Vec::new() };
        let within = |span: &Interval, at| span.start <= at && at < span.end;
        let tomorrow = self.worked_on(&clock, 1);
        let works = |at| {
            let works = |(opening, lunch): (Interval, Option<Interval>)| {
                within(&opening, at) && lunch.is_none_or(|lunch| !within(&lunch, at))
            };
            // Where an evening comes twice, both dates have it; each keeps to its own hours.
            works((opening, lunch)) || (at >= opening.end && tomorrow.is_some_and(works))
        };
        let reserved = self.reserved();
        let is_free = |id, minutes: &[Timestamp]| {
            let mut hers = reserved.iter().filter(|taken| taken.resource == ResourceId(id));
            !hers.any(|taken| minutes.iter().any(|&at| within(&taken.span, at)))
        };
        let fits = |&start: &Timestamp| {
            let minutes = |count| (0..count).map(|minute| start.plus_minutes(minute)).collect();
            let visit: Vec<_> = minutes(self.duration_minutes);
            let taken: Vec<_> = minutes(self.duration_minutes + self.buffer_minutes);
            let request = self.request();
            request.earliest <= start
                && start <= request.latest
                && visit.iter().all(|&at| works(at))
                && self.bays.iter().any(|&bay| is_free(bay, &taken))
                && (self.technicians.is_empty()
                    || self.technicians.iter().any(|&person| is_free(person, &taken)))
        };
        let grid = (0..).map(|step| opening.start.plus_minutes(step * self.interval_minutes));
        grid.take_while(|&start| start < opening.end).filter(fits).collect()
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, ..ProptestConfig::default() })]

    #[test]
    fn free_starts_are_those_of_a_minute_by_minute_search(case in cases()) {
        prop_assert_eq!(case.answer(), case.brute_force());
    }

    #[test]
    fn a_free_start_is_inside_hours_and_can_be_assigned(case in cases()) {
        let [bays, technicians] = &case.candidates();
        let candidates = Candidates { bays, technicians };
        let hours = case.plan.opening_hours(case.date);
        let (day, reserved) = (day_bounds(case.date, case.zone), case.reserved());
        for start in case.answer() {
            let visit = Interval::starting(start, case.duration_minutes);
            let whole = Interval { end: visit.end.plus_minutes(case.buffer_minutes), ..visit };
            let assignment = assign(whole, day, &candidates, &reserved, None);
            let Assignment { bay, technician } = assignment.expect("somebody is free");
            let taken = |id| reserved.iter().any(|r| r.resource == id && r.span.overlaps(&whole));
            prop_assert!(!taken(bay));
            prop_assert_eq!(technician.is_some(), !technicians.is_empty());
            prop_assert!(!technician.is_some_and(taken));
            // An evening that comes again after midnight belongs to both dates.
            if local_date(start, case.zone) == case.date {
                prop_assert_eq!(outside_hours(visit, &hours, case.zone), None);
            }
        }
    }
}
