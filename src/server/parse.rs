//! Reads one line as a JSON-RPC message.
//!
//! A `tools/call` is read straight into rmcp's type: the general way through rmcp's untagged
//! enums tries every other kind of request first, and costs more than most calls do.

use std::borrow::Cow;

use rmcp::model::{
    CallToolRequest, CallToolRequestParams, ClientJsonRpcMessage, ClientRequest, ErrorCode,
    InputResponses, JsonObject, JsonRpcMessage, RequestId, RequestMetaObject,
};
use serde::de::{Deserialize, Deserializer, IgnoredAny};
use serde_json::Value;
use serde_json::error::Category;
use serde_json::value::RawValue;

/// What a line says.
#[derive(Debug)]
pub(super) enum Incoming {
    /// A request, to be answered under this id.
    Request(RequestId, ClientRequest),
    /// The client no longer wants the reply to this request.
    Cancel(RequestId),
    /// The reply to a request of ours, or an error.
    Reply(ClientJsonRpcMessage),
    /// Nothing to act on: an empty line, or a notification that changes nothing here.
    Nothing,
    /// Not a message that can be worked with.
    Refused(Refusal),
}

/// A JSON-RPC error for a line that no handler sees.
#[derive(Debug, PartialEq)]
pub(super) struct Refusal {
    /// Null on the wire where no id could be read.
    pub(super) id: Option<RequestId>,
    pub(super) code: ErrorCode,
    pub(super) message: &'static str,
}

/// `arguments` that are no object, which rmcp's parameters cannot hold. They travel in the
/// extensions of the request, and the tool refuses them as it refuses any wrong argument.
#[derive(Clone)]
pub(super) struct OddArguments(pub(super) Value);

/// A message with its parts unread. `null` is a part that is there.
#[derive(serde::Deserialize)]
struct Message<'a> {
    #[serde(borrow, default, deserialize_with = "present")]
    jsonrpc: Option<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "present")]
    id: Option<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "present")]
    method: Option<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "present")]
    params: Option<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "present")]
    result: Option<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "present")]
    error: Option<&'a RawValue>,
}

fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<&'de RawValue>, D::Error> {
    <&RawValue>::deserialize(deserializer).map(Some)
}

/// The parameters of `tools/call`.
#[derive(serde::Deserialize)]
#[serde(rename_all = "camelCase")]
struct CallParams<'a> {
    #[serde(borrow)]
    name: Cow<'a, str>,
    arguments: Option<Value>,
    #[serde(rename = "_meta")]
    meta: Option<JsonObject>,
    input_responses: Option<InputResponses>,
    request_state: Option<String>,
}

#[derive(serde::Deserialize)]
#[serde(rename_all = "camelCase")]
struct CancelParams {
    request_id: RequestId,
}

/// Reads a line that has lost its newline.
pub(super) fn parse(line: &[u8]) -> Incoming {
    let line = line.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(line).trim_ascii();
    if line.is_empty() {
        return Incoming::Nothing;
    }
    let Ok(text) = std::str::from_utf8(line) else {
        return refuse(None, ErrorCode::PARSE_ERROR, "Parse error: not UTF-8");
    };
    // Serde would read an array as a struct, field by field.
    if !text.starts_with('{') {
        return misshapen(text);
    }
    match serde_json::from_str::<Message<'_>>(text) {
        Ok(message) => read(text, &message),
        Err(error) if error.classify() == Category::Data => misshapen(text),
        Err(_) => not_json(None),
    }
}

fn read(text: &str, message: &Message<'_>) -> Incoming {
    let id = message.id.map(|raw| serde_json::from_str::<RequestId>(raw.get()).ok());
    let known_id = id.clone().flatten();
    let Some(method) = message.method else {
        return if message.result.is_some() || message.error.is_some() {
            // Refusing a reply could have two peers refuse each other's refusals for ever.
            serde_json::from_str(text).map_or(Incoming::Nothing, Incoming::Reply)
        } else {
            invalid(known_id, "Invalid Request: no method")
        };
    };
    if message.jsonrpc.map(RawValue::get) != Some(r#""2.0""#) {
        return invalid(known_id, "Invalid Request: jsonrpc must be \"2.0\"");
    }
    if message.result.is_some() || message.error.is_some() {
        return invalid(known_id, "Invalid Request: both a method and a result or an error");
    }
    let Ok(method) = serde_json::from_str::<Name<'_>>(method.get()) else {
        return invalid(known_id, "Invalid Request: the method must be text");
    };
    match (id, method.0.as_ref()) {
        (None, "notifications/cancelled") => cancel(message.params),
        (None, _) => Incoming::Nothing,
        (Some(None), _) => invalid(None, "Invalid Request: the id must be text or an integer"),
        (Some(Some(id)), "tools/call") => call(id, message.params),
        (Some(Some(id)), _) => request(text, id),
    }
}

