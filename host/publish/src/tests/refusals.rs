use std::sync::atomic::{AtomicI64, Ordering};

use super::*;

#[test]
fn case_124_a_permit_for_anything_else_touches_nothing() {
    let rows: [(&str, fn(&mut PermitTerms), &str); 9] = [
        ("another tenant", |terms| terms.tenant_id = "rival".parse().unwrap(), "tenant"),
        ("another scan", |terms| terms.scan_id = "test_ffffffffffff".parse().unwrap(), "test_ffffffffffff"),
        ("another place", |terms| terms.destination.push('x'), "permit is for `raw"),
        ("an index that it does not list", |terms| terms.index_digest = Sha256::of(b"x"), "does not list the index"),
        ("no index", |terms| drop(terms.files.remove(1)), "does not list the index"),
        ("a way up", |terms| terms.files[0].path = "../x".to_owned(), "no file of a bundle"),
        ("a hidden file", |terms| terms.files[0].path = ".meta/x".to_owned(), "no file of a bundle"),
        ("another proof", |terms| terms.files[0].path = PROOF.to_owned(), "is not the file that was permitted"),
        ("a document of Trust's", |terms| terms.files[0].path = "permit.dsse.json".to_owned(), "no document"),
    ];
    for (row, change, refused) in rows {
        let fixture = Fixture::new();
        let mut terms = fixture.terms();
        change(&mut terms);
        terms.files.sort_by(|a, b| a.path.cmp(&b.path));
        let error = fixture.publish_as(&terms, 1).unwrap_err();
        assert!(error.to_string().contains(refused), "{row}: {error}");
        assert!(fixture.keys(&*fixture.to.raw).is_empty() && fixture.keys(&*fixture.to.golden).is_empty(), "{row}");
        assert!(fixture.publish().is_ok(), "{row}: the same scan, with a permit of its own");
    }
}

#[test]
fn case_130_a_permit_that_runs_out_stops_before_the_marker() {
    let fixture = Fixture::new();
    let error = fixture.publish_as(&fixture.terms(), 600).unwrap_err();
    assert!(matches!(error, Error::Expired { .. }), "{error}");
    assert!(fixture.keys(&*fixture.to.raw).is_empty());
    // A minute passes each time that somebody looks.
    let clock = AtomicI64::new(0);
    let error = fixture.publish_by(&fixture.terms(), &|| at(clock.fetch_add(60, Ordering::Relaxed))).unwrap_err();
    assert!(matches!(error, Error::Expired { .. }), "{error}");
    assert!(!fixture.keys(&*fixture.to.golden).is_empty() && !fixture.is_complete());
    fixture.publish_as(&fixture.newer(), 601).unwrap();
    assert!(fixture.is_complete(), "a newer permit finishes what an older one began");
}

#[test]
fn two_permits_for_one_scan_do_not_mix() {
    let fixture = Fixture::new();
    let clock = AtomicI64::new(0);
    fixture.publish_by(&fixture.terms(), &|| at(clock.fetch_add(60, Ordering::Relaxed))).unwrap_err();
    let other = PermitTerms { issued_at: rfc3339(at(0)), ..fixture.newer() };
    let error = fixture.publish_as(&other, 599).unwrap_err();
    assert!(matches!(&error, Error::Busy { until, .. } if *until == fixture.terms().expires_at), "{error}");
    assert!(error.is_transient() && !fixture.is_complete());
    fixture.publish_as(&other, 600).unwrap();
    assert!(fixture.is_complete());
}

#[test]
fn of_two_that_publish_at_once_one_set_is_golden() {
    for _ in 0..10 {
        let fixture = Fixture::new();
        let permits = [fixture.terms(), PermitTerms { issued_at: rfc3339(at(0)), ..fixture.newer() }];
        let fixture = &fixture;
        let results = std::thread::scope(|scope| {
            let threads = permits.each_ref().map(|terms| scope.spawn(|| fixture.publish_as(terms, 1)));
            threads.map(|thread| thread.join().unwrap())
        });
        assert!(fixture.is_complete(), "{results:?}");
        for result in results {
            assert!(matches!(result, Ok(_) | Err(Error::Busy { .. })), "{result:?}");
        }
    }
}

