//! Leases, fences, retries, dead letters, fairness.

use std::time::Duration;

use certus_model::outcome::Verdict;
use certus_model::{JobState, Lane, ScanStatus};
use certus_store::{Cancel, Claim, Ending, Error, FindingFilter, Heartbeat, JobEnd, Reach, Requeue, Store, Submitted};
use serde_json::json;

use super::{id, new_scan, on_both};

const LEASE: Duration = Duration::from_secs(60);
/// A lease that has ended when it begins.
const NONE: Duration = Duration::ZERO;

fn succeeded() -> Ending {
    Ending {
        bundle: Some("b".to_owned()),
        events: vec![json!({ "type": "scan_complete", "status": "SUCCEEDED" })],
        ..Ending::new(ScanStatus::Succeeded, Verdict::Pass)
    }
}

async fn submit(store: &Store, tenant: &str) -> certus_model::ScanId {
    match store.submit(new_scan(tenant)).await.expect("kept") {
        Submitted::New(scan) => scan.id,
        other => panic!("{other:?}"),
    }
}

async fn claim(store: &Store, worker: &str, lease: Duration) -> Claim {
    store.claim(worker, lease, Lane::Interactive).await.expect("a database").expect("a job")
}

#[test]
fn a_job_is_claimed_once_and_ends_once() {
    on_both(async |place| {
        let store = place.open().await;
        let scan = submit(&store, "one").await;
        let claimed = claim(&store, "w1", LEASE).await;
        assert_eq!((&claimed.lease.scan, claimed.attempt, claimed.scan.status), (&scan, 1, ScanStatus::Running));
        assert!(store.claim("w2", LEASE, Lane::Interactive).await.unwrap().is_none());
        store.append_events(&claimed.lease, &[json!({ "type": "phase" })]).await.unwrap();
        store.finish(&claimed.lease, JobEnd::Completed, &succeeded()).await.unwrap();
        let again = store.finish(&claimed.lease, JobEnd::Completed, &succeeded()).await;
        assert!(matches!(again, Err(Error::Fenced { .. })), "{again:?}");
        let ended = store.scan(Reach::Tenant(&id("one")), &scan).await.unwrap().unwrap();
        assert_eq!(
            (ended.status, ended.job, ended.decision),
            (ScanStatus::Succeeded, JobState::Completed, Some(Verdict::Pass))
        );
        let events = store.events(Reach::All, &scan, 0, 10).await.unwrap();
        assert_eq!(events.iter().map(|event| event.seq).collect::<Vec<_>>(), [0, 1]);
        assert_eq!(events[1].body["type"], "scan_complete");
    });
}

#[test]
fn events_that_are_told_twice_are_kept_once() {
    on_both(async |place| {
        let store = place.open().await;
        let scan = submit(&store, "one").await;
        let held = claim(&store, "w", LEASE).await;
        let lines = [json!({ "type": "phase", "seq": 0 }), json!({ "type": "phase", "seq": 1 })];
        for _ in 0..2 {
            store.append_events(&held.lease, &lines).await.unwrap();
        }
        store.append_events(&held.lease, &[json!({ "type": "phase" })]).await.unwrap();
        let events = store.events(Reach::All, &scan, 0, 10).await.unwrap();
        assert_eq!(events.iter().map(|event| event.seq).collect::<Vec<_>>(), [0, 1, 2]);
    });
}

#[test]
fn case_109_a_worker_past_its_lease_writes_nothing() {
    on_both(async |place| {
        let store = place.open().await;
        let scan = submit(&store, "one").await;
        let paused = claim(&store, "paused", NONE).await;
        assert_eq!(store.reclaim("other", &[]).await.unwrap(), std::slice::from_ref(&scan));
        let other = claim(&store, "other", LEASE).await;
        assert_eq!((other.attempt, other.lease.fence), (2, paused.lease.fence + 1));
        // Everything that the paused worker may do when it wakes.
        let late = [
            store.heartbeat(&paused.lease, LEASE).await.map(drop),
            store.append_events(&paused.lease, &[json!({ "type": "phase" })]).await,
            store.keep_findings(&paused.lease, &[]).await,
            store.release(&paused.lease, NONE, false).await,
            store.finish(&paused.lease, JobEnd::Completed, &succeeded()).await,
        ];
        for write in late {
            assert!(matches!(write, Err(Error::Fenced { .. })), "{write:?}");
        }
        assert_eq!(store.queue_depth().await.unwrap().late_writes, 5);
        assert!(store.events(Reach::All, &scan, 0, 10).await.unwrap().is_empty());
        store.finish(&other.lease, JobEnd::Completed, &succeeded()).await.unwrap();
        assert_eq!(store.scan(Reach::All, &scan).await.unwrap().unwrap().status, ScanStatus::Succeeded);
    });
}

