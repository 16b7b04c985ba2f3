//! A folder of keys: `NAME.key` beside `NAME.pub`, and one record of when each of them counts.

mod files;
mod log;
mod record;
mod replace;

pub use self::log::LogOwner;

use std::path::{Path, PathBuf};

use cap_std::fs::Dir;
use certus_model::Sha256;
use certus_model::ids::Name;
use time::OffsetDateTime;

use crate::key::validity::{DAYS, Rotation, Validity};
use crate::{Error, KeySet, Password, PublicKey, SigningKey};

use self::record::Record;

pub(crate) use files::{read_ambient, read_private_ambient};
pub(crate) use record::validity_in;

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
    /// Whether another key took its name: it verifies what it signed, and signs no more.
    pub replaced: bool,
    /// When it counts; without end where nothing is recorded.
    pub validity: Validity,
}

impl KeyInfo {
    /// Whether it has to be replaced; a key that was replaced never has.
    pub fn due(&self, now: OffsetDateTime) -> Rotation {
        if self.replaced { Rotation::Fine } else { self.validity.due(now) }
    }
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

    /// Makes a key that is valid from now for a year: `NAME.key` with mode 0600, sealed under `password`, and
    /// `NAME.pub` with mode 0644.
    ///
    /// # Errors
    /// As [`Self::generate_valid`].
    pub fn generate(&self, name: &Name, password: &Password) -> Result<KeyInfo, Error> {
        self.generate_valid(name, password, Validity::days(OffsetDateTime::now_utc(), DAYS))
    }

    /// Makes a key as [`Self::generate`] does, with a validity of the caller's choice.
    ///
    /// # Errors
    /// A name that is taken or reserved, a folder that others may write to or that cannot be written.
    pub fn generate_valid(&self, name: &Name, password: &Password, validity: Validity) -> Result<KeyInfo, Error> {
        let (dir, _turn) = self.change(name)?;
        let (private, public) = (key_file(name.as_str()), public_file(name.as_str()));
        if [&private, &public].into_iter().any(|file| dir.symlink_metadata(file).is_ok()) {
            return Err(Error::KeyExists(name.clone()));
        }
        let key = SigningKey::generate()?;
        let sealed = key.to_cosign_pem(password)?;
        // The public half before the private one: a crash between the two leaves a key that cannot sign, which is
        // better than one whose signatures nobody can verify. A record of a key that never was does no harm.
        self.record(&dir, &key.public().key_id(), validity)?;
        self.write(&dir, name.as_str(), &public, &key.public().to_pem(), 0o644)?;
        if let Err(error) = self.write(&dir, name.as_str(), &private, &sealed, 0o600) {
            // Best effort: the error says what matters, and a lone public half does no harm.
            let _ = dir.remove_file(public);
            return Err(error);
        }
        self.show(name)
    }

