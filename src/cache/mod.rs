//! What is kept in memory, for how long, and when it is dropped.
//!
//! Free times, appointments and keys are never kept: they are read where they are decided on.

pub mod billing;
pub mod crm;
mod customers;
mod flights;
pub mod inventory;
mod remote;
mod upstreams;
mod vins;
pub mod vpic;

pub use billing::BillingCache;
pub use crm::CrmCache;
pub use customers::{CustomerCache, Lookup};
pub use inventory::InventoryCache;
pub use upstreams::keep_counts;
pub use vins::{Decoded, VinCache};
pub use vpic::VehicleData;
