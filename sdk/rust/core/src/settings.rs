use std::collections::BTreeMap;

use crate::Problem;

/// The scanner's settings, validated by the host against the manifest and complete with its
/// defaults.
///
/// A getter fails only where the code and the manifest disagree about a name or a type, so a plain
/// `?` in `configure` is right.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Settings(BTreeMap<String, SettingValue>);

/// The value of one setting.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SettingValue {
    /// One text.
    Text(String),
    /// One whole number.
    Number(i64),
    /// Yes or no.
    Flag(bool),
    /// A list of texts.
    Texts(Vec<String>),
}

impl Settings {
    /// The text named `name`.
    ///
    /// # Errors
    /// [`Reason::Internal`](crate::Reason::Internal) where the manifest declares no such text.
    pub fn text(&self, name: &str) -> Result<&str, Problem> {
        match self.0.get(name) {
            Some(SettingValue::Text(value)) => Ok(value),
            _ => Err(undeclared(name, "text")),
        }
    }

    /// The number named `name`.
    ///
    /// # Errors
    /// [`Reason::Internal`](crate::Reason::Internal) where the manifest declares no such number.
    pub fn number(&self, name: &str) -> Result<i64, Problem> {
        match self.0.get(name) {
            Some(SettingValue::Number(value)) => Ok(*value),
            _ => Err(undeclared(name, "number")),
        }
    }

    /// The flag named `name`.
    ///
    /// # Errors
    /// [`Reason::Internal`](crate::Reason::Internal) where the manifest declares no such flag.
    pub fn flag(&self, name: &str) -> Result<bool, Problem> {
        match self.0.get(name) {
            Some(SettingValue::Flag(value)) => Ok(*value),
            _ => Err(undeclared(name, "flag")),
        }
    }

    /// The list of texts named `name`.
    ///
    /// # Errors
    /// [`Reason::Internal`](crate::Reason::Internal) where the manifest declares no such list.
    pub fn texts(&self, name: &str) -> Result<&[String], Problem> {
        match self.0.get(name) {
            Some(SettingValue::Texts(value)) => Ok(value),
            _ => Err(undeclared(name, "texts")),
        }
    }

    /// Every setting, by name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &SettingValue)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value))
    }
}

impl<N: Into<String>> FromIterator<(N, SettingValue)> for Settings {
    fn from_iter<I: IntoIterator<Item = (N, SettingValue)>>(settings: I) -> Self {
        Self(settings.into_iter().map(|(name, value)| (name.into(), value)).collect())
    }
}

fn undeclared(name: &str, kind: &str) -> Problem {
    Problem::internal(format!("setting `{name}` is not a {kind}: declare it under [[settings]] in plugin.toml"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_getter_answers_its_own_type_only() {
        let settings: Settings =
            [("depth", SettingValue::Number(3)), ("names", SettingValue::Texts(vec!["a".to_owned()]))]
                .into_iter()
                .collect();
        assert_eq!(settings.number("depth"), Ok(3));
        assert_eq!(settings.texts("names"), Ok(&["a".to_owned()][..]));
        assert!(settings.text("depth").is_err());
        assert!(settings.flag("absent").is_err());
    }
}
