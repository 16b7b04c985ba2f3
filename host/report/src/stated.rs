//! A finding together with whose it is.

use certus_model::plugin::Rule;
use certus_model::{Finding, PluginRun, Span};

use crate::Error;

/// One finding of one run.
#[derive(Clone, Copy)]
pub(crate) struct Stated<'a> {
    pub(crate) run: &'a PluginRun,
    pub(crate) rule: &'a Rule,
    pub(crate) finding: &'a Finding,
}

impl Stated<'_> {
    /// What of the finding's file may not be shown: what the finding says, and for a sensitive rule
    /// the match itself, or the file where the match has no range.
    pub(crate) fn sensitive_spans(&self) -> impl Iterator<Item = Span> {
        let whole_file = Span { start: 0, end: u64::MAX };
        let own = self.rule.sensitive.then_some(self.finding.at.span.unwrap_or(whole_file));
        self.finding.sensitive.iter().copied().chain(own)
    }
}

/// All findings of `runs`, which are in order of their plugins, each once, in order of their places.
pub(crate) fn stated<'a>(runs: &[&'a PluginRun]) -> Result<Vec<Stated<'a>>, Error> {
    let mut all = Vec::new();
    for run in runs {
        let mut findings: Vec<_> = run.findings.iter().collect();
        findings.sort();
        findings.dedup();
        for finding in findings {
            let rule = run.manifest.rule(finding.rule.as_str()).ok_or_else(|| Error::UndeclaredRule {
                plugin: run.manifest.plugin.id.clone(),
                rule: finding.rule.to_string(),
            })?;
            all.push(Stated { run, rule, finding });
        }
    }
    Ok(all)
}
