//! What the sandbox costs: the engine over a tree, beside the same rule code compiled natively and
//! fed the same way, in one run. `cargo xtask bench [TREE…]` runs it.
//!
//! One worker, fresh instances, first pass. CPU time of this thread and its worker, not wall clock.

#![allow(clippy::print_stdout, clippy::unwrap_used, clippy::expect_used, reason = "a bench prints and may panic")]

use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use certus_checkout::{Git, Scratch, Source, SourcePolicy};
use certus_engine::{Assignment, Scan, deliveries};
use certus_model::limits::{AdmissionLimits, Limits, WorkspaceLimits};
use certus_model::plugin::Capability;
use certus_model::workspace::Workspace;
use certus_plugin_secrets::Secrets;
use certus_sandbox::{Admission, AdmissionConfig, Plugin, Sandbox};
use certus_sdk_core::{File, FileScanner as _, Hit, Settings};

/// Rounds of each measurement; the best counts, since noise only adds.
const ROUNDS: usize = 5;

fn main() {
    // `cargo bench` adds `--bench`.
    let trees: Vec<PathBuf> = std::env::args().skip(1).filter(|a| !a.starts_with("--")).map(PathBuf::from).collect();
    let program = PathBuf::from(env!("CARGO_BIN_EXE_certus"));
    let component = std::fs::read(program.with_file_name("plugins").join("secrets.wasm")).expect("cargo xtask plugins");
    let cache = tempfile::tempdir().expect("a temporary folder");
    let admission = Admission::new(AdmissionConfig {
        program,
        cache: Some(cache.path().join("compiled")),
        limits: AdmissionLimits::default(),
        stack: Limits::default().stack,
    })
    .expect("admission");
    let sandbox = Sandbox::new(Limits::default().stack).expect("a sandbox");
    let admit = || sandbox.load(&admission.admit(&component, &Capability::ALL).expect("secrets is admitted"));
    let (compile, plugin) = timed(|| admit().expect("secrets loads"));
    let (load, _) = timed(|| admit().expect("secrets loads"));
    println!("admission: compile {compile:.1?}, load compiled {load:.1?}, component {} bytes", component.len());
    calls(&plugin);
    for tree in &trees {
        measure(tree, &plugin);
    }
    if trees.is_empty() {
        println!("name one or more directories to measure whole trees");
    }
}

/// Costs of one instance, one `configure` and one call, apart from any content.
fn calls(plugin: &Plugin) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime");
    let limits = Limits::default();
    let defaults = plugin.passport().manifest.default_settings();
    let mut other = defaults.clone();
    // Settings that differ from the snapshot's make `configure` run for real.
    other.insert("not-the-defaults".to_owned(), certus_model::plugin::SettingValue::Flag(true));
    const TIMES: u32 = 200;
    let (instances, _) = timed(|| {
        for _ in 0..TIMES {
            runtime.block_on(plugin.instantiate(&limits, None, None)).expect("an instance");
        }
    });
    let mut configure = Duration::MAX;
    for _ in 0..ROUNDS {
        let mut instance = runtime.block_on(plugin.instantiate(&limits, None, None)).expect("an instance");
        configure = configure.min(timed(|| runtime.block_on(instance.configure(&other)).expect("configure")).0);
    }
    let mut instance = runtime.block_on(plugin.instantiate(&limits, None, None)).expect("an instance");
    runtime.block_on(instance.configure(&defaults)).expect("configure");
    let empty = certus_sandbox::FileInput { path: "a", content: b"", hits: &[], hits_complete: true };
    let (called, _) = timed(|| {
        for _ in 0..TIMES {
            runtime.block_on(instance.scan_file(empty, limits.call_deadline)).expect("a call");
        }
    });
    println!(
        "instantiate {:.1?}, configure {configure:.1?} (0 from the snapshot), call {:.1?}",
        instances / TIMES,
        called / TIMES
    );
}

