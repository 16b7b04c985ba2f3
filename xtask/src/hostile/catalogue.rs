use std::collections::BTreeMap;
use std::fs;
use std::ops::RangeInclusive;

use anyhow::{Context as _, Result, ensure};

use crate::project::Project;

/// The cases of docs/operations/hostile.md: number and what it is about, from the rows of its tables.
pub(super) fn read(project: &Project) -> Result<BTreeMap<u16, String>> {
    let path = project.root.join("docs/operations/hostile.md");
    let text = fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
    let cases = cases(&text);
    ensure!(!cases.is_empty(), "{} has no row that begins with a case's number", path.display());
    Ok(cases)
}

fn cases(text: &str) -> BTreeMap<u16, String> {
    let mut cases = BTreeMap::new();
    for line in text.lines() {
        let mut cells = line.split('|').map(str::trim).skip(1);
        let (Some(numbers), Some(what)) = (cells.next(), cells.next()) else { continue };
        for range in numbers.split(',').filter_map(|part| range(part.trim())) {
            cases.extend(range.map(|case| (case, what.to_owned())));
        }
    }
    cases
}

/// `7`, `63 to 70` or `63-70`.
fn range(text: &str) -> Option<RangeInclusive<u16>> {
    let (first, last) = text.split_once(" to ").or_else(|| text.split_once('-')).unwrap_or((text, text));
    Some(first.trim().parse().ok()?..=last.trim().parse().ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_cases_and_nothing_else_is() {
        let text = "Case 3 | is prose\n| case | what | outcome |\n| --- | --- | --- |\n| 1 | a loop | x |\n| 63 to 65, 9 | names | y |\n";
        let cases = cases(text);
        assert_eq!(cases.keys().copied().collect::<Vec<_>>(), [1, 9, 63, 64, 65]);
        assert_eq!((cases[&1].as_str(), cases[&64].as_str()), ("a loop", "names"));
    }
}
