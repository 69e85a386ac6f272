//! Visits that occupy a bay: those to come under the rules of a booking, those that began as they are
//! said.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::deciding::is_called;
use super::rows::{NewVisit, Row, Text};
use super::{ImportError, Importer, Outcome, OwnName, Refused};
use crate::domain::appointment::Placement;
use crate::domain::assignment::{Assignment, Reserved};
use crate::domain::id::{CustomerId, ResourceId, VehicleId};
use crate::domain::local_time::{day_bounds, local_date, rfc3339};
use crate::domain::slots::outside_hours;
use crate::domain::time::{Interval, Timestamp};
use crate::store::{Needed, Question, Session, Visit, is_refused, on};

/// How long a turn keeps others from booking.
const TURN: Duration = Duration::from_millis(400);
/// The bay of visits of which nobody wrote down where they were. Where several of them occupied one at
/// the same time, there is another one with a number.
pub const NOT_RECORDED: &str = "(not recorded)";

/// The bays and technicians that visits name, by name. They need not be configured any more.
#[derive(Clone, Debug, Default)]
pub(super) struct Places {
    /// The number of the bay of visits whose bay nobody wrote down.
    pub not_recorded: i64,
    bays: HashMap<Text, i64>,
    technicians: HashMap<Text, i64>,
}

impl Places {
    pub fn bay(&self, row: &NewVisit) -> i64 {
        self.named_bay(row).unwrap_or(self.not_recorded)
    }

    fn named_bay(&self, row: &NewVisit) -> Option<i64> {
        let name = row.more.as_ref().and_then(|more| more.bay.as_deref())?;
        self.bays.get(name).copied()
    }

    pub fn technician(&self, row: &NewVisit) -> Option<i64> {
        let name = row.more.as_ref().and_then(|more| more.technician.as_deref())?;
        self.technicians.get(name).copied()
    }

    /// Where an export says that the visit is.
    fn assignment(&self, row: &NewVisit) -> Option<Assignment> {
        let technician = self.technician(row).map(ResourceId);
        self.named_bay(row).map(|bay| Assignment { bay: ResourceId(bay), technician })
    }

    fn has_all(&self, row: &NewVisit) -> bool {
        let Some(more) = &row.more else { return true };
        more.bay.as_ref().is_none_or(|name| self.bays.contains_key(name))
            && more.technician.as_ref().is_none_or(|name| self.technicians.contains_key(name))
    }
}

/// What became of a row.
enum Taken {
    Added(CustomerId),
    Known(CustomerId),
    Refused(Refused),
}

