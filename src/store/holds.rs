//! Holds: times that are kept for callers who are still deciding.

use sqlx::FromRow;

use super::{Session, on};
use crate::domain::appointment::{Placement, ServiceType};
use crate::domain::hold::HoldId;
use crate::domain::id::ResourceId;
use crate::domain::time::{Interval, Timestamp};

/// A hold as the database has it; it may have expired.
#[derive(Clone, Debug, FromRow)]
pub struct Hold {
    /// The bay that it reserves.
    pub bay_id: ResourceId,
    /// The technician that it reserves.
    pub technician_id: Option<ResourceId>,
    /// The start of the visit.
    pub starts_at: Timestamp,
    /// The end of the visit.
    pub ends_at: Timestamp,
    /// From this instant on it counts no more.
    pub expires_at: Timestamp,
}

impl Hold {
    /// From the visit's start to its end.
    pub fn span(&self) -> Interval {
        Interval { start: self.starts_at, end: self.ends_at }
    }
}

impl Session {
    /// The hold with this id, whether it has expired or not.
    pub async fn hold(&mut self, id: &HoldId) -> sqlx::Result<Option<Hold>> {
        let sql = "select bay_id, technician_id, starts_at, ends_at, expires_at
                   from holds where id = $1";
        on!(self, |db| sqlx::query_as(sql).bind(id).fetch_optional(db).await)
    }

    /// Writes a hold; the schema reserves its bay and technician, or refuses it.
    pub async fn insert_hold(
        &mut self,
        id: &HoldId,
        placement: Placement,
        service_type: Option<ServiceType>,
        expires_at: Timestamp,
        now: Timestamp,
    ) -> sqlx::Result<()> {
        let sql = "insert into holds (id, bay_id, technician_id, starts_at, ends_at,
                                      reserved_until, service_type, expires_at, created_at)
                   values ($1, $2, $3, $4, $5, $6, $7, $8, $9)";
        on!(self, |db| sqlx::query(sql)
            .bind(id)
            .bind(placement.bay)
            .bind(placement.technician)
            .bind(placement.span.start)
            .bind(placement.span.end)
            .bind(placement.reserved_until)
            .bind(service_type)
            .bind(expires_at)
            .bind(now)
            .execute(db)
            .await
            .map(drop))
    }

    /// Frees what a hold reserves.
    pub async fn delete_hold(&mut self, id: &HoldId) -> sqlx::Result<()> {
        let sql = "delete from holds where id = $1";
        on!(self, |db| sqlx::query(sql).bind(id).execute(db).await.map(drop))
    }

    /// Frees what expired holds still occupy; a constraint cannot read the clock.
    pub async fn drop_expired_holds(&mut self, now: Timestamp) -> sqlx::Result<()> {
        let sql = "delete from holds where expires_at <= $1";
        on!(self, |db| sqlx::query(sql).bind(now).execute(db).await.map(drop))
    }
}
