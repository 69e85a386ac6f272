//! `servicebay demo`: a visit from the first ring of the phone to the last change of mind.

#![expect(clippy::indexing_slicing, reason = "a JSON value without the key reads as null")]

mod stage;

use std::io;
use std::process::ExitCode;

use serde_json::{Value, json};

use crate::config::{Config, DatabaseUrl, SqlitePath};
use crate::tools::Engine;
use stage::Stage;

const PHONE: &str = "(202) 555-0123";
/// A VIN with a right check digit; any character changed would break it.
const VIN: &str = "1HGCM82633A004352";

/// Plays the visit with the real engine on a shop that lives in memory.
pub async fn run(config: Config) -> io::Result<ExitCode> {
    let engine = Engine::new(sample_shop(config));
    let mut stage = Stage::open(&engine)?;
    let went_well = play(&mut stage).await?;
    stage.close(went_well)?;
    Ok(ExitCode::from(u8::from(!went_well)))
}

/// A shop with one bay, so that two callers can want the same time; NHTSA as configured.
fn sample_shop(config: Config) -> Config {
    let mut sample = Config::in_memory();
    sample.database = DatabaseUrl::Sqlite(SqlitePath::Memory);
    sample.shop.zone = chrono_tz::America::New_York;
    sample.nhtsa = config.nhtsa;
    sample
}

/// Whether every step went as the story has it.
async fn play(stage: &mut Stage<'_>) -> io::Result<bool> {
    let Some((customer, vehicle)) = arrive(stage).await? else { return Ok(false) };
    let Some((slot, appointment)) = book(stage, customer, vehicle).await? else { return Ok(false) };
    let Some((sam, free)) = collide(stage, &slot).await? else { return Ok(false) };
    Ok(swap(stage, customer, appointment, &free, sam).await?
        && remind(stage, appointment).await?
        && come(stage, appointment).await?
        && pay(stage, customer, appointment).await?)
}

async fn arrive(stage: &mut Stage<'_>) -> io::Result<Option<(i64, i64)>> {
    stage.scene("The phone rings. Is the caller a customer?")?;
    stage.call("lookup_customer", json!({"phone_number": PHONE})).await?;
    stage.scene("Not yet, so Dana Whitfield goes on file.")?;
    let person = json!({"first_name": "Dana", "last_name": "Whitfield", "phone_number": PHONE,
        "email": "dana.whitfield@example.com", "preferences": {"time_of_day": "morning"}});
    let created = stage.call("create_customer", person).await?;
    let Some(customer) = created.and_then(|data| data["customer"]["id"].as_i64()) else {
        return Ok(None);
    };
    stage.scene("Dana reads the VIN from the windshield.")?;
    if stage.call("decode_vin", json!({ "vin": VIN })).await?.is_none() {
        stage.aside("NHTSA cannot be asked from here; Dana says what the car is, and we go on.")?;
    }
    stage.scene("The car goes on file.")?;
    let car = json!({"customer_id": customer, "vin": VIN, "year": 2003, "make": "Honda",
        "model": "Accord", "color": "silver", "license_plate": "7ABC123"});
    let added = stage.call("add_vehicle", car).await?;
    Ok(added.and_then(|data| data["vehicle"]["id"].as_i64()).map(|vehicle| (customer, vehicle)))
}

async fn book(
    stage: &mut Stage<'_>,
    customer: i64,
    vehicle: i64,
) -> io::Result<Option<(String, i64)>> {
    stage.scene("When could it come in for an oil change? What is free next Wednesday?")?;
    let question = json!({"date": "wednesday", "service_type": "oil_change", "days": 2});
    let Some(days) = stage.call("get_available_slots", question).await? else { return Ok(None) };
    // Today may be Wednesday evening: then Thursday is offered.
    let slots = days["by_date"].as_array().into_iter().flatten();
    let mut slots = slots.flat_map(|day| day["available_slots"].as_array().into_iter().flatten());
    let Some(slot) = slots.find_map(Value::as_str).map(str::to_owned) else { return Ok(None) };
    stage.scene("The first of them may suit Dana, who has to ask at home: it is kept for her.")?;
    let hold = json!({"scheduled_at": slot, "service_type": "oil_change", "duration_minutes": 30});
    let held = stage.call("hold_slot", hold).await?;
    let Some(hold) = held.and_then(|data| data["hold_id"].as_str().map(str::to_owned)) else {
        return Ok(None);
    };
    stage.scene("It does suit her.")?;
    let visit = json!({"customer_id": customer, "vehicle_id": vehicle, "hold_id": hold,
        "service_type": "oil_change", "customer_concerns": "It rattles when it is cold."});
    let booked = stage.call("book_appointment", visit.clone()).await?;
    let Some(appointment) = booked.and_then(|data| data["appointment_id"].as_i64()) else {
        return Ok(None);
    };
    stage.scene(
        "The line crackles and the assistant repeats itself: it is still one appointment.",
    )?;
    let again = stage.call("book_appointment", visit).await?;
    let is_same = again.is_some_and(|data| data["appointment_id"] == appointment);
    Ok(is_same.then_some((slot, appointment)))
}

