//! Objects in folders, and an inspector that finds a word.

use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};

use certus_model::{Sha256, TenantId};
use certus_store::{Content, DatabaseUrl, Directory, Meta, Objects, Over, Store};
use tempfile::TempDir;

use crate::{Ask, Error, Given, Inspector, QUARANTINE, Seen, Transform, Which};

mod moving;
mod turns;

/// Finds `CARD`, cannot read `BROKEN`, fails over `PANIC`, and waits over `WAIT` until the test lets it go on. While it
/// looks at `SWAP`, somebody puts another object there, and removes `GONE`.
#[derive(Debug)]
struct Words {
    raw: PathBuf,
    waits: Sender<()>,
    goes_on: Mutex<Receiver<()>>,
}

impl Inspector for Words {
    fn inspect(&self, objects: Vec<Given>) -> Result<Vec<Seen>, String> {
        let look = |mut object: Given| {
            let mut text = String::new();
            object.file.read_to_string(&mut text).map_err(|error| error.to_string())?;
            assert_eq!(text.len() as u64, object.size);
            let mut seen = Seen::default();
            if text.contains("CARD") {
                seen.findings.insert("test/card".to_owned(), text.matches("CARD").count() as u64);
            }
            seen.gap = text.contains("BROKEN").then(|| "test: failed:trap".to_owned());
            let key = object.path.as_str().split_once('/').unwrap().1;
            if text.contains("SWAP") {
                std::fs::write(self.raw.join(key), "swapped").unwrap();
            }
            if text.contains("GONE") {
                std::fs::remove_file(self.raw.join(key)).unwrap();
            }
            if text.contains("WAIT") {
                self.waits.send(()).unwrap();
                self.goes_on.lock().unwrap().recv().unwrap();
            }
            if text.contains("PANIC") { Err("no scanner is installed".to_owned()) } else { Ok(seen) }
        };
        objects.into_iter().map(look).collect()
    }
}

struct Place {
    folder: TempDir,
    store: Store,
    raw: Arc<dyn Objects>,
    transform: Transform,
    tenant: TenantId,
    /// Says that the inspector waits, and lets it go on.
    waits: Receiver<()>,
    goes_on: Sender<()>,
}

async fn place(objects: &[(&str, &str)]) -> Place {
    let folder = tempfile::tempdir().unwrap();
    let url: DatabaseUrl = format!("sqlite:{}", folder.path().join("certus.db").display()).parse().unwrap();
    Store::migrate(&url, None).await.unwrap();
    let store = Store::open(&url, 2).await.unwrap();
    let tenant: TenantId = "acme".parse().unwrap();
    store.create_tenant(&tenant, "Acme", "test").await.unwrap();
    let open = |path: &Path| -> Arc<dyn Objects> { Arc::new(Directory::open(path).unwrap()) };
    let (raw, golden) = (open(&folder.path().join("raw")), open(&folder.path().join("golden")));
    for (key, text) in objects {
        put(&*raw, key, text).await;
    }
    let ((said, waits), (goes_on, heard)) = (channel(), channel());
    let words = Words { raw: folder.path().join("raw"), waits: said, goes_on: Mutex::new(heard) };
    let transform = Transform::new(store.clone(), raw.clone(), golden, Arc::new(words));
    Place { folder, store, raw, transform, tenant, waits, goes_on }
}

async fn put(place: &dyn Objects, key: &str, text: &str) {
    let meta = Meta::new(Sha256::of(text.as_bytes()), text.len() as u64, "text/plain", "2026-11-22T00:00:00Z");
    place.keep(key, Content::Bytes(text.as_bytes()), &meta, Over::Nothing).await.unwrap();
}

impl Place {
    async fn keys(&self) -> Vec<String> {
        self.raw.list("").await.unwrap().into_iter().map(|object| object.key).collect()
    }

    async fn scan(&self, prefix: &str, dry_run: bool) -> Result<crate::PrivacyScan, Error> {
        let ask = Ask { which: Which::Raw, prefix, dry_run, report_key: None };
        self.transform.privacy_scan(&ask, &self.tenant, "test").await
    }
}

const SCAN: &str = "test_0123456789ab";

