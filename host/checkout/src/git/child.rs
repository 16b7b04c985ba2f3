//! The git child: one process group with an empty environment, limits and a deadline.
//!
//! This is the only place of the crate that starts a process. Limits are set by the shell's `ulimit`
//! before it starts git: wherever git runs there is `/bin/sh`, which git itself needs, and setting
//! them between fork and exec from Rust would take unsafe code. A second shell waits for the end of a
//! pipe whose other end this process holds, and kills the group: git never outlives its host.

use std::ffi::{OsStr, OsString};
use std::io::{self, BufRead as _, BufReader, Read};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process_group, waitid};

use crate::error::Error;

/// Bytes of stderr that are looked at; the rest is read and dropped.
const NOTES: u64 = 16 << 10;

/// Longest line of output that is understood: a ref name has at most 255 bytes here, in git 4,096.
const LINE: u64 = 8 << 10;

/// Exit status of the shell when a limit could not be set; 126 and 127 are its own for a program that
/// cannot be started. git itself ends with 0, 1, 128 or 129.
const NO_LIMIT: i32 = 125;

/// How often a waiting host looks whether it is to stop.
const PERIOD: Duration = Duration::from_millis(50);

/// Sets four limits and runs the program. A limit that is lower already may stay. The shell stays as the
/// program's parent, so that the one that waits at the pipe is reaped and not left to somebody else.
const LIMITED: &str = r#"
limit() { ulimit "$1" "$2" 2>/dev/null || [ "$(ulimit -H "$1")" -le "$2" ] 2>/dev/null || exit 125; }
limit -c 0; limit -n 256; limit -t "$1"; limit -f "$2"; limit -v "$3"
shift 3
exec 3<&0
(read -r _; kill -KILL 0) <&3 >/dev/null 2>&1 &
guard=$!
"$@" </dev/null 3<&-
code=$?
kill -KILL "$guard"
wait "$guard" 2>/dev/null
exit "$code"
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
    /// Address space of each process, in bytes.
    pub(super) memory: u64,
    /// When the whole group is killed.
    pub(super) deadline: Instant,
    /// Set when the whole group is to be killed at once.
    pub(super) cancelled: &'a AtomicBool,
}

/// How a child ended.
pub(super) enum Ended {
    /// With success.
    Well,
    /// With a failure, and the start of what it wrote to stderr: to be recognised, never to be shown.
    Badly(Vec<u8>),
    /// Killed at the deadline.
    TimedOut,
    /// Killed because it is no longer wanted.
    Cancelled,
}

/// Why a child was killed.
#[derive(Clone, Copy)]
enum Stopped {
    Deadline,
    Cancelled,
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
    let (notes, stopped) = attend(&mut child, confinement, line).map_err(failed)?;
    let status = child.wait().map_err(failed)?;
    match (status.code(), stopped) {
        (Some(0), _) => Ok(Ended::Well),
        (_, Some(Stopped::Deadline)) => Ok(Ended::TimedOut),
        (_, Some(Stopped::Cancelled)) => Ok(Ended::Cancelled),
        (Some(NO_LIMIT), _) => Err(failed(io::Error::other("its limits could not be set"))),
        (Some(126 | 127), _) => {
            Err(failed(io::Error::new(io::ErrorKind::NotFound, "the program could not be started")))
        }
        _ => Ok(Ended::Badly(notes)),
    }
}

fn spawn(confinement: &Confinement<'_>, arguments: &[&OsStr]) -> io::Result<Child> {
    use std::os::unix::process::CommandExt as _;
    // POSIX counts the size of a file in blocks of 512 bytes.
    let limits = [confinement.cpu.as_secs().max(1), confinement.file.div_ceil(512), confinement.memory >> 10];
    Command::new("/bin/sh")
        .args(["-c", LIMITED, "sh"])
        .args(limits.map(|limit| limit.to_string()))
        .arg(confinement.program)
        .args(arguments)
        .env_clear()
        .envs(confinement.environment.iter().map(|(name, value)| (name, value)))
        .current_dir(confinement.directory)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0)
        .spawn()
}

/// Reads both pipes to their end and kills the group when it has to stop. Returns the start of stderr and
/// why it was stopped.
fn attend(
    child: &mut Child,
    confinement: &Confinement<'_>,
    line: impl FnMut(&[u8]),
) -> io::Result<(Vec<u8>, Option<Stopped>)> {
    let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
    let (stdout, stderr) = stdout.zip(stderr).expect("both are piped");
    let group = Pid::from_child(child);
    let (ended, alarm) = mpsc::channel::<()>();
    thread::scope(|scope| {
        let notes = scope.spawn(|| start_of(stderr));
        let watch = scope.spawn(move || {
            let stopped = wait(&alarm, confinement)?;
            // The group exists as long as its leader is not reaped, so no other group can be hit.
            kill_process_group(group, Signal::KILL).ok().map(|()| stopped)
        });
        let lines = each_line(stdout, line);
        let exited = waitid(WaitId::Pid(group), WaitIdOptions::EXITED | WaitIdOptions::NOWAIT);
        drop(ended);
        let stopped = watch.join().expect("the watch does not panic");
        // Helpers that outlived their leader end here; there may be none.
        let _ = kill_process_group(group, Signal::KILL);
        let notes = notes.join().expect("reading a pipe does not panic");
        exited?;
        lines?;
        Ok((notes, stopped))
    })
}

/// Waits until the child has ended, which drops the other end of `ended`, or has to be stopped.
fn wait(ended: &Receiver<()>, confinement: &Confinement<'_>) -> Option<Stopped> {
    loop {
        let left = confinement.deadline.saturating_duration_since(Instant::now());
        if ended.recv_timeout(left.min(PERIOD)) != Err(RecvTimeoutError::Timeout) {
            return None;
        } else if confinement.cancelled.load(Ordering::Relaxed) {
            return Some(Stopped::Cancelled);
        } else if Instant::now() >= confinement.deadline {
            return Some(Stopped::Deadline);
        }
    }
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
