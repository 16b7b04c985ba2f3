//! Reads settings: the environment, the files that it names, and `certus.toml`. The only place that does.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fmt::{self, Display};
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

use anyhow::{Context as _, anyhow, bail, ensure};
use certus_model::escape::one_line;

use super::table::{ALL, CONFIG, Kind, Setting, Unset};

/// The longest of the times that are set in seconds: a day.
const MAX_SECONDS: u64 = 24 * 60 * 60;

/// Variables that no setting is called by, although they look like one: of the tests, and what Kubernetes puts
/// into every container beside a service that is called `certus`.
const FOREIGN: &[&str] = &["CERTUS_TEST_", "CERTUS_PORT", "CERTUS_SERVICE_"];

/// Settings of the replaced service that this one has no use for (yet); they are accepted so that its
/// environment can be kept.
const WITHOUT_EFFECT: &[&str] = &["CASE_STUDY_SOURCE", "COSIGN_ENABLED", "COSIGN_KEY_REF", "COSIGN_PATH", "S3_BUCKET"];

/// What is set, and where.
pub(crate) struct Reader {
    file: BTreeMap<String, String>,
}

/// Where a value comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Origin {
    /// Nobody has set it.
    Default,
    /// `certus.toml`.
    File,
    /// This variable.
    Variable(String),
}

impl Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::File => f.write_str("certus.toml"),
            Self::Variable(name) => f.write_str(name),
        }
    }
}

