//! Tickets: what a customer asked or complained about, until it is settled.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::appointment::text_enum;

text_enum!(
    /// Where a ticket stands.
    Status {
        Open = "open",
        InProgress = "in_progress",
        Resolved = "resolved",
        Closed = "closed",
    }
);

text_enum!(
    /// How urgent a ticket is.
    Priority {
        Low = "low",
        Normal = "normal",
        High = "high",
        Urgent = "urgent",
    }
);
