//! `certus verify`.

use certus_bundle::Verification;
use certus_signing::{KeySet, KeyStore, PublicKey};

use crate::arguments::Verify;
use crate::command::{note, print};
use crate::exit::Exit;
use crate::settings::Settings;

pub(crate) fn run(settings: &Settings, verify: &Verify) -> anyhow::Result<Exit> {
    let keys = if verify.keys.is_empty() {
        KeyStore::at(&settings.keys).verification_keys()?
    } else {
        let mut keys = KeySet::default();
        for path in &verify.keys {
            keys.insert(PublicKey::from_file(path)?);
        }
        keys
    };
    match certus_bundle::verify(&verify.bundle, &keys) {
        Ok(verification) => {
            print(&describe(&verification))?;
            Ok(Exit::Pass)
        }
        Err(error) if error.is_refusal() => {
            note(&format!("refused: {error}"));
            Ok(Exit::Fail)
        }
        Err(error) => Err(error.into()),
    }
}

fn describe(verification: &Verification) -> String {
    let scan = verification.scan();
    let mut text = String::new();
    for check in verification.checks() {
        text += &format!("  ok  {check}\n");
    }
    text += &format!("verified  {} ({})\n", scan.scan_id, scan.source.kind());
    text += &format!("  decision  {}\n", verification.decision());
    text += &format!("  result    sha256:{}\n", verification.result_digest());
    text += &format!("  signer    {}\n", verification.key_id());
    if verification.development() {
        text += "  warning   signed by a development key, which nobody vouches for\n";
    }
    text
}
