//! Settings of the commands that ask a service.

use anyhow::{Context as _, bail};
use certus_outbound::{Identity, ServerSettings};

use super::reader::Reader;
use super::service::outbound;
use super::table;

/// How the service of `CERTUS_SERVER` is reached.
pub(crate) fn server(reader: &Reader) -> anyhow::Result<ServerSettings> {
    let url = reader.parsed(&table::SERVER)?.with_context(|| {
        format!(
            "there is no service to ask; set {} to its address, as in https://certus.example.org",
            table::SERVER.name
        )
    })?;
    Ok(ServerSettings {
        url,
        policy: outbound(reader)?,
        identity: identity(reader)?,
        key: reader.parsed(&table::API_KEY)?,
    })
}

fn identity(reader: &Reader) -> anyhow::Result<Option<Identity>> {
    let (cert, key) = (&table::CLIENT_CERT_FILE, &table::CLIENT_KEY_FILE);
    let read = |path: std::path::PathBuf, name: &str| {
        std::fs::read(&path).with_context(|| format!("{name} `{}` cannot be read; name a PEM file", path.display()))
    };
    match (reader.path(cert)?, reader.path(key)?) {
        (None, None) => Ok(None),
        (Some(cert_file), Some(key_file)) => {
            let (cert_pem, key_pem) = (read(cert_file, cert.name)?, read(key_file, key.name)?);
            let identity = Identity::from_pem(&cert_pem, &key_pem);
            Ok(Some(identity.with_context(|| format!("{} and {} cannot be used", cert.name, key.name))?))
        }
        _ => bail!("of {} and {} one is missing; they go together", cert.name, key.name),
    }
}
