//! What cannot be undone is confirmed by a person first.
//!
//! A tool does all of its checks and then calls [`Write::confirm`]: so nobody is asked about what
//! would be refused anyway, and what was confirmed is compared with the record in the very transaction
//! that changes it. Where nobody has said yes yet, the tool stops there, its transaction is dropped, and
//! the question goes to the person: by way of the client where it can ask (`server/asking`), else as a
//! refusal with a token that the next call brings.

use serde_json::{Value, json};

use super::arguments::{read_object, refuse};
use super::engine::{Call, CallContext, Engine};
use super::reply::{Answer, Reply};
use super::write::Write;
use crate::config::Confirm;
use crate::domain::confirmation::{Deed, Proof, Question, Secret, VALID_SECONDS};
use crate::domain::local_time::rfc3339;
use crate::domain::time::Timestamp;
use crate::error::{Code, Refusal, ToolError};

/// The argument that brings a token, where the client cannot ask.
pub const TOKEN: &str = "confirm_token";
/// What a client that has asked brings the proof in.
const STATE: &str = "requestState";

/// A question for the client to ask.
#[derive(Clone, Debug)]
pub struct Ask {
    /// The sentence.
    pub sentence: String,
    /// The sealed proof that comes back with the answer.
    pub proof: String,
}

/// How a call stands to the person behind it.
#[derive(Clone, Debug, Default)]
pub struct Person {
    /// Whether the client can ask.
    pub can_be_asked: bool,
    /// What was answered, if the client has asked.
    pub answer: Option<Answered>,
}

/// What a person answered.
#[derive(Clone, Debug)]
pub enum Answered {
    /// Yes, to the question of this sealed proof.
    Yes(String),
    /// No, or nothing at all; with the sealed proof, where the client has it and might bring it again.
    No(Option<String>),
    /// Something that is neither yes nor no; likewise.
    Unclear(Option<String>),
    /// Nothing: the client said that it can ask, and failed to.
    Unasked,
}

impl Person {
    /// Whether the client is worth asking: one that has just failed to is not.
    fn is_to_be_asked(&self) -> bool {
        self.can_be_asked && !matches!(self.answer, Some(Answered::Unasked))
    }
}

/// What is known of a person's yes when a tool runs.
#[derive(Clone, Debug)]
pub enum Consent {
    /// Nobody has to be asked.
    NotNeeded,
    /// Nobody was asked yet, or too long ago.
    Missing,
    /// Somebody was asked, and said yes.
    Given {
        /// That it was asked.
        proof: Proof,
        /// What the caller brought it in.
        by: &'static str,
    },
}

impl Write {
    /// Goes on only where nobody has to be asked, or somebody has said yes to this very question.
    ///
    /// # Errors
    /// Where the person has to be asked first, or the yes was used before.
    pub async fn confirm(
        &mut self,
        call: &Call<'_>,
        question: impl FnOnce() -> Question,
    ) -> Result<(), ToolError> {
        let (proof, by) = match &call.consent {
            Consent::NotNeeded => return Ok(()),
            Consent::Missing => return Err(ToolError::Unconfirmed(Box::new(question()))),
            Consent::Given { proof, by } => (proof, *by),
        };
        let nonce = proof.nonce_text();
        if !self.session.use_confirmation(&nonce, proof.expires_at, call.now).await? {
            return Err(used(by).into());
        }
        let question = question();
        if proof.state == question.state {
            return Ok(());
        }
        // The record has changed since, and what was confirmed is no longer what would be done.
        Err(ToolError::Unconfirmed(Box::new(question)))
    }

    /// The same for what is not done in one transaction here: the yes is used up before it begins.
    ///
    /// # Errors
    /// Where the person has to be asked first, or the yes was used before.
    pub async fn confirm_first(
        call: &Call<'_>,
        question: impl FnOnce() -> Question,
    ) -> Result<(), ToolError> {
        if matches!(call.consent, Consent::NotNeeded) {
            return Ok(());
        }
        let mut write = Self::open(call).await?;
        write.confirm(call, question).await?;
        write.finish(Answer::new("", ())).await.map(drop)
    }
}

impl Engine {
    /// What is known of the person's yes to a call with these arguments.
    pub(super) async fn consent(
        &self,
        deed: Deed<'_>,
        token: Option<String>,
        person: &Person,
        now: Timestamp,
    ) -> Result<Consent, ToolError> {
        let (proof, by) = match (self.config().server.confirm, person.can_be_asked) {
            (Confirm::Never, _) | (Confirm::Auto, false) => return Ok(Consent::NotNeeded),
            // A token is given out only where the client has failed to ask.
            (Confirm::Always, true) if token.is_some() && person.answer.is_none() => (token, TOKEN),
            (confirm @ (Confirm::Auto | Confirm::Always), true) => match &person.answer {
                None => (None, STATE),
                Some(Answered::Yes(proof)) => (Some(proof.clone()), STATE),
                Some(Answered::No(proof)) => {
                    self.use_up(deed, proof.as_deref(), now).await?;
                    return Err(declined().into());
                }
                Some(Answered::Unclear(proof)) => {
                    self.use_up(deed, proof.as_deref(), now).await?;
                    return Err(unclear().into());
                }
                Some(Answered::Unasked) if confirm == Confirm::Always => (None, TOKEN),
                Some(Answered::Unasked) => return Err(unasked().into()),
            },
            (Confirm::Always, false) => (token, TOKEN),
        };
        let Some(proof) = proof else { return Ok(Consent::Missing) };
        let secret = self.confirmation_secret().await?;
        match Proof::open(&proof, &secret, deed) {
            None => Err(foreign(by).into()),
            Some(proof) if proof.has_expired(now) => Ok(Consent::Missing),
            Some(proof) => Ok(Consent::Given { proof, by }),
        }
    }

