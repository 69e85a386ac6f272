//! Idempotency keys: the reply that a key was first answered with.

use super::{Session, on};
use crate::domain::time::Timestamp;

/// How long a key is remembered, in seconds: 30 days.
const KEPT_SECONDS: i64 = 30 * 86_400;

/// What a key is worth to the call that brings it.
#[derive(Debug, Eq, PartialEq)]
pub enum Claim {
    /// It is new; this transaction has it.
    Fresh,
    /// It was used with the same arguments: the envelope that was the reply.
    Replayed(String),
    /// It was used with other arguments.
    Conflict,
}

impl Session {
    /// Claims a key inside the transaction that does the work. A call with the same key in another
    /// process waits here until this one commits or rolls back.
    pub async fn claim_key(
        &mut self,
        tool: &str,
        key: &str,
        arguments_hash: &str,
        now: Timestamp,
    ) -> sqlx::Result<Claim> {
        let sql = "delete from idempotency_keys where created_at < $1";
        on!(self, |db| sqlx::query(sql)
            .bind(now.plus_seconds(-KEPT_SECONDS))
            .execute(db)
            .await
            .map(drop))?;
        let sql = "insert into idempotency_keys (tool, key, arguments_hash, created_at)
                   values ($1, $2, $3, $4) on conflict do nothing";
        let inserted = on!(self, |db| sqlx::query(sql)
            .bind(tool)
            .bind(key)
            .bind(arguments_hash)
            .bind(now)
            .execute(db)
            .await
            .map(|done| done.rows_affected()))?;
        if inserted == 1 {
            Ok(Claim::Fresh)
        } else {
            self.earlier_claim(tool, key, arguments_hash).await
        }
    }

    /// What a key is worth, without claiming it.
    pub async fn look_up_key(
        &mut self,
        tool: &str,
        key: &str,
        arguments_hash: &str,
    ) -> sqlx::Result<Claim> {
        match self.earlier_claim(tool, key, arguments_hash).await {
            Err(sqlx::Error::RowNotFound) => Ok(Claim::Fresh),
            claim => claim,
        }
    }

    async fn earlier_claim(&mut self, tool: &str, key: &str, hash: &str) -> sqlx::Result<Claim> {
        let sql = "select arguments_hash, reply from idempotency_keys where tool = $1 and key = $2";
        let (earlier, reply): (String, Option<String>) =
            on!(self, |db| sqlx::query_as(sql).bind(tool).bind(key).fetch_one(db).await)?;
        Ok(match reply {
            Some(reply) if earlier == hash => Claim::Replayed(reply),
            _ => Claim::Conflict,
        })
    }

    /// Keeps the reply of a claimed key, so that it commits together with what it tells.
    pub async fn keep_reply(&mut self, tool: &str, key: &str, envelope: &str) -> sqlx::Result<()> {
        let sql = "update idempotency_keys set reply = $3 where tool = $1 and key = $2";
        on!(self, |db| sqlx::query(sql)
            .bind(tool)
            .bind(key)
            .bind(envelope)
            .execute(db)
            .await
            .map(drop))
    }
}
