//! One instance of a plugin: made fresh, called, dropped after the first thing that goes wrong.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Duration, Instant};

use certus_model::Sha256;
use certus_model::finding::{UnverifiedFinding, UnverifiedReport};
use certus_model::ledger::{Operation, Outcome, Uses};
use certus_model::limits::Limits;
use certus_model::outcome::CallReason;
use certus_model::plugin::SettingValue;
use certus_model::run::Cost;
use wasmtime::{Engine, Store, UpdateDeadline};
use wasmtime_wasi::ResourceTable;

use crate::bindings::{files, plugin, tree};
use crate::call::{CallError, guarded};
use crate::error::Error;
use crate::lift;
use crate::limiter::Limiter;
use crate::plugin::Plugin;
use crate::state::{SharedLog, State};
use crate::view::{GuestLog, View};
use crate::wasi::Files;

/// A file as it is handed to a `files` scanner.
#[derive(Debug, Clone, Copy)]
pub struct FileInput<'a> {
    /// The escaped path.
    pub path: &'a str,
    /// All of its content.
    pub content: &'a [u8],
    /// Keyword index and first byte of each hit, in order.
    pub hits: &'a [(u32, u64)],
    /// False if there were more hits than the limit.
    pub hits_complete: bool,
}

/// A live instance, or what is left of one.
pub struct Instance {
    live: Option<Live>,
    limits: Limits,
    snapshot: Option<Sha256>,
    log: SharedLog,
    uses: Uses,
    cost: Cost,
}

struct Live {
    store: Store<State>,
    plugin: plugin::Guest,
    files: Option<files::Guest>,
    tree: Option<tree::Guest>,
}

impl Plugin {
    /// Makes a fresh instance. `view` is what `workspace` shows, `root` what WASI finds at `/`.
    ///
    /// # Errors
    /// A start function that traps or runs too long, limits that its memories or tables exceed at
    /// once, or the host's own failure.
    pub async fn instantiate(
        &self,
        limits: &Limits,
        view: Option<View>,
        root: Option<&Path>,
    ) -> Result<Instance, CallError> {
        let log = SharedLog::default();
        let mut store = new_store(&self.engine, limits, view, root, &log).map_err(CallError::Host)?;
        let started = Instant::now();
        let fuel = limits.fuel.configure;
        let live = guarded(&mut store, fuel, limits.call_deadline, async |store| {
            let instance = self.pre.instantiate_async(&mut *store).await?;
            Ok((
                self.exports.plugin.load(&mut *store, &instance)?,
                self.exports.files.as_ref().map(|i| i.load(&mut *store, &instance)).transpose()?,
                self.exports.tree.as_ref().map(|i| i.load(&mut *store, &instance)).transpose()?,
            ))
        })
        .await;
        let (plugin, files, tree) = live?;
        let mut instance = Instance {
            live: None,
            limits: limits.clone(),
            snapshot: self.passport.snapshot,
            log,
            uses: Uses::default(),
            cost: Cost { instances: 1, ..Cost::default() },
        };
        instance.charge(&mut store, fuel, started);
        instance.live = Some(Live { store, plugin, files, tree });
        Ok(instance)
    }
}

impl Instance {
    /// Hands over the settings, unless the instance's memory was snapshotted after just these.
    ///
    /// # Errors
    /// See [`CallError`].
    pub async fn configure(&mut self, settings: &BTreeMap<String, SettingValue>) -> Result<(), CallError> {
        let digest = settings_digest(settings);
        self.uses.record(Operation::Configure, "", Outcome::Ok, 0);
        if self.snapshot == Some(digest) {
            return Ok(());
        }
        let settings = lift::settings(settings);
        let fuel = self.limits.fuel.configure;
        let deadline = self.limits.call_deadline;
        self.call(fuel, deadline, async |live| live.plugin.call_configure(&mut live.store, &settings).await)
            .await?
            .map_err(|problem| CallError::Guest(lift::problem(problem)))
    }

    /// Asks for the answer to one file, within `deadline` and the limit of a call.
    ///
    /// # Errors
    /// See [`CallError`].
    pub async fn scan_file(
        &mut self,
        file: FileInput<'_>,
        deadline: Duration,
    ) -> Result<Vec<UnverifiedFinding>, CallError> {
        let input = lift::file(&file);
        let size = file.content.len() as u64;
        let fuel = self.limits.fuel.file_call.saturating_add(self.limits.fuel.for_content(size));
        let deadline = deadline.min(self.limits.call_deadline);
        let answer = self
            .call(fuel, deadline, async |live| match &live.files {
                Some(files) => files.call_scan(&mut live.store, &input).await,
                None => wasmtime::bail!("the plugin has no export `files`"),
            })
            .await;
        let outcome = if answer.is_ok() { Outcome::Ok } else { Outcome::Failed };
        self.uses.record(Operation::File, file.path, outcome, size);
        match answer? {
            Ok(findings) => Ok(findings.into_iter().map(lift::finding).collect()),
            Err(problem) => Err(CallError::Guest(lift::problem(problem))),
        }
    }

