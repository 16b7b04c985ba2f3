//! Settings of Trust and of publication.

use std::net::SocketAddr;
use std::path::PathBuf;

use anyhow::{Context as _, ensure};
use certus_outbound::{ApiKey, Policy, ServerSettings, ServerUrl};
use certus_signing::KeyRef;
use certus_store::S3Config;

use super::reader::Reader;
use super::service::s3;
use super::table;

/// The plugin that looks for personal data where none is named.
const PRIVACY: &str = "privacy";

/// What decides, and where what it permits goes.
pub(crate) struct Trusting {
    /// Where `certus trust` listens.
    pub(crate) listen: SocketAddr,
    /// What is permitted.
    pub(crate) policy: Option<PathBuf>,
    /// Who decides, as a URI.
    pub(crate) id: String,
    /// The key that signs decisions; the host's own where none is named.
    pub(crate) key: Option<String>,
    /// Trust of another process; this one where there is none.
    pub(crate) remote: Option<Remote>,
    /// Where `certus transform` listens.
    pub(crate) transform: SocketAddr,
    /// Plugins that look for personal data.
    pub(crate) privacy_plugins: Vec<String>,
    /// Whether they look before anything is copied to golden.
    pub(crate) privacy_gate: bool,
    /// Where objects are published.
    pub(crate) lake: Option<Lake>,
    /// Where artifacts are published.
    pub(crate) registry: Option<Registry>,
}

/// Trust of another process.
pub(crate) struct Remote {
    pub(crate) server: ServerSettings,
    /// Whose permits count.
    pub(crate) anchors: Vec<KeyRef>,
}

/// Where objects are published.
pub(crate) enum Lake {
    /// Two folders of this machine.
    Folder(PathBuf),
    /// Two prefixes of buckets.
    S3 { raw: Box<S3Config>, golden: Box<S3Config> },
}

/// Where artifacts are published.
pub(crate) struct Registry {
    pub(crate) registry: String,
    pub(crate) repository: String,
    pub(crate) kind: RegistryKind,
}

/// How artifacts get there.
pub(crate) enum RegistryKind {
    /// Into a folder, to be carried.
    Mirror(PathBuf),
    /// Over the network.
    Push { login: Option<(String, String)> },
}

impl Trusting {
    pub(super) fn read(reader: &Reader, outbound: &Policy) -> anyhow::Result<Self> {
        Ok(Self {
            listen: reader.parsed(&table::TRUST_LISTEN)?.context("there is no address to listen at")?,
            transform: reader.parsed(&table::TRANSFORM_LISTEN)?.context("there is no address to listen at")?,
            privacy_plugins: privacy_plugins(reader)?,
            privacy_gate: reader.flag(&table::PRIVACY_GATE)?,
            policy: reader.path(&table::TRUST_POLICY)?,
            id: reader.text(&table::TRUST_ID)?.unwrap_or_default(),
            key: reader.text(&table::TRUST_KEY)?,
            remote: remote(reader, outbound)?,
            lake: lake(reader, outbound)?,
            registry: registry(reader)?,
        })
    }
}

fn privacy_plugins(reader: &Reader) -> anyhow::Result<Vec<String>> {
    let named = reader.list(&table::PRIVACY_PLUGINS)?;
    Ok(if named.is_empty() { vec![PRIVACY.to_owned()] } else { named })
}

fn remote(reader: &Reader, outbound: &Policy) -> anyhow::Result<Option<Remote>> {
    let anchors = reader.list(&table::TRUST_ANCHOR)?;
    let Some(url) = reader.parsed::<ServerUrl>(&table::TRUST_BASE_URL)? else { return Ok(None) };
    ensure!(
        !anchors.is_empty(),
        "{} is set without {}; name the public key that Trust signs permits with",
        table::TRUST_BASE_URL.name,
        table::TRUST_ANCHOR.name
    );
    let anchors = anchors.iter().map(|anchor| anchor.parse()).collect::<Result<_, _>>();
    let anchors = anchors.with_context(|| format!("{} cannot be used", table::TRUST_ANCHOR.name))?;
    let key = reader.parsed::<ApiKey>(&table::TRUST_API_KEY)?;
    let server = ServerSettings { url, policy: outbound.clone(), identity: None, key };
    Ok(Some(Remote { server, anchors }))
}

fn lake(reader: &Reader, outbound: &Policy) -> anyhow::Result<Option<Lake>> {
    let folder = reader.path(&table::PUBLISH_DIR)?;
    if !reader.flag(&table::ENABLE_S3_UPLOAD)? {
        return Ok(folder.map(Lake::Folder));
    }
    ensure!(
        folder.is_none(),
        "{} and {} are both set; keep one",
        table::PUBLISH_DIR.name,
        table::ENABLE_S3_UPLOAD.name
    );
    let at = |bucket, prefix| -> anyhow::Result<Box<S3Config>> {
        let prefix = reader.text(prefix)?.unwrap_or_default();
        let prefix = prefix.trim_matches('/');
        let prefix = if prefix.is_empty() { String::new() } else { format!("{prefix}/") };
        let bucket = reader.text(bucket)?.unwrap_or_default();
        Ok(Box::new(S3Config { bucket, prefix, ..s3(reader, outbound, &table::ENABLE_S3_UPLOAD)? }))
    };
    let raw = at(&table::RAW_BUCKET, &table::RAW_PREFIX)?;
    let golden = at(&table::GOLDEN_BUCKET, &table::GOLDEN_PREFIX)?;
    ensure!(
        (&raw.bucket, &raw.prefix) != (&golden.bucket, &golden.prefix) || !raw.bucket.is_empty(),
        "{} is empty; name a bucket",
        table::RAW_BUCKET.name
    );
    Ok(Some(Lake::S3 { raw, golden }))
}

fn registry(reader: &Reader) -> anyhow::Result<Option<Registry>> {
    if !reader.flag(&table::ENABLE_REGISTRY_PUSH)? {
        return Ok(None);
    }
    let text = |setting| -> anyhow::Result<String> { Ok(reader.text(setting)?.unwrap_or_default()) };
    let login = (reader.text(&table::REGISTRY_USERNAME)?, reader.text(&table::REGISTRY_PASSWORD)?);
    let kind = match text(&table::REGISTRY_PUSH_STRATEGY)?.as_str() {
        "docker" => {
            let login = match login {
                (Some(user), Some(password)) => Some((user, password)),
                (None, None) => None,
                _ => anyhow::bail!(
                    "{} and {} go together; set both or none",
                    table::REGISTRY_USERNAME.name,
                    table::REGISTRY_PASSWORD.name
                ),
            };
            RegistryKind::Push { login }
        }
        _ => {
            RegistryKind::Mirror(reader.path(&table::REGISTRY_MIRROR_DIR)?.context("there is no folder to mirror to")?)
        }
    };
    Ok(Some(Registry { registry: text(&table::REGISTRY)?, repository: text(&table::REGISTRY_REPOSITORY)?, kind }))
}
