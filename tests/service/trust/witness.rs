//! The log of a service whose blobs are in a bucket: audited, cosigned and shown from there.

use crate::service::keys::certus;
use crate::support::home::{Ended, Home, ended};
use crate::support::s3;
use crate::support::service::Service;

use super::{KEYED, home, scanned};

#[test]
fn the_log_of_a_service_is_read_where_its_blobs_are() {
    let Some(server) = s3::server() else { return };
    let (home, bucket) = (home(), server.bucket());
    let settings = server.settings(&bucket, server.port());
    let env: Vec<_> = settings.iter().map(|(name, value)| (*name, value.as_str())).chain([KEYED]).collect();
    let run = |arguments: &[&str]| -> Ended { ended(home.service(&env).args(arguments).output().expect("it runs")) };
    let nothing = run(&["log", "verify"]);
    assert!(nothing.code == 2 && nothing.stderr.contains("no checkpoint"), "{}{}", nothing.stdout, nothing.stderr);
    {
        let service = Service::start(&home, &env);
        scanned(&service);
        scanned(&service);
    }
    let verified = run(&["log", "verify"]);
    assert_eq!(verified.code, 0, "{}", verified.stderr);
    assert!(verified.stdout.contains("2 entries"), "{}", verified.stdout);
    let shown = run(&["log", "show"]).stdout;
    let published = std::fs::read_to_string(server.file(&bucket, "site-a/log/checkpoint")).expect("a checkpoint");
    assert_eq!(shown, published);
    assert_ne!(home.run(&["log", "verify"]).code, 0, "without the settings it is this machine's, which has none");

    // A witness beside it looks at the bucket, and the service's log keeps what he signs.
    let witness = Home::new();
    let vkey = certus(&witness, &["keys", "generate-witness", "witness.example.com"]);
    let vkey = home.write("witness.vkey", vkey).display().to_string();
    let log = home.write("log.vkey", run(&["log", "key"]).stdout).display().to_string();
    let look = ["log", "cosign", "--log-key", log.as_str(), "--state", "seen"];
    let cosigned = ended(witness.service(&env).args(look).output().expect("it runs"));
    assert_eq!(cosigned.code, 0, "{}", cosigned.stderr);
    let note = home.write("cosigned", cosigned.stdout).display().to_string();
    let accepted = run(&["log", "accept", &note, "--witness", &vkey]);
    assert_eq!(accepted.code, 0, "{}", accepted.stderr);
    let both = run(&["log", "verify", "--log-key", &log, "--log-key", &vkey]);
    assert!(both.code == 0 && both.stdout.contains("1 witnesses"), "{}{}", both.stdout, both.stderr);

    let tile = server.file(&bucket, "site-a/log/tile/entries/000.p/2");
    let mut bytes = std::fs::read(&tile).expect("a tile");
    bytes[10] ^= 1;
    std::fs::write(&tile, bytes).expect("a tile");
    let refused = run(&["log", "verify"]);
    assert!(refused.code == 2 && refused.stderr.contains("entry 0"), "{}{}", refused.stdout, refused.stderr);
}

#[test]
fn the_log_of_a_service_is_found_by_its_settings() {
    let home = home();
    let run =
        |arguments: &[&str]| -> Ended { ended(home.service(&[KEYED]).args(arguments).output().expect("it runs")) };
    {
        let service = Service::start(&home, &[KEYED]);
        scanned(&service);
    }
    let verified = run(&["log", "verify", "--service"]);
    assert!(verified.code == 0 && verified.stdout.contains("1 entries"), "{}{}", verified.stdout, verified.stderr);
    assert_eq!(run(&["log", "show", "--service"]).stdout, run(&["log", "show", "artifacts/log"]).stdout);
    assert_eq!(run(&["log", "verify", "artifacts/log", "--service"]).code, 64, "one of both");
}
