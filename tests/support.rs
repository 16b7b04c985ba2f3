//! What tests share: guests made of WAT, a sandbox, a home of its own for each run of the command.

pub(crate) mod answer;
pub(crate) mod guest;
pub(crate) mod home;
pub(crate) mod host;
pub(crate) mod kms;
pub(crate) mod postgres;
pub(crate) mod process;
pub(crate) mod s3;
pub(crate) mod seaweed;
pub(crate) mod service;
#[path = "../host/outbound/src/testing.rs"]
pub(crate) mod tls;
pub(crate) mod token;
pub(crate) mod usage;
pub(crate) mod wasi;
pub(crate) mod wire;

use std::path::Path;
use std::sync::Arc;

use certus_engine::{Assignment, Scan};
use certus_model::PluginRun;
use certus_model::finding::UnverifiedFinding;
use certus_model::limits::{AdmissionLimits, Limits};
use certus_model::outcome::CallReason;
use certus_model::plugin::Capability;
use certus_model::workspace::{MemoryWorkspace, Workspace};
use certus_sandbox::{Admission, AdmissionConfig, AdmitError, CallError, FileInput, Instance, Plugin, Sandbox};

/// Admission and a sandbox in this process.
pub(crate) struct Bench {
    pub(crate) admission: Admission,
    pub(crate) sandbox: Sandbox,
}

impl Bench {
    /// Admits and loads.
    pub(crate) fn admit(&self, component: &[u8], granted: &[Capability]) -> Result<Plugin, AdmitError> {
        self.sandbox.load(&self.admission.admit(component, granted)?)
    }
}

/// Admission without a cache, whose child is the real command.
pub(crate) fn sandbox() -> Bench {
    sandbox_with(None)
}

/// The same with a cache folder.
pub(crate) fn sandbox_with(cache: Option<&Path>) -> Bench {
    admission(cache, AdmissionLimits::default()).expect("the sandbox starts")
}

/// The same with limits.
pub(crate) fn admission(cache: Option<&Path>, limits: AdmissionLimits) -> Result<Bench, certus_sandbox::Error> {
    let stack = Limits::default().stack;
    let admission = Admission::new(AdmissionConfig {
        program: env!("CARGO_BIN_EXE_certus").into(),
        cache: cache.map(Into::into),
        limits,
        stack,
    })?;
    Ok(Bench { admission, sandbox: Sandbox::new(stack)? })
}

/// Admits with everything granted.
pub(crate) fn admit(component: &[u8]) -> Result<Plugin, AdmitError> {
    sandbox().admit(component, &Capability::ALL)
}

/// Runs one guest over files of a workspace in memory.
pub(crate) fn run(component: &[u8], limits: &Limits, files: &[(&str, &[u8])]) -> PluginRun {
    run_jobs(component, limits, files, 1)
}

/// The same with a number of workers.
pub(crate) fn run_jobs(component: &[u8], limits: &Limits, files: &[(&str, &[u8])], jobs: usize) -> PluginRun {
    run_plugin(admit(component).expect("the guest is admitted"), limits, files, jobs)
}

/// The same with a plugin that was admitted before.
pub(crate) fn run_plugin(plugin: Plugin, limits: &Limits, files: &[(&str, &[u8])], jobs: usize) -> PluginRun {
    let files = files.iter().map(|(path, content)| (path.parse().expect("a path"), content.to_vec()));
    let workspace: Arc<dyn Workspace> = Arc::new(MemoryWorkspace::new(files));
    let settings = plugin.passport().manifest.default_settings();
    let assignment = Assignment { plugin, settings, limits: limits.clone(), root: None };
    let (mut runs, _) = certus_engine::run(&Scan {
        workspace,
        assignments: &[assignment],
        jobs: jobs.try_into().expect("at least one worker"),
        progress: &|_| {},
        cancelled: &std::sync::atomic::AtomicBool::new(false),
    })
    .expect("the host does its part");
    runs.remove(0)
}

/// Runs a future to its end, as a worker of the engine does.
pub(crate) fn block_on<T>(future: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build();
    runtime.expect("a runtime").block_on(future)
}

/// Gives one file, `a.txt`, to an instance, within the deadline of its limits.
pub(crate) async fn scan_file(instance: &mut Instance, content: &[u8]) -> Result<Vec<UnverifiedFinding>, CallReason> {
    let file = FileInput { path: "a.txt", content, hits: &[], hits_complete: true };
    instance.scan_file(file, std::time::Duration::MAX).await.map_err(struck)
}

/// Lets a call run until it yields for the first time, then drops it; whether it had not ended by then.
pub(crate) async fn dropped_half_way(call: impl Future) -> bool {
    let mut call = std::pin::pin!(call);
    std::future::poll_fn(|context| std::task::Poll::Ready(call.as_mut().poll(context).is_pending())).await
}

/// The reason for which a call was stopped.
pub(crate) fn struck(error: CallError) -> CallReason {
    match error {
        CallError::Struck { reason, .. } => reason,
        CallError::Guest(problem) => problem.reason.into(),
        CallError::Host(error) => panic!("the host failed: {error}"),
    }
}
