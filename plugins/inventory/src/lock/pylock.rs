//! `pylock.toml`, the lock file that Python's tools agreed on (PEP 751).

use super::Lock;
use super::python::{Names, with_files};
use crate::error::Error;
use crate::node::{Node, toml};
use crate::package::{Ecosystem, Package};

/// Reads a file. It is a list of what to install: the project itself is not in it.
pub(super) fn read(text: &str) -> Result<Lock, Error> {
    let document = toml::parse(text)?;
    let version = document.text("lock-version");
    let version = version.ok_or(Error::Missing { what: "lock-version" })?;
    if version.split('.').next() != Some("1") {
        return Err(Error::UnknownVersion { key: "lock-version" });
    }
    let mut lock = Lock::default();
    let mut names = Names::default();
    let mut positions = Vec::new();
    for entry in document.items_of("packages") {
        let name = entry.text("name").ok_or(Error::Missing { what: "name" })?;
        let at = lock.add(package(entry, name));
        names.insert(name, at);
        positions.push((entry, at));
    }
    for (entry, from) in positions {
        for need in entry.items_of("dependencies") {
            if let Some(name) = need.text("name") {
                names.link(&mut lock, from, name, need.text("version"));
            }
        }
    }
    Ok(lock)
}

fn package(entry: &Node<'_>, name: &str) -> Package {
    let package = Package::new(Ecosystem::Pypi, name, entry.span.clone()).version(entry.text("version"));
    if let Some(vcs) = entry.get("vcs") {
        return match vcs.text("url") {
            Some(repository) => package.git(repository, vcs.text("commit-id")),
            None => package.local(),
        };
    }
    if entry.get("directory").is_some() {
        return package.local();
    }
    with_files(package, entry)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lock::testing::{edges, find, names};
    use crate::package::Source;

    #[test]
    fn files_repositories_and_folders() {
        let text = format!(
            r#"lock-version = "1.0"
created-by = "x"

[[packages]]
name = "a"
version = "1.0"
dependencies = [{{name = "b"}}]
wheels = [{{url = "https://files.example/a.whl", hashes = {{sha256 = "{}"}}}}]

[[packages]]
name = "b"
vcs = {{type = "git", url = "https://x.example/b.git", commit-id = "0123456789abcdef0123456789abcdef01234567"}}

[[packages]]
name = "c"
directory = {{path = "c"}}
"#,
            "ab".repeat(32)
        );
        let lock = read(&text).unwrap();
        assert_eq!(names(&lock), ["a@1.0", "b@-", "c@-"]);
        assert_eq!(edges(&lock, "a@1.0"), ["b@-"]);
        assert_eq!(find(&lock, "a@1.0").hashes.len(), 1);
        assert_eq!(find(&lock, "b@-").source, Source::Git { pinned: true });
        assert_eq!(find(&lock, "c@-").source, Source::Local);
        let future = read("lock-version = \"2.0\"").map(|_| ());
        assert_eq!(future, Err(Error::UnknownVersion { key: "lock-version" }));
    }
}
