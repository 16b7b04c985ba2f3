//! The admission child: one component, one task, then gone. It limits and confines itself before it
//! reads a byte of the component.

use std::io::{Read as _, Write as _};
use std::path::Path;
use std::process::{Command, ExitCode, Stdio};
use std::str::FromStr;
use std::sync::{Arc, mpsc};

use certus_model::limits::AdmissionLimits;
use certus_model::outcome::AdmissionReason as Reason;
use rustix::process::{Resource, Rlimit, Signal, set_parent_process_death_signal, setrlimit};
use wasmtime::component::Component;

use crate::confine::confine;
use crate::engine::new_engine;
use crate::error::{AdmitError, Refusal};
use crate::inspect::inspect;
use crate::plugin::Plugin;

/// The first argument with which `certus` is its own admission child.
pub const ADMISSION_ARGUMENT: &str = "admit-component";

/// Exit code of a child that refuses; what it prints then is the refusal.
const REFUSED: u8 = 2;
/// Exit code of a Rust program that panicked.
const PANICKED: i32 = 101;

/// What a child is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Task {
    /// The passport, as JSON.
    Inspect,
    /// The passport and the compiled form, for [`split`].
    Compile,
}

impl Task {
    fn as_str(self) -> &'static str {
        match self {
            Self::Inspect => "inspect",
            Self::Compile => "compile",
        }
    }

    /// For a sentence.
    pub(super) fn doing(self) -> &'static str {
        match self {
            Self::Inspect => "reading",
            Self::Compile => "compiling",
        }
    }
}

impl FromStr for Task {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        [Self::Inspect, Self::Compile].into_iter().find(|task| task.as_str() == text).ok_or(())
    }
}

/// How a child ended.
pub(super) enum Ended {
    Answered(Vec<u8>),
    Refused(Refusal),
    /// A limit struck; which one is for a sentence.
    OverBudget(&'static str),
}

/// Runs a child over `bytes`.
pub(super) fn run(
    program: &Path,
    task: Task,
    limits: &AdmissionLimits,
    stack: usize,
    bytes: &[u8],
) -> std::io::Result<Ended> {
    let mut child = Command::new(program)
        .args([ADMISSION_ARGUMENT, task.as_str()])
        .args([limits.component, limits.child_memory, limits.child_cpu.as_secs(), stack as u64].map(|n| n.to_string()))
        .env_clear()
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()?;
    let (stdin, stdout) = (child.stdin.take(), child.stdout.take());
    let answer = std::thread::scope(|scope| {
        // A child that dies early breaks this pipe; its exit status says why.
        scope.spawn(move || stdin.map(|mut pipe| pipe.write_all(bytes)));
        let (sender, receiver) = mpsc::channel();
        scope.spawn(move || {
            let mut answer = Vec::new();
            let read = stdout.map(|pipe| pipe.take(limits.child_memory).read_to_end(&mut answer));
            // Nobody listens any more once the wall clock has struck.
            let _ = sender.send(read.transpose().map(|_| answer));
        });
        let answer = receiver.recv_timeout(limits.child_wall);
        if answer.is_err() {
            // Already gone is as good as killed.
            let _ = child.kill();
        }
        answer
    });
    let status = child.wait()?;
    let Ok(answer) = answer else { return Ok(Ended::OverBudget("took too long")) };
    let answer = answer?;
    match status.code() {
        Some(0) => Ok(Ended::Answered(answer)),
        Some(code) if code == i32::from(REFUSED) => Ok(Ended::Refused(serde_json::from_slice(&answer)?)),
        Some(PANICKED) => {
            let message =
                format!("{} it failed inside this host; report the component to its author and to us", task.doing());
            Ok(Ended::Refused(Refusal::new(Reason::NotAComponent, message)))
        }
        Some(code) => Err(std::io::Error::other(format!("it ended with code {code}"))),
        None => Ok(Ended::OverBudget("exceeded its budget")),
    }
}

/// The child's whole life: limits and confines itself, reads a component from standard input, writes
/// its answer to standard output. `arguments` are those after [`ADMISSION_ARGUMENT`].
pub fn admission_child(arguments: &[String]) -> ExitCode {
    let Some((task, numbers)) = arguments.split_first() else { return ExitCode::FAILURE };
    let numbers: Vec<u64> = numbers.iter().filter_map(|a| a.parse().ok()).collect();
    let Ok(task) = task.parse::<Task>() else { return ExitCode::FAILURE };
    let [component, memory, cpu, stack] = numbers[..] else { return ExitCode::FAILURE };
    let set = |resource, most| setrlimit(resource, Rlimit { current: Some(most), maximum: Some(most) });
    let limited = set(Resource::As, memory).is_ok()
        && set(Resource::Cpu, cpu).is_ok()
        && set(Resource::Core, 0).is_ok()
        && set(Resource::Fsize, 0).is_ok()
        && set_parent_process_death_signal(Some(Signal::KILL)).is_ok();
    // As far as this kernel goes; `certus doctor` tells how far that is.
    confine(&[]);
    let mut bytes = Vec::new();
    if !limited || std::io::stdin().read_to_end(&mut bytes).is_err() {
        return ExitCode::FAILURE;
    }
    let limits = AdmissionLimits { component, ..AdmissionLimits::default() };
    let answer = match task {
        Task::Inspect => inspect(&bytes, &limits).map(|passport| serde_json::to_vec(&passport)).map_err(Into::into),
        Task::Compile => compile(&bytes, &limits, usize::try_from(stack).unwrap_or(usize::MAX)),
    };
    let (answer, code) = match answer {
        Ok(answer) => (answer, ExitCode::SUCCESS),
        Err(AdmitError::Refused(refusal)) => (serde_json::to_vec(&refusal), ExitCode::from(REFUSED)),
        Err(AdmitError::Host(_)) => return ExitCode::FAILURE,
    };
    match answer.map_err(std::io::Error::from).and_then(|answer| std::io::stdout().write_all(&answer)) {
        Ok(()) => code,
        Err(_) => ExitCode::FAILURE,
    }
}

/// Compiles, and links as a worker will: an import or export of another form than the contract's is
/// refused here.
fn compile(bytes: &[u8], limits: &AdmissionLimits, stack: usize) -> Result<serde_json::Result<Vec<u8>>, AdmitError> {
    let invalid = |error: wasmtime::Error| {
        let text = certus_model::escape::one_line(&format!("{error:#}"), 500);
        Refusal::new(Reason::NotAComponent, format!("the component is not valid here: {text}"))
    };
    let passport = inspect(bytes, limits)?;
    let engine = new_engine(stack)?;
    let component = Component::new(&engine, bytes).map_err(invalid)?;
    Plugin::link(&engine, component.clone(), Arc::new(passport.clone()))?;
    let code = component.serialize().map_err(invalid)?;
    Ok(serde_json::to_vec(&passport).map(|passport| join(&passport, &code)))
}

/// A passport's length, the passport, the code.
fn join(passport: &[u8], code: &[u8]) -> Vec<u8> {
    [&(passport.len() as u64).to_le_bytes(), passport, code].concat()
}

/// The passport and the code of an answer to [`Task::Compile`].
pub(super) fn split(answer: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = answer.split_first_chunk()?;
    rest.split_at_checked(usize::try_from(u64::from_le_bytes(*length)).ok()?)
}
