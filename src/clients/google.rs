//! A calendar of Google's (Calendar API v3).

use std::time::Duration;

use chrono_tz::Tz;
use reqwest::header::{AUTHORIZATION, HeaderValue};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use super::calendar::{Current, Put};
use super::http::{Answer, Http, Limits, Request};
use super::{Upstream, UpstreamError};
use crate::config::{GoogleSettings, Secret};
use crate::domain::calendar::{Changes, Event, EventId, Found};
use crate::domain::local_time::rfc3339;
use crate::domain::time::{Interval, Timestamp};

mod answers;
mod tokens;

use answers::{Busy, Item, Page};
use tokens::Tokens;

/// One request. Repeats are for the caller, who looks first what has become of it.
const LIMITS: Limits = Limits {
    total: Duration::from_secs(4),
    patience: Duration::from_secs(4),
    connect: Duration::from_secs(2),
    body_bytes: 16 * 1024 * 1024,
    retries: 0,
    retry_delay: Duration::from_millis(100),
    longest_retry_after: Duration::ZERO,
};
/// The most pages that are read of one answer, and how many events are on one.
const PAGES: usize = 100;
const PAGE: usize = 2500;
/// How many tokens are tried for one request.
const TOKENS: usize = 2;
/// For how long Google tells at once when somebody is busy.
const BUSY_SECONDS: i64 = 60 * 86_400;
/// What is wanted of each event.
const FIELDS: &str = "nextPageToken,nextSyncToken,items(id,etag,status,start,end,transparency,\
                      summary,location,eventType,attendees(self,responseStatus))";

/// Statuses that are answers, or are looked at more closely.
const ANSWERS: &[StatusCode] = &[
    StatusCode::BAD_REQUEST,
    StatusCode::UNAUTHORIZED,
    StatusCode::FORBIDDEN,
    StatusCode::NOT_FOUND,
    StatusCode::CONFLICT,
    StatusCode::GONE,
    StatusCode::PRECONDITION_FAILED,
    StatusCode::INTERNAL_SERVER_ERROR,
];

/// A calendar of Google's.
#[derive(Debug)]
pub struct Google {
    /// For single events.
    writing: Http,
    /// For what has changed: a long answer must not keep an event from being written.
    reading: Http,
    tokens: Tokens,
    base_url: String,
    calendar_id: String,
    busy_calendars: Vec<String>,
    zone: Tz,
}

impl Google {
    /// The calendar of the settings, where they name one.
    pub(super) fn new(settings: &GoogleSettings, zone: Tz) -> Option<Self> {
        let http = || {
            Http::new(Upstream::Calendar, &settings.base_url, None, LIMITS)
                .resting(super::caldav::REST)
        };
        Some(Self {
            writing: http(),
            reading: http(),
            tokens: Tokens::new(settings.key.clone()?, LIMITS),
            base_url: settings.base_url.clone(),
            calendar_id: settings.calendar_id.clone()?,
            busy_calendars: settings.busy_calendars.clone(),
            zone,
        })
    }

    pub(super) fn address(&self) -> String {
        format!("google {} {}", self.base_url, self.calendar_id)
    }

    pub(super) async fn put(
        &self,
        event: &Event,
        etag: Option<&str>,
    ) -> Result<Put, UpstreamError> {
        let body = self.body(event);
        let request = match etag {
            Some(etag) => {
                let request = Request::new(Method::PATCH, self.event(&event.id));
                request.json(&body).if_match(etag)
            }
            None => {
                let mut body = body;
                if let Some(body) = body.as_object_mut() {
                    body.insert("id".to_owned(), json!(event.id.as_str()));
                }
                Request::new(Method::POST, self.events()).json(&body)
            }
        };
        let (status, item) = self.send(&self.writing, request, item_of).await?;
        match status {
            status if status.is_success() => {
                Ok(Put::Done { etag: item.and_then(|item| item.etag) })
            }
            StatusCode::PRECONDITION_FAILED | StatusCode::CONFLICT => {
                Ok(Put::Differs(self.find(&event.id).await?))
            }
            StatusCode::NOT_FOUND | StatusCode::GONE if etag.is_some() => Ok(Put::Differs(None)),
            status => Err(UpstreamError::Status(status.as_u16())),
        }
    }

