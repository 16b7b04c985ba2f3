//! Findings as a table for a terminal. It is drawn from the documents of the bundle, so that whoever fetches a
//! bundle sees what the one who scanned has seen.

use certus_model::decision::PolicyResult;
use certus_model::outcome::{Mode, Verdict};
use certus_model::{PluginId, RepoPath, RuleId, Severity};
use comfy_table::presets::NOTHING;
use comfy_table::{Attribute, Cell, Color, ContentArrangement, LineStyle, Table};
use serde::Deserialize;

use super::printable;
use crate::Error;

/// Rows shown; a terminal is no place for more.
const MOST_ROWS: usize = 200;
/// Narrowest width that is laid out, in columns.
const NARROWEST: u16 = 40;

/// Whether a table uses ANSI colours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Colour {
    /// Text alone.
    Plain,
    /// ANSI colour sequences.
    Ansi,
}

/// What a table shows of a scan.
#[derive(Debug)]
pub struct Overview {
    findings: Vec<Finding>,
    policy: PolicyResult,
    files: usize,
    plugins: usize,
    unused: Vec<Unused>,
    mode: Mode,
}

#[derive(Debug, Deserialize)]
struct Findings {
    findings: Vec<Finding>,
}

#[derive(Debug, Deserialize)]
struct Finding {
    plugin: PluginId,
    rule: RuleId,
    message: String,
    severity: Severity,
    places: Vec<Place>,
    suppressed: Option<serde::de::IgnoredAny>,
}

#[derive(Debug, Deserialize)]
struct Place {
    path: RepoPath,
    start_line: Option<u64>,
}

#[derive(Debug, Deserialize)]
struct Summary {
    files: usize,
    executed: Vec<serde::de::IgnoredAny>,
    #[serde(default)]
    unused_suppressions: Vec<Unused>,
}

#[derive(Debug, Deserialize)]
struct Unused {
    number: usize,
    by: String,
}

impl Overview {
    /// Reads `findings.json`, `policy-result.json` and `summary.json` of a bundle; `mode` is its statement's.
    ///
    /// # Errors
    /// Documents of another form.
    pub fn read(findings: &[u8], policy: &[u8], summary: &[u8], mode: Mode) -> Result<Self, Error> {
        let Findings { findings } = serde_json::from_slice(findings)?;
        let Summary { files, executed, unused_suppressions } = serde_json::from_slice(summary)?;
        let policy = serde_json::from_slice(policy)?;
        Ok(Self { findings, policy, files, plugins: executed.len(), unused: unused_suppressions, mode })
    }

    /// A table for a terminal of `width` columns, with ANSI colours if `colour`, and what sums it up; each line
    /// ends with a line feed.
    pub fn table(&self, colour: Colour, width: u16) -> String {
        let width = width.max(NARROWEST);
        let mut shown: Vec<_> = self.findings.iter().filter(|finding| finding.suppressed.is_none()).collect();
        shown.sort_by_key(|finding| std::cmp::Reverse(finding.severity));
        let mut out = String::new();
        if !shown.is_empty() {
            out += &rows(&shown[..shown.len().min(MOST_ROWS)], colour, width);
            out.push('\n');
        }
        for line in summary(self, shown.len()) {
            out += &line;
            out.push('\n');
        }
        out
    }
}

fn rows(findings: &[&Finding], colour: Colour, width: u16) -> String {
    let mut table = Table::new();
    let rule_below_header = LineStyle::none().fill('─').junction('─');
    table
        .load_style(NOTHING.header_separator(rule_below_header))
        .set_content_arrangement(ContentArrangement::Dynamic)
        .set_width(width)
        // Neither the terminal nor the environment is asked.
        .force_no_tty()
        .set_header(["severity", "rule", "place", "message"]);
    if colour == Colour::Ansi {
        table.enforce_styling();
    }
    let widest_place = usize::from(width / 3).max(20);
    for finding in findings {
        let severity = Cell::new(finding.severity).fg(hue(finding.severity));
        let severity =
            if finding.severity >= Severity::High { severity.add_attribute(Attribute::Bold) } else { severity };
        table.add_row([
            severity,
            Cell::new(format!("{}/{}", finding.plugin.short_name(), finding.rule)),
            Cell::new(place(finding, widest_place)),
            Cell::new(&finding.message),
        ]);
    }
    table.lines().map(|line| line.trim_end().to_owned() + "\n").collect()
}

