//! What happens during a scan, as it is told to whoever watches and kept in `logs/events.jsonl`.

use certus_model::manifest::ManifestInfo;
use certus_model::outcome::Verdict;
use certus_model::{FailureReason, Sha256};
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

/// One event. The shapes are those that clients of the replaced service read.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Event {
    /// A stage begins or ends.
    Phase {
        /// For people.
        message: String,
        /// The commit, once there is a clone.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        commit: Option<String>,
        /// The branch, tag or commit that was asked for.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        branch: Option<String>,
        /// The digest of a directory's tree, or of an archive.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        hash: Option<Sha256>,
    },
    /// What will run, and why.
    Manifest {
        /// `manifest-info.json`, as it stands before the scan.
        data: Box<ManifestInfo>,
    },
    /// A plugin is about to run.
    ToolStart {
        /// The plugin's id.
        tool: String,
        /// What describes the run: the plugin's id, version and digest.
        command: Vec<String>,
    },
    /// More files are through, for all plugins.
    Progress {
        /// Entries that are through.
        files: u64,
        /// Entries that there are.
        total_files: u64,
        /// Content that is through, in bytes.
        bytes: u64,
        /// Content that there is, in bytes.
        total_bytes: u64,
    },
    /// A plugin's run has ended.
    ToolComplete {
        /// The plugin's id.
        tool: String,
        /// 0 if the run is complete, else 1.
        exit_code: u8,
        /// `complete`, `incomplete` or `failed`.
        status: String,
    },
    /// There will be no report.
    Error {
        /// Why, in one sentence.
        message: String,
    },
    /// The last event.
    ScanComplete {
        /// `SUCCEEDED`, whatever the decision; `FAILED` or `CANCELLED` where there is no report.
        status: String,
        /// Of the manifest as given.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        manifest_digest: Option<Sha256>,
        /// `pass`, `fail` or `error`.
        decision: Verdict,
    },
}

/// One line of `logs/events.jsonl`: a flat object. The last line of a scan is `scan_complete`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EventLine {
    /// What happened.
    #[serde(flatten)]
    pub event: Event,
    /// Its number within the scan.
    pub seq: u64,
    /// Seconds since 1970.
    pub timestamp: f64,
}

/// Makes events of what is through, at most one for each twentieth of the files.
pub(crate) struct Steps {
    total_files: u64,
    total_bytes: u64,
    files: u64,
    bytes: u64,
    told: u64,
}

impl Steps {
    pub(crate) fn new(total_files: u64, total_bytes: u64) -> Self {
        Self { total_files, total_bytes, files: 0, bytes: 0, told: 0 }
    }

    /// So many more are through. Where a worker has died and others look at the files again, there is nothing to
    /// tell before they are further.
    pub(crate) fn add(&mut self, files: u64, bytes: u64) -> Option<Event> {
        self.files = self.files.saturating_add(files).min(self.total_files);
        self.bytes = self.bytes.saturating_add(bytes).min(self.total_bytes);
        let step = self.files.saturating_mul(20) / self.total_files.max(1);
        let is_news = step > self.told;
        self.told = step;
        let Self { total_files, total_bytes, files, bytes, .. } = *self;
        is_news.then_some(Event::Progress { files, total_files, bytes, total_bytes })
    }
}

/// Tells events on and keeps them.
pub(crate) struct Events<'a> {
    watch: &'a (dyn Fn(&EventLine) + Sync),
    lines: Vec<u8>,
    next: u64,
}

impl<'a> Events<'a> {
    /// Counts from `first`.
    pub(crate) fn new(first: u64, watch: &'a (dyn Fn(&EventLine) + Sync)) -> Self {
        Self { watch, lines: Vec::new(), next: first }
    }

    /// Keeps an event and tells it on.
    pub(crate) fn emit(&mut self, event: Event) -> Result<(), serde_json::Error> {
        let line = self.keep(event)?;
        (self.watch)(&line);
        Ok(())
    }

    pub(crate) fn phase(&mut self, message: &str) -> Result<(), serde_json::Error> {
        self.emit(Event::Phase { message: message.to_owned(), commit: None, branch: None, hash: None })
    }

    /// Keeps an event without telling it: whoever gets the line tells it once it is true.
    pub(crate) fn keep(&mut self, event: Event) -> Result<EventLine, serde_json::Error> {
        let now = OffsetDateTime::now_utc();
        let timestamp = now.unix_timestamp() as f64 + f64::from(now.millisecond()) / 1000.0;
        let line = EventLine { event, seq: self.next, timestamp };
        self.again(&line)?;
        Ok(line)
    }

    /// Keeps a line of an earlier attempt as it is.
    pub(crate) fn again(&mut self, line: &EventLine) -> Result<(), serde_json::Error> {
        serde_json::to_writer(&mut self.lines, line)?;
        self.lines.push(b'\n');
        self.next = line.seq + 1;
        Ok(())
    }

    pub(crate) fn into_lines(self) -> Vec<u8> {
        self.lines
    }
}

impl Event {
    /// The last event of a scan without a report.
    pub(crate) fn failed(reason: FailureReason) -> Self {
        Self::ScanComplete { status: reason.status().to_owned(), manifest_digest: None, decision: Verdict::Error }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn lines_are_flat_and_read_back() {
        let told = std::sync::Mutex::new(Vec::new());
        let watch = |line: &EventLine| told.lock().unwrap().push(line.clone());
        let mut events = Events::new(7, &watch);
        events.phase("Cloning repository").unwrap();
        let tool = "certus.secrets".to_owned();
        events.emit(Event::ToolComplete { tool, exit_code: 1, status: "failed".to_owned() }).unwrap();
        let last = events.keep(Event::failed(FailureReason::Cancelled)).unwrap();
        let lines = String::from_utf8(events.into_lines()).unwrap();
        let lines: Vec<EventLine> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let mut expected = told.into_inner().unwrap();
        assert_eq!(expected.len(), 2, "the last one is kept, not told");
        expected.push(last.clone());
        assert_eq!(lines, expected);

        let mut value = serde_json::to_value(&last).unwrap();
        assert!(value.as_object_mut().unwrap().remove("timestamp").unwrap().is_f64());
        assert_eq!(value, json!({"type": "scan_complete", "seq": 9, "status": "CANCELLED", "decision": "error"}));
        let value = serde_json::to_value(&lines[0]).unwrap();
        assert_eq!((&value["type"], &value["message"]), (&json!("phase"), &json!("Cloning repository")));
        assert_eq!(value.as_object().unwrap().len(), 4, "{value}");
    }

    #[test]
    fn progress_is_told_in_twentieths() {
        for (row, total, pieces, told) in [
            ("a file at a time", 1000, vec![1; 1000], 20),
            ("few files", 3, vec![1; 3], 3),
            ("all at once", 1000, vec![1000], 1),
            ("nothing", 0, vec![0], 0),
            ("again, after a worker died", 100, [vec![50], vec![100]].concat(), 2),
        ] {
            let mut steps = Steps::new(total, 10 * total);
            let events: Vec<_> = pieces.iter().filter_map(|files| steps.add(*files, 10 * files)).collect();
            assert_eq!(events.len(), told, "{row}");
            let last = Event::Progress { files: total, total_files: total, bytes: 10 * total, total_bytes: 10 * total };
            assert!(total == 0 || events.last() == Some(&last), "{row}: {events:?}");
        }
        let event = Steps::new(4, 8).add(1, 2).unwrap();
        let expected = json!({"type": "progress", "files": 1, "total_files": 4, "bytes": 2, "total_bytes": 8});
        assert_eq!(serde_json::to_value(&event).unwrap(), expected);
    }
}
