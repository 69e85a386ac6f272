//! A server that keeps a calendar as Google documents it: chosen ids, etags, sync tokens, limits.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, Utc};
use ring::signature::{KeyPair, RSA_PKCS1_2048_8192_SHA256, RsaKeyPair, UnparsedPublicKey};
use rustls::pki_types::PrivatePkcs8KeyDer;
use rustls::pki_types::pem::PemObject;
use serde_json::{Value, json};
use wiremock::{MockServer, Request, Respond, ResponseTemplate};

/// A key that is good for nothing but these tests.
const KEY: &str = include_str!("google_key.pem");
const ACCOUNT: &str = "front-desk@shop.example";
const CALENDAR: &str = "visits@group.calendar.google.com";
/// A calendar of which no more is told than when it is busy.
const OTHER: &str = "owner@shop.example";
/// So small that every list has several pages.
const PAGE: usize = 4;

/// A running server.
pub struct Google {
    server: MockServer,
    state: Arc<Mutex<State>>,
}

/// What it holds, and what is wrong with it.
#[derive(Default)]
pub struct State {
    /// By id: an event with `etag` and `status`, and the number of its last change.
    events: BTreeMap<String, (Value, u64)>,
    changes: u64,
    /// Tokens from before this change are too old.
    oldest_token: u64,
    /// When the other calendar is busy.
    pub busy: Vec<(String, String)>,
    /// Whether that is no longer told.
    pub is_busy_refused: bool,
    tokens: u64,
    /// Earlier tokens let nobody in.
    first_good_token: u64,
    /// How many requests came.
    pub requests: u64,
    /// Whether requests fail in many ways.
    pub is_unwell: bool,
    /// Whether nothing is answered but an error.
    pub is_down: bool,
}

impl Google {
    /// Starts one with an empty calendar.
    pub async fn start() -> Self {
        let server = MockServer::start().await;
        let state = Arc::new(Mutex::new(State::default()));
        let respond = Responder { state: Arc::clone(&state), url: server.uri() };
        wiremock::Mock::given(wiremock::matchers::any()).respond_with(respond).mount(&server).await;
        Self { server, state }
    }

    /// The settings that connect a shop to the calendar; the credentials lie in `folder`.
    pub fn settings(&self, folder: &std::path::Path) -> [(&'static str, String); 4] {
        let path = folder.join("google.json");
        let account = json!({
            "type": "service_account",
            "client_email": ACCOUNT,
            "private_key": KEY,
            "token_uri": format!("{}/token", self.server.uri()),
        });
        std::fs::write(&path, account.to_string()).unwrap();
        [
            ("GOOGLE_CALENDAR_ID", CALENDAR.to_owned()),
            ("GOOGLE_APPLICATION_CREDENTIALS", path.display().to_string()),
            ("GOOGLE_CALENDAR_BASE_URL", format!("{}/calendar/v3", self.server.uri())),
            ("GOOGLE_BUSY_CALENDARS", OTHER.to_owned()),
        ]
    }

    /// What it holds.
    pub fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    /// The events that are not deleted.
    pub fn events(&self) -> Vec<Value> {
        let state = self.state();
        let events = state.events.values().map(|(event, _)| event.clone());
        events.filter(|event| event["status"] != "cancelled").collect()
    }
}

impl State {
    /// Changes an event or adds one, as staff do.
    pub fn put(&mut self, id: &str, fields: &Value) {
        let mut event = self.events.get(id).map_or(json!({"id": id}), |(event, _)| event.clone());
        for (name, value) in fields.as_object().unwrap() {
            event[name] = value.clone();
        }
        if event.get("status").is_none() {
            event["status"] = json!("confirmed");
        }
        self.changes += 1;
        event["etag"] = json!(format!("\"{}\"", self.changes));
        self.events.insert(id.to_owned(), (event, self.changes));
    }

    /// Deletes an event, as staff do.
    pub fn delete(&mut self, id: &str) {
        self.put(id, &json!({"status": "cancelled"}));
    }

