//! `certus db`.

use certus_signing::KeyStore;
use certus_store::{Migrated, Store};

use crate::arguments::Db;
use crate::command::service::runtime;
use crate::command::{note, print};
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
            Db::Check => return check(settings, &service).await,
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

async fn check(settings: &Settings, service: &Service) -> anyhow::Result<Exit> {
    let schema = Store::schema(&service.database).await?;
    if schema.found != schema.wanted {
        note(&format!("refused: schema {}, this program works with {}", schema.found, schema.wanted));
        return Ok(Exit::Fail);
    }
    print(&format!("ok      schema          {}\n", schema.found))?;
    let store = Store::open(&service.database, 2).await?;
    if let Some(damage) = store.damage().await? {
        note(&format!("refused: the database is damaged: {}", certus_model::escape::one_line(&damage, 300)));
        return Ok(Exit::Fail);
    }
    print("ok      integrity       as the database itself sees it\n")?;
    let keys = KeyStore::at(&settings.keys).verification_keys()?;
    let signed = certus_pipeline::signed_heads(&store, &keys).await?;
    match store.audit_check(&signed.known).await? {
        Ok(head) => print(&format!(
            "ok      audit chain     {} rows, {} signed heads, ends with {}\n",
            head.seq,
            signed.known.len(),
            head.digest
        ))?,
        Err(fault) => {
            note(&format!("refused: audit chain: {fault}"));
            return Ok(Exit::Fail);
        }
    }
    if signed.unknown > 0 {
        print(&format!("weak    signed heads    {} are of keys that are not known here\n", signed.unknown))?;
    }
    if store.owns_its_guards().await? {
        print("weak    guards          the service's role could take them away; see docs/operations/database.md\n")?;
    }
    Ok(Exit::Pass)
}
