//! A key's end: another key takes its name, or somebody says that it must not be trusted.

use certus_model::Sha256;
use certus_model::ids::Name;
use time::OffsetDateTime;

use crate::key::validity::{DAYS, Revocation, Validity};
use crate::{Error, Password, SigningKey};

use super::{KeyInfo, KeyStore, files, key_file, public_file, short};

/// How long a reason may be, in bytes.
const MAX_REASON: usize = 200;

impl KeyStore {
    /// Makes a new key under the name of an old one, valid from now for a year.
    ///
    /// # Errors
    /// As [`Self::rotate_valid`].
    pub fn rotate(&self, name: &Name, password: &Password) -> Result<KeyInfo, Error> {
        self.rotate_valid(name, password, Validity::days(OffsetDateTime::now_utc(), DAYS))
    }

    /// Makes a new key under the name of an old one. The old public half stays as `NAME.ID.pub`, `ID` being the first
    /// 8 hex digits of its id, so that what it signed verifies as before; the old private half is gone once the new
    /// one is there. Whoever has it open signs on until it runs out. A crash between the steps leaves a folder that
    /// signs with the old key and verifies with all of them; rotate again.
    ///
    /// # Errors
    /// No such key, a name that is reserved or whose private half is elsewhere, a folder that others may write to or
    /// that cannot be written.
    pub fn rotate_valid(&self, name: &Name, password: &Password, validity: Validity) -> Result<KeyInfo, Error> {
        let (dir, _turn) = self.change(name)?;
        let old = self.show(name)?;
        if !old.can_sign {
            return Err(Error::KeyElsewhere(name.clone()));
        }
        let kept = public_file(&format!("{name}.{}", short(&old.public.key_id())));
        let key = SigningKey::generate()?;
        let sealed = key.to_cosign_pem(password)?;
        let put = |file: &str, text: &str, mode| {
            let path = self.folder.join(file);
            files::replace(&dir, file, text, mode).map_err(|cause| files::io_error(&path, "written", cause))
        };
        put(&kept, &old.public.to_pem(), 0o644)?;
        self.record(&dir, &key.public().key_id(), validity)?;
        put(&public_file(name.as_str()), &key.public().to_pem(), 0o644)?;
        put(&key_file(name.as_str()), &sealed, 0o600)?;
        self.show(name)
    }

    /// Records that a key, given by name or id, must not be trusted from `since` on, which is now or earlier. An id
    /// may be that of a key that is not here. A second revocation can only move the time back.
    ///
    /// # Errors
    /// A name that no key here has, a folder that others may write to or that cannot be written.
    pub fn revoke(&self, which: &str, reason: &str, since: OffsetDateTime) -> Result<Sha256, Error> {
        let id = self.id_of(which)?;
        let dir = files::create_folder(&self.folder)?;
        let _turn = files::take_turn(&dir, &self.folder)?;
        let validity = self.read_record(&dir)?.validity(&id);
        if validity.revoked.as_ref().is_some_and(|revoked| revoked.since <= since) {
            return Ok(id);
        }
        let reason = certus_model::escape::one_line(reason.trim(), MAX_REASON);
        let since = since.replace_nanosecond(0).unwrap_or(since);
        self.record(&dir, &id, Validity { revoked: Some(Revocation { since, reason }), ..validity })?;
        Ok(id)
    }

    /// A name that is in use counts before an id, which may look like one.
    fn id_of(&self, which: &str) -> Result<Sha256, Error> {
        let named = which.parse().map(|name| self.show(&name));
        match (named, which.parse()) {
            (Ok(Ok(key)), _) => Ok(key.public.key_id()),
            (Ok(Err(Error::NoSuchKey { .. })) | Err(_), Ok(id)) => Ok(id),
            (Ok(Err(error)), _) => Err(error),
            (Err(_), Err(_)) => Err(self.no_such(&certus_model::escape::one_line(which, 100))),
        }
    }
}