/// Somebody else wants the same time: refused, with times that are free. What Sam wanted, and the
/// first of those times.
async fn collide(stage: &mut Stage<'_>, slot: &str) -> io::Result<Option<(Value, String)>> {
    stage.scene("Meanwhile Sam Ortega calls on another line and wants the very same time.")?;
    let person =
        json!({"first_name": "Sam", "last_name": "Ortega", "phone_number": "202-555-0188"});
    let created = stage.call("create_customer", person).await?;
    let Some(customer) = created.and_then(|data| data["customer"]["id"].as_i64()) else {
        return Ok(None);
    };
    let car = json!({"customer_id": customer, "year": 2019, "make": "Subaru", "model": "Outback"});
    let added = stage.call("add_vehicle", car).await?;
    let Some(vehicle) = added.and_then(|data| data["vehicle"]["id"].as_i64()) else {
        return Ok(None);
    };
    let visit = json!({"customer_id": customer, "vehicle_id": vehicle, "scheduled_at": slot,
        "service_type": "tire_rotation", "duration_minutes": 30});
    let refusal = stage.refused("book_appointment", visit.clone(), "slot_unavailable").await?;
    let free = refusal
        .and_then(|data| data["alternatives"][0]["scheduled_at"].as_str().map(str::to_owned));
    Ok(free.map(|free| (visit, free)))
}

/// Dana makes room, and Sam takes the time after all, but does not need it for long.
async fn swap(
    stage: &mut Stage<'_>,
    customer: i64,
    appointment: i64,
    free: &str,
    sam: Value,
) -> io::Result<bool> {
    stage.scene("Dana would rather come at the next free time.")?;
    let change = json!({"appointment_id": appointment, "new_datetime": free});
    let moved = stage.call("reschedule_appointment", change).await?;
    stage.scene("What does Dana have coming up?")?;
    let listed = stage.call("get_upcoming_appointments", json!({"customer_id": customer})).await?;
    stage.scene("So Sam can have the time, and then sells the car.")?;
    let booked = stage.call("book_appointment", sam).await?;
    let Some(other) = booked.and_then(|data| data["appointment_id"].as_i64()) else {
        return Ok(false);
    };
    let farewell = json!({"appointment_id": other, "reason": "The car is sold."});
    let cancelled = stage.call("cancel_appointment", farewell).await?;
    Ok(moved.is_some() && listed.is_some() && cancelled.is_some())
}

async fn remind(stage: &mut Stage<'_>, appointment: i64) -> io::Result<bool> {
    stage.scene("Who has to be reminded of a visit in the next ten days?")?;
    let due = stage.call("get_due_reminders", json!({"within_hours": 240})).await?;
    let is_due = due.is_some_and(|data| data["reminders"][0]["appointment_id"] == appointment);
    stage.scene("Dana picks up the phone.")?;
    let reminder = json!({"appointment_id": appointment, "channel": "call", "outcome": "reached"});
    let recorded = stage.call("record_reminder", reminder).await?;
    Ok(is_due && recorded.is_some_and(|data| data["confirmation_sent"] == true))
}

async fn come(stage: &mut Stage<'_>, appointment: i64) -> io::Result<bool> {
    stage.scene("The day has come, and the car is in the bay.")?;
    let begun = json!({"appointment_id": appointment, "status": "in_progress"});
    let begun = stage.call("update_appointment_status", begun).await?;
    stage.scene("It is done.")?;
    let done = json!({"appointment_id": appointment, "status": "completed", "mileage": 148_200,
        "work_performed": "Oil and filter changed, heat shield tightened."});
    let done = stage.call("update_appointment_status", done).await?;
    stage.scene("Dana calls once more and is known by now.")?;
    let known = stage.call("lookup_customer", json!({"phone_number": PHONE})).await?;
    let is_served = known.is_some_and(|data| data["customer"]["last_service_date"].is_string());
    Ok(begun.is_some() && done.is_some() && is_served)
}

async fn pay(stage: &mut Stage<'_>, customer: i64, appointment: i64) -> io::Result<bool> {
    stage.scene("What does Dana owe?")?;
    let bill = json!({"customer_id": customer, "appointment_id": appointment, "line_items": [
        {"description": "Labor, hours", "quantity": 0.75, "unit_price": 120},
        {"description": "Oil and filter", "quantity": 1, "unit_price": 64.95}]});
    let billed = stage.call("create_invoice", bill).await?;
    let Some(invoice) = billed.and_then(|data| data["invoice"]["invoice_id"].as_i64()) else {
        return Ok(false);
    };
    stage.scene("Dana pays by card, and one digit is read wrong at first.")?;
    let mut payment = json!({"invoice_id": invoice, "amount": 164.95, "method": "card"});
    let refused = stage.refused("create_payment", payment.clone(), "overpayment").await?;
    payment["amount"] = json!(154.95);
    let paid = stage.call("create_payment", payment).await?;
    Ok(refused.is_some() && paid.is_some_and(|data| data["invoice"]["status"] == "paid"))
}
