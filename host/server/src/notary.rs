//! What Trust signs for others, and what it knows of signatures.

mod bodies;
mod reading;

use axum::Json as Answer;
use axum::extract::State;
use axum::http::StatusCode;
use certus_store::{LogFilter, LogRow};
use certus_trust::Trust;
use serde_json::{Value, json};

use self::bodies::{
    EntryBody, EntryQuery, ProofBody, ProofQuery, SignArtifactRequest, SignRequest, SignedBody, TransparencyEntry,
    VerifiedBody, VerifyChainRequest, VerifyRequest,
};
use self::reading::{digest, files_of, read_sign};
use crate::body::Json;
use crate::caller::{Reader, Writer};
use crate::fields::{Fields, plain};
use crate::openapi::{BodyAnswers, ListAnswers, ObjectAnswers};
use crate::problem::{Kind, Problem};
use crate::query::{Filter, IdPath};
use crate::scans::in_range;
use crate::state::Shared;
use crate::time::rfc3339;
use crate::trust::{now, trust, undecided};

/// Sign a statement about an artifact, and log it.
#[utoipa::path(post, path = "/v1/sign", tag = "trust", operation_id = "sign", request_body = SignRequest,
    responses((status = 202, description = "It is signed and logged", body = SignedBody), BodyAnswers))]
pub(crate) async fn sign(
    State(state): State<Shared>,
    Writer(caller): Writer,
    Json(body): Json,
) -> Result<(StatusCode, Answer<SignedBody>), Problem> {
    let trust = trust(&state)?;
    let asked = read_sign(body).map_err(Problem::invalid)?;
    let signed = trust.sign_artifact(&asked, &caller.tenant).await.map_err(undecided)?;
    Ok((StatusCode::ACCEPTED, Answer(signed_body(signed.row))))
}

/// What is known of a signature that Trust has made.
#[utoipa::path(post, path = "/v1/verify", tag = "trust", operation_id = "verify", request_body = VerifyRequest,
    responses((status = 200, description = "Whether it is good", body = VerifiedBody), BodyAnswers))]
pub(crate) async fn verify(
    State(state): State<Shared>,
    Reader(caller): Reader,
    Json(body): Json,
) -> Result<Answer<VerifiedBody>, Problem> {
    let trust = trust(&state)?;
    let mut fields = Fields::of(body).map_err(Problem::invalid)?;
    let artifact = digest(&mut fields, "artifact");
    let signature = fields.required_text("signature", 1000);
    let identity = fields.text("identity", 200);
    if !fields.is_absent("certificate") {
        fields.error("certificate", "is never taken: keys sign here, not certificates");
    }
    let _ = fields.take("certificate");
    let (artifact, signature) = fields.finish(artifact.zip(signature)).map_err(Problem::invalid)?;
    let known = trust.verify_signature(caller.reach(), artifact, &signature, identity.as_deref()).await;
    let known = known.map_err(undecided)?;
    Ok(Answer(VerifiedBody {
        valid: known.valid,
        detail: known.why,
        verified_at: now(),
        signer: known.signer.map(|signer| signer.to_string()),
        transparency_index: known.index,
        certificate_chain: None,
    }))
}

/// Entries of the log, the newest first.
#[utoipa::path(get, path = "/v1/transparency", tag = "trust", operation_id = "listEntries", params(EntryQuery),
    responses((status = 200, description = "The entries, without their proofs", body = Vec<EntryBody>), ListAnswers))]
pub(crate) async fn transparency(
    State(state): State<Shared>,
    Reader(caller): Reader,
    Filter(query): Filter<EntryQuery>,
) -> Result<Answer<Vec<EntryBody>>, Problem> {
    let filter = LogFilter {
        assessment: query.assessment_id.map(String::from),
        signer: query.signer.map(String::from),
        artifact: None,
        signature: None,
        offset: in_range("offset", query.offset, 0, 0, 10_000)?,
        limit: in_range("limit", query.limit, 10, 1, 100)?,
    };
    let rows = state.services.store.log_rows(caller.reach(), &filter).await?;
    Ok(Answer(rows.into_iter().map(|row| entry_body(row, None)).collect()))
}

/// One entry, with the proof that the log holds it.
#[utoipa::path(get, path = "/v1/transparency/{id}", tag = "trust", operation_id = "getEntry",
    params(("id" = String, Path, description = "Its id", example = "019abcde-f012-7000-8000-00000000abcd"), ProofQuery),
    responses((status = 200, description = "The entry", body = EntryBody), ObjectAnswers))]
