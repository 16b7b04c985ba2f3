//! What an operator permits, in a file; what reviewers accept; what is revoked.

use certus_model::Sha256;
use certus_trust::waiver::{ENDING, WaiverTerms, content};
use serde_json::{Value, json};

use super::{KEYED, ask, denied, failing, home, id_of, made, permitted, private, scanned, upload};
use crate::support::home::Home;
use crate::support::service::Service;

/// The key `ada` of a home, as policies name it.
const ADA: &str = "key = \".config/certus/keys/ada.pub\"";

/// Writes a policy; its path.
fn policy(home: &Home, rules: &str) -> String {
    let path = home.write("policy.toml", format!("format = \"certus-trust-policy/1\"\n{rules}\n"));
    path.to_str().expect("UTF-8").to_owned()
}

/// A service that permits what these rules permit.
fn ruled(home: &Home, rules: &str) -> Service {
    Service::start(home, &[KEYED, ("CERTUS_TRUST_POLICY", &policy(home, rules))])
}

/// What `certus serve` says, which does not start with this policy.
fn not_started(home: &Home, policy: &str) -> String {
    let ended = home.service(&[KEYED, ("CERTUS_TRUST_POLICY", policy)]).arg("serve").output().expect("certus runs");
    let said = String::from_utf8_lossy(&ended.stderr).into_owned();
    assert_eq!((ended.status.code(), said.trim_end().lines().count()), (Some(1), 1), "{said}");
    said
}

/// The plugins that a permitted scan ran, by digest.
fn plugins(upload: &Value) -> Vec<String> {
    let ran = upload["evidence"]["plugins"].as_array().expect("plugins");
    ran.iter().map(|plugin| plugin["digest"].as_str().expect("a digest").to_owned()).collect()
}

#[test]
fn only_signers_that_the_policy_names_may_sign() {
    let home = home();
    made(&home, "eve");
    for (rules, tier, says) in [
        (
            "[[signers]]\nname = \"eve\"\nkey = \".config/certus/keys/eve.pub\"".to_owned(),
            "basic",
            Some("names no signer"),
        ),
        (format!("[[signers]]\nname = \"ci\"\n{ADA}\ntenants = [\"acme\"]"), "basic", Some("for the tenant `default`")),
        (
            format!("[[signers]]\nname = \"ci\"\n{ADA}\ntiers = [\"basic\"]"),
            "verified",
            Some("for the tier `verified`"),
        ),
        (format!("[[signers]]\nname = \"ci\"\n{ADA}\ntiers = [\"basic\"]"), "basic", None),
        (format!("[[signers]]\nname = \"ci\"\n{ADA}\ntenants = [\"acme\", \"default\"]"), "verified", None),
    ] {
        let service = ruled(&home, &rules);
        let id = scanned(&service);
        match says {
            Some(says) => {
                let upload = denied(&service, &id, tier, "invalid_signer");
                assert!(upload["detail"].as_str().is_some_and(|detail| detail.contains(says)), "{rules}: {upload:#}");
            }
            None => {
                let upload = permitted(&service, &id, tier);
                assert_eq!(upload["verification_proof"]["signer_inner"], "ci", "{rules}: {upload:#}");
            }
        }
    }
}

#[test]
fn only_plugins_that_the_policy_names_may_have_run() {
    let home = home();
    let ran = {
        let service = ruled(&home, "");
        let upload = permitted(&service, &scanned(&service), "verified");
        let plugin = &upload["evidence"]["plugins"][0];
        (plugin["id"].as_str().expect("an id").to_owned(), plugin["digest"].as_str().expect("a digest").to_owned())
    };
    let (id, digest) = ran;
    let other = Sha256::of(b"another component");
    for (rules, accepted) in [
        (format!("[[plugins]]\nid = \"{id}\"\ndigests = [\"{other}\"]"), false),
        ("[[plugins]]\nid = \"certus.other\"".to_owned(), false),
        (format!("[[plugins]]\nid = \"certus.other\"\ndigests = [\"{digest}\"]"), false),
        (format!("[[plugins]]\nid = \"{id}\"\ndigests = [\"{other}\", \"{digest}\"]"), true),
        (format!("[[plugins]]\nid = \"{id}\""), true),
    ] {
        let service = ruled(&home, &rules);
        let scan = scanned(&service);
        match accepted {
            true => drop(permitted(&service, &scan, "verified")),
            false => {
                let upload = denied(&service, &scan, "verified", "plugin_not_accepted");
                assert!(upload["detail"].as_str().is_some_and(|detail| detail.contains(&digest)), "{upload:#}");
            }
        }
    }
}

