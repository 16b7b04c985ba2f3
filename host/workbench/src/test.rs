//! `certus plugin test`: every example, every fixture, and the promise that an answer depends on the
//! file and the settings alone, all in the real sandbox.

mod examples;
mod fixtures;
mod order;

use std::num::NonZeroUsize;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use certus_engine::{Assignment, Root, Scan};
use certus_model::PluginRun;
use certus_model::limits::Limits;
use certus_model::workspace::Workspace;
use certus_sandbox::Plugin;

use crate::error::TestError;

/// What the tests of one plugin need.
pub struct TestRequest<'a> {
    /// The admitted plugin.
    pub plugin: Plugin,
    /// The plugin's folder, whose `fixtures/*/` are run.
    pub folder: &'a Path,
    /// Write what the fixtures give as their expected answers, instead of comparing.
    pub bless: bool,
    /// Lays files out for a WASI plugin.
    pub materialise: &'a WorkspaceMaterialise<'a>,
    /// Opens a fixture's `input/` as a workspace.
    pub open: &'a (dyn Fn(&Path) -> Result<Arc<dyn Workspace>, String> + Sync),
}

/// Lays out entries of a given workspace.
pub type WorkspaceMaterialise<'a> = dyn Fn(&dyn Workspace, &[usize]) -> Result<Root, String> + Sync + 'a;

/// One thing that was tested.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Case {
    /// For example `rule aws-access-key, bad example 1` or `fixture minified`.
    pub name: String,
    /// None if it passed; else one sentence.
    pub failure: Option<String>,
}

impl Case {
    fn passed(name: String) -> Self {
        Self { name, failure: None }
    }

    fn failed(name: String, failure: impl Into<String>) -> Self {
        Self { name, failure: Some(failure.into()) }
    }
}

/// Runs everything; the cases say what passed.
///
/// # Errors
/// Only what the host itself could not do; a plugin's failure is a failed case.
pub fn test(request: &TestRequest<'_>) -> Result<Vec<Case>, TestError> {
    let bench = Bench {
        assignment: Assignment {
            settings: request.plugin.passport().manifest.default_settings(),
            limits: request.plugin.passport().manifest.limits.within(&Limits::default()),
            plugin: request.plugin.clone(),
            root: None,
        },
        request,
    };
    let mut cases = examples::run(&bench)?;
    cases.extend(fixtures::run(&bench)?);
    cases.extend(order::run(&bench)?);
    Ok(cases)
}

/// The plugin with its default settings, ready to be run over a workspace.
struct Bench<'a> {
    assignment: Assignment,
    request: &'a TestRequest<'a>,
}

impl Bench<'_> {
    fn run(&self, workspace: &Arc<dyn Workspace>) -> Result<PluginRun, TestError> {
        let mut assignment = self.assignment.clone();
        if let Some(files) = certus_engine::wasi_files(assignment.plugin.passport(), &**workspace) {
            let root = (self.request.materialise)(&**workspace, &files).map_err(TestError::Materialise)?;
            assignment.root = Some(Arc::new(root));
        }
        let (mut runs, _) = certus_engine::run(&Scan {
            workspace: workspace.clone(),
            assignments: &[assignment],
            jobs: NonZeroUsize::MIN,
            progress: &|_| {},
            cancelled: &AtomicBool::new(false),
        })?;
        Ok(runs.swap_remove(0))
    }

    fn manifest(&self) -> &certus_model::PluginManifest {
        &self.assignment.plugin.passport().manifest
    }
}
