//! The shop's calendar, whoever keeps it.

use chrono_tz::Tz;

use super::UpstreamError;
use super::caldav::CalDav;
use super::google::Google;
use crate::config::CalendarSettings;
use crate::domain::calendar::{Changed, Changes, Event, EventId};
use crate::domain::time::Interval;

/// A calendar.
#[derive(Debug)]
pub enum CalendarClient {
    /// One that speaks CalDAV.
    CalDav(Box<CalDav>),
    /// One of Google's.
    Google(Box<Google>),
}

/// What became of an event that was to be written.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Put {
    /// The calendar has it.
    Done {
        /// What this version of it is called, where that was told.
        etag: Option<String>,
    },
    /// It was not written: the calendar has another version than the one that was to be replaced, or
    /// none at all.
    Differs(Option<Current>),
}

/// An event as the calendar has it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Current {
    /// What this version of it is called.
    pub etag: Option<String>,
    /// When it takes place; `None`: it was deleted, but its name is still taken.
    pub span: Option<Interval>,
}

impl CalendarClient {
    /// The calendar that the settings name.
    pub fn new(settings: &CalendarSettings, zone: Tz) -> Option<Self> {
        let caldav =
            CalDav::new(&settings.caldav, zone).map(|caldav| Self::CalDav(Box::new(caldav)));
        caldav.or_else(|| {
            Google::new(&settings.google, zone).map(|google| Self::Google(Box::new(google)))
        })
    }

    /// Which calendar it is: changes when another one is connected.
    pub fn address(&self) -> String {
        match self {
            Self::CalDav(caldav) => caldav.address(),
            Self::Google(google) => google.address(),
        }
    }

    /// Writes an event in the place of the version with this `etag`, or where there is none.
    ///
    /// # Errors
    /// Where the calendar does not take it.
    pub async fn put(&self, event: &Event, etag: Option<&str>) -> Result<Put, UpstreamError> {
        match self {
            Self::CalDav(caldav) => caldav.put(event, etag).await,
            Self::Google(google) => google.put(event, etag).await,
        }
    }

    /// Takes an event out of the calendar; one that is not there is fine.
    ///
    /// # Errors
    /// Where the calendar does not do it.
    pub async fn remove(&self, id: &EventId) -> Result<(), UpstreamError> {
        match self {
            Self::CalDav(caldav) => caldav.remove(id).await,
            Self::Google(google) => google.remove(id).await,
        }
    }

    /// A visit's event as the calendar has it; `None`: it has none.
    ///
    /// # Errors
    /// Where the calendar does not say.
    pub async fn find(&self, id: &EventId) -> Result<Option<Current>, UpstreamError> {
        match self {
            Self::CalDav(caldav) => caldav.find(id).await,
            Self::Google(google) => google.find(id).await,
        }
    }

    /// What has changed since this token was given; everything in `window` where there is none, or
    /// where it is too old.
    ///
    /// # Errors
    /// Where the calendar does not say.
    pub async fn changed(
        &self,
        token: Option<&str>,
        window: Interval,
    ) -> Result<Changed, UpstreamError> {
        match self {
            Self::CalDav(caldav) => caldav.changed(token, window).await,
            Self::Google(google) => google.changes(token, window).await.map(Changed::Events),
        }
    }

    /// Everything in `window`; `token` is the one that came before it was asked for.
    ///
    /// # Errors
    /// Where the calendar does not say.
    pub async fn everything(
        &self,
        window: Interval,
        token: Option<String>,
    ) -> Result<Changes, UpstreamError> {
        match self {
            Self::CalDav(caldav) => caldav.everything(window, token).await,
            Self::Google(google) => google.changes(None, window).await,
        }
    }

    /// What the calendar is called, for `doctor`; it has to be one that can be used.
    ///
    /// # Errors
    /// Where it is not.
    pub async fn check(&self) -> Result<String, UpstreamError> {
        match self {
            Self::CalDav(caldav) => caldav.check().await,
            Self::Google(google) => google.check().await,
        }
    }

    /// Makes sure that what is written gets into a calendar. Google writes nowhere else.
    ///
    /// # Errors
    /// Where it is none, or does not answer.
    pub async fn prove(&self) -> Result<(), UpstreamError> {
        match self {
            Self::CalDav(caldav) => caldav.check().await.map(drop),
            Self::Google(_) => Ok(()),
        }
    }

    /// What to do about an error of [`CalendarClient::check`].
    pub fn advice(&self, error: &UpstreamError) -> &'static str {
        match (error, self) {
            (UpstreamError::Unauthorized, Self::CalDav(_)) => {
                "The calendar refuses the user: check CALDAV_USERNAME and CALDAV_PASSWORD, and that \
                 the user may change the calendar."
            }
            (UpstreamError::Unauthorized, Self::Google(_)) => {
                "Google refuses the credentials: share the calendar with the service account's \
                 e-mail address, with the right to make changes, and check \
                 GOOGLE_APPLICATION_CREDENTIALS."
            }
            (
                UpstreamError::Status(404 | 405)
                | UpstreamError::Redirected(_)
                | UpstreamError::Malformed { .. },
                Self::CalDav(_),
            ) => {
                "CALDAV_URL has to be the address of the calendar itself, as its server shows it, \
                 not that of the server."
            }
            (UpstreamError::Status(404) | UpstreamError::Malformed { .. }, Self::Google(_)) => {
                "Check GOOGLE_CALENDAR_ID and GOOGLE_BUSY_CALENDARS: the settings of a calendar show \
                 its id, and it has to be shared with the service account."
            }
            _ => "Bookings go on without it; what has changed is written when it answers again.",
        }
    }
}
