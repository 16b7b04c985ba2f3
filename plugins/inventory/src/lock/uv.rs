//! `uv.lock`.

use certus_sdk_core::Scope;

use super::Lock;
use super::python::{Names, with_files};
use crate::error::Error;
use crate::node::{Node, toml};
use crate::package::{Ecosystem, Package};
use crate::url;

/// Reads a file. Extras and groups are tables of lists; what only they reach is optional or for
/// development.
pub(super) fn read(text: &str) -> Result<Lock, Error> {
    let document = toml::parse(text)?;
    match document.text("version") {
        Some("1") => {}
        Some(_) => return Err(Error::UnknownVersion { key: "version" }),
        None => return Err(Error::Missing { what: "version" }),
    }
    let mut lock = Lock::default();
    let mut names = Names::default();
    let mut positions = Vec::new();
    for entry in document.items_of("package") {
        let name = entry.text("name").ok_or(Error::Missing { what: "name" })?;
        let at = lock.add(package(entry, name));
        names.insert(name, at);
        positions.push((entry, at));
    }
    let mut starts = Vec::new();
    for (entry, from) in positions {
        let root = lock.packages[from].root;
        let tables = [("optional-dependencies", Scope::Optional), ("dev-dependencies", Scope::Development)];
        let extras = tables.iter().flat_map(|(table, scope)| {
            let groups = entry.members_of(table).iter();
            groups.flat_map(|group| group.node.items()).map(|need| (*scope, need))
        });
        let plain = entry.items_of("dependencies").iter();
        for (scope, need) in plain.map(|need| (Scope::Runtime, need)).chain(extras) {
            let Some(name) = need.text("name") else {
                continue;
            };
            for to in names.matching(&lock, name, need.text("version")) {
                lock.link(from, to);
                if root {
                    starts.push((scope, to));
                }
            }
        }
    }
    lock.spread(&starts);
    Ok(lock)
}

fn package(entry: &Node<'_>, name: &str) -> Package {
    let package = Package::new(Ecosystem::Pypi, name, entry.span.clone()).version(entry.text("version"));
    let Some(source) = entry.get("source") else {
        return package;
    };
    // A member of the workspace is installed from it; any other folder or archive is no member.
    let member = ["editable", "virtual"].iter().any(|key| source.get(key).is_some());
    if member {
        return package.root();
    }
    if let Some(git) = source.text("git") {
        return package.git(git, url::fragment(git));
    }
    if let Some(archive) = source.text("url") {
        return with_files(package, entry).archive(Some(archive));
    }
    let local = ["directory", "path"].iter().any(|key| source.get(key).is_some());
    if local {
        return package.local();
    }
    with_files(package, entry)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lock::testing::{edges, entries, find, names};
    use crate::package::Source;

    #[test]
    fn members_extras_groups_and_files() {
        let hash = "ab".repeat(32);
        let text = format!(
            r#"version = 1
requires-python = ">=3.10"

[[package]]
name = "App_One"
version = "1.0"
source = {{ editable = "." }}
dependencies = [
    {{ name = "a" }},
    {{ name = "many", version = "2.0", marker = "python_version > '3'" }},
]

[package.optional-dependencies]
async = [{{ name = "o" }}]

[package.dev-dependencies]
dev = [{{ name = "d" }}]

[package.metadata]
requires-dist = [{{ name = "a", specifier = ">=1" }}]

[[package]]
name = "a"
version = "1.0"
source = {{ registry = "https://pypi.org/simple" }}
dependencies = [{{ name = "g" }}]
sdist = {{ url = "https://files.example/a-1.0.tar.gz", hash = "sha256:{hash}", size = 1 }}
wheels = [
    {{ url = "https://files.example/a-1.0.whl", hash = "sha256:{}", size = 1 }},
]

[[package]]
name = "d"
version = "1.0"
source = {{ registry = "https://pypi.org/simple" }}
dependencies = [{{ name = "a" }}]

[[package]]
name = "g"
version = "1.0"
source = {{ git = "https://x.example/g?rev=main#0123456789abcdef0123456789abcdef01234567" }}

[[package]]
name = "many"
version = "1.0"
source = {{ registry = "https://pypi.org/simple" }}

[[package]]
name = "many"
version = "2.0"
source = {{ registry = "https://pypi.org/simple" }}

[[package]]
name = "o"
version = "1.0"
source = {{ directory = "vendor/o" }}
"#,
            "cd".repeat(32)
        );
        let lock = read(&text).unwrap();
        assert_eq!(names(&lock).len(), 7);
        assert_eq!(edges(&lock, "app-one@1.0"), ["a@1.0", "d@1.0", "many@2.0", "o@1.0"]);
        assert!(find(&lock, "app-one@1.0").root);
        for (package, scope, source) in [
            ("a@1.0", Scope::Runtime, Source::Hashed),
            ("g@1.0", Scope::Runtime, Source::Git { pinned: true }),
            ("many@2.0", Scope::Runtime, Source::Hashed),
            ("many@1.0", Scope::Unknown, Source::Hashed),
            ("o@1.0", Scope::Optional, Source::Local),
            ("d@1.0", Scope::Development, Source::Hashed),
        ] {
            let found = find(&lock, package);
            assert_eq!((found.scope, found.source), (scope, source), "{package}");
        }
        let a = find(&lock, "a@1.0");
        assert_eq!(a.hashes.len(), 2);
        assert_eq!(a.origin.as_deref(), Some("https://files.example/a-1.0.tar.gz"));
        let [root] = entries(&lock, "app-one@1.0", &text)[..] else { panic!("one entry") };
        assert!(root.ends_with("requires-dist = [{ name = \"a\", specifier = \">=1\" }]"));
    }

    #[test]
    fn a_version_to_come_is_not_read() {
        let error = read("version = 2").map(|_| ());
        assert_eq!(error, Err(Error::UnknownVersion { key: "version" }));
        assert_eq!(read("a = 2").map(|_| ()), Err(Error::Missing { what: "version" }));
    }
}
