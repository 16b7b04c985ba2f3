//! Who looks now, and who waits.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

use certus_model::TenantId;
use tokio::sync::MutexGuard;

use crate::error::Error;

/// Each look takes a turn, for those who look take memory and move objects: one that somebody asked for and one of a
/// publication at a time, neither of which waits for the other.
#[derive(Clone, Debug, Default)]
pub(crate) struct Turns {
    asked: Arc<tokio::sync::Mutex<()>>,
    gate: Arc<tokio::sync::Mutex<()>>,
    /// Whose look runs or waits.
    tenants: Arc<Mutex<BTreeSet<TenantId>>>,
}

/// A turn that a tenant has asked for; it ends when this is dropped.
pub(crate) struct Asked<'a> {
    _turn: MutexGuard<'a, ()>,
    _only: Only<'a>,
}

/// A tenant's only look.
struct Only<'a> {
    turns: &'a Turns,
    tenant: TenantId,
}

impl Turns {
    /// A turn for a look that a tenant asks for.
    ///
    /// # Errors
    /// [`Error::Busy`] while another one of that tenant runs or waits.
    pub(crate) async fn asked(&self, tenant: &TenantId) -> Result<Asked<'_>, Error> {
        if !self.tenants.lock().unwrap_or_else(PoisonError::into_inner).insert(tenant.clone()) {
            return Err(Error::Busy);
        }
        let only = Only { turns: self, tenant: tenant.clone() };
        Ok(Asked { _turn: self.asked.lock().await, _only: only })
    }

    /// A turn for a publication.
    pub(crate) async fn gate(&self) -> MutexGuard<'_, ()> {
        self.gate.lock().await
    }
}

impl Drop for Only<'_> {
    fn drop(&mut self) {
        self.turns.tenants.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.tenant);
    }
}
