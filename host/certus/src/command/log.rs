//! The log: on stderr, quiet unless asked; and, where a collector is set, traces.

mod json;
mod trace;

use std::io::IsTerminal as _;

use serde_json::{Map, Value};
use tracing::Subscriber;
use tracing_subscriber::fmt::format::JsonFields;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Layer, Registry};

use crate::settings::{LogFormat, Service};
use json::Lines;
pub(crate) use trace::{Traces, adopt, current};

/// Starts it: warnings and errors by default, more with `-v`.
pub(crate) fn start(verbose: u8) {
    text(verbose).init();
}

/// Starts the log of a process in which plugins run: as a command's, or, where `fields` is an object, as JSON in
/// which every line has these fields too.
pub(crate) fn worker(verbose: u8, fields: &str) {
    match serde_json::from_str::<Map<String, Value>>(fields) {
        Err(_) => text(verbose).init(),
        Ok(fields) => tracing_subscriber::registry().with(filter(verbose)).with(lines(fields)).init(),
    }
}

/// Starts the log of a service: what happens by default, in the form that was set, with times. The traces are
/// ended before the process does.
pub(crate) fn service(verbose: u8, service: &Service, role: &'static str) -> anyhow::Result<Traces> {
    let filter = EnvFilter::new(match verbose {
        0 => "info,sqlx=warn,aws_smithy_runtime=warn,aws_sdk_s3=warn,opentelemetry=warn",
        _ => "debug,hyper=info,hyper_util=info,sqlx=info,aws_smithy_runtime=info,aws_sdk_s3=info,h2=info",
    });
    let (traces, layer) = trace::start(service, role)?;
    let log: Box<dyn Layer<Registry> + Send + Sync> = match service.log {
        LogFormat::Json => Box::new(lines(Map::new()).with_filter(filter)),
        LogFormat::Text => {
            let layer = tracing_subscriber::fmt::layer();
            let ansi = std::io::stderr().is_terminal();
            Box::new(layer.with_writer(std::io::stderr).with_ansi(ansi).with_target(false).with_filter(filter))
        }
    };
    let layers: Vec<_> = std::iter::once(log).chain(layer).collect();
    tracing_subscriber::registry().with(layers).init();
    Ok(traces)
}

fn filter(verbose: u8) -> EnvFilter {
    EnvFilter::new(match verbose {
        0 => "error",
        1 => "info",
        _ => "debug",
    })
}

/// For people, without times.
fn text(verbose: u8) -> impl SubscriberInitExt {
    tracing_subscriber::fmt()
        .with_env_filter(filter(verbose))
        .with_writer(std::io::stderr)
        // A log that is kept holds no control characters, ours included.
        .with_ansi(std::io::stderr().is_terminal())
        .without_time()
        .with_target(false)
        .finish()
}

/// One object a line.
fn lines<S: Subscriber + for<'a> LookupSpan<'a>>(fields: Map<String, Value>) -> impl Layer<S> {
    let layer = tracing_subscriber::fmt::layer().with_writer(std::io::stderr).with_ansi(false);
    layer.fmt_fields(JsonFields::new()).event_format(Lines::with(fields))
}
