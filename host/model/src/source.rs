//! Where a workspace came from, as it is recorded: nothing in it needs redaction.

use serde::{Deserialize, Serialize};

use crate::Sha256;

/// The recorded origin of a workspace. URLs have lost their credentials, local paths are those the
/// caller gave.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "source_type", deny_unknown_fields)]
pub enum SourceRecord {
    /// A git repository at one commit.
    Git {
        /// URL or path, without credentials.
        git_url: String,
        /// The commit that was scanned, in full.
        git_commit: String,
        /// The commit's own time (committer), seconds since 1970; SBOM times derive from it.
        commit_time: i64,
        /// The branch, tag or commit that was asked for; none means the default branch.
        #[serde(skip_serializing_if = "Option::is_none")]
        branch: Option<String>,
    },
    /// A directory as it was.
    Directory {
        /// The path as given.
        directory_path: String,
    },
    /// An archive file.
    Archive {
        /// The file's name.
        archive_name: String,
        /// SHA-256 of the file.
        archive_hash: Sha256,
    },
}

impl SourceRecord {
    /// The word for the kind: `git`, `directory` or `archive`.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Git { .. } => "git",
            Self::Directory { .. } => "directory",
            Self::Archive { .. } => "archive",
        }
    }

    /// The commit's time; 0 where there is none, so that results do not depend on when a scan ran.
    pub const fn commit_time(&self) -> i64 {
        match self {
            Self::Git { commit_time, .. } => *commit_time,
            _ => 0,
        }
    }

    /// A short name of what was scanned, the same from whatever place it was taken: where a clone lies
    /// must not show in a result.
    pub fn name(&self) -> String {
        match self {
            Self::Git { git_commit, .. } => format!("commit {}", git_commit.get(..12).unwrap_or(git_commit)),
            Self::Directory { .. } => "directory".to_owned(),
            Self::Archive { archive_hash, .. } => format!("archive {}", &archive_hash.to_string()[..12]),
        }
    }
}
