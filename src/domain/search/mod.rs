//! Finding customers by any part of what is known of them.
//!
//! A [`Query`] is what was asked for, a [`Record`] what a customer is found by. [`Gram`]s, runs of one
//! to three letters and digits, are what an index keeps: a record that a query finds has all of the
//! query's grams, so an index by grams leads to every record that is found, and to a few others.

mod folding;
mod gram;
mod query;
mod record;
#[cfg(test)]
mod tests;

pub use folding::fold;
pub use gram::Gram;
pub use query::{InvalidQuery, Query, Reading};
pub use record::Record;
