//! Settings for people: what is set now, and the tables of the documentation.

use std::fmt::Write as _;

use certus_model::escape::one_line;
use certus_outbound::without_secrets;

use super::reader::Reader;
use super::table::{ALL, Kind, Setting, Unset};

impl Kind {
    /// What its text is, after `is not`.
    pub(super) fn article(self) -> String {
        match self {
            Self::Flag => "true or false".to_owned(),
            Self::Number(least, most) => format!("a whole number from {least} to {most}"),
            Self::Seconds => "a whole number of seconds".to_owned(),
            Self::List => "a list of texts".to_owned(),
            _ => "a text".to_owned(),
        }
    }

    fn cell(self) -> String {
        match self {
            Self::Flag => "`true`, `false`".to_owned(),
            Self::Number(least, most) => format!("{least} to {most}"),
            Self::Seconds => "seconds, 1 to 86400".to_owned(),
            Self::Choice(words) => format!("`{}`", words.join("`, `")),
            Self::Path => "path".to_owned(),
            Self::Text => "text".to_owned(),
            Self::List => "list, commas".to_owned(),
            Self::Address => "address".to_owned(),
            Self::Secret => "secret".to_owned(),
        }
    }
}

impl Setting {
    fn default(&self) -> String {
        match self.default {
            Unset::Text(text) => format!("`{text}`"),
            Unset::Words(words) => words.to_owned(),
        }
    }
}

/// Every setting with what holds now and where that comes from; secrets and logins are left out.
pub(crate) fn show(reader: &Reader) -> anyhow::Result<String> {
    let width = ALL.iter().map(|setting| setting.name.len()).max().unwrap_or_default();
    let mut text = String::new();
    for setting in ALL {
        let (value, origin) = reader.origin(setting)?;
        let value = match (value, setting.kind, setting.default) {
            (Some(_), Kind::Secret, _) => "(set)".to_owned(),
            (Some(value), Kind::Address, _) => without_secrets(&value),
            (Some(value), ..) => one_line(&value, 200),
            (None, _, Unset::Words(words)) => format!("({})", words.replace('`', "")),
            (None, _, Unset::Text(_)) => String::new(),
        };
        writeln!(text, "{:width$}  {value}  [{origin}]", setting.name)?;
    }
    Ok(text)
}

/// The table of the README.
pub(crate) fn brief() -> String {
    let mut text = String::from("| variable | default | meaning |\n| --- | --- | --- |\n");
    for setting in ALL {
        text += &format!("| `{}` | {} | {} |\n", setting.name, setting.default(), setting.help);
    }
    text
}

/// The table of `docs/operations/settings.md`.
pub(crate) fn markdown() -> String {
    let mut text = String::from(
        "| variable | key in `certus.toml` | value | default | meaning |\n| --- | --- | --- | --- | --- |\n",
    );
    for setting in ALL {
        let mut names = format!("`{}`", setting.name);
        if let Some(alias) = setting.alias {
            names += &format!(" or `{alias}`");
        }
        if setting.has_file() {
            names += "; `…_FILE`";
        }
        let key = setting.key().map_or_else(|| "–".to_owned(), |key| format!("`{key}`"));
        text += &format!("| {names} | {key} | {} | {} | {} |\n", setting.kind.cell(), setting.default(), setting.help);
    }
    text
}
