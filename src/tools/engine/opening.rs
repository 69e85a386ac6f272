//! What is opened at the first use and closed at the end: the database, and the shop's calendar.

use std::sync::{Arc, PoisonError};
use std::time::Duration;

use futures_util::FutureExt;

use super::Engine;
use crate::error::ToolError;
use crate::store::Store;

/// How long the end of the process waits for the calendar.
const LAST_WRITES: Duration = Duration::from_secs(1);

/// How long a process of one call waits for the search index: a million customers take a few minutes.
const INDEXING_LIMIT: Duration = Duration::from_secs(900);

impl Engine {
    /// The database. The first call opens it, and so does the next one after it could not be opened
    /// or was deleted, replaced or made anew.
    ///
    /// # Errors
    /// Where it cannot be opened.
    pub async fn store(&self) -> Result<Arc<Store>, ToolError> {
        if let Some(store) = self.open_store() {
            return Ok(store);
        }
        let _opening = self.opening.lock().await;
        if let Some(store) = self.open_store() {
            return Ok(store);
        }
        let store = Store::open(&self.config.database, self.shop()).await;
        let store = Arc::new(store.map_err(ToolError::DatabaseClosed)?);
        self.set_store(Some(Arc::clone(&store)));
        Ok(store)
    }

    pub(super) fn open_store(&self) -> Option<Arc<Store>> {
        let store = self.store.read().unwrap_or_else(PoisonError::into_inner).clone();
        store.filter(|store| store.is_current())
    }

    pub(super) fn set_store(&self, store: Option<Arc<Store>>) {
        *self.store.write().unwrap_or_else(PoisonError::into_inner) = store;
    }

    /// Begins to keep the shop's calendar, where one is connected.
    pub fn keep_calendar(self: &Arc<Self>) {
        let Some(calendar) = self.calendar.clone() else { return };
        let engine = Arc::clone(self);
        let open = move || {
            let engine = Arc::clone(&engine);
            async move { engine.store().await.ok() }.boxed()
        };
        let task = tokio::spawn(calendar.keep(Box::new(open)));
        *self.keeping.lock().unwrap_or_else(PoisonError::into_inner) = Some(task);
    }

    /// Lets the calendar have what was changed last, for a second at most.
    pub async fn finish_calendar(&self) {
        let task = self.keeping.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let (Some(calendar), Some(task)) = (&self.calendar, task) {
            calendar.stop();
            let _ = tokio::time::timeout(LAST_WRITES, task).await;
        }
    }

    /// Waits for the search index, where a call has had it catch up; whether one has. A server goes on with that
    /// beside its calls, and a process of one call would lose it each time.
    pub async fn finish_indexing(&self) -> bool {
        let store = self.open_store().filter(|store| store.has_begun_to_catch_up());
        let Some(store) = store else { return false };
        // One run at a time: this one begins when the other is over, and finds little left. Where it fails, the next
        // search tells.
        let rest = store.index_customers(|_, _| ());
        let _ = tokio::time::timeout(INDEXING_LIMIT, rest).await;
        true
    }

    /// Closes the database, if it was opened.
    pub async fn close(&self) {
        self.keep_counts().await;
        let store = self.store.read().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some(store) = store {
            store.close().await;
        }
    }
}
