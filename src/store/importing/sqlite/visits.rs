//! Visits that occupy nothing, in the order of their vehicles.

use std::collections::HashSet;

use rusqlite::params;

use super::super::deciding::is_called;
use super::super::places::Places;
use super::super::rows::{BOOKED_BY, NewVisit, Row, VisitMore};
use super::super::{Outcome, OwnName, Refused, Settings};
use super::Writer;

/// Who came with what.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
struct Who {
    vehicle: i64,
    customer: i64,
}

impl Writer {
    /// Takes closed visits.
    pub fn visits(
        &mut self,
        rows: &[NewVisit],
        places: &Places,
        settings: &Settings,
    ) -> rusqlite::Result<Outcome> {
        let mut outcome = Outcome::default();
        self.skip_triggers(rows.iter().all(|row| !row.is_open()))?;
        let (known, data_version) = self.reading(|| {
            self.check_places(rows, places)?;
            Ok((self.who_came(rows)?, self.data_version()?))
        })?;
        let mut order: Vec<usize> = (0..rows.len()).collect();
        order.sort_by_key(|&place| known.get(place).and_then(|who| who.as_ref().ok().copied()));
        outcome.done = self.in_turns(&order, data_version, settings, |place, is_unchanged| {
            let (Some(row), Some(known)) = (rows.get(place), known.get(place)) else {
                return Ok(());
            };
            // What somebody wrote since may have given the records to another customer.
            let who = if is_unchanged {
                *known
            } else {
                self.check_places(std::slice::from_ref(row), places)?;
                self.who(row)?
            };
            match who {
                Err(column) => outcome.refused.push((place, Refused::Unknown(column))),
                Ok(who) if self.insert_visit(row, who, places, settings)? == 1 => {
                    outcome.added += 1;
                    outcome.customers.insert(who.customer);
                }
                Ok(_) if self.is_new(row)? => outcome.refused.push((place, Refused::Repeated)),
                Ok(who) => {
                    outcome.known += 1;
                    outcome.customers.insert(who.customer);
                }
            }
            Ok(())
        })?;
        Ok(outcome)
    }

