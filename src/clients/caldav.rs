//! A calendar that speaks CalDAV (RFC 4791): one resource per event, changes by WebDAV sync
//! (RFC 6578) or by the collection's tag.

use std::time::Duration;

use chrono_tz::Tz;
use reqwest::header::{ACCEPT, HeaderName, HeaderValue, IF_NONE_MATCH};
use reqwest::{Method, StatusCode};

use super::calendar::{Current, Put};
use super::http::{Answer, Credentials, Http, Limits, Request};
use super::{Upstream, UpstreamError};
use crate::config::CalDavSettings;
use crate::domain::calendar::{Changed, Changes, Event, EventId, Found};
use crate::domain::icalendar::{read_events, write_event};
use crate::domain::time::{Interval, Timestamp};

mod entries;
mod places;
mod xml;

use entries::{Owner, found, name_of};
use places::Places;
use xml::{Multistatus, Question};

/// Writing one event. Repeats are for the caller, who looks first what has become of it.
const WRITING: Limits = Limits {
    total: Duration::from_secs(4),
    patience: Duration::from_secs(4),
    connect: Duration::from_secs(2),
    body_bytes: 1024 * 1024,
    retries: 0,
    retry_delay: Duration::from_millis(100),
    longest_retry_after: Duration::ZERO,
};
/// Reading all that is in the calendar.
const READING: Limits = Limits {
    total: Duration::from_secs(15),
    patience: Duration::from_secs(15),
    connect: Duration::from_secs(2),
    body_bytes: 32 * 1024 * 1024,
    ..WRITING
};
/// How long a server that keeps failing is left alone. Nobody waits for it, so it is asked again soon.
pub(super) const REST: Duration = Duration::from_secs(5);
/// An answer that is longer is read beside the other work, in bytes.
const LONG_ANSWER: usize = 32 * 1024;
/// What a name in the calendar ends with.
const EXTENSION: &str = ".ics";

const DEPTH: HeaderName = HeaderName::from_static("depth");
const XML: HeaderValue = HeaderValue::from_static("application/xml; charset=utf-8");
const CALENDAR: HeaderValue = HeaderValue::from_static("text/calendar; charset=utf-8");
const ANYTHING: HeaderValue = HeaderValue::from_static("*/*");

/// Statuses that are about one event and say nothing against the server.
const ABOUT_ONE: &[StatusCode] = &[
    StatusCode::BAD_REQUEST,
    StatusCode::NOT_FOUND,
    StatusCode::METHOD_NOT_ALLOWED,
    StatusCode::CONFLICT,
    StatusCode::GONE,
    StatusCode::PRECONDITION_FAILED,
    StatusCode::PAYLOAD_TOO_LARGE,
    StatusCode::UNSUPPORTED_MEDIA_TYPE,
    StatusCode::UNPROCESSABLE_ENTITY,
    StatusCode::LOCKED,
    StatusCode::INTERNAL_SERVER_ERROR,
    StatusCode::INSUFFICIENT_STORAGE,
];
/// How servers say that a token is too old or that too much has changed.
const TOKEN_REFUSED: &[StatusCode] = &[
    StatusCode::BAD_REQUEST,
    StatusCode::FORBIDDEN,
    StatusCode::CONFLICT,
    StatusCode::GONE,
    StatusCode::PRECONDITION_FAILED,
    StatusCode::NOT_IMPLEMENTED,
    StatusCode::INSUFFICIENT_STORAGE,
];
/// How servers say that they cannot answer a question in this form. Some stumble over a single event
/// that they cannot expand.
const QUESTION_REFUSED: &[StatusCode] = &[
    StatusCode::BAD_REQUEST,
    StatusCode::FORBIDDEN,
    StatusCode::CONFLICT,
    StatusCode::PRECONDITION_FAILED,
    StatusCode::UNPROCESSABLE_ENTITY,
    StatusCode::INTERNAL_SERVER_ERROR,
    StatusCode::NOT_IMPLEMENTED,
    StatusCode::INSUFFICIENT_STORAGE,
];
/// What stands for entries that a server has and did not tell.
const MORE: &str = "further entries";

