//! Tools that hang, panic and count, for the server's tests.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use rmcp::model::{
    GetPromptResult, JsonObject, Prompt, Reference, Resource, ResourceTemplate, Tool,
};
use serde_json::{Value, json};

use super::toolbox::Toolbox;
use crate::tools::{Answer, CallContext, Document, Reply, Unread, Unwritten};

const NAMES: &[&str] = &["echo", "panic", "hang", "read_slow", "write_slow", "big"];

/// What the tools counted.
#[derive(Default)]
pub(super) struct Tools {
    definitions: OnceLock<Vec<Tool>>,
    /// Calls that run now.
    pub running: AtomicUsize,
    /// The most that ran at the same time.
    pub most: AtomicUsize,
    /// Calls that ran to their end.
    pub finished: AtomicUsize,
}

impl Toolbox for Tools {
    fn definitions(&self) -> &[Tool] {
        let define = |name: &&'static str| Tool::new(*name, "a tool", JsonObject::new());
        self.definitions.get_or_init(|| NAMES.iter().map(define).collect())
    }

    fn has_tool(&self, name: &str) -> bool {
        NAMES.contains(&name)
    }

    fn is_read_only(&self, name: &str) -> bool {
        !name.starts_with("write")
    }

    fn is_confirmed(&self, _: &str) -> bool {
        false
    }

    async fn call(&self, name: &str, arguments: Value, context: &CallContext) -> Reply {
        let running = Running::begin(self);
        let data = match name {
            "panic" => panic!("a customer's name"),
            "hang" => std::future::pending().await,
            "big" => Value::String("x".repeat(20_000)),
            "read_slow" | "write_slow" => {
                let ms = arguments["ms"].as_u64().unwrap_or(50);
                tokio::time::sleep(Duration::from_millis(ms)).await;
                json!({"cancelled": context.cancelled.is_cancelled()})
            }
            _ if !arguments.is_object() => return Reply::internal(),
            _ => arguments,
        };
        drop(running);
        self.finished.fetch_add(1, Ordering::SeqCst);
        Reply::of(Answer::new("done", data)).unwrap()
    }

    fn instructions(&self) -> String {
        "test tools".to_owned()
    }

    fn resources(&self) -> Vec<Resource> {
        Vec::new()
    }

    fn resource_templates(&self) -> Vec<ResourceTemplate> {
        Vec::new()
    }

    async fn read_resource(&self, uri: &str, _: &CallContext) -> Result<Document, Unread> {
        match uri {
            "test://panic" => panic!("a customer's name"),
            "test://away" => Err(Unread::Failed("away".to_owned())),
            _ => Err(Unread::Unknown),
        }
    }

    fn prompts(&self) -> Vec<Prompt> {
        Vec::new()
    }

    fn prompt(&self, _: &str, _: &JsonObject) -> Result<GetPromptResult, Unwritten> {
        Err(Unwritten::Unknown)
    }

    async fn complete(&self, _: &Reference, _: &str, _: &str, _: &CallContext) -> Vec<String> {
        panic!("a customer's name")
    }
}

struct Running<'a>(&'a Tools);

impl<'a> Running<'a> {
    fn begin(tools: &'a Tools) -> Self {
        let now = tools.running.fetch_add(1, Ordering::SeqCst) + 1;
        tools.most.fetch_max(now, Ordering::SeqCst);
        Self(tools)
    }
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        self.0.running.fetch_sub(1, Ordering::SeqCst);
    }
}
