//! Times and dates as callers write them.

use chrono::{Datelike, Days, NaiveDate, NaiveDateTime, NaiveTime, Weekday};
use chrono_tz::Tz;

use super::local_time::{WallTime, local_date};
use super::time::Timestamp;

/// The farthest that an offset may be from UTC, in seconds; the widest in use is 14 hours.
const MAX_OFFSET_SECONDS: i64 = 18 * 3600;
/// The years that a caller may write.
const YEARS: std::ops::RangeInclusive<u32> = 1970..=9999;

/// Why a caller's time or date cannot be used: a fragment to follow the field's name.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum InvalidTime {
    /// No time at all.
    #[error("is not a time; write 2027-01-15T09:00, 2027-01-15T09:00:00-05:00 or tomorrow 09:00")]
    NotATime,
    /// A day where a time is needed.
    #[error(
        "is a day without a time of day; write 2027-01-15T09:00, 2027-01-15T09:00:00-05:00 or \
         tomorrow 09:00"
    )]
    TimeMissing,
    /// No date at all.
    #[error("is not a date; write it as 2027-01-15")]
    NotADate,
    /// Neither a date nor the name of a day.
    #[error("is not a day; write 2027-01-15, today, tomorrow or a weekday such as Friday")]
    NotADay,
    /// Neither a day nor a time, where either would do.
    #[error(
        "is neither a day nor a time; write 2027-01-15, today, tomorrow, a weekday such as \
         Friday, or 2027-01-15T09:00"
    )]
    NeitherDayNorTime,
    /// A date such as February 30.
    #[error("is a date that the calendar does not have")]
    NoSuchDate,
    /// A year that no appointment, invoice or vehicle sale falls in.
    #[error("is outside the years 1970 to 9999")]
    Year,
    /// An offset from UTC that no place has.
    #[error("has an offset of more than 18 hours from UTC")]
    Offset,
    /// A local time that does not come, with the two real ones to offer instead.
    #[error("is a local time that a clock change skips")]
    Skipped {
        /// The wall time read with the offset after the gap: as long before the gap's end as the
        /// wanted time is.
        before: Timestamp,
        /// The wall time read with the offset before the gap: as long after the gap's start as
        /// the wanted time is.
        after: Timestamp,
    },
}

/// The instant that a caller wrote: RFC 3339, or the shop's local time where no offset is given.
///
/// `T` may be a space, letters may be small, seconds may be left out, and a fraction of a second
/// is cut off. A local time that occurs twice means the first. The date of a local time may also
/// be named, as in `tomorrow 09:00`, `Friday at 2 pm` or `todayT14:00`.
///
/// # Errors
/// Anything else, years outside 1970 to 9999, offsets beyond 18 hours, and local times that a
/// clock change skips.
pub fn parse_instant(text: &str, now: Timestamp, zone: Tz) -> Result<Timestamp, InvalidTime> {
    let text = text.trim();
    if let Some((date, rest)) = split_named_day(text, now, zone) {
        return at_local_time(date?.and_time(time_of_named_day(rest)?), zone);
    }
    let (date, rest) = text.split_at_checked(10).ok_or(InvalidTime::NotATime)?;
    let date = parse_date(date).map_err(|error| match error {
        InvalidTime::NotADate => InvalidTime::NotATime,
        other => other,
    })?;
    if rest.is_empty() {
        return Err(InvalidTime::TimeMissing);
    }
    let rest = rest.strip_prefix(['T', 't', ' ']).ok_or(InvalidTime::NotATime)?;
    let (time, rest) = split_time(rest).ok_or(InvalidTime::NotATime)?;
    let wall = date.and_time(time);
    if rest.is_empty() {
        return at_local_time(wall, zone);
    }
    let offset = offset_seconds(rest).ok_or(InvalidTime::NotATime)?;
    if offset.abs() > MAX_OFFSET_SECONDS {
        return Err(InvalidTime::Offset);
    }
    Ok(Timestamp(wall.and_utc().timestamp()).plus_seconds(-offset))
}

/// The date that a caller wrote: `YYYY-MM-DD`, with all its digits.
///
/// # Errors
/// Anything else, dates that do not exist, and years outside 1970 to 9999.
pub fn parse_date(text: &str) -> Result<NaiveDate, InvalidTime> {
    let mut parts = text.split('-');
    let mut part = |length| parts.next().and_then(|part| digits(part, length));
    let (Some(year), Some(month), Some(day)) = (part(4), part(2), part(2)) else {
        return Err(InvalidTime::NotADate);
    };
    if parts.next().is_some() {
        return Err(InvalidTime::NotADate);
    }
    if !YEARS.contains(&year) {
        return Err(InvalidTime::Year);
    }
    let year = i32::try_from(year).map_err(|_| InvalidTime::Year)?;
    NaiveDate::from_ymd_opt(year, month, day).ok_or(InvalidTime::NoSuchDate)
}

/// The day that a person means: `YYYY-MM-DD`, `today`, `tomorrow`, or a weekday, which is the
/// next one, today included; in any letter case.
///
/// # Errors
/// Anything else, dates that do not exist, and years outside 1970 to 9999.
pub fn parse_day(text: &str, now: Timestamp, zone: Tz) -> Result<NaiveDate, InvalidTime> {
    let text = text.trim();
    named_day(text, now, zone).unwrap_or_else(|| {
        parse_date(text).map_err(|error| match error {
            InvalidTime::NotADate => InvalidTime::NotADay,
            other => other,
        })
    })
}

