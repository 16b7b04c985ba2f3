//! From the bindings' change set to the SDK's.

use certus_sdk_core as core;

use crate::bindings::certus::scanner::types::Span;
use crate::bindings::exports::certus::scanner::change as wit;

impl From<wit::ChangeSet> for core::ChangeSet {
    fn from(change: wit::ChangeSet) -> Self {
        Self { base: change.base, head: change.head, files: change.files.into_iter().map(file).collect() }
    }
}

fn file(file: wit::FileChange) -> core::FileChange {
    core::FileChange {
        status: match file.status {
            wit::Status::Added => core::Status::Added,
            wit::Status::Modified => core::Status::Modified,
            wit::Status::Deleted => core::Status::Deleted,
            wit::Status::Renamed => core::Status::Renamed,
            wit::Status::Copied => core::Status::Copied,
            wit::Status::TypeChanged => core::Status::TypeChanged,
        },
        base: file.base.map(side),
        head: file.head.map(side),
        binary: file.binary,
        hunks: file.hunks.into_iter().map(hunk).collect(),
    }
}

fn side(side: wit::Side) -> core::Side {
    core::Side { path: side.path, mode: side.mode, size: side.size, object: side.object }
}

fn hunk(hunk: wit::Hunk) -> core::Hunk {
    core::Hunk {
        removed: span(hunk.removed),
        removed_content: hunk.removed_content,
        added: span(hunk.added),
        added_content: hunk.added_content,
    }
}

fn span(span: Span) -> core::Span {
    core::Span { start: span.start, end: span.end }
}
