//! Decoded VINs: memory, then the database, then NHTSA, and the data inside the program where none of
//! them answers in time.

use std::sync::Arc;
use std::time::{Duration, Instant};

use moka::future::Cache;
use tokio::sync::Semaphore;
use tokio::time::timeout;

use super::vpic::VehicleData;
use crate::clients::UpstreamError;
use crate::clients::nhtsa::NhtsaClient;
use crate::config::{Nhtsa, VinSettings};
use crate::domain::time::Timestamp;
use crate::domain::vin::Vin;
use crate::domain::vin::decoded::{DecodedVin, Source};
use crate::domain::vin::vpic::Vpic;
use crate::store::Store;
use crate::telemetry;

/// How long NHTSA's word is kept, in seconds: 7 days.
const KEPT_SECONDS: i64 = 7 * 86_400;
/// How many VINs are kept in memory.
const CAPACITY: u64 = 2_000;
/// How many callers wait for NHTSA at once: a quarter of the calls that run at once, so that a slow
/// service leaves room for everything else. The others get the embedded answer.
const MAX_WAITING: usize = 8;
/// How many requests to NHTSA are under way at once, those included that nobody waits for any more.
const MAX_REQUESTS: usize = 16;
/// How long an answer waits until it is kept in the database; the rest is done behind its back.
const KEEPING_PATIENCE: Duration = Duration::from_millis(100);

/// What is known of a VIN.
#[derive(Clone, Debug)]
pub struct Decoded {
    /// The vehicle; `None` where nobody knows a make for it.
    pub vehicle: Option<DecodedVin>,
    /// Who said so.
    pub source: Source,
    /// Whether NHTSA answered and knew no make.
    pub is_unknown_to_nhtsa: bool,
}

/// What NHTSA said of a VIN, and when; no vehicle where it knows no make.
#[derive(Clone, Debug)]
struct Kept {
    vehicle: Option<DecodedVin>,
    fetched_at: Timestamp,
}

/// Decoded VINs. Calls that wait for the same VIN share one request, and one that nobody waits for
/// any more still fills the cache.
pub struct VinCache {
    memory: Cache<Vin, Kept>,
    client: Option<Arc<NhtsaClient>>,
    patience: Duration,
    data: Arc<VehicleData>,
    waiting: Semaphore,
    requests: Arc<Semaphore>,
}

impl VinCache {
    /// An empty cache in front of NHTSA and of the embedded data.
    pub fn new(nhtsa: Nhtsa, vin: VinSettings) -> Self {
        let patience = Duration::from_millis(nhtsa.patience_ms);
        let client = |base_url: String| Arc::new(NhtsaClient::with_patience(&base_url, patience));
        Self {
            memory: Cache::new(CAPACITY),
            client: nhtsa.base_url.map(client),
            patience,
            data: Arc::new(VehicleData::new(vin.data_file)),
            waiting: Semaphore::new(MAX_WAITING),
            requests: Arc::new(Semaphore::new(MAX_REQUESTS)),
        }
    }

    /// What NHTSA says, or said in the last 7 days, of this VIN; what its data in this program says
    /// where it does not answer within the caller's patience, or knows no make.
    ///
    /// `store` opens the database. Where NHTSA is never asked, it is not awaited.
    pub async fn decode(
        &self,
        vin: &Vin,
        store: impl Future<Output = Option<Arc<Store>>>,
        now: Timestamp,
    ) -> Decoded {
        let said = self.ask(vin, store, now).await;
        if self.client.is_some() {
            telemetry::note_cache(matches!(said, Some((_, Source::Cache))));
        }
        let is_unknown_to_nhtsa = said.is_some();
        if let Some((Kept { vehicle: Some(vehicle), .. }, source)) = said {
            return Decoded { vehicle: Some(vehicle), source, is_unknown_to_nhtsa: false };
        }
        let vehicle = self.decode_offline(vin, now).await;
        Decoded { vehicle, source: Source::Offline, is_unknown_to_nhtsa }
    }

