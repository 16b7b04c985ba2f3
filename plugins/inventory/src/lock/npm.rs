//! `package-lock.json` and `npm-shrinkwrap.json`, versions 1 to 3.
//!
//! Every version describes folders: version 1 as a tree, the later ones as a list of paths. Both are
//! brought into the list, and a name is looked up as Node.js does, folder by folder upwards.

use std::collections::BTreeMap;
use std::ops::Range;

use certus_sdk_core::Scope;

use super::{Lock, Place};
use crate::error::Error;
use crate::hash;
use crate::node::{Node, Value, json};
use crate::package::{Ecosystem, Package};
use crate::url;

/// A path longer than a workspace's longest is not looked up.
const MAX_PATH: usize = 1024;

/// Reads a file.
pub(super) fn read(text: &str, place: Place<'_>) -> Result<Lock, Error> {
    let document = json::parse(text)?;
    let installed = match document.text("lockfileVersion") {
        version @ (None | Some("1")) => {
            if version.is_none() {
                document.require("dependencies")?;
            }
            let mut installed = Vec::new();
            flatten(&document, "", &mut installed);
            installed
        }
        Some("2" | "3") => list(document.require("packages")?),
        Some(_) => {
            return Err(Error::UnknownVersion { key: "lockfileVersion" });
        }
    };
    let mut lock = Lock::default();
    let mut positions: BTreeMap<&str, usize> = BTreeMap::new();
    for folder in installed.iter().filter(|folder| !folder.is_link()) {
        let at = lock.add(folder.package(place));
        positions.insert(&folder.path, at);
    }
    for folder in installed.iter().filter(|folder| folder.is_link()) {
        let target = folder.entry.text("resolved").unwrap_or_default();
        let at = match positions.get(target) {
            Some(at) => {
                lock.packages[*at].entries.push(folder.span.clone());
                *at
            }
            None => lock.add(folder.package(place).local()),
        };
        positions.insert(&folder.path, at);
    }
    for folder in &installed {
        let Some(from) = positions.get(folder.path.as_str()) else {
            continue;
        };
        for name in folder.needs() {
            if let Some(to) = look_up(&folder.path, name, &positions) {
                lock.link(*from, to);
            }
        }
    }
    Ok(lock)
}

/// A folder that npm would write.
struct Folder<'n> {
    path: String,
    span: Range<usize>,
    entry: &'n Node<'n>,
}

fn list<'n>(packages: &'n Node<'n>) -> Vec<Folder<'n>> {
    let members = packages.members().iter();
    members
        .map(|member| Folder { path: member.key.to_string(), span: member.span.clone(), entry: &member.node })
        .collect()
}

/// Version 1. The document itself is the project, where it has a name.
fn flatten<'n>(entry: &'n Node<'n>, path: &str, installed: &mut Vec<Folder<'n>>) {
    if path.is_empty() && entry.text("name").is_some() {
        let name = entry.members().iter().find(|member| member.key == "name");
        installed.push(Folder { path: String::new(), span: name.map_or(0..0, |member| member.span.clone()), entry });
    }
    for member in entry.members_of("dependencies") {
        let folder = match path {
            "" => format!("node_modules/{}", member.key),
            path => format!("{path}/node_modules/{}", member.key),
        };
        // The nested tree stands inside the entry, but is not part of what is said about it.
        let nested = member.node.members().iter().find(|m| m.key == "dependencies");
        let end = nested.map_or(member.span.end, |nested| nested.span.start);
        let last = member.node.members().iter().map(|m| m.span.end);
        let end = last.filter(|at| *at <= end).max().unwrap_or(end);
        installed.push(Folder {
            path: folder.clone(),
            span: member.span.start..if nested.is_some() { end } else { member.span.end },
            entry: &member.node,
        });
        flatten(&member.node, &folder, installed);
    }
}

