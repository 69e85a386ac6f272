//! Confirmations: the secret that they are sealed with, and which of them were used.

use super::{Session, on};
use crate::domain::time::Timestamp;

impl Session {
    /// The secret that confirmations are sealed with, once somebody has made one.
    pub async fn confirmation_secret(&mut self) -> sqlx::Result<Option<String>> {
        let sql = "select secret from confirmation_secret where id = 1";
        on!(self, |db| sqlx::query_scalar(sql).fetch_optional(db).await)
    }

    /// Keeps a secret, unless another process was first.
    pub async fn keep_confirmation_secret(&mut self, secret: &str) -> sqlx::Result<()> {
        let sql =
            "insert into confirmation_secret (id, secret) values (1, $1) on conflict do nothing";
        on!(self, |db| sqlx::query(sql).bind(secret).execute(db).await.map(drop))
    }

    /// Uses a confirmation inside the transaction that does what was confirmed; whether it was unused.
    /// A call with the same one in another process waits here until this one commits or rolls back.
    pub async fn use_confirmation(
        &mut self,
        nonce: &str,
        expires_at: Timestamp,
        now: Timestamp,
    ) -> sqlx::Result<bool> {
        let sql = "delete from used_confirmations where expires_at < $1";
        on!(self, |db| sqlx::query(sql).bind(now).execute(db).await.map(drop))?;
        let sql = "insert into used_confirmations (nonce, expires_at) values ($1, $2)
                   on conflict do nothing";
        let inserted = on!(self, |db| sqlx::query(sql)
            .bind(nonce)
            .bind(expires_at)
            .execute(db)
            .await
            .map(|done| done.rows_affected()))?;
        Ok(inserted == 1)
    }
}
