//! A real S3 store for the tests: SeaweedFS, which the compose file runs.

use std::fs::File;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

/// A running server; it ends with this value.
pub(crate) struct Seaweed {
    folder: TempDir,
    programs: PathBuf,
    child: Child,
    s3: u16,
    /// Where `weed shell` finds it.
    pub(crate) master: String,
}

/// Ports that nobody listens at.
fn free_ports<const N: usize>() -> [u16; N] {
    let sockets = [(); N].map(|()| TcpListener::bind("127.0.0.1:0").expect("a free port"));
    sockets.map(|socket| socket.local_addr().expect("an address").port())
}

/// The folder of the program; none, said once, where it is not installed.
fn programs() -> Option<PathBuf> {
    let folder = std::env::var_os("CERTUS_TEST_VALIDATORS").map(|folder| Path::new(&folder).join("bin"));
    let folder = folder.filter(|folder| folder.join("weed").is_file());
    if folder.is_none() {
        println!("skipped: no SeaweedFS here; `cargo xtask setup` installs it");
    }
    folder
}

fn command(programs: &Path, words: &[String]) -> Command {
    let path = std::env::join_paths([programs, Path::new("/usr/bin"), Path::new("/bin")]).expect("a path");
    let mut command = Command::new("setpriv");
    command.args(["--pdeathsig=KILL", "--"]).args(words).env_clear().env("PATH", path).stdin(Stdio::null());
    command
}

impl Seaweed {
    /// Starts the server with these words, at ports and in a folder of its own, and waits until it answers.
    pub(crate) fn start(words: &[String]) -> Option<Self> {
        let programs = programs()?;
        let folder = tempfile::tempdir().expect("a folder");
        let ports: [u16; 8] = free_ports();
        let [s3, master, _, _, master_grpc, ..] = ports;
        let names = ["s3", "master", "volume", "filer", "master.port", "s3.port", "volume.port", "filer.port"];
        // The last of two flags counts.
        let own = names.iter().zip(ports).map(|(of, port)| match of.strip_suffix(".port") {
            Some(of) => format!("-{of}.port.grpc={port}"),
            None => format!("-{of}.port={port}"),
        });
        let here = ["-ip=127.0.0.1".to_owned(), "-ip.bind=127.0.0.1".to_owned()];
        let data = format!("-dir={}", folder.path().display());
        let words: Vec<_> = words.iter().cloned().chain(own).chain(here).chain([data]).collect();
        let log = File::create(folder.path().join("log")).expect("a log");
        let child = command(&programs, &words).stdout(Stdio::null()).stderr(log).spawn().expect("weed starts");
        let server = Self { folder, programs, child, s3, master: format!("127.0.0.1:{master}.{master_grpc}") };
        let patience = Instant::now() + Duration::from_secs(60);
        while !server.is_well() {
            assert!(Instant::now() < patience, "SeaweedFS is never well\n{}", server.log());
            std::thread::sleep(Duration::from_millis(50));
        }
        Some(server)
    }

    /// As the health check of the compose file asks.
    fn is_well(&self) -> bool {
        use std::io::{Read as _, Write as _};
        let Ok(mut stream) = TcpStream::connect(SocketAddr::from(([127, 0, 0, 1], self.s3))) else { return false };
        let mut answer = String::new();
        let asked = stream.write_all(b"GET /status HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n");
        asked.is_ok() && stream.read_to_string(&mut answer).is_ok() && answer.starts_with("HTTP/1.1 200")
    }

    /// Where its S3 interface listens.
    pub(crate) const fn port(&self) -> u16 {
        self.s3
    }

    /// What it has said.
    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("log")).expect("a log")
    }

    /// Runs a program that lies beside it.
    pub(crate) fn run(&self, words: &[String]) -> Output {
        command(&self.programs, words).output().expect("a program runs")
    }
}

impl Drop for Seaweed {
    fn drop(&mut self) {
        // What it holds is thrown away.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