/// The date of `today`, `tomorrow` or a weekday; `None` where `word` is none of them.
fn named_day(word: &str, now: Timestamp, zone: Tz) -> Option<Result<NaiveDate, InvalidTime>> {
    let today = local_date(now, zone);
    let days = match word.to_ascii_lowercase().as_str() {
        "today" => 0,
        "tomorrow" => 1,
        word => word.parse::<Weekday>().ok()?.days_since(today.weekday()),
    };
    Some(today.checked_add_days(Days::new(days.into())).ok_or(InvalidTime::Year))
}

/// The date of the day's name at the front of `text`, and what follows it.
fn split_named_day(
    text: &str,
    now: Timestamp,
    zone: Tz,
) -> Option<(Result<NaiveDate, InvalidTime>, &str)> {
    let end = text.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(text.len());
    let split = |end| {
        let (word, rest) = text.split_at_checked(end)?;
        Some((named_day(word, now, zone)?, rest))
    };
    // The T of `fridayT09:00` is no part of the name.
    split(end).or_else(|| split(end.checked_sub(1)?))
}

/// The time of day after a day's name: `T14:00`, ` 14:00:00`, ` at 2 pm`.
fn time_of_named_day(text: &str) -> Result<NaiveTime, InvalidTime> {
    if text.is_empty() {
        return Err(InvalidTime::TimeMissing);
    }
    let time = text.strip_prefix(['T', 't', ' ']).ok_or(InvalidTime::NotATime)?;
    let time = time.trim_start().to_ascii_lowercase();
    let time = time.strip_prefix("at ").map_or(time.as_str(), str::trim_start);
    let whole = split_time(time).filter(|(_, rest)| rest.is_empty()).map(|(time, _)| time);
    whole.or_else(|| twelve_hour_time(time)).ok_or(InvalidTime::NotATime)
}

/// The time of day that `9:00 am`, `2pm` or `2 p.m.` is.
fn twelve_hour_time(text: &str) -> Option<NaiveTime> {
    let half = |signs: [&str; 2]| signs.iter().find_map(|&sign| text.strip_suffix(sign));
    let (time, is_afternoon) = match (half(["am", "a.m."]), half(["pm", "p.m."])) {
        (Some(time), _) => (time, false),
        (None, Some(time)) => (time, true),
        (None, None) => return None,
    };
    let (hour, minute) = time.trim_end().split_once(':').unwrap_or((time.trim_end(), "00"));
    let hour =
        digits(hour, 1).or_else(|| digits(hour, 2)).filter(|hour| (1..=12).contains(hour))?;
    NaiveTime::from_hms_opt(hour % 12 + if is_afternoon { 12 } else { 0 }, digits(minute, 2)?, 0)
}

/// The instant at which the shop's clock first shows this.
fn at_local_time(wall: NaiveDateTime, zone: Tz) -> Result<Timestamp, InvalidTime> {
    match WallTime::read(wall, zone) {
        WallTime::Real { first, .. } => Ok(first),
        WallTime::Skipped { before, after, .. } => Err(InvalidTime::Skipped { before, after }),
    }
}

/// The time of day at the front of `text`, and what follows it.
fn split_time(text: &str) -> Option<(NaiveTime, &str)> {
    let (hour, rest) = two_digits(text)?;
    let (minute, rest) = two_digits(rest.strip_prefix(':')?)?;
    let (second, rest) = match rest.strip_prefix(':') {
        Some(rest) => {
            let (second, rest) = two_digits(rest)?;
            (second, without_fraction(rest)?)
        }
        None => (0, rest),
    };
    Some((NaiveTime::from_hms_opt(hour, minute, second)?, rest))
}

/// What follows a fraction of a second, where there is one.
fn without_fraction(text: &str) -> Option<&str> {
    let Some(fraction) = text.strip_prefix('.') else { return Some(text) };
    let rest = fraction.trim_start_matches(|c: char| c.is_ascii_digit());
    (rest.len() < fraction.len()).then_some(rest)
}

/// The seconds of `Z`, `-05:00` or `-0500`, the form without a colon being common in programs.
fn offset_seconds(text: &str) -> Option<i64> {
    if text.eq_ignore_ascii_case("z") {
        return Some(0);
    }
    let (sign, rest) = match text.strip_prefix('-') {
        Some(rest) => (-1, rest),
        None => (1, text.strip_prefix('+')?),
    };
    let (hours, rest) = two_digits(rest)?;
    let minutes = digits(rest.strip_prefix(':').unwrap_or(rest), 2)?;
    (minutes < 60).then(|| sign * i64::from(hours * 3600 + minutes * 60))
}

fn two_digits(text: &str) -> Option<(u32, &str)> {
    let (number, rest) = text.split_at_checked(2)?;
    Some((digits(number, 2)?, rest))
}

/// The number that exactly `length` digits write; no sign, no space.
fn digits(text: &str, length: usize) -> Option<u32> {
    let plain = text.len() == length && text.bytes().all(|byte| byte.is_ascii_digit());
    plain.then(|| text.parse().ok()).flatten()
}

#[cfg(test)]
mod tests;
