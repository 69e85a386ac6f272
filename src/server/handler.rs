//! What the server answers: its description, the list of the tools, and their calls.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures_util::FutureExt;
use rmcp::model::{
    CacheScope, CallToolRequestParams, CallToolResponse, CallToolResult, CompleteRequestParams,
    CompleteResult, ContentBlock, CustomRequest, CustomResult, DiscoverResult, ErrorCode,
    GetPromptRequestParams, GetPromptResponse, Implementation, ListPromptsResult,
    ListResourceTemplatesResult, ListResourcesResult, ListToolsResult, PaginatedRequestParams,
    ProgressNotificationParam, ReadResourceRequestParams, ReadResourceResponse, ServerCapabilities,
    ServerConfig,
};
use rmcp::service::RequestContext;
use rmcp::{ErrorData, RoleServer, ServerHandler};
use serde_json::Value;
use tokio::sync::Semaphore;
use tokio::time::timeout;

use super::asking;
use super::in_flight::RUNNING_LIMIT;
use super::parse::OddArguments;
use super::toolbox::Toolbox;
use crate::telemetry::Watch;
use crate::tools::{CallContext, Person, Progress, Reply, Unwritten};

/// How long a client may keep the list of the tools: it changes with the program alone.
pub(super) const LIST_TTL_MS: u64 = 3_600_000;

/// The longest part of an unknown tool's name that is repeated to the client, in characters.
const ECHOED_CHARACTERS: usize = 100;

/// How long a call waits for its progress to be taken, which is a matter of microseconds.
const PROGRESS_LIMIT: Duration = Duration::from_millis(100);

/// Answers MCP requests from the tools.
pub(super) struct Handler<T> {
    pub(super) tools: Arc<T>,
    running: Semaphore,
}

impl<T: Toolbox> Handler<T> {
    pub(super) fn new(tools: Arc<T>) -> Self {
        Self { tools, running: Semaphore::new(RUNNING_LIMIT) }
    }

    /// The tool's reply; `None` when the call was cancelled and nobody waits for one.
    pub(super) async fn call(
        &self,
        name: &str,
        arguments: Value,
        context: &CallContext,
    ) -> Option<Reply> {
        let call = pin!(self.tools.call(name, arguments, context));
        // What writes runs to its end, so that it is known to have happened or not.
        let reply = self.guard(call, context, || self.tools.is_read_only(name)).await?;
        Some(reply.unwrap_or_else(|_| Reply::internal()))
    }

    /// Does some work when its turn comes, and lives on where it panics; `None` when it was cancelled.
    pub(super) async fn guard<W: Future>(
        &self,
        work: Pin<&mut W>,
        context: &CallContext,
        may_break_off: impl Fn() -> bool,
    ) -> Option<std::thread::Result<W::Output>> {
        let ct = &context.cancelled;
        let _permit = match self.running.try_acquire() {
            Ok(permit) => permit,
            Err(_) => tokio::select! {
                permit = self.running.acquire() => permit.ok()?,
                () = ct.cancelled() => return None,
            },
        };
        let mut work = AssertUnwindSafe(work).catch_unwind();
        Some(tokio::select! {
            biased;
            done = &mut work => done,
            () = ct.cancelled() => if may_break_off() { return None } else { work.await },
        })
    }
}

impl<T: Toolbox> ServerHandler for Handler<T> {
    fn get_info(&self) -> ServerConfig {
        let implementation = Implementation::new("servicebay", env!("CARGO_PKG_VERSION"))
            .with_title("Service Bay")
            .with_description(env!("CARGO_PKG_DESCRIPTION"));
        let capabilities = ServerCapabilities::builder()
            .enable_tools()
            .enable_resources()
            .enable_prompts()
            .enable_completions()
            .build();
        ServerConfig::new(capabilities)
            .with_server_info(implementation)
            .with_instructions(self.tools.instructions())
    }

    async fn discover(&self, _: RequestContext<RoleServer>) -> Result<DiscoverResult, ErrorData> {
        let versions = self.supported_protocol_versions().into_owned();
        Ok(DiscoverResult::from_server_info(versions, self.get_info())
            .with_ttl_ms(LIST_TTL_MS)
            .with_cache_scope(CacheScope::Public))
    }

    async fn list_tools(
        &self,
        _: Option<PaginatedRequestParams>,
        _: RequestContext<RoleServer>,
    ) -> Result<ListToolsResult, ErrorData> {
        let tools = catch_unwind(AssertUnwindSafe(|| self.tools.definitions().to_vec()))
            .map_err(|_| ErrorData::internal_error("Internal error", None))?;
        Ok(ListToolsResult::with_all_items(tools)
            .with_ttl_ms(LIST_TTL_MS)
            .with_cache_scope(CacheScope::Public))
    }

    async fn call_tool(
        &self,
        request: CallToolRequestParams,
        mut context: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        let name = request.name.as_ref();
        if !self.tools.has_tool(name) {
            return Err(unknown_tool(name));
        }
        let arguments = match request.arguments {
            Some(arguments) => Value::Object(arguments),
            None => context.extensions.remove::<OddArguments>().map_or(Value::Null, |odd| odd.0),
        };
        let progress = progress(&context);
        let person = if self.tools.is_confirmed(name) {
            asking::person(request.input_responses, request.request_state, &context)
        } else {
            Person::default()
        };
        let may_ask = person.can_be_asked && !asking::is_modern(&context);
        let call = CallContext { cancelled: context.ct.clone(), progress, person };
        // Pinned here, so that there is one place for it whether it is watched or not.
        let call = pin!(async {
            if may_ask {
                // Boxed, so that no other call has to make room for it.
                Box::pin(self.call_and_ask(name, arguments, call, &context.peer)).await
            } else {
                self.call(name, arguments, &call).await
            }
        });
        let reply = match Watch::start(name) {
            None => call.await,
            Some(watch) => {
                let reply = watch.run(call).await;
                watch.finish(outcome(reply.as_ref()));
                reply
            }
        };
        // The error is for form's sake: no reply to a cancelled request leaves the service.
        reply.map(result).ok_or_else(|| ErrorData::internal_error("Cancelled", None))
    }

