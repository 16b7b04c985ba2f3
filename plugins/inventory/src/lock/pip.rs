//! `requirements.txt` and its like: what `pip install -r` takes, and what pip-compile and uv write.

mod requirement;

use std::ops::Range;

use super::python::Names;
use super::{Lock, Place};
use crate::error::Error;
use crate::package::Source;
use crate::text::{Line, lines};
use crate::url;
use requirement::Requirement;

/// Options that name a place to download from.
const INDEXES: [&str; 5] = ["--index-url", "-i", "--extra-index-url", "--find-links", "-f"];

/// Reads a file. Files that it includes are read on their own where their names allow it.
pub(super) fn read(text: &str, place: Place<'_>) -> Result<Lock, Error> {
    let mut file = File::default();
    let mut statement = Statement::default();
    for line in lines(text) {
        let (code, comment) = cut_comment(line);
        let continued = code.text.trim_end().ends_with('\\');
        statement.push(code);
        if !continued {
            let whole = std::mem::take(&mut statement);
            file.statement(&whole, place)?;
        }
        if let Some(comment) = comment {
            file.comment(comment);
        }
    }
    file.statement(&statement, place)?;
    Ok(file.finish())
}

#[derive(Default)]
struct File {
    lock: Lock,
    requirements: Vec<(Requirement, Range<usize>)>,
    /// What the compiling tool says in comments: a requirement's position and who needs it.
    needed_by: Vec<(usize, String)>,
    /// Inside a comment `# via` that continues on the next lines.
    in_via: bool,
}

impl File {
    fn statement(&mut self, statement: &Statement, place: Place<'_>) -> Result<(), Error> {
        let text = statement.text.trim();
        if text.is_empty() {
            return Ok(());
        }
        self.in_via = false;
        let span = statement.span.clone();
        if !text.starts_with('-') {
            let requirement = Requirement::parse(text).ok_or(match self.requirements.is_empty() {
                // Prose whose name happens to match.
                true => Error::NotRequirements { at: span.start },
                false => Error::Syntax { format: "requirements.txt", at: span.start },
            })?;
            self.requirements.push((requirement, span));
            return Ok(());
        }
        let (option, value) = option(text);
        if matches!(option, "-r" | "--requirement") {
            // Outside of the workspace is as far away as not granted.
            let path = place.resolve(value).unwrap_or_else(|| value.to_owned());
            self.lock.includes.push((path, span));
        } else if matches!(option, "-e" | "--editable") {
            let requirement = Requirement::parse(value).unwrap_or_else(|| Requirement::local(value));
            self.requirements.push((requirement, span));
        } else if INDEXES.contains(&option)
            && let Some(host) = url::insecure_host(value)
        {
            self.lock.insecure.push((host.to_owned(), span));
        }
        Ok(())
    }

    fn comment(&mut self, comment: &str) {
        let comment = comment.trim();
        let names = match comment.strip_prefix("via") {
            Some(names) if names.is_empty() || names.starts_with(' ') => {
                self.in_via = true;
                names
            }
            _ if self.in_via => comment,
            _ => return,
        };
        let Some(at) = self.requirements.len().checked_sub(1) else {
            return;
        };
        // A file (`-r x.in`) or a project (`app (pyproject.toml)`) is no package of this list.
        let names = names.split(',').map(str::trim);
        let names = names.filter(|name| !name.is_empty() && !name.contains(' '));
        self.needed_by.extend(names.map(|name| (at, name.to_owned())));
    }

    fn finish(mut self) -> Lock {
        // As soon as one requirement has a hash, pip wants one for each.
        let hashed = self.requirements.iter().any(|(r, _)| !r.hashes.is_empty());
        let mut names = Names::default();
        let mut positions = Vec::with_capacity(self.requirements.len());
        for (requirement, span) in self.requirements {
            let pinned = requirement.pinned();
            let mut package = requirement.into_package(span.clone());
            if hashed && package.source == Source::Registry {
                package.source = Source::Hashed;
            }
            let name = package.name.clone();
            let at = self.lock.add(package);
            names.insert(&name, at);
            positions.push(at);
            if !pinned {
                self.lock.unpinned.push((at, span));
            }
        }
        for (requirement, by) in self.needed_by {
            for from in names.get(&by).to_vec() {
                self.lock.link(from, positions[requirement]);
            }
        }
        self.lock
    }
}

