//! `certus log cosign` and `certus log accept`: a witness signs that a log continues what he saw, and the log keeps it.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context as _, bail};
use certus_signing::{KeyStore, LogKey, LogVerifier, NoteSignature, SignedCheckpoint, VerifierKind};
use certus_trust::Log;
use certus_trust::log::{self, Error, FolderLog, Shelf, consistency};
use time::OffsetDateTime;

use crate::arguments::{Cosign, LogPlace};
use crate::command::service::{Shared, runtime};
use crate::command::transparency::{has_bucket, shelf, verifiers};
use crate::command::{note, print, trust, write_whole};
use crate::exit::Exit;
use crate::settings::{Service, Settings};

pub(crate) fn cosign(settings: &Settings, cosign: &Cosign) -> anyhow::Result<Exit> {
    let key = KeyStore::at(&settings.keys).witness_key()?;
    let key = key.context("this machine has no key of a witness; make one with `certus keys generate-witness NAME`")?;
    let log = verifiers(settings, std::slice::from_ref(&cosign.key))?;
    let [log] = &log[..] else { bail!("`{}` is no one verifier key", cosign.key.display()) };
    // Of two who cosign at once the second sees what the first has signed.
    let _turn = take_turn(&cosign.state)?;
    let seen = last_seen(&cosign.state, log, &key)?;
    let place = Place::of(settings, cosign)?;
    let checkpoint = place.checkpoint()?;
    let (from, to) = (seen.as_ref().map_or(0, |seen| seen.unverified().size), checkpoint.unverified().size);
    if matches!(place, Place::File(_)) && from > 0 && from < to {
        bail!("a checkpoint alone does not show that its {to} entries continue the {from} seen before; name the log");
    }
    match signed(&place, checkpoint, log, seen.as_ref(), &key) {
        Ok(cosigned) => {
            let text = cosigned.to_string();
            // Before the signature leaves: what is forgotten could be signed against.
            write_whole(&cosign.state, text.as_bytes())?;
            if seen.is_none() {
                note("nothing of this log was seen before: this is what it has to continue from now on");
            }
            match &cosign.out {
                Some(out) => write_whole(out, text.as_bytes())?,
                None => print(&text)?,
            }
            Ok(Exit::Pass)
        }
        Err(error) => refused(error),
    }
}

/// Where a checkpoint is, and what shows that it continues another.
enum Place {
    /// A log.
    Log(Arc<dyn log::Shelf>),
    /// The file of a checkpoint.
    File(PathBuf),
}

impl Place {
    fn of(settings: &Settings, cosign: &Cosign) -> anyhow::Result<Self> {
        match &cosign.place {
            Some(path) if path.is_file() => Ok(Self::File(path.clone())),
            folder => Ok(Self::Log(shelf(settings, folder.as_deref(), cosign.service)?)),
        }
    }

    fn checkpoint(&self) -> anyhow::Result<SignedCheckpoint> {
        let text = match self {
            Self::File(path) => read(path)?,
            Self::Log(shelf) => {
                let bytes = runtime()?.block_on(shelf.get("checkpoint"))?.ok_or(Error::NoCheckpoint)?;
                String::from_utf8(bytes).context("the log's checkpoint is no text")?
            }
        };
        Ok(text.parse()?)
    }
}

/// The checkpoint with this witness's signature, if it continues what was `seen`.
fn signed(
    place: &Place,
    mut checkpoint: SignedCheckpoint,
    log: &LogVerifier,
    seen: Option<&SignedCheckpoint>,
    key: &LogKey,
) -> Result<SignedCheckpoint, Error> {
    let (seen, stated) = (seen.map(SignedCheckpoint::unverified), checkpoint.unverified().clone());
    let from = seen.map_or(0, |seen| seen.size);
    let proof = match place {
        // Of a log that became shorter nothing is to be shown.
        Place::Log(shelf) if from < stated.size => {
            // Whose the files are is seen before any of them is asked for.
            checkpoint.verify(std::slice::from_ref(log))?;
            let runtime = runtime().map_err(|cause| Error::storage("checkpoint", cause))?;
            runtime.block_on(consistency(&**shelf, from, stated.size))?
        }
        _ => Vec::new(),
    };
    let time = u64::try_from(OffsetDateTime::now_utc().unix_timestamp()).unwrap_or_default();
    let signature = log::cosign(&checkpoint, log, seen, &proof, key, time)?;
    checkpoint.add(signature);
    Ok(checkpoint)
}

