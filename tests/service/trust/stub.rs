//! A server in Trust's place that answers what it should not.

use std::io::{self, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex};

use certus_model::Sha256;
use certus_signing::permit::rfc3339;
use certus_signing::{PermitTerms, PermittedFile, SigningKey};
use serde_json::{Value, json};
use time::OffsetDateTime;

/// What a Trust answers that cannot be trusted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mode {
    /// 500.
    Fails,
    /// 503, with no hint of when to come back.
    Overloaded,
    /// Bytes that are no HTTP.
    Noise,
    /// 200, and a page that is no decision.
    Page,
    /// A decision that stops in the middle.
    Cut,
    /// Somewhere else.
    Redirects,
    /// `permitted: true` alone.
    NoPermit,
    /// A permit whose signature is of another key.
    OtherKey,
    /// A permit whose bytes were changed after it was signed.
    Changed,
    /// A permit of another scan, in an answer about this one.
    OtherScan,
    /// An answer about another scan.
    OtherAnswer,
    /// A permit of another tenant.
    OtherTenant,
    /// A permit of another tier.
    OtherTier,
    /// A permit of another place.
    OtherDestination,
    /// A permit of another bundle.
    OtherIndex,
    /// A permit of other files.
    OtherFiles,
    /// A permit that has run out.
    Expired,
    /// A permit for later.
    Early,
    /// No answer.
    Hangs,
    /// As it should be.
    Right,
}

/// A server in Trust's place; dropping it ends it, and leaves its port to somebody else.
pub(super) struct Stub {
    pub(super) address: SocketAddr,
    shared: Arc<Shared>,
    listening: Option<std::thread::JoinHandle<()>>,
}

struct Shared {
    mode: Mutex<Mode>,
    changed: Condvar,
    stop: AtomicBool,
    heads: Mutex<Vec<String>>,
    /// Trust's key, and one of somebody else's.
    keys: [SigningKey; 2],
}

impl Stub {
    pub(super) fn start(address: SocketAddr, keys: [SigningKey; 2]) -> Self {
        let listener = TcpListener::bind(address).expect("a free port");
        let address = listener.local_addr().expect("an address");
        let (mode, heads) = (Mutex::new(Mode::Fails), Mutex::default());
        let shared = Arc::new(Shared { mode, changed: Condvar::new(), stop: AtomicBool::new(false), heads, keys });
        let here = shared.clone();
        let listening = std::thread::spawn(move || {
            for stream in listener.incoming() {
                if here.stop.load(Ordering::SeqCst) {
                    return;
                }
                let here = here.clone();
                // A client that hangs up in the midst is none of the stub's business.
                std::thread::spawn(move || stream.and_then(|stream| answer(stream, &here)));
            }
        });
        Self { address, shared, listening: Some(listening) }
    }

    pub(super) fn set(&self, mode: Mode) {
        *self.shared.mode.lock().expect("no panic") = mode;
        self.shared.changed.notify_all();
    }

    pub(super) fn heads(&self) -> String {
        self.shared.heads.lock().expect("no panic").concat()
    }
}

impl Drop for Stub {
    fn drop(&mut self) {
        self.shared.stop.store(true, Ordering::SeqCst);
        self.set(Mode::Noise);
        // Wakes the listener, which then sees the flag.
        let _ = TcpStream::connect(self.address);
        if let Some(listening) = self.listening.take() {
            let _ = listening.join();
        }
    }
}

/// Reads a request and answers it as the mode says.
fn answer(mut stream: TcpStream, shared: &Shared) -> io::Result<()> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte)?;
        head.extend(byte);
    }
    let head = String::from_utf8_lossy(&head).into_owned();
    let length = head.lines().find_map(|line| {
        let (name, value) = line.split_once(": ")?;
        name.eq_ignore_ascii_case("content-length").then(|| value.parse().ok())?
    });
    let mut body = vec![0; length.unwrap_or_default()];
    stream.read_exact(&mut body)?;
    shared.heads.lock().expect("no panic").push(head);
    let mut mode = *shared.mode.lock().expect("no panic");
    if mode == Mode::Hangs {
        let held = shared.mode.lock().expect("no panic");
        drop(shared.changed.wait_while(held, |mode| *mode == Mode::Hangs));
        mode = Mode::Cut;
    }
    let asked: Value = serde_json::from_slice(&body).map_err(io::Error::other)?;
    let decision = decided(mode, &asked, &shared.keys).to_string();
    let (status, more, body) = match mode {
        Mode::Fails => ("500 Internal Server Error", "", "{\"detail\":\"out of order\"}"),
        Mode::Overloaded => ("503 Service Unavailable", "", ""),
        Mode::Page => ("200 OK", "", "<html>welcome</html>"),
        Mode::Redirects => ("302 Found", "Location: http://127.0.0.1:1/\r\n", ""),
        Mode::Noise => return stream.write_all(b"\x00\xff noise \r\n\r\n"),
        Mode::Cut => {
            let head = format!("HTTP/1.1 202 Accepted\r\nContent-Length: {}\r\n\r\n", decision.len());
            return stream.write_all(&[head.as_bytes(), &decision.as_bytes()[..decision.len() / 2]].concat());
        }
        _ => ("202 Accepted", "", &*decision),
    };
    let head = format!("HTTP/1.1 {status}\r\n{more}Connection: close\r\nContent-Length: {}\r\n\r\n", body.len());
    stream.write_all(&[head.as_bytes(), body.as_bytes()].concat())
}

