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
            trim: row.name(TRIM)?,
        };
        let Told { year: Some(year), make: Some(make), model: Some(model), trim } =
            told.complete(vin.as_ref(), reading)?
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
            trim,
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
    trim: Option<Text>,
}

impl Told {
    /// Takes from the VIN what the row leaves out, as the data in the program know it; nobody is asked.
    /// A row that is complete is kept as it is said.
    fn complete(mut self, vin: Option<&Vin>, reading: &Reading) -> Result<Self, Reason> {
        let is_complete = self.year.is_some() && self.make.is_some() && self.model.is_some();
        let Some(vin) = vin.filter(|_| !is_complete) else { return Ok(self) };
        let Some(decoded) = reading.vpic.vehicle(vin, reading.now) else { return Ok(self) };
        let fields = decoded.contradicted(self.year, self.make.as_deref());
        if !fields.is_empty() {
            return Err(format!("{} and vin contradict each other", fields.join(", ")));
        }
        let text = |known: Option<&String>| known.map(|known| known.as_str().into());
        self.year = self.year.or(decoded.year);
        self.make = self.make.or_else(|| text(decoded.make.as_ref()));
        self.model = self.model.or_else(|| text(decoded.model.as_ref()));
        let named = self.year.zip(self.make.as_deref()).zip(self.model.as_deref());
        if named.is_some_and(|((year, make), model)| decoded.is_a(year, make, model)) {
            self.trim = self.trim.or_else(|| text(decoded.trim.as_ref()));
        }
        Ok(self)
    }
}
