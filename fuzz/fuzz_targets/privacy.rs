//! Files, read by the scanner for personal data as it runs in a guest. The first line names the file.
#![no_main]

use std::sync::OnceLock;

use certus_model::PluginManifest;
use certus_plugin_privacy::Privacy;
use certus_sdk_core::{FileScanner as _, Settings, testing};
use libfuzzer_sys::fuzz_target;

static SCANNER: OnceLock<(PluginManifest, Privacy)> = OnceLock::new();

fn scanner() -> &'static (PluginManifest, Privacy) {
    SCANNER.get_or_init(|| {
        let manifest = include_str!("../../plugins/privacy/plugin.toml").parse().expect("a sound manifest");
        (manifest, Privacy::configure(&Settings::default()).expect("the defaults are sound"))
    })
}

fuzz_target!(|data: &[u8]| {
    let (manifest, scanner) = scanner();
    let end = data.iter().position(|byte| *byte == b'\n').unwrap_or(data.len());
    let path = std::str::from_utf8(&data[..end]).unwrap_or("a");
    let content = data.get(end + 1..).unwrap_or_default();
    let keywords: Vec<&str> = manifest.interest.keywords.iter().map(String::as_str).collect();
    let Ok(findings) = testing::scan_file(scanner, &keywords, path, content) else { return };
    for finding in findings {
        let rule = manifest.rule(&finding.rule).expect("a declared rule");
        assert_eq!(finding.at.path, path);
        let span = finding.at.span.expect("a number has a place");
        assert!(span.within(content.len()).is_some_and(|range| !range.is_empty()), "{finding:?}");
        assert!(finding.sensitive.iter().all(|span| span.within(content.len()).is_some()), "{finding:?}");
        assert_eq!(rule.severity.fixed().is_none(), finding.severity.is_some(), "{finding:?}");
    }
});
