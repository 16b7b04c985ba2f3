//! Keys that clients choose.

use certus_model::ScanId;

use crate::error::Error;
use crate::quarantine::QUARANTINE;

/// Longest key, in bytes: stores take 1,024, and it has to fit there in quarantine, with a digest, below a prefix.
const LONGEST: usize = 900;
/// Longest name between two slashes, in bytes, as folders have it.
pub(crate) const LONGEST_NAME: usize = 255;

/// Refuses keys that not every place takes, and those below which the host, or a folder, keeps what is its own.
pub(crate) fn assert_free(key: &str) -> Result<(), Error> {
    let shown = || certus_model::escape::one_line(key, 200);
    let first = key.split('/').next().unwrap_or(key);
    if key.split('/').any(|name| matches!(name, "" | "." | "..")) || key.contains('\0') {
        return Err(Error::NoKey { key: shown(), why: "has an empty name, as before or after a slash, or `..`" });
    }
    if key.len() > LONGEST || key.split('/').any(|name| name.len() > LONGEST_NAME) {
        return Err(Error::NoKey { key: shown(), why: "has more than 900 bytes, or a name of more than 255" });
    }
    match first.starts_with('.') || Some(first) == QUARANTINE.strip_suffix('/') || first.parse::<ScanId>().is_ok() {
        true => Err(Error::Reserved { key: shown() }),
        false => Ok(()),
    }
}