/// A calendar that speaks CalDAV.
#[derive(Debug)]
pub struct CalDav {
    /// For single events.
    writing: Http,
    /// For what has changed: a long answer must not keep an event from being written.
    reading: Http,
    address: String,
    /// Whose calendar it is, where a user is named.
    owner: Option<Owner>,
    /// Where visits' events lie that are not where we put them.
    places: Places,
    zone: Tz,
}

impl CalDav {
    /// The calendar of the settings, where they name one.
    pub(super) fn new(settings: &CalDavSettings, zone: Tz) -> Option<Self> {
        let url = format!("{}/", settings.url.as_deref()?);
        let credentials = settings.username.clone().zip(settings.password.clone());
        let credentials =
            credentials.map(|(username, password)| Credentials::Basic { username, password });
        let http =
            |limits| Http::new(Upstream::Calendar, &url, credentials.clone(), limits).resting(REST);
        let owner = settings.username.as_deref().map(Owner::new);
        let (writing, reading) = (http(WRITING), http(READING));
        Some(Self {
            writing,
            reading,
            address: url.clone(),
            owner,
            places: Places::default(),
            zone,
        })
    }

    pub(super) fn address(&self) -> String {
        format!("caldav {}", self.address)
    }

    pub(super) async fn put(
        &self,
        event: &Event,
        etag: Option<&str>,
    ) -> Result<Put, UpstreamError> {
        let now = Timestamp::from(chrono::Utc::now());
        let text = write_event(event, now).into_bytes();
        let request = Request::new(Method::PUT, [self.places.of(&event.id)])
            .body(CALENDAR, text)
            .header(ACCEPT, ANYTHING)
            .accepting(ABOUT_ONE);
        let request = match etag {
            Some(etag) => request.if_match(etag),
            None => request.header(IF_NONE_MATCH, HeaderValue::from_static("*")),
        };
        let (status, etag) = self
            .writing
            .call(&request, |answer| Ok((answer.status(), answer.etag().map(str::to_owned))))
            .await?;
        match status {
            status if status.is_success() => Ok(Put::Done { etag }),
            StatusCode::PRECONDITION_FAILED => Ok(Put::Differs(self.find(&event.id).await?)),
            // Some servers say so where the event lies elsewhere.
            StatusCode::CONFLICT if self.locate(&event.id).await? => {
                Ok(Put::Differs(self.find(&event.id).await?))
            }
            status => Err(UpstreamError::Status(status.as_u16())),
        }
    }

    pub(super) async fn remove(&self, id: &EventId) -> Result<(), UpstreamError> {
        if !self.remove_here(id).await? && self.locate(id).await? {
            self.remove_here(id).await?;
        }
        Ok(())
    }

    /// Whether it was there.
    async fn remove_here(&self, id: &EventId) -> Result<bool, UpstreamError> {
        let request = Request::new(Method::DELETE, [self.places.of(id)])
            .header(ACCEPT, ANYTHING)
            .repeatable()
            .accepting(ABOUT_ONE);
        match self.writing.call(&request, |answer| Ok(answer.status())).await? {
            StatusCode::NOT_FOUND | StatusCode::GONE => Ok(false),
            status if status.is_success() => Ok(true),
            status => Err(UpstreamError::Status(status.as_u16())),
        }
    }

    pub(super) async fn find(&self, id: &EventId) -> Result<Option<Current>, UpstreamError> {
        match self.find_here(id).await? {
            None if self.locate(id).await? => self.find_here(id).await,
            found => Ok(found),
        }
    }

