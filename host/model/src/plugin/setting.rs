use serde::{Deserialize, Serialize};

use crate::ids::Name;

/// `[[settings]]`: something that an operator may set.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Setting {
    /// Its name.
    pub name: Name,
    /// Its type.
    #[serde(rename = "type")]
    pub kind: SettingType,
    /// The value if nobody sets one; of the declared type.
    pub default: SettingValue,
    /// Least number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min: Option<i64>,
    /// Largest number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max: Option<i64>,
    /// Texts that are allowed; empty means any.
    #[serde(default)]
    pub choices: Vec<String>,
    /// One sentence for the operator.
    pub help: String,
}

/// Type of a setting.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SettingType {
    /// Text.
    Text,
    /// A whole number.
    Number,
    /// Yes or no.
    Flag,
    /// A list of texts.
    Texts,
}

/// Value of a setting.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum SettingValue {
    /// Yes or no.
    Flag(bool),
    /// A whole number.
    Number(i64),
    /// Text.
    Text(String),
    /// A list of texts.
    Texts(Vec<String>),
}

impl Setting {
    /// Why `value` is none for this setting, as a clause; none if it is one.
    pub fn objection(&self, value: &SettingValue) -> Option<String> {
        let choice = |text: &String| self.choices.is_empty() || self.choices.contains(text);
        match (self.kind, value) {
            (SettingType::Flag, SettingValue::Flag(_)) => None,
            (SettingType::Number, SettingValue::Number(n)) => {
                let low = self.min.unwrap_or(i64::MIN);
                let high = self.max.unwrap_or(i64::MAX);
                (!(low..=high).contains(n)).then(|| format!("must lie between {low} and {high}"))
            }
            (SettingType::Text, SettingValue::Text(text)) => {
                (!choice(text)).then(|| format!("must be one of {}", self.choices.join(", ")))
            }
            (SettingType::Texts, SettingValue::Texts(texts)) => {
                (!texts.iter().all(choice)).then(|| format!("may hold only {}", self.choices.join(", ")))
            }
            (kind, _) => Some(format!("must be a {kind:?}").to_lowercase()),
        }
    }
}
