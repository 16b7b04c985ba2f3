//! Trust, put together: in a service that permits for itself, and as `certus trust` for others.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, bail};
use certus_checkout::Scratch;
use certus_model::TenantId;
use certus_model::limits::{Limits, WorkspaceLimits};
use certus_outbound::{Credential, Server};
use certus_pipeline::{Gate, PluginInspector, Publisher, Screening, Transparency};
use certus_publish::{Destination, Mirror, RemoteRegistry};
use certus_signing::{KeyRef, KeySet, KeyStore, LogOwner, SigningKey};
use certus_store::{Bucket, Directory, Objects, S3Config};
use certus_transform::Transform;
use certus_trust::keeping::{ObjectShelf, StoredTurns};
use certus_trust::log::{FolderLog, Shelf};
use certus_trust::{Answer, Known, Log, Parts, Policy, Submission, Trust};
use futures_util::future::BoxFuture;
use tokio::runtime::Handle;

use crate::command::keys::{open_key, public_key};
use crate::command::service::{Shared, threads, worker};
use crate::settings::table::{KEY, PRIVACY_GATE, TRUST_ANCHOR};
use crate::settings::{self, Lake, Registry, RegistryKind, Service, Settings};

/// Where the log lies, beside uploads and bundles.
const LOG: &str = "log";
/// How long an artifact may take to a registry.
const PUSH: Duration = Duration::from_secs(600);
/// Where what comes from a store lies for a while.
const INCOMING: &str = "incoming";

/// The transparency log of a service.
pub(crate) async fn log(settings: &Settings, service: &Service, shared: &Shared) -> anyhow::Result<Arc<Log>> {
    let key = KeyStore::at(&settings.keys).log_key(LogOwner::Service)?;
    let shelf: Arc<dyn Shelf> = match log_place(service, &incoming(service)) {
        LogPlace::Folder(folder) => Arc::new(FolderLog::open(&folder)?),
        LogPlace::Bucket(bucket) => Arc::new(ObjectShelf(Arc::new(bucket))),
    };
    let log = Log::new(key, shelf, Arc::new(StoredTurns(shared.store.clone())));
    // Another key would begin another log: every process of a service has the same.
    log.latest().await.context("the log of this database was begun with another key; share the key folder")?;
    Ok(Arc::new(log))
}

/// Where the files of a service's log lie.
pub(crate) enum LogPlace {
    /// A folder, as other programs read it.
    Folder(PathBuf),
    /// A prefix of a bucket.
    Bucket(Bucket),
}

/// Where what comes from a service's store lies for a while.
pub(crate) fn incoming(service: &Service) -> PathBuf {
    service.artifact_root.join(INCOMING)
}

/// Where the log of a service lies; what comes from a bucket lies in `incoming` for a while.
pub(crate) fn log_place(service: &Service, incoming: &Path) -> LogPlace {
    match &service.blobs {
        settings::Blobs::Folder => LogPlace::Folder(service.artifact_root.join(LOG)),
        settings::Blobs::S3(config) => {
            let config = S3Config { prefix: format!("{}{LOG}/", config.prefix), ..config.clone() };
            LogPlace::Bucket(Bucket::new(config, incoming))
        }
    }
}

/// What logs the signatures of a service.
pub(crate) fn transparency(log: &Arc<Log>, shared: &Shared) -> Transparency {
    Transparency::of_service(log.clone(), shared.store.clone(), Handle::current())
}

/// Trust in this process.
pub(crate) fn embedded(
    settings: &Settings,
    service: &Service,
    shared: &Shared,
    log: &Arc<Log>,
) -> anyhow::Result<Trust> {
    let key = open_key(settings, service.trust.key.as_deref()).context("Trust has no key to sign with")?;
    refuse_development(service, &key)?;
    // It may lie in a token, or in a file that is nowhere near. Trust knows its own.
    let signer = match settings.key.is_some() && service.trust.key.is_some() {
        true => Some(open_key(settings, None)?.public().clone()),
        false => None,
    };
    let folder = KeyStore::at(&settings.keys);
    let known: Known = Arc::new(move || {
        let mut keys = folder.verification_keys()?;
        signer.iter().for_each(|key| keys.insert(key.clone()));
        Ok(keys)
    });
    // What cannot be read is said at the start.
    known()?;
    let policy = match &service.trust.policy {
        Some(path) => Policy::read(path)?,
        None => Policy::default(),
    };
    let (store, log, id) = (shared.store.clone(), log.clone(), service.trust.id.clone());
    Ok(Trust::new(Parts { store, key: Arc::new(key), known, log, policy, id }))
}

/// Refuses the key that nobody has decided for, where it matters.
pub(crate) fn refuse_development(service: &Service, key: &SigningKey) -> anyhow::Result<()> {
    if key.is_development() && service.production {
        bail!("the development key does not sign in production; `certus keys generate NAME`, then {}=NAME", KEY.name);
    }
    Ok(())
}

