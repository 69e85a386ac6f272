//! The envelope that every tool answers with.

use std::sync::Arc;

use serde::Serialize;
use serde_json::Value;

use super::confirming::Ask;
use crate::error::{self, Refusal, ToolError};

/// What a tool answers where it does what it was asked.
pub enum Answer<D> {
    /// A new answer.
    New {
        /// A sentence to say aloud.
        message: String,
        /// What was asked for.
        data: D,
        /// Whether this repeats an earlier answer and changed nothing.
        replayed: bool,
    },
    /// An envelope that an idempotency key kept.
    Kept(Value),
    /// An envelope from memory, as JSON.
    Rendered(Arc<str>),
}

impl<D> Answer<D> {
    /// A new answer.
    pub fn new(message: impl Into<String>, data: D) -> Self {
        Self::New { message: message.into(), data, replayed: false }
    }

    /// An answer that repeats an earlier one.
    pub fn repeated(message: impl Into<String>, data: D) -> Self {
        Self::New { message: message.into(), data, replayed: true }
    }
}

/// A call's result, ready to be sent. The server sends the envelope of a success a second time, as
/// `structuredContent`; a failure has none, since older clients would hold it against the output
/// schema and lose the message.
#[derive(Clone, Debug)]
pub struct Reply {
    /// The envelope as JSON, in one line.
    pub text: Arc<str>,
    /// Whether the tool failed.
    pub is_error: bool,
    /// What the client has to ask the person first; nothing else was done then.
    pub ask: Option<Box<Ask>>,
}

#[derive(Serialize)]
struct Success<'a, D> {
    success: bool,
    message: &'a str,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    replayed: bool,
    data: &'a D,
}

#[derive(Serialize)]
struct Failure<'a> {
    success: bool,
    #[serde(flatten)]
    refusal: &'a Refusal,
}

/// The envelope of a success as JSON.
///
/// # Errors
/// Where the data is no JSON, which a map with keys that are no text would be.
pub fn render<D: Serialize>(
    message: &str,
    data: &D,
    replayed: bool,
) -> serde_json::Result<Arc<str>> {
    let envelope = Success { success: true, message, replayed, data };
    Ok(serde_json::to_string(&envelope)?.into())
}

impl Reply {
    /// The reply that tells an answer.
    ///
    /// # Errors
    /// As `render`.
    pub fn of<D: Serialize>(answer: Answer<D>) -> serde_json::Result<Self> {
        let text = match answer {
            Answer::New { message, data, replayed } => render(&message, &data, replayed)?,
            Answer::Kept(mut envelope) => {
                if let Some(envelope) = envelope.as_object_mut() {
                    envelope.insert("replayed".to_owned(), Value::Bool(true));
                }
                envelope.to_string().into()
            }
            Answer::Rendered(text) => text,
        };
        Ok(Self { text, is_error: false, ask: None })
    }

    /// The reply that tells a refusal.
    pub fn refused(refusal: &Refusal) -> Self {
        let text = serde_json::to_string(&Failure { success: false, refusal }).unwrap_or_default();
        Self { text: text.into(), is_error: true, ask: None }
    }

    /// The reply that has the client ask the person.
    pub fn asking(ask: Ask) -> Self {
        Self { text: Arc::default(), is_error: false, ask: Some(Box::new(ask)) }
    }

    /// The reply for a fault of ours.
    pub fn internal() -> Self {
        Self::refused(&error::internal())
    }
}

/// Logs the cause of a failure; what the caller can mend is no matter for the log.
pub fn log_failure(tool: &str, error: &ToolError) {
    match error {
        ToolError::Refused(_) => {}
        // Somebody at the shop has to mend it.
        ToolError::Upstream { source, .. } if source.is_of_settings() => {
            tracing::warn!(tool, error = %causes(error), "an upstream failed")
        }
        // Other people's servers fail now and then; the caller was told.
        ToolError::Upstream { .. } => {
            tracing::info!(tool, error = %causes(error), "an upstream failed")
        }
        _ => tracing::error!(tool, error = %causes(error), "a tool failed"),
    }
}

/// An error and all its causes in one line.
fn causes(error: &dyn std::error::Error) -> String {
    let mut line = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        line.push_str(": ");
        line.push_str(&cause.to_string());
        source = cause.source();
    }
    line
}
