//! A request sent once, and what may be done after it failed.

use std::time::{Duration, SystemTime};

use reqwest::{RequestBuilder, Response, StatusCode};

use super::super::UpstreamError;
use super::answer::Answer;
use super::quiet::retry_after;
use super::request::Request;

/// A failed attempt.
pub(super) struct Failure {
    /// Why it failed.
    pub error: UpstreamError,
    /// How long the service asked to wait before the next.
    pub retry_after: Option<Duration>,
    /// Whether the service can have seen the request.
    was_sent: bool,
    /// Whether the same request may succeed moments later.
    is_transient: bool,
}

impl Failure {
    /// Whether the request may be sent again.
    pub(super) fn allows_retry(&self, is_repeatable: bool) -> bool {
        self.is_transient && (is_repeatable || !self.was_sent)
    }

    /// The connection failed before an answer began: a kept one that the service has closed
    /// meanwhile, a service that restarts, or one that is not there.
    fn before_the_answer(error: reqwest::Error) -> Self {
        let was_sent = !error.is_connect();
        Self { error: error.into(), retry_after: None, was_sent, is_transient: true }
    }

    fn while_reading(error: UpstreamError) -> Self {
        Self { error, retry_after: None, was_sent: true, is_transient: false }
    }

    /// What a status that is no answer means.
    fn of_status(response: &Response, now: SystemTime) -> Self {
        let retry_after = retry_after(response.headers(), now);
        let status = response.status();
        let error = match status {
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => UpstreamError::Unauthorized,
            StatusCode::TOO_MANY_REQUESTS => {
                let retry_after_seconds = retry_after.map(|wait| wait.as_secs());
                UpstreamError::RateLimited { retry_after_seconds }
            }
            other if other.is_redirection() => UpstreamError::Redirected(other.as_u16()),
            other => UpstreamError::Status(other.as_u16()),
        };
        let is_transient = matches!(status.as_u16(), 408 | 429 | 502..=504);
        Self { error, retry_after, was_sent: true, is_transient }
    }
}

/// Sends a request once.
pub(super) async fn attempt(
    builder: RequestBuilder,
    request: &Request,
    body_bytes: usize,
) -> Result<Answer, Failure> {
    let response = builder.send().await.map_err(Failure::before_the_answer)?;
    if !request.accepts(response.status()) {
        return Err(Failure::of_status(&response, SystemTime::now()));
    }
    Answer::read(response, body_bytes).await.map_err(Failure::while_reading)
}
