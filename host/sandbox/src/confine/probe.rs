//! Whether the second wall stands: a child confines itself and then tries what it must not be able to.

use std::io::Write as _;
use std::net::UdpSocket;
use std::os::unix::net::UnixDatagram;
use std::path::Path;
use std::process::{Command, ExitCode, Stdio};

use serde::{Deserialize, Serialize};

use super::{Confinement, confine};
use crate::error::Error;

/// The first argument with which `certus` probes its own confinement.
pub const PROBE_ARGUMENT: &str = "probe-confinement";

/// What a confined process could and could not do on this machine.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Probe {
    /// What the kernel said it enforces.
    pub confinement: Confinement,
    /// What was tried.
    pub attempts: Vec<Attempt>,
}

/// One thing that a confined process tried.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attempt {
    /// For example `open an internet socket`.
    pub what: String,
    /// Whether the kernel refused.
    pub refused: bool,
}

/// Starts `program` as a probe and returns what it found.
///
/// # Errors
/// When it cannot be started or gives no answer.
pub fn probe(program: &Path) -> Result<Probe, Error> {
    let failed = |source| Error::Child { program: program.display().to_string(), source };
    let output = Command::new(program).arg(PROBE_ARGUMENT).env_clear().stdin(Stdio::null()).output().map_err(failed)?;
    serde_json::from_slice(&output.stdout).map_err(|error| failed(error.into()))
}

/// The probe's whole life: confines itself as a worker does, tries, prints what happened. With the
/// argument `unconfined` it leaves the first step out, which shows that the others can succeed.
pub fn probe_child(arguments: &[String]) -> ExitCode {
    // Something that exists, can be read and can be started as long as nothing forbids it.
    let program = Path::new("/proc/self/exe");
    let written = std::env::temp_dir().join(format!("certus-probe-{}", std::process::id()));
    let confined = arguments.first().is_none_or(|argument| argument != "unconfined");
    let confinement = if confined { confine(&[]) } else { Confinement::default() };
    let attempts = [
        ("read a file", std::fs::File::open(program).is_err()),
        ("write a file", std::fs::File::create_new(&written).is_err()),
        ("open an internet socket", UdpSocket::bind("127.0.0.1:0").is_err()),
        ("open a local socket", UnixDatagram::unbound().is_err()),
        ("start a program", Command::new(program).arg("--version").stdout(Stdio::null()).status().is_err()),
        ("start a thread", std::thread::Builder::new().spawn(|| {}).is_err()),
    ];
    // Only where writing was not refused is there anything to remove.
    let _ = std::fs::remove_file(&written);
    let attempts = attempts.map(|(what, refused)| Attempt { what: what.to_owned(), refused }).to_vec();
    let answer = serde_json::to_vec(&Probe { confinement, attempts });
    match answer.map_err(std::io::Error::from).and_then(|answer| std::io::stdout().write_all(&answer)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}
