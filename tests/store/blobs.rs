//! Uploads and bundles, in a folder and in a bucket: what is kept is kept whole, and nothing else stays.

use std::collections::BTreeSet;
use std::future::Future;
use std::io::Read as _;
use std::path::Path;

use certus_model::UploadId;
use certus_store::{Area, Blobs, Error, Folder};

use crate::support::s3::{self, Fault, Unreliable};

const BUNDLE: &str = "test_000000000001.1";

/// Runs a test on a folder, and on a bucket where there is a server.
fn on_both<F: Future<Output = ()>>(test: impl Fn(Blobs, tempfile::TempDir) -> F) {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let place = tempfile::tempdir().unwrap();
    runtime.block_on(test(Blobs::in_folder(place.path()).unwrap(), place));
    if let Some(server) = s3::server() {
        let place = tempfile::tempdir().unwrap();
        let client = s3::client(&server.bucket(), server.port());
        runtime.block_on(test(Blobs::new(place.path(), client).unwrap(), place));
    }
}

/// Writes a bundle where bundles come to be.
fn write(root: &Path, name: &str) {
    let folder = root.join("incoming").join(name);
    std::fs::create_dir_all(folder.join("reports/sast")).unwrap();
    for (path, content) in
        [("index.json", "{}"), ("scan.json", "{\"a\":1}"), ("reports/sast/findings.sarif.json", "[]")]
    {
        std::fs::write(folder.join(path), content).unwrap();
    }
}

fn text(mut file: std::fs::File) -> String {
    let mut text = String::new();
    file.read_to_string(&mut text).unwrap();
    text
}

fn set(names: &[&str]) -> BTreeSet<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

#[test]
fn what_is_kept_is_there_whole_until_it_is_removed() {
    on_both(|blobs, place| async move {
        let store = blobs.store();
        store.check().await.unwrap();
        write(place.path(), BUNDLE);
        assert_eq!(store.names(Area::Bundles).await.unwrap(), [""; 0], "{store:?}");
        blobs.keep_bundle(BUNDLE).await.unwrap();
        for (path, content) in
            [("scan.json", "{\"a\":1}"), ("reports/sast/findings.sarif.json", "[]"), ("index.json", "{}")]
        {
            assert_eq!(text(blobs.bundle_file(BUNDLE, path).await.unwrap()), content);
        }
        assert!(!place.path().join("incoming").join(BUNDLE).exists(), "it is kept once");
        assert_eq!(store.names(Area::Bundles).await.unwrap(), [BUNDLE]);
        assert_eq!(store.look(Area::Bundles, BUNDLE).await.unwrap().unwrap().bytes, 11);
        assert_eq!(store.look(Area::Bundles, "test_000000000001").await.unwrap(), None, "a beginning is no name");
        assert!(matches!(blobs.bundle_file(BUNDLE, "other.json").await, Err(Error::Gone { .. })));

        let id = UploadId::from_random(7);
        let mut file = blobs.new_upload(&id).unwrap().into_std();
        std::io::Write::write_all(&mut file, b"an archive").unwrap();
        blobs.keep_upload(&id).await.unwrap();
        let fetched = blobs.upload(&id).await.unwrap();
        assert_eq!(std::fs::read(fetched.path()).unwrap(), b"an archive");
        let path = fetched.path().to_owned();
        drop(fetched);
        assert_eq!(path.exists(), path.starts_with(place.path().join("uploads")), "a copy goes with its use");
        assert!(matches!(blobs.upload(&UploadId::from_random(8)).await, Err(Error::Gone { .. }) | Ok(_)));

        blobs.drop_bundle(BUNDLE).await;
        store.remove(Area::Uploads, id.as_str()).await.unwrap();
        for area in [Area::Bundles, Area::Uploads] {
            assert_eq!(store.names(area).await.unwrap(), [""; 0]);
        }
        store.remove(Area::Bundles, BUNDLE).await.unwrap();
    });
}

/// Makes something look as if nobody had touched it for a day.
fn old(path: &Path) {
    let done = std::process::Command::new("touch").args(["-d", "yesterday"]).arg(path).status().unwrap();
    assert!(done.success());
}

#[test]
fn case_121_the_sweeper_takes_orphans_and_nothing_that_lives() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let place = tempfile::tempdir().unwrap();
    let blobs = Blobs::new(place.path(), Folder::open(place.path()).unwrap()).unwrap();
    let at = |name: &str| place.path().join(name);
    let known = UploadId::from_random(1);
    for name in ["bundles/test_000000000001.1", "bundles/test_000000000002.1", "bundles/test_000000000003.1"] {
        std::fs::create_dir_all(at(name)).unwrap();
        std::fs::write(at(name).join("scan.json"), "{}").unwrap();
        old(&at(name));
    }
    for name in
        ["incoming/.certus-bundle-being-written", "incoming/test_000000000002.1", "incoming/test_000000000005.1"]
    {
        std::fs::create_dir_all(at(name)).unwrap();
        old(&at(name));
    }
    for name in [
        format!("uploads/{known}"),
        format!("uploads/{}", UploadId::from_random(2)),
        format!("incoming/{}", UploadId::from_random(3)),
    ] {
        std::fs::write(at(&name), "x").unwrap();
        old(&at(&name));
    }
    std::fs::create_dir_all(at("bundles/test_000000000004.1")).unwrap();
    let (recorded, live) = (set(&["test_000000000001.1"]), set(&["test_000000000002.1"]));
    let uploads = BTreeSet::from([known.clone()]);
    let sweep = || runtime.block_on(blobs.sweep(&recorded, &uploads, &live)).unwrap();
    assert_eq!(sweep(), 4);
    let left = |folder: &str| {
        let listing = std::fs::read_dir(at(folder)).unwrap();
        let mut names: Vec<_> = listing.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    };
    assert_eq!(
        left("bundles"),
        ["test_000000000001.1", "test_000000000002.1", "test_000000000004.1"],
        "on record, live or young"
    );
    assert_eq!(left("incoming"), [".certus-bundle-being-written", "test_000000000002.1"], "being written, or live");
    assert_eq!(left("uploads"), [known.to_string()]);
    assert_eq!(sweep(), 0);
}

