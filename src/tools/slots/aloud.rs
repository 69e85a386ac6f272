//! Free times as the voice profile tells them: all of them in a sentence, and three to choose from.

use super::{AvailableSlots, FreeDay, SAID_ALOUD, join};
use crate::domain::local_time::{clock_time, day_of_week, spoken_date};
use crate::domain::time::Timestamp;
use crate::tools::Call;

/// How many other times a reply has room for, in its sentence and beside it.
pub(super) const ALTERNATIVES: usize = 1;
/// How many stretches of free times a sentence names.
const SAID_STRETCHES: usize = 3;

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
    let mut stretches = stretches(&first.starts, shop.booking.slot_interval_minutes);
    let more = if stretches.len() > SAID_STRETCHES { ", and more" } else { "" };
    stretches.truncate(SAID_STRETCHES);
    let said: Vec<String> = stretches
        .into_iter()
        .map(|(first, last)| match first == last {
            true => clock(first),
            false => format!("{} to {}", clock(first), clock(last)),
        })
        .collect();
    let day = format!("{}, {}", day_of_week(first.date), spoken_date(first.date));
    format!("Free starts on {day}: {}{more}.", join(&said))
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
