//! Traces, sent to the operator's collector by OTLP over HTTP. Off unless a collector is set.

use std::collections::HashMap;
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;

use anyhow::Context as _;
use certus_outbound::Collector;
use opentelemetry::propagation::TextMapPropagator as _;
use opentelemetry::trace::{TraceContextExt as _, TracerProvider as _};
use opentelemetry_http::{Bytes, HttpClient, HttpError, Request, Response};
use opentelemetry_otlp::{SpanExporter, WithExportConfig as _, WithHttpConfig as _};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::propagation::TraceContextPropagator;
use opentelemetry_sdk::trace::{Sampler, SdkTracerProvider};
use tokio::runtime::Handle;
use tracing::{Level, Span};
use tracing_opentelemetry::OpenTelemetrySpanExt as _;
use tracing_subscriber::filter::FilterFn;
use tracing_subscriber::{Layer, Registry};

use crate::settings::Service;
use crate::settings::table::OTLP_ENDPOINT;

/// Sends what is left when it is ended.
pub(crate) struct Traces(Option<SdkTracerProvider>);

/// What a W3C header is called.
const TRACEPARENT: &str = "traceparent";

impl Traces {
    /// Sends what is left. It waits for the collector, within its patience.
    pub(crate) async fn end(self) {
        let Some(provider) = self.0 else { return };
        // Whether that works is nobody's to wait for any more.
        let _ = tokio::task::spawn_blocking(move || provider.shutdown()).await;
    }
}

/// Begins to trace, in a runtime, if a collector is set.
pub(super) fn start(
    service: &Service,
    role: &'static str,
) -> anyhow::Result<(Traces, Option<Box<dyn Layer<Registry> + Send + Sync>>)> {
    let Some(endpoint) = &service.otlp else { return Ok((Traces(None), None)) };
    let url = match endpoint.trim_end_matches('/') {
        whole if whole.ends_with("/v1/traces") => whole.to_owned(),
        base => format!("{base}/v1/traces"),
    };
    let unusable = || format!("{} cannot be used", OTLP_ENDPOINT.name);
    let collector = Collector::new(&url, service.outbound.clone()).with_context(unusable)?;
    let door = Door { collector: Arc::new(collector), runtime: Handle::current() };
    let exporter = SpanExporter::builder().with_http().with_http_client(door).with_endpoint(url);
    let exporter = exporter.build().with_context(unusable)?;
    let resource = Resource::builder_empty().with_attributes([
        opentelemetry::KeyValue::new("service.name", "certus"),
        opentelemetry::KeyValue::new("service.version", env!("CARGO_PKG_VERSION")),
        opentelemetry::KeyValue::new("certus.role", role),
        opentelemetry::KeyValue::new("service.instance.id", uuid::Uuid::now_v7().to_string()),
    ]);
    // What a client traces is traced here too.
    let sampler = Sampler::ParentBased(Box::new(Sampler::TraceIdRatioBased(service.trace_share)));
    let provider = SdkTracerProvider::builder()
        .with_batch_exporter(exporter)
        .with_resource(resource.build())
        .with_sampler(sampler)
        .build();
    // Of our own spans alone, and never of the lines of the log: they may say more than a collector should know.
    let ours = FilterFn::new(|metadata| {
        metadata.is_span() && *metadata.level() <= Level::INFO && metadata.target().starts_with("certus")
    });
    let layer = tracing_opentelemetry::layer().with_tracer(provider.tracer("certus")).with_filter(ours);
    Ok((Traces(Some(provider)), Some(Box::new(layer))))
}

/// The trace that the current span is part of, as W3C's `traceparent`; none where nothing is traced.
pub(crate) fn current() -> Option<String> {
    let context = Span::current().context();
    context.span().span_context().is_valid().then(|| {
        let mut carrier = HashMap::new();
        TraceContextPropagator::new().inject_context(&context, &mut carrier);
        carrier.remove(TRACEPARENT)
    })?
}

/// Makes a span part of a trace. What is no `traceparent` is nobody's trace.
pub(crate) fn adopt(span: &Span, traceparent: &str) {
    let carrier = HashMap::from([(TRACEPARENT.to_owned(), traceparent.to_owned())]);
    let context = TraceContextPropagator::new().extract(&carrier);
    if context.span().span_context().is_valid() {
        // It fails where nothing is traced.
        let _ = span.set_parent(context);
    }
}

/// Lets the exporter out by the one door. It is asked from a thread of its own, and sends in the runtime.
struct Door {
    collector: Arc<Collector>,
    runtime: Handle,
}

impl fmt::Debug for Door {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Door")
    }
}

impl HttpClient for Door {
    fn send_bytes<'a, 'b>(
        &'a self,
        request: Request<Bytes>,
    ) -> Pin<Box<dyn Future<Output = Result<Response<Bytes>, HttpError>> + Send + 'b>>
    where
        'a: 'b,
        Self: 'b,
    {
        let collector = self.collector.clone();
        let sent = self.runtime.spawn(async move {
            let headers: Vec<_> = (request.headers().iter())
                .filter_map(|(name, value)| Some((name.as_str(), value.to_str().ok()?)))
                .collect();
            let (kind, others): (Vec<_>, Vec<_>) = headers.into_iter().partition(|(name, _)| *name == "content-type");
            let kind = kind.first().map_or("application/x-protobuf", |(_, kind)| kind);
            let (status, body) = collector.post(kind, &others, request.body().to_vec()).await?;
            Ok(Response::builder().status(status).body(Bytes::from(body))?)
        });
        Box::pin(async move { sent.await? })
    }
}
