//! What a worker knows to be in the database, and what follows from it for the next visit.

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::NaiveDate;

use super::calendar::{Calendar, Instant};
use super::plan::{Plan, Resource};
use crate::shop::Owner;

/// The bay and the technician of a visit or a hold, by their place in the plan.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Seat {
    pub bay: usize,
    pub technician: Option<usize>,
}

/// An appointment.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Visit {
    pub customer_id: i64,
    pub vehicle_id: i64,
    pub service: &'static str,
    pub start: Instant,
    pub minutes: i64,
    pub status: &'static str,
    pub seat: Seat,
}

/// A hold that was acknowledged.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Hold {
    pub service: Option<&'static str>,
    pub start: Instant,
    pub minutes: i64,
    /// When it ends; earlier than told where the test has shortened it.
    pub expires_at: Instant,
    /// When the reply said that it ends.
    pub told_expires_at: Instant,
    pub seat: Seat,
    pub fate: Fate,
}

/// What has become of a hold.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Fate {
    Kept,
    Released,
    /// This appointment came of it, which was then like this.
    Booked(i64, Visit),
}

/// Whose own place does not stand in the way.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Except<'a> {
    Nobody,
    Visit(i64),
    Hold(&'a str),
}

/// A visit that somebody would like to have.
#[derive(Clone, Copy, Debug)]
pub struct Wanted<'a> {
    pub service: Option<&'static str>,
    pub start: Instant,
    pub minutes: i64,
    pub vehicle_id: Option<i64>,
    pub except: Except<'a>,
}

/// The bays and technicians that could take a visit.
#[derive(Clone, Debug)]
pub struct Free {
    pub bays: Vec<usize>,
    pub technicians: Vec<usize>,
}

/// The appointments and holds on some dates.
#[derive(Clone)]
pub struct Ledger {
    pub plan: Arc<Plan>,
    pub calendar: Arc<Calendar>,
    pub dates: Vec<NaiveDate>,
    /// Customers with a vehicle of theirs.
    pub owners: Vec<Owner>,
    /// Whether nobody else writes on these dates, so that this is all that there is.
    pub is_complete: bool,
    pub visits: BTreeMap<i64, Visit>,
    pub holds: BTreeMap<String, Hold>,
}

/// The bay and technician of something, and for how long they are taken.
struct Taken {
    seat: Seat,
    start: Instant,
    until: Instant,
}

impl Visit {
    pub fn end(&self) -> Instant {
        self.start + 60 * self.minutes
    }

    /// Whether it keeps its bay, technician and vehicle to itself.
    pub fn occupies(&self) -> bool {
        matches!(self.status, "scheduled" | "confirmed" | "in_progress")
    }

    /// Whether it is still to come, as far as its status says.
    pub fn is_expected(&self) -> bool {
        matches!(self.status, "scheduled" | "confirmed")
    }
}

impl Hold {
    pub fn is_active(&self, now: Instant) -> bool {
        self.fate == Fate::Kept && self.expires_at > now
    }
}