impl Reader {
    /// Reads `certus.toml`; unknown keys are an error.
    pub(crate) fn open() -> anyhow::Result<Self> {
        let (path, named) = match variable(CONFIG.name) {
            Some(path) => (PathBuf::from(path), true),
            None => (PathBuf::from("certus.toml"), false),
        };
        let text = match std::fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if !named && error.kind() == std::io::ErrorKind::NotFound => {
                return Ok(Self { file: BTreeMap::new() });
            }
            Err(error) => {
                return Err(error)
                    .with_context(|| format!("settings `{}` cannot be read; see {}", path.display(), CONFIG.name));
            }
        };
        Ok(Self { file: file(&text).with_context(|| format!("settings `{}`", path.display()))? })
    }

    /// The setting's text, as it was set or as it is by default, and where from.
    pub(crate) fn origin(&self, setting: &Setting) -> anyhow::Result<(Option<String>, Origin)> {
        let names = [Some(setting.name), setting.alias];
        let mut found: Option<(String, Origin)> = None;
        for name in names.into_iter().flatten() {
            let mut given = vec![(name.to_owned(), text(name)?)];
            if setting.has_file() {
                let variable = format!("{name}_FILE");
                let content = content(&variable)?;
                given.push((variable, content));
            }
            for (variable, value) in given {
                let Some(value) = value else { continue };
                if let Some((_, Origin::Variable(other))) = &found {
                    bail!("{other} and {variable} are both set; keep one");
                }
                found = Some((value, Origin::Variable(variable)));
            }
        }
        let key = setting.key();
        let in_file = key.and_then(|key| self.file.get(&key)).map(|value| (value.clone(), Origin::File));
        Ok(match (found.or(in_file), setting.default) {
            (Some((value, origin)), _) => (Some(value), origin),
            (None, Unset::Text(value)) => (Some(value.to_owned()), Origin::Default),
            (None, Unset::Words(_)) => (None, Origin::Default),
        })
    }

    /// The file that a variable `NAME_FILE` names.
    pub(crate) fn file_of(&self, variable: &str) -> Option<PathBuf> {
        self::variable(variable).map(PathBuf::from)
    }

    /// The setting's text.
    pub(crate) fn text(&self, setting: &Setting) -> anyhow::Result<Option<String>> {
        Ok(self.origin(setting)?.0)
    }

    /// A setting that names a file or folder.
    pub(crate) fn path(&self, setting: &Setting) -> anyhow::Result<Option<PathBuf>> {
        if let Some(path) = variable(setting.name) {
            // As the system has it, whatever its encoding.
            return Ok(Some(path.into()));
        }
        Ok(self.text(setting)?.map(PathBuf::from))
    }

    /// A setting with a type of its own.
    pub(crate) fn parsed<T: FromStr<Err: Into<anyhow::Error>>>(&self, setting: &Setting) -> anyhow::Result<Option<T>> {
        let Some(text) = self.text(setting)? else { return Ok(None) };
        let parsed = text.parse().map_err(|error: T::Err| match setting.kind {
            // What stands there may be a secret, and the error may repeat it where its type did not foresee that.
            Kind::Secret => anyhow!("{} cannot be used; see its form in docs/operations/settings.md", setting.name),
            _ => error.into().context(format!("{} cannot be used", setting.name)),
        });
        parsed.map(Some)
    }

    /// A setting that is on or off.
    pub(crate) fn flag(&self, setting: &Setting) -> anyhow::Result<bool> {
        match self.text(setting)?.as_deref() {
            Some("1" | "true" | "yes" | "on") => Ok(true),
            None | Some("0" | "false" | "no" | "off") => Ok(false),
            Some(other) => bail!("{} is `{}`; it is `true` or `false`", setting.name, one_line(other, 60)),
        }
    }

    /// A setting that is a whole number, within its range.
    pub(crate) fn number(&self, setting: &Setting) -> anyhow::Result<Option<u64>> {
        let (least, most) = match setting.kind {
            Kind::Number(least, most) => (least, most),
            _ => (1, MAX_SECONDS),
        };
        let Some(text) = self.text(setting)? else { return Ok(None) };
        let number = text.parse().ok().filter(|number| (least..=most).contains(number));
        let wrong =
            || anyhow!("{} is `{}`; it is a whole number from {least} to {most}", setting.name, one_line(&text, 60));
        number.map(Some).ok_or_else(wrong)
    }

    /// A number that has a default.
    pub(crate) fn count(&self, setting: &Setting) -> anyhow::Result<u64> {
        self.number(setting)?.with_context(|| format!("{} has no value", setting.name))
    }

    /// A setting in seconds.
    pub(crate) fn seconds(&self, setting: &Setting) -> anyhow::Result<Duration> {
        Ok(Duration::from_secs(self.count(setting)?))
    }

    /// One word of several.
    pub(crate) fn choice(&self, setting: &Setting) -> anyhow::Result<String> {
        let Kind::Choice(words) = setting.kind else { bail!("{} has no words to choose from", setting.name) };
        let text = self.text(setting)?.unwrap_or_default();
        ensure!(
            words.contains(&text.as_str()),
            "{} is `{}`; it is one of `{}`",
            setting.name,
            one_line(&text, 60),
            words.join("`, `")
        );
        Ok(text)
    }

    /// Words with commas between them.
    pub(crate) fn list(&self, setting: &Setting) -> anyhow::Result<Vec<String>> {
        let text = self.text(setting)?.unwrap_or_default();
        Ok(text.split(',').map(|word| word.trim().to_owned()).filter(|word| !word.is_empty()).collect())
    }

    /// Refuses variables that look like settings and are none: a misspelt one would otherwise leave in force
    /// what it was meant to change. Returns those that are known and without effect.
    pub(crate) fn strangers() -> anyhow::Result<Vec<String>> {
        let mut idle = Vec::new();
        for name in names() {
            let is_ours = name.starts_with("CERTUS_") && !FOREIGN.iter().any(|prefix| name.starts_with(prefix));
            let is_known = |setting: &Setting| {
                let base = [Some(setting.name), setting.alias].into_iter().flatten();
                base.into_iter().any(|base| name == base || (setting.has_file() && name == format!("{base}_FILE")))
            };
            if !is_ours || ALL.iter().any(is_known) {
                continue;
            }
            if name.strip_prefix("CERTUS_ASSURANCE_").is_some_and(|bare| WITHOUT_EFFECT.contains(&bare)) {
                idle.push(name);
                continue;
            }
            let likeness = |setting: &str| strsim::jaro_winkler(bare(setting), bare(&name));
            let near = ALL.iter().map(|s| s.name).filter(|name| likeness(name) > NEAR);
            let instead = match near.max_by(|a, b| likeness(a).total_cmp(&likeness(b))) {
                Some(nearest) => format!("write {nearest}"),
                None => "see `certus config show` for those that there are".to_owned(),
            };
            bail!("there is no setting {}; unset it, or {instead}", one_line(&name, 100));
        }
        Ok(idle)
    }
}

