//! Running a scanner natively the way the host does, for plain `cargo test`.
//!
//! ```
//! use certus_sdk_core::{File, FileScanner, Finding, Problem, Settings, testing};
//!
//! struct Todo;
//! impl FileScanner for Todo {
//!     fn configure(_: &Settings) -> Result<Self, Problem> {
//!         Ok(Self)
//!     }
//!     fn scan(&self, file: &File<'_>) -> Result<Vec<Finding>, Problem> {
//!         let finding = |start| Finding::at("todo", file.path, start..start + 4);
//!         Ok(file.hits.iter().map(|hit| finding(hit.start)).collect())
//!     }
//! }
//!
//! let findings = testing::scan_file(&Todo, &["todo"], "a.rs", "// TODO later").unwrap();
//! assert_eq!(testing::texts(&findings, "// TODO later"), ["TODO"]);
//! ```

mod hits;
mod workspace;

pub use hits::{MAX_HITS, hits};
pub use workspace::Workspace;

use crate::{File, FileScanner, Finding, Problem};

/// Hands one file to a scanner as the host would, with the hits of the manifest's keywords. The
/// host does not call a scanner for a file without a hit; this function does.
///
/// # Errors
/// Whatever the scanner answers.
pub fn scan_file(
    scanner: &dyn FileScanner,
    keywords: &[&str],
    path: &str,
    content: impl AsRef<[u8]>,
) -> Result<Vec<Finding>, Problem> {
    let content = content.as_ref();
    let (hits, hits_complete) = hits(keywords, content);
    scanner.scan(&File { path, content, hits: &hits, hits_complete })
}

/// The text that each finding marks, for comparing in a test; a span that does not fit the content
/// appears as `<invalid>`, a finding without one as `<whole>`.
pub fn texts(findings: &[Finding], content: impl AsRef<[u8]>) -> Vec<String> {
    let content = content.as_ref();
    findings
        .iter()
        .map(|finding| match finding.at.span {
            None => "<whole>".to_owned(),
            Some(span) => match span.within(content.len()) {
                Some(range) => String::from_utf8_lossy(&content[range]).into_owned(),
                None => "<invalid>".to_owned(),
            },
        })
        .collect()
}
