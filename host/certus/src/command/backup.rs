//! `certus backup`: database, audit chain and blobs in one signed folder, and back.

mod contents;
mod restore;

use std::os::unix::fs::DirBuilderExt as _;
use std::path::Path;

use anyhow::{Context as _, bail, ensure};
use certus_signing::{KeySet, KeyStore};
use certus_store::{Area, DatabaseUrl, Objects, Store};

use crate::arguments::Backup;
use crate::command::check::{Check, Found, report, sentence};
use crate::command::history;
use crate::command::keys::open_key;
use crate::command::service::{blobs, runtime};
use crate::command::trust::{self, LogPlace};
use crate::exit::Exit;
use crate::settings::{self, Service, Settings};

/// The copy of a SQLite database.
const SQLITE: &str = "database.sqlite";
/// What `pg_dump` made.
const POSTGRES: &str = "database.pgdump";
/// The folder of the transparency log.
const LOG: &str = "log";
/// What a log publishes of itself.
const CHECKPOINT: &str = "checkpoint";
/// The folder of blobs, laid out as a folder of blobs is.
const BLOBS: &str = "blobs";

pub(crate) fn run(settings: &Settings, command: &Backup) -> anyhow::Result<Exit> {
    let service = Service::read(&settings.reader)?;
    let keys = KeyStore::at(&settings.keys).verification_keys()?;
    runtime()?.block_on(async {
        let checks = match command {
            Backup::Create { folder } => vec![create(settings, &service, &keys, folder).await?],
            Backup::Verify { folder } => vec![contents::check(folder, &keys)?],
            Backup::Restore { folder } => restore::restore(settings, &service, &keys, folder).await?,
            Backup::Drill { into } => drill(settings, service, &keys, into.as_ref()).await?,
        };
        report(checks)
    })
}

fn copy_name(url: &DatabaseUrl) -> &'static str {
    if url.file().is_some() { SQLITE } else { POSTGRES }
}

/// Copies all that the host has on record, and signs what was copied. The service may go on meanwhile.
async fn create(settings: &Settings, service: &Service, keys: &KeySet, folder: &Path) -> anyhow::Result<Check> {
    let made = std::fs::DirBuilder::new().mode(0o700).create(folder);
    made.with_context(|| format!("folder `{}` cannot be made; name one that does not exist", folder.display()))?;
    let owner = service.database_owner.as_ref().unwrap_or(&service.database);
    Store::backup(owner, &folder.join(copy_name(owner)), &settings.search_path).await?;
    // Blobs after the rows that name them: what has come since is in no row of the copy, and does no harm.
    let store = Store::open(&service.database, 2).await?;
    let blobs = blobs(service)?;
    let names = store.bundles().await?;
    for name in &names {
        let place = folder.join(BLOBS).join(Area::Bundles.as_str()).join(name);
        std::fs::create_dir_all(&place)?;
        let copied = history::fetch(&blobs, name, &place).await;
        let whole = copied.and_then(|()| Ok(certus_bundle::verify(&place, keys)?));
        if let Err(error) = whole {
            std::fs::remove_dir_all(&place)?;
            // One that retention has removed meanwhile is nobody's to miss.
            if store.bundles().await?.contains(name) {
                bail!("bundle `{name}` is not whole, so there is no backup: {}", crate::command::chain(&error));
            }
        }
    }
    let uploads = store.upload_ids().await?;
    std::fs::create_dir_all(folder.join(BLOBS).join(Area::Uploads.as_str()))?;
    for id in &uploads {
        let fetched = blobs.upload(id).await?;
        std::fs::copy(fetched.path(), folder.join(BLOBS).join(Area::Uploads.as_str()).join(id.as_str()))?;
    }
    copy_log(service, &folder.join(LOG)).await?;
    let head = store.audit_head().await?;
    store.close().await;
    let files = contents::sign(folder, head, &open_key(settings, None)?)?;
    let said = format!(
        "{files} files in {}: {} bundles, {} archives, {} audit rows",
        folder.display(),
        names.len(),
        uploads.len(),
        head.seq
    );
    Ok(("backup", Found::Good(said)))
}

/// Copies the transparency log, after the database that knows where it ends: what has come since does no harm. The
/// published checkpoint stays behind, for it may be newer than that; the next entry writes it again.
async fn copy_log(service: &Service, into: &Path) -> anyhow::Result<()> {
    match trust::log_place(service, &trust::incoming(service)) {
        LogPlace::Folder(folder) if !folder.is_dir() => {}
        LogPlace::Folder(folder) => {
            restore::copy_tree(&folder, into)?;
            // It need not be there yet.
            let _ = std::fs::remove_file(into.join(CHECKPOINT));
        }
        LogPlace::Bucket(bucket) => {
            let bucket: &dyn Objects = &bucket;
            for object in bucket.list("").await?.into_iter().filter(|object| object.key != CHECKPOINT) {
                let place = into.join(&object.key);
                std::fs::create_dir_all(place.parent().unwrap_or(into))?;
                std::io::copy(&mut bucket.open(&object.key).await?, &mut std::fs::File::create_new(&place)?)?;
            }
        }
    }
    Ok(())
}

/// Makes a backup, restores it beside the service, and has the restored host verify its own history.
async fn drill(
    settings: &Settings,
    service: Service,
    keys: &KeySet,
    into: Option<&DatabaseUrl>,
) -> anyhow::Result<Vec<Check>> {
    let place = tempfile::tempdir()?;
    let folder = place.path().join("backup");
    let mut checks = vec![create(settings, &service, keys, &folder).await?];
    let root = place.path().join("restored");
    let database = match (service.database.file(), into) {
        (Some(_), None) => DatabaseUrl::sqlite(&root.join("certus.db"))?,
        (None, Some(url)) if url.file().is_none() => url.clone(),
        (Some(_), Some(_)) => bail!("--into is for Postgres; a drill of SQLite makes a file of its own"),
        (None, _) => bail!("a drill of Postgres needs an empty database; make one and name it with --into"),
    };
    ensure!(database != service.database, "--into names the database of the service itself; name an empty one");
    let restored =
        Service { database, database_owner: None, artifact_root: root, blobs: settings::Blobs::Folder, ..service };
    match restore::restore(settings, &restored, keys, &folder).await {
        Ok(restored) => checks.extend(restored),
        Err(error) => checks.push(("restore", sentence(Err(error)))),
    }
    Ok(checks)
}
