//! What goes wrong, with its two faces: what the caller is told, and what the log keeps.

pub mod upstream;

use std::sync::Arc;

use serde::Serialize;
use serde_json::Value;

use crate::clients::{Upstream, UpstreamError};
use crate::domain::confirmation::Question;
use crate::store::{OpenError, is_malformed};

/// The failure codes that callers branch on.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "each name says what it is; README lists them")]
pub enum Code {
    InvalidArgument,
    CustomerNotFound,
    VehicleNotFound,
    AppointmentNotFound,
    TicketNotFound,
    InvoiceNotFound,
    ProductNotFound,
    VehicleNotOwned,
    SlotUnavailable,
    OutsideBusinessHours,
    InThePast,
    DuplicateAppointment,
    AlreadyCancelled,
    AppointmentCancelled,
    AppointmentClosed,
    AlreadyExists,
    IdempotencyConflict,
    Overpayment,
    InsufficientStock,
    InvalidVin,
    VinNotDecodable,
    HoldNotFound,
    HoldExpired,
    UpstreamTimeout,
    UpstreamError,
    UpstreamUnauthorized,
    UpstreamRateLimited,
    UpstreamUnavailable,
    ReadOnly,
    DatabaseUnavailable,
    Internal,
}

/// A refusal that the caller can mend, in words for a person and for a model.
#[derive(Clone, Debug, Serialize)]
#[serde(transparent)]
pub struct Refusal(Box<Told>);

#[derive(Clone, Debug, Serialize)]
struct Told {
    message: String,
    code: Code,
    error: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    hint: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    data: Option<Value>,
}

impl Refusal {
    /// A refusal with a sentence to say aloud, and what exactly was wrong: field, value, rule.
    pub fn new(code: Code, message: impl Into<String>, error: impl Into<String>) -> Self {
        let (message, error) = (message.into(), error.into());
        Self(Box::new(Told { message, code, error, hint: None, data: None }))
    }

    /// The same, with what to do next.
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.0.hint = Some(hint.into());
        self
    }

    /// The same, with what helps: free alternatives, allowed values.
    pub fn data(mut self, data: Value) -> Self {
        self.0.data = Some(data);
        self
    }

    /// The same, with the time of the reply among its data: whoever is refused a time has to know
    /// what time it is.
    pub fn at(mut self, now: String) -> Self {
        let data = self.0.data.get_or_insert_with(|| Value::Object(serde_json::Map::new()));
        if let Some(data) = data.as_object_mut() {
            data.insert("now".to_owned(), Value::String(now));
        }
        self
    }

    /// What callers branch on.
    pub fn code(&self) -> Code {
        self.0.code
    }

    /// The sentence to say aloud.
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// What to do next.
    pub fn next_step(&self) -> Option<&str> {
        self.0.hint.as_deref()
    }

    /// What exactly was wrong.
    pub fn error(&self) -> &str {
        &self.0.error
    }
}

