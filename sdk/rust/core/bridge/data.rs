//! Capability `data`: look-ups in data packs that the operator granted. A component imports it only
//! if its code calls a function of this module. Outside a sandbox no pack is granted.

use certus_sdk_core::{DataError, Pack};

/// The packs that were granted.
#[cfg(target_arch = "wasm32")]
pub fn packs() -> Vec<Pack> {
    crate::bindings::certus::scanner::data::packs()
        .into_iter()
        .map(|pack| Pack { name: pack.name, digest: pack.digest, entries: pack.entries })
        .collect()
}

/// What `pack` holds under `key`, if anything.
///
/// # Errors
/// [`DataError`] where the pack is not granted or does not exist.
#[cfg(target_arch = "wasm32")]
pub fn get(pack: &str, key: &str) -> Result<Option<Vec<u8>>, DataError> {
    use crate::bindings::certus::scanner::data;
    data::get(pack, key).map_err(|error| match error {
        data::Error::Denied => DataError::Denied,
        data::Error::UnknownPack => DataError::UnknownPack,
    })
}

/// The packs that were granted.
#[cfg(not(target_arch = "wasm32"))]
pub fn packs() -> Vec<Pack> {
    Vec::new()
}

/// What `pack` holds under `key`, if anything.
///
/// # Errors
/// [`DataError`] where the pack is not granted or does not exist.
#[cfg(not(target_arch = "wasm32"))]
pub fn get(_pack: &str, _key: &str) -> Result<Option<Vec<u8>>, DataError> {
    Err(DataError::Denied)
}
