//! Rows of appointments.csv.

use super::{Fields, ImportedRow};
use crate::domain::appointment::{
    DEFAULT_DURATION_MINUTES, MAX_BUFFER_MINUTES, MAX_DURATION_MINUTES, MIN_DURATION_MINUTES,
    ServiceType, Status,
};
use crate::domain::time::{Interval, Timestamp};
use crate::store::importing::{NewVisit, VisitMore, VisitTexts};
use crate::transfer::columns::{APPOINTMENTS, Column};
use crate::transfer::values::{Reading, Reason, choice, flag, instant, whole};

const EXTERNAL_ID: usize = 0;
const CUSTOMER_EXTERNAL_ID: usize = 1;
const VEHICLE_EXTERNAL_ID: usize = 2;
const SCHEDULED_AT: usize = 3;
const DURATION_MINUTES: usize = 4;
const SERVICE_TYPE: usize = 5;
const STATUS: usize = 6;
const SERVICE_DESCRIPTION: usize = 7;
const CUSTOMER_CONCERNS: usize = 8;
const NOTES: usize = 9;
const BAY: usize = 10;
const TECHNICIAN: usize = 11;
const BUFFER_MINUTES: usize = 12;
const WORK_PERFORMED: usize = 13;
const CONFIRMATION_SENT: usize = 14;
const CANCELLATION_REASON: usize = 15;
const CANCELLED_AT: usize = 16;
const CALENDAR_EVENT_ID: usize = 17;
const BOOKING_METHOD: usize = 18;
const BOOKED_BY: usize = 19;
const CREATED_AT: usize = 20;
const UPDATED_AT: usize = 21;

/// The longest visit that is on record, in minutes, with its buffer: a day.
const LONGEST_RECORD_MINUTES: i64 = 1440 - MAX_BUFFER_MINUTES;

impl ImportedRow for NewVisit {
    const COLUMNS: &'static [Column] = APPOINTMENTS;

    fn read(row: &Fields<'_>, reading: &Reading) -> Result<Self, Reason> {
        let start = row.needed(SCHEDULED_AT)?;
        let start = instant(row.column(SCHEDULED_AT), start, reading)?;
        let service_type = row.needed(SERVICE_TYPE)?;
        let service_type =
            choice(row.column(SERVICE_TYPE), service_type, ServiceType::ALL, ServiceType::as_str)?;
        let status = row.read(STATUS, status)?.unwrap_or(if start > reading.now {
            Status::Scheduled
        } else {
            Status::Completed
        });
        let duration = duration_minutes(row, start, reading)?;
        let minutes = duration
            .or_else(|| reading.shop.duration_of(service_type))
            .unwrap_or(DEFAULT_DURATION_MINUTES);
        let (external_id, vehicle_external_id) =
            (row.needed_name(EXTERNAL_ID)?, row.needed_name(VEHICLE_EXTERNAL_ID)?);
        let customer_external_id = row.name(CUSTOMER_EXTERNAL_ID)?;
        let (description, concerns, notes) =
            (row.text(SERVICE_DESCRIPTION)?, row.text(CUSTOMER_CONCERNS)?, row.text(NOTES)?);
        let texts = VisitTexts {
            external_id: &external_id,
            customer_external_id: customer_external_id.as_deref(),
            vehicle_external_id: &vehicle_external_id,
            service_description: description.as_deref(),
            customer_concerns: concerns.as_deref(),
            notes: notes.as_deref(),
        };
        let span = Interval::starting(start, minutes);
        Ok(Self::new(texts, span, service_type, status, more(row, reading)?))
    }
}

/// What is past may have taken longer than what can be booked, or no time at all to speak of.
fn duration_minutes(
    row: &Fields<'_>,
    start: Timestamp,
    reading: &Reading,
) -> Result<Option<i64>, Reason> {
    let (least, most) = if start > reading.now {
        (MIN_DURATION_MINUTES, MAX_DURATION_MINUTES)
    } else {
        (1, LONGEST_RECORD_MINUTES)
    };
    row.read(DURATION_MINUTES, |column, value| whole(column, value, least, most))
}

fn status(column: &str, value: &str) -> Result<Status, Reason> {
    // As it is written in the United States.
    if value.eq_ignore_ascii_case("canceled") {
        return Ok(Status::Cancelled);
    }
    choice(column, value, Status::ALL, Status::as_str)
}

fn more(row: &Fields<'_>, reading: &Reading) -> Result<Option<Box<VisitMore>>, Reason> {
    if !row.has_more(BAY) {
        return Ok(None);
    }
    let at = |place| row.read(place, |column, value| instant(column, value, reading));
    let buffer =
        row.read(BUFFER_MINUTES, |column, value| whole(column, value, 0, MAX_BUFFER_MINUTES))?;
    Ok(Some(Box::new(VisitMore {
        bay: row.name(BAY)?,
        technician: row.name(TECHNICIAN)?,
        buffer_seconds: buffer.map(|minutes| minutes * 60),
        work_performed: row.text(WORK_PERFORMED)?,
        confirmation_sent: row.read(CONFIRMATION_SENT, flag)?.unwrap_or_default(),
        cancellation_reason: row.text(CANCELLATION_REASON)?,
        cancelled_at: at(CANCELLED_AT)?,
        calendar_event_id: row.name(CALENDAR_EVENT_ID)?,
        booking_method: row.name(BOOKING_METHOD)?,
        booked_by: row.name(BOOKED_BY)?,
        created_at: at(CREATED_AT)?,
        updated_at: at(UPDATED_AT)?,
    })))
}
