//! The tokens by which Google lets us in: an hour each, for a signature or for what a person gave us.

use std::time::{Duration, Instant};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use reqwest::header::HeaderValue;
use reqwest::{Method, StatusCode};
use ring::rand::SystemRandom;
use ring::signature::{RSA_PKCS1_SHA256, RsaKeyPair};
use rustls::pki_types::PrivatePkcs8KeyDer;
use rustls::pki_types::pem::PemObject;
use serde::Deserialize;
use serde_json::json;
use tokio::sync::Mutex;
use url::form_urlencoded;

use super::super::http::{Answer, Http, Limits, Request};
use super::super::{Upstream, UpstreamError};
use crate::config::{GoogleKey, Secret};

/// What we may do.
const SCOPE: &str = "https://www.googleapis.com/auth/calendar";
/// How long a signature is good for, in seconds: the most that Google takes.
const SIGNED_SECONDS: i64 = 3600;
/// How long before its end a token is replaced.
const BEFORE_ITS_END: Duration = Duration::from_secs(60);
const FORM: HeaderValue = HeaderValue::from_static("application/x-www-form-urlencoded");
/// How Google refuses whom it does not know.
const REFUSED: &[StatusCode] = &[StatusCode::BAD_REQUEST, StatusCode::UNAUTHORIZED];

/// Gets tokens and keeps the last one.
#[derive(Debug)]
pub(super) struct Tokens {
    key: GoogleKey,
    http: Http,
    kept: Mutex<Option<(Secret, Instant)>>,
}

#[derive(Deserialize)]
struct Granted {
    access_token: String,
    expires_in: u64,
}

impl Tokens {
    pub fn new(key: GoogleKey, limits: Limits) -> Self {
        let (GoogleKey::ServiceAccount { token_url, .. } | GoogleKey::Person { token_url, .. }) =
            &key;
        let http = Http::new(Upstream::Calendar, token_url, None, limits);
        let http = http.resting(super::super::caldav::REST);
        Self { http, key, kept: Mutex::new(None) }
    }

    /// A token, another one than was `refused`. Requests that are refused together share a new one.
    pub async fn token(&self, refused: Option<&Secret>) -> Result<Secret, UpstreamError> {
        let mut kept = self.kept.lock().await;
        if let Some((token, until)) = kept.as_ref()
            && Instant::now() < *until
            && refused != Some(token)
        {
            return Ok(token.clone());
        }
        let request = Request::new(Method::POST, None::<String>)
            .body(FORM, self.form().await?.into_bytes())
            .repeatable()
            .accepting(REFUSED);
        let read = |answer: &Answer| match answer.status() {
            status if status.is_success() => answer.json::<Granted>(),
            _ => Err(UpstreamError::Unauthorized),
        };
        let granted = self.http.call(&request, read).await?;
        let lasts = Duration::from_secs(granted.expires_in).saturating_sub(BEFORE_ITS_END);
        let token = Secret::new(granted.access_token);
        *kept = Some((token.clone(), Instant::now() + lasts.min(Duration::from_secs(86_400))));
        Ok(token)
    }

    async fn form(&self) -> Result<String, UpstreamError> {
        let (client_email, private_key, token_url) = match &self.key {
            GoogleKey::Person { client_id, client_secret, refresh_token, .. } => {
                return Ok(encode(&[
                    ("grant_type", "refresh_token"),
                    ("client_id", client_id),
                    ("client_secret", client_secret.expose()),
                    ("refresh_token", refresh_token.expose()),
                ]));
            }
            GoogleKey::ServiceAccount { client_email, private_key, token_url } => {
                (client_email, private_key.clone(), token_url)
            }
        };
        let issued_at = chrono::Utc::now().timestamp();
        let claims = json!({
            "iss": client_email,
            "scope": SCOPE,
            "aud": token_url,
            "iat": issued_at,
            "exp": issued_at + SIGNED_SECONDS,
        });
        let claims = claims.to_string();
        // To sign takes some milliseconds, which belong to the calls.
        let signed = tokio::task::spawn_blocking(move || sign(&claims, &private_key)).await;
        let signed = signed.ok().flatten().ok_or(UpstreamError::Unauthorized)?;
        let grant = "urn:ietf:params:oauth:grant-type:jwt-bearer";
        Ok(encode(&[("grant_type", grant), ("assertion", &signed)]))
    }
}

fn encode(fields: &[(&str, &str)]) -> String {
    form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish()
}

/// The claims as a JSON Web Token (RFC 7519), signed by RS256; `None` where the key is none.
fn sign(claims: &str, private_key: &Secret) -> Option<String> {
    let head = URL_SAFE_NO_PAD.encode(r#"{"alg":"RS256","typ":"JWT"}"#);
    let text = format!("{head}.{}", URL_SAFE_NO_PAD.encode(claims));
    let key = PrivatePkcs8KeyDer::from_pem_slice(private_key.expose().as_bytes()).ok()?;
    let key = RsaKeyPair::from_pkcs8(key.secret_pkcs8_der()).ok()?;
    let mut signature = vec![0; key.public().modulus_len()];
    key.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), text.as_bytes(), &mut signature).ok()?;
    Some(format!("{text}.{}", URL_SAFE_NO_PAD.encode(signature)))
}
