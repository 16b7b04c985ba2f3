//! What a service tells those who watch it: traces, lines of its log, metrics.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::sync::{Arc, Mutex};
use std::time::Instant;

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value;
use prost::Message as _;
use reqwest::Method;
use rustix::process::Signal;
use serde_json::{Value, json};

use super::Records;
use super::workers::worker;
use crate::support::home::Home;
use crate::support::service::{PATIENCE, Process, Service, directory, send};

/// A span as a collector knows it.
#[derive(Clone, Debug)]
struct Span {
    name: String,
    trace: String,
    id: String,
    parent: String,
    role: String,
    attributes: BTreeMap<String, String>,
}

/// A collector of traces, as far as OTLP over HTTP asks.
struct Collector {
    port: u16,
    spans: Arc<Mutex<Vec<Span>>>,
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

impl Collector {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a socket");
        let collector = Self { port: listener.local_addr().expect("an address").port(), spans: Arc::default() };
        let spans = collector.spans.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let spans = spans.clone();
                std::thread::spawn(move || drop(collect(stream, &spans)));
            }
        });
        collector
    }

    fn spans(&self) -> Vec<Span> {
        self.spans.lock().expect("no panic").clone()
    }
}

/// Takes what one connection sends, request by request.
fn collect(mut stream: std::net::TcpStream, spans: &Mutex<Vec<Span>>) -> std::io::Result<()> {
    loop {
        let (mut head, mut byte) = (Vec::new(), [0]);
        while !head.ends_with(b"\r\n\r\n") {
            stream.read_exact(&mut byte)?;
            head.push(byte[0]);
        }
        let head = String::from_utf8_lossy(&head).to_ascii_lowercase();
        assert!(head.starts_with("post /v1/traces "), "{head}");
        assert!(head.contains("content-type: application/x-protobuf"), "{head}");
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")?.trim().parse().ok());
        let mut body = vec![0; length.expect("a length")];
        stream.read_exact(&mut body)?;
        let request = ExportTraceServiceRequest::decode(&*body).expect("OTLP");
        let text = |value: Option<opentelemetry_proto::tonic::common::v1::AnyValue>| match value.and_then(|v| v.value) {
            Some(any_value::Value::StringValue(text)) => text,
            Some(other) => format!("{other:?}"),
            None => String::new(),
        };
        for resource in request.resource_spans {
            let attributes = resource.resource.map(|resource| resource.attributes).unwrap_or_default();
            let role = attributes.into_iter().find(|one| one.key == "certus.role").and_then(|one| one.value);
            let role = text(role);
            let all = resource.scope_spans.into_iter().flat_map(|scope| scope.spans);
            spans.lock().expect("no panic").extend(all.map(|span| Span {
                name: span.name,
                trace: hex(&span.trace_id),
                id: hex(&span.span_id),
                parent: hex(&span.parent_span_id),
                role: role.clone(),
                attributes: span.attributes.into_iter().map(|one| (one.key, text(one.value))).collect(),
            }));
        }
        stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-type: application/x-protobuf\r\ncontent-length: 0\r\n\r\n")?;
    }
}

const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";
const CALLER: &str = "b7ad6b7169203331";

#[test]
fn one_trace_leads_from_the_client_through_both_processes_to_the_bundle() {
    let home = Home::new();
    home.workspace("repo");
    let collector = Collector::start();
    let endpoint = format!("http://127.0.0.1:{}", collector.port);
    let settings = [("CERTUS_OTLP_ENDPOINT", endpoint.as_str())];
    let mut service = Service::start_with(&home, &settings, &["--no-workers"]);
    let mut worker = worker(&home, &settings);
    let submit = service.request(Method::POST, "/v1/security-scans").header("content-type", "application/json");
    let submit = submit.header("traceparent", format!("00-{TRACE}-{CALLER}-01"));
    let answer = send(submit.body(directory("repo").to_string()));
    let id = answer.json()["test_id"].as_str().expect("an id").to_owned();
    assert_eq!(service.ended(&id)["status"], "succeeded");
    for process in [service.process(), &mut worker] {
        // What is left is sent before the end.
        process.signal(Signal::TERM);
        assert_eq!(process.ended().code(), Some(0), "{}", process.log());
    }
    let spans: Vec<_> = collector.spans().into_iter().filter(|span| span.trace == TRACE).collect();
    let one = |name: &str| {
        let mut found = spans.iter().filter(|span| span.name == name);
        let span = found.next().unwrap_or_else(|| panic!("no span `{name}` in {spans:#?}"));
        assert!(found.next().is_none(), "{name} stands twice");
        span
    };
    let (request, scan) = (one("request"), one("scan"));
    assert_eq!((request.parent.as_str(), request.role.as_str()), (CALLER, "serve"));
    assert_eq!((&scan.parent, scan.role.as_str()), (&request.id, "worker"));
    assert_eq!(scan.attributes["scan_id"], id);
    for stage in ["checkout", "engine", "report", "bundle"] {
        assert_eq!((&one(stage).parent, one(stage).role.as_str()), (&scan.id, "worker"), "{stage}");
    }
    let texts = format!("{spans:?}");
    assert!(!texts.contains("AKIA") && !texts.contains(home.path("").to_str().expect("UTF-8")), "{texts}");
}

