//! Tenants see their own.

use certus_model::{Role, Scope, Sha256};
use certus_store::{AuditFilter, LogRow, NewKey, NewUser, Reach, ScanFilter, TenantChange};

use super::{id, new_scan, on_both};
use crate::support::postgres;

#[test]
fn case_085_interleaved_tenants_see_no_row_of_another() {
    on_both(async |place| {
        let store = place.open().await;
        for at in 0..20 {
            store.submit(new_scan(if at % 2 == 0 { "one" } else { "two" })).await.unwrap();
        }
        let mut waiting = tokio::task::JoinSet::new();
        for at in 0..1_000 {
            let store = store.clone();
            waiting.spawn(async move {
                let tenant = id(if at % 2 == 0 { "one" } else { "two" });
                let all = ScanFilter { limit: 100, ..Default::default() };
                let scans = store.scans(Reach::Tenant(&tenant), &all).await.unwrap().items;
                let events = AuditFilter { limit: 100, ..Default::default() };
                let events = store.audit_events(Reach::Tenant(&tenant), &events).await.unwrap();
                (
                    scans.len(),
                    scans.iter().all(|scan| scan.tenant == tenant) && events.iter().all(|e| e.tenant == tenant),
                )
            });
        }
        while let Some(seen) = waiting.join_next().await {
            assert_eq!(seen.unwrap(), (10, true));
        }
    });
}

#[test]
fn case_085_row_security_holds_where_a_query_forgets_the_tenant() {
    let Some(server) = postgres::server() else { return };
    let place = super::Place::postgres(server);
    super::on_both(async |_| {});
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let store = place.open().await;
        store.submit(new_scan("one")).await.unwrap();
    });
    let (_, database) = place.postgres.as_ref().unwrap();
    // As the service's role, without any condition: what a forgotten WHERE would show.
    let seen = |tenant: &str| {
        let sql = format!(
            "SET ROLE certus_service; BEGIN; SELECT set_config('certus.tenant', '{tenant}', true); SELECT 'n=' || count(*) FROM scans; COMMIT"
        );
        server.sql(database.name(), &sql)
    };
    assert!(seen("one").contains("n=1"));
    assert!(seen("two").contains("n=0"));
    assert!(seen("").contains("n=0"), "an empty tenant is nobody");
    let unset = server.sql(database.name(), "SET ROLE certus_service; SELECT 'n=' || count(*) FROM scans");
    assert!(unset.contains("n=0"), "an unset one too");
}

#[test]
fn keys_open_until_they_are_revoked_expire_or_lose_their_user() {
    on_both(async |place| {
        let store = place.open().await;
        let new = NewUser { tenant: id("one"), name: "ada".to_owned(), role: Role::Tenant };
        let user = store.create_user(&new, "tests").await.unwrap().expect("a user");
        assert!(store.create_user(&new, "tests").await.unwrap().is_none(), "a name is taken once");
        let make = async |name: &str, expires_at| {
            let key = NewKey {
                id: format!("{:012x}", Sha256::of(name.as_bytes()).to_string().len()) + name,
                user: user.id.clone(),
                name: name.to_owned(),
                scope: Scope::Write,
                secret: Sha256::of(name.as_bytes()),
                expires_at,
            };
            let one = id("one");
            store.create_key(Reach::Tenant(&one), &key, "tests").await.unwrap().expect("a key").id
        };
        let (good, expired) = (make("good", i64::MAX).await, make("expired", 1).await);
        let valid = async |key: &str| store.principal(key).await.unwrap().expect("a key").valid;
        assert!(valid(&good).await && !valid(&expired).await);
        assert!(store.principal("nobody").await.unwrap().is_none());
        assert!(store.revoke_key(Reach::Tenant(&id("two")), &good, "tests").await.unwrap().is_none(), "not its own");
        assert!(valid(&good).await);
        store.disable_user(Reach::All, &user.id, true, "tests").await.unwrap().unwrap();
        assert!(!valid(&good).await);
        store.disable_user(Reach::All, &user.id, false, "tests").await.unwrap().unwrap();
        assert!(valid(&good).await);
        store.revoke_key(Reach::Tenant(&id("one")), &good, "tests").await.unwrap().unwrap();
        assert!(!valid(&good).await);
        let kept = store.principal(&good).await.unwrap().unwrap();
        assert_eq!(kept.secret, Sha256::of(b"good"), "only the digest is kept");
    });
}

