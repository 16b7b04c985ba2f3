//! What a plugin looks at, as compiled globs.

use certus_model::coverage::{FileState, SkipReason};
use certus_model::plugin::{Interest, PluginManifest};
use certus_model::workspace::{Entry, EntryKind};
use globset::{GlobBuilder, GlobSet, GlobSetBuilder};

/// git's own test for binary files: a NUL byte among the first 8,000.
const BINARY_WINDOW: usize = 8_000;

/// A `files` plugin's interest, ready to be asked.
pub(crate) struct Filter {
    /// None means every path.
    include: Option<GlobSet>,
    exclude: GlobSet,
    max_file_size: u64,
    binary: bool,
    has_keywords: bool,
}

impl Filter {
    pub(crate) fn new(interest: &Interest) -> Self {
        Self {
            include: (!interest.include.is_empty()).then(|| glob_set(interest.include.iter().map(String::as_str))),
            exclude: glob_set(interest.exclude.iter().map(String::as_str)),
            max_file_size: interest.max_file_size.0,
            binary: interest.binary,
            has_keywords: !interest.keywords.is_empty(),
        }
    }

    /// Why the entry is not given to the plugin, as far as that is known without its content.
    pub(crate) fn refuses(&self, entry: &Entry) -> Option<FileState> {
        let path = entry.path.as_str();
        if self.exclude.is_match(path) || self.include.as_ref().is_some_and(|set| !set.is_match(path)) {
            return Some(FileState::NotOfInterest);
        }
        match entry.kind {
            EntryKind::Symlink => Some(FileState::Skipped(SkipReason::Symlink)),
            EntryKind::Submodule => Some(FileState::Skipped(SkipReason::Submodule)),
            _ if entry.size > self.max_file_size => Some(FileState::Skipped(SkipReason::TooLarge)),
            _ => None,
        }
    }

    /// The same, given the content and whether a keyword occurs in it.
    pub(crate) fn refuses_content(&self, content: &[u8], any_hit: bool) -> Option<FileState> {
        let window = &content[..content.len().min(BINARY_WINDOW)];
        if !self.binary && window.contains(&0) {
            return Some(FileState::Skipped(SkipReason::Binary));
        }
        (self.has_keywords && !any_hit).then_some(FileState::Prefiltered)
    }
}

/// The globs of what a plugin may read beyond the files that are pushed to it.
pub(crate) fn granted_globs(manifest: &PluginManifest) -> GlobSet {
    glob_set(manifest.capabilities.read_globs())
}

/// `*` stays within one name, `**` spans folders. The manifest's check has compiled each glob before.
fn glob_set<'a>(globs: impl Iterator<Item = &'a str>) -> GlobSet {
    let mut builder = GlobSetBuilder::new();
    for glob in globs.filter_map(|g| GlobBuilder::new(g).literal_separator(true).build().ok()) {
        builder.add(glob);
    }
    builder.build().unwrap_or_else(|_| GlobSet::empty())
}
