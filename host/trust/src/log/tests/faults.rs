//! What becomes of a log when its place fails, or somebody else writes to it.

use std::path::Path;

use super::*;
use crate::log::{CHECKPOINT, FolderLog};

#[tokio::test]
async fn an_append_that_is_cut_off_anywhere_leaves_a_log_that_goes_on() {
    for puts in 0.. {
        let (log, memory) = log();
        append(&log, &bodies(0..250)).await;
        *memory.left.lock().unwrap() = Some(puts);
        // Over the edge of a tile: seven files and the commit, and then the checkpoint.
        let cut = log.append(&bodies(1000..1020)).await;
        *memory.left.lock().unwrap() = None;
        let size = audited(&log, &memory).await.unwrap();
        let committed = log.latest().await.unwrap().unwrap().unverified().size;
        assert_eq!(committed, if cut.is_ok() { 270 } else { 250 }, "cut off after {puts}");
        assert!(size <= committed, "what is published was committed");

        append(&log, &bodies(committed..committed + 3)).await;
        assert_eq!(audited(&log, &memory).await.unwrap(), committed + 3, "cut off after {puts}");
        append(&log, &bodies(committed + 3..600)).await;
        assert_eq!(audited(&log, &memory).await.unwrap(), 600, "cut off after {puts}");
        assert_eq!(log.entry(255).await.unwrap(), if cut.is_ok() { body(1005) } else { body(255) });
        if puts > 0 && cut.is_ok() && size == committed {
            assert!(puts > 5, "there is more than one step");
            return;
        }
    }
}

#[tokio::test]
async fn nothing_is_signed_over_files_that_were_changed() {
    let (log, memory) = log();
    append(&log, &bodies(0..260)).await;
    let state = memory.state.lock().unwrap().clone();
    for path in ["tile/0/001.p/4", "tile/1/000.p/1", "tile/entries/001.p/4"] {
        let good = memory.files.lock().unwrap()[path].clone();
        for bad in [None, Some(Vec::new()), Some(good[1..].to_vec()), Some([&good[..3], b"x", &good[4..]].concat())] {
            match bad {
                Some(bad) => memory.files.lock().unwrap().insert(path.to_owned(), bad),
                None => memory.files.lock().unwrap().remove(path),
            };
            let error = log.append(&bodies(0..1)).await.unwrap_err();
            assert!(matches!(error, Error::Missing { .. } | Error::Changed { .. } | Error::Tampered { .. }), "{error}");
            assert_eq!(*memory.state.lock().unwrap(), state, "{path}");
        }
        memory.files.lock().unwrap().insert(path.to_owned(), good);
    }
    append(&log, &bodies(260..261)).await;
    // A full tile is needed for a proof alone; a wrong one makes none.
    memory.files.lock().unwrap().get_mut("tile/0/000").unwrap()[0] ^= 1;
    assert!(matches!(log.inclusion(1, 261).await, Err(Error::Tampered { .. })));
    assert!(log.inclusion(260, 261).await.is_ok());
    memory.files.lock().unwrap().get_mut("tile/entries/000").unwrap()[5] ^= 1;
    assert!(log.entry(0).await.is_err());
}

#[tokio::test]
async fn an_audit_names_the_first_entry_that_was_changed() {
    let (log, memory) = log();
    append(&log, &bodies(0..260)).await;
    let refused = async |path: &str, change: &dyn Fn(&mut Vec<u8>)| {
        let good = memory.files.lock().unwrap()[path].clone();
        change(memory.files.lock().unwrap().get_mut(path).unwrap());
        let error = audited(&log, &memory).await.unwrap_err();
        memory.files.lock().unwrap().insert(path.to_owned(), good);
        error
    };
    // Each of the first ten entries has two bytes of length and seven of text.
    let error = refused("tile/entries/000", &|bytes| bytes[3 * 9 + 4] ^= 1).await;
    assert!(matches!(&error, Error::BadEntry { index: 3, path } if path == "tile/entries/000"), "{error}");
    let error = refused("tile/entries/000", &|bytes| drop(bytes.drain(9..18))).await;
    assert!(matches!(error, Error::BadEntry { index: 1, .. }), "an entry taken out: {error}");
    let error = refused("tile/entries/001.p/4", &|bytes| bytes.extend(b"\0\x01x")).await;
    assert!(matches!(error, Error::BadEntry { index: 259, .. }), "an entry too many: {error}");
    let error = refused("tile/0/001.p/4", &|bytes| bytes[32] ^= 1).await;
    assert!(matches!(error, Error::BadEntry { index: 257, .. }), "{error}");
    let error = refused("tile/1/000.p/1", &|bytes| bytes[0] ^= 1).await;
    assert!(matches!(error, Error::BadEntry { index: 0, .. }), "{error}");
    // An entry with the hash in the tile beside it: only the root tells.
    let hash = merkle::leaf_hash(b"entry 25X");
    memory.files.lock().unwrap().get_mut("tile/0/001.p/4").unwrap()[96..].copy_from_slice(hash.as_bytes());
    let error = refused("tile/entries/001.p/4", &|bytes| *bytes.last_mut().unwrap() = b'X').await;
    assert!(matches!(error, Error::Tampered { size: 260 }), "{error}");
}

