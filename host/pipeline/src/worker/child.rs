//! The worker's side: takes what it is given, gives up everything else, runs the engine, answers.

use std::io;
use std::os::fd::AsFd as _;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::ExitCode;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use certus_checkout::SealedWorkspace;
use certus_engine::{Assignment, Progress, Root, Scan};
use certus_sandbox::{Admitted, Sandbox, confine};
use rustix::process::{Resource, Rlimit, Signal, set_parent_process_death_signal, setrlimit};

use super::wire::{self, Answered, ReceivedOrder, ReceivedTask, Report};

/// The first argument with which `certus` is its own scan worker.
pub const WORKER_ARGUMENT: &str = "scan-worker";

/// How often progress is told.
const TELL: Duration = Duration::from_millis(50);

/// The worker's whole life. Standard input is the socket to the host.
pub fn worker_child() -> ExitCode {
    let Ok(stream) = std::io::stdin().as_fd().try_clone_to_owned().map(UnixStream::from) else {
        return ExitCode::FAILURE;
    };
    let report = match work(&stream) {
        Ok(answered) => Report::Done(Box::new(answered)),
        Err(error) => Report::Failed(error),
    };
    match wire::send(&stream, &report) {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}

fn work(stream: &UnixStream) -> Result<Answered, String> {
    let core = Rlimit { current: Some(0), maximum: Some(0) };
    // A worker without its host has nobody to answer to, and what it works on belongs in no core file.
    set_parent_process_death_signal(Some(Signal::KILL))
        .and_then(|()| setrlimit(Resource::Core, core))
        .map_err(|errno| format!("a worker could not be limited: {errno}"))?;
    let (workspace, order, codes) =
        receive(stream).map_err(|error| format!("a worker was not told its work: {error}"))?;
    let ReceivedOrder { tasks, jobs, .. } = order;
    let roots: Vec<&Path> =
        tasks.iter().filter_map(|task| task.root.as_ref()).map(|(path, _)| path.as_path()).collect();
    // Before a thread is started and before anything of a plugin is touched.
    let confinement = confine(&roots);
    let stack = tasks.iter().map(|task| task.limits.stack).max().unwrap_or_default();
    let sandbox = Sandbox::new(stack).map_err(|error| error.to_string())?;
    let assignments =
        tasks.into_iter().zip(codes).map(|(task, code)| load(&sandbox, task, code)).collect::<Result<Vec<_>, _>>()?;
    let told = Mutex::new((Progress { files: 0, bytes: 0 }, Instant::now()));
    let progress = |done: Progress| {
        let mut told = told.lock().unwrap_or_else(PoisonError::into_inner);
        told.0.files += done.files;
        told.0.bytes += done.bytes;
        if told.1.elapsed() >= TELL {
            let Progress { files, bytes } = std::mem::replace(&mut told.0, Progress { files: 0, bytes: 0 });
            told.1 = Instant::now();
            // A host that is gone takes the worker with it.
            let _ = wire::send(stream, &Report::Progress { files, bytes });
        }
    };
    let (runs, times) = certus_engine::run(&Scan {
        workspace: Arc::new(workspace),
        assignments: &assignments,
        jobs,
        progress: &progress,
        // Whoever wants it to stop kills it.
        cancelled: &AtomicBool::new(false),
    })
    .map_err(|error| error.to_string())?;
    let (Progress { files, bytes }, _) = told.into_inner().unwrap_or_else(PoisonError::into_inner);
    if files > 0 {
        // As above.
        let _ = wire::send(stream, &Report::Progress { files, bytes });
    }
    Ok(Answered { runs: runs.into_iter().map(Into::into).collect(), times, confinement })
}

fn receive(stream: &UnixStream) -> io::Result<(SealedWorkspace, ReceivedOrder, Vec<Vec<u8>>)> {
    let files = wire::receive_files(stream)?;
    let mut order: ReceivedOrder = wire::receive(stream)?;
    let codes = order.tasks.iter().map(|_| wire::receive_bytes(stream)).collect::<io::Result<_>>()?;
    let table = std::mem::take(&mut order.table);
    let workspace = SealedWorkspace::take_over(table, files).ok_or(io::ErrorKind::InvalidData)?;
    Ok((workspace, order, codes))
}

fn load(sandbox: &Sandbox, task: ReceivedTask, code: Vec<u8>) -> Result<Assignment, String> {
    let id = task.passport.manifest.plugin.id.clone();
    let plugin = sandbox
        .load(&Admitted::from_host(task.passport, code))
        .map_err(|error| format!("plugin `{id}` could not be loaded: {error}"))?;
    // The files belong to the host, which removes them.
    let root = task.root.map(|(path, skipped)| Arc::new(Root::new(path, skipped, ())));
    Ok(Assignment { plugin, settings: task.settings, limits: task.limits, root })
}
