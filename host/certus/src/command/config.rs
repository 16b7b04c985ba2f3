//! `certus config`: what is set, and whether the service can run with it.

use anyhow::bail;
use certus_catalog::Catalog;
use certus_store::Store;
use certus_trust::Policy;

use crate::arguments::Config;
use crate::command::check::{Check, Found, report, sentence};
use crate::command::keys::open_key;
use crate::command::service::{assert_fit, blobs, database, manifest_key, runtime, tls};
use crate::command::{print, trust};
use crate::exit::Exit;
use crate::settings::table::KEY;
use crate::settings::{Service, Settings, brief, markdown, show};

pub(crate) fn run(settings: &Settings, config: &Config) -> anyhow::Result<Exit> {
    match config {
        Config::Check => return report(check(settings)?),
        Config::Show { redacted: _ } => print(&show(&settings.reader)?)?,
        Config::Table { brief: false } => print(&markdown())?,
        Config::Table { brief: true } => print(&brief())?,
    }
    Ok(Exit::Pass)
}

/// Everything that the service would stumble over as it starts.
fn check(settings: &Settings) -> anyhow::Result<Vec<Check>> {
    let service = match Service::read(&settings.reader) {
        Ok(service) => service,
        Err(error) => return Ok(vec![("settings", sentence(Err(error)))]),
    };
    let mut checks = vec![
        ("settings", Found::Good("every one can be read".to_owned())),
        ("fitness", sentence(assert_fit(&service, true).map(|()| "nothing that production must not have".to_owned()))),
        ("signing key", sentence(signer(settings, &service, None))),
    ];
    if let Some(key) = &service.trust.key {
        checks.push(("Trust's key", sentence(signer(settings, &service, Some(key)))));
    }
    if let Some(path) = &service.trust.policy {
        let policy = Policy::read(path).map(|policy| policy.place().to_owned());
        checks.push(("Trust's policy", sentence(policy.map_err(Into::into))));
    }
    if let Some(files) = &service.tls {
        checks.push(("TLS", sentence(tls(files).map(|_| files.cert.display().to_string()))));
    }
    if service.trust.privacy_gate {
        checks.push(("privacy plugins", sentence(looks(settings, &service.trust.privacy_plugins))));
    }
    if service.manifest_key.is_some() {
        let key =
            manifest_key(settings, &service).map(|key| key.map_or_else(String::new, |key| key.key_id().to_string()));
        checks.push(("manifest key", sentence(key)));
    }
    if let Some(remote) = &service.trust.remote {
        let keys = trust::anchor(settings, &remote.anchors).map(|keys| format!("{} whose permits count", keys.len()));
        checks.push(("trust anchor", sentence(keys)));
    }
    runtime()?.block_on(async {
        checks.push(("database", sentence(reach(&service).await)));
        checks.push(("blobs", sentence(keep(&service).await)));
        anyhow::Ok(())
    })?;
    Ok(checks)
}

/// The key of that reference, or the one that scans are signed with.
fn signer(settings: &Settings, service: &Service, reference: Option<&str>) -> anyhow::Result<String> {
    if service.production && reference.is_none() && settings.key.is_none() {
        // Opening it would make it.
        bail!("the development key does not sign in production; `certus keys generate NAME`, then {}=NAME", KEY.name);
    }
    let key = open_key(settings, reference)?;
    trust::refuse_development(service, &key)?;
    Ok(key.public().key_id().to_string())
}

/// The plugins that look for personal data.
fn looks(settings: &Settings, plugins: &[String]) -> anyhow::Result<String> {
    let catalog = Catalog::open(&settings.plugins, &[], &settings.admission()?)?;
    for plugin in plugins {
        catalog.plugin(plugin)?;
    }
    Ok(plugins.join(", "))
}

async fn reach(service: &Service) -> anyhow::Result<String> {
    let store: Store = database(service).await?;
    let place = store.place().to_owned();
    store.close().await;
    Ok(place)
}

async fn keep(service: &Service) -> anyhow::Result<String> {
    let blobs = blobs(service)?;
    blobs.store().check().await?;
    Ok(blobs.store().place())
}
