//! Archives: to disk while they arrive, hashed on the way, looked at before they are kept.

use std::sync::Arc;

use axum::Json;
use axum::body::Body;
use axum::extract::multipart::{Field, MultipartError};
use axum::extract::{FromRequest as _, Multipart, Request, State};
use axum::http::StatusCode;
use certus_model::escape::is_printable;
use certus_model::{Sha256, UploadId};
use certus_store::{Blobs, Upload};
use serde::Serialize;
use sha2::Digest as _;
use tokio::io::{AsyncWriteExt as _, BufWriter};
use utoipa::ToSchema;

use crate::body::{content_type, declared_length, plain_encoding};
use crate::caller::Writer;
use crate::entropy;
use crate::problem::{Kind, Problem};
use crate::state::Shared;

mod meter;

use meter::{Gate, Metered};

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

/// What is not part of the file but of the form round it.
const FORM: u64 = 64 * 1024;

/// What tells an archive from other files: tar has its magic at 257.
const HEAD: usize = 262;

const WRITE_AT_ONCE: usize = 256 * 1024;

/// Send an archive, to be named by a submit.
#[utoipa::path(post, path = "/v1/security-scans/upload-archive", tag = "scans", operation_id = "uploadArchive",
    request_body(content = UploadForm, content_type = "multipart/form-data"),
    responses((status = 201, description = "It is kept", body = Uploaded), crate::openapi::BodyAnswers))]