impl Folder<'_> {
    fn is_link(&self) -> bool {
        self.entry.flag("link")
    }

    fn package(&self, place: Place<'_>) -> Package {
        let entry = self.entry;
        let installed = self.path.rsplit_once("node_modules/").map(|(_, name)| name);
        let outside = self.path.starts_with("..");
        // Version 1 writes a URL, a folder or the name behind an alias where the version belongs.
        let version = entry.text("version");
        let alias = version.and_then(|v| v.strip_prefix("npm:")).and_then(descriptor);
        let name = match (entry.text("name"), alias, installed) {
            (Some(name), ..) => name.to_owned(),
            (None, Some((name, _)), _) => name.to_owned(),
            (None, None, Some(name)) => name.to_owned(),
            (None, None, None) => place.project(&self.path),
        };
        let reference = version.filter(|v| v.contains(':') && alias.is_none());
        let version = match (alias, reference) {
            (Some((_, version)), _) => Some(version),
            (None, Some(_)) => None,
            (None, None) => version,
        };
        let package = Package::new(Ecosystem::Npm, &name, self.span.clone()).version(version);
        if installed.is_none() {
            return if outside { package.local() } else { package.root() };
        }
        let mut package = package.scope(self.scope());
        package.licences.extend(licence(entry));
        package.hashes.extend(entry.text("integrity").into_iter().flat_map(hash::integrity));
        match entry.text("resolved").or(reference) {
            Some(from) if url::is_git(from) => package.git(from, url::fragment(from)),
            Some(from) if url::is_web(from) => package.archive(Some(from)),
            Some(_) => package.local(),
            None => package,
        }
    }

    fn scope(&self) -> Scope {
        if self.entry.flag("dev") {
            Scope::Development
        } else if self.entry.flag("optional") || self.entry.flag("devOptional") {
            Scope::Optional
        } else {
            Scope::Runtime
        }
    }

    /// Names of what is needed. In version 1 `requires` has them, and `dependencies` the folders.
    fn needs(&self) -> impl Iterator<Item = &str> {
        let keys: &[&str] = match self.entry.get("requires").map(|node| &node.value) {
            Some(Value::Map(_)) => &["requires"],
            Some(_) => &[],
            None => &["dependencies", "optionalDependencies", "peerDependencies", "devDependencies"],
        };
        let members = keys.iter().flat_map(|key| self.entry.members_of(key));
        members.map(|member| member.key.as_ref())
    }
}

/// `name@rest`, where the name may have a scope.
pub(super) fn descriptor(text: &str) -> Option<(&str, &str)> {
    let at = text.get(1..)?.find('@')? + 1;
    Some((&text[..at], &text[at + 1..]))
}

/// A licence, unless it is a remark about where to find one.
fn licence(entry: &Node<'_>) -> Option<String> {
    let licence = entry.text("license")?;
    (!licence.starts_with("SEE LICEN")).then(|| licence.to_owned())
}

