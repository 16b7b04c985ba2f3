use std::io::{self, Write as _};
use std::net::IpAddr;
use std::sync::mpsc;

use super::*;
use crate::testing::{Authority, Connection, Server};
use crate::{Authorities, Policy, Resolver};

/// A name that leads to loopback here and nowhere else.
const NAME: &str = "files.invalid";

struct Loopback;

impl Resolver for Loopback {
    fn resolve(&self, _: &str) -> io::Result<Vec<IpAddr>> {
        Ok(vec![IpAddr::from([127, 0, 0, 1])])
    }
}

/// A guard that lets `server` be reached by its name, trusting `authority`.
fn guard(server: &Server, authority: &Authority) -> Guard {
    let policy = Policy {
        allow: vec![format!("{NAME}:{}", server.address.port()).parse().unwrap()],
        offline: false,
        authorities: Some(Authorities::from_pem(authority.pem().as_bytes()).unwrap()),
        proxy: None,
    };
    Guard::with_resolver(policy, Loopback)
}

fn url(server: &Server) -> RemoteUrl {
    format!("https://{NAME}:{}/manifest.json", server.address.port()).parse().unwrap()
}

/// Long enough never to be what ends a test that passes.
const LONG: Duration = Duration::from_secs(60);

fn start(
    authority: &Authority,
    name: &str,
    answer: impl Fn(&mut Connection) -> io::Result<()> + Send + Sync + 'static,
) -> Server {
    Server::start(authority, name, ([127, 0, 0, 1], 0), move |_, connection| answer(connection))
}

fn fetched(
    limit: usize,
    answer: impl Fn(&mut Connection) -> io::Result<()> + Send + Sync + 'static,
) -> Result<Vec<u8>, Error> {
    let authority = Authority::new();
    let server = start(&authority, NAME, answer);
    guard(&server, &authority).fetch(&url(&server), limit, LONG)
}

