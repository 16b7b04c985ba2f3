//! The run of a plugin that never came to an end.

use std::collections::BTreeMap;
use std::sync::Arc;

use certus_model::PluginRun;
use certus_model::coverage::{FileState, Refused, RunStatus};
use certus_model::ledger::Uses;
use certus_model::outcome::CallReason;
use certus_model::plugin::{Export, SettingValue};
use certus_model::run::Cost;
use certus_model::workspace::Workspace;
use certus_sandbox::Passport;

use crate::interest::{Filter, granted_globs};

/// A run of which nothing is known but that it failed: every file that the plugin could have looked at
/// counts as not looked at.
pub fn failed_run(
    passport: &Passport,
    settings: &BTreeMap<String, SettingValue>,
    workspace: &dyn Workspace,
    reason: CallReason,
) -> PluginRun {
    let manifest = &passport.manifest;
    let filter = manifest.exports(Export::Files).then(|| Filter::new(&manifest.interest));
    let granted = granted_globs(manifest);
    let files = workspace.entries().iter().map(|entry| {
        let read = entry.kind.is_file() && granted.is_match(entry.path.as_str());
        match filter.as_ref().map(|filter| filter.refuses(entry)) {
            Some(None) => FileState::Failed(reason),
            _ if read => FileState::Failed(reason),
            Some(Some(state)) => state,
            None => FileState::NotOfInterest,
        }
    });
    PluginRun {
        manifest: Arc::new(manifest.clone()),
        digest: passport.digest,
        settings: settings.clone(),
        status: RunStatus::Failed(reason),
        findings: Vec::new(),
        dependencies: Vec::new(),
        files: files.collect(),
        refused: Refused::default(),
        problems: 0,
        uses: Uses::default(),
        cost: Cost::default(),
    }
}
