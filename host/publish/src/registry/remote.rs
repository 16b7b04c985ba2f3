use std::collections::BTreeMap;
use std::time::Duration;

use certus_model::Sha256;
use certus_outbound::{Credential, Guard, OciBlob, OciContent, OciPush, OciReference};
use futures_util::future::BoxFuture;

use super::layout::{EMPTY, Layout};
use super::{Artifact, Registry};
use crate::error::Error;
use crate::published::RegistryRecord;

/// A registry that is reached through the door, and a repository in it. Each scan is a tag.
#[derive(Debug)]
pub struct RemoteRegistry {
    guard: Guard,
    repository: String,
    registry: String,
    login: Option<Credential>,
    within: Duration,
}

impl RemoteRegistry {
    /// `repository` of `registry`, a host with its port where that is not 443; an artifact is pushed within `within`.
    ///
    /// # Errors
    /// What is no registry or no repository.
    pub fn new(
        guard: Guard,
        registry: &str,
        repository: &str,
        login: Option<Credential>,
        within: Duration,
    ) -> Result<Self, Error> {
        let reference: OciReference = format!("oci://{registry}/{repository}:latest").parse()?;
        Ok(Self { guard, repository: repository.to_owned(), registry: reference.registry().to_string(), login, within })
    }

    fn reference(&self, artifact: &Artifact) -> Result<OciReference, Error> {
        Ok(format!("oci://{}/{}:{}", self.registry, self.repository, artifact.scan).parse()?)
    }
}

impl Registry for RemoteRegistry {
    fn place(&self) -> String {
        format!("oci://{}/{}", self.registry, self.repository)
    }

    fn keep<'a>(&'a self, artifact: &'a Artifact) -> BoxFuture<'a, Result<RegistryRecord, Error>> {
        Box::pin(async move {
            let layout = Layout::of(artifact)?;
            let empty =
                OciBlob { digest: Sha256::of(EMPTY), size: EMPTY.len() as u64, content: OciContent::Bytes(EMPTY) };
            let mut blobs = BTreeMap::from([(empty.digest, empty)]);
            for item in &artifact.items {
                let blob = OciBlob { digest: item.sha256, size: item.size, content: OciContent::File(&item.file) };
                blobs.entry(blob.digest).or_insert(blob);
            }
            let digest = format!("sha256:{}", layout.artifact.digest());
            let push = OciPush {
                blobs: blobs.into_values().collect(),
                artifact: layout.artifact,
                referrers: layout.referrers,
            };
            let reference = self.reference(artifact)?;
            self.guard.push(&reference, self.login.as_ref(), &push, self.within).await?;
            Ok(RegistryRecord {
                image_reference: format!("{}/{}:{}", self.registry, self.repository, artifact.scan),
                digest,
                registry: Some(self.registry.clone()),
                mirror_path: None,
                manifest: artifact.manifest(ToOwned::to_owned),
            })
        })
    }
}
