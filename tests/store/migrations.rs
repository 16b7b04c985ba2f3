//! The schema, forwards and back.

use certus_store::{Error, SchemaState, Store};

use super::on_both;
use crate::support::postgres::Database;

#[test]
fn steps_are_taken_and_taken_back() {
    on_both(async |place| {
        let role = place.postgres.is_some().then_some(Database::role());
        let done = Store::migrate(&place.owner, role).await.unwrap();
        let all = [
            "records",
            "guards",
            "operations",
            "operations wall",
            "trust",
            "trust wall",
            "tenant signing",
            "privacy",
            "privacy wall",
        ];
        assert_eq!((done.from, done.to, done.steps), (0, 9, all.to_vec()));
        let again = Store::migrate(&place.owner, role).await.unwrap();
        assert_eq!((again.from, again.steps.len()), (9, 0));
        Store::open(&place.url, 2).await.unwrap().close().await;
        let back = Store::rollback(&place.owner, 1).await.unwrap();
        assert_eq!((back.from, back.to, back.steps), (9, 8, vec!["privacy wall"]));
        let older = Store::open(&place.url, 2).await.map(drop).unwrap_err();
        assert!(matches!(older, Error::SchemaOlder { found: 8, wanted: 9, .. }), "{older:?}");
        let back = Store::rollback(&place.owner, 9).await.unwrap();
        assert_eq!((back.to, back.steps), (0, all[..8].iter().rev().copied().collect()));
        assert_eq!(Store::schema(&place.owner).await.unwrap(), SchemaState { found: 0, wanted: 9 });
        Store::migrate(&place.owner, role).await.unwrap();
        Store::open(&place.url, 2).await.unwrap().close().await;
    });
}

#[test]
fn case_115_an_older_program_refuses_a_newer_schema() {
    on_both(async |place| {
        place.migrate().await;
        let insert = "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time) \
                      VALUES (99, 'later', TRUE, 'x', 0)";
        place.tamper(insert).unwrap();
        let newer = Store::open(&place.url, 2).await.map(drop).unwrap_err();
        assert!(matches!(newer, Error::SchemaNewer { found: 99, wanted: 9, .. }), "{newer:?}");
        for refused in
            [Store::migrate(&place.owner, None).await.map(drop), Store::rollback(&place.owner, 1).await.map(drop)]
        {
            assert!(matches!(refused, Err(Error::SchemaNewer { .. })), "{refused:?}");
        }
        place.tamper("DELETE FROM _sqlx_migrations WHERE version = 99").unwrap();
        assert!(Store::open(&place.url, 2).await.is_ok(), "the twin: its own schema");
    });
}

#[test]
fn a_backup_holds_what_was_acknowledged() {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let place = super::Place::sqlite();
        let store = place.open().await;
        store.submit(super::new_scan("one")).await.unwrap();
        let copy = place.path().join("copy.db");
        Store::backup(&place.url, &copy, "/usr/bin:/bin".as_ref()).await.unwrap();
        let again = Store::backup(&place.url, &copy, "/usr/bin:/bin".as_ref()).await.unwrap_err();
        assert!(again.to_string().contains("exists"), "{again}");
        let restored = Store::open(&certus_store::DatabaseUrl::sqlite(&copy).unwrap(), 2).await.unwrap();
        assert_eq!(restored.stats().await.unwrap(), store.stats().await.unwrap());
        assert_eq!(restored.audit_check(&[]).await.unwrap().unwrap(), store.audit_head().await.unwrap());
    });
}