    /// Whether an event lies elsewhere than it was looked for, as after a calendar was exported and
    /// restored; from now on it is looked for there.
    async fn locate(&self, id: &EventId) -> Result<bool, UpstreamError> {
        let status = self.ask("REPORT", "1", &xml::with_uid(id), QUESTION_REFUSED).await?;
        let responses = status.map(|status| status.responses).unwrap_or_default();
        let is_it = |response: &xml::Response| {
            let text = response.calendar.as_deref();
            let events = text.and_then(|text| read_events(text, self.zone).ok());
            let mut events = events.into_iter().flatten();
            events.any(|event| event.event_name.as_deref() == Some(id.as_str()))
        };
        let found = responses.iter().find(|response| is_it(response));
        Ok(self.places.note(id, found.map(|response| response.href.as_str())))
    }

    async fn find_here(&self, id: &EventId) -> Result<Option<Current>, UpstreamError> {
        let request =
            Request::get([self.places.of(id)]).header(ACCEPT, ANYTHING).accepting(ABOUT_ONE);
        let read = |answer: &Answer| match answer.status() {
            StatusCode::NOT_FOUND | StatusCode::GONE => Ok(Ok(None)),
            status if status.is_success() => {
                let text = String::from_utf8_lossy(answer.body());
                let events = read_events(&text, self.zone).map_err(|_| no_calendar())?;
                // One that staff have called off is as good as deleted, but its name is taken.
                let mut takes_place = events.into_iter().filter(|event| !event.is_cancelled);
                let span = takes_place.find_map(|event| event.span);
                Ok(Ok(Some(Current { etag: answer.etag().map(str::to_owned), span })))
            }
            status => Ok(Err(UpstreamError::Status(status.as_u16()))),
        };
        self.writing.call(&request, read).await?
    }

    pub(super) async fn changed(
        &self,
        token: Option<&str>,
        window: Interval,
    ) -> Result<Changed, UpstreamError> {
        let token = match token.and_then(Token::parse) {
            None => self.token().await?,
            Some(Token::Tag(tag)) => {
                let now = self.token().await?;
                if now.as_ref().is_some_and(|now| *now == Token::Tag(tag)) {
                    return Ok(names(Vec::new(), now));
                }
                now
            }
            Some(Token::Sync(token)) => match self.changed_since(&token).await? {
                // A server that tells no new token is asked for everything the next time.
                Some(changed) => {
                    return Ok(names(changed.responses, changed.token.map(Token::Sync)));
                }
                None => self.token().await?,
            },
        };
        let token = token.map(|token| token.to_text());
        Ok(Changed::Events(self.everything(window, token).await?))
    }

    pub(super) async fn check(&self) -> Result<String, UpstreamError> {
        let status = self.ask("PROPFIND", "0", xml::STATE, &[]).await?;
        let status = status.ok_or(UpstreamError::Status(404))?;
        let Some(response) = status.responses.first().filter(|response| response.is_calendar)
        else {
            return Err(UpstreamError::Malformed { reason: "it is no calendar", source: None });
        };
        let how = match (&response.sync_token, &response.tag) {
            (Some(_), _) => "tells what has changed",
            (None, Some(_)) => "tells whether it has changed",
            (None, None) => "is read as a whole each time",
        };
        Ok(format!("CalDAV calendar {} {how}", self.address))
    }

    /// Where the calendar is now, by whatever it tells that by.
    async fn token(&self) -> Result<Option<Token>, UpstreamError> {
        let status = self.ask("PROPFIND", "0", xml::STATE, &[]).await?;
        let response = status.and_then(|status| status.responses.into_iter().next());
        Ok(response.and_then(|response| {
            response.sync_token.map(Token::Sync).or(response.tag.map(Token::Tag))
        }))
    }

    /// What has changed since; `None` where the server no longer knows that.
    async fn changed_since(&self, token: &str) -> Result<Option<Multistatus>, UpstreamError> {
        let status = self.ask("REPORT", "1", &xml::sync(token), TOKEN_REFUSED).await?;
        Ok(status.filter(|status| !status.is_cut_off))
    }

