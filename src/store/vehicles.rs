//! Vehicles.

use super::{Session, on};
use crate::domain::id::{CustomerId, VehicleId};
use crate::domain::time::Timestamp;
use crate::domain::vehicle::{NewVehicle, Vehicle};

macro_rules! vehicle_columns {
    () => {
        "id, customer_id, vin, year, make, model, trim_level as trim, color, license_plate,
         current_mileage, is_primary as is_primary_vehicle"
    };
}

impl Session {
    /// The vehicle with this number.
    pub async fn vehicle(&mut self, id: VehicleId) -> sqlx::Result<Option<Vehicle>> {
        let sql = concat!("select ", vehicle_columns!(), " from vehicles where id = $1");
        on!(self, |db| sqlx::query_as(sql).bind(id).fetch_optional(db).await)
    }

    /// Writes what of a vehicle may change; fails as a unique violation where the VIN is another
    /// vehicle's. The primary one takes the place of the one that was.
    pub async fn update_vehicle(&mut self, vehicle: &Vehicle) -> sqlx::Result<()> {
        if vehicle.is_primary_vehicle {
            self.clear_primary(vehicle.customer_id).await?;
        }
        let sql = "update vehicles
                   set vin = $2, year = $3, make = $4, model = $5, trim_level = $6, color = $7,
                       license_plate = $8, current_mileage = $9, is_primary = $10
                   where id = $1";
        on!(self, |db| sqlx::query(sql)
            .bind(vehicle.id)
            .bind(&vehicle.vin)
            .bind(vehicle.year)
            .bind(&vehicle.make)
            .bind(&vehicle.model)
            .bind(&vehicle.trim)
            .bind(&vehicle.color)
            .bind(&vehicle.license_plate)
            .bind(vehicle.current_mileage)
            .bind(vehicle.is_primary_vehicle)
            .execute(db)
            .await
            .map(drop))
    }

    /// The VINs of a customer's vehicles.
    pub async fn vins_of(&mut self, customer: CustomerId) -> sqlx::Result<Vec<String>> {
        let sql = "select vin from vehicles where customer_id = $1 and vin is not null order by id";
        on!(self, |db| sqlx::query_scalar(sql).bind(customer).fetch_all(db).await)
    }

    /// The vehicle with this VIN: its number and its owner's.
    pub async fn vehicle_by_vin(
        &mut self,
        vin: &str,
    ) -> sqlx::Result<Option<(VehicleId, CustomerId)>> {
        let sql = "select id, customer_id from vehicles where vin = $1";
        on!(self, |db| sqlx::query_as(sql).bind(vin).fetch_optional(db).await)
    }

    /// Puts a vehicle on file. The customer's first one is the primary one; a later one that is
    /// said to be takes that place over.
    pub async fn insert_vehicle(
        &mut self,
        new: &NewVehicle,
        now: Timestamp,
    ) -> sqlx::Result<Vehicle> {
        let is_primary = match new.is_primary_vehicle {
            Some(true) => {
                self.clear_primary(new.customer_id).await?;
                true
            }
            _ => !self.has_vehicles(new.customer_id).await?,
        };
        let sql = concat!(
            "insert into vehicles
                 (customer_id, vin, year, make, model, trim_level, color, license_plate,
                  current_mileage, is_primary, created_at)
             values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
             returning ",
            vehicle_columns!()
        );
        on!(self, |db| sqlx::query_as(sql)
            .bind(new.customer_id)
            .bind(&new.vin)
            .bind(new.year)
            .bind(&new.make)
            .bind(&new.model)
            .bind(&new.trim)
            .bind(&new.color)
            .bind(&new.license_plate)
            .bind(new.current_mileage)
            .bind(is_primary)
            .bind(now)
            .fetch_one(db)
            .await)
    }

    /// Notes an odometer reading, unless a higher one is on file.
    pub async fn raise_mileage(&mut self, vehicle: VehicleId, mileage: i64) -> sqlx::Result<()> {
        let sql = "update vehicles set current_mileage = $2
                   where id = $1 and (current_mileage is null or current_mileage < $2)";
        on!(self, |db| sqlx::query(sql).bind(vehicle).bind(mileage).execute(db).await.map(drop))
    }

    async fn has_vehicles(&mut self, customer: CustomerId) -> sqlx::Result<bool> {
        let sql = "select exists (select 1 from vehicles where customer_id = $1)";
        on!(self, |db| sqlx::query_scalar(sql).bind(customer).fetch_one(db).await)
    }

    async fn clear_primary(&mut self, customer: CustomerId) -> sqlx::Result<()> {
        let sql = "update vehicles set is_primary = false where customer_id = $1 and is_primary";
        on!(self, |db| sqlx::query(sql).bind(customer).execute(db).await.map(drop))
    }
}