#[test]
fn nothing_is_traced_unless_it_is_asked_for() {
    let home = Home::new();
    home.workspace("repo");
    let collector = Collector::start();
    let endpoint = format!("http://127.0.0.1:{}", collector.port);
    for settings in [vec![], vec![("CERTUS_OTLP_ENDPOINT", endpoint.as_str()), ("CERTUS_TRACE_PERCENT", "0")]] {
        let mut service = Service::start(&home, &settings);
        service.ended(&service.submit(&directory("repo")));
        service.process().signal(Signal::TERM);
        service.process().ended();
        assert!(collector.spans().is_empty(), "{settings:?}: {:?}", collector.spans());
    }
}

/// The lines of a log, each of which is an object.
fn lines(process: &Process) -> Vec<Value> {
    let log = process.log();
    let json = log.lines().filter(|line| line.starts_with('{'));
    json.map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"))).collect()
}

#[test]
fn every_line_about_a_scan_says_which() {
    let home = Home::new();
    home.workspace("repo");
    let settings = [("CERTUS_LOG_FORMAT", "json")];
    let mut service = Service::start_with(&home, &settings, &["-v"]);
    let manifest = json!({ "product": "p", "version": "1", "profiles": [{ "name": "own", "tools": ["secrets"] }] });
    let mut body = directory("repo");
    body["manifest"] = manifest;
    body["profile"] = json!("own");
    let id = service.submit(&body);
    let scan = service.ended(&id);
    let failed = service.submit(&directory("nowhere"));
    service.ended(&failed);
    let patience = Instant::now() + PATIENCE;
    while !lines(service.process()).iter().any(|line| line["message"] == "the scan failed") {
        assert!(Instant::now() < patience, "{}", service.log());
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    let all = lines(service.process());
    let about: Vec<_> = all.iter().filter(|line| line["scan_id"] == json!(id)).collect();
    let said: BTreeSet<_> = about.iter().filter_map(|line| line["message"].as_str()).collect();
    assert!(said.contains("accepted") && said.contains("scan claimed") && said.contains("scan succeeded"), "{said:?}");
    for line in &about {
        assert_eq!(line["workspace_id"], "w1", "{line}");
        assert_eq!(line["manifest_digest"], scan["manifest_digest"], "{line}");
        assert!(line["timestamp"].is_string() && line["level"].is_string(), "{line}");
    }
    // What is said within a scan has all three, whoever says it: no line of the pipeline goes without.
    for line in all.iter().filter(|line| line["target"].as_str().is_some_and(|t| t.contains("jobs::attempt"))) {
        assert!(line["scan_id"].is_string() && line["workspace_id"].is_string(), "{line}");
        assert!(line["manifest_digest"].is_string(), "{line}");
    }
}

#[test]
fn a_worker_answers_probes_and_is_counted() {
    let home = Home::new();
    home.workspace("repo");
    let records = Records::Sqlite;
    let service = Service::start_with(&home, &records.settings(&home), &["--no-workers"]);
    let worker = worker(&home, &[("CERTUS_PROBES_LISTEN", "127.0.0.1:0")]);
    let patience = Instant::now() + PATIENCE;
    let address = loop {
        if let Some(rest) = worker.log().split("probes are answered at http://").nth(1) {
            break rest.split_whitespace().next().expect("an address").to_owned();
        }
        assert!(Instant::now() < patience, "{}", worker.log());
        std::thread::sleep(std::time::Duration::from_millis(20));
    };
    service.ended(&service.submit(&directory("repo")));
    let get = |path: &str| {
        let client = reqwest::Client::builder().no_proxy().build().expect("a client");
        send(client.get(format!("http://{address}{path}")))
    };
    for path in ["/livez", "/readyz", "/health"] {
        assert_eq!(get(path).status, 200, "{path}");
    }
    assert_eq!(get("/v1/security-scans").status, 404, "a worker has no API");
    let metrics = get("/metrics").text();
    for line in [
        "certus_assurance_scans_finished_total{status=\"succeeded\",decision=\"pass\"} 1",
        "certus_assurance_scan_duration_seconds_count{decision=\"pass\"} 1",
        "certus_assurance_queue_wait_seconds_count{lane=\"interactive\"} 1",
    ] {
        assert!(metrics.contains(line), "{line} in\n{metrics}");
    }
}
