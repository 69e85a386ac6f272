//! Free times: what is offered can be booked, and what is not offered cannot.

use chrono::{DateTime, Days, NaiveDate};
use serde_json::Value;

use super::calendar::Instant;
use super::judge::{Change, Verdict};
use super::ledger::{Ledger, Wanted};
use super::replies::{same, success};
use crate::reply::Reply;

/// Judges a reply of `get_available_slots`.
pub fn judge_slots(
    ledger: &Ledger,
    date: NaiveDate,
    days: u64,
    wanted: &Wanted<'_>,
    reply: &Reply,
    now: Instant,
) -> Verdict {
    let data = success(reply)?;
    same(&data["duration_minutes"], wanted.minutes)?;
    check_day(ledger, date, wanted, data, now)?;
    if days > 1 {
        let listed = data["by_date"].as_array().ok_or("no by_date for several days")?;
        same(&listed.len().into(), days)?;
        for (ahead, day) in (0..days).zip(listed) {
            check_day(ledger, date + Days::new(ahead), wanted, day, now)?;
        }
    }
    let offers = alternatives(&data["alternatives"])?;
    check_free(ledger, wanted, &offers, now)?;
    Ok(Change::Nothing)
}

fn check_day(
    ledger: &Ledger,
    date: NaiveDate,
    wanted: &Wanted<'_>,
    day: &Value,
    now: Instant,
) -> Result<(), String> {
    let calendar = &ledger.calendar;
    same(&day["date"], date.to_string())?;
    same(&day["day_of_week"], date.format("%A").to_string())?;
    same(&day["closed_reason"].is_string().into(), calendar.is_closed(date))?;
    let expected = ledger.free_starts(date, wanted, now);
    let expected: Vec<String> = expected.into_iter().map(|at| calendar.rfc3339(at)).collect();
    let got = day["available_slots"].as_array().ok_or("no list of slots")?;
    let got: Vec<String> =
        got.iter().map(|slot| slot.as_str().unwrap_or_default().to_owned()).collect();
    let is_offered = |slot: &&String| got.contains(slot);
    let (offered, missing): (Vec<_>, Vec<_>) = expected.iter().partition(is_offered);
    if !got.iter().eq(offered) {
        let taken: Vec<_> = got.iter().filter(|slot| !expected.contains(slot)).collect();
        return Err(format!("offered on {date}, though not free: {taken:?}, or out of order"));
    }
    // On shared dates others may have taken them.
    if ledger.is_complete && !missing.is_empty() {
        return Err(format!("not offered on {date}, though free: {missing:?}"));
    }
    Ok(())
}

/// Checks the offers of a refusal: up to five, all free, and on the dates around none nearer left
/// out.
pub fn check_alternatives(
    ledger: &Ledger,
    wanted: &Wanted<'_>,
    reply: &Reply,
    now: Instant,
) -> Result<(), String> {
    let offers = alternatives(&reply.envelope["data"]["alternatives"])?;
    check_free(ledger, wanted, &offers, now)?;
    let distance = |start: Instant| (start - wanted.start).abs();
    if !offers.is_sorted_by_key(|start| distance(*start)) {
        return Err("the nearest alternative is not the first".to_owned());
    }
    let farthest = if offers.len() == 5 { distance(offers[4]) } else { Instant::MAX };
    let date = ledger.calendar.date(wanted.start);
    let is_near = |other: &&NaiveDate| (**other - date).num_days().abs() <= 1;
    let dates = ledger.dates.iter().filter(is_near);
    let mut free = dates.flat_map(|date| ledger.free_starts(*date, wanted, now));
    match free.find(|start| distance(*start) < farthest && !offers.contains(start)) {
        None => Ok(()),
        Some(start) => Err(format!("{} is free, and not offered", ledger.calendar.rfc3339(start))),
    }
}

fn check_free(
    ledger: &Ledger,
    wanted: &Wanted<'_>,
    offers: &[Instant],
    now: Instant,
) -> Result<(), String> {
    if offers.len() > 5 {
        return Err(format!("{} alternatives", offers.len()));
    }
    let taken = offers.iter().find(|start| {
        let date = ledger.calendar.date(**start);
        ledger.dates.contains(&date) && !ledger.free_starts(date, wanted, now).contains(start)
    });
    match taken {
        None => Ok(()),
        Some(start) => {
            Err(format!("{} is offered, though not free", ledger.calendar.rfc3339(*start)))
        }
    }
}

/// The starts of a list of alternatives, which may be missing.
fn alternatives(list: &Value) -> Result<Vec<Instant>, String> {
    let read = |offer: &Value| {
        let start = offer["scheduled_at"].as_str().ok_or("an alternative without a start")?;
        let start = DateTime::parse_from_rfc3339(start).map_err(|error| error.to_string())?;
        offer["when"]
            .as_str()
            .map(|_| start.timestamp())
            .ok_or("an alternative without when".to_owned())
    };
    list.as_array().map_or(Ok(Vec::new()), |list| list.iter().map(read).collect())
}
