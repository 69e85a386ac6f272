//! Putting vehicles on file; the tool that changes them.

pub mod updating;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::arguments::refuse;
use super::customers::{optional, present_id};
use super::vin::read_vin;
use super::write::{Begun, Write};
use super::{Answer, Call, Effect, Tool};
use crate::config::Toolset;
use crate::domain::id::{CustomerId, VehicleId};
use crate::domain::text;
use crate::domain::vehicle::{FIRST_YEAR, MAX_MILEAGE, NewVehicle, Vehicle, YEARS_AHEAD, describe};
use crate::domain::vin::Vin;
use crate::domain::vin::decoded::DecodedVin;
use crate::domain::vin::vpic::VinText;
use crate::domain::vin::warnings::year_warning;
use crate::error::{Code, Refusal, ToolError};
use crate::store::{Session, is_refused};

/// The arguments of `add_vehicle`.
#[derive(Debug, Deserialize, JsonSchema)]
pub struct AddVehicle {
    /// The owner, from lookup_customer.
    customer_id: CustomerId,
    /// 17 characters, as written or as heard.
    #[schemars(length(max = 400))]
    vin: Option<String>,
    /// Such as 2020.
    year: Option<i64>,
    /// Such as Honda.
    #[schemars(length(max = 200))]
    make: Option<String>,
    /// Such as Accord.
    #[schemars(length(max = 200))]
    model: Option<String>,
    /// Such as EX.
    #[schemars(length(max = 200))]
    trim: Option<String>,
    /// Color.
    #[schemars(length(max = 200))]
    color: Option<String>,
    /// License plate.
    #[schemars(length(max = 200))]
    license_plate: Option<String>,
    /// Odometer reading.
    #[schemars(range(min = 0, max = 10_000_000))]
    current_mileage: Option<i64>,
    /// The one meant if the customer does not say; the first one is.
    is_primary_vehicle: Option<bool>,
    /// The same key acts once.
    #[schemars(length(min = 1, max = 200))]
    idempotency_key: Option<String>,
}

/// A vehicle.
#[derive(Debug, JsonSchema, Serialize)]
pub struct Added {
    /// The vehicle.
    vehicle: Vehicle,
    /// What to mind, in sentences; absent where there is nothing.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    warnings: Vec<String>,
}

impl Tool for AddVehicle {
    const NAME: &'static str = "add_vehicle";
    const TITLE: &'static str = "Add a vehicle";
    const DESCRIPTION: &'static str = "Put a customer's vehicle on file. A VIN yields year, make, model and trim; without one give year, make and model. Next: book_appointment with its id.";
    const TOOLSET: Toolset = Toolset::Crm;
    const EFFECT: Effect = Effect::Writes { idempotent: false };
    type Data = Added;

    async fn run(self, call: &Call<'_>) -> Result<Answer<Added>, ToolError> {
        let vin = self.vin.as_deref().map(read_vin).transpose()?;
        let mut details = self.check(call)?;
        if let Some(envelope) = self.replay(call).await? {
            return Ok(Answer::Kept(envelope));
        }
        let mut warnings = match &vin {
            Some(vin) => details.compare(vin, call).await,
            None => Vec::new(),
        };
        warnings.extend(details.complete(vin.as_ref(), call).await?);
        let mut new = details.into_vehicle(self.customer_id, vin.as_ref())?;
        let mut write =
            match Write::begin(call, Self::NAME, self.idempotency_key.as_deref()).await? {
                Begun::Replayed(envelope) => return Ok(Answer::Kept(envelope)),
                Begun::Fresh(write) => write,
            };
        new.customer_id = present_id(&mut write.session, new.customer_id).await?;
        refuse_taken(&mut write.session, vin.as_ref()).await?;
        let vehicle = match write.session.insert_vehicle(&new, call.now).await {
            Ok(vehicle) => vehicle,
            Err(error) if is_refused(&error) => {
                drop(write);
                refuse_taken(&mut call.engine.store().await?.read().await?, vin.as_ref()).await?;
                return Err(error.into());
            }
            Err(error) => return Err(error.into()),
        };
        let name = describe(vehicle.year, &vehicle.make, &vehicle.model);
        let data = Added { vehicle, warnings };
        write.finish(Answer::new(format!("The {name} is now on file."), data)).await
    }
}

