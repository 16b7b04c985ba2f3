//! `go.mod` and `go.sum`.
//!
//! Since Go 1.17 a `go.mod` lists every module of the build, and `go.sum` adds the hashes. Of older
//! modules `go.sum` alone knows what the direct requirements need in turn.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use certus_sdk_core::Hash;

use super::Lock;
use crate::error::Error;
use crate::hash;
use crate::package::{Ecosystem, Package};
use crate::text::{Line, lines};

/// The first version whose `go.mod` is complete.
const COMPLETE: (u32, u32) = (1, 17);

/// Reads a `go.mod`; the hashes come from the `go.sum` beside it, where there is one.
pub(super) fn read_module(text: &str, sums: Option<&str>) -> Result<Lock, Error> {
    let module = Module::parse(text)?;
    // A broken go.sum is reported where it is read itself.
    let sums = sums.and_then(|sums| parse_sums(sums).ok()).unwrap_or_default();
    let hashes: BTreeMap<(&str, &str), &Hash> =
        sums.iter().filter_map(|sum| Some(((sum.path, sum.version), sum.hash.as_ref()?))).collect();

    let mut lock = Lock::default();
    let (path, span) = &module.path;
    let root = lock.add(Package::new(Ecosystem::Golang, path, span.clone()).root());
    for require in &module.requires {
        let (path, version) = module.replaced(require);
        let package = Package::new(Ecosystem::Golang, path, require.span.clone()).version(version);
        let package = if path == require.path && version.is_none() {
            package.version(Some(require.version)).local()
        } else {
            let hash = version.and_then(|version| hashes.get(&(path, version)));
            package.hashes(hash.map(|hash| (*hash).clone()))
        };
        let at = lock.add(package);
        if !require.indirect {
            lock.link(root, at);
        }
    }
    Ok(lock)
}

/// Reads a `go.sum` for the modules that the `go.mod` beside it does not list: all where there is
/// none, the indirect ones where it is older than Go 1.17, none otherwise. A `go.sum` keeps versions
/// that are no longer used; the last of a module is the highest.
pub(super) fn read_sums(text: &str, module: Option<&str>) -> Result<Lock, Error> {
    let sums = parse_sums(text)?;
    let module = module.and_then(|text| Module::parse(text).ok());
    let mut listed = BTreeSet::new();
    if let Some(module) = &module {
        if module.go >= COMPLETE {
            return Ok(Lock::default());
        }
        listed.extend(module.requires.iter().map(|require| require.path));
        listed.extend(module.requires.iter().map(|require| module.replaced(require).0));
    }
    let last: BTreeMap<&str, &Sum<'_>> =
        sums.iter().filter(|sum| sum.hash.is_some() && !listed.contains(sum.path)).map(|sum| (sum.path, sum)).collect();
    let mut lock = Lock::default();
    for sum in last.values() {
        let package = Package::new(Ecosystem::Golang, sum.path, sum.span.clone())
            .version(Some(sum.version))
            .hashes(sum.hash.clone());
        lock.add(package);
    }
    Ok(lock)
}

struct Module<'a> {
    path: (&'a str, Range<usize>),
    go: (u32, u32),
    requires: Vec<Require<'a>>,
    /// By the path and, where the directive names one, the version that is replaced.
    replaces: BTreeMap<(&'a str, Option<&'a str>), (&'a str, Option<&'a str>)>,
}

struct Require<'a> {
    path: &'a str,
    version: &'a str,
    indirect: bool,
    span: Range<usize>,
}

impl<'a> Module<'a> {
    fn parse(text: &'a str) -> Result<Self, Error> {
        let mut path = None;
        let mut go = (0, 0);
        let mut requires = Vec::new();
        let mut replaces = BTreeMap::new();
        let mut block = None;
        for line in lines(text) {
            let (code, comment) = line.text.split_once("//").unwrap_or((line.text, ""));
            let code = Line { text: code, ..line };
            let words = code.text.split_ascii_whitespace().map(unquoted);
            let mut words: Vec<&str> = words.collect();
            if words.is_empty() {
                continue;
            }
            if words == [")"] {
                block = None;
                continue;
            }
            let verb = block.unwrap_or_else(|| words.remove(0));
            match (verb, words.as_slice()) {
                (verb, ["("]) if block.is_none() => block = Some(verb),
                ("module", [name]) => path = Some((*name, code.span())),
                ("go", [version]) => go = minor(version).ok_or_else(|| syntax("go.mod", &line))?,
                ("require", [path, version]) => requires.push(Require {
                    path,
                    version,
                    indirect: comment.trim().starts_with("indirect"),
                    span: code.span(),
                }),
                ("replace", [old, "=>", new @ ..]) => {
                    replaces.insert((*old, None), replacement(new, &line)?);
                }
                ("replace", [old, version, "=>", new @ ..]) => {
                    replaces.insert((*old, Some(*version)), replacement(new, &line)?);
                }
                ("require" | "replace" | "module", _) => return Err(syntax("go.mod", &line)),
                _ => {}
            }
        }
        Ok(Self { path: path.ok_or(Error::Missing { what: "module" })?, go, requires, replaces })
    }

    /// What is built instead: another module, or, without a version, a folder in its place.
    fn replaced<'m>(&'m self, require: &Require<'m>) -> (&'m str, Option<&'m str>) {
        let exact = self.replaces.get(&(require.path, Some(require.version)));
        match exact.or_else(|| self.replaces.get(&(require.path, None))) {
            Some((path, Some(version))) => (path, Some(version)),
            Some((_, None)) => (require.path, None),
            None => (require.path, Some(require.version)),
        }
    }
}

