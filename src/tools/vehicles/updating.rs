//! Correcting what is on file about a vehicle.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{check_year, contradiction, refuse_taken, vehicle_not_found};
use crate::config::Toolset;
use crate::domain::id::VehicleId;
use crate::domain::text;
use crate::domain::time::Timestamp;
use crate::domain::vehicle::{Vehicle, describe};
use crate::domain::vin::Vin;
use crate::domain::vin::vpic::Vpic;
use crate::error::{Refusal, ToolError};
use crate::store::is_refused;
use crate::tools::arguments::refuse;
use crate::tools::customers::optional;
use crate::tools::customers::updating::{named, unless_empty};
use crate::tools::vin::read_vin;
use crate::tools::write::Write;
use crate::tools::{Answer, Call, Effect, Tool};

/// The arguments of `update_vehicle`.
#[derive(Debug, Deserialize, JsonSchema)]
pub struct UpdateVehicle {
    /// From lookup_customer.
    vehicle_id: VehicleId,
    /// What to change; the rest stays.
    updates: Updates,
}

/// What of a vehicle can be changed.
#[derive(Debug, Deserialize, JsonSchema)]
#[schemars(inline)]
struct Updates {
    /// As written or as heard; empty removes it.
    #[schemars(length(max = 400))]
    vin: Option<String>,
    /// Such as 2020.
    year: Option<i64>,
    /// Such as Honda.
    #[schemars(length(min = 1, max = 200))]
    make: Option<String>,
    /// Such as Accord.
    #[schemars(length(min = 1, max = 200))]
    model: Option<String>,
    /// Empty removes it.
    #[schemars(length(max = 200))]
    trim: Option<String>,
    /// Empty removes it.
    #[schemars(length(max = 200))]
    color: Option<String>,
    /// Empty removes it.
    #[schemars(length(max = 200))]
    license_plate: Option<String>,
    /// Odometer reading.
    #[schemars(range(min = 0, max = 10_000_000))]
    current_mileage: Option<i64>,
    /// True: the one meant if the customer does not say.
    is_primary_vehicle: Option<bool>,
}

/// A changed vehicle.
#[derive(Debug, JsonSchema, Serialize)]
pub struct Updated {
    /// The vehicle's number.
    vehicle_id: VehicleId,
    /// The fields that were set.
    updated_fields: Vec<&'static str>,
    /// The vehicle as changed.
    vehicle: Vehicle,
    /// What to mind, in sentences; absent where there is nothing.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    warnings: Vec<String>,
}

impl Tool for UpdateVehicle {
    const NAME: &'static str = "update_vehicle";
    const TITLE: &'static str = "Update a vehicle";
    const DESCRIPTION: &'static str =
        "Change what is on file about a vehicle, or make it the primary one.";
    const TOOLSET: Toolset = Toolset::Crm;
    const EFFECT: Effect = Effect::Writes { idempotent: true };
    type Data = Updated;

    async fn run(self, call: &Call<'_>) -> Result<Answer<Updated>, ToolError> {
        let updated_fields = self.updates.named()?;
        let changes = self.updates.check(call)?;
        let is_told = |field| updated_fields.contains(&field);
        let vpic = if ["vin", "year", "make", "model"].into_iter().any(is_told) {
            // Ahead of the lock, for which others wait: the first call may have a file to read.
            Some(call.engine.vins.data().await)
        } else {
            None
        };
        let mut write = Write::open(call).await?;
        let Some(old) = write.session.vehicle(self.vehicle_id).await? else {
            return Err(vehicle_not_found(self.vehicle_id).into());
        };
        if old.is_primary_vehicle && self.updates.is_primary_vehicle == Some(false) {
            return Err(refuse_no_primary().into());
        }
        let vin = changes.vin.flatten();
        let vehicle = changes.apply(old.clone());
        let new_vin = vin.filter(|_| vehicle.vin != old.vin);
        refuse_taken(&mut write.session, new_vin.as_ref()).await?;
        match write.session.update_vehicle(&vehicle).await {
            Err(error) if is_refused(&error) => {
                drop(write);
                let mut session = call.engine.store().await?.read().await?;
                refuse_taken(&mut session, new_vin.as_ref()).await?;
                return Err(error.into());
            }
            done => done?,
        }
        let name = describe(vehicle.year, &vehicle.make, &vehicle.model);
        let mut warnings: Vec<String> =
            vin.and_then(|vin| vin.check_digit_warning()).into_iter().collect();
        warnings.extend(vpic.and_then(|vpic| contradiction_of(&vehicle, vpic, call.now)));
        let data = Updated { vehicle_id: vehicle.id, updated_fields, vehicle, warnings };
        write.finish(Answer::new(format!("The record of the {name} is updated."), data)).await
    }
}

