//! Recurrence rules (RFC 5545, 3.3.10).

use std::str::FromStr;

use chrono::{Datelike, Month, NaiveDateTime, NaiveTime, TimeDelta, Weekday};
use chrono_tz::Tz;
use rrule::{Frequency, NWeekday, RRule, Unvalidated};

use crate::domain::local_time::wall_clock;

use super::super::when::When;
use super::Walls;

/// The most times that are counted from an event's first one.
const MOST: usize = 20_000;
/// What is before that, or later, is no event of a shop's.
const YEARS: std::ops::RangeInclusive<i32> = 1900..=2200;

/// When an event that begins at `start` takes place by this rule, on the clock of its zone, within
/// `walls`; `None` where the rule is not understood, or means too many times.
pub fn times(rule: &str, start: When, walls: Walls, shop: Tz) -> Option<Vec<NaiveDateTime>> {
    let first = start.wall();
    let Rule { rule, until } = Rule::parse(rule, start.zone(shop))?;
    let (from, to) = (walls.0, until.map_or(walls.1, |until| until.min(walls.1)));
    if to < first {
        return Some(Vec::new());
    }
    if ![first, from, to].iter().all(|at| YEARS.contains(&at.year())) {
        return None;
    }
    // The library is told that all of this is UTC: it means a time on the clock, and gets those wrong
    // that are near a change of the clock.
    let begin = skip(&rule, first, from).and_utc().with_timezone(&rrule::Tz::UTC);
    let set = rule.build(begin).ok()?.limit();
    let mut found = Vec::new();
    for (count, at) in set.into_iter().enumerate() {
        let at = at.naive_utc();
        if at > to {
            break;
        }
        if count >= MOST {
            return None;
        }
        if at >= from {
            found.push(at);
        }
    }
    Some(found)
}

/// The last time before `from` that lies whole periods behind `first`, where that means the same times.
fn skip(rule: &RRule<Unvalidated>, first: NaiveDateTime, from: NaiveDateTime) -> NaiveDateTime {
    let days = match rule.get_freq() {
        Frequency::Daily => 1,
        Frequency::Weekly => 7,
        _ => return first,
    };
    let days = days * i64::from(rule.get_interval().max(1));
    let periods = from.signed_duration_since(first).num_days() / days - 1;
    if rule.get_count().is_some() || periods <= 0 {
        return first;
    }
    let skipped = TimeDelta::try_days(periods * days);
    skipped.and_then(|skipped| first.checked_add_signed(skipped)).unwrap_or(first)
}

struct Rule {
    rule: RRule<Unvalidated>,
    until: Option<NaiveDateTime>,
}

impl Rule {
    /// Reads the parts here: the library does so with a large parser for whole calendars.
    fn parse(text: &str, zone: Tz) -> Option<Self> {
        let text = text.to_ascii_uppercase();
        let parts = || text.split(';').map(str::trim).filter(|part| !part.is_empty());
        let frequency = parts().find_map(|part| part.strip_prefix("FREQ="))?;
        let mut rule = RRule::new(match frequency {
            "DAILY" => Frequency::Daily,
            "WEEKLY" => Frequency::Weekly,
            "MONTHLY" => Frequency::Monthly,
            "YEARLY" => Frequency::Yearly,
            _ => return None,
        });
        let mut until = None;
        for part in parts() {
            let (name, value) = part.split_once('=')?;
            rule = match name {
                "FREQ" => rule,
                "INTERVAL" => rule.interval(value.parse().ok().filter(|&interval| interval > 0)?),
                "COUNT" => rule.count(value.parse().ok().filter(|&count| count > 0)?),
                "UNTIL" => {
                    until = Some(last(value, zone)?);
                    rule
                }
                "WKST" => rule.week_start(weekday(value)?),
                "BYDAY" => rule.by_weekday(list(value, nth_weekday)?),
                "BYMONTH" => {
                    let month = |text: &str| Month::try_from(text.parse::<u8>().ok()?).ok();
                    rule.by_month(&list(value, month)?)
                }
                "BYMONTHDAY" => rule.by_month_day(numbers(value)?),
                "BYYEARDAY" => rule.by_year_day(numbers(value)?),
                "BYWEEKNO" => rule.by_week_no(numbers(value)?),
                "BYSETPOS" => rule.by_set_pos(numbers(value)?),
                "BYHOUR" => rule.by_hour(numbers(value)?),
                "BYMINUTE" => rule.by_minute(numbers(value)?),
                "BYSECOND" => rule.by_second(numbers(value)?),
                _ => return None,
            };
        }
        Some(Self { rule, until })
    }
}

/// The last time on the clock of `zone` that `UNTIL` lets through.
fn last(value: &str, zone: Tz) -> Option<NaiveDateTime> {
    match When::parse(value, zone)? {
        When::Day(day) => {
            day.and_time(NaiveTime::MIN).checked_add_signed(TimeDelta::seconds(86_399))
        }
        at @ When::Time { .. } => Some(wall_clock(at.start(zone), zone)),
    }
}

fn list<T>(value: &str, read: impl Fn(&str) -> Option<T>) -> Option<Vec<T>> {
    value.split(',').map(|value| read(value.trim())).collect()
}

fn numbers<T: FromStr>(value: &str) -> Option<Vec<T>> {
    list(value, |number| number.parse().ok())
}

/// `MO`, `1MO`, `-1FR`.
fn nth_weekday(text: &str) -> Option<NWeekday> {
    let (number, day) = text.split_at_checked(text.len().checked_sub(2)?)?;
    let number = if number.is_empty() { None } else { Some(number.parse().ok()?) };
    Some(NWeekday::new(number, weekday(day)?))
}

fn weekday(text: &str) -> Option<Weekday> {
    Some(match text {
        "MO" => Weekday::Mon,
        "TU" => Weekday::Tue,
        "WE" => Weekday::Wed,
        "TH" => Weekday::Thu,
        "FR" => Weekday::Fri,
        "SA" => Weekday::Sat,
        "SU" => Weekday::Sun,
        _ => return None,
    })
}
