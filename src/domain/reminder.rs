//! Reminders: how a customer was reminded of a visit, and what came of it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::appointment::text_enum;

text_enum!(
    /// How a customer is reminded.
    Channel { Call = "call", Sms = "sms", Email = "email" }
);

text_enum!(
    /// What came of it.
    Outcome {
        /// The customer answered, or the message was delivered.
        Reached = "reached",
        /// A message was left.
        Voicemail = "voicemail",
        NoAnswer = "no_answer",
        Failed = "failed",
    }
);

impl Outcome {
    /// Whether the customer knows now: somebody was reached, or a message was left.
    pub const fn confirms(self) -> bool {
        matches!(self, Self::Reached | Self::Voicemail)
    }
}
