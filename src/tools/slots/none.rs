//! Why nothing can be offered, in words.

use super::{Alternative, FreeDay, SAID_ALOUD, earliest, join};
use crate::domain::appointment::ServiceType;
use crate::domain::hours::Day;
use crate::domain::local_time::{clock_time, day_of_week, local_date, spoken_date};
use crate::domain::slots::Obstacle;
use crate::store::Resources;
use crate::tools::Call;

/// That nobody does this service, as a sentence; `None` where somebody does.
pub(in crate::tools) fn unserved(
    resources: &Resources,
    service: Option<ServiceType>,
) -> Option<String> {
    let who = if resources.bays_for(service).is_empty() {
        "bays"
    } else if resources.has_technicians() && resources.technicians_for(service).is_empty() {
        "technicians"
    } else {
        return None;
    };
    let service = service.map_or("that", ServiceType::as_str).replace('_', " ");
    Some(format!("None of the shop's {who} does {service}."))
}

/// `45 minutes`, `1 hour`, `2 days`: in the largest unit that says it exactly.
pub(in crate::tools) fn spoken_minutes(minutes: i64) -> String {
    let (count, unit) = match minutes {
        1.. if minutes % 1440 == 0 => (minutes / 1440, "day"),
        1.. if minutes % 60 == 0 => (minutes / 60, "hour"),
        _ => (minutes, "minute"),
    };
    format!("{count} {unit}{}", if count == 1 { "" } else { "s" })
}

/// Why none of these days has a free start.
pub(super) fn tell(
    days: &[FreeDay],
    unserved: Option<String>,
    duration_minutes: i64,
    call: &Call<'_>,
) -> String {
    let today = local_date(call.now, call.engine.shop().zone);
    let is_past = days.iter().all(|day| day.date < today);
    match (days, unserved) {
        ([day], _) if is_past => {
            format!("{} has already passed; nothing can be booked on it.", spoken_date(day.date))
        }
        (_, _) if is_past => {
            "Those days have already passed; nothing can be booked on them.".to_owned()
        }
        (_, Some(unserved)) => unserved,
        ([day], None) => tell_day(day, duration_minutes, call),
        (days, None) => tell_days(days, duration_minutes, call),
    }
}

/// The nearest times that are free, as a sentence to follow the reason.
pub(super) fn tell_nearest(alternatives: &[Alternative]) -> String {
    let mut nearest: Vec<&Alternative> = alternatives.iter().take(SAID_ALOUD).collect();
    // Aloud, times that jump back and forth are hard to follow.
    nearest.sort_by_key(|other| other.start);
    let times: Vec<String> = nearest.into_iter().map(|other| other.when.clone()).collect();
    match times.as_slice() {
        [] => String::new(),
        [only] => format!(" The nearest free time is {only}."),
        several => format!(" The nearest free times are {}.", join(several)),
    }
}

fn tell_day(day: &FreeDay, duration_minutes: i64, call: &Call<'_>) -> String {
    let shop = call.engine.shop();
    let name = format!("{}, {}", day_of_week(day.date), spoken_date(day.date));
    let visit = spoken_minutes(duration_minutes);
    let is_full = || format!("Nothing is free on {name} for a visit of {visit}.");
    match day.obstacle {
        Some(Obstacle::Closed) => {
            shop.hours.closed_sentence(day.date, shop.zone).unwrap_or_else(is_full)
        }
        Some(Obstacle::TooLong) => format!(
            "A visit of {} is longer than the shop is open at a stretch on {name}.",
            spoken_minutes(duration_minutes)
        ),
        Some(Obstacle::TooLate) => tell_too_late(day, &name, call),
        Some(Obstacle::TooFarAhead) => format!(
            "{name} is further ahead than the shop plans; visits can be booked up to {} ahead.",
            spoken_minutes(shop.booking.horizon_days.saturating_mul(1440))
        ),
        None => is_full(),
    }
}

fn tell_too_late(day: &FreeDay, name: &str, call: &Call<'_>) -> String {
    let shop = call.engine.shop();
    let closes = match shop.hours.on(day.date, shop.zone) {
        Day::Open { closes, .. } => closes,
        Day::Closed { .. } => call.now,
    };
    if closes <= call.now {
        return "The shop has already closed for today.".to_owned();
    }
    // Without a notice only what is left of today can be too short.
    if earliest(call) <= call.now.plus_seconds(1) {
        let closes = clock_time(closes, shop.zone);
        return format!("It is too late today for a visit this long; the shop closes at {closes}.");
    }
    let notice = spoken_minutes(shop.booking.minimum_notice_minutes);
    format!("It is too late to book a visit for {name}; the shop needs notice of {notice}.")
}

fn tell_days(days: &[FreeDay], duration_minutes: i64, call: &Call<'_>) -> String {
    let booking = &call.engine.shop().booking;
    let mut open = days.iter().map(|day| day.obstacle).filter(|it| *it != Some(Obstacle::Closed));
    let Some(first) = open.next() else {
        return "The shop is closed on all of these days.".to_owned();
    };
    match first.filter(|first| open.all(|other| other == Some(*first))) {
        Some(Obstacle::TooLong) => format!(
            "A visit of {} is longer than the shop is open at a stretch on any of these days.",
            spoken_minutes(duration_minutes)
        ),
        Some(Obstacle::TooFarAhead) => format!(
            "These days are further ahead than the shop plans; visits can be booked up to {} ahead.",
            spoken_minutes(booking.horizon_days.saturating_mul(1440))
        ),
        Some(Obstacle::TooLate) if booking.minimum_notice_minutes > 0 => format!(
            "It is too late to book a visit for any of these days; the shop needs notice of {}.",
            spoken_minutes(booking.minimum_notice_minutes)
        ),
        _ => "Nothing is free on any of these days.".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_length_of_time_is_said_in_the_unit_that_fits() {
        let check = |minutes, expected| assert_eq!(spoken_minutes(minutes), expected);
        check(0, "0 minutes");
        check(1, "1 minute");
        check(60, "1 hour");
        check(90, "90 minutes");
        check(300, "5 hours");
        check(1440, "1 day");
        check(525_600, "365 days");
    }
}
