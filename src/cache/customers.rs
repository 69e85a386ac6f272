//! Answers about customers, ready to be sent again.

use std::sync::Arc;
use std::time::Duration;

use moka::future::Cache;

use crate::store::Stamp;

/// How long an answer is kept at most.
const TIME_TO_LIVE: Duration = Duration::from_secs(5 * 60);
/// How much memory the answers may take, in bytes.
const CAPACITY_BYTES: u64 = 1024 * 1024;

/// How a customer was asked for: the argument's name, and its text as it came.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct Lookup {
    /// `phone_number`, `email`, `customer_id` or `crm_id`.
    pub by: &'static str,
    /// The argument.
    pub text: String,
}

/// Answers to lookups. An answer is known by the stamp that was taken before its query, so it is
/// found only while the customers' rows are what they were then (see [`crate::store::Stamp`]):
/// on SQLite it is never old, on Postgres at most two seconds.
pub struct CustomerCache(Cache<(Lookup, Stamp), Arc<str>>);

impl CustomerCache {
    /// An empty cache.
    pub fn new() -> Self {
        let weigh = |(lookup, _): &(Lookup, Stamp), answer: &Arc<str>| {
            // An entry's own fields and its place in the cache's lists take about 300 bytes.
            let bytes = 300 + lookup.text.len() + answer.len();
            u32::try_from(bytes).unwrap_or(u32::MAX)
        };
        let cache = Cache::builder()
            .weigher(weigh)
            .max_capacity(CAPACITY_BYTES)
            .time_to_live(TIME_TO_LIVE)
            .build();
        Self(cache)
    }

    /// The kept answer, if the rows have not changed since.
    pub async fn get(&self, lookup: &Lookup, stamp: Option<Stamp>) -> Option<Arc<str>> {
        self.0.get(&(lookup.clone(), stamp?)).await
    }

    /// Keeps an answer under the stamp that was taken before its query.
    pub async fn keep(&self, lookup: Lookup, stamp: Option<Stamp>, answer: Arc<str>) {
        if let Some(stamp) = stamp {
            self.0.insert((lookup, stamp), answer).await;
        }
    }
}

impl Default for CustomerCache {
    fn default() -> Self {
        Self::new()
    }
}
