//! Instants on the shop's wall clock: which date and hour they are there, and how they are
//! written and said.

use chrono::{
    Datelike, MappedLocalTime, NaiveDate, NaiveDateTime, NaiveTime, Offset, TimeZone, Weekday,
};
use chrono_tz::{GapInfo, Tz};

use super::time::{Interval, Timestamp};

type TzOffset = <Tz as TimeZone>::Offset;

/// What a wall-clock time means in a zone.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum WallTime {
    /// It comes; `last` is later than `first` where the clocks go back over it.
    Real {
        /// When it comes first.
        first: Timestamp,
        /// When it comes last.
        last: Timestamp,
    },
    /// The clocks go forward past it.
    Skipped {
        /// The instant at which they do: the first one after the gap.
        resumes: Timestamp,
        /// The time read with the offset after the gap, which puts it before the gap.
        before: Timestamp,
        /// The time read with the offset before the gap, which puts it after the gap.
        after: Timestamp,
    },
}

impl WallTime {
    /// What `wall` means in `zone`.
    pub fn read(wall: NaiveDateTime, zone: Tz) -> Self {
        let seconds = wall.and_utc().timestamp();
        let at = |offset: &TzOffset| Timestamp(seconds - offset_seconds(offset));
        match zone.offset_from_local_datetime(&wall) {
            MappedLocalTime::Single(offset) => Self::Real { first: at(&offset), last: at(&offset) },
            MappedLocalTime::Ambiguous(first, last) => {
                Self::Real { first: at(&first), last: at(&last) }
            }
            MappedLocalTime::None => match GapInfo::new(&wall, &zone) {
                Some(GapInfo { begin: Some((_, offset)), end: Some(end) }) => Self::Skipped {
                    before: at(end.offset()),
                    after: at(&offset),
                    resumes: end.into(),
                },
                // Not reached: a gap has two sides.
                _ => Self::Real { first: Timestamp(seconds), last: Timestamp(seconds) },
            },
        }
    }

    /// The first instant at which the clock shows this time, or has just skipped it.
    pub const fn first(self) -> Timestamp {
        match self {
            Self::Real { first, .. } => first,
            Self::Skipped { resumes, .. } => resumes,
        }
    }

    /// The last instant at which the clock shows this time, or has just skipped it.
    pub const fn last(self) -> Timestamp {
        match self {
            Self::Real { last, .. } => last,
            Self::Skipped { resumes, .. } => resumes,
        }
    }
}

/// What the shop's clock shows at an instant.
pub fn wall_clock(at: Timestamp, zone: Tz) -> NaiveDateTime {
    at.plus_seconds(offset_at(at, zone)).to_utc().naive_utc()
}

/// The shop's date at an instant.
pub fn local_date(at: Timestamp, zone: Tz) -> NaiveDate {
    wall_clock(at, zone).date()
}

/// From the first instant of a local date to that of the next.
///
/// Empty for a date that the zone skipped altogether, as `Pacific/Apia` did 2011-12-30.
pub fn day_bounds(date: NaiveDate, zone: Tz) -> Interval {
    let midnight = |date: NaiveDate| WallTime::read(date.and_time(NaiveTime::MIN), zone).first();
    Interval { start: midnight(date), end: midnight(date.succ_opt().unwrap_or(date)) }
}

/// RFC 3339 with the shop's offset: `2027-01-15T09:00:00-05:00`, in UTC `+00:00`.
pub fn rfc3339(at: Timestamp, zone: Tz) -> String {
    let offset = zone.offset_from_utc_datetime(&at.to_utc().naive_utc()).fix();
    format!("{}{offset}", wall_clock(at, zone).format("%Y-%m-%dT%H:%M:%S"))
}

