//! The code that speaks to tokens, loaded once a process: logging in counts for a whole process.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use certus_model::Sha256;
use cryptoki::context::{CInitializeArgs, CInitializeFlags, Pkcs11};
use cryptoki::error::{Error as Pkcs11Error, RvError};
use cryptoki::session::{Session, UserType};
use cryptoki::slot::Slot;
use cryptoki::types::AuthPin;

use crate::{Error, Password};

static LOADED: Mutex<BTreeMap<PathBuf, Arc<Module>>> = Mutex::new(BTreeMap::new());

/// A module, loaded and initialised.
pub(super) struct Module {
    pub(super) context: Pkcs11,
    /// SHA-256 of the PIN that opened the token in each slot.
    pins: Mutex<BTreeMap<u64, Sha256>>,
}

impl Module {
    /// The module at `path`.
    pub(super) fn load(path: &Path) -> Result<Arc<Self>, Error> {
        let unusable = |cause: String| Error::TokenModule { path: path.display().to_string(), cause };
        // By whatever path, it is one module.
        let file = path.canonicalize().map_err(|cause| unusable(cause.to_string()))?;
        let mut loaded = LOADED.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(module) = loaded.get(&file) {
            return Ok(module.clone());
        }
        let context = Pkcs11::new(&file).map_err(|cause| unusable(cause.to_string()))?;
        context
            .initialize(CInitializeArgs::new(CInitializeFlags::OS_LOCKING_OK))
            .map_err(|cause| unusable(cause.to_string()))?;
        let module = Arc::new(Self { context, pins: Mutex::default() });
        loaded.insert(file, module.clone());
        Ok(module)
    }

    /// Logs in. Where the process is logged in already, for another key of the token, the module does not look at the
    /// PIN any more; so it has to be the one that opened the token then.
    pub(super) fn log_in(&self, session: &Session, slot: Slot, pin: &Password) -> Result<(), Pkcs11Error> {
        let digest = Sha256::of(pin.as_bytes());
        let mut pins = self.pins.lock().unwrap_or_else(PoisonError::into_inner);
        match session.login(UserType::User, Some(&AuthPin::from(pin.as_str()))) {
            Ok(()) => {
                pins.insert(slot.id(), digest);
                Ok(())
            }
            Err(Pkcs11Error::Pkcs11(RvError::UserAlreadyLoggedIn, function)) => match pins.get(&slot.id()) {
                Some(known) if *known == digest => Ok(()),
                _ => Err(Pkcs11Error::Pkcs11(RvError::PinIncorrect, function)),
            },
            Err(error) => Err(error),
        }
    }
}
