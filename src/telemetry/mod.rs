//! What each call did, for logs and traces: one span a call, with no word of what it was about.
//!
//! Nothing of it happens unless somebody listens.

mod facts;
#[cfg(feature = "otlp")]
pub mod otlp;

use std::sync::Arc;
use std::time::Instant;

use tracing::field::{Empty, display};
use tracing::{Instrument, Level, Span};

use facts::Facts;
pub use facts::{inherit, note_attempt, note_cache};

/// The target of the spans and of the line that each call logs.
pub const TARGET: &str = "servicebay::call";

/// A call that somebody listens to.
pub struct Watch {
    span: Span,
    facts: Arc<Facts>,
    started: Instant,
    tool: String,
}

impl Watch {
    /// Begins to watch a call of this tool; `None` where nobody listens.
    pub fn start(tool: &str) -> Option<Self> {
        if !tracing::enabled!(target: "servicebay::call", Level::INFO) {
            return None;
        }
        let span = tracing::info_span!(
            target: TARGET,
            "call",
            tool,
            outcome = Empty,
            duration_us = Empty,
            cache = Empty,
            upstream_attempts = Empty,
        );
        Some(Self { span, facts: Arc::default(), started: Instant::now(), tool: tool.to_owned() })
    }

    /// Runs the call within its span.
    pub async fn run<T>(&self, call: impl Future<Output = T>) -> T {
        facts::scope(Arc::clone(&self.facts), call).instrument(self.span.clone()).await
    }

    /// Ends the span and logs a line: no arguments, and of the reply only the outcome.
    pub fn finish(self, outcome: &str) {
        let duration_us = u64::try_from(self.started.elapsed().as_micros()).unwrap_or(u64::MAX);
        let (cache, upstream_attempts) = (self.facts.cache(), self.facts.upstream_attempts());
        let span = &self.span;
        span.record("outcome", display(outcome));
        span.record("duration_us", duration_us);
        span.record("cache", cache.map(display));
        span.record("upstream_attempts", upstream_attempts);
        let (tool, cache) = (self.tool, cache.map(display));
        // Outside of the span, whose fields would stand there twice.
        tracing::info!(
            target: TARGET, parent: None, tool, outcome, duration_us, cache, upstream_attempts,
            "call"
        );
    }
}
