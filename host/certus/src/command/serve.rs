//! `certus serve` and `certus worker`.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, bail};
use certus_model::TenantId;
use certus_model::request::{RequestedManifest, RequestedSource, ScanRequest};
use certus_outbound::{Guard, RemoteHost, RemoteUrl};
use certus_pipeline::Workers;
use certus_server::{
    Authentication, Checks, Config, Metrics, Refused, Services, Tracing, serve, serve_probes, serve_transform,
    serve_trust,
};
use certus_store::{Reach, Store};
use certus_transform::Transform;
use certus_trust::Trust;
use tokio::net::TcpListener;
use tokio::sync::watch;

use crate::arguments::Serve;
use crate::command::access::ACTOR;
use crate::command::service::{Shared, assert_fit, order_to_stop, runtime, tls, workers};
use crate::command::{log as logging, note, trust};
use crate::exit::Exit;
use crate::settings::table::{
    ENABLE_S3_UPLOAD, KEY, LISTEN, PROBES, PUBLISH_DIR, Setting, TRANSFORM_LISTEN, TRUST_LISTEN,
};
use crate::settings::{Service, Settings};

/// The tenant of a service without keys.
const DEVELOPMENT_TENANT: &str = "default";

pub(crate) fn run(settings: &Settings, arguments: &Serve, verbose: u8) -> anyhow::Result<Exit> {
    certus_store::arm_crash_points();
    let mut service = Service::read(&settings.reader)?;
    service.listen = arguments.listen.unwrap_or(service.listen);
    // Keys are off where only this machine can ask, and nobody says that it is production.
    let open = !service.production && service.listen.ip().is_loopback();
    assert_fit(&service, !open)?;
    runtime()?.block_on(async {
        let traces = logging::service(verbose, &service, "serve")?;
        let stop = order_to_stop()?;
        let shared = Shared::open(&service).await?;
        let metrics = Metrics::new();
        metrics.install();
        let (parts, working) = match arguments.no_workers {
            // The API alone needs no key: whoever works keeps the log, is Trust, and publishes.
            true => (EmbeddedParts::default(), None),
            false => {
                let (parts, workers) = staff(settings, &service, &shared, verbose).await?;
                (parts, Some(tokio::spawn(workers.run(stop.clone()))))
            }
        };
        let config = config(settings, &service, authentication(&shared.store, open).await?)?;
        let listener = listen(service.listen, &LISTEN).await?;
        let (address, scheme) = (listener.local_addr()?, if config.tls.is_some() { "https" } else { "http" });
        note(&format!("certus {} listens at {scheme}://{address}, database {}", config.version, shared.store.place()));
        if open {
            note("keys are off: whoever is on this machine may do everything; CERTUS_PRODUCTION=true requires keys");
        } else if shared.store.keys(Reach::All).await?.is_empty() {
            note("nobody has a key yet, so nobody can ask; see `certus tenant`, `certus user` and `certus api-key create`");
        }
        let served = serve(listener, config, services(&shared, metrics, parts), stopped(stop)).await;
        if let Some(working) = working {
            working.await.context("the workers have died")?;
        }
        shared.store.close().await;
        traces.end().await;
        served?;
        Ok(Exit::Pass)
    })
}

pub(crate) fn worker(settings: &Settings, verbose: u8) -> anyhow::Result<Exit> {
    certus_store::arm_crash_points();
    let service = Service::read(&settings.reader)?;
    assert_fit(&service, true)?;
    runtime()?.block_on(async {
        let traces = logging::service(verbose, &service, "worker")?;
        let stop = order_to_stop()?;
        let shared = Shared::open(&service).await?;
        let metrics = Metrics::new();
        metrics.install();
        let (_, all) = staff(settings, &service, &shared, verbose).await?;
        note(&format!("certus {} works for the database {}", env!("CARGO_PKG_VERSION"), shared.store.place()));
        let probed = match service.probes {
            None => None,
            Some(address) => {
                let config = config(settings, &service, Authentication::Required)?;
                let listener = listen(address, &PROBES).await?;
                note(&format!("probes are answered at http://{}", listener.local_addr()?));
                let probes = serve_probes(
                    listener,
                    config,
                    services(&shared, metrics, EmbeddedParts::default()),
                    stopped(stop.clone()),
                );
                Some(tokio::spawn(probes))
            }
        };
        all.run(stop).await;
        if let Some(probed) = probed {
            // It ends with the workers, whatever became of it.
            let _ = probed.await;
        }
        shared.store.close().await;
        traces.end().await;
        Ok(Exit::Pass)
    })
}