/// Text that is borrowed where it holds no escapes.
#[derive(serde::Deserialize)]
struct Name<'a>(#[serde(borrow)] Cow<'a, str>);

fn call(id: RequestId, params: Option<&RawValue>) -> Incoming {
    let unusable = "Invalid params: tools/call needs an object with the name of a tool";
    let Some(params) = params.map(RawValue::get).filter(|params| params.starts_with('{')) else {
        return refuse(Some(id), ErrorCode::INVALID_PARAMS, unusable);
    };
    match serde_json::from_str::<CallParams<'_>>(params) {
        Ok(params) => Incoming::Request(id, call_request(params)),
        Err(error) if error.classify() == Category::Data => {
            refuse(Some(id), ErrorCode::INVALID_PARAMS, unusable)
        }
        Err(_) => unreadable(Some(id), params),
    }
}

fn call_request(call: CallParams<'_>) -> ClientRequest {
    let mut params = CallToolRequestParams::new(call.name.into_owned());
    params.input_responses = call.input_responses;
    params.request_state = call.request_state;
    let mut request = CallToolRequest::new(params);
    match call.arguments {
        None | Some(Value::Null) => {}
        Some(Value::Object(arguments)) => request.params.arguments = Some(arguments),
        Some(other) => {
            request.extensions.insert(OddArguments(other));
        }
    }
    if let Some(meta) = call.meta {
        request.extensions.insert(RequestMetaObject::from(meta));
    }
    ClientRequest::CallToolRequest(request)
}

fn request(text: &str, id: RequestId) -> Incoming {
    match serde_json::from_str::<ClientJsonRpcMessage>(text) {
        Ok(JsonRpcMessage::Request(request)) => Incoming::Request(id, request.request),
        Ok(_) => invalid(Some(id), "Invalid Request"),
        Err(error) if error.classify() == Category::Data => invalid(Some(id), "Invalid Request"),
        Err(_) => unreadable(Some(id), text),
    }
}

fn cancel(params: Option<&RawValue>) -> Incoming {
    params
        .and_then(|params| serde_json::from_str::<CancelParams>(params.get()).ok())
        .map_or(Incoming::Nothing, |params| Incoming::Cancel(params.request_id))
}

/// JSON of another shape than a message's, or no JSON after all.
fn misshapen(text: &str) -> Incoming {
    if serde_json::from_str::<IgnoredAny>(text).is_ok() {
        invalid(None, "Invalid Request: each line must be one JSON-RPC message, and no batch")
    } else {
        not_json(None)
    }
}

/// What the skimming reader has passed and the thorough one has not: text with broken escapes or
/// numbers out of range, or values nested too deeply to be read without endangering the stack.
fn unreadable(id: Option<RequestId>, text: &str) -> Incoming {
    if is_deeper_than(text, 120) {
        invalid(id, "Invalid Request: nested too deeply")
    } else {
        not_json(id)
    }
}

fn is_deeper_than(text: &str, limit: usize) -> bool {
    let mut depth = 0_usize;
    let mut in_text = false;
    let mut escaped = false;
    text.bytes().any(|byte| {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_text => escaped = true,
            b'"' => in_text = !in_text,
            b'{' | b'[' if !in_text => depth += 1,
            b'}' | b']' if !in_text => depth = depth.saturating_sub(1),
            _ => {}
        }
        depth > limit
    })
}

fn not_json(id: Option<RequestId>) -> Incoming {
    refuse(id, ErrorCode::PARSE_ERROR, "Parse error: not JSON")
}

fn invalid(id: Option<RequestId>, message: &'static str) -> Incoming {
    refuse(id, ErrorCode::INVALID_REQUEST, message)
}

fn refuse(id: Option<RequestId>, code: ErrorCode, message: &'static str) -> Incoming {
    Incoming::Refused(Refusal { id, code, message })
}

#[cfg(test)]
#[path = "parse_tests.rs"]
mod tests;
