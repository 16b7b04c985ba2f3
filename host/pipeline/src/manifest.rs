//! The scan manifest: from where it comes to what may be acted on.

use certus_checkout::SealedWorkspace;
use certus_model::manifest::ScanManifest;
use certus_model::workspace::Workspace as _;
use certus_model::{RepoPath, Sha256};
use certus_signing::{PublicKey, Signature};

use crate::error::Error;

/// The largest manifest that is read, in bytes.
pub const MAX_MANIFEST: u64 = 4 << 20;
/// The largest detached signature that is read; those of cosign have some hundred bytes.
const MAX_SIGNATURE: u64 = 64 << 10;

/// Where the scan manifest comes from.
#[derive(Clone, Debug, Default)]
pub enum Manifest {
    /// There is none: the built-in profile runs.
    #[default]
    None,
    /// At hand.
    Given {
        /// As it was given; its SHA-256 is the manifest's digest.
        bytes: Vec<u8>,
        /// A detached signature over them: base64 of a DER ECDSA signature, as cosign writes it.
        signature: Option<Vec<u8>>,
    },
    /// A file of the tree that is scanned; its signature lies beside it as `PATH.sig`.
    InTree(RepoPath),
}

/// Whose manifests are acted on.
#[derive(Clone, Debug, Default)]
pub struct ManifestVerification {
    /// Verifies their signatures.
    pub key: Option<PublicKey>,
    /// Whether a manifest without a signature is refused. A wrong one is refused either way.
    pub required: bool,
}

/// A manifest that may be acted on.
pub(crate) struct Checked {
    pub(crate) bytes: Vec<u8>,
    pub(crate) manifest: ScanManifest,
    pub(crate) digest: Sha256,
    /// Whether a signature over `bytes` was checked.
    pub(crate) verified: bool,
}

/// Whether a scan of `profile` with this manifest could be selected for: the manifest parses and the profile
/// exists. Its tools and the plugins that are installed are not looked at.
///
/// # Errors
/// One sentence that may be told to whoever asks.
pub fn check_profile(profile: &str, manifest: Option<&[u8]>) -> Result<(), Error> {
    let manifest = manifest.map(parse).transpose()?;
    Ok(certus_catalog::check_profile(profile, manifest.as_ref())?)
}

/// Checks what was given, the signature before anything else.
pub(crate) fn given(bytes: Vec<u8>, signature: Option<&[u8]>, rules: &ManifestVerification) -> Result<Checked, Error> {
    let size = bytes.len() as u64;
    if size > MAX_MANIFEST {
        return Err(Error::ManifestTooLarge { what: "the manifest".to_owned(), size, limit: MAX_MANIFEST });
    }
    let verified = verify(&bytes, signature, rules)?;
    let manifest = parse(&bytes)?;
    Ok(Checked { digest: Sha256::of(&bytes), bytes, manifest, verified })
}

/// The same with what lies at `path` in the sealed tree.
pub(crate) fn in_tree(
    path: &RepoPath,
    workspace: &SealedWorkspace,
    rules: &ManifestVerification,
) -> Result<Checked, Error> {
    let bytes = read(path, workspace, MAX_MANIFEST)?.ok_or_else(|| Error::ManifestNotFound(path.clone()))?;
    let beside = [&path.to_bytes()[..], b".sig"].concat();
    let signature = match RepoPath::from_bytes(&beside) {
        Ok(beside) => read(&beside, workspace, MAX_SIGNATURE)?,
        // A name so long that there can be no file of it.
        Err(_) => None,
    };
    given(bytes, signature.as_deref(), rules)
}

/// The file at `path`; none where there is no regular file.
fn read(path: &RepoPath, workspace: &SealedWorkspace, limit: u64) -> Result<Option<Vec<u8>>, Error> {
    let Some(index) = workspace.find(path) else { return Ok(None) };
    let entry = &workspace.entries()[index];
    if !entry.kind.is_file() {
        return Ok(None);
    }
    if entry.size > limit {
        return Err(Error::ManifestTooLarge { what: format!("`{path}`"), size: entry.size, limit });
    }
    let content = workspace.read(index).map_err(Error::ManifestRead)?;
    Ok(Some(content.into_owned()))
}

/// Whether `signature` was checked; a refusal where it is wrong, or lacks although one is required.
fn verify(bytes: &[u8], signature: Option<&[u8]>, rules: &ManifestVerification) -> Result<bool, Error> {
    match (&rules.key, signature) {
        (None, _) if rules.required => Err(Error::ManifestKeyMissing),
        (Some(_), None) if rules.required => Err(Error::ManifestUnsigned),
        (None, _) | (Some(_), None) => Ok(false),
        (Some(key), Some(signature)) => {
            let checked = Signature::from_base64(signature).and_then(|signature| key.verify(bytes, &signature));
            checked.map(|()| true).map_err(|_| Error::ManifestSignature(key.key_id()))
        }
    }
}

fn parse(bytes: &[u8]) -> Result<ScanManifest, Error> {
    serde_json::from_slice(bytes)
        .map_err(|error| Error::Manifest(certus_model::escape::one_line(&error.to_string(), 300)))
}

#[cfg(test)]
mod tests;
