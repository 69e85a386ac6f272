//! Which tools are offered, and how.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::domain::appointment::text_enum;

/// Which tools are offered, and how.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ServerSettings {
    /// The subjects whose tools are listed, in the order of `Toolset::ALL`; never empty.
    pub toolsets: Vec<Toolset>,
    /// Only tools that change nothing are listed and answer.
    pub read_only: bool,
    /// For whom the tools are shaped.
    pub profile: Profile,
    /// Who confirms what cannot be undone.
    pub confirm: Confirm,
    /// How log lines look.
    pub log_format: LogFormat,
}

text_enum!(
    /// The tools of one subject.
    Toolset {
        /// Customers, their vehicles and their tickets.
        Crm = "crm",
        /// Slots, holds, appointments and reminders.
        Appointments = "appointments",
        /// Decoding of VINs.
        Vin = "vin",
        /// Invoices and payments.
        Billing = "billing",
        /// Products and their stock.
        Inventory = "inventory",
        /// Reports.
        Insights = "insights",
    }
);

text_enum!(
    /// For whom the tools are shaped.
    Profile {
        /// Every tool of the chosen toolsets.
        Full = "full",
        /// At most 10 tools and short replies, for voice agents.
        Voice = "voice",
    }
);

text_enum!(
    /// When the person is asked before something that cannot be undone.
    Confirm {
        /// Where the client can ask.
        Auto = "auto",
        /// Always; where the client cannot ask, by a token that a second call brings.
        Always = "always",
        /// Never.
        Never = "never",
    }
);

text_enum!(
    /// How log lines look.
    LogFormat {
        /// For people.
        Text = "text",
        /// One JSON object a line.
        Json = "json",
    }
);
