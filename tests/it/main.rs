//! Drives the real binary and looks at what a client sees, on both databases.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a broken step of a test is a failed test"
)]

mod appointments;
mod arguments;
mod booking;
mod commands;
mod concurrency;
mod customers;
mod data;
mod faults;
mod idempotency;
mod listing;
mod nhtsa;
mod opening_hours;
mod protocol;
mod proxy;
mod reply;
mod server;
mod shop;
mod shutdown;
mod slots;
mod vehicles;
mod vin;