/// What was told of the vehicle, checked; what was not is still open.
struct Details {
    year: Option<i64>,
    make: Option<String>,
    model: Option<String>,
    rest: NewVehicle,
}

impl AddVehicle {
    fn check(&self, call: &Call<'_>) -> Result<Details, Refusal> {
        if let Some(year) = self.year {
            check_year(year, call)?;
        }
        let rest = NewVehicle {
            customer_id: self.customer_id,
            vin: None,
            year: 0,
            make: String::new(),
            model: String::new(),
            trim: optional("trim", self.trim.as_deref(), text::name)?,
            color: optional("color", self.color.as_deref(), text::name)?,
            license_plate: optional("license_plate", self.license_plate.as_deref(), text::name)?,
            current_mileage: self.current_mileage.map(|mileage| mileage.clamp(0, MAX_MILEAGE)),
            is_primary_vehicle: self.is_primary_vehicle,
        };
        Ok(Details {
            year: self.year,
            make: optional("make", self.make.as_deref(), text::name)?,
            model: optional("model", self.model.as_deref(), text::name)?,
            rest,
        })
    }

    /// The kept reply to the same request, before the VIN is decoded for nothing.
    async fn replay(&self, call: &Call<'_>) -> Result<Option<serde_json::Value>, ToolError> {
        let Some(key) = &self.idempotency_key else { return Ok(None) };
        match Write::begin(call, Self::NAME, Some(key)).await? {
            Begun::Replayed(envelope) => Ok(Some(envelope)),
            Begun::Fresh(_) => Ok(None),
        }
    }
}

fn check_year(year: i64, call: &Call<'_>) -> Result<(), Refusal> {
    use chrono::Datelike;
    let latest = i64::from(call.now.to_utc().year()) + YEARS_AHEAD;
    if (FIRST_YEAR..=latest).contains(&year) {
        return Ok(());
    }
    Err(refuse("year", format!("must be from {FIRST_YEAR} to {latest}; this is {year}")))
}

impl Details {
    fn missing(&self) -> Vec<&'static str> {
        let missing = [
            ("year", self.year.is_none()),
            ("make", self.make.is_none()),
            ("model", self.model.is_none()),
        ];
        missing.into_iter().filter(|&(_, is_missing)| is_missing).map(|(name, _)| name).collect()
    }

    /// What to mind about the VIN: its check digit, and all that was told and does not fit it. Where
    /// something is missing, `complete` looks after that.
    async fn compare(&self, vin: &Vin, call: &Call<'_>) -> Vec<String> {
        let mut warnings: Vec<String> = vin.check_digit_warning().into_iter().collect();
        if !self.missing().is_empty() {
            return warnings;
        }
        let Some(decoded) = call.engine.vins.decode_offline(vin, call.now).await else {
            return warnings;
        };
        let (make, model) = (self.make.as_deref(), self.model.as_deref());
        warnings.extend(contradiction(&decoded, self.year, make, model));
        warnings
    }

    /// Looks up in the VIN what was not told.
    /// What to mind about what it says.
    async fn complete(
        &mut self,
        vin: Option<&Vin>,
        call: &Call<'_>,
    ) -> Result<Vec<String>, ToolError> {
        let Some(vin) = vin.filter(|_| !self.missing().is_empty()) else { return Ok(Vec::new()) };
        let takes_year = self.year.is_none();
        let store = call.engine.store().await?;
        let store = std::future::ready(Some(store));
        let why = match call.engine.vins.decode(vin, store, call.now).await.vehicle {
            Some(vehicle) => {
                self.refuse_contradiction(vin, &vehicle)?;
                self.fill(vehicle);
                "the VIN does not yield it"
            }
            None => "nobody knows this VIN",
        };
        let missing = self.missing();
        if !missing.is_empty() {
            return Err(needed(&missing, why).into());
        }
        if !takes_year {
            return Ok(Vec::new());
        }
        let vpic = call.engine.vins.data().await;
        let decoded = vpic.decode(&VinText::new(vin.as_str()), None, call.now);
        Ok(year_warning(&decoded).into_iter().collect())
    }

    /// Refuses to mix two vehicles into one.
    fn refuse_contradiction(&self, vin: &Vin, decoded: &DecodedVin) -> Result<(), Refusal> {
        let fields = decoded.contradicted(self.year, self.make.as_deref());
        if fields.is_empty() {
            return Ok(());
        }
        let told = name_known(self.year, self.make.as_deref(), self.model.as_deref());
        let (make, model) = (decoded.make.as_deref(), decoded.model.as_deref());
        let found = name_known(decoded.year, make, model);
        let verb = if fields.len() == 1 { "contradicts" } else { "contradict" };
        let error = format!("{} {verb} vin: told was {told}, vin is {found}", fields.join(" and "));
        let warning = vin.check_digit_warning().map(|warning| format!(" {warning}"));
        Err(Refusal::new(
            Code::InvalidArgument,
            format!("I was told {told}, but the VIN says {found}."),
            error,
        )
        .hint(format!(
            "Read the VIN back to the customer, or leave out what was told and does not fit.{}",
            warning.unwrap_or_default()
        ))
        .data(json!({"decoded": {"year": decoded.year, "make": make, "model": model}})))
    }

    /// Takes from the VIN what was not told; the trim only if it is that of the same model.
    fn fill(&mut self, decoded: DecodedVin) {
        self.year = self.year.or(decoded.year);
        self.make = self.make.take().or_else(|| decoded.make.clone());
        self.model = self.model.take().or_else(|| decoded.model.clone());
        let (Some(year), Some(make), Some(model)) = (self.year, &self.make, &self.model) else {
            return;
        };
        if self.rest.trim.is_none() && decoded.is_a(year, make, model) {
            self.rest.trim = decoded.trim;
        }
    }

    fn into_vehicle(
        self,
        customer_id: CustomerId,
        vin: Option<&Vin>,
    ) -> Result<NewVehicle, Refusal> {
        let missing = self.missing();
        let (Some(year), Some(make), Some(model)) = (self.year, self.make, self.model) else {
            return Err(needed(&missing, "no VIN was given"));
        };
        let vin = vin.map(|vin| vin.as_str().to_owned());
        Ok(NewVehicle { customer_id, vin, year, make, model, ..self.rest })
    }
}

