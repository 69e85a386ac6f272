//! Asks the person behind the client before something is done that cannot be undone.
//!
//! A client of 2026-07-28 gets the question as the result of its call, and calls again with the answer
//! and the sealed proof of what was asked; nothing is kept here meanwhile. An older client is asked by a
//! request of ours while its call waits, without a place among the calls that run.

use std::time::Duration;

use rmcp::RoleServer;
use rmcp::model::{
    ClientResult, ElicitRequest, ElicitRequestParams, ElicitResult, ElicitationAction,
    ElicitationSchema, InputRequest, InputRequiredResult, InputResponses, ProtocolVersion,
    ServerRequest,
};
use rmcp::service::{Peer, PeerRequestOptions, RequestContext, ServiceError};
use serde_json::Value;

use super::handler::Handler;
use super::toolbox::Toolbox;
use crate::domain::confirmation::VALID_SECONDS;
use crate::tools::{Answered, Ask, CallContext, Person, Reply, always_changed};

/// The name of our question among a client's.
const QUESTION: &str = "confirm";

/// How long a person may think it over: as long as the answer is good.
const PATIENCE: Duration = Duration::from_secs(VALID_SECONDS.unsigned_abs());

/// How often the same person is asked within one call, where the record changes in between.
const ROUNDS: usize = 3;

/// Whether the call came by the protocol in which a server sends no requests.
pub(super) fn is_modern(context: &RequestContext<RoleServer>) -> bool {
    context.protocol_version().is_some_and(|version| version >= ProtocolVersion::V_2026_07_28)
}

/// Whether the client can ask, and what it has asked already.
pub(super) fn person(
    responses: Option<InputResponses>,
    proof: Option<String>,
    context: &RequestContext<RoleServer>,
) -> Person {
    let capabilities = context.client_capabilities();
    let elicitation = capabilities.and_then(|capabilities| capabilities.elicitation);
    // A client that names no way to ask has the only one that there was at first.
    let can_be_asked = elicitation
        .is_some_and(|elicitation| elicitation.form.is_some() || elicitation.url.is_none());
    let answer = responses.and_then(|mut responses| responses.remove(QUESTION));
    let answer = match (answer, proof) {
        (Some(answer), Some(proof)) => Some(read(answer, proof)),
        // An answer to nothing, or a question without an answer, is asked anew.
        _ => None,
    };
    Person { can_be_asked, answer }
}

fn read(answer: Value, proof: String) -> Answered {
    match serde_json::from_value::<ElicitResult>(answer) {
        Ok(result) => answered(&result, proof),
        Err(_) => Answered::Unasked,
    }
}

/// Yes is to accept, and to say yes in the form: a client that accepts without an answer has asked nobody.
fn answered(result: &ElicitResult, proof: String) -> Answered {
    let says = result.content.as_ref().and_then(|content| content.get(QUESTION));
    match (&result.action, says) {
        (ElicitationAction::Accept, Some(Value::Bool(true))) => Answered::Yes(proof),
        (ElicitationAction::Accept, Some(Value::Bool(false))) => Answered::No(Some(proof)),
        (ElicitationAction::Accept, _) => Answered::Unclear(Some(proof)),
        _ => Answered::No(Some(proof)),
    }
}

/// The question as the result of a call.
pub(super) fn input_required(ask: Ask) -> InputRequiredResult {
    let question = InputRequest::Elicitation(ElicitRequest::new(params(ask.sentence)));
    let questions = [(QUESTION.to_owned(), question)].into();
    InputRequiredResult::new(Some(questions), Some(ask.proof))
}

fn params(message: String) -> ElicitRequestParams {
    let requested_schema = ElicitationSchema::builder()
        .required_bool_property(QUESTION, |confirm| confirm.title("Yes, do it"))
        .build_unchecked();
    ElicitRequestParams::FormElicitationParams { meta: None, message, requested_schema }
}

impl<T: Toolbox> Handler<T> {
    /// Calls a tool, and again once the person has said yes.
    pub(super) async fn call_and_ask(
        &self,
        name: &str,
        arguments: Value,
        mut context: CallContext,
        peer: &Peer<RoleServer>,
    ) -> Option<Reply> {
        for _ in 0..ROUNDS {
            let reply = self.call(name, arguments.clone(), &context).await?;
            let Some(ask) = reply.ask else { return Some(reply) };
            let answer = tokio::select! {
                answer = elicit(*ask, peer) => answer,
                () = context.cancelled.cancelled() => return None,
            };
            context.person.answer = Some(answer);
        }
        let reply = self.call(name, arguments, &context).await?;
        Some(if reply.ask.is_some() { Reply::refused(&always_changed()) } else { reply })
    }
}

/// What the person says; one who says nothing in time has not said yes.
async fn elicit(ask: Ask, peer: &Peer<RoleServer>) -> Answered {
    let request = ServerRequest::ElicitRequest(ElicitRequest::new(params(ask.sentence)));
    let options = PeerRequestOptions::with_timeout(PATIENCE);
    let answer = match peer.send_cancellable_request(request, options).await {
        Ok(handle) => handle.await_response().await,
        Err(error) => Err(error),
    };
    match answer {
        Ok(ClientResult::ElicitResult(result)) => match answered(&result, ask.proof) {
            // The proof never left the process, so that nobody can bring it again.
            Answered::No(_) => Answered::No(None),
            Answered::Unclear(_) => Answered::Unclear(None),
            answer => answer,
        },
        Ok(_) | Err(ServiceError::McpError(_) | ServiceError::UnexpectedResponse) => {
            Answered::Unasked
        }
        Err(_) => Answered::No(None),
    }
}
