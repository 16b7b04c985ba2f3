//! Transform, put together.

use std::collections::BTreeSet;
use std::sync::Arc;

use certus_model::{ScanId, Sha256, TenantId};
use certus_store::{Content, Error as StoreError, Meta, NewPrivacyScan, Objects, Over, Store};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::error::Error;
use crate::inspector::Inspector;
use crate::key::assert_free;
use crate::privacy::{self, Looked, PrivacyScan};
use crate::quarantine::{quarantine, quarantined};
use crate::report;
use crate::turn::Turns;

/// Looks after what lies in the places that scans are published to.
#[derive(Clone)]
pub struct Transform {
    store: Store,
    raw: Arc<dyn Objects>,
    golden: Arc<dyn Objects>,
    inspector: Arc<dyn Inspector>,
    turns: Turns,
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
        Self { store, raw, golden, inspector, turns: Turns::default() }
    }

    /// A place.
    pub fn place(&self, which: Which) -> &dyn Objects {
        match which {
            Which::Raw => &*self.raw,
            Which::Golden => &*self.golden,
        }
    }

    /// Looks at every object below a prefix, moves what is not clean into quarantine, and puts that on record. One scan
    /// of a tenant runs or waits at a time.
    ///
    /// # Errors
    /// [`Error::Golden`] for objects that are not to be moved, [`Error::Reserved`] and [`Error::NoKey`] for the key of
    /// the report, [`certus_store::Error::Taken`] for one that is there already, [`Error::TooMany`], [`Error::Busy`];
    /// scanners, a store or a database that fail. Then nothing was moved, or it is [`Error::Unfinished`].
    pub async fn privacy_scan(&self, ask: &Ask<'_>, tenant: &TenantId, actor: &str) -> Result<PrivacyScan, Error> {
        if ask.which == Which::Golden && !ask.dry_run {
            return Err(Error::Golden);
        }
        if let Some(key) = ask.report_key {
            assert_free(key)?;
        }
        let _turn = self.turns.asked(tenant).await?;
        self.scan(ask, tenant, actor).await
    }

    /// What of a scan is held back, by key: what lies in quarantine and is not released. With `anew`, what came in is
    /// looked at first.
    ///
    /// # Errors
    /// As [`Transform::privacy_scan`], but that it waits for no scan that somebody asked for.
    pub async fn held_back(&self, scan: &ScanId, tenant: &TenantId, anew: bool) -> Result<Vec<String>, Error> {
        let prefix = format!("{scan}/incoming/");
        if anew {
            let ask = Ask { which: Which::Raw, prefix: &prefix, dry_run: false, report_key: None };
            let _turn = self.turns.gate().await;
            self.scan(&ask, tenant, "host").await?;
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

    async fn scan(&self, ask: &Ask<'_>, tenant: &TenantId, actor: &str) -> Result<PrivacyScan, Error> {
        let place = self.place(ask.which);
        if let Some(key) = ask.report_key
            && place.look(key).await?.is_some()
        {
            return Err(StoreError::Taken { what: key.to_owned(), place: place.place() }.into());
        }
        let mut objects = privacy::look(place, ask.prefix, &self.inspector).await?;
        privacy::release(&mut objects, &self.store.released_digests().await?);
        let id = uuid::Uuid::now_v7().to_string();
        let (prefix, dry_run) = (ask.prefix.to_owned(), ask.dry_run);
        let mut scan = PrivacyScan { id, place: place.place(), prefix, dry_run, objects };
        let ended = self.end(&mut scan, place, ask.report_key, tenant, actor).await;
        let moved = scan.moved();
        match ended {
            Ok(()) => Ok(scan),
            Err(cause) if moved == 0 => Err(cause),
            Err(cause) => Err(Error::Unfinished { moved, cause: Box::new(cause) }),
        }
    }

    /// Moves what was seen, puts on record what was moved, whatever failed, and only then writes the report. That there
    /// is something to be moved is on record before, for whoever dies or finds no database on the way.
    async fn end(
        &self,
        scan: &mut PrivacyScan,
        place: &dyn Objects,
        report_key: Option<&str>,
        tenant: &TenantId,
        actor: &str,
    ) -> Result<(), Error> {
        let moves = !scan.dry_run && scan.quarantined() > 0;
        if moves {
            self.store.announce_privacy_scan(&record(scan, false), tenant, actor).await?;
        }
        let all_moved = if moves { move_unclean(place, &mut scan.objects).await } else { Ok(()) };
        if all_moved.is_ok() || scan.moved() > 0 {
            self.store.keep_privacy_scan(&record(scan, all_moved.is_err()), tenant, actor).await?;
        }
        all_moved?;
        let Some(key) = report_key else { return Ok(()) };
        let text = report::text(scan, |key| place.uri(key));
        let meta = Meta::new(Sha256::of(text.as_bytes()), text.len() as u64, "text/plain; charset=utf-8", &now());
        Ok(place.keep(key, Content::Bytes(text.as_bytes()), &meta, Over::Nothing).await?)
    }
}

/// Moves what is not clean; what is gone by then is left out. What was moved says where it lies, also if this fails.
async fn move_unclean(place: &dyn Objects, objects: &mut Vec<Looked>) -> Result<(), Error> {
    let mut gone = BTreeSet::new();
    for object in objects.iter_mut().filter(|object| !object.is_clean()) {
        object.moved_to = quarantine(place, object, &now()).await?;
        match &object.moved_to {
            Some(to) => {
                tracing::warn!(key = object.key, sha256 = %object.sha256, to, "an object was put into quarantine");
            }
            None => drop(gone.insert(object.key.clone())),
        }
    }
    objects.retain(|object| !gone.contains(&object.key));
    Ok(())
}

fn record(scan: &PrivacyScan, failed: bool) -> NewPrivacyScan<'_> {
    let count = |n: usize| i64::try_from(n).unwrap_or(i64::MAX);
    NewPrivacyScan {
        id: &scan.id,
        place: &scan.place,
        prefix: &scan.prefix,
        dry_run: scan.dry_run,
        scanned: count(scan.objects.len()),
        quarantined: count(if scan.dry_run { scan.quarantined() } else { scan.moved() }),
        failed,
    }
}

fn now() -> String {
    OffsetDateTime::now_utc().format(&Rfc3339).expect("this year has four digits")
}
