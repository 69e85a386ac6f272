//! The requests that were read and not yet answered.

use std::collections::HashMap;

use rmcp::model::RequestId;

/// Calls that run at the same time.
pub(super) const RUNNING_LIMIT: usize = 32;

/// Requests that may wait besides the running ones before reading stops.
const WAITING_LIMIT: usize = 256;

/// A request counts once, and once more for each so many bytes of its line, so that long
/// requests do not multiply to more memory than short ones.
const BYTES_PER_COUNT: usize = 16 * 1024;

/// The unanswered requests, each under a number of our own.
///
/// The numbers are what the service sees instead of the client's ids. They are never used twice:
/// the late reply to a cancelled request cannot be taken for the reply to a new request to which
/// the client has given the same id.
#[derive(Default)]
pub(super) struct InFlight {
    by_number: HashMap<i64, Entry>,
    numbers: HashMap<RequestId, i64>,
    last_number: i64,
    count: usize,
}

struct Entry {
    id: RequestId,
    count: usize,
}

impl InFlight {
    /// Whether nothing more should be read until something was answered.
    pub(super) fn is_full(&self) -> bool {
        self.count >= RUNNING_LIMIT + WAITING_LIMIT
    }

    /// Enters a request of so many bytes; `None` when its id is that of an unanswered one.
    pub(super) fn begin(&mut self, id: &RequestId, bytes: usize) -> Option<RequestId> {
        if self.numbers.contains_key(id) {
            return None;
        }
        self.last_number += 1;
        let count = 1 + bytes / BYTES_PER_COUNT;
        self.count += count;
        self.numbers.insert(id.clone(), self.last_number);
        self.by_number.insert(self.last_number, Entry { id: id.clone(), count });
        Some(RequestId::Number(self.last_number))
    }

    /// The number of an unanswered request.
    pub(super) fn number(&self, id: &RequestId) -> Option<RequestId> {
        self.numbers.get(id).copied().map(RequestId::Number)
    }

    /// Takes a request off and gives the client's id back.
    pub(super) fn end(&mut self, number: &RequestId) -> Option<RequestId> {
        let RequestId::Number(number) = number else { return None };
        let Entry { id, count } = self.by_number.remove(number)?;
        self.numbers.remove(&id);
        self.count -= count;
        Some(id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_can_be_used_again_once_its_request_has_ended() {
        let mut in_flight = InFlight::default();
        let id = RequestId::String("a".into());
        let first = in_flight.begin(&id, 100).unwrap();
        assert_eq!(in_flight.begin(&id, 100), None);
        assert_eq!(in_flight.end(&first), Some(id.clone()));
        let second = in_flight.begin(&id, 100).unwrap();
        assert_ne!(first, second);
        assert_eq!(in_flight.end(&first), None);
    }

    #[test]
    fn long_requests_fill_it_sooner() {
        let fill = |bytes| {
            let mut in_flight = InFlight::default();
            (0..)
                .take_while(|&id| {
                    !in_flight.is_full() && in_flight.begin(&RequestId::Number(id), bytes).is_some()
                })
                .count()
        };
        assert_eq!(fill(200), RUNNING_LIMIT + WAITING_LIMIT);
        assert!(fill(1024 * 1024) < 6);
    }
}
