//! The shop's rules: pure functions and the types that prove their inputs were checked.
//!
//! Nothing here reads a clock, a file, a database or the network.

pub mod appointment;
pub mod assignment;
pub mod calendar;
pub mod clock_span;
pub mod confirmation;
pub mod customer;
pub mod hold;
pub mod hours;
pub mod icalendar;
pub mod id;
pub mod invoice;
pub mod local_time;
pub mod money;
pub mod phone;
pub mod preferences;
pub mod product;
pub mod reminder;
pub mod remote;
pub mod search;
pub mod shop;
pub mod slots;
pub mod text;
pub mod ticket;
pub mod time;
pub mod time_input;
pub mod time_range;
pub mod upstream_counts;
pub mod vehicle;
pub mod vin;
