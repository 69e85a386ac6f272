//! Requests to one service, within limits of time and size, with retries and a circuit breaker.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use backon::{ExponentialBuilder, Retryable};
use chrono::{DateTime, Utc};
use reqwest::header::{ACCEPT, HeaderMap, HeaderValue, RETRY_AFTER};
use reqwest::{Client, RequestBuilder, Response, StatusCode, Url, redirect};
use tokio::sync::OnceCell;

use super::UpstreamError;
use super::breaker::Breaker;

/// The longest `Retry-After` that is waited for. A person is on the line, and services ask for whole
/// seconds: whoever waits longer is told so at once and decides what to do meanwhile.
const LONGEST_RETRY_AFTER: Duration = Duration::from_millis(500);

/// The longest time for which a service is believed that wants to be left alone.
const LONGEST_QUIET: Duration = Duration::from_secs(86_400);

/// What one call to a service may cost.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// For the whole call, retries and the waits between them included.
    pub total: Duration,
    /// How long a caller waits. The call may go on after that, to keep what it learns.
    pub patience: Duration,
    /// For one connection: name, TCP and TLS.
    pub connect: Duration,
    /// The longest body that is read.
    pub body_bytes: usize,
    /// How often a request that failed for the moment is sent again.
    pub retries: usize,
    /// The shortest wait before the first retry. It doubles with each, and up to as much again is
    /// added at random, so that many servers do not come back at the same instant.
    pub retry_delay: Duration,
}

impl Limits {
    /// How long to wait before a retry; `None` where the error is told instead.
    fn wait(
        &self,
        delay: Duration,
        retry_after: Option<Duration>,
        elapsed: Duration,
    ) -> Option<Duration> {
        let retry_after = retry_after.unwrap_or_default();
        // The second half of the patience is for the answer: a retry that cannot be answered in
        // time would hide the error that is known. Once the patience is over, nobody waits.
        let latest = if elapsed < self.patience { self.patience / 2 } else { self.total };
        let wait = delay.max(retry_after);
        let is_in_time = elapsed.saturating_add(wait) < latest.min(self.total);
        (is_in_time && retry_after <= LONGEST_RETRY_AFTER).then_some(wait)
    }
}

/// A service at one base URL.
///
/// Redirects are not followed, so that no answer can send us elsewhere, and bodies are not
/// decompressed, so that a small one cannot become large.
#[derive(Debug)]
pub struct Http {
    /// What the service is called in logs.
    service: &'static str,
    base_url: String,
    limits: Limits,
    breaker: Breaker,
    /// Until when the service asked to be left alone.
    quiet: Quiet,
    /// Made for the first request, because reading the machine's root certificates takes time
    /// that a session without requests need not spend.
    client: OnceCell<Client>,
}

impl Http {
    /// A service that is first contacted by the first request.
    pub fn new(service: &'static str, base_url: &str, limits: Limits) -> Self {
        let base_url = base_url.trim_end_matches('/').to_owned();
        Self {
            service,
            base_url,
            limits,
            breaker: Breaker::default(),
            quiet: Quiet::default(),
            client: OnceCell::new(),
        }
    }

    /// What `read` makes of a successful answer to a GET of this path, which begins with a slash.
    pub async fn get<T>(
        &self,
        path: &str,
        read: impl FnOnce(&[u8]) -> Result<T, UpstreamError>,
    ) -> Result<T, UpstreamError> {
        let url = format!("{}{path}", self.base_url);
        self.fetch(|client| client.get(&url), read).await
    }

    /// What `read` makes of the body of a successful answer to a request, which must do no harm
    /// if it is sent twice. A body that `read` refuses counts against the service.
    pub async fn fetch<T>(
        &self,
        request: impl Fn(&Client) -> RequestBuilder,
        read: impl FnOnce(&[u8]) -> Result<T, UpstreamError>,
    ) -> Result<T, UpstreamError> {
        if let Some(wait) = self.quiet.remaining(Instant::now()) {
            return Err(UpstreamError::RateLimited { retry_after_seconds: Some(wait.as_secs()) });
        }
        if !self.breaker.admits(Instant::now()) {
            return Err(UpstreamError::CircuitOpen);
        }
        let answer = tokio::time::timeout(self.limits.total, self.fetch_with_retries(request))
            .await
            .unwrap_or(Err(UpstreamError::Timeout))
            .and_then(|body| read(&body));
        self.record(answer.as_ref().err());
        answer
    }

