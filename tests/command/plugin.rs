//! `certus plugin`.

use crate::support::guest::{ANSWER, Guest};
use crate::support::home::Home;

/// Two examples, so that there is an order to get wrong.
const EXAMPLES: &str =
    "examples = { bad = [{ path = \"a.txt\", text = \"one\" }], good = [{ path = \"b.txt\", text = \"two\" }] }";

#[test]
fn inspect_prints_the_passport() {
    let home = Home::new();
    let file = home.write("guest.wasm", Guest::files().rule("").build());
    let ended = home.run(&["plugin", "inspect", file.to_str().unwrap()]);
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    for word in ["test.guest", "sha256:", "Permissions", "network    never", "Rules (1)"] {
        assert!(ended.stdout.contains(word), "{word}: {}", ended.stdout);
    }
}

#[test]
fn a_scanner_that_keeps_state_between_files_is_caught() {
    let home = Home::new();
    std::fs::create_dir(home.path("plugin")).unwrap();
    // Reports what it is given only if it was called before.
    let keeps = Guest::files()
        .rule(EXAMPLES)
        .items("(global $called (mut i32) (i32.const 0))")
        .scan(format!(
            "(i32.store (i32.const {}) (global.get $called)) (global.set $called (i32.const 1)) (i32.const {ANSWER})",
            ANSWER + 12
        ))
        .items("(data (i32.const 72) \"\\00\\14\\00\\00\") (data (i32.const 5120) \"\\00\\04\\00\\00\\01\\00\\00\\00\\01\\04\\00\\00\\00\\00\\00\\00\")(data (i32.const 1024) \"r\")")
        .build();
    let keeps = home.write("keeps.wasm", keeps);
    let ended = home.run(&["plugin", "test", "plugin", "--component", keeps.to_str().unwrap()]);
    assert_eq!(ended.code, 2, "{}", ended.stdout);
    assert!(ended.stdout.contains("keeps state between files"), "{}", ended.stdout);

    let honest = home.write("honest.wasm", Guest::files().rule(EXAMPLES).reports("r", "a.txt", None).build());
    let ended = home.run(&["plugin", "test", "plugin", "--component", honest.to_str().unwrap()]);
    assert!(!ended.stdout.contains("keeps state"), "the twin keeps none: {}", ended.stdout);
}

#[test]
fn fixtures_are_compared_with_what_was_blessed() {
    let home = Home::new();
    home.write("plugin/fixtures/one/input/a.txt", "one");
    let examples = "examples = { bad = [{ path = \"a.txt\", text = \"one\" }] }";
    let guest = home.write("guest.wasm", Guest::files().rule(examples).reports("r", "a.txt", Some((0, 3))).build());
    let test = |more: &[&str]| {
        let base = ["plugin", "test", "plugin", "--component", guest.to_str().unwrap()];
        home.run(&[&base[..], more].concat())
    };
    let without = test(&[]);
    assert_eq!(without.code, 2);
    assert!(without.stdout.contains("--bless"), "{}", without.stdout);
    assert_eq!(test(&["--bless"]).code, 0);
    assert_eq!(test(&[]).code, 0);
    home.write("plugin/fixtures/one/input/z.txt", "another");
    let changed = test(&[]);
    assert_eq!(changed.code, 2);
    assert!(changed.stdout.contains("expected.json"), "{}", changed.stdout);
}

#[test]
fn the_plugins_of_this_repository_pass_their_own_tests() {
    let home = Home::new();
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let built = std::path::Path::new(env!("CARGO_BIN_EXE_certus")).with_file_name("plugins");
    for name in ["secrets", "inventory", "licences", "privacy"] {
        let (folder, component) = (root.join("plugins").join(name), built.join(name).with_extension("wasm"));
        assert!(component.is_file(), "{} is not built; `cargo xtask plugins` builds it", component.display());
        let arguments = ["plugin", "test", folder.to_str().unwrap(), "--component", component.to_str().unwrap()];
        let ended = home.run(&arguments);
        assert_eq!(ended.code, 0, "{name}: {}", ended.stdout);
    }
}
