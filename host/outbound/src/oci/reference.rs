use std::fmt;
use std::str::FromStr;

use certus_model::Sha256;

use crate::error::Error;
use crate::url::{RemoteHost, RemoteUrl, without_secrets};

/// `oci://registry/repository:tag` or `oci://registry/repository@sha256:…`: one of the two, so that it is plain
/// whether what it names can change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OciReference {
    registry: RemoteHost,
    repository: String,
    which: Which,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Which {
    Tag(String),
    Digest(Sha256),
}

impl OciReference {
    /// The registry: whom a login is for.
    pub const fn registry(&self) -> &RemoteHost {
        &self.registry
    }

    /// The digest that the artifact has to have, if the reference holds one.
    pub const fn digest(&self) -> Option<Sha256> {
        match &self.which {
            Which::Tag(_) => None,
            Which::Digest(digest) => Some(*digest),
        }
    }

    pub(super) fn repository(&self) -> &str {
        &self.repository
    }

    /// Where the artifact's document is asked for.
    pub(super) fn document(&self) -> RemoteUrl {
        let which = match &self.which {
            Which::Tag(tag) => tag.clone(),
            Which::Digest(digest) => format!("sha256:{digest}"),
        };
        self.at(&format!("manifests/{which}"))
    }

    /// Where a document is put and asked for, by tag or `sha256:…`.
    pub(super) fn manifest(&self, which: &str) -> RemoteUrl {
        self.at(&format!("manifests/{which}"))
    }

    /// Where an upload is begun.
    pub(super) fn uploads(&self) -> RemoteUrl {
        self.at("blobs/uploads/")
    }

    /// Where those are asked for that refer to a document.
    pub(super) fn referrers(&self, subject: Sha256) -> RemoteUrl {
        self.at(&format!("referrers/sha256:{subject}"))
    }

    /// The tag, if it names one.
    pub(super) fn tag(&self) -> Option<&str> {
        match &self.which {
            Which::Tag(tag) => Some(tag),
            Which::Digest(_) => None,
        }
    }

    /// Where a blob is asked for.
    pub(super) fn blob(&self, digest: Sha256) -> RemoteUrl {
        self.at(&format!("blobs/sha256:{digest}"))
    }

    fn at(&self, path: &str) -> RemoteUrl {
        let url = format!("https://{}/v2/{}/{path}", self.registry, self.repository);
        url.parse().expect("its parts were checked when it was made")
    }
}

impl FromStr for OciReference {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let bad = || Error::BadReference { given: without_secrets(text) };
        let (registry, path) = text.strip_prefix("oci://").and_then(|rest| rest.split_once('/')).ok_or_else(bad)?;
        let (repository, which) = match path.split_once('@') {
            Some((repository, digest)) => {
                let digest = digest.strip_prefix("sha256:").and_then(|hex| hex.parse().ok()).ok_or_else(bad)?;
                (repository, Which::Digest(digest))
            }
            None => {
                let (repository, tag) = path.split_once(':').filter(|(_, tag)| is_tag(tag)).ok_or_else(bad)?;
                (repository, Which::Tag(tag.to_owned()))
            }
        };
        if repository.len() > 255 || !repository.split('/').all(is_component) {
            return Err(bad());
        }
        let registry = registry.parse().map_err(|_| bad())?;
        Ok(Self { registry, repository: repository.to_owned(), which })
    }
}

impl fmt::Display for OciReference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "oci://{}/{}", self.registry, self.repository)?;
        match &self.which {
            Which::Tag(tag) => write!(f, ":{tag}"),
            Which::Digest(digest) => write!(f, "@sha256:{digest}"),
        }
    }
}

/// `[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}`, as the specification has it.
fn is_tag(text: &str) -> bool {
    let first = |c: char| c.is_ascii_alphanumeric() || c == '_';
    text.len() <= 128
        && text.starts_with(first)
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.' | b'-'))
}

/// A part of a repository's name: runs of lower-case letters and digits, with `.`, `_`, `__` or hyphens between.
fn is_component(text: &str) -> bool {
    let plain = |b: &u8| b.is_ascii_lowercase() || b.is_ascii_digit();
    let (Some(first), Some(last)) = (text.as_bytes().first(), text.as_bytes().last()) else { return false };
    let separators = text.as_bytes().split(plain).filter(|between| !between.is_empty());
    let may_part = |between: &[u8]| matches!(between, b"." | b"_" | b"__") || between.iter().all(|b| *b == b'-');
    plain(first) && plain(last) && { separators }.all(may_part)
}
