//! Drives the real binary and looks at what a client sees, on both databases.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a broken step of a test is a failed test"
)]

mod alternatives;
mod appointments;
mod arguments;
mod assignment;
mod billing;
mod booking;
mod budgets;
mod bulk;
mod bulk_progress;
mod calendar;
mod coherence;
mod commands;
mod concurrency;
mod confirming;
mod confirming_answers;
mod confirming_changes;
mod confirming_tokens;
mod customer_search;
mod customers;
mod data;
mod day_words;
mod fake_api;
mod fake_billing;
mod fake_changes;
mod fake_crm;
mod fake_inventory;
mod faults;
mod google;
mod held_bookings;
mod held_moves;
mod history;
mod holds;
mod idempotency;
mod insights;
mod installing;
mod inventory;
mod listing;
mod logs;
mod malformed;
mod manuals;
mod merging;
mod model;
mod nhtsa;
mod opening_days;
mod opening_hours;
#[cfg(feature = "otlp")]
mod otlp;
mod payments;
mod prompts;
mod protocol;
mod proxy;
mod racing;
mod radicale;
mod reminders;
mod remote_addresses;
mod remote_billing;
mod remote_customers;
mod remote_faults;
mod remote_inventory;
mod remote_refusals;
mod remote_repeats;
mod remote_tickets;
mod remote_updates;
mod reply;
mod resources;
mod searching;
mod server;
mod settings;
mod shop;
mod shutdown;
mod slots;
mod status;
mod tickets;
mod transfer;
mod updating;
mod upstreams;
mod vehicles;
mod vin;
mod vin_command;
mod vin_offline;
mod voice;
mod voice_alike;
mod voice_words;
