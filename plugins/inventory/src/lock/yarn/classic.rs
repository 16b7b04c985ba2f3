//! The format of Yarn 1: indented lines of words, some of them quoted.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::ops::Range;

use certus_sdk_core::Hash;

use crate::error::Error;
use crate::hash;
use crate::lock::Lock;
use crate::lock::npm::descriptor;
use crate::package::{Ecosystem, Package};
use crate::text::{Line, lines};
use crate::url;

/// Reads a file. It holds neither the project itself nor what is needed for development alone.
pub(super) fn read(text: &str) -> Result<Lock, Error> {
    let mut entries: Vec<Entry<'_>> = Vec::new();
    let mut section = Cow::Borrowed("");
    for line in lines(text).filter(|line| !line.is_blank()) {
        let (words, opens) = words(&line).ok_or_else(|| syntax(&line))?;
        match (line.indent(), words.as_slice(), opens) {
            (0, [_, ..], true) => entries.push(Entry::new(words, line.span())),
            (2 | 4, ..) => {
                let entry = entries.last_mut().ok_or_else(|| syntax(&line))?;
                entry.span.end = line.span().end;
                match (line.indent(), words.as_slice(), opens) {
                    (2, [name], true) => section = name.clone(),
                    (2, [key, value], false) => {
                        entry.fields.insert(key.clone(), value.clone());
                    }
                    (4, [name, range], false) => {
                        if matches!(section.as_ref(), "dependencies" | "optionalDependencies") {
                            entry.needs.push(format!("{name}@{range}"));
                        }
                    }
                    _ => return Err(syntax(&line)),
                }
            }
            _ => return Err(syntax(&line)),
        }
    }
    if entries.is_empty() && !text.contains("# yarn lockfile v1") {
        return Err(Error::Missing { what: "# yarn lockfile v1" });
    }

    let mut lock = Lock::default();
    let mut by_descriptor: BTreeMap<String, usize> = BTreeMap::new();
    let mut positions = Vec::with_capacity(entries.len());
    for entry in &entries {
        let at = lock.add(entry.package()?);
        positions.push(at);
        for descriptor in &entry.descriptors {
            by_descriptor.insert(descriptor.to_string(), at);
        }
    }
    for (entry, from) in entries.iter().zip(positions) {
        for to in entry.needs.iter().filter_map(|need| by_descriptor.get(need)) {
            lock.link(from, *to);
        }
    }
    Ok(lock)
}

struct Entry<'a> {
    descriptors: Vec<Cow<'a, str>>,
    span: Range<usize>,
    fields: BTreeMap<Cow<'a, str>, Cow<'a, str>>,
    needs: Vec<String>,
}

impl<'a> Entry<'a> {
    fn new(descriptors: Vec<Cow<'a, str>>, span: Range<usize>) -> Self {
        Self { descriptors, span, fields: BTreeMap::new(), needs: Vec::new() }
    }

    fn field(&self, key: &str) -> Option<&str> {
        self.fields.get(key).map(AsRef::as_ref)
    }

    fn package(&self) -> Result<Package, Error> {
        let first = self.descriptors.first().and_then(|d| descriptor(d));
        let (name, range) = first.ok_or(Error::Syntax { format: "yarn.lock", at: self.span.start })?;
        let name = match range.strip_prefix("npm:").and_then(descriptor) {
            Some((real, _)) => real,
            None => name,
        };
        let package = Package::new(Ecosystem::Npm, name, self.span.clone()).version(self.field("version"));
        let Some(resolved) = self.field("resolved") else {
            return Ok(package.local());
        };
        if let Some((repository, commit)) = url::tarball_of_git(resolved) {
            return Ok(package.git(&repository, Some(commit)));
        }
        if url::is_git(resolved) {
            return Ok(package.git(resolved, url::fragment(resolved)));
        }
        if !url::is_web(resolved) {
            return Ok(package.local());
        }
        Ok(package.archive(Some(resolved)).hashes(self.hashes(resolved)))
    }

    /// The fragment of the URL is a SHA-1; later versions add an integrity.
    fn hashes(&self, resolved: &str) -> Vec<Hash> {
        let fragment = url::fragment(resolved).and_then(|digits| hash::named("sha1", digits));
        let integrity = self.field("integrity").unwrap_or_default();
        hash::integrity(integrity).chain(fragment).collect()
    }
}

