//! Where a manifest may come from, and whose is acted on.

use certus_model::{FailureReason, RepoPath};
use certus_pipeline::{Event, Manifest, ManifestVerification};
use certus_signing::SigningKey;

use crate::support::home::Home;
use crate::support::host::{Ran, host, json, scan, sign_blob, source};

const MANIFEST: &str = r#"{"product": "shop", "profiles": [{"name": "release", "tools": ["test.guest"]}]}"#;

/// Scans a tree with this manifest, and its signature if there is one, as the file `ci/manifest.json`.
fn in_tree(home: &Home, rules: ManifestVerification, signature: Option<Vec<u8>>, path: &str) -> Ran {
    home.write("tree/ci/manifest.json", MANIFEST);
    // What a signature of an earlier run left.
    let _ = std::fs::remove_file(home.path("tree/ci/manifest.json.sig"));
    if let Some(signature) = signature {
        home.write("tree/ci/manifest.json.sig", signature);
    }
    let mut host = host(home);
    host.manifest_verification = rules;
    let path = RepoPath::from_bytes(path.as_bytes()).expect("a path");
    scan(home, &host, source(home, "dir:tree", None), |request| {
        request.profile = "release".to_owned();
        request.manifest = Manifest::InTree(path);
    })
}

fn given(home: &Home, rules: ManifestVerification, signature: Option<Vec<u8>>) -> Ran {
    home.write("tree/a.txt", "content");
    let mut host = host(home);
    host.manifest_verification = rules;
    scan(home, &host, source(home, "dir:tree", None), |request| {
        request.profile = "release".to_owned();
        request.manifest = Manifest::Given { bytes: MANIFEST.as_bytes().to_vec(), signature };
    })
}

#[test]
fn required_verification_covers_every_source_of_a_manifest() {
    let (home, key, other) = (Home::new(), SigningKey::generate().unwrap(), SigningKey::generate().unwrap());
    let good = || Some(sign_blob(&key, MANIFEST.as_bytes()));
    let foreign = || Some(sign_blob(&other, MANIFEST.as_bytes()));
    let rules =
        |with_key: bool, required| ManifestVerification { key: with_key.then(|| key.public().clone()), required };
    for (name, with_key, required, signature, expected) in [
        ("nothing asked for", false, false, None, Ok(false)),
        ("unsigned, not required", true, false, None, Ok(false)),
        ("signed", true, false, good(), Ok(true)),
        ("signed, required", true, true, good(), Ok(true)),
        ("unsigned, required", true, true, None, Err("manifest signature is required")),
        ("another's", true, false, foreign(), Err("does not verify")),
        ("another's, required", true, true, foreign(), Err("does not verify")),
        ("no key", false, true, good(), Err("requires a key")),
    ] {
        let tree = in_tree(&home, rules(with_key, required), signature.clone(), "ci/manifest.json");
        let tree_info = tree.outcome.is_ok().then(|| json(&home, "manifest-info.json"));
        let hand = given(&home, rules(with_key, required), signature);
        let hand_info = hand.outcome.is_ok().then(|| json(&home, "manifest-info.json"));
        for (source, ran, info) in [("in tree", tree, tree_info), ("given", hand, hand_info)] {
            match (ran.outcome, expected) {
                (Ok(outcome), Ok(verified)) => {
                    assert_eq!(outcome.manifest.manifest_verified, verified, "{name}, {source}");
                    let info = info.expect("the record");
                    assert_eq!(info["manifest_verified"], verified, "{name}, {source}");
                    assert_eq!(info["profile_resolved"], "release", "{name}, {source}");
                }
                (Err(error), Err(says)) => {
                    assert!(error.to_string().contains(says), "{name}, {source}: {error}");
                    assert_eq!(error.reason(), FailureReason::Manifest, "{name}, {source}");
                    let started = ran.told.iter().any(|line| matches!(line.event, Event::ToolStart { .. }));
                    assert!(!started, "{name}, {source}: nothing runs");
                }
                (Ok(_), Err(_)) => panic!("{name}, {source}: accepted"),
                (Err(error), Ok(_)) => panic!("{name}, {source}: {error}"),
            }
        }
    }
}

#[test]
fn a_manifest_in_the_tree_is_kept_as_it_is() {
    let home = Home::new();
    in_tree(&home, ManifestVerification::default(), None, "ci/manifest.json").outcome.expect("a bundle");
    assert_eq!(std::fs::read_to_string(home.path("out/manifest.json")).unwrap(), MANIFEST);
    assert_eq!(json(&home, "scan.json")["manifest_digest"], json(&home, "manifest-info.json")["manifest_digest"]);
    assert_eq!(home.run(&["verify", "out"]).code, 0);
}

#[test]
fn a_manifest_path_leads_nowhere_but_into_the_tree() {
    let home = Home::new();
    home.write("outside.json", MANIFEST);
    for path in ["../outside.json", "ci/../../outside.json", "/etc/passwd", "", ".git/config"] {
        assert!(RepoPath::from_bytes(path.as_bytes()).is_err(), "{path}");
    }
    home.write("tree/ci/large.json", vec![b' '; (4 << 20) + 1]);
    std::os::unix::fs::symlink("../../outside.json", home.path("tree/ci/link.json")).unwrap();
    for (path, says) in [
        ("ci/link.json", "not found in source"),
        ("ci", "not found in source"),
        ("ci/absent.json", "manifest path `ci/absent.json` not found in source"),
        ("ci/large.json", "the limit is 4194304"),
    ] {
        let ran = in_tree(&home, ManifestVerification::default(), None, path);
        let error = ran.outcome.err().unwrap_or_else(|| panic!("{path}: accepted"));
        assert!(error.to_string().contains(says), "{path}: {error}");
        assert_eq!(error.reason(), FailureReason::Manifest, "{path}");
        assert!(!home.path("out").exists(), "{path}");
    }
    in_tree(&home, ManifestVerification::default(), None, "ci/manifest.json").outcome.expect("the twin is found");
}