    fn record(&self, error: Option<&UpstreamError>) {
        if let Some(UpstreamError::RateLimited { retry_after_seconds: Some(seconds) }) = error {
            self.quiet.keep_for(Duration::from_secs(*seconds), Instant::now());
        }
        if !error.is_some_and(UpstreamError::is_service_failure) {
            self.breaker.record_success();
        } else if self.breaker.record_failure(Instant::now()) {
            tracing::warn!(
                service = self.service,
                "failed repeatedly and is not asked for a while"
            );
        }
    }

    async fn fetch_with_retries(
        &self,
        request: impl Fn(&Client) -> RequestBuilder,
    ) -> Result<Vec<u8>, UpstreamError> {
        let started = Instant::now();
        let client = self.client.get_or_try_init(|| self.build_client()).await?;
        let attempt = || attempt(request(client), self.limits.body_bytes);
        attempt
            .retry(self.backoff())
            .when(|failure: &Failure| failure.error.is_transient())
            .adjust(|failure, delay| {
                self.limits.wait(delay?, failure.retry_after, started.elapsed())
            })
            .notify(|failure, wait| {
                let wait_ms = wait.as_millis();
                tracing::debug!(service = self.service, error = %failure.error, wait_ms, "retry");
            })
            .await
            .map_err(|failure| failure.error)
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
        let built = tokio::task::spawn_blocking(move || build_client(&base_url, connect)).await;
        // A task is lost only when the program ends, and then it does not matter.
        built.unwrap_or(Err(UpstreamError::Timeout))
    }
}

/// When a service that limits us may be asked again.
#[derive(Debug, Default)]
struct Quiet(Mutex<Option<Instant>>);

impl Quiet {
    /// How long it is to be left alone yet.
    fn remaining(&self, now: Instant) -> Option<Duration> {
        let until = *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        until?.checked_duration_since(now).filter(|wait| !wait.is_zero())
    }

    fn keep_for(&self, wait: Duration, now: Instant) {
        let until = now + wait.min(LONGEST_QUIET);
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(until);
    }
}

fn build_client(base_url: &str, connect: Duration) -> Result<Client, UpstreamError> {
    // An error means that a provider is installed already, which serves as well.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let mut builder = Client::builder()
        .user_agent(concat!("servicebay/", env!("CARGO_PKG_VERSION")))
        .default_headers(HeaderMap::from_iter([(
            ACCEPT,
            HeaderValue::from_static("application/json"),
        )]))
        .redirect(redirect::Policy::none())
        .connect_timeout(connect)
        // A connection left open over a laptop's sleep would swallow the next request.
        .pool_idle_timeout(Duration::from_secs(30));
    let url = Url::parse(base_url).ok();
    if url.as_ref().is_some_and(|url| url.scheme() == "http") {
        // Without TLS, machines that have no root certificates are fine, too.
        builder = builder.tls_certs_only([]);
    }
    if url.as_ref().is_some_and(is_on_this_machine) {
        // A proxy from the environment would look for it on its own machine.
        builder = builder.no_proxy();
    }
    Ok(builder.build()?)
}

/// A failed attempt, and how long the service asked to wait before the next.
struct Failure {
    error: UpstreamError,
    retry_after: Option<Duration>,
}

impl<E: Into<UpstreamError>> From<E> for Failure {
    fn from(error: E) -> Self {
        Self { error: error.into(), retry_after: None }
    }
}

/// Sends a request once.
async fn attempt(request: RequestBuilder, body_bytes: usize) -> Result<Vec<u8>, Failure> {
    let response = request.send().await?;
    if !response.status().is_success() {
        return Err(refusal(response.status(), response.headers(), SystemTime::now()));
    }
    Ok(read_body(response, body_bytes).await?)
}

