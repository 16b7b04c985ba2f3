//! D. What is kept of admission between runs, and the bytes that are admitted.

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use certus_model::Sha256;
use certus_model::limits::AdmissionLimits;
use certus_model::plugin::Capability;

use crate::support::guest::Guest;
use crate::support::home::Home;
use crate::support::{Bench, admission, sandbox_with};

/// Admission without a child: what it admits came from the cache.
fn without_child(cache: &Path) -> Bench {
    let limits = AdmissionLimits { child_memory: 0, ..AdmissionLimits::default() };
    admission(Some(cache), limits).expect("the sandbox starts")
}

/// The cache's entries: the passport and the code of one component.
fn entries(cache: &Path) -> Vec<PathBuf> {
    let listing = std::fs::read_dir(cache).unwrap().map(|e| e.unwrap().path());
    listing.filter(|path| path.file_name().is_some_and(|name| name != "key")).collect()
}

#[test]
fn case_050_a_tampered_entry_is_never_loaded() {
    let folder = tempfile::tempdir().unwrap();
    let cache = folder.path().join("cache");
    let component = Guest::files().build();
    sandbox_with(Some(&cache)).admit(&component, &Capability::ALL).expect("it compiles");
    without_child(&cache).admit(&component, &Capability::ALL).expect("the twin is loaded as it was kept");

    assert_eq!(entries(&cache).len(), 2);
    for entry in entries(&cache) {
        let whole = std::fs::read(&entry).unwrap();
        for at in [0, 31, 32, whole.len() / 2, whole.len() - 1] {
            let mut flipped = whole.clone();
            flipped[at] ^= 1;
            std::fs::write(&entry, &flipped).unwrap();
            assert!(without_child(&cache).admit(&component, &Capability::ALL).is_err(), "byte {at}");
            sandbox_with(Some(&cache)).admit(&component, &Capability::ALL).expect("it is made anew");
            assert_eq!(std::fs::read(&entry).unwrap(), whole, "byte {at}");
        }
    }
}

#[test]
fn case_050_an_entry_vouches_for_one_component_only() {
    let folder = tempfile::tempdir().unwrap();
    let cache = folder.path().join("cache");
    let component = Guest::files().build();
    sandbox_with(Some(&cache)).admit(&component, &Capability::ALL).expect("it compiles");
    let other = Guest::files().rule("").build();
    for entry in entries(&cache) {
        let name = entry.file_name().unwrap().to_string_lossy().into_owned();
        let renamed = name.replace(&Sha256::of(&component).to_string(), &Sha256::of(&other).to_string());
        std::fs::rename(entry, cache.join(renamed)).unwrap();
    }
    assert!(without_child(&cache).admit(&other, &Capability::ALL).is_err());
}

#[test]
fn case_050_an_entry_of_another_engine_is_made_anew() {
    let folder = tempfile::tempdir().unwrap();
    let cache = folder.path().join("cache");
    let component = Guest::files().build();
    sandbox_with(Some(&cache)).admit(&component, &Capability::ALL).expect("it compiles");
    for entry in entries(&cache) {
        // The name ends with what identifies wasmtime's version, the target and the engine's settings.
        let name = entry.to_string_lossy().into_owned();
        let (rest, engine) = name.rsplit_once('-').expect("an engine");
        std::fs::rename(&entry, format!("{rest}-{}", engine.chars().rev().collect::<String>())).unwrap();
    }
    assert!(without_child(&cache).admit(&component, &Capability::ALL).is_err());
    sandbox_with(Some(&cache)).admit(&component, &Capability::ALL).expect("it is made anew");
    without_child(&cache).admit(&component, &Capability::ALL).expect("and kept");
}

#[test]
fn case_050_a_folder_that_others_can_write_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let cache = folder.path().join("cache");
    drop(sandbox_with(Some(&cache)));
    let open = |mode| {
        std::fs::set_permissions(&cache, std::fs::Permissions::from_mode(mode)).unwrap();
        admission(Some(&cache), AdmissionLimits::default())
    };
    let error = open(0o777).err().expect("it is refused").to_string();
    assert!(error.contains("chmod 700"), "{error}");
    assert!(open(0o700).is_ok(), "the twin is ours alone");
}

#[test]
fn case_051_the_bytes_that_were_checked_are_the_bytes_that_run() {
    // While the catalog has the file, it is replaced by another plugin: what was read decides.
    let home = Home::new();
    let (first, second) = (Guest::files().build(), Guest::files().rule("").build());
    let file = home.write("plugins/guest.wasm", &first);
    let bench = sandbox_with(None);
    let catalog = certus_catalog::Catalog::open(&home.path("plugins"), &[], &bench.admission).expect("a catalog");
    std::fs::write(&file, &second).unwrap();
    let entry = &catalog.entries()[0];
    let admitted = bench.admission.admit(&entry.bytes, &Capability::ALL).expect("it is admitted");
    assert_eq!(admitted.passport.digest, Sha256::of(&first));
    let again = certus_catalog::Catalog::open(&home.path("plugins"), &[], &bench.admission).expect("a catalog");
    assert_eq!(again.entries()[0].passport.digest, Sha256::of(&second), "the twin reads the file that is there");
}
