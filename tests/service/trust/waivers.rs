//! Waivers as reviewers make them: by a command, within what the policy allows.

use serde_json::{Value, json};

use super::{KEYED, denied, failing, home, id_of, made, permitted};
use crate::support::home::{Ended, Home, ended};
use crate::support::service::Service;

/// A policy of a reviewer `rita`, whose waivers are good for 90 days at most.
const RULES: &str = "format = \"certus-trust-policy/1\"\nwaivers = \"waivers\"\nwaiver-days = 90\n\
                     [[reviewers]]\nname = \"rita\"\nkey = \".config/certus/keys/rita.pub\"\n";

/// A home with the key `rita`, a policy and a folder of waivers.
fn reviewed() -> Home {
    let home = home();
    made(&home, "rita");
    home.write("policy.toml", RULES);
    std::fs::create_dir(home.path("waivers")).expect("a folder");
    home
}

fn policy(home: &Home) -> String {
    home.path("policy.toml").display().to_string()
}

/// A service by that policy.
fn started(home: &Home) -> Service {
    Service::start(home, &[KEYED, ("CERTUS_TRUST_POLICY", &policy(home))])
}

/// A time so many days from now.
fn in_days(days: i64) -> String {
    let then = jiff::Timestamp::now() + jiff::SignedDuration::from_hours(24 * days);
    jiff::Timestamp::from_second(then.as_second()).expect("a time").to_string()
}

struct Asked<'a> {
    fingerprint: &'a str,
    bundle: &'a str,
    reviewer: &'a str,
    key: &'a str,
    until: String,
}

fn sign(home: &Home, asked: &Asked<'_>) -> Ended {
    let mut certus = home.service(&[("CERTUS_TRUST_POLICY", &policy(home))]);
    certus.args(["waiver", "sign", asked.fingerprint, "--bundle", asked.bundle, "--reviewer", asked.reviewer]);
    certus.args(["--key", asked.key, "--until", &asked.until, "--reason", "the key was rotated", "--out", "waivers"]);
    ended(certus.output().expect("certus runs"))
}

#[test]
fn a_waiver_that_the_command_has_signed_lets_a_denied_publication_through() {
    let home = reviewed();
    let id = {
        let service = started(&home);
        let id = failing(&service);
        denied(&service, &id, "verified", "decision_not_accepted");
        id
    };
    let bundle = std::fs::read_dir(home.path("artifacts/bundles")).expect("a folder").next().expect("one");
    let bundle = bundle.expect("an entry").path();
    let findings: Value =
        serde_json::from_slice(&std::fs::read(bundle.join("findings.json")).expect("findings")).expect("JSON");
    let fingerprint = findings["findings"][0]["fingerprint"].as_str().expect("a fingerprint").to_owned();
    let bundle = bundle.display().to_string();
    let good =
        || Asked { fingerprint: &fingerprint, bundle: &bundle, reviewer: "rita", key: "rita", until: in_days(30) };
    for (asked, says) in [
        (Asked { until: in_days(-1), ..good() }, "is over already"),
        (Asked { until: in_days(91), ..good() }, "longer than the 90 days"),
        (Asked { until: "never".to_owned(), ..good() }, "is no time"),
        (Asked { reviewer: "ada", key: "ada", ..good() }, "names no reviewer `ada`"),
        (Asked { key: "ada", ..good() }, "by another key"),
        (Asked { fingerprint: "abc", ..good() }, "there is no finding"),
    ] {
        let refused = sign(&home, &asked);
        assert!(refused.code == 1 && refused.stderr.contains(says), "{says}: {}{}", refused.stdout, refused.stderr);
        assert_eq!(std::fs::read_dir(home.path("waivers")).expect("a folder").count(), 0, "{says}");
    }

    let signed = sign(&home, &good());
    assert_eq!(signed.code, 0, "{}", signed.stderr);
    let file = signed.stdout.trim();
    assert!(file.ends_with("-rita.waiver.dsse.json"), "{file}");
    let show = |arguments: &[&str], env: &[(&str, &str)]| {
        let mut certus = home.service(env);
        ended(certus.args(["waiver", "show", file]).args(arguments).output().expect("certus runs"))
    };
    let ruled = policy(&home);
    let by_policy = [("CERTUS_TRUST_POLICY", ruled.as_str())];
    for shown in [show(&["--key", "rita"], &[]), show(&[], &by_policy)] {
        assert!(shown.code == 0 && shown.stdout.contains("the key was rotated"), "{}{}", shown.stdout, shown.stderr);
    }
    assert_eq!(show(&["--key", "ada"], &[]).code, 2);
    assert_eq!(show(&[], &[]).code, 1, "nobody is known who may sign");
    {
        let service = started(&home);
        let upload = permitted(&service, &id, "verified");
        assert_eq!(upload["evidence"]["waived"][0]["reviewer"], "rita", "{upload:#}");
        // What a reviewer has signed whose key was revoked since is worth nothing.
        let signer = id_of(&home, "rita");
        let revoke = json!({ "kind": "signer", "digest": signer, "reason": "left a laptop in a train" });
        assert_eq!(service.post("/v1/revocations", &revoke).status, 201);
        let next = failing(&service);
        denied(&service, &next, "verified", "decision_not_accepted");
    }

    // One altered byte, in the middle of what was signed.
    let path = home.path(file);
    let mut bytes = std::fs::read(&path).expect("a waiver");
    let at = bytes.len() / 2;
    bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
    std::fs::write(&path, bytes).expect("a waiver");
    assert_eq!(show(&["--key", "rita"], &[]).code, 2);
    let mut certus = home.service(&[KEYED, ("CERTUS_TRUST_POLICY", &ruled)]);
    let refused = ended(certus.arg("serve").output().expect("certus runs"));
    assert!(refused.code == 1 && refused.stderr.contains("waiver.dsse.json"), "{}", refused.stderr);
}

#[test]
fn trust_holds_waivers_to_the_days_of_the_policy() {
    let home = reviewed();
    let content = "ab".repeat(32);
    let signed = home.run(&[
        "waiver",
        "sign",
        "f1",
        "--content",
        &content,
        "--reviewer",
        "rita",
        "--key",
        "rita",
        "--reason",
        "x",
        "--until",
        &in_days(91),
        "--out",
        "waivers",
    ]);
    assert_eq!(signed.code, 0, "without a policy nobody says how long: {}", signed.stderr);
    let mut certus = home.service(&[KEYED, ("CERTUS_TRUST_POLICY", &policy(&home))]);
    let refused = ended(certus.arg("serve").output().expect("certus runs"));
    assert!(refused.code == 1 && refused.stderr.contains("longer than the 90 days"), "{}", refused.stderr);
    home.write("policy.toml", RULES.replace("waiver-days = 90", "waiver-days = 92"));
    started(&home);
}