/// A decision that permits, wrong in one thing as the mode says.
fn decided(mode: Mode, asked: &Value, [trust, stranger]: &[SigningKey; 2]) -> Value {
    use base64::Engine as _;
    let is = |wrong: Mode| mode == wrong;
    let text = |field: &str| asked[field].as_str().unwrap_or_default().to_owned();
    let (now, minute) = (OffsetDateTime::now_utc(), time::Duration::minutes(1));
    let (issued_at, expires_at) = match mode {
        Mode::Expired => (now - 2 * minute, now - minute),
        Mode::Early => (now + minute, now + 2 * minute),
        _ => (now, now + 10 * minute),
    };
    let index = asked["documents"]["index.json"].as_str().unwrap_or_default();
    let index = base64::engine::general_purpose::STANDARD.decode(index).unwrap_or_default();
    let mut files: Vec<_> = asked["artifacts"].as_array().into_iter().flatten().map(permitted_file).collect();
    files.sort_by(|a, b| a.path.cmp(&b.path));
    if is(Mode::OtherFiles) {
        files[0].sha256 = Sha256::of(b"another file");
    }
    let other = |wrong: bool, right: String, other: &str| if wrong { other.to_owned() } else { right };
    let terms = PermitTerms {
        permit_id: "019abcde-f012-7000-8000-00000000abcd".to_owned(),
        tenant_id: other(is(Mode::OtherTenant), text("tenant_id"), "acme").parse().expect("a tenant"),
        scan_id: other(is(Mode::OtherScan), text("scan_id"), "test_0123456789ab").parse().expect("a scan"),
        tier: other(is(Mode::OtherTier), text("tier"), "verified").parse().expect("a tier"),
        index_digest: if is(Mode::OtherIndex) { Sha256::of(b"another index") } else { Sha256::of(&index) },
        files,
        destination: other(is(Mode::OtherDestination), text("destination"), "elsewhere"),
        issued_at: rfc3339(issued_at),
        expires_at: rfc3339(expires_at),
    };
    let signer = if is(Mode::OtherKey) { stranger } else { trust };
    let permit = terms.sign(signer).expect("a signature").to_bytes().expect("bytes");
    let mut permit: Value = serde_json::from_slice(&permit).expect("JSON");
    if is(Mode::Changed) {
        let mut payload = permit["payload"].as_str().expect("text").to_owned();
        let letter = if payload.ends_with('A') { "B" } else { "A" };
        payload.replace_range(8..9, letter);
        permit["payload"] = json!(payload);
    }
    if is(Mode::NoPermit) {
        permit = Value::Null;
    }
    json!({
        "upload_permission_id": terms.permit_id, "tier": asked["tier"], "permitted": true,
        "scan_id": other(is(Mode::OtherAnswer), text("scan_id"), "test_0123456789ab"),
        "reason": null, "detail": null, "evidence": {}, "verification_proof": null, "storage_config": null,
        "permit": permit, "vsa": {}, "svr": null, "expires_at": terms.expires_at,
    })
}

fn permitted_file(artifact: &Value) -> PermittedFile {
    let hash = artifact["hash"].as_str().and_then(|hash| hash.strip_prefix("sha256:")).expect("a hash");
    PermittedFile {
        path: artifact["name"].as_str().expect("a name").to_owned(),
        sha256: hash.parse().expect("64 hex digits"),
        size: artifact["size"].as_u64().expect("a size"),
    }
}
