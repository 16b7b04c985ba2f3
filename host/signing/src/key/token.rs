//! A private key in a PKCS#11 token, which signs digests and never gives the key away.

mod form;
mod module;
mod uri;

use std::sync::{Arc, Mutex, PoisonError};

use certus_model::Sha256;
use cryptoki::error::{Error as Pkcs11Error, RvError};
use cryptoki::mechanism::Mechanism;
use cryptoki::object::{Attribute, AttributeType, KeyType, ObjectClass, ObjectHandle};
use cryptoki::session::Session;
use cryptoki::slot::Slot;

use crate::{Error, Password, PublicKey, SigningKey};

use super::Signer;
use super::reference::OpenWith;

use module::Module;

pub use uri::TokenUri;

/// Opens the key, logs in and reads its public half.
pub(super) fn open(uri: &TokenUri, with: &OpenWith) -> Result<SigningKey, Error> {
    let door = Door::new(uri, with)?;
    let opened = door.open()?;
    let public = door.public(&opened.session)?;
    Ok(SigningKey::with(TokenKey { door, opened: Mutex::new(Some(opened)) }, public))
}

/// Reads the public half. Tokens show it without a PIN, mostly; where one is given, it is used.
pub(super) fn public(uri: &TokenUri, with: &OpenWith) -> Result<PublicKey, Error> {
    let door = Door::new(uri, with)?;
    let session = door.session()?;
    door.public(&session)
}

struct TokenKey {
    door: Door,
    opened: Mutex<Option<Opened>>,
}

/// How to get to the key, as often as it takes.
struct Door {
    uri: TokenUri,
    module: Arc<Module>,
    pin: Option<Password>,
}

/// The key, as long as the token stays where it is.
struct Opened {
    session: Session,
    key: ObjectHandle,
}

impl Signer for TokenKey {
    fn sign(&self, bytes: &[u8]) -> Result<Vec<u8>, Error> {
        let digest = Sha256::of(bytes);
        // One session, one signature at a time: tokens do not work on two at once either.
        let mut opened = self.opened.lock().unwrap_or_else(PoisonError::into_inner);
        let raw = match opened.as_ref().map(|opened| opened.sign(&digest)) {
            Some(Ok(raw)) => raw,
            Some(Err(error)) if !is_gone(&error) => return Err(self.door.refused(error)),
            // The token was pulled, or the session ended: once more from the beginning.
            _ => {
                *opened = None;
                let again = self.door.open()?;
                let raw = again.sign(&digest).map_err(|error| self.door.refused(error))?;
                *opened = Some(again);
                raw
            }
        };
        form::signature(&raw).ok_or_else(|| self.door.said("a signature of another length"))
    }
}

impl Opened {
    /// Signs the digest itself: many tokens do not hash.
    fn sign(&self, digest: &Sha256) -> Result<Vec<u8>, Pkcs11Error> {
        self.session.sign(&Mechanism::Ecdsa, self.key, digest.as_bytes())
    }
}

impl Door {
    fn new(uri: &TokenUri, with: &OpenWith) -> Result<Self, Error> {
        let lacks = |what| Error::KeyNeeds { key: uri.to_string(), what };
        let path = uri.module.as_ref().or(with.pkcs11_module.as_ref());
        let module = Module::load(path.ok_or_else(|| lacks("the token's PKCS#11 module as `module-path`"))?)?;
        let pin = match &uri.pin_file {
            Some(file) => {
                let text = crate::store::read_private_ambient(file)?;
                Some(Password::new(text.trim_end_matches(['\r', '\n'])))
            }
            None => with.pin.clone(),
        };
        Ok(Self { uri: uri.clone(), module, pin })
    }

    /// Finds the token, logs in and finds the key.
    fn open(&self) -> Result<Opened, Error> {
        if self.pin.is_none() {
            return Err(Error::KeyNeeds {
                key: self.uri.to_string(),
                what: "its token's PIN in a file, as `pin-source`",
            });
        }
        let session = self.session()?;
        let key = self.find(&session, ObjectClass::PRIVATE_KEY)?.ok_or_else(|| self.missing())?;
        Ok(Opened { session, key })
    }

    /// A session with the token; logged in, where there is a PIN.
    fn session(&self) -> Result<Session, Error> {
        let slot = self.slot()?;
        let session = self.module.context.open_ro_session(slot).map_err(|error| self.refused(error))?;
        if let Some(pin) = &self.pin {
            self.module.log_in(&session, slot, pin).map_err(|error| self.refused(error))?;
        }
        Ok(session)
    }

