//! Other services over HTTP: slow, down or talking nonsense, they end in an [`UpstreamError`].

pub mod billing;
pub mod caldav;
pub mod calendar;
mod change;
pub mod counters;
pub mod crm;
mod error;
pub mod google;
pub mod http;
pub mod inventory;
pub mod nhtsa;

pub use change::Changed;
pub use error::{NoJson, UpstreamError};

/// A service that may be asked.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Upstream {
    /// NHTSA's vehicle database.
    Nhtsa,
    /// The shop's CRM.
    Crm,
    /// The shop's billing service.
    Billing,
    /// The shop's inventory service.
    Inventory,
    /// The shop's calendar.
    Calendar,
}

impl Upstream {
    /// Every service.
    pub const ALL: [Self; 5] =
        [Self::Nhtsa, Self::Crm, Self::Billing, Self::Inventory, Self::Calendar];

    /// What it is called in the database.
    pub fn key(self) -> &'static str {
        match self {
            Self::Nhtsa => "nhtsa",
            Self::Crm => "crm",
            Self::Billing => "billing",
            Self::Inventory => "inventory",
            Self::Calendar => "calendar",
        }
    }

    /// What it is called in logs and errors.
    pub fn name(self) -> &'static str {
        match self {
            Self::Nhtsa => "NHTSA",
            Self::Crm => "CRM",
            Self::Billing => "billing service",
            Self::Inventory => "inventory service",
            Self::Calendar => "calendar",
        }
    }

    /// What it is called at the beginning of a sentence to a caller.
    pub fn spoken(self) -> &'static str {
        match self {
            Self::Nhtsa => "The vehicle database NHTSA",
            Self::Crm => "The customer system",
            Self::Billing => "The billing system",
            Self::Inventory => "The inventory system",
            Self::Calendar => "The shop's calendar",
        }
    }
}
