//! The inventory of all runs as one bill of materials, in CycloneDX and SPDX.

mod cyclonedx;
mod licence;
mod purl;
mod spdx;

use std::collections::{BTreeMap, BTreeSet};

use certus_model::PluginRun;
use certus_model::coverage::RunStatus;
use certus_model::inventory::{Dependency, PackageHash, Scope};
use url::Url;

pub(crate) use self::cyclonedx::document as cyclonedx;
use self::purl::Purl;
pub(crate) use self::spdx::document as spdx;
use crate::evidence::Redactor;
use crate::findings::Places;

/// Short name of the plugin whose run makes a bill of materials even where it finds no package.
const INVENTORY: &str = "inventory";

/// What the scanned project is made of. One package is named by one purl, whichever lock file and
/// whichever plugin states it.
#[derive(Debug)]
pub(crate) struct Inventory {
    pub(crate) packages: BTreeMap<Purl, Package>,
}

/// One package with everything that was stated of it.
#[derive(Debug)]
pub(crate) struct Package {
    pub(crate) namespace: Option<String>,
    pub(crate) name: String,
    pub(crate) version: Option<String>,
    /// Whether it is the scanned project or a member of its workspace.
    pub(crate) root: bool,
    pub(crate) scope: Scope,
    pub(crate) licences: BTreeSet<String>,
    pub(crate) hashes: BTreeSet<PackageHash>,
    pub(crate) origins: BTreeSet<Url>,
    pub(crate) depends_on: BTreeSet<Purl>,
    /// Path and line of what proves it.
    pub(crate) evidence: BTreeSet<(String, Option<u64>)>,
}

/// What the documents describe, and what it directly consists of.
pub(crate) struct Top<'a> {
    /// The one root, if there is exactly one; else the source as a whole.
    pub(crate) root: Option<(&'a Purl, &'a Package)>,
    pub(crate) depends_on: BTreeSet<&'a Purl>,
}

impl Inventory {
    /// The inventory of `runs`; none where no run took one.
    pub(crate) fn of(runs: &[&PluginRun], places: &Places, redactor: &Redactor) -> Option<Self> {
        let took = |run: &&&PluginRun| {
            let answered = !matches!(run.status, RunStatus::Failed(_));
            answered && (!run.dependencies.is_empty() || run.manifest.plugin.id.short_name() == INVENTORY)
        };
        let taken: Vec<_> = runs.iter().filter(took).collect();
        if taken.is_empty() {
            return None;
        }
        let mut packages = BTreeMap::new();
        for run in taken {
            let purls: BTreeMap<&str, Purl> =
                run.dependencies.iter().map(|stated| (stated.id.as_str(), Purl::of(stated, redactor))).collect();
            for stated in &run.dependencies {
                let purl = &purls[stated.id.as_str()];
                let package = packages.entry(purl.clone()).or_insert_with(|| Package::named(stated, redactor));
                package.add(stated, places, redactor);
                let targets = stated.depends_on.iter().filter_map(|id| purls.get(id.as_str()));
                package.depends_on.extend(targets.filter(|target| *target != purl).cloned());
            }
        }
        Some(Self { packages })
    }

    /// What is described, with the roots and whatever no package depends on right below it.
    pub(crate) fn top(&self) -> Top<'_> {
        let mut roots = self.packages.iter().filter(|(_, package)| package.root);
        let root = match (roots.next(), roots.next()) {
            (Some(only), None) => Some(only),
            _ => None,
        };
        let needed: BTreeSet<&Purl> = self.packages.values().flat_map(|package| &package.depends_on).collect();
        let mut depends_on: BTreeSet<&Purl> = self
            .packages
            .iter()
            .filter(|(purl, package)| package.root || !needed.contains(purl))
            .map(|(purl, _)| purl)
            .collect();
        if let Some((purl, package)) = root {
            depends_on.remove(purl);
            depends_on.extend(&package.depends_on);
        }
        Top { root, depends_on }
    }
}

