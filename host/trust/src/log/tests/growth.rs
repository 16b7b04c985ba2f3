//! What a log proves as it grows.

use certus_signing::merkle;
use proptest::prelude::*;

use super::*;
use crate::log::tile::{TileId, Tiles};
use crate::log::{FolderLog, tree};

/// Sizes at which tiles begin, fill up and are begun anew.
const EDGES: [u64; 9] = [1, 2, 255, 256, 257, 511, 512, 513, 600];

#[tokio::test]
async fn every_size_has_the_root_that_the_document_defines() {
    let (log, memory) = log();
    let all = bodies(0..600);
    assert_eq!(log.root(0).await.unwrap(), merkle::empty_root());
    for size in 1..=all.len() {
        let [logged] = <[_; 1]>::try_from(append(&log, &all[size - 1..size]).await).unwrap();
        assert_eq!((logged.index, logged.size), (size as u64 - 1, size as u64));
        assert_eq!(logged.root, reference_root(&all[..size]), "{size}");
        if EDGES.contains(&(size as u64)) {
            assert_eq!(audited(&log, &memory).await.unwrap(), size as u64);
        }
    }
    for index in [0, 1, 254, 255, 256, 511, 512, 599] {
        assert_eq!(log.entry(index).await.unwrap(), body(index));
    }
    assert!(matches!(log.entry(600).await, Err(Error::OutOfRange { index: 600, size: 600 })));
    assert!(matches!(log.inclusion(5, 5).await, Err(Error::OutOfRange { .. })));
    assert!(matches!(log.inclusion(5, 601).await, Err(Error::OutOfRange { .. })));
    assert!(matches!(log.consistency(6, 5).await, Err(Error::OutOfRange { .. })));
    assert!(matches!(log.consistency(6, 601).await, Err(Error::OutOfRange { .. })));
    assert!(log.append(&[]).await.unwrap().is_empty());
    assert!(matches!(log.append(&[vec![0; 65_536]]).await, Err(Error::EntryTooLong { length: 65_536 })));
}

#[tokio::test]
async fn a_log_of_three_levels_is_proved_from_its_tiles() {
    let (log, memory) = log();
    let all = bodies(0..65_538);
    log.append(&all[..65_537]).await.unwrap();
    let [last] = <[_; 1]>::try_from(append(&log, &all[65_537..]).await).unwrap();
    assert_eq!((last.index, last.root), (65_537, reference_root(&all)));
    assert_eq!(audited(&log, &memory).await.unwrap(), 65_538);
    for path in
        ["tile/0/255", "tile/0/256.p/2", "tile/1/000", "tile/1/001.p/0", "tile/2/000.p/1", "tile/entries/256.p/2"]
    {
        assert_eq!(memory.files.lock().unwrap().contains_key(path), path != "tile/1/001.p/0", "{path}");
    }
    for (index, size) in [(0, 65_538), (65_535, 65_536), (65_536, 65_537), (255, 256), (256, 65_538), (40_000, 50_001)]
    {
        log.inclusion(index, size).await.unwrap();
        log.consistency(index, size).await.unwrap();
    }
}

