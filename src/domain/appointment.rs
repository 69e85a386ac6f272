//! Appointments: their services, their states and how long they may last.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The shortest visit, in minutes.
pub const MIN_DURATION_MINUTES: i64 = 5;
/// The longest visit, in minutes.
pub const MAX_DURATION_MINUTES: i64 = 480;
/// How long a visit takes where neither the caller nor the shop says, in minutes.
pub const DEFAULT_DURATION_MINUTES: i64 = 60;
/// The longest time for which a visit's bay and technician stay taken after it, in minutes.
pub const MAX_BUFFER_MINUTES: i64 = 480;

macro_rules! text_enum {
    ($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident = $text:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(
            Clone, Copy, Debug, Deserialize, Eq, Hash, JsonSchema, PartialEq, Serialize, sqlx::Type,
        )]
        #[serde(rename_all = "snake_case")]
        #[schemars(inline)]
        #[sqlx(type_name = "text", rename_all = "snake_case")]
        pub enum $name { $($(#[$variant_doc])* #[doc = concat!("`", $text, "`")] $variant),+ }

        impl $name {
            /// Every value, in the order in which callers read them.
            pub const ALL: &[Self] = &[$(Self::$variant),+];

            /// The text by which callers and the database know it.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text),+ }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }
    };
}
pub(crate) use text_enum;

text_enum!(
    /// What is done to the vehicle.
    ServiceType {
        OilChange = "oil_change",
        TireRotation = "tire_rotation",
        BrakeService = "brake_service",
        BrakeInspection = "brake_inspection",
        Inspection = "inspection",
        EngineDiagnostics = "engine_diagnostics",
        GeneralMaintenance = "general_maintenance",
        Repair = "repair",
        Diagnostic = "diagnostic",
        Recall = "recall",
        Other = "other",
    }
);

text_enum!(
    /// Where an appointment stands.
    Status {
        Scheduled = "scheduled",
        Confirmed = "confirmed",
        InProgress = "in_progress",
        Completed = "completed",
        Cancelled = "cancelled",
        NoShow = "no_show",
    }
);
