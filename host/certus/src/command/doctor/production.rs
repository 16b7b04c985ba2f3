//! `certus doctor --production`: the checklist of a service that others rely on, each line looked at, not asked.

use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use certus_model::Role;
use certus_signing::KeyStore;
use certus_store::{Reach, S3, Store};

use crate::command::check::{Check, Found, sentence};
use crate::command::history;
use crate::command::keys::open_key;
use crate::command::service::{blobs, database, tls};
use crate::settings::table::{ALL, Kind, MASTER_KEY, PRODUCTION, RETENTION_DAYS, TLS_CERT_FILE};
use crate::settings::{Blobs, Origin, Service, Settings};

/// Looks at everything that `settings` say.
pub(super) async fn checks(settings: &Settings) -> anyhow::Result<Vec<Check>> {
    let service = match Service::read(&settings.reader) {
        Ok(service) => service,
        Err(error) => return Ok(vec![("settings", sentence(Err(error)))]),
    };
    let mut checks = vec![
        ("production", production(&service)),
        ("transport", transport(&service)),
        ("signing key", signer(settings)),
        ("secrets", secrets(settings)?),
        ("sealing", sealing(&service)),
        ("manifests", manifests(&service)),
        ("network", network(&service)),
        ("database link", database_link(&service)),
        ("workspace root", workspace_root(&service)),
        ("retention", retention(&service)),
    ];
    match database(&service).await {
        Err(error) => checks.push(("database", sentence(Err(error)))),
        Ok(store) => {
            checks.push(("database", Found::Good(store.place().to_owned())));
            checks.push(("api keys", api_keys(&store).await?));
            store.close().await;
            let keys = KeyStore::at(&settings.keys).verification_keys()?;
            checks.extend(history::of_database(&service, &keys).await?);
        }
    }
    checks.push(("blobs", sentence(kept(&service).await)));
    if let Blobs::S3(config) = &service.blobs {
        checks.push((
            "bucket",
            match S3::new(config.clone()).is_public().await {
                true => {
                    Found::Bad("whoever asks without a login is shown the bucket; take the permission back".to_owned())
                }
                false => Found::Good("shows nothing without a login".to_owned()),
            },
        ));
    }
    Ok(checks)
}

fn production(service: &Service) -> Found {
    match (service.production, service.sample) {
        (false, _) => Found::Bad(format!("{}=true is not set: keys may be off", PRODUCTION.name)),
        (true, true) => Found::Bad("sample mode is on".to_owned()),
        (true, false) => Found::Good("keys are required, samples and development keys refused".to_owned()),
    }
}

fn transport(service: &Service) -> Found {
    let Some(files) = &service.tls else {
        return match service.listen.ip().is_loopback() {
            true => Found::Weak("plain HTTP on this machine alone; whatever stands before it speaks TLS".to_owned()),
            false => Found::Bad(format!(
                "plain HTTP at {}: keys can be read on the way; set {}",
                service.listen, TLS_CERT_FILE.name
            )),
        };
    };
    match tls(files) {
        Err(error) => sentence(Err(error)),
        Ok(tls) if tls.asks_clients() => Found::Good("TLS, and clients show certificates".to_owned()),
        Ok(_) => Found::Good("TLS".to_owned()),
    }
}

fn signer(settings: &Settings) -> Found {
    match open_key(settings, None) {
        Err(error) => sentence(Err(error)),
        Ok(key) if key.is_development() => {
            Found::Bad("the development key; `certus keys generate NAME`, then CERTUS_KEY=NAME".to_owned())
        }
        Ok(_) if settings.password.is_empty() => {
            Found::Weak("its file is encrypted with an empty password; set COSIGN_PASSWORD as it is made".to_owned())
        }
        Ok(key) => Found::Good(format!("{}, encrypted", key.public().key_id())),
    }
}

/// Secrets come from files that their owner alone reads; the environment of a process is shown to many.
fn secrets(settings: &Settings) -> anyhow::Result<Found> {
    let mut bare = Vec::new();
    let mut open: Vec<PathBuf> = Vec::new();
    let mut count = 0;
    for setting in ALL.iter().filter(|setting| setting.kind == Kind::Secret) {
        let (value, Origin::Variable(name)) = settings.reader.origin(setting)? else { continue };
        count += usize::from(value.is_some());
        match name.ends_with("_FILE") {
            true => open.extend(settings.reader.file_of(&name).filter(|path| is_open(path))),
            false => bare.push(name),
        }
    }
    Ok(match (open.first(), bare.is_empty()) {
        (Some(path), _) => Found::Bad(format!("`{}` can be read by others; `chmod 600` it", path.display())),
        (None, false) => {
            Found::Weak(format!("{} in the environment; name files with {}_FILE", bare.join(", "), bare[0]))
        }
        (None, true) => Found::Good(format!("{count}, from files that nobody else reads")),
    })
}

