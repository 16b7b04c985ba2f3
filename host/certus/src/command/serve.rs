//! `certus serve` and `certus worker`.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use certus_model::TenantId;
use certus_model::request::{RequestedManifest, RequestedSource, ScanRequest};
use certus_outbound::{Guard, RemoteUrl};
use certus_server::{Authentication, Config, Metrics, Refused, Services, serve};
use certus_store::{Folders, Store};
use tokio::sync::{Notify, watch};

use crate::arguments::Serve;
use crate::command::access::ACTOR;
use crate::command::note;
use crate::command::service::{assert_fit, database, order_to_stop, runtime, workers};
use crate::exit::Exit;
use crate::settings::table::LISTEN;
use crate::settings::{Service, Settings};

/// The tenant of a service without keys.
const DEVELOPMENT_TENANT: &str = "default";

pub(crate) fn run(settings: &Settings, arguments: &Serve, verbose: u8) -> anyhow::Result<Exit> {
    certus_store::arm_crash_points();
    let mut service = Service::read(&settings.reader)?;
    crate::command::log::service(verbose, service.log);
    service.listen = arguments.listen.unwrap_or(service.listen);
    // Keys are off where only this machine can ask, and nobody says that it is production.
    let open = !service.production && service.listen.ip().is_loopback();
    assert_fit(&service, !open)?;
    runtime()?.block_on(async {
        let stop = order_to_stop()?;
        let store = database(&service).await?;
        let folders = Arc::new(Folders::open(&service.artifact_root)?);
        let guard = Arc::new(Guard::new(service.outbound.clone()));
        let (wake, told) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
        let working = match arguments.no_workers {
            true => None,
            false => {
                let all = workers(settings, &service, &store, &folders, &guard, (&wake, &told), verbose)?;
                Some(tokio::spawn(all.run(stop.clone())))
            }
        };
        let listener = tokio::net::TcpListener::bind(service.listen).await;
        let listener =
            listener.with_context(|| format!("{} cannot be listened at; set {}", service.listen, LISTEN.name))?;
        let address = listener.local_addr()?;
        let config = config(settings, &service, authentication(&store, open).await?);
        note(&format!("certus {} listens at http://{address}, database {}", config.version, store.place()));
        if open {
            note("keys are off: whoever is on this machine may do everything; CERTUS_PRODUCTION=true requires keys");
        }
        let services = Services {
            store: store.clone(),
            folders,
            check: checks(guard),
            wake,
            events: told,
            metrics: Metrics::new(),
        };
        let served = serve(listener, config, services, stopped(stop)).await;
        if let Some(working) = working {
            working.await.context("the workers have died")?;
        }
        store.close().await;
        served?;
        Ok(Exit::Pass)
    })
}

pub(crate) fn worker(settings: &Settings, verbose: u8) -> anyhow::Result<Exit> {
    certus_store::arm_crash_points();
    let service = Service::read(&settings.reader)?;
    crate::command::log::service(verbose, service.log);
    assert_fit(&service, true)?;
    runtime()?.block_on(async {
        let stop = order_to_stop()?;
        let store = database(&service).await?;
        let folders = Arc::new(Folders::open(&service.artifact_root)?);
        let guard = Arc::new(Guard::new(service.outbound.clone()));
        let (wake, told) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
        let all = workers(settings, &service, &store, &folders, &guard, (&wake, &told), verbose)?;
        note(&format!("certus {} works for the database {}", env!("CARGO_PKG_VERSION"), store.place()));
        all.run(stop).await;
        store.close().await;
        Ok(Exit::Pass)
    })
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

fn config(settings: &Settings, service: &Service, authentication: Authentication) -> Config {
    let mut config = Config::new(env!("CARGO_PKG_VERSION"));
    config.authentication = authentication;
    config.workspace_root = service.workspace_root.clone();
    config.sample = service.sample;
    config.security_module_available = settings.plugins.is_dir();
    config.manifest_verification_required = service.manifest_required;
    config.require_idempotency_key = service.require_key;
    config.allowed_origins = service.origins.clone();
    config.grace = service.drain.min(Duration::from_secs(30));
    config
}

/// What can be said of a request at once, before it is accepted.
fn checks(guard: Arc<Guard>) -> Arc<dyn Fn(&ScanRequest) -> Vec<Refused> + Send + Sync> {
    Arc::new(move |request| {
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
        {
            let screened = url.parse::<RemoteUrl>().and_then(|url| guard.screen(&url));
            if let Err(error) = screened {
                refused.push(Refused { field: "git_url", detail: error.to_string() });
            }
        }
        refused
    })
}

/// Done when the order to stop has come, or nobody is left who could give it.
async fn stopped(mut stop: watch::Receiver<bool>) {
    // Either way there is nothing to wait for any more.
    let _ = stop.wait_for(|stop| *stop).await;
}
