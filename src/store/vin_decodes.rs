//! What NHTSA said of a VIN, so that a new process starts warm.

use super::{Session, on};
use crate::domain::time::Timestamp;

impl Session {
    /// What was said of this VIN since `oldest`, and when: JSON, or nothing where no make was known.
    pub async fn vin_decode(
        &mut self,
        vin: &str,
        oldest: Timestamp,
    ) -> sqlx::Result<Option<(Option<String>, Timestamp)>> {
        let sql = "select decoded, fetched_at from vin_decodes where vin = $1 and fetched_at > $2";
        on!(self, |db| sqlx::query_as(sql).bind(vin).bind(oldest).fetch_optional(db).await)
    }

    /// Keeps what was said of this VIN.
    pub async fn keep_vin_decode(
        &mut self,
        vin: &str,
        decoded: Option<&str>,
        now: Timestamp,
    ) -> sqlx::Result<()> {
        let sql = "insert into vin_decodes (vin, decoded, fetched_at) values ($1, $2, $3)
                   on conflict (vin) do update
                   set decoded = excluded.decoded, fetched_at = excluded.fetched_at";
        on!(self, |db| sqlx::query(sql)
            .bind(vin)
            .bind(decoded)
            .bind(now)
            .execute(db)
            .await
            .map(drop))
    }
}
