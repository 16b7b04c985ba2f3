//! Transform, put together.

use std::sync::Arc;

use certus_model::{ScanId, Sha256, TenantId};
use certus_store::{Content, Meta, NewPrivacyScan, Objects, Over, Store};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use tokio::sync::Mutex;

use crate::error::Error;
use crate::inspector::Inspector;
use crate::key::assert_free;
use crate::privacy::{self, Looked, PrivacyScan};
use crate::quarantine::{quarantine, quarantined};
use crate::report;

/// Looks after what lies in the places that scans are published to.
#[derive(Clone)]
pub struct Transform {
    store: Store,
    raw: Arc<dyn Objects>,
    golden: Arc<dyn Objects>,
    inspector: Arc<dyn Inspector>,
    /// Held by whoever looks: two would move the same objects, and take twice the memory.
    turn: Arc<Mutex<()>>,
}

/// Which place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Which {
    /// Where files come in.
    Raw,
    /// Where readers find what is permitted.
    Golden,
}

/// A privacy scan that somebody asks for.
#[derive(Clone, Debug)]
pub struct Ask<'a> {
    /// Where.
    pub which: Which,
    /// Below which prefix.
    pub prefix: &'a str,
    /// Only look.
    pub dry_run: bool,
    /// Where the report is written to, in the same place.
    pub report_key: Option<&'a str>,
}

impl Transform {
    /// Of these places.
    pub fn new(store: Store, raw: Arc<dyn Objects>, golden: Arc<dyn Objects>, inspector: Arc<dyn Inspector>) -> Self {
        Self { store, raw, golden, inspector, turn: Arc::default() }
    }

    /// A place.
    pub fn place(&self, which: Which) -> &dyn Objects {
        match which {
            Which::Raw => &*self.raw,
            Which::Golden => &*self.golden,
        }
    }

    /// Looks at every object below a prefix, moves what is not clean into quarantine, and puts that on record.
    ///
    /// # Errors
    /// [`Error::Golden`] for objects that are not to be moved, [`Error::Reserved`] and [`Error::NoKey`] for the key of
    /// the report, [`Error::TooMany`]; scanners, a store or a database that fail. What was moved by then stays so.
    pub async fn privacy_scan(&self, ask: &Ask<'_>, tenant: &TenantId, actor: &str) -> Result<PrivacyScan, Error> {
        if ask.which == Which::Golden && !ask.dry_run {
            return Err(Error::Golden);
        }
        if let Some(key) = ask.report_key {
            assert_free(key)?;
        }
        let _turn = self.turn.lock().await;
        let place = self.place(ask.which);
        let objects = self.look(place, ask.prefix, !ask.dry_run).await?;
        let id = uuid::Uuid::now_v7().to_string();
        let (prefix, dry_run) = (ask.prefix.to_owned(), ask.dry_run);
        let scan = PrivacyScan { id, place: place.place(), prefix, dry_run, objects };
        if let Some(key) = ask.report_key {
            let text = report::text(&scan, |key| place.uri(key));
            let meta = Meta::new(Sha256::of(text.as_bytes()), text.len() as u64, "text/plain; charset=utf-8", &now());
            place.keep(key, Content::Bytes(text.as_bytes()), &meta, Over::Nothing).await?;
        }
        self.store.keep_privacy_scan(&record(&scan), tenant, actor).await?;
        Ok(scan)
    }

    /// What of a scan is held back, by key: what lies in quarantine and is not released. With `anew`, what came in is
    /// looked at first.
    ///
    /// # Errors
    /// As [`Transform::privacy_scan`].
    pub async fn held_back(&self, scan: &ScanId, tenant: &TenantId, anew: bool) -> Result<Vec<String>, Error> {
        let prefix = format!("{scan}/incoming/");
        if anew {
            let ask = Ask { which: Which::Raw, prefix: &prefix, dry_run: false, report_key: None };
            self.privacy_scan(&ask, tenant, "host").await?;
        }
        let released = self.store.released_digests().await?;
        let held = quarantined(&*self.raw, &prefix).await?;
        let held = held.into_iter().filter(|(_, sha256)| sha256.is_none_or(|sha256| !released.contains(&sha256)));
        Ok(held.map(|(key, _)| key).collect())
    }

    /// Keeps an object in the raw place. One that is there already stays as it is, whatever it holds.
    ///
    /// # Errors
    /// [`Error::Reserved`], [`Error::NoKey`]; [`certus_store::Error::Taken`] for another one of that key, or in its way;
    /// a store that fails.
    pub async fn keep_raw(&self, key: &str, file: &std::fs::File, meta: &Meta) -> Result<(), Error> {
        assert_free(key)?;
        Ok(self.raw.keep(key, Content::File(file), meta, Over::Nothing).await?)
    }

    async fn look(&self, place: &dyn Objects, prefix: &str, moves: bool) -> Result<Vec<Looked>, Error> {
        let mut objects = privacy::look(place, prefix, &self.inspector).await?;
        privacy::release(&mut objects, &self.store.released_digests().await?);
        if moves {
            for object in objects.iter_mut().filter(|object| !object.is_clean()) {
                let Some(to) = quarantine(place, object, &now()).await? else { continue };
                tracing::warn!(key = object.key, sha256 = %object.sha256, to, "an object was put into quarantine");
                object.moved_to = Some(to);
            }
        }
        Ok(objects)
    }
}

fn record(scan: &PrivacyScan) -> NewPrivacyScan<'_> {
    let count = |n: usize| i64::try_from(n).unwrap_or(i64::MAX);
    NewPrivacyScan {
        id: &scan.id,
        place: &scan.place,
        prefix: &scan.prefix,
        dry_run: scan.dry_run,
        scanned: count(scan.objects.len()),
        quarantined: count(scan.quarantined()),
    }
}

fn now() -> String {
    OffsetDateTime::now_utc().format(&Rfc3339).expect("this year has four digits")
}