/// Trust alone: what services ask for permits, and clients for signatures and proofs.
pub(crate) fn trust_alone(settings: &Settings, verbose: u8) -> anyhow::Result<Exit> {
    let mut service = Service::read(&settings.reader)?;
    service.listen = service.trust.listen;
    let open = !service.production && service.listen.ip().is_loopback();
    assert_fit(&service, !open)?;
    runtime()?.block_on(async {
        let traces = logging::service(verbose, &service, "trust")?;
        let stop = order_to_stop()?;
        let shared = Shared::open(&service).await?;
        let metrics = Metrics::new();
        metrics.install();
        let log = trust::log(settings, &service, &shared).await?;
        let trust = trust::embedded(settings, &service, &shared, &log)?;
        let config = config(settings, &service, authentication(&shared.store, open).await?)?;
        let listener = listen(service.listen, &TRUST_LISTEN).await?;
        let (address, scheme) = (listener.local_addr()?, if config.tls.is_some() { "https" } else { "http" });
        note(&format!(
            "certus {} is Trust at {scheme}://{address}, key {}",
            config.version,
            trust.public_key().key_id()
        ));
        let parts = EmbeddedParts { trust: Some(trust), transform: None };
        let served = serve_trust(listener, config, services(&shared, metrics, parts), stopped(stop)).await;
        shared.store.close().await;
        traces.end().await;
        served?;
        Ok(Exit::Pass)
    })
}

/// Transform alone: publishes what is permitted, in the place of workers that do not reach the stores, and looks after
/// what lies there.
pub(crate) fn transform_alone(settings: &Settings, verbose: u8) -> anyhow::Result<Exit> {
    certus_store::arm_crash_points();
    let mut service = Service::read(&settings.reader)?;
    service.listen = service.trust.transform;
    let open = !service.production && service.listen.ip().is_loopback();
    assert_fit(&service, !open)?;
    runtime()?.block_on(async {
        let traces = logging::service(verbose, &service, "transform")?;
        let stop = order_to_stop()?;
        let shared = Shared::open(&service).await?;
        let metrics = Metrics::new();
        metrics.install();
        // Where another process is Trust, this one signs nothing and needs no key.
        let trust = match service.trust.remote {
            Some(_) => None,
            None => {
                let log = trust::log(settings, &service, &shared).await?;
                Some(trust::embedded(settings, &service, &shared, &log)?)
            }
        };
        let (transform, destination) = trust::transform(settings, &service, &shared, verbose)?.with_context(|| {
            format!("there is nowhere to publish to; set {} or {}", PUBLISH_DIR.name, ENABLE_S3_UPLOAD.name)
        })?;
        let publisher = trust::publisher(settings, &service, &shared, trust.as_ref(), Some(destination))?;
        let config = config(settings, &service, authentication(&shared.store, open).await?)?;
        let listener = listen(service.listen, &TRANSFORM_LISTEN).await?;
        let (address, scheme) = (listener.local_addr()?, if config.tls.is_some() { "https" } else { "http" });
        note(&format!("certus {} is Transform at {scheme}://{address}", config.version));
        let publishing = tokio::spawn(publisher.run(stop.clone()));
        let parts = EmbeddedParts { trust: None, transform: Some(transform) };
        let served = serve_transform(listener, config, services(&shared, metrics, parts), stopped(stop)).await;
        publishing.await.context("the publisher has died")?;
        shared.store.close().await;
        traces.end().await;
        served?;
        Ok(Exit::Pass)
    })
}

/// What of the other roles this process is too.
#[derive(Default)]
struct EmbeddedParts {
    trust: Option<Trust>,
    transform: Option<Transform>,
}