/// Why a tool did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum ToolError {
    /// The caller can mend it.
    #[error("refused: {}", .0.error())]
    Refused(Refusal),
    /// The database did not answer, or not in time; nothing was changed.
    #[error("the database is unavailable")]
    DatabaseUnavailable(#[source] sqlx::Error),
    /// The database could not be opened.
    #[error("the database cannot be opened")]
    DatabaseClosed(#[source] OpenError),
    /// The connection broke or time ran out while a change was made: nobody knows whether it was.
    #[error("it is not known whether a change was made")]
    OutcomeUnknown(#[source] Option<sqlx::Error>),
    /// A query failed for a reason of ours.
    #[error("a query failed")]
    Query(#[source] sqlx::Error),
    /// A service that was asked failed.
    #[error("the {} failed", .service.name())]
    Upstream {
        /// Which.
        service: Upstream,
        /// Whether it was to change something, which it may then have done.
        is_change: bool,
        /// Why.
        source: Arc<UpstreamError>,
    },
    /// The system gave no random number.
    #[error("the system gave no random number")]
    Random(#[source] getrandom::Error),
    /// A person has to be asked first.
    #[error("nobody has confirmed it yet")]
    Unconfirmed(Box<Question>),
    /// A value of ours could not be read or written.
    #[error("a value could not be converted")]
    Conversion(#[from] serde_json::Error),
}

impl From<Refusal> for ToolError {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

impl From<sqlx::Error> for ToolError {
    fn from(error: sqlx::Error) -> Self {
        if is_unavailable(&error) { Self::DatabaseUnavailable(error) } else { Self::Query(error) }
    }
}

/// Whether the database is away or busy, so that the same call may succeed later.
fn is_unavailable(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Io(_)
        | sqlx::Error::Tls(_)
        | sqlx::Error::Protocol(_)
        | sqlx::Error::PoolTimedOut
        | sqlx::Error::PoolClosed
        | sqlx::Error::WorkerCrashed => true,
        sqlx::Error::Database(error) => error.code().is_some_and(|code| is_transient(&code)),
        _ => false,
    }
}

/// Codes of states that pass, or that the owner of the database has to mend.
///
/// Postgres (five characters; PostgreSQL manual, appendix A): classes 08 connection, 28 and 3D
/// access, 40 rollback, 53 resources, 57 operator, and 25006 read only, 55P03 lock. SQLite
/// (<https://www.sqlite.org/rescode.html>): 5 busy, 6 locked, 7 memory, 8 read only, 10 I/O,
/// 11 malformed, 13 full, 14 cannot open, 26 not a database; an extended code keeps them in its low byte.
fn is_transient(code: &str) -> bool {
    if code.len() == 5 {
        return matches!(code.get(..2), Some("08" | "28" | "3D" | "40" | "53" | "57"))
            || matches!(code, "25006" | "55P03");
    }
    code.parse::<i64>()
        .is_ok_and(|code| matches!(code & 0xff, 5 | 6 | 7 | 8 | 10 | 11 | 13 | 14 | 26))
}

impl ToolError {
    /// What the caller is told.
    pub fn refusal(&self) -> Refusal {
        match self {
            Self::Refused(refusal) => refusal.clone(),
            Self::DatabaseUnavailable(error) if is_malformed(error) => malformed(error),
            Self::DatabaseUnavailable(error) => database(database_state(error)),
            Self::DatabaseClosed(OpenError::Database(error)) if is_malformed(error) => {
                malformed(error)
            }
            Self::DatabaseClosed(error) => database(open_state(error)),
            Self::OutcomeUnknown(_) => outcome_unknown(),
            Self::Unconfirmed(_) | Self::Query(_) | Self::Random(_) | Self::Conversion(_) => {
                internal()
            }
            Self::Upstream { service, is_change, source } => {
                upstream::refusal(*service, *is_change, source)
            }
        }
    }
}

fn database(state: &str) -> Refusal {
    Refusal::new(
        Code::DatabaseUnavailable,
        "The shop's records cannot be reached right now.",
        format!("{state}; nothing was changed"),
    )
    .hint("Try again in a few seconds; if it goes on, run `servicebay doctor` at the shop.")
}

fn malformed(error: &sqlx::Error) -> Refusal {
    let state = database_state(error);
    Refusal::new(
        Code::DatabaseUnavailable,
        "The shop's records cannot be read: the database file is damaged.",
        format!("{state}; nothing was changed"),
    )
    .hint(
        "Try again once: the file is opened anew. If it goes on, the shop has to end all servers and put a backup \
         in the place of the file; `servicebay doctor` says how.",
    )
}

fn outcome_unknown() -> Refusal {
    Refusal::new(
        Code::DatabaseUnavailable,
        "I lost the connection to the shop's records and do not know whether that was done.",
        "the database did not confirm the change; it may or may not have been made",
    )
    .hint(
        "Look before you go on: get_upcoming_appointments or lookup_customer shows it. \
         The same booking, or the same idempotency_key, is safe to send again.",
    )
}

/// What a person who looks after the database can do something about, without a path or SQL.
fn database_state(error: &sqlx::Error) -> &'static str {
    let sqlx::Error::Database(error) = error else { return "the database did not answer" };
    let code = error.code().unwrap_or_default();
    if code.len() == 5 {
        return match code.get(..2) {
            Some("28") => "the database refused the user or the password",
            Some("3D") => "there is no database of the configured name",
            Some("53") => "the database has run out of room or connections",
            _ if code == "25006" => "the database is read-only",
            _ if code.starts_with("57P0") => "the database ended the connection",
            _ => "the database did not answer in time",
        };
    }
    match code.parse::<i64>().unwrap_or_default() & 0xff {
        5 | 6 => "another program keeps the database file locked",
        8 => "the database file is read-only",
        10 => "the disk with the database file reports errors",
        11 => "the database file is malformed",
        13 => "the disk with the database file is full",
        14 => "the database file cannot be opened",
        26 => "the configured file is no database",
        _ => "the database did not answer",
    }
}

fn open_state(error: &OpenError) -> &'static str {
    match error {
        OpenError::File(_) => "the database file cannot be made or opened",
        OpenError::SchemaNewer => "the database was written by a newer version of servicebay",
        OpenError::SqliteVersion(_) => "this build's SQLite is too old to be safe",
        OpenError::Database(error) => database_state(error),
        OpenError::Migrate(_) => "the database's schema is not servicebay's",
    }
}

/// The refusal for a fault of ours.
pub fn internal() -> Refusal {
    Refusal::new(
        Code::Internal,
        "Something went wrong on our side; nothing was changed.",
        "an internal error; the server's log has the cause",
    )
    .hint("Try again once; if it goes on, tell the shop.")
}
