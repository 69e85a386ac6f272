//! Random operations, mostly at times at which something is decided.

use chrono::{DateTime, NaiveTime, TimeDelta};
use fastrand::Rng;

use super::calendar::Instant;
use super::ledger::{Fate, Ledger};
use super::operation::{Operation, Time};
use super::plan::SERVICES;
use crate::data;
use crate::shop::Owner;

const DURATIONS: [i64; 10] = [5, 15, 15, 30, 45, 60, 61, 90, 150, 300];
const STATUSES: [&str; 4] = ["confirmed", "in_progress", "completed", "no_show"];

/// A customer whom nobody knows.
const NOBODY: i64 = 987_654;

/// The next call on the dates of `ledger`.
pub fn operation(rng: &mut Rng, ledger: &Ledger) -> Operation {
    // Nothing more happens to most of those that are over.
    let all = some(rng, 6).is_some();
    let visits = ledger.visits.iter().filter(|(_, visit)| all || visit.occupies());
    let visit = rng.choice(visits.map(|(id, _)| *id).collect::<Vec<_>>());
    let hold = rng.choice(ledger.holds.keys()).cloned();
    let kept = ledger.holds.iter().filter(|(_, hold)| hold.fate == Fate::Kept).map(|(id, _)| id);
    let kept = rng.choice(kept.collect::<Vec<_>>()).cloned();
    match (rng.u32(0..100), visit, hold, kept) {
        (0..22, ..) => slots(rng, ledger),
        (22..34, ..) => hold_slot(rng, ledger),
        (34..43, _, _, Some(hold)) | (43..45, _, Some(hold), _) => book_hold(rng, ledger, hold),
        (45..48, _, _, Some(hold)) | (48..50, _, Some(hold), _) => Operation::Release { hold },
        (50..64, Some(id), ..) => {
            let (time, minutes) = (time(rng, ledger), some(rng, 4).map(|()| duration(rng)));
            Operation::Move { id, time, minutes }
        }
        (64..69, Some(id), ..) => Operation::Cancel { id },
        (69..78, Some(id), ..) => status(rng, ledger, id),
        (78..80, Some(id), ..) => same_again(ledger, id),
        _ => book(rng, ledger),
    }
}

fn slots(rng: &mut Rng, ledger: &Ledger) -> Operation {
    let first = rng.usize(0..ledger.dates.len());
    let most = (ledger.dates.len() - first) as u64;
    let days = if rng.bool() { 1 } else { rng.u64(1..=most) };
    let minutes = some(rng, 2).map(|()| duration(rng));
    Operation::Slots { date: ledger.dates[first], days, service: any_service(rng), minutes }
}

fn hold_slot(rng: &mut Rng, ledger: &Ledger) -> Operation {
    Operation::Hold {
        time: time(rng, ledger),
        service: any_service(rng),
        minutes: some(rng, 3).map(|()| duration(rng)),
        hold_minutes: some(rng, 2).map(|()| rng.i64(1..=15)),
        key: some(rng, 4).map(|()| format!("key {}", data::unique())),
    }
}

fn book(rng: &mut Rng, ledger: &Ledger) -> Operation {
    let mut owner = owner(rng, ledger);
    match rng.u32(0..50) {
        0 => owner.customer_id = NOBODY,
        1 => owner.vehicle_id = self::owner(rng, ledger).vehicle_id,
        _ => {}
    }
    let minutes = some(rng, 2).map(|()| duration(rng));
    let (time, service) = (Some(time(rng, ledger)), service(rng));
    Operation::Book { owner, time, service, minutes, hold: None }
}

/// A hold mostly becomes what it was made for.
fn book_hold(rng: &mut Rng, ledger: &Ledger, id: String) -> Operation {
    let hold = &ledger.holds[&id];
    let mut owner = owner(rng, ledger);
    let mut service = hold.service.filter(|_| rng.u32(0..5) > 0).unwrap_or_else(|| service(rng));
    if let Fate::Booked(_, visit) = &hold.fate
        && rng.bool()
    {
        let Owner { customer_id, vehicle_id } = &mut owner;
        (*customer_id, *vehicle_id, service) = (visit.customer_id, visit.vehicle_id, visit.service);
    }
    // Whether the very same visit without the hold uses the hold up is nobody's promise.
    let is_taken = |owner: Owner| {
        let mut visits = ledger.visits.values();
        visits.any(|visit| (visit.vehicle_id, visit.start) == (owner.vehicle_id, hold.start))
    };
    if hold.fate == Fate::Kept && is_taken(owner) {
        return Operation::Release { hold: id };
    }
    let time = match rng.u32(0..10) {
        0 => Some(time(rng, ledger)).filter(|time| time.instant.is_some()),
        1..4 => Some(write(rng, ledger, hold.start)),
        _ => None,
    };
    // A used one is asked for as it was, so that it is clear what has to be said.
    let is_kept = hold.fate == Fate::Kept;
    let minutes = some(rng, 5).map(|()| duration(rng)).filter(|_| is_kept);
    let time = time.filter(|_| is_kept);
    Operation::Book { owner, time, service, minutes, hold: Some(id) }
}

