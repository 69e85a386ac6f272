//! The voice profile: the tools that a caller on the phone may need, with replies that a model takes
//! in before the caller wonders whether anybody is there.
//!
//! A reply has 600 bytes as it is sent, and a success says everything twice. So it has the sentence
//! to say aloud and what the next call needs; what else there is to know, the sentence tells.

mod fleet;
mod matching;
mod people;
mod shortening;
mod wish;

use rmcp::model::JsonObject;
use serde_json::{Value, json};

use super::arguments::read_object;
use super::{Tool, appointments, booking, customers, holds, slots, vehicles, vin};

use crate::error::Refusal;

pub use shortening::{clipped, has_room};
pub use wish::Wish;

/// A tool of the profile, and the fields of its data that its replies have, best first: where the
/// first choice has no room, the second is taken, and so on.
struct Brief {
    tool: &'static str,
    choices: &'static [&'static [&'static str]],
}

/// The tools of the profile, and no more than ten, since each tool more makes a model slower and
/// less sure. A hold that is not booked frees itself.
static BRIEFS: [Brief; 10] = [
    // A customer's vehicles and those who share a number are told as `fleet` and `people` have room.
    Brief {
        tool: customers::LookupCustomer::NAME,
        choices: &[
            &["found", "stale", "as_of", "customer", "candidates"],
            &["found", "stale", "customer", "candidates"],
        ],
    },
    Brief {
        tool: customers::creating::CreateCustomer::NAME,
        choices: &[
            &["customer.id", "customer.first_name", "customer.last_name", "customer.phone_number"],
            &["customer.id"],
        ],
    },
    Brief {
        tool: vehicles::AddVehicle::NAME,
        choices: &[
            &["vehicle.id", "vehicle.year", "vehicle.make", "vehicle.model"],
            &["vehicle.id"],
        ],
    },
    // Starts are worth nothing without the duration that they are free for: a booking has its own.
    Brief {
        tool: slots::GetAvailableSlots::NAME,
        choices: &[
            &["date", "duration_minutes", "available_slots", "closed_reason", "alternatives"],
            &["duration_minutes", "available_slots", "alternatives"],
            &["duration_minutes", "alternatives"],
        ],
    },
    Brief {
        tool: holds::HoldSlot::NAME,
        choices: &[
            &["hold_id", "scheduled_at", "when", "duration_minutes", "expires_at"],
            &["hold_id", "scheduled_at", "when", "duration_minutes"],
            &["hold_id", "when", "duration_minutes"],
        ],
    },
    Brief {
        tool: booking::BookAppointment::NAME,
        choices: &[
            &["appointment_id", "scheduled_at", "when", "vehicle_description", "status"],
            &["appointment_id", "scheduled_at", "when", "status"],
            &["appointment_id", "when", "status"],
            &["appointment_id", "when"],
        ],
    },
    Brief {
        tool: appointments::upcoming::GetUpcomingAppointments::NAME,
        choices: &[
            &[
                "appointments.appointment_id",
                "appointments.when",
                "appointments.service_type",
                "appointments.status",
                "next_cursor",
            ],
            &[
                "appointments.appointment_id",
                "appointments.when",
                "appointments.service_type",
                "next_cursor",
            ],
            &["appointments.appointment_id", "appointments.when", "next_cursor"],
        ],
    },
    Brief {
        tool: appointments::cancelling::CancelAppointment::NAME,
        choices: &[&["appointment_id", "status", "when"], &["appointment_id", "status"]],
    },
    Brief {
        tool: booking::moving::RescheduleAppointment::NAME,
        choices: &[
            &["appointment_id", "new_datetime", "when", "status"],
            &["appointment_id", "new_datetime", "when"],
            &["appointment_id", "when"],
        ],
    },
    Brief {
        tool: vin::DecodeVin::NAME,
        choices: &[
            &["vin", "year", "make", "model", "trim", "check_digit_valid", "warnings"],
            &["year", "make", "model", "check_digit_valid", "suggestions.vin"],
        ],
    },
];

/// Arguments that a call on the phone does without; they are not listed, and still taken.
const UNSAID: [&str; 9] = [
    "crm_id",
    "current_mileage",
    "hold_minutes",
    "idempotency_key",
    "is_primary_vehicle",
    "limit",
    "preferences",
    "service_description",
    "tier",
];

/// Whether the profile has this tool.
pub fn has(tool: &str) -> bool {
    BRIEFS.iter().any(|brief| brief.tool == tool)
}

/// Leaves in a tool's schemas what the profile has, and adds what it alone has.
pub fn adapt(tool: &str, input: &mut JsonObject, output: &mut JsonObject) {
    let Some(brief) = BRIEFS.iter().find(|brief| brief.tool == tool) else { return };
    let is_kept = |field: &str| {
        let mut paths = brief.choices.iter().copied().flatten();
        paths.any(|path| path.split('.').next() == Some(field))
    };
    if let Some(fields) = properties(output).and_then(|fields| fields.get_mut("data"))
        && let Some(fields) = fields.as_object_mut().and_then(properties)
    {
        fields.retain(|field, _| is_kept(field));
        fields.insert("left_out".to_owned(), json!({"type": "integer"}));
        if tool == customers::LookupCustomer::NAME {
            fields.insert(people::NAMES.to_owned(), json!({"type": "string"}));
        }
    }
    let Some(arguments) = properties(input) else { return };
    arguments.retain(|name, _| !UNSAID.contains(&name.as_str()));
    if tool == customers::LookupCustomer::NAME {
        arguments.extend(wish::schemas());
    }
}

/// Refuses an argument that a tool has not, naming those that the profile lists.
///
/// # Errors
/// Where there is such a one.
pub fn check_names(tool: &str, arguments: &mut Value, schema: &JsonObject) -> Result<(), Refusal> {
    read_object(arguments);
    let own = wish::schemas();
    let all = schema.get("properties").and_then(Value::as_object).into_iter().flatten();
    let mut listed: Vec<&str> =
        all.map(|(name, _)| name.as_str()).filter(|name| !UNSAID.contains(name)).collect();
    if tool == customers::LookupCustomer::NAME {
        listed.extend(own.keys().map(String::as_str));
    }
    super::arguments::check_names(arguments, schema, &listed)
}

fn properties(schema: &mut JsonObject) -> Option<&mut JsonObject> {
    schema.get_mut("properties")?.as_object_mut()
}
