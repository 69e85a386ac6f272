//! One server process, spoken to line by line, so that every byte of its output is seen.

use std::collections::HashMap;
use std::path::PathBuf;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::time::timeout;

use crate::data::REPLY_LIMIT;
use crate::reply::Reply;

/// The newest protocol version that begins with `initialize`.
pub const LEGACY: &str = "2025-11-25";
/// The protocol version whose requests carry their own `_meta`.
pub const MODERN: &str = "2026-07-28";

/// A running server; killed when dropped.
pub struct Server {
    child: Child,
    stdin: Option<ChildStdin>,
    stdout: Lines<BufReader<ChildStdout>>,
    stderr: PathBuf,
    next_id: u64,
    waiting: HashMap<u64, Value>,
    modern: bool,
    capabilities: Value,
}

impl Server {
    /// Starts `command`, whose standard error goes to the file `stderr`.
    pub fn spawn(mut command: Command, stderr: PathBuf) -> Self {
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().expect("the binary starts");
        let stdin = child.stdin.take();
        let stdout = BufReader::new(child.stdout.take().unwrap()).lines();
        Self {
            child,
            stdin,
            stdout,
            stderr,
            next_id: 1,
            waiting: HashMap::new(),
            modern: false,
            capabilities: json!({}),
        }
    }

    /// Greets the server as clients of the first era do; what it says of itself.
    pub async fn initialize(&mut self) -> Value {
        let hello = json!({
            "protocolVersion": LEGACY,
            "capabilities": self.capabilities,
            "clientInfo": { "name": "it", "version": "1" },
        });
        let answer = self.request("initialize", hello).await;
        self.notify("notifications/initialized", json!({})).await;
        assert!(answer["result"]["serverInfo"]["name"].is_string(), "{answer}");
        answer["result"].clone()
    }

    /// Says from now on that the client can do this.
    pub fn declare(&mut self, capabilities: Value) {
        self.capabilities = capabilities;
    }

    /// Speaks the second era from now on: every request carries its protocol version.
    pub fn speak_modern(&mut self) {
        self.modern = true;
    }

    /// Sends a request and waits for its answer, a whole message with `result` or `error`.
    pub async fn request(&mut self, method: &str, params: Value) -> Value {
        let id = self.send_request(method, params).await;
        self.answer(id).await
    }

    /// Sends a request without waiting; its id.
    pub async fn send_request(&mut self, method: &str, mut params: Value) -> u64 {
        let id = self.next_id;
        self.next_id += 1;
        if self.modern {
            let meta = &mut params["_meta"];
            meta["io.modelcontextprotocol/protocolVersion"] = json!(MODERN);
            meta["io.modelcontextprotocol/clientCapabilities"] = self.capabilities.clone();
            meta["io.modelcontextprotocol/clientInfo"] = json!({ "name": "it", "version": "1" });
        }
        let message = json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params });
        self.send_line(&message.to_string()).await;
        id
    }

    /// Sends a call without waiting; its id.
    pub async fn send_call(&mut self, tool: &str, arguments: Value) -> u64 {
        self.send_request("tools/call", json!({ "name": tool, "arguments": arguments })).await
    }

    /// The answer to the request `id`, whatever else arrives before it.
    pub async fn answer(&mut self, id: u64) -> Value {
        loop {
            if let Some(message) = self.waiting.remove(&id) {
                return message;
            }
            let message = self.next_line().await.expect("an answer before the end of the output");
            assert!(message.get("method").is_none_or(|_| message.get("id").is_none()), "{message}");
            if let Some(other) = message["id"].as_u64() {
                let earlier = self.waiting.insert(other, message);
                assert!(earlier.is_none(), "two answers to request {other}");
            }
        }
    }

    /// Calls a tool, and holds the reply against what is true of all replies.
    pub async fn call(&mut self, tool: &str, arguments: Value) -> Reply {
        let id = self.send_call(tool, arguments).await;
        self.reply(id).await
    }

    /// The reply to the call `id`.
    pub async fn reply(&mut self, id: u64) -> Reply {
        let message = self.answer(id).await;
        let result = message.get("result");
        Reply::new(result.unwrap_or_else(|| panic!("a tool's reply is a result: {message}")))
    }

    /// Sends a notification.
    pub async fn notify(&mut self, method: &str, params: Value) {
        let message = json!({ "jsonrpc": "2.0", "method": method, "params": params });
        self.send_line(&message.to_string()).await;
    }

    /// Sends any text as one line.
    pub async fn send_line(&mut self, line: &str) {
        self.try_send_line(line).await.expect("the server reads its input");
    }

    /// Sends any text as one line to a server that may be gone.
    pub async fn try_send_line(&mut self, line: &str) -> std::io::Result<()> {
        let stdin = self.stdin.as_mut().expect("the input is open");
        stdin.write_all(format!("{line}\n").as_bytes()).await?;
        stdin.flush().await
    }

    /// The next line of the output, which has to be a JSON-RPC message; `None` at its end.
    pub async fn next_line(&mut self) -> Option<Value> {
        let line = timeout(REPLY_LIMIT, self.stdout.next_line()).await;
        let line = line.unwrap_or_else(|_| panic!("no line in time; stderr: {}", self.stderr()));
        let line = line.expect("the output is UTF-8")?;
        let message: Value = serde_json::from_str(&line)
            .unwrap_or_else(|error| panic!("standard output holds {line:?}: {error}"));
        assert_eq!(message["jsonrpc"], "2.0", "{message}");
        Some(message)
    }

    /// What the server has written to standard error.
    pub fn stderr(&self) -> String {
        std::fs::read_to_string(&self.stderr).unwrap_or_default()
    }

    /// The process id.
    pub fn pid(&self) -> u32 {
        self.child.id().expect("the server runs")
    }

    /// Ends the server's input.
    pub fn close_stdin(&mut self) {
        drop(self.stdin.take());
    }

    /// Ends the server by SIGKILL.
    pub async fn kill(&mut self) {
        self.child.kill().await.unwrap();
    }

    /// Waits for the end of the process, which fails the test if it takes longer than `limit`.
    pub async fn wait_exit(&mut self, limit: Duration) -> ExitStatus {
        let status = timeout(limit, self.child.wait()).await;
        status.unwrap_or_else(|_| panic!("the server still runs after {limit:?}")).unwrap()
    }
}
