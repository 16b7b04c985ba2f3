//! A git server that does whatever a test tells it to.
//!
//! It speaks HTTP on loopback. The client is told an `https` address, as it would be; a wrapper round git
//! rewrites it to this server's and lets git speak HTTP, and changes nothing else.

use std::io::{self, BufRead as _, BufReader, Read as _, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;

use gix::ObjectId;

use super::fake;
use super::forge::Forge;
use crate::Git;
use crate::testing::Sandbox;

/// What the client believes to talk to.
pub(super) const ADDRESS: &str = "https://hostile.example/repo";

/// What a client wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Asked {
    /// What the server can do.
    Advertisement,
    /// Which refs there are.
    Refs,
    /// A pack.
    Pack,
    /// Anything else.
    Other,
}

/// One request.
#[derive(Clone, Debug)]
pub(super) struct Request {
    pub(super) asked: Asked,
    /// First line and headers.
    pub(super) head: String,
    pub(super) body: String,
}

/// A running server; dropping it ends it.
pub(super) struct Server {
    address: SocketAddr,
    seen: Arc<Mutex<Vec<Request>>>,
    stop: Arc<AtomicBool>,
}

impl Server {
    /// Answers each request with what `answer` writes.
    pub(super) fn start(answer: impl Fn(&Request, &mut TcpStream) -> io::Result<()> + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let server = Self { address: listener.local_addr().unwrap(), seen: Arc::default(), stop: Arc::default() };
        let (seen, stop, answer) = (Arc::clone(&server.seen), Arc::clone(&server.stop), Arc::new(answer));
        thread::spawn(move || {
            for stream in listener.incoming() {
                if stop.load(Ordering::Relaxed) {
                    return;
                }
                let (seen, answer) = (Arc::clone(&seen), Arc::clone(&answer));
                thread::spawn(move || {
                    // A client that hangs up in the midst is what most tests want.
                    let _ = stream.and_then(|mut stream| {
                        let request = request(&stream)?;
                        seen.lock().unwrap().push(request.clone());
                        answer(&request, &mut stream)
                    });
                });
            }
        });
        server
    }

    /// A server that gives out the branch `main` and the pack, without knowing what is in it.
    pub(super) fn of(commit: ObjectId, pack: Vec<u8>) -> Self {
        Self::start(move |request, stream| honest(request, stream, commit, &pack))
    }

    /// The requests so far.
    pub(super) fn seen(&self) -> Vec<Request> {
        self.seen.lock().unwrap().clone()
    }

    /// An address on this server.
    pub(super) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// A git that finds this server behind [`ADDRESS`].
    pub(super) fn git(&self, sandbox: &Sandbox) -> Git {
        self.git_with(sandbox, "")
    }

    /// The same with more `-c` options.
    pub(super) fn git_with(&self, sandbox: &Sandbox, options: &str) -> Git {
        let base = self.url("/");
        fake(
            sandbox,
            &format!(
                "GIT_ALLOW_PROTOCOL=http exec $real -c url.{base}.insteadOf=https://hostile.example/ {options} \"$@\""
            ),
        )
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        // Wakes the listener, which then sees the flag.
        let _ = TcpStream::connect(self.address);
    }
}

/// Reads one request.
fn request(stream: &TcpStream) -> io::Result<Request> {
    let mut reader = BufReader::new(stream);
    let (mut head, mut length) = (String::new(), 0);
    loop {
        let mut line = String::new();
        reader.read_line(&mut line)?;
        head.push_str(&line);
        match line.trim_end().split_once(": ") {
            Some((name, value)) if name.eq_ignore_ascii_case("content-length") => {
                length = value.parse().map_err(io::Error::other)?;
            }
            None if line.trim_end().is_empty() => break,
            _ => {}
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    let body = String::from_utf8_lossy(&body).into_owned();
    let asked = match () {
        () if head.contains("/repo/info/refs?service=git-upload-pack") => Asked::Advertisement,
        () if body.contains("command=ls-refs") => Asked::Refs,
        () if body.contains("command=fetch") => Asked::Pack,
        () => Asked::Other,
    };
    Ok(Request { asked, head, body })
}

/// The answer of a usual server with one commit.
pub(super) fn honest(request: &Request, stream: &mut impl Write, commit: ObjectId, pack: &[u8]) -> io::Result<()> {
    match request.asked {
        Asked::Advertisement => ok(stream, request, &advertisement(&[])),
        Asked::Refs => ok(stream, request, &refs(commit, "refs/heads/main")),
        Asked::Pack => ok(stream, request, &packfile(pack)),
        Asked::Other => status(stream, "404 Not Found", ""),
    }
}

/// An answer that ends with the connection, or its beginning.
pub(super) fn ok(stream: &mut impl Write, request: &Request, body: &[u8]) -> io::Result<()> {
    let kind = if request.asked == Asked::Advertisement { "advertisement" } else { "result" };
    write!(
        stream,
        "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Type: application/x-git-upload-pack-{kind}\r\n\r\n"
    )?;
    stream.write_all(body)
}

/// An answer without content.
pub(super) fn status(stream: &mut impl Write, status: &str, headers: &str) -> io::Result<()> {
    write!(stream, "HTTP/1.1 {status}\r\nConnection: close\r\nContent-Length: 0\r\n{headers}\r\n")
}

pub(super) fn advertisement(more: &[&str]) -> Vec<u8> {
    let usual = ["version 2\n", "agent=none\n", "ls-refs=unborn\n", "fetch=shallow\n", "object-format=sha1\n"];
    let capabilities = usual.iter().chain(more).map(|line| pkt(line.as_bytes()));
    [pkt(b"# service=git-upload-pack\n"), FLUSH.to_vec()]
        .into_iter()
        .chain(capabilities)
        .flatten()
        .chain(*FLUSH)
        .collect()
}

/// HEAD and one more ref.
pub(super) fn refs(commit: ObjectId, name: &str) -> Vec<u8> {
    let head = format!("{commit} HEAD symref-target:{name}\n");
    [pkt(head.as_bytes()), pkt(format!("{commit} {name}\n").as_bytes()), FLUSH.to_vec()].concat()
}

pub(super) fn packfile(pack: &[u8]) -> Vec<u8> {
    let pieces = pack.chunks(60_000).map(|piece| pkt(&[b"\x01", piece].concat()));
    [pkt(b"packfile\n")].into_iter().chain(pieces).flatten().chain(*FLUSH).collect()
}

pub(super) const FLUSH: &[u8; 4] = b"0000";

/// One line of git's protocol: its length in hex, then its content.
pub(super) fn pkt(content: &[u8]) -> Vec<u8> {
    [format!("{:04x}", content.len() + 4).as_bytes(), content].concat()
}

/// A server of one commit of these entries, all with the same content.
pub(super) fn serving(entries: &[(&str, &[u8])]) -> Server {
    let mut forge = Forge::default();
    let commit = forge.commit_of(entries);
    Server::of(commit, forge.pack())
}
