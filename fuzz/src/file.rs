//! Files, read by a scanner as it runs in a guest.

use certus_model::PluginManifest;
use certus_sdk_core::{FileScanner, testing};

/// A scanner with the manifest that says what it may find.
pub struct Scanner<S> {
    manifest: PluginManifest,
    scanner: S,
}

impl<S: FileScanner> Scanner<S> {
    /// With the text of its `plugin.toml`.
    pub fn new(manifest: &str, scanner: S) -> Self {
        Self { manifest: manifest.parse().expect("a sound manifest"), scanner }
    }

    /// Reads a file, whose first line names it. Findings are of declared rules and lie in it.
    pub fn read(&self, data: &[u8]) {
        let Self { manifest, scanner } = self;
        let end = data.iter().position(|byte| *byte == b'\n').unwrap_or(data.len());
        let path = std::str::from_utf8(&data[..end]).unwrap_or("a");
        let content = data.get(end + 1..).unwrap_or_default();
        let keywords: Vec<&str> = manifest.interest.keywords.iter().map(String::as_str).collect();
        let Ok(findings) = testing::scan_file(scanner, &keywords, path, content) else { return };
        for finding in findings {
            let rule = manifest.rule(&finding.rule).expect("a declared rule");
            assert_eq!(finding.at.path, path);
            let span = finding.at.span.expect("what was found has a place");
            assert!(span.within(content.len()).is_some_and(|range| !range.is_empty()), "{finding:?}");
            assert!(finding.sensitive.iter().all(|span| span.within(content.len()).is_some()), "{finding:?}");
            assert_eq!(rule.severity.fixed().is_none(), finding.severity.is_some(), "{finding:?}");
        }
    }
}