    pub(super) async fn remove(&self, id: &EventId) -> Result<(), UpstreamError> {
        let request = Request::new(Method::DELETE, self.event(id)).repeatable();
        let (status, ()) = self.send(&self.writing, request, |_| Ok(())).await?;
        match status {
            StatusCode::NOT_FOUND | StatusCode::GONE => Ok(()),
            status if status.is_success() => Ok(()),
            status => Err(UpstreamError::Status(status.as_u16())),
        }
    }

    pub(super) async fn find(&self, id: &EventId) -> Result<Option<Current>, UpstreamError> {
        let request = Request::get(self.event(id));
        let (status, item) = self.send(&self.writing, request, item_of).await?;
        match (status, item) {
            (StatusCode::NOT_FOUND | StatusCode::GONE, _) => Ok(None),
            (status, Some(item)) if status.is_success() => {
                let span = if item.is_cancelled() { None } else { item.span(self.zone) };
                Ok(Some(Current { etag: item.etag, span }))
            }
            (status, _) => Err(UpstreamError::Status(status.as_u16())),
        }
    }

    pub(super) async fn changes(
        &self,
        token: Option<&str>,
        window: Interval,
    ) -> Result<Changes, UpstreamError> {
        let since = match token {
            None => None,
            Some(token) => self.pages(&[("syncToken", token.to_owned())]).await?,
        };
        let mut changes = match since {
            Some((items, token)) => self.sort(items, token, false),
            None => {
                let between = [
                    ("timeMin", rfc3339(window.start, Tz::UTC)),
                    ("timeMax", rfc3339(window.end, Tz::UTC)),
                ];
                let all = self.pages(&between).await?;
                let (items, token) = all.ok_or(UpstreamError::Status(410))?;
                self.sort(items, token, true)
            }
        };
        changes.found.extend(self.busy_elsewhere(window).await?);
        Ok(changes)
    }

    pub(super) async fn check(&self) -> Result<String, UpstreamError> {
        let now = Timestamp::from(chrono::Utc::now());
        let soon = Interval { start: now, end: now.plus_seconds(3600) };
        let request = Request::get(self.events()).query("maxResults", 1).query("fields", "kind");
        let (status, ()) = self.send(&self.reading, request, |_| Ok(())).await?;
        if !status.is_success() {
            return Err(UpstreamError::Status(status.as_u16()));
        }
        if self.busy_elsewhere(soon).await?.iter().any(|found| found.is_partial) {
            let reason = "one of GOOGLE_BUSY_CALENDARS cannot be read";
            return Err(UpstreamError::Malformed { reason, source: None });
        }
        Ok(format!("Google calendar {}", self.calendar_id))
    }

