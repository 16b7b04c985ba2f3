//! Where objects go, and what is on record of it.

use certus_store::Error as StoreError;

use super::*;

impl Place {
    async fn text(&self, key: &str) -> String {
        let mut text = String::new();
        self.raw.open(key).await.unwrap().read_to_string(&mut text).unwrap();
        text
    }
}

fn sorted(mut keys: Vec<String>) -> Vec<String> {
    keys.sort();
    keys
}

#[tokio::test]
async fn nothing_in_quarantine_is_written_over() {
    let (name, scan) = ("é".repeat(127), SCAN.parse().unwrap());
    for (key, beside) in [
        (format!("{SCAN}/incoming/a"), format!("quarantine/{SCAN}/incoming/a.")),
        (format!("{SCAN}/incoming/{name}"), format!("quarantine/{SCAN}/incoming/{}.", "é".repeat(95))),
    ] {
        let (first, second) = ("CARD one", "CARD two");
        let place = place(&[(&key, first)]).await;
        let moved = async || place.scan(SCAN, false).await.unwrap().objects[0].moved_to.clone().unwrap();
        let (own, beside) = (format!("quarantine/{key}"), format!("{beside}{}", Sha256::of(second.as_bytes())));
        assert_eq!(moved().await, own);
        // The same content again is at home there.
        put(&*place.raw, &key, first).await;
        assert_eq!(moved().await, own);
        for _ in 0..2 {
            put(&*place.raw, &key, second).await;
            assert_eq!(moved().await, beside);
        }
        let both = sorted(vec![own.clone(), beside.clone()]);
        assert_eq!(place.keys().await, both);
        assert_eq!((place.text(&own).await, place.text(&beside).await), (first.to_owned(), second.to_owned()));
        let meta = place.raw.look(&beside).await.unwrap().unwrap().meta.unwrap();
        assert_eq!(meta.sha256(), Sha256::of(second.as_bytes()));
        assert!(key.starts_with(meta.fields()["quarantined-from"].split('%').next().unwrap()));

        let held = async || place.transform.held_back(&scan, &place.tenant, false).await.unwrap();
        assert_eq!(held().await, both);
        place.store.release_content(Sha256::of(first.as_bytes()), "a test", &place.tenant, "test").await.unwrap();
        assert_eq!(held().await, [beside.as_str()], "a release is of one content");
    }
}

#[tokio::test]
async fn a_file_in_the_way_holds_nothing_up() {
    let place = place(&[("d/dup", "CARD one")]).await;
    place.scan("d/", false).await.unwrap();
    std::fs::remove_dir(place.folder.path().join("raw/d")).unwrap();
    put(&*place.raw, "d/dup/y", "CARD two").await;
    let moved = place.scan("d/", false).await.unwrap().objects[0].moved_to.clone().unwrap();
    assert_eq!(moved, format!("quarantine/d/dup.{}/y", Sha256::of(b"CARD two")));
    assert_eq!(place.keys().await, ["quarantine/d/dup", &moved]);
}

#[tokio::test]
async fn keys_that_no_place_takes_are_refused() {
    let place = place(&[("d/dup", "fine"), ("e/f/g", "fine")]).await;
    let file = tempfile::tempfile().unwrap();
    let meta = Meta::new(Sha256::of(b""), 0, "text/plain", "2026-11-22T00:00:00Z");
    let keep = async |key: &str| place.transform.keep_raw(key, &file, &meta).await;
    for key in [".meta/a", ".new/a", ".else/a", "quarantine/a", "quarantine"] {
        assert!(matches!(keep(key).await, Err(Error::Reserved { .. })), "{key}");
    }
    for key in ["a//b", "a/", &format!("a/{}", "x".repeat(256))] {
        assert!(matches!(keep(key).await, Err(Error::NoKey { .. })), "{key}");
    }
    for key in ["d/dup/y", "d/dup/y/z", "e/f"] {
        assert!(matches!(keep(key).await, Err(Error::Store(StoreError::Taken { .. }))), "{key}");
    }
    for key in ["d/dup2/y", "e/f/h", "a/.meta", "quarantined/a"] {
        keep(key).await.unwrap();
    }
}
