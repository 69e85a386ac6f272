//! How the services have answered, counted in memory and written down now and then.

use std::time::Duration;

use crate::clients::counters::COUNTERS;
use crate::domain::time::Timestamp;
use crate::store::Store;

/// How long writing down may take: it is never worth a wait.
const LIMIT: Duration = Duration::from_secs(2);

/// Writes down what has been counted since the last time; what cannot be written is kept for the
/// next.
pub async fn keep_counts(store: &Store, now: Timestamp) {
    let counted = COUNTERS.take();
    if counted.is_empty() {
        return;
    }
    let write = async {
        let mut session = store.write().await?;
        for (upstream, counts) in &counted {
            session.add_upstream_counts(upstream.key(), counts, now).await?;
        }
        session.commit().await
    };
    match tokio::time::timeout(LIMIT, write).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => {
            tracing::debug!(%error, "the services' counters could not be kept");
            COUNTERS.put_back(counted);
        }
        Err(_) => COUNTERS.put_back(counted),
    }
}
