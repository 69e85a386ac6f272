//! Free times as the voice profile tells them: all of them in a sentence, and three to choose from.

use chrono::{Datelike, NaiveDate};

use super::{AvailableSlots, FreeDay, SAID_ALOUD, join, none, spoken_minutes};
use crate::domain::local_time::{clock_time, local_date};
use crate::domain::slots::Obstacle;
use crate::domain::time::Timestamp;
use crate::tools::Call;

/// How many other times a reply has room for.
pub(super) const ALTERNATIVES: usize = 1;
/// How many stretches of free times a sentence names.
const SAID_STRETCHES: usize = 3;
/// How long the sentence may be, so that three starts and their duration have room beside it.
const MOST_CHARACTERS: usize = 56;

impl AvailableSlots {
    /// The first three starts of the first day that has some.
    pub(super) fn aloud(mut self) -> Self {
        let free = self
            .by_date
            .take()
            .and_then(|days| days.into_iter().find(|day| !day.available_slots.is_empty()));
        if let Some(free) = free {
            self.day = free;
        }
        self.day.available_slots.truncate(SAID_ALOUD);
        self
    }
}

/// The free starts of the first day that has some: where many follow each other, the first and last.
pub(super) fn tell(days: &[FreeDay], call: &Call<'_>) -> String {
    let shop = call.engine.shop();
    let Some(first) = days.iter().find(|day| !day.starts.is_empty()) else { return String::new() };
    let clock = |start| clock_time(start, shop.zone);
    let stretches = stretches(&first.starts, shop.booking.slot_interval_minutes);
    let said: Vec<String> =
        stretches.into_iter().map(|(first, last)| say(&clock(first), &clock(last))).collect();
    sentence(&day(first.date, call), &said)
}

/// The fullest sentence for which there is room.
fn sentence(day: &str, stretches: &[String]) -> String {
    let most = stretches.len().min(SAID_STRETCHES);
    let sentences = (1..=most).rev().flat_map(|count| {
        let more = if count < stretches.len() { ", and more" } else { "" };
        let said = stretches.get(..count).unwrap_or_default();
        let (joined, listed) = (join(said), said.join(", "));
        [
            format!("Free starts on {day}: {joined}{more}."),
            format!("Free {day}: {joined}{more}."),
            format!("Free {day}: {listed}{more}."),
            format!("{day}: {listed}{more}."),
        ]
    });
    let shortest = || format!("Free on {day}.");
    let mut fitting = sentences.filter(|sentence| sentence.chars().count() <= MOST_CHARACTERS);
    fitting.next().unwrap_or_else(shortest)
}

/// `9 to 11:30 AM`.
fn say(first: &str, last: &str) -> String {
    if first == last {
        return plain(first);
    }
    let half = |clock: &str| clock.get(clock.len().saturating_sub(3)..).map(str::to_owned);
    if half(first) == half(last) {
        let first = plain(first);
        let first = first.split(' ').next().unwrap_or_default();
        return format!("{first} to {}", plain(last));
    }
    format!("{} to {}", plain(first), plain(last))
}

/// `9 AM` for `9:00 AM`.
fn plain(clock: &str) -> String {
    clock.replacen(":00", "", 1)
}

/// `Wednesday, January 15`, with the year where it is not this one.
fn day(date: NaiveDate, call: &Call<'_>) -> String {
    let this_year = local_date(call.now, call.engine.shop().zone).year();
    let format = if date.year() == this_year { "%A, %B %-d" } else { "%A, %B %-d, %Y" };
    date.format(format).to_string()
}

