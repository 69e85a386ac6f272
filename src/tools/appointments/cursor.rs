//! Where the next page of a list of appointments begins: opaque to callers, and good only for the
//! same question.

use crate::domain::id::AppointmentId;
use crate::domain::time::Timestamp;
use crate::error::Refusal;
use crate::store::Appointment;
use crate::tools::arguments::refuse;

/// The cursor behind `row` in the list that answers `question`.
pub(super) fn write(question: &str, row: &Appointment) -> String {
    format!("{question}.{:x}.{:x}", row.starts_at.0, row.id.0)
}

/// The place that a cursor names.
pub(super) fn read(text: &str, question: &str) -> Result<(Timestamp, AppointmentId), Refusal> {
    let number = |text| i64::from_str_radix(text, 16).ok();
    let read = || {
        let (starts_at, id) = text.strip_prefix(question)?.strip_prefix('.')?.split_once('.')?;
        Some((Timestamp(number(starts_at)?), AppointmentId(number(id)?)))
    };
    read().ok_or_else(|| refuse("cursor", "is not the next_cursor of a reply to the same question"))
}
