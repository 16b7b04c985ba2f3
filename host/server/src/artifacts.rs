//! The files of a bundle: those that its index lists, and the two beside it.

use std::io::{Read as _, Seek as _};

use axum::Json;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use certus_bundle::index::Index;
use certus_bundle::name::FileName;
use certus_model::document::{ATTESTATION, INDEX, LOGGED, media_type};
use certus_model::{ScanId, Sha256};
use certus_store::Scan;
use futures_util::stream;
use serde::{Deserialize, Serialize};
use tokio::io::AsyncReadExt as _;
use utoipa::ToSchema;

use crate::caller::{Caller, Reader};
use crate::openapi::ObjectAnswers;
use crate::problem::{Kind, Problem};
use crate::query::ScanPath;
use crate::state::Shared;

/// The files of a bundle.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Artifacts {
    test_id: String,
    /// SHA-256 over the result; equal ones mean equal results.
    result_digest: String,
    items: Vec<Artifact>,
}

/// One file.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Artifact {
    #[schema(example = "reports/sast/findings.sarif.json")]
    path: String,
    /// The key under which the scan's `artifacts` has it.
    #[schema(required = true, example = "sarif")]
    key: Option<&'static str>,
    #[schema(example = "application/sarif+json")]
    media_type: &'static str,
    sha256: String,
    size: u64,
    #[schema(example = "/v1/security-scans/test_0123456789ab/artifacts/scan.json")]
    url: String,
}

#[derive(Debug, Deserialize)]
pub(crate) struct FilePath {
    path: String,
}

/// How much of a file is read at once.
const PART: usize = 64 * 1024;

/// The index lists the files of one scan; this many times what it ever has.
const MAX_APART: u64 = 16 * 1024 * 1024;

/// The files of a scan's bundle.
#[utoipa::path(get, path = "/v1/security-scans/{test_id}/artifacts", tag = "scans", operation_id = "listArtifacts",
    params(("test_id" = String, Path, description = "The scan", example = "test_0123456789ab")),
    responses(
        (status = 200, description = "The files", body = Artifacts),
        (status = 409, description = "The scan has no bundle (yet)", body = crate::problem::ProblemBody, content_type = "application/problem+json"),
        (status = 410, description = "The bundle was removed by the rules of retention", body = crate::problem::ProblemBody, content_type = "application/problem+json"),
        ObjectAnswers
    ))]
pub(crate) async fn list(
    State(state): State<Shared>,
    Reader(caller): Reader,
    ScanPath(id): ScanPath,
) -> Result<Json<Artifacts>, Problem> {
    let bundle = bundle(&state, &caller, &id).await?;
    let test_id = id.to_string();
    let (index, index_bytes) = index(&state, &bundle).await?;
    let attestation = read_apart(&state, &bundle, ATTESTATION).await?;
    let item = |path: &str, key, sha256: Sha256, size| Artifact {
        path: path.to_owned(),
        key,
        media_type: media_type(path),
        sha256: sha256.to_string(),
        size,
        url: format!("/v1/security-scans/{id}/artifacts/{path}"),
    };
    let logged = logged(&state, &bundle).await?;
    let apart = [(INDEX, "index", Some(&index_bytes)), (ATTESTATION, "attestation", Some(&attestation))];
    let apart = apart.into_iter().chain([(LOGGED, "sigstore_bundle", logged.as_ref())]);
    let apart = apart.filter_map(|(path, key, bytes)| {
        let bytes = bytes?;
        Some(item(path, Some(key), Sha256::of(bytes), bytes.len() as u64))
    });
    let listed = index.files().map(|file| item(file.path.path(), file.path.artifact_key(), file.sha256, file.size));
    let items = apart.chain(listed).collect();
    Ok(Json(Artifacts { test_id, result_digest: index.result_digest().to_string(), items }))
}

/// One file of a scan's bundle, byte for byte. Its `ETag` is its SHA-256.
#[utoipa::path(get, path = "/v1/security-scans/{test_id}/artifacts/{*path}", tag = "scans", operation_id = "getArtifact",
    params(
        ("test_id" = String, Path, description = "The scan", example = "test_0123456789ab"),
        ("path" = String, Path, description = "A `path` of the list", example = "scan.json"),
        ("If-None-Match" = Option<String>, Header, description = "An `ETag` that you have")
    ),
    responses(
        (status = 200, description = "The file", content(
            (Value = "application/json"),
            (Value = "application/sarif+json"),
            (Value = "application/vnd.cyclonedx+json"),
            (Value = "application/spdx+json"),
            (Value = "application/vnd.dsse.envelope.v1+json"),
            (Value = "application/vnd.dev.sigstore.bundle.v0.3+json"),
            (String = "application/jsonl"),
            (String = "text/html")
        ), headers(
            ("ETag" = String, description = "The file's SHA-256"),
            ("Content-Disposition" = String, description = "Always `attachment`"))),
        (status = 304, description = "You have it"),
        (status = 409, description = "The scan has no bundle (yet)", body = crate::problem::ProblemBody, content_type = "application/problem+json"),
        (status = 410, description = "The bundle was removed by the rules of retention", body = crate::problem::ProblemBody, content_type = "application/problem+json"),
        ObjectAnswers
    ))]
