//! What `doctor` says of the services that are asked: whether they answer now, and how they have
//! answered the servers.

use std::time::Instant;

use chrono_tz::Tz;
use reqwest::StatusCode;

use super::Finding;
use crate::clients::http::{Answer, Http, Request};
use crate::clients::{Upstream, UpstreamError};
use crate::config::{Config, RemoteApi};
use crate::domain::local_time::rfc3339;
use crate::domain::time::Timestamp;
use crate::store::{Answered, Store};

/// The longest that a service is waited for, in seconds.
const PATIENCE_SECONDS: u64 = 5;
/// The longest word that may stand for JSON.
const MAX_WORD: usize = 20;

/// Asks each service of the shop's own that is configured whether it is well.
pub(super) async fn probe(config: &Config) -> Vec<Finding> {
    let (crm, billing, inventory) = tokio::join!(
        probe_one(Upstream::Crm, &config.crm),
        probe_one(Upstream::Billing, &config.billing),
        probe_one(Upstream::Inventory, &config.inventory),
    );
    [crm, billing, inventory].into_iter().flatten().collect()
}

async fn probe_one(upstream: Upstream, api: &RemoteApi) -> Option<Finding> {
    let timeout_seconds = api.timeout_seconds.min(PATIENCE_SECONDS);
    // Once, so that the time is that of one request.
    let once = RemoteApi { timeout_seconds, max_retries: 0, ..api.clone() };
    let http = Http::of_api(upstream, &once)?;
    let request = Request::get(["health"]).accepting(&[StatusCode::NOT_FOUND]);
    let started = Instant::now();
    let answer = http.call(&request, |answer| Ok(Health::read(answer))).await;
    let elapsed_ms = started.elapsed().as_millis();
    Some(told(upstream, api, &answer, elapsed_ms))
}

/// What a service says of its health.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Health {
    /// It is well.
    Good,
    /// There is no such thing.
    Absent,
    /// A web page or the like, as of a proxy or a login in front of it.
    NoApi,
}

impl Health {
    fn read(answer: &Answer) -> Self {
        if answer.status() == StatusCode::NOT_FOUND {
            return Self::Absent;
        }
        if is_of_an_api(answer.body()) { Self::Good } else { Self::NoApi }
    }
}

/// Whether an API may answer so: with JSON, with nothing, or with a word such as `OK`.
fn is_of_an_api(body: &[u8]) -> bool {
    let body = body.trim_ascii();
    let is_word = body.len() <= MAX_WORD && body.iter().all(u8::is_ascii_alphanumeric);
    is_word || serde_json::from_slice::<serde::de::IgnoredAny>(body).is_ok()
}

fn told(
    upstream: Upstream,
    api: &RemoteApi,
    answer: &Result<Health, UpstreamError>,
    elapsed_ms: u128,
) -> Finding {
    let endpoint = api.api_endpoint.as_deref().unwrap_or_default();
    let (name, variable) = (upstream.name(), upstream.key().to_ascii_uppercase());
    let at = format!("{name} at {endpoint}");
    match answer {
        Ok(Health::Absent) => Finding::Poor {
            what: format!("{at}: it answers in {elapsed_ms} ms, but has no /health"),
            mend: format!("Check that {variable}_API_ENDPOINT leads to the API itself."),
        },
        Ok(Health::NoApi) => Finding::Bad {
            what: format!("{at}: it answers in {elapsed_ms} ms, but not as an API does"),
            mend: format!(
                "Check that {variable}_API_ENDPOINT leads to the API itself, and not to a web page."
            ),
        },
        Ok(Health::Good) if api.api_key.is_none() => {
            Finding::Good(format!("{at}: answers in {elapsed_ms} ms, without a key"))
        }
        Ok(Health::Good) if is_in_the_clear(endpoint) => Finding::Poor {
            what: format!("{at}: answers in {elapsed_ms} ms, but the key can be read on the way"),
            mend: format!("Write https in {variable}_API_ENDPOINT."),
        },
        Ok(Health::Good) => {
            Finding::Good(format!("{at}: answers in {elapsed_ms} ms and takes the key"))
        }
        Err(UpstreamError::Unauthorized) if api.api_key.is_none() => Finding::Bad {
            what: format!("{at}: it wants a key"),
            mend: format!(
                "Set {variable}_API_KEY, or name a file with it as {variable}_API_KEY_FILE."
            ),
        },
        Err(UpstreamError::Unauthorized) => Finding::Bad {
            what: format!("{at}: it refuses the key"),
            mend: format!("Set {variable}_API_KEY to a key that it takes."),
        },
        Err(error @ UpstreamError::Redirected(_)) => Finding::Bad {
            what: format!("{at}: {error}"),
            mend: format!("Set {variable}_API_ENDPOINT to the address that it leads to."),
        },
        Err(error) => Finding::Poor {
            what: format!("{at}: {error}"),
            mend: format!("Check that it runs, and {variable}_API_ENDPOINT."),
        },
    }
}

