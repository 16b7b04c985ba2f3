//! Archives: to disk while they arrive, hashed on the way, looked at before they are kept.

use axum::Json;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use certus_store::Upload;
use serde::Serialize;
use utoipa::ToSchema;

use crate::caller::Writer;
use crate::problem::Problem;
use crate::state::Shared;

mod form;
mod meter;

pub(crate) use form::{Received, receive};

/// A multipart form with one file.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct UploadForm {
    /// A tar, plain or packed with gzip, bzip2 or zstd, or a zip.
    #[schema(value_type = String, format = Binary)]
    file: Vec<u8>,
}

/// A received archive.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Uploaded {
    /// What a submit takes as `archive_path`: the upload's id, no path of this machine.
    #[schema(example = "up_0123456789abcdef0123456789abcdef")]
    archive_path: String,
    /// The same.
    #[schema(example = "up_0123456789abcdef0123456789abcdef")]
    upload_id: String,
    /// SHA-256 of it.
    archive_hash: String,
    /// As it was sent, made safe to show.
    #[schema(example = "shop.tar.gz")]
    filename: String,
    /// In bytes.
    size: u64,
}

/// Send an archive, to be named by a submit.
#[utoipa::path(post, path = "/v1/security-scans/upload-archive", tag = "scans", operation_id = "uploadArchive",
    request_body(content = UploadForm, content_type = "multipart/form-data"),
    responses((status = 201, description = "It is kept", body = Uploaded), crate::openapi::BodyAnswers))]
pub(crate) async fn upload_archive(
    State(state): State<Shared>,
    Writer(caller): Writer,
    request: Request,
) -> Result<(StatusCode, Json<Uploaded>), Problem> {
    let Received { filename, mut partial, sha256, size, .. } = receive(&state, request, is_archive_head).await?;
    state.services.blobs.keep_upload(&partial.id).await?;
    // From here on only a failure removes it. If the client leaves now, whether it is on record is not known here:
    // the sweeper, who does know, takes it if it is not.
    partial.is_kept = true;
    let size_kept = i64::try_from(size).unwrap_or(i64::MAX);
    let upload = Upload { id: partial.id.clone(), tenant: caller.tenant, filename, sha256, size: size_kept };
    if let Err(error) = state.services.store.keep_upload(&upload, &caller.actor).await {
        partial.is_kept = false;
        return Err(error.into());
    }
    tracing::info!(upload_id = %upload.id, size, "received");
    let Upload { id, filename, sha256, .. } = upload;
    let uploaded = Uploaded {
        archive_path: id.to_string(),
        upload_id: id.to_string(),
        archive_hash: sha256.to_string(),
        filename,
        size,
    };
    Ok((StatusCode::CREATED, Json(uploaded)))
}

/// By what it is, whatever its name says.
fn is_archive_head(head: &[u8]) -> bool {
    const MAGICS: [&[u8]; 5] = [b"\x1f\x8b", b"BZh", b"\x28\xb5\x2f\xfd", b"PK\x03\x04", b"PK\x05\x06"];
    MAGICS.iter().any(|magic| head.starts_with(magic)) || head.get(257..262) == Some(b"ustar")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn archives_are_known_by_what_they_are() {
        let mut tar = vec![0; 512];
        tar[257..262].copy_from_slice(b"ustar");
        for head in [tar.as_slice(), b"\x1f\x8b\x08", b"BZh91", b"\x28\xb5\x2f\xfd", b"PK\x03\x04"] {
            assert!(is_archive_head(head));
        }
        for head in [&[0; 512][..], b"#!/bin/sh", b"", b"\xfd7zXZ"] {
            assert!(!is_archive_head(head));
        }
    }
}