impl Ledger {
    /// The code by which a visit is refused whose customer or vehicle is the wrong one.
    pub fn owner_refusal(&self, owner: Owner) -> Option<&'static str> {
        let mut owners = self.owners.iter();
        if owners.clone().all(|other| other.customer_id != owner.customer_id) {
            return Some("customer_not_found");
        }
        let is_owner = owners.any(|other| {
            (other.customer_id, other.vehicle_id) == (owner.customer_id, owner.vehicle_id)
        });
        (!is_owner).then_some("vehicle_not_owned")
    }

    /// Who could take this visit, or the code of the first rule that it breaks.
    pub fn place(&self, wanted: &Wanted<'_>, now: Instant) -> Result<Free, &'static str> {
        if wanted.start <= now {
            return Err("in_the_past");
        }
        if !self.calendar.is_open(wanted.start, wanted.minutes) {
            return Err("outside_business_hours");
        }
        if self.is_vehicle_elsewhere(wanted) {
            return Err("duplicate_appointment");
        }
        let free = self.free(wanted, now);
        let lacks_technician = !self.plan.technicians.is_empty() && free.technicians.is_empty();
        if free.bays.is_empty() || lacks_technician { Err("slot_unavailable") } else { Ok(free) }
    }

    /// Every start that `get_available_slots` has to offer on a date.
    pub fn free_starts(&self, date: NaiveDate, wanted: &Wanted<'_>, now: Instant) -> Vec<Instant> {
        let starts = self.calendar.grid(date).into_iter();
        let anybody = Wanted { vehicle_id: None, ..*wanted };
        starts
            .filter(|start| self.place(&Wanted { start: *start, ..anybody }, now).is_ok())
            .collect()
    }

    /// What is wrong with taking this bay and technician for a visit, if anything is.
    ///
    /// Whose hold it comes of keeps what was held, where that does.
    pub fn check_seat(&self, seat: Seat, free: &Free, held: Option<Seat>) -> Result<(), String> {
        let plan = &self.plan;
        self.check_one(&plan.bays, seat.bay, &free.bays, held.map(|held| held.bay))?;
        match seat.technician {
            None if plan.technicians.is_empty() => Ok(()),
            None => Err("no technician is named".to_owned()),
            Some(technician) => {
                let held = held.and_then(|held| held.technician);
                self.check_one(&plan.technicians, technician, &free.technicians, held)
            }
        }
    }

    fn check_one(
        &self,
        all: &[Resource],
        chosen: usize,
        free: &[usize],
        held: Option<usize>,
    ) -> Result<(), String> {
        let name = |index: usize| all[index].name;
        if !free.contains(&chosen) {
            return Err(format!("{} is taken, or does not do this", name(chosen)));
        }
        if let Some(held) = held.filter(|held| free.contains(held)) {
            let why = || format!("{} was held, and not {}", name(held), name(chosen));
            return if chosen == held { Ok(()) } else { Err(why()) };
        }
        let narrower = free.iter().find(|other| all[**other].breadth() < all[chosen].breadth());
        // On shared dates the other one may be taken by somebody else.
        match narrower.filter(|_| self.is_complete) {
            None => Ok(()),
            Some(other) => {
                Err(format!("{} does fewer services than {}", name(*other), name(chosen)))
            }
        }
    }

    fn is_vehicle_elsewhere(&self, wanted: &Wanted<'_>) -> bool {
        let end = wanted.start + 60 * wanted.minutes;
        self.visits.iter().any(|(id, visit)| {
            wanted.except != Except::Visit(*id)
                && Some(visit.vehicle_id) == wanted.vehicle_id
                && visit.occupies()
                && visit.start < end
                && wanted.start < visit.end()
        })
    }

    fn free(&self, wanted: &Wanted<'_>, now: Instant) -> Free {
        let until = self.reserved_until(wanted.start, wanted.minutes, wanted.service);
        let mut taken = self.taken(wanted.except, now);
        taken.retain(|other| other.start < until && wanted.start < other.until);
        let able = |resources: &[Resource]| -> Vec<usize> {
            (0..resources.len()).filter(|index| resources[*index].does(wanted.service)).collect()
        };
        let mut bays = able(&self.plan.bays);
        bays.retain(|bay| taken.iter().all(|other| other.seat.bay != *bay));
        let mut technicians = able(&self.plan.technicians);
        technicians.retain(|index| taken.iter().all(|other| other.seat.technician != Some(*index)));
        Free { bays, technicians }
    }

    fn taken(&self, except: Except<'_>, now: Instant) -> Vec<Taken> {
        let visits = self.visits.iter();
        let visits = visits.filter(|(id, row)| row.occupies() && except != Except::Visit(**id));
        let visits = visits.map(|(_, row)| (row.seat, row.start, row.minutes, Some(row.service)));
        let holds = self.holds.iter();
        let holds = holds.filter(|(id, row)| row.is_active(now) && except != Except::Hold(id));
        let holds = holds.map(|(_, row)| (row.seat, row.start, row.minutes, row.service));
        let taken = visits.chain(holds).map(|(seat, start, minutes, service)| {
            let until = self.reserved_until(start, minutes, service);
            Taken { seat, start, until }
        });
        taken.collect()
    }

    fn reserved_until(&self, start: Instant, minutes: i64, service: Option<&str>) -> Instant {
        start + 60 * (minutes + self.plan.buffer_minutes(service))
    }

    /// Everything on the date of `instant`, for a person to read.
    pub fn show(&self, instant: Instant, now: Instant) -> String {
        let calendar = &self.calendar;
        let is_near = |start: Instant| (start - instant).abs() < 36 * 3600;
        let visits = self.visits.iter().filter(|(_, row)| is_near(row.start) && row.occupies());
        let mut lines: Vec<(Instant, String)> = visits
            .map(|(id, row)| {
                (row.start, format!("visit {id} {}: {row:?}", calendar.rfc3339(row.start)))
            })
            .collect();
        let holds =
            self.holds.iter().filter(|(_, row)| is_near(row.start) && row.fate == Fate::Kept);
        lines.extend(holds.map(|(id, row)| {
            let left = row.expires_at - now;
            (row.start, format!("hold {id} {} for {left} s: {row:?}", calendar.rfc3339(row.start)))
        }));
        lines.sort();
        let lines: Vec<String> = lines.into_iter().map(|(_, line)| line).collect();
        let hours = self.plan.hours_on(calendar.date(instant));
        format!("hours and lunch in minutes: {hours:?}\n{}", lines.join("\n"))
    }
}
