//! Publishing, over folders and over a store that fails as it is told.

#![allow(clippy::disallowed_methods, reason = "tests read the environment they run in")]

mod faults;
mod kill;
mod refusals;
mod registries;
#[path = "../../../tests/support/s3.rs"]
#[allow(dead_code, reason = "the tests of the service use all of it")]
mod s3;
#[path = "../../../tests/support/seaweed.rs"]
#[allow(dead_code, reason = "the tests of the service use all of it")]
mod seaweed;
mod stores;
#[path = "../../outbound/src/testing.rs"]
#[allow(dead_code, reason = "the tests of the door use all of it")]
mod tls;
mod unreliable;

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Write as _;
use std::path::Path;
use std::sync::Arc;

use certus_model::document::{PERMIT, PROOF};
use certus_model::{ScanId, Sha256, TenantId, Tier};
use certus_signing::permit::rfc3339;
use certus_signing::{KeySet, Permit, PermitTerms, PermittedFile, SigningKey};
use certus_store::{Directory, Objects};
use futures_util::future::BoxFuture;
use tempfile::TempDir;
use time::format_description::well_known::Rfc3339;
use time::{Duration, OffsetDateTime};

use crate::{Destination, Document, Error, Labels, Publication, Published, Source, find, publish};

/// What a small bundle holds.
const FILES: [(&str, &str); 4] = [
    ("attestation.dsse.json", r#"{"payload":"…"}"#),
    ("index.json", r#"{"format":"certus-bundle/1"}"#),
    ("reports/sast/findings.sarif.json", r#"{"runs":[]}"#),
    ("scan.json", "{}"),
];
const TRUSTED: &[u8] =
    br#"{"chain_verified":true,"signer_inner":"ada","signer_outer":"trust","verification_timestamp":"2027-01-15T08:00:00Z"}"#;
const SCAN: &str = "test_0123456789ab";

fn at(seconds: i64) -> OffsetDateTime {
    OffsetDateTime::from_unix_timestamp(1_800_000_000).unwrap() + Duration::seconds(seconds)
}

fn run<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(work)
}

/// The files of a bundle, in memory.
#[derive(Clone)]
struct Files(BTreeMap<String, Vec<u8>>);

impl Files {
    fn of(files: &[(&str, &str)]) -> Self {
        Self(files.iter().map(|(path, text)| ((*path).to_owned(), text.as_bytes().to_vec())).collect())
    }

    fn permitted(&self) -> Vec<PermittedFile> {
        let file = |(path, bytes): (&String, &Vec<u8>)| PermittedFile {
            path: path.clone(),
            sha256: Sha256::of(bytes),
            size: bytes.len() as u64,
        };
        self.0.iter().map(file).collect()
    }
}

impl Source for Files {
    fn open<'a>(&'a self, path: &'a str) -> BoxFuture<'a, Result<File, certus_store::Error>> {
        let gone = || certus_store::Error::Gone { what: path.to_owned() };
        let opened = self.0.get(path).ok_or_else(gone).map(|bytes| {
            let mut file = tempfile::tempfile().unwrap();
            file.write_all(bytes).unwrap();
            std::io::Seek::rewind(&mut file).unwrap();
            file
        });
        Box::pin(async move { opened })
    }
}

/// A scan, Trust's key, and where it is published.
struct Fixture {
    key: SigningKey,
    files: Files,
    tenant: TenantId,
    labels: Labels,
    to: Destination,
    folder: TempDir,
}

impl Fixture {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let place = |name: &str| -> Arc<dyn Objects> { Arc::new(Directory::open(&folder.path().join(name)).unwrap()) };
        let to = Destination { raw: place("raw"), golden: place("golden"), registry: None, screen: None };
        let labels = Labels {
            scan: SCAN.parse().unwrap(),
            workspace: "acme".parse().unwrap(),
            component: "shop".parse().unwrap(),
            assessment: "spring".parse().unwrap(),
            manifest_digest: Some(Sha256::of(b"manifest")),
            git_url: Some("https://git.example/shop.git".to_owned()),
            git_commit: Some("0".repeat(40)),
            git_branch: Some("größe".to_owned()),
        };
        let key = SigningKey::generate().unwrap();
        Self { key, files: Files::of(&FILES), tenant: "default".parse().unwrap(), labels, to, folder }
    }

    fn scan(&self) -> &ScanId {
        &self.labels.scan
    }

    /// What Trust would permit, for ten minutes.
    fn terms(&self) -> PermitTerms {
        PermitTerms {
            permit_id: "0190d2f1-0000-4000-8000-000000000000".to_owned(),
            tenant_id: self.tenant.clone(),
            scan_id: self.scan().clone(),
            tier: Tier::Verified,
            index_digest: Sha256::of(&self.files.0["index.json"]),
            files: self.files.permitted(),
            destination: self.to.name(),
            issued_at: rfc3339(at(0)),
            expires_at: rfc3339(at(600)),
        }
    }

    fn permit(&self, terms: &PermitTerms) -> Permit {
        let anchor = KeySet::from_iter([self.key.public().clone()]);
        let issued_at = OffsetDateTime::parse(&terms.issued_at, &Rfc3339).unwrap();
        Permit::open(terms.sign(&self.key).unwrap(), &anchor, issued_at).unwrap()
    }

    /// What Trust would permit once that has run out.
    fn newer(&self) -> PermitTerms {
        PermitTerms {
            permit_id: "0190d2f1-0000-4000-8000-000000000001".to_owned(),
            issued_at: rfc3339(at(600)),
            expires_at: rfc3339(at(1200)),
            ..self.terms()
        }
    }

    /// Publishes with these terms; the clock stands at `seconds` after they were given.
    fn publish_as(&self, terms: &PermitTerms, seconds: i64) -> Result<Published, Error> {
        self.publish_by(terms, &move || at(seconds))
    }

    fn publish_by(&self, terms: &PermitTerms, now: &(dyn Fn() -> OffsetDateTime + Sync)) -> Result<Published, Error> {
        let permit = self.permit(terms);
        let envelope = permit.envelope().to_bytes().unwrap();
        let publication = Publication {
            tenant: &self.tenant,
            labels: &self.labels,
            files: &self.files,
            proof: TRUSTED,
            documents: &[Document { name: PERMIT, bytes: &envelope }],
        };
        // A service publishes in tasks.
        let work: std::pin::Pin<Box<dyn Future<Output = _> + Send>> =
            Box::pin(publish(permit, &publication, &self.to, now));
        run(work)
    }

    fn publish(&self) -> Result<Published, Error> {
        self.publish_as(&self.terms(), 1)
    }

    fn keys(&self, place: &dyn Objects) -> Vec<String> {
        run(place.list("")).unwrap().into_iter().map(|object| object.key).collect()
    }

    /// Whether nothing was published, or all of it: with a marker that names what lies there, byte for byte.
    fn is_complete(&self) -> bool {
        let marker = format!("{SCAN}/complete.json");
        let golden = &*self.to.golden;
        let Ok(mut file) = run(golden.open(&marker)) else { return false };
        let Ok(marker) = serde_json::from_reader::<_, serde_json::Value>(&mut file) else { return false };
        let files = marker["files"].as_array().unwrap();
        for file in files {
            let key = format!("{SCAN}/golden/{}", file["path"].as_str().unwrap());
            let digest = run(golden.digest(&key)).unwrap().map(|digest| digest.to_string());
            assert_eq!(digest.as_deref(), file["sha256"].as_str(), "a marker that is not true of {key}");
        }
        assert_eq!(files.len(), self.files.0.len() + 2);
        true
    }
}

#[test]
fn what_is_permitted_is_published_with_what_its_readers_look_for() {
    let fixture = Fixture::new();
    let published = fixture.publish().unwrap();
    assert!(fixture.is_complete());
    let names: Vec<_> = published.remote_artifacts.golden.keys().map(String::as_str).collect();
    let mut expected: Vec<_> = FILES.iter().map(|(path, _)| *path).chain([PROOF, PERMIT]).collect();
    expected.sort_unstable();
    assert_eq!(names, expected);
    let below = |part: &str| -> Vec<_> { expected.iter().map(|path| format!("{SCAN}/{part}/{path}")).collect() };
    let mut raw = below("incoming");
    raw.insert(0, format!("{SCAN}/claim.json"));
    assert_eq!(fixture.keys(&*fixture.to.raw), raw);
    let mut golden = below("golden");
    golden.insert(0, format!("{SCAN}/complete.json"));
    assert_eq!(fixture.keys(&*fixture.to.golden), golden);
    let key = format!("{SCAN}/golden/scan.json");
    assert_eq!(published.marker, fixture.to.golden.uri(&golden[0]));
    assert_eq!(published.remote_artifacts.golden["scan.json"], fixture.to.golden.uri(&key));

    let object = run(fixture.to.golden.look(&key)).unwrap().unwrap();
    let meta = object.meta.unwrap();
    let fields: Vec<_> = meta.fields().iter().map(|(name, value)| format!("{name}={value}")).collect();
    assert_eq!(
        fields,
        [
            &format!("artifact-hash=sha256:{}", Sha256::of(b"{}")),
            "artifact-name=scan.json",
            "assessment_id=spring",
            "chain-verified=true",
            "component_id=shop",
            "git-branch=gr%C3%B6%C3%9Fe",
            &format!("git-commit={}", "0".repeat(40)),
            "git-url=https://git.example/shop.git",
            &format!("manifest_digest=sha256:{}", Sha256::of(b"manifest")),
            "scan-id=test_0123456789ab",
            "signer-inner=ada",
            "signer-outer=trust",
            "test_id=test_0123456789ab",
            "trust-tier=verified",
            "uploaded-by=certus-assurance",
            "verification-required=true",
            "verification-timestamp=2027-01-15T08:00:00Z",
            "workspace_id=acme",
        ]
    );
    let tags: Vec<_> = meta.tags().iter().map(|(name, value)| format!("{name}={value}")).collect();
    assert_eq!(tags, ["service=certus-assurance", "tier=verified", "verified=true"]);

    let json = serde_json::to_value(&published).unwrap();
    assert_eq!(json["remote_artifacts"]["raw"]["scan.json"], fixture.to.raw.uri(&format!("{SCAN}/incoming/scan.json")));
}

#[test]
fn a_second_time_changes_nothing_and_says_the_same() {
    let fixture = Fixture::new();
    let published = fixture.publish().unwrap();
    let times = || changed(fixture.folder.path());
    let before = times();
    for terms in [fixture.terms(), fixture.newer()] {
        assert_eq!(fixture.publish_as(&terms, 599).unwrap(), published);
    }
    let found = run(find(fixture.scan(), fixture.terms().index_digest, &fixture.to)).unwrap();
    assert_eq!((found, times()), (Some(published), before));
}

/// Every file below with when it was written.
fn changed(folder: &Path) -> BTreeMap<std::path::PathBuf, std::time::SystemTime> {
    let mut times = BTreeMap::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        match entry.file_type().unwrap().is_dir() {
            true => times.extend(changed(&entry.path())),
            false => drop(times.insert(entry.path(), entry.metadata().unwrap().modified().unwrap())),
        }
    }
    times
}
