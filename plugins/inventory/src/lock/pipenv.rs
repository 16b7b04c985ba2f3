//! `Pipfile.lock`.

use certus_sdk_core::{Hash, Scope};

use super::Lock;
use crate::error::Error;
use crate::hash;
use crate::node::{Member, json};
use crate::package::{Ecosystem, Package};
use crate::url;

/// Reads a file. It says neither what needs what nor anything of the project itself. Every member
/// but `_meta` is a group; `default` is what runs.
pub(super) fn read(text: &str) -> Result<Lock, Error> {
    let document = json::parse(text)?;
    let sources = document.require("_meta")?.items_of("sources");
    let mut lock = Lock::default();
    for group in document.members().iter().filter(|group| group.key != "_meta") {
        let scope = match group.key.as_ref() {
            "default" => Scope::Runtime,
            _ => Scope::Development,
        };
        for member in group.node.members() {
            lock.add(package(member).scope(scope));
        }
    }
    for source in sources {
        if let Some(host) = source.text("url").and_then(url::insecure_host) {
            lock.insecure.push((host.to_owned(), source.span.clone()));
        }
    }
    Ok(lock)
}

fn package(member: &Member<'_>) -> Package {
    let entry = &member.node;
    let version = entry.text("version").map(|version| version.trim_start_matches('='));
    let package = Package::new(Ecosystem::Pypi, &member.key, member.span.clone()).version(version);
    if let Some(repository) = entry.text("git") {
        return package.git(repository, entry.text("ref"));
    }
    if entry.get("path").is_some() {
        return package.local();
    }
    let hashes = entry.items_of("hashes").iter();
    let hashes: Vec<Hash> = hashes.filter_map(|hash| hash::prefixed(hash.as_text()?)).collect();
    package.archive(entry.text("file")).hashes(hashes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lock::testing::{entries, find, names};
    use crate::package::Source;

    #[test]
    fn groups_hashes_and_sources() {
        let text = format!(
            r#"{{
  "_meta": {{"sources": [{{"name": "x", "url": "http://u:p@pypi.example/simple"}}]}},
  "default": {{
    "A_b": {{"hashes": ["sha256:{}"], "version": "==1.0"}},
    "g": {{"git": "https://x.example/g.git", "ref": "main"}}
  }},
  "develop": {{"A_b": {{"hashes": ["sha256:{}"], "version": "==1.0"}}, "d": {{"version": "==2.0"}}}}
}}"#,
            "ab".repeat(32),
            "cd".repeat(32)
        );
        let lock = read(&text).unwrap();
        assert_eq!(names(&lock), ["a-b@1.0", "d@2.0", "g@-"]);
        let a = find(&lock, "a-b@1.0");
        assert_eq!((a.scope, a.hashes.len(), a.entries.len()), (Scope::Runtime, 2, 2));
        assert_eq!(find(&lock, "g@-").source, Source::Git { pinned: false });
        assert_eq!(find(&lock, "d@2.0").scope, Scope::Development);
        assert_eq!(entries(&lock, "d@2.0", &text), [r#""d": {"version": "==2.0"}"#]);
        assert_eq!(lock.insecure[0].0, "pypi.example");
        assert_eq!(read("{}").map(|_| ()), Err(Error::Missing { what: "_meta" }));
    }
}
