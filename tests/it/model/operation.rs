//! What a worker asks of its server.

use chrono::NaiveDate;
use serde_json::{Map, Value, json};

use super::calendar::Instant;
use crate::shop::Owner;

/// A time as a caller writes it.
#[derive(Clone, Debug)]
pub struct Time {
    pub text: String,
    /// The instant that it stands for; `None` where a clock change skips it.
    pub instant: Option<Instant>,
}

/// One call of one tool.
#[derive(Clone, Debug)]
pub enum Operation {
    Slots {
        date: NaiveDate,
        days: u64,
        service: Option<&'static str>,
        minutes: Option<i64>,
    },
    Book {
        owner: Owner,
        time: Option<Time>,
        service: &'static str,
        minutes: Option<i64>,
        hold: Option<String>,
    },
    Hold {
        time: Time,
        service: Option<&'static str>,
        minutes: Option<i64>,
        hold_minutes: Option<i64>,
        key: Option<String>,
    },
    Release {
        hold: String,
    },
    Move {
        id: i64,
        time: Time,
        minutes: Option<i64>,
    },
    Cancel {
        id: i64,
    },
    Status {
        id: i64,
        status: &'static str,
        work: Option<&'static str>,
    },
}

impl Operation {
    /// A time that matters to it, if it has one.
    pub fn instant(&self) -> Option<Instant> {
        match self {
            Self::Book { time: Some(time), .. }
            | Self::Hold { time, .. }
            | Self::Move { time, .. } => time.instant,
            _ => None,
        }
    }

    /// The tool.
    pub fn tool(&self) -> &'static str {
        match self {
            Self::Slots { .. } => "get_available_slots",
            Self::Book { .. } => "book_appointment",
            Self::Hold { .. } => "hold_slot",
            Self::Release { .. } => "release_hold",
            Self::Move { .. } => "reschedule_appointment",
            Self::Cancel { .. } => "cancel_appointment",
            Self::Status { .. } => "update_appointment_status",
        }
    }

    /// Its arguments; those that are absent are left out.
    pub fn arguments(&self) -> Value {
        let all = match self {
            Self::Slots { date, days, service, minutes } => json!({
                "date": date.to_string(), "days": days, "service_type": service,
                "duration_minutes": minutes,
            }),
            Self::Book { owner, time, service, minutes, hold } => json!({
                "customer_id": owner.customer_id, "vehicle_id": owner.vehicle_id,
                "scheduled_at": time.as_ref().map(|time| &time.text), "service_type": service,
                "duration_minutes": minutes, "hold_id": hold,
            }),
            Self::Hold { time, service, minutes, hold_minutes, key } => json!({
                "scheduled_at": time.text, "service_type": service, "duration_minutes": minutes,
                "hold_minutes": hold_minutes, "idempotency_key": key,
            }),
            Self::Release { hold } => json!({ "hold_id": hold }),
            Self::Move { id, time, minutes } => json!({
                "appointment_id": id, "new_datetime": time.text, "duration_minutes": minutes,
            }),
            Self::Cancel { id } => json!({ "appointment_id": id, "reason": "the model says so" }),
            Self::Status { id, status, work } => json!({
                "appointment_id": id, "status": status, "work_performed": work,
            }),
        };
        let Value::Object(fields) = all else { unreachable!("arguments are an object") };
        let given: Map<_, _> = fields.into_iter().filter(|(_, value)| !value.is_null()).collect();
        Value::Object(given)
    }
}
