//! NHTSA's vPIC service, which decodes VINs (<https://vpic.nhtsa.dot.gov/api/>).

use std::borrow::Cow;
use std::time::Duration;

use serde::Deserialize;

use super::http::{Http, Limits, Request};
use super::{Upstream, UpstreamError};
use crate::domain::vin::Vin;
use crate::domain::vin::decoded::DecodedVin;
use crate::domain::vin::decoded::element::MAKE;

/// A whole answer is about 15 kB.
const LIMITS: Limits = Limits {
    total: Duration::from_secs(5),
    patience: Duration::from_secs(5),
    connect: Duration::from_secs(2),
    body_bytes: 1024 * 1024,
    retries: 2,
    retry_delay: Duration::from_millis(100),
    longest_retry_after: Duration::from_millis(500),
};

/// A client of NHTSA's vPIC service.
#[derive(Debug)]
pub struct NhtsaClient {
    http: Http,
}

impl NhtsaClient {
    /// A client of the service at this URL, such as `https://vpic.nhtsa.dot.gov/api`. Nothing is
    /// connected or read before the first VIN is decoded.
    pub fn new(base_url: &str) -> Self {
        Self::with_limits(base_url, LIMITS)
    }

    /// The same for callers who wait no longer than this.
    pub fn with_patience(base_url: &str, patience: Duration) -> Self {
        Self::with_limits(base_url, Limits { patience, ..LIMITS })
    }

    /// The same with limits of one's own.
    pub fn with_limits(base_url: &str, limits: Limits) -> Self {
        Self { http: Http::new(Upstream::Nhtsa, base_url, None, limits) }
    }

    /// What NHTSA knows of a VIN; `None` if it knows no make. Takes at most five seconds.
    ///
    /// NHTSA decodes VINs with errors, too, and tells them in error codes: with a make, they are
    /// no failure here.
    pub async fn decode(&self, vin: &Vin) -> Result<Option<DecodedVin>, UpstreamError> {
        let path = ["vehicles", "DecodeVin", vin.as_str()];
        let request = Request::get(path).query("format", "json");
        self.http.call(&request, |answer| read(*vin, answer.body())).await
    }
}

/// NHTSA's answer in the array form: one row for each element, known or not.
#[derive(Deserialize)]
struct Answer<'a> {
    #[serde(borrow, rename = "Results")]
    rows: Vec<Row<'a>>,
    /// What was asked for, as `VIN:1HGCM82633A004352`.
    #[serde(borrow, default, rename = "SearchCriteria")]
    criteria: Option<Cow<'a, str>>,
}

#[derive(Deserialize)]
struct Row<'a> {
    /// The element. Its name changes from release to release; this does not.
    #[serde(rename = "VariableId")]
    element: u32,
    #[serde(borrow, rename = "Value")]
    value: Option<Cow<'a, str>>,
}

/// Reads an answer, in which there is always a row for the make.
fn read(vin: Vin, body: &[u8]) -> Result<Option<DecodedVin>, UpstreamError> {
    let malformed = |reason| UpstreamError::Malformed { reason, source: None };
    let answer: Answer<'_> = serde_json::from_slice(body)
        .map_err(|error| UpstreamError::no_json("it is not NHTSA's JSON", &error))?;
    if answer.criteria.as_deref().is_some_and(|criteria| is_about_another(criteria, vin)) {
        return Err(malformed("it is about another VIN"));
    }
    let row = |element: u8| answer.rows.iter().find(|row| row.element == u32::from(element));
    if row(MAKE).is_none() {
        return Err(malformed("it says nothing about the make"));
    }
    Ok(DecodedVin::from_elements(vin, |element| row(element)?.value.as_deref()))
}

/// Whether the answer says itself that it belongs to another question.
fn is_about_another(criteria: &str, vin: Vin) -> bool {
    let asked = criteria.trim_start().strip_prefix("VIN:").map(str::trim_start);
    let asked = asked.and_then(|asked| asked.split(|c: char| !c.is_ascii_alphanumeric()).next());
    asked.is_some_and(|asked| !asked.is_empty() && !asked.eq_ignore_ascii_case(vin.as_str()))
}

#[cfg(test)]
mod tests;
