//! What Trust is asked about a scan: exactly what its bundle holds.

use std::io::Read as _;

use certus_bundle::FileName;
use certus_bundle::index::Index;
use certus_model::document::{ATTESTATION, INDEX, LOGGED};
use certus_model::outcome::Verdict;
use certus_model::request::RequestedSource;
use certus_model::{Sha256, Tier};
use certus_publish::Destination;
use certus_signing::PermitTerms;
use certus_store::{Error as StoreError, Scan};
use certus_trust::submission::{Artifact, Destinations, Document, Metadata, Submission};

use crate::jobs::Publisher;

/// The largest file that goes to Trust whole.
const LARGEST: u64 = 64 << 20;

/// The request for a permit.
pub(super) async fn of(
    publisher: &Publisher,
    scan: &Scan,
    tier: Tier,
    to: Option<&Destination>,
) -> Result<Submission, StoreError> {
    let malformed = || StoreError::Malformed { what: "index.json" };
    let index_bytes = read(publisher, scan, INDEX).await?;
    let index = Index::parse(&index_bytes).map_err(|_| malformed())?;
    let mut documents = vec![(INDEX, index_bytes), (ATTESTATION, read(publisher, scan, ATTESTATION).await?)];
    match read(publisher, scan, LOGGED).await {
        Ok(bytes) => documents.push((LOGGED, bytes)),
        // A bundle of before there was a log.
        Err(StoreError::Gone { .. }) => {}
        Err(error) => return Err(error),
    }
    let listed = index.files().map(|entry| artifact(entry.path.path(), entry.sha256, entry.size));
    let apart = documents.iter().map(|(path, bytes)| artifact(path, Sha256::of(bytes), bytes.len() as u64));
    let artifacts = listed.chain(apart).collect();
    let mut wanted = vec![FileName::PolicyResult];
    if scan.decision != Some(Verdict::Pass) {
        wanted.push(FileName::Findings);
    }
    for name in wanted {
        documents.push((name.path(), read(publisher, scan, name.path()).await?));
    }
    let (git_url, branch) = repository(scan);
    let oci_registry = to.is_some_and(|to| to.registry.is_some());
    Ok(Submission {
        scan_id: scan.id.clone(),
        tenant_id: Some(scan.tenant.clone()),
        tier,
        inner_signature: None,
        artifacts,
        metadata: Metadata {
            git_url,
            branch,
            commit: scan.resolved_commit.clone(),
            requested_by: scan.requested_by.clone(),
        },
        storage_destinations: Destinations { raw_s3: to.is_some(), oci_registry },
        destination: to.map(Destination::name).unwrap_or_else(|| "nowhere".to_owned()),
        documents: documents.into_iter().map(|(path, bytes)| (path.to_owned(), Document(bytes))).collect(),
    })
}

/// Whether a permit is for this bundle: its index, and every file with size and digest. What Trust itself has issued
/// may stand in it as well.
pub(super) fn is_permitted(submission: &Submission, terms: &PermitTerms) -> bool {
    let permits = |artifact: &Artifact| {
        let same = |(sha256, size)| (Some(sha256), size) == (artifact.sha256(), artifact.size);
        terms.files.iter().any(|file| file.path == artifact.name && same((file.sha256, file.size)))
    };
    let index = submission.document(INDEX).map(Sha256::of);
    index == Some(terms.index_digest) && submission.artifacts.iter().all(permits)
}

/// The repository and the branch as they were asked for; the address never holds a login.
pub(super) fn repository(scan: &Scan) -> (Option<String>, Option<String>) {
    match &scan.request.source {
        RequestedSource::Git { url, branch, .. } => (Some(url.clone()), branch.clone()),
        _ => (None, None),
    }
}

/// A file of the scan's bundle, whole.
pub(super) async fn read(publisher: &Publisher, scan: &Scan, path: &str) -> Result<Vec<u8>, StoreError> {
    let bundle = scan.bundle.as_deref().ok_or_else(|| StoreError::Gone { what: scan.id.to_string() })?;
    let file = publisher.blobs.bundle_file(bundle, path).await?;
    let mut bytes = Vec::new();
    let read = file.take(LARGEST + 1).read_to_end(&mut bytes);
    read.map_err(|cause| StoreError::folder(path, "read", cause))?;
    match bytes.len() as u64 > LARGEST {
        true => Err(StoreError::Malformed { what: "bundle" }),
        false => Ok(bytes),
    }
}

fn artifact(path: &str, sha256: Sha256, size: u64) -> Artifact {
    Artifact { name: path.to_owned(), hash: format!("sha256:{sha256}"), size }
}