fn look_up(path: &str, name: &str, positions: &BTreeMap<&str, usize>) -> Option<usize> {
    if path.len() + name.len() > MAX_PATH {
        return None;
    }
    let mut folder = path;
    loop {
        let candidate = match folder {
            "" => format!("node_modules/{name}"),
            folder => format!("{folder}/node_modules/{name}"),
        };
        if let Some(at) = positions.get(candidate.as_str()) {
            return Some(*at);
        }
        if folder.is_empty() {
            return None;
        }
        folder = folder.rsplit_once('/').map_or("", |(parent, _)| parent);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lock::testing::{edges, entries, find, names};
    use crate::package::Source;

    const PLACE: Place<'_> = Place { path: "web/package-lock.json", neighbour: None };

    #[test]
    fn version_three_with_nesting_workspaces_links_and_aliases() {
        let text = r#"{
  "name": "app", "version": "1.0.0", "lockfileVersion": 3, "requires": true,
  "packages": {
    "": {"name": "app", "version": "1.0.0", "workspaces": ["packages/*"],
         "dependencies": {"a": "^1"}, "devDependencies": {"@s/d": "^1"}},
    "node_modules/a": {"version": "1.1.0", "resolved": "https://registry.npmjs.org/a/-/a-1.1.0.tgz",
      "integrity": "sha1-qUvPSkEV7Cs5Nc0rCWUYPkLQ8tI=", "license": "MIT", "dependencies": {"b": "^1"}},
    "node_modules/a/node_modules/b": {"version": "1.0.0", "resolved": "https://registry.npmjs.org/b/-/b-1.0.0.tgz"},
    "node_modules/b": {"version": "2.0.0", "dev": true},
    "node_modules/@s/d": {"version": "1.0.0", "dev": true, "dependencies": {"b": "^2"}},
    "node_modules/member": {"resolved": "packages/member", "link": true},
    "node_modules/other": {"name": "real", "version": "3.0.0"},
    "packages/member": {"version": "0.0.1", "dependencies": {"b": "*", "other": "npm:real@3"}}
  }
}"#;
        let lock = read(text, PLACE).unwrap();
        assert_eq!(
            names(&lock),
            ["@s/d@1.0.0", "a@1.1.0", "app@1.0.0", "b@1.0.0", "b@2.0.0", "member@0.0.1", "real@3.0.0"]
        );
        assert_eq!(edges(&lock, "app@1.0.0"), ["@s/d@1.0.0", "a@1.1.0"]);
        assert_eq!(edges(&lock, "a@1.1.0"), ["b@1.0.0"]);
        assert_eq!(edges(&lock, "@s/d@1.0.0"), ["b@2.0.0"]);
        assert_eq!(edges(&lock, "member@0.0.1"), ["b@2.0.0", "real@3.0.0"]);
        let member = find(&lock, "member@0.0.1");
        assert!(member.root);
        assert_eq!(member.entries.len(), 2, "the link is evidence as well");
        let a = find(&lock, "a@1.1.0");
        assert_eq!(a.licences.iter().collect::<Vec<_>>(), ["MIT"]);
        assert_eq!((a.hashes.len(), a.scope), (1, Scope::Runtime));
        assert_eq!(find(&lock, "b@2.0.0").scope, Scope::Development);
        assert_eq!(find(&lock, "b@1.0.0").source, Source::Hashed);
        assert!(find(&lock, "b@1.0.0").hashes.is_empty());
        assert_eq!(entries(&lock, "b@2.0.0", text), [r#""node_modules/b": {"version": "2.0.0", "dev": true}"#]);
    }

    #[test]
    fn version_one_is_the_same_folders_as_a_tree() {
        let text = r#"{
  "name": "app", "version": "1.0.0", "lockfileVersion": 1, "requires": true,
  "dependencies": {
    "a": {"version": "1.1.0", "resolved": "https://registry.npmjs.org/a/-/a-1.1.0.tgz", "requires": {"b": "^1", "c": "*"},
      "dependencies": {"b": {"version": "1.0.0", "bundled": true, "requires": {"c": "*"}}}},
    "b": {"version": "2.0.0", "dev": true, "optional": true},
    "c": {"version": "git+ssh://git@x.example/c.git#0123456789abcdef0123456789abcdef01234567", "from": "c@x"},
    "e": {"version": "file:../e"},
    "f": {"version": "npm:@s/real@4.0.0"}
  }
}"#;
        let lock = read(text, PLACE).unwrap();
        assert_eq!(names(&lock), ["@s/real@4.0.0", "a@1.1.0", "app@1.0.0", "b@1.0.0", "b@2.0.0", "c@-", "e@-"]);
        assert_eq!(edges(&lock, "a@1.1.0"), ["b@1.0.0", "c@-"]);
        assert_eq!(edges(&lock, "b@1.0.0"), ["c@-"]);
        assert_eq!(find(&lock, "c@-").source, Source::Git { pinned: true });
        assert_eq!(find(&lock, "e@-").source, Source::Local);
        assert_eq!(find(&lock, "b@1.0.0").source, Source::Registry);
        let [a] = entries(&lock, "a@1.1.0", text)[..] else { panic!("one entry") };
        assert!(a.starts_with("\"a\": {") && a.ends_with("\"c\": \"*\"}"), "{a}");
    }

    #[test]
    fn a_project_without_a_name_is_called_like_its_folder() {
        let text = r#"{"lockfileVersion": 2, "packages": {"": {}, "libs/x": {}, "../y": {}}}"#;
        let lock = read(text, PLACE).unwrap();
        assert_eq!(names(&lock), ["web@-", "x@-", "y@-"]);
        assert!(!find(&lock, "y@-").root);
    }

    #[test]
    fn what_is_no_lock_file_is_an_error() {
        for (name, text, error) in [
            ("no packages", r#"{"lockfileVersion": 3}"#, Error::Missing { what: "packages" }),
            ("anything else", "[1]", Error::Missing { what: "dependencies" }),
            ("packages as a text", r#"{"lockfileVersion": 3, "packages": "x"}"#, Error::Missing { what: "packages" }),
            (
                "a version to come",
                r#"{"lockfileVersion": 4, "packages": {}}"#,
                Error::UnknownVersion { key: "lockfileVersion" },
            ),
        ] {
            assert_eq!(read(text, PLACE).map(|_| ()), Err(error), "{name}");
        }
    }
}
