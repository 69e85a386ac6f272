//! How the services that are asked have answered, all processes together. One row for each service.

use super::{Session, on};
use crate::domain::time::Timestamp;
use crate::domain::upstream_counts::Counts;

/// How a service has answered since its first call.
#[derive(Clone, Debug, Eq, PartialEq, sqlx::FromRow)]
pub struct Answered {
    /// The service's key.
    pub service: String,
    /// When its first call was counted.
    pub since: Timestamp,
    /// What was counted.
    #[sqlx(flatten)]
    pub counts: Counts,
}

impl Session {
    /// Adds what a process has counted of a service.
    pub async fn add_upstream_counts(
        &mut self,
        service: &str,
        counts: &Counts,
        now: Timestamp,
    ) -> sqlx::Result<()> {
        let sql = "insert into upstream_counters as kept
                       (service, since, calls, successes, timeouts, errors, unauthorized,
                        rate_limited, unavailable, retries, openings, open_until, last_error,
                        last_error_at)
                   values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)
                   on conflict (service) do update set
                       calls = kept.calls + excluded.calls,
                       successes = kept.successes + excluded.successes,
                       timeouts = kept.timeouts + excluded.timeouts,
                       errors = kept.errors + excluded.errors,
                       unauthorized = kept.unauthorized + excluded.unauthorized,
                       rate_limited = kept.rate_limited + excluded.rate_limited,
                       unavailable = kept.unavailable + excluded.unavailable,
                       retries = kept.retries + excluded.retries,
                       openings = kept.openings + excluded.openings,
                       open_until = coalesce(excluded.open_until, kept.open_until),
                       last_error = coalesce(excluded.last_error, kept.last_error),
                       last_error_at = coalesce(excluded.last_error_at, kept.last_error_at)";
        on!(self, |db| sqlx::query(sql)
            .bind(service)
            .bind(now)
            .bind(counts.calls)
            .bind(counts.successes)
            .bind(counts.timeouts)
            .bind(counts.errors)
            .bind(counts.unauthorized)
            .bind(counts.rate_limited)
            .bind(counts.unavailable)
            .bind(counts.retries)
            .bind(counts.openings)
            .bind(counts.open_until)
            .bind(counts.last_error.as_deref())
            .bind(counts.last_error_at)
            .execute(db)
            .await
            .map(drop))
    }

    /// How each service has answered.
    pub async fn upstream_counts(&mut self) -> sqlx::Result<Vec<Answered>> {
        let sql = "select service, since, calls, successes, timeouts, errors, unauthorized,
                          rate_limited, unavailable, retries, openings, open_until, last_error,
                          last_error_at
                   from upstream_counters order by service";
        on!(self, |db| sqlx::query_as(sql).fetch_all(db).await)
    }
}
