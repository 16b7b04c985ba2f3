#![allow(clippy::disallowed_methods, reason = "tests prepare and inspect bundles from outside")]

use std::fs;
use std::os::unix::fs::symlink;
use std::path::PathBuf;

use certus_signing::KeyStore;

use super::*;
use crate::fixture::{facts, files, keys_of, required_files};
use crate::verify;

/// Makes something stand at a path.
type Prepare = fn(&Path);

struct Case {
    folder: tempfile::TempDir,
    key: SigningKey,
}

impl Case {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap(), key: SigningKey::generate().unwrap() }
    }

    fn out(&self) -> PathBuf {
        self.folder.path().join("out")
    }

    fn write(&self, files: &BundleFiles, existing: Existing) -> Result<Verification, Error> {
        Output::open(&self.out(), existing)?.write(files, facts(), &self.key)
    }

    /// The names in the folder that holds the output.
    fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(self.folder.path()).unwrap();
        let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }
}

#[test]
fn a_free_place_is_filled_and_nothing_else_is_left() {
    let prepare: [(&str, Prepare); 2] = [("absent", |_| {}), ("empty folder", |out| fs::create_dir(out).unwrap())];
    for (name, prepare) in prepare {
        for existing in [Existing::Keep, Existing::Replace] {
            let case = Case::new();
            prepare(&case.out());
            case.write(&files(), existing).unwrap();
            verify(&case.out(), &keys_of(&case.key)).unwrap();
            assert_eq!(case.names(), ["out"], "{name}");
        }
    }
}

#[test]
fn a_taken_place_is_refused_and_left_as_it_was() {
    let table: [(&str, Prepare, Existing, &str); 7] = [
        ("file", |out| fs::write(out, "mine").unwrap(), Existing::Replace, "is not a folder"),
        (
            "link to a folder",
            |out| {
                fs::create_dir(out.with_file_name("target")).unwrap();
                symlink("target", out).unwrap();
            },
            Existing::Replace,
            "is not a folder",
        ),
        (
            "not empty",
            |out| {
                fs::create_dir(out).unwrap();
                fs::write(out.join("mine"), "").unwrap();
            },
            Existing::Keep,
            "--force",
        ),
        (
            "somebody's folder",
            |out| {
                fs::create_dir(out).unwrap();
                fs::write(out.join("mine"), "").unwrap();
            },
            Existing::Replace,
            "holds `mine`",
        ),
        (
            "somebody's folder with an index",
            |out| {
                fs::create_dir_all(out.join("src")).unwrap();
                fs::write(out.join(INDEX), "{}").unwrap();
            },
            Existing::Replace,
            "holds `src`",
        ),
        (
            "known names without an index",
            |out| {
                fs::create_dir(out).unwrap();
                fs::write(out.join("scan.json"), "{}").unwrap();
            },
            Existing::Replace,
            "no index.json",
        ),
        (
            "bundle with a link in it",
            |out| {
                fs::create_dir(out).unwrap();
                fs::write(out.join(INDEX), "{}").unwrap();
                symlink("/", out.join("reports")).unwrap();
            },
            Existing::Replace,
            "holds `reports`",
        ),
    ];
    for (name, prepare, existing, says) in table {
        let case = Case::new();
        prepare(&case.out());
        let before = case.names();
        let error = Output::open(&case.out(), existing).unwrap_err().to_string();
        assert!(error.contains(says) && error.contains(&case.out().display().to_string()), "{name}: {error}");
        assert_eq!(case.names(), before, "{name}");
    }
}

#[test]
fn a_bundle_is_replaced_on_demand_only() {
    let case = Case::new();
    case.write(&files(), Existing::Keep).unwrap();
    assert!(matches!(case.write(&required_files(), Existing::Keep), Err(Error::NotEmpty(_))));
    // Even a damaged one, as long as it holds nothing else.
    fs::write(case.out().join("findings.json"), "changed").unwrap();
    case.write(&required_files(), Existing::Replace).unwrap();
    verify(&case.out(), &keys_of(&case.key)).unwrap();
    assert!(!case.out().join("reports").exists(), "nothing of the old bundle is left");
    assert_eq!(case.names(), ["out"]);
}

#[test]
fn a_bundle_is_replaced_on_file_systems_that_cannot_swap() {
    let case = Case::new();
    case.write(&files(), Existing::Keep).unwrap();
    let mut output = Output::open(&case.out(), Existing::Replace).unwrap();
    output.staging.put("scan.json", b"new").unwrap();
    output.exchange_in_two_steps().unwrap();
    drop(output);
    assert_eq!(fs::read(case.out().join("scan.json")).unwrap(), b"new");
    assert_eq!((fs::read_dir(case.out()).unwrap().count(), case.names()), (1, vec!["out".to_owned()]));
}

