//! Where objects go that are not clean, and how.

use certus_model::Sha256;
use certus_store::{Meta, Objects, Over};

use crate::error::Error;
use crate::privacy::{Looked, summary};

/// Below which what was moved lies, under the key that it had.
pub const QUARANTINE: &str = "quarantine/";

/// Moves an object, as it was looked at, and says where it lies now.
pub(crate) async fn quarantine(place: &dyn Objects, object: &Looked, now: &str) -> Result<String, Error> {
    let key = format!("{QUARANTINE}{}", object.key);
    let kind = place.look(&object.key).await?.and_then(|found| found.meta);
    let kind = kind.as_ref().map_or("application/octet-stream", Meta::content_type);
    let meta = Meta::new(object.sha256, object.size, kind, now)
        .field("quarantined-from", &object.key)
        .field("findings", &summary(&object.seen))
        .tag("quarantined", "true");
    // It is read back, so what was looked at is there before it goes here.
    place.keep_copy(place, &object.key, &key, &meta, Over::Anything).await?;
    certus_store::crash_point("quarantine-copied");
    place.remove(&object.key).await?;
    Ok(key)
}

/// What lies in quarantine of all that was below `prefix`, with its digest; none of what the store has forgotten.
pub(crate) async fn quarantined(place: &dyn Objects, prefix: &str) -> Result<Vec<(String, Option<Sha256>)>, Error> {
    let mut held = Vec::new();
    for object in place.list(&format!("{QUARANTINE}{prefix}")).await? {
        let sha256 = place.digest(&object.key).await?;
        held.push((object.key, sha256));
    }
    Ok(held)
}
