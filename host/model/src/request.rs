//! What a client asked the service to scan, as it is kept until a worker takes it.

use serde::{Deserialize, Serialize};

use crate::ids::{CredentialName, UploadId};

/// One scan as it was asked for: everything a worker needs that is not the host's own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ScanRequest {
    /// What is scanned.
    pub source: RequestedSource,
    /// Which profile: which plugins run, and what they may find.
    pub profile: String,
    /// Where the scan manifest comes from.
    pub manifest: RequestedManifest,
}

/// A source before anybody has looked at it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "kind", deny_unknown_fields)]
pub enum RequestedSource {
    /// A git repository: an `https` address, or a path inside the workspace root.
    Git {
        /// As the client wrote it; it holds no login.
        url: String,
        /// A branch or tag; a commit wins.
        branch: Option<String>,
        /// A commit id.
        commit: Option<String>,
        /// The tenant's stored login that opens it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        credential: Option<CredentialName>,
    },
    /// A directory inside the workspace root.
    Directory {
        /// Absolute, or relative to the root.
        path: String,
    },
    /// An archive that was uploaded.
    Upload {
        /// What the upload was answered with.
        id: UploadId,
    },
    /// An archive inside the workspace root.
    Archive {
        /// Absolute, or relative to the root.
        path: String,
    },
    /// The sample workspace that comes with the host; only where the operator has set sample mode.
    Sample,
}

/// A scan manifest before anybody has looked at it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "kind", deny_unknown_fields)]
pub enum RequestedManifest {
    /// None: the built-in profile of that name runs.
    None,
    /// Sent along.
    Inline {
        /// Its canonical JSON, whose SHA-256 is the digest that clients are told.
        text: String,
        /// A detached signature over `text`, in base64.
        signature: Option<String>,
    },
    /// In the tree that is scanned; its signature, where one is needed, lies beside it as `PATH.sig`.
    InTree {
        /// Relative to the root of the tree.
        path: String,
    },
    /// Somewhere else.
    Uri {
        /// `file`, within the workspace root, `https`, `s3` or `oci`.
        uri: String,
        /// Of the detached signature, in base64.
        signature_uri: String,
    },
}

impl RequestedSource {
    /// The word for the kind as clients know it: `git`, `directory` or `archive`.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Git { .. } => "git",
            Self::Directory { .. } | Self::Sample => "directory",
            Self::Upload { .. } | Self::Archive { .. } => "archive",
        }
    }
}
