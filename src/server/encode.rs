//! Writes messages as lines into a buffer.

use std::io::Write;

use rmcp::model::{
    CallToolResult, ContentBlock, ErrorCode, JsonRpcMessage, JsonRpcResponse, RequestId,
    ServerJsonRpcMessage, ServerResult,
};
use serde::Serialize;

use super::parse::Refusal;

/// Appends a message and its newline.
pub(super) fn message(buffer: &mut Vec<u8>, message: &ServerJsonRpcMessage) {
    if let Some((id, result, text)) = envelope(message) {
        return success(buffer, id, result, text);
    }
    let start = buffer.len();
    if serde_json::to_writer(&mut *buffer, message).is_err() {
        buffer.truncate(start);
        unwritable(buffer, message);
    }
    buffer.push(b'\n');
}

/// Appends the error for a line that could not be worked with, and a newline.
pub(super) fn refusal(buffer: &mut Vec<u8>, refusal: &Refusal) {
    error(buffer, refusal.id.as_ref(), refusal.code, refusal.message);
    buffer.push(b'\n');
}

/// The parts of a tool's success whose text is an envelope.
fn envelope(message: &ServerJsonRpcMessage) -> Option<(&RequestId, &CallToolResult, &str)> {
    let JsonRpcMessage::Response(JsonRpcResponse { id, result, .. }) = message else { return None };
    let ServerResult::CallToolResult(result) = result else { return None };
    let [ContentBlock::Text(block)] = result.content.as_slice() else { return None };
    let plain = block.meta.is_none() && block.annotations.is_none() && result.meta.is_none();
    (plain && result.structured_content.is_some()).then_some((id, result, &block.text))
}

/// Structured content is the text's own JSON, so that it is copied instead of written anew; the
/// handler only marks that there is some.
fn success(buffer: &mut Vec<u8>, id: &RequestId, result: &CallToolResult, text: &str) {
    buffer.reserve(2 * text.len() + text.len() / 2 + 128);
    buffer.extend_from_slice(br#"{"jsonrpc":"2.0","id":"#);
    json(buffer, id);
    buffer.extend_from_slice(br#","result":{"#);
    if let Some(result_type) = &result.result_type {
        buffer.extend_from_slice(br#""resultType":"#);
        json(buffer, result_type);
        buffer.push(b',');
    }
    buffer.extend_from_slice(br#""content":[{"type":"text","text":"#);
    json(buffer, text);
    buffer.extend_from_slice(br#"}],"structuredContent":"#);
    buffer.extend_from_slice(text.as_bytes());
    if let Some(is_error) = result.is_error {
        buffer.extend_from_slice(br#","isError":"#);
        json(buffer, &is_error);
    }
    buffer.extend_from_slice(b"}}\n");
}

fn unwritable(buffer: &mut Vec<u8>, message: &ServerJsonRpcMessage) {
    let id = match message {
        JsonRpcMessage::Response(response) => Some(&response.id),
        _ => None,
    };
    error(buffer, id, ErrorCode::INTERNAL_ERROR, "Internal error");
}

fn error(buffer: &mut Vec<u8>, id: Option<&RequestId>, code: ErrorCode, message: &str) {
    buffer.extend_from_slice(br#"{"jsonrpc":"2.0","id":"#);
    json(buffer, &id);
    let _ = write!(buffer, r#","error":{{"code":{},"message":"#, code.0);
    json(buffer, message);
    buffer.extend_from_slice(b"}}");
}

/// Ids, text and flags: writing these to memory cannot fail.
fn json<T: Serialize + ?Sized>(buffer: &mut Vec<u8>, value: &T) {
    let _ = serde_json::to_writer(buffer, value);
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn check(result: CallToolResult) {
        let sent = JsonRpcMessage::response(
            ServerResult::CallToolResult(result),
            RequestId::String("a \"b\"".into()),
        );
        let mut line = Vec::new();
        message(&mut line, &sent);
        assert_eq!(line.iter().filter(|&&byte| byte == b'\n').count(), 1);
        let read: Value = serde_json::from_slice(&line).unwrap();
        assert_eq!(read, serde_json::to_value(&sent).unwrap());
    }

    #[test]
    fn a_reply_is_written_as_the_library_would_write_it() {
        let envelope = json!({"success": true, "message": "Ä \"quoted\"\n", "data": {"n": [1, 2]}});
        let text = || vec![ContentBlock::text(envelope.to_string())];
        let mut success = CallToolResult::success(text());
        success.structured_content = Some(envelope.clone());
        check(success.clone());
        success.result_type = None;
        check(success);
        check(CallToolResult::error(text()));
    }
}