/// `Friday, January 15 at 9:00 AM`, with the year where the shop's current one is another.
///
/// Of a time that the clock shows twice it says which is meant: `Sunday, November 7 at 1:30 AM
/// (after the clocks go back)`.
pub fn spoken(at: Timestamp, now: Timestamp, zone: Tz) -> String {
    let wall = wall_clock(at, zone);
    let format = if wall.year() == wall_clock(now, zone).year() {
        "%A, %B %-d at %-I:%M %p"
    } else {
        "%A, %B %-d, %Y at %-I:%M %p"
    };
    let which = match WallTime::read(wall, zone) {
        WallTime::Real { first, last } if first < last && at == first => {
            " (before the clocks go back)"
        }
        WallTime::Real { first, last } if first < last => " (after the clocks go back)",
        _ => "",
    };
    format!("{}{which}", wall.format(format))
}

/// `January 15, 2027 at 09:00 AM`, as the confirmation of a booking reads.
pub fn confirmation(at: Timestamp, zone: Tz) -> String {
    wall_clock(at, zone).format("%B %-d, %Y at %I:%M %p").to_string()
}

/// `9:00 AM`.
pub fn clock_time(at: Timestamp, zone: Tz) -> String {
    wall_clock(at, zone).format("%-I:%M %p").to_string()
}

/// `January 15, 2027`.
pub fn spoken_date(date: NaiveDate) -> String {
    date.format("%B %-d, %Y").to_string()
}

/// `Wednesday`.
pub fn day_of_week(date: NaiveDate) -> &'static str {
    match date.weekday() {
        Weekday::Mon => "Monday",
        Weekday::Tue => "Tuesday",
        Weekday::Wed => "Wednesday",
        Weekday::Thu => "Thursday",
        Weekday::Fri => "Friday",
        Weekday::Sat => "Saturday",
        Weekday::Sun => "Sunday",
    }
}

fn offset_at(at: Timestamp, zone: Tz) -> i64 {
    offset_seconds(&zone.offset_from_utc_datetime(&at.to_utc().naive_utc()))
}

fn offset_seconds(offset: &TzOffset) -> i64 {
    i64::from(offset.fix().local_minus_utc())
}

#[cfg(test)]
mod tests {
    use chrono_tz::{America, Asia, Australia, Europe, Pacific, UTC};

    use super::*;

    fn utc(text: &str) -> Timestamp {
        text.parse::<chrono::DateTime<chrono::Utc>>().expect("a time").into()
    }

    fn date(text: &str) -> NaiveDate {
        text.parse().expect("a date")
    }

    #[track_caller]
    fn check_wall(text: &str, zone: Tz, first: &str, last: &str) {
        let wall = WallTime::read(text.parse().expect("a wall time"), zone);
        assert_eq!([wall.first(), wall.last()].map(|at| rfc3339(at, zone)), [first, last]);
    }

    #[track_caller]
    fn check_day(day: &str, zone: Tz, minutes: i64) {
        let Interval { start, end } = day_bounds(date(day), zone);
        assert_eq!(end.0 - start.0, minutes * 60, "{day} in {zone}");
        if minutes > 0 {
            assert_eq!(local_date(start, zone), date(day));
            assert_eq!(local_date(end.plus_seconds(-1), zone), date(day));
        }
    }

    #[track_caller]
    fn check_text(at: &str, zone: Tz, expected: [&str; 5]) {
        let (at, now) = (utc(at), utc("2027-06-01T00:00:00Z"));
        let texts = [
            rfc3339(at, zone),
            spoken(at, now, zone),
            confirmation(at, zone),
            clock_time(at, zone),
            spoken_date(local_date(at, zone)),
        ];
        assert_eq!(texts, expected);
    }

    #[test]
    fn a_time_that_occurs_twice_has_a_first_and_a_last() {
        check_wall(
            "2027-11-07T01:30:00",
            America::New_York,
            "2027-11-07T01:30:00-04:00",
            "2027-11-07T01:30:00-05:00",
        );
        check_wall(
            "2027-04-04T01:45:00",
            Australia::Lord_Howe,
            "2027-04-04T01:45:00+11:00",
            "2027-04-04T01:45:00+10:30",
        );
    }

    #[test]
    fn a_time_that_is_skipped_is_the_first_one_after() {
        let zone = America::New_York;
        let resumed = "2027-03-14T03:00:00-04:00";
        check_wall("2027-03-14T02:30:00", zone, resumed, resumed);
        let resumed = "2011-12-31T00:00:00+14:00";
        check_wall("2011-12-30T09:00:00", Pacific::Apia, resumed, resumed);
    }

