//! Trust's own paths: permits, revocations, and how it stands.

use axum::Json as Answer;
use axum::extract::State;
use axum::http::StatusCode;
use certus_model::{Role, Sha256, TenantId};
use certus_store::{Revocable, Tainted};
use certus_trust::{Submission, Trust};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use crate::body::{Json, Large};
use crate::caller::{AdminReader, AdminWriter, Caller, Reader, Writer};
use crate::fields::{Fields, plain};
use crate::openapi::{BodyAnswers, ListAnswers, OpenAnswers};
use crate::problem::{FieldError, Kind, Problem};
use crate::state::Shared;
use crate::time::rfc3339;

/// A request for a permit.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({"scan_id": "test_0123456789ab", "tier": "basic", "artifacts": [], "documents": {}}))]
pub(crate) struct PermitRequest {
    #[schema(pattern = "^test_[0-9a-f]{12}$")]
    scan_id: String,
    /// Whose scan it is; a key of one tenant need not say.
    tenant_id: Option<String>,
    /// `basic` or `verified`.
    #[schema(example = "verified")]
    tier: String,
    /// The signature that the statement carries.
    #[schema(value_type = Option<Object>)]
    inner_signature: Option<Value>,
    /// Every file that is to be published: `name`, `hash` (`sha256:…`), `size`.
    artifacts: Vec<PermitArtifact>,
    /// What was scanned, for people: `git_url`, `branch`, `commit`, `requested_by`.
    #[schema(value_type = Option<Object>)]
    metadata: Option<Value>,
    /// `raw_s3` and `oci_registry`.
    #[schema(value_type = Option<Object>)]
    storage_destinations: Option<Value>,
    /// Where it is to be published.
    destination: Option<String>,
    /// The files that the decision rests on, by path, each base64.
    #[schema(value_type = Option<Object>)]
    documents: Option<Value>,
}

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PermitArtifact {
    name: String,
    #[schema(example = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")]
    hash: String,
    #[schema(minimum = 0)]
    size: i64,
}

/// What Trust has decided.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PermitAnswer {
    upload_permission_id: String,
    scan_id: String,
    tier: String,
    permitted: bool,
    #[schema(required = true)]
    reason: Option<String>,
    #[schema(required = true)]
    detail: Option<String>,
    /// Everything that was looked at.
    #[schema(value_type = Object)]
    evidence: Value,
    #[schema(required = true, value_type = Option<Object>)]
    verification_proof: Option<Value>,
    #[schema(required = true, value_type = Option<Object>)]
    storage_config: Option<Value>,
    /// The signed permit (DSSE): single use, and void after its time.
    #[schema(required = true, value_type = Option<Object>)]
    permit: Option<Value>,
    /// The signed verdict (DSSE, a SLSA verification summary).
    #[schema(value_type = Object)]
    vsa: Value,
    #[schema(required = true, value_type = Option<Object>)]
    svr: Option<Value>,
    #[schema(required = true)]
    expires_at: Option<String>,
}

/// How Trust stands.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct TrustStats {
    /// Signatures in the log.
    total_signatures: i64,
    /// Entries of the log.
    total_transparency_entries: i64,
    verification_stats: VerificationStats,
    /// Who has signed them, by the ids of keys.
    signers: Vec<String>,
    #[schema(format = DateTime)]
    timestamp: String,
}

/// Decisions, denials among them.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct VerificationStats {
    total: i64,
    successful: i64,
    failed: i64,
}

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct TrustHealth {
    #[schema(example = "ok")]
    status: &'static str,
    #[schema(format = DateTime)]
    timestamp: String,
}

/// What Trust rests on, under the names that clients know.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct TrustReady {
    ready: bool,
    checks: TrustChecks,
    #[schema(format = DateTime)]
    timestamp: String,
}

/// What stands in the place of each.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct TrustChecks {
    /// A key to sign with.
    fulcio: bool,
    /// The transparency log.
    rekor: bool,
    /// The policy.
    tuf: bool,
    /// The database, and the keys in it.
    keycloak: bool,
}

/// Something that is no longer trusted.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({"kind": "plugin",
    "digest": "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", "reason": "CVE-2026-0001"}))]
#[serde(deny_unknown_fields)]
pub(crate) struct RevocationRequest {
    /// `plugin` or `signer`.
    kind: String,
    /// SHA-256 of the component, or the key's id.
    #[schema(pattern = "^[0-9a-f]{64}$")]
    digest: String,
    /// Why.
    #[schema(min_length = 1, max_length = 500)]
    reason: String,
}

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RevocationBody {
    #[schema(example = "plugin")]
    kind: &'static str,
    digest: String,
    reason: String,
    actor: String,
    #[schema(format = DateTime)]
    at: String,
}

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RevocationList {
    items: Vec<RevocationBody>,
}

