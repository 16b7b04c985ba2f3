//! The transparency log that this host keeps: what it signs is in there before anybody sees it.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use certus_bundle::Staged;
use certus_model::{AssessmentId, ScanId, TenantId};
use certus_signing::sigstore::{LoggedEntry, log_entry};
use certus_signing::{Envelope, LogKey, PublicKey, SigningKey};
use certus_store::Store;
use certus_trust::log::FolderLog;
use certus_trust::{Log, LogSubject};
use tokio::runtime::Handle;

use crate::error::Error;

/// How long to wait before what the log could not take is tried again.
const AGAIN: Duration = Duration::from_millis(500);

/// The log of this host, and who keeps it.
#[derive(Clone)]
pub struct Transparency {
    log: Arc<Log>,
    keeper: Keeper,
}

#[derive(Clone)]
enum Keeper {
    /// A folder of this machine, whose turns are locks.
    Folder,
    /// A service: its database gives the turns and knows what each entry is about.
    Service { store: Box<Store>, runtime: Handle },
}

/// Whose an entry is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LogLabels<'a> {
    /// Whose scan it is; none on a machine of one user.
    pub(crate) tenant: Option<&'a TenantId>,
    /// Which scan.
    pub(crate) scan: &'a ScanId,
    /// What it belongs to.
    pub(crate) assessment: Option<&'a AssessmentId>,
}

impl Transparency {
    /// The log in a folder of this machine.
    ///
    /// # Errors
    /// A folder that can be neither made nor opened.
    pub fn in_folder(key: LogKey, folder: &Path) -> Result<Self, Error> {
        let place = Arc::new(FolderLog::open(folder)?);
        Ok(Self { log: Arc::new(Log::new(key, place.clone(), place)), keeper: Keeper::Folder })
    }

    /// The log of a service, to be used from threads of `runtime` that may block.
    pub fn of_service(log: Arc<Log>, store: Store, runtime: Handle) -> Self {
        Self { log, keeper: Keeper::Service { store: Box::new(store), runtime } }
    }

    /// Logs a bundle's signature and puts the proof into the bundle. It blocks, and where `stopped` can be told so, a
    /// service waits for a store or a database that is away until then.
    pub(crate) fn add(
        &self,
        staged: &Staged,
        key: &SigningKey,
        labels: LogLabels<'_>,
        stopped: Option<&AtomicBool>,
    ) -> Result<(), Error> {
        let Some(envelope) = staged.envelope() else { return Ok(()) };
        let waits = stopped.filter(|_| matches!(self.keeper, Keeper::Service { .. }));
        let entry = loop {
            match (self.enter(envelope, key.public(), staged, labels), waits) {
                (Err(Error::Log(error)), Some(stopped)) if error.is_transient() => {
                    if stopped.load(Ordering::Relaxed) {
                        return Err(Error::Cancelled);
                    }
                    tracing::warn!(%error, "the transparency log could not be written; it is tried again");
                    std::thread::sleep(AGAIN);
                }
                (entered, _) => break entered?,
            }
        };
        Ok(staged.add_log_entry(key, &entry, self.log.verifier())?)
    }

    fn enter(
        &self,
        envelope: &Envelope,
        key: &PublicKey,
        staged: &Staged,
        labels: LogLabels<'_>,
    ) -> Result<LoggedEntry, Error> {
        match (&self.keeper, labels.tenant) {
            (Keeper::Service { store, runtime }, Some(tenant)) => {
                let subject = LogSubject {
                    tenant,
                    scan: Some(labels.scan),
                    assessment: labels.assessment.map(AssessmentId::as_str),
                    artifact: staged.verification().index_digest(),
                    kind: "scan",
                };
                let entered = certus_trust::enter(&self.log, store, envelope, key, &subject);
                Ok(runtime.block_on(entered).map_err(Error::Log)?.0)
            }
            (_, _) => {
                let body = log_entry(envelope, key).map_err(|error| Error::Log(error.into()))?;
                let append = async move { self.log.append(&[body]).await };
                let mut entries = block_on(append)?.map_err(|error| Error::Log(error.into()))?;
                entries.pop().ok_or_else(|| Error::Log(certus_trust::log::Error::NoCheckpoint.into()))
            }
        }
    }
}

/// Waits on this thread, which is no runtime's.
fn block_on<T>(work: impl Future<Output = T>) -> Result<T, Error> {
    let runtime = tokio::runtime::Builder::new_current_thread().build().map_err(Error::Runtime)?;
    Ok(runtime.block_on(work))
}