    /// What the data in this program says of a VIN. Waits for nobody.
    pub async fn decode_offline(&self, vin: &Vin, now: Timestamp) -> Option<DecodedVin> {
        self.data().await.vehicle(vin, now)
    }

    /// The vehicle data.
    pub async fn data(&self) -> Vpic<'static> {
        self.data.load().await
    }

    /// What NHTSA says or said, and from where that comes; `None` where that is not known in time.
    async fn ask(
        &self,
        vin: &Vin,
        store: impl Future<Output = Option<Arc<Store>>>,
        now: Timestamp,
    ) -> Option<(Kept, Source)> {
        let client = self.client.clone()?;
        if let Some(kept) = self.memory.get(vin).await {
            if kept.fetched_at > now.plus_seconds(-KEPT_SECONDS) {
                return Some((kept, Source::Cache));
            }
            self.memory.invalidate(vin).await;
        }
        let _waiting = self.waiting.try_acquire().ok()?;
        let started = Instant::now();
        let mut opened = None;
        // A database that does not answer leaves time enough for NHTSA.
        let kept = timeout(self.patience / 3, async {
            opened = store.await;
            kept_in(opened.as_deref(), vin, now).await
        });
        if let Ok(Some(kept)) = kept.await {
            self.memory.insert(*vin, kept.clone()).await;
            return Some((kept, Source::Cache));
        }
        let answer = self.request(client, *vin, opened, now)?;
        let patience = self.patience.saturating_sub(started.elapsed());
        let answer = timeout(patience, answer).await.ok()?.ok()?;
        match answer {
            Ok(kept) => Some((kept, Source::Nhtsa)),
            Err(error) => {
                tracing::debug!(%error, "NHTSA gave no answer; the embedded data does");
                None
            }
        }
    }

    /// Asks NHTSA in a task of its own, so that the answer is kept even when nobody waits for it any
    /// more; `None` where too many requests are under way.
    fn request(
        &self,
        client: Arc<NhtsaClient>,
        vin: Vin,
        store: Option<Arc<Store>>,
        now: Timestamp,
    ) -> Option<tokio::task::JoinHandle<Result<Kept, Arc<UpstreamError>>>> {
        let permit = Arc::clone(&self.requests).try_acquire_owned().ok()?;
        let memory = self.memory.clone();
        Some(tokio::spawn(telemetry::inherit(async move {
            let fetch = async {
                let kept = Kept { vehicle: client.decode(&vin).await?, fetched_at: now };
                let keeping = tokio::spawn(keep_in(store, vin, kept.clone()));
                let _ = timeout(KEEPING_PATIENCE, keeping).await;
                Ok(kept)
            };
            let kept = memory.try_get_with_by_ref(&vin, fetch).await;
            drop(permit);
            kept
        })))
    }
}

/// What the database kept. A database that does not answer is no reason to decode nothing.
async fn kept_in(store: Option<&Store>, vin: &Vin, now: Timestamp) -> Option<Kept> {
    let mut session = store?.read().await.ok()?;
    let oldest = now.plus_seconds(-KEPT_SECONDS);
    let (decoded, fetched_at) = session.vin_decode(vin.as_str(), oldest).await.ok()??;
    let vehicle = decoded.map(|json| serde_json::from_str(&json)).transpose().ok()?;
    Some(Kept { vehicle, fetched_at })
}

async fn keep_in(store: Option<Arc<Store>>, vin: Vin, kept: Kept) {
    let write = async {
        let Some(store) = store else { return Ok(()) };
        let json = kept.vehicle.as_ref().and_then(|vehicle| serde_json::to_string(vehicle).ok());
        let mut session = store.write().await?;
        session.keep_vin_decode(vin.as_str(), json.as_deref(), kept.fetched_at).await?;
        session.commit().await
    };
    if let Err(error) = write.await {
        tracing::warn!(%error, "a decoded VIN could not be kept");
    }
}
