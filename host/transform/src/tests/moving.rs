//! Where objects go, and what is on record of it.

use certus_store::{AuditEvent, AuditFilter, Error as StoreError, Reach};

use super::*;

impl Place {
    async fn scan_with_report(&self, prefix: &str, key: &str) -> Result<crate::PrivacyScan, Error> {
        let ask = Ask { which: Which::Raw, prefix, dry_run: false, report_key: Some(key) };
        self.transform.privacy_scan(&ask, &self.tenant, "test").await
    }

    async fn text(&self, key: &str) -> String {
        let mut text = String::new();
        self.raw.open(key).await.unwrap().read_to_string(&mut text).unwrap();
        text
    }

    /// What the audit chain says of looks: how many objects each has moved, and whether it failed.
    async fn recorded(&self) -> Vec<(u64, bool)> {
        let filter = AuditFilter {
            action: Some("privacy.scanned".to_owned()),
            object: None,
            after: 0,
            limit: 100,
            ..AuditFilter::default()
        };
        let events = self.store.audit_events(Reach::All, &filter).await.unwrap();
        let told = |event: &AuditEvent| {
            (event.detail["quarantined"].as_u64().unwrap(), event.detail["failed"].as_bool().unwrap())
        };
        events.iter().map(told).collect()
    }
}

fn sorted(mut keys: Vec<String>) -> Vec<String> {
    keys.sort();
    keys
}

#[tokio::test]
async fn nothing_is_moved_where_the_report_has_no_place() {
    let place = place(&[("b/a", "CARD"), ("report.txt", "another one"), ("d/dup", "fine")]).await;
    let before = place.keys().await;
    for taken in ["report.txt", "d/dup/report.txt", "d"] {
        let refused = place.scan_with_report("b/", taken).await.unwrap_err();
        assert!(matches!(refused, Error::Store(StoreError::Taken { .. })), "{taken}: {refused}");
        assert_eq!(place.keys().await, before, "{taken}");
    }
    let reserved = ["quarantine", "quarantine/a", "test_0123456789ab/incoming/a", ".meta", ".new/a"];
    for key in reserved {
        let refused = place.scan_with_report("b/", key).await.unwrap_err();
        assert!(matches!(refused, Error::Reserved { .. }), "{key}: {refused}");
    }
    for key in ["r3/", "/r", "a//b", "a/../b", &"x".repeat(256), &"x/".repeat(500)] {
        let refused = place.scan_with_report("b/", key).await.unwrap_err();
        assert!(matches!(refused, Error::NoKey { .. }), "{key}: {refused}");
    }
    assert_eq!((place.keys().await, place.recorded().await), (before, vec![]));

    for key in ["quarantined.txt", "r3/.hidden"] {
        place.scan_with_report("b/", key).await.unwrap();
    }
    assert_eq!(place.recorded().await, [(1, false), (0, false)]);
    let wanted =
        format!("[BLOCK] {} (test/card x1; moved to {})\n", place.raw.uri("b/a"), place.raw.uri("quarantine/b/a"));
    assert_eq!(place.text("quarantined.txt").await, wanted);
}

#[tokio::test]
async fn what_was_moved_before_a_failure_is_on_record() {
    let place = place(&[("b/a", "CARD"), ("b/b", "CARD SWAP"), ("b/c", "CARD")]).await;
    let failed = place.scan_with_report("b/", "report.txt").await.unwrap_err();
    assert!(matches!(failed, Error::Unfinished { moved: 1, .. }), "{failed}");
    assert_eq!(place.keys().await, ["b/b", "b/c", "quarantine/b/a"]);
    assert_eq!(place.text("b/b").await, "swapped", "nobody has looked at it");
    assert_eq!(place.recorded().await, [(1, true)]);
    let counts = place.store.transform_counts().await.unwrap();
    assert_eq!((counts.privacy_scans, counts.quarantined), (1, 1));

    // The twin: nothing was moved, so there is nothing to record.
    put(&*place.raw, "b/b2", "CARD SWAP").await;
    let failed = place.scan("b/b2", false).await.unwrap_err();
    assert!(!matches!(failed, Error::Unfinished { .. }), "{failed}");
    assert_eq!(place.recorded().await.len(), 1);
}

#[tokio::test]
async fn what_is_gone_is_left_out() {
    let place = place(&[("b/a", "CARD"), ("b/b", "CARD GONE")]).await;
    let scan = place.scan("b/", false).await.unwrap();
    assert_eq!((scan.objects.len(), scan.quarantined()), (1, 1));
    assert_eq!(place.recorded().await, [(1, false)]);
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
