//! A scan manifest, and what it asks for where nothing is installed.
#![no_main]

use std::fs;
use std::path::PathBuf;
use std::sync::OnceLock;

use certus_catalog::{Catalog, Given, Wish, select};
use certus_fuzz::{checks, place};
use certus_model::Sha256;
use certus_model::limits::AdmissionLimits;
use certus_model::manifest::ScanManifest;
use certus_sandbox::{Admission, AdmissionConfig};
use libfuzzer_sys::fuzz_target;

static CATALOG: OnceLock<Catalog> = OnceLock::new();

fn catalog() -> &'static Catalog {
    CATALOG.get_or_init(|| {
        let folder = place::Place::get().folder().join("plugins");
        fs::create_dir_all(&folder).expect("a folder without plugins");
        // There is nothing to admit, so nothing of it is used.
        let limits = AdmissionLimits::default();
        let config = AdmissionConfig { program: PathBuf::new(), cache: None, limits, stack: 1 << 20 };
        let admission = Admission::new(config).expect("no cache to go wrong");
        Catalog::open(&folder, &[], &admission).expect("an empty catalog")
    })
}

fuzz_target!(|data: &[u8]| {
    let Ok(manifest) = serde_json::from_slice::<ScanManifest>(data) else { return };
    let again = serde_json::to_vec(&manifest).expect("what was read can be written");
    assert_eq!(serde_json::from_slice::<ScanManifest>(&again).ok().as_ref(), Some(&manifest));
    let first = manifest.profiles.first().map(|profile| profile.name.as_str());
    for profile in first.into_iter().chain(["light", "other"]) {
        let given = Given { manifest: &manifest, digest: Sha256::of(data), verified: false };
        match select(catalog(), &Wish { profile, manifest: Some(given) }) {
            Ok(selection) => {
                assert!(selection.plugins.is_empty(), "nothing is installed");
                assert!(!selection.missing.is_empty(), "a scan that looks at nothing is refused");
            }
            Err(error) => checks::one_line(error),
        }
    }
});
