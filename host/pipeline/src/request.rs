use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::atomic::AtomicBool;

use certus_bundle::Output;
use certus_checkout::{Reference, Source};
use certus_model::{ScanId, Severity};
use certus_report::Baseline;

use crate::event::{Event, Plan};

/// One scan.
pub struct Request<'a> {
    /// The scan's id.
    pub id: ScanId,
    /// What is scanned.
    pub source: Source,
    /// Which branch, tag or commit.
    pub reference: Option<Reference>,
    /// Which profile.
    pub profile: String,
    /// The scan manifest as given.
    pub manifest: Option<Vec<u8>>,
    /// Plugin files that run whatever the profile says.
    pub plugins: Vec<PathBuf>,
    /// What was looked at before and may pass.
    pub baseline: Baseline,
    /// Fail on any finding of this severity or worse.
    pub fail_on: Option<Severity>,
    /// Worker threads.
    pub jobs: NonZeroUsize,
    /// Where the bundle goes.
    pub output: Output,
    /// Told of every event.
    pub watch: &'a (dyn Fn(&Event) + Sync),
    /// Told of progress.
    pub progress: &'a (dyn Fn(Plan) + Sync),
    /// Set to stop.
    pub cancelled: &'a AtomicBool,
}
