//! The commands.

pub(crate) mod access;
pub(crate) mod backup;
pub(crate) mod check;
pub(crate) mod client;
pub(crate) mod config;
pub(crate) mod db;
pub(crate) mod doctor;
pub(crate) mod history;
pub(crate) mod keys;
pub(crate) mod log;
pub(crate) mod manual;
pub(crate) mod plugin;
pub(crate) mod prune;
pub(crate) mod queue;
pub(crate) mod replay;
pub(crate) mod revoke;
pub(crate) mod scan;
pub(crate) mod serve;
pub(crate) mod service;
pub(crate) mod transparency;
pub(crate) mod trust;
pub(crate) mod verify;
pub(crate) mod waiver;
pub(crate) mod witness;

use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use anyhow::Context as _;

use crate::exit::Exit;

/// Prints to stdout; a reader that has gone away ends the command quietly.
pub(crate) fn print(text: &str) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => Err(error.into()),
        _ => Ok(()),
    }
}

/// Puts a file in its place, whole or not at all, in that of any that lies there. Everybody may read it.
pub(crate) fn write_whole(path: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let written = || -> std::io::Result<()> {
        let mut file = tempfile::NamedTempFile::new_in(folder)?;
        file.write_all(bytes)?;
        file.as_file().set_permissions(std::fs::Permissions::from_mode(0o644))?;
        file.as_file().sync_all()?;
        file.persist(path)?;
        std::fs::File::open(folder)?.sync_all()
    };
    written().with_context(|| format!("`{}` cannot be written", path.display()))
}

/// Prints one line to stderr.
pub(crate) fn note(text: &str) {
    // If stderr is gone there is nobody to tell.
    let _ = writeln!(std::io::stderr(), "{text}");
}

/// Prints an error as one sentence and says how to end.
pub(crate) fn fail(error: &anyhow::Error) -> Exit {
    if let Some(certus_pipeline::Error::Cancelled) = error.downcast_ref() {
        note("interrupted; nothing was written");
        return Exit::Interrupted;
    }
    note(&format!("error: {}", chain(error)));
    Exit::Host
}

/// An error with its causes, as one sentence. Many hold the words of their cause already; none is said twice.
pub(crate) fn chain(error: &anyhow::Error) -> String {
    let mut said = error.to_string();
    for cause in error.chain().skip(1).map(ToString::to_string) {
        if !said.contains(&cause) {
            said = format!("{said}: {cause}");
        }
    }
    said
}
