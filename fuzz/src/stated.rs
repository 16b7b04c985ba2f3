//! A guest's statements, arbitrary but often nearly right, over a small workspace.

use arbitrary::Arbitrary;
use certus_model::finding::{UnverifiedFinding, UnverifiedLocation, UnverifiedValue};
use certus_model::inventory::{HashAlgorithm, Scope, UnverifiedDependency};
use certus_model::workspace::MemoryWorkspace;
use certus_model::{Confidence, PluginManifest, Revision, Severity};

/// A text that no file holds unless a target puts it there.
pub const MARKER: &str = "zqxjkvMarkerOfASecretzqxjkv";

/// The manifest that statements are about: one rule of each kind.
pub const MANIFEST: &str = r#"
[plugin]
id = "fuzz.guest"
version = "1.0.0"
summary = "A guest that says anything."
licence = "Apache-2.0"
contract = "certus:scanner@0.1.0"
exports = ["tree"]

[[rules]]
id = "plain"
title = "A plain rule"
severity = "medium"
message = "found {what}, {count} times, {sure}, beside {beside}"
help = "Look at it."
parameters = { what = "text", count = "number", sure = "flag", beside = "location" }
identity = ["what"]

[[rules]]
id = "secret"
title = "A secret"
severity = "high"
message = "a secret"
help = "Take it out."
sensitive = true

[[rules]]
id = "rated"
title = "A rule whose findings say how bad they are"
severity = "from-finding"
max-severity = "high"
message = "rated"
help = "Update."
"#;

/// The manifest, checked.
pub fn manifest() -> PluginManifest {
    MANIFEST.parse().expect("the manifest of the targets is sound")
}

/// Files and what is stated about them.
#[derive(Arbitrary, Debug)]
pub struct Stated {
    files: Vec<Vec<u8>>,
    /// Where in which file the marker stands.
    marker: Option<(u8, u16)>,
    findings: Vec<Finding>,
    dependencies: Vec<Dependency>,
}

#[derive(Arbitrary, Debug)]
struct Finding {
    rule: Rule,
    at: Place,
    sensitive: Vec<(u16, u16)>,
    related: Vec<Place>,
    parameters: Vec<(Name, Value)>,
    /// All of the parameters that rule `plain` declares come first.
    complete: bool,
    confidence: u8,
    severity: Option<u8>,
}

#[derive(Arbitrary, Debug)]
enum Rule {
    Plain,
    Secret,
    Rated,
    Other(String),
}

#[derive(Arbitrary, Debug)]
struct Place {
    path: Path,
    base: bool,
    span: Option<Span>,
}

#[derive(Arbitrary, Debug)]
enum Path {
    File(u8),
    Other(String),
}

#[derive(Arbitrary, Debug)]
enum Span {
    /// Most files are short.
    Near(u8, u8),
    Any(u64, u64),
}

#[derive(Arbitrary, Debug)]
enum Name {
    What,
    Count,
    Sure,
    Beside,
    Other(String),
}

#[derive(Arbitrary, Debug)]
enum Value {
    Text(String),
    Number(i64),
    Flag(bool),
    Place(Place),
}

#[derive(Arbitrary, Debug)]
struct Dependency {
    id: Id,
    ecosystem: String,
    namespace: Option<String>,
    name: String,
    version: Option<String>,
    qualifiers: Vec<(String, String)>,
    root: bool,
    scope: u8,
    licences: Vec<String>,
    hashes: Vec<(u8, Hash)>,
    origin: Option<String>,
    depends_on: Vec<Id>,
    evidence: Vec<Place>,
}

#[derive(Arbitrary, Debug)]
enum Id {
    Known(u8),
    Other(String),
}

#[derive(Arbitrary, Debug)]
enum Hash {
    /// Of its algorithm's length.
    Right(u8),
    Other(Vec<u8>),
}

const SEVERITIES: [Severity; 5] = [Severity::Info, Severity::Low, Severity::Medium, Severity::High, Severity::Critical];
const CONFIDENCES: [Confidence; 3] = [Confidence::Low, Confidence::Medium, Confidence::High];
const SCOPES: [Scope; 5] = [Scope::Runtime, Scope::Development, Scope::Build, Scope::Optional, Scope::Unknown];
const ALGORITHMS: [HashAlgorithm; 6] = [
    HashAlgorithm::Sha1,
    HashAlgorithm::Sha256,
    HashAlgorithm::Sha384,
    HashAlgorithm::Sha512,
    HashAlgorithm::Blake3,
    HashAlgorithm::Md5,
];

/// The names that files have, in order.
const PATHS: [&str; 5] = ["Cargo.lock", "a b%25.py", "src/deep/x.rs", "\u{fc}n\u{ef}.txt", "z<script>.js"];

