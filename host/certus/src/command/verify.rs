//! `certus verify`.

use anyhow::bail;
use certus_bundle::{End, Mode, Verification};
use certus_model::escape::one_line;
use certus_signing::{KeyRef, KeySet, KeyStore, PublicKey, Validity};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::arguments::Verify;
use crate::command::keys::public_key;
use crate::command::{note, print, replay};
use crate::exit::Exit;
use crate::settings::Settings;
use crate::settings::table::TRUST_ANCHOR;

pub(crate) fn run(settings: &Settings, verify: &Verify) -> anyhow::Result<Exit> {
    let mut keys = keys(settings, &verify.keys)?;
    for log in crate::command::transparency::verifiers(settings, &verify.log_keys)? {
        keys.insert_log(log);
    }
    for (key, validity) in anchors(settings, &verify.trust_keys)? {
        keys.insert_anchor(key, validity);
    }
    match certus_bundle::verify(&verify.bundle, &keys) {
        Ok(verification) => {
            if let Err(error) = in_its_time(&keys, &verification) {
                note(&format!("refused: {error}"));
                return Ok(Exit::Fail);
            }
            print(&describe(&verification))?;
            if verify.replay { replay::run(settings, verify, &verification) } else { Ok(Exit::Pass) }
        }
        Err(error) if error.is_refusal() => {
            note(&format!("refused: {error}"));
            Ok(Exit::Fail)
        }
        Err(error) => Err(error.into()),
    }
}

/// Whether the key counted when it signed. Of that the scan itself says when it ended; but whoever has stolen a key says
/// what he likes, so of a key that was revoked only Trust's permit tells that it signed before.
fn in_its_time(keys: &KeySet, verification: &Verification) -> anyhow::Result<()> {
    let signer = verification.key_id();
    let finished = OffsetDateTime::parse(&verification.scan().finished_at.to_string(), &Rfc3339)?;
    keys.good_at(&signer, finished)?;
    let Some(revoked) = keys.validity(&signer).and_then(|validity| validity.revoked.as_ref()) else { return Ok(()) };
    let told = verification.permitted().filter(|permitted| permitted.key_id != signer);
    if told.is_none_or(|permitted| permitted.issued_at >= revoked.since) {
        bail!(
            "the key {signer} was revoked ({}), and nobody but itself says that it signed this before; a permit of \
             Trust's with another key would",
            revoked.reason
        );
    }
    Ok(())
}

/// The keys whose permits and verdicts count, where some are named: here, or for the service.
fn anchors(settings: &Settings, named: &[String]) -> anyhow::Result<Vec<(PublicKey, Validity)>> {
    let set = settings.reader.list(&TRUST_ANCHOR)?;
    let named = if named.is_empty() { set.as_slice() } else { named };
    let store = KeyStore::at(&settings.keys);
    let anchor = |text: &String| {
        let key = public_key(settings, &text.parse()?)?;
        let validity = store.validity(&key.key_id())?;
        Ok((key, validity))
    };
    named.iter().map(anchor).collect()
}

/// The keys that are named, with what the key folder knows of their times; all of that folder where none is named.
pub(crate) fn keys(settings: &Settings, named: &[String]) -> anyhow::Result<KeySet> {
    let store = KeyStore::at(&settings.keys);
    if named.is_empty() {
        return Ok(store.verification_keys()?);
    }
    let mut keys = KeySet::default();
    for text in named {
        let reference: KeyRef = text.parse()?;
        let key = public_key(settings, &reference)?;
        if reference == KeyRef::Development {
            keys.insert_development(key.clone());
        }
        let validity = store.validity(&key.key_id())?;
        keys.insert_valid(key, validity);
    }
    Ok(keys)
}

pub(crate) fn describe(verification: &Verification) -> String {
    let scan = verification.scan();
    let mut text = String::new();
    for check in verification.checks() {
        text += &format!("  ok  {check}\n");
    }
    match &scan.end {
        End::Report(scanned) => text += &format!("verified  {} ({})\n", scan.scan_id, scanned.source.kind()),
        End::Failure(failure) => {
            text += &format!("verified  {}\n", scan.scan_id);
            text += &format!("  {:8}  nothing was scanned: {}\n", scan.end.status(), one_line(&failure.message, 2000));
            text += &format!("  reason    {}\n", failure.reason);
            text += &format!("  asked     {}\n", one_line(&failure.asked, 2000));
        }
    }
    text += &format!("  decision  {}\n", verification.decision());
    text += &format!("  result    sha256:{}\n", verification.result_digest());
    text += &format!("  signer    {}\n", verification.key_id());
    if scan.mode == Mode::Sample {
        text += "  warning   sample data that comes with the host: nothing of anybody's was scanned\n";
    }
    if verification.development() {
        text += "  warning   signed by a development key, which nobody vouches for\n";
    }
    text
}
