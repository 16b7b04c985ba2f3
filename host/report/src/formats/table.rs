//! Findings as a table for a terminal.

use certus_model::Severity;
use certus_model::outcome::{Mode, Verdict};
use comfy_table::presets::NOTHING;
use comfy_table::{Attribute, Cell, Color, ContentArrangement, LineStyle, Table};

use super::printable;
use crate::Report;
use crate::findings::ReportFinding;

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

/// The table and what sums it up, each line ended by a line feed.
pub(crate) fn render(report: &Report<'_>, colour: Colour, width: u16) -> String {
    let width = width.max(NARROWEST);
    let mut shown: Vec<_> = report.findings.iter().filter(|finding| finding.suppressed.is_none()).collect();
    shown.sort_by_key(|finding| std::cmp::Reverse(finding.severity));
    let mut out = String::new();
    if !shown.is_empty() {
        out += &rows(&shown[..shown.len().min(MOST_ROWS)], colour, width);
        out.push('\n');
    }
    for line in summary(report, shown.len()) {
        out += &line;
        out.push('\n');
    }
    out
}

fn rows(findings: &[&ReportFinding<'_>], colour: Colour, width: u16) -> String {
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
            Cell::new(finding.rule_name()),
            Cell::new(place(finding, widest_place)),
            Cell::new(&finding.message),
        ]);
    }
    table.lines().map(|line| line.trim_end().to_owned() + "\n").collect()
}

fn summary(report: &Report<'_>, found: usize) -> Vec<String> {
    let policy = &report.policy;
    let mut lines = Vec::new();
    if found > MOST_ROWS {
        lines.push(format!("… and {} more; findings.json has them all", found - MOST_ROWS));
    }
    let counts = Severity::WORST_FIRST.into_iter().filter(|severity| report.counts.get(*severity) > 0);
    let counts: Vec<_> = counts.map(|severity| format!("{} {severity}", report.counts.get(severity))).collect();
    let total = report.counts.total();
    let mut line = format!("{total} {}", if total == 1 { "finding" } else { "findings" });
    if !counts.is_empty() {
        line += &format!(": {}", counts.join(", "));
    }
    if policy.suppressed > 0 {
        line += &format!("; {} suppressed", policy.suppressed);
    }
    if report.mode == Mode::Sample {
        lines.push("sample data that comes with the host: nothing of yours was scanned".to_owned());
    }
    let (files, plugins) = (report.workspace.entries().len(), report.runs.len());
    lines.push(format!("{line} ({files} files, {plugins} {})", if plugins == 1 { "plugin" } else { "plugins" }));
    lines.extend(policy.gaps.iter().map(|gap| format!("not looked at: {gap}")));
    lines.extend(policy.violations.iter().cloned());
    lines.extend(report.unused.iter().map(|entry| {
        format!("suppression {} of the baseline ({}) matches nothing; remove it", entry.number, entry.by)
    }));
    lines.push(match policy.decision {
        Verdict::Pass => "decision: pass".to_owned(),
        Verdict::Fail => "decision: fail".to_owned(),
        Verdict::Error => "decision: error, nothing is vouched for".to_owned(),
    });
    lines.iter().map(|line| printable(line).replace('\n', " ")).collect()
}

/// The first place, its path shortened from the left, and how many more there are.
fn place(finding: &ReportFinding<'_>, widest: usize) -> String {
    let Some(first) = finding.places.first() else { return String::new() };
    let more = finding.places.len() - 1;
    let suffix = if more > 0 { format!(" (+{more})") } else { String::new() };
    let text = first.to_string();
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
