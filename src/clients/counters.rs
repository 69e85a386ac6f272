//! How the services have answered this process since that was last written down.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use tokio::sync::Notify;

use super::{Upstream, UpstreamError};
use crate::domain::time::Timestamp;
use crate::domain::upstream_counts::Counts;

/// The counters of this process, which asks each service by one client.
pub static COUNTERS: Counters = Counters {
    gathered: Mutex::new(BTreeMap::new()),
    changed: Notify::const_new(),
    turned: Notify::const_new(),
};

/// What has been counted and not yet been written down.
#[derive(Debug)]
pub struct Counters {
    gathered: Mutex<BTreeMap<Upstream, Counts>>,
    changed: Notify,
    /// A circuit opened or closed.
    turned: Notify,
}

impl Counters {
    /// Notes how a call ended.
    pub(super) fn called(&self, upstream: Upstream, error: Option<&UpstreamError>, at: Timestamp) {
        self.count(upstream, |counts| {
            counts.calls += 1;
            let (code, place) = match error.map(UpstreamError::last) {
                None => {
                    counts.successes += 1;
                    return;
                }
                Some(UpstreamError::Timeout) => ("upstream_timeout", &mut counts.timeouts),
                Some(UpstreamError::Unauthorized) => {
                    ("upstream_unauthorized", &mut counts.unauthorized)
                }
                Some(UpstreamError::RateLimited { .. }) => {
                    ("upstream_rate_limited", &mut counts.rate_limited)
                }
                Some(UpstreamError::CircuitOpen | UpstreamError::Off) => {
                    ("upstream_unavailable", &mut counts.unavailable)
                }
                Some(_) => ("upstream_error", &mut counts.errors),
            };
            *place += 1;
            (counts.last_error, counts.last_error_at) = (Some(code.to_owned()), Some(at));
        });
    }

    /// Notes that a request is sent once more.
    pub(super) fn retried(&self, upstream: Upstream) {
        self.count(upstream, |counts| counts.retries += 1);
    }

    /// Notes until when the circuit is open, and whether it was closed before.
    pub(super) fn opened(&self, upstream: Upstream, until: Timestamp, is_new: bool) {
        self.count(upstream, |counts| {
            counts.openings += i64::from(is_new);
            counts.open_until = Some(until);
        });
        self.turned.notify_one();
    }

    /// Notes that the circuit closed.
    pub(super) fn closed(&self, upstream: Upstream) {
        self.count(upstream, |counts| counts.open_until = Some(Timestamp(0)));
        self.turned.notify_one();
    }

    /// Completes when something has been counted since it last did.
    pub async fn changed(&self) {
        self.changed.notified().await;
    }

    /// Completes when a circuit has opened or closed since it last did.
    pub async fn turned(&self) {
        self.turned.notified().await;
    }

    /// Takes what has been counted, to write it down.
    pub fn take(&self) -> BTreeMap<Upstream, Counts> {
        std::mem::take(&mut *self.gathered.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Gives back what could not be written down.
    pub fn put_back(&self, counted: BTreeMap<Upstream, Counts>) {
        let mut gathered = self.gathered.lock().unwrap_or_else(PoisonError::into_inner);
        for (upstream, mut counts) in counted {
            counts.add(gathered.remove(&upstream).unwrap_or_default());
            gathered.insert(upstream, counts);
        }
        self.changed.notify_one();
    }

    fn count(&self, upstream: Upstream, note: impl FnOnce(&mut Counts)) {
        let mut gathered = self.gathered.lock().unwrap_or_else(PoisonError::into_inner);
        note(gathered.entry(upstream).or_default());
        self.changed.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_could_not_be_written_down_is_kept() {
        let counters = Counters {
            gathered: Mutex::default(),
            changed: Notify::const_new(),
            turned: Notify::const_new(),
        };
        counters.called(Upstream::Crm, Some(&UpstreamError::Timeout), Timestamp(5));
        counters.changed().await;
        let taken = counters.take();
        counters.called(Upstream::Crm, None, Timestamp(6));
        counters.put_back(taken);
        counters.changed().await;
        let expected = Counts {
            calls: 2,
            successes: 1,
            timeouts: 1,
            last_error: Some("upstream_timeout".to_owned()),
            last_error_at: Some(Timestamp(5)),
            ..Counts::default()
        };
        assert_eq!(counters.take(), BTreeMap::from([(Upstream::Crm, expected)]));
        assert!(counters.take().is_empty());
    }
}
