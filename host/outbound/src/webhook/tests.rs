use std::io::{self, Write as _};
use std::net::IpAddr;
use std::sync::mpsc;
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use reqwest::header::{HeaderMap, HeaderValue, RETRY_AFTER};

use super::*;
use crate::testing::{Authority, Connection, Request, Server};
use crate::{Authorities, Guard, Policy, RemoteUrl, Resolver};

/// Five minutes, as the specification has it.
const TOLERANCE: Duration = Duration::from_secs(300);
const NOW: i64 = 1_614_265_330;
const BODY: &[u8] = br#"{"test": 2432232314}"#;
const ID: &str = "msg_p5jXN8AQM9LWM0D4loKWxJek";

fn secret(byte: u8) -> WebhookSecret {
    WebhookSecret::from_bytes(&[byte; 32]).unwrap()
}

/// The headers of a message with `id`, sent at `timestamp`.
fn signed(id: &str, timestamp: i64, secrets: &[WebhookSecret]) -> Vec<(&'static str, String)> {
    sign(&Message { id: &id.parse().unwrap(), timestamp, body: BODY }, secrets).into()
}

fn verified(headers: &[(&str, String)], body: &[u8], secrets: &[WebhookSecret]) -> Result<WebhookId, Error> {
    verify(headers.iter().map(|(name, value)| (*name, value.as_str())), body, secrets, NOW, TOLERANCE)
}

#[test]
fn signatures_are_those_of_the_specification() {
    // From the tests of the specification's own libraries.
    let secret: WebhookSecret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw".parse().unwrap();
    let [id, timestamp, signature] = sign(&Message { id: &ID.parse().unwrap(), timestamp: NOW, body: BODY }, &[secret]);
    assert_eq!(id, ("webhook-id", ID.to_owned()));
    assert_eq!(timestamp, ("webhook-timestamp", "1614265330".to_owned()));
    assert_eq!(signature, ("webhook-signature", "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=".to_owned()));
}

#[test]
fn a_secret_has_a_length_and_is_never_printed() {
    for (length, passes) in [(0, false), (23, false), (24, true), (64, true), (65, false)] {
        assert_eq!(WebhookSecret::from_bytes(&vec![7; length]).is_ok(), passes, "{length}");
    }
    let written = secret(7).expose();
    assert_eq!(written.parse::<WebhookSecret>().unwrap(), secret(7));
    assert!(!format!("{:?} {:#?}", secret(7), secret(7)).contains(&written[6..]));
    for bad in ["", "whsec_", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_no base64", "whsec_aHVudGVyMg=="] {
        let message = bad.parse::<WebhookSecret>().unwrap_err().to_string();
        assert!(!message.contains("aHVu"), "{message}");
    }
    for bad in ["", "a.b", "a b", "a\n", &"a".repeat(65)] {
        assert!(bad.parse::<WebhookId>().is_err(), "{bad:?}");
    }
}

#[test]
fn case_091_what_is_not_genuine_or_not_fresh_is_not_believed() {
    let edited = |name: &str, value: &str| {
        let mut headers = signed(ID, NOW, &[secret(1)]);
        headers.iter_mut().find(|(known, _)| *known == name).unwrap().1 = value.to_owned();
        headers
    };
    for (row, headers, body, passes) in [
        ("as it was sent", signed(ID, NOW, &[secret(1)]), BODY, true),
        ("five minutes old", signed(ID, NOW - 300, &[secret(1)]), BODY, true),
        ("six minutes old", signed(ID, NOW - 360, &[secret(1)]), BODY, false),
        ("six minutes ahead", signed(ID, NOW + 360, &[secret(1)]), BODY, false),
        ("of all time", signed(ID, i64::MIN, &[secret(1)]), BODY, false),
        ("another secret", signed(ID, NOW, &[secret(2)]), BODY, false),
        ("no secret", signed(ID, NOW, &[]), BODY, false),
        ("another body", signed(ID, NOW, &[secret(1)]), b"{}", false),
        ("replayed under another id", edited("webhook-id", "msg_other"), BODY, false),
        ("made young again", edited("webhook-timestamp", &(NOW - 1).to_string()), BODY, false),
        ("a time that is none", edited("webhook-timestamp", "soon"), BODY, false),
        ("another version", edited("webhook-signature", "v1a,AAAA"), BODY, false),
        ("a signature that is cut", edited("webhook-signature", "v1,AAAA"), BODY, false),
        ("a signature that is no Base64", edited("webhook-signature", "v1,%"), BODY, false),
        ("no header", Vec::new(), BODY, false),
        ("a header twice", [signed(ID, NOW, &[secret(1)]), signed(ID, NOW, &[secret(1)])].concat(), BODY, false),
    ] {
        let result = verified(&headers, body, &[secret(1)]);
        assert_eq!(result.as_ref().is_ok_and(|id| id.as_str() == ID), passes, "{row}: {result:?}");
    }
    // An honest signature behind very many others is not looked for.
    let flood = format!("{}{}", "v1,AAAA ".repeat(8), signed(ID, NOW, &[secret(1)])[2].1);
    verified(&edited("webhook-signature", &flood), BODY, &[secret(1)]).unwrap_err();
}

