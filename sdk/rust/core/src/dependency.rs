use crate::Location;

/// One component of the inventory. The host builds the package URL, so that it is always well
/// formed.
///
/// ```
/// use certus_sdk_core::{Dependency, Location, Scope};
///
/// let dependency = Dependency::new("serde 1.0.219", "cargo", "serde")
///     .version("1.0.219")
///     .scope(Scope::Runtime)
///     .evidence(Location::whole("Cargo.lock"));
/// assert_eq!(dependency.name, "serde");
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dependency {
    /// Names this record within one report; `depends_on` refers to it.
    pub id: String,
    /// The package URL's type: `cargo`, `npm`, `pypi`, `golang`, `maven`, `deb`, ...
    pub ecosystem: String,
    /// The package URL's namespace: an npm scope, a Maven group.
    pub namespace: Option<String>,
    /// The package's name without its namespace.
    pub name: String,
    /// As the metadata states it.
    pub version: Option<String>,
    /// The package URL's qualifiers.
    pub qualifiers: Vec<(String, String)>,
    /// The scanned project itself or a member of its workspace.
    pub root: bool,
    /// What it is needed for.
    pub scope: Scope,
    /// SPDX expressions as the metadata states them.
    pub licences: Vec<String>,
    /// Digests that the metadata states.
    pub hashes: Vec<Hash>,
    /// Where it is downloaded from; the host removes credentials.
    pub origin: Option<String>,
    /// Ids of the records that this one needs.
    pub depends_on: Vec<String>,
    /// Where it is written that this component is used.
    pub evidence: Vec<Location>,
}

/// What a dependency is needed for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scope {
    /// Part of what runs.
    Runtime,
    /// Tests and tools.
    Development,
    /// What builds it.
    Build,
    /// Used where it happens to be there.
    Optional,
    /// The metadata does not say.
    #[default]
    Unknown,
}

/// A digest of a component's archive.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Hash {
    /// How it was computed.
    pub algorithm: HashAlgorithm,
    /// The digest's bytes, not their hexadecimal or base64 form.
    pub value: Vec<u8>,
}

/// The digests that lock files use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(missing_docs, reason = "the names are the algorithms' own")]
pub enum HashAlgorithm {
    Sha1,
    Sha256,
    Sha384,
    Sha512,
    Blake3,
    Md5,
}

impl Dependency {
    /// A component of which no more is known than its name.
    pub fn new(id: impl Into<String>, ecosystem: impl Into<String>, name: impl Into<String>) -> Self {
        Self {
            id: id.into(),
            ecosystem: ecosystem.into(),
            namespace: None,
            name: name.into(),
            version: None,
            qualifiers: Vec::new(),
            root: false,
            scope: Scope::default(),
            licences: Vec::new(),
            hashes: Vec::new(),
            origin: None,
            depends_on: Vec::new(),
            evidence: Vec::new(),
        }
    }

    /// Sets the namespace.
    #[must_use]
    pub fn namespace(mut self, namespace: impl Into<String>) -> Self {
        self.namespace = Some(namespace.into());
        self
    }

    /// Sets the version.
    #[must_use]
    pub fn version(mut self, version: impl Into<String>) -> Self {
        self.version = Some(version.into());
        self
    }

    /// Adds a qualifier of the package URL.
    #[must_use]
    pub fn qualifier(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.qualifiers.push((name.into(), value.into()));
        self
    }

    /// Marks the scanned project itself, or a member of its workspace.
    #[must_use]
    pub fn root(mut self) -> Self {
        self.root = true;
        self
    }

    /// Says what it is needed for.
    #[must_use]
    pub fn scope(mut self, scope: Scope) -> Self {
        self.scope = scope;
        self
    }

    /// Adds an SPDX expression.
    #[must_use]
    pub fn licence(mut self, expression: impl Into<String>) -> Self {
        self.licences.push(expression.into());
        self
    }

    /// Adds a digest.
    #[must_use]
    pub fn hash(mut self, algorithm: HashAlgorithm, value: impl Into<Vec<u8>>) -> Self {
        self.hashes.push(Hash { algorithm, value: value.into() });
        self
    }

    /// Says where it is downloaded from.
    #[must_use]
    pub fn origin(mut self, url: impl Into<String>) -> Self {
        self.origin = Some(url.into());
        self
    }

    /// Adds the id of a record that this one needs.
    #[must_use]
    pub fn depends_on(mut self, id: impl Into<String>) -> Self {
        self.depends_on.push(id.into());
        self
    }

    /// Adds a place where it is written that this component is used.
    #[must_use]
    pub fn evidence(mut self, location: Location) -> Self {
        self.evidence.push(location);
        self
    }
}