#[test]
fn a_signing_key_is_one_tenants_for_ever() {
    on_both(async |place| {
        let store = place.open().await;
        let (one, two, nobody) = (id("one"), id("two"), id("nobody"));
        for tenant in [&one, &two] {
            store.create_tenant(tenant, "tests", "tests").await.unwrap();
        }
        let set = async |key: Option<&str>| {
            let signing_key = Some(key.map(str::to_owned));
            let change = TenantChange { signing_key, ..Default::default() };
            store.change_tenant(&one, &change, "tests").await.unwrap().expect("a tenant").signing_key
        };
        assert_eq!(store.signing_key(&one).await.unwrap(), None);
        assert_eq!(set(Some("awskms:///alias/one")).await.as_deref(), Some("awskms:///alias/one"));
        assert_eq!(store.signing_key(&one).await.unwrap().as_deref(), Some("awskms:///alias/one"));
        assert_eq!(store.signing_key(&two).await.unwrap(), None);
        store.change_tenant(&one, &TenantChange::default(), "tests").await.unwrap();
        assert!(store.signing_key(&one).await.unwrap().is_some(), "what is not said stays");
        assert_eq!(set(None).await, None);

        let (own, hosts) = (Sha256::of(b"own"), Sha256::of(b"the host's"));
        let claim = async |tenant, key| store.claim_key(tenant, key, "PEM", "tests").await;
        assert!(claim(&one, own).await.unwrap() && claim(&one, own).await.unwrap(), "as often as it is asked");
        assert!(!claim(&two, own).await.unwrap(), "another's");
        assert!(!claim(&nobody, Sha256::of(b"any")).await.unwrap(), "a tenant that is none");
        let row = LogRow {
            id: "01".to_owned(),
            index: 0,
            tenant: two.clone(),
            scan: None,
            assessment: None,
            signer: hosts,
            artifact: own,
            kind: "scan".to_owned(),
            signature: String::new(),
            envelope: "{}".to_owned(),
            at: 0,
        };
        store.keep_log_row(&row).await.unwrap();
        assert!(!claim(&one, hosts).await.unwrap(), "it has signed for another");
        assert!(claim(&two, hosts).await.unwrap(), "the twin");
        let kept = store.tenant_keys().await.unwrap();
        assert_eq!(kept.iter().map(|key| &key.tenant).collect::<Vec<_>>(), [&one, &two]);
        let filter = AuditFilter { action: Some("tenant.key-claimed".to_owned()), limit: 10, ..Default::default() };
        assert_eq!(store.audit_events(Reach::All, &filter).await.unwrap().len(), 2, "each once");
        let last = store.audit_events(Reach::All, &filter).await.unwrap().pop().expect("two");
        let narrow = |actor: &str, since, until| AuditFilter {
            actor: Some(actor.to_owned()),
            since: Some(since),
            until: Some(until),
            ..filter.clone()
        };
        for (filter, some) in [
            (narrow(&last.actor, last.at, last.at), true),
            (narrow("somebody else", last.at, last.at), false),
            (narrow(&last.actor, last.at + 1, i64::MAX), false),
            (narrow(&last.actor, 0, 1), false),
        ] {
            let found = store.audit_events(Reach::All, &filter).await.unwrap();
            assert_eq!(found.contains(&last), some, "{filter:?}");
        }
    });
}
