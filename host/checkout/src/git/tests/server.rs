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

/// A running server; dropping it ends it.
pub(super) struct Server {
    address: SocketAddr,
    seen: Arc<Mutex<Vec<String>>>,
    stop: Arc<AtomicBool>,
}

impl Server {
    /// Answers each request with what `answer` writes.
    pub(super) fn start(answer: impl Fn(Asked, &mut TcpStream) -> io::Result<()> + Send + Sync + 'static) -> Self {
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
                        let (line, asked) = request(&stream)?;
                        seen.lock().unwrap().push(line);
                        answer(asked, &mut stream)
                    });
                });
            }
        });
        server
    }

    /// A server that gives out the branch `main` and the pack, without knowing what is in it.
    pub(super) fn of(commit: ObjectId, pack: Vec<u8>) -> Self {
        Self::start(move |asked, stream| honest(asked, stream, commit, &pack))
    }

    /// The requests so far, one line each.
    pub(super) fn seen(&self) -> Vec<String> {
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

/// Reads one request: its first line and what it is about.
fn request(stream: &TcpStream) -> io::Result<(String, Asked)> {
    let mut reader = BufReader::new(stream);
    let mut first = String::new();
    reader.read_line(&mut first)?;
    let mut length = 0;
    loop {
        let mut line = String::new();
        reader.read_line(&mut line)?;
        match line.trim_end().split_once(": ") {
            Some((name, value)) if name.eq_ignore_ascii_case("content-length") => {
                length = value.parse().map_err(io::Error::other)?;
            }
            Some(_) => {}
            None => break,
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    let body = String::from_utf8_lossy(&body).into_owned();
    let asked = match () {
        () if first.contains("/repo/info/refs?service=git-upload-pack") => Asked::Advertisement,
        () if body.contains("command=ls-refs") => Asked::Refs,
        () if body.contains("command=fetch") => Asked::Pack,
        () => Asked::Other,
    };
    Ok((first.trim_end().to_owned(), asked))
}

/// The answer of a usual server with one commit.
pub(super) fn honest(asked: Asked, stream: &mut impl Write, commit: ObjectId, pack: &[u8]) -> io::Result<()> {
    match asked {
        Asked::Advertisement => ok(stream, asked, &advertisement(&[])),
        Asked::Refs => ok(stream, asked, &refs(commit, "refs/heads/main")),
        Asked::Pack => ok(stream, asked, &packfile(pack)),
        Asked::Other => status(stream, "404 Not Found", ""),
    }
}

/// The head of an answer that ends with the connection.
pub(super) fn ok(stream: &mut impl Write, asked: Asked, body: &[u8]) -> io::Result<()> {
    let kind = if asked == Asked::Advertisement { "advertisement" } else { "result" };
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
