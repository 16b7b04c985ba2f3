//! Package URLs, built by the host so that they are always well formed.

use std::fmt;

use certus_model::inventory::Dependency;
use packageurl::PackageUrl;
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};
use serde::Serialize;

use crate::evidence::Redactor;

/// Signs that the specification has encoded wherever they stand, and the library leaves as they are;
/// `!` is in versions of Python packages (epochs).
const LEFT_PLAIN: &AsciiSet = &CONTROLS.add(b'!').add(b'$').add(b'\'').add(b'(').add(b')').add(b'*').add(b',');

/// A package URL in its canonical spelling, which is what packages are told apart by.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub(crate) struct Purl(String);

impl Purl {
    /// The purl of a record. What its type does not allow becomes a `generic` one: a package is never
    /// left out because a plugin names it badly.
    pub(super) fn of(stated: &Dependency, redactor: &Redactor) -> Self {
        let name = redactor.name(&stated.name);
        let built = build(&redactor.name(&stated.ecosystem), &name, stated, redactor).or_else(|_| {
            let namespace = stated.namespace.as_deref().map(|namespace| redactor.name(namespace) + "/");
            build_bare("generic", &(namespace.unwrap_or_default() + &name), stated, redactor)
        });
        Self(built.unwrap_or_else(|_| "pkg:generic/unnamed".to_owned()))
    }

    /// The text, beginning with `pkg:`.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Purl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

fn build(ty: &str, name: &str, stated: &Dependency, redactor: &Redactor) -> Result<String, packageurl::Error> {
    let namespace = stated.namespace.as_deref().map(|namespace| redactor.name(namespace)).unwrap_or_default();
    let segments: Vec<_> = namespace.split('/').filter(|segment| !segment.is_empty()).collect();
    let mut purl = PackageUrl::new(ty, name)?;
    if !segments.is_empty() {
        purl.with_namespace(segments.join("/"))?;
    }
    finish(purl, stated, redactor)
}

fn build_bare(ty: &str, name: &str, stated: &Dependency, redactor: &Redactor) -> Result<String, packageurl::Error> {
    finish(PackageUrl::new(ty, name)?, stated, redactor)
}

fn finish<'p>(
    mut purl: PackageUrl<'p>,
    stated: &'p Dependency,
    redactor: &Redactor,
) -> Result<String, packageurl::Error> {
    if let Some(version) = stated.version.as_deref().filter(|version| !version.is_empty()) {
        purl.with_version(redactor.name(version))?;
    }
    for (key, value) in stated.qualifiers.iter().filter(|(_, value)| !value.is_empty()) {
        // A key that purls do not allow says nothing about which package it is.
        let _ = purl.add_qualifier(redactor.name(key), redactor.text(value));
    }
    Ok(utf8_percent_encode(&purl.to_string(), LEFT_PLAIN).to_string())
}
