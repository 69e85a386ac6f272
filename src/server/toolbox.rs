//! What the server needs of the tools.

use std::sync::Arc;

use rmcp::model::{
    GetPromptResult, JsonObject, Prompt, Reference, Resource, ResourceTemplate, Tool,
};
use serde_json::Value;

use crate::tools::{CallContext, Document, Engine, Reply, Unread, Unwritten};

/// The tools as the server sees them; the tests of the server bring tools that hang and panic.
pub(super) trait Toolbox: Send + Sync + 'static {
    /// Begins what goes on beside the calls.
    fn start(self: &Arc<Self>) {}

    /// Ends what went on beside the calls, within a second.
    fn finish(&self) -> impl Future<Output = ()> + Send {
        std::future::ready(())
    }

    /// The definitions, in a fixed order.
    fn definitions(&self) -> &[Tool];

    /// Whether there is a tool of this name.
    fn has_tool(&self, name: &str) -> bool;

    /// Whether the tool of this name may be broken off at any point.
    fn is_read_only(&self, name: &str) -> bool;

    /// Whether a person confirms a call of the tool of this name.
    fn is_confirmed(&self, name: &str) -> bool;

    /// Runs a tool on whatever the client sent as its arguments; `Null` where it sent none.
    fn call(
        &self,
        name: &str,
        arguments: Value,
        context: &CallContext,
    ) -> impl Future<Output = Reply> + Send;

    /// What a model is told once about all of it.
    fn instructions(&self) -> String;

    /// The resources that have no variable.
    fn resources(&self) -> Vec<Resource>;

    /// The resource templates.
    fn resource_templates(&self) -> Vec<ResourceTemplate>;

    /// Reads a resource.
    fn read_resource(
        &self,
        uri: &str,
        context: &CallContext,
    ) -> impl Future<Output = Result<Document, Unread>> + Send;

    /// The prompts.
    fn prompts(&self) -> Vec<Prompt>;

    /// A prompt with its arguments put in.
    fn prompt(&self, name: &str, arguments: &JsonObject) -> Result<GetPromptResult, Unwritten>;

    /// What an argument may be that begins like this.
    fn complete(
        &self,
        reference: &Reference,
        argument: &str,
        typed: &str,
        context: &CallContext,
    ) -> impl Future<Output = Vec<String>> + Send;
}

impl Toolbox for Engine {
    fn start(self: &Arc<Self>) {
        self.keep_calendar();
    }

    async fn finish(&self) {
        self.finish_calendar().await;
    }

    fn definitions(&self) -> &[Tool] {
        self.definitions()
    }

    fn has_tool(&self, name: &str) -> bool {
        self.has_tool(name)
    }

    fn is_read_only(&self, name: &str) -> bool {
        self.is_read_only(name)
    }

    fn is_confirmed(&self, name: &str) -> bool {
        self.is_confirmed(name)
    }

    async fn call(&self, name: &str, arguments: Value, context: &CallContext) -> Reply {
        self.call(name, arguments, context).await
    }

    fn instructions(&self) -> String {
        self.instructions()
    }

    fn resources(&self) -> Vec<Resource> {
        self.resources()
    }

    fn resource_templates(&self) -> Vec<ResourceTemplate> {
        self.resource_templates()
    }

    async fn read_resource(&self, uri: &str, context: &CallContext) -> Result<Document, Unread> {
        self.read_resource(uri, context).await
    }

    fn prompts(&self) -> Vec<Prompt> {
        self.prompts()
    }

    fn prompt(&self, name: &str, arguments: &JsonObject) -> Result<GetPromptResult, Unwritten> {
        self.prompt(name, arguments)
    }

    async fn complete(
        &self,
        reference: &Reference,
        argument: &str,
        typed: &str,
        context: &CallContext,
    ) -> Vec<String> {
        self.complete(reference, argument, typed, context).await
    }
}