/// Lines that a backslash joins.
#[derive(Default)]
struct Statement {
    text: String,
    span: Range<usize>,
}

impl Statement {
    fn push(&mut self, line: Line<'_>) {
        let span = line.span();
        let text = line.text.trim();
        if text.is_empty() {
            return;
        }
        if self.text.is_empty() {
            self.span.start = span.start;
        }
        self.span.end = span.end;
        self.text.push_str(text.strip_suffix('\\').unwrap_or(text));
        self.text.push(' ');
    }
}

/// A comment begins a line or follows a blank: `#` inside a URL is none.
fn cut_comment(line: Line<'_>) -> (Line<'_>, Option<&str>) {
    let begins = line.text.match_indices('#').map(|(at, _)| at);
    let begins = begins.filter(|at| line.text[..*at].chars().next_back().is_none_or(char::is_whitespace));
    match begins.min() {
        Some(at) => (Line { text: &line.text[..at], ..line }, Some(&line.text[at + 1..])),
        None => (line, None),
    }
}

/// `--option=value`, `--option value`, `-o value` or `-ovalue`.
fn option(text: &str) -> (&str, &str) {
    let end = if text.starts_with("--") {
        text.find([' ', '=']).unwrap_or(text.len())
    } else {
        text.char_indices().nth(2).map_or(text.len(), |(at, _)| at)
    };
    let value = text[end..].trim_start_matches([' ', '=']);
    (&text[..end], value.trim())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lock::testing::{edges, entries, find, names};

    const PLACE: Place<'_> = Place { path: "py/requirements.txt", neighbour: None };

    #[test]
    fn pins_hashes_markers_and_who_needs_what() {
        let hash = "ab".repeat(32);
        let text = format!(
            "# compiled\r\n\
             --index-url http://u:p@pypi.example/simple\r\n\
             Flask[async]==3.0.0 ; python_version >= '3.8' \\\r\n    --hash=sha256:{hash} \\\r\n    --hash=sha256:{}\r\n\
             \x20   # via -r requirements.in\r\n\
             blinker == 1.9  # via flask\r\n\
             click>=8,<9\r\n    # via\r\n    #   -r x.in\r\n    #   flask\r\n\
             six===1.16\r\n",
            "cd".repeat(32)
        );
        let lock = read(&text, PLACE).unwrap();
        assert_eq!(names(&lock), ["blinker@1.9", "click@-", "flask@3.0.0", "six@1.16"]);
        assert_eq!(edges(&lock, "flask@3.0.0"), ["blinker@1.9", "click@-"]);
        assert_eq!(find(&lock, "flask@3.0.0").hashes.len(), 2);
        assert_eq!(find(&lock, "six@1.16").source, Source::Hashed);
        let unpinned: Vec<_> = lock.unpinned.iter().map(|(_, s)| &text[s.clone()]).collect();
        assert_eq!(unpinned, ["click>=8,<9"]);
        assert_eq!(lock.insecure[0].0, "pypi.example");
        assert_eq!(entries(&lock, "blinker@1.9", &text), ["blinker == 1.9"]);
        let [flask] = entries(&lock, "flask@3.0.0", &text)[..] else { panic!("one entry") };
        assert!(flask.starts_with("Flask[async]") && flask.ends_with(&"cd".repeat(32)));
    }

    #[test]
    fn includes_are_paths_from_the_workspace() {
        let lock = read("-r base.txt\n-r../dev.txt\n--requirement=../../x.txt\n-c c.txt\n", PLACE);
        let includes: Vec<_> = lock.unwrap().includes.into_iter().map(|(path, _)| path).collect();
        assert_eq!(includes, ["py/base.txt", "dev.txt", "../../x.txt"]);
    }

    #[test]
    fn prose_is_not_a_broken_list() {
        assert_eq!(read("You need: a computer.\n", PLACE).map(|_| ()), Err(Error::NotRequirements { at: 0 }));
        assert_eq!(
            read("a==1\n<<<<<<< HEAD\n", PLACE).map(|_| ()),
            Err(Error::Syntax { format: "requirements.txt", at: 5 })
        );
        assert!(read("", PLACE).unwrap().packages.is_empty());
    }
}
