//! servicebay: an MCP tool server for the front desk of a car service shop.
//!
//! Dependencies point one way: `commands` and `server` → `tools` → `cache` → `store` and
//! `clients` → `domain`, and `commands` → `transfer` → `store`. `ARCHITECTURE.md` shows the way of one call through them.

pub mod cache;
pub mod calendar;
pub mod clients;
pub mod commands;
pub mod config;
pub mod domain;
pub mod error;
pub mod server;
pub mod store;
pub mod telemetry;
pub mod tools;
pub mod transfer;