#[tokio::test]
async fn case_123_every_changed_byte_of_a_log_is_found() {
    let (log, memory) = log();
    append(&log, &bodies(0..260)).await;
    let files = memory.files.lock().unwrap().clone();
    assert_eq!(files.len(), 6, "{:?}", files.keys());
    for (path, good) in files {
        for at in 0..good.len() {
            memory.files.lock().unwrap().get_mut(&path).unwrap()[at] ^= 0x20;
            assert!(audited(&log, &memory).await.is_err(), "byte {at} of {path}");
            memory.files.lock().unwrap().get_mut(&path).unwrap()[at] ^= 0x20;
        }
        memory.files.lock().unwrap().remove(&path);
        assert!(audited(&log, &memory).await.is_err(), "without {path}");
        memory.files.lock().unwrap().insert(path, good);
    }
    assert_eq!(audited(&log, &memory).await.unwrap(), 260);
}

#[tokio::test]
async fn every_byte_of_a_folder_counts() {
    let folder = tempfile::tempdir().unwrap();
    let place = Arc::new(FolderLog::open(folder.path()).unwrap());
    let log = Log::new(key(), place.clone(), place.clone());
    append(&log, &bodies(0..3)).await;
    let paths = ["checkpoint", "tile/0/000.p/3", "tile/entries/000.p/3"].map(|path| folder.path().join(path));
    assert_eq!(count(folder.path()), paths.len() + 1, "and the lock");
    for path in paths {
        let good = std::fs::read(&path).unwrap();
        for at in 0..good.len() {
            for mask in [0x01, 0x20, 0xff] {
                let mut bad = good.clone();
                bad[at] ^= mask;
                std::fs::write(&path, bad).unwrap();
                assert!(audit(&*place, &[log.verifier()], None).await.is_err(), "byte {at} of {}", path.display());
            }
        }
        std::fs::write(&path, good).unwrap();
    }
    let copy = FolderLog::open_existing(folder.path()).unwrap();
    assert_eq!(audit(&copy, &[log.verifier()], None).await.unwrap().checkpoint.size, 3);
    let huge = std::fs::File::create(folder.path().join("tile/0/000.p/3")).unwrap();
    huge.set_len(1 << 40).unwrap();
    assert!(matches!(audit(&copy, &[log.verifier()], None).await, Err(Error::Storage { .. })), "it is not read whole");
    assert!(FolderLog::open_existing(&folder.path().join("none")).is_err());
}

/// How many files lie in a folder and below.
fn count(folder: &Path) -> usize {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap());
    entries.map(|entry| if entry.file_type().unwrap().is_dir() { count(&entry.path()) } else { 1 }).sum()
}

#[tokio::test]
async fn a_turn_that_is_dropped_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let place = Arc::new(FolderLog::open(folder.path()).unwrap());
    let log = Log::new(key(), place.clone(), place.clone());
    append(&log, &bodies(0..1)).await;
    let before = std::fs::read(folder.path().join(CHECKPOINT)).unwrap();
    drop(crate::log::Sequencer::begin(&*place).await.unwrap());
    assert_eq!(std::fs::read(folder.path().join(CHECKPOINT)).unwrap(), before);
    // Whoever does not keep to turns is noticed.
    let turn = crate::log::Sequencer::begin(&*place).await.unwrap();
    std::fs::write(folder.path().join(CHECKPOINT), "meanwhile").unwrap();
    assert!(matches!(turn.commit("mine").await, Err(Error::LostTurn)));
}
