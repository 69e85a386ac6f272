use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::{
    AsyncBufReadExt, AsyncWriteExt, BufReader, DuplexStream, Lines as TokioLines, ReadHalf,
    WriteHalf,
};

use super::super::session;
use super::super::test_tools::Tools;
use super::*;

/// A client at the other end of the transport.
struct Client {
    replies: TokioLines<BufReader<ReadHalf<DuplexStream>>>,
    requests: WriteHalf<DuplexStream>,
    tools: Arc<Tools>,
    server: tokio::task::JoinHandle<std::process::ExitCode>,
}

impl Client {
    fn start() -> Self {
        let (near, far) = tokio::io::duplex(64 * 1024);
        let (reader, writer) = tokio::io::split(far);
        let (transport, replies) =
            LineTransport::new(reader, writer, Shutdown::new(), Hangup::Never);
        let tools = Arc::new(Tools::default());
        let server = tokio::spawn({
            let tools = tools.clone();
            async move { session(tools, transport, replies).await }
        });
        let (reader, requests) = tokio::io::split(near);
        Self { replies: BufReader::new(reader).lines(), requests, tools, server }
    }

    /// A client that has shaken hands in the older way.
    async fn initialized() -> Self {
        let mut client = Self::start();
        let reply = client.ask(&initialize()).await;
        assert_eq!(reply["result"]["serverInfo"]["name"], "servicebay");
        client.send(r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#).await;
        client
    }

    async fn write(&mut self, bytes: &[u8]) {
        self.requests.write_all(bytes).await.unwrap();
    }

    async fn send(&mut self, line: &str) {
        self.write(format!("{line}\n").as_bytes()).await;
    }

    async fn reply(&mut self) -> Value {
        let reply = tokio::time::timeout(Duration::from_secs(20), self.replies.next_line());
        serde_json::from_str(&reply.await.unwrap().unwrap().unwrap()).unwrap()
    }

    async fn ask(&mut self, line: &str) -> Value {
        self.send(line).await;
        self.reply().await
    }

    /// Closes the request stream and gives what was still answered.
    async fn end(mut self) -> Vec<Value> {
        self.requests.shutdown().await.unwrap();
        let mut replies = Vec::new();
        while let Some(line) = self.replies.next_line().await.unwrap() {
            replies.push(serde_json::from_str(&line).unwrap());
        }
        self.server.await.unwrap();
        replies
    }
}

fn initialize() -> String {
    json!({"jsonrpc": "2.0", "id": "init", "method": "initialize", "params": {"protocolVersion": "2025-06-18",
        "capabilities": {}, "clientInfo": {"name": "test", "version": "1"}}})
    .to_string()
}

fn call(id: impl Into<Value>, tool: &str, arguments: Value) -> String {
    json!({"jsonrpc": "2.0", "id": id.into(), "method": "tools/call", "params": {"name": tool, "arguments": arguments}})
        .to_string()
}

fn modern(id: i64, method: &str, mut params: Value) -> String {
    params["_meta"] = json!({"io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientCapabilities": {}});
    json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params}).to_string()
}

fn ping(id: i64) -> String {
    json!({"jsonrpc": "2.0", "id": id, "method": "ping"}).to_string()
}

