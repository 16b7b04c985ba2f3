//! What the commands of the service share: its database, its workers, the order to stop.

use std::num::NonZeroUsize;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context as _, bail};
use certus_checkout::{Git, Scratch};
use certus_model::limits::{Limits, WorkspaceLimits};
use certus_outbound::Guard;
use certus_pipeline::{
    Host, InHand, ManifestBuckets, ManifestVerification, Publisher, Sources, TenantKeys, Terms, Worker, Workers,
};
use certus_signing::PublicKey;
use certus_store::{Blobs, S3, Store};
use certus_trust::Log;
use tokio::runtime::Runtime;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::{Notify, watch};

use crate::command::keys::{open_key, open_with, public_key, reaches_kms, warn_of_rotation};
use crate::command::note;
use crate::command::trust;
use crate::exit::Exit;
use crate::settings::table::{
    MANIFEST_KEY, PRODUCTION, Setting, TLS_CERT_FILE, TLS_CLIENT_CA_FILE, TLS_KEY_FILE, USE_SAMPLE_MODE, WORKSPACE_ROOT,
};
use crate::settings::{self, LogFormat, Service, Settings};

pub(crate) fn runtime() -> anyhow::Result<Runtime> {
    tokio::runtime::Builder::new_multi_thread().enable_all().build().context("no runtime could be made")
}

/// The database. A SQLite file is the service's own and is brought to its schema; Postgres is migrated by whoever
/// owns it.
pub(crate) async fn database(service: &Service) -> anyhow::Result<Store> {
    if let Some(file) = service.database.file() {
        let folder = file.parent().context("the database has no folder")?;
        std::fs::create_dir_all(folder).with_context(|| format!("folder `{}` cannot be made", folder.display()))?;
        Store::migrate(&service.database, None).await?;
    }
    let store = Store::open(&service.database, service.connections).await?;
    if service.database.file().is_none() && store.owns_its_guards().await? {
        let danger = "the database role owns the audit table or is a superuser, so it could rewrite what happened; \
                      migrate as another role with DATABASE_OWNER_URL";
        if service.production {
            bail!("{danger}");
        }
        note(&format!("warning: {danger}"));
    }
    Ok(store)
}

/// Opens the store for one command.
pub(crate) fn on_store(
    settings: &Settings,
    command: impl AsyncFnOnce(&Store) -> anyhow::Result<Exit>,
) -> anyhow::Result<Exit> {
    let service = Service::read(&settings.reader)?;
    runtime()?.block_on(async {
        let store = database(&service).await?;
        let done = command(&store).await;
        store.close().await;
        done
    })
}

/// Where uploads and bundles are kept.
pub(crate) fn blobs(service: &Service) -> anyhow::Result<Blobs> {
    let root = &service.artifact_root;
    Ok(match &service.blobs {
        settings::Blobs::Folder => Blobs::in_folder(root)?,
        settings::Blobs::S3(config) => Blobs::new(root, S3::new(config.clone()))?,
    })
}

/// What the API and the workers of one process share.
pub(crate) struct Shared {
    pub(crate) store: Store,
    pub(crate) blobs: Blobs,
    pub(crate) guard: Arc<Guard>,
    /// Told when a job has come.
    pub(crate) wake: Arc<Notify>,
    /// Told when something is to be published.
    pub(crate) publish: Arc<Notify>,
    /// Told when there are events to read.
    pub(crate) told: Arc<Notify>,
}

impl Shared {
    pub(crate) async fn open(service: &Service) -> anyhow::Result<Self> {
        let store = database(service).await?.telling_operator(service.webhook.is_some());
        let blobs = blobs(service)?;
        blobs.store().check().await?;
        let guard = Arc::new(Guard::new(service.outbound.clone()));
        Ok(Self { store, blobs, guard, wake: Arc::default(), publish: Arc::default(), told: Arc::default() })
    }
}

/// What the API proves itself with.
pub(crate) fn tls(files: &settings::Tls) -> anyhow::Result<certus_server::Tls> {
    let read = |path: &Path, setting: &Setting| {
        std::fs::read(path).with_context(|| format!("{} `{}` cannot be read", setting.name, path.display()))
    };
    let chain = read(&files.cert, &TLS_CERT_FILE)?;
    let key = read(&files.key, &TLS_KEY_FILE)?;
    let authorities = files.client_ca.as_deref().map(|path| read(path, &TLS_CLIENT_CA_FILE)).transpose()?;
    certus_server::Tls::from_pem(&chain, &key, authorities.as_deref()).context("TLS cannot be spoken")
}

