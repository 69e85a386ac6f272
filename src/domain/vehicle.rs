//! Vehicles as callers see them.

use schemars::JsonSchema;
use serde::Serialize;

use super::id::{CustomerId, VehicleId};

/// The first model year that a vehicle may have: the first car.
pub const FIRST_YEAR: i64 = 1886;
/// How many years ahead of the calendar a model year may be.
pub const YEARS_AHEAD: i64 = 2;
/// The highest odometer reading.
pub const MAX_MILEAGE: i64 = 10_000_000;

/// A vehicle on file.
#[derive(Clone, Debug, JsonSchema, PartialEq, Serialize, sqlx::FromRow)]
pub struct Vehicle {
    /// The vehicle's number, for the other tools.
    pub id: VehicleId,
    /// The owner's number.
    pub customer_id: CustomerId,
    /// Vehicle identification number, 17 characters.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub vin: Option<String>,
    /// Model year.
    pub year: i64,
    /// Make, such as Honda.
    pub make: String,
    /// Model, such as Accord.
    pub model: String,
    /// Trim, such as EX.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trim: Option<String>,
    /// Color.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub color: Option<String>,
    /// License plate.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub license_plate: Option<String>,
    /// Odometer reading, as last told.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub current_mileage: Option<i64>,
    /// Whether it is the one meant when the customer does not say.
    pub is_primary_vehicle: bool,
}

/// A vehicle to be put on file; every text was checked.
#[derive(Clone, Debug)]
pub struct NewVehicle {
    /// The owner.
    pub customer_id: CustomerId,
    /// Vehicle identification number, 17 characters.
    pub vin: Option<String>,
    /// Model year.
    pub year: i64,
    /// Make.
    pub make: String,
    /// Model.
    pub model: String,
    /// Trim.
    pub trim: Option<String>,
    /// Color.
    pub color: Option<String>,
    /// License plate.
    pub license_plate: Option<String>,
    /// Odometer reading.
    pub current_mileage: Option<i64>,
    /// `None`: the primary one only if it is the customer's first.
    pub is_primary_vehicle: Option<bool>,
}

/// What people call the vehicle: `2020 Honda Accord`.
pub fn describe(year: i64, make: &str, model: &str) -> String {
    format!("{year} {make} {model}")
}
