//! How the fakes of the shop's own systems make changes: once for each key, and as the test wants.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::fake_api::{Answer, Seen};

/// The changes that a fake was asked for.
#[derive(Default)]
pub struct Changes {
    /// What was answered to which key.
    done: BTreeMap<String, Answer>,
    /// Loses so many answers to changes that it makes.
    pub lost: usize,
    /// What it answers to changes instead of making them.
    pub refusal: Option<Answer>,
}

impl Changes {
    /// Answers a change, which `make` makes where its key is new.
    pub fn answer(&mut self, seen: &Seen, make: impl FnOnce() -> Answer) -> Answer {
        if let Some(refusal) = &self.refusal {
            return refusal.clone();
        }
        let key = seen.headers["idempotency-key"].clone();
        let answer = self.done.entry(key).or_insert_with(make).clone();
        if self.lost > 0 {
            self.lost -= 1;
            return (503, Value::Null);
        }
        answer
    }
}