    pub(super) async fn everything(
        &self,
        window: Interval,
        token: Option<String>,
    ) -> Result<Changes, UpstreamError> {
        let status = self.events_in(window).await?;
        let Multistatus { responses, is_cut_off, .. } = status.unwrap_or_default();
        let (zone, owner) = (self.zone, self.owner.clone());
        let read = move || -> Vec<Found> {
            let found = |response| found(response, window, owner.as_ref(), zone);
            responses.into_iter().filter_map(found).collect()
        };
        let read = tokio::task::spawn_blocking(read).await;
        let mut found = read.map_err(|_| UpstreamError::Timeout)?;
        if is_cut_off {
            found.push(Found::unread(MORE.to_owned(), None));
        }
        Ok(Changes { found, gone: Vec::new(), is_everything: true, token })
    }

    /// All events in this time, asked for in the best form that the server can answer.
    async fn events_in(&self, window: Interval) -> Result<Option<Multistatus>, UpstreamError> {
        for question in [Question::Expanded, Question::Written] {
            let asked = xml::events_in(window, question);
            let status = self.ask("REPORT", "1", &asked, QUESTION_REFUSED).await?;
            if status.is_some() {
                return Ok(status);
            }
            tracing::debug!(?question, "the calendar's server cannot answer");
        }
        self.ask("REPORT", "1", &xml::events_in(window, Question::All), &[]).await
    }

    /// What the server says of the collection; `None` where it answers with one of `refusals`.
    async fn ask(
        &self,
        method: &'static str,
        depth: &'static str,
        body: &str,
        refusals: &'static [StatusCode],
    ) -> Result<Option<Multistatus>, UpstreamError> {
        let method = Method::from_bytes(method.as_bytes()).unwrap_or_default();
        let request = Request::new(method, None::<String>)
            .body(XML, body.as_bytes().to_vec())
            .header(DEPTH, HeaderValue::from_static(depth))
            .header(ACCEPT, ANYTHING)
            .repeatable()
            .accepting(refusals);
        let read = |answer: &Answer| {
            if !answer.status().is_success() {
                return Ok(None);
            }
            Ok(Some(answer.body().to_vec()))
        };
        let Some(body) = self.reading.call(&request, read).await? else { return Ok(None) };
        if body.len() < LONG_ANSWER {
            return Multistatus::read(&body).map(Some);
        }
        let read = tokio::task::spawn_blocking(move || Multistatus::read(&body)).await;
        // A task is lost only when the program ends, and then it does not matter.
        read.unwrap_or(Err(UpstreamError::Timeout)).map(Some)
    }
}

/// By what a server tells whether something has changed.
#[derive(Clone, Debug, Eq, PartialEq)]
enum Token {
    /// It lists what has changed since.
    Sync(String),
    /// It says whether something has.
    Tag(String),
}

impl Token {
    fn parse(text: &str) -> Option<Self> {
        match text.split_once(' ')? {
            ("sync", token) => Some(Self::Sync(token.to_owned())),
            ("tag", token) => Some(Self::Tag(token.to_owned())),
            _ => None,
        }
    }

    fn to_text(&self) -> String {
        match self {
            Self::Sync(token) => format!("sync {token}"),
            Self::Tag(token) => format!("tag {token}"),
        }
    }
}

/// The events of these responses; some servers list the collection itself, too.
fn names(responses: Vec<xml::Response>, token: Option<Token>) -> Changed {
    let is_event = |response: &xml::Response| !response.href.ends_with('/');
    let names = responses.into_iter().filter(is_event);
    Changed::Names {
        names: names.map(|it| (name_of(&it.href).to_owned(), it.etag)).collect(),
        token: token.map(|token| token.to_text()),
    }
}

fn no_calendar() -> UpstreamError {
    UpstreamError::Malformed { reason: "it is not iCalendar", source: None }
}

#[cfg(test)]
mod tests;