pub(crate) async fn entry(
    State(state): State<Shared>,
    Reader(caller): Reader,
    IdPath(id): IdPath,
    Filter(query): Filter<ProofQuery>,
) -> Result<Answer<EntryBody>, Problem> {
    let row = state.services.store.log_row(caller.reach(), &id).await?;
    let row = row.ok_or_else(|| Problem::new(Kind::NotFound, "There is no such entry"))?;
    let proof = match query.include_proof.unwrap_or(true) {
        false => None,
        true => {
            let (tree_size, hashes, root) = trust(&state)?.prove(&row).await.map_err(undecided)?;
            let hashes = hashes.iter().map(ToString::to_string).collect();
            Some(ProofBody { tree_size, leaf_index: row.index, hashes, root_hash: root.to_string() })
        }
    };
    Ok(Answer(entry_body(row, proof)))
}

/// Sign that Trust has seen an assessment: which of its files carry a good signature, and where they are said to be.
/// Locations are not visited; what is said of them rests on the digests that come along.
#[utoipa::path(post, path = "/v1/sign-artifact", tag = "trust", operation_id = "signArtifact",
    request_body = SignArtifactRequest,
    responses((status = 202, description = "What was found, signed where it holds", body = Object), BodyAnswers))]
pub(crate) async fn sign_artifact(
    State(state): State<Shared>,
    Writer(caller): Writer,
    Json(body): Json,
) -> Result<(StatusCode, Answer<Value>), Problem> {
    let trust = trust(&state)?;
    let mut fields = Fields::of(body).map_err(Problem::invalid)?;
    let locations = fields.take("artifact_locations").unwrap_or_default();
    let inner = fields.take("inner_signatures").unwrap_or_default();
    let metadata = fields.take("assessment_metadata").unwrap_or_default();
    let assessment = metadata["assessment_id"].as_str();
    match assessment.map(|id| plain(id, 128)) {
        None => fields.error("assessment_metadata", "has to hold an `assessment_id`"),
        Some(Err(why)) => fields.error("assessment_metadata", format!("`assessment_id` {why}")),
        Some(Ok(())) => {}
    }
    let files = files_of(&inner, &mut fields, "inner_signatures");
    let files = fields.finish(files).map_err(Problem::invalid)?;
    let assessment = assessment.unwrap_or_default().to_owned();
    let found = trust.custody(&files).await.map_err(undecided)?;
    let identical = locations_agree(&locations);
    let proof = json!({
        "inner_signatures_verified": found.inner_verified,
        "artifact_locations_valid": identical.is_some(),
        "chain_of_custody": match (found.inner_verified, identical) {
            (true, Some(true)) => "complete",
            (true, _) => "warning",
            (false, _) => "broken",
        },
        "both_locations_identical": identical.unwrap_or(false),
        "files": found.files,
        "refused": found.refused,
    });
    if !found.inner_verified {
        let answer = json!({ "status": "failed", "assessment_id": assessment, "outer_signature": null, "verification_proof": proof });
        return Ok((StatusCode::ACCEPTED, Answer(answer)));
    }
    let seen = json!({ "artifact_locations": locations, "assessment_metadata": metadata, "verification_proof": proof, "inner_signatures": inner });
    let signed = trust.sign_assessment(&assessment, &seen, &caller.tenant).await.map_err(undecided)?;
    let answer = json!({
        "status": "signed",
        "assessment_id": assessment,
        "outer_signature": {
            "signer": signed.row.signer, "timestamp": rfc3339(signed.row.at), "signature": signed.row.signature,
            "artifact": format!("sha256:{}", signed.row.artifact), "sigstore_entry_id": signed.row.id,
            "transparency_log_url": format!("/v1/transparency/{}", signed.row.id),
        },
        "verification_proof": proof,
    });
    Ok((StatusCode::ACCEPTED, Answer(answer)))
}

/// Look at both signatures of an assessment, and at the log.
#[utoipa::path(post, path = "/v1/verify-chain", tag = "trust", operation_id = "verifyChain",
    request_body = VerifyChainRequest,
    responses((status = 200, description = "What holds", body = Object), BodyAnswers))]
