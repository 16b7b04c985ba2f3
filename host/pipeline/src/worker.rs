//! The scan worker: a process of its own in which guests run. It is given the sealed workspace and the
//! compiled plugins, keeps nothing else, and is killed when it does not answer in time. Keys, output,
//! network and the rest of the file system stay with the host.

mod child;
mod wire;

use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt as _;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::{Duration, Instant};

use certus_checkout::SealedWorkspace;
use certus_engine::{Progress, Root, Times, failed_run};
use certus_model::PluginRun;
use certus_model::limits::Limits;
use certus_model::outcome::CallReason;
use certus_model::plugin::SettingValue;
use certus_sandbox::{Admitted, Confinement};

pub use self::child::{WORKER_ARGUMENT, worker_child};
use self::wire::{Answered, Order, Report, Task};
use crate::error::Error;

/// What a worker may take beyond the longest run that it is asked for: loading, and telling.
const GRACE: Duration = Duration::from_secs(5);
/// How often the host looks whether it was asked to stop.
const LOOK: Duration = Duration::from_millis(50);

/// How workers are started.
#[derive(Debug, Clone)]
pub struct Worker {
    /// The program: `certus` itself, which answers to [`WORKER_ARGUMENT`].
    pub program: PathBuf,
    /// How much a worker says on stderr, as the command's `-v` counts.
    pub verbose: u8,
    /// Whether it says it as JSON, every line with what there is to know of the scan.
    pub json: bool,
}

/// An admitted plugin with what it runs with.
pub(crate) struct Assigned {
    pub(crate) admitted: Admitted,
    pub(crate) settings: BTreeMap<String, SettingValue>,
    pub(crate) limits: Limits,
    pub(crate) root: Option<Arc<Root>>,
}

/// What there is to do.
pub(crate) struct Work<'a> {
    pub(crate) workspace: &'a SealedWorkspace,
    pub(crate) assigned: &'a [Assigned],
    pub(crate) jobs: NonZeroUsize,
    pub(crate) progress: &'a (dyn Fn(Progress) + Sync),
    pub(crate) cancelled: &'a AtomicBool,
    /// What each line of the log says of the scan.
    pub(crate) log_fields: &'a BTreeMap<&'static str, String>,
}

/// What came of it.
pub(crate) struct Done {
    pub(crate) runs: Vec<PluginRun>,
    pub(crate) times: Times,
    /// What the kernel held every worker to; none if no worker came to an end.
    pub(crate) confinement: Option<Confinement>,
}

impl Worker {
    /// Runs every assigned plugin over the workspace; one run each, in their order. When a worker dies,
    /// whichever plugin killed it is found by giving each a worker of its own: the others' answers do
    /// not depend on it.
    pub(crate) fn run(&self, work: &Work<'_>) -> Result<Done, Error> {
        let all: Vec<_> = work.assigned.iter().collect();
        let mut sum = Done { runs: Vec::new(), times: Times::default(), confinement: None };
        if all.is_empty() {
            // None of the tools that were asked for has a plugin here: there is nothing to confine.
            return Ok(sum);
        }
        match self.attempt(work, &all)? {
            Ended::Answered(done) => Ok(done),
            Ended::Died(reason) if all.len() < 2 => Ok(dead(work, &all, reason)),
            Ended::Died(_) => {
                for one in all {
                    let done = match self.attempt(work, &[one])? {
                        Ended::Answered(done) => done,
                        Ended::Died(reason) => dead(work, &[one], reason),
                    };
                    sum.runs.extend(done.runs);
                    sum.times.read_nanos += done.times.read_nanos;
                    sum.times.prefilter_nanos += done.times.prefilter_nanos;
                    sum.confinement = sum.confinement.or(done.confinement);
                }
                Ok(sum)
            }
        }
    }

