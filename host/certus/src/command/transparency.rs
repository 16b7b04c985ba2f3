//! `certus log`: the transparency log, audited and shown.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context as _, bail};
use certus_signing::{KeyStore, LogVerifier, SignedCheckpoint};
use certus_trust::log::{FolderLog, Shelf, audit};

use crate::arguments::LogCommand;
use crate::command::service::runtime;
use crate::command::{note, print};
use crate::exit::Exit;
use crate::settings::Settings;

pub(crate) fn run(settings: &Settings, command: &LogCommand) -> anyhow::Result<Exit> {
    match command {
        LogCommand::Verify { folder, keys, remembered } => {
            verify(settings, folder.as_deref(), keys, remembered.as_deref())
        }
        LogCommand::Show { folder } => {
            let shelf = open(settings, folder.as_deref())?;
            match runtime()?.block_on(shelf.get("checkpoint"))? {
                Some(checkpoint) => print(&String::from_utf8_lossy(&checkpoint))?,
                None => bail!("the log has no checkpoint: nothing was ever logged there"),
            }
            Ok(Exit::Pass)
        }
        LogCommand::Key => {
            print(&format!("{}\n", KeyStore::at(&settings.keys).log_key()?.verifier()))?;
            Ok(Exit::Pass)
        }
        LogCommand::TrustedRoot => {
            let logs = KeyStore::at(&settings.keys).log_verifiers()?;
            let addresses: Vec<_> =
                logs.into_iter().map(|log| (log.clone(), format!("https://{}", log.name()))).collect();
            print(&format!("{}\n", String::from_utf8_lossy(&certus_signing::sigstore::trusted_root(&addresses)?)))?;
            Ok(Exit::Pass)
        }
    }
}

fn open(settings: &Settings, folder: Option<&Path>) -> anyhow::Result<Arc<dyn Shelf>> {
    let folder = folder.unwrap_or(&settings.log);
    if !folder.is_dir() {
        bail!("`{}` is no folder; name the folder of a log", folder.display());
    }
    Ok(Arc::new(FolderLog::open(folder)?))
}

/// Reads the whole log again: every entry, every tile, every signature.
fn verify(
    settings: &Settings,
    folder: Option<&Path>,
    keys: &[PathBuf],
    remembered: Option<&Path>,
) -> anyhow::Result<Exit> {
    let known = verifiers(settings, keys)?;
    let before = match remembered {
        None => None,
        Some(path) => {
            let text = std::fs::read_to_string(path).with_context(|| format!("`{}` cannot be read", path.display()))?;
            let signed: SignedCheckpoint = text.parse()?;
            Some(signed.verify(&known)?.checkpoint().clone())
        }
    };
    let shelf = open(settings, folder)?;
    match runtime()?.block_on(audit(&*shelf, &known, before.as_ref())) {
        Ok(audited) => {
            let checkpoint = audited.checkpoint;
            print(&format!(
                "  ok  {} entries, each in its place, under the root {}\n  ok  checkpoint of {}, {} witnesses\n",
                checkpoint.size,
                checkpoint.root,
                checkpoint.origin,
                audited.witnesses.len()
            ))?;
            if let Some(before) = before {
                print(&format!("  ok  it continues the {} entries of the remembered checkpoint\n", before.size))?;
            }
            print("verified\n")?;
            Ok(Exit::Pass)
        }
        Err(error @ certus_trust::log::Error::Storage { .. }) => Err(error.into()),
        Err(error) => {
            note(&format!("refused: {error}"));
            Ok(Exit::Fail)
        }
    }
}

/// The verifier keys in these files; those of the key folder where none is named.
pub(crate) fn verifiers(settings: &Settings, named: &[PathBuf]) -> anyhow::Result<Vec<LogVerifier>> {
    if named.is_empty() {
        return Ok(KeyStore::at(&settings.keys).log_verifiers()?);
    }
    let mut known = Vec::new();
    for path in named {
        let text = std::fs::read_to_string(path).with_context(|| format!("`{}` cannot be read", path.display()))?;
        known.push(text.trim().parse().with_context(|| format!("`{}` is no verifier key", path.display()))?);
    }
    Ok(known)
}
