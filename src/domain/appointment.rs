//! Appointments: their services, their states and how long they may last.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::id::ResourceId;
use super::time::{Interval, Timestamp};

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

impl Status {
    /// Where an appointment may go from here, besides to `cancelled`.
    pub const fn next(self) -> &'static [Self] {
        match self {
            Self::Scheduled => &[Self::Confirmed, Self::InProgress, Self::Completed, Self::NoShow],
            Self::Confirmed => &[Self::InProgress, Self::Completed, Self::NoShow],
            Self::InProgress => &[Self::Completed],
            Self::Completed | Self::Cancelled | Self::NoShow => &[],
        }
    }
}

/// When and where a visit takes place.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Placement {
    /// From its start to its end.
    pub span: Interval,
    /// When the bay and the technician are free again: the end, or later by a buffer.
    pub reserved_until: Timestamp,
    /// The bay.
    pub bay: ResourceId,
    /// The technician, where the shop has named some.
    pub technician: Option<ResourceId>,
}