    /// Forgets what changed until now: every token is too old.
    pub fn forget_tokens(&mut self) {
        self.oldest_token = self.changes + 1;
        self.changes += 1;
    }
}

struct Responder {
    state: Arc<Mutex<State>>,
    url: String,
}

impl Respond for Responder {
    fn respond(&self, request: &Request) -> ResponseTemplate {
        let mut state = self.state.lock().unwrap();
        state.requests += 1;
        if state.is_down {
            return failure(503, "backendError");
        }
        let path = request.url.path().to_owned();
        if path == "/token" {
            return state.grant(request, &self.url);
        }
        let authorization = request.headers.get("authorization").and_then(|it| it.to_str().ok());
        let token = authorization.and_then(|it| it.strip_prefix("Bearer token-")?.parse().ok());
        if token.is_none_or(|token: u64| token < state.first_good_token || token > state.tokens) {
            return failure(401, "authError");
        }
        let fault = if state.is_unwell { state.requests % 11 } else { 0 };
        match fault {
            2 => return failure(503, "backendError"),
            4 => return failure(429, "rateLimitExceeded").insert_header("Retry-After", "1"),
            6 => return failure(403, "rateLimitExceeded"),
            // From now on the token is worth nothing.
            8 => state.first_good_token = state.tokens + 1,
            _ => {}
        }
        let encoded = CALENDAR.replace('@', "%40");
        let events = [CALENDAR, &encoded].map(|id| format!("/calendar/v3/calendars/{id}/events"));
        let rest = events.iter().find_map(|events| path.strip_prefix(events));
        let answer = match (rest, request.method.as_str()) {
            (Some(""), "GET") => state.list(request),
            (Some(""), "POST") => state.insert(request),
            (Some(id), method) => state.one(id.trim_start_matches('/'), method, request),
            (None, "POST") if path == "/calendar/v3/freeBusy" => state.free_busy(request),
            _ => failure(404, "notFound"),
        };
        // It was done, but whoever asked does not learn of it.
        if fault == 10 { failure(500, "backendError") } else { answer }
    }
}

impl State {
    fn grant(&mut self, request: &Request, url: &str) -> ResponseTemplate {
        let form: BTreeMap<String, String> =
            url::form_urlencoded::parse(&request.body).into_owned().collect();
        assert_eq!(form["grant_type"], "urn:ietf:params:oauth:grant-type:jwt-bearer");
        let (text, signature) = form["assertion"].rsplit_once('.').unwrap();
        let key = PrivatePkcs8KeyDer::from_pem_slice(KEY.as_bytes()).unwrap();
        let key = RsaKeyPair::from_pkcs8(key.secret_pkcs8_der()).unwrap();
        let key = UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, key.public_key().as_ref());
        let signature = URL_SAFE_NO_PAD.decode(signature).unwrap();
        key.verify(text.as_bytes(), &signature).expect("a good signature");
        let part = |at: usize| {
            let part = text.split('.').nth(at).unwrap();
            serde_json::from_slice::<Value>(&URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap()
        };
        assert_eq!(part(0)["alg"], "RS256");
        let claims = part(1);
        assert_eq!(claims["iss"], ACCOUNT);
        assert_eq!(claims["aud"], format!("{url}/token"));
        assert_eq!(claims["scope"], "https://www.googleapis.com/auth/calendar");
        let lasts = claims["exp"].as_i64().unwrap() - claims["iat"].as_i64().unwrap();
        assert!((1..=3600).contains(&lasts));
        assert!((Utc::now().timestamp() - claims["iat"].as_i64().unwrap()).abs() < 60);
        self.tokens += 1;
        let token = format!("token-{}", self.tokens);
        ok(&json!({"access_token": token, "expires_in": 3599, "token_type": "Bearer"}))
    }

    fn insert(&mut self, request: &Request) -> ResponseTemplate {
        let event = checked(request);
        let id = event["id"].as_str().unwrap().to_owned();
        let is_allowed = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'v').contains(&byte);
        if !(5..=1024).contains(&id.len()) || !id.bytes().all(is_allowed) {
            return failure(400, "invalid");
        }
        if self.events.contains_key(&id) {
            return failure(409, "duplicate");
        }
        self.put(&id, &event);
        ok(&self.events[&id].0)
    }

    fn one(&mut self, id: &str, method: &str, request: &Request) -> ResponseTemplate {
        let Some((event, _)) = self.events.get(id).cloned() else {
            return failure(404, "notFound");
        };
        let is_other = |etag: &str| event["etag"] != etag;
        let if_match = request.headers.get("if-match").map(|etag| etag.to_str().unwrap());
        if if_match.is_some_and(is_other) {
            return failure(412, "conditionNotMet");
        }
        match method {
            "GET" => ok(&event),
            "PATCH" => {
                self.put(id, &checked(request));
                ok(&self.events[id].0)
            }
            "DELETE" if event["status"] == "cancelled" => failure(410, "deleted"),
            "DELETE" => {
                self.delete(id);
                ResponseTemplate::new(204)
            }
            _ => failure(404, "notFound"),
        }
    }

