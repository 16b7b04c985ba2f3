use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use certus_bundle::{Mode, Output};
use certus_checkout::{Reference, Source};
use certus_model::{AssessmentId, ComponentId, OnError, ScanId, Severity, TenantId, WorkspaceId};
use certus_report::Baseline;
use certus_signing::SigningKey;
use serde::Serialize;

use crate::event::EventLine;
use crate::manifest::Manifest;

/// One scan.
pub struct Request<'a> {
    /// The scan's id.
    pub id: ScanId,
    /// Whose it is, in the words of a client; the local command has none.
    pub labels: Option<Labels>,
    /// Whose tenant's scan it is; none on a machine of one user.
    pub tenant: Option<TenantId>,
    /// Signs in the host's place: a tenant's own key.
    pub key: Option<Arc<SigningKey>>,
    /// What is scanned.
    pub subject: Subject,
    /// Which profile.
    pub profile: String,
    /// The scan manifest.
    pub manifest: Manifest,
    /// Plugin files that run whatever the profile says.
    pub plugins: Vec<PathBuf>,
    /// What was looked at before and may pass.
    pub baseline: Baseline,
    /// Fail on any finding of this severity or worse.
    pub fail_on: Option<Severity>,
    /// What the decision `error` means to whoever gates on it.
    pub on_error: OnError,
    /// Worker threads.
    pub jobs: NonZeroUsize,
    /// Where the bundle goes.
    pub output: Output,
    /// The number of the first event: above 0 where an earlier attempt has told some.
    pub first_event: u64,
    /// Told of every event but the last, which is in the outcome.
    pub watch: &'a (dyn Fn(&EventLine) + Sync),
    /// Set to stop.
    pub cancelled: &'a AtomicBool,
}

/// What is scanned.
#[expect(clippy::large_enum_variant, reason = "there is one for a scan, and it is moved once")]
pub enum Subject {
    /// What somebody asked for.
    Source {
        /// Where it lies.
        source: Source,
        /// Which branch, tag or commit.
        reference: Option<Reference>,
    },
    /// The sample that comes with the host, in its bundle told from every scan.
    Sample,
}

/// What a client calls a scan: kept in `scan.json`, and nothing depends on it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Labels {
    /// The workspace.
    pub workspace_id: WorkspaceId,
    /// The asset under test.
    pub component_id: ComponentId,
    /// The campaign.
    pub assessment_id: AssessmentId,
    /// Who asked, in the client's own words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub requested_by: Option<String>,
}

impl Subject {
    /// Whether it is the sample.
    pub const fn mode(&self) -> Mode {
        match self {
            Self::Source { .. } => Mode::Production,
            Self::Sample => Mode::Sample,
        }
    }
}
