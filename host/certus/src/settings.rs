//! Settings. Every name stands in [`table`]; the tables of the documentation come from there.

mod client;
mod reader;
mod service;
mod show;
pub(crate) mod table;
mod trust;

use std::ffi::OsString;
use std::path::PathBuf;

use anyhow::Context as _;
use certus_checkout::{Credential, RemoteHost};
use certus_signing::Password;
use certus_signing::key::kms::{KmsAccess, KmsLogin};

pub(crate) use self::client::server;
pub(crate) use self::reader::{Origin, Reader, variable};
pub(crate) use self::service::{Blobs, HTTPS, LogFormat, Service, Tls, outbound};
pub(crate) use self::show::{brief, markdown, show};
pub(crate) use self::trust::{Lake, Registry, RegistryKind};

/// What every command needs.
pub(crate) struct Settings {
    pub(crate) reader: Reader,
    pub(crate) plugins: PathBuf,
    pub(crate) cache: PathBuf,
    pub(crate) keys: PathBuf,
    pub(crate) key: Option<String>,
    /// Folder of this machine's transparency log.
    pub(crate) log: PathBuf,
    pub(crate) scratch: PathBuf,
    pub(crate) password: Password,
    /// The PIN of tokens, and the library by which they are reached.
    pub(crate) pin: Option<Password>,
    pub(crate) pkcs11_module: Option<PathBuf>,
    /// How AWS KMS is asked.
    pub(crate) kms: KmsAccess,
    /// The token for https repositories, and the host that it opens.
    pub(crate) git_token: Option<(RemoteHost, Credential)>,
    /// This very program, which is its own child processes.
    pub(crate) program: PathBuf,
    /// Where programs such as git are looked up.
    pub(crate) search_path: OsString,
}

impl Settings {
    /// Reads them; nothing is created.
    pub(crate) fn read() -> anyhow::Result<Self> {
        Reader::strangers()?;
        let reader = Reader::open()?;
        let program = std::env::current_exe().context("this program's own path cannot be found")?;
        let beside = program.parent().map(|folder| folder.join("plugins"));
        let path = |name| variable(name).map(PathBuf::from);
        let home = path("HOME").unwrap_or_else(|| PathBuf::from("/nonexistent"));
        let data = path("XDG_DATA_HOME").unwrap_or_else(|| home.join(".local/share")).join("certus");
        let config = path("XDG_CONFIG_HOME").unwrap_or_else(|| home.join(".config")).join("certus");
        let cache = path("XDG_CACHE_HOME").unwrap_or_else(|| home.join(".cache")).join("certus");
        Ok(Self {
            plugins: reader
                .path(&table::PLUGIN_DIR)?
                .or_else(|| beside.filter(|folder| folder.is_dir()))
                .unwrap_or_else(|| data.join("plugins")),
            cache: reader.path(&table::CACHE_DIR)?.unwrap_or_else(|| cache.join("compiled")),
            keys: reader.path(&table::KEY_DIR)?.unwrap_or_else(|| config.join("keys")),
            key: reader.text(&table::KEY)?,
            log: reader.path(&table::LOG_DIR)?.unwrap_or_else(|| data.join("log")),
            scratch: reader
                .path(&table::SCRATCH_DIR)?
                .unwrap_or_else(|| std::env::temp_dir().join(format!("certus-{}", user()))),
            password: Password::new(reader.text(&table::COSIGN_PASSWORD)?.unwrap_or_default()),
            pin: reader.text(&table::PKCS11_PIN)?.map(Password::new),
            pkcs11_module: reader.path(&table::PKCS11_MODULE)?,
            kms: kms(&reader)?,
            git_token: git_token(&reader)?,
            search_path: variable("PATH").unwrap_or_default(),
            program,
            reader,
        })
    }
}

/// How AWS KMS is asked.
fn kms(reader: &Reader) -> anyhow::Result<KmsAccess> {
    let login = match (reader.text(&table::AWS_ACCESS_KEY_ID)?, reader.text(&table::AWS_SECRET_ACCESS_KEY)?) {
        (Some(access_key_id), Some(secret)) => {
            Some(KmsLogin { access_key_id, secret_access_key: Password::new(secret), session_token: None })
        }
        _ => None,
    };
    let (region, endpoint) = (reader.text(&table::AWS_REGION)?, reader.text(&table::KMS_ENDPOINT)?);
    Ok(KmsAccess { login, region, endpoint, authorities: None })
}

/// The token and its host: a token that says nothing of its host would be shown to whichever is scanned.
fn git_token(reader: &Reader) -> anyhow::Result<Option<(RemoteHost, Credential)>> {
    let Some(token) = reader.text(&table::GIT_TOKEN)? else { return Ok(None) };
    let host = reader.parsed(&table::GIT_TOKEN_HOST)?.with_context(|| {
        format!(
            "{} is set without {}; name the host that the token is for, as in github.com",
            table::GIT_TOKEN.name,
            table::GIT_TOKEN_HOST.name
        )
    })?;
    Ok(Some((host, Credential::token(token))))
}

/// Tells users' temporary folders apart.
fn user() -> String {
    variable("USER")
        .or_else(|| variable("LOGNAME"))
        .map_or_else(|| "user".to_owned(), |u| u.to_string_lossy().into_owned())
}
