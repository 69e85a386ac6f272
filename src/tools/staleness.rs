//! Replies from the last known state of a remote system that does not answer.

use std::sync::Arc;

use schemars::JsonSchema;
use serde::Serialize;

use super::Call;
use super::reply::log_failure;
use crate::clients::{Upstream, UpstreamError};
use crate::domain::local_time::{rfc3339, spoken};
use crate::domain::time::Timestamp;
use crate::error::upstream::state;
use crate::error::{Code, ToolError};

/// Whether a reply is the last known state, beside the rest of its data; nothing where it is not.
///
/// The list of tools, which has to be short, names only the first field.
#[derive(Clone, Debug, Default, JsonSchema, Serialize)]
pub struct Staleness {
    /// true: the remote system does not answer, and this is what it said at as_of.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    stale: bool,
    /// When it said so, RFC 3339 in the shop's zone.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(skip)]
    as_of: Option<String>,
    /// The code of why it does not answer now.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(skip)]
    stale_because: Option<Code>,
}

impl Staleness {
    /// The mark of a reply with the state of `as_of`, for this reason.
    pub fn of(as_of: Timestamp, because: Code, call: &Call<'_>) -> Self {
        let as_of = Some(rfc3339(as_of, call.engine.shop().zone));
        Self { stale: true, as_of, stale_because: Some(because) }
    }
}

/// A remote system that gave no usable answer.
#[derive(Clone, Debug)]
pub struct Silent {
    /// Which.
    pub service: Upstream,
    /// Why.
    pub error: Arc<UpstreamError>,
}

impl Silent {
    /// The failure, where there is no last known state to tell.
    pub fn failure(&self) -> ToolError {
        ToolError::Upstream {
            service: self.service,
            is_change: false,
            source: Arc::clone(&self.error),
        }
    }

    /// The mark of a reply with the state of `as_of`, and the sentence that says so.
    pub fn mark(&self, tool: &str, as_of: Timestamp, call: &Call<'_>) -> (Staleness, String) {
        let failure = self.failure();
        log_failure(tool, &failure);
        let staleness = Staleness::of(as_of, failure.refusal().code(), call);
        let said_at = spoken(as_of, call.now, call.engine.shop().zone);
        let (service, state) = (self.service.spoken(), state(&self.error));
        let sentence = format!("{service} {state}; this is what it said on {said_at}.");
        (staleness, sentence)
    }
}