    async fn list_resources(
        &self,
        _: Option<PaginatedRequestParams>,
        _: RequestContext<RoleServer>,
    ) -> Result<ListResourcesResult, ErrorData> {
        Ok(ListResourcesResult::with_all_items(self.tools.resources())
            .with_ttl_ms(LIST_TTL_MS)
            .with_cache_scope(CacheScope::Public))
    }

    async fn list_resource_templates(
        &self,
        _: Option<PaginatedRequestParams>,
        _: RequestContext<RoleServer>,
    ) -> Result<ListResourceTemplatesResult, ErrorData> {
        Ok(ListResourceTemplatesResult::with_all_items(self.tools.resource_templates())
            .with_ttl_ms(LIST_TTL_MS)
            .with_cache_scope(CacheScope::Public))
    }

    async fn read_resource(
        &self,
        request: ReadResourceRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<ReadResourceResponse, ErrorData> {
        self.read(&request.uri, context.ct).await.map(Into::into)
    }

    async fn list_prompts(
        &self,
        _: Option<PaginatedRequestParams>,
        _: RequestContext<RoleServer>,
    ) -> Result<ListPromptsResult, ErrorData> {
        Ok(ListPromptsResult::with_all_items(self.tools.prompts())
            .with_ttl_ms(LIST_TTL_MS)
            .with_cache_scope(CacheScope::Public))
    }

    async fn get_prompt(
        &self,
        request: GetPromptRequestParams,
        _: RequestContext<RoleServer>,
    ) -> Result<GetPromptResponse, ErrorData> {
        let prompt = self.tools.prompt(&request.name, &request.arguments.unwrap_or_default());
        prompt.map(Into::into).map_err(|unwritten| {
            let message = match unwritten {
                Unwritten::Unknown => format!("Unknown prompt: {}", shortened(&request.name)),
                Unwritten::Wrong(why) => why,
            };
            ErrorData::invalid_params(message, None)
        })
    }

    async fn complete(
        &self,
        request: CompleteRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<CompleteResult, ErrorData> {
        self.completed(request, context.ct).await
    }

    /// rmcp takes a method that it knows for one of the client's own when the parameters are
    /// wrong; the client should hear which of the two is amiss.
    async fn on_custom_request(
        &self,
        request: CustomRequest,
        _: RequestContext<RoleServer>,
    ) -> Result<CustomResult, ErrorData> {
        Err(match request.method.as_str() {
            "initialize"
            | "ping"
            | "server/discover"
            | "tools/list"
            | "resources/list"
            | "resources/templates/list"
            | "resources/read"
            | "prompts/list"
            | "prompts/get"
            | "completion/complete" => ErrorData::invalid_params("Invalid params", None),
            method => {
                ErrorData::new(ErrorCode::METHOD_NOT_FOUND, shortened(method).into_owned(), None)
            }
        })
    }
}

/// Sends a call's steps to the client, if it asked for them.
fn progress(context: &RequestContext<RoleServer>) -> Progress {
    let Some(token) = context.meta.get_progress_token() else { return Progress::default() };
    let peer = context.peer.clone();
    let closed = Arc::new(AtomicBool::new(false));
    Progress::new(move |step| {
        let (peer, closed) = (peer.clone(), Arc::clone(&closed));
        let notification = ProgressNotificationParam::new(token.clone(), as_float(step.done))
            .with_total(as_float(step.total));
        async move {
            // Once the input has ended, the service takes no more notifications and says nothing:
            // the calls under way go on without.
            if !closed.load(Ordering::Relaxed) {
                let sent = timeout(PROGRESS_LIMIT, peer.notify_progress(notification)).await;
                closed.store(!matches!(sent, Ok(Ok(()))), Ordering::Relaxed);
            }
        }
        .boxed()
    })
}

#[expect(clippy::cast_precision_loss, reason = "a count of visits is far below 2^52")]
fn as_float(count: usize) -> f64 {
    count as f64
}

fn unknown_tool(name: &str) -> ErrorData {
    ErrorData::invalid_params(format!("Unknown tool: {}", shortened(name)), None)
}

pub(super) fn shortened(text: &str) -> std::borrow::Cow<'_, str> {
    match text.char_indices().nth(ECHOED_CHARACTERS) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()).into(),
        None => text.into(),
    }
}

fn result(reply: Reply) -> CallToolResponse {
    if let Some(ask) = reply.ask {
        return asking::input_required(*ask).into();
    }
    let content = vec![ContentBlock::text(&*reply.text)];
    let mut result = if reply.is_error {
        CallToolResult::error(content)
    } else {
        CallToolResult::success(content)
    };
    // The transport writes the text's own JSON in its place.
    result.structured_content = (!reply.is_error).then_some(Value::Null);
    result.into()
}

/// What became of a call, in a word: of the reply only the code.
fn outcome(reply: Option<&Reply>) -> &str {
    #[derive(serde::Deserialize)]
    struct Failure<'a> {
        code: &'a str,
    }
    match reply {
        None => "cancelled",
        Some(reply) if reply.ask.is_some() => "asked",
        Some(reply) if !reply.is_error => "success",
        Some(reply) => {
            serde_json::from_str::<Failure<'_>>(&reply.text).map_or("failure", |f| f.code)
        }
    }
}
