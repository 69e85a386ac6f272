//! Changes that a remote service was asked for under a key of ours, until it is known what became of
//! them: whoever heard no answer says the same again, and then it has to be the same change there, too.

use super::{Session, on};
use crate::domain::time::Timestamp;

/// For how long after the last try the same again is the same change, in seconds.
const REPEATED_WITHIN_SECONDS: i64 = 600;
/// For how long after the first try, in seconds: services remember a key for a day.
const REMEMBERED_SECONDS: i64 = 86_400;

pub(super) const LAPSED: &str =
    "delete from remote_changes where last_asked_at < $1 or first_asked_at < $2";
pub(super) const BUSY: &str =
    "select count(*) from remote_changes where request = $1 and busy_until > $2";
pub(super) const TAKE_UP: &str = "update remote_changes set last_asked_at = $2, busy_until = $3
     where key = (select key from remote_changes where request = $1
                  order by first_asked_at, key limit 1)
     returning key";

impl Session {
    /// Whether somebody waits for the answer to this request.
    pub async fn is_remote_change_busy(
        &mut self,
        request: &str,
        now: Timestamp,
    ) -> sqlx::Result<bool> {
        let count: i64 =
            on!(self, |db| sqlx::query_scalar(BUSY).bind(request).bind(now).fetch_one(db).await)?;
        Ok(count > 0)
    }

    /// The key of this request, in a transaction: the one under which it was made before, where nobody
    /// knows what became of it, else `new_key`. Somebody waits for the answer until `busy_until`.
    pub async fn begin_remote_change(
        &mut self,
        request: &str,
        new_key: &str,
        (now, busy_until): (Timestamp, Timestamp),
    ) -> sqlx::Result<String> {
        self.forget_remote_changes(now).await?;
        let known: Option<String> = on!(self, |db| sqlx::query_scalar(TAKE_UP)
            .bind(request)
            .bind(now)
            .bind(busy_until)
            .fetch_optional(db)
            .await)?;
        if let Some(key) = known {
            return Ok(key);
        }
        let sql =
            "insert into remote_changes (key, request, first_asked_at, last_asked_at, busy_until)
                   values ($1, $2, $3, $3, $4)
                   returning key";
        on!(self, |db| sqlx::query_scalar(sql)
            .bind(new_key)
            .bind(request)
            .bind(now)
            .bind(busy_until)
            .fetch_one(db)
            .await)
    }

    /// Notes, in a transaction, that this request is made under a key of the caller's, so that the same
    /// without a key has it, too: whether it was made under it before and nobody knows what became of
    /// it. `None` where the key is that of another request.
    pub async fn note_remote_change(
        &mut self,
        request: &str,
        key: &str,
        (now, busy_until): (Timestamp, Timestamp),
    ) -> sqlx::Result<Option<bool>> {
        self.forget_remote_changes(now).await?;
        let again = "update remote_changes set last_asked_at = $3, busy_until = $4
                     where key = $1 and request = $2";
        let new =
            "insert into remote_changes (key, request, first_asked_at, last_asked_at, busy_until)
                   values ($1, $2, $3, $3, $4)
                   on conflict (key) do nothing";
        for (sql, is_again) in [(again, true), (new, false)] {
            let rows = on!(self, |db| sqlx::query(sql)
                .bind(key)
                .bind(request)
                .bind(now)
                .bind(busy_until)
                .execute(db)
                .await
                .map(|done| done.rows_affected()))?;
            if rows > 0 {
                return Ok(Some(is_again));
            }
        }
        Ok(None)
    }

    async fn forget_remote_changes(&mut self, now: Timestamp) -> sqlx::Result<()> {
        let (last, first) =
            (now.plus_seconds(-REPEATED_WITHIN_SECONDS), now.plus_seconds(-REMEMBERED_SECONDS));
        on!(self, |db| sqlx::query(LAPSED).bind(last).bind(first).execute(db).await.map(drop))
    }

    /// Notes until when somebody waits for the answer.
    pub async fn put_off_remote_change(
        &mut self,
        key: &str,
        busy_until: Timestamp,
    ) -> sqlx::Result<()> {
        let sql = "update remote_changes set busy_until = $2 where key = $1";
        on!(self, |db| sqlx::query(sql).bind(key).bind(busy_until).execute(db).await.map(drop))
    }

    /// It is known what became of the change: the same again is another one.
    pub async fn end_remote_change(&mut self, key: &str) -> sqlx::Result<()> {
        let sql = "delete from remote_changes where key = $1";
        on!(self, |db| sqlx::query(sql).bind(key).execute(db).await.map(drop))
    }
}
