//! Decoded VINs: memory, then the database, then NHTSA.

use std::sync::Arc;
use std::time::Duration;

use moka::future::Cache;

use crate::clients::UpstreamError;
use crate::clients::nhtsa::NhtsaClient;
use crate::config::Nhtsa;
use crate::domain::time::Timestamp;
use crate::domain::vin::Vin;
use crate::domain::vin::decoded::DecodedVin;
use crate::store::Store;

/// How long NHTSA's word is kept, in seconds: 7 days.
const KEPT_SECONDS: i64 = 7 * 86_400;
/// How many VINs are kept in memory.
const CAPACITY: u64 = 2_000;

/// What NHTSA said of a VIN.
#[derive(Clone, Debug)]
pub struct Decoded {
    /// The vehicle; `None` where NHTSA knows no make for it.
    pub vehicle: Option<DecodedVin>,
    /// Whether it was kept from an earlier call.
    pub from_cache: bool,
    fetched_at: Timestamp,
}

/// Decoded VINs. Calls that wait for the same VIN share one request, and one that nobody waits for
/// any more still fills the cache.
pub struct VinCache {
    memory: Cache<Vin, Decoded>,
    client: Option<Arc<NhtsaClient>>,
    patience: Duration,
}

impl VinCache {
    /// An empty cache in front of NHTSA.
    pub fn new(settings: Nhtsa) -> Self {
        let patience = Duration::from_millis(settings.patience_ms);
        let client = |base_url: String| Arc::new(NhtsaClient::with_patience(&base_url, patience));
        Self { memory: Cache::new(CAPACITY), client: settings.base_url.map(client), patience }
    }

    /// What NHTSA says, or said in the last 7 days, of this VIN.
    ///
    /// # Errors
    /// Where it was never asked before and does not answer, or not within the caller's patience.
    pub async fn decode(
        &self,
        vin: &Vin,
        store: Option<Arc<Store>>,
        now: Timestamp,
    ) -> Result<Decoded, Arc<UpstreamError>> {
        if let Some(kept) = self.memory.get(vin).await {
            if kept.fetched_at > now.plus_seconds(-KEPT_SECONDS) {
                return Ok(Decoded { from_cache: true, ..kept });
            }
            self.memory.invalidate(vin).await;
        }
        if let Some(kept) = kept_in(store.as_deref(), vin, now).await {
            self.memory.insert(*vin, kept.clone()).await;
            return Ok(kept);
        }
        self.ask(vin, store, now).await
    }

    async fn ask(
        &self,
        vin: &Vin,
        store: Option<Arc<Store>>,
        now: Timestamp,
    ) -> Result<Decoded, Arc<UpstreamError>> {
        let Some(client) = self.client.clone() else { return Err(Arc::new(UpstreamError::Off)) };
        let (memory, vin) = (self.memory.clone(), *vin);
        // A task of its own, so that the answer is kept even when this caller no longer waits.
        let asking = tokio::spawn(async move {
            let fetch = async {
                let vehicle = client.decode(&vin).await?;
                let decoded = Decoded { vehicle, from_cache: false, fetched_at: now };
                keep_in(store.as_deref(), &vin, &decoded, now).await;
                Ok(decoded)
            };
            memory.try_get_with_by_ref(&vin, fetch).await
        });
        match tokio::time::timeout(self.patience, asking).await {
            Ok(Ok(answer)) => answer,
            Ok(Err(_)) | Err(_) => Err(Arc::new(UpstreamError::Timeout)),
        }
    }
}

/// What the database kept. A database that does not answer is no reason to decode nothing.
async fn kept_in(store: Option<&Store>, vin: &Vin, now: Timestamp) -> Option<Decoded> {
    let read = async {
        let mut session = store?.read().await.ok()?;
        session.vin_decode(vin.as_str(), now.plus_seconds(-KEPT_SECONDS)).await.ok()?
    };
    let (decoded, fetched_at) = read.await?;
    let vehicle = decoded.map(|json| serde_json::from_str(&json)).transpose().ok()?;
    Some(Decoded { vehicle, from_cache: true, fetched_at })
}

async fn keep_in(store: Option<&Store>, vin: &Vin, decoded: &Decoded, now: Timestamp) {
    let write = async {
        let Some(store) = store else { return Ok(()) };
        let json = decoded.vehicle.as_ref().and_then(|vehicle| serde_json::to_string(vehicle).ok());
        let mut session = store.write().await?;
        session.keep_vin_decode(vin.as_str(), json.as_deref(), now).await?;
        session.commit().await
    };
    if let Err(error) = write.await {
        tracing::warn!(%error, "a decoded VIN could not be kept");
    }
}
