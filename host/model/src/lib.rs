#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]
#![deny(missing_docs)]

pub mod canonical;
pub mod coverage;
pub mod decision;
pub mod digest;
pub mod document;
pub mod escape;
pub mod finding;
pub mod ids;
pub mod inventory;
pub mod ledger;
pub mod limits;
pub mod manifest;
pub mod outcome;
pub mod path;
pub mod plugin;
pub mod request;
pub mod run;
pub mod severity;
pub mod size;
pub mod source;
pub mod state;
pub mod words;
pub mod workspace;

pub use canonical::canonical_json;
pub use digest::Sha256;
pub use finding::{Finding, Location, Parameter, Revision, Span, Value};
pub use ids::{AssessmentId, ComponentId, CredentialName, PluginId, RuleId, ScanId, TenantId, UploadId, WorkspaceId};
pub use outcome::{FailureReason, Mode};
pub use path::RepoPath;
pub use plugin::PluginManifest;
pub use run::PluginRun;
pub use severity::{Confidence, Severity};
pub use state::{DenialReason, JobState, Lane, OnError, Role, ScanStatus, Scope, Tier, UploadStatus};