/// Why nothing is free, shortly: beside it, the nearest time that is has a `when` of its own.
pub(super) fn tell_none(
    days: &[FreeDay],
    unserved: Option<String>,
    duration_minutes: i64,
    call: &Call<'_>,
) -> String {
    let shop = call.engine.shop();
    let today = local_date(call.now, shop.zone);
    let obstacle = match days {
        [one] if one.date < today => return format!("{} has passed.", day(one.date, call)),
        [one] if unserved.is_none() => one.obstacle,
        _ => return none::tell(days, unserved, duration_minutes, call),
    };
    let only = days.first();
    let reason =
        only.and_then(|one| one.closed_reason.as_deref()).map(|it| it.trim_end_matches('.'));
    match (obstacle, reason) {
        (Some(Obstacle::Closed), Some(reason)) if reason.starts_with("Closed") => {
            format!("{reason}.")
        }
        (Some(Obstacle::Closed), Some(reason)) => format!("Closed: {reason}."),
        (Some(Obstacle::TooLong), _) => {
            format!("A visit of {} is too long for that day.", spoken_minutes(duration_minutes))
        }
        (Some(Obstacle::TooFarAhead), _) => {
            let ahead = spoken_minutes(shop.booking.horizon_days.saturating_mul(1440));
            format!("Too far: visits can be booked {ahead} ahead.")
        }
        (Some(Obstacle::TooLate), _) if shop.booking.minimum_notice_minutes > 0 => {
            let notice = spoken_minutes(shop.booking.minimum_notice_minutes);
            format!("Too late: the shop needs notice of {notice}.")
        }
        (Some(Obstacle::TooLate), _) => "It is too late for today.".to_owned(),
        // A shorter visit may have room.
        (_, _) => {
            format!("Nothing is free that day for {}.", spoken_minutes(duration_minutes))
        }
    }
}

/// Starts that follow each other at the shop's interval, as the first and the last of them.
fn stretches(starts: &[Timestamp], interval_minutes: i64) -> Vec<(Timestamp, Timestamp)> {
    let mut stretches: Vec<(Timestamp, Timestamp)> = Vec::new();
    for &start in starts {
        match stretches.last_mut() {
            Some((_, last)) if last.plus_minutes(interval_minutes) == start => *last = start,
            _ => stretches.push((start, start)),
        }
    }
    stretches
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stretch_is_said_with_as_few_words_as_it_needs() {
        let check = |first, last, expected| assert_eq!(say(first, last), expected);
        check("9:00 AM", "11:30 AM", "9 to 11:30 AM");
        check("9:30 AM", "4:00 PM", "9:30 AM to 4 PM");
        check("12:00 PM", "12:00 PM", "12 PM");
        check("10:15 AM", "10:15 AM", "10:15 AM");
    }

    #[test]
    fn the_fullest_sentence_that_fits_is_told() {
        let check = |day, stretches: &[&str], expected: &str| {
            let stretches: Vec<String> = stretches.iter().map(|&said| said.to_owned()).collect();
            assert_eq!(sentence(day, &stretches), expected);
            assert!(expected.len() <= MOST_CHARACTERS, "{}", expected.len());
        };
        check("Friday, May 7", &["9 AM to 4 PM"], "Free starts on Friday, May 7: 9 AM to 4 PM.");
        check(
            "Monday, November 30",
            &["9 to 11:30 AM", "1 to 4:30 PM"],
            "Free Monday, November 30: 9 to 11:30 AM, 1 to 4:30 PM.",
        );
        check(
            "Wednesday, September 30",
            &["10 to 11:30 AM", "1 to 4:30 PM"],
            "Wednesday, September 30: 10 to 11:30 AM, 1 to 4:30 PM.",
        );
        check(
            "Wednesday, September 30, 2027",
            &["9 AM", "10 to 11:30 AM", "1 PM", "3 PM"],
            "Free Wednesday, September 30, 2027: 9 AM, and more.",
        );
    }

    #[test]
    fn starts_that_follow_each_other_are_one_stretch() {
        let at = |minutes: i64| Timestamp(minutes * 60);
        let check = |starts: &[i64], expected: &[(i64, i64)]| {
            let starts: Vec<_> = starts.iter().map(|&minutes| at(minutes)).collect();
            let expected: Vec<_> = expected.iter().map(|&(a, b)| (at(a), at(b))).collect();
            assert_eq!(stretches(&starts, 30), expected);
        };
        check(&[], &[]);
        check(&[0], &[(0, 0)]);
        check(&[0, 30, 60, 120, 180, 210], &[(0, 60), (120, 120), (180, 210)]);
        check(&[0, 15, 30], &[(0, 0), (15, 15), (30, 30)]);
    }
}
