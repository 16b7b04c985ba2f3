//! Between the bindings' types and the model's. Nothing is checked here beyond the form that the
//! binary contract itself guarantees: what comes out is named `Unverified…`.

use std::collections::BTreeMap;

use certus_model::finding::{
    UnverifiedFinding, UnverifiedLocation, UnverifiedProblem, UnverifiedReport, UnverifiedValue,
};
use certus_model::inventory::{HashAlgorithm, Scope, UnverifiedDependency};
use certus_model::outcome::ProblemReason;
use certus_model::plugin::SettingValue;
use certus_model::{Confidence, Revision, Severity};

use crate::bindings::{files, types};
use crate::instance::FileInput;

pub(crate) fn settings(settings: &BTreeMap<String, SettingValue>) -> Vec<types::Setting> {
    let value = |value: &SettingValue| match value.clone() {
        SettingValue::Text(text) => types::SettingValue::Text(text),
        SettingValue::Number(number) => types::SettingValue::Number(number),
        SettingValue::Flag(flag) => types::SettingValue::Flag(flag),
        SettingValue::Texts(texts) => types::SettingValue::Texts(texts),
    };
    settings.iter().map(|(name, v)| types::Setting { name: name.clone(), value: value(v) }).collect()
}

pub(crate) fn file(file: &FileInput<'_>) -> files::File {
    files::File {
        path: file.path.to_owned(),
        content: file.content.to_vec(),
        hits: file.hits.iter().map(|(keyword, start)| files::Hit { keyword: *keyword, start: *start }).collect(),
        hits_complete: file.hits_complete,
    }
}

pub(crate) fn problem(problem: types::Problem) -> UnverifiedProblem {
    UnverifiedProblem {
        reason: match problem.reason {
            types::Reason::Unsupported => ProblemReason::Unsupported,
            types::Reason::Malformed => ProblemReason::Malformed,
            types::Reason::Exhausted => ProblemReason::Exhausted,
            types::Reason::Internal => ProblemReason::Internal,
        },
        at: problem.at.map(location),
        note: certus_model::escape::one_line(&problem.note, 1000),
    }
}

pub(crate) fn report(report: types::Report) -> UnverifiedReport {
    UnverifiedReport {
        findings: report.findings.into_iter().map(finding).collect(),
        problems: report.problems.into_iter().map(problem).collect(),
        dependencies: report.dependencies.into_iter().map(dependency).collect(),
    }
}

pub(crate) fn finding(finding: types::Finding) -> UnverifiedFinding {
    UnverifiedFinding {
        rule: finding.rule,
        at: location(finding.at),
        sensitive: finding.sensitive.into_iter().map(|span| (span.start, span.end)).collect(),
        related: finding.related.into_iter().map(location).collect(),
        parameters: finding.parameters.into_iter().map(|p| (p.name, value(p.value))).collect(),
        confidence: match finding.confidence {
            types::Confidence::Low => Confidence::Low,
            types::Confidence::Medium => Confidence::Medium,
            types::Confidence::High => Confidence::High,
        },
        severity: finding.severity.map(|severity| match severity {
            types::Severity::Info => Severity::Info,
            types::Severity::Low => Severity::Low,
            types::Severity::Medium => Severity::Medium,
            types::Severity::High => Severity::High,
            types::Severity::Critical => Severity::Critical,
        }),
    }
}

fn location(location: types::Location) -> UnverifiedLocation {
    UnverifiedLocation {
        path: location.path,
        revision: match location.revision {
            types::Revision::Head => Revision::Head,
            types::Revision::Base => Revision::Base,
        },
        span: location.span.map(|span| (span.start, span.end)),
    }
}

fn value(value: types::Value) -> UnverifiedValue {
    match value {
        types::Value::Text(text) => UnverifiedValue::Text(text),
        types::Value::Number(number) => UnverifiedValue::Number(number),
        types::Value::Flag(flag) => UnverifiedValue::Flag(flag),
        types::Value::Location(at) => UnverifiedValue::Location(location(at)),
    }
}

fn dependency(dependency: types::Dependency) -> UnverifiedDependency {
    UnverifiedDependency {
        id: dependency.id,
        ecosystem: dependency.ecosystem,
        namespace: dependency.namespace,
        name: dependency.name,
        version: dependency.version,
        qualifiers: dependency.qualifiers,
        root: dependency.root,
        scope: match dependency.scope {
            types::Scope::Runtime => Scope::Runtime,
            types::Scope::Development => Scope::Development,
            types::Scope::Build => Scope::Build,
            types::Scope::Optional => Scope::Optional,
            types::Scope::Unknown => Scope::Unknown,
        },
        licences: dependency.licences,
        hashes: dependency.hashes.into_iter().map(|hash| (algorithm(hash.algorithm), hash.value)).collect(),
        origin: dependency.origin,
        depends_on: dependency.depends_on,
        evidence: dependency.evidence.into_iter().map(location).collect(),
    }
}

fn algorithm(algorithm: types::HashAlgorithm) -> HashAlgorithm {
    match algorithm {
        types::HashAlgorithm::Sha1 => HashAlgorithm::Sha1,
        types::HashAlgorithm::Sha256 => HashAlgorithm::Sha256,
        types::HashAlgorithm::Sha384 => HashAlgorithm::Sha384,
        types::HashAlgorithm::Sha512 => HashAlgorithm::Sha512,
        types::HashAlgorithm::Blake3 => HashAlgorithm::Blake3,
        types::HashAlgorithm::Md5 => HashAlgorithm::Md5,
    }
}
