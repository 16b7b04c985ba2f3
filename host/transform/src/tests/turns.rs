//! Who waits for whom.

use super::*;

#[tokio::test(flavor = "multi_thread")]
async fn a_tenant_has_one_scan_and_publications_wait_for_none() {
    let incoming = format!("{SCAN}/incoming/a.txt");
    let place = place(&[("slow/a", "WAIT"), ("slow/b", "fine"), (&incoming, "CARD")]).await;
    let other: TenantId = "other".parse().unwrap();
    place.store.create_tenant(&other, "Other", "test").await.unwrap();
    let scan = async |transform: Transform, prefix: &'static str, tenant: TenantId| {
        let ask = Ask { which: Which::Raw, prefix, dry_run: true, report_key: None };
        transform.privacy_scan(&ask, &tenant, "test").await
    };
    let slow = tokio::spawn(scan(place.transform.clone(), "slow/a", place.tenant.clone()));
    place.waits.recv().unwrap();
    let refused = scan(place.transform.clone(), "slow/b", place.tenant.clone()).await.unwrap_err();
    assert!(matches!(refused, Error::Busy), "{refused}");
    let waiting = tokio::spawn(scan(place.transform.clone(), "slow/b", other.clone()));
    // Nobody has let the first one go on yet.
    let held = place.transform.held_back(&SCAN.parse().unwrap(), &other, true).await.unwrap();
    assert_eq!(held, [format!("{QUARANTINE}{incoming}")]);
    assert!(!slow.is_finished() && !waiting.is_finished());

    place.goes_on.send(()).unwrap();
    for ended in [slow, waiting] {
        assert_eq!(ended.await.unwrap().unwrap().objects.len(), 1);
    }
    scan(place.transform.clone(), "slow/b", place.tenant.clone()).await.unwrap();
}
