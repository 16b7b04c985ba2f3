//! One `tree` plugin over the whole workspace.

use std::collections::BTreeMap;

use certus_model::Finding;
use certus_model::coverage::{FileState, Refused, SkipReason};
use certus_model::inventory::Dependency;
use certus_model::ledger::{Operation, Outcome, Uses};
use certus_model::outcome::{CallReason, ProblemReason};
use certus_model::run::Cost;
use certus_sandbox::{CallError, Instance, View};

use crate::check::{Checker, Given};
use crate::error::Error;
use crate::interest::granted_globs;
use crate::scan::{Context, Ready, log_lines};

/// What a tree call came to.
#[derive(Default)]
pub(crate) struct Answer {
    pub(crate) findings: Vec<Finding>,
    pub(crate) dependencies: Vec<Dependency>,
    /// States of the entries that the call had to do with.
    pub(crate) files: BTreeMap<usize, FileState>,
    /// Why there is no answer, or no whole one.
    pub(crate) failed: Option<CallReason>,
    /// Problems that concern no single file.
    pub(crate) problems: u64,
    pub(crate) refused: Refused,
    pub(crate) uses: Uses,
    pub(crate) cost: Cost,
}

/// Asks `ready` for its answer to the workspace.
pub(crate) async fn run_tree(context: &Context<'_>, ready: &Ready<'_>) -> Result<Answer, Error> {
    context.check_cancelled()?;
    let manifest = &ready.assignment.plugin.passport().manifest;
    let globs = granted_globs(manifest);
    let view = View::new(context.shared.clone(), |entry| globs.is_match(entry.path.as_str()));
    let mut answer = Answer::default();
    let root = ready.assignment.root.as_deref();
    let mut files: Vec<usize> =
        view.indices().iter().copied().filter(|i| context.workspace.entries()[*i].kind.is_file()).collect();
    if root.is_some() {
        let bytes = files.iter().map(|i| context.workspace.entries()[*i].size).sum();
        answer.uses.record(Operation::Materialise, "", Outcome::Ok, bytes);
    }
    for index in root.iter().flat_map(|root| &root.skipped) {
        answer.files.insert(*index, FileState::Skipped(SkipReason::TooLarge));
    }
    files.retain(|index| !answer.files.contains_key(index));
    let deadline = match context.time_left(ready) {
        Ok(left) => left,
        Err(error) => return fail(answer, &files, ready, error),
    };
    let mut instance = match ready.fresh_instance(Some(view.clone()), root.map(|root| root.path.as_path())).await {
        Ok(instance) => instance,
        Err(error) => return fail(answer, &files, ready, error),
    };
    let stated = instance.scan_tree(deadline).await;
    answer.uses.merge(instance.uses());
    answer.cost.add(instance.cost());
    log_lines(ready, &instance);
    let report = match stated {
        Ok(report) => report,
        Err(error) => return fail(answer, &files, ready, error),
    };

    let checker = Checker { manifest, workspace: context.workspace };
    let given = Given::Granted(view.indices());
    delivered(context, &instance, root.is_some(), &files, &mut answer);
    for problem in report.problems {
        tracing::debug!(plugin = %ready.id(), reason = %problem.reason, note = problem.note, "the plugin reports a problem");
        let place = problem.at.and_then(|at| checker.location(at, given).ok());
        let index = place.and_then(|at| context.workspace.find(&at.path));
        match (index, problem.reason) {
            (Some(index), ProblemReason::Unsupported) => {
                answer.files.insert(index, FileState::Skipped(SkipReason::Unsupported));
            }
            (Some(index), reason) => {
                answer.files.insert(index, FileState::Failed(reason.into()));
            }
            (None, ProblemReason::Unsupported) => {}
            (None, _) => answer.problems += 1,
        }
    }
    let mut findings = checker.findings(report.findings, given, &mut answer.refused);
    let most = ready.assignment.limits.findings_per_run;
    answer.refused.truncated += findings.len().saturating_sub(most) as u64;
    findings.truncate(most);
    answer.findings = findings;
    answer.dependencies = checker.dependencies(report.dependencies, given, &mut answer.refused);
    Ok(answer)
}

/// Marks what was delivered as analysed: what the guest read through the contract, or all that was
/// laid out for a WASI guest, whose reads inside the tree the host does not see.
fn delivered(context: &Context<'_>, instance: &Instance, uses_wasi: bool, files: &[usize], answer: &mut Answer) {
    let uses = instance.uses();
    for index in files {
        let path = context.workspace.entries()[*index].path.as_str();
        if uses_wasi || uses.contains(Operation::Read, path, Outcome::Ok) {
            answer.files.insert(*index, FileState::Analysed);
        }
    }
}

/// A call that gave no answer: nothing that it could have read counts as analysed.
fn fail(mut answer: Answer, files: &[usize], ready: &Ready<'_>, error: CallError) -> Result<Answer, Error> {
    let (reason, note) = match error {
        CallError::Host(error) => return Err(error.into()),
        CallError::Struck { reason, note } => (reason, note),
        CallError::Guest(problem) => (problem.reason.into(), problem.note),
    };
    tracing::warn!(plugin = %ready.id(), %reason, note, "the plugin gave no answer");
    answer.failed = Some(reason);
    answer.files.extend(files.iter().map(|index| (*index, FileState::Failed(reason))));
    Ok(answer)
}
