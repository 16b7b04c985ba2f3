//! From what a client asked for to what the pipeline takes.

use std::time::Duration;

use certus_bundle::Mode;
use certus_checkout::{Reference, Source, SourcePolicy};
use certus_model::RepoPath;
use certus_model::request::{RequestedManifest, RequestedSource};
use certus_outbound::{Credential, OciReference, RemoteHost, without_secrets};
use certus_store::{Error as StoreError, Fetched, OpenGitCredential, Scan};

use super::Workers;
use super::attempt::keep_trying;
use super::watchman::Signal;
use crate::error::Error;
use crate::manifest::{MAX_MANIFEST, Manifest};
use crate::request::Subject;

/// How long a manifest or its signature may take to come.
const FETCH: Duration = Duration::from_secs(30);
/// The largest detached signature that is fetched.
const MAX_SIGNATURE: usize = 64 << 10;

/// What a scan needs of the store, fetched before its thread begins.
#[derive(Default)]
pub(super) struct AtHand {
    /// The archive that was sent.
    pub(super) upload: Option<Fetched>,
    /// The login that was named, and its host.
    pub(super) credential: Option<(RemoteHost, Credential)>,
}

/// Fetches it. What is gone by now is left out.
pub(super) async fn at_hand(workers: &Workers, scan: &Scan, signal: &Signal) -> Result<AtHand, StoreError> {
    let mut at_hand = AtHand::default();
    match (&scan.request.source, &workers.sources.master_key) {
        (RequestedSource::Upload { id }, _) => match keep_trying(signal, || workers.blobs.upload(id)).await {
            Ok(upload) => at_hand.upload = Some(upload),
            Err(StoreError::Gone { .. }) => {}
            Err(error) => return Err(error),
        },
        (RequestedSource::Git { credential: Some(name), .. }, Some(key)) => {
            match workers.store.open_git_credential(&scan.tenant, name, key).await {
                Ok(opened) => at_hand.credential = opened.and_then(login),
                // Another key sealed it: no better than none, and the operator's to know.
                Err(error @ StoreError::Sealed) => tracing::error!(%error, credential = %name, "a login is sealed"),
                Err(error) => return Err(error),
            }
        }
        _ => {}
    }
    Ok(at_hand)
}

fn login(opened: OpenGitCredential) -> Option<(RemoteHost, Credential)> {
    let host = opened.host.parse().ok()?;
    Some(match opened.user {
        Some(user) => (host, Credential::login(user, opened.secret)),
        None => (host, Credential::token(opened.secret)),
    })
}

/// What is scanned: pinned if it is remote, inside the workspace root if it is not.
pub(super) fn subject(workers: &Workers, scan: &Scan, at_hand: &AtHand) -> Result<Subject, Error> {
    let sources = &workers.sources;
    let policy = SourcePolicy::Service { guard: &sources.guard, root: sources.root.as_deref() };
    let mut reference = None;
    let source = match &scan.request.source {
        RequestedSource::Sample => return Ok(Subject::Sample),
        RequestedSource::Git { url, branch, commit, credential } => {
            let asked = commit.as_deref().or(branch.as_deref());
            reference = asked.map(str::parse::<Reference>).transpose()?;
            let source = Source::git(url, policy)?;
            match (credential, &at_hand.credential, &sources.credential) {
                (Some(name), None, _) => return Err(Error::CredentialGone(name.clone())),
                (Some(name), Some((host, credential)), _) => {
                    let opened = source.clone().with_credential_for(host, credential.clone());
                    // It goes to its own host or nowhere, and a scan without it is not what was asked for.
                    if opened == source {
                        return Err(Error::CredentialHost(name.clone()));
                    }
                    opened
                }
                (None, _, Some((host, credential))) => source.with_credential_for(host, credential.clone()),
                (None, _, None) => source,
            }
        }
        RequestedSource::Directory { path } => Source::directory(path, policy)?,
        RequestedSource::Archive { path } => Source::archive(path, policy)?,
        RequestedSource::Upload { id } => {
            // The id was drawn by this host and belongs to the tenant; the path is ours.
            let path = at_hand.upload.as_ref().map(Fetched::path).ok_or_else(|| Error::UploadGone(id.clone()))?;
            Source::archive(&path.to_string_lossy(), SourcePolicy::Any)?
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
        RequestedManifest::Uri { uri, .. } if uri.starts_with("oci://") => {
            let unreachable = |error: certus_outbound::Error| unreachable(uri, &error);
            let reference: OciReference = uri.parse().map_err(unreachable)?;
            let limit = usize::try_from(MAX_MANIFEST).unwrap_or(usize::MAX);
            let artifact = workers.sources.guard.pull(&reference, None, limit, FETCH).map_err(unreachable)?;
            Manifest::Given { bytes: artifact.manifest, signature: artifact.signature }
        }
        RequestedManifest::Uri { uri, signature_uri } => {
            let limit = usize::try_from(MAX_MANIFEST).unwrap_or(usize::MAX);
            let bytes = fetch(workers, uri, limit)?;
            Manifest::Given { bytes, signature: Some(fetch(workers, signature_uri, MAX_SIGNATURE)?) }
        }
    })
}

/// What lies at a `file`, `s3` or `https` URI.
fn fetch(workers: &Workers, uri: &str, limit: usize) -> Result<Vec<u8>, Error> {
    let sources = &workers.sources;
    if let Some(path) = uri.strip_prefix("file://").or_else(|| (!uri.contains(':')).then_some(uri)) {
        return certus_checkout::read_within(sources.root.as_deref(), path, limit).map_err(Error::from);
    }
    if let Some((bucket, key)) = uri.strip_prefix("s3://").and_then(|rest| rest.split_once('/')) {
        let Some(s3) = sources.manifests.as_ref().filter(|s3| s3.buckets.iter().any(|known| known == bucket)) else {
            return Err(unreachable(uri, &"the operator has not named this bucket"));
        };
        // This is a thread of its own, and the store is asked in the runtime that it belongs to.
        let fetched = tokio::runtime::Handle::current().block_on(s3.store.fetch(bucket, key, limit));
        return fetched.map_err(|error| unreachable(uri, &error));
    }
    let url = uri.parse().map_err(|error: certus_outbound::Error| unreachable(uri, &error))?;
    sources.guard.fetch(&url, limit, FETCH).map_err(|error| unreachable(uri, &error))
}

fn unreachable(uri: &str, cause: &dyn std::fmt::Display) -> Error {
    Error::ManifestUnreachable { uri: without_secrets(uri), cause: cause.to_string() }
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