#[tokio::test]
async fn every_pair_of_small_sizes_is_proved_and_no_other() {
    const SIZE: u64 = 70;
    let (log, _) = log();
    let all = bodies(0..SIZE);
    append(&log, &all).await;
    let roots = (0..=all.len()).map(|size| reference_root(&all[..size])).collect::<Vec<_>>();
    let root = |size: u64| &roots[usize::try_from(size).unwrap()];
    for to in 0..=SIZE {
        for from in 0..to {
            let leaf = merkle::leaf_hash(&body(from));
            let proof = log.inclusion(from, to).await.unwrap();
            merkle::verify_inclusion(&leaf, from, to, &proof, root(to)).unwrap();
            assert!(merkle::verify_inclusion(&leaf, from, to, &proof, root(to - 1)).is_err(), "{from} in {to}");
            let other = merkle::leaf_hash(&body(from + 1));
            assert!(merkle::verify_inclusion(&other, from, to, &proof, root(to)).is_err(), "{from} in {to}");
            let proof = log.consistency(from, to).await.unwrap();
            merkle::verify_consistency(from, to, &proof, root(from), root(to)).unwrap();
            assert!(
                merkle::verify_consistency(from, to, &proof, root(from + 1), root(to)).is_err()
                    || from + 1 == to && from == 0
            );
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn batches_make_the_same_log_as_single_entries(batches in prop::collection::vec(1..300u64, 1..6), at in any::<u64>()) {
        tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
            let (log, memory) = log();
            let mut size = 0;
            for batch in &batches {
                append(&log, &bodies(size..size + batch)).await;
                size += batch;
            }
            assert_eq!(log.root(size).await.unwrap(), reference_root(&bodies(0..size)));
            assert_eq!(audited(&log, &memory).await.unwrap(), size);
            let (index, old) = (at % size, at % size + 1);
            assert_eq!(log.entry(index).await.unwrap(), body(index));
            log.inclusion(index, old).await.unwrap();
            log.consistency(old, size).await.unwrap();
        });
    }
}

#[tokio::test]
async fn what_was_written_while_a_tile_was_not_full_goes_once_it_is() {
    let (log, memory) = log();
    for index in 0..256 {
        append(&log, &bodies(index..index + 1)).await;
    }
    let paths = memory.files.lock().unwrap().keys().cloned().collect::<Vec<_>>();
    assert_eq!(paths, ["checkpoint", "tile/0/000", "tile/1/000.p/1", "tile/entries/000"]);
    // Whoever still reads the log as it was takes what he needs from the full tile.
    let mut old = Tiles::new(&*memory, 100);
    assert_eq!(old.ask(|ask| tree::root(100, ask)).await.unwrap(), reference_root(&bodies(0..100)));
    assert_eq!(crate::log::tile::entries(&*memory, 0, 100).await.unwrap(), bodies(0..100));
    assert_eq!(TileId { level: 0, index: 0 }.path(100), "tile/0/000.p/100");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn no_two_writers_get_one_index() {
    let folder = tempfile::tempdir().unwrap();
    let pem = key().to_pem().unwrap();
    // Two handles do not know of each other, as two processes.
    let logs = [0, 1].map(|_| {
        let place = Arc::new(FolderLog::open(folder.path()).unwrap());
        Arc::new(Log::new(LogKey::from_pem(NAME, &pem).unwrap(), place.clone(), place))
    });
    let mut tasks = tokio::task::JoinSet::new();
    for writer in 0..8 {
        let log = logs[writer % 2].clone();
        tasks.spawn(async move {
            let mut indexes = Vec::new();
            for entry in 0..10 {
                let bodies = vec![format!("{writer} {entry}").into_bytes(), b"two at once".to_vec()];
                let logged = append(&log, &bodies).await;
                assert_eq!(logged[0].index + 1, logged[1].index);
                indexes.extend(logged.into_iter().map(|entry| entry.index));
            }
            indexes
        });
    }
    let mut indexes = tasks.join_all().await.concat();
    indexes.sort_unstable();
    assert!(indexes.into_iter().eq(0..160));
    let place = FolderLog::open(folder.path()).unwrap();
    assert_eq!(audit(&place, &[logs[0].verifier()], None).await.unwrap().checkpoint.size, 160);
}

#[tokio::test]
async fn whoever_comes_last_leaves_the_newest_checkpoint() {
    let memory = Arc::new(Memory::default());
    let pem = key().to_pem().unwrap();
    let mut tasks = tokio::task::JoinSet::new();
    for writer in 0..8 {
        let log = Log::new(LogKey::from_pem(NAME, &pem).unwrap(), memory.clone(), memory.clone());
        tasks.spawn(async move { append(&log, &bodies(writer..writer + 1)).await });
    }
    tasks.join_all().await;
    let published = memory.files.lock().unwrap()["checkpoint"].clone();
    assert_eq!(String::from_utf8(published).unwrap(), memory.state.lock().unwrap().clone().unwrap());
}
