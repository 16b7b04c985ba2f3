//! No network: nothing opens an internet socket, and nothing misses one.

use std::path::Path;
use std::process::Command;

use crate::support::home::{Home, ended};

/// Whether `program` is there to be used.
fn is_there(program: &str) -> bool {
    Command::new(program).arg("--version").output().is_ok()
}

/// The home's command, started by another program.
fn under(home: &Home, program: &str, arguments: &[&str]) -> Command {
    let plain = home.command();
    let mut command = Command::new(program);
    command.args(arguments).arg(plain.get_program()).env_clear();
    command.envs(plain.get_envs().filter_map(|(name, value)| Some((name, value?)))).current_dir(home.path(""));
    command
}

/// Calls in a trace that make an internet socket, or one to ask names through.
fn internet_calls(trace: &Path) -> Vec<String> {
    let text = std::fs::read_to_string(trace).expect("a trace");
    text.lines()
        .filter(|l| ["AF_INET", "AF_NETLINK", "AF_PACKET"].iter().any(|f| l.contains(f)))
        .map(Into::into)
        .collect()
}

fn traced(home: &Home, arguments: &[&str]) -> (i32, Vec<String>) {
    let trace = home.path("trace");
    let strace = ["-f", "-qq", "-e", "trace=%network", "-o", trace.to_str().expect("UTF-8")];
    let output = under(home, "strace", &strace).args(arguments).output().expect("strace starts");
    let ended = ended(output);
    (ended.code, internet_calls(&trace))
}

#[test]
fn case_129_a_scan_opens_no_internet_socket() {
    if !is_there("strace") {
        println!("skipped: case 129: strace is not here");
        return;
    }
    let home = Home::new();
    home.repository("repository", &[("a.txt", b"content"), ("LICENSE", b"MIT License")]);
    let (code, calls) = traced(&home, &["scan", "repository", "--profile", "standard", "--out", "out"]);
    assert_eq!((code, calls), (0, Vec::new()));
    let (code, calls) = traced(&home, &["verify", "out"]);
    assert_eq!((code, calls), (0, Vec::new()));

    // The control phones home, and is seen.
    let (_, calls) = traced(&home, &[certus_sandbox::PROBE_ARGUMENT, "unconfined"]);
    assert!(!calls.is_empty(), "a socket that is opened is seen");
}

#[test]
fn case_129_a_scan_needs_no_network() {
    if !Command::new("unshare").args(["-n", "true"]).status().is_ok_and(|status| status.success()) {
        println!("skipped: case 129: network namespaces cannot be made here");
        return;
    }
    let home = Home::new();
    home.repository("repository", &[("a.txt", b"content"), ("LICENSE", b"MIT License")]);
    for arguments in [&["scan", "repository", "--profile", "standard", "--out", "out"][..], &["verify", "out"]] {
        let output = under(&home, "unshare", &["-n"]).args(arguments).output().expect("unshare starts");
        let ended = ended(output);
        assert_eq!(ended.code, 0, "{arguments:?}: {}", ended.stderr);
    }
}