    fn list(&self, request: &Request) -> ResponseTemplate {
        let asked: BTreeMap<String, String> = request.url.query_pairs().into_owned().collect();
        if !asked.contains_key("singleEvents") {
            // It was only asked whether the calendar is there.
            return ok(&json!({"kind": "calendar#events"}));
        }
        assert_eq!(asked["singleEvents"], "true");
        assert_eq!(asked["showDeleted"], "true");
        let since: Option<u64> = asked.get("syncToken").map(|token| token.parse().unwrap());
        if since.is_some() && asked.contains_key("timeMin") {
            return failure(400, "invalid");
        }
        if since.is_some_and(|since| since < self.oldest_token) {
            return failure(410, "fullSyncRequired");
        }
        let is_asked = |(event, change): &&(Value, u64)| match since {
            Some(since) => *change > since,
            None => {
                instant(&event["start"]) < asked["timeMax"].parse::<DateTime<Utc>>().unwrap()
                    && instant(&event["end"]) > asked["timeMin"].parse::<DateTime<Utc>>().unwrap()
            }
        };
        let mut found: Vec<Value> =
            self.events.values().filter(is_asked).map(|(event, _)| event.clone()).collect();
        if !asked["fields"].contains("attendees(self,responseStatus)") {
            for event in &mut found {
                event.as_object_mut().unwrap().remove("attendees");
            }
        }
        let from: usize = asked.get("pageToken").map_or(0, |token| token.parse().unwrap());
        let page: Vec<&Value> = found.iter().skip(from).take(PAGE).collect();
        if from + PAGE < found.len() {
            return ok(&json!({"items": page, "nextPageToken": (from + PAGE).to_string()}));
        }
        ok(&json!({"items": page, "nextSyncToken": self.changes.to_string()}))
    }

    fn free_busy(&self, request: &Request) -> ResponseTemplate {
        let asked: Value = serde_json::from_slice(&request.body).unwrap();
        let at = |name: &str| asked[name].as_str().unwrap().parse::<DateTime<Utc>>().unwrap();
        let (from, to) = (at("timeMin"), at("timeMax"));
        if (to - from).num_days() > 62 {
            return failure(400, "timeRangeTooLong");
        }
        assert_eq!(asked["items"], json!([{"id": OTHER}]));
        if self.is_busy_refused {
            let error = json!({"domain": "global", "reason": "notFound"});
            return ok(&json!({"calendars": {OTHER: {"busy": [], "errors": [error]}}}));
        }
        let within = |(start, end): &&(String, String)| {
            start.parse::<DateTime<Utc>>().unwrap() < to
                && end.parse::<DateTime<Utc>>().unwrap() > from
        };
        let busy: Vec<Value> = self
            .busy
            .iter()
            .filter(within)
            .map(|(start, end)| json!({"start": start, "end": end}))
            .collect();
        ok(&json!({"calendars": {OTHER: {"busy": busy}}}))
    }
}

/// The body of a request for an event, which has to be one that Google takes.
fn checked(request: &Request) -> Value {
    let event: Value = serde_json::from_slice(&request.body).unwrap();
    assert!(instant(&event["start"]) < instant(&event["end"]), "{event}");
    assert!(event["start"]["timeZone"].is_string(), "{event}");
    event
}

/// When an event begins or ends; a day in UTC, which is near enough.
fn instant(when: &Value) -> DateTime<Utc> {
    match (&when["dateTime"], &when["date"]) {
        (Value::String(at), _) => DateTime::parse_from_rfc3339(at).unwrap().to_utc(),
        (_, Value::String(day)) => format!("{day}T00:00:00Z").parse().unwrap(),
        _ => panic!("no time: {when}"),
    }
}

fn ok(body: &Value) -> ResponseTemplate {
    ResponseTemplate::new(200).set_body_json(body)
}

fn failure(status: u16, reason: &str) -> ResponseTemplate {
    let error = json!({"code": status, "errors": [{"domain": "global", "reason": reason}]});
    ResponseTemplate::new(status).set_body_json(json!({"error": error}))
}
