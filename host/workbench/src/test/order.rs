//! The contract: an answer depends on the file and the settings alone. Each file is asked for alone
//! in a fresh instance, then with the others in one instance: forward, in reverse, and twice. A
//! scanner of trees is asked twice.

use std::collections::BTreeMap;
use std::sync::Arc;

use certus_engine::{Delivery, deliveries};
use certus_model::plugin::Export;
use certus_model::workspace::{MemoryWorkspace, Workspace};
use certus_sandbox::{CallError, FileInput, Instance};

use super::{Bench, Case, fixtures};
use crate::error::TestError;

/// What a call came to, in a form that can be compared.
type Answer = Result<String, String>;

pub(super) fn run(bench: &Bench<'_>) -> Result<Vec<Case>, TestError> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().map_err(TestError::Runtime)?;
    let mut cases = Vec::new();
    for (name, workspace) in workspaces(bench)? {
        if bench.manifest().exports(Export::Files) {
            cases.extend(runtime.block_on(files(bench, &name, &*workspace))?);
        }
        if bench.manifest().exports(Export::Tree) {
            cases.push(twice(bench, &name, &workspace)?);
        }
    }
    Ok(cases)
}

/// The fixtures, and all examples together as one workspace.
fn workspaces(bench: &Bench<'_>) -> Result<Vec<(String, Arc<dyn Workspace>)>, TestError> {
    let rules = bench.manifest().rules.iter();
    let examples = rules.flat_map(|rule| rule.examples.bad.iter().chain(&rule.examples.good));
    let mut files = Vec::new();
    for (number, example) in examples.enumerate() {
        let path = format!("example-{number:04}/{}", example.path);
        let path = path.parse().map_err(|error| TestError::Path(format!("{error}")))?;
        files.push((path, example.text.clone().into_bytes()));
    }
    let mut all: Vec<(String, Arc<dyn Workspace>)> =
        vec![("examples".to_owned(), Arc::new(MemoryWorkspace::new(files)))];
    for folder in fixtures::folders(bench.request.folder)? {
        let name = format!("fixture {}", folder.file_name().unwrap_or_default().to_string_lossy());
        all.push((name, fixtures::open(bench, &folder)?));
    }
    Ok(all)
}

/// A tree scanner over one workspace, two times: the runs must agree.
fn twice(bench: &Bench<'_>, name: &str, workspace: &Arc<dyn Workspace>) -> Result<Case, TestError> {
    let case = format!("{name}, twice");
    let (first, second) = (bench.run(workspace)?, bench.run(workspace)?);
    let same = first.findings == second.findings
        && first.dependencies == second.dependencies
        && first.files == second.files
        && first.uses == second.uses;
    Ok(if same { Case::passed(case) } else { Case::failed(case, "two runs over the same tree differ") })
}

async fn files(bench: &Bench<'_>, name: &str, workspace: &dyn Workspace) -> Result<Vec<Case>, TestError> {
    let deliveries = deliveries(workspace, &bench.assignment)?;
    let mut alone = BTreeMap::new();
    for delivery in &deliveries {
        alone.insert(delivery.index, in_one_instance(bench, workspace, &[delivery]).await?.remove(0).1);
    }
    let forward: Vec<_> = deliveries.iter().collect();
    let reverse: Vec<_> = deliveries.iter().rev().collect();
    let twice: Vec<_> = deliveries.iter().flat_map(|delivery| [delivery, delivery]).collect();
    let mut cases = Vec::new();
    for (order, sequence) in [("forward", forward), ("in reverse", reverse), ("twice", twice)] {
        let case = format!("{name}, {order}");
        let answers = in_one_instance(bench, workspace, &sequence).await?;
        let differs = answers.iter().find(|(index, answer)| alone.get(index) != Some(answer));
        cases.push(match differs {
            None => Case::passed(case),
            Some((index, _)) => {
                let path = &workspace.entries()[*index].path;
                Case::failed(case, format!("the answer to `{path}` differs from the answer to it alone: the scanner keeps state between files"))
            }
        });
    }
    Ok(cases)
}

/// The answers of one instance, in order; after a call that was stopped, of a fresh one.
async fn in_one_instance(
    bench: &Bench<'_>,
    workspace: &dyn Workspace,
    sequence: &[&Delivery],
) -> Result<Vec<(usize, Answer)>, TestError> {
    let mut instance: Option<Instance> = None;
    let mut answers = Vec::with_capacity(sequence.len());
    for delivery in sequence {
        let content = workspace.read(delivery.index).map_err(certus_engine::Error::from)?;
        let file = FileInput {
            path: workspace.entries()[delivery.index].path.as_str(),
            content: &content,
            hits: &delivery.hits,
            hits_complete: delivery.hits_complete,
        };
        let answer = async {
            if instance.is_none() {
                let mut fresh = bench.assignment.plugin.instantiate(&bench.assignment.limits, None, None).await?;
                fresh.configure(&bench.assignment.settings).await?;
                instance = Some(fresh);
            }
            match &mut instance {
                Some(instance) => instance.scan_file(file, bench.assignment.limits.call_deadline).await,
                None => Ok(Vec::new()),
            }
        };
        let answer = match answer.await {
            Ok(findings) => Ok(format!("{findings:?}")),
            Err(CallError::Guest(problem)) => Err(problem.reason.to_string()),
            Err(CallError::Struck { reason, .. }) => {
                instance = None;
                Err(reason.to_string())
            }
            Err(CallError::Host(error)) => return Err(certus_engine::Error::from(error).into()),
        };
        answers.push((delivery.index, answer));
    }
    Ok(answers)
}