fn measure(tree: &Path, plugin: &Plugin) {
    let scratch = tempfile::tempdir().expect("a temporary folder");
    let scratch = Scratch::open(scratch.path()).expect("a scratch folder");
    let source = Source::parse(&format!("dir:{}", tree.display()), SourcePolicy::Any).expect("a directory");
    let (seal, checkout) = timed(|| {
        certus_checkout::checkout(
            &source,
            None,
            &WorkspaceLimits::default(),
            &scratch,
            &Git::default(),
            &AtomicBool::new(false),
        )
        .expect("a tree")
    });
    let workspace: Arc<dyn Workspace> = Arc::new(checkout.workspace);
    let bytes: u64 = workspace.entries().iter().map(|e| e.size).sum();
    let assignment = Assignment {
        plugin: plugin.clone(),
        settings: plugin.passport().manifest.default_settings(),
        limits: Limits::default(),
        root: None,
    };
    let (mut sandboxed, mut native) = (Cpu::MAX, Cpu::MAX);
    let (mut found, mut shares) = (0, (0, 0, 0));
    let mut native_found = 0;
    for _ in 0..ROUNDS {
        let started = Cpu::now();
        let (runs, times) = certus_engine::run(&Scan {
            workspace: workspace.clone(),
            assignments: std::slice::from_ref(&assignment),
            jobs: NonZeroUsize::MIN,
            progress: &|_| {},
            cancelled: &AtomicBool::new(false),
        })
        .expect("the engine runs");
        let spent = started.elapsed();
        if spent < sandboxed {
            sandboxed = spent;
            shares = (times.read_nanos, times.prefilter_nanos, runs[0].cost.sandbox_nanos);
        }
        found = runs[0].findings.len();
        // The snapshot has spared the guest its `configure`, so the native side is not charged for its own.
        let scanner = Secrets::configure(&Settings::default()).expect("the defaults");
        let started = Cpu::now();
        native_found = scan_natively(&scanner, &*workspace, &assignment);
        native = native.min(started.elapsed());
    }
    let mb = bytes as f64 / 1e6;
    let share = |nanos: u64| 100.0 * nanos as f64 / sandboxed.0.as_nanos() as f64;
    println!(
        "{}: {mb:.1} MB in {} files, {found} findings (native {native_found})",
        tree.file_name().unwrap_or_default().to_string_lossy(),
        workspace.entries().len()
    );
    println!(
        "  engine {:.0?} CPU, {:.0} MB/s; native {:.0?}, {:.0} MB/s; ratio {:.2}",
        sandboxed.0,
        mb / sandboxed.0.as_secs_f64(),
        native.0,
        mb / native.0.as_secs_f64(),
        sandboxed.0.as_secs_f64() / native.0.as_secs_f64()
    );
    println!(
        "  of the engine: read {:.0} %, prefilter {:.0} %, sandbox {:.0} %; sealing the tree before it took {seal:.0?}",
        share(shares.0),
        share(shares.1),
        share(shares.2)
    );
}

/// The same walk, prefilter and rule code, without a sandbox.
fn scan_natively(scanner: &Secrets, workspace: &dyn Workspace, assignment: &Assignment) -> usize {
    let mut found = 0;
    for delivery in deliveries(workspace, assignment).expect("readable") {
        let content = workspace.read(delivery.index).expect("readable");
        let hits: Vec<_> =
            delivery.hits.iter().map(|(keyword, start)| Hit { keyword: *keyword, start: *start as usize }).collect();
        let path = workspace.entries()[delivery.index].path.as_str();
        let file = File { path, content: &content, hits: &hits, hits_complete: delivery.hits_complete };
        found += scanner.scan(&file).map_or(0, |findings| findings.len());
    }
    found
}

fn timed<T>(work: impl FnOnce() -> T) -> (Duration, T) {
    let started = Instant::now();
    let value = work();
    (started.elapsed(), value)
}

/// CPU time of this process, all threads.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Cpu(Duration);

impl Cpu {
    const MAX: Self = Self(Duration::MAX);

    fn now() -> Self {
        let spec = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
        Self(Duration::new(spec.tv_sec.try_into().unwrap(), spec.tv_nsec.try_into().unwrap()))
    }

    fn elapsed(self) -> Self {
        Self(Self::now().0 - self.0)
    }
}
