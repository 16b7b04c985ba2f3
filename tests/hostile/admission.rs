//! B and D. What a component may be and import.

use certus_model::outcome::AdmissionReason as Reason;
use certus_model::plugin::Capability;
use certus_sandbox::{AdmitError, Refusal};

use crate::support::guest::{ANSWER, DATA, Guest, with_manifest};
use crate::support::{admit, sandbox};

fn refusal(component: &[u8]) -> Refusal {
    match admit(component) {
        Err(AdmitError::Refused(refusal)) => refusal,
        Err(AdmitError::Host(error)) => panic!("the host failed: {error}"),
        Ok(_) => panic!("it was admitted"),
    }
}

/// A component that imports one interface with one function, and nothing else.
fn importing(interface: &str) -> Vec<u8> {
    let text = format!("(component (import \"{interface}\" (instance (export \"go\" (func)))))");
    with_manifest(wat::parse_str(text).expect("a component"), Guest::files().manifest_text())
}

/// A guest that logs, with or without saying so.
fn logging(declared: bool) -> Guest {
    let guest = Guest::files()
        .imports("(import \"certus:scanner/log@0.1.0\" \"write\" (func $log (param i32 i32 i32)))")
        .scan(format!("(call $log (i32.const 0) (i32.const {DATA}) (i32.const 2)) (i32.const {ANSWER})"));
    if declared { guest.manifest("[capabilities.log]\nreason = \"a test\"") } else { guest }
}

#[test]
fn case_016_network_interfaces_are_never_linked() {
    for import in ["wasi:sockets/tcp@0.2.0", "wasi:sockets/ip-name-lookup@0.2.3", "wasi:http/outgoing-handler@0.2.0"] {
        let refusal = refusal(&importing(import));
        assert_eq!(refusal.reason, Reason::UnknownImport);
        assert!(refusal.message.contains(import) && refusal.message.contains("no network"), "{refusal}");
    }
    admit(&logging(true).build()).expect("the twin imports what may be granted");
}

#[test]
fn case_017_unknown_import() {
    for import in ["acme:host/eval@1.0.0", "certus:scanner/workspace@9.0.0", "wasi:filesystem/types@0.3.0"] {
        let refusal = refusal(&importing(import));
        assert_eq!(refusal.reason, Reason::UnknownImport);
        assert!(refusal.message.contains(import), "{refusal}");
    }
    admit(&logging(true).build()).expect("the twin imports what may be granted");
}

#[test]
fn case_018_undeclared_import() {
    let refusal = refusal(&logging(false).build());
    assert_eq!(refusal.reason, Reason::Undeclared);
    assert!(refusal.message.contains("[capabilities.log]"), "{refusal}");
    let twin = admit(&logging(true).build()).expect("the twin declares it");
    assert_eq!(twin.passport().imported, [Capability::Log]);
}

#[test]
fn case_019_a_declared_capability_must_be_granted() {
    let component = logging(true).build();
    match sandbox().admit(&component, &[Capability::Workspace]) {
        Err(AdmitError::Refused(refusal)) => {
            assert_eq!(refusal.reason, Reason::NotGranted);
            assert!(refusal.message.contains("log"), "{refusal}");
        }
        _ => panic!("it was not refused"),
    }
    sandbox().admit(&component, &[Capability::Log]).expect("the twin is granted");
}

#[test]
fn case_042_what_is_no_component() {
    let whole = Guest::files().build();
    let module = wat::parse_str("(module)").unwrap();
    for (name, bytes, reason) in [
        ("random bytes", b"not wasm at all".to_vec(), Reason::NotAComponent),
        ("empty", Vec::new(), Reason::NotAComponent),
        ("a core module", module, Reason::NotAComponent),
        ("cut in half", whole[..whole.len() / 2].to_vec(), Reason::NotAComponent),
        ("too large", vec![0; (64 << 20) + 1], Reason::TooLarge),
        ("without a manifest", Guest::files().bare(), Reason::Undeclared),
        ("with two manifests", with_manifest(whole.clone(), Guest::files().manifest_text()), Reason::Undeclared),
    ] {
        let refusal = refusal(&bytes);
        assert_eq!(refusal.reason, reason, "{name}");
        assert!(!refusal.message.contains("\\u{"), "{name}: {refusal}");
    }
    admit(&whole).expect("the twin is whole");
}

#[test]
fn a_named_export_must_be_there() {
    let manifest = Guest::files().manifest_text().replace("[\"files\"]", "[\"files\", \"tree\"]");
    let refusal = refusal(&with_manifest(Guest::files().bare(), &manifest));
    assert_eq!(refusal.reason, Reason::MissingExport);
    assert!(refusal.message.contains("certus:scanner/tree@0.1.0"), "{refusal}");
}

#[test]
fn a_plugin_may_ask_for_a_newer_host() {
    let with = |version: &str| {
        let manifest =
            Guest::files().manifest_text().replace("exports =", &format!("min-host = \"{version}\"\nexports ="));
        with_manifest(Guest::files().bare(), &manifest)
    };
    for wanted in ["99.0.0", "0.2", "new"] {
        let refusal = refusal(&with(wanted));
        assert!(refusal.message.contains("min-host"), "{refusal}");
    }
    admit(&with("0.1.0")).expect("the twin asks for this one");
}