/// The workers of this process, with Trust and Transform in it.
async fn staff(
    settings: &Settings,
    service: &Service,
    shared: &Shared,
    verbose: u8,
) -> anyhow::Result<(EmbeddedParts, Arc<Workers>)> {
    let log = trust::log(settings, service, shared).await?;
    let trust = match service.trust.remote {
        Some(_) => None,
        None => Some(trust::embedded(settings, service, shared, &log)?),
    };
    let (transform, destination) = trust::transform(settings, service, shared, verbose)?.unzip();
    let publisher = trust::publisher(settings, service, shared, trust.as_ref(), destination)?;
    let workers = workers(settings, service, shared, (&log, publisher), verbose)?;
    let own = shared.store.tenant_keys().await?;
    if let Some(own) = own.iter().find(|own| own.public_key == workers.host.key.public().to_pem()) {
        bail!("the key in {} is the tenant `{}`'s own, and signs for nobody else; name another", KEY.name, own.tenant);
    }
    Ok((EmbeddedParts { trust, transform }, workers))
}

async fn listen(address: SocketAddr, setting: &Setting) -> anyhow::Result<TcpListener> {
    let listener = TcpListener::bind(address).await;
    listener.with_context(|| format!("{address} cannot be listened at; set {}", setting.name))
}

fn services(shared: &Shared, metrics: Metrics, parts: EmbeddedParts) -> Services {
    Services {
        store: shared.store.clone(),
        blobs: shared.blobs.clone(),
        checks: Arc::new(Guarded(shared.guard.clone())),
        trust: parts.trust,
        transform: parts.transform,
        publish: shared.publish.clone(),
        wake: shared.wake.clone(),
        events: shared.told.clone(),
        metrics,
    }
}

async fn authentication(store: &Store, open: bool) -> anyhow::Result<Authentication> {
    if !open {
        return Ok(Authentication::Required);
    }
    let tenant: TenantId = DEVELOPMENT_TENANT.parse()?;
    // It may be there from the last time.
    store.create_tenant(&tenant, DEVELOPMENT_TENANT, ACTOR).await?;
    Ok(Authentication::Development { tenant })
}

fn config(settings: &Settings, service: &Service, authentication: Authentication) -> anyhow::Result<Config> {
    let mut config = Config::new(env!("CARGO_PKG_VERSION"));
    config.authentication = authentication;
    config.workspace_root = service.workspace_root.clone();
    config.sample = service.sample;
    config.security_module_available = settings.plugins.is_dir();
    config.manifest_verification_required = service.manifest_required;
    config.manifest_buckets = service.manifest_buckets.clone();
    config.require_idempotency_key = service.require_key;
    config.allowed_origins = service.origins.clone();
    config.master_key = service.master_key.clone();
    config.tracing = Tracing { current: logging::current, adopt: logging::adopt };
    config.tls = service.tls.as_ref().map(tls).transpose()?;
    config.grace = service.drain.min(Duration::from_secs(30));
    Ok(config)
}

/// What can be said at once of what a client asks for, before it is accepted.
struct Guarded(Arc<Guard>);

impl Checks for Guarded {
    fn request(&self, request: &ScanRequest) -> Vec<Refused> {
        let mut refused = Vec::new();
        let manifest = match &request.manifest {
            RequestedManifest::None => Some(None),
            RequestedManifest::Inline { text, .. } => Some(Some(text.as_bytes())),
            // They are looked at when they are there.
            RequestedManifest::InTree { .. } | RequestedManifest::Uri { .. } => None,
        };
        if let Some(manifest) = manifest
            && let Err(error) = certus_pipeline::check_profile(&request.profile, manifest)
        {
            refused.push(Refused { field: "profile", detail: error.told() });
        }
        if let RequestedSource::Git { url, .. } = &request.source
            && url.contains("://")
            && let Some(detail) = self.url(url)
        {
            refused.push(Refused { field: "git_url", detail });
        }
        refused
    }

    fn host(&self, host: &str) -> Option<String> {
        host.parse::<RemoteHost>().err().map(|error| error.to_string())
    }

    fn url(&self, url: &str) -> Option<String> {
        let screened = url.parse::<RemoteUrl>().and_then(|url| self.0.screen(&url));
        screened.err().map(|error| error.to_string())
    }

    fn is_on(&self, url: &str, host: &str) -> bool {
        matches!((url.parse::<RemoteUrl>(), host.parse::<RemoteHost>()), (Ok(url), Ok(host)) if url.is_on(&host))
    }
}

/// Done when the order to stop has come, or nobody is left who could give it.
async fn stopped(mut stop: watch::Receiver<bool>) {
    // Either way there is nothing to wait for any more.
    let _ = stop.wait_for(|stop| *stop).await;
}
