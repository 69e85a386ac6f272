//! Cancelling and moving many visits at once.

use std::collections::BTreeMap;

use chrono::{NaiveDate, TimeDelta};
use serde_json::{Value, json};

use super::calendar::Instant;
use super::ledger::{Except, Ledger, Visit, Wanted};
use super::plan::SERVICES;
use super::records::{self, Records};
use super::worker::{Timed, Worker};

/// A call of `bulk_update_appointments`.
#[derive(Clone, Debug)]
struct Bulk {
    from: NaiveDate,
    to: NaiveDate,
    service: Option<&'static str>,
    /// By how many days the visits move; `None`: they are cancelled.
    shift_days: Option<i64>,
}

impl Bulk {
    fn arguments(&self, is_dry: bool) -> Value {
        let mut arguments = json!({
            "from": self.from.to_string(), "to": self.to.to_string(), "dry_run": is_dry,
        });
        if let Some(service) = self.service {
            arguments["service_type"] = service.into();
        }
        match self.shift_days {
            Some(days) => {
                arguments["action"] = "reschedule".into();
                arguments["shift_days"] = days.into();
            }
            None => {
                arguments["action"] = "cancel".into();
                arguments["reason"] = "the shop moves".into();
            }
        }
        arguments
    }
}

impl Worker {
    /// Asks what would happen, and mostly lets it happen.
    pub async fn bulk(&mut self) {
        let Some(bulk) = self.random_bulk() else { return };
        let dry = self.call("bulk_update_appointments", bulk.arguments(true)).await;
        check_told(&self.own, &bulk, &dry, true)
            .unwrap_or_else(|why| self.fail(&why, &format!("{bulk:?}"), &dry, ""));
        if self.rng.u32(0..4) == 0 {
            return;
        }
        let real = self.call("bulk_update_appointments", bulk.arguments(false)).await;
        let records = records::read(&mut self.server, &self.own).await;
        let checked = self.check_real(&bulk, &dry, &real, &records);
        checked.unwrap_or_else(|why| {
            let noon = bulk.from.and_hms_opt(12, 0, 0).unwrap()
                + TimeDelta::days(bulk.shift_days.unwrap_or(0));
            let day = self.own.show(self.own.calendar.first_at(noon).unwrap(), real.from);
            self.fail(&why, &format!("{bulk:?}"), &real, &day)
        });
        self.own.visits = records;
    }

    /// Visits of some of the worker's dates; a move ends on its own dates, too.
    fn random_bulk(&mut self) -> Option<Bulk> {
        let rng = &mut self.rng;
        let dates = &self.own.dates;
        let first = rng.usize(0..dates.len());
        let last = rng.usize(first..dates.len());
        let count = |number: usize| i64::try_from(number).unwrap();
        let (back, ahead) = (-count(first), count(dates.len() - 1 - last));
        let shift_days = Some(rng.i64(back..=ahead)).filter(|days| *days != 0);
        if shift_days.is_none() && rng.u32(0..4) > 0 {
            return None;
        }
        let service = rng.bool().then(|| SERVICES[rng.usize(0..3)]);
        Some(Bulk { from: dates[first], to: dates[last], service, shift_days })
    }

    fn check_real(
        &self,
        bulk: &Bulk,
        dry: &Timed,
        real: &Timed,
        records: &Records,
    ) -> Result<(), String> {
        check_told(&self.own, bulk, real, false)?;
        let mut holds = self.own.holds.values();
        let has_lapsed = holds.any(|hold| hold.is_active(dry.from) && !hold.is_active(real.until));
        for field in ["matched", "changed", "failed", "appointment_ids"] {
            let (said, done) = (&dry.reply.success()[field], &real.reply.success()[field]);
            if said != done && !has_lapsed {
                return Err(format!("{field} was {said} in the dry run, and is {done}"));
            }
        }
        real.judge(|now| replay(&self.own, bulk, real, records, now))
    }
}

/// The visits that a call is about, soonest first.
fn matched<'a>(ledger: &'a Ledger, bulk: &Bulk) -> Vec<(i64, &'a Visit)> {
    let is_matched = |visit: &Visit| {
        let date = ledger.calendar.date(visit.start);
        visit.is_expected()
            && (bulk.from..=bulk.to).contains(&date)
            && bulk.service.is_none_or(|service| service == visit.service)
    };
    let visits = ledger.visits.iter().filter(|(_, visit)| is_matched(visit));
    let mut visits: Vec<_> = visits.map(|(id, visit)| (*id, visit)).collect();
    visits.sort_by_key(|(id, visit)| (visit.start, *id));
    visits
}