/// Whether others than its owner may read a file. Mounted secrets belong to root and a group.
fn is_open(path: &Path) -> bool {
    std::fs::metadata(path).is_ok_and(|metadata| metadata.mode() & 0o007 != 0)
}

fn sealing(service: &Service) -> Found {
    match service.master_key {
        Some(_) => Found::Good("a master key is set".to_owned()),
        None => Found::Weak(format!("no {}: git credentials and webhooks cannot be stored", MASTER_KEY.name)),
    }
}

fn manifests(service: &Service) -> Found {
    match service.manifest_required {
        true => Found::Good("unsigned ones are refused".to_owned()),
        false => Found::Weak("unsigned ones are accepted, and recorded as such".to_owned()),
    }
}

fn network(service: &Service) -> Found {
    let allowed: Vec<_> = service.outbound.allow.iter().map(ToString::to_string).collect();
    let inside = if allowed.is_empty() { "no host inside".to_owned() } else { allowed.join(", ") };
    Found::Good(match (service.outbound.offline, &service.outbound.proxy) {
        (true, _) => format!("offline but for {inside}"),
        (false, Some(_)) => format!("public hosts through the proxy, and {inside}"),
        (false, None) => format!("public hosts at port 443, and {inside}"),
    })
}

fn database_link(service: &Service) -> Found {
    let url = service.database.expose();
    if service.database.file().is_some() {
        return Found::Good("a file of this machine".to_owned());
    }
    let local = certus_outbound::Policy::default().holds_address(url, 5432);
    match (local, ["verify-full", "verify-ca"].iter().any(|mode| url.contains(&format!("sslmode={mode}")))) {
        (true, _) => Found::Good("on this machine".to_owned()),
        (false, true) => Found::Good("TLS, and the server shows its certificate".to_owned()),
        (false, false) => Found::Weak("the server's certificate is not checked; add `?sslmode=verify-full`".to_owned()),
    }
}

fn workspace_root(service: &Service) -> Found {
    let Some(root) = &service.workspace_root else { return Found::Good("none: no local path is scanned".to_owned()) };
    match std::fs::metadata(root) {
        Err(error) => Found::Bad(format!("`{}`: {error}", root.display())),
        Ok(metadata) if metadata.mode() & 0o002 != 0 => {
            Found::Bad(format!("`{}` can be written by everybody on this machine", root.display()))
        }
        Ok(_) => Found::Good(root.display().to_string()),
    }
}

fn retention(service: &Service) -> Found {
    match (service.retention.bundles, service.retention.bytes) {
        (None, None) => Found::Weak(format!("bundles stay for ever; set {}", RETENTION_DAYS.name)),
        (days, bytes) => {
            let days = days.map(|age| format!("{} days", age.as_secs() / 86_400));
            let bytes = bytes.map(|bytes| format!("{bytes} bytes"));
            Found::Good(days.into_iter().chain(bytes).collect::<Vec<_>>().join(", "))
        }
    }
}

async fn api_keys(store: &Store) -> anyhow::Result<Found> {
    let users = store.users(Reach::All).await?;
    let keys = store.keys(Reach::All).await?;
    let valid = keys.iter().filter(|key| key.revoked_at.is_none()).count();
    let admins = users.iter().filter(|user| user.role == Role::Admin && user.disabled_at.is_none()).count();
    Ok(match (admins, valid) {
        (0, _) => Found::Weak("there is no administrator; `certus user create TENANT NAME --role admin`".to_owned()),
        (_, 0) => Found::Weak("nobody has a key; `certus api-key create USER`".to_owned()),
        (admins, valid) => Found::Good(format!("{valid} keys, {admins} administrators")),
    })
}

async fn kept(service: &Service) -> anyhow::Result<String> {
    let blobs = blobs(service)?;
    blobs.store().check().await?;
    Ok(blobs.store().place())
}