impl Stated {
    /// One finding of each rule, all sound.
    pub fn example() -> Self {
        let finding = |rule, complete, severity| Finding {
            rule,
            at: Place { path: Path::File(0), base: false, span: Some(Span::Near(2, 3)) },
            sensitive: Vec::new(),
            related: Vec::new(),
            parameters: Vec::new(),
            complete,
            confidence: 0,
            severity,
        };
        Self {
            files: vec![b"some content\n".to_vec()],
            marker: None,
            findings: vec![
                finding(Rule::Plain, true, None),
                finding(Rule::Secret, false, None),
                finding(Rule::Rated, false, Some(2)),
            ],
            dependencies: Vec::new(),
        }
    }

    /// The files, with the marker in one of them, and where it stands.
    pub fn workspace(&self) -> (MemoryWorkspace, Option<(&'static str, u64)>) {
        let mut contents = self.files.clone();
        contents.truncate(PATHS.len());
        let marked = self.marker.filter(|_| !contents.is_empty()).map(|(file, at)| {
            let file = usize::from(file) % contents.len();
            let at = usize::from(at).min(contents[file].len());
            contents[file].splice(at..at, MARKER.bytes());
            (PATHS[file], at as u64)
        });
        let files = PATHS.iter().zip(contents).map(|(path, content)| (path.parse().expect("a path"), content));
        (MemoryWorkspace::new(files), marked)
    }

    /// The findings as the sandbox would hand them over.
    pub fn findings(&self) -> Vec<UnverifiedFinding> {
        self.findings.iter().map(Finding::stated).collect()
    }

    /// The inventory as the sandbox would hand it over.
    pub fn dependencies(&self) -> Vec<UnverifiedDependency> {
        self.dependencies.iter().map(Dependency::stated).collect()
    }
}

impl Finding {
    fn stated(&self) -> UnverifiedFinding {
        let mut parameters: Vec<(String, UnverifiedValue)> =
            self.parameters.iter().map(|(name, value)| (name.stated(), value.stated())).collect();
        if self.complete && !parameters.iter().any(|(name, _)| name == "what") {
            parameters.push(("what".to_owned(), UnverifiedValue::Text("it".to_owned())));
        }
        UnverifiedFinding {
            rule: match &self.rule {
                Rule::Plain => "plain".to_owned(),
                Rule::Secret => "secret".to_owned(),
                Rule::Rated => "rated".to_owned(),
                Rule::Other(text) => text.clone(),
            },
            at: self.at.stated(),
            sensitive: self.sensitive.iter().map(|(start, end)| (u64::from(*start), u64::from(*end))).collect(),
            related: self.related.iter().map(Place::stated).collect(),
            parameters,
            confidence: CONFIDENCES[usize::from(self.confidence) % CONFIDENCES.len()],
            severity: self.severity.map(|index| SEVERITIES[usize::from(index) % SEVERITIES.len()]),
        }
    }
}

impl Place {
    fn stated(&self) -> UnverifiedLocation {
        UnverifiedLocation {
            path: match &self.path {
                Path::File(index) => PATHS[usize::from(*index) % PATHS.len()].to_owned(),
                Path::Other(text) => text.clone(),
            },
            revision: if self.base { Revision::Base } else { Revision::Head },
            span: self.span.as_ref().map(|span| match span {
                Span::Near(start, length) => (u64::from(*start), u64::from(*start) + u64::from(*length)),
                Span::Any(start, end) => (*start, *end),
            }),
        }
    }
}

impl Name {
    fn stated(&self) -> String {
        match self {
            Self::What => "what".to_owned(),
            Self::Count => "count".to_owned(),
            Self::Sure => "sure".to_owned(),
            Self::Beside => "beside".to_owned(),
            Self::Other(text) => text.clone(),
        }
    }
}

impl Value {
    fn stated(&self) -> UnverifiedValue {
        match self {
            Self::Text(text) => UnverifiedValue::Text(text.clone()),
            Self::Number(number) => UnverifiedValue::Number(*number),
            Self::Flag(flag) => UnverifiedValue::Flag(*flag),
            Self::Place(place) => UnverifiedValue::Location(place.stated()),
        }
    }
}

impl Id {
    fn stated(&self) -> String {
        match self {
            Self::Known(number) => format!("id {}", number % 8),
            Self::Other(text) => text.clone(),
        }
    }
}

impl Dependency {
    fn stated(&self) -> UnverifiedDependency {
        let hash = |(algorithm, hash): &(u8, Hash)| {
            let algorithm = ALGORITHMS[usize::from(*algorithm) % ALGORITHMS.len()];
            let value = match hash {
                Hash::Right(byte) => vec![*byte; algorithm.length()],
                Hash::Other(bytes) => bytes.clone(),
            };
            (algorithm, value)
        };
        UnverifiedDependency {
            id: self.id.stated(),
            ecosystem: self.ecosystem.clone(),
            namespace: self.namespace.clone(),
            name: self.name.clone(),
            version: self.version.clone(),
            qualifiers: self.qualifiers.clone(),
            root: self.root,
            scope: SCOPES[usize::from(self.scope) % SCOPES.len()],
            licences: self.licences.clone(),
            hashes: self.hashes.iter().map(hash).collect(),
            origin: self.origin.clone(),
            depends_on: self.depends_on.iter().map(Id::stated).collect(),
            evidence: self.evidence.iter().map(Place::stated).collect(),
        }
    }
}
