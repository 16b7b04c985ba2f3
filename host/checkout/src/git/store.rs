//! The empty store that git fetches into, and all of git's configuration.

use std::fmt::Write as _;
use std::io;
use std::path::{Path, PathBuf};

use certus_outbound::Pinned;

use super::pins;
use crate::scratch::Folder;

/// Name of the store within its folder.
pub(super) const STORE: &str = "store.git";
/// Name of git's only configuration file within the folder.
pub(super) const CONFIG: &str = "gitconfig";
/// Name of the certificates that git trusts in place of the machine's, within the folder.
const AUTHORITIES: &str = "authorities.pem";
/// Configuration of a store as `git init` writes it.
const SHA1_STORE: &str = "[core]\n\trepositoryformatversion = 0\n\tbare = true\n";
pub(super) const SHA256_STORE: &str =
    "[core]\n\trepositoryformatversion = 1\n\tbare = true\n[extensions]\n\tobjectformat = sha256\n";

/// Writes an empty bare store, as `git init --bare --template=` would, and the configuration. The owner of
/// the paths in `safe` does not matter; a host that is pinned is reached at its pinned addresses alone.
pub(super) fn lay_out(folder: &Folder, safe: &[PathBuf], pinned: Option<&Pinned>) -> io::Result<()> {
    let dir = folder.dir();
    for path in ["objects/pack", "objects/info", "refs"] {
        dir.create_dir_all(Path::new(STORE).join(path))?;
    }
    let store = dir.open_dir(STORE)?;
    store.write("HEAD", "ref: refs/heads/none\n")?;
    store.write("config", SHA1_STORE)?;
    let mut text = config(safe);
    if let Some(pinned) = pinned {
        text += &pins::setting(pinned);
        if let Some(authorities) = pinned.authorities() {
            dir.write(AUTHORITIES, authorities.pem())?;
            // Writing to a String cannot fail.
            let _ = write!(text, "[http]\n\tsslCAInfo = {}\n", quoted(&folder.path().join(AUTHORITIES)));
        }
    }
    dir.write(CONFIG, text)
}

fn quoted(path: &Path) -> String {
    format!("\"{}\"", path.to_string_lossy().replace('\\', "\\\\").replace('"', "\\\""))
}

/// git's whole configuration. A file rather than `-c` options, because git hands a file, but not
/// options, to the other half of a local fetch. That half need neither search for deltas nor compress:
/// what it packs goes to the next process, not over a wire.
fn config(safe: &[PathBuf]) -> String {
    let mut text = "\
[core]
	hooksPath = /dev/null
	packedGitWindowSize = 32m
	packedGitLimit = 256m
[protocol]
	version = 2
[transfer]
	fsckObjects = true
	bundleURI = false
[fetch]
	recurseSubmodules = false
	unpackLimit = 1
	writeCommitGraph = false
[fetch \"fsck\"]
	zeroPaddedFilemode = warn
	badTimezone = warn
[pack]
	threads = 2
	window = 0
	compression = 0
[gc]
	auto = 0
[maintenance]
	auto = false
[http]
	followRedirects = false
	lowSpeedLimit = 1000
	lowSpeedTime = 30
"
    .to_owned();
    for path in safe {
        // Writing to a String cannot fail.
        let _ = write!(text, "[safe]\n\tdirectory = {}\n", quoted(path));
    }
    text
}
