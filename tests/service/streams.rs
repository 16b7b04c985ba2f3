//! Those who follow scans: each hears everything once, and nobody holds the service up.

use std::time::{Duration, Instant};

use certus_model::outcome::Verdict;
use certus_model::{Lane, ScanStatus};
use certus_store::{DatabaseUrl, Ending, JobEnd, Store};
use futures_util::{SinkExt as _, StreamExt as _};
use reqwest::Method;
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{WebSocketStream, client_async};

use super::keys::{key, production, user};
use super::on_each;
use crate::support::home::Home;
use crate::support::service::{PATIENCE, Service, directory, runtime, send};

type Socket = WebSocketStream<TcpStream>;

/// Opens a socket at a path.
async fn open(address: &str, path: &str, headers: &[(&'static str, &str)]) -> Result<Socket, Error> {
    let mut request = format!("ws://{address}{path}").into_client_request()?;
    for (name, value) in headers {
        request.headers_mut().insert(*name, value.parse().expect("a header"));
    }
    let stream = TcpStream::connect(address).await?;
    client_async(request, stream).await.map(|(socket, _)| socket)
}

/// Everything until the close, and its code.
async fn drain(mut socket: Socket) -> (Vec<Value>, Option<u16>) {
    let mut events = Vec::new();
    loop {
        let next = tokio::time::timeout(3 * PATIENCE, socket.next()).await.expect("it goes on or ends");
        match next {
            Some(Ok(Message::Text(text))) => events.push(serde_json::from_str(&text).expect("JSON")),
            Some(Ok(Message::Close(frame))) => return (events, frame.map(|frame| frame.code.into())),
            Some(Ok(_)) => {}
            None | Some(Err(_)) => return (events, None),
        }
    }
}

fn path(id: &str) -> String {
    format!("/v1/security-scans/{id}/stream")
}

fn numbers(events: &[Value]) -> Vec<u64> {
    events.iter().map(|event| event["seq"].as_u64().expect("a number")).collect()
}

/// Events of an answer in the form of server-sent events, with their ids.
fn server_sent(service: &Service, path: &str, last: Option<&str>) -> Vec<Value> {
    let mut request = service.request(Method::GET, path).header("accept", "text/event-stream");
    if let Some(last) = last {
        request = request.header("last-event-id", last);
    }
    let answer = send(request);
    assert_eq!((answer.status, answer.header("content-type")), (200, "text/event-stream"), "{}", answer.text());
    let text = answer.text();
    let blocks = text.split("\n\n").filter(|block| block.contains("data:"));
    blocks
        .map(|block| {
            let line = |name: &str| block.lines().find_map(|line| line.strip_prefix(name)).map(str::trim);
            let event: Value = serde_json::from_str(line("data:").expect("data")).expect("JSON");
            assert_eq!(line("id:"), Some(event["seq"].to_string().as_str()), "{block}");
            assert_eq!(line("event:"), event["type"].as_str(), "{block}");
            event
        })
        .collect()
}

/// Waits until nobody follows anything.
fn until_idle(service: &Service, within: Duration) -> Duration {
    let begun = Instant::now();
    loop {
        let stats = service.get("/stats").json();
        if stats["active_streams"] == 0 {
            return begun.elapsed();
        }
        assert!(begun.elapsed() < within, "{stats}\n{}", service.log());
        std::thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn live_and_late_clients_hear_every_event_once_and_the_end_last() {
    on_each(|records| {
        let home = Home::new();
        home.slow_workspace("slow");
        let service = Service::start(&home, &records.settings(&home));
        let id = service.submit(&directory("slow"));
        let (address, path) = (service.address(), path(&id));
        let live = runtime().block_on(async {
            let (one, two) = tokio::join!(open(address, &path, &[]), open(address, &path, &[]));
            let (one, two) = tokio::join!(drain(one.expect("it opens")), drain(two.expect("it opens")));
            assert_eq!(one, two, "two hear the same");
            one
        });
        let late = runtime().block_on(async { drain(open(address, &path, &[]).await.expect("it opens")).await });
        assert_eq!(live, late, "{}", records.name());
        let (events, code) = live;
        assert_eq!((numbers(&events), code), ((0..events.len() as u64).collect(), Some(1000)));
        let ends: Vec<_> = events.iter().map(|event| event["type"] == "scan_complete").collect();
        assert_eq!(ends.iter().position(|end| *end), Some(events.len() - 1), "{events:?}");
        assert!(events.len() > 3, "{events:?}");
        for event in &events {
            assert!(event["type"].is_string() && event["timestamp"].is_f64(), "{event}");
        }

        let from = runtime().block_on(async {
            let path = format!("{path}?from=2");
            drain(open(address, &path, &[]).await.expect("it opens")).await
        });
        assert_eq!(from, (events[2..].to_vec(), Some(1000)));
        assert_eq!(server_sent(&service, &path, None), events);
        assert_eq!(server_sent(&service, &path, Some("1")), events[2..]);
        assert_eq!(server_sent(&service, &format!("{path}?from=2"), None), events[2..]);
        // What was received last wins over where it began.
        assert_eq!(server_sent(&service, &format!("{path}?from=0"), Some("2")), events[3..]);
        assert_eq!(server_sent(&service, &path, Some(&events.len().to_string())), [Value::Null; 0]);
        assert_eq!(service.get(&format!("{path}?from=-1")).status, 400);
        until_idle(&service, PATIENCE);
    });
}

#[test]
fn case_092_who_may_open_a_stream() {
    let home = Home::new();
    home.workspace("repo");
    let acme = key(&home, &user(&home, "acme", "tenant"), "read");
    let write = key(&home, &user(&home, "acme2", "tenant"), "write");
    let settings = [&production(&home)[..], &[("CERTUS_ALLOWED_ORIGINS", "https://console.example.com")]].concat();
    let service = Service::start_with(&home, &settings, &["--no-workers"]).with_key(&write);
    let path = path(&service.submit(&directory("repo")));
    let (address, bearer) = (service.address(), format!("Bearer {write}"));
    // The last digit, another one, whichever it was.
    let other = if write.ends_with('0') { '1' } else { '0' };
    let (own, wrong) = (format!("http://{address}"), format!("Bearer {}{other}", &write[..write.len() - 1]));
    let subprotocols = format!("certus.events, certus.key.{write}");
    let bad_subprotocols = format!("certus.events, certus.key.{}", &write[..write.len() - 1]);
    runtime().block_on(async {
        for (headers, status) in [
            (vec![], 401),
            (vec![("authorization", "Bearer nonsense")], 401),
            (vec![("authorization", wrong.as_str())], 401),
            (vec![("sec-websocket-protocol", bad_subprotocols.as_str())], 401),
            (vec![("origin", own.as_str())], 401),
            (vec![("authorization", &bearer), ("origin", "https://evil.example")], 403),
            (vec![("authorization", &bearer), ("origin", "null")], 403),
            (vec![("authorization", &bearer), ("origin", "https://console.example.com.evil.example")], 403),
            (vec![("sec-websocket-protocol", &subprotocols), ("origin", "https://evil.example")], 403),
        ] {
            let Err(Error::Http(answer)) = open(address, &path, &headers).await else {
                panic!("{headers:?} opened a socket")
            };
            assert_eq!(answer.status().as_u16(), status, "{headers:?}");
        }
        // The key is no part of an address.
        let Err(Error::Http(answer)) = open(address, &format!("{path}?key={write}"), &[]).await else {
            panic!("a key in an address opened a socket")
        };
        assert_eq!(answer.status().as_u16(), 401);
        for headers in [
            vec![("authorization", bearer.as_str())],
            vec![("x-api-key", write.as_str())],
            vec![("authorization", &bearer), ("origin", &own)],
            vec![("authorization", &bearer), ("origin", "https://console.example.com")],
            vec![("sec-websocket-protocol", &subprotocols), ("origin", &own)],
        ] {
            let mut socket = open(address, &path, &headers).await.expect("it opens");
            socket.send(Message::Close(None)).await.expect("it listens");
            assert_eq!(drain(socket).await.0, [Value::Null; 0], "{headers:?}: nothing has happened yet");
        }
        // What nobody has, what nobody can have, and what is another tenant's.
        let reader = format!("Bearer {acme}");
        let unknown = ["test_000000000000", "nonsense", "..%2f..%2fx"].map(self::path);
        for (path, bearer) in unknown.iter().map(|path| (path, &bearer)).chain([(&path, &reader)]) {
            let socket = open(address, path, &[("authorization", bearer)]).await.expect("it opens");
            assert_eq!(drain(socket).await, (vec![], Some(4404)), "{path}");
        }
    });
    let foreign = service.request(Method::GET, &path).header("origin", "https://evil.example");
    assert_eq!(send(foreign).status, 403, "nor as server-sent events");
    until_idle(&service, PATIENCE);
}

#[test]
fn case_092_streams_that_are_dropped_leave_nothing() {
    let home = Home::new();
    home.workspace("repo");
    let mut service = Service::start_with(&home, &[], &["--no-workers"]);
    let path = path(&service.submit(&directory("repo")));
    let process = service.process().id().as_raw_nonzero();
    let sockets = || {
        let listing = std::fs::read_dir(format!("/proc/{process}/fd")).expect("a process");
        let links = listing.filter_map(|entry| std::fs::read_link(entry.ok()?.path()).ok());
        links.filter(|link| link.to_string_lossy().starts_with("socket:")).count()
    };
    until_idle(&service, PATIENCE);
    let before = sockets();
    let address = service.address().to_owned();
    for round in 0..3 {
        let open = runtime().block_on(async {
            let opened = (0..100).map(|_| open(&address, &path, &[]));
            let opened = futures_util::future::join_all(opened).await;
            opened.into_iter().collect::<Result<Vec<_>, _>>().expect("each opens")
        });
        assert_eq!(service.get("/stats").json()["active_streams"], 100);
        assert!(service.get("/metrics").text().contains("certus_assurance_live_streams 100"));
        assert!(sockets() >= before + 100);
        // No goodbye: the connections end.
        runtime().block_on(async { drop(open) });
        let after = until_idle(&service, PATIENCE);
        let patience = Instant::now() + PATIENCE;
        while sockets() > before {
            assert!(Instant::now() < patience, "{} sockets, {before} before", sockets());
            std::thread::sleep(Duration::from_millis(20));
        }
        println!("case 092: 100 dropped streams are gone after {after:?}, round {round}");
    }
    assert_eq!(service.get("/livez").status, 200);
}

#[test]
fn case_092_clients_that_never_read_are_cut_off_and_hold_nobody_up() {
    const EVENTS: u64 = 8_000;
    const IDLE: usize = 8;
    let home = Home::new();
    home.workspace("repo");
    let mut service = Service::start_with(&home, &[], &["--no-workers"]);
    let id = service.submit(&directory("repo"));
    let (address, path) = (service.address().to_owned(), path(&id));
    let process = service.process().id().as_raw_nonzero();
    let resident = |key: &str| {
        let status = std::fs::read_to_string(format!("/proc/{process}/status")).expect("it runs");
        let line = status.lines().find_map(|line| line.strip_prefix(key)).expect("a line of this key");
        line.split_whitespace().next().and_then(|n| n.parse::<u64>().ok()).expect("a number of KiB")
    };
    let (idle, reader) = runtime().block_on(async {
        let idle = futures_util::future::join_all((0..IDLE).map(|_| open(&address, &path, &[]))).await;
        let reader = open(&address, &path, &[]).await.expect("it opens");
        // It reads while the others do not.
        (idle.into_iter().collect::<Result<Vec<_>, _>>().expect("each opens"), tokio::spawn(drain(reader)))
    });
    assert_eq!(service.get("/stats").json()["active_streams"], IDLE + 1);
    std::fs::write(format!("/proc/{process}/clear_refs"), "5").expect("a process of this user");
    let before = resident("VmHWM:");
    let database = DatabaseUrl::sqlite(&home.path("artifacts/certus.db")).expect("an address");
    runtime().block_on(async {
        let store = Store::open(&database, 2).await.expect("a store");
        let claim = store.claim("tests", Duration::from_secs(3600), Lane::Interactive).await.expect("a store");
        let lease = claim.expect("a job").lease;
        let text = "x".repeat(8 * 1024);
        for start in (0..EVENTS).step_by(400) {
            let some: Vec<_> =
                (start..start + 400).map(|line| json!({"type": "log", "line": line, "text": text})).collect();
            store.append_events(&lease, &some).await.expect("a lease");
        }
        let ending = Ending {
            events: vec![json!({"type": "scan_complete", "status": "SUCCEEDED"})],
            ..Ending::new(ScanStatus::Succeeded, Verdict::Pass)
        };
        store.finish(&lease, JobEnd::Completed, &ending).await.expect("a lease");
        store.close().await;
    });
    let (events, code) = runtime().block_on(reader).expect("no panic");
    assert_eq!((numbers(&events), code), ((0..=EVENTS).collect(), Some(1000)), "who reads hears everything");
    assert_eq!(events.last().map(|event| &event["type"]), Some(&json!("scan_complete")));
    drop(events);
    // Nobody is held up by them.
    assert_eq!((service.get("/livez").status, service.get("/readyz").status), (200, 200));
    let late = runtime().block_on(async { drain(open(&address, &path, &[]).await.expect("it opens")).await });
    assert_eq!((numbers(&late.0), late.1), ((0..=EVENTS).collect(), Some(1000)), "nor is who comes late");
    let after = until_idle(&service, 3 * PATIENCE);
    let more = resident("VmHWM:").saturating_sub(before);
    // Without a bound it would be more than 60 MiB for each of them.
    assert!(more < 192 * 1024, "{more} KiB more for {IDLE} clients that take nothing");
    println!("case 092: {IDLE} clients that never read were cut off {after:?} later, at {more} KiB of memory");
    let errors = service.get("/metrics").text();
    let errors = errors.lines().find_map(|line| line.strip_prefix("certus_assurance_websocket_errors_total "));
    assert!(errors.and_then(|n| n.parse::<f64>().ok()).is_some_and(|n| n >= IDLE as f64), "{errors:?}");
    drop(idle);
}
