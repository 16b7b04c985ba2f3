//! `composer.lock`.

use std::collections::BTreeMap;

use certus_sdk_core::Scope;

use super::Lock;
use crate::error::Error;
use crate::hash;
use crate::node::{Node, json};
use crate::package::{Ecosystem, Package};
use crate::url;

/// Reads a file. It does not hold the project itself.
pub(super) fn read(text: &str) -> Result<Lock, Error> {
    let document = json::parse(text)?;
    let lists = [
        (document.require("packages")?.items(), Scope::Runtime),
        (document.items_of("packages-dev"), Scope::Development),
    ];
    let mut lock = Lock::default();
    let mut by_name: BTreeMap<&str, usize> = BTreeMap::new();
    let mut positions = Vec::new();
    for (entries, scope) in lists {
        for entry in entries {
            let name = entry.text("name").ok_or(Error::Missing { what: "name" })?;
            let at = lock.add(package(entry, name).scope(scope));
            by_name.insert(name, at);
            positions.push((entry, at));
        }
    }
    for (entry, from) in positions {
        // `php` and `ext-*` are the platform's.
        for need in entry.members_of("require") {
            if let Some(to) = by_name.get(need.key.as_ref()) {
                lock.link(from, *to);
            }
        }
    }
    Ok(lock)
}

fn package(entry: &Node<'_>, name: &str) -> Package {
    let mut package = Package::new(Ecosystem::Composer, name, entry.span.clone()).version(entry.text("version"));
    // Composer reads a list of licences as a choice.
    let licences = entry.items_of("license").iter().filter_map(Node::as_text);
    let licences: Vec<&str> = licences.collect();
    if !licences.is_empty() {
        package.licences.insert(licences.join(" OR "));
    }
    let Some(dist) = entry.get("dist") else {
        // Without an archive it comes from version control; a metapackage comes from nowhere.
        let source = entry.get("source");
        return match source.and_then(|s| Some((s.text("url")?, s.text("reference")))) {
            Some((repository, commit)) => package.git(repository, commit),
            None => package,
        };
    };
    if dist.text("type") == Some("path") {
        return package.local();
    }
    // Code hosts pack archives on the fly, so that the checksum is often left empty.
    package.origin = dist.text("url").map(url::without_credentials);
    let hash = dist.text("shasum").and_then(|digits| hash::named("sha1", digits));
    package.hashes(hash)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lock::testing::{edges, find, names};
    use crate::package::Source;

    #[test]
    fn lists_licences_and_sources() {
        let text = format!(
            r#"{{
  "packages": [
    {{"name": "v/a", "version": "v1.0.0", "license": ["MIT", "GPL-2.0-only"], "require": {{"php": ">=8", "v/b": "^1"}},
      "dist": {{"type": "zip", "url": "https://x.example/a.zip", "shasum": "{}"}}}},
    {{"name": "v/b", "version": "1.0", "source": {{"type": "git", "url": "https://x.example/b.git", "reference": "0123456789abcdef0123456789abcdef01234567"}}}}
  ],
  "packages-dev": [{{"name": "v/c", "version": "1.0", "dist": {{"type": "path", "url": "c"}}, "require": {{"v/a": "*"}}}}]
}}"#,
            "ab".repeat(20)
        );
        let lock = read(&text).unwrap();
        assert_eq!(names(&lock), ["v/a@v1.0.0", "v/b@1.0", "v/c@1.0"]);
        assert_eq!(edges(&lock, "v/a@v1.0.0"), ["v/b@1.0"]);
        assert_eq!(edges(&lock, "v/c@1.0"), ["v/a@v1.0.0"]);
        let a = find(&lock, "v/a@v1.0.0");
        assert_eq!(a.licences.iter().collect::<Vec<_>>(), ["MIT OR GPL-2.0-only"]);
        assert_eq!((a.hashes.len(), a.scope), (1, Scope::Runtime));
        assert_eq!(find(&lock, "v/b@1.0").source, Source::Git { pinned: true });
        let c = find(&lock, "v/c@1.0");
        assert_eq!((c.source, c.scope), (Source::Local, Scope::Development));
        assert_eq!(read("{}").map(|_| ()), Err(Error::Missing { what: "packages" }));
    }
}
