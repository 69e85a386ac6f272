//! Vehicles, in the order of their owners.

use std::sync::Arc;

use rusqlite::params;

use super::super::deciding::is_called;
use super::super::order::repeated;
use super::super::rows::{NewVehicle, Row};
use super::super::{Outcome, OwnName, Refused, Settings};
use super::Writer;
use super::ahead::{Ahead, PART, Scout};
use super::many::{Many, Values};

const COLUMNS: &[&str] = &[
    "external_id",
    "customer_id",
    "vin",
    "year",
    "make",
    "model",
    "trim_level",
    "color",
    "license_plate",
    "current_mileage",
    "is_primary",
    "created_at",
];

/// A row that is to be added.
struct New<'a> {
    row: &'a NewVehicle,
    customer: i64,
    is_primary: bool,
    created_at: i64,
}

/// Whether the customer whose vehicles are being taken has one already.
#[derive(Clone, Copy, Default)]
struct Last {
    customer: i64,
    has_vehicle: bool,
    is_pending: bool,
}

/// What became of a row.
enum Taken {
    Added,
    Known,
    Refused(Refused),
}

impl Scout {
    /// Who owns each of these vehicles, those of one owner together, in their order.
    pub fn vehicles(&self, rows: &Arc<Vec<NewVehicle>>) -> Ahead<Option<i64>> {
        let rows = Arc::clone(rows);
        self.look_up(move |records, teller| {
            let mut owners = Vec::with_capacity(rows.len());
            for rows in rows.chunks(PART) {
                let named: Vec<&str> = rows.iter().map(|row| &*row.customer_external_id).collect();
                owners.extend(records.reading(|records| records.customer_ids(&named))?);
            }
            // Who is refused for want of an owner stands in nobody's way.
            let owned: Vec<(&NewVehicle, &Option<i64>)> = rows.iter().zip(&owners).collect();
            let mut again = repeated(&owned, |(row, owner)| owner.map(|_| row.external_id()));
            again.extend(repeated(&owned, |(row, owner)| {
                row.vin.as_deref().filter(|_| owner.is_some())
            }));
            let mut all: Vec<(usize, Option<i64>)> = owners.into_iter().enumerate().collect();
            all.sort_by_key(|&(place, owner)| (again.contains(&place), owner));
            teller.tell(all);
            Ok(())
        })
    }
}

impl Writer {
    /// Takes vehicles, of which it was looked up ahead who owns them.
    pub fn vehicles(
        &mut self,
        rows: &Arc<Vec<NewVehicle>>,
        ahead: Option<Ahead<Option<i64>>>,
        settings: &Settings,
    ) -> rusqlite::Result<Outcome> {
        let mut outcome = Outcome::default();
        let skips_triggers = self.skip_triggers(true)?;
        // One of its indexes is of a function's values. A function may fail, so that SQLite would keep each page that
        // a statement of several rows changes.
        let many = Many::new("vehicles", COLUMNS, &[], 1);
        let mut ahead = self.current(ahead)?.unwrap_or_else(|| self.scout.vehicles(rows));
        let mut last = Last::default();
        outcome.done =
            self.in_turns(rows.len(), ahead.data_version, settings, |some, is_unchanged| {
                let mut here = ahead.get(some)?;
                let looked_up_again;
                if !is_unchanged {
                    // What somebody wrote since may have given the customer's records to another one.
                    last = Last::default();
                    looked_up_again = self.look_up_owners_again(rows, here)?;
                    here = &looked_up_again;
                }
                if skips_triggers {
                    let new = here.iter().map(|&(place, owner)| Some((rows.get(place)?, owner?)));
                    if let Some(new) = new.collect::<Option<Vec<_>>>()
                        && self.insert_vehicles(&many, &new, &mut last, settings)?
                    {
                        outcome.added += u64::try_from(new.len()).unwrap_or_default();
                        return Ok(());
                    }
                }
                for &(place, owner) in here {
                    let Some(row) = rows.get(place) else { continue };
                    let taken = match owner {
                        Some(owner) => self.vehicle(&many, row, owner, &mut last, settings)?,
                        None => Taken::Refused(Refused::Unknown("customer_external_id")),
                    };
                    match taken {
                        Taken::Added => outcome.added += 1,
                        Taken::Known => outcome.known += 1,
                        Taken::Refused(refused) => outcome.refused.push((place, refused)),
                    }
                }
                Ok(())
            })?;
        Ok(outcome)
    }

    /// Who owns these rows, within a turn.
    fn look_up_owners_again(
        &self,
        rows: &[NewVehicle],
        here: &[(usize, Option<i64>)],
    ) -> rusqlite::Result<Vec<(usize, Option<i64>)>> {
        let of_rows = here.iter().map(|&(place, _)| place);
        let named = of_rows.clone().filter_map(|place| rows.get(place));
        let named: Vec<&str> = named.map(|row| &*row.customer_external_id).collect();
        Ok(of_rows.zip(self.records().customer_ids(&named)?).collect())
    }

