//! Holds a reply against what the ledger says it has to be, and says what it changes.

use super::calendar::Instant;
use super::ledger::{Except, Fate, Free, Hold, Ledger, Seat, Visit, Wanted};
use super::offers;
use super::operation::{Operation, Time};
use super::replies::{anybody, code, refused, repeated, same, success};
use crate::reply::Reply;
use crate::shop::Owner;

/// What a reply makes of the ledger.
#[derive(Clone, Debug)]
pub enum Change {
    Nothing,
    Booked {
        id: i64,
        visit: Visit,
        hold: Option<String>,
    },
    Held {
        id: String,
        hold: Hold,
    },
    Released {
        hold: String,
    },
    /// Nobody can say any more whether the hold is there.
    Unclear {
        hold: String,
    },
    /// The appointment is like this now.
    Became {
        id: i64,
        visit: Visit,
    },
}

/// The change, or what is wrong with the reply.
pub type Verdict = Result<Change, String>;

impl Ledger {
    /// Judges the reply to `operation` of a server that decided at `now`.
    pub fn judge(&self, operation: &Operation, reply: &Reply, now: Instant) -> Verdict {
        match operation {
            Operation::Slots { date, days, service, minutes } => {
                let minutes = minutes.unwrap_or_else(|| self.plan.duration_minutes(*service, 30));
                let wanted = anybody(*service, 0, minutes);
                offers::judge_slots(self, *date, *days, &wanted, reply, now)
            }
            Operation::Book { owner, time, service, minutes, hold: None } => {
                let time = time.as_ref().expect("a time where there is no hold");
                let minutes =
                    minutes.unwrap_or_else(|| self.plan.duration_minutes(Some(service), 60));
                self.judge_booking(*owner, time, service, minutes, reply, now)
            }
            Operation::Book { owner, time, service, minutes, hold: Some(hold) } => self
                .judge_booking_of_hold(*owner, time.as_ref(), service, *minutes, hold, reply, now),
            Operation::Hold { time, service, minutes, hold_minutes, .. } => {
                let minutes = minutes.unwrap_or_else(|| self.plan.duration_minutes(*service, 60));
                self.judge_hold(time, *service, minutes, hold_minutes.unwrap_or(5), reply, now)
            }
            Operation::Release { hold } => self.judge_release(hold, reply, now),
            Operation::Move { id, time, minutes } => {
                self.judge_move(*id, time, *minutes, reply, now)
            }
            Operation::Cancel { id } => self.judge_cancel(*id, reply),
            Operation::Status { id, status, work } => self.judge_status(*id, status, *work, reply),
        }
    }

    /// Takes over what a reply has changed.
    pub fn apply(&mut self, change: Change) {
        match change {
            Change::Nothing => {}
            Change::Booked { id, visit, hold } => {
                if let Some(hold) = hold {
                    self.holds.get_mut(&hold).unwrap().fate = Fate::Booked(id, visit.clone());
                }
                assert!(self.visits.insert(id, visit).is_none(), "appointment {id} is a new one");
            }
            Change::Held { id, hold } => {
                assert!(self.holds.insert(id.clone(), hold).is_none(), "hold {id} is a new one");
            }
            Change::Released { hold } => self.holds.get_mut(&hold).unwrap().fate = Fate::Released,
            Change::Unclear { hold } => drop(self.holds.remove(&hold)),
            Change::Became { id, visit } => drop(self.visits.insert(id, visit)),
        }
    }

    fn judge_booking(
        &self,
        owner: Owner,
        time: &Time,
        service: &'static str,
        minutes: i64,
        reply: &Reply,
        now: Instant,
    ) -> Verdict {
        let Some(start) = time.instant else { return refused(reply, &["invalid_argument"]) };
        if let Some(code) = self.owner_refusal(owner) {
            return refused(reply, &[code]);
        }
        if let Some((id, _)) = self.same_visit(owner, start, minutes, service) {
            return repeated(reply, id);
        }
        // Somebody else may have booked this very visit for a vehicle that all share.
        if !self.is_complete && reply.is_replayed() {
            return Ok(Change::Nothing);
        }
        let vehicle_id = Some(owner.vehicle_id);
        let wanted = Wanted { vehicle_id, ..anybody(Some(service), start, minutes) };
        match self.place(&wanted, now) {
            Err(code) => self.refused_place(code, &wanted, reply, now),
            Ok(_) if self.may_be_taken(reply) => Ok(Change::Nothing),
            Ok(free) => self.booked(owner, &wanted, &free, None, reply),
        }
    }

