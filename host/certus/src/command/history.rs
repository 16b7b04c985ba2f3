//! Whether what a host has on record is whole: schema, audit chain, bundles.

use certus_bundle::index::Index;
use certus_model::document::{ATTESTATION, INDEX, LOGGED};
use certus_signing::KeySet;
use certus_store::{Blobs, Store};

use crate::command::check::{Check, Found};
use crate::settings::Service;

/// Looks at the schema, the database as it sees itself, and the audit chain with the heads that `keys` have signed.
pub(crate) async fn of_database(service: &Service, keys: &KeySet) -> anyhow::Result<Vec<Check>> {
    let schema = Store::schema(&service.database).await?;
    if schema.found != schema.wanted {
        let found = format!("{}, this program works with {}; run `certus db migrate`", schema.found, schema.wanted);
        return Ok(vec![("schema", Found::Bad(found))]);
    }
    let mut checks = vec![("schema", Found::Good(schema.found.to_string()))];
    let store = Store::open(&service.database, 2).await?;
    checks.push(match store.damage().await? {
        None => ("integrity", Found::Good("as the database itself sees it".to_owned())),
        Some(damage) => ("integrity", Found::Bad(format!("the database is damaged: {damage}"))),
    });
    let signed = certus_pipeline::signed_heads(&store, keys).await?;
    checks.push(match store.audit_check(&signed.known).await? {
        Ok(head) => {
            let heads = signed.known.len();
            let said = format!("{} rows, {heads} signed heads, ends with {}", head.seq, head.digest);
            ("audit chain", Found::Good(said))
        }
        Err(fault) => ("audit chain", Found::Bad(fault.to_string())),
    });
    if signed.unknown > 0 {
        let said = format!("{} are of keys that are not known here", signed.unknown);
        checks.push(("signed heads", Found::Weak(said)));
    }
    if store.owns_its_guards().await? {
        let said = "the service's role could take them away; see docs/operations/service.md";
        checks.push(("guards", Found::Weak(said.to_owned())));
    }
    store.close().await;
    Ok(checks)
}

/// Fetches and verifies every bundle on record.
pub(crate) async fn of_bundles(service: &Service, blobs: &Blobs, keys: &KeySet) -> anyhow::Result<Check> {
    let store = Store::open(&service.database, 2).await?;
    let names = store.bundles().await?;
    let mut wrong = Vec::new();
    for name in &names {
        let folder = tempfile::tempdir()?;
        let fetched = fetch(blobs, name, folder.path()).await;
        let verified = fetched.and_then(|()| Ok(certus_bundle::verify(folder.path(), keys)?));
        if let Err(error) = verified {
            // One that retention has removed meanwhile is nobody's to miss.
            if store.bundles().await?.contains(name) {
                wrong.push(format!("{name}: {}", crate::command::chain(&error)));
            }
        }
    }
    store.close().await;
    Ok(match wrong.first() {
        None => ("bundles", Found::Good(format!("{} on record, every one verified", names.len()))),
        Some(first) => ("bundles", Found::Bad(format!("{} of {} are not whole; {first}", wrong.len(), names.len()))),
    })
}

/// Copies a bundle into a folder, each file as it is.
pub(crate) async fn fetch(blobs: &Blobs, name: &str, into: &std::path::Path) -> anyhow::Result<()> {
    copy(blobs, name, INDEX, into).await?;
    let index = Index::parse(&std::fs::read(into.join(INDEX))?)?;
    copy(blobs, name, ATTESTATION, into).await?;
    match blobs.bundle_file(name, LOGGED).await {
        // A bundle of before there was a log.
        Err(certus_store::Error::Gone { .. }) => {}
        _ => copy(blobs, name, LOGGED, into).await?,
    }
    for file in index.files() {
        copy(blobs, name, file.path.path(), into).await?;
    }
    Ok(())
}

async fn copy(blobs: &Blobs, name: &str, path: &str, into: &std::path::Path) -> anyhow::Result<()> {
    let mut from = blobs.bundle_file(name, path).await?;
    let place = into.join(path);
    if let Some(folder) = place.parent() {
        std::fs::create_dir_all(folder)?;
    }
    std::io::copy(&mut from, &mut std::fs::File::create_new(&place)?)?;
    Ok(())
}
