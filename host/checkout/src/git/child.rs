//! The git child: one process group with an empty environment, limits and a deadline.
//!
//! This is the only place of the crate that starts a process. Limits are set by the shell's `ulimit`
//! before it becomes git: wherever git runs there is `/bin/sh`, which git itself needs, and setting
//! them between fork and exec from Rust would take unsafe code.

use std::ffi::{OsStr, OsString};
use std::io::{self, BufRead as _, BufReader, Read};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process_group, waitid};

use crate::error::Error;

/// Address space of each process, in KiB: four times what index-pack takes for a 2 GiB pack, its
/// threads' reservations included, and little enough that a hostile pack cannot exhaust the machine.
const ADDRESS_SPACE: u64 = 4 << 20;

/// Bytes of stderr that are looked at; the rest is read and dropped.
const NOTES: u64 = 16 << 10;

/// Longest line of output that is understood: a ref name has at most 255 bytes here, in git 4,096.
const LINE: u64 = 8 << 10;

/// Exit status of the shell when a limit could not be set; 126 and 127 are its own for a program that
/// cannot be started. git itself ends with 0, 1, 128 or 129.
const NO_LIMIT: i32 = 125;

/// Sets four limits and becomes the program. A limit that is lower already may stay.
const LIMITED: &str = r#"
limit() { ulimit "$1" "$2" 2>/dev/null || [ "$(ulimit -H "$1")" -le "$2" ] 2>/dev/null || exit 125; }
limit -c 0; limit -n 256; limit -t "$1"; limit -f "$2"; limit -v "$3"
shift 3
exec "$@"
"#;

/// What a child may use and see.
pub(super) struct Confinement<'a> {
    /// The program.
    pub(super) program: &'a Path,
    /// All of its environment.
    pub(super) environment: Vec<(&'static str, OsString)>,
    /// Its working directory.
    pub(super) directory: &'a Path,
    /// CPU time of each process.
    pub(super) cpu: Duration,
    /// Largest file that it may write, in bytes.
    pub(super) file: u64,
    /// When the whole group is killed.
    pub(super) deadline: Instant,
}

/// How a child ended.
pub(super) enum Ended {
    /// With success.
    Well,
    /// With a failure, and the start of what it wrote to stderr: to be recognised, never to be shown.
    Badly(Vec<u8>),
    /// Killed at the deadline.
    TimedOut,
}

/// Runs the program with `arguments` and hands each line of its output, without the line feed, to
/// `line`. Lines that are too long arrive cut.
pub(super) fn run(
    confinement: &Confinement<'_>,
    arguments: &[&OsStr],
    line: impl FnMut(&[u8]),
) -> Result<Ended, Error> {
    let failed = |cause| Error::Host {
        doing: "run git".to_owned(),
        cause,
        remedy: "check that git and /bin/sh are installed and on the search path",
    };
    let mut child = spawn(confinement, arguments).map_err(failed)?;
    let (notes, timed_out) = attend(&mut child, confinement.deadline, line).map_err(failed)?;
    let status = child.wait().map_err(failed)?;
    match status.code() {
        Some(0) => Ok(Ended::Well),
        _ if timed_out => Ok(Ended::TimedOut),
        Some(NO_LIMIT) => Err(failed(io::Error::other("its limits could not be set"))),
        Some(126 | 127) => Err(failed(io::Error::new(io::ErrorKind::NotFound, "the program could not be started"))),
        _ => Ok(Ended::Badly(notes)),
    }
}

fn spawn(confinement: &Confinement<'_>, arguments: &[&OsStr]) -> io::Result<Child> {
    use std::os::unix::process::CommandExt as _;
    // POSIX counts the size of a file in blocks of 512 bytes.
    let limits = [confinement.cpu.as_secs().max(1), confinement.file.div_ceil(512), ADDRESS_SPACE];
    Command::new("/bin/sh")
        .args(["-c", LIMITED, "sh"])
        .args(limits.map(|limit| limit.to_string()))
        .arg(confinement.program)
        .args(arguments)
        .env_clear()
        .envs(confinement.environment.iter().map(|(name, value)| (name, value)))
        .current_dir(confinement.directory)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0)
        .spawn()
}

/// Reads both pipes to their end and kills the group at the deadline. Returns the start of stderr and
/// whether the deadline struck.
fn attend(child: &mut Child, deadline: Instant, line: impl FnMut(&[u8])) -> io::Result<(Vec<u8>, bool)> {
    let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
    let (stdout, stderr) = stdout.zip(stderr).expect("both are piped");
    let group = Pid::from_child(child);
    let (ended, alarm) = mpsc::channel::<()>();
    thread::scope(|scope| {
        let notes = scope.spawn(|| start_of(stderr));
        let watch = scope.spawn(move || {
            let struck = alarm.recv_timeout(deadline.saturating_duration_since(Instant::now()))
                == Err(RecvTimeoutError::Timeout);
            // The group exists as long as its leader is not reaped, so no other group can be hit.
            struck && kill_process_group(group, Signal::KILL).is_ok()
        });
        let lines = each_line(stdout, line);
        let exited = waitid(WaitId::Pid(group), WaitIdOptions::EXITED | WaitIdOptions::NOWAIT);
        drop(ended);
        let timed_out = watch.join().expect("the watch does not panic");
        // Helpers that outlived their leader end here; there may be none.
        let _ = kill_process_group(group, Signal::KILL);
        let notes = notes.join().expect("reading a pipe does not panic");
        exited?;
        lines?;
        Ok((notes, timed_out))
    })
}

fn each_line(output: impl Read, mut line: impl FnMut(&[u8])) -> io::Result<()> {
    let mut output = BufReader::new(output);
    let mut buffer = Vec::new();
    loop {
        buffer.clear();
        if (&mut output).take(LINE).read_until(b'\n', &mut buffer)? == 0 {
            return Ok(());
        }
        if buffer.last() != Some(&b'\n') {
            output.skip_until(b'\n')?;
        }
        line(buffer.strip_suffix(b"\n").unwrap_or(&buffer));
    }
}

/// The first bytes of `pipe`, which is read to its end so that the writer never blocks.
fn start_of(mut pipe: impl Read) -> Vec<u8> {
    let mut start = Vec::new();
    // A pipe that breaks is a pipe that has ended.
    let _ = (&mut pipe).take(NOTES).read_to_end(&mut start);
    let _ = io::copy(&mut pipe, &mut io::sink());
    start
}
