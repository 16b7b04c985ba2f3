//! The bundle of a scan without a report: it says that there is none and why, and nothing else.

use std::sync::Arc;

use certus_bundle::{BundleFiles, End, FileName, Mode, Output, ScanFacts, ScanFailure, UtcTime};
use certus_model::decision::PolicyResult;
use certus_model::escape::one_line;
use certus_model::{FailureReason, OnError, ScanId, Sha256, TenantId, canonical_json};
use certus_signing::SigningKey;

use crate::error::Error;
use crate::event::{Event, EventLine, Events};
use crate::host::Host;
use crate::log::LogLabels;
use crate::record::{FailureRecord, RunRecord, VERSION, now};
use crate::request::Labels;

/// The longest of the texts that come from outside, in bytes.
const MAX_TEXT: usize = 2000;

/// A scan that ended without a report.
pub struct Failure {
    /// The scan's id.
    pub id: ScanId,
    /// Whose it is, in the words of a client.
    pub labels: Option<Labels>,
    /// Whose tenant's scan it is; none on a machine of one user.
    pub tenant: Option<TenantId>,
    /// Signs in the host's place: a tenant's own key.
    pub key: Option<Arc<SigningKey>>,
    /// Whether the sample was to be scanned.
    pub mode: Mode,
    /// What was to be scanned, as it was asked for, without secrets.
    pub asked: String,
    /// Which profile.
    pub profile: String,
    /// What the decision `error` means to whoever gates on it.
    pub on_error: OnError,
    /// Why; it also says whether the scan failed or was called off.
    pub reason: FailureReason,
    /// The same in a sentence that whoever asked may read ([`Error::told`]).
    pub message: String,
    /// What was told before, in order.
    pub events: Vec<EventLine>,
    /// When it began; none if it never did.
    pub started_at: Option<UtcTime>,
}

/// A failure that is on record.
pub struct Recorded {
    /// The policy's answer: `error`.
    pub policy: PolicyResult,
    /// The digest over the `result` group.
    pub result_digest: Sha256,
    /// Whether the development key signed.
    pub development: bool,
    /// What has been added to the events: `error`, and `scan_complete` last. Nobody has been told of them.
    pub events: Vec<EventLine>,
}

/// Writes the signed bundle of a scan that failed or was called off.
///
/// # Errors
/// The bundle could not be written; then nothing is left behind.
pub fn record_failure(host: &Host, failure: Failure, output: Output) -> Result<Recorded, Error> {
    let Failure { id, tenant, labels, key, mode, asked, profile, on_error, reason, message, events, started_at } =
        failure;
    let (key, told) = (key.as_deref().unwrap_or(&host.key), events);
    let (asked, message) = (one_line(&asked, MAX_TEXT), one_line(&message, MAX_TEXT));
    let mut events = Events::new(0, &|_| {});
    told.iter().try_for_each(|line| events.again(line))?;
    let mut added = Vec::with_capacity(2);
    // Called off is no error of anybody's.
    if reason != FailureReason::Cancelled {
        added.push(events.keep(Event::Error { message: message.clone() })?);
    }
    added.push(events.keep(Event::failed(reason))?);

    let finished_at = now()?;
    let started_at = started_at.unwrap_or_else(|| finished_at.clone());
    let policy = PolicyResult::of_failure(format!("nothing was scanned ({reason}): {message}"), on_error);
    let mut bundle = BundleFiles::default();
    bundle.insert(FileName::PolicyResult, canonical_json(&policy)?)?;
    bundle.insert(FileName::Events, events.into_lines())?;
    let record = FailureRecord {
        run: RunRecord {
            test_id: &id,
            labels: labels.as_ref(),
            status: reason.status(),
            mode,
            decision: policy.decision,
            profile: &one_line(&profile, MAX_TEXT),
            artifacts: bundle.artifacts(),
            warnings: Vec::new(),
            errors: vec![message.clone()],
            started_at: &started_at,
            completed_at: &finished_at,
            host_version: VERSION,
        },
        asked: &asked,
        reason,
    };
    bundle.insert(FileName::Scan, canonical_json(&record)?)?;
    let end = End::Failure(ScanFailure { asked, reason, message });
    let facts = ScanFacts { scan_id: id.clone(), mode, end, started_at, finished_at, host_version: VERSION.to_owned() };
    let staged = output.stage(&bundle, facts, key)?;
    let assessment = labels.as_ref().map(|labels| &labels.assessment_id);
    let labels = LogLabels { tenant: tenant.as_ref(), scan: &id, assessment };
    // Nobody could tell it to stop, so it is tried once.
    host.log.add(&staged, key, labels, None)?;
    let written = staged.put_in_place()?;
    Ok(Recorded { policy, result_digest: written.result_digest(), development: key.is_development(), events: added })
}