#[test]
fn content_comes_whole_up_to_the_limit_and_is_never_cut() {
    let known = |connection: &mut Connection| connection.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nfour");
    let chunked = |connection: &mut Connection| {
        connection.write_all(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nfo\r\n2\r\nur\r\n0\r\n\r\n")
    };
    let closed =
        |connection: &mut Connection| connection.write_all(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nfour");
    for (row, result) in [
        ("known length", fetched(4, known)),
        ("in chunks", fetched(4, chunked)),
        ("until it is closed", fetched(4, closed)),
    ] {
        assert_eq!(result.unwrap(), b"four", "{row}");
    }
    let endless = |connection: &mut Connection| {
        connection.write_all(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n")?;
        loop {
            connection.write_all(&[b'x'; 1000])?;
        }
    };
    for (row, result) in [
        ("known length", fetched(3, known)),
        ("in chunks", fetched(3, chunked)),
        ("until it is closed", fetched(3, closed)),
        ("endless", fetched(100_000, endless)),
    ] {
        assert!(matches!(result, Err(Error::TooLarge { .. })), "{row}: {result:?}");
    }
    let broken =
        |connection: &mut Connection| connection.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nfour");
    assert!(matches!(fetched(10, broken), Err(Error::NoAnswer { .. })), "less than was announced");
}

#[test]
fn only_the_content_itself_is_an_answer() {
    for (status, head) in [
        (302, "HTTP/1.1 302 Found\r\nLocation: https://files.invalid/other\r\n"),
        (301, "HTTP/1.1 301 Moved\r\nLocation: http://169.254.169.254/latest/meta-data\r\n"),
        (204, "HTTP/1.1 204 No Content\r\n"),
        (206, "HTTP/1.1 206 Partial Content\r\nContent-Range: bytes 0-1/4\r\n"),
        (404, "HTTP/1.1 404 Not Found\r\n"),
        (500, "HTTP/1.1 500 Oops\r\n"),
    ] {
        let result = fetched(100, move |connection| write!(connection, "{head}Content-Length: 0\r\n\r\n"));
        assert!(matches!(result, Err(Error::Status { status: got, .. }) if got == status), "{status}: {result:?}");
    }
    let noise = |connection: &mut Connection| connection.write_all(b"SSH-2.0-OpenSSH\r\n\r\n");
    let error = fetched(100, noise).unwrap_err();
    assert!(matches!(error, Error::NoAnswer { .. }) && !error.to_string().contains("SSH"), "{error}");
}

#[test]
fn compressed_content_stays_as_it_is() {
    let bomb = |connection: &mut Connection| {
        connection.write_all(b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 2\r\n\r\n\x1f\x8b")
    };
    assert_eq!(fetched(100, bomb).unwrap(), b"\x1f\x8b");
}

#[test]
fn who_is_not_vouched_for_is_not_heard() {
    let ok = |connection: &mut Connection| connection.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nfour");
    let (known, stranger) = (Authority::new(), Authority::new());
    for (row, authority, name, passes) in [
        ("vouched for", &known, NAME, true),
        ("by somebody else", &stranger, NAME, false),
        ("for another name", &known, "other.invalid", false),
    ] {
        let server = start(authority, name, ok);
        let result = guard(&server, &known).fetch(&url(&server), 100, LONG);
        assert_eq!(result.is_ok(), passes, "{row}: {result:?}");
        assert!(passes || matches!(result, Err(Error::NoAnswer { .. })), "{row}: {result:?}");
    }
}

#[test]
fn a_request_tells_nothing_of_who_asks() {
    let authority = Authority::new();
    let server = Server::start(&authority, NAME, ([127, 0, 0, 1], 0), |request, connection| {
        let said = format!("{}{}", request.head, String::from_utf8_lossy(&request.body));
        write!(connection, "HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{said}", said.len())
    });
    let said = guard(&server, &authority).fetch(&url(&server), 1000, LONG).unwrap();
    let host = format!("host: {NAME}:{}", server.address.port());
    assert_eq!(String::from_utf8_lossy(&said), format!("GET /manifest.json HTTP/1.1\r\naccept: */*\r\n{host}\r\n\r\n"));
}

#[test]
fn who_does_not_answer_in_time_is_left() {
    let authority = Authority::new();
    let (done, waiting) = mpsc::channel::<()>();
    let waiting = std::sync::Mutex::new(waiting);
    let server = start(&authority, NAME, move |connection| {
        connection.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nf")?;
        connection.flush()?;
        // Until the test is over.
        let _ = waiting.lock().unwrap().recv();
        Ok(())
    });
    let result = guard(&server, &authority).fetch(&url(&server), 100, Duration::from_secs(1));
    assert!(matches!(result, Err(Error::TimedOut { seconds: 1, .. })), "{result:?}");
    drop(done);
}

#[test]
fn case_088_what_is_fetched_comes_from_the_pinned_address() {
    let ok = |connection: &mut Connection| connection.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nfour");
    let authority = Authority::new();
    let server = start(&authority, NAME, ok);
    // To strangers no connection is opened at all.
    let closed = Guard::with_resolver(Policy::default(), Loopback);
    let plain: RemoteUrl = format!("https://{NAME}/manifest.json").parse().unwrap();
    assert!(matches!(closed.fetch(&plain, 100, LONG), Err(Error::Refused { .. })));
    assert!(matches!(closed.fetch(&url(&server), 100, LONG), Err(Error::Port { .. })));
    assert_eq!(server.connections(), 0);
    // Twin: allowed, the name that no name server knows leads to the server.
    assert_eq!(guard(&server, &authority).fetch(&url(&server), 100, LONG).unwrap(), b"four");
    assert_eq!(server.connections(), 1);
}

#[test]
fn a_client_asks_no_name_server() {
    let authority = Authority::new();
    let server = start(&authority, NAME, |_| Ok(()));
    let pinned = guard(&server, &authority).pin(&url(&server)).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let error = runtime.block_on(client(&pinned).unwrap().get("https://localhost/x").send()).unwrap_err();
    assert!(format!("{error:?}").contains("only pinned hosts are reached"), "{error:?}");
}
