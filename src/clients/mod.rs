//! Other services over HTTP: slow, down or talking nonsense, they end in an [`UpstreamError`].

pub mod breaker;
pub mod http;
pub mod nhtsa;

/// Why a service gave no usable answer. No text of it holds an address or a body.
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
    /// Any other status than success, redirects included.
    #[error("the service answered with status {0}")]
    Status(u16),
    /// An answer of the wrong kind, shape or size.
    #[error("the service's answer cannot be used: {reason}")]
    Malformed {
        /// What is wrong with it.
        reason: &'static str,
        /// Where it is no JSON of the shape expected.
        source: Option<serde_json::Error>,
    },
    /// The settings say that it is never asked.
    #[error("the service is switched off in the settings")]
    Off,
    /// It failed so often in a row that it was not asked.
    #[error("the service failed repeatedly and is not asked for a minute")]
    CircuitOpen,
}

impl UpstreamError {
    /// Whether the same request may succeed moments later.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Timeout
            | Self::Unavailable(_)
            | Self::RateLimited { .. }
            | Self::Status(502..=504) => true,
            Self::Interrupted(_)
            | Self::Unauthorized
            | Self::Status(_)
            | Self::Malformed { .. }
            | Self::Off
            | Self::CircuitOpen => false,
        }
    }

    /// Whether it speaks of a service in trouble, which is what opens the circuit.
    ///
    /// A service that limits us is left alone as well: asking on would only prolong it. Any other
    /// status from 300 to 499 is about our request, and comes from a service that works.
    pub fn is_service_failure(&self) -> bool {
        match self {
            Self::Timeout
            | Self::Unavailable(_)
            | Self::Interrupted(_)
            | Self::RateLimited { .. }
            | Self::Malformed { .. } => true,
            Self::Status(status) => *status >= 500,
            Self::Unauthorized | Self::Off | Self::CircuitOpen => false,
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
