//! A change and its idempotency key, in one transaction.

use std::sync::Arc;

use serde::Serialize;
use serde_json::Value;

use super::Call;
use super::arguments::refuse;
use super::reply::{Answer, render};
use crate::domain::text;
use crate::error::{Code, Refusal, ToolError};
use crate::store::{Claim, Session, Store};

/// A transaction that a tool writes in. Dropped without [`Write::finish`], it changes nothing.
pub struct Write {
    /// The transaction.
    pub session: Session,
    /// The database that it is a transaction of.
    pub store: Arc<Store>,
    /// The tool's name and the key, where the call brings one.
    claim: Option<(&'static str, String)>,
}

/// What a write begins with.
pub enum Begun {
    /// The work is still to be done.
    Fresh(Write),
    /// It was done under this key before: the envelope that was the reply.
    Replayed(Value),
}

impl Write {
    /// Opens the transaction of a tool that takes no key.
    ///
    /// # Errors
    /// Where the database is away.
    pub async fn open(call: &Call<'_>) -> Result<Self, ToolError> {
        let store = call.engine.store().await?;
        Ok(Self { session: store.write().await?, store, claim: None })
    }

    /// Opens the transaction and claims the key, if the call brings one.
    ///
    /// # Errors
    /// Where the key was used with other arguments, or the database is away.
    pub async fn begin(
        call: &Call<'_>,
        tool: &'static str,
        key: Option<&str>,
    ) -> Result<Begun, ToolError> {
        if let Some(key) = key {
            text::name(key).map_err(|wrong| refuse("idempotency_key", wrong))?;
        }
        let mut write = Self::open(call).await?;
        let (Some(key), Some(hash)) = (key, &call.arguments_hash) else {
            return Ok(Begun::Fresh(write));
        };
        match write.session.claim_key(tool, key, hash, call.now).await? {
            Claim::Fresh => {
                write.claim = Some((tool, key.to_owned()));
                Ok(Begun::Fresh(write))
            }
            Claim::Replayed(envelope) => Ok(Begun::Replayed(serde_json::from_str(&envelope)?)),
            Claim::Conflict => Err(conflict().into()),
        }
    }

    /// The envelope that this key was first answered with, where the work is done elsewhere before the
    /// key is claimed here.
    ///
    /// # Errors
    /// Where the key was used with other arguments, or the database is away.
    pub async fn earlier(
        call: &Call<'_>,
        tool: &'static str,
        key: Option<&str>,
    ) -> Result<Option<Value>, ToolError> {
        let Some(key) = key else { return Ok(None) };
        text::name(key).map_err(|wrong| refuse("idempotency_key", wrong))?;
        let Some(hash) = &call.arguments_hash else { return Ok(None) };
        let mut session = call.engine.store().await?.read().await?;
        match session.look_up_key(tool, key, hash).await? {
            Claim::Fresh => Ok(None),
            Claim::Replayed(envelope) => Ok(Some(serde_json::from_str(&envelope)?)),
            Claim::Conflict => Err(conflict().into()),
        }
    }

    /// Keeps the reply under the key, commits, and drops what memory held of the customers.
    ///
    /// # Errors
    /// Where the database could not; nothing was changed then, unless the error says otherwise.
    pub async fn finish<D: Serialize>(mut self, answer: Answer<D>) -> Result<Answer<D>, ToolError> {
        if let (Some((tool, key)), Answer::New { message, data, .. }) = (&self.claim, &answer) {
            let envelope = render(message, data, false)?;
            self.session.keep_reply(tool, key, &envelope).await?;
        }
        self.session.commit().await.map_err(|error| match error {
            // The database itself says that it did not.
            sqlx::Error::Database(_) => ToolError::from(error),
            error => ToolError::OutcomeUnknown(Some(error)),
        })?;
        self.store.customers_changed();
        self.store.changed.notify_one();
        Ok(answer)
    }
}

/// The refusal of a key that was used with other arguments.
pub(super) fn conflict() -> Refusal {
    Refusal::new(
        Code::IdempotencyConflict,
        "That request was already made with other details.",
        "this idempotency_key was used with other arguments",
    )
    .hint("Use a new idempotency_key for a new request, or repeat the first one exactly.")
}