    /// All pages of an answer and the token behind it; `None` where the token is too old.
    async fn pages(
        &self,
        question: &[(&'static str, String)],
    ) -> Result<Option<(Vec<Item>, Option<String>)>, UpstreamError> {
        let mut items = Vec::new();
        let mut next: Option<String> = None;
        for _ in 0..PAGES {
            // Google wants the same question for what has changed as for everything.
            let mut request = Request::get(self.events())
                .query("singleEvents", true)
                .query("showDeleted", true)
                .query("maxResults", PAGE)
                .query("fields", FIELDS);
            for (name, value) in question {
                request = request.query(name, value);
            }
            if let Some(next) = &next {
                request = request.query("pageToken", next);
            }
            let read = |answer: &Answer| answer.json::<Page>().map(Some);
            let (status, page) = self.send(&self.reading, request, read).await?;
            let page = match (status, page) {
                (status, Some(page)) if status.is_success() => page,
                (StatusCode::GONE | StatusCode::BAD_REQUEST, _) => return Ok(None),
                (status, _) => return Err(UpstreamError::Status(status.as_u16())),
            };
            items.extend(page.items);
            match page.next_page_token {
                Some(token) => next = Some(token),
                None => return Ok(Some((items, page.next_sync_token))),
            }
        }
        Err(UpstreamError::Malformed { reason: "it has too many pages", source: None })
    }

    fn sort(&self, items: Vec<Item>, token: Option<String>, is_everything: bool) -> Changes {
        let mut changes = Changes { found: Vec::new(), gone: Vec::new(), is_everything, token };
        for item in items {
            if item.is_cancelled() {
                changes.gone.push(item.id);
            } else if let Some(span) = item.span(self.zone) {
                changes.found.push(Found {
                    is_busy: item.is_busy(),
                    words: item.words(),
                    name: item.id,
                    etag: item.etag,
                    times: vec![span],
                    is_partial: false,
                });
            } else {
                changes.found.push(Found::unread(item.id, item.etag));
            }
        }
        if is_everything {
            changes.gone.clear();
        }
        changes
    }

    /// When the further calendars are busy, or that one of them cannot be read.
    async fn busy_elsewhere(&self, window: Interval) -> Result<Vec<Found>, UpstreamError> {
        if self.busy_calendars.is_empty() {
            return Ok(Vec::new());
        }
        let mut times: Vec<Option<Vec<Interval>>> =
            vec![Some(Vec::new()); self.busy_calendars.len()];
        let mut start = window.start;
        while start < window.end {
            let end = start.plus_seconds(BUSY_SECONDS).min(window.end);
            let ids: Vec<Value> = self.busy_calendars.iter().map(|id| json!({"id": id})).collect();
            let body = json!({
                "timeMin": rfc3339(start, Tz::UTC),
                "timeMax": rfc3339(end, Tz::UTC),
                "items": ids,
            });
            let request = Request::new(Method::POST, ["freeBusy"]).json(&body).repeatable();
            let read = |answer: &Answer| answer.json::<Busy>().map(Some);
            let (status, busy) = self.send(&self.reading, request, read).await?;
            let busy = busy
                .filter(|_| status.is_success())
                .ok_or(UpstreamError::Status(status.as_u16()))?;
            for (id, times) in self.busy_calendars.iter().zip(&mut times) {
                match (busy.of(id), &mut *times) {
                    (Some(busy), Some(times)) => times.extend(busy),
                    _ => *times = None,
                }
            }
            start = end;
        }
        let found = |(id, times): (&String, Option<Vec<Interval>>)| {
            let name = format!("busy {id}");
            let Some(times) = times else { return Found::unread(name, None) };
            let words = String::new();
            Found { name, etag: None, times, is_busy: true, words, is_partial: false }
        };
        Ok(self.busy_calendars.iter().zip(times).map(found).collect())
    }

    /// Sends a request, signed. A token that is refused is replaced once.
    async fn send<T: Default>(
        &self,
        http: &Http,
        request: Request,
        read: impl Fn(&Answer) -> Result<T, UpstreamError> + Send + Sync,
    ) -> Result<(StatusCode, T), UpstreamError> {
        let mut refused: Option<Secret> = None;
        for _ in 0..TOKENS {
            let token = self.tokens.token(refused.as_ref()).await?;
            let mut bearer = HeaderValue::from_str(&format!("Bearer {}", token.expose()))
                .map_err(|_| UpstreamError::Unauthorized)?;
            bearer.set_sensitive(true);
            let signed = request.clone().header(AUTHORIZATION, bearer).accepting(ANSWERS);
            let read = |answer: &Answer| match answer.status() {
                StatusCode::FORBIDDEN => Err(answers::refusal(answer)),
                status if status.is_success() => Ok((status, read(answer)?)),
                status => Ok((status, T::default())),
            };
            let answer = http.call(&signed, read).await?;
            if answer.0 != StatusCode::UNAUTHORIZED {
                return Ok(answer);
            }
            refused = Some(token);
        }
        Err(UpstreamError::Unauthorized)
    }

    fn body(&self, event: &Event) -> Value {
        let at = |at: Timestamp| json!({"dateTime": rfc3339(at, self.zone), "timeZone": self.zone.name()});
        json!({
            "summary": event.title,
            "location": event.place,
            "description": event.description,
            "start": at(event.span.start),
            "end": at(event.span.end),
            // One that staff have deleted is there again.
            "status": "confirmed",
            "transparency": if event.is_busy { "opaque" } else { "transparent" },
            "extendedProperties": {"private": {"servicebay": event.id.as_str()}},
        })
    }

    fn events(&self) -> Vec<String> {
        vec!["calendars".to_owned(), self.calendar_id.clone(), "events".to_owned()]
    }

    fn event(&self, id: &EventId) -> Vec<String> {
        let mut segments = self.events();
        segments.push(id.as_str().to_owned());
        segments
    }
}

fn item_of(answer: &Answer) -> Result<Option<Item>, UpstreamError> {
    answer.json().map(Some)
}
