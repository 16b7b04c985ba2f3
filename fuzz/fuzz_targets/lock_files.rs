//! Lock files, read by the inventory as it runs in a guest. The first line names the file.
#![no_main]

use std::collections::BTreeSet;

use certus_plugin_inventory::Inventory;
use certus_sdk_core::{Location, Settings, TreeScanner as _, testing};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let end = data.iter().position(|byte| *byte == b'\n').unwrap_or(data.len());
    let Ok(name) = std::str::from_utf8(&data[..end]) else { return };
    let content = data.get(end + 1..).unwrap_or_default();
    let path = format!("a/{name}");
    let workspace = testing::Workspace::new([(path.as_str(), content)]);
    let inventory = Inventory::configure(&Settings::default()).expect("it has no settings");
    let report = inventory.scan(&workspace).expect("a file that cannot be read is a problem of that file");
    let fits = |at: &Location| {
        assert_eq!(at.path, path);
        assert!(at.span.is_none_or(|span| span.within(content.len()).is_some()), "{at:?}");
    };
    let ids: BTreeSet<_> = report.dependencies.iter().map(|dependency| &dependency.id).collect();
    assert_eq!(ids.len(), report.dependencies.len(), "ids are unique");
    for dependency in &report.dependencies {
        assert!(!dependency.name.is_empty(), "{}", dependency.id);
        assert!(dependency.depends_on.iter().all(|id| ids.contains(id)), "{}", dependency.id);
        dependency.evidence.iter().for_each(fits);
    }
    report.findings.iter().for_each(|finding| fits(&finding.at));
    report.problems.iter().filter_map(|problem| problem.at.as_ref()).for_each(fits);
});
