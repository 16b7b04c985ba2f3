//! Runs installed plugins over stored objects, for what they see alone: nothing is signed and nothing is decided.

use std::collections::BTreeMap;
use std::fmt;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::atomic::AtomicBool;

use certus_catalog::Catalog;
use certus_checkout::Scratch;
use certus_model::PluginRun;
use certus_model::coverage::{FileState, RunStatus};
use certus_model::limits::{Limits, WorkspaceLimits};
use certus_model::workspace::Workspace;
use certus_sandbox::Admission;
use certus_transform::{Given, Inspector, Seen};

use crate::choose::{assign, lay_out};
use crate::error::Error;
use crate::worker::{Assigned, Work, Worker};

/// What looks into objects with plugins, in the same sandboxes and processes as a scan.
pub struct PluginInspector {
    /// Their ids or short names.
    pub plugins: Vec<String>,
    /// Folder of installed plugins.
    pub folder: PathBuf,
    /// Admits them.
    pub admission: Admission,
    /// Runs them.
    pub worker: Worker,
    /// Temporary files.
    pub scratch: Scratch,
    /// Ceiling of every plugin's limits.
    pub limits: Limits,
    /// Budgets of what is looked at together.
    pub workspace: WorkspaceLimits,
    /// Threads at a time.
    pub threads: NonZeroUsize,
}

impl fmt::Debug for PluginInspector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("PluginInspector").field(&self.plugins).finish()
    }
}

impl Inspector for PluginInspector {
    fn inspect(&self, objects: Vec<Given>) -> Result<Vec<Seen>, String> {
        self.run(objects).map_err(|error| error.told())
    }
}

impl PluginInspector {
    /// Sees that its plugins are installed. They are looked for again each time that they are needed.
    ///
    /// # Errors
    /// The first that is not, and files that are no plugins.
    pub fn check(&self) -> Result<(), Error> {
        let catalog = Catalog::open(&self.folder, &[], &self.admission)?;
        Ok(self.plugins.iter().try_for_each(|name| catalog.plugin(name).map(drop))?)
    }

    fn run(&self, objects: Vec<Given>) -> Result<Vec<Seen>, Error> {
        let mut assigned = self.assigned()?;
        let paths: Vec<_> = objects.iter().map(|object| object.path.clone()).collect();
        let files = objects.into_iter().map(|object| (object.path, object.size, object.file)).collect();
        let cancelled = AtomicBool::new(false);
        let workspace = certus_checkout::seal_files(files, &self.workspace, &self.scratch, &cancelled)?;
        lay_out(&mut assigned, &workspace, &self.scratch)?;
        let done = self.worker.run(&Work {
            workspace: &workspace,
            assigned: &assigned,
            jobs: self.threads,
            progress: &|_| {},
            cancelled: &cancelled,
            log_fields: &BTreeMap::new(),
        })?;
        let seen: Vec<_> = (0..workspace.entries().len()).map(|at| seen(&done.runs, &workspace, at)).collect();
        // The workspace has its own order.
        Ok(paths.iter().filter_map(|path| Some(seen[workspace.find(path)?].clone())).collect())
    }

    fn assigned(&self) -> Result<Vec<Assigned>, Error> {
        let catalog = Catalog::open(&self.folder, &[], &self.admission)?;
        let assign = |name: &String| {
            let entry = catalog.plugin(name)?;
            assign(&self.admission, &self.limits, entry, entry.passport.manifest.default_settings())
        };
        self.plugins.iter().map(assign).collect()
    }
}

/// What all plugins together saw in one object. What one of them did not look at and might have is a gap, whatever
/// the reason, and so is what none of them reads.
fn seen(runs: &[PluginRun], workspace: &dyn Workspace, at: usize) -> Seen {
    let path = &workspace.entries()[at].path;
    let mut seen = Seen::default();
    let mut is_read = false;
    for run in runs {
        let plugin = run.manifest.plugin.id.short_name();
        for finding in run.findings.iter().filter(|finding| finding.at.path == *path) {
            *seen.findings.entry(format!("{plugin}/{}", finding.rule)).or_default() += 1;
        }
        // A run that was cut, or whose answer was refused in part, may have lost what it saw anywhere.
        let is_cut = run.refused.any() || run.problems > 0 || matches!(run.status, RunStatus::Failed(_));
        let state = run.files[at];
        let gap = match state {
            FileState::Skipped(_) | FileState::Failed(_) => Some(state.to_string()),
            FileState::Analysed if is_cut => Some("incomplete".to_owned()),
            FileState::Analysed | FileState::Prefiltered | FileState::NotOfInterest => None,
        };
        is_read |= state != FileState::NotOfInterest;
        seen.gap = seen.gap.or_else(|| gap.map(|gap| format!("{plugin}: {gap}")));
    }
    if !is_read {
        seen.gap = Some("no scanner reads such objects".to_owned());
    }
    seen
}
