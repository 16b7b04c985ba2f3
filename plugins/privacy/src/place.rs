/// What a file's path says about how to read it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) kind: Kind,
    /// Tests, examples or prose: what stands there is rather made up.
    pub(crate) illustrative: bool,
}

/// What a file is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Rows and columns, with this delimiter if the name says which.
    Table(Option<u8>),
    /// Statements that create tables and fill them.
    Sql,
    /// Records of any other form, their fields named.
    Records,
    /// Code, markup and what is made of them: full of numbers that mean nothing to anybody.
    Code,
    /// Everything else.
    Other,
}

const RECORDS: &[&str] = &["json", "jsonl", "ldif", "log", "ndjson", "vcard", "vcf", "xml"];

const CODE: &[&str] = &[
    "asm", "c", "cc", "cjs", "clj", "cpp", "cs", "css", "cts", "cxx", "dart", "erl", "ex", "exs", "fs", "go", "gradle",
    "groovy", "h", "hpp", "hs", "htm", "html", "ipynb", "java", "jl", "js", "jsx", "kt", "kts", "less", "lua", "m",
    "mjs", "ml", "mm", "mts", "php", "pl", "pm", "ps1", "py", "pyi", "pyx", "r", "rb", "rs", "s", "sass", "scala",
    "scss", "sol", "svelte", "svg", "swift", "tf", "ts", "tsx", "vb", "vue", "wat", "wit", "zig",
];

const PROSE: &[&str] = &["adoc", "asciidoc", "md", "mdx", "pod", "po", "pot", "rst", "tex", "textile"];

/// Descriptions of a project: who wrote it is meant to be known.
const PROJECT_NAMES: &[&str] = &[
    "authors",
    "bower.json",
    "changelog",
    "changes",
    "codemeta.json",
    "codeowners",
    "composer.json",
    "contributors",
    "copying",
    "credits",
    "history",
    "licence",
    "license",
    "maintainers",
    "manifest.json",
    "news",
    "notice",
    "package.json",
    "package.xml",
    "pom.xml",
    "thanks",
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

impl Place {
    pub(crate) fn of(path: &str) -> Self {
        let path = path.to_ascii_lowercase();
        let (folders, name) = path.rsplit_once('/').unwrap_or(("", &path));
        let (stem, extension) = name.rsplit_once('.').unwrap_or((name, ""));
        let describes_project = PROJECT_NAMES.contains(&name) || PROJECT_NAMES.contains(&stem);
        let is_prose = PROSE.contains(&extension);
        let kind = match extension {
            _ if describes_project => Kind::Other,
            "csv" => Kind::Table(None),
            "tab" | "tsv" => Kind::Table(Some(b'\t')),
            "psv" => Kind::Table(Some(b'|')),
            "sql" => Kind::Sql,
            _ if RECORDS.contains(&extension) => Kind::Records,
            _ if CODE.contains(&extension) => Kind::Code,
            _ => Kind::Other,
        };
        let illustrative = is_prose
            || folders.split('/').any(|folder| ILLUSTRATIVE_FOLDERS.contains(&folder))
            || kind == Kind::Code && is_test(stem);
        Self { kind, illustrative }
    }

    /// Whether the file holds data rather than text or code.
    pub(crate) fn is_data(self) -> bool {
        matches!(self.kind, Kind::Table(_) | Kind::Sql | Kind::Records)
    }
}

/// Test files by the conventions of Python, Go, JavaScript, Java and Ruby.
fn is_test(stem: &str) -> bool {
    ["_test", ".test", "_spec", ".spec", "tests"].iter().any(|end| stem.ends_with(end))
        || stem.starts_with("test_")
        || stem.len() > 4 && stem.ends_with("test")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_say_how_to_read_a_file() {
        // path, kind, illustrative
        let table = [
            ("dump/users.CSV", Kind::Table(None), false),
            ("users.tsv", Kind::Table(Some(b'\t')), false),
            ("backup.sql", Kind::Sql, false),
            ("tests/users.json", Kind::Records, true),
            ("package.json", Kind::Other, false),
            ("AUTHORS.csv", Kind::Other, false),
            ("src/app.py", Kind::Code, false),
            ("src/test_app.py", Kind::Code, true),
            ("ui/login.test.ts", Kind::Code, true),
            ("README.md", Kind::Other, true),
            ("notes", Kind::Other, false),
            (".env", Kind::Other, false),
        ];
        for (path, kind, illustrative) in table {
            assert_eq!(Place::of(path), Place { kind, illustrative }, "{path}");
        }
    }
}
