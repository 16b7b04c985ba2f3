//! The keys of transparency logs and their witnesses: this host's own, and the verifier keys of those that are believed.

use cap_std::fs::Dir;
use certus_model::Sha256;

use super::{KeyStore, files};
use crate::{Error, LogKey, LogVerifier};

/// Whose log it is. A key signs one history, so the two have keys of their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogOwner {
    /// The commands of this machine.
    Machine,
    /// A service: all of its processes write to one log.
    Service,
}

impl LogOwner {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Machine, Self::Service];

    /// The files of the private half, and of what verifies it, in the form `NAME+HHHHHHHH+BASE64`.
    const fn files(self) -> (&'static str, &'static str) {
        match self {
            Self::Machine => ("machine-log.pem", "machine-log.vkey"),
            Self::Service => ("transparency-log.pem", "transparency-log.vkey"),
        }
    }
}

/// The same of this host as a witness of others' logs.
const WITNESS: (&str, &str) = ("witness.pem", "witness.vkey");
/// How files of verifier keys end, this host's own among them: logs that are believed, and witnesses.
const ENDING: &str = ".vkey";

impl KeyStore {
    /// The key of a transparency log, made now if there is none. Services that share the folder share the log.
    ///
    /// # Errors
    /// A folder or file with unsafe permissions, one that cannot be written, half a key.
    pub fn log_key(&self, owner: LogOwner) -> Result<LogKey, Error> {
        let dir = files::create_folder(&self.folder)?;
        let _turn = files::take_turn(&dir, &self.folder)?;
        match self.read_pair(&dir, owner.files())? {
            Some(key) => Ok(key),
            None => self.make_log_key(&dir, owner),
        }
    }

    /// The key of the log of this name; none where it is no log of this host.
    ///
    /// # Errors
    /// A folder or file with unsafe permissions, half a key.
    pub fn log_key_of(&self, name: &str) -> Result<Option<LogKey>, Error> {
        let Some(dir) = files::open_folder(&self.folder)? else { return Ok(None) };
        for owner in LogOwner::ALL {
            let key = self.read_pair(&dir, owner.files())?;
            if let Some(key) = key.filter(|key| key.verifier().name() == name) {
                return Ok(Some(key));
            }
        }
        Ok(None)
    }

    /// The key with which this host cosigns the logs of others; none where none was made.
    ///
    /// # Errors
    /// A folder or file with unsafe permissions, half a key.
    pub fn witness_key(&self) -> Result<Option<LogKey>, Error> {
        let Some(dir) = files::open_folder(&self.folder)? else { return Ok(None) };
        self.read_pair(&dir, WITNESS)
    }

    /// Makes that key, for a witness called `name`. It is made once: who knows the witness knows it by this key.
    ///
    /// # Errors
    /// A key that is there already, a name that cannot stand in a signature line, a folder that cannot be written.
    pub fn generate_witness(&self, name: &str) -> Result<LogKey, Error> {
        let dir = files::create_folder(&self.folder)?;
        let _turn = files::take_turn(&dir, &self.folder)?;
        let key = LogKey::generate(name)?;
        self.put_pair(&dir, &key, &key.witness_verifier(), WITNESS)?;
        Ok(key)
    }

    /// The logs that are believed here, and their witnesses: every `.vkey` file of the folder.
    ///
    /// # Errors
    /// A folder that others may write to, a file that is no verifier key.
    pub fn log_verifiers(&self) -> Result<Vec<LogVerifier>, Error> {
        let Some(dir) = files::open_folder(&self.folder)? else { return Ok(Vec::new()) };
        let mut names = files::names(&dir, &self.folder)?;
        names.retain(|name| name.ends_with(ENDING));
        names.sort();
        let mut verifiers = Vec::new();
        for name in names {
            verifiers.extend(self.read_verifier(&dir, &name)?);
        }
        Ok(verifiers)
    }

