//! A folder of keys: `NAME.key` beside `NAME.pub`.

mod files;

use std::path::{Path, PathBuf};

use cap_std::fs::Dir;
use certus_model::ids::Name;

use crate::{Error, KeySet, Password, PublicKey, SigningKey};

pub(crate) use files::{read_ambient, read_private_ambient};

/// The name of the key that is made on first use.
const DEVELOPMENT: &str = "development";
/// The file of that key's private half.
pub(crate) const DEVELOPMENT_FILE: &str = "development.key";

/// Keys in one folder. The folder need not exist until a key is made; it is then made with mode 0700.
#[derive(Clone, Debug)]
pub struct KeyStore {
    folder: PathBuf,
}

/// A key of a store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyInfo {
    /// Its name: that of its files, without their endings.
    pub name: Name,
    /// The public half.
    pub public: PublicKey,
    /// Whether the private half is there too, so that it can sign.
    pub can_sign: bool,
    /// Whether it was made on first use, by nobody's decision.
    pub development: bool,
}

impl KeyStore {
    /// The store in `folder`; looks at nothing yet.
    pub fn at(folder: impl Into<PathBuf>) -> Self {
        Self { folder: folder.into() }
    }

    /// Where the keys are.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Makes a key: `NAME.key` with mode 0600, sealed under `password`, and `NAME.pub` with mode 0644.
    ///
    /// # Errors
    /// A name that is taken or reserved, a folder that others may write to or that cannot be written.
    pub fn generate(&self, name: &Name, password: &Password) -> Result<KeyInfo, Error> {
        if name.as_str() == DEVELOPMENT {
            return Err(Error::ReservedName(name.clone()));
        }
        let dir = files::create_folder(&self.folder)?;
        if dir.symlink_metadata(key_file(name.as_str())).is_ok() {
            return Err(Error::KeyExists(name.clone()));
        }
        let key = SigningKey::generate()?;
        // The public half first: a crash between the two leaves a key that cannot sign, which is
        // better than one whose signatures nobody can verify.
        self.write(&dir, name.as_str(), &public_file(name.as_str()), &key.public().to_pem(), 0o644)?;
        let sealed = key.to_cosign_pem(password)?;
        if let Err(error) = self.write(&dir, name.as_str(), &key_file(name.as_str()), &sealed, 0o600) {
            // Best effort: the error says what matters, and a lone public half does no harm.
            let _ = dir.remove_file(public_file(name.as_str()));
            return Err(error);
        }
        Ok(KeyInfo { name: name.clone(), public: key.public().clone(), can_sign: true, development: false })
    }

    /// The development key, made now if there is none: for scans that were given no key. It has the
    /// empty password, so whoever can read the file can sign with it; what it signs says so.
    ///
    /// # Errors
    /// A folder or file with unsafe permissions, or one that cannot be written.
    pub fn development(&self) -> Result<SigningKey, Error> {
        let dir = files::create_folder(&self.folder)?;
        let key = match self.open_private(&dir, DEVELOPMENT, &Password::default()) {
            Err(Error::NoSuchKey { .. }) => {
                let pem = SigningKey::generate()?.to_cosign_pem(&Password::default())?;
                match self.write(&dir, DEVELOPMENT, DEVELOPMENT_FILE, &pem, 0o600) {
                    // Another process was faster; its key is as good.
                    Ok(()) | Err(Error::KeyExists(_)) => {}
                    Err(error) => return Err(error),
                }
                self.open_private(&dir, DEVELOPMENT, &Password::default())?
            }
            other => other?,
        };
        match self.write(&dir, DEVELOPMENT, &public_file(DEVELOPMENT), &key.public().to_pem(), 0o644) {
            Ok(()) | Err(Error::KeyExists(_)) => Ok(key),
            Err(error) => Err(error),
        }
    }

    /// Opens the private half of a key.
    ///
    /// # Errors
    /// No such key, a file that others may read, a wrong password, a damaged file.
    pub fn load(&self, name: &Name, password: &Password) -> Result<SigningKey, Error> {
        match files::open_folder(&self.folder)? {
            Some(dir) => self.open_private(&dir, name.as_str(), password),
            None => Err(self.no_such(name.as_str())),
        }
    }

    /// One key.
    ///
    /// # Errors
    /// No such key, or a damaged file.
    pub fn show(&self, name: &Name) -> Result<KeyInfo, Error> {
        match files::open_folder(&self.folder)? {
            Some(dir) => self.info(&dir, name.clone())?.ok_or_else(|| self.no_such(name.as_str())),
            None => Err(self.no_such(name.as_str())),
        }
    }

    /// All keys, sorted by name.
    ///
    /// # Errors
    /// A folder that others may write to, a `.pub` file that is no public key.
    pub fn list(&self) -> Result<Vec<KeyInfo>, Error> {
        let Some(dir) = files::open_folder(&self.folder)? else { return Ok(Vec::new()) };
        let mut keys = Vec::new();
        for file in files::names(&dir, &self.folder)? {
            let Some(stem) = file.strip_suffix(".pub") else { continue };
            let path = || self.folder.join(&file).display().to_string();
            let name = stem.parse().map_err(|_| Error::BadKeyFileName { path: path() })?;
            keys.extend(self.info(&dir, name)?);
        }
        keys.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(keys)
    }

    /// Every public key of the store, for verification.
    ///
    /// # Errors
    /// As [`Self::list`].
    pub fn verification_keys(&self) -> Result<KeySet, Error> {
        let mut set = KeySet::default();
        for key in self.list()? {
            if key.development { set.insert_development(key.public) } else { set.insert(key.public) }
        }
        Ok(set)
    }

    fn info(&self, dir: &Dir, name: Name) -> Result<Option<KeyInfo>, Error> {
        let path = self.folder.join(public_file(name.as_str()));
        let Some(pem) = files::read(dir, &public_file(name.as_str()), &path)? else { return Ok(None) };
        let public = PublicKey::from_pem(&pem).map_err(|error| error.in_file(&path))?;
        let can_sign = dir.symlink_metadata(key_file(name.as_str())).is_ok();
        let development = name.as_str() == DEVELOPMENT;
        Ok(Some(KeyInfo { name, public, can_sign, development }))
    }

    fn open_private(&self, dir: &Dir, name: &str, password: &Password) -> Result<SigningKey, Error> {
        let path = self.folder.join(key_file(name));
        let pem = files::read_private(dir, &key_file(name), &path)?.ok_or_else(|| self.no_such(name))?;
        let key = SigningKey::from_cosign_pem(&pem, password).map_err(|error| error.in_file(&path))?;
        Ok(key.with_development(name == DEVELOPMENT))
    }

    fn write(&self, dir: &Dir, name: &str, file: &str, text: &str, mode: u32) -> Result<(), Error> {
        let path = self.folder.join(file);
        match files::write_new(dir, file, text, mode) {
            Ok(()) => Ok(()),
            Err(cause) if cause.kind() == std::io::ErrorKind::AlreadyExists => {
                Err(name.parse().map_or(Error::NotAKeyFile { path: path.display().to_string() }, Error::KeyExists))
            }
            Err(cause) => Err(Error::Io { path: path.display().to_string(), action: "written", cause }),
        }
    }

    fn no_such(&self, name: &str) -> Error {
        Error::NoSuchKey { name: name.to_owned(), folder: self.folder.display().to_string() }
    }
}

fn key_file(name: &str) -> String {
    format!("{name}.key")
}

fn public_file(name: &str) -> String {
    format!("{name}.pub")
}

#[cfg(test)]
mod tests;