    /// Asks for the answer to the whole workspace, within `deadline` and the limit of a call.
    ///
    /// # Errors
    /// See [`CallError`].
    pub async fn scan_tree(&mut self, deadline: Duration) -> Result<UnverifiedReport, CallError> {
        let fuel = self.limits.fuel.tree_call;
        let deadline = deadline.min(self.limits.call_deadline);
        if let Some(live) = &mut self.live {
            let transfer = usize::try_from(self.limits.tree_transfer).unwrap_or(usize::MAX);
            live.store.set_hostcall_fuel(transfer);
        }
        let answer = self
            .call(fuel, deadline, async |live| match &live.tree {
                Some(tree) => tree.call_scan(&mut live.store).await,
                None => wasmtime::bail!("the plugin has no export `tree`"),
            })
            .await;
        let outcome = if answer.is_ok() { Outcome::Ok } else { Outcome::Failed };
        self.uses.record(Operation::Tree, "", outcome, 0);
        match answer? {
            Ok(report) => Ok(lift::report(report)),
            Err(problem) => Err(CallError::Guest(lift::problem(problem))),
        }
    }

    /// What it was given and asked for so far.
    pub fn uses(&self) -> Uses {
        let mut uses = self.uses.clone();
        if let Some(live) = &self.live {
            uses.merge(live.store.data().uses.clone());
        }
        uses
    }

    /// What it cost so far.
    pub fn cost(&self) -> Cost {
        self.cost
    }

    /// What it said for the operator.
    pub fn log(&self) -> GuestLog {
        self.log.get()
    }

    /// Runs one call on the live instance. Whatever strikes, the store is dropped with it, and so it is
    /// when the caller drops this future half-way: it is out of `self` for as long as the call lasts.
    async fn call<T>(
        &mut self,
        fuel: u64,
        deadline: Duration,
        call: impl AsyncFnOnce(&mut LiveCall<'_>) -> wasmtime::Result<T>,
    ) -> Result<T, CallError> {
        let Some(mut live) = self.live.take() else {
            return Err(CallError::struck(CallReason::Trap, "the instance is gone after an earlier failure"));
        };
        let started = Instant::now();
        let Live { store, plugin, files, tree } = &mut live;
        let answer = guarded(store, fuel, deadline, async |store| {
            call(&mut LiveCall { store, plugin, files: files.as_ref(), tree: tree.as_ref() }).await
        })
        .await;
        self.cost.calls += 1;
        self.charge(store, fuel, started);
        if answer.is_ok() {
            self.live = Some(live);
        } else {
            self.uses.merge(live.store.into_data().uses);
        }
        answer
    }

    fn charge(&mut self, store: &mut Store<State>, fuel: u64, started: Instant) {
        let earned = std::mem::take(&mut store.data_mut().fuel_earned);
        let left = store.get_fuel().unwrap_or(0);
        self.cost.fuel += fuel.saturating_add(earned).saturating_sub(left);
        self.cost.sandbox_nanos += u64::try_from(started.elapsed().as_nanos()).unwrap_or(u64::MAX);
    }
}

/// What a call works on.
struct LiveCall<'a> {
    store: &'a mut Store<State>,
    plugin: &'a plugin::Guest,
    files: Option<&'a files::Guest>,
    tree: Option<&'a tree::Guest>,
}

/// The digest by which a snapshot names the settings it was taken with.
pub fn settings_digest(settings: &BTreeMap<String, SettingValue>) -> Sha256 {
    // Not the canonical form, whose numbers are doubles: two large ones would share a digest. The map
    // is sorted, and texts, numbers, flags and lists of texts can always be written.
    Sha256::of(&serde_json::to_vec(settings).expect("settings can always be written as JSON"))
}

/// A store with every limit set.
pub(crate) fn new_store(
    engine: &Engine,
    limits: &Limits,
    view: Option<View>,
    root: Option<&Path>,
    log: &SharedLog,
) -> Result<Store<State>, Error> {
    let mut table = ResourceTable::new();
    table.set_max_capacity(limits.handles);
    let wasi = crate::wasi::context(limits, log);
    let files = root.map(|root| Files::open(root, limits.listed)).transpose()?.unwrap_or_default();
    let mut store = Store::new(
        engine,
        State {
            limiter: Limiter::new(limits),
            limits: limits.clone(),
            view,
            uses: Uses::default(),
            log: log.clone(),
            failure: None,
            fuel_earned: 0,
            wasi,
            files,
            table,
        },
    );
    store.limiter(|state| &mut state.limiter);
    store.set_hostcall_fuel(usize::try_from(limits.file_transfer).unwrap_or(usize::MAX));
    store.set_max_component_handles(limits.handles);
    // At every tick the guest yields to the runtime, whose timer is the deadline.
    store.epoch_deadline_callback(|_| Ok(UpdateDeadline::Yield(1)));
    store.set_epoch_deadline(1);
    Ok(store)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_that_differ_have_different_digests() {
        let with = |number| BTreeMap::from([("limit".to_owned(), SettingValue::Number(number))]);
        // Neighbours that no double tells apart.
        assert_ne!(settings_digest(&with(1 << 53)), settings_digest(&with((1 << 53) + 1)));
        assert_eq!(settings_digest(&with(3)), settings_digest(&with(3)));
    }
}
