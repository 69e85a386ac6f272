//! The appointments as the shop tells of them afterwards.

use std::collections::BTreeMap;

use chrono::DateTime;
use serde_json::{Value, json};

use super::ledger::{Ledger, Visit};
use super::plan::{Plan, SERVICES};
use crate::server::Server;

/// Appointments by their numbers.
pub type Records = BTreeMap<i64, Visit>;

const STATUSES: [&str; 6] =
    ["scheduled", "confirmed", "in_progress", "completed", "cancelled", "no_show"];

/// Every appointment of the owners of `ledger`.
pub async fn read(server: &mut Server, ledger: &Ledger) -> Records {
    let mut customers: Vec<i64> = ledger.owners.iter().map(|owner| owner.customer_id).collect();
    customers.dedup();
    let mut records = Records::new();
    for customer in customers {
        let mut arguments = json!({ "customer_id": customer, "include_past": true, "limit": 100 });
        loop {
            let reply = server.call("get_upcoming_appointments", arguments.clone()).await;
            let data = reply.success();
            for row in data["appointments"].as_array().unwrap() {
                let (id, visit) = visit(ledger, row);
                assert!(records.insert(id, visit).is_none(), "appointment {id} is listed twice");
            }
            let Some(cursor) = data.get("next_cursor") else { break };
            arguments["cursor"] = cursor.clone();
        }
    }
    records
}

fn visit(ledger: &Ledger, row: &Value) -> (i64, Visit) {
    let known = |all: &[&'static str], field: &str| {
        *all.iter().find(|name| row[field] == **name).unwrap_or_else(|| panic!("{field} in {row}"))
    };
    let start = DateTime::parse_from_rfc3339(row["scheduled_at"].as_str().unwrap()).unwrap();
    let visit = Visit {
        customer_id: row["customer_id"].as_i64().unwrap(),
        vehicle_id: row["vehicle"]["id"].as_i64().unwrap(),
        service: known(&SERVICES, "service_type"),
        start: start.timestamp(),
        minutes: row["duration_minutes"].as_i64().unwrap(),
        status: known(&STATUSES, "status"),
        seat: ledger.seat(row).unwrap_or_else(|why| panic!("{why}: {row}")),
    };
    assert_eq!(row["scheduled_at"], ledger.calendar.rfc3339(visit.start));
    assert_eq!(row["ends_at"], ledger.calendar.rfc3339(visit.end()));
    (row["appointment_id"].as_i64().unwrap(), visit)
}

/// Complains about what is not there, is there though it should not, or is different.
pub fn compare(expected: &Records, got: &Records) -> Result<(), String> {
    for id in expected.keys().chain(got.keys()) {
        let (expected, got) = (expected.get(id), got.get(id));
        if expected != got {
            return Err(format!("appointment {id} is {got:?}, expected {expected:?}"));
        }
    }
    Ok(())
}

/// Panics where two appointments have the same bay, technician or vehicle at the same time.
pub fn assert_no_overlap(plan: &Plan, records: &Records) {
    let until = |visit: &Visit| visit.end() + 60 * plan.buffer_minutes(Some(visit.service));
    let occupying: Vec<_> = records.iter().filter(|(_, visit)| visit.occupies()).collect();
    for (place, (id, one)) in occupying.iter().enumerate() {
        for (other_id, other) in &occupying[..place] {
            let share_bay = one.seat.bay == other.seat.bay;
            let share_technician =
                one.seat.technician.is_some() && one.seat.technician == other.seat.technician;
            let is_reserved = one.start < until(other) && other.start < until(one);
            let is_there = one.start < other.end() && other.start < one.end();
            let clash = is_reserved && (share_bay || share_technician)
                || is_there && one.vehicle_id == other.vehicle_id;
            assert!(!clash, "{id} {one:?} overlaps {other_id} {other:?}");
        }
    }
}
