//! A form with one file: to disk while it arrives, hashed on the way.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::multipart::{Field, MultipartError};
use axum::extract::{FromRequest as _, Multipart, Request};
use certus_model::escape::is_printable;
use certus_model::{Sha256, UploadId};
use certus_store::Blobs;
use sha2::Digest as _;
use tokio::io::{AsyncWriteExt as _, BufWriter};

use super::meter::{Gate, Metered};
use crate::body::{content_type, declared_length, plain_encoding};
use crate::entropy;
use crate::problem::{Kind, Problem};
use crate::state::Shared;

/// What is not part of the file but of the form round it.
const FORM: u64 = 64 * 1024;

/// What tells an archive from other files: tar has its magic at 257.
const HEAD: usize = 262;

const WRITE_AT_ONCE: usize = 256 * 1024;

/// A file that has arrived whole, on a disk of this machine.
pub(crate) struct Received {
    /// As it was sent, made safe to show.
    pub(crate) filename: String,
    /// Where it is.
    pub(crate) partial: Partial,
    /// The same, open.
    pub(crate) file: std::fs::File,
    pub(crate) sha256: Sha256,
    /// In bytes.
    pub(crate) size: u64,
}

/// Receives the one file of a form, if its head is of a kind that is taken.
pub(crate) async fn receive(state: &Shared, request: Request, takes: fn(&[u8]) -> bool) -> Result<Received, Problem> {
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
    let partial = Partial { blobs: state.services.blobs.clone(), id, is_kept: false };
    let file = state.services.blobs.new_upload(&partial.id)?.into_std();
    let writer = file.try_clone().map_err(no_room)?;
    let (sha256, size) = write(&mut field, &gate, most, writer, takes).await?;
    drop(field);
    if form.next_field().await.map_err(broken)?.is_some() {
        return Err(Problem::new(Kind::BadRequest, "The form may have one `file` and nothing else"));
    }
    Ok(Received { filename, partial, file, sha256, size })
}

/// Writes the file as it arrives.
async fn write(
    field: &mut Field<'_>,
    gate: &Gate,
    most: u64,
    file: std::fs::File,
    takes: fn(&[u8]) -> bool,
) -> Result<(Sha256, u64), Problem> {
    let mut file = BufWriter::with_capacity(WRITE_AT_ONCE, tokio::fs::File::from_std(file));
    let mut hash = sha2::Sha256::new();
    let mut head = Vec::with_capacity(HEAD);
    let mut size: u64 = 0;
    let mut is_taken = false;
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
            is_taken = takes(&head);
            if head.len() == HEAD && !is_taken {
                return Err(not_an_archive());
            }
        }
        hash.update(&part);
        file.write_all(&part).await.map_err(no_room)?;
    }
    if size == 0 {
        return Err(Problem::new(Kind::BadRequest, "The file is empty"));
    }
    if !is_taken {
        return Err(not_an_archive());
    }
    file.flush().await.map_err(no_room)?;
    Ok((Sha256::from_bytes(hash.finalize().into()), size))
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
pub(crate) struct Partial {
    blobs: Blobs,
    pub(crate) id: UploadId,
    pub(crate) is_kept: bool,
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

pub(super) fn too_large(most: u64) -> Problem {
    Problem::new(Kind::TooLarge, format!("A file may have {most} bytes"))
}

fn no_room(cause: std::io::Error) -> Problem {
    tracing::error!(error = &cause as &dyn std::error::Error, "an upload could not be written");
    Problem::new(Kind::Unavailable, "The file cannot be kept now; try again later").retry_after(30)
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
}
