//! A tool's reply, held against what is true of every reply.

use serde_json::Value;

/// Every code by which a failure may be known.
const CODES: &[&str] = &[
    "invalid_argument",
    "customer_not_found",
    "vehicle_not_found",
    "appointment_not_found",
    "ticket_not_found",
    "invoice_not_found",
    "product_not_found",
    "vehicle_not_owned",
    "slot_unavailable",
    "outside_business_hours",
    "in_the_past",
    "duplicate_appointment",
    "already_cancelled",
    "appointment_cancelled",
    "appointment_closed",
    "already_exists",
    "idempotency_conflict",
    "overpayment",
    "insufficient_stock",
    "invalid_vin",
    "vin_not_decodable",
    "hold_not_found",
    "hold_expired",
    "upstream_timeout",
    "upstream_error",
    "upstream_unauthorized",
    "upstream_rate_limited",
    "upstream_unavailable",
    "read_only",
    "database_unavailable",
    "internal",
];

/// Pieces of SQL, of paths, of connection strings and of stack traces.
const INTERNALS: &[&str] = &[
    "insert into",
    "select * ",
    "returning id",
    "constraint failed",
    "violates",
    "sqlx",
    "sqlstate",
    "sqlite:",
    "postgres://",
    "/home/",
    "/root/",
    "/tmp/",
    "/usr/",
    ".rs:",
    "panicked at",
    "stack backtrace",
];

/// A tool's reply.
#[derive(Clone, Debug)]
pub struct Reply {
    /// The JSON of its text block.
    pub envelope: Value,
    /// Whether the result is marked as a failure.
    pub is_error: bool,
    /// The structured content, where there is one.
    pub structured: Option<Value>,
}

impl Reply {
    /// Reads the result of a `tools/call`; panics where it breaks a rule that all replies keep.
    pub fn new(result: &Value) -> Self {
        let content =
            result["content"].as_array().unwrap_or_else(|| panic!("no content: {result}"));
        assert_eq!(content.len(), 1, "one block: {result}");
        assert_eq!(content[0]["type"], "text", "{result}");
        let text = content[0]["text"].as_str().expect("a text block has a text");
        let reply = Self {
            envelope: serde_json::from_str(text).expect("the text is JSON"),
            is_error: result["isError"].as_bool().unwrap_or(false),
            structured: result.get("structuredContent").cloned(),
        };
        reply.check();
        reply
    }

    /// Reads an envelope that a command has printed.
    pub fn from_envelope(text: &str) -> Self {
        let envelope: Value = serde_json::from_str(text).expect("one JSON envelope");
        let is_error = envelope["success"] != true;
        let structured = (!is_error).then(|| envelope.clone());
        let reply = Self { envelope, is_error, structured };
        reply.check();
        reply
    }

    /// The data of a success.
    pub fn success(&self) -> &Value {
        assert!(!self.is_error, "not a success: {:#}", self.envelope);
        &self.envelope["data"]
    }

    /// The code of a failure.
    pub fn refusal(&self) -> &str {
        assert!(self.is_error, "not a refusal: {:#}", self.envelope);
        self.envelope["code"].as_str().unwrap()
    }

    /// What an assistant says aloud.
    pub fn message(&self) -> &str {
        self.envelope["message"].as_str().unwrap()
    }

    /// What exactly was wrong with a refused call.
    pub fn error(&self) -> &str {
        assert!(self.is_error, "not a refusal: {:#}", self.envelope);
        self.envelope["error"].as_str().unwrap()
    }

    /// Whether this is the reply of an earlier call, given once more.
    pub fn is_replayed(&self) -> bool {
        self.envelope["replayed"] == true
    }

    fn check(&self) {
        let envelope = &self.envelope;
        assert!(!has_null(envelope), "a null in {envelope:#}");
        assert!(!self.message().is_empty(), "no message: {envelope:#}");
        assert_free_of_internals(self.message());
        if self.is_error {
            self.check_failure();
        } else {
            assert_eq!(envelope["success"], true, "{envelope:#}");
            assert!(envelope["data"].is_object(), "{envelope:#}");
            assert_eq!(self.structured.as_ref(), Some(envelope), "structured content is the text");
        }
    }

    fn check_failure(&self) {
        let envelope = &self.envelope;
        assert_eq!(envelope["success"], false, "{envelope:#}");
        assert_eq!(self.structured, None, "a failure has no structured content");
        let code = envelope["code"].as_str().unwrap_or_default();
        assert!(CODES.contains(&code), "an unknown code: {envelope:#}");
        assert!(envelope["error"].as_str().is_some_and(|text| !text.is_empty()), "{envelope:#}");
        assert_free_of_internals(&envelope.to_string());
    }
}

/// Panics where `text` holds SQL, a path or a stack trace.
pub fn assert_free_of_internals(text: &str) {
    let lower = text.to_lowercase();
    let leak = INTERNALS.iter().find(|piece| lower.contains(**piece));
    assert_eq!(leak, None, "said aloud: {text}");
}

fn has_null(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Array(items) => items.iter().any(has_null),
        Value::Object(fields) => fields.values().any(has_null),
        _ => false,
    }
}
