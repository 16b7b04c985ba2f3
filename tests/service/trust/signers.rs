//! The keys of a service: without one that may sign it does not start, and one that was replaced still counts.

use serde_json::json;

use super::{KEYED, ask, home, id_of, made, permitted, scanned, statement};
use crate::support::home::{Ended, Home, ended};
use crate::support::service::{Service, directory};

/// A role of the program that is refused at start.
fn refused(home: &Home, role: &str, env: &[(&str, &str)]) -> Ended {
    let ended = ended(home.service(env).arg(role).output().expect("certus runs"));
    assert_eq!(ended.code, 1, "{role}: {}{}", ended.stdout, ended.stderr);
    let said = ended.stderr.trim_end();
    assert!(!said.contains("panicked") && said.lines().count() == 1, "{role}: {said}");
    ended
}

#[test]
fn case_125_a_service_without_a_key_that_may_sign_does_not_start() {
    let home = home();
    made(&home, "eve");
    assert_eq!(home.run(&["keys", "revoke", "eve", "--reason", "lost"]).code, 0);
    for role in ["serve", "worker", "trust"] {
        for (key, says) in [("nobody", "nobody"), ("eve", "revoked")] {
            let said = refused(&home, role, &[("CERTUS_KEY", key)]).stderr;
            assert!(said.contains(says), "{role} with {key}: {said}");
            let said = refused(&home, role, &[KEYED, ("CERTUS_TRUST_KEY", key)]).stderr;
            assert!(said.contains(says), "{role} with {key} for Trust: {said}");
        }
    }
    // The twin starts.
    Service::start(&home, &[KEYED]);
}

#[test]
fn case_125_what_a_key_signed_before_it_was_replaced_still_counts() {
    let home = home();
    let before = id_of(&home, "ada");
    let (old, older) = {
        let service = Service::start(&home, &[KEYED]);
        (scanned(&service), permitted(&service, &scanned(&service), "verified"))
    };
    assert_eq!(home.run(&["keys", "rotate", "ada"]).code, 0);
    assert_ne!(id_of(&home, "ada"), before);
    for entry in std::fs::read_dir(home.path("artifacts/bundles")).expect("a folder") {
        let ended = home.run(&["verify", entry.expect("an entry").path().to_str().expect("UTF-8")]);
        assert!(ended.code == 0 && ended.stdout.contains(&before), "{}{}", ended.stdout, ended.stderr);
    }
    let service = Service::start(&home, &[KEYED]);
    let upload = permitted(&service, &old, "verified");
    assert_eq!(upload["verification_proof"]["signer_inner"], json!(before), "{upload:#}");
    assert_eq!(upload["verification_proof"]["signer_outer"], json!(id_of(&home, "ada")), "{upload:#}");
    let signed_by = |upload: &serde_json::Value| upload["permit"]["signatures"][0]["keyid"].clone();
    assert_eq!((signed_by(&older), signed_by(&upload)), (json!(before), json!(id_of(&home, "ada"))));
    let new = permitted(&service, &scanned(&service), "verified");
    assert_eq!(new["verification_proof"]["signer_inner"], json!(id_of(&home, "ada")), "{new:#}");
}

