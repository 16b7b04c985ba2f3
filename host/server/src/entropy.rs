//! Random bytes of the system.

use certus_model::{ScanId, UploadId};

use crate::error::Error;

/// `N` bytes that nobody guesses.
pub(crate) fn bytes<const N: usize>() -> Result<[u8; N], Error> {
    let mut bytes = [0; N];
    let mut filled = 0;
    while filled < N {
        let more = rustix::rand::getrandom(&mut bytes[filled..], rustix::rand::GetRandomFlags::empty());
        filled += more.map_err(|cause| Error::Entropy(cause.into()))?;
    }
    Ok(bytes)
}

pub(crate) fn scan_id() -> Result<ScanId, Error> {
    Ok(ScanId::from_random(u128::from_be_bytes(bytes()?)))
}

pub(crate) fn upload_id() -> Result<UploadId, Error> {
    Ok(UploadId::from_random(u128::from_be_bytes(bytes()?)))
}
