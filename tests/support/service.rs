//! The service as a process, and a client of it.

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, ExitStatus, Stdio};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::{Duration, Instant};

use reqwest::header::HeaderMap;
use reqwest::{Client, Method, RequestBuilder};
use serde_json::{Value, json};
use tokio::runtime::Runtime;

use crate::support::home::Home;

/// How long anything may take that a test waits for.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// A running `certus serve` or `certus worker`.
pub(crate) struct Process {
    child: Child,
    /// What it has said on stderr.
    log: Arc<Mutex<String>>,
}

/// A running service.
pub(crate) struct Service {
    process: Process,
    address: String,
    key: Option<String>,
}

/// An answer of the service.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
}

pub(crate) fn runtime() -> &'static Runtime {
    static RUNTIME: OnceLock<Runtime> = OnceLock::new();
    RUNTIME.get_or_init(|| {
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime")
    })
}

impl Home {
    /// A command of the service: with this home's folders, and whatever `env` says.
    pub(crate) fn service(&self, env: &[(&str, &str)]) -> std::process::Command {
        let mut command = self.command();
        std::fs::create_dir_all(self.path("workspaces")).expect("a folder");
        command.env("CERTUS_ASSURANCE_ARTIFACT_ROOT", self.path("artifacts"));
        command.env("CERTUS_ASSURANCE_WORKSPACE_ROOT", self.path("workspaces"));
        command.env("CERTUS_ASSURANCE_LISTEN", "127.0.0.1:0");
        // Long enough for a busy machine, short enough to wait for.
        command.env("CERTUS_LEASE_SECONDS", "6");
        command.envs(env.iter().copied());
        command
    }

    /// A small repository that clients may name as `NAME`; it has one finding.
    pub(crate) fn workspace(&self, name: &str) -> PathBuf {
        let folder = self.path("workspaces").join(name);
        std::fs::create_dir_all(&folder).expect("a folder");
        // Made up, and of a form that every rule for keys of clouds knows.
        let secret = ["AKIA", "Q3EGXQ7ZJ4LK5M2N"].concat();
        std::fs::write(folder.join("config.py"), format!("aws_access_key_id = \"{secret}\"\n")).expect("a file");
        std::fs::write(folder.join("README.md"), "# A repository\n").expect("a file");
        folder
    }

    /// A workspace that takes some seconds to scan.
    pub(crate) fn slow_workspace(&self, name: &str) {
        let folder = self.workspace(name);
        let content = "password = lookup(\"aws_key_secret_token\")\n".repeat(4_000);
        for at in 0..300 {
            std::fs::write(folder.join(format!("f{at}.py")), &content).expect("a file");
        }
    }
}

impl Process {
    pub(crate) fn start(mut command: std::process::Command) -> Self {
        let mut child =
            command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().expect("certus starts");
        let log = Arc::new(Mutex::new(String::new()));
        let (lines, kept) = (BufReader::new(child.stderr.take().expect("a pipe")), log.clone());
        std::thread::spawn(move || {
            for line in lines.split(b'\n').map_while(Result::ok) {
                let mut kept = kept.lock().expect("no panic");
                kept.push_str(&String::from_utf8_lossy(&line));
                kept.push('\n');
            }
        });
        Self { child, log }
    }

    pub(crate) fn log(&self) -> String {
        self.log.lock().expect("no panic").clone()
    }

    pub(crate) fn id(&self) -> rustix::process::Pid {
        rustix::process::Pid::from_child(&self.child)
    }

    pub(crate) fn signal(&self, signal: rustix::process::Signal) {
        rustix::process::kill_process(self.id(), signal).expect("the process is there");
    }

