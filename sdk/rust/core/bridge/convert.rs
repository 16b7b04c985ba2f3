//! Between the SDK's types and the bindings of one world. Compiled into each kind crate, against
//! the bindings of that crate.

use certus_sdk_core as core;

use crate::bindings::certus::scanner::types as wit;

impl From<core::Span> for wit::Span {
    fn from(span: core::Span) -> Self {
        Self { start: span.start, end: span.end }
    }
}

impl From<core::Revision> for wit::Revision {
    fn from(revision: core::Revision) -> Self {
        match revision {
            core::Revision::Head => Self::Head,
            core::Revision::Base => Self::Base,
        }
    }
}

impl From<core::Location> for wit::Location {
    fn from(location: core::Location) -> Self {
        Self { path: location.path, revision: location.revision.into(), span: location.span.map(Into::into) }
    }
}

impl From<core::Finding> for wit::Finding {
    fn from(finding: core::Finding) -> Self {
        Self {
            rule: finding.rule,
            at: finding.at.into(),
            sensitive: all(finding.sensitive),
            related: all(finding.related),
            parameters: all(finding.parameters),
            confidence: match finding.confidence {
                core::Confidence::Low => wit::Confidence::Low,
                core::Confidence::Medium => wit::Confidence::Medium,
                core::Confidence::High => wit::Confidence::High,
            },
            severity: finding.severity.map(|severity| match severity {
                core::Severity::Info => wit::Severity::Info,
                core::Severity::Low => wit::Severity::Low,
                core::Severity::Medium => wit::Severity::Medium,
                core::Severity::High => wit::Severity::High,
                core::Severity::Critical => wit::Severity::Critical,
            }),
        }
    }
}

impl From<core::Parameter> for wit::Parameter {
    fn from(parameter: core::Parameter) -> Self {
        Self {
            name: parameter.name,
            value: match parameter.value {
                core::Value::Text(text) => wit::Value::Text(text),
                core::Value::Number(number) => wit::Value::Number(number),
                core::Value::Flag(flag) => wit::Value::Flag(flag),
                core::Value::Location(location) => wit::Value::Location(location.into()),
            },
        }
    }
}

impl From<core::Problem> for wit::Problem {
    fn from(problem: core::Problem) -> Self {
        Self {
            reason: match problem.reason {
                core::Reason::Unsupported => wit::Reason::Unsupported,
                core::Reason::Malformed => wit::Reason::Malformed,
                core::Reason::Exhausted => wit::Reason::Exhausted,
                core::Reason::Internal => wit::Reason::Internal,
            },
            at: problem.at.map(Into::into),
            note: problem.note,
        }
    }
}

pub(crate) fn settings(settings: Vec<wit::Setting>) -> core::Settings {
    settings
        .into_iter()
        .map(|setting| {
            let value = match setting.value {
                wit::SettingValue::Text(text) => core::SettingValue::Text(text),
                wit::SettingValue::Number(number) => core::SettingValue::Number(number),
                wit::SettingValue::Flag(flag) => core::SettingValue::Flag(flag),
                wit::SettingValue::Texts(texts) => core::SettingValue::Texts(texts),
            };
            (setting.name, value)
        })
        .collect()
}

pub(crate) fn all<T, U: From<T>>(items: Vec<T>) -> Vec<U> {
    items.into_iter().map(U::from).collect()
}