/// Whether others on the way can read what is sent there.
fn is_in_the_clear(endpoint: &str) -> bool {
    let host = url::Url::parse(endpoint).ok().filter(|url| url.scheme() == "http");
    host.is_some_and(|url| match url.host() {
        Some(url::Host::Domain(name)) => name != "localhost",
        Some(url::Host::Ipv4(address)) => !address.is_loopback(),
        Some(url::Host::Ipv6(address)) => !address.is_loopback(),
        None => false,
    })
}

/// How the services have answered the servers of this database.
pub(super) async fn answered(store: &Store, zone: Tz) -> Vec<Finding> {
    let now = Timestamp::from(chrono::Utc::now());
    let read = async { store.read().await?.upstream_counts().await };
    match read.await {
        Ok(all) => all.iter().map(|answered| summary(answered, zone, now)).collect(),
        Err(error) => vec![Finding::Poor {
            what: format!("the services' counters cannot be read: {error}"),
            mend: "Everything else works without them.".to_owned(),
        }],
    }
}

fn summary(answered: &Answered, zone: Tz, now: Timestamp) -> Finding {
    let Answered { service, since, counts } = answered;
    let known = Upstream::ALL.iter().find(|upstream| upstream.key() == service);
    let name = known.map_or(service.as_str(), |upstream| upstream.name());
    let mut what = format!(
        "{name}: {} since {}, {} answered",
        times(counts.calls, "call"),
        rfc3339(*since, zone),
        counts.successes,
    );
    for (code, count) in counts.failures().into_iter().filter(|(_, count)| *count > 0) {
        what.push_str(&format!(", {count} {code}"));
    }
    if counts.retries > 0 {
        what.push_str(&format!(", {} sent again", times(counts.retries, "request")));
    }
    if counts.openings > 0 {
        what.push_str(&format!(", circuit opened {}", times(counts.openings, "time")));
    }
    if let (Some(code), Some(at)) = (&counts.last_error, counts.last_error_at) {
        what.push_str(&format!("; the last failure was {code} at {}", rfc3339(at, zone)));
    }
    match counts.open_until.filter(|until| *until > now) {
        None => Finding::Good(what),
        Some(until) => Finding::Poor {
            what: format!("{what}; a server's circuit is open until {}", rfc3339(until, zone)),
            mend: "It failed five times in a row and is left alone; then one call tries again."
                .to_owned(),
        },
    }
}

fn times(count: i64, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Secret;

    #[track_caller]
    fn check(endpoint: &str, key: Option<&str>, answer: Result<Health, UpstreamError>, line: &str) {
        let api = RemoteApi {
            api_endpoint: Some(endpoint.to_owned()),
            api_key: key.map(Secret::new),
            ..RemoteApi::default()
        };
        let (kind, what) = match told(Upstream::Crm, &api, &answer, 7) {
            Finding::Good(what) => ("good", what),
            Finding::Poor { what, .. } => ("poor", what),
            Finding::Bad { what, .. } => ("bad", what),
        };
        assert_eq!(format!("{kind}: {what}"), line);
    }

    #[test]
    fn a_service_is_told_as_it_answered() {
        let (open, tls, key) = ("http://crm.example", "https://crm.example", Some("k"));
        let loud = "answers in 7 ms, but the key can be read on the way";
        check(open, key, Ok(Health::Good), &format!("poor: CRM at {open}: {loud}"));
        check(
            open,
            None,
            Ok(Health::Good),
            &format!("good: CRM at {open}: answers in 7 ms, without a key"),
        );
        check(
            tls,
            key,
            Ok(Health::Good),
            &format!("good: CRM at {tls}: answers in 7 ms and takes the key"),
        );
        let nothing = "it answers in 7 ms, but has no /health";
        check(tls, key, Ok(Health::Absent), &format!("poor: CRM at {tls}: {nothing}"));
        let page = "it answers in 7 ms, but not as an API does";
        check(tls, key, Ok(Health::NoApi), &format!("bad: CRM at {tls}: {page}"));
        let refused = || Err(UpstreamError::Unauthorized);
        check(tls, key, refused(), &format!("bad: CRM at {tls}: it refuses the key"));
        check(tls, None, refused(), &format!("bad: CRM at {tls}: it wants a key"));
        let silent = format!("poor: CRM at {tls}: the service did not answer in time");
        check(tls, key, Err(UpstreamError::Timeout), &silent);
        let moved = format!(
            "bad: CRM at {tls}: the service redirects elsewhere (status 302), which is not followed"
        );
        check(tls, key, Err(UpstreamError::Redirected(302)), &moved);
    }

    #[test]
    fn an_api_says_json_or_nothing_or_a_word() {
        for well in ["", " \n", "{}", "{\"status\": \"ok\"}", "true", "OK", "healthy\n"] {
            assert!(is_of_an_api(well.as_bytes()), "{well}");
        }
        for page in ["<html><h1>Log in</h1></html>", "Log in first.", "{\"status\":"] {
            assert!(!is_of_an_api(page.as_bytes()), "{page}");
        }
    }
}
