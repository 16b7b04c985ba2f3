//! The pipeline as the service uses it: a host in this process, with a home of its own.

use std::num::NonZeroUsize;
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::AtomicBool;

use certus_bundle::{Existing, Output};
use certus_checkout::{Git, Reference, Scratch, Source, SourcePolicy};
use certus_model::limits::{Limits, WorkspaceLimits};
use certus_model::{OnError, ScanId};
use certus_pipeline::{
    Error, EventLine, Host, Manifest, ManifestVerification, Outcome, Request, Subject, Transparency, Worker,
};
use certus_report::Baseline;
use certus_signing::{KeyStore, LogOwner, SigningKey};
use serde_json::Value;

use crate::support::guest::Guest;
use crate::support::home::Home;

/// A host that signs with the development key of `home`, and has the plugins of this repository.
pub(crate) fn host(home: &Home) -> Host {
    let program = Path::new(env!("CARGO_BIN_EXE_certus"));
    Host {
        admission: crate::support::sandbox_with(Some(&Path::new(env!("CARGO_TARGET_TMPDIR")).join("compiled")))
            .admission,
        worker: Worker { program: program.into(), verbose: 0, json: false },
        plugins: program.with_file_name("plugins"),
        key: KeyStore::at(home.path(".config/certus/keys")).development().expect("a key"),
        log: log(home),
        manifest_verification: ManifestVerification::default(),
        scratch: Scratch::open(&home.path("scratch")).expect("a scratch folder"),
        git: Git::new("git", std::env::var_os("PATH").unwrap_or_default()),
        limits: Limits::default(),
        workspace: WorkspaceLimits::default(),
    }
}

/// The transparency log of `home`, believed there.
pub(crate) fn log(home: &Home) -> Transparency {
    let key = KeyStore::at(home.path(".config/certus/keys")).log_key(LogOwner::Machine).expect("a key");
    Transparency::in_folder(key, &home.path("log")).expect("a log")
}

/// What a scan came to, and every event that was told.
pub(crate) struct Ran {
    pub(crate) outcome: Result<Outcome, Error>,
    pub(crate) told: Vec<EventLine>,
}

/// Scans `subject` with one harmless plugin into the folder `out` of `home`; `edit` changes the request.
pub(crate) fn scan(home: &Home, host: &Host, subject: Subject, edit: impl FnOnce(&mut Request<'_>)) -> Ran {
    let told = Mutex::new(Vec::new());
    let watch = |line: &EventLine| told.lock().expect("no panic").push(line.clone());
    let mut request = Request {
        id: ScanId::from_random(1),
        tenant: None,
        labels: None,
        key: None,
        subject,
        profile: "none".to_owned(),
        manifest: Manifest::None,
        plugins: vec![home.write("harmless.wasm", Guest::files().build())],
        baseline: Baseline::default(),
        fail_on: None,
        on_error: OnError::Closed,
        jobs: NonZeroUsize::MIN,
        output: output(home),
        first_event: 0,
        watch: &watch,
        cancelled: &AtomicBool::new(false),
    };
    edit(&mut request);
    let outcome = certus_pipeline::scan(host, request, &|_| Ok(Vec::new()));
    Ran { outcome, told: told.into_inner().expect("no panic") }
}

/// The folder `out` of `home`.
pub(crate) fn output(home: &Home) -> Output {
    Output::open(&home.path("out"), Existing::Replace).expect("an output")
}

/// The source `text`, a path relative to `home` after its form.
pub(crate) fn source(home: &Home, text: &str, reference: Option<&str>) -> Subject {
    let (form, path) = text.split_once(':').expect("a form");
    let text = format!("{form}:{}", home.path(path).display());
    let reference = reference.map(|text| text.parse::<Reference>().expect("a reference"));
    Subject::Source { source: Source::parse(&text, SourcePolicy::Any).expect("a source"), reference }
}

/// A detached signature over `bytes`, as `cosign sign-blob` writes it.
pub(crate) fn sign_blob(key: &SigningKey, bytes: &[u8]) -> Vec<u8> {
    let signature = serde_json::to_value(key.sign(bytes).expect("a signature")).expect("JSON");
    format!("{}\n", signature.as_str().expect("text")).into_bytes()
}

/// A JSON file of the bundle in `out`.
pub(crate) fn json(home: &Home, name: &str) -> Value {
    let bytes = std::fs::read(home.path("out").join(name)).unwrap_or_else(|error| panic!("{name}: {error}"));
    serde_json::from_slice(&bytes).expect("JSON")
}
