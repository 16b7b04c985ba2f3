//! The folders of uploads and bundles, and their sweeper.

use std::path::Path;

use certus_model::UploadId;
use certus_store::Folders;

/// Makes a folder or a file that looks as if nobody had touched it for a day.
fn old(root: &Path, name: &str) {
    let path = root.join(name);
    if name.starts_with("bundles/") {
        std::fs::create_dir_all(&path).unwrap();
        std::fs::write(path.join("scan.json"), "{}").unwrap();
    } else {
        std::fs::write(&path, "x").unwrap();
    }
    let done = std::process::Command::new("touch").args(["-d", "yesterday"]).arg(&path).status().unwrap();
    assert!(done.success());
}

#[test]
fn case_121_the_sweeper_takes_orphans_and_nothing_that_lives() {
    let place = tempfile::tempdir().unwrap();
    let root = place.path();
    let folders = Folders::open(root).unwrap();
    let known = UploadId::from_random(1);
    for name in [
        "bundles/test_000000000001.1",
        "bundles/test_000000000002.1",
        "bundles/test_000000000003.1",
        "bundles/.certus-bundle-being-written",
        &format!("uploads/{known}"),
        &format!("uploads/{}", UploadId::from_random(2)),
        &format!("uploads/{}.partial", UploadId::from_random(3)),
    ] {
        old(root, name);
    }
    std::fs::create_dir_all(root.join("bundles/test_000000000004.1")).unwrap();
    let (recorded, live) = (["test_000000000001.1".to_owned()], ["test_000000000002.1".to_owned()]);
    assert_eq!(folders.sweep(&recorded, std::slice::from_ref(&known), &live).unwrap(), 3);
    let left = |folder: &str| {
        let mut names: Vec<_> = std::fs::read_dir(root.join(folder))
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    };
    assert_eq!(
        left("bundles"),
        [".certus-bundle-being-written", "test_000000000001.1", "test_000000000002.1", "test_000000000004.1"],
        "on record, live, young or being written"
    );
    assert_eq!(left("uploads"), [known.to_string()]);
    assert_eq!(folders.sweep(&recorded, &[known], &live).unwrap(), 0);
}
