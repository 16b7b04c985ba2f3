//! Where objects go, and what is on record of it.

use certus_store::Error as StoreError;

use super::*;

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