#[test]
fn a_policy_that_is_none_is_refused_at_start() {
    let home = home();
    for (rules, says) in [
        ("surprise = true", "surprise"),
        ("[[signers]]\nname = \"x\"\nkey = \"not-there.pub\"", "not-there.pub"),
        ("[[plugins]]\nid = \"certus.secrets\"\ndigests = [\"short\"]", "policy.toml"),
        ("[tiers.gold]\nlog = true", "gold"),
        ("waivers = \"not-there\"", "not-there"),
    ] {
        let said = not_started(&home, &policy(&home, rules));
        assert!(said.contains(says), "{rules}: {said}");
    }
    let other = home.write("other.toml", "format = \"certus-trust-policy/2\"\n");
    assert!(not_started(&home, other.to_str().expect("UTF-8")).contains("certus-trust-policy/1"));
}

/// What makes a policy of a reviewer `rita` and a folder of waivers.
const REVIEWED: &str = "waivers = \"waivers\"\n[[reviewers]]\nname = \"rita\"\nkey = \".config/certus/keys/rita.pub\"";

/// Terms by which `rita` accepts a finding until then.
fn terms(finding: &Value, expires_at: &str) -> WaiverTerms {
    WaiverTerms {
        reviewer: "rita".parse().expect("a name"),
        reason: "the key was rotated".to_owned(),
        fingerprint: finding["fingerprint"].as_str().expect("a fingerprint").to_owned(),
        content: content(finding),
        signed_at: "2026-01-01T00:00:00Z".to_owned(),
        expires_at: expires_at.to_owned(),
        policy: None,
    }
}

/// Writes a waiver, in place of all that were there.
fn waived(home: &Home, bytes: &[u8]) {
    // There may be none yet.
    let _ = std::fs::remove_dir_all(home.path("waivers"));
    home.write(&format!("waivers/one{ENDING}"), bytes);
}

#[test]
fn a_waiver_accepts_what_a_reviewer_has_seen_for_as_long_as_she_says() {
    let home = home();
    made(&home, "rita");
    std::fs::create_dir(home.path("waivers")).expect("a folder");
    let (rita, later, before) = (private(&home, "rita"), "2099-01-01T00:00:00Z", "2026-01-02T00:00:00Z");
    let signed = |terms: &WaiverTerms| terms.sign(&rita).expect("a signature").to_bytes().expect("bytes");

    let (id, finding) = {
        let service = ruled(&home, REVIEWED);
        let id = failing(&service);
        denied(&service, &id, "verified", "decision_not_accepted");
        let findings = service.get(&format!("/v1/security-scans/{id}/artifacts/findings.json")).json();
        (id, findings["findings"][0].clone())
    };
    let mut other = terms(&finding, later);
    other.content = Sha256::of(b"what another finding says");
    let mut elsewhere = terms(&finding, later);
    elsewhere.fingerprint = "0".repeat(finding["fingerprint"].as_str().expect("text").len());
    for (what, terms) in
        [("expired", terms(&finding, before)), ("of other content", other), ("of another finding", elsewhere)]
    {
        waived(&home, &signed(&terms));
        let service = ruled(&home, REVIEWED);
        let upload = denied(&service, &id, "verified", "decision_not_accepted");
        assert_eq!(upload["evidence"]["waived"], json!([]), "{what}: {upload:#}");
    }

    let good = signed(&terms(&finding, later));
    waived(&home, &good);
    let service = ruled(&home, REVIEWED);
    let upload = permitted(&service, &id, "verified");
    let waived = &upload["evidence"]["waived"];
    assert_eq!(waived[0]["reviewer"], "rita", "{upload:#}");
    assert_eq!((&waived[0]["fingerprint"], &waived[0]["waiver"]), (&finding["fingerprint"], &json!(Sha256::of(&good))));
    assert_eq!(&upload["verification_proof"]["policy_compliance"]["waived"], waived, "{upload:#}");
}

#[test]
fn a_waiver_that_does_not_count_is_refused_at_start() {
    let home = home();
    made(&home, "rita");
    let path = policy(&home, REVIEWED);
    let finding = json!({ "fingerprint": "ab".repeat(32), "plugin": "p", "rule": "r", "places": [] });
    let good = terms(&finding, "2099-01-01T00:00:00Z");
    let rita = private(&home, "rita");
    let signed = |terms: &WaiverTerms| terms.sign(&rita).expect("a signature").to_bytes().expect("bytes");
    let mut tampered: Value = serde_json::from_slice(&signed(&good)).expect("JSON");
    let payload = tampered["payload"].as_str().expect("text").to_owned();
    let middle = payload.len() / 2;
    let letter = if &payload[middle..=middle] == "A" { "B" } else { "A" };
    tampered["payload"] = json!(format!("{}{letter}{}", &payload[..middle], &payload[middle + 1..]));
    let tampered = certus_model::canonical_json(&tampered).expect("JSON");
    let others = good.sign(&private(&home, "ada")).expect("a signature").to_bytes().expect("bytes");
    let with = |change: fn(&mut WaiverTerms)| {
        let mut terms = good.clone();
        change(&mut terms);
        signed(&terms)
    };
    for (what, bytes) in [
        ("tampered with", tampered),
        ("signed by somebody else", others),
        ("without a reason", with(|terms| terms.reason = " ".to_owned())),
        ("without an end", with(|terms| terms.expires_at = "never".to_owned())),
        ("in another's name", with(|terms| terms.reviewer = "ada".parse().expect("a name"))),
        ("no envelope", b"{}".to_vec()),
    ] {
        waived(&home, &bytes);
        assert!(not_started(&home, &path).contains(ENDING), "{what}");
    }
    waived(&home, &signed(&good));
    Service::start(&home, &[KEYED, ("CERTUS_TRUST_POLICY", &path)]);
}

