use super::*;
use tempfile::TempDir;

fn meta(content: &[u8], branch: &str) -> Meta {
    let meta = Meta::new(Sha256::of(content), content.len() as u64, "application/json", "2026-11-21T00:00:00Z");
    meta.field("git-branch", branch).tag("tier", "verified")
}

fn directory() -> (TempDir, Directory) {
    let folder = tempfile::tempdir().unwrap();
    let directory = Directory::open(&folder.path().join("raw files")).unwrap();
    (folder, directory)
}

fn run<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(work)
}

const KEY: &str = "scans/t/golden/scan.json";

#[test]
fn an_object_reads_back_with_what_it_carries() {
    let (_folder, directory) = directory();
    let objects: &dyn Objects = &directory;
    let meta = meta(b"one", "main");
    run(async {
        assert_eq!(objects.look(KEY).await.unwrap(), None);
        objects.keep(KEY, Content::Bytes(b"one"), &meta, Over::Nothing).await.unwrap();
        assert_eq!(objects.look(KEY).await.unwrap(), Some(Object { size: 3, meta: Some(meta.clone()) }));
        assert_eq!(objects.digest(KEY).await.unwrap(), Some(meta.sha256()));
        let golden = "scans/t/golden/copy";
        objects.keep_copy(objects, KEY, golden, &meta, Over::Nothing).await.unwrap();
        let listed = objects.list("scans/t/").await.unwrap();
        assert_eq!(listed.iter().map(|object| &*object.key).collect::<Vec<_>>(), [golden, KEY]);
        assert_eq!(objects.list("scans/other").await.unwrap(), []);
        for key in [KEY, golden, KEY] {
            objects.remove(key).await.unwrap();
            assert_eq!(objects.look(key).await.unwrap(), None);
            assert!(matches!(objects.open(key).await, Err(Error::Gone { .. })));
        }
        assert_eq!(objects.list("").await.unwrap(), []);
    });
    assert!(
        objects.uri(KEY).starts_with("file:///") && objects.uri(KEY).ends_with("/raw%20files/scans/t/golden/scan.json")
    );
}

#[test]
fn another_object_is_not_written_over_unless_it_may_be() {
    let (_folder, directory) = directory();
    let objects: &dyn Objects = &directory;
    run(async {
        let put = async |content: &'static [u8], branch: &str, over| {
            objects.keep(KEY, Content::Bytes(content), &meta(content, branch), over).await
        };
        put(b"one", "main", Over::Nothing).await.unwrap();
        put(b"one", "main", Over::Nothing).await.unwrap();
        assert!(matches!(put(b"two", "main", Over::Nothing).await, Err(Error::Taken { .. })));
        assert_eq!(objects.digest(KEY).await.unwrap(), Some(Sha256::of(b"one")));
        put(b"one", "next", Over::Nothing).await.unwrap();
        let carried = objects.look(KEY).await.unwrap().unwrap().meta.unwrap();
        assert_eq!(carried.fields()["git-branch"], "next", "the same bytes with something else to carry");
        put(b"two", "main", Over::Anything).await.unwrap();
        assert_eq!(objects.digest(KEY).await.unwrap(), Some(Sha256::of(b"two")));
    });
}

#[test]
fn content_that_is_not_as_announced_is_not_put_and_a_file_that_was_changed_is_nobodys() {
    let (folder, directory) = directory();
    let objects: &dyn Objects = &directory;
    let path = folder.path().join("raw files").join(KEY);
    run(async {
        let wrong = objects.put(KEY, Content::Bytes(b"two"), &meta(b"one", "main"), Over::Anything).await;
        assert!(wrong.is_err() && !path.exists());
        let one = meta(b"one", "main");
        objects.keep(KEY, Content::Bytes(b"one"), &one, Over::Nothing).await.unwrap();
        std::fs::write(&path, b"oops").unwrap();
        assert_eq!(objects.look(KEY).await.unwrap(), Some(Object { size: 4, meta: None }));
        let taken = objects.keep(KEY, Content::Bytes(b"one"), &one, Over::Nothing).await;
        assert!(matches!(taken, Err(Error::Taken { .. })));
        objects.keep(KEY, Content::Bytes(b"one"), &one, Over::Anything).await.unwrap();
        assert_eq!(objects.look(KEY).await.unwrap(), Some(Object { size: 3, meta: Some(one) }));
    });
    let left = folder.path().join("raw files/.new");
    assert_eq!(std::fs::read_dir(left).unwrap().count(), 0);
}

#[test]
fn of_two_that_write_at_once_one_is_first_and_its_object_stays_whole() {
    let (_folder, directory) = directory();
    let (one, two) = (meta(b"one", "main"), meta(b"two", "main"));
    std::thread::scope(|scope| {
        let write = |content: &'static [u8], meta| {
            let objects: &dyn Objects = &directory;
            run(objects.keep(KEY, Content::Bytes(content), meta, Over::Nothing)).is_ok()
        };
        let threads =
            [(&b"one"[..], &one), (&b"two"[..], &two)].map(|(content, meta)| scope.spawn(move || write(content, meta)));
        let won: Vec<_> = threads.into_iter().map(|thread| thread.join().unwrap()).collect();
        assert_eq!(won.iter().filter(|won| **won).count(), 1);
        let kept = run(directory.look(KEY)).unwrap().unwrap().meta.unwrap();
        assert_eq!(kept, if won[0] { one.clone() } else { two.clone() });
    });
}

#[test]
fn a_file_and_a_folder_of_one_name_are_in_each_others_way() {
    let (_folder, directory) = directory();
    let objects: &dyn Objects = &directory;
    let one = meta(b"one", "main");
    run(async {
        for key in ["d/dup", "e/f/g"] {
            objects.keep(key, Content::Bytes(b"one"), &one, Over::Nothing).await.unwrap();
        }
        for key in ["d/dup/y", "d/dup/y/z", "e/f", "e"] {
            assert!(matches!(objects.look(key).await, Err(Error::Taken { .. })), "{key}");
            for over in [Over::Nothing, Over::Anything] {
                let kept = objects.keep(key, Content::Bytes(b"one"), &one, over).await;
                assert!(matches!(kept, Err(Error::Taken { .. })), "{key}: {kept:?}");
                let copied = objects.keep_copy(objects, "d/dup", key, &one, over).await;
                assert!(matches!(copied, Err(Error::Taken { .. })), "{key}: {copied:?}");
            }
            assert_eq!(objects.digest(key).await.unwrap(), None, "{key}");
            objects.remove(key).await.unwrap();
        }
        for key in ["d/dup", "e/f/g"] {
            let kept = objects.look(key).await.unwrap();
            assert_eq!(kept, Some(Object { size: 3, meta: Some(one.clone()) }), "{key}: its meta stays too");
        }
        assert_eq!(objects.look("e/f/h").await.unwrap(), None);
    });
}

#[test]
fn keys_lead_nowhere_else() {
    let (_folder, directory) = directory();
    let objects: &dyn Objects = &directory;
    run(async {
        for key in ["", "/etc/passwd", "../x", "a/../../x", "a//b", ".meta/x.json", ".new/x", "a/.", "a\0b"] {
            let put = objects.keep(key, Content::Bytes(b"one"), &meta(b"one", "main"), Over::Anything).await;
            assert!(put.is_err(), "{key}");
            assert!(objects.open(key).await.is_err() && objects.remove(key).await.is_err(), "{key}");
        }
    });
}
