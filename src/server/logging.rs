//! Logs to standard error, which may go unread without holding anything up.

use std::io::{self, Write};
use std::panic;
use std::sync::mpsc;
use std::sync::{Mutex, OnceLock, PoisonError};
use std::thread;
use std::time::Duration;

use tracing_appender::non_blocking::{NonBlocking, NonBlockingBuilder, WorkerGuard};
use tracing_subscriber::filter::{ParseError, Targets};
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{Layer, registry};

use crate::config::LogFormat;
#[cfg(feature = "otlp")]
use crate::telemetry::otlp;

/// Lines that wait for standard error to be read; further ones are dropped.
const WAITING_LINES: usize = 1024;

/// How long [`finish`] waits for standard error to take the last lines.
const FINISH_LIMIT: Duration = Duration::from_millis(150);

/// Why nothing can be logged.
#[derive(Debug, thiserror::Error)]
pub enum InitError {
    /// The filter is not one.
    #[error("RUST_LOG cannot be understood: {0}")]
    Filter(#[from] ParseError),
    /// What it names is no part of a program.
    #[error(
        "RUST_LOG cannot be understood: `{0}` names no part of a program; write warn, or warn,servicebay=debug"
    )]
    Name(String),
    /// The collector's settings are wrong.
    #[cfg(feature = "otlp")]
    #[error("the settings of the OTLP exporter cannot be used: {0}")]
    Otlp(String),
}

/// Sends what passes `filter` to standard error from now on. The filter is what `RUST_LOG` holds,
/// for example `info` or `warn,servicebay=debug`; `default` where it is unset.
///
/// rmcp logs whole requests and replies, so that of its lines only errors pass, unless the filter
/// asks for `rmcp=trace` in so many words. A second call changes nothing.
///
/// # Errors
///
/// The filter cannot be understood, or the settings of a collector.
pub fn init(filter: Option<&str>, default: &str, format: LogFormat) -> Result<(), InitError> {
    let filter = filter.filter(|filter| !filter.trim().is_empty()).unwrap_or(default);
    let filter = read(filter)?;
    let lines = tracing_subscriber::fmt::layer().with_writer(LazyWriter);
    let lines = match format {
        LogFormat::Text => lines.with_ansi(false).with_filter(filter).boxed(),
        LogFormat::Json => {
            lines.json().flatten_event(true).with_span_list(false).with_filter(filter).boxed()
        }
    };
    let subscriber = registry().with(lines);
    #[cfg(feature = "otlp")]
    let subscriber = subscriber.with(otlp::layer().map_err(InitError::Otlp)?);
    // Fails only where a subscriber is set already, which then stays.
    let _ = subscriber.try_init();
    Ok(())
}

/// Reads a filter, which would take any text for a name and then let nothing pass.
fn read(filter: &str) -> Result<Targets, InitError> {
    let targets: Targets = with_quiet_rmcp(filter).parse()?;
    let is_name = |name: &str| name.chars().all(|c| c.is_alphanumeric() || "_:-.".contains(c));
    match targets.iter().find(|(name, _)| !is_name(name)) {
        Some((name, _)) => Err(InitError::Name(name.to_owned())),
        None => Ok(targets),
    }
}

/// Has a panic log where it happened and nothing else: its message may quote a customer.
pub fn hide_panic_messages() {
    panic::set_hook(Box::new(|info| match info.location() {
        Some(place) => {
            tracing::error!(file = place.file(), line = place.line(), "a panic was caught");
        }
        None => tracing::error!("a panic was caught"),
    }));
}

/// Writes what is left, for a moment at most.
pub fn finish() {
    #[cfg(feature = "otlp")]
    otlp::finish();
    let guard = GUARD.lock().unwrap_or_else(PoisonError::into_inner).take();
    let Some(guard) = guard else { return };
    let (done, wait) = mpsc::channel();
    // The guard waits longer than the process may when nobody reads.
    let flush = move || {
        drop(guard);
        let _ = done.send(());
    };
    if thread::Builder::new().spawn(flush).is_ok() {
        let _ = wait.recv_timeout(FINISH_LIMIT);
    }
}

/// The filter without what it would let through from rmcp.
fn with_quiet_rmcp(filter: &str) -> String {
    let passes = |directive: &&str| {
        let level = directive.rsplit_once('=').map(|(_, level)| level.to_ascii_lowercase());
        let is_quiet = level.is_some_and(|level| ["trace", "error", "off"].contains(&&*level));
        !directive.is_empty() && (!directive.starts_with("rmcp") || is_quiet)
    };
    let directives = filter.split(',').map(str::trim).filter(passes);
    // The last of several directives for one target holds.
    std::iter::once("rmcp=error").chain(directives).collect::<Vec<_>>().join(",")
}

static WRITER: OnceLock<NonBlocking> = OnceLock::new();
static GUARD: Mutex<Option<WorkerGuard>> = Mutex::new(None);

/// Starts the writing thread with the first line, so that silence costs nothing.
struct LazyWriter;

impl<'a> MakeWriter<'a> for LazyWriter {
    type Writer = NonBlocking;

    fn make_writer(&'a self) -> NonBlocking {
        let start = || {
            let (writer, guard) = NonBlockingBuilder::default()
                .lossy(true)
                .buffered_lines_limit(WAITING_LINES)
                .thread_name("log")
                .finish(Stderr);
            *GUARD.lock().unwrap_or_else(PoisonError::into_inner) = Some(guard);
            writer
        };
        WRITER.get_or_init(start).clone()
    }
}

/// Standard error without its lock held between lines.
struct Stderr;

impl Write for Stderr {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        io::stderr().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(filter: &str, expected: &str) {
        let quiet = with_quiet_rmcp(filter);
        assert_eq!(quiet, expected);
        assert!(read(filter).is_ok());
    }

    #[test]
    fn what_names_no_part_of_a_program_is_refused() {
        for filter in ["[[[", "foo bar", "servicebay[call{tool=x}]=debug", "warn;info", "a=b"] {
            assert!(read(filter).is_err(), "{filter}");
        }
    }

    #[test]
    fn rmcp_stays_quiet_unless_its_trace_is_asked_for() {
        check("warn", "rmcp=error,warn");
        check("trace", "rmcp=error,trace");
        check("info,rmcp=debug", "rmcp=error,info");
        check("info,rmcp", "rmcp=error,info");
        check("rmcp::service=debug,info", "rmcp=error,info");
        check("info,rmcp=trace", "rmcp=error,info,rmcp=trace");
        check("info, rmcp=off,", "rmcp=error,info,rmcp=off");
    }
}