    #[test]
    fn a_day_is_as_long_as_its_clocks_make_it() {
        check_day("2027-01-15", America::New_York, 24 * 60);
        check_day("2027-03-14", America::New_York, 23 * 60);
        check_day("2027-11-07", America::New_York, 25 * 60);
        check_day("2027-10-31", Europe::London, 25 * 60);
        check_day("2027-10-03", Australia::Lord_Howe, 23 * 60 + 30);
        check_day("2027-04-04", Australia::Lord_Howe, 24 * 60 + 30);
        check_day("2027-04-04", Asia::Kathmandu, 24 * 60);
        check_day("2011-12-29", Pacific::Apia, 24 * 60);
        check_day("2011-12-30", Pacific::Apia, 0);
        check_day("2011-12-31", Pacific::Apia, 24 * 60);
    }

    #[test]
    fn an_instant_is_written_and_said_in_the_shops_time() {
        check_text(
            "2027-01-15T14:00:00Z",
            America::New_York,
            [
                "2027-01-15T09:00:00-05:00",
                "Friday, January 15 at 9:00 AM",
                "January 15, 2027 at 09:00 AM",
                "9:00 AM",
                "January 15, 2027",
            ],
        );
        check_text(
            "2027-12-31T18:20:00Z",
            Asia::Kathmandu,
            [
                "2028-01-01T00:05:00+05:45",
                "Saturday, January 1, 2028 at 12:05 AM",
                "January 1, 2028 at 12:05 AM",
                "12:05 AM",
                "January 1, 2028",
            ],
        );
        check_text(
            "2026-07-04T12:00:00Z",
            UTC,
            [
                "2026-07-04T12:00:00+00:00",
                "Saturday, July 4, 2026 at 12:00 PM",
                "July 4, 2026 at 12:00 PM",
                "12:00 PM",
                "July 4, 2026",
            ],
        );
    }

    #[test]
    fn a_time_that_occurs_twice_is_said_with_which_is_meant() {
        let check = |at: &str, zone: Tz, expected: &str| {
            assert_eq!(spoken(utc(at), utc("2027-06-01T00:00:00Z"), zone), expected);
        };
        let zone = America::New_York;
        check("2027-11-07T04:59:59Z", zone, "Sunday, November 7 at 12:59 AM");
        let before = "Sunday, November 7 at 1:00 AM (before the clocks go back)";
        check("2027-11-07T05:00:00Z", zone, before);
        let after = "Sunday, November 7 at 1:59 AM (after the clocks go back)";
        check("2027-11-07T06:59:59Z", zone, after);
        check("2027-11-07T07:00:00Z", zone, "Sunday, November 7 at 2:00 AM");
        check("2027-03-14T07:00:00Z", zone, "Sunday, March 14 at 3:00 AM");
        // Lord Howe's clocks go back by half an hour.
        let zone = Australia::Lord_Howe;
        let before = "Sunday, April 4 at 1:45 AM (before the clocks go back)";
        check("2027-04-03T14:45:00Z", zone, before);
        let after = "Sunday, April 4 at 1:45 AM (after the clocks go back)";
        check("2027-04-03T15:15:00Z", zone, after);
    }

    #[test]
    fn a_date_has_its_weekday() {
        let days = (10..17).map(|day| NaiveDate::from_ymd_opt(2027, 5, day).map(day_of_week));
        let expected =
            ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];
        assert!(days.eq(expected.map(Some)));
    }

    #[test]
    fn the_ends_of_time_do_not_panic() {
        for zone in [America::New_York, Pacific::Kiritimati] {
            for at in [Timestamp(i64::MIN), Timestamp(i64::MAX)] {
                assert!(!rfc3339(at, zone).is_empty());
            }
            for day in [NaiveDate::MIN, NaiveDate::MAX] {
                let bounds = day_bounds(day, zone);
                assert!(bounds.start <= bounds.end);
            }
        }
    }
}