impl Package {
    fn named(stated: &Dependency, redactor: &Redactor) -> Self {
        Self {
            namespace: stated.namespace.as_deref().map(|namespace| redactor.name(namespace)),
            name: redactor.name(&stated.name),
            version: stated.version.as_deref().map(|version| redactor.name(version)),
            root: false,
            scope: stated.scope,
            licences: BTreeSet::new(),
            hashes: BTreeSet::new(),
            origins: BTreeSet::new(),
            depends_on: BTreeSet::new(),
            evidence: BTreeSet::new(),
        }
    }

    fn add(&mut self, stated: &Dependency, places: &Places, redactor: &Redactor) {
        self.root |= stated.root;
        self.scope = wider(self.scope, stated.scope);
        self.licences.extend(stated.licences.iter().map(|licence| redactor.name(licence)));
        let shown = |hash: &&PackageHash| redactor.name(&hash.value) == hash.value;
        self.hashes.extend(stated.hashes.iter().filter(shown).cloned());
        self.origins
            .extend(stated.origin.iter().filter(|text| !redactor.is_sensitive(text)).filter_map(|text| origin(text)));
        self.evidence.extend(stated.evidence.iter().map(|location| {
            let place = places.get(location);
            (place.path.to_string(), place.line())
        }));
    }

    /// `namespace/name`, as the ecosystem writes it.
    pub(crate) fn full_name(&self) -> String {
        match &self.namespace {
            Some(namespace) => format!("{namespace}/{}", self.name),
            None => self.name.clone(),
        }
    }
}

/// Schemes that something may be fetched by. A viewer of an inventory makes links of its URLs, and
/// must not find one there that runs or reads something.
const FETCHED_BY: [&str; 16] = [
    "http",
    "https",
    "ftp",
    "ftps",
    "git",
    "git+http",
    "git+https",
    "git+ssh",
    "ssh",
    "svn",
    "svn+http",
    "svn+https",
    "svn+ssh",
    "hg+http",
    "hg+https",
    "hg+ssh",
];

/// A download URL; credentials, which the engine has removed, are removed again.
fn origin(text: &str) -> Option<Url> {
    let mut url = Url::parse(text).ok().filter(|url| FETCHED_BY.contains(&url.scheme()))?;
    if !url.username().is_empty() || url.password().is_some() {
        url.set_username("").ok()?;
        url.set_password(None).ok()?;
    }
    Some(url)
}

/// The scope under which more is shipped: what one lock file needs to run is needed to run.
fn wider(one: Scope, other: Scope) -> Scope {
    let rank = |scope: &Scope| match scope {
        Scope::Runtime => 0,
        Scope::Unknown => 1,
        Scope::Optional => 2,
        Scope::Build => 3,
        Scope::Development => 4,
    };
    std::cmp::min_by_key(one, other, rank)
}

/// What RFC 3986 allows in neither path, query nor fragment and the URL standard leaves as it is.
const NOT_IN_URIS: &percent_encoding::AsciiSet = &percent_encoding::CONTROLS
    .add(b'"')
    .add(b'<')
    .add(b'>')
    .add(b'[')
    .add(b'\\')
    .add(b']')
    .add(b'^')
    .add(b'`')
    .add(b'{')
    .add(b'|')
    .add(b'}');

/// `url` in the stricter form of RFC 3986 that the formats ask for.
fn uri(url: &Url) -> String {
    let (authority, rest) = (&url[..url::Position::BeforePath], &url[url::Position::BeforePath..]);
    let encoded = percent_encoding::utf8_percent_encode(rest, NOT_IN_URIS).to_string();
    // A `%` that begins no escape is one more character that has to be escaped.
    let mut parts = encoded.split('%');
    let mut uri = format!("{authority}{}", parts.next().unwrap_or_default());
    for part in parts {
        let escape = part.as_bytes().get(..2).is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit));
        uri += if escape { "%" } else { "%25" };
        uri += part;
    }
    uri
}

#[cfg(test)]
mod tests;
