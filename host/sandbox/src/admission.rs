//! Admission: whether a component may run, and its runnable form. What a stranger's bytes are given
//! to, the parser and the compiler, runs in a child process with limits of its own.

mod child;

use std::io::ErrorKind;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use certus_model::Sha256;
use certus_model::limits::AdmissionLimits;
use certus_model::outcome::AdmissionReason as Reason;
use certus_model::plugin::Capability;

pub use self::child::{ADMISSION_ARGUMENT, admission_child};
use self::child::{Ended, Task};
use crate::cache::Cache;
use crate::engine::new_engine;
use crate::error::{AdmitError, Error, Refusal};
use crate::inspect::{Passport, check_size};

/// What admission is made with.
#[derive(Debug, Clone)]
pub struct AdmissionConfig {
    /// The program that parses and compiles: `certus` itself, which answers to [`ADMISSION_ARGUMENT`].
    pub program: PathBuf,
    /// Folder of what was admitted before; none does the work every time.
    pub cache: Option<PathBuf>,
    /// Limits of the file and of the child.
    pub limits: AdmissionLimits,
    /// Guest stack in bytes.
    pub stack: usize,
}

/// Says what components are, and admits them.
#[derive(Debug)]
pub struct Admission {
    program: PathBuf,
    cache: Option<Cache>,
    limits: AdmissionLimits,
    stack: usize,
    /// Which build of the program read a passport: another one may read it differently.
    build: String,
}

/// A component that was admitted, compiled; [`crate::Sandbox::load`] makes it runnable.
#[derive(Debug, Clone)]
pub struct Admitted {
    /// What is known of it from its bytes.
    pub passport: Passport,
    pub(crate) code: Vec<u8>,
}

impl Admission {
    /// Sets up the cache.
    ///
    /// # Errors
    /// When wasmtime refuses its configuration, or the cache folder is not safe to use.
    pub fn new(config: AdmissionConfig) -> Result<Self, Error> {
        let AdmissionConfig { program, cache, limits, stack } = config;
        let cache = cache.map(|folder| Cache::open(&folder, &new_engine(stack)?)).transpose()?;
        Ok(Self { build: build_of(&program), program, cache, limits, stack })
    }

    /// The limits of the file and of the child.
    pub fn limits(&self) -> &AdmissionLimits {
        &self.limits
    }

    /// Reads what `bytes` are: form, size, manifest, imports and exports. Nothing is run.
    ///
    /// # Errors
    /// A [`Refusal`] with its reason, or the host's own failure.
    pub fn inspect(&self, bytes: &[u8]) -> Result<Passport, AdmitError> {
        check_size(bytes, &self.limits)?;
        let digest = Sha256::of(bytes);
        match self.kept_passport(digest) {
            Some(passport) => Ok(passport),
            None => {
                let answer = self.child(Task::Inspect, bytes)?;
                Ok(self.keep_passport(digest, bytes, &answer)?)
            }
        }
    }

    /// Checks `bytes` and compiles them: the manifest is read, imports are compared with what it
    /// declares and with what is `granted`, exports with what it names. The bytes that were checked
    /// are the bytes that are compiled: they are read by the caller, once.
    ///
    /// # Errors
    /// A [`Refusal`] with its reason, or the host's own failure.
    pub fn admit(&self, bytes: &[u8], granted: &[Capability]) -> Result<Admitted, AdmitError> {
        check_size(bytes, &self.limits)?;
        let digest = Sha256::of(bytes);
        let name = format!("{digest}-code");
        let known = self.kept_passport(digest);
        if let Some(passport) = &known {
            passport.permit(granted)?;
        }
        if let (Some(passport), Some(code)) = (known, self.kept(&name)) {
            return Ok(Admitted { passport, code });
        }
        let answer = self.child(Task::Compile, bytes)?;
        let (passport, code) = child::split(&answer).ok_or_else(|| self.failed(ErrorKind::InvalidData.into()))?;
        let passport = self.keep_passport(digest, bytes, passport)?;
        passport.permit(granted)?;
        self.keep(&name, code);
        Ok(Admitted { passport, code: code.to_vec() })
    }

    fn kept_passport(&self, digest: Sha256) -> Option<Passport> {
        serde_json::from_slice(&self.kept(&self.passport_name(digest))?).ok()
    }

    fn keep_passport(&self, digest: Sha256, bytes: &[u8], answer: &[u8]) -> Result<Passport, Error> {
        let mut passport: Passport = serde_json::from_slice(answer).map_err(|error| self.failed(error.into()))?;
        // What names the bytes is never another's word.
        passport.digest = digest;
        passport.size = bytes.len() as u64;
        let kept = serde_json::to_vec(&passport).map_err(|error| self.failed(error.into()))?;
        self.keep(&self.passport_name(digest), &kept);
        Ok(passport)
    }

    fn passport_name(&self, digest: Sha256) -> String {
        format!("{digest}-passport-{}", self.build)
    }

    fn kept(&self, name: &str) -> Option<Vec<u8>> {
        self.cache.as_ref()?.load(name)
    }

    fn keep(&self, name: &str, bytes: &[u8]) {
        if let Some(cache) = &self.cache {
            cache.store(name, bytes);
        }
    }

    fn child(&self, task: Task, bytes: &[u8]) -> Result<Vec<u8>, AdmitError> {
        let limits = &self.limits;
        match child::run(&self.program, task, limits, self.stack, bytes).map_err(|error| self.failed(error))? {
            Ended::Answered(answer) => Ok(answer),
            Ended::Refused(refusal) => Err(refusal.into()),
            Ended::OverBudget(how) => {
                let message = format!(
                    "{} it {how} (limits: {} MiB, {} s of CPU, {} s); make the component smaller or simpler",
                    task.doing(),
                    limits.child_memory >> 20,
                    limits.child_cpu.as_secs(),
                    limits.child_wall.as_secs()
                );
                Err(Refusal::new(Reason::CompileBudget, message).into())
            }
        }
    }

    fn failed(&self, source: std::io::Error) -> Error {
        Error::Child { program: self.program.display().to_string(), source }
    }
}

impl Admitted {
    /// The compiled form, for the process that runs it.
    pub fn code(&self) -> &[u8] {
        &self.code
    }

    /// Puts together what [`Admission::admit`] made in another process of this host.
    ///
    /// `code` is loaded as machine code: it must have come from there, over a channel that nobody else
    /// writes to.
    pub fn from_host(passport: Passport, code: Vec<u8>) -> Self {
        Self { passport, code }
    }
}

/// Tells builds of the program apart without reading all of it, as build tools do.
fn build_of(program: &Path) -> String {
    match std::fs::metadata(program) {
        Ok(meta) => format!("{:x}-{:x}-{:x}", meta.size(), meta.mtime(), meta.mtime_nsec()),
        // It cannot be started either, which says so then.
        Err(_) => "none".to_owned(),
    }
}
