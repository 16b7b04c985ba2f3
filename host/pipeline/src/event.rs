//! What happens during a scan, as it is told to whoever watches and kept in `logs/events.jsonl`.

use serde::Serialize;
use time::OffsetDateTime;

/// One event. The shapes are those that clients of the replaced service read, with a sequence number.
#[derive(Debug, Clone, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Event {
    /// A stage begins or ends.
    Phase {
        /// For people.
        message: String,
    },
    /// A plugin is about to run.
    ToolStart {
        /// The plugin's id.
        tool: String,
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
    /// The last event: a bundle is about to be sealed.
    ScanComplete {
        /// `SUCCEEDED`: the scan has a bundle, whatever the decision.
        status: &'static str,
        /// `pass`, `fail` or `error`.
        decision: String,
    },
}

/// How much there is to do and how much is done; told, never kept.
#[derive(Debug, Clone, Copy)]
pub enum Plan {
    /// The workspace is sealed.
    Sealed {
        /// Entries.
        files: u64,
        /// Content in bytes.
        bytes: u64,
    },
    /// More of it is through.
    Done {
        /// Entries.
        files: u64,
        /// Content in bytes.
        bytes: u64,
    },
}

/// Tells events on and keeps them.
pub(crate) struct Events<'a> {
    watch: &'a (dyn Fn(&Event) + Sync),
    lines: Vec<u8>,
    seq: u64,
}

#[derive(Serialize)]
struct Line<'a> {
    #[serde(flatten)]
    event: &'a Event,
    seq: u64,
    /// Seconds since 1970.
    timestamp: f64,
}

impl<'a> Events<'a> {
    pub(crate) fn new(watch: &'a (dyn Fn(&Event) + Sync)) -> Self {
        Self { watch, lines: Vec::new(), seq: 0 }
    }

    pub(crate) fn emit(&mut self, event: Event) -> Result<(), serde_json::Error> {
        (self.watch)(&event);
        let now = OffsetDateTime::now_utc();
        let timestamp = now.unix_timestamp() as f64 + f64::from(now.millisecond()) / 1000.0;
        serde_json::to_writer(&mut self.lines, &Line { event: &event, seq: self.seq, timestamp })?;
        self.lines.push(b'\n');
        self.seq += 1;
        Ok(())
    }

    pub(crate) fn phase(&mut self, message: impl Into<String>) -> Result<(), serde_json::Error> {
        self.emit(Event::Phase { message: message.into() })
    }

    pub(crate) fn into_lines(self) -> Vec<u8> {
        self.lines
    }
}
