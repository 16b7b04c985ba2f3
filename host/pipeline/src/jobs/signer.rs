//! Who signs for a tenant: its own key, where it has one, and then no other.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use certus_model::{Sha256, TenantId};
use certus_signing::{Error as SigningError, KeyRef, OpenWith, SigningKey, TenantKeyRef};
use certus_store::Error as StoreError;

use super::Workers;
use super::attempt::persist;
use super::watchman::Signal;
use crate::error::Error;

/// Who this is in the audit chain.
const ACTOR: &str = "host";

/// Tenants' own keys, each opened once in a process.
pub struct TenantKeys {
    with: OpenWith,
    reaches_kms: bool,
    reserved: Vec<Sha256>,
    opened: Mutex<BTreeMap<String, Slot>>,
}

/// A key, once it is open. Whoever opens it lets others wait for it, and for no other key.
type Slot = Arc<Mutex<Option<Arc<SigningKey>>>>;

impl TenantKeys {
    /// Keys that are opened `with` what the operator has set. `reaches_kms` is whether AWS KMS may be asked from here,
    /// and `reserved` are the keys that are the host's own or Trust's, and no tenant's.
    pub fn new(with: OpenWith, reaches_kms: bool, reserved: Vec<Sha256>) -> Self {
        Self { with, reaches_kms, reserved, opened: Mutex::default() }
    }

    /// Opens a key, which may take half a minute, or takes the one that is open.
    fn open(&self, text: &str) -> Result<Arc<SigningKey>, String> {
        let reference: TenantKeyRef = text.parse().map_err(|error: SigningError| error.to_string())?;
        if matches!(reference.reference(), KeyRef::Kms(_)) && !self.reaches_kms {
            return Err("it lies outside, and nothing outside may be reached".to_owned());
        }
        let slot = {
            let mut opened = self.opened.lock().unwrap_or_else(PoisonError::into_inner);
            opened.entry(reference.to_string()).or_default().clone()
        };
        let mut slot = slot.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(key) = &*slot {
            return Ok(key.clone());
        }
        let key = Arc::new(reference.reference().open(&self.with).map_err(|error| error.to_string())?);
        if self.reserved.contains(&key.public().key_id()) {
            return Err("it is the host's own".to_owned());
        }
        Ok(slot.insert(key).clone())
    }
}

/// The key that signs for a tenant; none where that is the host's. The inner error is of a key that cannot be used:
/// then nothing is signed.
pub(super) async fn of(
    workers: &Arc<Workers>,
    tenant: &TenantId,
    signal: &Signal,
) -> Result<Result<Option<Arc<SigningKey>>, Error>, StoreError> {
    let Some(reference) = persist(signal, || workers.store.signing_key(tenant)).await? else { return Ok(Ok(None)) };
    let opening = tokio::task::spawn_blocking({
        let (workers, reference) = (workers.clone(), reference.clone());
        move || workers.tenant_keys.open(&reference)
    });
    let refused = |cause: String| Ok(Err(Error::TenantKey { reference: reference.clone(), cause }));
    let key = match opening.await {
        Ok(Ok(key)) => key,
        Ok(Err(cause)) => return refused(cause),
        Err(panic) => return refused(panic.to_string()),
    };
    let (id, pem) = (key.public().key_id(), key.public().to_pem());
    match persist(signal, || workers.store.claim_key(tenant, id, &pem, ACTOR)).await? {
        true => Ok(Ok(Some(key))),
        false => refused("it has signed for somebody else; give the tenant a key of its own".to_owned()),
    }
}
