//! `certus verify --replay`: the same plugins over the same source give the same bytes.

use crate::support::guest::Guest;
use crate::support::home::Home;

const REPLAY: [&str; 5] = ["verify", "out", "--replay", "--plugin", "good.wasm"];

#[test]
fn a_bundle_is_replayed_to_the_byte_and_another_source_is_noticed() {
    let home = Home::new();
    home.write("good.wasm", Guest::files().build());
    home.write("tree/a.txt", "first");
    let scan = ["scan", "dir:tree", "--profile", "none", "--plugin", "good.wasm", "--out", "out"];
    let scanned = home.run(&scan);
    assert_eq!(scanned.code, 0, "{}", scanned.stderr);

    let same = home.run(&REPLAY);
    assert_eq!(same.code, 0, "{}{}", same.stdout, same.stderr);
    assert!(
        same.stdout.contains("ok  replay: findings.json") && same.stdout.contains("\nreplayed "),
        "{}",
        same.stdout
    );

    home.write("tree/a.txt", "other");
    let other = home.run(&REPLAY);
    assert_eq!(other.code, 2, "{}{}", other.stdout, other.stderr);
    assert!(other.stdout.contains("--  replay: tree was"), "{}", other.stdout);
    assert!(other.stderr.contains("refused: the replay gives something else"), "{}", other.stderr);

    // What ran beside the profile's is not in the bundle: it has to be named again.
    home.write("tree/a.txt", "first");
    let fewer = home.run(&["verify", "out", "--replay"]);
    assert_eq!(fewer.code, 1, "{}{}", fewer.stdout, fewer.stderr);
    assert!(fewer.stderr.contains("at least one --plugin"), "{}", fewer.stderr);
}
