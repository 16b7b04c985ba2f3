//! Each `fixtures/NAME/input/` against its `expected.json`.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use certus_model::PluginRun;
use certus_model::coverage::FileState;
use certus_model::workspace::Workspace;
use certus_model::{Location, Value as Parameter};
use serde_json::{Value, json};

use super::{Bench, Case};
use crate::error::TestError;

pub(super) fn run(bench: &Bench<'_>) -> Result<Vec<Case>, TestError> {
    let mut cases = Vec::new();
    for folder in folders(bench.request.folder)? {
        let name = format!("fixture {}", folder.file_name().unwrap_or_default().to_string_lossy());
        let workspace = open(bench, &folder)?;
        let actual = answer(&bench.run(&workspace)?, &*workspace);
        let file = folder.join("expected.json");
        let text = format!("{actual:#}\n");
        if bench.request.bless {
            std::fs::write(&file, &text).map_err(|source| TestError::Io { path: file, source })?;
            cases.push(Case::passed(format!("{name} (blessed)")));
            continue;
        }
        cases.push(match std::fs::read_to_string(&file) {
            Err(_) => Case::failed(name, "has no expected.json; write it with --bless and read it"),
            Ok(expected) if expected == text => Case::passed(name),
            Ok(expected) => Case::failed(name, difference(&expected, &text)),
        });
    }
    Ok(cases)
}

/// The workspace of one fixture.
pub(super) fn open(bench: &Bench<'_>, folder: &Path) -> Result<Arc<dyn Workspace>, TestError> {
    let input = folder.join("input");
    (bench.request.open)(&input).map_err(|problem| TestError::Fixture { path: input, problem })
}

/// The fixture folders, sorted; none if there is no `fixtures`.
pub(super) fn folders(plugin: &Path) -> Result<Vec<PathBuf>, TestError> {
    let path = plugin.join("fixtures");
    let failed = |source| TestError::Io { path: path.clone(), source };
    let listing = match std::fs::read_dir(&path) {
        Ok(listing) => listing,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(failed(error)),
    };
    let mut folders = listing.map(|item| item.map(|i| i.path())).collect::<Result<Vec<_>, _>>().map_err(failed)?;
    folders.retain(|folder| folder.is_dir());
    folders.sort();
    Ok(folders)
}

/// What is compared: status, findings, dependencies and every file state that says something.
fn answer(run: &PluginRun, workspace: &dyn Workspace) -> Value {
    let findings: Vec<_> = run
        .findings
        .iter()
        .map(|finding| {
            json!({
                "rule": finding.rule,
                "at": place(&finding.at),
                "severity": finding.severity,
                "confidence": finding.confidence,
                "related": finding.related.iter().map(place).collect::<Vec<_>>(),
                "parameters": finding.parameters.iter().map(|p| (p.name.clone(), parameter(&p.value))).collect::<serde_json::Map<_, _>>(),
            })
        })
        .collect();
    let dependencies: Vec<_> = run
        .dependencies
        .iter()
        .map(|d| {
            json!({
                "id": d.id, "ecosystem": d.ecosystem, "namespace": d.namespace, "name": d.name, "version": d.version,
                "qualifiers": d.qualifiers, "root": d.root, "scope": d.scope, "licences": d.licences, "hashes": d.hashes,
                "origin": d.origin, "depends-on": d.depends_on, "evidence": d.evidence.iter().map(place).collect::<Vec<_>>(),
            })
        })
        .collect();
    let states = workspace.entries().iter().zip(&run.files);
    let files: serde_json::Map<_, _> = states
        .filter(|(_, state)| **state != FileState::NotOfInterest)
        .map(|(entry, state)| (entry.path.to_string(), json!(state.to_string())))
        .collect();
    json!({
        "status": run.status,
        "refused": run.refused,
        "files": files,
        "findings": findings,
        "dependencies": dependencies,
    })
}

fn place(at: &Location) -> Value {
    match at.span {
        Some(span) => json!(format!("{}:{}-{}", at.path, span.start, span.end)),
        None => json!(at.path),
    }
}

fn parameter(value: &Parameter) -> Value {
    match value {
        Parameter::Text(text) => json!(text),
        Parameter::Number(number) => json!(number),
        Parameter::Flag(flag) => json!(flag),
        Parameter::Location(at) => place(at),
    }
}

/// The first line in which two texts differ.
fn difference(expected: &str, actual: &str) -> String {
    let lines = expected.lines().zip(actual.lines()).zip(1..);
    match lines.into_iter().find(|((old, new), _)| old != new) {
        Some(((old, new), line)) => {
            let shown = |text: &str| certus_model::escape::one_line(text.trim(), 200);
            format!(
                "line {line} of expected.json is `{}`, the answer is `{}`; use --bless if that is right",
                shown(old),
                shown(new)
            )
        }
        None => format!(
            "expected.json has {} lines, the answer {}; use --bless if that is right",
            expected.lines().count(),
            actual.lines().count()
        ),
    }
}
