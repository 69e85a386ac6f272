//! Why a service gave no usable answer.

use std::sync::Arc;

/// Why a service gave no usable answer. No text of it holds an address or anything of a body.
#[derive(Debug, thiserror::Error)]
pub enum UpstreamError {
    /// No answer within the time limit.
    #[error("the service did not answer in time")]
    Timeout,
    /// No connection: refused, no such host, or a certificate that is not trusted.
    #[error("the service cannot be reached")]
    Unavailable(#[source] reqwest::Error),
    /// The connection broke before the answer was complete.
    #[error("the connection broke off before the answer was complete")]
    Interrupted(#[source] reqwest::Error),
    /// Status 401 or 403.
    #[error("the service refused the credentials")]
    Unauthorized,
    /// Status 429.
    #[error("the service takes no more requests for now")]
    RateLimited {
        /// How long the service asked to wait, if it did.
        retry_after_seconds: Option<u64>,
    },
    /// A status from 300 to 399: it sends us to another address.
    #[error("the service redirects elsewhere (status {0}), which is not followed")]
    Redirected(u16),
    /// Any other status than success.
    #[error("the service answered with status {0}")]
    Status(u16),
    /// An answer of the wrong kind, shape or size.
    #[error("the service's answer cannot be used: {reason}")]
    Malformed {
        /// What is wrong with it.
        reason: &'static str,
        /// Where it is no JSON of the shape expected.
        source: Option<NoJson>,
    },
    /// What was asked about cannot be part of an address or a header.
    #[error("the request holds a value that HTTP cannot carry")]
    Unsendable,
    /// The settings say that it is never asked.
    #[error("the service is switched off in the settings")]
    Off,
    /// It failed so often in a row that it was not asked.
    #[error("the service failed repeatedly and is not asked for a while")]
    CircuitOpen,
    /// This became of a change that had been sent before, and then nobody heard what became of it.
    #[error("{0}")]
    InDoubt(Arc<Self>),
}

/// Where an answer stops being the JSON expected. What is found there is not told: it may be about
/// a person.
#[derive(Debug, thiserror::Error)]
#[error("{} at line {line}, column {column}", kind(*category))]
pub struct NoJson {
    category: serde_json::error::Category,
    line: usize,
    column: usize,
}

fn kind(category: serde_json::error::Category) -> &'static str {
    use serde_json::error::Category;
    match category {
        Category::Io | Category::Syntax => "no JSON",
        Category::Data => "another value than expected",
        Category::Eof => "it ends too early",
    }
}

impl UpstreamError {
    /// An answer that is not the JSON expected.
    pub fn no_json(reason: &'static str, error: &serde_json::Error) -> Self {
        let (category, line, column) = (error.classify(), error.line(), error.column());
        Self::Malformed { reason, source: Some(NoJson { category, line, column }) }
    }

    /// The same of a change that was sent before, so that it may have been made then.
    pub fn in_doubt(self: Arc<Self>) -> Arc<Self> {
        if self.may_be_done() { self } else { Arc::new(Self::InDoubt(self)) }
    }

    /// What went wrong the last time.
    pub fn last(&self) -> &Self {
        match self {
            Self::InDoubt(last) => last.last(),
            other => other,
        }
    }

    /// Whether it speaks of a service in trouble, which is what opens the circuit.
    ///
    /// A service that limits us is left alone as well: asking on would only prolong it. Any other
    /// status from 300 to 499 is about our request or our settings, and comes from a service that works.
    pub fn is_service_failure(&self) -> bool {
        match self {
            Self::Timeout
            | Self::Unavailable(_)
            | Self::Interrupted(_)
            | Self::RateLimited { .. }
            | Self::Malformed { .. } => true,
            Self::Status(status) => *status >= 500,
            Self::InDoubt(last) => last.is_service_failure(),
            Self::Unauthorized
            | Self::Redirected(_)
            | Self::Unsendable
            | Self::Off
            | Self::CircuitOpen => false,
        }
    }

    /// Whether the service as a whole does not answer, rather than refuse one request.
    pub fn is_outage(&self) -> bool {
        match self {
            Self::Timeout
            | Self::Unavailable(_)
            | Self::Interrupted(_)
            | Self::RateLimited { .. }
            | Self::Unauthorized
            | Self::CircuitOpen
            | Self::Off
            | Self::Status(502..=504) => true,
            Self::InDoubt(last) => last.is_outage(),
            Self::Status(_) | Self::Redirected(_) | Self::Malformed { .. } | Self::Unsendable => {
                false
            }
        }
    }

    /// Whether only the shop's settings can mend it, or the service's.
    pub fn is_of_settings(&self) -> bool {
        matches!(self, Self::Unauthorized | Self::Redirected(_))
    }

    /// Whether the service may have done what it was asked to, although it did not say so.
    pub fn may_be_done(&self) -> bool {
        match self {
            Self::Timeout | Self::Interrupted(_) | Self::Malformed { .. } | Self::InDoubt(_) => {
                true
            }
            Self::Status(status) => *status >= 500,
            // "See other" is also how a service says that it is done.
            Self::Redirected(status) => *status == 303,
            Self::Unavailable(_)
            | Self::Unauthorized
            | Self::RateLimited { .. }
            | Self::Unsendable
            | Self::Off
            | Self::CircuitOpen => false,
        }
    }
}

impl From<reqwest::Error> for UpstreamError {
    fn from(error: reqwest::Error) -> Self {
        // Addresses may hold a secret or a VIN, and errors are logged.
        let error = error.without_url();
        if error.is_timeout() {
            Self::Timeout
        } else if error.is_connect() || error.is_builder() {
            Self::Unavailable(error)
        } else {
            Self::Interrupted(error)
        }
    }
}
