//! Visits as the voice profile tells them: two, or one where more follow.

use serde_json::{Value, json};

use crate::domain::appointment::Status;
use crate::domain::local_time::spoken;
use crate::store::Appointment;
use crate::tools::{Call, voice};

/// How many visits a reply has room for.
pub(super) const MOST: i64 = 2;

/// Leaves one visit where more follow, so that there is room for the cursor, or where two have no
/// room; whether there is more.
pub(super) fn cut(rows: &mut Vec<Appointment>, has_more: bool, call: &Call<'_>) -> bool {
    let is_too_much = has_more || !have_room(rows, call);
    let cuts = is_too_much && rows.len() > 1;
    if cuts {
        rows.truncate(1);
    }
    has_more || cuts
}

fn have_room(rows: &[Appointment], call: &Call<'_>) -> bool {
    sentences(rows, call).iter().any(|sentence| has_room(sentence, rows, call))
}

fn has_room(message: &str, rows: &[Appointment], call: &Call<'_>) -> bool {
    let zone = call.engine.shop().zone;
    let told = |row: &Appointment| json!({"appointment_id": row.id, "when": spoken(row.starts_at, call.now, zone)});
    let appointments: Value = rows.iter().map(told).collect();
    voice::has_room(message, &json!({"appointments": appointments}))
}

/// What is done to which vehicle; beside it, `when` says the time. Where it is a part of the visits, the
/// vehicle has its plate: another one may be just like it.
pub(super) fn tell(
    rows: &[Appointment],
    has_more: bool,
    is_later: bool,
    call: &Call<'_>,
) -> String {
    let more = if has_more { ", and there are more" } else { "" };
    match rows {
        [] => "There are no appointments.".to_owned(),
        [only] => {
            let vehicle = only.vehicle_description();
            let plate = only.license_plate.as_deref().filter(|_| has_more || is_later);
            let plate = plate.map_or_else(String::new, |plate| format!(" ({})", call.say(plate)));
            format!("{} for the {}{plate}{more}.", capital(&work(only)), call.say(&vehicle))
        }
        several => {
            let sentences = sentences(several, call);
            let fitting = sentences.iter().find(|sentence| has_room(sentence, rows, call));
            fitting.or(sentences.last()).cloned().unwrap_or_default()
        }
    }
}

/// `Oil change (Accord), inspection (Civic).` and what is shorter; where the work and the time are the
/// same, none without the vehicles.
fn sentences(rows: &[Appointment], call: &Call<'_>) -> Vec<String> {
    let sentence = |vehicle: &dyn Fn(&Appointment) -> Option<String>| {
        let told = rows.iter().map(|row| match vehicle(row) {
            Some(vehicle) => format!("{} ({})", work(row), call.say(&vehicle)),
            None => work(row),
        });
        format!("{}.", capital(&told.collect::<Vec<_>>().join(", ")))
    };
    let mark = |row: &Appointment| mark(row, rows);
    let fully = sentence(&|row| Some(format!("{} {}", row.model, mark(row)).trim().to_owned()));
    let marked = sentence(&|row| Some(mark(row)).filter(|mark| !mark.is_empty()));
    let models = sentence(&|row| Some(row.model.clone()));
    let works = sentence(&|_| None);
    let are_alike = |one: &Appointment, other: &Appointment| {
        one.id != other.id && one.starts_at == other.starts_at && work(one) == work(other)
    };
    let needs_vehicles = rows.iter().any(|one| rows.iter().any(|other| are_alike(one, other)));
    let needs_marks = rows.iter().any(|row| !mark(row).is_empty());
    match (needs_vehicles, needs_marks) {
        (true, true) => vec![fully, marked],
        (true, false) => vec![fully],
        (false, true) => vec![fully, models, works],
        (false, false) => vec![fully, works],
    }
}

/// What tells the vehicle of a visit apart from others of the same model: the plate, or the year.
fn mark(row: &Appointment, rows: &[Appointment]) -> String {
    let is_twin =
        |other: &&Appointment| other.vehicle_id != row.vehicle_id && other.model == row.model;
    match (rows.iter().find(is_twin), &row.license_plate) {
        (None, _) => String::new(),
        (Some(twin), Some(plate)) if twin.license_plate.as_ref() != Some(plate) => plate.clone(),
        (Some(twin), _) if twin.year != row.year => row.year.to_string(),
        (Some(_), _) => String::new(),
    }
}

/// `oil change`, or `cancelled oil change` of one that is not to come.
fn work(row: &Appointment) -> String {
    let service = row.service_type.as_str().replace('_', " ");
    match row.status {
        Status::Scheduled | Status::Confirmed => service,
        status => format!("{} {service}", status.as_str().replace('_', " ")),
    }
}

fn capital(text: &str) -> String {
    let mut characters = text.chars();
    let first = characters.next().map(|first| first.to_ascii_uppercase());
    first.into_iter().chain(characters).collect()
}
