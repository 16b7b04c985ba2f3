//! A real Postgres for the tests: one server for the whole run, a database of its own for each test, and a role
//! for the service that owns nothing in it.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, OnceLock};
use std::time::{Duration, Instant};

use certus_store::DatabaseUrl;
use tempfile::TempDir;

/// The role that the service connects as.
const ROLE: &str = "certus_service";

/// A running server; it ends with the tests.
pub(crate) struct Server {
    folder: TempDir,
    binaries: PathBuf,
    port: u16,
    running: Mutex<Option<Child>>,
    serial: AtomicU32,
}

/// A database of one test.
pub(crate) struct Database {
    /// As its owner, who migrates.
    pub(crate) owner: DatabaseUrl,
    /// As the service.
    pub(crate) service: DatabaseUrl,
    /// The address of the service, as a setting.
    pub(crate) setting: String,
    /// The address of the owner, as a setting.
    pub(crate) owner_setting: String,
}

/// The server of this run; none, said once, where Postgres is not installed.
pub(crate) fn server() -> Option<&'static Server> {
    static SERVER: OnceLock<Option<Server>> = OnceLock::new();
    let server = SERVER.get_or_init(|| {
        let Some(binaries) = binaries() else {
            println!("skipped: no Postgres is installed here; `cargo xtask setup` installs it");
            return None;
        };
        Some(Server::start(binaries))
    });
    server.as_ref()
}

/// A server of its own, for a test that stops it; none where Postgres is not installed.
pub(crate) fn own() -> Option<Server> {
    server()?;
    binaries().map(Server::start)
}

/// The folder of `initdb`: of the newest version where Debian has several.
pub(crate) fn binaries() -> Option<PathBuf> {
    let mut folders: Vec<_> = std::fs::read_dir("/usr/lib/postgresql").ok()?.filter_map(Result::ok).collect();
    folders.sort_by_key(|entry| entry.file_name().to_string_lossy().parse::<u32>().unwrap_or(0));
    let folder = folders.pop()?.path().join("bin");
    folder.join("initdb").is_file().then_some(folder)
}

/// Folders of servers, before the process id of the run.
const PREFIX: &str = "certus-postgres-";

/// Removes what runs that are over have left: a server of a static lives until the process ends.
fn sweep() {
    for entry in std::fs::read_dir("/tmp").expect("a folder").filter_map(Result::ok) {
        let name = entry.file_name().to_string_lossy().into_owned();
        let process = name.strip_prefix(PREFIX).and_then(|rest| rest.split('-').next());
        if process.is_some_and(|id| !Path::new("/proc").join(id).exists()) {
            // Another run may be faster.
            let _ = std::fs::remove_dir_all(entry.path());
        }
    }
}

impl Server {
    fn start(binaries: PathBuf) -> Self {
        sweep();
        let prefix = format!("{PREFIX}{}-", std::process::id());
        let folder = tempfile::Builder::new().prefix(&prefix).tempdir_in("/tmp").expect("a folder");
        let socket = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
        let port = socket.local_addr().expect("an address").port();
        drop(socket);
        let server = Self { folder, binaries, port, running: Mutex::new(None), serial: AtomicU32::new(0) };
        if rustix::process::getuid().is_root() {
            // Postgres does not run as root.
            let owned = Command::new("chown").arg("postgres").arg(server.folder.path()).status();
            assert!(owned.expect("chown runs").success());
        }
        let data = server.data();
        let made = server
            .program("initdb")
            .args(["--auth=trust", "--username=owner", "--no-sync", "--encoding=UTF8", "--locale=C", "--pgdata"])
            .arg(&data)
            .output()
            .expect("initdb runs");
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        server.up();
        server.sql("postgres", &format!("CREATE ROLE {ROLE} LOGIN"));
        server
    }

    pub(crate) const fn port(&self) -> u16 {
        self.port
    }

    fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// Starts the server, and waits until it answers.
    pub(crate) fn up(&self) {
        let log = std::fs::File::create(self.folder.path().join("log")).expect("a log");
        let mut program = self.program("postgres");
        program
            .args(["-c", "listen_addresses=127.0.0.1", "-c", "max_connections=200", "-c", "unix_socket_directories="])
            .args(["-c", &format!("port={}", self.port), "-D"])
            .arg(self.data())
            .stdout(Stdio::null())
            .stderr(log);
        // Its life hangs on the thread that starts it, so that thread waits until the tests end.
        let (sender, started) = std::sync::mpsc::channel();
        std::thread::spawn(move || {
            sender.send(program.spawn().expect("postgres starts")).expect("somebody waits");
            loop {
                std::thread::park();
            }
        });
        *self.running.lock().expect("no panic") = Some(started.recv().expect("a child"));
        let patience = Instant::now() + Duration::from_secs(60);
        while !self.psql("postgres", "SELECT 1").status.success() {
            assert!(Instant::now() < patience, "Postgres does not answer");
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// Stops the server; whoever is connected is cut off.
    pub(crate) fn down(&self) {
        let mut child = self.running.lock().expect("no panic").take().expect("it runs");
        let id = rustix::process::Pid::from_child(&child);
        rustix::process::kill_process(id, rustix::process::Signal::INT).expect("the server is there");
        child.wait().expect("a child");
    }

    fn program(&self, name: &str) -> Command {
        let program = self.binaries.join(name);
        let mut command = Command::new("setpriv");
        command.arg("--pdeathsig=KILL");
        if rustix::process::getuid().is_root() {
            command.args(["--reuid=postgres", "--regid=postgres", "--clear-groups"]);
        }
        command.arg("--").arg(program);
        command.env_clear().env("PATH", "/usr/bin:/bin").current_dir(self.folder.path());
        command
    }

    fn psql(&self, database: &str, sql: &str) -> std::process::Output {
        let mut command = Command::new(self.binaries.join("psql"));
        command.env_clear().args([
            "--no-psqlrc",
            "--tuples-only",
            "--no-align",
            "--set=ON_ERROR_STOP=1",
            "--host=127.0.0.1",
        ]);
        command.args(["--username=owner", "--port", &self.port.to_string(), "--dbname", database, "--command", sql]);
        command.output().expect("psql runs")
    }

    /// Runs a statement as the owner, who is a superuser; returns what it printed.
    pub(crate) fn sql(&self, database: &str, sql: &str) -> String {
        let done = self.psql(database, sql);
        assert!(done.status.success(), "{sql}: {}", String::from_utf8_lossy(&done.stderr));
        String::from_utf8_lossy(&done.stdout).trim().to_owned()
    }

    /// What a statement is refused with.
    pub(crate) fn refuses(&self, database: &str, sql: &str) -> String {
        let done = self.psql(database, sql);
        assert!(!done.status.success(), "{sql} is permitted");
        String::from_utf8_lossy(&done.stderr).into_owned()
    }

    /// A fresh database, empty.
    pub(crate) fn empty(&self) -> Database {
        let name = format!("test_{}", self.serial.fetch_add(1, Ordering::Relaxed));
        self.sql("postgres", &format!("CREATE DATABASE {name}"));
        let address = |role: &str| format!("postgres://{role}@127.0.0.1:{}/{name}", self.port);
        Database {
            owner: address("owner").parse().expect("an address"),
            service: address(ROLE).parse().expect("an address"),
            setting: address(ROLE),
            owner_setting: address("owner"),
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(mut child) = self.running.lock().expect("no panic").take() {
            // What it holds is thrown away.
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

impl Database {
    /// Its name.
    pub(crate) fn name(&self) -> &str {
        self.setting.rsplit('/').next().expect("a name")
    }

    pub(crate) const fn role() -> &'static str {
        ROLE
    }
}