    /// Writes the rows of these owners if all of them are new and none takes the place of a primary vehicle.
    fn insert_vehicles(
        &self,
        many: &Many,
        rows: &[(&NewVehicle, i64)],
        last: &mut Last,
        settings: &Settings,
    ) -> rusqlite::Result<bool> {
        let (mut next, created_at) = (*last, settings.now.0);
        let mut new = Vec::with_capacity(rows.len());
        let customers: Vec<i64> = rows.iter().map(|&(_, customer)| customer).collect();
        let have_vehicles = self.records().have_vehicles(&customers)?;
        for (&(row, customer), has_vehicle) in rows.iter().zip(have_vehicles) {
            if customer != next.customer {
                next = Last { customer, has_vehicle, is_pending: false };
            }
            if (next.has_vehicle && row.is_primary) || row.own_name().is_some() {
                return Ok(false);
            }
            let is_primary = !next.has_vehicle;
            new.push(New { row, customer, is_primary, created_at });
            next.has_vehicle = true;
        }
        let Some(before) = self.insert_all(many, &settings.seen.vehicles, &new, bind)? else {
            return Ok(false);
        };
        let sql = "insert into search_pending (customer_id)
                   select customer_id from vehicles not indexed
                   where id > ?1 and license_plate is not null
                   on conflict (customer_id) do update set claim = 0 where claim <> 0";
        self.execute(sql, [before])?;
        *last = Last { is_pending: false, ..next };
        Ok(true)
    }

    /// What is known of a customer, who may be the last one.
    fn next_owner(&self, customer: i64, last: Last) -> rusqlite::Result<Last> {
        if last.customer == customer {
            return Ok(last);
        }
        let sql = "select 1 from vehicles where customer_id = ?1 limit 1";
        let has_vehicle = self.records().one(sql, [customer], |_| Ok(()))?.is_some();
        Ok(Last { customer, has_vehicle, is_pending: false })
    }

    fn vehicle(
        &self,
        many: &Many,
        row: &NewVehicle,
        customer: i64,
        last: &mut Last,
        settings: &Settings,
    ) -> rusqlite::Result<Taken> {
        *last = self.next_owner(customer, *last)?;
        if (last.has_vehicle && row.is_primary) || row.own_name().is_some() {
            // The one that was the primary one gives way only to a vehicle that is going to be there.
            if let Some(taken) = self.is_there(row, customer, settings)? {
                return Ok(taken);
            }
            if row.is_primary {
                let sql =
                    "update vehicles set is_primary = 0 where customer_id = ?1 and is_primary";
                self.execute(sql, [customer])?;
            }
        }
        let is_primary = row.is_primary || !last.has_vehicle;
        let new = New { row, customer, is_primary, created_at: settings.now.0 };
        if self.insert_one(many, &settings.seen.vehicles, &new, bind)?.is_none() {
            // A row is refused by one of the two.
            return Ok(self.is_there(row, customer, settings)?.unwrap_or(Taken::Known));
        }
        last.has_vehicle = true;
        if row.license_plate.is_some() && !last.is_pending {
            self.pend(customer)?;
            last.is_pending = true;
        }
        Ok(Taken::Added)
    }

    /// What keeps the row from being added, if anything does.
    fn is_there(
        &self,
        row: &NewVehicle,
        customer: i64,
        settings: &Settings,
    ) -> rusqlite::Result<Option<Taken>> {
        let on_file = |id| {
            let is_first = settings.seen.vehicles.insert(id);
            Ok(Some(if is_first { Taken::Known } else { Taken::Refused(Refused::Repeated) }))
        };
        let sql = "select id from vehicles where external_id = ?1";
        if let Some(id) = self.records().one(sql, [&row.external_id], |row| row.get(0))? {
            return on_file(id);
        }
        if let Some(OwnName { id, .. }) = row.own_name() {
            let sql = "select created_at from vehicles where id = ?1 and external_id is null";
            let created_at = self.records().one(sql, [id], |row| row.get::<_, i64>(0))?;
            if created_at.is_some_and(|created_at| is_called(row, id, created_at)) {
                return on_file(id);
            }
        }
        let sql = "select id, customer_id, external_id is null from vehicles where vin = ?1";
        let same = self
            .records()
            .one(sql, [&row.vin], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
        let Some((vehicle, owner, is_nameless)): Option<(i64, i64, bool)> = same else {
            return Ok(None);
        };
        if owner == customer && is_nameless {
            let sql = "update vehicles set external_id = ?2 where id = ?1";
            self.execute(sql, params![vehicle, row.external_id])?;
            settings.seen.vehicles.insert(vehicle);
            return Ok(Some(Taken::Refused(Refused::SameVehicle(vehicle))));
        }
        Ok(Some(Taken::Refused(Refused::VinTaken { vehicle, customer: owner })))
    }
}

fn bind(values: &mut Values<'_, '_>, new: &New<'_>) -> rusqlite::Result<()> {
    let New { row, customer, is_primary, created_at } = new;
    values.add(&row.external_id)?;
    values.add(customer)?;
    values.add(&row.vin)?;
    values.add(row.year)?;
    values.add(&row.make)?;
    values.add(&row.model)?;
    values.add(&row.trim)?;
    values.add(&row.color)?;
    values.add(&row.license_plate)?;
    values.add(row.current_mileage)?;
    values.add(is_primary)?;
    values.add(created_at)
}
