//! The data of one store: what the host remembers of one instance.

use std::sync::{Arc, Mutex, PoisonError};

use certus_model::ledger::Uses;
use certus_model::limits::Limits;
use wasmtime_wasi::{ResourceTable, WasiCtx, WasiCtxView, WasiView};

use crate::error::Error;
use crate::limiter::Limiter;
use crate::view::{GuestLog, View};
use crate::wasi::Files;

pub(crate) struct State {
    pub(crate) limiter: Limiter,
    pub(crate) limits: Limits,
    pub(crate) view: Option<View>,
    pub(crate) uses: Uses,
    /// Shared with the WASI streams, which outlive no call but are made by one.
    pub(crate) log: SharedLog,
    /// A failure of the host inside a call; the call then traps and this is what is reported.
    pub(crate) failure: Option<Error>,
    /// Fuel granted during the call for what it read.
    pub(crate) fuel_earned: u64,
    pub(crate) wasi: WasiCtx,
    /// What WASI finds at `/`.
    pub(crate) files: Files,
    pub(crate) table: ResourceTable,
}

/// The guest's log, shared between the contract's `log` and WASI's streams.
#[derive(Clone, Default)]
pub(crate) struct SharedLog(Arc<Mutex<GuestLog>>);

impl SharedLog {
    pub(crate) fn push(&self, bytes: &[u8], limit: u64) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(bytes, limit);
    }

    pub(crate) fn get(&self) -> GuestLog {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl WasiView for State {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView { ctx: &mut self.wasi, table: &mut self.table }
    }
}
