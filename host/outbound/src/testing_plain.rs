//! What tests of the plain protocol share: a server without TLS, and a proxy.

use std::io::{self, Read as _, Write as _};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;

/// A server on loopback; dropping it ends it. It keeps every head that it has read.
pub(crate) struct Plain {
    pub(crate) address: SocketAddr,
    heads: Arc<Mutex<Vec<String>>>,
    stop: Arc<AtomicBool>,
}

impl Plain {
    /// Answers the first request of each connection with what `answer` does.
    pub(crate) fn start(answer: impl Fn(&str, TcpStream) -> io::Result<()> + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).expect("an address of this machine");
        let address = listener.local_addr().expect("a bound address");
        let server = Self { address, heads: Arc::default(), stop: Arc::default() };
        let (heads, stop, answer) = (Arc::clone(&server.heads), Arc::clone(&server.stop), Arc::new(answer));
        thread::spawn(move || {
            for stream in listener.incoming() {
                if stop.load(Ordering::Relaxed) {
                    return;
                }
                let (heads, answer) = (Arc::clone(&heads), Arc::clone(&answer));
                thread::spawn(move || {
                    // A client that hangs up in the midst is what some tests want.
                    let _ = stream.and_then(|mut stream| {
                        let head = head(&mut stream)?;
                        heads.lock().expect("no panic").push(head.clone());
                        answer(&head, stream)
                    });
                });
            }
        });
        server
    }

    /// A proxy that lets through who sends `login`, and leads everybody to `target`, whatever was asked for.
    pub(crate) fn proxy(target: SocketAddr, login: Option<&'static str>) -> Self {
        Self::start(move |head, mut stream| {
            let sent = head.lines().find_map(|line| line.strip_prefix("proxy-authorization: "));
            if sent != login {
                return stream.write_all(b"HTTP/1.1 407 Login\r\nContent-Length: 0\r\n\r\n");
            }
            stream.write_all(b"HTTP/1.1 200 Go\r\n\r\n")?;
            let mut there = TcpStream::connect(target)?;
            let (mut from, mut to) = (stream.try_clone()?, there.try_clone()?);
            let back = thread::spawn(move || {
                let _ = io::copy(&mut there, &mut stream);
                let _ = stream.shutdown(Shutdown::Write);
            });
            let _ = io::copy(&mut from, &mut to);
            let _ = to.shutdown(Shutdown::Write);
            back.join().map_err(|_| io::Error::other("a panic"))
        })
    }

    /// What was asked so far, a head each.
    pub(crate) fn heads(&self) -> Vec<String> {
        self.heads.lock().expect("no panic").clone()
    }
}

impl Drop for Plain {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        // Wakes the listener, which then sees the flag.
        let _ = TcpStream::connect(self.address);
    }
}

/// First line and headers; names in lower case, as they may come in any.
fn head(stream: &mut TcpStream) -> io::Result<String> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte)?;
        head.extend(byte);
    }
    let head = String::from_utf8(head).map_err(io::Error::other)?;
    let lower = |line: &str| match line.split_once(": ") {
        Some((name, value)) => format!("{}: {value}", name.to_ascii_lowercase()),
        None => line.to_owned(),
    };
    Ok(head.lines().map(lower).collect::<Vec<_>>().join("\n"))
}
