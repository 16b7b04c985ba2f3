//! The audit chain.

use certus_store::{AuditFault, Checkpoint, NewAudit, Store};
use serde_json::json;

use super::{Place, id, on_both};
use crate::support::postgres;

async fn chain(place: &Place) -> Store {
    let store = place.open().await;
    for at in 0..5 {
        let event = NewAudit {
            tenant: id("one"),
            actor: "ada".to_owned(),
            action: "scan.submitted",
            object: format!("scan {at}"),
            detail: json!({ "n": at, "nested": { "b": 1, "a": [2] } }),
        };
        store.audit(event).await.unwrap();
    }
    store
}

/// What takes the guards away for whoever holds the database.
fn disarm(place: &Place) {
    let sql = if place.postgres.is_some() {
        "ALTER TABLE audit_events DISABLE TRIGGER ALL"
    } else {
        "DROP TRIGGER audit_events_no_update; DROP TRIGGER audit_events_no_delete"
    };
    place.tamper(sql).unwrap();
}

#[test]
fn case_127_an_untouched_chain_is_whole() {
    on_both(async |place| {
        let store = chain(&place).await;
        let head = store.audit_check(&[]).await.unwrap().expect("whole");
        assert_eq!((head.seq, head), (7, store.audit_head().await.unwrap()));
        let signed = Checkpoint { head, at: 1, envelope: "{}".to_owned() };
        store.keep_checkpoint(&signed).await.unwrap();
        store.keep_checkpoint(&signed).await.unwrap();
        assert_eq!(store.checkpoints().await.unwrap().len(), 1);
        assert!(store.audit_check(&[head]).await.unwrap().is_ok());
    });
}

#[test]
fn case_127_whatever_is_done_to_a_row_names_the_first_bad_one() {
    let rehash = "UPDATE audit_head SET digest = (SELECT digest FROM audit_events ORDER BY seq DESC LIMIT 1), \
                  seq = (SELECT max(seq) FROM audit_events)";
    let cases: &[(&str, String, AuditFault)] = &[
        ("edited", "UPDATE audit_events SET actor = 'eve' WHERE seq = 4".to_owned(), AuditFault::Changed { seq: 4 }),
        (
            "detail edited",
            "UPDATE audit_events SET detail = '{}' WHERE seq = 5".to_owned(),
            AuditFault::Changed { seq: 5 },
        ),
        ("deleted", "DELETE FROM audit_events WHERE seq = 3".to_owned(), AuditFault::Missing { seq: 3 }),
        ("first deleted", "DELETE FROM audit_events WHERE seq = 1".to_owned(), AuditFault::Missing { seq: 1 }),
        (
            "inserted",
            "INSERT INTO audit_events SELECT 8, tenant_id, at, actor, action, object, detail, previous, digest \
             FROM audit_events WHERE seq = 7"
                .to_owned(),
            AuditFault::Changed { seq: 8 },
        ),
        ("truncated", "DELETE FROM audit_events".to_owned(), AuditFault::Head { head: 7, last: 0 }),
        ("cut off", "DELETE FROM audit_events WHERE seq > 5".to_owned(), AuditFault::Head { head: 7, last: 5 }),
        (
            "cut off, head swapped",
            format!("DELETE FROM audit_events WHERE seq > 5; {rehash}"),
            AuditFault::Head { head: 7, last: 5 },
        ),
        ("head swapped", "UPDATE audit_head SET seq = 3".to_owned(), AuditFault::Head { head: 7, last: 7 }),
    ];
    for (name, sql, expected) in cases {
        on_both(async |place| {
            let store = chain(&place).await;
            let signed = store.audit_head().await.unwrap();
            disarm(&place);
            place.tamper(sql).unwrap();
            let found = store.audit_check(&[signed]).await.unwrap().expect_err(name);
            assert_eq!(&found, expected, "{name}");
        });
    }
}

#[test]
fn case_127_the_database_refuses_to_change_what_happened() {
    on_both(async |place| {
        let store = chain(&place).await;
        if place.postgres.is_some() {
            return;
        }
        for sql in
            ["UPDATE audit_events SET actor = 'eve'", "DELETE FROM audit_events", "DELETE FROM audit_checkpoints"]
        {
            if sql.contains("checkpoints") {
                let head = store.audit_head().await.unwrap();
                store.keep_checkpoint(&Checkpoint { head, at: 1, envelope: "{}".to_owned() }).await.unwrap();
            }
            let refused = place.tamper(sql).expect_err(sql);
            assert!(refused.contains("never"), "{refused}");
        }
        assert!(store.audit_check(&[]).await.unwrap().is_ok());
    });
}

#[test]
fn case_127_the_service_s_role_may_only_append() {
    let Some(server) = postgres::server() else { return };
    let place = Place::postgres(server);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let store = runtime.block_on(chain(&place));
    assert!(!runtime.block_on(store.owns_its_guards()).unwrap());
    let (_, database) = place.postgres.as_ref().unwrap();
    for sql in [
        "UPDATE audit_events SET actor = 'eve'",
        "DELETE FROM audit_events",
        "TRUNCATE audit_events",
        "ALTER TABLE audit_events DISABLE TRIGGER ALL",
        "DROP TRIGGER append_only_rows ON audit_events",
        "SET session_replication_role = replica",
        "ALTER TABLE scans DISABLE ROW LEVEL SECURITY",
    ] {
        let refused = server.refuses(database.name(), &format!("SET ROLE certus_service; {sql}"));
        assert!(refused.contains("permission denied") || refused.contains("must be owner"), "{sql}: {refused}");
    }
    // The owner too is stopped by the triggers, unless it takes them away first.
    for sql in ["UPDATE audit_events SET actor = 'eve'", "DELETE FROM audit_events", "TRUNCATE audit_events"] {
        let refused = server.refuses(database.name(), sql);
        assert!(refused.contains("append-only"), "{sql}: {refused}");
    }
    assert!(runtime.block_on(store.audit_check(&[])).unwrap().is_ok());
}