/// A bundle that is about to be kept in a bucket, over a wire that misbehaves.
struct Site {
    server: &'static s3::Server,
    bucket: String,
    runtime: tokio::runtime::Runtime,
    wire: Unreliable,
    blobs: Blobs,
    _place: tempfile::TempDir,
}

impl Site {
    /// None, said once, where there is no server.
    fn new() -> Option<Self> {
        let server = s3::server()?;
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let (wire, bucket) = (Unreliable::to(server.port()), server.bucket());
        let place = tempfile::tempdir().unwrap();
        let blobs = Blobs::new(place.path(), s3::client(&bucket, wire.port())).unwrap();
        write(place.path(), BUNDLE);
        Some(Self { server, bucket, runtime, wire, blobs, _place: place })
    }
}

#[test]
fn case_118_a_store_that_fails_is_asked_again_and_keeps_each_thing_once() {
    for (what, faults) in [
        ("500", [("PUT", Fault::Status(500)), ("GET", Fault::Status(500))]),
        ("503 slow down", [("PUT", Fault::Status(503)), ("GET", Fault::Status(503))]),
        ("a reset in the middle", [("PUT", Fault::ResetMidway), ("GET", Fault::Cut)]),
        ("a lost answer", [("PUT", Fault::LoseReply), ("GET", Fault::LoseReply)]),
        ("a flipped bit", [("PUT", Fault::WrongTag), ("GET", Fault::FlipBit)]),
    ] {
        let Some(site) = Site::new() else { return };
        let Site { runtime, wire, blobs, .. } = &site;
        wire.script(&faults);
        runtime.block_on(async {
            blobs.keep_bundle(BUNDLE).await.unwrap();
            assert_eq!(text(blobs.bundle_file(BUNDLE, "scan.json").await.unwrap()), "{\"a\":1}", "{what}");
            assert_eq!(blobs.store().names(Area::Bundles).await.unwrap(), [BUNDLE], "{what}");
            assert_eq!(blobs.store().look(Area::Bundles, BUNDLE).await.unwrap().unwrap().bytes, 11, "{what}");
        });
        assert!(wire.is_done(), "{what} did not happen");
    }
}

#[test]
fn case_118_content_that_is_not_what_was_kept_is_nobodys() {
    let Some(site) = Site::new() else { return };
    let Site { runtime, wire, blobs, .. } = &site;
    runtime.block_on(async {
        blobs.keep_bundle(BUNDLE).await.unwrap();
        wire.script(&[("GET", Fault::FlipBit); 3]);
        let refused = blobs.bundle_file(BUNDLE, "scan.json").await.unwrap_err();
        assert!(matches!(refused, Error::Damaged { .. }) && !refused.is_transient(), "{refused}");
        blobs.bundle_file(BUNDLE, "scan.json").await.unwrap();
    });
}

#[test]
fn case_118_a_list_out_of_date_costs_nothing() {
    let Some(site) = Site::new() else { return };
    let Site { server, bucket, runtime, wire, blobs, .. } = &site;
    let none = BTreeSet::new();
    runtime.block_on(async {
        blobs.keep_bundle(BUNDLE).await.unwrap();
        let object = server.file(bucket, &format!("site-a/bundles/{BUNDLE}"));
        for file in ["index.json", "scan.json", "reports/sast/findings.sarif.json"] {
            old(&object.join(file));
        }
        // The server looks at its folder every now and then.
        let is_old = async || {
            let kept = blobs.store().look(Area::Bundles, BUNDLE).await.unwrap().unwrap();
            kept.changed.elapsed().is_ok_and(|age| age > std::time::Duration::from_secs(3600))
        };
        while !is_old().await {
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
        // It shows nothing of what is there, then shows it and cannot be believed when looked at.
        wire.script(&[("LIST", Fault::StaleList)]);
        assert_eq!(blobs.sweep(&none, &BTreeSet::new(), &none).await.unwrap(), 0);
        assert_eq!(text(blobs.bundle_file(BUNDLE, "index.json").await.unwrap()), "{}");
        assert_eq!(blobs.sweep(&set(&[BUNDLE]), &BTreeSet::new(), &none).await.unwrap(), 0, "it is on record");
        assert_eq!(blobs.sweep(&none, &BTreeSet::new(), &none).await.unwrap(), 1);
        assert_eq!(blobs.sweep(&none, &BTreeSet::new(), &none).await.unwrap(), 0);
    });
}

#[test]
fn a_store_that_refuses_says_what_to_do() {
    let Some(server) = s3::server() else { return };
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let refused = |bucket: &str, port: u16| {
        let store = s3::client(bucket, port);
        let error = runtime.block_on(certus_store::BlobStore::check(&store)).unwrap_err();
        assert!(error.is_transient() && error.to_string().contains(bucket), "{error}");
        let causes = std::iter::successors(Some(&error as &dyn std::error::Error), |error| error.source());
        causes.map(ToString::to_string).collect::<Vec<_>>().join(": ")
    };
    assert!(refused("no-such-bucket", server.port()).contains("NoSuchBucket"));
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let said = refused("any", closed);
    assert!(said.contains("see that the store runs") && !said.contains(s3::LOGIN.1), "{said}");
}