#[test]
fn what_is_revoked_is_denied_and_what_rested_on_it_is_listed() {
    let home = home();
    // A Trust whose own key is revoked decides nothing.
    made(&home, "trust");
    let service = Service::start(&home, &[KEYED, ("CERTUS_TRUST_KEY", "trust")]);
    let (before, after) = (scanned(&service), scanned(&service));
    let decided = permitted(&service, &before, "verified");
    assert_eq!(decided["tainted"], false);
    assert_eq!(service.get(&format!("/v1/provenance/{before}")).json()["trust_level"], "high");
    let (plugin, signer) = (plugins(&decided).remove(0), id_of(&home, "ada"));
    let listed = |path: &str| service.get(path).json()["items"].as_array().expect("items").clone();
    assert!(listed("/v1/tainted-publications").is_empty() && listed("/v1/revocations").is_empty());

    for (at, (kind, digest, reason)) in
        [("plugin", &plugin, "plugin_revoked"), ("signer", &signer, "signer_revoked")].into_iter().enumerate()
    {
        let body = json!({ "kind": kind, "digest": digest, "reason": format!("{kind} is bad") });
        let answer = service.post("/v1/revocations", &body);
        assert_eq!(answer.status, 201, "{}", answer.text());
        let resting = answer.json()["items"].as_array().expect("items").clone();
        assert_eq!(resting.len(), 1, "{resting:?}");
        let one = &resting[0];
        assert_eq!((&one["test_id"], &one["tainted"]), (&json!(before), &json!(true)), "{one:#}");
        assert_eq!((&one["revoked_kind"], &one["revoked_digest"]), (&json!(kind), &json!(digest)), "{one:#}");
        assert_eq!(one["upload_permission_id"], decided["upload_permission_id"], "{one:#}");
        assert_eq!((&one["tier"], &one["upload_status"]), (&json!("verified"), &json!("permitted")), "{one:#}");
        assert!(listed("/v1/tainted-publications").contains(one));
        assert_eq!(listed("/v1/revocations").len(), at + 1);
        // A second time changes nothing, and the first reason stands.
        let again = service.post("/v1/revocations", &json!({ "kind": kind, "digest": digest, "reason": "other" }));
        assert_eq!((again.status, again.json()["items"].clone()), (201, json!([one])));
        assert_eq!(listed("/v1/revocations").len(), at + 1);

        let denial = denied(&service, &after, "basic", reason);
        assert!(denial["detail"].as_str().is_some_and(|detail| detail.contains("is bad")), "{denial:#}");
    }
    let tainted = home.service(&[]).arg("tainted").output().expect("certus runs");
    let lines = String::from_utf8_lossy(&tainted.stdout).into_owned();
    assert!(lines.lines().count() == 2 && lines.contains(&plugin) && lines.contains(&signer), "{lines}");
    // What was permitted stays on record as it was, and says what to think of it.
    let shown = upload(&service, &before);
    assert_eq!((&shown["upload_status"], &shown["tainted"]), (&json!("permitted"), &json!(true)), "{shown:#}");
    let provenance = service.get(&format!("/v1/provenance/{before}")).json();
    assert_eq!(provenance["tainted"].as_array().map(Vec::len), Some(2), "{provenance:#}");
    assert_eq!((&provenance["trust_level"], &provenance["chain_status"]), (&json!("untrusted"), &json!("broken")));
    for body in [
        json!({ "kind": "user", "digest": plugin, "reason": "x" }),
        json!({ "kind": "plugin", "digest": "short", "reason": "x" }),
        json!({ "kind": "plugin", "digest": plugin }),
    ] {
        assert_eq!(service.post("/v1/revocations", &body).status, 422, "{body}");
    }
}

#[test]
fn an_operator_revokes_without_the_service() {
    let home = home();
    let service = Service::start(&home, &[KEYED]);
    let id = scanned(&service);
    let plugin = plugins(&permitted(&service, &id, "basic")).remove(0);
    let revoked = home.service(&[]).args(["revoke", "plugin", &plugin, "--reason", "CVE-2026-0001"]).output();
    let revoked = revoked.expect("certus runs");
    let said = String::from_utf8_lossy(&revoked.stdout).into_owned();
    assert!(revoked.status.success() && said.contains(&id) && said.contains("CVE-2026-0001"), "{said}");
    let next = scanned(&service);
    assert_eq!(ask(&service, &next, "basic")["upload_status"], "denied");
    assert_eq!(upload(&service, &next)["reason"], "plugin_revoked");
}
