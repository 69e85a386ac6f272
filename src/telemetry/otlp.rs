//! Spans to a collector by OTLP over HTTP, where `OTEL_EXPORTER_OTLP_ENDPOINT` names one.
//!
//! What OpenTelemetry's variables say holds: endpoint, protocol, headers, service name, sampler.

use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use opentelemetry::trace::TracerProvider;
use opentelemetry_http::{Bytes, HttpClient, HttpError, Request, Response};
use opentelemetry_otlp::{SpanExporter, WithHttpConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::SdkTracerProvider;
use reqwest::{Client, Url};
use tokio::runtime::Runtime;
use tracing::Subscriber;
use tracing_subscriber::Layer;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::registry::LookupSpan;

use crate::clients::http::connect::build_client;

/// How long the last spans may take to be delivered.
const FINISH_LIMIT: Duration = Duration::from_millis(200);
/// How long one delivery may take.
const DELIVERY_LIMIT: Duration = Duration::from_secs(10);
/// How long a connection may take.
const CONNECT_LIMIT: Duration = Duration::from_secs(3);

/// The variables that name a collector.
const ENDPOINTS: [&str; 2] = ["OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT"];

static PROVIDER: Mutex<Option<SdkTracerProvider>> = Mutex::new(None);

/// Sends the span of each call to the collector; `None` where none is named.
///
/// # Errors
/// What is wrong with OpenTelemetry's variables.
pub fn layer<S>() -> Result<Option<impl Layer<S>>, String>
where
    S: Subscriber + for<'span> LookupSpan<'span>,
{
    let is_set = |name: &&str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    if !ENDPOINTS.iter().any(is_set) {
        return Ok(None);
    }
    let delivery = Delivery::new().map_err(|error| error.to_string())?;
    let exporter = SpanExporter::builder().with_http().with_http_client(delivery).build();
    let exporter = exporter.map_err(|error| error.to_string())?;
    let mut resource = Resource::builder();
    if !is_set(&"OTEL_SERVICE_NAME") {
        resource = resource.with_service_name("servicebay");
    }
    let provider = SdkTracerProvider::builder()
        .with_resource(resource.build())
        .with_batch_exporter(exporter)
        .build();
    let layer = tracing_opentelemetry::layer()
        .with_tracer(provider.tracer("servicebay"))
        .with_location(false)
        .with_threads(false)
        .with_target(false)
        .with_tracked_inactivity(false)
        // Nothing but the span of each call, however much is logged.
        .with_filter(Targets::new().with_target(super::TARGET, LevelFilter::INFO));
    *PROVIDER.lock().unwrap_or_else(PoisonError::into_inner) = Some(provider);
    Ok(Some(layer))
}

/// Delivers the last spans, for a moment at most.
pub fn finish() {
    let provider = PROVIDER.lock().unwrap_or_else(PoisonError::into_inner).take();
    if let Some(provider) = provider {
        // Spans that a collector does not take in time are lost; the shop's work is done.
        let _ = provider.shutdown_with_timeout(FINISH_LIMIT);
    }
}

/// Our own HTTP client, with its TLS, for the exporter's thread, which has no runtime.
#[derive(Debug)]
struct Delivery {
    runtime: Runtime,
    client: OnceLock<Client>,
}

impl Delivery {
    fn new() -> std::io::Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        Ok(Self { runtime, client: OnceLock::new() })
    }

    /// The client, made for the first delivery, since reading root certificates takes time.
    fn client(&self, url: &Url) -> Result<&Client, HttpError> {
        if let Some(client) = self.client.get() {
            return Ok(client);
        }
        let client = build_client(Some(url), CONNECT_LIMIT)?;
        Ok(self.client.get_or_init(|| client))
    }

    async fn deliver(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let url = Url::parse(&request.uri().to_string())?;
        let client = self.client(&url)?;
        let (head, body) = request.into_parts();
        let answer = client
            .request(head.method, url)
            .headers(head.headers)
            .timeout(DELIVERY_LIMIT)
            .body(body)
            .send()
            .await?;
        let mut response = Response::builder().status(answer.status());
        if let Some(headers) = response.headers_mut() {
            headers.clone_from(answer.headers());
        }
        // What it says beside the status changes nothing here, and may be long.
        Ok(response.body(Bytes::new())?)
    }
}

impl HttpClient for Delivery {
    fn send_bytes<'life, 'call>(
        &'life self,
        request: Request<Bytes>,
    ) -> BoxFuture<'call, Result<Response<Bytes>, HttpError>>
    where
        'life: 'call,
        Self: 'call,
    {
        // The exporter waits for it on a thread of its own.
        async move { self.runtime.block_on(self.deliver(request)) }.boxed()
    }
}