/// Checks that the reply tells of each visit once, in order, and counts right.
fn check_told(ledger: &Ledger, bulk: &Bulk, timed: &Timed, is_dry: bool) -> Result<(), String> {
    if timed.reply.is_error {
        return Err("refused".to_owned());
    }
    let data = timed.reply.success();
    let matched = matched(ledger, bulk);
    let changed = changed(data);
    let failed = failed(data);
    let counts = [&data["matched"], &data["changed"]].map(Value::as_u64);
    if counts != [matched.len(), changed.len()].map(|count| Some(count as u64)) {
        return Err(format!("counted {counts:?} of {matched:?}"));
    }
    if data["dry_run"] != is_dry {
        return Err("dry_run is not as asked for".to_owned());
    }
    let mut told: Vec<i64> = changed.iter().chain(failed.keys()).copied().collect();
    told.sort_unstable();
    let mut expected: Vec<i64> = matched.iter().map(|(id, _)| *id).collect();
    expected.sort_unstable();
    if told != expected {
        return Err(format!("told of {told:?}, expected {expected:?}"));
    }
    let is_soonest_first = changed.is_sorted_by_key(|id| ledger.visits[id].start);
    if is_soonest_first { Ok(()) } else { Err("not soonest first".to_owned()) }
}

/// Does the same one by one, with the bays and technicians that the records show.
fn replay(
    ledger: &Ledger,
    bulk: &Bulk,
    real: &Timed,
    records: &Records,
    now: Instant,
) -> Result<(), String> {
    let failed = failed(real.reply.success());
    let mut ledger = ledger.clone();
    let mut items: Vec<(i64, Visit)> =
        matched(&ledger, bulk).into_iter().map(|(id, visit)| (id, visit.clone())).collect();
    // Those that go first make room for the others.
    if bulk.shift_days.is_some_and(|days| days > 0) {
        items.reverse();
    }
    for (id, old) in items {
        let changed = match bulk.shift_days {
            None => Ok(Visit { status: "cancelled", ..old }),
            Some(days) => shifted(&ledger, id, &old, days, records, now)?,
        };
        match (changed, failed.get(&id)) {
            (Ok(visit), None) => drop(ledger.visits.insert(id, visit)),
            (Err(code), Some(got)) if code == got => {}
            (expected, got) => {
                return Err(format!("visit {id}: expected {expected:?}, failed as {got:?}"));
            }
        }
    }
    records::compare(&ledger.visits, records)
}

/// A visit after its move, or the code by which it fails; what is wrong with where it went.
fn shifted(
    ledger: &Ledger,
    id: i64,
    old: &Visit,
    days: i64,
    records: &Records,
    now: Instant,
) -> Result<Result<Visit, &'static str>, String> {
    let local = ledger.calendar.local(old.start) + TimeDelta::days(days);
    let Some(start) = ledger.calendar.first_at(local) else { return Ok(Err("invalid_argument")) };
    let wanted = Wanted {
        service: Some(old.service),
        start,
        minutes: old.minutes,
        vehicle_id: Some(old.vehicle_id),
        except: Except::Visit(id),
    };
    let seat = records.get(&id).ok_or("a visit is gone")?.seat;
    Ok(match ledger.place(&wanted, now) {
        Err(code) => Err(code),
        Ok(free) => {
            let moved = Visit { start, seat, ..old.clone() };
            // Where it stayed although it could go, the caller complains.
            if records[&id].start == start {
                ledger.check_seat(seat, &free, None).map_err(|why| format!("visit {id}: {why}"))?;
            }
            Ok(moved)
        }
    })
}

fn changed(data: &Value) -> Vec<i64> {
    let ids = data["appointment_ids"].as_array().unwrap();
    ids.iter().map(|id| id.as_i64().unwrap()).collect()
}

fn failed(data: &Value) -> BTreeMap<i64, String> {
    let items = data["failed"].as_array().unwrap().iter();
    items
        .map(|item| {
            assert!(item["error"].as_str().is_some_and(|error| !error.is_empty()), "{item}");
            (item["appointment_id"].as_i64().unwrap(), item["code"].as_str().unwrap().to_owned())
        })
        .collect()
}
