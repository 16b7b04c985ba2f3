//! Passports and compiled plugins, kept between runs. Loading tampered machine code would run it, so nothing is
//! loaded that this user's own key does not vouch for.

use std::hash::{Hash as _, Hasher as _};
use std::io::Write as _;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use hmac::{Hmac, KeyInit as _, Mac as _};

use crate::error::Error;

const KEY: usize = 32;
const MAC: usize = 32;

/// A folder of what admission made, each entry authenticated with a key that lies beside them.
#[derive(Debug)]
pub(crate) struct Cache {
    folder: PathBuf,
    key: [u8; KEY],
    /// Names the wasmtime version, the target and the engine's settings.
    engine: String,
}

impl Cache {
    /// Opens `folder`, making it if it is not there.
    pub(crate) fn open(folder: &Path, engine: &wasmtime::Engine) -> Result<Self, Error> {
        let fault = |problem: String| Error::Cache { path: folder.display().to_string(), problem };
        std::fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(folder)
            .map_err(|e| fault(format!("cannot be made ({e}); name another with CERTUS_CACHE_DIR")))?;
        let meta = std::fs::metadata(folder).map_err(|e| fault(format!("cannot be looked at: {e}")))?;
        if meta.uid() != rustix::process::geteuid().as_raw() || meta.mode() & 0o022 != 0 {
            return Err(fault("belongs to or can be written by others; make it yours alone (chmod 700) or name another with CERTUS_CACHE_DIR".to_owned()));
        }
        let key = read_or_make_key(&folder.join("key"))
            .map_err(|e| fault(format!("has no usable key ({e}); remove the folder")))?;
        let mut hasher = std::hash::DefaultHasher::new();
        engine.precompile_compatibility_hash().hash(&mut hasher);
        Ok(Self { folder: folder.to_owned(), key, engine: format!("{:016x}", hasher.finish()) })
    }

    /// What was kept under `name`, if it is whole and authentic.
    pub(crate) fn load(&self, name: &str) -> Option<Vec<u8>> {
        let path = self.path(name);
        let mut bytes = std::fs::read(&path).ok()?;
        let authentic =
            bytes.split_at_checked(MAC).is_some_and(|(mac, kept)| self.mac(name, kept).verify_slice(mac).is_ok());
        if !authentic {
            tracing::warn!(name, "an entry of the plugin cache is not authentic; it is made anew");
            // If it cannot be removed it is overwritten, and until then never loaded.
            let _ = std::fs::remove_file(&path);
            return None;
        }
        bytes.drain(..MAC);
        Some(bytes)
    }

    /// Keeps `bytes` under `name`; a cache that cannot be written costs time, not a scan.
    pub(crate) fn store(&self, name: &str, bytes: &[u8]) {
        let temporary = self.folder.join(format!(".{name}.{}", std::process::id()));
        let written = open_private(&temporary)
            .and_then(|mut file| {
                file.write_all(&self.mac(name, bytes).finalize().into_bytes())?;
                file.write_all(bytes)
            })
            .and_then(|()| std::fs::rename(&temporary, self.path(name)));
        if let Err(error) = written {
            tracing::warn!(name, %error, "an entry of the plugin cache could not be kept");
            let _ = std::fs::remove_file(&temporary);
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.join(format!("{name}-{}", self.engine))
    }

    fn mac(&self, name: &str, bytes: &[u8]) -> Hmac<sha2::Sha256> {
        let mut mac = Hmac::<sha2::Sha256>::new_from_slice(&self.key).expect("HMAC takes keys of any length");
        // Names are plain words of known length before the bytes: nothing can shift between the parts.
        mac.update(name.as_bytes());
        mac.update(self.engine.as_bytes());
        mac.update(&[0]);
        mac.update(bytes);
        mac
    }
}

fn open_private(path: &Path) -> std::io::Result<std::fs::File> {
    std::fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path)
}

/// The key of 32 random bytes. Two processes that start at once agree: the first link wins.
fn read_or_make_key(path: &Path) -> std::io::Result<[u8; KEY]> {
    if !path.exists() {
        let mut key = [0; KEY];
        rustix::rand::getrandom(&mut key[..], rustix::rand::GetRandomFlags::empty())?;
        let temporary = path.with_extension(std::process::id().to_string());
        open_private(&temporary)?.write_all(&key)?;
        // Fails if another process was faster; its key then counts.
        let _ = std::fs::hard_link(&temporary, path);
        std::fs::remove_file(&temporary)?;
    }
    let meta = std::fs::metadata(path)?;
    if meta.mode() & 0o077 != 0 {
        return Err(std::io::Error::other("others may read it"));
    }
    std::fs::read(path)?.try_into().map_err(|_| std::io::Error::other("it has the wrong length"))
}
