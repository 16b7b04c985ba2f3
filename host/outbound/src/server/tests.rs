use std::io::{self, Write as _};
use std::net::TcpStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::{Value, json};

use super::*;
use crate::testing_plain::Plain;

fn run<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(work)
}

fn settings(url: &str) -> ServerSettings {
    let key = Some("certus_1_hunter2".parse().unwrap());
    ServerSettings { url: url.parse().unwrap(), policy: Policy::default(), identity: None, key }
}

fn server(plain: &Plain) -> Server {
    Server::new(settings(&format!("http://{}", plain.address))).unwrap()
}

fn write(stream: &mut TcpStream, head: &str, body: &str) -> io::Result<()> {
    write!(stream, "HTTP/1.1 {head}\r\nConnection: close\r\nContent-Length: {}\r\n\r\n{body}", body.len())
}

/// A service that gives these answers one after the other, the last again and again.
fn answering(answers: &'static [(&'static str, &'static str)]) -> Plain {
    let asked = AtomicUsize::new(0);
    Plain::start(move |_, mut stream| {
        let (head, body) = answers[asked.fetch_add(1, Ordering::Relaxed).min(answers.len() - 1)];
        if head.is_empty() { Ok(()) } else { write(&mut stream, head, body) }
    })
}

#[test]
fn an_address_has_tls_or_is_of_this_machine() {
    for (text, kept) in [
        ("https://certus.corp", Some("https://certus.corp")),
        ("https://certus.corp/", Some("https://certus.corp")),
        ("HTTPS://Certus.corp:8443", Some("https://certus.corp:8443")),
        ("https://certus.corp/tools/certus", Some("https://certus.corp/tools/certus")),
        ("http://127.0.0.1:8056", Some("http://127.0.0.1:8056")),
        ("http://localhost:8056/", Some("http://localhost:8056")),
        ("http://[::1]:8056", Some("http://[::1]:8056")),
        ("http://certus.corp:8056", None),
        ("http://127.0.0.1", None),
        ("http://localhost.evil.example:8056", None),
        ("https://me:hunter2@certus.corp", None),
        ("https://certus.corp?x", None),
        ("ftp://certus.corp", None),
        ("certus.corp", None),
        ("", None),
    ] {
        let result = text.parse::<ServerUrl>();
        assert_eq!(result.as_ref().ok().map(ToString::to_string).as_deref(), kept, "{text}");
        assert!(result.err().is_none_or(|error| !error.to_string().contains("hunter2")), "{text}");
    }
    let url: ServerUrl = "https://certus.corp/x".parse().unwrap();
    assert_eq!(url.at("/v1", &[("a", "b c&d"), ("e", "é/")]), "https://certus.corp/x/v1?a=b%20c%26d&e=%C3%A9%2F");
}

#[test]
fn offline_nothing_but_this_machine_and_what_is_allowed_is_asked() {
    for (url, passes) in [
        ("http://127.0.0.1:8056", true),
        ("https://localhost", true),
        ("https://certus.corp:8443", true),
        ("https://certus.corp", false),
        ("https://other.corp:8443", false),
    ] {
        let policy = Policy { allow: vec!["certus.corp:8443".parse().unwrap()], offline: true, ..Policy::default() };
        let result = Server::new(ServerSettings { policy, ..settings(url) });
        assert_eq!(result.is_ok(), passes, "{url}: {result:?}");
    }
}

