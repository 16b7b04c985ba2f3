use certus_model::outcome::CheckoutReason;

use super::*;
use crate::testing::{NEVER, Sandbox, reason};

fn path(text: &str) -> RepoPath {
    text.parse().unwrap()
}

fn sealed(names: &[&str]) -> Result<SealedWorkspace, Error> {
    let sandbox = Sandbox::new();
    let (limits, scratch) = (WorkspaceLimits::default(), sandbox.scratch());
    let mut sealer = Sealer::new(&limits, &scratch, &NEVER);
    for name in names {
        sealer.add(path(name), EntryKind::File, name.as_bytes().to_vec())?;
    }
    sealer.seal("here")
}

#[test]
fn entries_are_sorted_and_read_back_from_memory_and_from_disk() {
    let sandbox = Sandbox::new();
    let (limits, scratch) = (WorkspaceLimits::default(), sandbox.scratch());
    let mut sealer = Sealer::new(&limits, &scratch, &NEVER);
    sealer.room = 5;
    for name in ["d/late", "early", "b", "c", ""] {
        let content = name.as_bytes().to_vec();
        sealer.add(path(if name.is_empty() { "empty" } else { name }), EntryKind::File, content).unwrap();
    }
    sealer.again(path("z-again"), EntryKind::Executable, 0);
    sealer.submodule(path("module"), "0123");
    let workspace = sealer.seal("here").unwrap();
    let names: Vec<_> = workspace.entries().iter().map(|entry| entry.path.as_str()).collect();
    assert_eq!(names, ["b", "c", "d/late", "early", "empty", "module", "z-again"]);
    assert_eq!(
        workspace.table.places.iter().filter(|place| matches!(place, Place::Memory(_))).count(),
        3,
        "early, empty, module"
    );
    for (index, content) in ["b", "c", "d/late", "early", "", "", "d/late"].iter().enumerate() {
        assert_eq!(&*workspace.read(index).unwrap(), content.as_bytes());
    }
    assert_eq!(workspace.entries()[5].digest, Sha256::of(b"0123"));
    assert_eq!(crate::testing::names(&sandbox.path("scratch")), [""; 0], "the file on disk has no name");

    let (table, files) = workspace.hand_over();
    let files: Vec<_> = files.into_iter().map(|file| file.try_clone_to_owned().unwrap()).collect();
    let other = SealedWorkspace::take_over(table.clone(), files).unwrap();
    assert_eq!(other.entries(), workspace.entries());
    assert!((0..7).all(|index| other.read(index).unwrap() == workspace.read(index).unwrap()));
    assert!(SealedWorkspace::take_over(table.clone(), Vec::new()).is_none(), "its files are missing");
    let memory = other.memory.unwrap();
    assert!(memory.write_all_at(b"x", 0).is_err() && memory.set_len(9).is_err(), "nobody writes to it any more");
}

#[test]
fn content_that_changed_on_disk_is_refused() {
    let sandbox = Sandbox::new();
    let (limits, scratch) = (WorkspaceLimits::default(), sandbox.scratch());
    let mut sealer = Sealer::new(&limits, &scratch, &NEVER);
    sealer.room = 0;
    sealer.add(path("a"), EntryKind::File, b"content".to_vec()).unwrap();
    let workspace = sealer.seal("here").unwrap();
    workspace.spool.as_ref().unwrap().write_all_at(b"C", 0).unwrap();
    let error = workspace.read(0).unwrap_err();
    assert!(error.to_string().contains("`a`") && error.to_string().contains("differs"), "{error}");
}

#[test]
fn case_071_one_name_means_one_thing() {
    sealed(&["a", "a-b", "b/a", "b/c/d"]).unwrap();
    for names in [&["a", "a"][..], &["a", "a/b"], &["a/b/c", "a-x", "a/b"], &["b/x", "a", "b"]] {
        assert_eq!(reason(sealed(names)), CheckoutReason::Fsck, "{names:?}");
    }
    assert_eq!(reason(sealed(&[])), CheckoutReason::Empty);
}

#[test]
fn paths_beyond_a_limit_are_told_from_paths_of_bad_form() {
    for (raw, expected) in [
        (vec![b'a'; 256], CheckoutReason::TreeBudget),
        (b"a/".repeat(64).into_iter().chain(*b"a").collect(), CheckoutReason::TreeBudget),
        (b"abcdefghi/".repeat(103), CheckoutReason::TreeBudget),
        (b"../a".to_vec(), CheckoutReason::Fsck),
        (b"a/.GiT/b".to_vec(), CheckoutReason::Fsck),
        (b"a//b".to_vec(), CheckoutReason::Fsck),
        (b"a\0b".to_vec(), CheckoutReason::Fsck),
    ] {
        assert_eq!(reason(repo_path(&raw)), expected, "{}", String::from_utf8_lossy(&raw));
    }
    repo_path(&[b'a'; 255]).unwrap();
    repo_path(&b"a/".repeat(63).into_iter().chain(*b"a").collect::<Vec<_>>()).unwrap();
}

#[test]
fn budgets_strike_at_their_value_and_not_before() {
    let sandbox = Sandbox::new();
    let scratch = sandbox.scratch();
    let limits =
        WorkspaceLimits { entries: 3, directory_entries: 2, file: 10, total: 15, ..WorkspaceLimits::default() };
    let mut sealer = Sealer::new(&limits, &scratch, &NEVER);
    sealer.count(1, b"").unwrap();
    sealer.count(2, b"d").unwrap();
    assert_eq!(reason(sealer.count(3, b"d")), CheckoutReason::TreeBudget);
    assert_eq!(reason(sealer.count(1, b"e")), CheckoutReason::TreeBudget, "the fourth of three");
    sealer.admit(&path("a"), 10).unwrap();
    sealer.admit(&path("b"), 5).unwrap();
    assert_eq!(reason(sealer.admit(&path("c"), 1)), CheckoutReason::FileBudget);
    assert_eq!(reason(sealer.admit(&path("c"), 11)), CheckoutReason::FileBudget);
}

#[test]
fn a_reader_is_believed_only_as_far_as_it_goes() {
    assert_eq!(read_exactly(&b"abc"[..], 3).unwrap(), b"abc");
    assert_eq!(read_exactly(&b"abc"[..], 4).unwrap_err().kind(), io::ErrorKind::UnexpectedEof);
    assert_eq!(read_exactly(&b"abc"[..], 2).unwrap_err().kind(), io::ErrorKind::InvalidData);
    assert!(read_exactly(&b"abc"[..], u64::MAX).is_err(), "and nothing is allocated for it");
}