    /// Uses up the proof of a question that was answered with no, so that no yes can follow.
    async fn use_up(
        &self,
        deed: Deed<'_>,
        proof: Option<&str>,
        now: Timestamp,
    ) -> Result<(), ToolError> {
        let Some(proof) = proof else { return Ok(()) };
        let secret = self.confirmation_secret().await?;
        let proof = Proof::open(proof, &secret, deed).filter(|proof| !proof.has_expired(now));
        let Some(proof) = proof else { return Ok(()) };
        let mut session = self.store().await?.write().await?;
        if !session.use_confirmation(&proof.nonce_text(), proof.expires_at, now).await? {
            // After a yes, what was asked about may be done already.
            return Err(used(STATE).into());
        }
        Ok(session.commit().await?)
    }

    /// The secret that confirmations are sealed with; the first one to need it makes it.
    async fn confirmation_secret(&self) -> Result<Secret, ToolError> {
        let store = self.store().await?;
        let mut secret = store.read().await?.confirmation_secret().await?;
        if secret.is_none() {
            let mut random = [0; 32];
            getrandom::fill(&mut random).map_err(ToolError::Random)?;
            let mut session = store.write().await?;
            session.keep_confirmation_secret(&Secret::text_of(random)).await?;
            session.commit().await?;
            secret = store.read().await?.confirmation_secret().await?;
        }
        let secret = secret.as_deref().and_then(Secret::parse);
        secret.ok_or_else(|| ToolError::Query(sqlx::Error::RowNotFound))
    }

    /// Has the person asked.
    pub(super) async fn ask(
        &self,
        question: Question,
        deed: Deed<'_>,
        context: &CallContext,
        now: Timestamp,
    ) -> Result<Reply, ToolError> {
        let mut nonce = [0; 12];
        getrandom::fill(&mut nonce).map_err(ToolError::Random)?;
        let expires_at = now.plus_seconds(VALID_SECONDS);
        let secret = self.confirmation_secret().await?;
        let proof = Proof { expires_at, nonce, state: question.state }.seal(&secret, deed);
        if context.person.is_to_be_asked() {
            return Ok(Reply::asking(Ask { sentence: question.sentence, proof }));
        }
        Err(unconfirmed(question.sentence, proof, rfc3339(expires_at, self.shop().zone)).into())
    }
}

/// Takes the token out of a call's arguments, where the tools that are confirmed list one.
pub(super) fn take_token(
    confirm: Confirm,
    arguments: &mut Value,
) -> Result<Option<String>, Refusal> {
    if confirm != Confirm::Always {
        return Ok(None);
    }
    read_object(arguments);
    match arguments.as_object_mut().and_then(|arguments| arguments.shift_remove(TOKEN)) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(token)) => Ok(Some(token)),
        Some(_) => Err(refuse(TOKEN, "must be the text of data.confirm_token")),
    }
}

/// The argument that brings a token, as it is listed.
pub(super) fn token_schema() -> Value {
    json!({"type": "string", "description": "data.confirm_token of the first call, after a yes."})
}

fn unconfirmed(sentence: String, token: String, expires_at: String) -> Refusal {
    Refusal::new(
        Code::InvalidArgument,
        sentence,
        "confirm_token is required: nothing was changed, since nobody has confirmed this yet",
    )
    .hint("Read message aloud; after a clear yes call again with data.confirm_token.")
    .data(json!({"confirm_token": token, "expires_at": expires_at}))
}

fn foreign(by: &str) -> Refusal {
    refuse(by, "is not one that was given out for these arguments; nothing was changed")
        .hint(format!("Call without {by} and ask the person anew."))
}

fn used(by: &str) -> Refusal {
    refuse(by, "was used already; it is good for one answer")
        .hint(format!("Look whether it was done. To do it again, call without {by} and ask anew."))
}

/// The refusal where the client declares that it can ask, and cannot.
fn unasked() -> Refusal {
    Refusal::new(
        Code::InvalidArgument,
        "Nobody could be asked for a yes here, so nothing was changed.",
        "the client says that it can ask the person (elicitation), and answered the question with an error \
         or with no answer",
    )
    .hint("Another client can do it, or somebody of the shop. With SERVICEBAY_CONFIRM=always the person says yes to you instead; with never, nobody is asked.")
}

/// The refusal of an answer that is neither yes nor no.
fn unclear() -> Refusal {
    Refusal::new(
        Code::InvalidArgument,
        "The answer was neither yes nor no, so nothing was changed.",
        "the client accepts without a yes or no: content.confirm of its answer must be true or false",
    )
    .hint("Call again, and the person is asked anew; the client has to send {\"confirm\": true} for a yes.")
}

/// The refusal where the record was another one each time that the person had said yes.
pub fn always_changed() -> Refusal {
    Refusal::new(
        Code::InvalidArgument,
        "Somebody else kept changing that meanwhile, so nothing was done.",
        "what the person said yes to had changed each time before it could be done; nothing was changed",
    )
    .hint("Look at the record as it is now, and call again if it is still wanted.")
}

/// The refusal of what a person did not want.
fn declined() -> Refusal {
    Refusal::new(
        Code::InvalidArgument,
        "That was not confirmed, so nothing was changed.",
        "the person was asked and did not say yes",
    )
    .hint("Ask the person what they want instead; do not call again for the same.")
}
