//! What holds for every name that a repository may contain. The cases are the same in every run;
//! fuzzing is where new ones come from.

use std::collections::BTreeMap;

use proptest::prelude::*;
use proptest::test_runner::{Config, RngSeed};

use super::*;
use crate::workspace::{MemoryWorkspace, Workspace as _};

fn cases(cases: u32) -> Config {
    Config { cases, rng_seed: RngSeed::Fixed(73), failure_persistence: None, ..Config::default() }
}

/// What names are attacked with.
const PIECES: [&[u8]; 24] = [
    b"/",
    b"/",
    b"/",
    b".",
    b"..",
    b"a",
    b"B",
    b"%",
    b"%2F",
    b"%2f",
    b"%2E%2e",
    b"%00",
    b"%25",
    b"%FF",
    b"\0",
    b"\\",
    b"C:",
    b".git",
    b".GiT",
    b"\x1b[2J",
    b"\n",
    b"\xc0\xaf",
    "\u{202e}é名".as_bytes(),
    b"\xed\xa0\x80",
];

fn piece() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        6 => proptest::sample::select(PIECES.as_slice()).prop_map(<[u8]>::to_vec),
        3 => proptest::collection::vec(any::<u8>(), 1..4),
        // Now and then longer than a name, or a path, may be.
        1 => (proptest::sample::select(b"x/".as_slice()), 1_usize..300).prop_map(|(byte, count)| vec![byte; count]),
    ]
}

fn raw() -> impl Strategy<Value = Vec<u8>> {
    proptest::collection::vec(piece(), 0..12).prop_map(|pieces| pieces.concat())
}

/// The rule in one expression, written apart from the code that is under test.
fn may_stand(raw: &[u8]) -> bool {
    let names: Vec<_> = raw.split(|byte| *byte == b'/').collect();
    let fine = |name: &&[u8]| {
        !matches!(*name, b"" | b"." | b"..") && name.len() <= MAX_NAME && !name.eq_ignore_ascii_case(b".git")
    };
    raw.len() <= MAX_PATH && names.len() <= MAX_DEPTH && !raw.contains(&0) && names.iter().all(fine)
}

proptest! {
    #![proptest_config(cases(50_000))]

    /// Accepted is what may stand and nothing else; what is accepted comes back from its spelling.
    #[test]
    fn case_073_raw_names_are_refused_or_come_back(raw in raw()) {
        match RepoPath::from_bytes(&raw) {
            Err(error) => {
                prop_assert!(!may_stand(&raw), "{error}");
                prop_assert!(error.to_string().chars().all(is_printable), "{error:?}");
            }
            Ok(path) => {
                prop_assert!(may_stand(&raw), "{path}");
                prop_assert_eq!(path.to_bytes(), raw);
                prop_assert!(path.as_str().chars().all(is_printable), "{}", path);
                prop_assert!(!path.as_str().starts_with('/') && !path.as_str().contains('\0'));
                prop_assert_eq!(path.to_string().parse::<RepoPath>().unwrap(), path);
            }
        }
    }

    /// Of all the spellings that a guest may try, an entry answers to one.
    #[test]
    fn case_055_a_spelling_is_refused_or_the_only_one(raw in raw()) {
        let text = String::from_utf8_lossy(&raw);
        if let Ok(path) = text.parse::<RepoPath>() {
            prop_assert_eq!(path.as_str(), text.as_ref());
            prop_assert!(may_stand(&path.to_bytes()), "{}", path);
            prop_assert_eq!(RepoPath::from_bytes(&path.to_bytes()).unwrap(), path);
        }
    }
}

proptest! {
    #![proptest_config(cases(5_000))]

    /// Order is that of the spellings' bytes, different names have different spellings, and a workspace
    /// finds its own entries at their places and nothing else.
    #[test]
    fn a_workspace_finds_what_it_holds(held in proptest::collection::vec(raw(), 0..20), other in raw()) {
        let files: BTreeMap<RepoPath, Vec<u8>> =
            held.iter().filter_map(|raw| RepoPath::from_bytes(raw).ok().map(|path| (path, raw.clone()))).collect();
        let names: std::collections::BTreeSet<_> = files.values().collect();
        prop_assert_eq!(names.len(), files.len());
        let workspace = MemoryWorkspace::new(files.clone());
        let spelt: Vec<_> = workspace.entries().iter().map(|entry| entry.path.as_str().as_bytes()).collect();
        prop_assert!(spelt.is_sorted_by(|a, b| a < b));
        for (index, entry) in workspace.entries().iter().enumerate() {
            let path = entry.path.to_string().parse().unwrap();
            prop_assert_eq!(workspace.find(&path), Some(index));
            prop_assert_eq!(&*workspace.read(index).unwrap(), path.to_bytes());
        }
        if let Ok(path) = RepoPath::from_bytes(&other) {
            prop_assert_eq!(workspace.find(&path).is_some(), files.contains_key(&path));
        }
    }
}