    fn make_log_key(&self, dir: &Dir, owner: LogOwner) -> Result<LogKey, Error> {
        // A name of its own, so that no two hosts' logs are taken for one; a host's, as Sigstore clients expect.
        let seed = LogKey::generate("certus.local")?;
        let id = Sha256::of(&seed.verifier().spki()).to_string();
        let key = LogKey::from_pem(&format!("log-{}.certus.local", &id[..12]), &seed.to_pem()?)?;
        self.put_pair(dir, &key, &key.verifier(), owner.files())?;
        Ok(key)
    }

    /// A private key and what verifies it, which belong together; none where neither is there.
    fn read_pair(&self, dir: &Dir, (private, public): (&str, &str)) -> Result<Option<LogKey>, Error> {
        let path = self.folder.join(private);
        match (files::read_private(dir, private, &path)?, self.read_verifier(dir, public)?) {
            (Some(pem), Some(verifier)) => {
                let key = LogKey::from_pem(verifier.name(), &pem).map_err(Error::from)?;
                match [key.verifier(), key.witness_verifier()].contains(&verifier) {
                    true => Ok(Some(key)),
                    false => Err(Error::LogKey { path: path.display().to_string() }),
                }
            }
            (None, None) => Ok(None),
            _ => Err(Error::LogKey { path: path.display().to_string() }),
        }
    }

    /// Writes both. A crash between the two leaves half a key, which is said.
    fn put_pair(
        &self,
        dir: &Dir,
        key: &LogKey,
        verifier: &LogVerifier,
        (private, public): (&str, &str),
    ) -> Result<(), Error> {
        let put = |file: &str, text: &str, mode| {
            let path = self.folder.join(file).display().to_string();
            files::write_new(dir, file, text, mode).map_err(|cause| Error::Io { path, action: "written", cause })
        };
        put(public, &format!("{verifier}\n"), 0o644)?;
        put(private, &key.to_pem()?, 0o600)
    }

    fn read_verifier(&self, dir: &Dir, name: &str) -> Result<Option<LogVerifier>, Error> {
        let path = self.folder.join(name);
        let text = files::read(dir, name, &path)?;
        text.map(|text| text.trim().parse().map_err(|error: crate::note::Error| Error::from(error).in_file(&path)))
            .transpose()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_log_s_key_is_made_once_and_believed() {
        let folder = tempfile::tempdir().unwrap();
        let store = KeyStore::at(folder.path().join("keys"));
        assert!(store.log_verifiers().unwrap().is_empty());
        let keys: Vec<_> = std::thread::scope(|scope| {
            let made: Vec<_> =
                (0..4).map(|_| scope.spawn(|| store.log_key(LogOwner::Machine).unwrap().verifier())).collect();
            made.into_iter().map(|made| made.join().unwrap()).collect()
        });
        assert!(keys.iter().all(|key| *key == keys[0]), "one log for all: {keys:?}");
        assert_eq!(store.log_verifiers().unwrap(), keys[..1]);
        assert_eq!(store.verification_keys().unwrap().logs(), &keys[..1]);
        let service = store.log_key(LogOwner::Service).unwrap();
        assert_ne!(service.verifier(), keys[0], "a key signs one history");
        let found = store.log_key_of(service.verifier().name()).unwrap().expect("a key of this host");
        assert_eq!(found.verifier(), service.verifier());
        assert!(store.log_key_of("log.example.com").unwrap().is_none());
        assert!(store.witness_key().unwrap().is_none());
        let witness = store.generate_witness("witness.example.com").unwrap();
        let again = store.witness_key().unwrap().expect("a key");
        assert_eq!(again.witness_verifier(), witness.witness_verifier());
        assert!(store.generate_witness("other.example.com").is_err(), "a witness has one key");
        assert_eq!(store.log_verifiers().unwrap().len(), 3, "it is believed as a witness");
        std::fs::remove_file(store.folder().join("machine-log.pem")).unwrap();
        let gone = store.log_key(LogOwner::Machine);
        assert!(matches!(gone.unwrap_err(), Error::LogKey { .. }), "a log never changes its key by itself");
    }
}