/// What a status other than success means.
fn refusal(status: StatusCode, headers: &HeaderMap, now: SystemTime) -> Failure {
    let retry_after = retry_after(headers, now);
    let error = match status {
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => UpstreamError::Unauthorized,
        StatusCode::TOO_MANY_REQUESTS => {
            let retry_after_seconds = retry_after.map(|wait| wait.as_secs());
            UpstreamError::RateLimited { retry_after_seconds }
        }
        other => UpstreamError::Status(other.as_u16()),
    };
    Failure { error, retry_after }
}

/// How long `Retry-After` asks to wait, given as seconds or as a date (RFC 9110, 10.2.3).
fn retry_after(headers: &HeaderMap, now: SystemTime) -> Option<Duration> {
    let value = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = value.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let date = DateTime::parse_from_rfc2822(value).ok()?;
    Some((date.to_utc() - DateTime::<Utc>::from(now)).to_std().unwrap_or_default())
}

/// The body in chunks, so that no more than the limit is ever in memory.
async fn read_body(mut response: Response, limit_bytes: usize) -> Result<Vec<u8>, UpstreamError> {
    let too_long = UpstreamError::Malformed { reason: "it is too long", source: None };
    let limit = u64::try_from(limit_bytes).unwrap_or(u64::MAX);
    if response.content_length().is_some_and(|length| length > limit) {
        return Err(too_long);
    }
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await? {
        if body.len() + chunk.len() > limit_bytes {
            return Err(too_long);
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

fn is_on_this_machine(url: &Url) -> bool {
    match url.host() {
        Some(url::Host::Domain(name)) => name == "localhost",
        Some(url::Host::Ipv4(address)) => address.is_loopback(),
        Some(url::Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(value: &str, expected_seconds: Option<u64>) {
        let value = HeaderValue::from_str(value).expect("a header");
        let headers = HeaderMap::from_iter([(RETRY_AFTER, value)]);
        // 8:49:37 on November 6, 1994.
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(784_111_777);
        assert_eq!(retry_after(&headers, now), expected_seconds.map(Duration::from_secs));
    }

    #[test]
    fn retry_after_is_read_as_seconds_and_as_a_date() {
        check("0", Some(0));
        check(" 120 ", Some(120));
        check("Sun, 06 Nov 1994 08:50:07 GMT", Some(30));
        check("Sun, 06 Nov 1994 08:49:07 GMT", Some(0));
        check("soon", None);
        check("-1", None);
        check("99999999999999999999", None);
    }

    #[track_caller]
    fn check_wait(elapsed_ms: u64, retry_after_ms: Option<u64>, expected_ms: Option<u64>) {
        let limits = Limits {
            total: Duration::from_secs(5),
            patience: Duration::from_secs(2),
            connect: Duration::from_secs(2),
            body_bytes: 0,
            retries: 1,
            retry_delay: Duration::ZERO,
        };
        let delay = Duration::from_millis(100);
        let retry_after = retry_after_ms.map(Duration::from_millis);
        let wait = limits.wait(delay, retry_after, Duration::from_millis(elapsed_ms));
        assert_eq!(wait, expected_ms.map(Duration::from_millis));
    }

    #[test]
    fn a_retry_is_not_waited_for_past_the_patience() {
        check_wait(0, None, Some(100));
        check_wait(899, None, Some(100));
        check_wait(900, None, None);
        check_wait(1_999, None, None);
        // Nobody waits any more.
        check_wait(2_000, None, Some(100));
        check_wait(4_900, None, None);
    }

    #[test]
    fn a_long_retry_after_is_not_waited_for() {
        check_wait(0, Some(0), Some(100));
        check_wait(0, Some(500), Some(500));
        check_wait(0, Some(501), None);
        check_wait(3_000, Some(1_000), None);
    }

    #[test]
    fn only_a_loopback_address_is_on_this_machine() {
        let is_local = |url: &str| is_on_this_machine(&Url::parse(url).expect("a URL"));
        assert!(is_local("http://localhost:1/api"));
        assert!(is_local("http://127.0.0.1:1"));
        assert!(is_local("http://[::1]:1"));
        assert!(!is_local("https://vpic.nhtsa.dot.gov/api"));
    }
}
