//! `certus keys`.

use certus_signing::{KeyInfo, KeyStore};

use crate::arguments::Keys;
use crate::command::{note, print};
use crate::exit::Exit;
use crate::settings::Settings;
use crate::settings::table::COSIGN_PASSWORD;

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
        Keys::List => {
            for info in store.list()? {
                print(&line(&info))?;
            }
        }
    }
    Ok(Exit::Pass)
}

fn line(info: &KeyInfo) -> String {
    let kind = if info.development { "  development" } else { "" };
    format!("{:<20} {}{kind}\n", info.name.to_string(), info.public.key_id())
}
