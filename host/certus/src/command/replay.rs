//! `certus verify --replay`: the recorded plugins once more over the recorded source, and the same bytes come out.

use std::num::NonZeroUsize;
use std::path::Path;
use std::sync::atomic::AtomicBool;

use anyhow::{Context as _, bail};
use certus_bundle::{End, Existing, FileName, Output, Verification};
use certus_model::source::SourceRecord;
use certus_model::{OnError, Sha256};
use certus_pipeline::{Manifest, Request, Subject, Transparency};
use certus_signing::{KeyStore, LogOwner};
use serde_json::Value;

use crate::arguments::Verify;
use crate::command::scan::{baseline, host, new_id, source};
use crate::command::{note, print};
use crate::exit::Exit;
use crate::settings::Settings;

/// Scans again what `verification` says was scanned, in a folder that goes afterwards.
pub(crate) fn run(settings: &Settings, verify: &Verify, verification: &Verification) -> anyhow::Result<Exit> {
    let End::Report(scanned) = &verification.scan().end else {
        note("refused: the scan has failed, so there is nothing to run again");
        return Ok(Exit::Fail);
    };
    let folder = tempfile::tempdir().context("no temporary folder can be made")?;
    // What is made here is compared and thrown away: nobody's key signs it, and no log of anybody's gets it.
    let keys = KeyStore::at(folder.path().join("keys"));
    let log = Transparency::in_folder(keys.log_key(LogOwner::Machine)?, &folder.path().join("log"))?;
    let host = host(settings, 0, keys.development()?, log)?;
    let record: Value = serde_json::from_slice(&read(&verify.bundle, FileName::Scan)?)?;
    let profile = record["profile"].as_str().context("scan.json names no profile")?.to_owned();
    let manifest = match verify.bundle.join(FileName::Manifest.path()).is_file() {
        true => Manifest::Given { bytes: read(&verify.bundle, FileName::Manifest)?, signature: None },
        false => Manifest::None,
    };
    let (named, commit) = recorded(&scanned.source);
    let Some(named) = verify.source.clone().or(named) else {
        bail!("an archive is known by its name alone; give the file with --source");
    };
    let out = folder.path().join("bundle");
    let request = Request {
        id: new_id(),
        tenant: None,
        labels: None,
        key: None,
        subject: Subject::Source {
            source: source(settings, &named)?,
            reference: commit.map(|commit| commit.parse()).transpose()?,
        },
        profile,
        manifest,
        plugins: verify.plugins.clone(),
        baseline: baseline(verify.baseline.as_deref())?,
        fail_on: verify.fail_on,
        on_error: OnError::Closed,
        jobs: std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN),
        output: Output::open(&out, Existing::Keep)?,
        first_event: 0,
        watch: &|_| {},
        cancelled: &AtomicBool::new(false),
    };
    let again = certus_pipeline::scan(&host, request, &|report| report.findings_json())
        .context("what was recorded could not be run again")?;
    let mut answer = Compared::default();
    answer.compare("tree", scanned.tree_digest, again.tree_digest);
    let replayed = certus_bundle::verify(&out, &keys.verification_keys()?)?;
    if let End::Report(now) = &replayed.scan().end {
        for was in &scanned.plugins {
            let is = now.plugins.iter().find(|plugin| plugin.id == was.id).map(|plugin| plugin.digest);
            answer.compare(&format!("plugin {}", was.id), was.digest, is.unwrap_or(Sha256::of(b"")));
        }
    }
    for name in [FileName::Findings, FileName::Coverage, FileName::PolicyResult] {
        let digest = |bundle: &Path| -> anyhow::Result<Sha256> { Ok(Sha256::of(&read(bundle, name)?)) };
        answer.compare(name.path(), digest(&verify.bundle)?, digest(&out)?);
    }
    answer.compare("result", verification.result_digest(), replayed.result_digest());
    print(&answer.text)?;
    if answer.differs {
        note("refused: the replay gives something else; see which line above says so first");
        return Ok(Exit::Fail);
    }
    print("replayed  the same plugins over the same source give the same bytes\n")?;
    Ok(Exit::Pass)
}

/// What was compared, for people.
#[derive(Default)]
struct Compared {
    text: String,
    differs: bool,
}

impl Compared {
    fn compare(&mut self, what: &str, was: Sha256, is: Sha256) {
        if was == is {
            self.text += &format!("  ok  replay: {what} {was}\n");
        } else {
            self.differs = true;
            self.text += &format!("  --  replay: {what} was {was}, is {is}\n");
        }
    }
}

/// Where the source was, as it can be named again, and the commit.
fn recorded(source: &SourceRecord) -> (Option<String>, Option<&str>) {
    match source {
        SourceRecord::Git { git_url, git_commit, .. } => (Some(git_url.clone()), Some(git_commit)),
        SourceRecord::Directory { directory_path } => (Some(format!("dir:{directory_path}")), None),
        SourceRecord::Archive { .. } => (None, None),
    }
}

fn read(bundle: &Path, name: FileName) -> anyhow::Result<Vec<u8>> {
    let path = bundle.join(name.path());
    std::fs::read(&path).with_context(|| format!("`{}` cannot be read", path.display()))
}
