//! `Gemfile.lock` and `gems.locked`.

use std::collections::BTreeMap;
use std::ops::Range;

use certus_sdk_core::Hash;

use super::Lock;
use crate::error::Error;
use crate::hash;
use crate::package::{Ecosystem, Package};
use crate::text::{Line, lines};
use crate::url;

/// Reads a file. It does not say what is needed for development alone; gems of the project's own
/// folders stand under `PATH`.
pub(super) fn read(text: &str) -> Result<Lock, Error> {
    let file = File::parse(text)?;
    let mut lock = Lock::default();
    let mut by_name: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    let mut positions = Vec::with_capacity(file.specs.len());
    for spec in &file.specs {
        let at = lock.add(file.package(spec));
        by_name.entry(spec.name).or_default().push(at);
        positions.push(at);
    }
    for (spec, from) in file.specs.iter().zip(positions) {
        for to in spec.needs.iter().filter_map(|need| by_name.get(need)).flatten() {
            lock.link(from, *to);
        }
    }
    Ok(lock)
}

struct File<'a> {
    blocks: Vec<Block<'a>>,
    specs: Vec<Spec<'a>>,
    /// By name and version with platform; none at all where the file has no such section.
    checksums: Option<BTreeMap<(&'a str, &'a str), Vec<Hash>>>,
}

/// A section with specs.
#[derive(Default)]
struct Block<'a> {
    kind: &'a str,
    remote: Option<&'a str>,
    revision: Option<&'a str>,
}

struct Spec<'a> {
    block: usize,
    name: &'a str,
    /// With the platform behind a dash, where it is not for all.
    version: &'a str,
    needs: Vec<&'a str>,
    span: Range<usize>,
}

impl<'a> File<'a> {
    fn parse(text: &'a str) -> Result<Self, Error> {
        let mut file = Self { blocks: Vec::new(), specs: Vec::new(), checksums: None };
        let mut section = "";
        for line in lines(text).filter(|line| !line.text.trim().is_empty()) {
            let content = line.text.trim();
            match (section, line.indent()) {
                (_, 0) => {
                    section = content;
                    match section {
                        "GEM" | "GIT" | "PATH" | "PLUGIN SOURCE" => {
                            file.blocks.push(Block { kind: section, ..Block::default() })
                        }
                        "CHECKSUMS" => file.checksums = Some(BTreeMap::new()),
                        // Conflict markers are no section.
                        name if !name.bytes().all(|b| b.is_ascii_uppercase() || b == b' ') => {
                            return Err(syntax(&line));
                        }
                        _ => {}
                    }
                }
                ("GEM" | "GIT" | "PATH" | "PLUGIN SOURCE", indent) => file.block(&line, indent)?,
                ("CHECKSUMS", 2) => file.checksum(content).ok_or_else(|| syntax(&line))?,
                _ => {}
            }
        }
        if file.blocks.is_empty() {
            return Err(Error::Missing { what: "GEM" });
        }
        Ok(file)
    }

    fn block(&mut self, line: &Line<'a>, indent: usize) -> Result<(), Error> {
        let content = line.text.trim();
        let at = self.blocks.len() - 1;
        let block = &mut self.blocks[at];
        match (indent, content.split_once(':')) {
            (2, Some(("remote", remote))) => block.remote = Some(remote.trim()),
            (2, Some(("revision", revision))) => block.revision = Some(revision.trim()),
            (2, Some(_)) => {}
            (4, _) => {
                let (name, version) = name_and_version(content).ok_or_else(|| syntax(line))?;
                self.specs.push(Spec { block: at, name, version, needs: Vec::new(), span: line.span() });
            }
            (6, _) => {
                let spec = self.specs.last_mut().ok_or_else(|| syntax(line))?;
                let name = content.split(' ').next().unwrap_or(content);
                spec.needs.push(name.trim_end_matches('!'));
                spec.span.end = line.span().end;
            }
            _ => return Err(syntax(line)),
        }
        Ok(())
    }

    fn checksum(&mut self, content: &'a str) -> Option<()> {
        let end = content.find(')')?;
        let (name, version) = name_and_version(&content[..=end])?;
        let hashes = content[end + 1..].split([' ', ',']).filter_map(hash::prefixed);
        let checksums = self.checksums.get_or_insert_default();
        checksums.insert((name, version), hashes.collect());
        Some(())
    }

