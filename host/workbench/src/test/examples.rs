//! Each rule's examples, one workspace of one file each.

use std::sync::Arc;

use certus_model::coverage::RunStatus;
use certus_model::plugin::{Example, Rule};
use certus_model::workspace::{MemoryWorkspace, Workspace};

use super::{Bench, Case};
use crate::error::TestError;

pub(super) fn run(bench: &Bench<'_>) -> Result<Vec<Case>, TestError> {
    let mut cases = Vec::new();
    for rule in &bench.manifest().rules {
        if rule.examples.bad.is_empty() {
            cases.push(Case::failed(format!("rule {}", rule.id), "has no bad example; add one to plugin.toml"));
        }
        for (number, example) in (1..).zip(&rule.examples.bad) {
            cases.push(check(bench, rule, example, format!("rule {}, bad example {number}", rule.id), true)?);
        }
        for (number, example) in (1..).zip(&rule.examples.good) {
            cases.push(check(bench, rule, example, format!("rule {}, good example {number}", rule.id), false)?);
        }
    }
    Ok(cases)
}

fn check(bench: &Bench<'_>, rule: &Rule, example: &Example, name: String, expected: bool) -> Result<Case, TestError> {
    let path = example.path.parse().map_err(|error| TestError::Path(format!("{error}")))?;
    let workspace: Arc<dyn Workspace> = Arc::new(MemoryWorkspace::new([(path, example.text.clone().into_bytes())]));
    let run = bench.run(&workspace)?;
    let found = run.findings.iter().any(|finding| finding.rule == rule.id);
    Ok(match run.status {
        RunStatus::Failed(reason) => Case::failed(name, format!("the run failed: {reason}")),
        _ if run.refused.any() => Case::failed(name, format!("the host refused part of the report: {:?}", run.refused)),
        _ if found == expected => Case::passed(name),
        _ if expected => Case::failed(name, "is not reported"),
        _ => Case::failed(name, "is reported"),
    })
}