/// The key that manifests are signed with, if one is set.
pub(crate) fn manifest_key(settings: &Settings, service: &Service) -> anyhow::Result<Option<PublicKey>> {
    let key = service.manifest_key.as_ref().map(|reference| public_key(settings, reference)).transpose();
    key.with_context(|| format!("{} cannot be used", MANIFEST_KEY.name))
}

/// The workers of this process.
pub(crate) fn workers(
    settings: &Settings,
    service: &Service,
    shared: &Shared,
    (log, publisher): (&Arc<Log>, Arc<Publisher>),
    verbose: u8,
) -> anyhow::Result<Arc<Workers>> {
    let scratch = Scratch::open(&settings.scratch)?;
    scratch.sweep()?;
    let key = open_key(settings, None)?;
    trust::refuse_development(service, &key)?;
    warn_of_rotation(&key);
    if key.is_development() {
        note("bundles are signed with the development key of this machine, which nobody vouches for");
    }
    let reserved = publisher.anchor.iter().chain([key.public()]).map(PublicKey::key_id).collect();
    let host = Host {
        admission: settings.admission()?,
        worker: worker(settings, service, verbose),
        plugins: settings.plugins.clone(),
        key,
        log: trust::transparency(log, shared),
        manifest_verification: ManifestVerification {
            key: manifest_key(settings, service)?,
            required: service.manifest_required,
        },
        scratch,
        git: Git::new("git", &settings.search_path),
        limits: Limits::default(),
        workspace: WorkspaceLimits::default(),
    };
    Ok(Arc::new(Workers {
        store: shared.store.clone(),
        blobs: shared.blobs.clone(),
        tenant_keys: TenantKeys::new(open_with(settings), reaches_kms(settings)?, reserved),
        host: Arc::new(host),
        sources: Sources {
            guard: shared.guard.clone(),
            root: service.workspace_root.clone(),
            credential: settings.git_token.clone(),
            master_key: service.master_key.clone(),
            manifests: service
                .manifest_store
                .clone()
                .map(|config| ManifestBuckets { store: S3::new(config), buckets: service.manifest_buckets.clone() }),
        },
        terms: Terms {
            name: format!("{}-{}", std::process::id(), uuid::Uuid::now_v7()),
            slots: service.max_workers,
            threads: threads(service),
            lease: service.lease,
            attempts: service.attempts,
            grace: service.drain,
            adopt: crate::command::log::adopt,
        },
        retention: service.retention,
        operator_webhook: service.webhook.clone(),
        publisher,
        wake: shared.wake.clone(),
        told: shared.told.clone(),
        in_hand: InHand::default(),
    }))
}

/// What starts scan workers.
pub(crate) fn worker(settings: &Settings, service: &Service, verbose: u8) -> Worker {
    Worker { program: settings.program.clone(), verbose, json: service.log == LogFormat::Json }
}

/// Threads of one scan, so that all together have a core each.
pub(crate) fn threads(service: &Service) -> NonZeroUsize {
    let cores = std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN);
    NonZeroUsize::new(cores.get() / service.max_workers).unwrap_or(NonZeroUsize::MIN)
}

/// Becomes true with SIGTERM or an interrupt; with the second of them the process ends at once.
pub(crate) fn order_to_stop() -> anyhow::Result<watch::Receiver<bool>> {
    let (sender, receiver) = watch::channel(false);
    let mut terminate = signal(SignalKind::terminate()).context("signals cannot be handled")?;
    let mut interrupt = signal(SignalKind::interrupt()).context("signals cannot be handled")?;
    tokio::spawn(async move {
        for last in [false, true] {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
            }
            if last {
                // Leases bring back what is left undone.
                rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::KILL).ok();
            }
            tracing::info!("asked to stop: nothing more is accepted, what runs may end");
            // Whoever has gone already needs no order.
            let _ = sender.send(true);
        }
    });
    Ok(receiver)
}

/// Refuses what production must not have.
pub(crate) fn assert_fit(service: &Service, authenticated: bool) -> anyhow::Result<()> {
    if service.production && !authenticated {
        bail!("{} is set, and requests would not be authenticated", PRODUCTION.name);
    }
    if service.production && service.sample {
        bail!("sample mode is not for production; unset {}", USE_SAMPLE_MODE.name);
    }
    if let Some(root) = &service.workspace_root
        && !root.is_dir()
    {
        bail!("{} `{}` is no folder; make it or name another", WORKSPACE_ROOT.name, root.display());
    }
    Ok(())
}