#[test]
fn the_key_is_sent_and_never_printed() {
    let plain = answering(&[("200 OK", r#"{"a":1}"#)]);
    let server = server(&plain);
    assert_eq!(run(server.get::<Value>("/x", &[("a", "b")])).unwrap(), json!({"a": 1}));
    let head = plain.heads().pop().unwrap();
    assert!(
        head.starts_with("GET /x?a=b HTTP/1.1") && head.contains("authorization: Bearer certus_1_hunter2"),
        "{head}"
    );
    let settings = settings("https://certus.corp");
    assert!(!format!("{server:?} {settings:?}").contains("hunter2"), "{server:?}");
    for bad in ["", "a b", "a\n", "\u{fc}", &"a".repeat(513)] {
        assert!(!bad.parse::<ApiKey>().unwrap_err().to_string().contains("a\n"));
    }
}

#[test]
fn what_the_service_says_no_with_is_told() {
    let body = r#"{"type":"https://certus.dev/problems/invalid","title":"T","status":422,"detail":"two fields",
        "request_id":"r1","errors":[{"field":"profile","detail":"has to be a name"}]}"#;
    for (head, body, status, kind, words) in [
        ("422 X", body, 422, "invalid", "the service answers 422: two fields; `profile` has to be a name"),
        ("404 X", "<html>\u{1b}[0m", 404, "", "the service answers 404"),
        (
            "401 X",
            r#"{"title":"A valid API key is required"}"#,
            401,
            "",
            "the service answers 401: A valid API key is required",
        ),
        (
            "500 X",
            r#"{"detail":"It failed","request_id":"r1"}"#,
            500,
            "",
            "the service answers 500: It failed (request r1)",
        ),
    ] {
        let plain = Plain::start(move |_, mut stream| write(&mut stream, head, body));
        let error = run(server(&plain).get::<Value>("/x", &[])).unwrap_err();
        let problem = error.problem().unwrap();
        assert_eq!((problem.status, problem.kind.as_str(), error.to_string().as_str()), (status, kind, words));
        assert_eq!(plain.heads().len(), 1, "{head}: it is not asked again");
    }
    for (row, head, body) in [
        ("a redirect", "302 X\r\nLocation: http://127.0.0.1:1/", ""),
        ("no JSON", "200 X", "<html>"),
        ("other JSON", "200 X", "[]"),
    ] {
        let plain = Plain::start(move |_, mut stream| write(&mut stream, head, body));
        let error = run(server(&plain).get::<std::collections::BTreeMap<String, String>>("/x", &[])).unwrap_err();
        assert!(matches!(error, Error::Foreign { .. }), "{row}: {error:?}");
    }
}

#[test]
fn only_what_may_be_asked_twice_is_asked_again() {
    let waits: &[_] = &[("503 X\r\nRetry-After: 0", "{}"), ("", ""), ("200 OK", "{}")];
    let plain = answering(waits);
    run(server(&plain).get::<Value>("/x", &[])).unwrap();
    assert_eq!(plain.heads().len(), 3, "a question");
    let plain = answering(waits);
    run(server(&plain).post::<Value>("/x", &json!({}), Some("k1"))).unwrap();
    assert!(plain.heads().iter().all(|head| head.contains("idempotency-key: k1")) && plain.heads().len() == 3);
    let plain = answering(waits);
    let error = run(server(&plain).post::<Value>("/x", &json!({}), None)).unwrap_err();
    assert_eq!((plain.heads().len(), error.is_temporary()), (1, true), "an order");
    let plain = answering(&[("503 X", "{}")]);
    let error = run(server(&plain).get::<Value>("/x", &[])).unwrap_err();
    assert_eq!((plain.heads().len(), error.problem().unwrap().status), (5, 503), "it is given up");
}

#[test]
fn a_download_is_whole_and_within_its_limit() {
    let plain = answering(&[("200 OK", "four")]);
    for (limit, passes) in [(4, true), (3, false)] {
        let mut kept = Vec::new();
        let result = run(server(&plain).download("/x", &mut kept, limit));
        assert_eq!(result.is_ok(), passes, "{limit}: {result:?}");
        assert!(!passes || kept == b"four");
    }
    let plain = Plain::start(|_, mut stream| stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nfour"));
    let result = run(server(&plain).download("/x", &mut Vec::new(), 100));
    assert!(matches!(result, Err(Error::NoAnswer { .. })), "{result:?}");
}

#[test]
fn a_file_is_sent_as_a_form() {
    let plain = Plain::start(|head, mut stream| {
        use std::io::Read as _;
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap_or("0");
        let mut body = vec![0; length.parse().map_err(io::Error::other)?];
        stream.read_exact(&mut body)?;
        write(&mut stream, "201 X", &json!({"sent": String::from_utf8_lossy(&body)}).to_string())
    });
    let folder = std::env::temp_dir().join(format!("certus-outbound-{}", std::process::id()));
    std::fs::write(&folder, b"content").unwrap();
    let answer = run(server(&plain).upload::<Value>("/upload", std::fs::File::open(&folder).unwrap(), "a.tar.gz"));
    std::fs::remove_file(&folder).unwrap();
    let sent = answer.unwrap()["sent"].as_str().unwrap().to_owned();
    assert!(sent.contains(r#"name="file"; filename="a.tar.gz""#) && sent.contains("\r\n\r\ncontent\r\n"), "{sent}");
}

#[test]
fn a_stream_that_breaks_goes_on_where_it_broke() {
    let opened = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&opened);
    let plain = Plain::start(move |head, mut stream| {
        let from = head
            .lines()
            .find_map(|line| line.strip_prefix("last-event-id: "))
            .map_or(0, |id| id.parse::<u32>().unwrap() + 1);
        stream
            .write_all(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n")?;
        let mut event = |id: u32, kind: &str| {
            let text = format!("id: {id}\nevent: {kind}\ndata: {{\"type\":\"{kind}\",\"seq\":{id}}}\n\n");
            write!(stream, "{:x}\r\n{text}\r\n", text.len())
        };
        match count.fetch_add(1, Ordering::Relaxed) {
            // Cut in the midst, twice, then ended before its time.
            0 => event(from, "phase").and_then(|()| event(from + 1, "phase")),
            1 => event(from, "phase"),
            2 => stream.write_all(b"0\r\n\r\n"),
            _ => event(from, "phase").and_then(|()| event(from + 1, "scan_complete")),
        }
    });
    run(async {
        let mut events = server(&plain).events("/stream", 0);
        let (mut seen, mut ends) = (Vec::new(), 0);
        while ends < 2 {
            match events.next().await.unwrap() {
                Some(event) => seen.push(event["seq"].as_u64().unwrap()),
                None => ends += 1,
            }
        }
        assert_eq!(seen, [0, 1, 2, 3, 4]);
        assert_eq!(events.next().await.unwrap(), None, "it stays ended");
    });
    assert_eq!(opened.load(Ordering::Relaxed), 4);
    let gone = Plain::start(|_, mut stream| write(&mut stream, "404 X", "{}"));
    let error = run(async { server(&gone).events("/stream", 3).next().await }).unwrap_err();
    assert_eq!((error.problem().unwrap().status, gone.heads().len()), (404, 1));
    assert!(gone.heads()[0].contains("last-event-id: 2"));
}

#[test]
fn an_identity_is_a_certificate_with_its_key() {
    let key = rcgen::KeyPair::generate().unwrap();
    let certificate = rcgen::CertificateParams::new(["me".to_owned()]).unwrap().self_signed(&key).unwrap().pem();
    let identity = Identity::from_pem(certificate.as_bytes(), key.serialize_pem().as_bytes()).unwrap();
    assert_eq!(format!("{identity:?}"), "Identity(redacted)");
    let other = rcgen::KeyPair::generate().unwrap().serialize_pem();
    for (row, certificate, key) in [
        ("another key", certificate.as_str(), other.as_str()),
        ("no key", certificate.as_str(), ""),
        ("no certificate", "", other.as_str()),
        ("nothing", "", ""),
    ] {
        let result = Identity::from_pem(certificate.as_bytes(), key.as_bytes());
        assert!(matches!(result, Err(Error::BadIdentity { .. })), "{row}");
    }
}
