//! From a backup to a host.

use std::path::Path;

use anyhow::{Context as _, ensure};
use certus_signing::KeySet;
use certus_signing::permit::rfc3339;
use certus_store::{Area, BlobStore as _, Content, Folder, Meta, Objects, Over, Store};
use time::OffsetDateTime;

use super::{BLOBS, LOG, contents, copy_name};
use crate::command::check::{Check, Found};
use crate::command::history;
use crate::command::service::blobs;
use crate::command::trust::{self, LogPlace};
use crate::settings::{Service, Settings};

/// Verifies a backup, puts all of it in place, and has the host verify its own history. Nothing is ever
/// overwritten: the database and the store of blobs have to be empty.
pub(super) async fn restore(
    settings: &Settings,
    service: &Service,
    keys: &KeySet,
    folder: &Path,
) -> anyhow::Result<Vec<Check>> {
    let mut checks = vec![contents::check(folder, keys)?];
    if matches!(checks[0].1, Found::Bad(_)) {
        return Ok(checks);
    }
    let owner = service.database_owner.as_ref().unwrap_or(&service.database);
    let copy = folder.join(copy_name(owner));
    ensure!(copy.is_file(), "the backup is of another kind of database than {owner}; restore it to the same kind");
    let blobs = blobs(service)?;
    for area in [Area::Bundles, Area::Uploads] {
        let names = blobs.store().names(area).await?;
        ensure!(
            names.is_empty(),
            "{} holds {} already; restore into an empty one",
            blobs.store().place(),
            area.as_str()
        );
    }
    Store::restore(owner, &copy, &settings.search_path).await?;
    let role = service.database_owner.as_ref().and_then(|_| service.database.role());
    Store::migrate(owner, role).await?;
    let kept = Folder::open(&folder.join(BLOBS))?;
    let mut count = 0;
    for area in [Area::Bundles, Area::Uploads] {
        for name in kept.names(area).await? {
            let from = kept.path(area, &name).context("a folder has paths")?;
            copy_tree(&from, &blobs.incoming_bundle(&name))?;
            match area {
                Area::Bundles => blobs.keep_bundle(&name).await?,
                Area::Uploads => blobs.keep_upload(&name.parse()?).await?,
            }
            count += 1;
        }
    }
    restore_log(service, &folder.join(LOG)).await?;
    checks.push(("restored", Found::Good(format!("database {owner}, {count} blobs in {}", blobs.store().place()))));
    checks.extend(history::of_database(service, keys).await?);
    checks.push(history::of_bundles(service, &blobs, keys).await?);
    Ok(checks)
}

/// Puts the transparency log back, as it was when the database was copied.
async fn restore_log(service: &Service, from: &Path) -> anyhow::Result<()> {
    // A backup of before there was a log.
    if !from.is_dir() {
        return Ok(());
    }
    match trust::log_place(service, &trust::incoming(service)) {
        LogPlace::Folder(folder) => copy_tree(from, &folder),
        LogPlace::Bucket(bucket) => {
            for (path, sha256) in contents::digests(from)? {
                let (file, now) = (std::fs::File::open(from.join(&path))?, rfc3339(OffsetDateTime::now_utc()));
                let meta = Meta::new(sha256, file.metadata()?.len(), "application/octet-stream", &now);
                let bucket: &dyn Objects = &bucket;
                bucket.keep(&path, Content::File(&file), &meta, Over::Anything).await?;
            }
            Ok(())
        }
    }
}

/// Copies a file, or a folder with all that is in it.
pub(super) fn copy_tree(from: &Path, to: &Path) -> anyhow::Result<()> {
    if !from.is_dir() {
        std::fs::copy(from, to).with_context(|| format!("`{}` cannot be copied", from.display()))?;
        return Ok(());
    }
    std::fs::create_dir_all(to)?;
    for entry in std::fs::read_dir(from)? {
        let entry = entry?;
        copy_tree(&entry.path(), &to.join(entry.file_name()))?;
    }
    Ok(())
}