/// What to mind where the vehicle is another one than that of its VIN.
fn contradiction_of(vehicle: &Vehicle, vpic: Vpic<'_>, now: Timestamp) -> Option<String> {
    let vin = vehicle.vin.as_ref()?.parse().ok()?;
    let decoded = vpic.vehicle(&vin, now)?;
    let (make, model) = (Some(vehicle.make.as_str()), Some(vehicle.model.as_str()));
    contradiction(&decoded, Some(vehicle.year), make, model)
}

/// The changes, checked: an inner option says what takes the place of what was there.
struct Changes {
    vin: Option<Option<Vin>>,
    year: Option<i64>,
    make: Option<String>,
    model: Option<String>,
    trim: Option<Option<String>>,
    color: Option<Option<String>>,
    license_plate: Option<Option<String>>,
    current_mileage: Option<i64>,
    is_primary_vehicle: bool,
}

impl Updates {
    fn check(&self, call: &Call<'_>) -> Result<Changes, Refusal> {
        if let Some(year) = self.year {
            check_year(year, call)?;
        }
        let name = |field, text: &Option<String>| {
            optional(&format!("updates.{field}"), text.as_deref(), text::name)
        };
        let removable = |field, text: &Option<String>| {
            optional(&format!("updates.{field}"), text.as_deref(), unless_empty(text::name))
        };
        Ok(Changes {
            vin: self.vin.as_deref().map(unless_empty(read_vin)).transpose()?,
            year: self.year,
            make: name("make", &self.make)?,
            model: name("model", &self.model)?,
            trim: removable("trim", &self.trim)?,
            color: removable("color", &self.color)?,
            license_plate: removable("license_plate", &self.license_plate)?,
            current_mileage: self.current_mileage,
            is_primary_vehicle: self.is_primary_vehicle.unwrap_or_default(),
        })
    }

    /// The fields that are to be set.
    fn named(&self) -> Result<Vec<&'static str>, Refusal> {
        named(&[
            ("vin", self.vin.is_some()),
            ("year", self.year.is_some()),
            ("make", self.make.is_some()),
            ("model", self.model.is_some()),
            ("trim", self.trim.is_some()),
            ("color", self.color.is_some()),
            ("license_plate", self.license_plate.is_some()),
            ("current_mileage", self.current_mileage.is_some()),
            ("is_primary_vehicle", self.is_primary_vehicle.is_some()),
        ])
    }
}

impl Changes {
    /// The vehicle as changed.
    fn apply(self, mut vehicle: Vehicle) -> Vehicle {
        if let Some(vin) = self.vin {
            vehicle.vin = vin.map(|vin| vin.as_str().to_owned());
        }
        vehicle.year = self.year.unwrap_or(vehicle.year);
        vehicle.make = self.make.unwrap_or(vehicle.make);
        vehicle.model = self.model.unwrap_or(vehicle.model);
        vehicle.trim = self.trim.unwrap_or(vehicle.trim);
        vehicle.color = self.color.unwrap_or(vehicle.color);
        vehicle.license_plate = self.license_plate.unwrap_or(vehicle.license_plate);
        vehicle.current_mileage = self.current_mileage.or(vehicle.current_mileage);
        vehicle.is_primary_vehicle |= self.is_primary_vehicle;
        vehicle
    }
}

fn refuse_no_primary() -> Refusal {
    refuse(
        "updates.is_primary_vehicle",
        "cannot be false: it is the customer's primary vehicle, and there has to be one",
    )
    .hint("Set is_primary_vehicle to true on another vehicle of the customer, which takes the place over.")
}
