use std::ops::Range;

/// What a file's path says about how to read it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Place {
    path: String,
    name: Range<usize>,
    /// Source code: a value that is not quoted is an expression.
    pub(crate) code: bool,
    /// Tests, examples or prose: passwords there are made up.
    pub(crate) illustrative: bool,
    /// Prose in a documentation tree: keys there are examples, however random.
    pub(crate) documentation: bool,
    /// Written by a package manager: full of digests and of names of packages.
    pub(crate) lock: bool,
}

/// Which files a detector looks at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scope {
    /// Every file.
    Everywhere,
    /// Files whose lower-cased name ends so.
    Named(&'static [&'static str]),
    /// Every file but lock files.
    Written,
}

const CODE: &[&str] = &[
    "c", "cc", "cjs", "clj", "cpp", "cs", "css", "cts", "cxx", "dart", "erl", "ex", "exs", "fs", "go", "gradle",
    "groovy", "h", "hpp", "hs", "htm", "html", "ipynb", "java", "jl", "js", "json", "jsx", "kt", "kts", "less", "lua",
    "m", "mjs", "ml", "mm", "mts", "php", "pl", "pm", "ps1", "py", "pyi", "pyx", "r", "rb", "rs", "sass", "scala",
    "scss", "sol", "sql", "svelte", "swift", "tf", "ts", "tsx", "vb", "vue", "wit", "zig",
];

const PROSE: &[&str] = &["adoc", "asciidoc", "htm", "html", "md", "mdx", "pod", "po", "pot", "rst", "tex", "textile"];

const LOCKS: &[&str] = &[
    "cargo.lock",
    "composer.lock",
    "gemfile.lock",
    "go.sum",
    "mix.lock",
    "npm-shrinkwrap.json",
    "package-lock.json",
    "packages.lock.json",
    "pdm.lock",
    "pipfile.lock",
    "pnpm-lock.yaml",
    "podfile.lock",
    "poetry.lock",
    "uv.lock",
    "yarn.lock",
];

const ILLUSTRATIVE_FOLDERS: &[&str] = &[
    "__fixtures__",
    "__mocks__",
    "__tests__",
    "doc",
    "docs",
    "demo",
    "demos",
    "e2e",
    "example",
    "examples",
    "fixture",
    "fixtures",
    "mock",
    "mocks",
    "sample",
    "samples",
    "spec",
    "specs",
    "test",
    "test-data",
    "test_data",
    "testdata",
    "testing",
    "tests",
    "tutorial",
    "tutorials",
];

const DOCUMENTATION_FOLDERS: &[&str] =
    &["doc", "docs", "documentation", "example", "examples", "tutorial", "tutorials"];

const ILLUSTRATIVE_NAMES: &[&str] =
    &["changelog", "changes", "conftest.py", "contributing", "history", "news", "readme"];

impl Place {
    pub(crate) fn of(path: &str) -> Self {
        let path = path.to_ascii_lowercase();
        let start = path.rfind('/').map_or(0, |slash| slash + 1);
        let name = &path[start..];
        let extension =
            name.rsplit_once('.').map_or("", |(stem, extension)| if stem.is_empty() { "" } else { extension });
        let stem = name.split('.').next().unwrap_or(name);
        let code = CODE.contains(&extension);
        let is_prose = PROSE.contains(&extension);
        let within = |folders: &[&str]| path[..start].split('/').any(|folder| folders.contains(&folder));
        let documentation = is_prose && within(DOCUMENTATION_FOLDERS);
        let illustrative = is_prose
            || within(ILLUSTRATIVE_FOLDERS)
            || ILLUSTRATIVE_NAMES.contains(&name)
            || ILLUSTRATIVE_NAMES.contains(&stem)
            || (code && is_test(stem, name));
        let lock = LOCKS.contains(&name);
        let name = start..path.len();
        Self { path, name, code, illustrative, documentation, lock }
    }

    pub(crate) fn within(&self, scope: Scope) -> bool {
        match scope {
            Scope::Everywhere => true,
            Scope::Named(names) => names.iter().any(|name| self.name().ends_with(name)),
            Scope::Written => !self.lock,
        }
    }

    fn name(&self) -> &str {
        &self.path[self.name.clone()]
    }
}

/// Test files by the conventions of Python, Go, JavaScript, Java and Ruby.
fn is_test(stem: &str, name: &str) -> bool {
    stem.starts_with("test_")
        || stem.ends_with("_test")
        || stem.ends_with("_spec")
        || stem.ends_with("tests")
        || name.contains(".test.")
        || name.contains(".spec.")
        || (name.ends_with(".java") || name.ends_with(".kt") || name.ends_with(".cs")) && stem.ends_with("test")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_say_how_to_read_a_file() {
        // path, code, illustrative, lock
        let table = [
            ("src/app.py", true, false, false),
            ("tests/test_app.py", true, true, false),
            ("pkg/login_test.go", true, true, false),
            ("ui/login.test.tsx", true, true, false),
            ("README.md", false, true, false),
            ("docs/conf.py", true, true, false),
            (".env", false, false, false),
            (".bashrc", false, false, false),
            ("config", false, false, false),
            ("deploy/values.yaml", false, false, false),
            ("web/package-lock.json", true, false, true),
            ("latest/contest.py", true, false, false),
        ];
        for (path, code, illustrative, lock) in table {
            let place = Place::of(path);
            assert_eq!((place.code, place.illustrative, place.lock), (code, illustrative, lock), "{path}");
        }
    }

    #[test]
    fn documentation_is_prose_in_its_own_tree() {
        assert!(Place::of("docs/config.rst").documentation);
        assert!(!Place::of("README.md").documentation);
        assert!(!Place::of("docs/conf.py").documentation);
    }

    #[test]
    fn a_scope_names_the_end_of_a_file_name() {
        let named = Scope::Named(&[".netrc"]);
        assert!(Place::of("home/.NETRC").within(named));
        assert!(!Place::of("home/.netrc/readme").within(named));
        assert!(!Place::of("go.sum").within(Scope::Written));
    }
}