    fn package(&self, spec: &Spec<'a>) -> Package {
        let (version, platform) = match spec.version.split_once('-') {
            Some((version, platform)) => (version, Some(platform)),
            None => (spec.version, None),
        };
        let mut package = Package::new(Ecosystem::Gem, spec.name, spec.span.clone()).version(Some(version));
        if let Some(platform) = platform {
            package.qualifiers.insert("platform", platform.to_owned());
        }
        let block = &self.blocks[spec.block];
        let remote = block.remote.unwrap_or_default();
        match (block.kind, &self.checksums) {
            ("PATH", _) => package.root(),
            ("GIT", _) => package.git(remote, block.revision),
            (_, Some(checksums)) => {
                let hashes = checksums.get(&(spec.name, spec.version)).cloned();
                package.archive(block.remote).hashes(hashes.unwrap_or_default())
            }
            (_, None) => {
                package.origin = block.remote.map(url::without_credentials);
                package
            }
        }
    }
}

/// `name (version)`.
fn name_and_version(content: &str) -> Option<(&str, &str)> {
    let (name, version) = content.split_once(" (")?;
    Some((name, version.strip_suffix(')')?))
}

fn syntax(line: &Line<'_>) -> Error {
    Error::Syntax { format: "Gemfile.lock", at: line.start }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lock::testing::{edges, entries, find, names};
    use crate::package::Source;

    #[test]
    fn sections_platforms_and_checksums() {
        let text = format!(
            "GIT
  remote: https://u:p@x.example/g.git
  revision: 0123456789abcdef0123456789abcdef01234567
  branch: main
  specs:
    g (0.1)
      a (>= 1, < 3)

PATH
  remote: .
  specs:
    mine (0.0.1)
      g

GEM
  remote: http://gems.example/
  specs:
    a (1.0.0)
    n (2.0.0-x86_64-linux)
      a
    n (2.0.0)
      a

PLATFORMS
  ruby

DEPENDENCIES
  g!
  mine!

CHECKSUMS
  a (1.0.0) sha256={}
  n (2.0.0)

BUNDLED WITH
   2.5.0
",
            "ab".repeat(32)
        );
        let lock = read(&text).unwrap();
        assert_eq!(names(&lock), ["a@1.0.0", "g@0.1", "mine@0.0.1", "n@2.0.0", "n@2.0.0"]);
        assert_eq!(edges(&lock, "g@0.1"), ["a@1.0.0"]);
        assert_eq!(edges(&lock, "mine@0.0.1"), ["g@0.1"]);
        assert!(find(&lock, "mine@0.0.1").root);
        assert_eq!(find(&lock, "g@0.1").source, Source::Git { pinned: true });
        let a = find(&lock, "a@1.0.0");
        assert_eq!((a.hashes.len(), a.source), (1, Source::Hashed));
        assert_eq!(a.origin.as_deref(), Some("http://gems.example/"));
        let n = find(&lock, "n@2.0.0");
        assert_eq!(n.qualifiers["platform"], "x86_64-linux");
        assert_eq!(entries(&lock, "n@2.0.0", &text), ["n (2.0.0-x86_64-linux)\n      a"]);
        let without = read("GEM\n  remote: https://x.example/\n  specs:\n    a (1)\n").unwrap();
        assert_eq!(find(&without, "a@1").source, Source::Registry);
    }

    #[test]
    fn what_is_no_lock_file_is_an_error() {
        for (name, text) in [
            ("conflict markers", "GEM\n  specs:\n<<<<<<< HEAD\n    a (1)\n"),
            ("a spec without a version", "GEM\n  specs:\n    a\n"),
            ("a need before any spec", "GEM\n  specs:\n      a\n"),
            ("no indent that is known", "GEM\n   specs:\n"),
        ] {
            let error = read(text).map(|_| ());
            assert!(matches!(error, Err(Error::Syntax { .. })), "{name}: {error:?}");
        }
        let nothing = read("DEPENDENCIES\n").map(|_| ());
        assert_eq!(nothing, Err(Error::Missing { what: "GEM" }));
    }
}
