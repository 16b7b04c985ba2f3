//! The whole of an engine run: which work there is, who does it, what comes of it.

use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use certus_model::coverage::{FileState, RunStatus};
use certus_model::limits::Limits;
use certus_model::outcome::CallReason;
use certus_model::plugin::{Export, SettingValue};
use certus_model::workspace::Workspace;
use certus_model::{PluginId, PluginRun};
use certus_sandbox::{CallError, Instance, Plugin, View};
use serde::{Deserialize, Serialize};

use crate::error::Error;
use crate::files::{Part, run_shard};
use crate::interest::Filter;
use crate::output::Room;
use crate::prefilter::Prefilter;
use crate::shard;
use crate::tree::{Answer, run_tree};

/// A plugin with what it runs with.
#[derive(Clone)]
pub struct Assignment {
    /// The admitted plugin.
    pub plugin: Plugin,
    /// All its settings.
    pub settings: BTreeMap<String, SettingValue>,
    /// Its limits: what it asks for, within the operator's.
    pub limits: Limits,
    /// The files of [`crate::wasi_files`], for a plugin that reads through WASI.
    pub root: Option<Arc<Root>>,
}

/// Files laid out for a WASI plugin. They stay for as long as this lives.
pub struct Root {
    /// The folder that they are in.
    pub path: PathBuf,
    /// Indices that could not be laid out, because no file system takes their names.
    pub skipped: Vec<usize>,
    /// Removes the folder when it is dropped.
    _guard: Box<dyn Send + Sync>,
}

impl Root {
    /// Files at `path`, which exist until `guard` is dropped.
    pub fn new(path: PathBuf, skipped: Vec<usize>, guard: impl Send + Sync + 'static) -> Self {
        Self { path, skipped, _guard: Box::new(guard) }
    }
}

/// What was done since the last report.
#[derive(Debug, Clone, Copy)]
pub struct Progress {
    /// Entries that are through.
    pub files: u64,
    /// Their content in bytes.
    pub bytes: u64,
}

/// An engine run.
pub struct Scan<'a> {
    /// What is scanned.
    pub workspace: Arc<dyn Workspace>,
    /// Who scans.
    pub assignments: &'a [Assignment],
    /// Worker threads. The result does not depend on it.
    pub jobs: NonZeroUsize,
    /// Told of progress, from any thread.
    pub progress: &'a (dyn Fn(Progress) + Sync),
    /// Set to stop between two calls.
    pub cancelled: &'a AtomicBool,
}

/// Where the time went, in nanoseconds, all workers together. Never part of a result.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize)]
pub struct Times {
    /// Reading content from the workspace.
    pub read_nanos: u64,
    /// Looking for keywords.
    pub prefilter_nanos: u64,
}

/// Runs every assignment over the workspace; one run each, in their order.
///
/// # Errors
/// The host's own failures. A plugin's failure is in its run.
pub fn run(scan: &Scan<'_>) -> Result<(Vec<PluginRun>, Times), Error> {
    let context = Context::new(scan)?;
    let plan = Plan::new(&context);
    let results: Mutex<Vec<Option<Done>>> = Mutex::new((0..plan.units.len()).map(|_| None).collect());
    let times = Mutex::new(Times::default());
    let next = AtomicUsize::new(0);
    let work = || -> Result<(), Error> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().map_err(Error::Worker)?;
        let mut mine = Times::default();
        while let Some(unit) = plan.units.get(next.fetch_add(1, Ordering::Relaxed)) {
            let done = runtime.block_on(unit.run(&context, &mut mine))?;
            let mut results = lock(&results);
            results[unit.index] = Some(done);
            cut(&context, &plan, &mut results);
        }
        let mut times = lock(&times);
        times.read_nanos += mine.read_nanos;
        times.prefilter_nanos += mine.prefilter_nanos;
        Ok(())
    };
    let workers = scan.jobs.get().min(plan.units.len().max(1));
    std::thread::scope(|scope| {
        let handles: Vec<_> = (0..workers).map(|_| scope.spawn(work)).collect();
        // Every worker is awaited; the first failure is the scan's.
        let ended: Vec<_> =
            handles.into_iter().map(|h| h.join().unwrap_or_else(|p| std::panic::resume_unwind(p))).collect();
        ended.into_iter().collect::<Result<(), Error>>()
    })?;
    let done = results.into_inner().unwrap_or_else(PoisonError::into_inner);
    let times = times.into_inner().unwrap_or_else(PoisonError::into_inner);
    Ok((assemble(&context, &plan, done), times))
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What every worker shares.
pub(crate) struct Context<'a> {
    pub(crate) workspace: &'a dyn Workspace,
    pub(crate) shared: &'a Arc<dyn Workspace>,
    /// Assignments that export `files`, in order.
    pub(crate) files: Vec<Ready<'a>>,
    trees: Vec<Ready<'a>>,
    pub(crate) prefilter: Prefilter,
    scan: &'a Scan<'a>,
    started: Instant,
}