/// More work under the same status may be news or not, so it is not told of.
fn status(rng: &mut Rng, ledger: &Ledger, id: i64) -> Operation {
    let status = *rng.choice(&STATUSES).unwrap();
    let visit = &ledger.visits[&id];
    let is_work = matches!(status, "in_progress" | "completed") && visit.status != status;
    let is_clear = is_work || visit.occupies() && !matches!(status, "in_progress" | "completed");
    let work = some(rng, 4).filter(|()| is_clear).map(|()| "looked at it");
    Operation::Status { id, status, work }
}

/// The booking of an appointment once more.
fn same_again(ledger: &Ledger, id: i64) -> Operation {
    let visit = &ledger.visits[&id];
    let time = Time { text: ledger.calendar.rfc3339(visit.start), instant: Some(visit.start) };
    Operation::Book {
        owner: Owner { customer_id: visit.customer_id, vehicle_id: visit.vehicle_id },
        time: Some(time),
        service: visit.service,
        minutes: Some(visit.minutes),
        hold: None,
    }
}

/// A time on the grid, around what is taken, or anywhere.
fn time(rng: &mut Rng, ledger: &Ledger) -> Time {
    let date = *rng.choice(&ledger.dates).unwrap();
    match rng.u32(0..20) {
        0 => {
            let text = "2020-01-05T03:00:00Z";
            let instant = DateTime::parse_from_rfc3339(text).unwrap().timestamp();
            Time { text: text.to_owned(), instant: Some(instant) }
        }
        1..3 => wall_time(rng, ledger),
        3..7 => midnight(rng, ledger),
        7..13 if !ledger.visits.is_empty() => {
            let start = around(rng, ledger);
            write(rng, ledger, start)
        }
        _ => {
            let grid = ledger.calendar.grid(date).into_iter();
            let open = grid.filter(|start| ledger.calendar.is_open(*start, 30));
            match rng.choice(open.collect::<Vec<_>>()) {
                Some(start) => write(rng, ledger, start),
                None => wall_time(rng, ledger),
            }
        }
    }
}

fn around(rng: &mut Rng, ledger: &Ledger) -> Instant {
    let visits = ledger.visits.values().map(|row| (row.start, row.minutes, Some(row.service)));
    let holds = ledger.holds.values().map(|row| (row.start, row.minutes, row.service));
    let all: Vec<_> = visits.chain(holds).collect();
    let (start, minutes, service) = *rng.choice(&all).unwrap();
    let end = start + 60 * minutes;
    let buffer = ledger.plan.buffer_minutes(service);
    let edges = [start, end, end + 60 * buffer, start - 60 * (duration(rng) + buffer)];
    let off_by = if rng.bool() { 0 } else { rng.i64(-30..=30) };
    rng.choice(edges).unwrap() + 60 * off_by
}

fn wall_time(rng: &mut Rng, ledger: &Ledger) -> Time {
    let date = *rng.choice(&ledger.dates).unwrap();
    // Clocks change early.
    let last = if rng.bool() { 288 } else { 48 };
    let local = date.and_time(NaiveTime::MIN) + TimeDelta::minutes(5 * rng.i64(0..last));
    let text = local.format("%Y-%m-%dT%H:%M").to_string();
    Time { text, instant: ledger.calendar.first_at(local) }
}

/// Around a midnight until which the shop stays open, where there is one: whether a visit may go on
/// depends on the next date, and its buffer may in any case.
fn midnight(rng: &mut Rng, ledger: &Ledger) -> Time {
    let midnights = ledger.dates.iter().map(|date| date.and_time(NaiveTime::MIN));
    let midnights = midnights.filter_map(|local| ledger.calendar.first_at(local));
    let is_open = |midnight: &Instant| ledger.calendar.is_open(midnight - 3600, 60);
    match rng.choice(midnights.filter(is_open).collect::<Vec<_>>()) {
        Some(midnight) => {
            let start = midnight + 900 * rng.i64(-5..=1);
            write(rng, ledger, start)
        }
        None => wall_time(rng, ledger),
    }
}

/// An instant in one of the ways in which callers write it.
fn write(rng: &mut Rng, ledger: &Ledger, instant: Instant) -> Time {
    let local = ledger.calendar.local(instant);
    let text = match rng.u32(0..3) {
        0 => DateTime::from_timestamp(instant, 0).unwrap().format("%Y-%m-%dT%H:%M:%SZ").to_string(),
        1 if ledger.calendar.first_at(local) == Some(instant) => {
            local.format("%Y-%m-%dT%H:%M:%S").to_string()
        }
        _ => ledger.calendar.rfc3339(instant),
    };
    Time { text, instant: Some(instant) }
}

fn owner(rng: &mut Rng, ledger: &Ledger) -> Owner {
    *rng.choice(&ledger.owners).unwrap()
}

fn service(rng: &mut Rng) -> &'static str {
    // Half of them are the ones that few bays do.
    let count = if rng.bool() { 3 } else { SERVICES.len() };
    SERVICES[rng.usize(0..count)]
}

fn any_service(rng: &mut Rng) -> Option<&'static str> {
    some(rng, 4).is_none().then(|| service(rng))
}

fn duration(rng: &mut Rng) -> i64 {
    *rng.choice(&DURATIONS).unwrap()
}

/// One time in `times`.
fn some(rng: &mut Rng, times: u32) -> Option<()> {
    (rng.u32(0..times) == 0).then_some(())
}
