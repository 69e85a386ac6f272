//! What the server needs of the tools.

use rmcp::model::Tool;
use serde_json::Value;

use crate::tools::{CallContext, Engine, Reply};

/// The tools as the server sees them; the tests of the server bring tools that hang and panic.
pub(super) trait Toolbox: Send + Sync + 'static {
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
}

impl Toolbox for Engine {
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
}