#[tokio::test]
async fn what_is_not_clean_is_moved_and_a_dry_run_moves_nothing() {
    let place =
        place(&[("active/a.csv", "CARD CARD"), ("active/b/a.csv", "BROKEN"), ("active/c.txt", "fine"), ("x", "CARD")])
            .await;
    let before = place.keys().await;
    let dry = place.scan("active/", true).await.unwrap();
    assert_eq!((dry.objects.len(), dry.quarantined()), (3, 2));
    assert!(dry.objects.iter().all(|object| object.moved_to.is_none()));
    assert_eq!(place.keys().await, before);

    let scan = place.scan("active/", false).await.unwrap();
    assert_eq!((scan.objects.len(), scan.quarantined()), (3, 2));
    // Two of one name do not collide, and what lies elsewhere stays.
    let wanted = ["active/c.txt", "quarantine/active/a.csv", "quarantine/active/b/a.csv", "x"];
    assert_eq!(place.keys().await, wanted);
    let moved = place.raw.look("quarantine/active/a.csv").await.unwrap().unwrap().meta.unwrap();
    assert_eq!(moved.sha256(), Sha256::of(b"CARD CARD"));
    assert_eq!(moved.fields()["findings"], "test/card x2");
    assert_eq!(moved.fields()["quarantined-from"], "active/a.csv");
    assert_eq!(moved.content_type(), "text/plain");

    let again = place.scan("active/", false).await.unwrap();
    assert_eq!((again.objects.len(), again.quarantined()), (1, 0));
    let everything = place.scan("", true).await.unwrap();
    assert_eq!(everything.objects.len(), 2, "what lies in quarantine is not looked at again");
    let counts = place.store.transform_counts().await.unwrap();
    assert_eq!((counts.privacy_scans, counts.quarantined), (4, 2));
}

#[tokio::test]
async fn scanners_that_cannot_run_call_nothing_clean() {
    let place = place(&[("active/a", "PANIC"), ("active/b", "CARD")]).await;
    let before = place.keys().await;
    let error = place.scan("active/", false).await.unwrap_err();
    assert!(matches!(error, Error::Inspector(_)), "{error}");
    assert_eq!(place.keys().await, before);
    assert_eq!(place.store.transform_counts().await.unwrap().privacy_scans, 0);
}

#[tokio::test]
async fn what_is_released_is_clean_wherever_it_lies() {
    let (incoming, moved) = (format!("{SCAN}/incoming/a.txt"), format!("{QUARANTINE}{SCAN}/incoming/a.txt"));
    let place = place(&[(&incoming, "CARD"), (&format!("{SCAN}/incoming/scan.json"), "CARD")]).await;
    let scan = SCAN.parse().unwrap();
    assert_eq!(place.transform.held_back(&scan, &place.tenant, false).await.unwrap(), <[&str; 0]>::default());
    assert_eq!(place.transform.held_back(&scan, &place.tenant, true).await.unwrap(), [moved.as_str()]);
    // Put there again, as a publication does that is tried again.
    put(&*place.raw, &incoming, "CARD").await;
    assert_eq!(place.transform.held_back(&scan, &place.tenant, false).await.unwrap(), [moved.as_str()]);

    let sha256 = Sha256::of(b"CARD");
    assert!(place.store.release_content(sha256, "a test", &place.tenant, "test").await.unwrap());
    assert!(!place.store.release_content(sha256, "again", &place.tenant, "test").await.unwrap());
    assert_eq!(place.transform.held_back(&scan, &place.tenant, true).await.unwrap(), <[&str; 0]>::default());
    let looked = place.scan(&format!("{SCAN}/"), false).await.unwrap();
    assert_eq!((looked.objects.len(), looked.objects[0].released, looked.quarantined()), (1, true, 0));
    assert!(place.keys().await.contains(&moved), "what was moved stays as evidence");
}

#[tokio::test]
async fn golden_sets_are_looked_at_and_never_broken() {
    let place = place(&[]).await;
    let key = format!("{SCAN}/golden/a.txt");
    put(place.transform.place(Which::Golden), &key, "CARD").await;
    let ask = |dry_run| Ask { which: Which::Golden, prefix: SCAN, dry_run, report_key: None };
    let looked = place.transform.privacy_scan(&ask(true), &place.tenant, "test").await.unwrap();
    assert_eq!(looked.quarantined(), 1);
    let refused = place.transform.privacy_scan(&ask(false), &place.tenant, "test").await.unwrap_err();
    assert!(matches!(refused, Error::Golden), "{refused}");
    assert!(place.transform.place(Which::Golden).look(&key).await.unwrap().is_some());
}

#[tokio::test]
async fn the_report_has_a_line_for_each_object() {
    let place = place(&[("active/a", "CARD"), ("active/b", "fine"), ("active/c", "BROKEN")]).await;
    let report = async |prefix, key| {
        let ask = Ask { which: Which::Raw, prefix, dry_run: true, report_key: Some(key) };
        place.transform.privacy_scan(&ask, &place.tenant, "test").await?;
        let mut text = String::new();
        place.raw.open(key).await?.read_to_string(&mut text).unwrap();
        Ok::<_, Error>(text.replace(&place.raw.uri(""), "raw:"))
    };
    assert_eq!(
        report("active/", "reports/a.txt").await.unwrap(),
        "[BLOCK] raw:active/a (test/card x1)\n[OK] raw:active/b\n[BLOCK] raw:active/c (not examined: test: failed:trap)\n"
    );
    assert_eq!(report("nothing/", "reports/b.txt").await.unwrap(), "No objects scanned.\n");
    let taken = report("nothing/", "reports/a.txt").await;
    assert!(matches!(taken, Err(Error::Store(certus_store::Error::Taken { .. }))), "a report is never written over");
}
