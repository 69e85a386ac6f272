//! One of the shop's own systems, behind a cache: its client, what is known where its answers are read,
//! and the tasks in which it is asked.

use std::hash::Hash;
use std::sync::Arc;

use super::flights::Flights;
use crate::clients::{Upstream, UpstreamError};
use crate::domain::remote::{Context, Defaults};
use crate::domain::shop::Shop;
use crate::domain::time::Timestamp;
use crate::telemetry;

/// One of the shop's own systems, where it has one.
pub struct Remote<C> {
    service: Upstream,
    client: Option<Arc<C>>,
    defaults: Defaults,
}

/// The system as one question or change sees it, in a task of its own.
pub struct Asked<C> {
    /// What asks it.
    pub client: Arc<C>,
    service: Upstream,
    defaults: Defaults,
    now: Timestamp,
}

impl<C> Asked<C> {
    /// What is known where its answer is read.
    pub fn context(&self) -> Context<'_> {
        self.defaults.context(self.service.name(), self.now)
    }
}

impl<C> Remote<C> {
    /// The system behind this client; `None`: the shop has none.
    pub fn new(service: Upstream, client: Option<C>, shop: &Shop) -> Self {
        Self { service, client: client.map(Arc::new), defaults: Defaults::of(shop) }
    }

    /// Whether there is one.
    pub fn is_on(&self) -> bool {
        self.client.is_some()
    }

    fn asked(&self, now: Timestamp) -> Result<Asked<C>, Arc<UpstreamError>> {
        let client = self.client.clone().ok_or_else(|| Arc::new(UpstreamError::Off))?;
        Ok(Asked { client, service: self.service, defaults: self.defaults.clone(), now })
    }

    /// Asks, or joins those who ask the same.
    ///
    /// # Errors
    /// Where there is no such system, or the task was lost.
    pub async fn ask<Q, V, F>(
        &self,
        (flights, question): (&Flights<Q, V>, Q),
        now: Timestamp,
        ask: impl FnOnce(Asked<C>) -> F,
    ) -> Result<V, Arc<UpstreamError>>
    where
        Q: Clone + Eq + Hash + Send + 'static,
        V: Clone + Send + Sync + 'static,
        F: Future<Output = V> + Send + 'static,
    {
        let asked = self.asked(now)?;
        let answer = flights.join(question, || ask(asked)).await;
        answer.ok_or_else(|| Arc::new(UpstreamError::Timeout))
    }

    /// Has it change something, in a task of its own, so that the breaker learns how it ended whoever
    /// waits. What is asked from then on joins no question that came before.
    ///
    /// # Errors
    /// Where it was not made, or nobody knows whether it was.
    pub async fn change<Q, V, T, F>(
        &self,
        flights: &Flights<Q, V>,
        now: Timestamp,
        change: impl FnOnce(Asked<C>) -> F,
    ) -> Result<T, Arc<UpstreamError>>
    where
        Q: Clone + Eq + Hash + Send + 'static,
        V: Clone + Send + Sync + 'static,
        T: Send + 'static,
        F: Future<Output = Result<T, UpstreamError>> + Send + 'static,
    {
        let task = tokio::spawn(telemetry::inherit(change(self.asked(now)?)));
        let changed = task.await.unwrap_or(Err(UpstreamError::Timeout));
        flights.forget();
        changed.map_err(Arc::new)
    }
}
