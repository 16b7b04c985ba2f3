//! Settings of the service.

use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, bail, ensure};
use certus_outbound::{Allowed, Authorities, Policy};
use certus_signing::PublicKey;
use certus_store::DatabaseUrl;

use super::reader::Reader;
use super::table::{self, Setting};

/// The form of the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LogFormat {
    /// For people.
    Text,
    /// One object a line.
    Json,
}

/// Where uploads and bundles are kept.
#[derive(Clone, Debug)]
pub(crate) enum Blobs {
    /// In the artifact root.
    Folder,
    /// In a bucket, below a prefix.
    S3 {
        /// The bucket.
        bucket: String,
        /// What every key begins with; empty, or ends with a slash.
        prefix: String,
    },
}

/// How the API proves who it is.
#[derive(Clone, Debug)]
pub(crate) struct Tls {
    /// Certificate chain.
    pub(crate) cert: PathBuf,
    /// Private key.
    pub(crate) key: PathBuf,
    /// Authorities of clients' certificates; then one is required.
    pub(crate) client_ca: Option<PathBuf>,
}

/// What the service runs with.
pub(crate) struct Service {
    pub(crate) production: bool,
    pub(crate) listen: SocketAddr,
    pub(crate) tls: Option<Tls>,
    pub(crate) artifact_root: PathBuf,
    pub(crate) workspace_root: Option<PathBuf>,
    pub(crate) max_workers: NonZeroUsize,
    pub(crate) sample: bool,
    pub(crate) manifest_key: Option<PublicKey>,
    pub(crate) manifest_required: bool,
    pub(crate) database: DatabaseUrl,
    /// As whoever migrates connects; the service itself where nothing else is said.
    pub(crate) database_owner: Option<DatabaseUrl>,
    pub(crate) connections: u32,
    pub(crate) blobs: Blobs,
    pub(crate) outbound: Policy,
    pub(crate) origins: Vec<String>,
    pub(crate) require_key: bool,
    pub(crate) lease: Duration,
    pub(crate) attempts: i64,
    pub(crate) drain: Duration,
    pub(crate) log: LogFormat,
}

impl Service {
    /// Reads them; nothing is created.
    pub(crate) fn read(reader: &Reader) -> anyhow::Result<Self> {
        for name in Reader::strangers()? {
            crate::command::note(&format!("note: {name} has no effect in this version"));
        }
        let artifact_root = reader.path(&table::ARTIFACT_ROOT)?.context("there is no artifact root")?;
        let database = match reader.parsed(&table::DATABASE)? {
            Some(url) => url,
            None => DatabaseUrl::sqlite(&std::path::absolute(&artifact_root)?.join("certus.db"))?,
        };
        let manifest_key = reader.path(&table::MANIFEST_KEY)?;
        let manifest_required = reader.flag(&table::MANIFEST_REQUIRED)?;
        ensure!(
            !manifest_required || manifest_key.is_some(),
            "{} is set without {}; name the public key that manifests are signed with",
            table::MANIFEST_REQUIRED.name,
            table::MANIFEST_KEY.name
        );
        let slots = usize::try_from(reader.count(&table::MAX_WORKERS)?)?;
        Ok(Self {
            production: reader.flag(&table::PRODUCTION)?,
            listen: reader.parsed(&table::LISTEN)?.context("there is no address to listen at")?,
            tls: tls(reader)?,
            workspace_root: reader.path(&table::WORKSPACE_ROOT)?,
            artifact_root,
            max_workers: NonZeroUsize::new(slots).unwrap_or(NonZeroUsize::MIN),
            sample: reader.flag(&table::USE_SAMPLE_MODE)?,
            manifest_key: manifest_key
                .map(|path| PublicKey::from_file(&path).with_context(|| unusable(&table::MANIFEST_KEY)))
                .transpose()?,
            manifest_required,
            database,
            database_owner: reader.parsed(&table::DATABASE_OWNER)?,
            connections: u32::try_from(reader.count(&table::CONNECTIONS)?)?,
            blobs: blobs(reader)?,
            outbound: outbound(reader)?,
            origins: reader.list(&table::ALLOWED_ORIGINS)?,
            require_key: reader.flag(&table::REQUIRE_KEY)?,
            lease: reader.seconds(&table::LEASE)?,
            attempts: i64::try_from(reader.count(&table::ATTEMPTS)?)?,
            drain: reader.seconds(&table::DRAIN)?,
            log: match reader.choice(&table::LOG_FORMAT)?.as_str() {
                "json" => LogFormat::Json,
                _ => LogFormat::Text,
            },
        })
    }
}

fn unusable(setting: &Setting) -> String {
    format!("{} cannot be used", setting.name)
}

fn tls(reader: &Reader) -> anyhow::Result<Option<Tls>> {
    let client_ca = reader.path(&table::TLS_CLIENT_CA_FILE)?;
    match (reader.path(&table::TLS_CERT_FILE)?, reader.path(&table::TLS_KEY_FILE)?) {
        (Some(cert), Some(key)) => Ok(Some(Tls { cert, key, client_ca })),
        (None, None) if client_ca.is_none() => Ok(None),
        _ => bail!(
            "of {}, {} and {} one is missing; the first two go together, the third with them",
            table::TLS_CERT_FILE.name,
            table::TLS_KEY_FILE.name,
            table::TLS_CLIENT_CA_FILE.name
        ),
    }
}

fn blobs(reader: &Reader) -> anyhow::Result<Blobs> {
    let text = reader.text(&table::BLOBS)?.unwrap_or_default();
    if text == "folder" {
        return Ok(Blobs::Folder);
    }
    let rest = text.strip_prefix("s3://").filter(|rest| !rest.is_empty() && !rest.contains(['?', '#', '@']));
    let Some(rest) = rest else {
        let shown = certus_model::escape::one_line(&text, 100);
        bail!("{} is `{shown}`; it is `folder`, or `s3://BUCKET/PREFIX`", table::BLOBS.name);
    };
    let (bucket, prefix) = rest.split_once('/').unwrap_or((rest, ""));
    let prefix = prefix.trim_matches('/');
    let prefix = if prefix.is_empty() { String::new() } else { format!("{prefix}/") };
    Ok(Blobs::S3 { bucket: bucket.to_owned(), prefix })
}

pub(super) fn outbound(reader: &Reader) -> anyhow::Result<Policy> {
    let allow =
        reader.list(&table::ALLOWED_HOSTS)?.iter().map(|host| host.parse::<Allowed>()).collect::<Result<_, _>>();
    Ok(Policy {
        allow: allow.with_context(|| unusable(&table::ALLOWED_HOSTS))?,
        offline: reader.flag(&table::OFFLINE)?,
        authorities: reader.path(&table::CA_FILE)?.map(|path| authorities(&path)).transpose()?,
        proxy: reader.parsed(&table::PROXY)?,
    })
}

fn authorities(path: &Path) -> anyhow::Result<Authorities> {
    let name = table::CA_FILE.name;
    let pem = std::fs::read(path).with_context(|| {
        format!("{name} `{}` cannot be read; name a file of certificates, or unset it", path.display())
    })?;
    Authorities::from_pem(&pem).with_context(|| format!("{name} `{}` cannot be used", path.display()))
}
