//! One shard of files, through every `files` plugin.

use std::ops::Range;
use std::time::Instant;

use certus_model::Finding;
use certus_model::coverage::{FileState, Refused, SkipReason};
use certus_model::finding::UnverifiedFinding;
use certus_model::ledger::Uses;
use certus_model::outcome::CallReason;
use certus_model::run::Cost;
use certus_sandbox::{CallError, FileInput, Instance};

use crate::check::{Checker, Given};
use crate::error::Error;
use crate::output::{Kept, NOT_KEPT, Room, compact};
use crate::scan::{Context, Ready, Times, log_lines};

/// What one plugin's part of one shard came to.
#[derive(Default)]
pub(crate) struct Part {
    /// One state per entry of the shard.
    pub(crate) files: Vec<FileState>,
    pub(crate) findings: Vec<Finding>,
    /// The answers that the findings are from, in order.
    pub(crate) kept: Vec<Kept>,
    /// Whether something did not fit the limit of what is kept.
    pub(crate) over: bool,
    pub(crate) refused: Refused,
    pub(crate) uses: Uses,
    pub(crate) cost: Cost,
}

/// Runs the shard; one part per `files` plugin, in their order.
pub(crate) async fn run_shard(
    context: &Context<'_>,
    shard: Range<usize>,
    times: &mut Times,
) -> Result<Vec<Part>, Error> {
    let mut runners: Vec<_> = context.files.iter().map(|ready| Runner::new(context, ready)).collect();
    for index in shard {
        context.check_cancelled()?;
        let entry = &context.workspace.entries()[index];
        let refused: Vec<_> = runners.iter().map(|r| r.ready.filter.refuses(entry)).collect();
        if refused.iter().all(Option::is_some) {
            for (runner, state) in runners.iter_mut().zip(refused) {
                runner.part.files.extend(state);
            }
            continue;
        }
        let started = Instant::now();
        let content = context.workspace.read(index)?;
        times.read_nanos += elapsed(started);
        let started = Instant::now();
        let hits = context.prefilter.hits(&content, |plugin| context.files[plugin].assignment.limits.hits);
        times.prefilter_nanos += elapsed(started);
        for ((runner, refused), hits) in runners.iter_mut().zip(refused).zip(&hits) {
            let state = match refused.or_else(|| runner.ready.filter.refuses_content(&content, !hits.places.is_empty()))
            {
                Some(state) => state,
                None => {
                    let path = entry.path.as_str();
                    let file = FileInput { path, content: &content, hits: &hits.places, hits_complete: hits.complete };
                    runner.scan(index, file).await?
                }
            };
            runner.part.files.push(state);
        }
        context.progress(1, content.len() as u64);
    }
    Ok(runners.into_iter().map(Runner::finish).collect())
}

/// One plugin in one shard: a fresh instance, made when the first file comes.
struct Runner<'a> {
    context: &'a Context<'a>,
    ready: &'a Ready<'a>,
    instance: Option<Instance>,
    /// Why no instance can be made; then no file is tried again.
    broken: Option<CallReason>,
    room: Room,
    part: Part,
}

impl<'a> Runner<'a> {
    fn new(context: &'a Context<'a>, ready: &'a Ready<'a>) -> Self {
        let room = Room::new(ready.assignment.limits.output);
        Self { context, ready, instance: None, broken: None, room, part: Part::default() }
    }

    /// Gives one file to the plugin.
    async fn scan(&mut self, index: usize, file: FileInput<'_>) -> Result<FileState, Error> {
        if let Some(reason) = self.broken {
            return Ok(FileState::Failed(reason));
        }
        match self.answer(file).await {
            Ok(findings) => {
                let manifest = &self.ready.assignment.plugin.passport().manifest;
                let checker = Checker { manifest, workspace: self.context.workspace };
                let mut checked = checker.findings(findings, Given::File(index), &mut self.part.refused);
                let most = self.ready.assignment.limits.findings_per_run.saturating_sub(self.part.findings.len());
                self.part.refused.truncated += checked.len().saturating_sub(most) as u64;
                checked.truncate(most);
                Ok(self.keep(checked))
            }
            Err(CallError::Guest(problem)) => {
                tracing::debug!(plugin = %self.ready.id(), path = file.path, reason = %problem.reason, note = problem.note, "the plugin did not analyse a file");
                Ok(match CallReason::from(problem.reason) {
                    CallReason::Unsupported => FileState::Skipped(SkipReason::Unsupported),
                    reason => FileState::Failed(reason),
                })
            }
            Err(CallError::Struck { reason, note }) => {
                tracing::warn!(plugin = %self.ready.id(), path = file.path, %reason, note, "a call was stopped");
                self.retire();
                Ok(FileState::Failed(reason))
            }
            Err(CallError::Host(error)) => Err(error.into()),
        }
    }

    /// Keeps an answer, or none from here on if it does not fit.
    fn keep(&mut self, mut findings: Vec<Finding>) -> FileState {
        let bytes = compact(&mut findings);
        if !self.room.take(bytes) {
            let limit = self.ready.assignment.limits.output;
            tracing::warn!(plugin = %self.ready.id(), limit, "the plugin's answers are more than is kept of a run");
            self.broken = Some(CallReason::Output);
            self.part.over = true;
            return NOT_KEPT;
        }
        if bytes > 0 {
            self.part.kept.push(Kept { file: self.part.files.len(), findings: findings.len(), bytes });
        }
        self.part.findings.extend(findings);
        FileState::Analysed
    }

    async fn answer(&mut self, file: FileInput<'_>) -> Result<Vec<UnverifiedFinding>, CallError> {
        let deadline = self.context.time_left(self.ready)?;
        if self.instance.is_none() {
            let made = self.ready.fresh_instance(None, None).await;
            if let Err(CallError::Struck { reason, .. }) = &made {
                self.broken = Some(*reason);
            }
            if let Err(CallError::Guest(problem)) = &made {
                // It refuses its settings: the plugin's fault, and no file can be analysed.
                self.broken = Some(CallReason::Internal);
                return Err(CallError::Struck { reason: CallReason::Internal, note: problem.note.clone() });
            }
            self.instance = Some(made?);
        }
        match &mut self.instance {
            Some(instance) => instance.scan_file(file, deadline).await,
            None => Err(CallError::Struck { reason: CallReason::Internal, note: "no instance".to_owned() }),
        }
    }

    /// Takes over what an instance leaves, and forgets it.
    fn retire(&mut self) {
        if let Some(instance) = self.instance.take() {
            log_lines(self.ready, &instance);
            self.part.uses.merge(instance.uses());
            self.part.cost.add(instance.cost());
        }
    }

    fn finish(mut self) -> Part {
        self.retire();
        self.part
    }
}

fn elapsed(since: Instant) -> u64 {
    u64::try_from(since.elapsed().as_nanos()).unwrap_or(u64::MAX)
}