/// What this witness has signed last of the log.
fn last_seen(state: &Path, log: &LogVerifier, key: &LogKey) -> anyhow::Result<Option<SignedCheckpoint>> {
    if !state.try_exists().with_context(|| format!("`{}` cannot be looked for", state.display()))? {
        return Ok(None);
    }
    let seen: SignedCheckpoint = read(state)?.parse()?;
    let known = [log.clone(), key.witness_verifier()];
    let verified = seen.verify(&known);
    match verified.with_context(|| format!("`{}` is not of this log", state.display()))?.witnesses() {
        [] => bail!("`{}` is nothing that this witness has signed; name the file of this log", state.display()),
        _ => Ok(Some(seen)),
    }
}

/// The turn to use a state; it ends when it is dropped.
fn take_turn(state: &Path) -> anyhow::Result<File> {
    let folder = state.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let locked = || -> std::io::Result<File> {
        let folder = File::open(folder)?;
        folder.lock()?;
        Ok(folder)
    };
    locked().with_context(|| format!("folder `{}` cannot be used", folder.display()))
}

/// Adds the signatures of known witnesses to the current checkpoint, if it is the one that they have signed.
pub(crate) fn accept(settings: &Settings, from: &Path, place: &LogPlace, named: &[PathBuf]) -> anyhow::Result<Exit> {
    let cosigned: SignedCheckpoint = read(from)?.parse()?;
    let mut witnesses = verifiers(settings, named)?;
    witnesses.retain(|witness| witness.kind() == VerifierKind::Witness);
    let is_known = |signature: &&NoteSignature| {
        witnesses.iter().any(|witness| (witness.name(), witness.hint()) == (signature.name(), signature.hint()))
    };
    let signatures: Vec<_> = cosigned.note().signatures().iter().filter(is_known).cloned().collect();
    if signatures.is_empty() {
        note("refused: no known witness has signed it; name what verifies him with --witness");
        return Ok(Exit::Fail);
    }
    runtime()?.block_on(async {
        let log = own(settings, place).await?;
        let current = log.latest().await?.ok_or(Error::NoCheckpoint)?;
        let (was, is) = (cosigned.unverified(), current.unverified());
        if was != is {
            note(&format!(
                "refused: the log has {} entries by now and the witness has seen {}; have him look again",
                is.size, was.size
            ));
            return Ok(Exit::Fail);
        }
        for signature in signatures {
            let name = signature.name().to_owned();
            match log.accept(signature, &witnesses).await {
                Ok(_) => print(&format!("  ok  {name} has seen the {} entries\n", is.size))?,
                Err(error) => return refused(error),
            }
        }
        Ok(Exit::Pass)
    })
}

/// The log that this host signs.
async fn own(settings: &Settings, place: &LogPlace) -> anyhow::Result<Arc<Log>> {
    if place.folder.is_none() && (place.service || has_bucket(settings)?) {
        let service = Service::read(&settings.reader)?;
        let shared = Shared::open(&service).await?;
        return trust::log(settings, &service, &shared).await;
    }
    let folder = place.folder.as_ref().unwrap_or(&settings.log);
    let shelf = Arc::new(FolderLog::open_existing(folder)?);
    let Some(checkpoint) = shelf.get("checkpoint").await? else { bail!("the log has no checkpoint to add to") };
    let signed: SignedCheckpoint = String::from_utf8_lossy(&checkpoint).parse()?;
    let name = &signed.unverified().origin;
    let Some(key) = KeyStore::at(&settings.keys).log_key_of(name)? else {
        bail!("the log `{name}` is not signed by this host; name a log of its own");
    };
    Ok(Arc::new(Log::new(key, shelf.clone(), shelf)))
}

fn refused(error: Error) -> anyhow::Result<Exit> {
    match error {
        Error::Storage { .. } => Err(error.into()),
        error => {
            note(&format!("refused: {error}"));
            Ok(Exit::Fail)
        }
    }
}

fn read(path: &Path) -> anyhow::Result<String> {
    std::fs::read_to_string(path).with_context(|| format!("`{}` cannot be read", path.display()))
}
