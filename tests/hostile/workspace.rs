//! C. The workspace through the contract.

use certus_model::coverage::{FileState, RunStatus};
use certus_model::ledger::{Operation, Outcome};
use certus_model::limits::Limits;

use crate::support::guest::{ANSWER, DATA, Guest, escaped};
use crate::support::run;

const FILES: &[(&str, &[u8])] = &[("a.txt", b"hello"), ("b.key", b"secret"), ("d/c.txt", b"deep")];

/// Reads `path`; traps if it gets anything.
fn reads(path: &str) -> Vec<u8> {
    Guest::tree()
        .imports("(import \"certus:scanner/workspace@0.1.0\" \"read\" (func $read (param i32 i32 i32 i32)))")
        .items(format!("(data (i32.const {DATA}) \"{}\")", escaped(path.as_bytes())))
        .scan(format!(
            "(call $read (i32.const 0) (i32.const {DATA}) (i32.const {}) (i32.const 256))
             (if (i32.eqz (i32.load8_u (i32.const 256))) (then unreachable))
             (i32.const {ANSWER})",
            path.len()
        ))
        .build()
}

#[test]
fn case_034_no_path_leads_out_of_the_grant() {
    let limits = Limits::default();
    for path in
        ["../x", "/etc/passwd", "a/../../x", "a.txt/", "d//c.txt", "./d/./c.txt", "a.txt\0", "", "b.key", "%61.txt"]
    {
        let run = run(&reads(path), &limits, FILES);
        assert_eq!(run.status, RunStatus::Complete, "{path:?} was not read");
        assert_eq!(run.uses.calls(Operation::Read, Outcome::Ok), 0, "{path:?}");
        assert!(!run.files.contains(&FileState::Analysed), "{path:?}");
    }
    let denied = run(&reads("b.key"), &limits, FILES);
    assert_eq!(denied.uses.calls(Operation::Read, Outcome::Denied), 1, "it exists and is not granted");
    for granted in ["a.txt", "d/c.txt"] {
        let run = run(&reads(granted), &limits, FILES);
        assert_eq!(run.uses.calls(Operation::Read, Outcome::Ok), 1, "the twin {granted} is read");
    }
}
