//! Bad input gives one clear sentence, the right exit code, and leaves nothing.

use crate::support::guest::Guest;
use crate::support::home::Home;

/// One row: what is typed, how it ends, what the sentence names.
struct Row {
    name: &'static str,
    arguments: &'static [&'static str],
    code: i32,
    says: &'static [&'static str],
}

const ROWS: &[Row] = &[
    Row { name: "no such path", arguments: &["scan", "nowhere", "--out", "out"], code: 1, says: &["nowhere"] },
    Row { name: "not a repository", arguments: &["scan", "git:plain", "--out", "out"], code: 1, says: &["plain"] },
    Row {
        name: "unknown ref",
        arguments: &["scan", "repo", "--ref", "mian", "--out", "out"],
        code: 1,
        says: &["mian", "main"],
    },
    Row {
        name: "option as ref",
        arguments: &["scan", "repo", "--ref=--upload-pack=x", "--out", "out"],
        code: 1,
        says: &["--upload-pack=x"],
    },
    Row { name: "empty repository", arguments: &["scan", "empty", "--out", "out"], code: 1, says: &["empty"] },
    Row { name: "other scheme", arguments: &["scan", "ssh://host/x", "--out", "out"], code: 1, says: &["https://"] },
    Row {
        name: "unknown profile",
        arguments: &["scan", "repo", "--profile", "lihgt", "--out", "out"],
        code: 1,
        says: &["lihgt", "did you mean `light`"],
    },
    Row {
        name: "plugin missing",
        arguments: &["scan", "repo", "--profile", "none", "--plugin", "no.wasm", "--out", "out"],
        code: 1,
        says: &["no.wasm"],
    },
    Row {
        name: "corrupt component",
        arguments: &["scan", "repo", "--profile", "none", "--plugin", "corrupt.wasm", "--out", "out"],
        code: 1,
        says: &["corrupt.wasm", "not-a-component"],
    },
    Row {
        name: "nothing to run",
        arguments: &["scan", "repo", "--profile", "none", "--out", "out"],
        code: 1,
        says: &["--plugin"],
    },
    Row {
        name: "output not empty",
        arguments: &["scan", "repo", "--profile", "none", "--plugin", "good.wasm", "--out", "full"],
        code: 1,
        says: &["full", "--force"],
    },
    Row {
        name: "output foreign even with force",
        arguments: &["scan", "repo", "--profile", "none", "--plugin", "good.wasm", "--out", "full", "--force"],
        code: 1,
        says: &["full"],
    },
    Row {
        name: "output in no folder",
        arguments: &["scan", "repo", "--profile", "none", "--plugin", "good.wasm", "--out", "no/such/out"],
        code: 1,
        says: &["no/such"],
    },
    Row {
        name: "output not writable",
        arguments: &["scan", "repo", "--profile", "none", "--plugin", "good.wasm", "--out", "/proc/out"],
        code: 1,
        says: &["/proc"],
    },
    Row {
        name: "manifest that is none",
        arguments: &["scan", "repo", "--manifest", "good.wasm", "--out", "out"],
        code: 1,
        says: &["good.wasm"],
    },
    Row {
        name: "manifest missing",
        arguments: &["scan", "repo", "--manifest", "no.json", "--out", "out"],
        code: 1,
        says: &["no.json"],
    },
    Row {
        name: "baseline without reason",
        arguments: &["scan", "repo", "--baseline", "base.toml", "--out", "out"],
        code: 1,
        says: &["base.toml", "reason"],
    },
    Row { name: "unknown option", arguments: &["scan", "repo", "--frobnicate"], code: 64, says: &["--frobnicate"] },
    Row {
        name: "unknown severity",
        arguments: &["scan", "repo", "--fail-on", "hihg"],
        code: 64,
        says: &["hihg", "high"],
    },
    Row { name: "no command", arguments: &["sacn"], code: 64, says: &["scan"] },
    Row { name: "verify nothing", arguments: &["verify", "nowhere"], code: 1, says: &["nowhere"] },
];

#[test]
fn bad_input_is_one_sentence_and_leaves_nothing() {
    let home = Home::new();
    home.repository("repo", &[("a.txt", b"hello")]);
    home.write("plain/a.txt", "hello");
    home.write("full/mine.txt", "keep me");
    home.write("good.wasm", Guest::files().build());
    home.write("corrupt.wasm", "\0asm and then nothing");
    home.write("base.toml", "[[suppression]]\npath = \"a\"\nreason = \"\"\n");
    std::fs::create_dir(home.path("empty")).unwrap();
    home.git("empty", &["init", "-q"]);
    for row in ROWS {
        let ended = home.run(row.arguments);
        assert_eq!(ended.code, row.code, "{}: {}", row.name, ended.stderr);
        for word in row.says {
            assert!(ended.stderr.contains(word), "{} does not say `{word}`: {}", row.name, ended.stderr);
        }
        assert!(ended.stdout.is_empty(), "{}: {}", row.name, ended.stdout);
        if row.code != 64 {
            assert_eq!(ended.stderr.trim_end().lines().count(), 1, "{}: {}", row.name, ended.stderr);
        }
        assert!(!home.path("out").exists(), "{} left a bundle", row.name);
        assert_eq!(home.left_over(), [""; 0], "{}", row.name);
        let hidden: Vec<_> = std::fs::read_dir(home.path(""))
            .unwrap()
            .map(|e| e.unwrap().file_name())
            .filter(|n| n.to_string_lossy().contains("certus-"))
            .collect();
        assert!(hidden.is_empty(), "{} left {hidden:?}", row.name);
    }
    assert_eq!(std::fs::read_to_string(home.path("full/mine.txt")).unwrap(), "keep me");
}

#[test]
fn credentials_in_a_url_are_shown_nowhere() {
    let home = Home::new();
    // Nothing listens there: the fetch fails, and says so without the password.
    let ended = home.run(&["scan", "https://user:hunter2@127.0.0.1:9/x.git", "--out", "out", "-vv"]);
    assert_eq!(ended.code, 1);
    assert!(!ended.stderr.contains("hunter2") && !ended.stdout.contains("hunter2"), "{}", ended.stderr);
}
