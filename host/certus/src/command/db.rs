//! `certus db`.

use certus_signing::KeyStore;
use certus_store::{Migrated, Store};

use crate::arguments::Db;
use crate::command::check::report;
use crate::command::service::{blobs, runtime};
use crate::command::{history, print};
use crate::exit::Exit;
use crate::settings::{Service, Settings};

pub(crate) fn run(settings: &Settings, db: &Db) -> anyhow::Result<Exit> {
    let service = Service::read(&settings.reader)?;
    if let Some(folder) = service.database.file().as_deref().and_then(|file| file.parent()) {
        std::fs::create_dir_all(folder)?;
    }
    let owner = service.database_owner.as_ref().unwrap_or(&service.database);
    runtime()?.block_on(async {
        match db {
            Db::Migrate => {
                let role = service.database_owner.as_ref().and_then(|_| service.database.role());
                print(&migrated(&Store::migrate(owner, role).await?))?;
            }
            Db::Rollback { steps } => print(&migrated(&Store::rollback(owner, *steps).await?))?,
            Db::Check { bundles } => return check(settings, &service, *bundles).await,
            Db::Backup { file } => {
                Store::backup(owner, file, &settings.search_path).await?;
                print(&format!("{}\n", file.display()))?;
            }
        }
        Ok(Exit::Pass)
    })
}

fn migrated(done: &Migrated) -> String {
    match done.steps.is_empty() {
        true => format!("schema {}: nothing to do\n", done.to),
        false => format!("schema {} to {}: {}\n", done.from, done.to, done.steps.join(", ")),
    }
}

async fn check(settings: &Settings, service: &Service, bundles: bool) -> anyhow::Result<Exit> {
    let keys = KeyStore::at(&settings.keys).verification_keys()?;
    let mut checks = history::of_database(service, &keys).await?;
    if bundles {
        checks.push(history::of_bundles(service, &blobs(service)?, &keys).await?);
    }
    report(checks)
}
