//! Visits that occupy a bay: those to come under the rules of a booking, those that began as they are
//! said.

mod on_file;

use std::collections::HashSet;
use std::time::{Duration, Instant};

use super::places::NOT_RECORDED;
use super::rows::NewVisit;
use super::{ImportError, Importer, Outcome, Refused};
use crate::domain::appointment::Placement;
use crate::domain::assignment::{Assignment, Reserved};
use crate::domain::id::{CustomerId, ResourceId, VehicleId};
use crate::domain::local_time::{day_bounds, local_date, rfc3339};
use crate::domain::slots::outside_hours;
use crate::domain::time::Interval;
use crate::store::{Needed, Question, Session, Visit, is_refused};

/// How long a turn keeps others from booking.
const TURN: Duration = Duration::from_millis(400);

/// What became of a row.
enum Taken {
    Added { id: i64, customer: CustomerId },
    Known { id: i64, customer: CustomerId },
    Refused(Refused),
}

impl Importer<'_> {
    /// Takes visits that occupy a bay.
    ///
    /// # Errors
    /// Where the database fails.
    pub async fn open_visits(&mut self, rows: &[NewVisit]) -> Result<Outcome, ImportError> {
        self.name_places(rows).await?;
        let mut outcome = Outcome::default();
        let mut is_careful = false;
        while outcome.done < rows.len() && !self.settings.is_stopping() {
            let rest = rows.get(outcome.done..).unwrap_or_default();
            match self.open_turn(rest, is_careful).await {
                Ok(taken) => {
                    for taken in taken {
                        self.note(&mut outcome, taken);
                    }
                    is_careful = false;
                }
                // Somebody wrote past the shop's lock, and the schema refused one of them: each for
                // itself, so that only that one is.
                Err(ImportError::Database(error)) if is_refused(&error) && !is_careful => {
                    is_careful = true;
                }
                Err(ImportError::Database(error)) if is_refused(&error) => {
                    let why = "the database refuses it: its bay or its vehicle is taken then";
                    self.note(&mut outcome, Taken::Refused(Refused::Because(why.to_owned())));
                }
                Err(error) => return Err(error),
            }
        }
        Ok(outcome)
    }

    fn note(&mut self, outcome: &mut Outcome, taken: Taken) {
        match taken {
            Taken::Added { id, customer } => {
                self.settings.seen.visits.insert(id);
                outcome.added += 1;
                self.customers.insert(customer.0);
            }
            Taken::Known { id, customer } => {
                self.settings.seen.visits.insert(id);
                outcome.known += 1;
                self.customers.insert(customer.0);
            }
            Taken::Refused(refused) => outcome.refused.push((outcome.done, refused)),
        }
        outcome.done += 1;
    }

    /// Takes as many of the rows as there is time for; a single one where `is_careful`. What was seen is noted when
    /// the turn has come to its end, since another turn takes its rows otherwise.
    async fn open_turn(
        &self,
        rows: &[NewVisit],
        is_careful: bool,
    ) -> Result<Vec<Taken>, ImportError> {
        let mut session = self.store.write_in_bulk().await?;
        let started = Instant::now();
        let (mut taken, mut seen) = (Vec::new(), HashSet::new());
        for row in rows {
            taken.push(self.open_visit(&mut session, row, &mut seen).await?);
            if is_careful || started.elapsed() > TURN {
                break;
            }
        }
        session.commit().await?;
        Ok(taken)
    }

    async fn open_visit(
        &self,
        session: &mut Session,
        row: &NewVisit,
        seen: &mut HashSet<i64>,
    ) -> Result<Taken, ImportError> {
        if let Some((id, customer)) = session.imported_visit(row).await? {
            let is_repeated = self.settings.seen.visits.contains(id) || !seen.insert(id);
            return Ok(if is_repeated {
                Taken::Refused(Refused::Repeated)
            } else {
                Taken::Known { id, customer }
            });
        }
        let (vehicle, customer) = match self.who(session, row).await? {
            Ok(who) => who,
            Err(refused) => return Ok(Taken::Refused(refused)),
        };
        let needed = self.needed(row);
        let (span, window) = (needed.span, needed.window);
        // What has begun is a record, and none of the calendar's business.
        let blocks = self.settings.counts_blocks && span.start > self.settings.now;
        let question = Question { customer, vehicle, span, window, except: None, blocks };
        let visit = session.visit(&question, self.settings.now).await?;
        if let Some(own) = visit.own.first() {
            let why = format!(
                "the vehicle has another visit then: appointment {} from {} to {}",
                own.id,
                rfc3339(own.span.start, self.shop.zone),
                rfc3339(own.span.end, self.shop.zone)
            );
            return Ok(Taken::Refused(Refused::Because(why)));
        }
        let placement = match self.find_place(session, row, &needed, &visit).await? {
            Ok(placement) => placement,
            Err(why) => return Ok(Taken::Refused(Refused::Because(why))),
        };
        let now = self.settings.now;
        let id = session.import_visit(row, vehicle, customer, &placement, now).await?;
        seen.insert(id);
        Ok(Taken::Added { id, customer })
    }

    async fn find_place(
        &self,
        session: &mut Session,
        row: &NewVisit,
        needed: &Needed,
        visit: &Visit,
    ) -> Result<Result<Placement, String>, ImportError> {
        let (now, zone) = (self.settings.now, self.shop.zone);
        let taken = &visit.reserved.taken;
        let preferred = self.places.assignment(row);
        if visit.reserved.has_expired {
            session.drop_expired_holds(now).await?;
        }
        if needed.span.start > now {
            if needed.span.start > self.shop.booking.latest_start(now, zone) {
                let days = self.shop.booking.horizon_days;
                return Ok(Err(format!(
                    "scheduled_at is too far ahead: visits can be booked up to {days} days ahead"
                )));
            }
            if let Some(reason) = outside_hours(needed.span, &self.shop.hours, zone) {
                return Ok(Err(format!("scheduled_at is outside business hours: {reason}")));
            }
            let is_closed = |one: &Reserved| {
                one.resource == ResourceId::WHOLE_SHOP && one.span.overlaps(&needed.span)
            };
            if taken.iter().any(is_closed) {
                let (start, end) = (needed.span.start, needed.span.end);
                return Ok(Err(format!(
                    "the shop's calendar blocks some of the time from {} to {}",
                    rfc3339(start, zone),
                    rfc3339(end, zone)
                )));
            }
            let taken = self.store.resources.spread(taken.clone());
            let place = self.store.resources.place(needed, &taken, preferred);
            return Ok(place.ok_or_else(|| {
                let start = rfc3339(needed.span.start, zone);
                let what = row.service_type;
                format!("nobody who does {what} is free from {start} for the whole visit")
            }));
        }
        if needed.reserved_until > now
            && let Some(place) = self.store.resources.place(needed, taken, preferred)
        {
            return Ok(Ok(place));
        }
        self.place_record(session, needed, taken, preferred).await.map(Ok)
    }

    /// Where a visit was that began in the past: a record, for which there is always room.
    async fn place_record(
        &self,
        session: &mut Session,
        needed: &Needed,
        taken: &[Reserved],
        said: Option<Assignment>,
    ) -> Result<Placement, ImportError> {
        let Needed { span, reserved_until, .. } = *needed;
        let reserved = Interval { start: span.start, end: reserved_until };
        let is_free = |resource: ResourceId| {
            taken.iter().all(|one| one.resource != resource || !one.span.overlaps(&reserved))
        };
        let technician =
            said.and_then(|said| said.technician).filter(|&technician| is_free(technician));
        if let Some(Assignment { bay, .. }) = said.filter(|said| is_free(said.bay)) {
            return Ok(Placement { span, reserved_until, bay, technician });
        }
        for number in 1.. {
            let name = match number {
                1 => NOT_RECORDED.to_owned(),
                number => format!("{NOT_RECORDED} {number}"),
            };
            session.insert_resource("bay", &name).await?;
            let bay = session.bay_named(&name).await?;
            if is_free(bay) {
                return Ok(Placement { span, reserved_until, bay, technician });
            }
        }
        // Not reached: what is taken has an end.
        Err(sqlx::Error::RowNotFound.into())
    }

    fn needed(&self, row: &NewVisit) -> Needed {
        let said = row.more.as_ref().and_then(|more| more.buffer_seconds);
        let configured = || self.shop.buffer_of(Some(row.service_type)) * 60;
        let span = row.span;
        let is_record = span.start <= self.settings.now;
        let buffer = said.unwrap_or_else(|| if is_record { 0 } else { configured() });
        let reserved_until = span.end.plus_seconds(buffer);
        let day = day_bounds(local_date(span.start, self.shop.zone), self.shop.zone);
        let window = Interval { start: day.start, end: day.end.max(reserved_until) };
        Needed { span, reserved_until, service: Some(row.service_type), window }
    }

    /// Who comes with what.
    async fn who(
        &self,
        session: &mut Session,
        row: &NewVisit,
    ) -> Result<Result<(VehicleId, CustomerId), Refused>, ImportError> {
        let Some((vehicle, owner)) = session.vehicle_called(row.vehicle_external_id()).await?
        else {
            return Ok(Err(Refused::Unknown("vehicle_external_id")));
        };
        let Some(said) = row.customer_external_id() else {
            return Ok(Ok((vehicle, owner)));
        };
        let Some(customer) = session.customer_called(said).await? else {
            return Ok(Err(Refused::Unknown("customer_external_id")));
        };
        if customer != owner && row.span.start > self.settings.now {
            let why =
                format!("the vehicle belongs to customer {owner}, not to customer {customer}");
            return Ok(Err(Refused::Because(why)));
        }
        Ok(Ok((vehicle, customer)))
    }
}
