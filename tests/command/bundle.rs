//! `certus verify` and `certus keys`.

use crate::support::guest::Guest;
use crate::support::home::Home;

/// A home with a bundle `out`, signed with key `mine`.
fn signed() -> Home {
    let home = Home::new();
    let plugin = home.write("good.wasm", Guest::files().build());
    home.write("tree/a.txt", "hello");
    assert_eq!(home.run(&["keys", "generate", "mine"]).code, 0);
    let arguments = [
        "scan",
        "dir:tree",
        "--profile",
        "none",
        "--plugin",
        plugin.to_str().unwrap(),
        "--out",
        "out",
        "--key",
        "mine",
    ];
    let ended = home.run(&arguments);
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    home
}

#[test]
fn keys_are_made_shown_and_listed() {
    let home = Home::new();
    let made = home.run(&["keys", "generate", "mine"]);
    assert_eq!(made.code, 0, "{}", made.stderr);
    assert!(home.run(&["keys", "show", "mine"]).stdout.contains("BEGIN PUBLIC KEY"));
    assert!(home.run(&["keys", "list"]).stdout.contains("mine"));
    let again = home.run(&["keys", "generate", "mine"]);
    assert_eq!(again.code, 1);
    assert!(again.stderr.contains("mine"), "{}", again.stderr);
    assert_eq!(home.run(&["keys", "show", "other"]).code, 1);
}

#[test]
fn a_password_guards_the_key() {
    let home = Home::new();
    home.write("tree/a.txt", "hello");
    home.write("good.wasm", Guest::files().build());
    let with = |password: &str, arguments: &[&str]| {
        crate::support::home::ended(home.certus().env("COSIGN_PASSWORD", password).args(arguments).output().unwrap())
    };
    assert_eq!(with("right", &["keys", "generate", "mine"]).code, 0);
    let scan = ["scan", "dir:tree", "--profile", "none", "--plugin", "good.wasm", "--key", "mine", "--out", "out"];
    let wrong = with("wrong", &scan);
    assert_eq!(wrong.code, 1);
    assert!(!wrong.stderr.contains("wrong\"") && !home.path("out").exists(), "{}", wrong.stderr);
    assert_eq!(with("right", &scan).code, 0);
}

#[test]
fn verification_names_what_it_refuses() {
    let home = signed();
    home.run(&["keys", "generate", "other"]);
    std::fs::write(home.path("mine.pub"), home.run(&["keys", "show", "mine"]).stdout).unwrap();
    std::fs::write(home.path("other.pub"), home.run(&["keys", "show", "other"]).stdout).unwrap();
    assert_eq!(home.run(&["verify", "out"]).code, 0);
    assert_eq!(home.run(&["verify", "out", "--key", "mine.pub"]).code, 0);
    let wrong = home.run(&["verify", "out", "--key", "other.pub"]);
    assert_eq!(wrong.code, 2, "{}", wrong.stderr);
    assert!(wrong.stderr.contains("key"), "{}", wrong.stderr);

    for (name, tamper, named) in [
        ("missing", "rm out/findings.json", "findings.json"),
        ("changed", "sed -i s/pass/fail/ out/policy-result.json", "policy-result.json"),
        ("extra", "echo x > out/extra.txt", "extra.txt"),
        ("extra folder", "mkdir out/logs/more", "more"),
        ("link", "ln -sf /etc/passwd out/summary.json", "summary.json"),
        ("no envelope", "rm out/attestation.dsse.json", "attestation.dsse.json"),
    ] {
        let copy = |from: &str, to: &str| {
            std::process::Command::new("cp").args(["-a", from, to]).current_dir(home.path("")).status().unwrap();
        };
        copy("out", "kept");
        assert!(
            std::process::Command::new("sh")
                .args(["-c", tamper])
                .current_dir(home.path(""))
                .status()
                .unwrap()
                .success()
        );
        let ended = home.run(&["verify", "out"]);
        assert_eq!(ended.code, 2, "{name}: {}", ended.stderr);
        assert!(ended.stderr.contains(named), "{name}: {}", ended.stderr);
        std::fs::remove_dir_all(home.path("out")).unwrap();
        std::fs::rename(home.path("kept"), home.path("out")).unwrap();
    }
    assert_eq!(home.run(&["verify", "out"]).code, 0, "the twin is whole");
}