impl Importer<'_> {
    /// Numbers the bays and technicians that the rows name.
    pub(super) async fn name_places(&mut self, rows: &[NewVisit]) -> Result<(), ImportError> {
        if self.places.not_recorded != 0 && rows.iter().all(|row| self.places.has_all(row)) {
            return Ok(());
        }
        let mut session = self.store.write().await?;
        session.insert_resource("bay", NOT_RECORDED).await?;
        let mut known = Places::load(&mut session).await?;
        for more in rows.iter().filter_map(|row| row.more.as_deref()) {
            if let Some(bay) = more.bay.as_ref().filter(|name| !known.bays.contains_key(*name)) {
                session.insert_resource("bay", bay).await?;
                known.bays.insert(bay.clone(), 0);
            }
            let technician = more.technician.as_ref();
            if let Some(name) = technician.filter(|name| !known.technicians.contains_key(*name)) {
                session.insert_resource("technician", name).await?;
                known.technicians.insert(name.clone(), 0);
            }
        }
        self.places = Arc::new(Places::load(&mut session).await?);
        session.commit().await?;
        Ok(())
    }

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
            Taken::Added(customer) => {
                outcome.added += 1;
                self.customers.insert(customer.0);
            }
            Taken::Known(customer) => {
                outcome.known += 1;
                self.customers.insert(customer.0);
            }
            Taken::Refused(refused) => outcome.refused.push((outcome.done, refused)),
        }
        outcome.done += 1;
    }

    /// Takes as many of the rows as there is time for; a single one where `is_careful`.
    async fn open_turn(
        &self,
        rows: &[NewVisit],
        is_careful: bool,
    ) -> Result<Vec<Taken>, ImportError> {
        let mut session = self.store.write().await?;
        let started = Instant::now();
        let mut taken = Vec::new();
        for row in rows {
            taken.push(self.open_visit(&mut session, row).await?);
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
    ) -> Result<Taken, ImportError> {
        if let Some((id, customer)) = session.imported_visit(row).await? {
            let is_new = id > self.last_visit && row.own_name().is_none();
            return Ok(if is_new {
                Taken::Refused(Refused::Repeated)
            } else {
                Taken::Known(customer)
            });
        }
        let (vehicle, customer) = match self.who(session, row).await? {
            Ok(who) => who,
            Err(refused) => return Ok(Taken::Refused(refused)),
        };
        let needed = self.needed(row);
        let (span, window) = (needed.span, needed.window);
        let question = Question { customer, vehicle, span, window, except: None, blocks: false };
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
        session.import_visit(row, vehicle, customer, &placement, self.settings.now).await?;
        Ok(Taken::Added(customer))
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
            if let Some(reason) = outside_hours(needed.span, &self.shop.hours, zone) {
                return Ok(Err(format!("scheduled_at is outside business hours: {reason}")));
            }
            let place = self.store.resources.place(needed, taken, preferred);
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
        let Some((vehicle, owner)) = session.vehicle_called(&row.vehicle_external_id).await? else {
            return Ok(Err(Refused::Unknown("vehicle_external_id")));
        };
        let Some(said) = row.customer_external_id.as_deref() else {
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

impl Places {
    async fn load(session: &mut Session) -> sqlx::Result<Self> {
        let mut places = Self::default();
        for (id, kind, name) in session.all_resources().await? {
            match kind.as_str() {
                "bay" if name == NOT_RECORDED => places.not_recorded = id.0,
                "bay" => drop(places.bays.insert(name.into(), id.0)),
                _ => drop(places.technicians.insert(name.into(), id.0)),
            }
        }
        Ok(places)
    }
}

impl Session {
    /// The last number of a visit that was given away.
    pub(super) async fn last_visit(&mut self) -> sqlx::Result<i64> {
        let sql = "select coalesce(max(id), 0) from appointments";
        on!(self, |db| sqlx::query_scalar(sql).fetch_one(db).await)
    }

    async fn bay_named(&mut self, name: &str) -> sqlx::Result<ResourceId> {
        let sql = "select id from resources where kind = 'bay' and name = $1";
        on!(self, |db| sqlx::query_scalar(sql).bind(name).fetch_one(db).await)
    }

    /// The visit on file that has the row's `external_id`, and its customer.
    async fn imported_visit(&mut self, row: &NewVisit) -> sqlx::Result<Option<(i64, CustomerId)>> {
        let sql = "select id, customer_id from appointments where external_id = $1";
        let found =
            on!(self, |db| sqlx::query_as(sql).bind(row.external_id()).fetch_optional(db).await)?;
        let (None, Some(OwnName { id, .. })) = (found, row.own_name()) else { return Ok(found) };
        let sql = "select created_at, customer_id from appointments
                   where id = $1 and external_id is null";
        let found: Option<(i64, CustomerId)> =
            on!(self, |db| sqlx::query_as(sql).bind(id).fetch_optional(db).await)?;
        let found = found.filter(|&(created_at, _)| is_called(row, id, created_at));
        Ok(found.map(|(_, customer)| (id, customer)))
    }

    /// The vehicle that an `external_id` means, and its owner.
    async fn vehicle_called(
        &mut self,
        name: &str,
    ) -> sqlx::Result<Option<(VehicleId, CustomerId)>> {
        let sql = "select id, customer_id from vehicles where external_id = $1";
        let found = on!(self, |db| sqlx::query_as(sql).bind(name).fetch_optional(db).await)?;
        let (None, Ok(OwnName { id, created_at })) = (found, name.parse()) else {
            return Ok(found);
        };
        let sql = "select id, customer_id from vehicles
                   where id = $1 and created_at = $2 and external_id is null";
        on!(self, |db| sqlx::query_as(sql).bind(id).bind(created_at).fetch_optional(db).await)
    }

    /// The customer whom an `external_id` means, after a merge the one that was kept.
    async fn customer_called(&mut self, name: &str) -> sqlx::Result<Option<CustomerId>> {
        let sql = "select coalesce(merged_into, id) from customers where crm_id = $1";
        let found = on!(self, |db| sqlx::query_scalar(sql).bind(name).fetch_optional(db).await)?;
        let (None, Ok(OwnName { id, created_at })) = (found, name.parse()) else {
            return Ok(found);
        };
        let sql = "select coalesce(merged_into, id) from customers
                   where id = $1 and created_at = $2 and crm_id is null";
        on!(self, |db| sqlx::query_scalar(sql).bind(id).bind(created_at).fetch_optional(db).await)
    }

    async fn import_visit(
        &mut self,
        row: &NewVisit,
        vehicle: VehicleId,
        customer: CustomerId,
        placement: &Placement,
        now: Timestamp,
    ) -> sqlx::Result<()> {
        let more = row.more.as_deref().cloned().unwrap_or_default();
        let sql = "insert into appointments
                       (customer_id, vehicle_id, bay_id, technician_id, starts_at, ends_at,
                        reserved_until, service_type, service_description, customer_concerns,
                        notes, work_performed, status, confirmation_sent, calendar_event_id,
                        booking_method, booked_by, created_at, updated_at, external_id)
                   values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16,
                           $17, $18, $19, $20)";
        on!(self, |db| sqlx::query(sql)
            .bind(customer)
            .bind(vehicle)
            .bind(placement.bay)
            .bind(placement.technician)
            .bind(placement.span.start)
            .bind(placement.span.end)
            .bind(placement.reserved_until)
            .bind(row.service_type)
            .bind(row.service_description.as_deref())
            .bind(row.customer_concerns.as_deref())
            .bind(row.notes.as_deref())
            .bind(more.work_performed.as_deref())
            .bind(row.status)
            .bind(more.confirmation_sent)
            .bind(more.calendar_event_id.as_deref())
            .bind(row.booking_method())
            .bind(row.booked_by())
            .bind(row.created_at(now))
            .bind(row.updated_at(now))
            .bind(row.external_id())
            .execute(db)
            .await
            .map(drop))
    }
}