#[test]
fn case_091_a_rotated_secret_overlaps_with_the_one_before() {
    let (old, new) = (secret(1), secret(2));
    for (row, sent, known, passes) in [
        ("a receiver that knows the old one", vec![new.clone(), old.clone()], old.clone(), true),
        ("a receiver that knows the new one", vec![new.clone(), old.clone()], new.clone(), true),
        ("the old one has ended", vec![new.clone()], old, false),
        ("and the new one goes on", vec![new.clone()], new, true),
    ] {
        assert_eq!(verified(&signed(ID, NOW, &sent), BODY, &[known]).is_ok(), passes, "{row}");
    }
}

/// A name that leads to loopback here and nowhere else.
const NAME: &str = "hooks.invalid";

struct Loopback;

impl Resolver for Loopback {
    fn resolve(&self, _: &str) -> io::Result<Vec<IpAddr>> {
        Ok(vec![[127, 0, 0, 1].into()])
    }
}

/// A receiver of webhooks, and a guard that lets it be reached.
struct Receiver {
    server: Server,
    guard: Guard,
}

impl Receiver {
    fn start(answer: impl Fn(&Request, &mut Connection) -> io::Result<()> + Send + Sync + 'static) -> Self {
        let authority = Authority::new();
        let server = Server::start(&authority, NAME, ([127, 0, 0, 1], 0), answer);
        let policy = Policy {
            allow: vec![format!("{NAME}:{}", server.address.port()).parse().unwrap()],
            authorities: Some(Authorities::from_pem(authority.pem().as_bytes()).unwrap()),
            ..Policy::default()
        };
        Self { server, guard: Guard::with_resolver(policy, Loopback) }
    }

    fn url(&self) -> RemoteUrl {
        format!("https://{NAME}:{}/hook", self.server.address.port()).parse().unwrap()
    }

    fn deliver(&self, within: Duration) -> Result<Delivered, Error> {
        deliver(&self.guard, &self.url(), within)
    }
}

fn deliver(guard: &Guard, url: &RemoteUrl, within: Duration) -> Result<Delivered, Error> {
    let id: WebhookId = ID.parse().unwrap();
    let message = Message { id: &id, timestamp: NOW, body: BODY };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(guard.deliver(url, &message, &[secret(1)], within))
}

/// Long enough never to be what ends a test that passes.
const LONG: Duration = Duration::from_secs(60);

#[test]
fn case_091_an_attempt_that_is_sent_again_is_taken_once() {
    let taken: Arc<Mutex<Vec<WebhookId>>> = Arc::default();
    let seen = Arc::clone(&taken);
    let receiver = Receiver::start(move |request, connection| {
        let headers = request.head.lines().filter_map(|line| line.split_once(": "));
        let status = match verify(headers, &request.body, &[secret(1)], NOW, TOLERANCE) {
            Ok(id) => {
                let mut seen = seen.lock().unwrap();
                let again = seen.contains(&id);
                seen.push(id);
                if again { 409 } else { 204 }
            }
            Err(_) => 401,
        };
        write!(connection, "HTTP/1.1 {status} X\r\nContent-Length: 0\r\n\r\n")
    });
    assert_eq!(receiver.deliver(LONG).unwrap(), Delivered::Accepted);
    assert_eq!(receiver.deliver(LONG).unwrap(), Delivered::Failed { status: 409 });
    assert_eq!(taken.lock().unwrap().len(), 2);
}

