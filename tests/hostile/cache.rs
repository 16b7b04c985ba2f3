//! D. The cache of compiled plugins.

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use certus_model::limits::{AdmissionLimits, Limits};
use certus_model::plugin::Capability;
use certus_sandbox::{Sandbox, SandboxConfig};

use crate::support::guest::Guest;
use crate::support::sandbox_with;

/// A sandbox that cannot compile: what it admits came from the cache.
fn without_compiler(cache: &Path) -> Sandbox {
    Sandbox::new(SandboxConfig {
        compiler: "/nonexistent/compiler".into(),
        cache: Some(cache.into()),
        admission: AdmissionLimits::default(),
        stack: Limits::default().stack,
    })
    .expect("the sandbox starts")
}

/// The one compiled entry of the cache.
fn entry(cache: &Path) -> PathBuf {
    let mut entries = std::fs::read_dir(cache).unwrap().map(|e| e.unwrap().path());
    entries.find(|path| path.file_name().is_some_and(|name| name != "key")).expect("an entry")
}

#[test]
fn case_050_a_tampered_entry_is_never_loaded() {
    let folder = tempfile::tempdir().unwrap();
    let cache = folder.path().join("cache");
    let component = Guest::files().build();
    sandbox_with(Some(&cache)).admit(&component, &Capability::ALL).expect("it compiles");
    without_compiler(&cache).admit(&component, &Capability::ALL).expect("the twin is loaded as it was kept");

    let whole = std::fs::read(entry(&cache)).unwrap();
    for at in [0, 31, 32, whole.len() / 2, whole.len() - 1] {
        let mut flipped = whole.clone();
        flipped[at] ^= 1;
        std::fs::write(entry(&cache), &flipped).unwrap();
        assert!(without_compiler(&cache).admit(&component, &Capability::ALL).is_err(), "byte {at}");
        sandbox_with(Some(&cache)).admit(&component, &Capability::ALL).expect("it is compiled anew");
        assert_eq!(std::fs::read(entry(&cache)).unwrap(), whole, "byte {at}");
    }
}

#[test]
fn case_050_an_entry_vouches_for_one_component_only() {
    let folder = tempfile::tempdir().unwrap();
    let cache = folder.path().join("cache");
    let component = Guest::files().build();
    sandbox_with(Some(&cache)).admit(&component, &Capability::ALL).expect("it compiles");
    let other = Guest::files().rule("").build();
    let name = entry(&cache).file_name().unwrap().to_string_lossy().into_owned();
    let digest = certus_model::Sha256::of(&component).to_string();
    let renamed = name.replace(&digest, &certus_model::Sha256::of(&other).to_string());
    std::fs::rename(cache.join(&name), cache.join(renamed)).unwrap();
    assert!(without_compiler(&cache).admit(&other, &Capability::ALL).is_err());
}

#[test]
fn case_050_a_folder_that_others_can_write_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let cache = folder.path().join("cache");
    drop(sandbox_with(Some(&cache)));
    let open = |mode| {
        std::fs::set_permissions(&cache, std::fs::Permissions::from_mode(mode)).unwrap();
        Sandbox::new(SandboxConfig {
            compiler: env!("CARGO_BIN_EXE_certus").into(),
            cache: Some(cache.clone()),
            admission: AdmissionLimits::default(),
            stack: Limits::default().stack,
        })
    };
    let error = open(0o777).err().expect("it is refused").to_string();
    assert!(error.contains("chmod 700"), "{error}");
    assert!(open(0o700).is_ok(), "the twin is ours alone");
}
