//! Whether a scan's own decision may be published, after what reviewers accept.

use certus_model::decision::PolicyResult;
use certus_model::outcome::Verdict;
use certus_model::severity::SeverityCounts;
use certus_model::{DenialReason, OnError, Severity, Tier};
use certus_store::Revocable;
use serde_json::Value as Json;

use super::{Denial, Grounds, Judged, Waived, revoked};
use crate::policy::Coverage;
use crate::submission::{FINDINGS, POLICY_RESULT, Submission};
use crate::waiver::{self, Waiver};

/// Looks at the decision, which the statement says to be `claimed`.
pub(super) fn look(
    judged: &mut Judged,
    submission: &Submission,
    claimed: Verdict,
    grounds: &Grounds<'_>,
) -> Result<(), Denial> {
    use DenialReason::{ArtifactMismatch, CoverageIncomplete, DecisionNotAccepted};
    const NAME: &str = "decision";
    let rules = grounds.policy.tier(submission.tier);
    let result = submission.document(POLICY_RESULT).and_then(|text| serde_json::from_slice::<PolicyResult>(text).ok());
    let Some(result) = result else {
        return judged.deny(NAME, ArtifactMismatch, format!("{POLICY_RESULT} did not come along or is none"));
    };
    if result.decision != claimed {
        let detail = format!("{POLICY_RESULT} says another decision than the statement");
        return judged.deny(NAME, ArtifactMismatch, detail);
    }
    // A tenant that fails open has said that it takes an error for nothing worse; the tier `verified` does not.
    let open = submission.tier == Tier::Basic && result.on_error == OnError::Open;
    if !result.gaps.is_empty() && rules.coverage == Coverage::Complete && !open {
        let detail = format!("{} things were not looked at; the first: {}", result.gaps.len(), result.gaps[0]);
        return judged.deny("coverage", CoverageIncomplete, detail);
    }
    judged.pass("coverage", format!("{} gaps", result.gaps.len()));
    let mut effective = result.decision;
    if result.decision == Verdict::Fail {
        let (waived, counts) = reviewed(submission, grounds);
        judged.waived = waived;
        if counts.is_some_and(|counts| is_within(&counts, &result)) {
            effective = Verdict::Pass;
        }
    }
    if rules.decisions.contains(&effective) || (open && effective == Verdict::Error) {
        let waivers = judged.waived.len();
        judged.pass(NAME, format!("{}, {waivers} findings accepted by reviewers", result.decision));
        return Ok(());
    }
    let first = result.violations.first().or(result.gaps.first()).cloned().unwrap_or_default();
    let (decision, tier) = (result.decision, submission.tier);
    let detail = format!("the decision is `{decision}`, which the tier `{tier}` does not accept: {first}");
    judged.deny(NAME, DecisionNotAccepted, detail)
}

/// The findings that reviewers accept now, and how many of each severity are left that count; none where that cannot be
/// said, because findings did not come along or have a severity that is not known.
fn reviewed(submission: &Submission, grounds: &Grounds<'_>) -> (Vec<Waived>, Option<SeverityCounts>) {
    let document = submission.document(FINDINGS).and_then(|text| serde_json::from_slice::<Json>(text).ok());
    let findings = document.as_ref().and_then(|document| document["findings"].as_array());
    let mut waived = Vec::new();
    let mut counts = findings.map(|_| SeverityCounts::default());
    for finding in findings.into_iter().flatten() {
        if let Some(by) = waiver_of(finding, grounds) {
            waived.push(by);
        } else if finding.get("suppressed").is_none_or(Json::is_null) {
            let severity = serde_json::from_value::<Severity>(finding["severity"].clone()).ok();
            counts = counts.zip(severity).map(|(mut counts, severity)| {
                counts.add(severity);
                counts
            });
        }
    }
    (waived, counts)
}

/// Who accepts this finding, as it is, now.
fn waiver_of(finding: &Json, grounds: &Grounds<'_>) -> Option<Waived> {
    let (fingerprint, content) = (finding["fingerprint"].as_str()?, waiver::content(finding));
    let mut waivers = grounds.policy.waivers().iter().filter(|waiver| is_trusted(waiver, grounds));
    let waiver = waivers.find(|waiver| waiver.accepts(fingerprint, content, grounds.now))?;
    let terms = waiver.terms();
    Some(Waived {
        fingerprint: fingerprint.to_owned(),
        reviewer: terms.reviewer.to_string(),
        reason: terms.reason.clone(),
        expires_at: terms.expires_at.clone(),
        waiver: waiver.digest(),
    })
}

/// Whether the reviewer's key is revoked nowhere: neither here, nor in Trust's key folder where that knows it.
fn is_trusted(waiver: &Waiver, grounds: &Grounds<'_>) -> bool {
    let key = waiver.signer();
    let known = grounds.keys.good_at(&key, grounds.now);
    revoked(grounds, Revocable::Signer, key).is_none()
        && !matches!(known, Err(certus_signing::Error::KeyRevoked { .. }))
}

/// Whether no severity has more findings than pass.
fn is_within(counts: &SeverityCounts, result: &PolicyResult) -> bool {
    let all = [Severity::Critical, Severity::High, Severity::Medium, Severity::Low];
    all.into_iter().all(|severity| result.thresholds.get(severity).is_none_or(|most| counts.get(severity) <= most))
}
