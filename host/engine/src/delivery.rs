//! What a `files` plugin would be given, for tools that call it themselves.

use certus_model::workspace::Workspace;

use crate::error::Error;
use crate::interest::Filter;
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