pub(crate) async fn upload_archive(
    State(state): State<Shared>,
    Writer(caller): Writer,
    request: Request,
) -> Result<(StatusCode, Json<Uploaded>), Problem> {
    let limits = &state.config.limits;
    plain_encoding(request.headers())?;
    if !content_type(request.headers()).is_some_and(|kind| kind.eq_ignore_ascii_case("multipart/form-data")) {
        return Err(Problem::new(Kind::UnsupportedMediaType, "Send a form: `multipart/form-data` with a `file`"));
    }
    let most = limits.upload_bytes;
    if declared_length(request.headers()).is_some_and(|length| length > most.saturating_add(FORM)) {
        return Err(too_large(most));
    }
    let gate = Arc::new(Gate::new(most.saturating_add(FORM)));
    let (parts, body) = request.into_parts();
    let metered = Metered::new(body.into_data_stream(), Arc::clone(&gate), limits.body_read);
    let request = Request::from_parts(parts, Body::from_stream(metered));
    let malformed = |_| Problem::new(Kind::BadRequest, "The form has no boundary");
    let mut form = Multipart::from_request(request, &()).await.map_err(malformed)?;
    let broken = |error: MultipartError| gate.problem(most).unwrap_or_else(|| unreadable(&error));

    let mut field = form.next_field().await.map_err(broken)?.ok_or_else(no_file)?;
    if field.name() != Some("file") {
        return Err(no_file());
    }
    let filename = shown_name(field.file_name().unwrap_or_default())
        .ok_or_else(|| Problem::new(Kind::BadRequest, "Filename is required"))?;
    let id = entropy::upload_id()?;
    let mut partial = Partial { blobs: state.services.blobs.clone(), id: id.clone(), is_kept: false };
    let writer = state.services.blobs.new_upload(&id)?.into_std();
    let (sha256, size) = receive(&mut field, &gate, most, writer).await?;
    drop(field);
    if form.next_field().await.map_err(broken)?.is_some() {
        return Err(Problem::new(Kind::BadRequest, "The form may have one `file` and nothing else"));
    }

    state.services.blobs.keep_upload(&id).await?;
    // From here on only a failure removes it. If the client leaves now, whether it is on record is not known here:
    // the sweeper, who does know, takes it if it is not.
    partial.is_kept = true;
    let size_kept = i64::try_from(size).unwrap_or(i64::MAX);
    let upload = Upload { id, tenant: caller.tenant, filename, sha256, size: size_kept };
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

/// Writes the file as it arrives.
async fn receive(field: &mut Field<'_>, gate: &Gate, most: u64, file: std::fs::File) -> Result<(Sha256, u64), Problem> {
    let mut file = BufWriter::with_capacity(WRITE_AT_ONCE, tokio::fs::File::from_std(file));
    let mut hash = sha2::Sha256::new();
    let mut head = Vec::with_capacity(HEAD);
    let mut size: u64 = 0;
    let mut is_archive = false;
    while let Some(part) =
        field.chunk().await.map_err(|error| gate.problem(most).unwrap_or_else(|| unreadable(&error)))?
    {
        gate.taken();
        size += part.len() as u64;
        if size > most {
            return Err(too_large(most));
        }
        if head.len() < HEAD {
            head.extend_from_slice(&part[..part.len().min(HEAD - head.len())]);
            is_archive = is_archive_head(&head);
            if head.len() == HEAD && !is_archive {
                return Err(not_an_archive());
            }
        }
        hash.update(&part);
        file.write_all(&part).await.map_err(no_room)?;
    }
    if size == 0 {
        return Err(Problem::new(Kind::BadRequest, "The file is empty"));
    }
    if !is_archive {
        return Err(not_an_archive());
    }
    file.flush().await.map_err(no_room)?;
    Ok((Sha256::from_bytes(hash.finalize().into()), size))
}

/// By what it is, whatever its name says.
fn is_archive_head(head: &[u8]) -> bool {
    const MAGICS: [&[u8]; 5] = [b"\x1f\x8b", b"BZh", b"\x28\xb5\x2f\xfd", b"PK\x03\x04", b"PK\x05\x06"];
    MAGICS.iter().any(|magic| head.starts_with(magic)) || head.get(257..262) == Some(b"ustar")
}

/// The last part of a name, without what could not be shown; none if nothing is left.
fn shown_name(name: &str) -> Option<String> {
    let last = name.rsplit(['/', '\\']).next().unwrap_or_default();
    let mut shown: String = last.chars().filter(|c| is_printable(*c)).collect();
    while shown.len() > 255 {
        shown.pop();
    }
    let shown = shown.trim();
    (!shown.is_empty() && shown != "." && shown != "..").then(|| shown.to_owned())
}

/// An upload that is removed when this is dropped, unless it was kept.
struct Partial {
    blobs: Blobs,
    id: UploadId,
    is_kept: bool,
}

impl Drop for Partial {
    fn drop(&mut self) {
        if !self.is_kept {
            self.blobs.drop_upload(&self.id);
        }
    }
}

fn no_file() -> Problem {
    Problem::new(Kind::BadRequest, "The form has no field `file`")
}

fn not_an_archive() -> Problem {
    let detail = "Unsupported file type. Allowed: tar, plain or packed with gzip, bzip2 or zstd, and zip";
    Problem::new(Kind::UnsupportedFile, detail)
}

fn too_large(most: u64) -> Problem {
    Problem::new(Kind::TooLarge, format!("An archive may have {most} bytes"))
}

fn no_room(cause: std::io::Error) -> Problem {
    tracing::error!(error = &cause as &dyn std::error::Error, "an upload could not be written");
    Problem::new(Kind::Unavailable, "The archive cannot be kept now; try again later").retry_after(30)
}

fn unreadable(error: &MultipartError) -> Problem {
    let what = certus_model::escape::one_line(&error.body_text(), 200);
    Problem::new(Kind::BadRequest, format!("The form cannot be read: {what}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_made_safe() {
        for (given, shown) in [
            ("shop.tar.gz", Some("shop.tar.gz")),
            ("../../etc/passwd", Some("passwd")),
            ("C:\\a\\b.zip", Some("b.zip")),
            ("a\u{202e}\n.zip", Some("a.zip")),
            ("", None),
            ("..", None),
            ("x/", None),
        ] {
            assert_eq!(shown_name(given).as_deref(), shown, "{given:?}");
        }
    }

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
