//! An interrupt leaves nothing.

use std::process::Stdio;
use std::time::Duration;

use crate::support::guest::{ANSWER, Guest};
use crate::support::home::Home;

#[test]
fn an_interrupt_leaves_nothing() {
    let home = Home::new();
    // Busy for a while with each of many files.
    let busy = Guest::files().scan(format!(
        "(local $i i64)
         (loop $again
           (local.set $i (i64.add (local.get $i) (i64.const 1)))
           (br_if $again (i64.lt_u (local.get $i) (i64.const 50000000))))
         (i32.const {ANSWER})"
    ));
    home.write("busy.wasm", busy.build());
    for number in 0..2000 {
        home.write(&format!("tree/{number}.txt"), "x");
    }
    let mut child = home
        .command()
        .args(["scan", "dir:tree", "--profile", "none", "--plugin", "busy.wasm", "--out", "out"])
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the command starts");
    let staged = || hidden(&home).len() == 1;
    while !staged() {
        assert!(child.try_wait().expect("a child").is_none(), "it ended before it began to write");
        std::thread::sleep(Duration::from_millis(5));
    }
    let pid = rustix::process::Pid::from_child(&child);
    rustix::process::kill_process(pid, rustix::process::Signal::INT).expect("it is there");
    let ended = crate::support::home::ended(child.wait_with_output().expect("it ends"));
    assert_eq!(ended.code, 130, "{}", ended.stderr);
    assert!(ended.stderr.contains("interrupted"), "{}", ended.stderr);
    assert!(!home.path("out").exists());
    assert!(hidden(&home).is_empty(), "{:?}", hidden(&home));
    assert_eq!(home.left_over(), [""; 0]);
}

/// What the command has staged beside the bundle's place.
fn hidden(home: &Home) -> Vec<String> {
    let entries = std::fs::read_dir(home.path("")).unwrap();
    let names = entries.map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned());
    names.filter(|name| name.starts_with(".certus-")).collect()
}