#[test]
fn case_091_private_targets_get_no_connection() {
    let receiver = Receiver::start(|_, connection| connection.write_all(b"HTTP/1.1 204 X\r\n\r\n"));
    let closed = Guard::with_resolver(Policy::default(), Loopback);
    for (row, url, offline) in [
        ("a name that leads inside", format!("https://{NAME}/hook"), false),
        ("an address", "https://127.0.0.1/hook".to_owned(), false),
        ("another port", receiver.url().to_string(), false),
        ("offline", "https://93.184.216.34/hook".to_owned(), true),
    ] {
        let guard = if offline { Guard::new(Policy { offline, ..Policy::default() }) } else { closed.clone() };
        let result = deliver(&guard, &url.parse().unwrap(), LONG);
        let refused = matches!(result, Err(Error::Refused { .. } | Error::Port { .. } | Error::Offline { .. }));
        assert!(refused, "{row}: {result:?}");
    }
    assert_eq!(receiver.server.connections(), 0);
    // Twin: allowed, it is reached.
    assert_eq!(receiver.deliver(LONG).unwrap(), Delivered::Accepted);
}

#[test]
fn case_091_a_redirect_is_a_failure_and_every_status_has_one_meaning() {
    let elsewhere = Receiver::start(|_, connection| connection.write_all(b"HTTP/1.1 204 X\r\n\r\n"));
    let location = elsewhere.url();
    for (status, header, expected) in [
        (200, String::new(), Delivered::Accepted),
        (299, String::new(), Delivered::Accepted),
        (302, format!("Location: {location}\r\n"), Delivered::Failed { status: 302 }),
        (307, format!("Location: {location}\r\n"), Delivered::Failed { status: 307 }),
        (400, String::new(), Delivered::Failed { status: 400 }),
        (410, String::new(), Delivered::Gone),
        (429, "Retry-After: 7\r\n".to_owned(), Delivered::Later { status: 429, after: Some(Duration::from_secs(7)) }),
        (500, String::new(), Delivered::Later { status: 500, after: None }),
        (503, "Retry-After: never\r\n".to_owned(), Delivered::Later { status: 503, after: None }),
    ] {
        // What it writes is not waited for.
        let head = format!("HTTP/1.1 {status} X\r\n{header}Content-Length: 1000000000\r\n\r\n");
        let receiver = Receiver::start(move |_, connection| connection.write_all(head.as_bytes()));
        assert_eq!(receiver.deliver(LONG).unwrap(), expected, "{status}");
    }
    assert_eq!(elsewhere.server.connections(), 0, "a redirect is not followed");
}

#[test]
fn who_waits_is_asked_to_wait_a_day_at_most() {
    let now = SystemTime::UNIX_EPOCH + Duration::from_secs(784_111_777);
    for (text, seconds) in [
        ("0", Some(0)),
        ("120", Some(120)),
        ("99999999", Some(86_400)),
        ("Sun, 06 Nov 1994 08:50:37 GMT", Some(60)),
        ("Sun, 06 Nov 1994 08:40:37 GMT", Some(0)),
        ("-1", None),
        ("soon", None),
    ] {
        let headers = HeaderMap::from_iter([(RETRY_AFTER, HeaderValue::from_static(text))]);
        assert_eq!(deliver::retry_after(&headers, now).map(|after| after.as_secs()), seconds, "{text}");
    }
}

#[test]
fn a_receiver_that_does_not_answer_is_left() {
    let (done, waiting) = mpsc::channel::<()>();
    let waiting = Mutex::new(waiting);
    let receiver = Receiver::start(move |_, _| {
        // Until the test is over.
        let _ = waiting.lock().unwrap().recv();
        Ok(())
    });
    let result = receiver.deliver(Duration::from_secs(1));
    assert!(matches!(result, Err(Error::TimedOut { seconds: 1, .. })), "{result:?}");
    drop(done);
}
