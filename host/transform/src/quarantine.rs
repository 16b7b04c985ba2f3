//! Where objects go that are not clean, and how.

use certus_model::Sha256;
use certus_store::{Error as StoreError, Meta, Objects, Over};

use crate::error::Error;
use crate::key::LONGEST_NAME;
use crate::privacy::{Looked, summary};

/// Below which what was moved lies, under the key that it had, or, where that was taken, with its digest appended.
pub const QUARANTINE: &str = "quarantine/";

/// Moves an object, as it was looked at, and says where it lies now; nowhere if somebody else has removed it. What
/// lies in quarantine already stays there: other content goes beside it.
pub(crate) async fn quarantine(place: &dyn Objects, object: &Looked, now: &str) -> Result<Option<String>, Error> {
    let kind = place.look(&object.key).await?.and_then(|found| found.meta);
    let kind = kind.as_ref().map_or("application/octet-stream", Meta::content_type);
    let meta = Meta::new(object.sha256, object.size, kind, now)
        .field("quarantined-from", &object.key)
        .field("findings", &summary(&object.seen))
        .tag("quarantined", "true");
    let mut taken = None;
    for key in keys(&object.key, object.sha256) {
        // It is read back, so what was looked at is there before it goes here.
        match place.keep_copy(place, &object.key, &key, &meta, Over::Nothing).await {
            Err(error @ StoreError::Taken { .. }) => taken = Some(error),
            Err(StoreError::Gone { .. }) => return Ok(None),
            kept => {
                kept?;
                certus_store::crash_point("quarantine-copied");
                // What was put here since is something that nobody has looked at.
                if place.digest(&object.key).await? == Some(object.sha256) {
                    place.remove(&object.key).await?;
                }
                return Ok(Some(key));
            }
        }
    }
    Err(taken.expect("there is a key to be taken").into())
}

/// Where an object may go, the first that is free: its own key, then with its digest appended to the last name, and,
/// where in a folder one of its names is a file's, to that.
fn keys(key: &str, sha256: Sha256) -> impl Iterator<Item = String> {
    let ends = key.rmatch_indices('/').map(|(at, _)| at);
    let appended = std::iter::once(key.len()).chain(ends).map(move |end| {
        let (head, rest) = key.split_at(end);
        let (above, name) = head.rsplit_once('/').map_or(("", head), |(above, name)| (above, name));
        let slash = if above.is_empty() { "" } else { "/" };
        let digest = sha256.to_string();
        // Names of a folder are no longer than that.
        let name = &name[..name.floor_char_boundary(LONGEST_NAME - digest.len() - 1)];
        format!("{above}{slash}{name}.{digest}{rest}")
    });
    std::iter::once(key.to_owned()).chain(appended).map(|key| format!("{QUARANTINE}{key}"))
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
