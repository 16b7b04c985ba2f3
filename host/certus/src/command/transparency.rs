//! `certus log`: the transparency log, audited and shown.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context as _, bail};
use certus_signing::{KeyStore, LogKey, LogOwner, LogVerifier, SignedCheckpoint};
use certus_trust::keeping::ObjectShelf;
use certus_trust::log::{FolderLog, Shelf, audit};

use crate::arguments::{self, LogCommand};
use crate::command::service::runtime;
use crate::command::trust::{LogPlace, log_place};
use crate::command::{note, print, witness};
use crate::exit::Exit;
use crate::settings::table::BLOBS;
use crate::settings::{Service, Settings};

pub(crate) fn run(settings: &Settings, command: &LogCommand) -> anyhow::Result<Exit> {
    match command {
        LogCommand::Verify { place, keys, remembered } => verify(settings, place, keys, remembered.as_deref()),
        LogCommand::Show { place } => {
            let shelf = shelf(settings, place.folder.as_deref(), place.service)?;
            match runtime()?.block_on(shelf.get("checkpoint"))? {
                Some(checkpoint) => print(&String::from_utf8_lossy(&checkpoint))?,
                None => bail!("the log has no checkpoint: nothing was ever logged there"),
            }
            Ok(Exit::Pass)
        }
        LogCommand::Cosign(cosign) => witness::cosign(settings, cosign),
        LogCommand::Accept { note, place, witnesses } => witness::accept(settings, note, place, witnesses),
        LogCommand::Key { service } => {
            let key = match *service || has_bucket(settings)? {
                true => KeyStore::at(&settings.keys).log_key(LogOwner::Service)?,
                false => machine_key(settings)?,
            };
            print(&format!("{}\n", key.verifier()))?;
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

/// The key of this machine's log: the one that it was begun with, as long as that is in the key folder.
pub(crate) fn machine_key(settings: &Settings) -> anyhow::Result<LogKey> {
    let keys = KeyStore::at(&settings.keys);
    let checkpoint = std::fs::read_to_string(settings.log.join("checkpoint")).ok();
    if let Some(begun) = checkpoint.and_then(|text| text.parse::<SignedCheckpoint>().ok())
        && let Some(key) = keys.log_key_of(&begun.unverified().origin)?
    {
        return Ok(key);
    }
    Ok(keys.log_key(LogOwner::Machine)?)
}

/// The files of a log: in the folder that is named; else where the service keeps it, if that is asked for or its blobs
/// are in a bucket; else of this machine.
pub(crate) fn shelf(settings: &Settings, folder: Option<&Path>, service: bool) -> anyhow::Result<Arc<dyn Shelf>> {
    if folder.is_none() && (service || has_bucket(settings)?) {
        let service = Service::read(&settings.reader)?;
        // What only reads leaves nothing in the service's own folders.
        return match log_place(&service, &std::env::temp_dir()) {
            LogPlace::Folder(folder) => existing(&folder),
            LogPlace::Bucket(bucket) => Ok(Arc::new(ObjectShelf(Arc::new(bucket)))),
        };
    }
    existing(folder.unwrap_or(&settings.log))
}

/// Whether the settings are of a service that keeps its log in a bucket.
pub(crate) fn has_bucket(settings: &Settings) -> anyhow::Result<bool> {
    Ok(settings.reader.text(&BLOBS)?.is_some_and(|blobs| blobs.starts_with("s3:")))
}

fn existing(folder: &Path) -> anyhow::Result<Arc<dyn Shelf>> {
    if !folder.is_dir() {
        bail!("`{}` is no folder; name the folder of a log", folder.display());
    }
    Ok(Arc::new(FolderLog::open_existing(folder)?))
}

/// Reads the whole log again: every entry, every tile, every signature.
fn verify(
    settings: &Settings,
    place: &arguments::LogPlace,
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
    let shelf = shelf(settings, place.folder.as_deref(), place.service)?;
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