#[test]
fn case_124_a_file_that_is_not_what_was_permitted_is_not_put() {
    let mut fixture = Fixture::new();
    let terms = fixture.terms();
    for changed in [&b"{ }"[..], b"", b"[]"] {
        fixture.files.0.insert("scan.json".to_owned(), changed.to_vec());
        let error = fixture.publish_as(&terms, 1).unwrap_err();
        assert!(matches!(&error, Error::Differs { path } if path == "scan.json"), "{error}");
        assert!(!fixture.keys(&*fixture.to.raw).iter().any(|key| key.ends_with("scan.json")));
        assert!(fixture.keys(&*fixture.to.golden).is_empty());
    }
    fixture.files = Files::of(&FILES);
    fixture.files.0.insert("secrets.txt".to_owned(), b"beside the list".to_vec());
    fixture.publish_as(&terms, 1).unwrap();
    assert!(!fixture.keys(&*fixture.to.raw).iter().any(|key| key.ends_with("secrets.txt")));
}

#[test]
fn another_bundle_of_the_same_scan_is_refused() {
    let mut fixture = Fixture::new();
    fixture.publish().unwrap();
    let before = changed(fixture.folder.path());
    fixture.files.0.insert("index.json".to_owned(), b"{}".to_vec());
    let error = fixture.publish().unwrap_err();
    assert!(matches!(error, Error::Conflict { .. }), "{error}");
    let error = run(find(fixture.scan(), fixture.terms().index_digest, &fixture.to)).unwrap_err();
    assert!(matches!(error, Error::Conflict { .. }), "{error}");
    assert_eq!(changed(fixture.folder.path()), before);
}

#[test]
fn only_documents_of_trust_go_along() {
    let fixture = Fixture::new();
    let name = |name: &'static str| Document { name, bytes: b"{}" };
    for (row, proof, documents, passes) in [
        ("all of them", TRUSTED, crate::DOCUMENTS.map(name).to_vec(), true),
        ("another", TRUSTED, vec![name("notes.txt")], false),
        ("a file of the bundle", TRUSTED, vec![name("scan.json")], false),
        ("one twice", TRUSTED, vec![name("vsa.dsse.json"), name("vsa.dsse.json")], false),
        ("a second proof", TRUSTED, vec![name(PROOF)], false),
        ("a proof that is none", b"[]", Vec::new(), false),
        ("a proof that proves nothing", b"{}", Vec::new(), false),
    ] {
        let to = Fixture::new().to;
        let permit = fixture.permit(&PermitTerms { destination: to.name(), ..fixture.terms() });
        let (tenant, labels) = (&fixture.tenant, &fixture.labels);
        let publication = Publication { tenant, labels, files: &fixture.files, proof, documents: &documents };
        let result = run(publish(permit, &publication, &fixture.to, &|| at(1)));
        assert!(result.is_err(), "{row}: another place");
        let permit = fixture.permit(&fixture.terms());
        let result = run(publish(permit, &publication, &fixture.to, &|| at(1)));
        assert_eq!(result.is_ok(), passes, "{row}: {result:?}");
        if passes {
            for object in run(fixture.to.golden.list("")).unwrap() {
                run(fixture.to.golden.remove(&object.key)).unwrap();
            }
        } else {
            assert!(fixture.keys(&*fixture.to.golden).is_empty(), "{row}");
        }
    }
}

/// Holds one object back until it is told otherwise.
#[derive(Debug, Default)]
struct Held(std::sync::atomic::AtomicBool);

impl crate::Screen for Held {
    fn held_back<'a>(
        &'a self,
        scan: &'a certus_model::ScanId,
        _: &'a certus_model::TenantId,
    ) -> futures_util::future::BoxFuture<'a, Result<Vec<String>, String>> {
        let held = match self.0.load(Ordering::Relaxed) {
            true => Vec::new(),
            false => vec![format!("quarantine/{scan}/incoming/scan.json")],
        };
        Box::pin(async move { Ok(held) })
    }
}

#[test]
fn what_is_held_back_stops_before_golden_and_frees_the_scan() {
    let mut fixture = Fixture::new();
    let held = std::sync::Arc::new(Held::default());
    fixture.to.screen = Some(held.clone());
    let error = fixture.publish().unwrap_err();
    assert!(matches!(&error, Error::HeldBack { others: 0, .. }) && !error.is_transient(), "{error}");
    assert!(error.to_string().contains("an object is held back: `quarantine/"), "{error}");
    assert!(!fixture.keys(&*fixture.to.raw).is_empty() && fixture.keys(&*fixture.to.golden).is_empty());
    held.0.store(true, Ordering::Relaxed);
    // Another permit need not wait for the end of the one before.
    let other = PermitTerms { issued_at: rfc3339(at(0)), ..fixture.newer() };
    fixture.publish_as(&other, 1).unwrap();
    assert!(fixture.is_complete());
}