    /// Keeps the public half of a key whose private half is elsewhere, in a token or with a service: for
    /// verification, and so that its validity is recorded.
    ///
    /// # Errors
    /// A name that is taken or reserved, a folder that others may write to or that cannot be written.
    pub fn import(&self, name: &Name, key: &PublicKey, validity: Validity) -> Result<KeyInfo, Error> {
        let (dir, _turn) = self.change(name)?;
        let public = public_file(name.as_str());
        if dir.symlink_metadata(&public).is_ok() {
            return Err(Error::KeyExists(name.clone()));
        }
        self.record(&dir, &key.key_id(), validity)?;
        self.write(&dir, name.as_str(), &public, &key.to_pem(), 0o644)?;
        self.show(name)
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
    /// No such key, a file that others may read, a wrong password, a damaged file, and a key that is not valid now.
    pub fn load(&self, name: &Name, password: &Password) -> Result<SigningKey, Error> {
        match files::open_folder(&self.folder)? {
            Some(dir) => self.open_private(&dir, name.as_str(), password),
            None => Err(self.no_such(name.as_str())),
        }
    }

    /// One key: the one that bears the name now.
    ///
    /// # Errors
    /// No such key, or a damaged file.
    pub fn show(&self, name: &Name) -> Result<KeyInfo, Error> {
        let dir = files::open_folder(&self.folder)?.ok_or_else(|| self.no_such(name.as_str()))?;
        let record = self.read_record(&dir)?;
        self.info(&dir, &record, name.clone(), None)?.ok_or_else(|| self.no_such(name.as_str()))
    }

    /// All keys, sorted by name; those that were replaced after the one that bears the name now, the last that began
    /// first.
    ///
    /// # Errors
    /// A folder that others may write to, a `.pub` file that is no public key.
    pub fn list(&self) -> Result<Vec<KeyInfo>, Error> {
        let Some(dir) = files::open_folder(&self.folder)? else { return Ok(Vec::new()) };
        let record = self.read_record(&dir)?;
        let mut keys = Vec::new();
        for file in files::names(&dir, &self.folder)? {
            let Some(stem) = file.strip_suffix(".pub") else { continue };
            let (name, replaced) = stem.rsplit_once('.').map_or((stem, None), |(name, id)| (name, Some(id)));
            let name = name.parse().map_err(|_| self.misnamed(&file))?;
            keys.extend(self.info(&dir, &record, name, replaced)?);
        }
        keys.sort_by_key(|key| (key.name.clone(), key.replaced, std::cmp::Reverse(key.validity.not_before)));
        Ok(keys)
    }

    /// Every public key of the store, for verification, and the transparency logs that are believed.
    ///
    /// # Errors
    /// As [`Self::list`].
    pub fn verification_keys(&self) -> Result<KeySet, Error> {
        let mut set = KeySet::default();
        for key in self.list()? {
            if key.development {
                set.insert_development(key.public.clone());
            }
            set.insert_valid(key.public, key.validity);
        }
        self.log_verifiers()?.into_iter().for_each(|log| set.insert_log(log));
        Ok(set)
    }

    /// When the key with that id counts; without end where nothing is recorded. The key itself need not be here.
    ///
    /// # Errors
    /// A folder that others may write to, a damaged record.
    pub fn validity(&self, id: &Sha256) -> Result<Validity, Error> {
        match files::open_folder(&self.folder)? {
            Some(dir) => Ok(self.read_record(&dir)?.validity(id)),
            None => Ok(Validity::default()),
        }
    }

    /// What is known of the key in `NAME.pub`, or in `NAME.ID.pub` where it was `replaced`.
    fn info(&self, dir: &Dir, record: &Record, name: Name, replaced: Option<&str>) -> Result<Option<KeyInfo>, Error> {
        let file = match replaced {
            Some(id) => public_file(&format!("{name}.{id}")),
            None => public_file(name.as_str()),
        };
        let path = self.folder.join(&file);
        let Some(pem) = files::read(dir, &file, &path)? else { return Ok(None) };
        let public = PublicKey::from_pem(&pem).map_err(|error| error.in_file(&path))?;
        if replaced.is_some_and(|id| id != short(&public.key_id())) {
            return Err(self.misnamed(&file));
        }
        let can_sign = replaced.is_none() && dir.symlink_metadata(key_file(name.as_str())).is_ok();
        let development = name.as_str() == DEVELOPMENT;
        let validity = record.validity(&public.key_id());
        Ok(Some(KeyInfo { name, public, can_sign, development, replaced: replaced.is_some(), validity }))
    }

    fn open_private(&self, dir: &Dir, name: &str, password: &Password) -> Result<SigningKey, Error> {
        let path = self.folder.join(key_file(name));
        let pem = files::read_private(dir, &key_file(name), &path)?.ok_or_else(|| self.no_such(name))?;
        let key = SigningKey::from_cosign_pem(&pem, password).map_err(|error| error.in_file(&path))?;
        key.with_development(name == DEVELOPMENT).recorded_in(&self.folder)
    }

    /// The folder for a change to the key with that name, and the turn to make it, which ends when it is dropped.
    fn change(&self, name: &Name) -> Result<(Dir, files::Turn), Error> {
        if name.as_str() == DEVELOPMENT {
            return Err(Error::ReservedName(name.clone()));
        }
        let dir = files::create_folder(&self.folder)?;
        let turn = files::take_turn(&dir, &self.folder)?;
        Ok((dir, turn))
    }

    fn read_record(&self, dir: &Dir) -> Result<Record, Error> {
        Record::read(dir, &self.folder.join(record::FILE))
    }

    /// Notes when a key counts. The caller has its turn.
    fn record(&self, dir: &Dir, id: &Sha256, validity: Validity) -> Result<(), Error> {
        let mut record = self.read_record(dir)?;
        record.set(*id, validity);
        record.write(dir, &self.folder.join(record::FILE))
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

    fn misnamed(&self, file: &str) -> Error {
        Error::BadKeyFileName { path: self.folder.join(file).display().to_string() }
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

/// The first 8 hex digits of a key's id, which tell apart the keys that bore one name.
fn short(id: &Sha256) -> String {
    let mut text = id.to_string();
    text.truncate(8);
    text
}

#[cfg(test)]
mod tests;
