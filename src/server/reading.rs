//! Resources and completions, which may ask the database.

use std::pin::pin;

use rmcp::ErrorData;
use rmcp::model::{
    CacheScope, CompleteRequestParams, CompleteResult, CompletionInfo, ReadResourceResult,
    ResourceContents,
};
use serde_json::json;
use tokio_util::sync::CancellationToken;

use super::handler::{Handler, LIST_TTL_MS, shortened};
use super::toolbox::Toolbox;
use crate::tools::{CallContext, Document, Unread};

impl<T: Toolbox> Handler<T> {
    /// Reads a resource.
    pub(super) async fn read(
        &self,
        uri: &str,
        cancelled: CancellationToken,
    ) -> Result<ReadResourceResult, ErrorData> {
        let context = CallContext { cancelled, ..CallContext::default() };
        let reading = pin!(self.tools.read_resource(uri, &context));
        let read = self.guard(reading, &context, || true).await;
        match read {
            Some(Ok(Ok(document))) => Ok(result(document, uri)),
            Some(Ok(Err(Unread::Unknown))) => {
                let uri = shortened(uri);
                let message = format!("Unknown resource: {uri}");
                Err(ErrorData::resource_not_found(message, Some(json!({"uri": uri}))))
            }
            Some(Ok(Err(Unread::Failed(message)))) => Err(ErrorData::internal_error(message, None)),
            Some(Err(_)) => Err(ErrorData::internal_error("Internal error", None)),
            None => Err(ErrorData::internal_error("Cancelled", None)),
        }
    }

    /// Completes an argument; with nothing where that fails, since a person only types on.
    pub(super) async fn completed(
        &self,
        request: CompleteRequestParams,
        cancelled: CancellationToken,
    ) -> Result<CompleteResult, ErrorData> {
        let context = CallContext { cancelled, ..CallContext::default() };
        let (argument, typed) = (&request.argument.name, &request.argument.value);
        let completion = pin!(self.tools.complete(&request.r#ref, argument, typed, &context));
        let values = self.guard(completion, &context, || true).await;
        let values = values.and_then(Result::ok).unwrap_or_default();
        let info = CompletionInfo::with_pagination(values, None, false);
        Ok(CompleteResult::new(info.unwrap_or_default()))
    }
}

/// What is on file may change at any moment, and is nobody else's business.
fn result(document: Document, uri: &str) -> ReadResourceResult {
    let contents = ResourceContents::text(document.text, uri).with_mime_type("application/json");
    let (ttl_ms, scope) = match document.is_fixed {
        true => (LIST_TTL_MS, CacheScope::Public),
        false => (0, CacheScope::Private),
    };
    ReadResourceResult::new(vec![contents]).with_ttl_ms(ttl_ms).with_cache_scope(scope)
}
