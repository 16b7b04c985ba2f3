//! A real S3 store for the tests: rclone's server over a folder, with a login, and a wire to it that misbehaves.

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::{Duration, Instant};

use certus_store::{S3, S3Config, S3Login};
use tempfile::TempDir;

/// The login of the server.
pub(crate) const LOGIN: (&str, &str) = ("certus-tests", "certus-tests-secret");

/// A running server with one bucket for each test.
pub(crate) struct Server {
    folder: TempDir,
    port: u16,
    child: Mutex<Child>,
}

/// The server of this run; none, said once, where rclone is not installed.
pub(crate) fn server() -> Option<&'static Server> {
    static SERVER: OnceLock<Option<Server>> = OnceLock::new();
    let server = SERVER.get_or_init(|| {
        let Some(program) = rclone() else {
            println!("skipped: no rclone here; `cargo xtask setup` installs it");
            return None;
        };
        Some(Server::start(&program))
    });
    server.as_ref()
}

fn rclone() -> Option<PathBuf> {
    let program = Path::new(&std::env::var_os("CERTUS_TEST_VALIDATORS")?).join("bin/rclone");
    program.is_file().then_some(program)
}

impl Server {
    fn start(program: &Path) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let socket = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let port = socket.local_addr().expect("an address").port();
        drop(socket);
        let mut command = Command::new("setpriv");
        command.args(["--pdeathsig=KILL", "--"]).arg(program).args(["serve", "s3", "--auth-key"]);
        command.arg(format!("{},{}", LOGIN.0, LOGIN.1)).args(["--addr", &format!("127.0.0.1:{port}")]);
        command.args(["--vfs-cache-mode", "off", "--dir-cache-time", "100ms"]).arg(folder.path());
        command.env("HOME", folder.path()).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        // Its life hangs on the thread that starts it, so that thread waits until the tests end.
        let (sender, started) = std::sync::mpsc::channel();
        std::thread::spawn(move || {
            sender.send(command.spawn().expect("rclone starts")).expect("somebody waits");
            loop {
                std::thread::park();
            }
        });
        let child = Mutex::new(started.recv().expect("a child"));
        let server = Self { folder, port, child };
        let patience = Instant::now() + Duration::from_secs(60);
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(Instant::now() < patience, "rclone does not answer");
            std::thread::sleep(Duration::from_millis(20));
        }
        server
    }

    pub(crate) const fn port(&self) -> u16 {
        self.port
    }

    /// A fresh bucket.
    pub(crate) fn bucket(&self) -> String {
        let name = format!("bucket-{}", uuid::Uuid::now_v7().simple());
        std::fs::create_dir(self.folder.path().join(&name)).expect("a bucket");
        // The server looks at its folder every now and then.
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        let client = client(&name, self.port);
        std::thread::scope(|scope| {
            // Tests may call this within a runtime of their own.
            let seen = scope.spawn(|| {
                let patience = Instant::now() + Duration::from_secs(60);
                while runtime.block_on(certus_store::BlobStore::check(&client)).is_err() {
                    assert!(Instant::now() < patience, "the bucket does not come to be");
                    std::thread::sleep(Duration::from_millis(20));
                }
            });
            seen.join().expect("a bucket");
        });
        name
    }

    /// Where the server keeps an object.
    pub(crate) fn file(&self, bucket: &str, key: &str) -> PathBuf {
        self.folder.path().join(bucket).join(key)
    }

    /// The settings of a service that keeps its blobs here, reached at `port`.
    pub(crate) fn settings(&self, bucket: &str, port: u16) -> Vec<(&'static str, String)> {
        vec![
            ("CERTUS_BLOBS", format!("s3://{bucket}/site-a")),
            ("S3_ENDPOINT_URL", format!("http://127.0.0.1:{port}")),
            ("S3_ACCESS_KEY_ID", LOGIN.0.to_owned()),
            ("S3_SECRET_ACCESS_KEY", LOGIN.1.to_owned()),
        ]
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Ok(child) = self.child.get_mut() {
            // What it holds is thrown away.
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// A client of the bucket, reached at `port`.
pub(crate) fn client(bucket: &str, port: u16) -> S3 {
    let login = S3Login { access_key_id: LOGIN.0.to_owned(), secret_access_key: LOGIN.1.to_owned() };
    S3::new(S3Config {
        endpoint: Some(format!("http://127.0.0.1:{port}")),
        region: "us-east-1".to_owned(),
        bucket: bucket.to_owned(),
        prefix: "site-a/".to_owned(),
        login,
        authorities: None,
    })
}

/// What a store does that it should not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// Answers with this status.
    Status(u16),
    /// Breaks the connection once it has a part of the request's content.
    ResetMidway,
    /// Does what it is asked, and breaks the connection instead of saying so.
    LoseReply,
    /// Changes a bit of the content that it sends.
    FlipBit,
    /// Changes a bit of the content that it is sent.
    FlipSent,
    /// Sends half of the content.
    Cut,
    /// Shows an empty list.
    StaleList,
    /// Says that the content has another `ETag`.
    WrongTag,
}

/// The faults that are still to strike: each one the next request whose method it is for.
type Script = Arc<Mutex<Vec<(&'static str, Fault)>>>;

/// A wire that leads to a store and misbehaves as it is told.
pub(crate) struct Unreliable {
    port: u16,
    script: Script,
    /// Statuses with which everything is answered while it is set.
    outage: Arc<Mutex<Option<u16>>>,
    requests: Arc<Mutex<Vec<String>>>,
}

impl Unreliable {
    pub(crate) fn to(port: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a socket");
        let wire = Self {
            port: listener.local_addr().expect("an address").port(),
            script: Arc::default(),
            outage: Arc::default(),
            requests: Arc::default(),
        };
        let (script, outage, requests) = (wire.script.clone(), wire.outage.clone(), wire.requests.clone());
        std::thread::spawn(move || {
            for near in listener.incoming().map_while(Result::ok) {
                let (script, outage, requests) = (script.clone(), outage.clone(), requests.clone());
                // A broken connection is what this is for.
                std::thread::spawn(move || drop(carry(near, port, &script, &outage, &requests)));
            }
        });
        wire
    }

    pub(crate) const fn port(&self) -> u16 {
        self.port
    }

    /// What goes wrong next, in this order for each method; `LIST` is a `GET` of a bucket.
    pub(crate) fn script(&self, faults: &[(&'static str, Fault)]) {
        *self.script.lock().expect("no panic") = faults.to_vec();
    }

    /// Whether everything that was told to go wrong has.
    pub(crate) fn is_done(&self) -> bool {
        self.script.lock().expect("no panic").is_empty()
    }

    /// Answers everything with a status, or no longer.
    pub(crate) fn outage(&self, status: Option<u16>) {
        *self.outage.lock().expect("no panic") = status;
    }

    /// How many requests there were of the methods that `of` takes.
    pub(crate) fn count(&self, of: impl Fn(&str) -> bool) -> usize {
        self.requests.lock().expect("no panic").iter().filter(|method| of(method)).count()
    }
}

/// One request, and the connection ends.
fn carry(
    mut near: TcpStream,
    port: u16,
    script: &Script,
    outage: &Mutex<Option<u16>>,
    requests: &Mutex<Vec<String>>,
) -> std::io::Result<()> {
    let head = head(&mut near)?;
    let mut lines = head.split("\r\n");
    let request = lines.next().unwrap_or_default().to_owned();
    let mut words = request.split(' ');
    let (method, target) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let method = if method == "GET" && target.contains("list-type=2") { "LIST" } else { method };
    requests.lock().expect("no panic").push(method.to_owned());
    let fault = {
        let mut script = script.lock().expect("no panic");
        let at = script.iter().position(|(of, _)| *of == method);
        at.map(|at| script.remove(at).1)
    };
    let status = outage.lock().expect("no panic").map(Fault::Status);
    let length = header(&head, "content-length").and_then(|text| text.parse().ok()).unwrap_or(0);
    let fault = status.or(fault);
    match fault {
        Some(Fault::Status(status)) => {
            let mut content = vec![0; length];
            near.read_exact(&mut content)?;
            let body = "<?xml version=\"1.0\"?><Error><Code>SlowDown</Code><Message>Please reduce your request rate.</Message></Error>";
            let answer = format!(
                "HTTP/1.1 {status} Slow Down\r\ncontent-type: application/xml\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
                body.len()
            );
            return near.write_all(answer.as_bytes());
        }
        Some(Fault::ResetMidway) => {
            let mut content = vec![0; length / 2];
            near.read_exact(&mut content)?;
            return near.shutdown(Shutdown::Both);
        }
        _ => {}
    }
    let mut far = TcpStream::connect(("127.0.0.1", port))?;
    let rest: Vec<_> = lines.filter(|line| !line.to_ascii_lowercase().starts_with("connection:")).collect();
    far.write_all(format!("{request}\r\nconnection: close\r\n{}\r\n\r\n", rest.join("\r\n").trim_end()).as_bytes())?;
    let mut content = vec![0; length];
    near.read_exact(&mut content)?;
    if fault == Some(Fault::FlipSent)
        && let Some(first) = content.first_mut()
    {
        *first ^= 1;
    }
    far.write_all(&content)?;
    let mut answer = Vec::new();
    far.read_to_end(&mut answer)?;
    let body = answer.windows(4).position(|four| four == b"\r\n\r\n").map_or(answer.len(), |at| at + 4);
    match fault {
        Some(Fault::LoseReply) => return near.shutdown(Shutdown::Both),
        Some(Fault::FlipBit) => answer[body] ^= 1,
        Some(Fault::Cut) => answer.truncate(body + (answer.len() - body) / 2),
        Some(Fault::StaleList) => {
            let empty = "<?xml version=\"1.0\"?><ListBucketResult><IsTruncated>false</IsTruncated><KeyCount>0</KeyCount></ListBucketResult>";
            let text = format!(
                "HTTP/1.1 200 OK\r\ncontent-type: application/xml\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{empty}",
                empty.len()
            );
            answer = text.into_bytes();
        }
        Some(Fault::WrongTag) => {
            let head = String::from_utf8_lossy(&answer[..body]).into_owned();
            let head: Vec<_> = head
                .split("\r\n")
                .map(|line| match line.to_ascii_lowercase().starts_with("etag:") {
                    true => "ETag: \"00000000000000000000000000000000\"",
                    false => line,
                })
                .collect();
            answer = [head.join("\r\n").as_bytes(), &answer[body..]].concat();
        }
        _ => {}
    }
    near.write_all(&answer)
}

/// The request up to its content.
fn head(stream: &mut TcpStream) -> std::io::Result<String> {
    let (mut head, mut byte) = (Vec::new(), [0]);
    while !head.ends_with(b"\r\n\r\n") {
        stream.read_exact(&mut byte)?;
        head.push(byte[0]);
    }
    Ok(String::from_utf8_lossy(&head[..head.len() - 4]).into_owned())
}

fn header<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    head.split("\r\n")
        .find_map(|line| line.split_once(':').filter(|(n, _)| n.eq_ignore_ascii_case(name)))
        .map(|(_, value)| value.trim())
}
