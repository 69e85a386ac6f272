//! Vehicles, in the order of their owners.

use rusqlite::params;

use super::super::deciding::is_called;
use super::super::rows::{NewVehicle, Row};
use super::super::{Outcome, OwnName, Refused, Settings};
use super::Writer;

/// Who owns the rows, as it was known before the turn.
struct Owners {
    ids: Vec<Option<i64>>,
    /// The state of the database that this is true of.
    data_version: i64,
}

/// Whether the customer whose vehicles are being taken has one already.
#[derive(Default)]
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

impl Writer {
    /// Takes vehicles, those of one owner in their order.
    pub fn vehicles(
        &mut self,
        rows: &[NewVehicle],
        settings: &Settings,
    ) -> rusqlite::Result<Outcome> {
        let mut outcome = Outcome::default();
        self.skip_triggers(true)?;
        let owners = self.owners(rows)?;
        let owner = |place: &usize| owners.ids.get(*place).copied().flatten();
        let mut order: Vec<usize> = (0..rows.len()).collect();
        order.sort_by_key(owner);
        let mut last = Last::default();
        outcome.done =
            self.in_turns(&order, owners.data_version, settings, |place, is_unchanged| {
                let Some(row) = rows.get(place) else { return Ok(()) };
                // What somebody wrote since may have given the customer's records to another one.
                let customer = if is_unchanged {
                    owner(&place)
                } else {
                    last = Last::default();
                    self.customer_id(&row.customer_external_id)?
                };
                let taken = match customer {
                    Some(customer) => self.vehicle(row, customer, &mut last, settings)?,
                    None => Taken::Refused(Refused::Unknown("customer_external_id")),
                };
                match taken {
                    Taken::Added => outcome.added += 1,
                    Taken::Known => outcome.known += 1,
                    Taken::Refused(refused) => outcome.refused.push((place, refused)),
                }
                Ok(())
            })?;
        Ok(outcome)
    }

    /// Looks the owners up before the turn, so that nobody waits for it.
    fn owners(&self, rows: &[NewVehicle]) -> rusqlite::Result<Owners> {
        self.reading(|| {
            let ids = rows.iter().map(|row| self.customer_id(&row.customer_external_id));
            Ok(Owners { ids: ids.collect::<Result<_, _>>()?, data_version: self.data_version()? })
        })
    }

    fn vehicle(
        &self,
        row: &NewVehicle,
        customer: i64,
        last: &mut Last,
        settings: &Settings,
    ) -> rusqlite::Result<Taken> {
        if last.customer != customer {
            let sql = "select 1 from vehicles where customer_id = ?1 limit 1";
            let has_vehicle = self.one(sql, [customer], |_| Ok(()))?.is_some();
            *last = Last { customer, has_vehicle, is_pending: false };
        }
        if (last.has_vehicle && row.is_primary) || row.own_name().is_some() {
            // The one that was the primary one gives way only to a vehicle that is going to be there.
            if let Some(taken) = self.is_there(row, customer)? {
                return Ok(taken);
            }
            if row.is_primary {
                let sql =
                    "update vehicles set is_primary = 0 where customer_id = ?1 and is_primary";
                self.execute(sql, [customer])?;
            }
        }
        let is_primary = row.is_primary || !last.has_vehicle;
        if self.insert_vehicle(row, customer, is_primary, settings)? == 0 {
            // A row is refused by one of the two.
            return Ok(self.is_there(row, customer)?.unwrap_or(Taken::Known));
        }
        last.has_vehicle = true;
        if row.license_plate.is_some() && !last.is_pending {
            self.pend(customer)?;
            last.is_pending = true;
        }
        Ok(Taken::Added)
    }

    fn insert_vehicle(
        &self,
        row: &NewVehicle,
        customer: i64,
        is_primary: bool,
        settings: &Settings,
    ) -> rusqlite::Result<usize> {
        let sql = "insert into vehicles
                       (external_id, customer_id, vin, year, make, model, trim_level, color,
                        license_plate, current_mileage, is_primary, created_at)
                   values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)
                   on conflict do nothing";
        self.execute(
            sql,
            params![
                row.external_id,
                customer,
                row.vin,
                row.year,
                row.make,
                row.model,
                row.trim,
                row.color,
                row.license_plate,
                row.current_mileage,
                is_primary,
                settings.now.0,
            ],
        )
    }

    /// What keeps the row from being added, if anything does.
    fn is_there(&self, row: &NewVehicle, customer: i64) -> rusqlite::Result<Option<Taken>> {
        let sql = "select id from vehicles where external_id = ?1";
        if let Some(id) = self.one(sql, [&row.external_id], |row| row.get::<_, i64>(0))? {
            let is_new = id > self.last_vehicle;
            return Ok(Some(if is_new { Taken::Refused(Refused::Repeated) } else { Taken::Known }));
        }
        if let Some(OwnName { id, .. }) = row.own_name() {
            let sql = "select created_at from vehicles where id = ?1 and external_id is null";
            let created_at = self.one(sql, [id], |row| row.get::<_, i64>(0))?;
            if created_at.is_some_and(|created_at| is_called(row, id, created_at)) {
                return Ok(Some(Taken::Known));
            }
        }
        let sql = "select id, customer_id, external_id is null from vehicles where vin = ?1";
        let same = self.one(sql, [&row.vin], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
        let Some((vehicle, owner, is_nameless)): Option<(i64, i64, bool)> = same else {
            return Ok(None);
        };
        if owner == customer && is_nameless {
            let sql = "update vehicles set external_id = ?2 where id = ?1";
            self.execute(sql, params![vehicle, row.external_id])?;
            return Ok(Some(Taken::Refused(Refused::SameVehicle(vehicle))));
        }
        Ok(Some(Taken::Refused(Refused::VinTaken { vehicle, customer: owner })))
    }
}
