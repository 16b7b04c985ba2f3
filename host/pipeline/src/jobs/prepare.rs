//! From what a client asked for to what the pipeline takes.

use std::time::Duration;

use certus_bundle::Mode;
use certus_checkout::{Reference, Source, SourcePolicy};
use certus_model::RepoPath;
use certus_model::request::{RequestedManifest, RequestedSource};
use certus_outbound::without_secrets;
use certus_store::Scan;

use super::Workers;
use crate::error::Error;
use crate::manifest::{MAX_MANIFEST, Manifest};
use crate::request::Subject;

/// How long a manifest or its signature may take to come.
const FETCH: Duration = Duration::from_secs(30);
/// The largest detached signature that is fetched.
const MAX_SIGNATURE: usize = 64 << 10;

/// What is scanned: pinned if it is remote, inside the workspace root if it is not.
pub(super) fn subject(workers: &Workers, scan: &Scan) -> Result<Subject, Error> {
    let sources = &workers.sources;
    let policy = SourcePolicy::Service { guard: &sources.guard, root: sources.root.as_deref() };
    let mut reference = None;
    let source = match &scan.request.source {
        RequestedSource::Sample => return Ok(Subject::Sample),
        RequestedSource::Git { url, branch, commit } => {
            let asked = commit.as_deref().or(branch.as_deref());
            reference = asked.map(str::parse::<Reference>).transpose()?;
            let source = Source::git(url, policy)?;
            match &sources.credential {
                Some((host, credential)) => source.with_credential_for(host, credential.clone()),
                None => source,
            }
        }
        RequestedSource::Directory { path } => Source::directory(path, policy)?,
        RequestedSource::Archive { path } => Source::archive(path, policy)?,
        RequestedSource::Upload { id } => {
            // The id was drawn by this host and belongs to the tenant; the path is ours.
            Source::archive(&workers.folders.upload_path(id).to_string_lossy(), SourcePolicy::Any)?
        }
    };
    Ok(Subject::Source { source, reference })
}

/// The manifest, fetched if it lies elsewhere.
pub(super) fn manifest(workers: &Workers, asked: &RequestedManifest) -> Result<Manifest, Error> {
    Ok(match asked {
        RequestedManifest::None => Manifest::None,
        RequestedManifest::Inline { text, signature } => {
            Manifest::Given { bytes: text.clone().into_bytes(), signature: signature.clone().map(String::into_bytes) }
        }
        RequestedManifest::InTree { path } => {
            Manifest::InTree(RepoPath::from_bytes(path.as_bytes()).map_err(|error| Error::Manifest(error.to_string()))?)
        }
        RequestedManifest::Uri { uri, signature_uri } => {
            let limit = usize::try_from(MAX_MANIFEST).unwrap_or(usize::MAX);
            let bytes = fetch(workers, uri, limit)?;
            Manifest::Given { bytes, signature: Some(fetch(workers, signature_uri, MAX_SIGNATURE)?) }
        }
    })
}

/// What lies at a `file` or `https` URI.
fn fetch(workers: &Workers, uri: &str, limit: usize) -> Result<Vec<u8>, Error> {
    if let Some(path) = uri.strip_prefix("file://").or_else(|| (!uri.contains(':')).then_some(uri)) {
        return certus_checkout::read_within(workers.sources.root.as_deref(), path, limit).map_err(Error::from);
    }
    let unreachable = |error: certus_outbound::Error| Error::ManifestUnreachable {
        uri: without_secrets(uri),
        cause: error.to_string(),
    };
    let url = uri.parse().map_err(unreachable)?;
    workers.sources.guard.fetch(&url, limit, FETCH).map_err(unreachable)
}

/// Whether the sample is scanned.
pub(super) fn mode(scan: &Scan) -> Mode {
    match scan.request.source {
        RequestedSource::Sample => Mode::Sample,
        _ => Mode::Production,
    }
}

/// What was asked for, for people and without secrets.
pub(super) fn shown(source: &RequestedSource) -> String {
    match source {
        RequestedSource::Git { url, .. } => without_secrets(url),
        RequestedSource::Directory { path } | RequestedSource::Archive { path } => path.clone(),
        RequestedSource::Upload { id } => format!("upload {id}"),
        RequestedSource::Sample => "the sample".to_owned(),
    }
}
