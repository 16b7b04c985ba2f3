//! Submits, alone and together, once and twice.

use certus_model::Sha256;
use certus_store::{Idempotency, NewScan, Reach, ScanFilter, Submitted};

use super::{id, new_scan, on_both};

fn keyed(tenant: &str, key: &str, body: &[u8]) -> NewScan {
    let idempotency = Idempotency { key: key.to_owned(), fingerprint: Sha256::of(body) };
    NewScan { idempotency: Some(idempotency), ..new_scan(tenant) }
}

#[test]
fn submits_that_come_together_are_all_kept() {
    on_both(async |place| {
        let store = place.open().await;
        let mut waiting = tokio::task::JoinSet::new();
        for at in 0..500 {
            let store = store.clone();
            waiting.spawn(async move { store.submit(new_scan(if at % 2 == 0 { "one" } else { "two" })).await });
        }
        while let Some(answer) = waiting.join_next().await {
            assert!(matches!(answer.unwrap().unwrap(), Submitted::New(_)));
        }
        let all = ScanFilter { limit: 1_000, ..Default::default() };
        assert_eq!(store.scans(Reach::All, &all).await.unwrap().items.len(), 500);
        assert_eq!(store.scans(Reach::Tenant(&id("one")), &all).await.unwrap().items.len(), 250);
        assert_eq!(store.audit_check(&[]).await.unwrap().unwrap().seq, 502, "and in the chain, with two tenants");
    });
}

#[test]
fn a_submit_for_nobody_is_refused_and_harms_no_other() {
    on_both(async |place| {
        let store = place.open().await;
        let (nobody, somebody) = tokio::join!(store.submit(new_scan("nobody")), store.submit(new_scan("one")));
        assert_eq!(nobody.unwrap(), Submitted::NoTenant);
        assert!(matches!(somebody.unwrap(), Submitted::New(_)));
        let change = certus_store::TenantChange { disabled: Some(true), ..Default::default() };
        store.change_tenant(&id("one"), &change, "tests").await.unwrap().unwrap();
        assert_eq!(store.submit(new_scan("one")).await.unwrap(), Submitted::NoTenant);
    });
}

#[test]
fn case_089_one_key_is_one_scan() {
    on_both(async |place| {
        let store = place.open().await;
        let mut waiting = tokio::task::JoinSet::new();
        for _ in 0..50 {
            let store = store.clone();
            waiting.spawn(async move { store.submit(keyed("one", "k", b"same")).await.unwrap() });
        }
        let mut ids = std::collections::BTreeSet::new();
        let mut fresh = 0;
        while let Some(answer) = waiting.join_next().await {
            match answer.unwrap() {
                Submitted::New(scan) => {
                    fresh += 1;
                    ids.insert(scan.id);
                }
                Submitted::Replayed(scan) => {
                    ids.insert(scan.id);
                }
                other => panic!("{other:?}"),
            }
        }
        assert_eq!((fresh, ids.len()), (1, 1));
        assert_eq!(store.submit(keyed("one", "k", b"another")).await.unwrap(), Submitted::Mismatch);
        assert!(matches!(store.submit(keyed("two", "k", b"another")).await.unwrap(), Submitted::New(_)), "its own");
        assert!(matches!(store.submit(keyed("one", "l", b"same")).await.unwrap(), Submitted::New(_)));
        // A crash between the commit and the reply: the client asks again.
        store.close().await;
        let store = certus_store::Store::open(&place.url, 2).await.unwrap();
        match store.submit(keyed("one", "k", b"same")).await.unwrap() {
            Submitted::Replayed(scan) => assert!(ids.contains(&scan.id)),
            other => panic!("{other:?}"),
        }
    });
}

#[test]
fn scans_are_listed_by_filter_and_page() {
    on_both(async |place| {
        let store = place.open().await;
        let mut ids = Vec::new();
        for at in 0..7 {
            let mut scan = new_scan("one");
            scan.workspace = format!("w{}", at % 2).parse().unwrap();
            ids.push(scan.id.clone());
            store.submit(scan).await.unwrap();
        }
        ids.reverse();
        let one = id("one");
        let reach = Reach::Tenant(&one);
        let mut filter = ScanFilter { limit: 3, ..Default::default() };
        let mut seen = Vec::new();
        loop {
            let page = store.scans(reach, &filter).await.unwrap();
            let last = page.items.last().expect("a page is not empty");
            filter.after = Some(certus_store::Position { created_at: last.created_at, id: last.id.clone() });
            seen.extend(page.items.iter().map(|scan| scan.id.clone()));
            if !page.more {
                break;
            }
        }
        // Within one millisecond the ids decide.
        seen.sort();
        ids.sort();
        assert_eq!(seen, ids);
        let of = ScanFilter { workspace: Some("w1".parse().unwrap()), limit: 10, ..Default::default() };
        assert_eq!(store.scans(reach, &of).await.unwrap().items.len(), 3);
        let none = ScanFilter { status: Some(certus_model::ScanStatus::Failed), limit: 10, ..Default::default() };
        assert!(store.scans(reach, &none).await.unwrap().items.is_empty());
    });
}