    #[expect(clippy::too_many_arguments, reason = "they are the call's arguments")]
    fn judge_booking_of_hold(
        &self,
        owner: Owner,
        time: Option<&Time>,
        service: &'static str,
        minutes: Option<i64>,
        hold_id: &str,
        reply: &Reply,
        now: Instant,
    ) -> Verdict {
        let hold = &self.holds[hold_id];
        if let Fate::Booked(id, then) = &hold.fate {
            let is_same = (then.customer_id, then.vehicle_id, then.service)
                == (owner.customer_id, owner.vehicle_id, service);
            let visit = &self.visits[id];
            if is_same
                && visit.is_expected()
                && visit.start == then.start
                && visit.minutes == then.minutes
            {
                return repeated(reply, *id);
            }
            // What was changed since may be called the same visit, or not.
            if is_same && reply.is_replayed() {
                return repeated(reply, *id);
            }
        }
        if !hold.is_active(now) {
            return refused(reply, hold.refusals(now));
        }
        if time.is_some_and(|time| time.instant != Some(hold.start)) {
            return refused(reply, &["invalid_argument"]);
        }
        if !self.is_complete && reply.is_replayed() {
            return Ok(Change::Unclear { hold: hold_id.to_owned() });
        }
        let length = minutes.unwrap_or(hold.minutes);
        let wanted = Wanted {
            service: Some(service),
            start: hold.start,
            minutes: length,
            vehicle_id: Some(owner.vehicle_id),
            except: Except::Hold(hold_id),
        };
        let is_as_held = hold.service == Some(service) && length == hold.minutes;
        match self.place(&wanted, now) {
            Err(code) => self.refused_place(code, &wanted, reply, now),
            Ok(_) if is_as_held && code(reply) == Some("slot_unavailable") => {
                Err("what is held is free for its own booking".to_owned())
            }
            Ok(_) if self.may_be_taken(reply) => Ok(Change::Nothing),
            Ok(free) => {
                // Where more is asked for than was held, others may stand in its way.
                let keeps_seat = self.is_complete || is_as_held;
                let seat = keeps_seat.then_some(hold.seat);
                self.booked(owner, &wanted, &free, Some((hold_id, seat)), reply)
            }
        }
    }

    /// The appointment that the same booking once more is the same as.
    fn same_visit(
        &self,
        owner: Owner,
        start: Instant,
        minutes: i64,
        service: &str,
    ) -> Option<(i64, &Visit)> {
        let is_same = |visit: &Visit| {
            (visit.customer_id, visit.vehicle_id) == (owner.customer_id, owner.vehicle_id)
                && (visit.start, visit.minutes, visit.service) == (start, minutes, service)
                && visit.is_expected()
        };
        self.visits.iter().find(|(_, visit)| is_same(visit)).map(|(id, visit)| (*id, visit))
    }

    fn booked(
        &self,
        owner: Owner,
        wanted: &Wanted<'_>,
        free: &Free,
        hold: Option<(&str, Option<Seat>)>,
        reply: &Reply,
    ) -> Verdict {
        let data = success(reply)?;
        let service = wanted.service.expect("a booking names its service");
        self.check_span(data, "scheduled_at", wanted)?;
        same(&data["ends_at"], self.calendar.rfc3339(wanted.start + 60 * wanted.minutes))?;
        same(&data["service_type"], service)?;
        same(&data["status"], "scheduled")?;
        same(&data["customer_id"], owner.customer_id)?;
        same(&data["vehicle_id"], owner.vehicle_id)?;
        let seat = self.seat(data)?;
        self.check_seat(seat, free, hold.and_then(|(_, seat)| seat))?;
        let id = data["appointment_id"].as_i64().ok_or("no appointment_id")?;
        let visit = Visit {
            customer_id: owner.customer_id,
            vehicle_id: owner.vehicle_id,
            service,
            start: wanted.start,
            minutes: wanted.minutes,
            status: "scheduled",
            seat,
        };
        Ok(Change::Booked { id, visit, hold: hold.map(|(id, _)| id.to_owned()) })
    }

    fn judge_hold(
        &self,
        time: &Time,
        service: Option<&'static str>,
        minutes: i64,
        hold_minutes: i64,
        reply: &Reply,
        now: Instant,
    ) -> Verdict {
        let Some(start) = time.instant else { return refused(reply, &["invalid_argument"]) };
        let wanted = anybody(service, start, minutes);
        let free = match self.place(&wanted, now) {
            Err(code) => return self.refused_place(code, &wanted, reply, now),
            Ok(_) if self.may_be_taken(reply) => return Ok(Change::Nothing),
            Ok(free) => free,
        };
        let data = success(reply)?;
        self.check_span(data, "scheduled_at", &wanted)?;
        same(&data["ends_at"], self.calendar.rfc3339(start + 60 * minutes))?;
        let expires_at = start.min(now + 60 * hold_minutes);
        same(&data["expires_at"], self.calendar.rfc3339(expires_at))?;
        let seat = self.seat(data)?;
        self.check_seat(seat, &free, None)?;
        let id = data["hold_id"].as_str().ok_or("no hold_id")?.to_owned();
        let (told_expires_at, fate) = (expires_at, Fate::Kept);
        let hold = Hold { service, start, minutes, expires_at, told_expires_at, seat, fate };
        Ok(Change::Held { id, hold })
    }

    fn judge_release(&self, hold_id: &str, reply: &Reply, now: Instant) -> Verdict {
        let hold = &self.holds[hold_id];
        if !hold.is_active(now) {
            return refused(reply, hold.refusals(now));
        }
        let data = success(reply)?;
        same(&data["hold_id"], hold_id)?;
        same(&data["released"], true)?;
        Ok(Change::Released { hold: hold_id.to_owned() })
    }
}
