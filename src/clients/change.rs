//! Changes of records in the shop's own systems, made once for a key.

use reqwest::StatusCode;
use serde_json::Value;

use super::UpstreamError;
use super::http::{Answer, Http, Request};
use crate::domain::remote::objection::Objection;

/// What is answered where there is no such record.
pub(super) const ABSENT: [StatusCode; 2] = [StatusCode::NOT_FOUND, StatusCode::GONE];
/// The same, and where what is there forbids the change.
const CHANGE: [StatusCode; 3] = [StatusCode::NOT_FOUND, StatusCode::GONE, StatusCode::CONFLICT];

/// What became of a change.
#[derive(Clone, Debug)]
pub enum Changed<T> {
    /// It was made: what is said of it.
    Made(T),
    /// There is no such record.
    Absent,
    /// What is there forbids it, for this reason.
    Conflict(Objection),
}

/// Asks for a change; `read` makes of a success what became of it, `None` where that says that there is
/// no such record. `{"success": false}` is no success, whatever its status.
pub(super) async fn change<T>(
    http: &Http,
    request: Request,
    read: impl FnOnce(&Value) -> Result<Option<Changed<T>>, UpstreamError>,
) -> Result<Changed<T>, UpstreamError> {
    let read = |answer: &Answer| match answer.status() {
        StatusCode::CONFLICT => Ok(Changed::Conflict(Objection::read(answer.body()))),
        status if ABSENT.contains(&status) => Ok(Changed::Absent),
        _ => {
            let said = answer.json::<Value>()?;
            if said.get("success") == Some(&Value::Bool(false)) {
                return Ok(Changed::Conflict(Objection::read(answer.body())));
            }
            Ok(read(&said)?.unwrap_or(Changed::Absent))
        }
    };
    http.call(&request.accepting(&CHANGE), read).await
}
