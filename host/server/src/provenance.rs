//! What is known of a scan, from its signature to its publication.

use axum::Json as Answer;
use axum::extract::State;
use certus_model::ScanId;
use certus_store::Tainted;
use serde_json::{Value, json};

use crate::caller::Reader;
use crate::openapi::ObjectAnswers;
use crate::problem::Problem;
use crate::query::ScanPath;
use crate::state::Shared;
use crate::time::rfc3339;
use crate::trust::{trust, undecided};

/// What is known of a scan, from its signature to its publication.
#[utoipa::path(get, path = "/v1/provenance/{test_id}", tag = "trust", operation_id = "getProvenance",
    params(("test_id" = String, Path, description = "The scan", example = "test_0123456789ab")),
    responses((status = 200, description = "What is known", body = Object), ObjectAnswers))]
pub(crate) async fn provenance(
    State(state): State<Shared>,
    Reader(caller): Reader,
    ScanPath(id): ScanPath,
) -> Result<Answer<Value>, Problem> {
    let trust = trust(&state)?;
    let known = trust.provenance(caller.reach(), &id).await.map_err(undecided)?;
    let scan = state.services.store.scan(caller.reach(), &id).await?;
    if scan.is_none() && known.entries.is_empty() && known.decisions.is_empty() {
        return Err(Problem::scan_not_found());
    }
    let tainted = state.services.store.tainted(caller.reach(), Some(&id)).await?;
    Ok(Answer(provenance_body(&id, scan.as_ref(), &known, &tainted)))
}

fn provenance_body(
    id: &ScanId,
    scan: Option<&certus_store::Scan>,
    known: &certus_trust::Provenance,
    tainted: &[Tainted],
) -> Value {
    let entry = known.entries.iter().find(|row| row.kind == "scan");
    let decision = known.decisions.first();
    let manifest = scan.and_then(|scan| scan.manifest_digest);
    let vouched = entry.filter(|_| manifest.is_some());
    let is_good = known.verified && tainted.is_empty();
    let permitted = decision.is_some_and(|decision| decision.permitted);
    let verified = permitted && decision.is_some_and(|decision| decision.tier == certus_model::Tier::Verified);
    let published = scan.and_then(|scan| scan.published.clone());
    let scans: Vec<_> = decision
        .and_then(|decision| decision.evidence["plugins"].as_array().cloned())
        .unwrap_or_default()
        .into_iter()
        .map(|plugin| {
            json!({
                "tool": plugin["id"], "version": plugin["version"], "digest": plugin["digest"],
                "signed_by": entry.map(|row| row.signer), "verified_by": if permitted { "trust" } else { "" },
                "timestamp": entry.map(|row| rfc3339(row.at)),
            })
        })
        .collect();
    let trail: Vec<_> = known
        .decisions
        .iter()
        .map(|decision| {
            json!({
                "timestamp": rfc3339(decision.issued_at), "verifier": "trust",
                "result": if decision.permitted { "permitted" } else { "denied" },
                "details": decision.detail, "reason": decision.reason, "upload_permission_id": decision.id,
            })
        })
        .collect();
    json!({
        "scan_id": id,
        "manifest": {
            "version": null, "digest": manifest,
            "signed_by": vouched.map(|row| row.signer), "signed_at": vouched.map(|row| rfc3339(row.at)),
        },
        "scans": scans,
        "verification_trail": trail,
        "storage_locations": {
            "s3": published.as_ref().map(|published| published["marker"].clone()),
            "oci": published.as_ref().and_then(|published| published.get("registry").cloned()),
        },
        "tainted": tainted.iter().map(|one| json!({
            "kind": one.kind, "digest": one.digest, "reason": one.reason, "revoked_at": rfc3339(one.revoked_at),
        })).collect::<Vec<_>>(),
        "chain_status": match (is_good, permitted) {
            (true, true) => "complete",
            (true, false) => "partial",
            (false, _) => "broken",
        },
        "trust_level": match (is_good, verified, permitted) {
            (true, true, _) => "high",
            (true, false, true) => "medium",
            (true, false, false) => "low",
            (false, ..) => "untrusted",
        },
    })
}
