//! `certus prune`: the rules of retention, now.

use crate::arguments::Prune;
use crate::command::access::ACTOR;
use crate::command::print;
use crate::command::service::{blobs, database, runtime};
use crate::exit::Exit;
use crate::settings::{Service, Settings};

pub(crate) fn run(settings: &Settings, prune: &Prune) -> anyhow::Result<Exit> {
    let service = Service::read(&settings.reader)?;
    runtime()?.block_on(async {
        let store = database(&service).await?;
        if prune.dry_run {
            for bundle in store.prunable(&service.retention).await? {
                print(&format!("would go  {}  {} bytes\n", bundle.bundle, bundle.bytes))?;
            }
        } else {
            let pruned = certus_pipeline::prune(&store, &blobs(&service)?, &service.retention, ACTOR).await?;
            for bundle in &pruned.bundles {
                print(&format!("gone  {}  {} bytes\n", bundle.bundle, bundle.bytes))?;
            }
            let (bundles, bytes) = (pruned.bundles.len(), pruned.bytes());
            print(&format!("{bundles} bundles with {bytes} bytes, {} archives\n", pruned.uploads))?;
        }
        store.close().await;
        Ok(Exit::Pass)
    })
}