pub(crate) async fn verify_chain(
    State(state): State<Shared>,
    Reader(caller): Reader,
    Json(body): Json,
) -> Result<Answer<Value>, Problem> {
    let trust = trust(&state)?;
    let mut fields = Fields::of(body).map_err(Problem::invalid)?;
    let locations = fields.take("artifact_locations").unwrap_or_default();
    let signatures = fields.take("signatures").unwrap_or_default();
    let entry = fields.text("sigstore_entry_id", 100);
    let files = files_of(&signatures["inner"], &mut fields, "signatures");
    if let Some(Err(why)) = signatures["outer"]["sigstore_entry_id"].as_str().map(|id| plain(id, 100)) {
        fields.error("signatures", format!("`outer.sigstore_entry_id` {why}"));
    }
    let files = fields.finish(files).map_err(Problem::invalid)?;
    let custody = trust.custody(&files).await.map_err(undecided)?;
    let inner = custody.inner_verified;
    let (row, outer) = outer_row(&state, trust, &caller, &signatures["outer"], entry.as_deref()).await?;
    let outer_valid = outer.is_ok();
    let identical = locations_agree(&locations);
    let has = |name: &str| locations.get(name).is_some_and(Value::is_object);
    // Another assessment's outer signature is good, and says nothing of this one.
    let unbroken = inner && outer_valid && row.as_ref().is_some_and(|row| Trust::is_over(row, &locations, &files));
    let whole = unbroken && identical == Some(true);
    Ok(Answer(json!({
        "chain_verified": whole,
        "inner_signature_valid": inner,
        "inner_refused": custody.refused,
        "outer_signature_valid": outer_valid,
        "outer_refused": outer.err(),
        "chain_unbroken": unbroken,
        "signer_inner": inner.then(|| signatures["inner"]["signer"].clone()),
        "signer_outer": row.as_ref().map(|row| row.signer),
        "sigstore_timestamp": row.as_ref().map(|row| rfc3339(row.at)),
        "artifact_locations": {
            "s3_valid": has("s3") && identical.is_some(), "registry_valid": has("registry") && identical.is_some(),
            "digests_match": identical.unwrap_or(false), "content_identical": identical.unwrap_or(false),
        },
        "non_repudiation": {
            "assurance_accountable": inner, "trust_verified": outer_valid, "timestamp_authority": null,
            "provenance_chain": if whole { "complete" } else { "broken" },
        },
    })))
}

/// The entry that an outer signature names, and whether it is good: if not, why.
async fn outer_row(
    state: &Shared,
    trust: &Trust,
    caller: &crate::caller::Caller,
    outer: &Value,
    entry: Option<&str>,
) -> Result<(Option<LogRow>, Result<(), String>), Problem> {
    let unknown = |why: &str| Ok((None, Err(why.to_owned())));
    let Some(id) = entry.or(outer["sigstore_entry_id"].as_str()) else { return unknown("no entry is named") };
    let Some(row) = state.services.store.log_row(caller.reach(), id).await? else {
        return unknown("there is no such entry");
    };
    let mut good = trust.verify_row(&row).await.map_err(undecided)?;
    if outer["signature"].as_str() != Some(&row.signature) {
        good = Err("it is not the signature of the entry".to_owned());
    }
    Ok((Some(row), good))
}

/// Whether all locations name the same digest; none where one names none.
fn locations_agree(locations: &Value) -> Option<bool> {
    let digests: Vec<_> = locations.as_object()?.values().map(|place| place["digest"].as_str()).collect();
    let all: Option<Vec<_>> = digests.into_iter().collect();
    let all = all.filter(|all| !all.is_empty())?;
    Some(all.iter().all(|digest| *digest == all[0]))
}

fn signed_body(row: LogRow) -> SignedBody {
    let envelope = serde_json::from_str(&row.envelope).unwrap_or(Value::Null);
    SignedBody {
        transparency_entry: TransparencyEntry { uuid: row.id.clone(), index: row.index, timestamp: rfc3339(row.at) },
        entry_id: row.id,
        signature: row.signature,
        certificate: None,
        envelope,
    }
}

fn entry_body(row: LogRow, proof: Option<ProofBody>) -> EntryBody {
    EntryBody {
        entry_id: row.id,
        index: row.index,
        artifact: format!("sha256:{}", row.artifact),
        kind: row.kind,
        scan_id: row.scan.map(|scan| scan.to_string()),
        assessment_id: row.assessment,
        timestamp: rfc3339(row.at),
        signer: row.signer.to_string(),
        signature: row.signature,
        proof,
    }
}