struct Sum<'a> {
    path: &'a str,
    version: &'a str,
    /// None where the line is about the module's `go.mod` alone: such a module is not built.
    hash: Option<Hash>,
    span: Range<usize>,
}

fn parse_sums(text: &str) -> Result<Vec<Sum<'_>>, Error> {
    let filled = lines(text).filter(|line| !line.text.trim().is_empty());
    let sums = filled.map(|line| {
        let words: Vec<&str> = line.text.split_ascii_whitespace().collect();
        let [path, version, hash] = words[..] else {
            return Err(syntax("go.sum", &line));
        };
        let manifest = version.strip_suffix("/go.mod");
        Ok(Sum {
            path,
            version: manifest.unwrap_or(version),
            hash: hash::go(hash).filter(|_| manifest.is_none()),
            span: line.span(),
        })
    });
    sums.collect()
}

fn replacement<'a>(new: &[&'a str], line: &Line<'_>) -> Result<(&'a str, Option<&'a str>), Error> {
    match new {
        [path] => Ok((path, None)),
        [path, version] => Ok((path, Some(version))),
        _ => Err(syntax("go.mod", line)),
    }
}

/// `1.21.3` and `1.21rc1` as (1, 21).
fn minor(version: &str) -> Option<(u32, u32)> {
    let mut parts = version.split('.');
    let major = parts.next()?.parse().ok()?;
    let minor = parts.next().unwrap_or("0");
    let digits = minor.find(|c: char| !c.is_ascii_digit()).unwrap_or(minor.len());
    Some((major, minor[..digits].parse().ok()?))
}

fn unquoted(word: &str) -> &str {
    let inner = |quote| word.strip_prefix(quote)?.strip_suffix(quote);
    inner('"').or_else(|| inner('`')).unwrap_or(word)
}

fn syntax(format: &'static str, line: &Line<'_>) -> Error {
    Error::Syntax { format, at: line.start }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lock::testing::{edges, entries, find, names};
    use crate::package::Source;

    const MODULE: &str = r#"// a comment
module example.com/app // another

go 1.21.3

require "example.com/a" v1.0.0

require (
	example.com/b/v2 v2.1.0+incompatible
	example.com/c v0.0.0-20200101000000-0123456789ab // indirect
	example.com/d v1.0.0
)

replace (
	example.com/c => example.org/fork v1.2.3
	example.com/d v1.0.0 => ../d
)
exclude example.com/z v1.0.0
retract [v1.0.0, v1.1.0]
tool example.com/t
"#;
    const SUMS: &str = "example.com/a v1.0.0 h1:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=
example.com/a v1.0.0/go.mod h1:BBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBA=
example.com/old v1.0.0 h1:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=
example.com/old v1.2.0 h1:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=
example.com/seen v1.0.0/go.mod h1:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=
";

    #[test]
    fn requirements_replacements_and_hashes() {
        let lock = read_module(MODULE, Some(SUMS)).unwrap();
        assert_eq!(
            names(&lock),
            [
                "example.com/a@v1.0.0",
                "example.com/app@-",
                "example.com/b/v2@v2.1.0+incompatible",
                "example.com/d@v1.0.0",
                "example.org/fork@v1.2.3"
            ]
        );
        assert!(find(&lock, "example.com/app@-").root);
        assert_eq!(
            edges(&lock, "example.com/app@-"),
            ["example.com/a@v1.0.0", "example.com/b/v2@v2.1.0+incompatible", "example.com/d@v1.0.0"]
        );
        assert_eq!(find(&lock, "example.com/a@v1.0.0").hashes.len(), 1);
        assert_eq!(find(&lock, "example.com/d@v1.0.0").source, Source::Local);
        assert_eq!(
            entries(&lock, "example.org/fork@v1.2.3", MODULE),
            ["example.com/c v0.0.0-20200101000000-0123456789ab"]
        );
    }

    #[test]
    fn sums_speak_only_where_the_module_is_not_complete() {
        let complete = read_sums(SUMS, Some(MODULE)).unwrap();
        assert_eq!(names(&complete), [""; 0]);
        let old = MODULE.replace("go 1.21.3", "go 1.16");
        let old = read_sums(SUMS, Some(&old)).unwrap();
        assert_eq!(names(&old), ["example.com/old@v1.2.0"]);
        let alone = read_sums(SUMS, None).unwrap();
        assert_eq!(names(&alone), ["example.com/a@v1.0.0", "example.com/old@v1.2.0"]);
    }

    #[test]
    fn broken_files_are_errors_each_for_itself() {
        for (name, text) in [
            ("a requirement without a version", "module m\nrequire a\n"),
            ("no arrow", "module m\nreplace a b c\n"),
            ("a strange version", "module m\ngo one\n"),
        ] {
            let error = read_module(text, None).map(|_| ());
            assert!(matches!(error, Err(Error::Syntax { .. })), "{name}: {error:?}");
        }
        let nothing = read_module("go 1.21\n", None).map(|_| ());
        assert_eq!(nothing, Err(Error::Missing { what: "module" }));
        let sums = read_sums("a v1\n", None).map(|_| ());
        assert!(matches!(sums, Err(Error::Syntax { format: "go.sum", .. })));
        assert!(read_module(MODULE, Some("broken\n")).is_ok());
    }
}