#[test]
fn a_place_that_is_taken_during_the_scan_is_not_overwritten() {
    let table: [(&str, Prepare, Existing); 3] = [
        ("filled", |out| fs::write(out.join("mine"), "").unwrap(), Existing::Keep),
        ("filled, with force", |out| fs::write(out.join("mine"), "").unwrap(), Existing::Replace),
        (
            "a file",
            |out| {
                fs::remove_dir(out).unwrap();
                fs::write(out, "mine").unwrap();
            },
            Existing::Replace,
        ),
    ];
    for (name, meanwhile, existing) in table {
        let case = Case::new();
        fs::create_dir(case.out()).unwrap();
        let output = Output::open(&case.out(), existing).unwrap();
        meanwhile(&case.out());
        output.write(&files(), facts(), &case.key).unwrap_err();
        assert_eq!(case.names(), ["out"], "{name}");
        assert!(case.out().is_file() || case.out().join("mine").exists(), "{name}");
    }
}

#[test]
fn the_old_bundle_outlives_a_failed_replacement() {
    let case = Case::new();
    case.write(&files(), Existing::Keep).unwrap();
    let mut unsound = BundleFiles::default();
    for (name, bytes) in files().iter() {
        let bytes = if name == FileName::Findings { b"{ }" } else { bytes };
        unsound.insert(name, bytes.to_vec()).unwrap();
    }
    let error = case.write(&unsound, Existing::Replace).unwrap_err();
    assert!(matches!(&error, Error::Unsound(refusal) if refusal.file() == "findings.json"), "{error}");
    verify(&case.out(), &keys_of(&case.key)).unwrap();
    assert_eq!(case.names(), ["out"]);
}

#[test]
fn a_bundle_without_what_every_bundle_has_is_not_written() {
    for missing in FileName::OF_A_REPORT {
        let case = Case::new();
        let mut files = BundleFiles::default();
        for (name, bytes) in required_files().iter().filter(|(name, _)| *name != missing) {
            files.insert(name, bytes.to_vec()).unwrap();
        }
        let error = case.write(&files, Existing::Keep).unwrap_err();
        assert!(matches!(error, Error::Unsound(_)) && error.to_string().contains(missing.path()), "{missing}: {error}");
        assert!(case.names().is_empty(), "{missing}");
    }
}

#[test]
fn an_unusable_place_is_named_before_anything_is_done() {
    let case = Case::new();
    let absent = case.folder.path().join("absent");
    let table = [
        ("read-only file system", PathBuf::from("/proc/out"), "/proc/out"),
        ("no parent", absent.join("out"), "absent"),
        ("no name", case.folder.path().join(".."), "names no folder"),
        ("root", PathBuf::from("/"), "names no folder"),
    ];
    for (name, out, says) in table {
        let error = Output::open(&out, Existing::Keep).unwrap_err().to_string();
        assert!(error.contains(says) && error.lines().count() == 1, "{name}: {error}");
    }
    assert!(case.names().is_empty());
}

#[test]
fn an_output_that_is_dropped_leaves_nothing() {
    let case = Case::new();
    let output = Output::open(&case.out(), Existing::Keep).unwrap();
    assert_eq!(case.names().len(), 1, "the temporary folder is there");
    drop(output);
    assert!(case.names().is_empty());
}

#[test]
fn what_interrupted_runs_left_is_swept_away_and_running_ones_are_not() {
    let case = Case::new();
    let left = case.folder.path().join(".certus-bundle-0");
    fs::create_dir_all(left.join("reports/sast")).unwrap();
    fs::write(left.join("reports/sast/findings.sarif.json"), "{").unwrap();
    let foreign = case.folder.path().join(".certus-bundle-1");
    fs::create_dir(&foreign).unwrap();
    fs::write(foreign.join("mine"), "").unwrap();
    let running = Output::open(&case.folder.path().join("other"), Existing::Keep).unwrap();

    case.write(&required_files(), Existing::Keep).unwrap();
    assert!(!left.exists(), "left by a crash");
    assert!(foreign.join("mine").exists(), "a file that no bundle holds is never removed");
    running.write(&required_files(), facts(), &case.key).unwrap();
    verify(&case.folder.path().join("other"), &keys_of(&case.key)).unwrap();
    assert_eq!(case.names(), [".certus-bundle-1", "other", "out"]);
}

#[test]
fn many_runs_for_one_place_end_with_one_whole_bundle() {
    for existing in [Existing::Keep, Existing::Replace] {
        let case = Case::new();
        let won = std::thread::scope(|scope| {
            let runs: Vec<_> = (0..4).map(|_| scope.spawn(|| case.write(&files(), existing).is_ok())).collect();
            runs.into_iter().map(|run| run.join().unwrap()).filter(|won| *won).count()
        });
        assert!(won >= 1 && (existing == Existing::Replace || won == 1), "{existing:?}: {won}");
        verify(&case.out(), &keys_of(&case.key)).unwrap();
        assert_eq!(case.names(), ["out"], "{existing:?}");
    }
}

#[test]
fn a_development_key_is_stated() {
    let case = Case::new();
    let store = KeyStore::at(case.folder.path().join("keys"));
    let key = store.development().unwrap();
    let written = Output::open(&case.out(), Existing::Keep).unwrap().write(&files(), facts(), &key).unwrap();
    assert!(written.development());
    assert!(verify(&case.out(), &store.verification_keys().unwrap()).unwrap().development());
    // Whoever is given the key without the name it was made under learns it from the statement.
    assert!(verify(&case.out(), &keys_of(&key)).unwrap().development());
}