    /// Who came with each of the rows. Those of one vehicle lie together where they are looked up.
    fn who_came(&self, rows: &[NewVisit]) -> rusqlite::Result<Vec<Result<Who, &'static str>>> {
        let mut order: Vec<usize> = (0..rows.len()).collect();
        order.sort_by_key(|&place| rows.get(place).map(|row| &row.vehicle_external_id));
        let mut who = vec![Err("vehicle_external_id"); rows.len()];
        for place in order {
            if let (Some(who), Some(row)) = (who.get_mut(place), rows.get(place)) {
                *who = self.who(row)?;
            }
        }
        Ok(who)
    }

    /// Fails where a bay or a technician of the rows is not there any more.
    fn check_places(&self, rows: &[NewVisit], places: &Places) -> rusqlite::Result<()> {
        let of_row = |row| [Some(places.bay(row)), places.technician(row)];
        let named: HashSet<i64> = rows.iter().flat_map(of_row).flatten().collect();
        named.into_iter().try_for_each(|place| {
            let sql = "select 1 from resources where id = ?1";
            self.connection.prepare_cached(sql)?.query_row([place], |_| Ok(()))
        })
    }

    /// Who came, or the column that leads nowhere.
    fn who(&self, row: &NewVisit) -> rusqlite::Result<Result<Who, &'static str>> {
        let sql = "select v.id, v.customer_id, c.crm_id from vehicles v
                   join customers c on c.id = v.customer_id where v.external_id = ?1";
        let read = |found: &rusqlite::Row<'_>| {
            let crm_id = found.get_ref(2)?.as_str_or_null()?;
            let is_owner = row.customer_external_id.as_deref().is_none_or(|id| Some(id) == crm_id);
            Ok((Who { vehicle: found.get(0)?, customer: found.get(1)? }, is_owner))
        };
        let found = match self.one(sql, [&row.vehicle_external_id], read)? {
            None => self.own_vehicle(&row.vehicle_external_id)?,
            found => found,
        };
        let Some((who, is_owner)) = found else { return Ok(Err("vehicle_external_id")) };
        let said = row.customer_external_id.as_deref().filter(|_| !is_owner);
        let Some(said) = said else { return Ok(Ok(who)) };
        let customer = self.customer_id(said)?;
        Ok(customer.map(|customer| Who { customer, ..who }).ok_or("customer_external_id"))
    }

    /// The vehicle that an export called by its number, and whether nobody needs to look at its owner.
    fn own_vehicle(&self, name: &str) -> rusqlite::Result<Option<(Who, bool)>> {
        let Ok(OwnName { id, created_at }) = name.parse() else { return Ok(None) };
        let sql = "select id, customer_id from vehicles
                   where id = ?1 and created_at = ?2 and external_id is null";
        self.one(sql, [id, created_at.0], |row| {
            Ok((Who { vehicle: row.get(0)?, customer: row.get(1)? }, false))
        })
    }

    fn insert_visit(
        &self,
        row: &NewVisit,
        who: Who,
        places: &Places,
        settings: &Settings,
    ) -> rusqlite::Result<usize> {
        match &row.more {
            _ if self.is_own_visit(row)? => Ok(0),
            None => self.insert_plain_visit(row, who, places, settings),
            Some(more) => self.insert_told_visit(row, more, who, places, settings),
        }
    }

    fn insert_plain_visit(
        &self,
        row: &NewVisit,
        who: Who,
        places: &Places,
        settings: &Settings,
    ) -> rusqlite::Result<usize> {
        let sql = "insert into appointments
                       (customer_id, vehicle_id, bay_id, starts_at, ends_at, reserved_until,
                        service_type, service_description, customer_concerns, notes, status,
                        booking_method, booked_by, created_at, updated_at, external_id)
                   values (?1, ?2, ?3, ?4, ?5, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?11, ?12, ?12, ?13)
                   on conflict do nothing";
        self.execute(
            sql,
            params![
                who.customer,
                who.vehicle,
                places.not_recorded,
                row.span.start.0,
                row.span.end.0,
                row.service_type.as_str(),
                row.service_description,
                row.customer_concerns,
                row.notes,
                row.status.as_str(),
                BOOKED_BY,
                row.created_at(settings.now).0,
                row.external_id,
            ],
        )
    }

    fn insert_told_visit(
        &self,
        row: &NewVisit,
        more: &VisitMore,
        who: Who,
        places: &Places,
        settings: &Settings,
    ) -> rusqlite::Result<usize> {
        let sql = "insert into appointments
                       (customer_id, vehicle_id, bay_id, technician_id, starts_at, ends_at,
                        reserved_until, service_type, service_description, customer_concerns,
                        notes, work_performed, status, confirmation_sent, cancellation_reason,
                        cancelled_at, calendar_event_id, booking_method, booked_by, created_at,
                        updated_at, external_id)
                   values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16,
                           ?17, ?18, ?19, ?20, ?21, ?22)
                   on conflict do nothing";
        self.execute(
            sql,
            params![
                who.customer,
                who.vehicle,
                places.bay(row),
                places.technician(row),
                row.span.start.0,
                row.span.end.0,
                row.reserved_until().0,
                row.service_type.as_str(),
                row.service_description,
                row.customer_concerns,
                row.notes,
                more.work_performed,
                row.status.as_str(),
                more.confirmation_sent,
                more.cancellation_reason,
                more.cancelled_at.map(|at| at.0),
                more.calendar_event_id,
                row.booking_method(),
                row.booked_by(),
                row.created_at(settings.now).0,
                row.updated_at(settings.now).0,
                row.external_id,
            ],
        )
    }

    /// Whether the row is a visit of ours that an export called by its number.
    fn is_own_visit(&self, row: &NewVisit) -> rusqlite::Result<bool> {
        let Some(OwnName { id, .. }) = row.own_name() else { return Ok(false) };
        let sql = "select created_at from appointments where id = ?1 and external_id is null";
        let created_at = self.one(sql, [id], |row| row.get::<_, i64>(0))?;
        Ok(created_at.is_some_and(|created_at| is_called(row, id, created_at)))
    }

    /// Whether this import made the record that has the row's `external_id`.
    fn is_new(&self, row: &NewVisit) -> rusqlite::Result<bool> {
        let sql = "select id from appointments where external_id = ?1";
        let id = self.one(sql, [&row.external_id], |row| row.get::<_, i64>(0))?;
        Ok(id.is_some_and(|id| id > self.last_visit))
    }
}
