//! From what a guest states to what the host vouches for: a finding names a declared rule at a place
//! that exists and that the plugin was given, or it is refused and counted.

use std::collections::BTreeMap;

use certus_model::coverage::Refused;
use certus_model::finding::{UnverifiedFinding, UnverifiedLocation, UnverifiedValue};
use certus_model::limits::{MAX_PLACES, MAX_RAW_TEXT};
use certus_model::plugin::{ParameterType, Rule, RuleSeverity};
use certus_model::workspace::{Entry, Workspace};
use certus_model::{Finding, Location, Parameter, PluginManifest, Revision, Severity, Span, Value};

/// Checks one run's statements.
pub struct Checker<'a> {
    /// What the plugin may say.
    pub manifest: &'a PluginManifest,
    /// What it may speak of.
    pub workspace: &'a dyn Workspace,
}

/// Which entries a statement may speak of.
#[derive(Clone, Copy)]
pub enum Given<'a> {
    /// One file that was pushed.
    File(usize),
    /// Files that could be pulled, sorted.
    Granted(&'a [usize]),
}

impl Given<'_> {
    fn contains(&self, index: usize) -> bool {
        match self {
            Self::File(given) => *given == index,
            Self::Granted(given) => given.binary_search(&index).is_ok(),
        }
    }
}

/// Which count of [`Refused`] a refusal adds to.
type Refusal = fn(&mut Refused) -> &mut u64;

const LOCATION: Refusal = |r| &mut r.invalid_location;
const RULE: Refusal = |r| &mut r.undeclared_rule;
const SEVERITY: Refusal = |r| &mut r.undeclared_severity;
const PARAMETER: Refusal = |r| &mut r.undeclared_parameter;

impl Checker<'_> {
    /// The findings that hold; the others are counted in `refused`.
    pub fn findings(&self, stated: Vec<UnverifiedFinding>, given: Given<'_>, refused: &mut Refused) -> Vec<Finding> {
        let mut checked = Vec::with_capacity(stated.len());
        for finding in stated {
            match self.finding(finding, given) {
                Ok(finding) => checked.push(finding),
                Err(count) => *count(refused) += 1,
            }
        }
        checked
    }

    fn finding(&self, stated: UnverifiedFinding, given: Given<'_>) -> Result<Finding, Refusal> {
        let rule = self.manifest.rule(&stated.rule).ok_or(RULE)?;
        let (at, entry) = self.place(stated.at, given)?;
        if stated.sensitive.len() > MAX_PLACES || stated.related.len() > MAX_PLACES {
            return Err(LOCATION);
        }
        let mut sensitive =
            stated.sensitive.into_iter().map(|span| checked_span(span, entry)).collect::<Result<Vec<_>, _>>()?;
        if rule.sensitive {
            // Without a range the whole file would be the secret: the plugin must say which bytes.
            sensitive.push(at.span.ok_or(LOCATION)?);
        }
        sensitive.sort_unstable();
        sensitive.dedup();
        let related = stated.related.into_iter().map(|at| self.location(at, given)).collect::<Result<_, _>>()?;
        Ok(Finding {
            severity: severity(rule, stated.severity)?,
            parameters: self.parameters(rule, stated.parameters, given)?,
            rule: rule.id.clone(),
            confidence: stated.confidence,
            at,
            sensitive,
            related,
        })
    }

    /// A place that exists and was given.
    pub(crate) fn location(&self, stated: UnverifiedLocation, given: Given<'_>) -> Result<Location, Refusal> {
        self.place(stated, given).map(|(location, _)| location)
    }

    fn place(&self, stated: UnverifiedLocation, given: Given<'_>) -> Result<(Location, &Entry), Refusal> {
        let path = stated.path.parse().map_err(|_| LOCATION)?;
        let index = self.workspace.find(&path).filter(|index| given.contains(*index)).ok_or(LOCATION)?;
        let entry = &self.workspace.entries()[index];
        if stated.revision != Revision::Head || !entry.kind.is_file() {
            return Err(LOCATION);
        }
        let span = stated.span.map(|span| checked_span(span, entry)).transpose()?;
        Ok((Location { path, revision: stated.revision, span }, entry))
    }

    fn parameters(
        &self,
        rule: &Rule,
        stated: Vec<(String, UnverifiedValue)>,
        given: Given<'_>,
    ) -> Result<Vec<Parameter>, Refusal> {
        let mut parameters = BTreeMap::new();
        for (name, value) in stated {
            let declared = rule.parameters.get(&name).ok_or(PARAMETER)?;
            let value = match (declared, value) {
                (ParameterType::Text, UnverifiedValue::Text(text)) if text.len() <= MAX_RAW_TEXT => Value::Text(text),
                (ParameterType::Number, UnverifiedValue::Number(number)) => Value::Number(number),
                (ParameterType::Flag, UnverifiedValue::Flag(flag)) => Value::Flag(flag),
                (ParameterType::Location, UnverifiedValue::Location(at)) => Value::Location(self.location(at, given)?),
                _ => return Err(PARAMETER),
            };
            if parameters.insert(name, value).is_some() {
                return Err(PARAMETER);
            }
        }
        if !rule.identity.iter().all(|name| parameters.contains_key(name)) {
            return Err(PARAMETER);
        }
        Ok(parameters.into_iter().map(|(name, value)| Parameter { name, value }).collect())
    }
}

fn checked_span((start, end): (u64, u64), entry: &Entry) -> Result<Span, Refusal> {
    let span = Span { start, end };
    if span.fits(entry.size) { Ok(span) } else { Err(LOCATION) }
}

fn severity(rule: &Rule, stated: Option<Severity>) -> Result<Severity, Refusal> {
    match (rule.severity, stated) {
        (RuleSeverity::FromFinding, Some(severity)) if rule.max_severity.is_some_and(|max| severity <= max) => {
            Ok(severity)
        }
        (fixed, None) => fixed.fixed().ok_or(SEVERITY),
        _ => Err(SEVERITY),
    }
}
