//! What a plugin would be given, for those who prepare its run or call it themselves.

use certus_model::plugin::Capability;
use certus_model::workspace::Workspace;
use certus_sandbox::Passport;

use crate::error::Error;
use crate::interest::{Filter, granted_globs};
use crate::prefilter::Prefilter;
use crate::scan::Assignment;

/// One file as the engine would hand it over.
#[derive(Debug, Clone)]
pub struct Delivery {
    /// The entry's index.
    pub index: usize,
    /// Keyword index and first byte of each hit, in order.
    pub hits: Vec<(u32, u64)>,
    /// Whether these are all.
    pub hits_complete: bool,
}

/// The files of `workspace` that must be laid out for a plugin of that passport; none for one that does
/// not read through WASI.
pub fn wasi_files(passport: &Passport, workspace: &dyn Workspace) -> Option<Vec<usize>> {
    if !passport.imported.contains(&Capability::Wasi) {
        return None;
    }
    let globs = granted_globs(&passport.manifest);
    let entries = workspace.entries().iter().enumerate();
    Some(entries.filter(|(_, e)| e.kind.is_file() && globs.is_match(e.path.as_str())).map(|(i, _)| i).collect())
}

/// The files of `workspace` that `assignment` would be given, in order.
///
/// # Errors
/// Content that can no longer be read, or keywords that make no automaton.
pub fn deliveries(workspace: &dyn Workspace, assignment: &Assignment) -> Result<Vec<Delivery>, Error> {
    let interest = &assignment.plugin.passport().manifest.interest;
    let filter = Filter::new(interest);
    let prefilter = Prefilter::new(std::iter::once(interest.keywords.as_slice()))?;
    let mut deliveries = Vec::new();
    for (index, entry) in workspace.entries().iter().enumerate() {
        if filter.refuses(entry).is_some() {
            continue;
        }
        let content = workspace.read(index)?;
        for hits in prefilter.hits(&content, |_| assignment.limits.hits) {
            if filter.refuses_content(&content, !hits.places.is_empty()).is_none() {
                deliveries.push(Delivery { index, hits: hits.places, hits_complete: hits.complete });
            }
        }
    }
    Ok(deliveries)
}
