//! The empty store that git fetches into, and all of git's configuration.

use std::fmt::Write as _;
use std::io;
use std::path::{Path, PathBuf};

use crate::scratch::Folder;

/// Name of the store within its folder.
pub(super) const STORE: &str = "store.git";
/// Name of git's only configuration file within the folder.
pub(super) const CONFIG: &str = "gitconfig";
/// Configuration of a store as `git init` writes it.
const SHA1_STORE: &str = "[core]\n\trepositoryformatversion = 0\n\tbare = true\n";
pub(super) const SHA256_STORE: &str =
    "[core]\n\trepositoryformatversion = 1\n\tbare = true\n[extensions]\n\tobjectformat = sha256\n";

/// Writes an empty bare store, as `git init --bare --template=` would, and the configuration. The owner of
/// the paths in `safe` does not matter.
pub(super) fn lay_out(folder: &Folder, safe: &[PathBuf]) -> io::Result<()> {
    let dir = folder.dir();
    for path in ["objects/pack", "objects/info", "refs"] {
        dir.create_dir_all(Path::new(STORE).join(path))?;
    }
    let store = dir.open_dir(STORE)?;
    store.write("HEAD", "ref: refs/heads/none\n")?;
    store.write("config", SHA1_STORE)?;
    dir.write(CONFIG, config(safe))
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
        let path = path.to_string_lossy().replace('\\', "\\\\").replace('"', "\\\"");
        // Writing to a String cannot fail.
        let _ = write!(text, "[safe]\n\tdirectory = \"{path}\"\n");
    }
    text
}