    /// The one slot with the token that is meant.
    fn slot(&self) -> Result<Slot, Error> {
        let uri = &self.uri;
        let mut found = None;
        for slot in self.module.context.get_slots_with_token().map_err(|error| self.refused(error))? {
            let token = match self.module.context.get_token_info(slot) {
                Ok(token) => token,
                // It was pulled since they were listed.
                Err(error) if is_gone(&error) => continue,
                Err(error) => return Err(self.refused(error)),
            };
            let is = |wanted: &Option<String>, value: &str| {
                wanted.as_deref().is_none_or(|wanted| wanted == value.trim_end())
            };
            let meant = uri.slot.is_none_or(|id| id == slot.id())
                && token.token_initialized()
                && is(&uri.token, token.label())
                && is(&uri.serial, token.serial_number())
                && is(&uri.manufacturer, token.manufacturer_id())
                && is(&uri.model, token.model());
            if meant && found.replace(slot).is_some() {
                return Err(Error::KeyAmbiguous { key: uri.to_string(), what: "tokens; add serial= or slot-id=" });
            }
        }
        found.ok_or_else(|| Error::TokenAway(uri.to_string()))
    }

    /// The one object of that class with the key's label and id.
    fn find(&self, session: &Session, class: ObjectClass) -> Result<Option<ObjectHandle>, Error> {
        let label = self.uri.object.as_ref().map(|label| Attribute::Label(label.clone().into_bytes()));
        let id = self.uri.id.as_ref().map(|id| Attribute::Id(id.clone()));
        let template: Vec<_> = [Attribute::Class(class)].into_iter().chain(label).chain(id).collect();
        match *session.find_objects(&template).map_err(|error| self.refused(error))? {
            [] => Ok(None),
            [object] => Ok(Some(object)),
            _ => Err(Error::KeyAmbiguous { key: self.uri.to_string(), what: "keys; add id=" }),
        }
    }

    /// The public half: from the object of that kind, or from what the private one says of it.
    fn public(&self, session: &Session) -> Result<PublicKey, Error> {
        let wanted =
            [AttributeType::KeyType, AttributeType::EcParams, AttributeType::EcPoint, AttributeType::PublicKeyInfo];
        let object = match self.find(session, ObjectClass::PUBLIC_KEY)? {
            Some(object) => object,
            None => self.find(session, ObjectClass::PRIVATE_KEY)?.ok_or_else(|| self.missing())?,
        };
        let other_kind = || Error::KeyKind(self.uri.to_string());
        let (mut curve, mut read) = (None, None);
        for attribute in session.get_attributes(object, &wanted).map_err(|error| self.refused(error))? {
            match attribute {
                Attribute::KeyType(kind) if kind != KeyType::EC => return Err(other_kind()),
                Attribute::EcParams(params) => curve = Some(params),
                Attribute::EcPoint(point) => read = form::point(&point).map(PublicKey::from_point),
                Attribute::PublicKeyInfo(spki) if read.is_none() && !spki.is_empty() => {
                    read = Some(PublicKey::from_spki(spki))
                }
                _ => {}
            }
        }
        if curve.is_some_and(|curve| curve != form::P256) {
            return Err(other_kind());
        }
        read.ok_or_else(|| self.said("without its public half"))?.map_err(|_| other_kind())
    }

    fn missing(&self) -> Error {
        Error::KeyMissing { key: self.uri.to_string(), place: "in its token" }
    }

    fn said(&self, what: &str) -> Error {
        Error::KeyHolder { key: self.uri.to_string(), said: what.to_owned() }
    }

    fn refused(&self, error: Pkcs11Error) -> Error {
        let key = self.uri.to_string();
        match error {
            Pkcs11Error::Pkcs11(RvError::PinIncorrect | RvError::PinInvalid | RvError::PinLenRange, _) => {
                Error::WrongPin(key)
            }
            Pkcs11Error::Pkcs11(RvError::PinLocked, _) => Error::PinLocked(key),
            Pkcs11Error::Pkcs11(RvError::KeyTypeInconsistent | RvError::KeyFunctionNotPermitted, _) => {
                Error::KeyKind(key)
            }
            error if is_gone(&error) => Error::TokenAway(key),
            Pkcs11Error::Pkcs11(code, function) => self.said(&format!("{code:?} to {function:?}")),
            error => self.said(&error.to_string()),
        }
    }
}

/// Whether the token or the session is no longer there.
fn is_gone(error: &Pkcs11Error) -> bool {
    use RvError::*;
    let Pkcs11Error::Pkcs11(code, _) = error else { return false };
    matches!(
        code,
        SessionHandleInvalid
            | SessionClosed
            | DeviceRemoved
            | DeviceError
            | TokenNotPresent
            | TokenNotRecognized
            | SlotIdInvalid
            | UserNotLoggedIn
            | KeyHandleInvalid
            | ObjectHandleInvalid
    )
}

#[cfg(test)]
mod tests;
