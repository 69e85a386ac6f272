//! Judges what is done to an appointment that exists.

use super::calendar::Instant;
use super::judge::{Change, Verdict};
use super::ledger::{Except, Ledger, Visit, Wanted};
use super::operation::Time;
use super::replies::{over, refused, same, same_seat, success};
use crate::reply::Reply;

impl Ledger {
    pub fn judge_move(
        &self,
        id: i64,
        time: &Time,
        minutes: Option<i64>,
        reply: &Reply,
        now: Instant,
    ) -> Verdict {
        let old = &self.visits[&id];
        let Some(start) = time.instant else { return refused(reply, &["invalid_argument"]) };
        if let Some(code) = over(old) {
            return refused(reply, &[code]);
        }
        let wanted = Wanted {
            service: Some(old.service),
            start,
            minutes: minutes.unwrap_or(old.minutes),
            vehicle_id: Some(old.vehicle_id),
            except: Except::Visit(id),
        };
        let stays = (start, wanted.minutes) == (old.start, old.minutes);
        let free = match self.place(&wanted, now) {
            _ if stays => None,
            Err(code) => return self.refused_place(code, &wanted, reply, now),
            Ok(_) if self.may_be_taken(reply) => return Ok(Change::Nothing),
            Ok(free) => Some(free),
        };
        let data = success(reply)?;
        self.check_span(data, "new_datetime", &wanted)?;
        same(&data["old_datetime"], self.calendar.rfc3339(old.start))?;
        // Work that had begun is to begin anew at another time.
        let status = if start != old.start && old.status == "in_progress" {
            "scheduled"
        } else {
            old.status
        };
        same(&data["status"], status)?;
        let seat = self.seat(data)?;
        match free {
            None => same_seat(seat, old.seat)?,
            Some(free) => self.check_seat(seat, &free, None)?,
        }
        let visit = Visit { start, minutes: wanted.minutes, seat, status, ..old.clone() };
        Ok(Change::Became { id, visit })
    }

    pub fn judge_cancel(&self, id: i64, reply: &Reply) -> Verdict {
        let old = &self.visits[&id];
        match over(old) {
            Some("appointment_cancelled") => return refused(reply, &["already_cancelled"]),
            Some(code) => return refused(reply, &[code]),
            None => same(&success(reply)?["status"], "cancelled")?,
        }
        Ok(Change::Became { id, visit: Visit { status: "cancelled", ..old.clone() } })
    }

    pub fn judge_status(
        &self,
        id: i64,
        status: &'static str,
        work: Option<&str>,
        reply: &Reply,
    ) -> Verdict {
        let old = &self.visits[&id];
        if work.is_some() && !matches!(status, "in_progress" | "completed") {
            return refused(reply, &["invalid_argument"]);
        }
        if let Some(code) = over(old).filter(|_| old.status != status) {
            return refused(reply, &[code]);
        }
        if old.status == "in_progress" && matches!(status, "confirmed" | "no_show") {
            return refused(reply, &["invalid_argument"]);
        }
        let data = success(reply)?;
        same(&data["old_status"], old.status)?;
        same(&data["status"], status)?;
        if (old.status == status) != reply.is_replayed() {
            return Err("the same status again is replayed, and no other".to_owned());
        }
        Ok(Change::Became { id, visit: Visit { status, ..old.clone() } })
    }
}
