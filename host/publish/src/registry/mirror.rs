use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

use cap_std::ambient_authority;
use cap_std::fs::Dir;
use certus_model::document::ATTESTATION;
use certus_model::{ScanId, Sha256, canonical_json};
use certus_outbound::{OciDocument, OciReference};
use futures_util::future::BoxFuture;
use serde_json::json;

use super::layout::{EMPTY, Layout};
use super::{Artifact, Item, MANIFEST, Registry, SIGNATURE};
use crate::error::Error;
use crate::published::RegistryRecord;

/// In which folders come to be.
const NEW: &str = ".new";

/// A folder in place of a registry, with a folder for each scan: an OCI image layout, to be carried to where a
/// registry is, and the few files that the replaced service laid there.
#[derive(Debug)]
pub struct Mirror {
    path: PathBuf,
    dir: Dir,
    /// What the artifacts will be called: `registry/repository`.
    name: String,
}

impl Mirror {
    /// Opens the folder, and makes it if it does not exist. The artifacts are named as those of `repository` of
    /// `registry`.
    ///
    /// # Errors
    /// A folder that can be neither made nor opened; what is no registry or no repository.
    pub fn open(path: &Path, registry: &str, repository: &str) -> Result<Self, Error> {
        let reference: OciReference = format!("oci://{registry}/{repository}:latest").parse()?;
        let open = || {
            let path = std::path::absolute(path)?;
            Dir::create_ambient_dir_all(&path, ambient_authority())?;
            let dir = Dir::open_ambient_dir(&path, ambient_authority())?;
            dir.create_dir_all(NEW).map(|()| (path, dir))
        };
        let (path, dir) = open().map_err(|cause| Error::Mirror { what: path.display().to_string(), cause })?;
        Ok(Self { path, dir, name: format!("{}/{repository}", reference.registry()) })
    }

    fn keep_now(&self, artifact: &Artifact, layout: &Layout) -> Result<(), Error> {
        let new = format!("{NEW}/{}", uuid::Uuid::now_v7());
        let written = self.write(&new, artifact, layout).and_then(|()| self.replace(&new, &artifact.scan));
        if written.is_err() {
            // What cannot be removed is nobody's artifact.
            let _ = self.dir.remove_dir_all(&new);
        }
        written.map_err(|cause| Error::Mirror { what: artifact.scan.to_string(), cause })
    }

    fn write(&self, new: &str, artifact: &Artifact, layout: &Layout) -> io::Result<()> {
        self.dir.create_dir_all(new)?;
        let dir = self.dir.open_dir(new)?;
        dir.create_dir_all("blobs/sha256")?;
        let blob = |bytes: &[u8]| write(&dir, &format!("blobs/sha256/{}", Sha256::of(bytes)), bytes);
        blob(EMPTY)?;
        for document in layout.documents() {
            blob(&document.bytes)?;
        }
        for item in &artifact.items {
            copy(item, &dir, &format!("blobs/sha256/{}", item.sha256))?;
        }
        write(&dir, "oci-layout", br#"{"imageLayoutVersion":"1.0.0"}"#)?;
        let manifests: Vec<_> = layout.documents().map(|document| entry(document, layout, &artifact.scan)).collect();
        let index = json!({
            "schemaVersion": 2,
            "mediaType": "application/vnd.oci.image.index.v1+json",
            "manifests": manifests,
        });
        write(&dir, "index.json", &canonical_json(&index)?)?;
        for (path, at) in [
            (ATTESTATION, "reports/signing/attestation.dsse.json"),
            (MANIFEST, "policy/manifest.json"),
            (SIGNATURE, "policy/manifest.sig"),
        ] {
            if let Some(item) = artifact.item(path) {
                dir.create_dir_all(at.rsplit_once('/').map_or("", |(above, _)| above))?;
                copy(item, &dir, at)?;
            }
        }
        write(&dir, "image.txt", self.reference(&artifact.scan).as_bytes())?;
        write(&dir, "image.digest", format!("sha256:{}", layout.artifact.digest()).as_bytes())?;
        sync(&dir)
    }

    /// Puts what was written in the place of what was there.
    fn replace(&self, new: &str, scan: &ScanId) -> io::Result<()> {
        let old = format!("{new}.old");
        match self.dir.rename(scan.as_str(), &self.dir, &old) {
            Err(cause) if cause.kind() == io::ErrorKind::NotFound => self.dir.rename(new, &self.dir, scan.as_str())?,
            moved => {
                moved?;
                self.dir.rename(new, &self.dir, scan.as_str())?;
                self.dir.remove_dir_all(&old)?;
            }
        }
        self.dir.open(".")?.sync_all()
    }

    fn reference(&self, scan: &ScanId) -> String {
        format!("{}:{scan}", self.name)
    }
}

impl Registry for Mirror {
    fn place(&self) -> String {
        format!("mirror `{}` of {}", self.path.display(), self.name)
    }

    fn keep<'a>(&'a self, artifact: &'a Artifact) -> BoxFuture<'a, Result<RegistryRecord, Error>> {
        Box::pin(async move {
            let layout = Layout::of(artifact)?;
            self.keep_now(artifact, &layout)?;
            let path = self.path.join(artifact.scan.as_str());
            Ok(RegistryRecord {
                image_reference: self.reference(&artifact.scan),
                digest: format!("sha256:{}", layout.artifact.digest()),
                registry: None,
                mirror_path: Some(path.display().to_string()),
                manifest: artifact.manifest(|name| path.join("policy").join(name).display().to_string()),
            })
        })
    }
}

impl Layout {
    fn documents(&self) -> impl Iterator<Item = &OciDocument> {
        std::iter::once(&self.artifact).chain(&self.referrers)
    }
}

/// How the layout's index names a document; the artifact itself by its tag.
fn entry(document: &OciDocument, layout: &Layout, scan: &ScanId) -> serde_json::Value {
    let mut entry = document.descriptor();
    if document.digest() == layout.artifact.digest() {
        entry["annotations"] = json!({"org.opencontainers.image.ref.name": scan});
    }
    entry
}

fn write(dir: &Dir, path: &str, bytes: &[u8]) -> io::Result<()> {
    let mut file = dir.create(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

/// Copies a file that has to be what it is listed as.
fn copy(item: &Item, dir: &Dir, path: &str) -> io::Result<()> {
    let mut from = item.file.try_clone()?;
    from.seek(SeekFrom::Start(0))?;
    let mut to = dir.create(path)?;
    io::copy(&mut from.take(item.size), &mut to)?;
    to.sync_all()?;
    let (sha256, _) = certus_store::digest(&mut dir.open(path)?)?;
    match sha256 == item.sha256 {
        true => Ok(()),
        false => Err(io::Error::new(io::ErrorKind::InvalidData, "it is not what its digest says")),
    }
}

/// The names of every folder below.
fn sync(dir: &Dir) -> io::Result<()> {
    for entry in dir.entries()? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            sync(&entry.open_dir()?)?;
        }
    }
    dir.open(".")?.sync_all()
}
