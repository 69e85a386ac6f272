//! What a service is asked.

use std::fmt;

use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, IF_MATCH};
use reqwest::{Client, Method, RequestBuilder, StatusCode, Url};
use serde_json::Value;

const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");
const JSON: HeaderValue = HeaderValue::from_static("application/json");

/// What a service is asked, below its base URL.
///
/// It is sent again after a failure that may pass only where doing it twice does no harm: a GET, and
/// what the caller says to be such, because the service itself sees to it by `If-Match` or
/// `Idempotency-Key`. Anything else is sent once, unless no connection came about.
#[derive(Clone)]
pub struct Request {
    method: Method,
    segments: Vec<String>,
    query: Vec<(&'static str, String)>,
    headers: HeaderMap,
    body: Option<Vec<u8>>,
    is_repeatable: bool,
    /// Whether a value was given that no header can carry.
    is_unsendable: bool,
    answers: &'static [StatusCode],
}

impl Request {
    /// A request with this method for the path of these segments. They may hold any text but `.`,
    /// `..` and none at all, which would name something else.
    pub fn new<S: Into<String>>(method: Method, segments: impl IntoIterator<Item = S>) -> Self {
        Self {
            is_repeatable: method.is_safe(),
            method,
            segments: segments.into_iter().map(Into::into).collect(),
            query: Vec::new(),
            headers: HeaderMap::new(),
            body: None,
            is_unsendable: false,
            answers: &[],
        }
    }

    /// A GET of the path of these segments.
    pub fn get<S: Into<String>>(segments: impl IntoIterator<Item = S>) -> Self {
        Self::new(Method::GET, segments)
    }

    /// The same with one more parameter behind the `?`.
    pub fn query(mut self, name: &'static str, value: impl ToString) -> Self {
        self.query.push((name, value.to_string()));
        self
    }

    /// The same with a body of JSON.
    pub fn json(self, body: &Value) -> Self {
        self.body(JSON, body.to_string().into_bytes())
    }

    /// The same with a body of this kind.
    pub fn body(mut self, kind: HeaderValue, body: Vec<u8>) -> Self {
        self.body = Some(body);
        self.header(CONTENT_TYPE, kind)
    }

    /// The same with one more header.
    pub fn header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.insert(name, value);
        self
    }

    /// The same, to be done only while what is there still has this `ETag`; so it is done once,
    /// however often it is sent.
    pub fn if_match(self, etag: &str) -> Self {
        self.text_header(IF_MATCH, etag).repeatable()
    }

    /// The same for a service that does what has this key only once, however often it is sent.
    pub fn idempotency_key(self, key: &str) -> Self {
        self.text_header(IDEMPOTENCY_KEY, key).repeatable()
    }

    /// The same, known to do no harm if it is done twice.
    pub fn repeatable(mut self) -> Self {
        self.is_repeatable = true;
        self
    }

    /// The same, where these statuses are answers as well: 404 for "no such record", say.
    pub fn accepting(mut self, statuses: &'static [StatusCode]) -> Self {
        self.answers = statuses;
        self
    }

    /// Whether it is a change that the service makes once.
    pub(super) fn is_once(&self) -> bool {
        self.headers.contains_key(IDEMPOTENCY_KEY)
    }

    pub(super) fn is_repeatable(&self) -> bool {
        self.is_repeatable
    }

    /// Whether this status is an answer rather than a failure.
    pub(super) fn accepts(&self, status: StatusCode) -> bool {
        status.is_success() || self.answers.contains(&status)
    }

    /// Where it goes; `None` where it has no address there.
    pub(super) fn url(&self, base: &Url) -> Option<Url> {
        let is_name = |segment: &String| !matches!(segment.as_str(), "" | "." | "..");
        if self.is_unsendable || !self.segments.iter().all(is_name) {
            return None;
        }
        let mut url = base.clone();
        // A slash at the end of the base names a collection, which without it would be another thing.
        if !self.segments.is_empty() {
            url.path_segments_mut().ok()?.pop_if_empty().extend(&self.segments);
        }
        if !self.query.is_empty() {
            url.query_pairs_mut().extend_pairs(&self.query);
        }
        Some(url)
    }

    pub(super) fn build(&self, client: &Client, url: Url) -> RequestBuilder {
        let request = client.request(self.method.clone(), url).headers(self.headers.clone());
        match &self.body {
            Some(body) => request.body(body.clone()),
            None => request,
        }
    }

    fn text_header(mut self, name: HeaderName, value: &str) -> Self {
        match HeaderValue::from_str(value) {
            Ok(value) => self.header(name, value),
            Err(_) => {
                self.is_unsendable = true;
                self
            }
        }
    }
}

impl fmt::Debug for Request {
    /// The method alone: ids, bodies and parameters are about people.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Request").field("method", &self.method).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(base: &str, request: &Request, expected: Option<&str>) {
        let base = Url::parse(base).expect("a URL");
        assert_eq!(request.url(&base).as_ref().map(Url::as_str), expected);
    }

    #[test]
    fn segments_cannot_leave_their_place() {
        let customer = |id: &str| Request::get(["customers", id, "tickets"]);
        for base in ["https://crm.example/v1", "https://crm.example/v1/"] {
            check(base, &customer("C-1"), Some("https://crm.example/v1/customers/C-1/tickets"));
            let expected = "https://crm.example/v1/customers/a%2F..%2Fb%3Fc%23d%25%20e/tickets";
            check(base, &customer("a/../b?c#d% e"), Some(expected));
        }
        check(
            "https://dav.example/cal/",
            &Request::get(None::<&str>),
            Some("https://dav.example/cal/"),
        );
        check("https://crm.example", &Request::get(["health"]), Some("https://crm.example/health"));
        for id in ["", ".", ".."] {
            check("https://crm.example", &customer(id), None);
        }
    }

    #[test]
    fn parameters_are_escaped() {
        let request = Request::get(["tickets"]).query("status", "a&b=c d").query("limit", 10);
        let expected = "https://crm.example/tickets?status=a%26b%3Dc+d&limit=10";
        check("https://crm.example", &request, Some(expected));
    }

    #[test]
    fn what_may_be_sent_again_is_for_the_service_or_the_caller_to_say() {
        let patch = || Request::new(Method::PATCH, ["customers", "1"]);
        assert!(Request::get(["health"]).is_repeatable());
        assert!(!patch().is_repeatable());
        assert!(patch().if_match("\"7\"").is_repeatable());
        assert!(patch().idempotency_key("k").is_repeatable());
        assert!(patch().repeatable().is_repeatable());
        assert!(!Request::new(Method::DELETE, ["holds", "1"]).is_repeatable());
        check("https://crm.example", &patch().idempotency_key("a\nb"), None);
    }

    #[test]
    fn it_prints_nothing_about_anybody() {
        let request = Request::get(["customers", "by-email", "ann@shop.example"])
            .query("name", "Ann")
            .json(&serde_json::json!({"name": "Ann"}));
        assert_eq!(format!("{request:?}"), "Request { method: GET, .. }");
    }
}