fn summary(overview: &Overview, found: usize) -> Vec<String> {
    let policy = &overview.policy;
    let counts = policy.counts.clone().unwrap_or_default();
    let mut lines = Vec::new();
    if found > MOST_ROWS {
        lines.push(format!("… and {} more; findings.json has them all", found - MOST_ROWS));
    }
    let found = Severity::WORST_FIRST.into_iter().filter(|severity| counts.get(*severity) > 0);
    let found: Vec<_> = found.map(|severity| format!("{} {severity}", counts.get(severity))).collect();
    let total = counts.total();
    let mut line = format!("{total} {}", if total == 1 { "finding" } else { "findings" });
    if !found.is_empty() {
        line += &format!(": {}", found.join(", "));
    }
    if policy.suppressed > 0 {
        line += &format!("; {} suppressed", policy.suppressed);
    }
    if overview.mode == Mode::Sample {
        lines.push("sample data that comes with the host: nothing of yours was scanned".to_owned());
    }
    let (files, plugins) = (overview.files, overview.plugins);
    lines.push(format!("{line} ({files} files, {plugins} {})", if plugins == 1 { "plugin" } else { "plugins" }));
    lines.extend(policy.gaps.iter().map(|gap| format!("not looked at: {gap}")));
    lines.extend(policy.violations.iter().cloned());
    lines.extend(overview.unused.iter().map(|entry| {
        format!("suppression {} of the baseline ({}) matches nothing; remove it", entry.number, entry.by)
    }));
    lines.push(match policy.decision {
        Verdict::Pass => format!("decision: pass{}", within(policy)),
        Verdict::Fail => "decision: fail".to_owned(),
        Verdict::Error => "decision: error, nothing is vouched for".to_owned(),
    });
    lines.iter().map(|line| printable(line).replace('\n', " ")).collect()
}

/// What was found of severities that have a limit, so that nobody takes a `pass` for "nothing".
fn within(policy: &PolicyResult) -> String {
    let counts = policy.counts.clone().unwrap_or_default();
    let limited = Severity::WORST_FIRST.into_iter().filter(|severity| counts.get(*severity) > 0);
    let limited =
        limited.filter_map(|severity| Some((severity, counts.get(severity), policy.thresholds.get(severity)?)));
    let limited: Vec<_> = limited.map(|(severity, found, most)| format!("{found} of {most} {severity}")).collect();
    if limited.is_empty() { String::new() } else { format!(" (within limits: {})", limited.join(", ")) }
}

/// The first place, its path shortened from the left, and how many more there are.
fn place(finding: &Finding, widest: usize) -> String {
    let Some(first) = finding.places.first() else { return String::new() };
    let more = finding.places.len() - 1;
    let suffix = if more > 0 { format!(" (+{more})") } else { String::new() };
    let text = match first.start_line {
        Some(line) => format!("{}:{line}", first.path),
        None => first.path.to_string(),
    };
    let room = widest.saturating_sub(suffix.chars().count()).max(2);
    let over = text.chars().count().saturating_sub(room);
    if over == 0 {
        return text + &suffix;
    }
    // The last names say more than the first ones: cut at a name where one begins.
    let tail: String = text.chars().skip(over + 1).collect();
    let at_name = tail.find('/').map_or(tail.as_str(), |slash| &tail[slash..]);
    format!("…{at_name}{suffix}")
}

const fn hue(severity: Severity) -> Color {
    match severity {
        Severity::Critical | Severity::High => Color::Red,
        Severity::Medium => Color::Yellow,
        Severity::Low => Color::Blue,
        Severity::Info => Color::Grey,
    }
}
