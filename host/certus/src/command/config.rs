//! `certus config`: what is set, and whether the service can run with it.

use certus_store::Store;

use crate::arguments::Config;
use crate::command::check::{Check, Found, report, sentence};
use crate::command::keys::open_key;
use crate::command::service::{assert_fit, blobs, database, manifest_key, runtime};
use crate::command::{print, trust};
use crate::exit::Exit;
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
        ("signing key", sentence(open_key(settings, None).map(|key| key.public().key_id().to_string()))),
    ];
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
