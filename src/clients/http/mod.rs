//! Requests to one service, within limits of time and size, with retries and a circuit breaker.

mod answer;
mod attempt;
mod breaker;
pub(crate) mod connect;
mod credentials;
mod limits;
mod quiet;
mod request;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::{Duration, Instant};

use backon::{ExponentialBuilder, Retryable};
use chrono::Utc;
use reqwest::{Client, Url};
use tokio::sync::{OnceCell, Semaphore};
use tokio::time::timeout;

pub use answer::Answer;
use attempt::{Failure, attempt};
use breaker::Breaker;
pub use credentials::Credentials;
pub use limits::Limits;
use quiet::Quiet;
pub use request::Request;

use super::change::ABSENT;
use super::counters::COUNTERS;
use super::{Upstream, UpstreamError};
use crate::config::RemoteApi;
use crate::telemetry;

/// How many requests to one service are under way at once; further ones wait for their turn within
/// their own limit, so that a slow service is not made slower.
const CONNECTIONS: usize = 10;

/// A service at one base URL, with connections of its own.
///
/// Redirects are not followed, so that no answer can send us and the key elsewhere, and bodies are
/// not decompressed, so that a small one cannot become large.
#[derive(Debug)]
pub struct Http {
    upstream: Upstream,
    /// `None` where the settings' text is no URL: then nothing can be asked.
    base_url: Option<Url>,
    credentials: Option<Credentials>,
    limits: Limits,
    breaker: Breaker,
    /// Until when the service asked to be left alone.
    quiet: Quiet,
    turns: Semaphore,
    /// Made for the first request, because reading the machine's root certificates takes time
    /// that a session without requests need not spend.
    client: OnceCell<Client>,
}

impl Http {
    /// A service that is first contacted by the first request.
    pub fn new(
        upstream: Upstream,
        base_url: &str,
        credentials: Option<Credentials>,
        limits: Limits,
    ) -> Self {
        Self {
            upstream,
            base_url: Url::parse(base_url).ok(),
            credentials,
            limits,
            breaker: Breaker::default(),
            quiet: Quiet::default(),
            turns: Semaphore::new(CONNECTIONS),
            client: OnceCell::new(),
        }
    }

    /// The same, left alone for this long where it keeps failing.
    pub fn resting(self, rest: Duration) -> Self {
        Self { breaker: Breaker::open_for(rest), ..self }
    }

    /// The service behind an endpoint of the settings; `None` where none is configured.
    pub fn of_api(upstream: Upstream, api: &RemoteApi) -> Option<Self> {
        let credentials = api.api_key.clone().map(Credentials::Bearer);
        let endpoint = api.api_endpoint.as_deref()?;
        Some(Self::new(upstream, endpoint, credentials, Limits::of_api(api)))
    }

    /// What `read` makes of the answer to a request: a success, or a status that the request takes
    /// for an answer. An answer that `read` refuses counts against the service.
    ///
    /// It is over within the limit of the whole call. Whoever drops it sooner leaves the breaker
    /// without a verdict, so a caller who may not wait that long runs it in a task of its own.
    pub async fn call<T>(
        &self,
        request: &Request,
        read: impl FnOnce(&Answer) -> Result<T, UpstreamError>,
    ) -> Result<T, UpstreamError> {
        let url = self.base_url.as_ref().and_then(|base| request.url(base));
        let url = url.ok_or(UpstreamError::Unsendable)?;
        let answer = match self.admit() {
            Ok(()) => {
                let answer = timeout(self.limits.total, self.send(request, url))
                    .await
                    .unwrap_or(Err(UpstreamError::Timeout))
                    .and_then(|answer| read(&answer));
                self.record(answer.as_ref().err());
                answer
            }
            Err(error) => Err(error),
        };
        COUNTERS.called(self.upstream, answer.as_ref().err(), Utc::now().into());
        answer
    }