/// An assignment with its compiled interest.
pub(crate) struct Ready<'a> {
    /// Its place among the assignments.
    index: usize,
    pub(crate) assignment: &'a Assignment,
    pub(crate) filter: Filter,
}

impl<'a> Context<'a> {
    fn new(scan: &'a Scan<'a>) -> Result<Self, Error> {
        let ready = |export: Export| {
            let exporting = scan.assignments.iter().enumerate();
            let exporting = exporting.filter(|(_, a)| a.plugin.passport().manifest.exports(export));
            exporting
                .map(|(index, assignment)| {
                    let filter = Filter::new(&assignment.plugin.passport().manifest.interest);
                    Ready { index, assignment, filter }
                })
                .collect::<Vec<_>>()
        };
        let files = ready(Export::Files);
        let keywords = files.iter().map(|r| r.assignment.plugin.passport().manifest.interest.keywords.as_slice());
        Ok(Self {
            prefilter: Prefilter::new(keywords)?,
            workspace: &*scan.workspace,
            shared: &scan.workspace,
            trees: ready(Export::Tree),
            files,
            scan,
            started: Instant::now(),
        })
    }

    pub(crate) fn check_cancelled(&self) -> Result<(), Error> {
        if self.scan.cancelled.load(Ordering::Relaxed) { Err(Error::Cancelled) } else { Ok(()) }
    }

    pub(crate) fn progress(&self, files: u64, bytes: u64) {
        (self.scan.progress)(Progress { files, bytes });
    }

    /// What is left of a plugin's run.
    pub(crate) fn time_left(&self, ready: &Ready<'_>) -> Result<Duration, CallError> {
        let limit = ready.assignment.limits.run_deadline;
        limit.checked_sub(self.started.elapsed()).ok_or_else(|| CallError::Struck {
            reason: CallReason::Deadline,
            note: format!("the run's {limit:?} are over"),
        })
    }
}

impl Ready<'_> {
    pub(crate) fn id(&self) -> &PluginId {
        &self.assignment.plugin.passport().manifest.plugin.id
    }

    /// An instance that has its settings.
    pub(crate) async fn fresh_instance(&self, view: Option<View>, root: Option<&Path>) -> Result<Instance, CallError> {
        let mut instance = self.assignment.plugin.instantiate(&self.assignment.limits, view, root).await?;
        instance.configure(&self.assignment.settings).await?;
        Ok(instance)
    }
}

/// Passes a guest's log on to the operator's.
pub(crate) fn log_lines(ready: &Ready<'_>, instance: &Instance) {
    let log = instance.log();
    for line in log.lines() {
        tracing::info!(plugin = %ready.id(), line, "plugin log");
    }
    if log.total() > log.kept() as u64 {
        tracing::info!(plugin = %ready.id(), bytes = log.total(), kept = log.kept(), "the plugin's log was cut");
    }
}

/// The units of work: whole-tree calls first, since each is one long piece, then the shards.
struct Plan {
    units: Vec<Unit>,
}

struct Unit {
    index: usize,
    work: Work,
}

enum Work {
    Tree(usize),
    Shard(Range<usize>),
}

enum Done {
    Tree(Box<Answer>),
    Shard(Vec<Part>),
}

impl Plan {
    fn new(context: &Context<'_>) -> Self {
        let trees = (0..context.trees.len()).map(Work::Tree);
        let shards = if context.files.is_empty() { Vec::new() } else { shard::plan(context.workspace.entries()) };
        let units = trees.chain(shards.into_iter().map(Work::Shard)).enumerate();
        Self { units: units.map(|(index, work)| Unit { index, work }).collect() }
    }
}

impl Unit {
    async fn run(&self, context: &Context<'_>, times: &mut Times) -> Result<Done, Error> {
        match &self.work {
            Work::Tree(tree) => run_tree(context, &context.trees[*tree]).await.map(Box::new).map(Done::Tree),
            Work::Shard(range) => run_shard(context, range.clone(), times).await.map(Done::Shard),
        }
    }
}

