//! Settings, from the environment: the only place that reads it. Every name stands in the README's
//! table, which a test compares.

mod service;

use std::ffi::OsString;
use std::path::PathBuf;

use anyhow::Context as _;
use certus_checkout::{Credential, RemoteHost};
use certus_signing::Password;

pub(crate) use self::service::{LISTEN, LogFormat, PRODUCTION, Service};

/// Folder of installed plugins.
pub(crate) const PLUGIN_DIR: &str = "CERTUS_PLUGIN_DIR";
/// Folder of compiled plugins.
pub(crate) const CACHE_DIR: &str = "CERTUS_CACHE_DIR";
/// Folder of keys.
pub(crate) const KEY_DIR: &str = "CERTUS_KEY_DIR";
/// Key to sign with.
pub(crate) const KEY: &str = "CERTUS_KEY";
/// Folder for temporary files.
pub(crate) const SCRATCH_DIR: &str = "CERTUS_SCRATCH_DIR";
/// Password of the signing key, cosign's own name.
pub(crate) const COSIGN_PASSWORD: &str = "COSIGN_PASSWORD";
/// Token for https repositories.
pub(crate) const GIT_TOKEN: &str = "CERTUS_GIT_TOKEN";
/// The one host that the token is for.
pub(crate) const GIT_TOKEN_HOST: &str = "CERTUS_GIT_TOKEN_HOST";

/// What the environment says.
pub(crate) struct Settings {
    pub(crate) plugins: PathBuf,
    pub(crate) cache: PathBuf,
    pub(crate) keys: PathBuf,
    pub(crate) key: Option<String>,
    pub(crate) scratch: PathBuf,
    pub(crate) password: Password,
    /// The token for https repositories, and the host that it opens.
    pub(crate) git_token: Option<(RemoteHost, Credential)>,
    /// This very program, which is its own child processes.
    pub(crate) program: PathBuf,
    /// Where programs such as git are looked up.
    pub(crate) search_path: OsString,
}

impl Settings {
    /// Reads the environment; nothing is created.
    pub(crate) fn read() -> anyhow::Result<Self> {
        let program = std::env::current_exe().context("this program's own path cannot be found")?;
        let beside = program.parent().map(|folder| folder.join("plugins"));
        let home = path("HOME").unwrap_or_else(|| PathBuf::from("/nonexistent"));
        let data = path("XDG_DATA_HOME").unwrap_or_else(|| home.join(".local/share")).join("certus");
        let config = path("XDG_CONFIG_HOME").unwrap_or_else(|| home.join(".config")).join("certus");
        let cache = path("XDG_CACHE_HOME").unwrap_or_else(|| home.join(".cache")).join("certus");
        Ok(Self {
            plugins: path(PLUGIN_DIR)
                .or_else(|| beside.filter(|folder| folder.is_dir()))
                .unwrap_or_else(|| data.join("plugins")),
            cache: path(CACHE_DIR).unwrap_or_else(|| cache.join("compiled")),
            keys: path(KEY_DIR).unwrap_or_else(|| config.join("keys")),
            key: text(KEY)?,
            scratch: path(SCRATCH_DIR).unwrap_or_else(|| std::env::temp_dir().join(format!("certus-{}", user()))),
            password: Password::new(secret(COSIGN_PASSWORD)?.unwrap_or_default()),
            git_token: git_token()?,
            search_path: variable("PATH").unwrap_or_default(),
            program,
        })
    }
}

/// The one door to the environment.
#[expect(clippy::disallowed_methods, reason = "settings are read here and nowhere else")]
pub(crate) fn variable(name: &str) -> Option<OsString> {
    std::env::var_os(name).filter(|value| !value.is_empty())
}

fn path(name: &str) -> Option<PathBuf> {
    variable(name).map(PathBuf::from)
}

fn text(name: &str) -> anyhow::Result<Option<String>> {
    match variable(name).map(OsString::into_string) {
        None => Ok(None),
        Some(Ok(text)) => Ok(Some(text)),
        Some(Err(_)) => anyhow::bail!("{name} is not UTF-8; set it anew"),
    }
}

/// A secret: the variable itself, or the content of the file that `NAME_FILE` names.
fn secret(name: &str) -> anyhow::Result<Option<String>> {
    let file = format!("{name}_FILE");
    match (text(name)?, path(&file)) {
        (Some(_), Some(_)) => anyhow::bail!("{name} and {file} are both set; keep one"),
        (Some(value), None) => Ok(Some(value)),
        (None, Some(path)) => {
            let value = std::fs::read_to_string(&path)
                .with_context(|| format!("the file `{}` of {file} cannot be read", path.display()))?;
            Ok(Some(value.trim_end_matches(['\r', '\n']).to_owned()))
        }
        (None, None) => Ok(None),
    }
}

/// The token and its host: a token that says nothing of its host would be shown to whichever is scanned.
fn git_token() -> anyhow::Result<Option<(RemoteHost, Credential)>> {
    let Some(token) = secret(GIT_TOKEN)? else { return Ok(None) };
    let Some(host) = text(GIT_TOKEN_HOST)? else {
        anyhow::bail!(
            "{GIT_TOKEN} is set without {GIT_TOKEN_HOST}; name the host that the token is for, as in github.com"
        );
    };
    Ok(Some((host.parse().with_context(|| format!("{GIT_TOKEN_HOST} cannot be used"))?, Credential::token(token))))
}

/// Tells users' temporary folders apart.
fn user() -> String {
    variable("USER")
        .or_else(|| variable("LOGNAME"))
        .map_or_else(|| "user".to_owned(), |u| u.to_string_lossy().into_owned())
}