    fn attempt(&self, work: &Work<'_>, assigned: &[&Assigned]) -> Result<Ended, Error> {
        let (ours, theirs) = UnixStream::pair().map_err(Error::Worker)?;
        let mut child = Running(self.start(theirs, work.log_fields).map_err(Error::Worker)?);
        let longest = assigned.iter().map(|a| a.limits.run_deadline).max().unwrap_or_default();
        let deadline = Instant::now() + longest + GRACE;
        let reader = ours.try_clone().map_err(Error::Worker)?;
        let answer = std::thread::scope(|scope| {
            let (sender, receiver) = mpsc::channel();
            let progress = work.progress;
            // Nobody listens any more once the host has stopped waiting.
            scope.spawn(move || drop(sender.send(listen(reader, progress))));
            // A worker that dies early breaks this pipe; that it is gone shows below.
            scope.spawn(move || drop(order(&ours, work, assigned)));
            loop {
                match receiver.recv_timeout(LOOK) {
                    Ok(report) => break Ok(Heard::Last(report)),
                    Err(RecvTimeoutError::Disconnected) => break Ok(Heard::Last(None)),
                    Err(RecvTimeoutError::Timeout) => {}
                }
                if work.cancelled.load(Ordering::Relaxed) {
                    child.kill();
                    break Err(Error::Cancelled);
                }
                if Instant::now() > deadline {
                    child.kill();
                    tracing::error!(seconds = longest.as_secs(), "a worker did not answer in time and was killed");
                    break Ok(Heard::Nothing);
                }
            }
        })?;
        match answer {
            Heard::Last(Some(Report::Done(answered))) if answered.runs.len() == assigned.len() => {
                Ok(Ended::Answered(finish(assigned, *answered)))
            }
            Heard::Last(Some(Report::Failed(sentence))) => Err(Error::WorkerFailed(sentence)),
            Heard::Nothing => Ok(Ended::Died(CallReason::Deadline)),
            Heard::Last(_) => {
                let status = child.0.wait().map_err(Error::Worker)?;
                tracing::error!(%status, "a worker died");
                Ok(Ended::Died(CallReason::Internal))
            }
        }
    }

    fn start(&self, socket: UnixStream, fields: &BTreeMap<&'static str, String>) -> std::io::Result<Child> {
        let fields = if self.json { serde_json::to_string(fields)? } else { String::new() };
        Command::new(&self.program)
            .args([WORKER_ARGUMENT, &self.verbose.to_string(), &fields])
            .env_clear()
            .current_dir("/")
            .stdin(Stdio::from(std::os::fd::OwnedFd::from(socket)))
            .stdout(Stdio::null())
            // A terminal's interrupt goes to the host, which then stops its workers.
            .process_group(0)
            .spawn()
    }
}

/// What the host heard of a worker.
enum Heard {
    /// Its last word, if it had one.
    Last(Option<Report>),
    /// Nothing in time; it was killed.
    Nothing,
}

/// How an attempt ended.
enum Ended {
    Answered(Done),
    /// Without an answer; the reason is what is known of why.
    Died(CallReason),
}

/// A worker that does not outlive its supervision.
struct Running(Child);

impl Running {
    fn kill(&mut self) {
        // Already gone is as good as killed.
        let _ = self.0.kill();
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.kill();
        let _ = self.0.wait();
    }
}

/// Tells the worker everything.
fn order(stream: &UnixStream, work: &Work<'_>, assigned: &[&Assigned]) -> std::io::Result<()> {
    let (table, files) = work.workspace.hand_over();
    wire::send_files(stream, &files)?;
    let tasks = assigned.iter().map(|one| Task {
        passport: &one.admitted.passport,
        settings: &one.settings,
        limits: &one.limits,
        root: one.root.as_ref().map(|root| (&root.path, &root.skipped)),
    });
    wire::send(stream, &Order { table, jobs: work.jobs, tasks: tasks.collect() })?;
    assigned.iter().try_for_each(|one| wire::send_bytes(stream, one.admitted.code()))
}

/// Hears the worker to its end; none when it ends without an answer.
fn listen(stream: UnixStream, progress: &(dyn Fn(Progress) + Sync)) -> Option<Report> {
    loop {
        match wire::receive(&stream).ok()? {
            Report::Progress { files, bytes } => progress(Progress { files, bytes }),
            report => return Some(report),
        }
    }
}

fn finish(assigned: &[&Assigned], answered: Answered) -> Done {
    let runs = assigned.iter().zip(answered.runs).map(|(one, run)| PluginRun {
        manifest: Arc::new(one.admitted.passport.manifest.clone()),
        digest: one.admitted.passport.digest,
        settings: one.settings.clone(),
        status: run.status,
        findings: run.findings,
        dependencies: run.dependencies,
        files: run.files,
        refused: run.refused,
        problems: run.problems,
        uses: run.uses,
        cost: run.cost,
    });
    Done { runs: runs.collect(), times: answered.times, confinement: Some(answered.confinement) }
}

fn dead(work: &Work<'_>, assigned: &[&Assigned], reason: CallReason) -> Done {
    let runs = assigned.iter().map(|one| failed_run(&one.admitted.passport, &one.settings, work.workspace, reason));
    Done { runs: runs.collect(), times: Times::default(), confinement: None }
}