/// Drops what is beyond the limit of what is kept of a run (`output`). Run after every unit, so that what
/// waits to be put together never takes more than that.
fn cut(context: &Context<'_>, plan: &Plan, done: &mut [Option<Done>]) {
    let mut rooms: Vec<_> = context.scan.assignments.iter().map(|a| Room::new(a.limits.output)).collect();
    for (unit, done) in plan.units.iter().zip(done) {
        match (&unit.work, done) {
            (Work::Shard(_), Some(Done::Shard(parts))) => {
                for (ready, part) in context.files.iter().zip(parts) {
                    part.cut(&mut rooms[ready.index]);
                }
            }
            (Work::Tree(tree), Some(Done::Tree(answer))) => answer.cut(&mut rooms[context.trees[*tree].index]),
            _ => {}
        }
    }
}

/// Puts the units' results together in the plan's order, so that who did what leaves no trace.
fn assemble(context: &Context<'_>, plan: &Plan, done: Vec<Option<Done>>) -> Vec<PluginRun> {
    let entries = context.workspace.entries().len();
    let mut drafts: Vec<_> = context.scan.assignments.iter().map(|a| Draft::new(a, entries)).collect();
    for (unit, done) in plan.units.iter().zip(done) {
        match (&unit.work, done) {
            (Work::Shard(range), Some(Done::Shard(parts))) => {
                for (ready, part) in context.files.iter().zip(parts) {
                    drafts[ready.index].take_part(range.start, part);
                }
            }
            (Work::Tree(tree), Some(Done::Tree(answer))) => drafts[context.trees[*tree].index].take_answer(*answer),
            // A worker that did not finish its unit has failed the scan before this.
            _ => {}
        }
    }
    drafts.into_iter().map(Draft::finish).collect()
}

/// A run in the making.
struct Draft {
    run: PluginRun,
    most: usize,
    failed: Option<CallReason>,
}

impl Draft {
    fn new(assignment: &Assignment, entries: usize) -> Self {
        let passport = assignment.plugin.passport();
        Self {
            run: PluginRun {
                manifest: Arc::new(passport.manifest.clone()),
                digest: passport.digest,
                settings: assignment.settings.clone(),
                status: RunStatus::Complete,
                findings: Vec::new(),
                dependencies: Vec::new(),
                files: vec![FileState::NotOfInterest; entries],
                refused: certus_model::coverage::Refused::default(),
                problems: 0,
                uses: certus_model::ledger::Uses::default(),
                cost: certus_model::run::Cost::default(),
            },
            most: assignment.limits.findings_per_run,
            failed: None,
        }
    }

    fn take_part(&mut self, start: usize, part: Part) {
        self.run.files[start..start + part.files.len()].copy_from_slice(&part.files);
        self.take_findings(part.findings);
        self.run.refused.add(&part.refused);
        self.run.uses.merge(part.uses);
        self.run.cost.add(part.cost);
    }

    fn take_answer(&mut self, answer: Answer) {
        for (index, state) in answer.files {
            // A file that a `files` export of the same plugin has failed on stays failed.
            if !self.run.files[index].is_gap() {
                self.run.files[index] = state;
            }
        }
        self.take_findings(answer.findings);
        self.run.dependencies.extend(answer.dependencies);
        self.run.refused.add(&answer.refused);
        self.run.uses.merge(answer.uses);
        self.run.cost.add(answer.cost);
        self.failed = answer.failed;
        self.run.problems += answer.problems;
    }

    fn take_findings(&mut self, findings: Vec<certus_model::Finding>) {
        let room = self.most.saturating_sub(self.run.findings.len());
        self.run.refused.truncated += findings.len().saturating_sub(room) as u64;
        self.run.findings.extend(findings.into_iter().take(room));
    }

    fn finish(mut self) -> PluginRun {
        self.run.findings.sort();
        self.run.findings.dedup();
        let analysed = self.run.files.contains(&FileState::Analysed);
        let gap = self.run.files.iter().find_map(|state| match state {
            FileState::Failed(reason) => Some(Some(*reason)),
            state => state.is_gap().then_some(None),
        });
        self.run.status = match (self.failed, gap) {
            (Some(reason), _) => RunStatus::Failed(reason),
            (None, Some(Some(reason))) if !analysed => RunStatus::Failed(reason),
            (None, None) if !self.run.refused.any() && self.run.problems == 0 => RunStatus::Complete,
            _ => RunStatus::Incomplete,
        };
        self.run
    }
}