    /// Waits until it ends by itself.
    pub(crate) fn ended(&mut self) -> ExitStatus {
        let patience = Instant::now() + PATIENCE;
        loop {
            if let Some(status) = self.child.try_wait().expect("a child") {
                return status;
            }
            assert!(Instant::now() < patience, "the process does not end:\n{}", self.log());
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    pub(crate) fn is_running(&mut self) -> bool {
        self.child.try_wait().expect("a child").is_none()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It has ended already, or nobody needs it any more.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Service {
    /// Starts `certus serve`, and waits until it listens.
    pub(crate) fn start(home: &Home, env: &[(&str, &str)]) -> Self {
        Self::start_with(home, env, &[])
    }

    pub(crate) fn start_with(home: &Home, env: &[(&str, &str)], arguments: &[&str]) -> Self {
        Self::listening(home, env, &[&["serve"], arguments].concat(), "listens at http")
    }

    /// Starts `certus transform`, and waits until it listens.
    pub(crate) fn transform(home: &Home, env: &[(&str, &str)]) -> Self {
        let anywhere = [("CERTUS_TRANSFORM_LISTEN", "127.0.0.1:0")];
        Self::listening(home, &[env, &anywhere].concat(), &["transform"], "is Transform at http")
    }

    /// Starts `certus` with these arguments, and waits until it says so, with its address behind it.
    pub(crate) fn listening(home: &Home, env: &[(&str, &str)], arguments: &[&str], says: &str) -> Self {
        let mut command = home.service(env);
        command.args(arguments);
        let mut process = Process::start(command);
        let patience = Instant::now() + PATIENCE;
        let address = loop {
            let log = process.log();
            if let Some(rest) = log.split(says).nth(1)
                && let Some((_, rest)) = rest.split_once("://")
                && let Some((address, _)) = rest.split_once([',', '\n'])
            {
                break address.to_owned();
            }
            assert!(process.is_running() && Instant::now() < patience, "certus does not listen:\n{log}");
            std::thread::sleep(Duration::from_millis(20));
        };
        Self { process, address, key: None }
    }

    pub(crate) fn process(&mut self) -> &mut Process {
        &mut self.process
    }

    pub(crate) fn log(&self) -> String {
        self.process.log()
    }

    pub(crate) fn address(&self) -> &str {
        &self.address
    }

    /// The same service for whoever has this key.
    pub(crate) fn with_key(mut self, key: &str) -> Self {
        self.key = Some(key.to_owned());
        self
    }

    pub(crate) fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let request = self.anonymous(method, path);
        match &self.key {
            Some(key) => request.bearer_auth(key),
            None => request,
        }
    }

    /// The same without a key.
    pub(crate) fn anonymous(&self, method: Method, path: &str) -> RequestBuilder {
        static CLIENT: OnceLock<Client> = OnceLock::new();
        let client = CLIENT.get_or_init(|| Client::builder().no_proxy().build().expect("a client"));
        client.request(method, format!("http://{}{path}", self.address)).timeout(PATIENCE)
    }

    pub(crate) fn get(&self, path: &str) -> Answer {
        send(self.request(Method::GET, path))
    }

    pub(crate) fn post(&self, path: &str, body: &Value) -> Answer {
        send(self.request(Method::POST, path).header("content-type", "application/json").body(body.to_string()))
    }

    /// Submits a scan of a workspace; returns its id.
    pub(crate) fn submit(&self, body: &Value) -> String {
        let answer = self.post("/v1/security-scans", body);
        assert_eq!(answer.status, 202, "{}", answer.text());
        answer.json()["test_id"].as_str().expect("an id").to_owned()
    }

    /// Waits until a scan has ended; returns it.
    pub(crate) fn ended(&self, id: &str) -> Value {
        self.until(id, |scan| ["succeeded", "failed", "cancelled"].iter().any(|status| scan["status"] == *status))
    }

    pub(crate) fn until(&self, id: &str, fits: impl Fn(&Value) -> bool) -> Value {
        let patience = Instant::now() + PATIENCE;
        loop {
            let answer = self.get(&format!("/v1/security-scans/{id}"));
            assert_eq!(answer.status, 200, "{}", answer.text());
            let scan = answer.json();
            if fits(&scan) {
                return scan;
            }
            assert!(Instant::now() < patience, "{scan:#}\n{}", self.log());
            std::thread::sleep(Duration::from_millis(50));
        }
    }
}

/// A directory scan of `path`.
pub(crate) fn directory(path: &str) -> Value {
    json!({
        "workspace_id": "w1", "component_id": "c1", "assessment_id": "a1",
        "source_type": "directory", "directory_path": path, "profile": "smoke",
    })
}

pub(crate) fn send(request: RequestBuilder) -> Answer {
    runtime().block_on(async {
        let response = request.send().await.expect("an answer");
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        Answer { status, headers, body: response.bytes().await.expect("a body").to_vec() }
    })
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.text()))
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }
}

/// Whether every file of a bundle verifies, by the command.
pub(crate) fn verify(home: &Home, bundle: &Path) -> String {
    let ended = home.run(&["verify", bundle.to_str().expect("UTF-8")]);
    assert_eq!(ended.code, 0, "{}{}", ended.stdout, ended.stderr);
    ended.stdout
}