#[test]
fn case_125_a_key_that_is_revoked_while_a_service_runs_signs_no_more() {
    let home = home();
    made(&home, "trust");
    let lake = home.path("lake");
    let place = lake.to_str().expect("UTF-8");
    let service = Service::start(&home, &[KEYED, ("CERTUS_TRUST_KEY", "trust"), ("CERTUS_PUBLISH_DIR", place)]);
    let id = scanned(&service);
    ask(&service, &id, "basic");
    service.until(&id, |scan| scan["upload_status"] == "uploaded");
    let golden = lake.join("golden").join(&id).join("golden").display().to_string();
    let raw = std::fs::read_dir(home.path("artifacts/bundles")).expect("a folder").next().expect("one");
    let raw = raw.expect("an entry").path().display().to_string();
    let verify = |bundle: &str, more: &[&str]| home.run(&[&["verify", bundle], more].concat());
    for good in [verify(&golden, &[]), verify(&golden, &["--trust-key", "trust"]), verify(&raw, &[])] {
        assert_eq!(good.code, 0, "{}{}", good.stdout, good.stderr);
    }
    let other = verify(&golden, &["--trust-key", "ada"]);
    assert!(other.code == 2 && other.stderr.contains("is not Trust's"), "{}{}", other.stdout, other.stderr);

    assert_eq!(home.run(&["keys", "revoke", "ada", "--reason", "lost"]).code, 0);
    let unsigned = service.ended(&service.submit(&directory("repo")));
    assert_eq!(unsigned["status"], "failed", "{unsigned:#}");
    // All of this happens within a second; what was signed is older than a revocation that is to come.
    let record = home.path(".config/certus/keys/validity.json");
    let since = |key: &str, time: &str| {
        let mut times: serde_json::Value =
            serde_json::from_slice(&std::fs::read(&record).expect("a record")).expect("JSON");
        times[id_of(&home, key)]["revoked"]["since"] = json!(time);
        std::fs::write(&record, times.to_string()).expect("a record");
    };
    since("ada", "2999-01-01T00:00:00Z");
    let late = verify(&raw, &[]);
    assert!(late.code == 2 && late.stderr.contains("nobody but itself"), "{}{}", late.stdout, late.stderr);
    let told = verify(&golden, &[]);
    assert_eq!(told.code, 0, "Trust has seen it before: {}{}", told.stdout, told.stderr);
    // A permit of a time when Trust's key no longer counted.
    assert_eq!(home.run(&["keys", "revoke", "trust", "--reason", "lost"]).code, 0);
    since("trust", "2999-01-01T00:00:00Z");
    assert_eq!(verify(&golden, &[]).code, 0, "the permit is older");
    since("trust", "2020-01-01T00:00:00Z");
    let neither = verify(&golden, &[]);
    assert!(neither.code == 2 && neither.stderr.contains("revoked"), "{}{}", neither.stdout, neither.stderr);
}

#[test]
fn case_126_the_development_key_is_refused_in_production() {
    let home = home();
    let production = ("CERTUS_PRODUCTION", "true");
    for role in ["serve", "worker", "trust"] {
        let said = refused(&home, role, &[production]).stderr;
        assert!(said.contains("the development key does not sign in production"), "{role}: {said}");
    }
    let said = refused(&home, "serve", &[production, KEYED, ("CERTUS_TRUST_KEY", "development")]).stderr;
    assert!(said.contains("development"), "{said}");
    Service::start(&home, &[production, KEYED]);
}

#[test]
fn case_130_a_permit_is_good_for_as_long_as_the_policy_says() {
    let home = home();
    let policy = |seconds: u64| {
        let text = format!("format = \"certus-trust-policy/1\"\npermit-lifetime-seconds = {seconds}\n");
        home.write("policy.toml", text).to_str().expect("UTF-8").to_owned()
    };
    for seconds in [59, 86_401] {
        let said = refused(&home, "serve", &[KEYED, ("CERTUS_TRUST_POLICY", &policy(seconds))]).stderr;
        assert!(said.contains(&seconds.to_string()) && said.contains("60 and 86400"), "{said}");
    }
    let service = Service::start(&home, &[KEYED, ("CERTUS_TRUST_POLICY", &policy(60))]);
    let id = scanned(&service);
    let upload = permitted(&service, &id, "verified");
    let permit = statement(&upload["permit"]);
    let terms = &permit["predicate"];
    let time = |name: &str| terms[name].as_str().expect("a time").parse::<jiff::Timestamp>().expect("RFC 3339");
    assert_eq!((time("expires_at") - time("issued_at")).get_seconds(), 60, "{terms:#}");
    assert_eq!((&terms["scan_id"], &terms["tier"]), (&json!(id), &json!("verified")), "{terms:#}");
    assert_eq!(terms["permit_id"], upload["upload_permission_id"], "{terms:#}");
    let shown: jiff::Timestamp = upload["expires_at"].as_str().expect("a time").parse().expect("RFC 3339");
    assert_eq!(shown, time("expires_at"));
}
