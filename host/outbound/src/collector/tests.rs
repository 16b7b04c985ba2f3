use std::io::{self, Write as _};

use super::*;
use crate::testing_plain::Plain;

/// Names that lead where telemetry may be sent.
struct Known;

impl Resolver for Known {
    fn resolve(&self, name: &str) -> io::Result<Vec<IpAddr>> {
        match name {
            "localhost" | "collector.corp" => Ok(vec![[127, 0, 0, 1].into()]),
            _ => Err(io::Error::other("no such name")),
        }
    }
}

fn collector(url: &str, allow: &[&str]) -> Result<Collector, Error> {
    let allow = allow.iter().map(|text| text.parse().unwrap()).collect();
    Collector::with_resolver(url, Policy { allow, ..Policy::default() }, Known)
}

fn posted(collector: &Collector, headers: &[(&str, &str)]) -> Result<(u16, Vec<u8>), Error> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(collector.post("application/x-protobuf", headers, b"spans".to_vec()))
}

#[test]
fn only_what_the_operator_has_named_is_spoken_to_without_tls() {
    for (row, url, allow, passes) in [
        ("loopback", "http://127.0.0.1:4318/v1/traces", "other.corp", true),
        ("another address of loopback", "http://127.9.9.9:4318/v1/traces", "other.corp", true),
        ("loopback of version 6", "http://[::1]:4318/v1/traces", "other.corp", true),
        ("localhost", "http://localhost:4318/v1/traces", "other.corp", true),
        ("with TLS", "https://collector.example/v1/traces", "other.corp", true),
        ("with TLS, on loopback", "https://localhost:4318/v1/traces", "other.corp", true),
        ("an allowed host with its port", "http://collector.corp:4318/v1/traces", "collector.corp:4318", true),
        ("an allowed host at another port", "http://collector.corp:4319/v1/traces", "collector.corp:4318", false),
        ("an allowed host without a port", "http://collector.corp:4318/v1/traces", "collector.corp", false),
        ("an allowed network", "http://10.1.2.3:4318/v1/traces", "10.0.0.0/8", false),
        ("a stranger", "http://collector.example:4318/v1/traces", "other.corp", false),
        ("no port", "http://127.0.0.1/v1/traces", "other.corp", false),
        ("a name like loopback", "http://localhost.example:4318/v1/traces", "other.corp", false),
        ("another scheme", "grpc://127.0.0.1:4317/v1/traces", "other.corp", false),
        ("a login", "http://me:hunter2@127.0.0.1:4318/v1/traces", "other.corp", false),
    ] {
        let result = collector(url, &[allow]);
        assert_eq!(result.is_ok(), passes, "{row}: {result:?}");
        assert!(result.err().is_none_or(|error| !error.to_string().contains("hunter2")), "{row}");
    }
}

#[test]
fn a_post_carries_its_headers_and_brings_the_answer() {
    let server = Plain::start(|_, mut stream| stream.write_all(b"HTTP/1.1 202 Fine\r\nContent-Length: 4\r\n\r\nfour"));
    for (host, allow) in [("127.0.0.1", "other.corp"), ("localhost", "other.corp"), ("collector.corp", "")] {
        let port = server.address.port();
        let allow = if allow.is_empty() { format!("{host}:{port}") } else { allow.to_owned() };
        let collector = collector(&format!("http://{host}:{port}/v1/traces"), &[&allow]).unwrap();
        assert_eq!(posted(&collector, &[("x-token", "t")]).unwrap(), (202, b"four".to_vec()), "{host}");
        let head = server.heads().pop().unwrap();
        for line in
            ["POST /v1/traces HTTP/1.1", "content-type: application/x-protobuf", "x-token: t", "content-length: 5"]
        {
            assert!(head.lines().any(|found| found == line), "{host}: {line} in {head}");
        }
    }
}

#[test]
fn a_collector_that_moves_or_fails_is_an_error_without_secrets() {
    let moved = Plain::start(|_, mut stream| {
        stream.write_all(b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n")
    });
    let url = |server: &Plain| format!("http://127.0.0.1:{}/v1/traces", server.address.port());
    assert_eq!(posted(&collector(&url(&moved), &[]).unwrap(), &[]).unwrap(), (302, Vec::new()));
    let large = Plain::start(|_, mut stream| stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 99999999\r\n\r\n"));
    let result = posted(&collector(&url(&large), &[]).unwrap(), &[]);
    assert!(matches!(result, Err(Error::TooLarge { .. })), "{result:?}");
    let silent = Plain::start(|_, _| Ok(()));
    let result = posted(&collector(&url(&silent), &[]).unwrap(), &[]);
    assert!(matches!(result, Err(Error::NoAnswer { .. })), "{result:?}");
    let error = posted(&collector(&url(&silent), &[]).unwrap(), &[("x-token", "hunter2\n")]).unwrap_err();
    assert!(matches!(error, Error::BadHeader { .. }) && !format!("{error:?}").contains("hunter2"), "{error:?}");
}
