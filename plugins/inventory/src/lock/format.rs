use super::Lock;
use super::{bundler, cargo, composer, go, gradle, maven, npm, pip, pipenv, pnpm, poetry, pylock, uv, yarn};
use crate::error::Error;

/// The lock files that are read, each known by its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Format {
    Bundler,
    Cargo,
    Composer,
    GoModule,
    GoSums,
    Gradle,
    Maven,
    Npm,
    Pipenv,
    Pnpm,
    Poetry,
    Pylock,
    Requirements,
    Uv,
    Yarn,
}

/// Where a file lies, and its neighbour where the format asks for one.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Place<'a> {
    pub(crate) path: &'a str,
    /// `go.sum` beside a `go.mod` and the reverse.
    pub(crate) neighbour: Option<&'a str>,
}

impl Format {
    /// The format that a path promises.
    pub(crate) fn of(path: &str) -> Option<Self> {
        let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
        match name {
            "Gemfile.lock" | "gems.locked" => Some(Self::Bundler),
            "Cargo.lock" => Some(Self::Cargo),
            "composer.lock" => Some(Self::Composer),
            "go.mod" => Some(Self::GoModule),
            "go.sum" => Some(Self::GoSums),
            "gradle.lockfile" | "buildscript-gradle.lockfile" => Some(Self::Gradle),
            "pom.xml" => Some(Self::Maven),
            "package-lock.json" | "npm-shrinkwrap.json" => Some(Self::Npm),
            "Pipfile.lock" => Some(Self::Pipenv),
            "pnpm-lock.yaml" => Some(Self::Pnpm),
            "poetry.lock" => Some(Self::Poetry),
            "uv.lock" => Some(Self::Uv),
            "yarn.lock" => Some(Self::Yarn),
            "pylock.toml" => Some(Self::Pylock),
            _ if name.starts_with("pylock.") && name.ends_with(".toml") => Some(Self::Pylock),
            _ if name.ends_with(".txt") => {
                let parent = folder.rsplit('/').next();
                let listed = name.contains("requirements") || parent == Some("requirements");
                listed.then_some(Self::Requirements)
            }
            _ => None,
        }
    }

    /// The name of the file that is read beside this one.
    pub(crate) fn neighbour(self) -> Option<&'static str> {
        match self {
            Self::GoModule => Some("go.sum"),
            Self::GoSums => Some("go.mod"),
            _ => None,
        }
    }

    /// Reads a file of this format.
    pub(crate) fn read(self, text: &str, place: Place<'_>) -> Result<Lock, Error> {
        match self {
            Self::Bundler => bundler::read(text),
            Self::Cargo => cargo::read(text),
            Self::Composer => composer::read(text),
            Self::GoModule => go::read_module(text, place.neighbour),
            Self::GoSums => go::read_sums(text, place.neighbour),
            Self::Gradle => gradle::read(text, place),
            Self::Maven => maven::read(text),
            Self::Npm => npm::read(text, place),
            Self::Pipenv => pipenv::read(text),
            Self::Pnpm => pnpm::read(text, place),
            Self::Poetry => poetry::read(text),
            Self::Pylock => pylock::read(text),
            Self::Requirements => pip::read(text, place),
            Self::Uv => uv::read(text),
            Self::Yarn => yarn::read(text),
        }
    }
}

impl Place<'_> {
    /// The folder that the file lies in; empty for the workspace's own.
    pub(crate) fn folder(&self) -> &str {
        self.path.rsplit_once('/').map_or("", |(folder, _)| folder)
    }

    /// A name for a project that does not state one: that of its folder below this one.
    pub(crate) fn project(&self, below: &str) -> String {
        let folders = [self.folder(), below];
        let mut names = folders.iter().flat_map(|folder| folder.split('/'));
        let last = names.rfind(|name| !matches!(*name, "" | "." | ".."));
        last.unwrap_or("project").to_owned()
    }

    /// A path that is written relative to this file's folder, as a workspace path. None where it
    /// leads out of the workspace.
    pub(crate) fn resolve(&self, relative: &str) -> Option<String> {
        let mut parts: Vec<&str> = Vec::new();
        for part in self.folder().split('/').chain(relative.split('/')) {
            match part {
                "" | "." => {}
                ".." => {
                    parts.pop()?;
                }
                part => parts.push(part),
            }
        }
        (!relative.starts_with('/')).then(|| parts.join("/"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_format_is_known_by_its_name() {
        for (path, format) in [
            ("Cargo.lock", Some(Format::Cargo)),
            ("a/b/package-lock.json", Some(Format::Npm)),
            ("a/requirements-dev.txt", Some(Format::Requirements)),
            ("dev-requirements.txt", Some(Format::Requirements)),
            ("requirements/base.txt", Some(Format::Requirements)),
            ("a/requirements/base.txt", Some(Format::Requirements)),
            ("pylock.dev.toml", Some(Format::Pylock)),
            ("my-requirements/base.txt", None),
            ("cargo.lock", None),
            ("requirements.txt/x", None),
            ("requirements.in", None),
        ] {
            assert_eq!(Format::of(path), format, "{path}");
        }
    }

    #[test]
    fn paths_and_names_follow_from_the_folder() {
        let place = Place { path: "a/b/x.txt", neighbour: None };
        assert_eq!(place.resolve("../c.txt").as_deref(), Some("a/c.txt"));
        assert_eq!(place.resolve("./c.txt").as_deref(), Some("a/b/c.txt"));
        assert_eq!(place.resolve("../../../c.txt"), None);
        assert_eq!(place.resolve("/etc/c.txt"), None);
        assert_eq!(place.project("."), "b");
        assert_eq!(place.project("packages/c"), "c");
        let top = Place { path: "x.txt", neighbour: None };
        assert_eq!(top.project("."), "project");
    }
}
