//! iCalendar texts (RFC 5545): writing visits, and reading what else is in a calendar.

mod reading;
mod repeating;
mod when;
mod writing;

pub use reading::{Component, InvalidCalendar, read_events};
pub use repeating::{Occurrences, occurrences};
pub use writing::{Feed, uid, write_event};

/// What stands behind an event's name in its UID, which is to be unique in the world.
pub(super) const UID_SUFFIX: &str = "@servicebay";