#[test]
fn case_114_leases_end_by_the_database_s_clock_and_never_under_their_own_worker() {
    on_both(async |place| {
        let store = place.open().await;
        let scan = submit(&store, "one").await;
        let held = claim(&store, "w1", LEASE).await;
        assert!(store.reclaim("w2", &[]).await.unwrap().is_empty(), "a lease that runs is nobody else's");
        // An hour passes at the database, as when its clock is set.
        let hour_ago = "UPDATE scan_jobs SET lease_until = lease_until - 3600000";
        place.tamper(hour_ago).unwrap();
        assert!(
            store.reclaim("w1", std::slice::from_ref(&scan)).await.unwrap().is_empty(),
            "its own worker knows that it lives"
        );
        assert_eq!(store.heartbeat(&held.lease, LEASE).await.unwrap(), Heartbeat::GoOn, "and says so");
        assert!(store.reclaim("w2", &[]).await.unwrap().is_empty());
        place.tamper(hour_ago).unwrap();
        assert_eq!(store.reclaim("w1", &[]).await.unwrap(), [scan], "the twin: what nobody has in hand is given on");
        let again = store.heartbeat(&held.lease, LEASE).await;
        assert!(matches!(again, Err(Error::Fenced { .. })), "no double run: {again:?}");
    });
}

#[test]
fn case_111_a_dead_letter_leaves_the_queue_moving_and_is_replayed() {
    on_both(async |place| {
        let store = place.open().await;
        let poison = submit(&store, "one").await;
        for attempt in 1..=3 {
            let lost = claim(&store, "dies", NONE).await;
            assert_eq!(lost.attempt, attempt);
            assert_eq!(store.reclaim("other", &[]).await.unwrap(), std::slice::from_ref(&poison));
        }
        let next = submit(&store, "one").await;
        let buried = claim(&store, "other", LEASE).await;
        assert_eq!((buried.lease.scan.clone(), buried.attempt), (poison.clone(), 4));
        let ending = Ending { status: ScanStatus::Failed, decision: Some(Verdict::Error), ..succeeded() };
        store.finish(&buried.lease, JobEnd::DeadLetter, &ending).await.unwrap();
        assert_eq!(store.queue_depth().await.unwrap().jobs[&JobState::DeadLetter], 1);
        assert_eq!(claim(&store, "other", LEASE).await.lease.scan, next, "the queue keeps moving");

        assert_eq!(store.requeue(Reach::Tenant(&id("two")), &poison, "tests").await.unwrap(), Requeue::Unknown);
        assert_eq!(store.requeue(Reach::Tenant(&id("one")), &next, "tests").await.unwrap(), Requeue::NotDead);
        assert_eq!(store.requeue(Reach::Tenant(&id("one")), &poison, "tests").await.unwrap(), Requeue::Requeued);
        assert!(store.events(Reach::All, &poison, 0, 10).await.unwrap().is_empty(), "the end is taken back");
        let replayed = claim(&store, "other", LEASE).await;
        assert_eq!((replayed.lease.scan, replayed.attempt), (poison, 1));
    });
}

#[test]
fn case_113_a_flood_of_one_tenant_holds_up_no_other() {
    on_both(async |place| {
        let store = place.open().await;
        let flood: Vec<_> = (0..10_000).map(|_| new_scan("one")).collect();
        let mut waiting = tokio::task::JoinSet::new();
        for scan in flood {
            let store = store.clone();
            waiting.spawn(async move { store.submit(scan).await.map(drop) });
        }
        while let Some(done) = waiting.join_next().await {
            done.unwrap().unwrap();
        }
        let claims = async |n: usize| {
            let mut tenants = Vec::new();
            for _ in 0..n {
                let claimed = claim(&store, "w", LEASE).await;
                tenants.push(claimed.lease.tenant.to_string());
                store.finish(&claimed.lease, JobEnd::Completed, &succeeded()).await.unwrap();
            }
            tenants
        };
        assert!(claims(5).await.iter().all(|tenant| tenant == "one"));
        let started = std::time::Instant::now();
        submit(&store, "two").await;
        let next = claims(3).await;
        assert!(next.contains(&"two".to_owned()), "{next:?}");
        println!(
            "case 113: another tenant's job was claimed {:?} after its submit, 10,000 before it",
            started.elapsed()
        );

        // Weights: of ten turns a tenant with weight 4 gets four times as many as one with weight 1.
        let change = certus_store::TenantChange { weight: Some(4), ..Default::default() };
        store.change_tenant(&id("two"), &change, "tests").await.unwrap();
        for _ in 0..20 {
            submit(&store, "two").await;
        }
        let turns = claims(10).await;
        let two = turns.iter().filter(|tenant| *tenant == "two").count();
        assert!((7..=9).contains(&two), "{turns:?}");
    });
}