/// What to mind where a VIN is that of another vehicle than what was told.
pub(super) fn contradiction(
    decoded: &DecodedVin,
    year: Option<i64>,
    make: Option<&str>,
    model: Option<&str>,
) -> Option<String> {
    if decoded.contradicted(year, make).is_empty() {
        return None;
    }
    let told = name_known(year, make, model);
    let found = name_known(decoded.year, decoded.make.as_deref(), decoded.model.as_deref());
    Some(format!(
        "The VIN is that of a {found}, and told was {told}, which is kept; ask which of them is right."
    ))
}

/// What is known of year, make and model, in one line.
fn name_known(year: Option<i64>, make: Option<&str>, model: Option<&str>) -> String {
    let year = year.map(|year| year.to_string());
    let words = [year.as_deref(), make, model];
    words.into_iter().flatten().collect::<Vec<_>>().join(" ")
}

fn needed(missing: &[&str], why: &str) -> Refusal {
    let verb = if missing.len() == 1 { "is" } else { "are" };
    refuse(&missing.join(", "), format!("{verb} required: {why}"))
        .hint("Ask the customer for the model year, make and model, and give all three.")
}

/// The refusal of a vehicle's number that no vehicle has.
pub(super) fn vehicle_not_found(id: VehicleId) -> Refusal {
    Refusal::new(
        Code::VehicleNotFound,
        "I cannot find that vehicle.",
        format!("there is no vehicle {id}"),
    )
    .hint("lookup_customer returns the customer's vehicles with their ids; add_vehicle adds one.")
}

async fn refuse_taken(session: &mut Session, vin: Option<&Vin>) -> Result<(), ToolError> {
    let Some(vin) = vin else { return Ok(()) };
    let Some((vehicle, owner)) = session.vehicle_by_vin(vin.as_str()).await? else { return Ok(()) };
    Err(Refusal::new(
        Code::AlreadyExists,
        "A vehicle with this VIN is already on file.",
        format!("vin is that of vehicle {vehicle}, which belongs to customer {owner}"),
    )
    .hint("Use that vehicle.")
    .data(json!({"vehicle_id": vehicle, "customer_id": owner}))
    .into())
}
