//! `certus waiver`: a reviewer's signed word that a finding is accepted.

use std::path::Path;

use anyhow::{Context as _, bail, ensure};
use certus_bundle::FileName;
use certus_model::Sha256;
use certus_model::escape::one_line;
use certus_signing::permit::rfc3339;
use certus_trust::Policy;
use certus_trust::waiver::{ENDING, Waiver as Signed, WaiverTerms, content};
use serde_json::Value as Json;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::arguments::Waiver;
use crate::command::keys::{open_key, public_key, warn_of_rotation};
use crate::command::{note, print, write_whole};
use crate::exit::Exit;
use crate::settings::Settings;
use crate::settings::table::TRUST_POLICY;

/// How many letters of the fingerprint a file is named by.
const LETTERS: usize = 16;

pub(crate) fn run(settings: &Settings, waiver: &Waiver) -> anyhow::Result<Exit> {
    match waiver {
        Waiver::Sign { fingerprint, bundle, content, reviewer, reason, until, key, out } => {
            let now = OffsetDateTime::now_utc();
            let content = match (bundle, content) {
                (_, Some(content)) => *content,
                (Some(bundle), None) => said_in(bundle, fingerprint)?,
                (None, None) => bail!("name the finding's bundle with --bundle"),
            };
            let terms = WaiverTerms {
                reviewer: reviewer.clone(),
                reason: reason.clone(),
                fingerprint: fingerprint.clone(),
                content,
                signed_at: rfc3339(now),
                expires_at: rfc3339(future(until, now)?),
                policy: None,
            };
            sign(settings, &terms, key, out, now)
        }
        Waiver::Show { file, keys } => show(settings, file, keys),
    }
}

/// What a finding of a bundle says. The reviewer is shown it.
fn said_in(bundle: &Path, fingerprint: &str) -> anyhow::Result<Sha256> {
    let path = bundle.join(FileName::Findings.path());
    let bytes = std::fs::read(&path).with_context(|| format!("`{}` cannot be read", path.display()))?;
    let findings: Json =
        serde_json::from_slice(&bytes).with_context(|| format!("`{}` holds no findings", path.display()))?;
    let mut findings = findings["findings"].as_array().into_iter().flatten();
    let finding = findings.find(|finding| finding["fingerprint"] == *fingerprint);
    let shown = one_line(fingerprint, 100);
    let finding = finding
        .with_context(|| format!("there is no finding `{shown}` in `{}`; copy its fingerprint", path.display()))?;
    let text = |name: &str| one_line(finding[name].as_str().unwrap_or_default(), 300);
    note(&format!("{} {}: {}", text("severity"), text("rule"), text("message")));
    Ok(content(finding))
}

/// A time that is still to come.
fn future(text: &str, now: OffsetDateTime) -> anyhow::Result<OffsetDateTime> {
    let until = OffsetDateTime::parse(text, &Rfc3339);
    let until = until.with_context(|| format!("`{}` is no time such as 2027-01-31T00:00:00Z", one_line(text, 60)))?;
    ensure!(until > now, "{} is over already; name a time that is still to come", rfc3339(until));
    Ok(until)
}

fn sign(settings: &Settings, terms: &WaiverTerms, key: &str, out: &Path, now: OffsetDateTime) -> anyhow::Result<Exit> {
    let key = open_key(settings, Some(key))?;
    warn_of_rotation(&key);
    if let Some(policy) = policy(settings)?
        && let Err(why) = policy.admits(terms, key.public(), now)
    {
        bail!("Trust would not accept it: {why}; see `{}`", policy.place());
    }
    let bytes = terms.sign(&key)?.to_bytes()?;
    // As whoever decides by it reads it.
    if let Err(why) = Signed::signed_by(&bytes, [key.public()]) {
        bail!("nothing was signed: {why}");
    }
    std::fs::create_dir_all(out).with_context(|| format!("folder `{}` cannot be made", out.display()))?;
    let letters = terms.fingerprint.chars().filter(char::is_ascii_alphanumeric).take(LETTERS);
    let path = out.join(format!("{}-{}{ENDING}", letters.collect::<String>(), terms.reviewer));
    write_whole(&path, &bytes)?;
    print(&format!("{}\n", path.display()))?;
    Ok(Exit::Pass)
}

fn show(settings: &Settings, file: &Path, keys: &[String]) -> anyhow::Result<Exit> {
    let bytes = std::fs::read(file).with_context(|| format!("`{}` cannot be read", file.display()))?;
    let opened = match (keys, policy(settings)?) {
        ([], None) => {
            bail!("nobody is known who may sign waivers; name a key with --key, or a policy with {}", TRUST_POLICY.name)
        }
        ([], Some(policy)) => Signed::open(&bytes, policy.reviewers()),
        (keys, _) => {
            let keys =
                keys.iter().map(|key| public_key(settings, &key.parse()?)).collect::<anyhow::Result<Vec<_>>>()?;
            Signed::signed_by(&bytes, &keys).map(|(waiver, _)| waiver)
        }
    };
    let waiver = match opened {
        Ok(waiver) => waiver,
        Err(why) => {
            note(&format!("refused: {why}"));
            return Ok(Exit::Fail);
        }
    };
    let terms = waiver.terms();
    print(&format!(
        "verified  {}\n  finding   {}\n  content   sha256:{}\n  reviewer  {}\n  reason    {}\n  signed    {}\n  until     {}\n",
        waiver.digest(),
        one_line(&terms.fingerprint, 200),
        terms.content,
        terms.reviewer,
        one_line(&terms.reason, 2000),
        one_line(&terms.signed_at, 60),
        one_line(&terms.expires_at, 60),
    ))?;
    if !waiver.counts(OffsetDateTime::now_utc()) {
        note("refused: it has run out");
        return Ok(Exit::Fail);
    }
    Ok(Exit::Pass)
}

/// The policy that is set.
fn policy(settings: &Settings) -> anyhow::Result<Option<Policy>> {
    Ok(settings.reader.path(&TRUST_POLICY)?.map(|path| Policy::read(&path)).transpose()?)
}
