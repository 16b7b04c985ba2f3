//! What tests share: an authority of their own, and a server that it vouches for. The hostile cases of
//! `tests/` include this file.

use std::io::{self, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};

/// An authority that nobody trusts who is not told to.
pub(crate) struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    pub(crate) fn new() -> Self {
        let mut params = CertificateParams::new([]).expect("no names");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().expect("a key");
        Self(CertifiedIssuer::self_signed(params, key).expect("a certificate"))
    }

    pub(crate) fn pem(&self) -> String {
        self.0.pem()
    }

    /// A certificate for `name` and its key, as PEM.
    #[allow(dead_code, reason = "only the tests of the service issue files")]
    pub(crate) fn issue(&self, name: &str) -> (String, String) {
        let key = KeyPair::generate().expect("a key");
        let params = CertificateParams::new([name.to_owned()]).expect("a name");
        let certificate = params.signed_by(&key, &self.0).expect("a certificate");
        (certificate.pem(), key.serialize_pem())
    }

    /// What a server needs to be `name`.
    fn vouch(&self, name: &str) -> ServerConfig {
        let key = KeyPair::generate().expect("a key");
        let params = CertificateParams::new([name.to_owned()]).expect("a name");
        let certificate = params.signed_by(&key, &self.0).expect("a certificate");
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
        ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()
            .expect("versions that the provider knows")
            .with_no_client_auth()
            .with_single_cert(vec![certificate.der().clone()], key)
            .expect("a key that fits")
    }
}

/// One request.
pub(crate) struct Request {
    /// First line and headers.
    pub(crate) head: String,
    pub(crate) body: Vec<u8>,
}

/// The server's side of one connection, after the request.
pub(crate) type Connection = StreamOwned<ServerConnection, TcpStream>;

/// A server on loopback that speaks TLS; dropping it ends it.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    connections: Arc<AtomicUsize>,
    stop: Arc<AtomicBool>,
}

impl Server {
    /// Listens at `address` as `name`, and answers the first request of each connection with what `answer`
    /// writes.
    pub(crate) fn start(
        authority: &Authority,
        name: &str,
        address: impl Into<SocketAddr>,
        answer: impl Fn(&Request, &mut Connection) -> io::Result<()> + Send + Sync + 'static,
    ) -> Self {
        let config = Arc::new(authority.vouch(name));
        let listener = TcpListener::bind(address.into()).expect("an address of this machine");
        let address = listener.local_addr().expect("a bound address");
        let server = Self { address, connections: Arc::default(), stop: Arc::default() };
        let (connections, stop, answer) = (Arc::clone(&server.connections), Arc::clone(&server.stop), Arc::new(answer));
        thread::spawn(move || {
            for stream in listener.incoming() {
                if stop.load(Ordering::Relaxed) {
                    return;
                }
                connections.fetch_add(1, Ordering::Relaxed);
                let (config, answer) = (Arc::clone(&config), Arc::clone(&answer));
                thread::spawn(move || {
                    // A client that hangs up in the midst is what some tests want.
                    let _ = stream.and_then(|stream| {
                        let tls = ServerConnection::new(config).map_err(io::Error::other)?;
                        let mut connection = StreamOwned::new(tls, stream);
                        let request = request(&mut connection)?;
                        answer(&request, &mut connection)?;
                        connection.conn.send_close_notify();
                        connection.flush()
                    });
                });
            }
        });
        server
    }

    /// How often somebody has connected.
    pub(crate) fn connections(&self) -> usize {
        self.connections.load(Ordering::Relaxed)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        // Wakes the listener, which then sees the flag.
        let _ = TcpStream::connect(self.address);
    }
}

/// Reads a request.
fn request(connection: &mut Connection) -> io::Result<Request> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        connection.read_exact(&mut byte)?;
        head.extend(byte);
    }
    let head = String::from_utf8(head).map_err(io::Error::other)?;
    let length = head.lines().find_map(|line| {
        let (name, value) = line.split_once(": ")?;
        name.eq_ignore_ascii_case("content-length").then(|| value.parse().ok())?
    });
    let mut body = vec![0; length.unwrap_or_default()];
    connection.read_exact(&mut body)?;
    Ok(Request { head, body })
}
