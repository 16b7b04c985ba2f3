//! A witness of a transparency log: what he signs, what he refuses, and the log that keeps it.

use certus_signing::{LogVerifier, SignedCheckpoint};

use crate::support::home::Home;

/// Where this machine's log lies.
const LOG: &str = ".local/share/certus/log";

/// A machine whose log has an entry for each of so many scans, and what verifies it.
fn logging(scans: u32) -> Home {
    let home = Home::new();
    home.write("tree/a.txt", "hello");
    for at in 0..scans {
        scan(&home, at);
    }
    home.write("log.vkey", said(&home, &["log", "key"]));
    home
}

fn scan(home: &Home, at: u32) {
    let out = format!("out{at}");
    said(home, &["scan", "dir:tree", "--profile", "smoke", "--out", &out]);
}

#[track_caller]
fn said(home: &Home, arguments: &[&str]) -> String {
    let ended = home.run(arguments);
    assert_eq!(ended.code, 0, "{arguments:?}: {}", ended.stderr);
    ended.stdout
}

/// A witness of the log of `home`, who looks at the folder or file `place` of it.
struct Witness {
    own: Home,
    vkey: String,
}

impl Witness {
    fn new() -> Self {
        let own = Home::new();
        let vkey = said(&own, &["keys", "generate-witness", "witness.example.com"]);
        Self { own, vkey }
    }

    fn look(&self, home: &Home, place: &str) -> crate::support::home::Ended {
        let (place, key) = (home.path(place).display().to_string(), home.path("log.vkey").display().to_string());
        self.own.run(&["log", "cosign", &place, "--log-key", &key, "--state", "seen"])
    }

    /// How many entries he has seen, as his own file says.
    fn seen(&self) -> u64 {
        let text = std::fs::read_to_string(self.own.path("seen")).expect("a state");
        text.parse::<SignedCheckpoint>().expect("a checkpoint").unverified().size
    }
}

#[test]
fn a_witness_signs_what_continues_and_the_log_keeps_it() {
    let (home, witness) = (logging(1), Witness::new());
    let first = witness.look(&home, LOG);
    assert!(first.code == 0 && first.stderr.contains("nothing of this log was seen before"), "{}", first.stderr);
    scan(&home, 1);
    let second = witness.look(&home, LOG);
    assert_eq!((second.code, witness.seen()), (0, 2), "{}", second.stderr);
    let verifiers: Vec<LogVerifier> =
        [&said(&home, &["log", "key"]), &witness.vkey].map(|text| text.trim().parse().expect("a key")).into();
    let cosigned: SignedCheckpoint = second.stdout.parse().expect("a checkpoint");
    assert_eq!(cosigned.verify_all(&verifiers).expect("both have signed").witnesses().len(), 1);

    home.write("cosigned", &second.stdout);
    let unknown = home.run(&["log", "accept", "cosigned"]);
    assert!(unknown.code == 2 && unknown.stderr.contains("no known witness"), "{}", unknown.stderr);
    home.write("witness.vkey", &witness.vkey);
    said(&home, &["log", "accept", "cosigned", "--witness", "witness.vkey"]);
    assert_eq!(said(&home, &["log", "show"]), second.stdout);
    home.write(".config/certus/keys/witness-a.vkey", &witness.vkey);
    assert!(said(&home, &["log", "verify"]).contains("1 witnesses"));
    said(&home, &["log", "accept", "cosigned"]);

    // The log goes on, and what was signed is of before.
    scan(&home, 2);
    let stale = home.run(&["log", "accept", "cosigned"]);
    assert!(stale.code == 2 && stale.stderr.contains("3 entries by now"), "{}", stale.stderr);
    let changed = second.stdout.replace("witness.example.com ", "witness.example.com A");
    home.write("changed", changed);
    assert_ne!(home.run(&["log", "accept", "changed"]).code, 0);
}

#[test]
fn a_witness_refuses_a_fork_a_rollback_and_what_is_not_shown() {
    let (home, witness) = (logging(2), Witness::new());
    let earlier = said(&home, &["log", "show"]);
    home.write("earlier", &earlier);
    // A second history that the same key has signed.
    let keys = home.path(".config/certus/keys");
    let fork = Home::new();
    fork.write("tree/a.txt", "something else");
    std::fs::create_dir_all(fork.path(".config/certus")).expect("a folder");
    assert!(
        std::process::Command::new("cp")
            .arg("-r")
            .args([&keys, &fork.path(".config/certus/keys")])
            .status()
            .expect("cp")
            .success()
    );
    for at in 0..4 {
        scan(&fork, at);
    }
    fork.write("log.vkey", said(&fork, &["log", "key"]));
    scan(&home, 2);
    assert_eq!(witness.look(&home, LOG).code, 0);

    for (what, ended, says) in [
        ("a fork", witness.look(&fork, LOG), "does not continue"),
        ("a rollback", witness.look(&home, "earlier"), "rolled back"),
    ] {
        assert!(ended.code == 2 && ended.stdout.is_empty(), "{what}: {}", ended.stderr);
        assert!(ended.stderr.contains(says), "{what}: {}", ended.stderr);
        assert_eq!(witness.seen(), 3, "{what}: nothing was signed");
    }
    scan(&home, 3);
    home.write("alone", said(&home, &["log", "show"]));
    let alone = witness.look(&home, "alone");
    assert!(alone.code == 1 && alone.stderr.contains("name the log"), "{}", alone.stderr);
    let stranger = Witness::new();
    let other = logging(1);
    std::fs::copy(home.path("log.vkey"), other.path("log.vkey")).expect("a copy");
    let ended = stranger.look(&other, LOG);
    assert!(ended.code == 2 && ended.stderr.contains("no log that is known"), "{}", ended.stderr);

    // A state that is not this witness's is no memory.
    let state = std::fs::read_to_string(witness.own.path("seen")).expect("a state");
    witness.own.write("seen", &earlier);
    let unsigned = witness.look(&home, LOG);
    assert!(
        unsigned.code == 1 && unsigned.stderr.contains("nothing that this witness has signed"),
        "{}",
        unsigned.stderr
    );
    witness.own.write("seen", state);
    assert_eq!((witness.look(&home, LOG).code, witness.seen()), (0, 4), "the twin");
}
