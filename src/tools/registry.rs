//! The list of the tools, each with what is needed to list it and to call it.

use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use rmcp::model::{JsonObject, ToolAnnotations};
use serde_json::Value;

use super::engine::Call;
use super::reply::Reply;
use super::{Effect, Tool, arguments, confirming, schema, voice};
use super::{
    appointments, billing, booking, calendar, customers, holds, insights, inventory, reminders,
    slots, tickets, vehicles, vin,
};
use crate::clients::Upstream;
use crate::config::{Config, Confirm, Profile, RemoteApi, Toolset};
use crate::error::{Refusal, ToolError};

type Running<'a> = Pin<Box<dyn Future<Output = Result<Reply, ToolError>> + Send + 'a>>;

/// A tool without its type.
pub struct Entry {
    pub name: &'static str,
    pub toolset: Toolset,
    pub effect: Effect,
    limit: Duration,
    asks: Option<Upstream>,
    /// Whether a person confirms a call.
    pub is_confirmed: bool,
    title: &'static str,
    description: &'static str,
    open_world: bool,
    input: fn() -> Arc<JsonObject>,
    output: fn() -> JsonObject,
    fitted: OnceLock<Arc<JsonObject>>,
    run: for<'a> fn(Value, &'a Call<'a>) -> Running<'a>,
}

/// Every tool, in the order in which they are listed.
pub static ALL: [Entry; 36] = [
    entry::<customers::LookupCustomer>(),
    entry::<customers::searching::SearchCustomers>(),
    entry::<customers::creating::CreateCustomer>(),
    entry::<customers::updating::UpdateCustomer>(),
    entry::<customers::merging::MergeCustomers>(),
    entry::<customers::history::GetCustomerHistory>(),
    entry::<vehicles::AddVehicle>(),
    entry::<vehicles::updating::UpdateVehicle>(),
    entry::<tickets::listing::GetCustomerTickets>(),
    entry::<tickets::opening::CreateTicket>(),
    entry::<tickets::changing::UpdateTicket>(),
    entry::<slots::GetAvailableSlots>(),
    entry::<holds::HoldSlot>(),
    entry::<holds::ReleaseHold>(),
    entry::<booking::BookAppointment>(),
    entry::<appointments::upcoming::GetUpcomingAppointments>(),
    entry::<appointments::searching::SearchAppointments>(),
    entry::<appointments::cancelling::CancelAppointment>(),
    entry::<booking::moving::RescheduleAppointment>(),
    entry::<appointments::status::UpdateAppointmentStatus>(),
    entry::<appointments::bulk::BulkUpdateAppointments>(),
    entry::<calendar::GetCalendarConflicts>(),
    entry::<reminders::GetDueReminders>(),
    entry::<reminders::RecordReminder>(),
    entry::<vin::DecodeVin>(),
    entry::<vin::many::DecodeVins>(),
    entry::<billing::listing::GetInvoices>(),
    entry::<billing::GetInvoice>(),
    entry::<billing::creating::CreateInvoice>(),
    entry::<billing::paying::CreatePayment>(),
    entry::<inventory::CheckStock>(),
    entry::<inventory::GetProduct>(),
    entry::<inventory::searching::SearchProducts>(),
    entry::<inventory::creating::CreateProduct>(),
    entry::<inventory::moving::AdjustStock>(),
    entry::<insights::GetAnalytics>(),
];

const fn entry<T: Tool>() -> Entry {
    Entry {
        name: T::NAME,
        toolset: T::TOOLSET,
        effect: T::EFFECT,
        limit: T::LIMIT,
        is_confirmed: T::IS_CONFIRMED,
        asks: T::ASKS,
        title: T::TITLE,
        description: T::DESCRIPTION,
        open_world: T::OPEN_WORLD,
        input: schema::of_arguments::<T>,
        output: schema::of_envelope::<T::Data>,
        fitted: OnceLock::new(),
        run: |arguments, call| {
            Box::pin(async move {
                let tool: T = serde_json::from_value(arguments)?;
                Ok(Reply::of(tool.run(call).await?)?)
            })
        },
    }
}

/// The tool of this name, whatever is offered.
pub fn find(name: &str) -> Option<&'static Entry> {
    ALL.iter().find(|entry| entry.name == name)
}

impl Entry {
    /// How long a call may take in all.
    pub fn limit(&self, config: &Config) -> Duration {
        let remote = self.remote(config).map_or(0, |api| api.timeout_seconds);
        self.limit + Duration::from_secs(remote)
    }

    /// The shop's own system that it asks, where one is configured.
    fn remote<'a>(&self, config: &'a Config) -> Option<&'a RemoteApi> {
        let api = match self.asks? {
            Upstream::Nhtsa | Upstream::Calendar => return None,
            Upstream::Crm => &config.crm,
            Upstream::Billing => &config.billing,
            Upstream::Inventory => &config.inventory,
        };
        api.api_endpoint.is_some().then_some(api)
    }

    /// The tool as MCP lists it.
    pub fn definition(&self, config: &Config) -> rmcp::model::Tool {
        let (read_only, destructive, idempotent) = match self.effect {
            Effect::Reads => (true, false, true),
            Effect::Writes { idempotent } => (false, false, idempotent),
            Effect::Destroys => (false, true, false),
        };
        let annotations = ToolAnnotations::new()
            .read_only(read_only)
            .destructive(destructive)
            .idempotent(idempotent)
            .open_world(self.open_world || self.remote(config).is_some());
        let mut input = schema::listed(&self.input_schema());
        let mut output = (self.output)();
        if config.server.profile == Profile::Voice {
            voice::adapt(self.name, &mut input, &mut output);
        }
        if self.is_confirmed
            && config.server.confirm == Confirm::Always
            && let Some(Value::Object(arguments)) = input.get_mut("properties")
        {
            arguments.insert(confirming::TOKEN.to_owned(), confirming::token_schema());
        }
        rmcp::model::Tool::new(self.name, self.description, input)
            .with_title(self.title)
            .with_raw_output_schema(Arc::new(output))
            .with_annotations(annotations)
    }

    fn input_schema(&self) -> Arc<JsonObject> {
        Arc::clone(self.fitted.get_or_init(self.input))
    }

    /// What a client sent as the arguments, fitted to the tool's schema.
    ///
    /// # Errors
    /// Where they do not fit.
    pub fn fit(&self, mut arguments: Value, profile: Profile) -> Result<Value, Refusal> {
        let schema = self.fitted.get_or_init(self.input);
        if profile == Profile::Voice {
            voice::check_names(self.name, &mut arguments, schema)?;
        }
        arguments::fit(arguments, schema)
    }

    /// Runs the tool on arguments that fit.
    pub async fn run(&self, arguments: Value, call: &Call<'_>) -> Result<Reply, ToolError> {
        (self.run)(arguments, call).await
    }
}
