use std::os::unix::process::ExitStatusExt as _;
use std::process::Command;

/// The child's side: dies at the point, or ends well where it is not set.
#[test]
fn child() {
    super::arm_crash_points();
    super::point("pipeline-engine");
}

#[test]
fn a_point_that_is_set_kills_and_no_other_does() {
    let run = |points: &str| {
        let program = std::env::current_exe().unwrap();
        Command::new(program)
            .args(["--exact", "crash::tests::child"])
            .env("FAILPOINTS", points)
            .output()
            .unwrap()
            .status
    };
    assert_eq!(run("pipeline-engine=return").signal(), Some(9));
    assert!(run("pipeline-report=return").success());
}