/// The words of a line, and whether it ends with a colon.
fn words<'a>(line: &Line<'a>) -> Option<(Vec<Cow<'a, str>>, bool)> {
    let mut rest = line.text.trim();
    let mut words = Vec::new();
    while !rest.is_empty() {
        if rest == ":" {
            return Some((words, true));
        }
        let word = if rest.starts_with('"') {
            let end = closing_quote(rest)?;
            let word = serde_json::from_str(&rest[..end]).ok()?;
            rest = &rest[end..];
            Cow::Owned(word)
        } else {
            let end = rest.find([' ', ',']).unwrap_or(rest.len());
            // The colon that opens a block ends the line; one inside a word is part of it.
            let end = if end == rest.len() && rest.ends_with(':') { end - 1 } else { end };
            let word = &rest[..end];
            rest = &rest[end..];
            Cow::Borrowed(word)
        };
        words.push(word);
        rest = rest.strip_prefix(',').unwrap_or(rest).trim_start();
    }
    Some((words, false))
}

fn closing_quote(text: &str) -> Option<usize> {
    let mut escaped = false;
    for (at, byte) in text.bytes().enumerate().skip(1) {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => return Some(at + 1),
            _ => {}
        }
    }
    None
}

fn syntax(line: &Line<'_>) -> Error {
    Error::Syntax { format: "yarn.lock", at: line.start }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lock::testing::{edges, entries, find, names};
    use crate::package::Source;

    const TEXT: &str = r##"# THIS IS AN AUTOGENERATED FILE.
# yarn lockfile v1


"@s/a@^1.0.0", "@s/a@^1.1.0":
  version "1.1.0"
  resolved "https://registry.yarnpkg.com/@s/a/-/a-1.1.0.tgz#a94bcf4a4115ec2b3935cd2b0965183e42d0f2d2"
  integrity sha1-qUvPSkEV7Cs5Nc0rCWUYPkLQ8tI=
  dependencies:
    b "^2.0.0"
    "c d" "1"

b@^2.0.0:
  version "2.0.0"
  resolved "http://npm.example/b/-/b-2.0.0.tgz"
  optionalDependencies:
    alias "npm:real@3"

"alias@npm:real@3":
  version "3.0.0"
  resolved "https://codeload.github.com/o/real/tar.gz/0123456789abcdef0123456789abcdef01234567"

"x@https://g.example/x.git#main":
  version "0.0.1"
  resolved "https://g.example/x.git#0123456789abcdef0123456789abcdef01234567"

"y@file:y":
  version "0.0.0"
"##;

    #[test]
    fn entries_aliases_and_edges() {
        let lock = read(TEXT).unwrap();
        assert_eq!(names(&lock), ["@s/a@1.1.0", "b@2.0.0", "real@3.0.0", "x@0.0.1", "y@0.0.0"]);
        assert_eq!(edges(&lock, "@s/a@1.1.0"), ["b@2.0.0"]);
        assert_eq!(edges(&lock, "b@2.0.0"), ["real@3.0.0"]);
        // The fragment and the integrity are the same digest.
        assert_eq!(find(&lock, "@s/a@1.1.0").hashes.len(), 1);
        let b = find(&lock, "b@2.0.0");
        assert_eq!((b.source, b.hashes.len()), (Source::Hashed, 0));
        for git in ["real@3.0.0", "x@0.0.1"] {
            assert_eq!(find(&lock, git).source, Source::Git { pinned: true }, "{git}");
        }
        assert_eq!(find(&lock, "y@0.0.0").source, Source::Local);
        assert_eq!(entries(&lock, "y@0.0.0", TEXT), ["\"y@file:y\":\n  version \"0.0.0\""]);
    }

    #[test]
    fn line_breaks_of_either_kind_give_the_same_packages() {
        let lock = read(&TEXT.replace('\n', "\r\n")).unwrap();
        assert_eq!(names(&lock), names(&read(TEXT).unwrap()));
    }

    #[test]
    fn what_is_no_lock_file_is_an_error() {
        for (name, text) in [
            ("conflict markers", "<<<<<<< HEAD\na@1:\n  version \"1\"\n"),
            ("a field before any entry", "  version \"1\"\n"),
            ("an open quote", "\"a@1:\n  version \"1\"\n"),
            ("no name", "\"\":\n  version \"1\"\n"),
            ("a line of three words", "a@1:\n  version \"1\" \"2\"\n"),
            ("cut inside an entry", "a@1:\n  version\n"),
        ] {
            assert!(matches!(read(text), Err(Error::Syntax { .. })), "{name}: {:?}", read(text));
        }
        assert!(matches!(read("# nothing\n"), Err(Error::Missing { .. })));
    }
}