#[test]
fn the_interactive_lane_goes_first_and_the_other_is_not_forgotten() {
    on_both(async |place| {
        let store = place.open().await;
        let batch = certus_store::NewScan { lane: Lane::Batch, ..new_scan("one") };
        store.submit(batch.clone()).await.unwrap();
        let interactive = submit(&store, "one").await;
        assert_eq!(claim(&store, "w", LEASE).await.lease.scan, interactive);
        assert_eq!(claim(&store, "w", LEASE).await.lease.scan, batch.id);
    });
}

#[test]
fn scans_are_called_off_before_and_while_they_run() {
    on_both(async |place| {
        let store = place.open().await;
        let (waits, runs) = (submit(&store, "one").await, submit(&store, "one").await);
        let one = id("one");
        assert_eq!(store.cancel(Reach::Tenant(&id("two")), &waits, "tests").await.unwrap(), Cancel::Unknown);
        assert_eq!(store.cancel(Reach::Tenant(&one), &waits, "tests").await.unwrap(), Cancel::Cancelled);
        assert_eq!(store.cancel(Reach::Tenant(&one), &waits, "tests").await.unwrap(), Cancel::Ended);
        let held = claim(&store, "w", LEASE).await;
        assert_eq!(held.lease.scan, runs, "what was called off is never claimed");
        assert_eq!(store.heartbeat(&held.lease, LEASE).await.unwrap(), Heartbeat::GoOn);
        assert_eq!(store.cancel(Reach::Tenant(&one), &runs, "tests").await.unwrap(), Cancel::Requested);
        assert_eq!(store.heartbeat(&held.lease, LEASE).await.unwrap(), Heartbeat::Cancelled);
        let events = store.events(Reach::All, &waits, 0, 10).await.unwrap();
        assert_eq!(events.len(), 1);
        assert_eq!(events[0].body["status"], "CANCELLED");
    });
}

#[test]
fn a_job_that_is_given_back_counts_or_not() {
    on_both(async |place| {
        let store = place.open().await;
        submit(&store, "one").await;
        let held = claim(&store, "w", LEASE).await;
        store.release(&held.lease, NONE, false).await.unwrap();
        let held = claim(&store, "w", LEASE).await;
        assert_eq!(held.attempt, 1, "a drain is nobody's failure");
        store.release(&held.lease, NONE, true).await.unwrap();
        let held = claim(&store, "w", LEASE).await;
        assert_eq!(held.attempt, 2);
        store.release(&held.lease, LEASE, true).await.unwrap();
        assert!(store.claim("w", LEASE, Lane::Interactive).await.unwrap().is_none(), "it waits");
    });
}

#[test]
fn findings_replace_those_of_an_earlier_attempt() {
    on_both(async |place| {
        let store = place.open().await;
        let scan = submit(&store, "one").await;
        let rows = |n: i64, rule: &str| -> Vec<_> {
            (0..n)
                .map(|ordinal| certus_store::FindingRow {
                    ordinal,
                    fingerprint: format!("{ordinal:032x}"),
                    plugin: "certus.secrets".to_owned(),
                    rule: rule.to_owned(),
                    severity: if ordinal % 2 == 0 { certus_model::Severity::High } else { certus_model::Severity::Low },
                    path: Some("a.txt".to_owned()),
                    line: Some(ordinal),
                    suppressed: false,
                    body: json!({ "n": ordinal }),
                })
                .collect()
        };
        let first = claim(&store, "w", NONE).await;
        store.keep_findings(&first.lease, &rows(1_200, "old")).await.unwrap();
        store.reclaim("other", &[]).await.unwrap();
        let second = claim(&store, "other", LEASE).await;
        store.keep_findings(&second.lease, &rows(700, "new")).await.unwrap();
        let all = FindingFilter { limit: 2_000, ..Default::default() };
        let page = store.findings(Reach::Tenant(&id("one")), &scan, &all).await.unwrap();
        assert_eq!((page.items.len(), page.more), (700, false));
        assert!(page.items.iter().all(|finding| finding.rule == "new"));
        let some =
            FindingFilter { severity: Some(certus_model::Severity::High), from: 10, limit: 3, ..Default::default() };
        let page = store.findings(Reach::Tenant(&id("one")), &scan, &some).await.unwrap();
        assert_eq!(page.items.iter().map(|finding| finding.ordinal).collect::<Vec<_>>(), [10, 12, 14]);
        assert!(page.more);
        assert!(store.findings(Reach::Tenant(&id("two")), &scan, &all).await.unwrap().items.is_empty());
    });
}