/// What publishes, and whom it asks.
pub(crate) fn publisher(
    settings: &Settings,
    service: &Service,
    shared: &Shared,
    trust: Option<&Trust>,
    destination: Option<Destination>,
) -> anyhow::Result<Arc<Publisher>> {
    let (gate, anchor): (Arc<dyn Gate>, _) = match (&service.trust.remote, trust) {
        (Some(remote), _) => {
            let server = Server::new(remote.server.clone())?;
            (Arc::new(Remote(server)), anchor(settings, &remote.anchors)?)
        }
        (None, Some(trust)) => (Arc::new(trust.clone()), KeySet::from_iter([trust.public_key().clone()])),
        (None, None) => bail!("there is no Trust to ask"),
    };
    let (store, blobs, wake) = (shared.store.clone(), shared.blobs.clone(), shared.publish.clone());
    Ok(Arc::new(Publisher { store, blobs, gate, anchor, destination, wake }))
}

/// Transform in this process, and the destination that it looks after; none where nothing is published.
pub(crate) fn transform(
    settings: &Settings,
    service: &Service,
    shared: &Shared,
    verbose: u8,
) -> anyhow::Result<Option<(Transform, Destination)>> {
    let Some(mut destination) = destination(service, shared)? else { return Ok(None) };
    let inspector = PluginInspector {
        plugins: service.trust.privacy_plugins.clone(),
        folder: settings.plugins.clone(),
        admission: settings.admission()?,
        worker: worker(settings, service, verbose),
        scratch: Scratch::open(&settings.scratch)?,
        limits: Limits::default(),
        workspace: WorkspaceLimits::default(),
        threads: threads(service),
    };
    if service.trust.privacy_gate {
        inspector.check().with_context(|| format!("{} is set, and nobody could look", PRIVACY_GATE.name))?;
    }
    let (raw, golden) = (destination.raw.clone(), destination.golden.clone());
    let transform = Transform::new(shared.store.clone(), raw, golden, Arc::new(inspector));
    destination.screen = Some(Arc::new(Screening { transform: transform.clone(), looks: service.trust.privacy_gate }));
    Ok(Some((transform, destination)))
}

/// The keys whose permits count.
pub(crate) fn anchor(settings: &Settings, references: &[KeyRef]) -> anyhow::Result<KeySet> {
    let keys = references.iter().map(|reference| public_key(settings, reference)).collect::<anyhow::Result<Vec<_>>>();
    Ok(KeySet::from_iter(keys.with_context(|| format!("{} cannot be used", TRUST_ANCHOR.name))?))
}

/// Where permitted scans go; none where they stay permitted.
fn destination(service: &Service, shared: &Shared) -> anyhow::Result<Option<Destination>> {
    let Some(lake) = &service.trust.lake else {
        if service.trust.registry.is_some() {
            bail!("a registry is published to after a store or a folder; set one of them too");
        }
        return Ok(None);
    };
    let incoming = incoming(service);
    let (raw, golden): (Arc<dyn Objects>, Arc<dyn Objects>) = match lake {
        Lake::Folder(folder) => {
            std::fs::create_dir_all(folder).with_context(|| format!("folder `{}` cannot be made", folder.display()))?;
            (Arc::new(Directory::open(&folder.join("raw"))?), Arc::new(Directory::open(&folder.join("golden"))?))
        }
        Lake::S3 { raw, golden } => {
            (Arc::new(Bucket::new((**raw).clone(), &incoming)), Arc::new(Bucket::new((**golden).clone(), &incoming)))
        }
    };
    let registry = service.trust.registry.as_ref().map(|registry| published_to(registry, shared)).transpose()?;
    Ok(Some(Destination { raw, golden, registry, screen: None }))
}

/// Where artifacts are published.
fn published_to(registry: &Registry, shared: &Shared) -> anyhow::Result<Arc<dyn certus_publish::Registry>> {
    let Registry { registry, repository, kind } = registry;
    Ok(match kind {
        RegistryKind::Mirror(folder) => {
            std::fs::create_dir_all(folder).with_context(|| format!("folder `{}` cannot be made", folder.display()))?;
            Arc::new(Mirror::open(folder, registry, repository)?)
        }
        RegistryKind::Push { login } => {
            let login = login.as_ref().map(|(user, password)| Credential::login(user.clone(), password.clone()));
            Arc::new(RemoteRegistry::new((*shared.guard).clone(), registry, repository, login, PUSH)?)
        }
    })
}

/// Trust of another process.
struct Remote(Server);

impl Gate for Remote {
    fn ask<'a>(&'a self, submission: &'a Submission, _: &'a TenantId) -> BoxFuture<'a, Result<Answer, String>> {
        Box::pin(async move {
            let asked = self.0.post("/v1/verify-and-permit-upload", submission, None).await;
            asked.map_err(|error| error.to_string())
        })
    }
}