#[tokio::test]
async fn a_legacy_client_lists_and_calls() {
    let mut client = Client::initialized().await;
    let list = client.ask(r#"{"jsonrpc":"2.0","id":1,"method":"tools/list"}"#).await;
    assert_eq!(list["result"]["tools"][0]["name"], "echo");
    let reply = client.ask(&call("a", "echo", json!({"phone_number": "5"}))).await;
    assert_eq!(reply["id"], "a");
    let result = &reply["result"];
    assert_eq!(result["isError"], false);
    assert_eq!(result["structuredContent"]["data"]["phone_number"], "5");
    let text: Value = serde_json::from_str(result["content"][0]["text"].as_str().unwrap()).unwrap();
    assert_eq!(text, result["structuredContent"]);
    assert!(result.get("resultType").is_none());
}

#[tokio::test]
async fn a_modern_client_discovers_lists_and_calls() {
    let mut client = Client::start();
    let found = client.ask(&modern(1, "server/discover", json!({}))).await;
    assert_eq!(found["result"]["ttlMs"], 3_600_000);
    assert_eq!(found["result"]["cacheScope"], "public");
    client.send(r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#).await;
    let reply = client
        .ask(&modern(2, "tools/call", json!({"name": "echo", "arguments": {"phone_number": "5"}})))
        .await;
    assert_eq!(reply["result"]["resultType"], "complete");
    assert_eq!(reply["result"]["structuredContent"]["success"], true);
    let list = client.ask(&modern(3, "tools/list", json!({}))).await;
    assert_eq!(list["result"]["cacheScope"], "public");
    assert_eq!(client.ask(&call(4, "echo", json!({}))).await["error"]["code"], -32602);
}

#[tokio::test]
async fn nothing_before_the_handshake_ends_the_server() {
    let mut client = Client::start();
    for line in [
        r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#,
        r#"{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":1}}"#,
        r#"{"jsonrpc":"2.0","id":1,"result":{}}"#,
        r#"{"jsonrpc":"2.0","id":1,"error":{"code":1,"message":"x"}}"#,
    ] {
        client.send(line).await;
        assert_eq!(client.ask(&ping(9)).await["id"], 9);
    }
    assert_eq!(client.ask(&call(2, "echo", json!({}))).await["error"]["code"], -32602);
    assert_eq!(client.ask(&initialize()).await["id"], "init");
}

#[tokio::test]
async fn every_bad_line_is_answered_and_the_next_one_served() {
    let mut client = Client::initialized().await;
    let too_long = format!("{{\"x\":\"{}\"}}", "x".repeat(3 * MAX_LINE_BYTES));
    for (line, code) in [("nonsense", -32700), ("[]", -32600), (too_long.as_str(), -32600)] {
        let reply = client.ask(line).await;
        assert_eq!((&reply["id"], &reply["error"]["code"]), (&Value::Null, &json!(code)));
        assert!(reply.as_object().unwrap().contains_key("id"));
        assert_eq!(client.ask(&ping(1)).await["id"], 1);
    }
}

#[tokio::test]
async fn unknown_tools_and_methods_are_protocol_errors_and_odd_arguments_are_not() {
    let mut client = Client::initialized().await;
    let reply = client.ask(&call(1, "nope", json!({}))).await;
    assert_eq!(reply["error"], json!({"code": -32602, "message": "Unknown tool: nope"}));
    let reply = client.ask(&call(2, &"ü".repeat(5000), json!({}))).await;
    assert!(reply["error"]["message"].as_str().unwrap().len() < 300);
    let reply = client.ask(r#"{"jsonrpc":"2.0","id":3,"method":"no/such"}"#).await;
    assert_eq!(reply["error"]["code"], -32601);
    let reply = client
        .ask(r#"{"jsonrpc":"2.0","id":4,"method":"initialize","params":{"protocolVersion":5}}"#)
        .await;
    assert_eq!(reply["error"]["code"], -32602);
    let reply = client.ask(&call(5, "echo", json!([1]))).await;
    assert_eq!(reply["result"]["isError"], true);
    assert!(reply["result"].get("structuredContent").is_none());
}

#[tokio::test]
async fn lines_may_come_in_pieces_or_several_at_once() {
    let mut client = Client::initialized().await;
    let line = format!("{}\r\n", ping(1));
    for byte in line.as_bytes() {
        client.write(&[*byte]).await;
        tokio::task::yield_now().await;
    }
    assert_eq!(client.reply().await["id"], 1);
    client.send(&format!("{}\n\n{}", ping(2), ping(3))).await;
    let mut ids = [client.reply().await["id"].as_i64(), client.reply().await["id"].as_i64()];
    ids.sort_unstable();
    assert_eq!(ids, [Some(2), Some(3)]);
}

#[tokio::test]
async fn the_last_line_needs_no_newline_and_is_answered_after_the_end() {
    let mut client = Client::initialized().await;
    client.write(call(1, "read_slow", json!({"ms": 5})).as_bytes()).await;
    let replies = client.end().await;
    assert_eq!(replies.len(), 1);
    assert_eq!(replies[0]["id"], 1);
}

#[tokio::test]
async fn a_stream_that_ends_at_once_is_no_failure() {
    let client = Client::start();
    assert!(client.end().await.is_empty());
}

#[tokio::test]
async fn an_id_that_is_unanswered_is_refused_the_second_time_only() {
    let mut client = Client::initialized().await;
    client.send(&call(1, "read_slow", json!({"ms": 50}))).await;
    let reply = client.ask(&ping(1)).await;
    assert_eq!((&reply["id"], &reply["error"]["code"]), (&json!(1), &json!(-32600)));
    assert_eq!(client.reply().await["result"]["isError"], false);
    assert!(client.ask(&ping(1)).await.get("result").is_some());
}

#[tokio::test]
async fn a_tool_that_panics_answers_internal() {
    let mut client = Client::initialized().await;
    let reply = client.ask(&call(1, "panic", json!({}))).await;
    assert_eq!(reply["result"]["isError"], true);
    assert!(
        reply["result"]["content"][0]["text"].as_str().unwrap().contains(r#""code":"internal""#)
    );
    assert_eq!(client.ask(&ping(2)).await["id"], 2);
}

#[tokio::test]
async fn a_cancelled_call_gets_no_reply_and_only_one_that_writes_is_finished() {
    let mut client = Client::initialized().await;
    for (id, tool) in [(1, "read_slow"), (2, "write_slow")] {
        client.send(&call(id, tool, json!({"ms": 50}))).await;
    }
    assert_eq!(client.ask(&ping(3)).await["id"], 3);
    for id in [1, 2] {
        client.send(&json!({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": id}}).to_string()).await;
    }
    // The id is free again, and the late end of the first call is not taken for this one's.
    let reply = client.ask(&call(2, "read_slow", json!({"ms": 150}))).await;
    assert_eq!(
        (&reply["id"], &reply["result"]["structuredContent"]["data"]["cancelled"]),
        (&json!(2), &json!(false))
    );
    assert_eq!(client.tools.finished.load(Ordering::SeqCst), 2);
    assert_eq!(client.tools.running.load(Ordering::SeqCst), 0);
    assert!(client.end().await.is_empty());
}

#[tokio::test]
async fn calls_beyond_the_bound_wait_and_pings_pass_them() {
    let mut client = Client::initialized().await;
    for id in 0..100 {
        client.send(&call(id, "read_slow", json!({"ms": 30}))).await;
    }
    assert_eq!(client.ask(&ping(1000)).await["id"], 1000);
    for _ in 0..100 {
        assert!(client.reply().await.get("result").is_some());
    }
    assert_eq!(client.tools.most.load(Ordering::SeqCst), 32);
}

#[tokio::test]
async fn reading_stops_when_too_many_wait() {
    let mut client = Client::initialized().await;
    let hanging: String = (0..288).map(|id| call(id, "hang", json!({})) + "\n").collect();
    client.write(hanging.as_bytes()).await;
    client.send(&ping(1000)).await;
    let reply = tokio::time::timeout(Duration::from_millis(100), client.replies.next_line()).await;
    assert!(reply.is_err(), "{reply:?}");
}

#[tokio::test]
async fn a_client_that_does_not_read_stops_the_reading_and_loses_nothing() {
    let Client { mut replies, mut requests, tools, server } = Client::initialized().await;
    let sender = tokio::spawn(async move {
        for id in 0..1000 {
            requests.write_all((call(id, "big", json!({})) + "\n").as_bytes()).await.unwrap();
        }
        requests
    });
    tokio::time::sleep(Duration::from_millis(100)).await;
    let begun = tools.finished.load(Ordering::SeqCst);
    assert!(begun < 330, "{begun} calls ran although nobody reads");
    for _ in 0..1000 {
        replies.next_line().await.unwrap().unwrap();
    }
    drop(sender.await.unwrap());
    drop(replies);
    server.await.unwrap();
}

#[tokio::test]
async fn a_client_that_reads_no_more_ends_the_server() {
    let Client { replies, requests, server, .. } = Client::initialized().await;
    let mut stream = replies.into_inner().into_inner().unsplit(requests);
    stream.write_all((ping(1) + "\n").as_bytes()).await.unwrap();
    drop(stream);
    assert_eq!(
        format!("{:?}", server.await.unwrap()),
        format!("{:?}", std::process::ExitCode::SUCCESS)
    );
}
