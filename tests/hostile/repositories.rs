//! Hostile repositories against the whole command: what it starts, what it takes, what it leaves.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use crate::support::guest::Guest;
use crate::support::home::{Ended, Home, ended};
use crate::support::usage::watched;

/// Scans `source` with a guest that looks at nothing.
const SCAN: [&str; 7] = ["scan", "--profile", "none", "--plugin", "guest.wasm", "--out", "out"];

fn home() -> Home {
    let home = Home::new();
    home.write("guest.wasm", Guest::files().build());
    home
}

/// Runs git in a folder of `home`, with input, and returns what it prints.
fn git(home: &Home, folder: &str, arguments: &[&str], input: &[u8]) -> String {
    let mut command = assert_cmd::Command::new("git");
    let output = command
        .args(arguments)
        .current_dir(home.path(folder))
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .envs(["AUTHOR", "COMMITTER"].map(|who| (format!("GIT_{who}_NAME"), "Test")))
        .envs(["AUTHOR", "COMMITTER"].map(|who| (format!("GIT_{who}_EMAIL"), "test@example.com")))
        .write_stdin(input)
        .output()
        .expect("git runs");
    assert!(output.status.success(), "git {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("UTF-8").trim().to_owned()
}

/// A repository whose branch is a commit of `tree`.
fn publish(home: &Home, tree: &str) {
    let commit = git(home, "evil", &["commit-tree", tree, "-m", "x"], b"");
    git(home, "evil", &["update-ref", "refs/heads/main", &commit], b"");
}

fn evil(home: &Home) {
    std::fs::create_dir(home.path("evil")).expect("a folder");
    git(home, "evil", &["init", "-q", "--bare", "-b", "main"], b"");
}

/// What a refusal by the host looks like: no bundle, nothing in scratch, one sentence.
fn refused(home: &Home, ended: &Ended, words: &str) {
    assert_eq!(ended.code, 1, "{}", ended.stderr);
    assert!(ended.stderr.contains(words), "{}", ended.stderr);
    assert!(!home.path("out").exists());
    assert_eq!(home.left_over(), [""; 0]);
}

#[test]
fn case_075_a_git_bomb_is_refused_fast_and_in_little_memory() {
    let home = home();
    evil(&home);
    let level = |mode: &str, kind: &str, id: &str| {
        let lines: String = (0..10).map(|number| format!("{mode} {kind} {id}\t{number}\n")).collect();
        git(&home, "evil", &["mktree"], lines.as_bytes())
    };
    let blob = git(&home, "evil", &["hash-object", "-w", "--stdin"], b"boom");
    let mut tree = level("100644", "blob", &blob);
    for depth in 1..10 {
        // Twin: four levels are 10,000 files, which are within the budget.
        if depth == 4 {
            publish(&home, &tree);
            let ended = home.run(&[&SCAN[..], &["evil"]].concat());
            assert_eq!(ended.code, 0, "{}", ended.stderr);
            std::fs::remove_dir_all(home.path("out")).expect("the bundle");
        }
        tree = level("040000", "tree", &tree);
    }
    publish(&home, &tree);
    let (ended, usage) = watched(home.command().args(SCAN).arg("evil"));
    println!("case 075: {usage}");
    refused(&home, &ended, "more than 200000 entries");
    assert!(usage.time < Duration::from_secs(5) && usage.peak < 200 << 20, "{usage}");
}

#[test]
fn case_076_a_gibibyte_of_zeros_is_refused_by_its_header() {
    let home = home();
    evil(&home);
    let mut zeros = std::process::Command::new("head")
        .args(["--bytes=1G", "/dev/zero"])
        .stdout(Stdio::piped())
        .spawn()
        .expect("head runs");
    let hashed = std::process::Command::new("git")
        .args(["hash-object", "-w", "--stdin"])
        .current_dir(home.path("evil"))
        .stdin(zeros.stdout.take().expect("it is piped"))
        .output()
        .expect("git runs");
    assert!(zeros.wait().expect("head ends").success() && hashed.status.success());
    let blob = String::from_utf8(hashed.stdout).expect("an id");
    let tree = git(&home, "evil", &["mktree"], format!("100644 blob {}\tzeros\n", blob.trim()).as_bytes());
    publish(&home, &tree);
    let (ended, usage) = watched(home.command().args(SCAN).arg("evil"));
    println!("case 076: {usage}");
    refused(&home, &ended, "a file of more than 67108864 bytes at `zeros`");
    // Whoever had inflated it would have taken it into memory.
    assert!(usage.peak < 300 << 20, "{usage}");
}

#[test]
fn case_079_only_git_and_the_shell_are_started() {
    let home = home();
    let touch = format!("touch {}", home.path("ran").display());
    let pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n";
    let config = format!("[core]\n\tfsmonitor = {touch}\n\tbare = true\n[filter \"evil\"]\n\tsmudge = {touch}\n");
    let repository = home.repository(
        "work",
        &[
            (".gitattributes", b"* filter=evil diff=evil\n*.bin filter=lfs diff=lfs merge=lfs -text\n"),
            ("large.bin", pointer.as_bytes()),
            ("hooks/post-checkout", format!("#!/bin/sh\n{touch}\n").as_bytes()),
            ("bare.git/HEAD", b"ref: refs/heads/main\n"),
            ("bare.git/config", config.as_bytes()),
            ("bare.git/objects/info/x", b""),
            ("bare.git/refs/x", b""),
            (".gitmodules", b"[submodule \"x\"]\n\tpath = x\n\turl = ext::sh -c id\n"),
        ],
    );
    let own = format!(
        "{config}[core]\n\tsshCommand = {touch}\n\tpager = {touch}\n[uploadpack]\n\tpackObjectsHook = {touch}\n"
    );
    let mut text = std::fs::read_to_string(repository.join(".git/config")).expect("its configuration");
    text.push_str(&own.replace("\tbare = true\n", ""));
    std::fs::write(repository.join(".git/config"), text).expect("its configuration");

    let log = home.path("log");
    let plain = home.command();
    let mut traced = std::process::Command::new("strace");
    traced
        .args(["-f", "-qq", "-e", "trace=execve", "-o"])
        .arg(&log)
        .arg(plain.get_program())
        .args(SCAN)
        .arg("work")
        .env_clear();
    traced.envs(plain.get_envs().filter_map(|(name, value)| Some((name, value?))));
    traced.current_dir(home.path(""));
    let Some(output) = traced.output().ok().filter(|_| log.exists()) else {
        println!("skipped: case 079: strace cannot trace here");
        return;
    };
    let ended = ended(output);
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    let log = std::fs::read_to_string(log).expect("what strace saw");
    let started: Vec<_> = log.lines().filter_map(|line| line.split_once("execve(\"")?.1.split('"').next()).collect();
    let names: Vec<_> = started.iter().filter_map(|path| Path::new(path).file_name()?.to_str()).collect();
    assert!(names.contains(&"git") && names.contains(&"sh"), "{names:?}");
    let known = |name: &&str| *name == "sh" || *name == "certus" || name.starts_with("git");
    assert!(names.iter().all(known), "{started:?}");
    assert!(!home.path("ran").exists());
}

/// A scan of `source` with a `git` before the real one on the search path.
fn with_git(home: &Home, source: &str, script: &str) -> std::process::Command {
    let folder = home.path("");
    let path = home.write("bin/git", format!("#!/bin/sh\ncd '{}'\n{script}\n", folder.display()));
    std::fs::set_permissions(path, Permissions::from_mode(0o755)).expect("a program");
    let search = std::env::var("PATH").expect("a search path");
    let mut command = home.command();
    command.env("PATH", format!("{}:{search}", home.path("bin").display())).args(SCAN).arg(source);
    command
}

#[test]
fn case_082_hostile_names_of_branches_are_refused_before_git_starts() {
    let home = home();
    home.repository("work", &[("file", b"x")]);
    let long = "x".repeat(4096);
    for name in ["--upload-pack=x", "-c", "refs/../..", "main..HEAD", "a\nb", &long] {
        let output = with_git(&home, "work", "touch started; exit 1").arg(format!("--ref={name}")).output();
        let ended = ended(output.expect("the command runs"));
        refused(&home, &ended, "reference `");
        assert!(!home.path("started").exists(), "{name:?}");
    }
    let output = with_git(&home, "work", "touch started; exit 1").arg("--ref=main").output();
    assert_eq!(ended(output.expect("the command runs")).code, 1);
    assert!(home.path("started").exists(), "a good name reaches git");
}

/// Whether a process is there and no zombie.
fn lives(pid: &str) -> bool {
    std::fs::read_to_string(format!("/proc/{pid}/stat")).is_ok_and(|stat| !stat.contains(") Z "))
}

#[test]
fn case_083_git_ends_with_a_killed_host_and_the_next_scan_sweeps() {
    let home = home();
    home.repository("work", &[("file", b"x")]);
    let script = "sleep 1000 & echo $! $$ > new; mv new pids; wait";
    let mut child = with_git(&home, "work", script).stderr(Stdio::null()).spawn().expect("the command starts");
    let patience = Instant::now() + Duration::from_secs(60);
    while !home.path("pids").exists() {
        assert!(Instant::now() < patience && child.try_wait().expect("a child").is_none(), "git was not started");
        std::thread::yield_now();
    }
    child.kill().expect("it is there");
    child.wait().expect("it ends");
    let pids = std::fs::read_to_string(home.path("pids")).expect("who was started");
    while pids.split_whitespace().any(lives) {
        assert!(Instant::now() < patience, "git outlives its host: {pids}");
        std::thread::yield_now();
    }
    assert_eq!(home.left_over().len(), 1, "a killed process cannot clean up: {:?}", home.left_over());
    let ended = home.run(&[&SCAN[..], &["work"]].concat());
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    assert_eq!(home.left_over(), [""; 0]);
}

#[test]
fn case_083_an_interrupt_ends_git_at_once() {
    let home = home();
    home.repository("work", &[("file", b"x")]);
    let mut command = with_git(&home, "work", "echo $$ > new; mv new pids; exec sleep 1000");
    let child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().expect("the command starts");
    let patience = Instant::now() + Duration::from_secs(60);
    while !home.path("pids").exists() {
        assert!(Instant::now() < patience, "git was not started");
        std::thread::yield_now();
    }
    let pid = rustix::process::Pid::from_child(&child);
    rustix::process::kill_process(pid, rustix::process::Signal::INT).expect("it is there");
    let ended = ended(child.wait_with_output().expect("it ends"));
    assert_eq!(ended.code, 130, "{}", ended.stderr);
    assert!(ended.stderr.contains("interrupted"), "{}", ended.stderr);
    let pids = std::fs::read_to_string(home.path("pids")).expect("who was started");
    assert!(!pids.split_whitespace().any(lives), "git outlives the interrupt");
    assert!(!home.path("out").exists());
    assert_eq!(home.left_over(), [""; 0]);
}

#[test]
fn a_token_reaches_its_own_host_alone() {
    let home = home();
    let seen = |source: &str, host: Option<&str>| {
        let mut command = with_git(&home, source, "echo \"login:$GIT_CONFIG_VALUE_0\" > seen; exit 1");
        command.env("CERTUS_GIT_TOKEN", "hunter2").envs(host.map(|host| ("CERTUS_GIT_TOKEN_HOST", host)));
        let ended = ended(command.output().expect("the command runs"));
        assert!(ended.code == 1 && !ended.stderr.contains("hunter2"), "{}", ended.stderr);
        std::fs::read_to_string(home.path("seen")).map_err(|_| ended.stderr)
    };
    let without = seen("https://git.example/a", None).unwrap_err();
    assert!(without.contains("CERTUS_GIT_TOKEN is set without CERTUS_GIT_TOKEN_HOST"), "{without}");
    assert!(seen("https://git.example/a", Some("https://git.example")).unwrap_err().contains("is no host"));
    // "x-access-token:hunter2" and "me:own", as HTTP carries them.
    let (token, own) = ("eC1hY2Nlc3MtdG9rZW46aHVudGVyMg==", "bWU6b3du");
    for (source, login) in [
        ("https://git.example/a", format!("Authorization: Basic {token}")),
        ("HTTPS://Git.Example/a", format!("Authorization: Basic {token}")),
        ("https://me:own@git.example/a", format!("Authorization: Basic {own}")),
        ("https://elsewhere.example/a", String::new()),
        ("https://git.example:8443/a", String::new()),
    ] {
        assert_eq!(seen(source, Some("git.example")), Ok(format!("login:{login}\n")), "{source}");
    }
}
