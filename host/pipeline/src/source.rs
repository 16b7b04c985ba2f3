//! From what was asked for to a sealed workspace, told in the words that clients know.

use certus_checkout::Checkout;
use certus_model::Sha256;
use certus_model::source::SourceRecord;

use crate::error::Error;
use crate::event::{Event, Events};
use crate::host::Host;
use crate::request::{Request, Subject};
use crate::sample;

/// Seals what is scanned.
pub(crate) fn check_out(host: &Host, request: &Request<'_>, events: &mut Events<'_>) -> Result<Checkout, Error> {
    let (limits, scratch, git, cancelled) = (&host.workspace, &host.scratch, &host.git, request.cancelled);
    let kind = match &request.subject {
        Subject::Source { source, .. } => source.kind(),
        Subject::Sample => "directory",
    };
    events.phase(match kind {
        "git" => "Cloning repository",
        "archive" => "Extracting archive",
        _ => "Preparing directory source",
    })?;
    certus_store::crash_point("pipeline-checkout");
    let sealed = match &request.subject {
        Subject::Source { source, reference } => {
            certus_checkout::checkout(source, reference.as_ref(), limits, scratch, git, cancelled)?
        }
        Subject::Sample => sample::checkout(limits, scratch, git, cancelled)?,
    };
    events.emit(match &sealed.record {
        SourceRecord::Git { git_commit, branch, .. } => Event::Phase {
            message: "Clone complete".to_owned(),
            commit: Some(git_commit.clone()),
            branch: branch.clone(),
            hash: None,
        },
        SourceRecord::Directory { .. } => prepared("Directory prepared", sealed.tree_digest),
        SourceRecord::Archive { archive_hash, .. } => prepared("Archive extracted", *archive_hash),
    })?;
    Ok(sealed)
}

fn prepared(message: &str, hash: Sha256) -> Event {
    Event::Phase { message: message.to_owned(), commit: None, branch: None, hash: Some(hash) }
}
