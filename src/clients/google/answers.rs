//! What Google answers.

use std::collections::HashMap;

use chrono::{DateTime, NaiveDate};
use chrono_tz::Tz;
use reqwest::header::RETRY_AFTER;
use serde::Deserialize;

use super::super::UpstreamError;
use super::super::http::Answer;
use crate::domain::local_time::day_bounds;
use crate::domain::time::{Interval, Timestamp};

/// The reasons of a 403 that passes.
const LIMITED: [&str; 4] =
    ["rateLimitExceeded", "userRateLimitExceeded", "quotaExceeded", "dailyLimitExceeded"];

/// A page of events.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Page {
    #[serde(default)]
    pub items: Vec<Item>,
    pub next_page_token: Option<String>,
    pub next_sync_token: Option<String>,
}

/// An event, or one time of a repeating one.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Item {
    pub id: String,
    pub etag: Option<String>,
    status: Option<String>,
    start: Option<When>,
    end: Option<When>,
    transparency: Option<String>,
    summary: Option<String>,
    location: Option<String>,
    event_type: Option<String>,
    #[serde(default)]
    attendees: Vec<Attendee>,
}

/// Somebody who was invited.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Attendee {
    /// Whether it is the calendar's owner.
    #[serde(default, rename = "self")]
    is_owner: bool,
    response_status: Option<String>,
}

/// A day, or an instant.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct When {
    // As text, so that one day that cannot be read takes no other event along.
    date: Option<String>,
    date_time: Option<String>,
}

impl Item {
    /// Whether it was deleted.
    pub fn is_cancelled(&self) -> bool {
        self.status.as_deref() == Some("cancelled")
    }

    /// When it takes place; days are the shop's own.
    pub fn span(&self, zone: Tz) -> Option<Interval> {
        let at = |when: &When| match (&when.date, &when.date_time) {
            (Some(day), _) => Some(day_bounds(day.parse::<NaiveDate>().ok()?, zone).start),
            (None, Some(text)) => DateTime::parse_from_rfc3339(text).ok().map(Timestamp::from),
            (None, None) => None,
        };
        Some(Interval { start: at(self.start.as_ref()?)?, end: at(self.end.as_ref()?)? })
    }

    /// Whether whoever it is about is busy meanwhile. Where somebody works from says nothing of that.
    pub fn is_busy(&self) -> bool {
        self.transparency.as_deref() != Some("transparent")
            && !matches!(self.event_type.as_deref(), Some("workingLocation" | "birthday"))
            && !self.attendees.iter().any(|somebody| {
                somebody.is_owner && somebody.response_status.as_deref() == Some("declined")
            })
    }

    /// Its title and its place.
    pub fn words(&self) -> String {
        let words =
            [&self.summary, &self.location].map(|words| words.as_deref().unwrap_or_default());
        words.join("\n")
    }
}

/// When calendars are busy.
#[derive(Default, Deserialize)]
pub(super) struct Busy {
    #[serde(default)]
    calendars: HashMap<String, Times>,
}

#[derive(Deserialize)]
struct Times {
    #[serde(default)]
    busy: Vec<Span>,
    #[serde(default)]
    errors: Vec<serde::de::IgnoredAny>,
}

#[derive(Deserialize)]
struct Span {
    start: DateTime<chrono::Utc>,
    end: DateTime<chrono::Utc>,
}

impl Busy {
    /// When this one is; `None` where Google does not say.
    pub fn of(&self, calendar: &str) -> Option<impl Iterator<Item = Interval> + '_> {
        let times = self.calendars.get(calendar).filter(|times| times.errors.is_empty())?;
        Some(
            times
                .busy
                .iter()
                .map(|span| Interval { start: span.start.into(), end: span.end.into() }),
        )
    }
}

/// What a 403 means: too many requests, or none at all.
pub(super) fn refusal(answer: &Answer) -> UpstreamError {
    #[derive(Deserialize)]
    struct Body {
        error: Failure,
    }
    #[derive(Deserialize)]
    struct Failure {
        #[serde(default)]
        errors: Vec<Reason>,
    }
    #[derive(Deserialize)]
    struct Reason {
        reason: String,
    }
    let reasons = answer.json::<Body>().map(|body| body.error.errors).unwrap_or_default();
    if !reasons.iter().any(|reason| LIMITED.contains(&reason.reason.as_str())) {
        return UpstreamError::Unauthorized;
    }
    let wait =
        answer.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok()?.parse().ok());
    UpstreamError::RateLimited { retry_after_seconds: wait }
}