pub(crate) async fn download(
    State(state): State<Shared>,
    Reader(caller): Reader,
    ScanPath(id): ScanPath,
    Path(FilePath { path }): Path<FilePath>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let bundle = bundle(&state, &caller, &id).await?;
    let unknown = || Problem::new(Kind::NotFound, "Artifact not found");
    let (index, index_bytes) = index(&state, &bundle).await?;
    let (path, digest) = match path.as_str() {
        INDEX => (INDEX, Sha256::of(&index_bytes)),
        ATTESTATION => (ATTESTATION, Sha256::of(&read_apart(&state, &bundle, ATTESTATION).await?)),
        LOGGED => (LOGGED, Sha256::of(&logged(&state, &bundle).await?.ok_or_else(unknown)?)),
        other => {
            let name = other.parse::<FileName>().map_err(|_| unknown())?;
            (name.path(), index.get(name).ok_or_else(unknown)?.sha256)
        }
    };
    let mut file = state.services.blobs.bundle_file(&bundle, path).await?;
    let (file, size) = blocking(move || whole(&mut file, digest).map(|size| (file, size))).await?;
    let tag = format!("\"{digest}\"");
    let given = headers.get(header::IF_NONE_MATCH).and_then(|given| given.to_str().ok()).unwrap_or_default();
    let has_it = given.split(',').any(|one| one.trim().trim_start_matches("W/") == tag || one.trim() == "*");
    let mut response = if has_it {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        let mut response = Body::from_stream(parts(tokio::fs::File::from_std(file))).into_response();
        response.headers_mut().insert(header::CONTENT_LENGTH, size.into());
        response
    };
    let name = path.rsplit('/').next().unwrap_or(path);
    for (header, value) in [
        (header::ETAG, tag),
        (header::CONTENT_TYPE, media_type(path).to_owned()),
        (header::CONTENT_DISPOSITION, format!("attachment; filename=\"{name}\"")),
        (header::CACHE_CONTROL, "private, max-age=0, must-revalidate".to_owned()),
        // The report holds what repositories hold: whoever opens it in a browser runs none of it.
        (
            header::CONTENT_SECURITY_POLICY,
            "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:".to_owned(),
        ),
    ] {
        let value = HeaderValue::try_from(value).map_err(Problem::internal)?;
        response.headers_mut().insert(header, value);
    }
    Ok(response)
}

/// The bundle's folder of a scan that the caller may see.
async fn bundle(state: &Shared, caller: &Caller, id: &ScanId) -> Result<String, Problem> {
    let scan = state.services.store.scan(caller.reach(), id).await?.ok_or_else(Problem::scan_not_found)?;
    let Scan { bundle, status, pruned_at, .. } = scan;
    bundle.ok_or_else(|| match status.is_final() {
        _ if pruned_at.is_some() => Problem::new(Kind::Pruned, "The operator keeps bundles for a while only"),
        true => Problem::new(Kind::NoReport, "The scan ended without a bundle"),
        false => Problem::new(Kind::NotFinished, "The scan has not ended; follow its stream"),
    })
}

async fn index(state: &Shared, bundle: &str) -> Result<(Index, Vec<u8>), Problem> {
    let bytes = read_apart(state, bundle, INDEX).await?;
    let index = Index::parse(&bytes).map_err(Problem::internal)?;
    Ok((index, bytes))
}

/// The entry in the transparency log; none in a bundle of before there was one.
async fn logged(state: &Shared, bundle: &str) -> Result<Option<Vec<u8>>, Problem> {
    match state.services.blobs.bundle_file(bundle, LOGGED).await {
        Err(certus_store::Error::Gone { .. }) => Ok(None),
        Err(error) => Err(error.into()),
        Ok(_) => read_apart(state, bundle, LOGGED).await.map(Some),
    }
}

async fn read_apart(state: &Shared, bundle: &str, name: &str) -> Result<Vec<u8>, Problem> {
    let file = state.services.blobs.bundle_file(bundle, name).await?;
    blocking(move || {
        let mut bytes = Vec::new();
        file.take(MAX_APART).read_to_end(&mut bytes).map_err(Problem::internal)?;
        Ok(bytes)
    })
    .await
}

/// The size of a file that has this digest. One that was changed or cut since it was signed is nobody's report.
fn whole(file: &mut std::fs::File, digest: Sha256) -> Result<u64, Problem> {
    #[derive(Debug, thiserror::Error)]
    #[error("a file of a bundle is not what its index lists; verify the bundle, and restore it from a backup")]
    struct Changed;
    let (found, size) = certus_store::digest(file).map_err(Problem::internal)?;
    if found != digest {
        return Err(Problem::internal(Changed));
    }
    file.rewind().map_err(Problem::internal)?;
    Ok(size)
}

/// Runs what waits for the disk where it keeps nobody waiting.
pub(crate) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Problem> + Send + 'static,
) -> Result<T, Problem> {
    tokio::task::spawn_blocking(work).await.map_err(Problem::internal)?
}

fn parts(file: tokio::fs::File) -> impl stream::Stream<Item = std::io::Result<Vec<u8>>> {
    stream::try_unfold(file, |mut file| async move {
        let mut part = vec![0; PART];
        let read = file.read(&mut part).await?;
        part.truncate(read);
        Ok((read > 0).then_some((part, file)))
    })
}
