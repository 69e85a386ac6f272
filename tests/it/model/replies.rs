//! Reading replies, and saying what is wrong with them.

use serde_json::Value;

use super::calendar::Instant;
use super::judge::{Change, Verdict};
use super::ledger::{Hold, Ledger, Seat, Visit, Wanted};
use super::offers;
use super::plan::Resource;
use crate::reply::Reply;

impl Ledger {
    /// The bay and technician that `data` names.
    pub fn seat(&self, data: &Value) -> Result<Seat, String> {
        let find = |all: &[Resource], field: &str| {
            let name = data[field].as_str().ok_or(format!("no {field} is named"))?;
            let place = all.iter().position(|resource| resource.name == name);
            place.ok_or(format!("nobody knows {name}"))
        };
        let bay = find(&self.plan.bays, "bay")?;
        let technician = match self.plan.technicians.is_empty() {
            true => None,
            false => Some(find(&self.plan.technicians, "technician")?),
        };
        Ok(Seat { bay, technician })
    }

    /// Checks start and duration in `data`.
    pub fn check_span(&self, data: &Value, field: &str, wanted: &Wanted<'_>) -> Result<(), String> {
        same(&data[field], self.calendar.rfc3339(wanted.start))?;
        same(&data["duration_minutes"], wanted.minutes)
    }

    /// The refusal of a time by `code`, and what it offers instead.
    pub fn refused_place(
        &self,
        code: &'static str,
        wanted: &Wanted<'_>,
        reply: &Reply,
        now: Instant,
    ) -> Verdict {
        // On shared dates the vehicle may be elsewhere for somebody else, which is said first.
        if !self.is_complete && code == "slot_unavailable" {
            return refused(reply, &["slot_unavailable", "duplicate_appointment"]);
        }
        refused(reply, &[code])?;
        if code == "slot_unavailable" {
            offers::check_alternatives(self, wanted, reply, now)?;
        }
        Ok(Change::Nothing)
    }

    /// Whether it is refused because of what others have written on shared dates.
    pub fn may_be_taken(&self, reply: &Reply) -> bool {
        let taken = ["slot_unavailable", "duplicate_appointment"];
        !self.is_complete && code(reply).is_some_and(|code| taken.contains(&code))
    }
}

impl Hold {
    /// What is said of one that is no longer active: whoever is past its expiry may be told just
    /// that, even if it is gone for another reason.
    pub fn refusals(&self, now: Instant) -> &'static [&'static str] {
        let was_shortened = self.expires_at != self.told_expires_at;
        let is_kept = self.fate == super::ledger::Fate::Kept;
        match (is_kept, now >= self.told_expires_at) {
            (true, true) if !was_shortened => &["hold_expired"],
            (true, _) | (false, true) => &["hold_expired", "hold_not_found"],
            (false, false) => &["hold_not_found"],
        }
    }
}

/// A visit that anybody might come for.
pub fn anybody(service: Option<&'static str>, start: Instant, minutes: i64) -> Wanted<'static> {
    let except = super::ledger::Except::Nobody;
    Wanted { service, start, minutes, vehicle_id: None, except }
}

/// The code by which an appointment that is over cannot be changed.
pub fn over(visit: &Visit) -> Option<&'static str> {
    match visit.status {
        "cancelled" => Some("appointment_cancelled"),
        "completed" | "no_show" => Some("appointment_closed"),
        _ => None,
    }
}

/// The code of a refusal.
pub fn code(reply: &Reply) -> Option<&str> {
    reply.is_error.then(|| reply.refusal())
}

/// Nothing changes, if the reply is a refusal by one of these codes.
pub fn refused(reply: &Reply, codes: &[&str]) -> Verdict {
    match code(reply) {
        Some(code) if codes.contains(&code) => Ok(Change::Nothing),
        Some(code) => Err(format!("refused as {code}, expected {codes:?}")),
        None => Err(format!("a success, expected the refusal {codes:?}")),
    }
}

/// Nothing changes, if the reply tells of the same appointment once more.
pub fn repeated(reply: &Reply, id: i64) -> Verdict {
    same(&success(reply)?["appointment_id"], id)?;
    match reply.is_replayed() {
        true => Ok(Change::Nothing),
        false => Err("the same appointment once more is replayed".to_owned()),
    }
}

/// The data of a success.
pub fn success(reply: &Reply) -> Result<&Value, String> {
    match code(reply) {
        None => Ok(reply.success()),
        Some(code) => Err(format!("refused as {code}, expected a success")),
    }
}

/// Complains about a field that is not as expected.
pub fn same(got: &Value, expected: impl Into<Value>) -> Result<(), String> {
    let expected = expected.into();
    if *got == expected { Ok(()) } else { Err(format!("{got} in the reply, expected {expected}")) }
}

/// Complains about a bay or technician that changed.
pub fn same_seat(got: Seat, expected: Seat) -> Result<(), String> {
    if got == expected {
        Ok(())
    } else {
        Err(format!("{got:?} in the reply, expected {expected:?}"))
    }
}