/// A publication that nobody should rest on any more.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct TaintedBody {
    test_id: String,
    tenant_id: String,
    upload_permission_id: String,
    tier: &'static str,
    index_digest: String,
    destination: String,
    #[schema(required = true)]
    upload_status: Option<&'static str>,
    /// What was revoked.
    #[schema(example = "plugin")]
    revoked_kind: String,
    revoked_digest: String,
    reason: String,
    #[schema(format = DateTime)]
    revoked_at: String,
    /// Always true.
    tainted: bool,
}

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct TaintedList {
    items: Vec<TaintedBody>,
}

/// Trust, where this process is it.
pub(crate) fn trust(state: &Shared) -> Result<&Trust, Problem> {
    let none = || Problem::new(Kind::Undecided, "Trust is another process; ask it").retry_after(60);
    state.services.trust.as_ref().ok_or_else(none)
}

/// Trust could not do its part: why is for the log, but that it has no key to sign with.
pub(crate) fn undecided(error: certus_trust::Error) -> Problem {
    match error {
        certus_trust::Error::OwnKeyRevoked(_) => Problem::new(Kind::Undecided, error.to_string()).retry_after(60),
        error => Problem::internal(error),
    }
}

pub(crate) fn now() -> String {
    rfc3339(crate::time::now())
}

/// Whose rows a request is about: those of the key's tenant, or of any for an administrator.
pub(crate) fn tenant_of(caller: &Caller, named: Option<TenantId>) -> Result<TenantId, Problem> {
    match named {
        None => Ok(caller.tenant.clone()),
        Some(named) if named == caller.tenant || caller.role == Role::Admin => Ok(named),
        Some(_) => Err(Problem::new(Kind::Forbidden, "The key is another tenant's")),
    }
}

/// Decide whether exactly these files may be published exactly there. A denial is an answer too, with its evidence.
#[utoipa::path(post, path = "/v1/verify-and-permit-upload", tag = "trust", operation_id = "permitUpload",
    request_body = PermitRequest,
    responses((status = 202, description = "The decision", body = PermitAnswer), BodyAnswers))]
pub(crate) async fn permit(
    State(state): State<Shared>,
    Writer(caller): Writer,
    Large(body): Large,
) -> Result<(StatusCode, Answer<certus_trust::Answer>), Problem> {
    let trust = trust(&state)?;
    let submission: Submission = serde_json::from_value(body).map_err(|error| {
        let detail = certus_model::escape::one_line(&error.to_string(), 200);
        Problem::invalid(vec![FieldError { field: "(body)".to_owned(), detail: format!("is not valid: {detail}") }])
    })?;
    assert_plain(&submission).map_err(Problem::invalid)?;
    let tenant = tenant_of(&caller, submission.tenant_id.clone())?;
    let answer = trust.decide(&submission, &tenant, &caller.actor).await.map_err(undecided)?;
    Ok((StatusCode::ACCEPTED, Answer(answer)))
}

/// Longest text of a request for a permit, in bytes.
const TEXT: usize = 2_000;

/// Refuses texts that could be neither kept nor shown: a decision stays on record for ever.
fn assert_plain(submission: &Submission) -> Result<(), Vec<FieldError>> {
    let metadata = &submission.metadata;
    let signature = submission.inner_signature.as_ref();
    let given = [
        ("destination", Some(&submission.destination).filter(|text| !text.is_empty())),
        ("metadata.git_url", metadata.git_url.as_ref()),
        ("metadata.branch", metadata.branch.as_ref()),
        ("metadata.commit", metadata.commit.as_ref()),
        ("metadata.requested_by", metadata.requested_by.as_ref()),
        ("inner_signature.signer", signature.map(|signature| &signature.signer)),
        ("inner_signature.timestamp", signature.map(|signature| &signature.timestamp)),
        ("inner_signature.algorithm", signature.map(|signature| &signature.algorithm)),
    ];
    let given = given.into_iter().filter_map(|(field, text)| Some((field, text?)));
    let files = submission.artifacts.iter().map(|artifact| ("artifacts.name", &artifact.name));
    let documents = submission.documents.keys().map(|path| ("documents", path));
    let errors: Vec<_> = given
        .chain(files)
        .chain(documents)
        .filter_map(|(field, text)| {
            plain(text, TEXT).err().map(|detail| FieldError { field: field.to_owned(), detail })
        })
        .take(20)
        .collect();
    if errors.is_empty() { Ok(()) } else { Err(errors) }
}

/// How many signatures there are, and how many decisions.
#[utoipa::path(get, path = "/v1/stats", tag = "trust", operation_id = "getTrustStats",
    responses((status = 200, description = "Totals over what the key may see", body = TrustStats), ListAnswers))]
pub(crate) async fn stats(State(state): State<Shared>, Reader(caller): Reader) -> Result<Answer<TrustStats>, Problem> {
    let store = &state.services.store;
    let (entries, signers) = store.log_counts(caller.reach()).await?;
    let (total, successful) = store.decision_counts(caller.reach()).await?;
    Ok(Answer(TrustStats {
        total_signatures: entries,
        total_transparency_entries: entries,
        verification_stats: VerificationStats { total, successful, failed: total - successful },
        signers,
        timestamp: now(),
    }))
}

