//! What the calendar is told of a visit.

use sha2::{Digest, Sha256};

use crate::domain::appointment::{ServiceType, Status};
use crate::domain::id::AppointmentId;
use crate::domain::time::Interval;

/// The letters of base32hex, which Google takes in the names of events.
const LETTERS: &[u8; 32] = b"0123456789abcdefghijklmnopqrstuv";
/// What every name begins with, so that people recognise it.
const PREFIX: &str = "sb";

/// What a visit's event is called in the calendar.
///
/// It follows from the appointment's number and a random text of the database, so a second try
/// finds what the first one made, and two databases never meet in one calendar.
#[derive(Clone, Debug, Eq, Hash, PartialEq, sqlx::Type)]
#[sqlx(transparent)]
pub struct EventId(String);

impl EventId {
    /// The name of the event of this appointment.
    pub fn new(salt: &str, appointment: AppointmentId) -> Self {
        let digest = Sha256::digest(format!("{salt}:{appointment}"));
        let letter = |byte: &u8| LETTERS.get(usize::from(byte % 32)).copied().unwrap_or(b'0');
        // 160 bits.
        let letters = digest.iter().map(letter).map(char::from);
        Self(PREFIX.chars().chain(letters).collect())
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<String> for EventId {
    fn from(name: String) -> Self {
        Self(name)
    }
}

/// A visit's event.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Event {
    /// What it is called.
    pub id: EventId,
    /// From its start to its end.
    pub span: Interval,
    /// Its title.
    pub title: String,
    /// The bay.
    pub place: String,
    /// What staff should know.
    pub description: String,
    /// Whether the time is taken by it.
    pub is_busy: bool,
    /// How often it was changed; a later one counts.
    pub revision: i64,
}

/// What the calendar is told of a visit: no phone number, no e-mail address, no VIN, no license
/// plate and none of the shop's own notes, since calendars are shared more widely than the shop's
/// records.
#[derive(Clone, Debug)]
pub struct Told<'a> {
    /// The appointment's number.
    pub appointment: AppointmentId,
    /// Who comes.
    pub customer: String,
    /// With what.
    pub vehicle: String,
    /// From its start to its end.
    pub span: Interval,
    /// What is to be done.
    pub service: ServiceType,
    /// The work in detail.
    pub work: Option<&'a str>,
    /// What the customer said.
    pub concerns: Option<&'a str>,
    /// The bay.
    pub bay: &'a str,
    /// The technician, where the shop has named some.
    pub technician: Option<&'a str>,
    /// Where it stands.
    pub status: Status,
}

/// The event that the calendar is to have of a visit; `None`: it is to have none.
///
/// Visits that are over stay, so that staff can look back; a cancelled one goes.
pub fn event_of(id: EventId, told: &Told<'_>, revision: i64) -> Option<Event> {
    let service = in_words(told.service.as_str());
    let subject = format!("{service}: {}, {}", told.vehicle, told.customer);
    let title = match told.status {
        Status::Cancelled => return None,
        Status::NoShow => format!("No-show: {subject}"),
        Status::Completed => format!("Done: {subject}"),
        Status::Scheduled | Status::Confirmed | Status::InProgress => subject,
    };
    let mut lines = Vec::new();
    if let Some(concerns) = told.concerns {
        lines.push(format!("The customer says: {concerns}"));
    }
    if let Some(work) = told.work {
        lines.push(format!("Work: {work}"));
    }
    if let Some(technician) = told.technician {
        lines.push(format!("Technician: {technician}"));
    }
    let status = in_words(told.status.as_str()).to_lowercase();
    lines.push(format!("Appointment {}, {status}.", told.appointment));
    lines.push(
        "Moving or deleting this entry does not change the appointment; the front desk is told of it."
            .to_owned(),
    );
    Some(Event {
        id,
        span: told.span,
        title,
        place: told.bay.to_owned(),
        description: lines.join("\n"),
        is_busy: told.status != Status::NoShow,
        revision,
    })
}

/// `oil_change` as `Oil change`.
fn in_words(text: &str) -> String {
    let words = text.replace('_', " ");
    let mut letters = words.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::time::Timestamp;

    fn told(status: Status) -> Told<'static> {
        Told {
            appointment: AppointmentId(42),
            customer: "John Doe".to_owned(),
            vehicle: "2020 Honda Accord".to_owned(),
            span: Interval::starting(Timestamp(1_800_000_000), 60),
            service: ServiceType::OilChange,
            work: None,
            concerns: Some("It squeaks;\nloudly"),
            bay: "Bay 1",
            technician: Some("Kim"),
            status,
        }
    }

    #[test]
    fn a_name_is_one_that_google_takes_and_nobody_guesses() {
        let name = |salt, number| EventId::new(salt, AppointmentId(number)).as_str().to_owned();
        let one = name("salt", 1);
        assert_eq!(one.len(), 34);
        assert!(one.bytes().all(|byte| LETTERS.contains(&byte)), "{one}");
        assert_eq!(one, name("salt", 1));
        assert_ne!(one, name("salt", 2));
        assert_ne!(one, name("pepper", 1));
    }

    #[test]
    fn a_title_says_what_who_and_with_what() {
        let title = |status| {
            event_of(EventId::from("sb1".to_owned()), &told(status), 1).map(|event| event.title)
        };
        let subject = "Oil change: 2020 Honda Accord, John Doe";
        assert_eq!(title(Status::Scheduled).as_deref(), Some(subject));
        assert_eq!(title(Status::Completed), Some(format!("Done: {subject}")));
        assert_eq!(title(Status::NoShow), Some(format!("No-show: {subject}")));
        assert_eq!(title(Status::Cancelled), None);
    }

    #[test]
    fn a_description_has_what_staff_need() {
        let event = event_of(EventId::from("sb1".to_owned()), &told(Status::InProgress), 1);
        let description = event.expect("an event").description;
        let expected = "The customer says: It squeaks;\nloudly\nTechnician: Kim\n\
                        Appointment 42, in progress.\n";
        assert!(description.starts_with(expected), "{description}");
    }
}
