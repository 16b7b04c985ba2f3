//! What is kept of the answers of a run, bounded over all its calls. The sandbox bounds what one call
//! hands over; this bounds their sum (`Limits::output`).
//!
//! An answer is kept if it and all answers before it, in the plan's order, fit together. The sum before
//! it only grows while workers finish, so an answer that does not fit beside those that are there never
//! will and goes at once. Thus neither the memory that waits for the end nor the result depends on which
//! worker is first.

use certus_model::coverage::FileState;
use certus_model::finding::Value;
use certus_model::inventory::Dependency;
use certus_model::outcome::CallReason;
use certus_model::{Finding, Location};

use crate::files::Part;
use crate::tree::Answer;

/// The state of a file whose answer is not kept.
pub(crate) const NOT_KEPT: FileState = FileState::Failed(CallReason::Output);

/// What is left of a run's limit; nothing, once something did not fit.
pub(crate) struct Room(Option<u64>);

impl Room {
    pub(crate) fn new(limit: u64) -> Self {
        Self(Some(limit))
    }

    /// Whether `bytes` fit. An answer that keeps nothing always does.
    pub(crate) fn take(&mut self, bytes: u64) -> bool {
        if bytes > 0 {
            self.0 = self.0.and_then(|left| left.checked_sub(bytes));
        }
        bytes == 0 || self.0.is_some()
    }
}

/// One answer of a part that keeps something.
pub(crate) struct Kept {
    /// The file's place in the shard.
    pub(crate) file: usize,
    /// How many findings.
    pub(crate) findings: usize,
    /// What they take.
    pub(crate) bytes: u64,
}

impl Part {
    /// Drops what does not fit into `room`.
    pub(crate) fn cut(&mut self, room: &mut Room) {
        let fitting = self.kept.iter().take_while(|kept| room.take(kept.bytes)).count();
        for kept in self.kept.drain(fitting..) {
            self.files[kept.file] = NOT_KEPT;
            self.over = true;
        }
        self.findings.truncate(self.kept.iter().map(|kept| kept.findings).sum());
        if !room.take(self.uses.names()) {
            self.uses.forget_names();
            self.over = true;
        }
        if self.over {
            self.findings.shrink_to_fit();
            // What was dropped, now or earlier, counts all the same.
            *room = Room(None);
        }
    }
}

impl Answer {
    /// Drops the answer if it does not fit into `room`.
    pub(crate) fn cut(&mut self, room: &mut Room) {
        let dependencies: u64 = self.dependencies.iter().map(dependency_bytes).sum();
        if !room.take(findings_bytes(&self.findings) + dependencies + self.uses.names()) {
            (self.findings, self.dependencies) = (Vec::new(), Vec::new());
            self.uses.forget_names();
            for state in self.files.values_mut().filter(|state| **state == FileState::Analysed) {
                *state = NOT_KEPT;
            }
            self.failed = Some(CallReason::Output);
        }
        if self.failed == Some(CallReason::Output) {
            *room = Room(None);
        }
    }
}

/// Gives back what the lists of findings were too large for, and tells what they take of the host's
/// memory: a list of which most was dropped would else keep more than is counted.
pub(crate) fn compact(findings: &mut [Finding]) -> u64 {
    for finding in &mut *findings {
        finding.sensitive.shrink_to_fit();
        finding.related.shrink_to_fit();
        finding.parameters.shrink_to_fit();
    }
    findings_bytes(findings)
}

fn findings_bytes(findings: &[Finding]) -> u64 {
    findings.iter().map(finding_bytes).sum()
}

fn finding_bytes(finding: &Finding) -> u64 {
    let parameters = finding.parameters.iter().map(|parameter| {
        let value = match &parameter.value {
            Value::Text(text) => text.len(),
            Value::Location(at) => at.path.as_str().len(),
            Value::Number(_) | Value::Flag(_) => 0,
        };
        size_of_val(parameter) + parameter.name.len() + value
    });
    let own = size_of_val(finding) + finding.rule.as_str().len() + finding.at.path.as_str().len();
    let lists = size_of_val(&*finding.sensitive) + places(&finding.related) + parameters.sum::<usize>();
    (own + lists) as u64
}

fn dependency_bytes(dependency: &Dependency) -> u64 {
    let texts = |texts: &[String]| texts.iter().map(|text| size_of::<String>() + text.len()).sum::<usize>();
    let options = [&dependency.namespace, &dependency.version, &dependency.origin];
    let names = dependency.id.len() + dependency.ecosystem.len() + dependency.name.len();
    let qualifiers = dependency.qualifiers.iter().map(|(k, v)| 2 * size_of::<String>() + k.len() + v.len());
    let hashes = dependency.hashes.iter().map(|hash| size_of_val(hash) + hash.value.len());
    let lists = texts(&dependency.licences) + texts(&dependency.depends_on) + places(&dependency.evidence);
    let own = size_of_val(dependency) + names + options.into_iter().flatten().map(String::len).sum::<usize>();
    (own + lists + qualifiers.sum::<usize>() + hashes.sum::<usize>()) as u64
}

fn places(places: &[Location]) -> usize {
    places.iter().map(|at| size_of_val(at) + at.path.as_str().len()).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn part(answers: &[u64]) -> Part {
        let kept = answers.iter().enumerate().map(|(file, bytes)| Kept { file, findings: 0, bytes: *bytes });
        Part { files: vec![FileState::Analysed; answers.len()], kept: kept.collect(), ..Part::default() }
    }

    #[test]
    fn what_was_dropped_counts_all_the_same() {
        let (mut first, mut second) = (part(&[10, 10, 1]), part(&[5]));
        first.cut(&mut Room::new(15));
        assert_eq!(first.files, [FileState::Analysed, NOT_KEPT, NOT_KEPT], "and so does what is behind it");
        // The next time there would be room for five, had the second answer never been.
        let mut room = Room::new(15);
        first.cut(&mut room);
        second.cut(&mut room);
        assert_eq!(second.files, [NOT_KEPT]);
        second = part(&[5]);
        second.cut(&mut Room::new(15));
        assert_eq!(second.files, [FileState::Analysed], "alone it fits");
    }

    #[test]
    fn an_answer_that_keeps_nothing_always_fits() {
        let mut room = Room::new(0);
        assert!(room.take(0) && !room.take(1) && room.take(0));
    }
}
