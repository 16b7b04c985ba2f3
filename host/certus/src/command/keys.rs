//! `certus keys`.

use anyhow::bail;
use certus_signing::key::reference::{KeyRef, OpenWith};
use certus_signing::permit::rfc3339;
use certus_signing::{KeyInfo, KeyStore, PublicKey, Rotation, SigningKey};
use time::OffsetDateTime;

use crate::arguments::Keys;
use crate::command::{note, print};
use crate::exit::Exit;
use crate::settings::table::{self, COSIGN_PASSWORD};
use crate::settings::{HTTPS, Settings, outbound};

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
        Keys::GenerateWitness { name } => {
            if let Some(key) = store.witness_key()? {
                bail!("this machine is the witness `{}` already, and goes on being it", key.name());
            }
            print(&format!("{}\n", store.generate_witness(name)?.witness_verifier()))?;
        }
        Keys::List => {
            for info in store.list()? {
                print(&listed(&info))?;
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
    refuse_outside(settings, &reference)?;
    Ok(reference.open(&open_with(settings))?)
}

/// The public half of a key, wherever that lies.
pub(crate) fn public_key(settings: &Settings, reference: &KeyRef) -> anyhow::Result<PublicKey> {
    refuse_outside(settings, reference)?;
    Ok(reference.public(&open_with(settings))?)
}

/// What the settings give to whoever opens keys.
pub(crate) fn open_with(settings: &Settings) -> OpenWith {
    OpenWith {
        store: Some(KeyStore::at(&settings.keys)),
        password: settings.password.clone(),
        pin: settings.pin.clone(),
        pkcs11_module: settings.pkcs11_module.clone(),
        kms: settings.kms.clone(),
    }
}

/// Refuses a key for which this process would call out where nothing may. The host that a reference names wins over
/// the one that is set.
fn refuse_outside(settings: &Settings, reference: &KeyRef) -> anyhow::Result<()> {
    let KeyRef::Kms(uri) = reference else { return Ok(()) };
    if !reaches(settings, uri.endpoint().or_else(|| settings.kms.endpoint.clone()))? {
        bail!("{} is set, and the key `{reference}` lies outside; name another key", table::OFFLINE.name);
    }
    Ok(())
}

/// Whether this process may ask the AWS KMS that is set.
pub(crate) fn reaches_kms(settings: &Settings) -> anyhow::Result<bool> {
    reaches(settings, settings.kms.endpoint.clone())
}

/// Whether this process may ask AWS KMS at an address; none is that of AWS itself.
fn reaches(settings: &Settings, address: Option<String>) -> anyhow::Result<bool> {
    let policy = outbound(&settings.reader)?;
    Ok(!policy.offline || address.is_some_and(|address| policy.holds_address(&address, HTTPS)))
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

/// A key with what there is to know before anybody rests on it.
fn listed(info: &KeyInfo) -> String {
    let mut text = line(info).trim_end().to_owned();
    if info.replaced {
        text += "  replaced";
    } else if !info.can_sign {
        text += "  public half";
    }
    match (&info.validity.revoked, info.validity.not_after) {
        (Some(revoked), _) => text += &format!("  revoked {} ({})", rfc3339(revoked.since), revoked.reason),
        (None, Some(end)) => text += &format!("  until {}", rfc3339(end)),
        (None, None) => {}
    }
    text + "\n"
}

fn line(info: &KeyInfo) -> String {
    let kind = if info.development { "  development" } else { "" };
    format!("{:<20} {}{kind}\n", info.name.to_string(), info.public.key_id())
}