    /// Refuses a call while the service is to be left alone.
    fn admit(&self) -> Result<(), UpstreamError> {
        if let Some(wait) = self.quiet.remaining(Instant::now()) {
            return Err(UpstreamError::RateLimited { retry_after_seconds: Some(wait.as_secs()) });
        }
        let is_admitted = self.breaker.admits(Instant::now());
        if is_admitted { Ok(()) } else { Err(UpstreamError::CircuitOpen) }
    }

    fn record(&self, error: Option<&UpstreamError>) {
        if let Some(UpstreamError::RateLimited { retry_after_seconds: Some(seconds) }) =
            error.map(UpstreamError::last)
        {
            self.quiet.keep_for(Duration::from_secs(*seconds), Instant::now());
        }
        if !error.is_some_and(UpstreamError::is_service_failure) {
            if self.breaker.record_success() {
                COUNTERS.closed(self.upstream);
            }
            return;
        }
        let is_new = self.breaker.record_failure(Instant::now());
        if let Some(remaining) = self.breaker.remaining(Instant::now()) {
            COUNTERS.opened(self.upstream, (Utc::now() + remaining).into(), is_new);
        }
        if is_new {
            let service = self.upstream.name();
            tracing::warn!(service, "failed repeatedly and is not asked for a while");
        }
    }

    /// Sends a request, and again where that is safe and may help.
    async fn send(&self, request: &Request, url: Url) -> Result<Answer, UpstreamError> {
        let started = Instant::now();
        // Nobody closes the semaphore; if somebody did, the limits would still hold.
        let _turn = self.turns.acquire().await.ok();
        let client = self.client.get_or_try_init(|| self.build_client()).await?;
        let send = || {
            let builder = request.build(client, url.clone());
            let builder = match &self.credentials {
                Some(credentials) => credentials.apply(builder),
                None => builder,
            };
            telemetry::note_attempt();
            attempt(builder, request, self.limits.body_bytes)
        };
        // Whether an earlier one may have been done, and nobody heard of it.
        let mut is_in_doubt = false;
        let answer = send
            .retry(self.backoff())
            .when(|failure: &Failure| failure.allows_retry(request.is_repeatable()))
            .adjust(|failure, delay| {
                self.limits.wait(delay?, failure.retry_after, started.elapsed())
            })
            .notify(|failure, wait| {
                is_in_doubt |= failure.error.may_be_done();
                COUNTERS.retried(self.upstream);
                let (service, wait_ms) = (self.upstream.name(), wait.as_millis());
                tracing::debug!(service, error = %failure.error, wait_ms, "retry");
            })
            .await
            .map_err(|failure| failure.error);
        if is_in_doubt && request.is_once() { in_doubt(answer) } else { answer }
    }

    fn backoff(&self) -> ExponentialBuilder {
        ExponentialBuilder::new()
            .with_jitter()
            .with_min_delay(self.limits.retry_delay)
            .with_max_times(self.limits.retries)
    }

    /// Builds the client beside the other work: reading root certificates blocks.
    async fn build_client(&self) -> Result<Client, UpstreamError> {
        let (base_url, connect) = (self.base_url.clone(), self.limits.connect);
        let build = move || connect::build_client(base_url.as_ref(), connect);
        let built = tokio::task::spawn_blocking(build).await;
        // A task is lost only when the program ends, and then it does not matter.
        built.unwrap_or(Err(UpstreamError::Timeout))
    }
}

/// The answer to a change that was sent before. Whoever has no such record now, a router in front of the
/// service perhaps, does not say that it was not made then; any other answer is that to the same change.
fn in_doubt(answer: Result<Answer, UpstreamError>) -> Result<Answer, UpstreamError> {
    match answer {
        Ok(answer) if ABSENT.contains(&answer.status()) => {
            Err(UpstreamError::InDoubt(Arc::new(UpstreamError::Status(answer.status().as_u16()))))
        }
        Err(error) if !error.may_be_done() => Err(UpstreamError::InDoubt(Arc::new(error))),
        other => other,
    }
}