/// From which likeness on one name may be meant by another, of 1.
const NEAR: f64 = 0.8;

/// A name without what nearly all names begin with.
fn bare(name: &str) -> &str {
    ["CERTUS_ASSURANCE_", "CERTUS_"].iter().find_map(|prefix| name.strip_prefix(prefix)).unwrap_or(name)
}

/// The keys of `certus.toml` with their values as text.
fn file(text: &str) -> anyhow::Result<BTreeMap<String, String>> {
    let table: toml::Table = toml::from_str(text).map_err(|error| {
        // What stands there may be a secret: only the place and the kind of mistake are said.
        let line = error.span().map_or(0, |span| text[..span.start.min(text.len())].matches('\n').count() + 1);
        anyhow!("line {line}: {}", one_line(error.message().lines().next().unwrap_or_default(), 300))
    })?;
    let mut settings = BTreeMap::new();
    for (key, value) in table {
        let Some(setting) = ALL.iter().find(|setting| setting.key().is_some_and(|known| known == key)) else {
            let secret = ALL.iter().find(|s| s.name.to_ascii_lowercase().replace('_', "-").ends_with(&key));
            match secret.filter(|setting| setting.kind == Kind::Secret) {
                Some(secret) => {
                    bail!("key `{key}`: a secret does not stand in this file; set {0} or {0}_FILE", secret.name)
                }
                None => bail!("unknown key `{}`; docs/operations/settings.md lists the keys", one_line(&key, 60)),
            }
        };
        let text = match (value, setting.kind) {
            (toml::Value::Boolean(flag), Kind::Flag) => flag.to_string(),
            (toml::Value::Integer(number), Kind::Number(..) | Kind::Seconds) => number.to_string(),
            (toml::Value::Array(items), Kind::List) => {
                let words = items.iter().map(toml::Value::as_str).collect::<Option<Vec<_>>>();
                words.with_context(|| format!("key `{key}` is not a list of texts"))?.join(",")
            }
            (toml::Value::String(text), kind)
                if !matches!(kind, Kind::Flag | Kind::Number(..) | Kind::Seconds | Kind::List) =>
            {
                text
            }
            (_, kind) => bail!("key `{key}` is not {}", kind.article()),
        };
        settings.insert(key, text);
    }
    Ok(settings)
}

/// The content of the file that `variable` names, without the line feed at its end.
fn content(variable: &str) -> anyhow::Result<Option<String>> {
    let Some(path) = self::variable(variable).map(PathBuf::from) else { return Ok(None) };
    let read = |path: &Path| std::fs::read_to_string(path);
    let value = read(&path).with_context(|| {
        format!("the file `{}` of {variable} cannot be read; make it, or unset {variable}", path.display())
    })?;
    let value = value.trim_end_matches(['\r', '\n']);
    ensure!(!value.is_empty(), "the file `{}` of {variable} is empty; write the secret into it", path.display());
    Ok(Some(value.to_owned()))
}

fn text(name: &str) -> anyhow::Result<Option<String>> {
    match variable(name).map(OsString::into_string) {
        None => Ok(None),
        Some(Ok(text)) => Ok(Some(text)),
        Some(Err(_)) => bail!("{name} is not UTF-8; set it anew"),
    }
}

/// The one door to the environment.
#[expect(clippy::disallowed_methods, reason = "settings are read here and nowhere else")]
pub(crate) fn variable(name: &str) -> Option<OsString> {
    std::env::var_os(name).filter(|value| !value.is_empty())
}

/// The names of all variables that are set to something.
fn names() -> Vec<String> {
    let all = std::env::vars_os().filter(|(_, value)| !value.is_empty());
    let mut names: Vec<_> = all.filter_map(|(name, _)| name.into_string().ok()).collect();
    names.sort_unstable();
    names
}
