//! `certus keys`.

use anyhow::bail;
use certus_signing::key::reference::{KeyRef, OpenWith};
use certus_signing::{KeyInfo, KeyStore, Rotation, SigningKey};
use time::OffsetDateTime;

use crate::arguments::Keys;
use crate::command::{note, print};
use crate::exit::Exit;
use crate::settings::Settings;
use crate::settings::table::{self, COSIGN_PASSWORD};

pub(crate) fn run(settings: &Settings, keys: &Keys) -> anyhow::Result<Exit> {
    let store = KeyStore::at(&settings.keys);
    match keys {
        Keys::Generate { name } => {
            let info = store.generate(&name.parse()?, &settings.password)?;
            if settings.password.is_empty() {
                note(&format!(
                    "the private key is encrypted with an empty password; set {} to choose one",
                    COSIGN_PASSWORD.name
                ));
            }
            print(&line(&info))?;
        }
        Keys::Show { name } => print(&store.show(&name.parse()?)?.public.to_pem())?,
        Keys::Rotate { name } => {
            let info = store.rotate(&name.parse()?, &settings.password)?;
            note("the old public key stays, so that what it signed still verifies");
            print(&line(&info))?;
        }
        Keys::Revoke { key, reason } => {
            let id = store.revoke(key, reason, OffsetDateTime::now_utc())?;
            print(&format!("{id} is revoked from now on\n"))?;
        }
        Keys::List => {
            for info in store.list()? {
                print(&line(&info))?;
            }
        }
    }
    Ok(Exit::Pass)
}

/// The key that was asked for; else the one that is set; else the development key.
pub(crate) fn open_key(settings: &Settings, asked: Option<&str>) -> anyhow::Result<SigningKey> {
    let reference = match asked.or(settings.key.as_deref()) {
        None => KeyRef::Development,
        Some(text) => text.parse()?,
    };
    if settings.reader.flag(&table::OFFLINE)? && reference.is_remote() && settings.kms.endpoint.is_none() {
        bail!("{} is set, and the key `{reference}` lies outside; name another key", table::OFFLINE.name);
    }
    let with = OpenWith {
        store: Some(KeyStore::at(&settings.keys)),
        password: settings.password.clone(),
        pin: settings.pin.clone(),
        pkcs11_module: settings.pkcs11_module.clone(),
        kms: settings.kms.clone(),
    };
    Ok(reference.open(&with)?)
}

/// Says when a key has to be replaced soon.
pub(crate) fn warn_of_rotation(key: &SigningKey) {
    let id = key.public().key_id();
    let when = match key.validity().due(OffsetDateTime::now_utc()) {
        Rotation::Fine => return,
        Rotation::Soon { days } => format!("runs out in {days} days"),
        Rotation::Overdue => "has run out".to_owned(),
    };
    note(&format!("warning: the signing key {id} {when}; `certus keys rotate` makes the next"));
}

fn line(info: &KeyInfo) -> String {
    let kind = if info.development { "  development" } else { "" };
    format!("{:<20} {}{kind}\n", info.name.to_string(), info.public.key_id())
}
