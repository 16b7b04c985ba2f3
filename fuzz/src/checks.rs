//! Invariants that hold wherever a stranger's bytes come in.

use std::fmt::Display;

use certus_checkout::SealedWorkspace;
use certus_model::escape::is_printable;
use certus_model::limits::WorkspaceLimits;
use certus_model::path::{MAX_DEPTH, MAX_NAME, MAX_PATH};
use certus_model::workspace::{Workspace as _, tree_digest};
use certus_model::{RepoPath, Sha256, canonical_json};

/// The longest message that a refusal may have, in bytes.
const LONGEST_MESSAGE: usize = 2000;

/// A refusal is one printable line of bounded length, whatever it is about.
pub fn one_line(message: impl Display) {
    line_within(&message.to_string(), LONGEST_MESSAGE);
}

/// One printable line of at most `longest` bytes that says something.
pub fn line_within(text: &str, longest: usize) {
    assert!(text.chars().all(is_printable), "not printable: {text:?}");
    assert!(text.len() <= longest, "{} bytes: {text}", text.len());
    assert!(!text.is_empty(), "it says nothing");
}

/// A path is relative, stays inside, and its spelling leads back to its bytes.
pub fn path(path: &RepoPath) {
    let raw = path.to_bytes();
    assert!(raw.len() <= MAX_PATH, "{path}");
    let names: Vec<&[u8]> = raw.split(|byte| *byte == b'/').collect();
    assert!(names.len() <= MAX_DEPTH, "{path}");
    for name in names {
        assert!(!name.is_empty() && name != b"." && name != b".." && name.len() <= MAX_NAME, "{path}");
        assert!(!name.contains(&0) && !name.eq_ignore_ascii_case(b".git"), "{path}");
    }
    assert!(path.as_str().chars().all(is_printable), "{path:?}");
    assert_eq!(RepoPath::from_bytes(&raw).as_ref(), Ok(path), "one spelling of one path");
    assert_eq!(path.as_str().parse::<RepoPath>().as_ref(), Ok(path), "one path of one spelling");
}

/// What is sealed is sorted, unique, within its budgets, and reads back as it was sealed.
pub fn sealed(workspace: &SealedWorkspace, limits: &WorkspaceLimits) {
    let entries = workspace.entries();
    assert!(entries.is_sorted_by(|a, b| a.path < b.path), "sorted and unique");
    assert!(entries.len() as u64 <= limits.entries);
    let mut total = 0;
    for (index, entry) in entries.iter().enumerate() {
        path(&entry.path);
        let content = workspace.read(index).expect("what was sealed can be read");
        assert_eq!(content.len() as u64, entry.size, "{}", entry.path);
        assert!(entry.size <= limits.file, "{}", entry.path);
        if entry.kind.is_file() {
            assert_eq!(Sha256::of(&content), entry.digest, "{}", entry.path);
        }
        assert_eq!(workspace.find(&entry.path), Some(index));
        total += entry.size;
    }
    assert!(total <= limits.total, "{total} bytes");
    assert_eq!(tree_digest(entries), workspace.tree_digest());
}

/// A JSON document in its canonical form; the value.
pub fn canonical(name: &str, bytes: &[u8]) -> serde_json::Value {
    let value = serde_json::from_slice(bytes).unwrap_or_else(|error| panic!("{name}: {error}"));
    assert!(canonical_json(&value).is_ok_and(|again| again == bytes), "{name} is not canonical");
    value
}

/// A text without control characters but line feeds.
pub fn no_controls(name: &str, text: &str) {
    let bad = text.chars().find(|c| *c != '\n' && !is_printable(*c));
    assert_eq!(bad, None, "{name} holds it");
}