/// That Trust lives.
#[utoipa::path(get, path = "/v1/health", tag = "trust", operation_id = "getTrustHealth", security(()),
    responses((status = 200, description = "It lives", body = TrustHealth)))]
pub(crate) async fn health() -> Answer<TrustHealth> {
    Answer(TrustHealth { status: "ok", timestamp: now() })
}

/// That Trust can decide: it has a key, a log, a policy and a database.
#[utoipa::path(get, path = "/v1/ready", tag = "trust", operation_id = "getTrustReady", security(()),
    responses((status = 200, description = "What it rests on", body = TrustReady), OpenAnswers))]
pub(crate) async fn ready(State(state): State<Shared>) -> Answer<TrustReady> {
    let trust = state.services.trust.as_ref();
    let rekor = match trust {
        Some(trust) => trust.log().latest().await.is_ok(),
        None => false,
    };
    let fulcio = match trust {
        Some(trust) => trust.assert_own_key().await.is_ok(),
        None => false,
    };
    let keycloak = state.services.store.ping().await.is_ok();
    let tuf = trust.is_some();
    let checks = TrustChecks { fulcio, rekor, tuf, keycloak };
    Answer(TrustReady { ready: fulcio && rekor && tuf && keycloak, checks, timestamp: now() })
}

/// What is no longer trusted.
#[utoipa::path(get, path = "/v1/revocations", tag = "trust", operation_id = "listRevocations",
    responses((status = 200, description = "Every revocation, the oldest first", body = RevocationList), ListAnswers))]
pub(crate) async fn revocations(
    State(state): State<Shared>,
    Reader(_caller): Reader,
) -> Result<Answer<RevocationList>, Problem> {
    let kept = state.services.store.revocations().await?;
    let items = kept.into_iter().map(|one| RevocationBody {
        kind: one.kind.as_str(),
        digest: one.digest.to_string(),
        reason: one.reason,
        actor: one.actor,
        at: rfc3339(one.at),
    });
    Ok(Answer(RevocationList { items: items.collect() }))
}

/// Trust a plugin or a signer no longer. Every publication that rests on it is listed at once, and stays listed.
#[utoipa::path(post, path = "/v1/revocations", tag = "trust", operation_id = "revoke",
    request_body = RevocationRequest,
    responses((status = 201, description = "The publications that rest on it", body = TaintedList), BodyAnswers))]
pub(crate) async fn revoke(
    State(state): State<Shared>,
    AdminWriter(caller): AdminWriter,
    Json(body): Json,
) -> Result<(StatusCode, Answer<TaintedList>), Problem> {
    let (kind, digest, reason) = read(body).map_err(Problem::invalid)?;
    let store = &state.services.store;
    store.revoke(kind, digest, &reason, &caller.tenant, &caller.actor).await?;
    let resting = store.tainted(caller.reach(), None).await?.into_iter().filter(|tainted| tainted.digest == digest);
    Ok((StatusCode::CREATED, Answer(TaintedList { items: resting.map(tainted_body).collect() })))
}

/// Every publication that rests on something that was revoked.
#[utoipa::path(get, path = "/v1/tainted-publications", tag = "trust", operation_id = "listTainted",
    responses((status = 200, description = "The newest first", body = TaintedList), ListAnswers))]
pub(crate) async fn tainted(
    State(state): State<Shared>,
    AdminReader(caller): AdminReader,
) -> Result<Answer<TaintedList>, Problem> {
    let items = state.services.store.tainted(caller.reach(), None).await?.into_iter().map(tainted_body).collect();
    Ok(Answer(TaintedList { items }))
}

fn read(body: Value) -> Result<(Revocable, Sha256, String), Vec<FieldError>> {
    let mut fields = Fields::of(body)?;
    let kind = match fields.required_text("kind", 10).as_deref() {
        Some("plugin") => Some(Revocable::Plugin),
        Some("signer") => Some(Revocable::Signer),
        Some(_) => {
            fields.error("kind", "is `plugin` or `signer`");
            None
        }
        None => None,
    };
    let digest = fields.required("digest");
    let reason = fields.required_text("reason", 500);
    let all = kind.zip(digest).zip(reason).map(|((kind, digest), reason)| (kind, digest, reason));
    fields.finish(all)
}

fn tainted_body(one: Tainted) -> TaintedBody {
    TaintedBody {
        test_id: one.scan.to_string(),
        tenant_id: one.tenant.to_string(),
        upload_permission_id: one.permit_id,
        tier: one.tier.as_str(),
        index_digest: one.index_digest.to_string(),
        destination: one.destination,
        upload_status: one.upload_status.map(|status| status.as_str()),
        revoked_kind: one.kind,
        revoked_digest: one.digest.to_string(),
        reason: one.reason,
        revoked_at: rfc3339(one.revoked_at),
        tainted: true,
    }
}
