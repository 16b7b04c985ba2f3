//! Compiling happens in a child process with limits of its own: compilers are large, and what they
//! are given here comes from strangers.

use std::io::{Read as _, Write as _};
use std::path::PathBuf;
use std::process::{Command, ExitCode, Stdio};
use std::sync::mpsc;

use certus_model::Sha256;
use certus_model::limits::AdmissionLimits;
use certus_model::outcome::AdmissionReason as Reason;
use rustix::process::{Resource, Rlimit, setrlimit};
use wasmtime::Engine;
use wasmtime::component::Component;

use crate::cache::Cache;
use crate::engine::new_engine;
use crate::error::{AdmitError, Error, Refusal};

/// The first argument with which `certus` is its own compile child.
pub const COMPILE_ARGUMENT: &str = "compile-component";

/// Exit code of a child that found the component invalid; what it prints then is the reason.
const INVALID: u8 = 2;

pub(crate) struct Compiler {
    pub(crate) program: PathBuf,
    pub(crate) cache: Option<Cache>,
    pub(crate) limits: AdmissionLimits,
    pub(crate) stack: usize,
}

impl Compiler {
    /// The runnable form of the component whose bytes have that digest.
    pub(crate) fn component(&self, engine: &Engine, digest: &Sha256, bytes: &[u8]) -> Result<Component, AdmitError> {
        if let Some(code) = self.cache.as_ref().and_then(|cache| cache.load(digest))
            && let Ok(component) = load(engine, &code)
        {
            return Ok(component);
        }
        let code = self.compile(bytes)?;
        if let Some(cache) = &self.cache {
            cache.store(digest, &code);
        }
        Ok(load(engine, &code)?)
    }

    fn compile(&self, bytes: &[u8]) -> Result<Vec<u8>, AdmitError> {
        let limits = &self.limits;
        let failed = |source| Error::Child { program: self.program.display().to_string(), source };
        let mut child = Command::new(&self.program)
            .arg(COMPILE_ARGUMENT)
            .args([limits.child_memory, limits.child_cpu.as_secs(), self.stack as u64].map(|n| n.to_string()))
            .env_clear()
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .map_err(failed)?;
        let (stdin, stdout) = (child.stdin.take(), child.stdout.take());
        let answer = std::thread::scope(|scope| {
            // A child that dies early breaks this pipe; its exit status says why.
            scope.spawn(move || stdin.map(|mut pipe| pipe.write_all(bytes)));
            let (sender, receiver) = mpsc::channel();
            scope.spawn(move || {
                let mut answer = Vec::new();
                let read = stdout.map(|mut pipe| pipe.read_to_end(&mut answer));
                let _ = sender.send(read.transpose().map(|_| answer));
            });
            let answer = receiver.recv_timeout(limits.child_wall);
            if answer.is_err() {
                // Already gone is as good as killed.
                let _ = child.kill();
            }
            answer
        });
        let status = child.wait().map_err(failed)?;
        let over = |what: &str| {
            let message = format!(
                "compiling it {what} (limits: {} MiB, {} s of CPU, {} s)",
                limits.child_memory >> 20,
                limits.child_cpu.as_secs(),
                limits.child_wall.as_secs()
            );
            Err(Refusal::new(Reason::CompileBudget, message).into())
        };
        let Ok(answer) = answer else { return over("took too long") };
        let answer = answer.map_err(failed)?;
        match status.code() {
            Some(0) => Ok(answer),
            Some(code) if code == i32::from(INVALID) => {
                let reason = certus_model::escape::one_line(&String::from_utf8_lossy(&answer), 500);
                Err(Refusal::new(Reason::NotAComponent, format!("the component is not valid here: {reason}")).into())
            }
            Some(code) => Err(failed(std::io::Error::other(format!("it ended with code {code}"))).into()),
            None => over("exceeded its budget"),
        }
    }
}

/// The compile child's whole life: limits itself, reads a component from standard input, writes its
/// compiled form to standard output. `arguments` are those after [`COMPILE_ARGUMENT`].
pub fn compile_child(arguments: &[String]) -> ExitCode {
    let numbers: Vec<u64> = arguments.iter().filter_map(|a| a.parse().ok()).collect();
    let [memory, cpu, stack] = numbers[..] else { return ExitCode::FAILURE };
    let set = |resource, most| setrlimit(resource, Rlimit { current: Some(most), maximum: Some(most) });
    let limited = set(Resource::As, memory).is_ok()
        && set(Resource::Cpu, cpu).is_ok()
        && set(Resource::Core, 0).is_ok()
        && set(Resource::Fsize, 0).is_ok();
    let mut bytes = Vec::new();
    if !limited || std::io::stdin().read_to_end(&mut bytes).is_err() {
        return ExitCode::FAILURE;
    }
    let Ok(engine) = new_engine(usize::try_from(stack).unwrap_or(usize::MAX)) else { return ExitCode::FAILURE };
    let (answer, code) = match engine.precompile_component(&bytes) {
        Ok(code) => (code, ExitCode::SUCCESS),
        Err(error) => (format!("{error:#}").into_bytes(), ExitCode::from(INVALID)),
    };
    match std::io::stdout().write_all(&answer) {
        Ok(()) => code,
        Err(_) => ExitCode::FAILURE,
    }
}

/// Maps compiled code into this process.
fn load(engine: &Engine, code: &[u8]) -> Result<Component, Error> {
    #[expect(
        unsafe_code,
        reason = "compiled code is trusted by its origin: our own child's pipe, or a cache entry that our key vouches for"
    )]
    // SAFETY: `code` was made by `precompile_component` of this very program, either just now or
    // earlier by an entry whose MAC verified under a key that only this user can read.
    let component = unsafe { Component::deserialize(engine, code) };
    component.map_err(|error| Error::Load(format!("{error:#}")))
}
