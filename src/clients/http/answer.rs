//! What a service said.

use std::fmt;

use reqwest::header::{ETAG, HeaderMap};
use reqwest::{Response, StatusCode};
use serde::Deserialize;

use super::super::UpstreamError;

/// What a service said: its status, its headers, and a body that is no longer than the limit.
pub struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    body: Vec<u8>,
}

impl Answer {
    /// Reads an answer whose head has come.
    pub(super) async fn read(response: Response, limit: usize) -> Result<Self, UpstreamError> {
        let (status, headers) = (response.status(), response.headers().clone());
        Ok(Self { status, headers, body: read_body(response, limit).await? })
    }

    /// Its status: a success, or one that the request takes for an answer.
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// Its headers.
    pub fn headers(&self) -> &HeaderMap {
        &self.headers
    }

    /// What the version of the record is called, for a change with `If-Match`.
    pub fn etag(&self) -> Option<&str> {
        self.headers.get(ETAG)?.to_str().ok()
    }

    /// Its body.
    pub fn body(&self) -> &[u8] {
        &self.body
    }

    /// Its body, read as JSON.
    ///
    /// # Errors
    /// It is no JSON, or of another shape.
    pub fn json<'a, T: Deserialize<'a>>(&'a self) -> Result<T, UpstreamError> {
        serde_json::from_slice(&self.body)
            .map_err(|error| UpstreamError::no_json("it is not the expected JSON", &error))
    }
}

impl fmt::Debug for Answer {
    /// The status alone: the rest is about people.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Answer").field("status", &self.status).finish_non_exhaustive()
    }
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
