//! What a process and all its children take, watched from outside.

use std::collections::BTreeMap;
use std::fmt;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use super::home::{Ended, ended};

/// Time and memory of one run.
pub(crate) struct Usage {
    pub(crate) time: Duration,
    /// The largest resident sizes of all its processes, added up as if they had met, in bytes.
    pub(crate) peak: u64,
    /// The same of each, by name.
    each: Vec<(String, u64)>,
}

impl fmt::Display for Usage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ms, {} MiB in all", self.time.as_millis(), self.peak >> 20)?;
        self.each.iter().try_for_each(|(name, peak)| write!(f, ", {name} {} MiB", peak >> 20))
    }
}

/// Runs the command to its end and looks every few milliseconds at what its processes take. The kernel
/// keeps each one's largest size, so only its last milliseconds can be missed.
pub(crate) fn watched(command: &mut Command) -> (Ended, Usage) {
    let begin = Instant::now();
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the command starts");
    let mut seen = BTreeMap::new();
    while child.try_wait().expect("a child").is_none() {
        family(child.id(), &mut seen);
        std::thread::sleep(Duration::from_millis(2));
    }
    let time = begin.elapsed();
    let each: Vec<_> = seen.into_values().collect();
    let peak = each.iter().map(|(_, peak)| peak).sum();
    (ended(child.wait_with_output().expect("it ended")), Usage { time, peak, each })
}

/// Adds name and largest size of a process and of those below it.
fn family(pid: u32, seen: &mut BTreeMap<u32, (String, u64)>) {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let field = |name: &str| status.lines().find_map(|line| line.strip_prefix(name)).map(str::trim);
    let peak = field("VmHWM:").and_then(|text| text.trim_end_matches(" kB").parse::<u64>().ok());
    if let (Some(name), Some(peak)) = (field("Name:"), peak) {
        seen.insert(pid, (name.to_owned(), peak << 10));
    }
    for task in std::fs::read_dir(format!("/proc/{pid}/task")).into_iter().flatten().flatten() {
        let children = std::fs::read_to_string(task.path().join("children")).unwrap_or_default();
        children.split_whitespace().filter_map(|child| child.parse().ok()).for_each(|child| family(child, seen));
    }
}
